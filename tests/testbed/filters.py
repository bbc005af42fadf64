"""Real content filters of a test's own: Rspamd with Redis (Bayes, fuzzy storage), spamd (Bayes; Pyzor; FuzzyOcr), clamd, and
a pyzord. From Debian's packages, on loopback, each in a folder of its own, without a name server; they end with the test,
whatever the test ends of.

    with Rspamd() as rspamd, Spamd() as spamd, Clamd() as clamd:
        centre = Collector(folder, more=rspamd.section() + spamd.section() + clamd.section())
        rspamd.pause(); rspamd.resume()     # it takes connections and never answers
        rspamd.stop(); rspamd.start()       # gone, and there again with all it learned, on the same port

    with Pyzord() as pyzord, Spamd(pyzord=pyzord, pictures=True) as spamd: ...

The messages that they know: GTUBE is spam to Rspamd and spamd for certain, virus() is found by clamd.
"""
import base64
import contextlib
import ctypes
import glob
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
TEST_VIRUS = "POSTERN-HARMLESS-TEST-BODY-FOR-A-VIRUS-SCANNER"  # clamd's signature base knows it, and nobody else's
# As clamd spells it: signatures that are not ClamAV's own are unofficial.
TEST_VIRUS_NAME = "Postern.Test.Harmless.UNOFFICIAL"
PASSWORD = "a word for Rspamd"


def die_with_me():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def family(process):
    """It and all that descend from it."""
    found = [process]
    for one in found:  # grows meanwhile
        with contextlib.suppress(OSError), open(f"/proc/{one}/task/{one}/children", encoding="ascii") as file:
            found += [int(word) for word in file.read().split()]
    return found


class Program:
    """A program with all its children in a process namespace of their own, so that none is left over. `user`: who owns
    its folder."""
    needs = []  # programs
    user = None
    patience = 30

    def __init__(self):
        missing = [path for path in self.needs if not os.path.exists(path)]
        if missing:
            raise FileNotFoundError(f"not installed: {' '.join(missing)}")
        self.process = None
        self.folder = tempfile.mkdtemp(prefix=f"{type(self).__name__.lower()}.")
        self.log = os.path.join(self.folder, "log")
        self.port = free_port()
        self.bed = self.place = None

    def at(self, bed, place):
        """It is to run in a place of a testbed."""
        self.bed, self.place = bed, place
        return self

    def within(self, function):
        return self.bed.within(self.place, function) if self.bed else function()

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def own(self):
        """The folder is its user's."""
        for path, folders, files in os.walk(self.folder):
            for name in [path] + [os.path.join(path, one) for one in folders + files]:
                shutil.chown(name, self.user, self.user)

    def command(self):
        raise NotImplementedError

    def answers(self):
        """It is ready."""
        return self.listens()

    def listens(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def start(self):
        if self.user and os.geteuid() == 0:
            self.own()
        own = ["ip", "netns", "exec", self.bed.namespace(self.place)] if self.bed else []
        own += ["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", '"$@" & wait $!', "sh"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(own + self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                                            preexec_fn=die_with_me)
        end = time.monotonic() + self.patience
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                if self.within(self.answers):
                    return self
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"{type(self).__name__} did not start: {self.said()[-2000:]}")

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def pids(self):
        return family(self.process.pid)[2:]  # without unshare and the shell

    def cpu(self):
        """Seconds of the processors that it has used, without those of children that have ended."""
        ticks = 0
        for one in self.pids():
            with contextlib.suppress(OSError), open(f"/proc/{one}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rsplit(")", 1)[1].split()
                ticks += sum(int(field) for field in fields[11:15])
        return ticks / os.sysconf("SC_CLK_TCK")

    def signal(self, what):
        for one in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, what)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()  # the kernel ends the namespace with it
            self.process.wait(timeout=30)
            end = time.monotonic() + 10
            while time.monotonic() < end and self.within(self.listens):
                time.sleep(0.02)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *unused):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Redis(Program):
    needs = ["/usr/bin/redis-server"]

    def command(self):
        return ["/usr/bin/redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder, "--save", "60 1",
                "--appendonly", "yes", "--appendfsync", "no", "--loglevel", "warning"]

    def ask(self, *words):
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as link:
            link.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in (w.encode() for w in words)))
            return link.recv(65536)

    def answers(self):
        return self.ask("PING") == b"+PONG\r\n"


# What asks name servers or the web, or remembers senders from one message to the next.
RSPAMD_WITHOUT = """antivirus arc asn aws_s3 bimi clickhouse dcc dkim dkim_signing dmarc elastic external_relay
external_services greylist hfilter history_redis http_headers maillist metadata_exporter metric_exporter mx_check neural p0f
once_received phishing ratelimit rbl replies reputation rspamd_update spf surbl url_redirector whitelist""".split()


class Rspamd(Program):
    """`learns`: how many lessons of each class its Bayes wants before it says anything. `whole`: it knows every top-level
    domain, which takes it 10 s to start. `more`: of override.d, a file to its text."""
    needs = ["/usr/bin/rspamd", "/usr/bin/redis-server"]
    user = "_rspamd"

    def __init__(self, learns=5, workers=1, whole=False, more=None, fuzzy_flag=11):
        super().__init__()
        self.redis = Redis()
        self.controller_port, self.fuzzy_port = free_port(), free_port()
        self.password, self.fuzzy_flag = PASSWORD, fuzzy_flag
        domains = "/usr/share/rspamd/effective_tld_names.dat" if whole else self.write("domains", "com\nnet\norg\nde\nuk\nexample\ntest\n")
        files = {
            "options.inc": f'url_tld = "{domains}"; filters = "chartable,regexp,fuzzy_check"; local_addrs = ["192.0.2.255/32"];\n'
                           f'tempdir = "{self.folder}"; dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }}\n',
            "logging.inc": 'type = "console"; level = "notice";\n',
            "worker-normal.inc": f'bind_socket = "127.0.0.1:{self.port}"; count = {workers}; mime = true;\n',
            # No address is trusted: whoever teaches has to say the word.
            "worker-controller.inc": f'bind_socket = "127.0.0.1:{self.controller_port}"; password = "{PASSWORD}";\n'
                                     f'enable_password = "{PASSWORD}"; secure_ip = "192.0.2.255"; count = 1;\n',
            "worker-proxy.inc": "enabled = false; count = 0;\n",
            "worker-fuzzy.inc": f'bind_socket = "127.0.0.1:{self.fuzzy_port}"; count = 1; backend = "redis"; expire = 90d;\n'
                                'allow_update = ["127.0.0.1"]; sync = 0.2s;\n',
            "redis.conf": f'servers = "127.0.0.1:{self.redis.port}";\n',
            "classifier-bayes.conf": f'servers = "127.0.0.1:{self.redis.port}"; min_learns = {learns}; autolearn = false;\n',
            # Instead of the one that is asked over the internet.
            "fuzzy_check.conf": 'rule "local" {\n'
                                f'  algorithm = "mumhash"; servers = "127.0.0.1:{self.fuzzy_port}"; symbol = "LOCAL_FUZZY_UNKNOWN";\n'
                                '  mime_types = ["*"]; max_score = 20.0; read_only = no; skip_unknown = yes;\n'
                                '  short_text_direct_hash = true; min_length = 64;\n'
                                f'  fuzzy_map {{ LOCAL_FUZZY_DENIED {{ max_score = 20.0; flag = {fuzzy_flag}; }} }}\n}}\n'
                                'rule "rspamd.com" { enabled = false; }\n',
            "actions.conf": "greylist = null;\n",
        }
        files.update({f"{module}.conf": "enabled = false;\n" for module in RSPAMD_WITHOUT})
        files.update(more or {})
        for name, text in files.items():
            self.write(f"override.d/{name}", text)
        self.write("local.d/groups.conf", 'group "fuzzy" { symbols { "LOCAL_FUZZY_DENIED" { weight = 12.0; } } }\n')
        os.makedirs(os.path.join(self.folder, "database"))

    def command(self):
        given = {"LOCAL_CONFDIR": self.folder, "DBDIR": os.path.join(self.folder, "database"), "RUNDIR": self.folder,
                 "LOGDIR": self.folder}
        rights = ["-u", self.user, "-g", self.user] if os.geteuid() == 0 else []
        return ["/usr/bin/rspamd", "-f", *rights, "-c", "/etc/rspamd/rspamd.conf", *(f"--var={k}={v}" for k, v in given.items())]

    def at(self, bed, place):
        self.redis.at(bed, place)
        return super().at(bed, place)

    def start(self):
        self.redis.start()
        return super().start()

    def stop(self):
        super().stop()
        self.redis.stop()

    def cpu(self):
        return super().cpu() + self.redis.cpu()

    def answers(self):
        """Both the one that is asked and the one that is taught."""
        for port in (self.port, self.controller_port):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
                link.sendall(b"GET /ping HTTP/1.0\r\n\r\n")
                if b"pong" not in link.recv(4096):
                    return False
        return True

    def section(self, name="rspamd", more=""):
        return (f"[filter {name}]\nkind = rspamd\naddress = 127.0.0.1:{self.port}\ncontroller = 127.0.0.1:{self.controller_port}\n"
                f"password = {self.password}\n{more}")

    def rspamc(self, *words, message=b""):
        """What rspamc, Rspamd's own client, prints."""
        port = self.controller_port if words and words[0] != "symbols" else self.port
        return subprocess.run(["/usr/bin/rspamc", "-h", f"127.0.0.1:{port}", "-P", self.password, *words], input=message,
                              capture_output=True, check=True, timeout=60).stdout.decode(errors="replace")

    def __exit__(self, *unused):
        super().__exit__()
        self.redis.__exit__()


SPAMD = """
dns_available no
skip_rbl_checks 1
use_bayes 1
bayes_auto_learn 0
bayes_path {folder}/bayes/bayes
bayes_min_ham_num {learns}
bayes_min_spam_num {learns}
bayes_journal_max_size 0
lock_method flock
use_razor2 0
"""

PYZOR = """
use_pyzor 1
pyzor_path /usr/bin/pyzor
pyzor_options --homedir {folder}/pyzor
pyzor_timeout 10
pyzor_count_min 2
"""

# Debian's file names programs that are looked for in the path; words and scansets are Debian's.
PICTURES = """
loadplugin FuzzyOcr
ifplugin FuzzyOcr
body FUZZY_OCR eval:fuzzyocr_check()
body FUZZY_OCR_WRONG_CTYPE eval:dummy_check()
body FUZZY_OCR_CORRUPT_IMG eval:dummy_check()
body FUZZY_OCR_WRONG_EXTENSION eval:dummy_check()
body FUZZY_OCR_KNOWN_HASH eval:dummy_check()
priority FUZZY_OCR 900
focr_bin_helper pnmnorm, pnminvert, ppmtopgm
focr_global_wordlist /etc/spamassassin/FuzzyOcr.words
focr_preprocessor_file /etc/spamassassin/FuzzyOcr.preps
focr_scanset_file {folder}/scansets
focr_path_bin /usr/bin
focr_enable_image_hashing 0
focr_timeout 10
focr_verbose 2
focr_autodisable_score 1000
focr_logfile {folder}/pictures.log
focr_log_stderr 0
focr_end_config
endif
"""

SCANSETS = """
scanset gocr {
    command = $gocr
    args = -i $input
}
scanset gocr-180 {
    command = $gocr
    args = -l 180 -d 2 -i $input
}
"""


class Spamd(Program):
    """`learns`: as Rspamd's. `pyzord`: whom its Pyzor asks and reports to. `pictures`: FuzzyOcr reads what is in them."""
    needs = ["/usr/sbin/spamd", "/usr/share/spamassassin/50_scores.cf"]
    user = "debian-spamd"
    patience = 60

    def __init__(self, learns=5, workers=1, pyzord=None, pictures=False, razor=False, more=""):
        super().__init__()
        self.workers, self.program = workers, "/usr/sbin/spamd"
        if pictures and not os.path.exists("/usr/share/perl5/FuzzyOcr.pm"):
            raise FileNotFoundError("not installed: fuzzyocr")
        if pictures:  # FuzzyOcr opens files by names that taint checks refuse to Perl of Debian 12
            with open(self.program, encoding="utf-8") as file:
                self.program = self.write("spamd", file.read().replace("perl -T", "perl", 1))
            os.chmod(self.program, 0o755)
        for path in glob.glob("/etc/spamassassin/*.pre"):
            shutil.copy(path, self.folder)
        rules = SPAMD + (PYZOR if pyzord else "use_pyzor 0\n") + (PICTURES if pictures else "")
        rules = rules.format(folder=self.folder, learns=learns)
        if razor:
            rules = rules.replace("use_razor2 0", f"use_razor2 1\nrazor_config {self.folder}/razor/razor-agent.conf\nrazor_timeout 5")
            self.write("razor/razor-agent.conf", f"razorhome = {self.folder}/razor\nlogfile = {self.folder}/razor/log\n")
        self.write("local.cf", rules + more)
        self.write("scansets", SCANSETS)
        if pyzord:
            self.write("pyzor/servers", f"127.0.0.1:{pyzord.port}\n")
        os.makedirs(os.path.join(self.folder, "bayes"))

    def command(self):
        rights = ["-u", self.user, "-g", self.user] if os.geteuid() == 0 else []
        return [self.program, f"--siteconfigpath={self.folder}", "-i", f"127.0.0.1:{self.port}", "-A", "127.0.0.1", "-x", *rights,
                "--allow-tell", "-m", str(self.workers), f"--min-children={self.workers}", "--max-spare", str(self.workers),
                "--helper-home-dir=" + self.folder, "-s", "stderr"]

    def ask(self, verb, message=b"", *headers):
        """The whole answer of spamd's on one request."""
        lines = [f"{verb} SPAMC/1.5", f"Content-length: {len(message)}", *headers, "", ""]
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as link:
            link.sendall("\r\n".join(lines).encode() + message)
            link.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := link.recv(65536):
                answer += chunk
        return answer.decode(errors="replace")

    def answers(self):
        return "PONG" in self.ask("PING")

    def section(self, name="spamd", more=""):
        return f"[filter {name}]\nkind = spamd\naddress = 127.0.0.1:{self.port}\n{more}"


class Pyzord(Program):
    """The server that Pyzor's clients report bodies to and ask: anyone may do both."""
    needs = ["/usr/bin/pyzord", "/usr/bin/pyzor"]

    def __init__(self):
        super().__init__()
        self.write("access", "check report ping pong info whitelist : anonymous : allow\n")
        self.write("passwords", "")
        self.write("client/servers", f"127.0.0.1:{self.port}\n")

    def command(self):
        return ["/usr/bin/pyzord", "--homedir", self.folder, "-a", "127.0.0.1", "-p", str(self.port), "-e", "gdbm", "--dsn",
                os.path.join(self.folder, "digests"), "--access-file", os.path.join(self.folder, "access"), "--password-file",
                os.path.join(self.folder, "passwords"), "--log-file", os.path.join(self.folder, "log")]

    def pyzor(self, verb, message=b""):
        """Exit status and words of Pyzor's own client."""
        done = subprocess.run(["/usr/bin/pyzor", "--homedir", os.path.join(self.folder, "client"), "-t", "1", verb], input=message,
                              capture_output=True, check=False, timeout=30)
        return done.returncode, done.stdout.decode(errors="replace")

    def answers(self):
        return self.pyzor("ping")[0] == 0


class Clamd(Program):
    """It knows one virus, TEST_VIRUS, by a signature of its own, and EICAR's test file."""
    needs = ["/usr/sbin/clamd"]
    user = "clamav"

    def __init__(self, more=""):
        super().__init__()
        eicar = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
        self.write("signatures/postern.ndb", f"Postern.Test.Harmless:0:*:{TEST_VIRUS.encode().hex()}\n"
                                             f"Eicar-Test-Signature:0:*:{eicar.encode().hex()}\n")
        rights = f"User {self.user}\n" if os.geteuid() == 0 else ""
        self.config = self.write("clamd.conf", f"TCPSocket {self.port}\nTCPAddr 127.0.0.1\nLocalSocket {self.folder}/socket\n"
                                               f"DatabaseDirectory {self.folder}/signatures\nTemporaryDirectory {self.folder}\n"
                                               f"Foreground yes\nScanMail yes\nStreamMaxLength 20M\nMaxThreads 2\n{rights}{more}")

    def command(self):
        return ["/usr/sbin/clamd", "-c", self.config]

    def answers(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as link:
            link.sendall(b"zPING\0")
            return link.recv(64) == b"PONG\0"

    def section(self, name="clamd", more=""):
        return f"[filter {name}]\nkind = clamd\naddress = 127.0.0.1:{self.port}\n{more}"


def letter(body, subject="About the matter", sender="ann@firm.example", recipient="bob@there.example", more=""):
    """A plain message as it is on the wire."""
    text = (f"From: {sender}\nTo: {recipient}\nSubject: {subject}\nDate: Mon, 23 Nov 2026 10:00:00 +0000\n"
            f"Message-ID: <{hashlib.md5((body + subject).encode()).hexdigest()}@firm.example>\nMIME-Version: 1.0\n"
            f"Content-Type: text/plain; charset=utf-8\n{more}\n{body}\n")
    return text.replace("\n", "\r\n").encode()


def picture(words, scale=3):
    """A PNG with these lines in it, drawn by netpbm."""
    drawn = subprocess.run(["/usr/bin/pbmtext"], input="\n".join(words).encode(), capture_output=True, check=True).stdout
    large = subprocess.run(["/usr/bin/pnmscale", str(scale)], input=drawn, capture_output=True, check=True).stdout
    return subprocess.run(["/usr/bin/pnmtopng"], input=large, capture_output=True, check=True).stdout


def picture_letter(png, body="See the picture."):
    encoded = base64.encodebytes(png).decode()
    text = (f"From: ann@firm.example\nTo: bob@there.example\nSubject: A picture\nDate: Mon, 23 Nov 2026 10:00:00 +0000\n"
            f"Message-ID: <{hashlib.md5(png).hexdigest()}@firm.example>\nMIME-Version: 1.0\n"
            f'Content-Type: multipart/mixed; boundary="part"\n\n--part\nContent-Type: text/plain\n\n{body}\n--part\n'
            f'Content-Type: image/png; name="a.png"\nContent-Transfer-Encoding: base64\n'
            f'Content-Disposition: attachment; filename="a.png"\n\n{encoded}--part--\n')
    return text.replace("\n", "\r\n").encode()


def gtube():
    return letter(GTUBE, "A test of filters")


def virus():
    return letter(f"Here is the invoice.\n{TEST_VIRUS}\nKind regards", "Invoice")
