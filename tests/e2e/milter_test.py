#!/usr/bin/env python3
"""The milter, asked by a real Postfix: who is stopped is refused, everybody else mails on whatever becomes of the agent,
and what is in mail that the wire hides is known."""
import grp
import os
import shutil
import signal
import smtplib
import socket
import ssl
import stat
import struct
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
import mailserver  # noqa: E402
from agent import BUILD, Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

HOST = "vps1"
ACCOUNTS = {"alice": "a-secret", "bob": "b-secret", "carol": "c-secret"}
MILTER_PORT = 8891
CLIENT = "192.0.2.77"
MEMORY = 400000 if "asan" in BUILD else 150000  # kilobytes

CONFIGURATION = """
[capture]
mta_users = root postfix
ports = {ports}

[logs]
journal = no
files = {log}

[policy]
alert = 900
throttle = 950
block = 999

[bulk]
recipients = 4

[enforce]
mode = enforce

[milter]
listen = {listen}
fail = {fail}
patience = 1s
sessions = 100
"""

# Near-identical bodies: names and numbers differ. Only the submission's port is watched, and there it is all TLS.
BODY = """From: {account}@firm.postern
To: {to}
Subject: invoice {number}

Dear {to},

your invoice number {number} is overdue since several weeks already. Please open the document behind this address and
pay the amount of {number} dollars today, or our lawyers are going to visit your offices without any further warning.
.
..
"""

# What Postfix is told beside mailserver.py's: it asks the milter alone, and offers TLS.
MORE = """
smtpd_milters = {milter}
milter_default_action = accept
milter_connect_timeout = 5s
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {certificate}
smtpd_client_message_rate_limit = 0
"""


def name(account):
    return f"account:{account}@shared.test"


def make_certificate(bed):
    path = os.path.join(bed.directory, "relay.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=relay.test",
                    "-keyout", path + ".key", "-out", path], check=True, capture_output=True)
    with open(path + ".key") as key, open(path, "a") as file:
        file.write(key.read())
    return path


class Site:
    """A host with an agent, its milter and a Postfix."""

    def __init__(self, bed, listen, fail="accept", log=None, ports="587"):
        self.bed, self.listen, self.fail = bed, listen, fail
        log = os.path.join(bed.directory, "postfix", "output") if log is None else log
        self.agent = Agent(bed, HOST, CONFIGURATION.format(ports=ports, log=log, listen=listen, fail=fail))

    def postfix(self, milter):
        postfix = mailserver.Postfix(self.bed, HOST, 587, ACCOUNTS, relay=self.bed.SINK4,
                                     policy=os.path.join(self.agent.directory, "policy"))
        with open(os.path.join(postfix.directory, "main.cf"), "a") as file:
            file.write(MORE.format(milter=milter, certificate=make_certificate(self.bed)))
        postfix.start()
        return postfix

    def submit(self, account, recipients, text="Subject: news\n\nHello.\n", tls=True, source=None):
        """What became of each: a code and words."""
        def inside():
            with smtplib.SMTP("127.0.0.1", 587, timeout=20, local_hostname="pc.firm.postern",
                              source_address=source and (source, 0)) as server:
                if tls:
                    server.starttls(context=ssl._create_unverified_context())
                server.login(f"{account}@shared.test", ACCOUNTS[account])
                server.mail(f"{account}@firm.postern")
                answers = [server.rcpt(to) for to in recipients]
                if any(code == 250 for code, _ in answers):
                    answers.append(server.data(text))
                return [(code, words.decode(errors="replace")) for code, words in answers]
        return self.bed.within(HOST, inside)


def all_taken(answers):
    return bool(answers) and all(code == 250 for code, _ in answers)


def check_verdicts(checks, site, agent):
    checks.that("mail passes", all_taken(site.submit("alice", ["ben@other.postern"])))
    status = agent.status()["policy"]
    checks.that("the milter has asked for the recipient and for the message, and told of the content",
                status["asked"] >= 2 and status["malformed"] == 0, status)
    agent.postern("block", name("alice"), "--for", "10m", "--reason", "100% spam")
    agent.wait(lambda: name("alice") in agent.orders(), 5, "the order")
    answers = site.submit("alice", ["ben@other.postern", "eve@other.postern"])
    checks.that("a blocked account is refused for each recipient, with a name to look up",
                len(answers) == 2 and all(code == 554 and "5.7.1" in words and name("alice") in words
                                          for code, words in answers), answers)
    checks.that("others mail on", all_taken(site.submit("bob", ["ben@other.postern"])))
    agent.postern("throttle", name("bob"), "--rate", "1", "--for", "10m", "--reason", "less than a block")
    agent.wait(lambda: name("bob") in agent.orders(), 5, "the order")
    answers = [site.submit("bob", ["a@other.postern", "b@other.postern"])[0][0] for _ in range(4)]
    checks.that("a throttled account's other messages are put off", answers.count(250) in (1, 2) and
                answers.count(450) >= 2, answers)
    for account in ("alice", "bob"):
        agent.postern("release", name(account), "--reason", "it was a test")
    agent.wait(lambda: not agent.orders(), 5, "the release")
    checks.that("after the release it mails on", all_taken(site.submit("alice", ["ben@other.postern"])))


def messages(agent, account):
    return agent.sender(name(account)).get("messages", 0)


def spam(site, accounts, each, tls, first=0):
    for account in accounts:
        for number in range(first, first + each):
            to = f"reader{number}@d{number}.postern"
            answers = site.submit(account, [to], BODY.format(account=account, to=to, number=number * 7919), tls)
            if not all_taken(answers):
                raise RuntimeError(answers)


def says_bulk(agent, account):
    return "senders sent one body" in agent.postern("explain", name(account)).stdout


def check_content(checks, site, agent):
    agent.wait(lambda: messages(agent, "alice") == 2, 10, "what was sent before")
    before = {account: messages(agent, account) for account in ACCOUNTS}
    spam(site, ACCOUNTS, 5, tls=True)
    agent.wait(lambda: all(messages(agent, a) >= before[a] + 5 for a in ACCOUNTS), 10, "all messages")
    agent.wait(lambda: any(says_bulk(agent, a) for a in ACCOUNTS), 5, "the run")
    checks.that("three accounts that send one body behind TLS are found, and explain shows it", True)
    time.sleep(12)
    found = {account: messages(agent, account) - before[account] for account in ACCOUNTS}
    checks.that("what milter and log tell of is one message", found == {account: 5 for account in ACCOUNTS}, found)


def is_asked(site, agent):
    """A message goes through the milter, and not past one that is away."""
    before = agent.status()["policy"]["asked"]
    return all_taken(site.submit("alice", ["ben@other.postern"])) and agent.status()["policy"]["asked"] > before


def check_tempfail(checks, bed, _):
    """At a path, for a group; and where mail waits rather than pass unasked."""
    shutil.rmtree(os.path.join(bed.directory, "postfix"), ignore_errors=True)
    path = os.path.join(bed.directory, "milter", "socket")
    site = Site(bed, f"unix:{path}", fail="tempfail", ports="25")  # else the kernel stops the address itself
    with site.agent as agent:
        agent.wait(lambda: os.path.exists(path), 10, "the milter's socket")
        status = os.stat(path)
        checks.that("the socket is its user's and the group's, and nobody else's", stat.S_IMODE(status.st_mode) == 0o660
                    and status.st_uid not in (0, os.getuid()) and status.st_gid == grp.getgrnam("postfix").gr_gid, status)
        postfix = site.postfix(f"unix:{path}")
        try:
            agent.wait(lambda: is_asked(site, agent), 10, "the first message")
            checks.that("mail passes", True)
            bed.run(HOST, ["ip", "address", "add", f"{CLIENT}/32", "dev", "lo"])
            checks.that("another client's too", all_taken(site.submit("alice", ["ben@other.postern"], source=CLIENT)))
            agent.postern("block", CLIENT, "--for", "10m", "--reason", "an address")
            agent.wait(lambda: CLIENT in agent.orders(), 5, "the order")
            answers = site.submit("alice", ["ben@other.postern"], source=CLIENT)
            checks.that("a blocked address is refused", answers[0][0] in (550, 554), answers)
            milter = milter_of(agent)
            os.kill(milter, signal.SIGKILL)
            agent.wait(lambda: milter_of(agent) not in (milter, None), 10, "another milter")
            agent.wait(lambda: is_asked(site, agent), 30, "a message through it")
            courier = agent.processes()["courier"]
            os.kill(courier, signal.SIGSTOP)
            answers = site.submit("alice", ["ben@other.postern"])
            os.kill(courier, signal.SIGCONT)
            checks.that("while the agent is silent mail is put off", answers[0][0] == 451, answers)
        finally:
            postfix.stop()


def milter_of(agent):
    return agent.processes().get("milter")


def check_away(checks, site, agent):
    """The agent does not answer, or the milter is not there: mail goes on."""
    courier = agent.processes()["courier"]
    os.kill(courier, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        answers = site.submit("alice", ["a@other.postern", "b@other.postern", "c@other.postern"])
        took = time.monotonic() - begun
        checks.that("while the agent is silent mail passes", all_taken(answers), answers)
        checks.that("and waits once, not for each recipient", took < 3, took)
    finally:
        os.kill(courier, signal.SIGCONT)
    time.sleep(6)
    agent.postern("block", name("alice"), "--for", "10m", "--reason", "again")
    agent.wait(lambda: name("alice") in agent.orders(), 5, "the order")
    agent.wait(lambda: site.submit("alice", ["ben@other.postern"])[0][0] == 554, 10, "the refusal")
    checks.that("when it answers again, orders hold again", True)
    agent.postern("release", name("alice"), "--reason", "it was a test")
    agent.wait(lambda: not agent.orders(), 5, "the release")


def check_killed(checks, site, agent):
    """Killed while mail flows: nothing is lost, and it is back."""
    before, answers, kills = messages(agent, "carol"), [], 0

    def send():
        for number in range(40):
            answers.append(site.submit("carol", [f"r{number}@other.postern"]))
    sender = threading.Thread(target=send)
    sender.start()
    while sender.is_alive():
        pid = milter_of(agent)
        if pid:
            os.kill(pid, signal.SIGKILL)
            kills += 1
        time.sleep(0.5)
    sender.join()
    checks.that(f"{len(answers)} messages while the milter is killed {kills} times: all are taken", kills >= 2 and
                len(answers) == 40 and all(map(all_taken, answers)), (kills, answers))
    agent.wait(lambda: messages(agent, "carol") >= before + 40, 20, "all messages")
    time.sleep(1)
    checks.that("each counts once", messages(agent, "carol") == before + 40, messages(agent, "carol"))
    agent.wait(lambda: milter_of(agent), 35, "the milter's return")
    with open(f"/proc/{milter_of(agent)}/status") as file:
        said = file.read()
    checks.that("it has no rights, a user of its own and a list of system calls", "CapEff:\t0000000000000000" in said and
                "Seccomp:\t2" in said and "\nUid:\t0" not in said and "NoNewPrivs:\t1" in said, said)


class Rude:
    """Who speaks the milter's protocol as badly as is wanted."""

    def __init__(self, bed, timeout=20):
        def inside():
            return socket.create_connection(("127.0.0.1", MILTER_PORT), timeout)
        self.socket = bed.within(HOST, inside)

    def say(self, command, data=b"", length=None):
        self.socket.sendall(struct.pack(">I", len(data) + 1 if length is None else length) + command + data)

    def hear(self):
        head = self.socket.recv(5, socket.MSG_WAITALL)
        return head[4:5] + self.socket.recv(struct.unpack(">I", head[:4])[0] - 1, socket.MSG_WAITALL) if len(head) == 5 else b""

    def begin(self):
        self.say(b"O", struct.pack(">III", 6, 0x1ff, 0x1fffff))
        return self.hear()[:1] == b"O"

    def greet(self):
        """As far as a message that has a sender and a recipient."""
        self.begin()
        self.say(b"C", b"pc.firm.postern\0" + b"4" + struct.pack(">H", 4711) + b"198.51.100.77\0")
        self.hear()
        self.say(b"H", b"pc\0")
        self.hear()
        self.say(b"D", b"M" + b"i\0RUDE1\0{auth_authen}\0rude@shared.test\0")
        self.say(b"M", b"<rude@shared.test>\0")
        self.hear()
        self.say(b"R", b"<to@other.postern>\0")
        return self.hear()[:1]

    def close(self):
        self.socket.close()


def memory_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def check_rude(checks, site, agent):
    bed = site.bed
    pid = milter_of(agent)
    rude = Rude(bed)
    checks.that("a session by hand is answered", rude.greet() == b"c")
    rude.say(b"L", b"Subject\0 " + b"x" * 60000 + b"\0")
    rude.hear()
    rude.say(b"L", b"X\0a\nrequest=postern_content\n\naction=reject\0")
    rude.hear()
    rude.say(b"N")
    rude.hear()
    for _ in range(1600):
        rude.say(b"B", b"x" * 65000)
        rude.hear()
    rude.say(b"B", bytes(range(256)) * 100 + b"\0" * 1000)
    rude.hear()
    rude.say(b"E")
    answer = rude.hear()[:1]
    checks.that("a line of 100 MB, zeros and all: digested as it comes", answer == b"c" and memory_of(pid) < MEMORY,
                (answer, memory_of(pid)))
    rude.close()
    for words in ((b"O", b"", 1), (b"O", b"\0" * 5, None), (b"M", b"<early>\0", None), (b"B", b"x", 0xffffffff),
                  (b"\xff", b"\0" * 100, None), (b"D", b"Mi", None), (b"C", b"noend", None), (b"L", b"\0", None)):
        for begun in (False, True):
            client = Rude(bed)
            if begun:
                client.begin()
            client.say(words[0], words[1], words[2])
            client.close()
    half = [Rude(bed) for _ in range(20)]
    for client in half:
        client.begin()
        client.socket.sendall(b"\0\0")
    deaf = Rude(bed)
    deaf.begin()
    deaf.socket.settimeout(2)
    try:
        for _ in range(200000):
            deaf.say(b"H", b"never reads\0")
    except OSError:
        pass
    checks.that("after half and senseless words mail passes", all_taken(site.submit("alice", ["ben@other.postern"])))
    crowd = []
    for _ in range(1000):
        try:
            crowd.append(Rude(bed, 1))
        except OSError:
            break
    checks.that("while a thousand say nothing mail passes", all_taken(site.submit("alice", ["ben@other.postern"])),
                len(crowd))
    agent.postern("block", name("bob"), "--for", "10m", "--reason", "in a crowd")
    agent.wait(lambda: site.submit("bob", ["ben@other.postern"])[0][0] == 554, 40, "the milter's answer in a crowd")
    checks.that("and soon they are ended, so that orders hold", milter_of(agent) == pid, (pid, milter_of(agent)))
    checks.that("memory stays bounded", memory_of(pid) < MEMORY, memory_of(pid))
    agent.postern("release", name("bob"), "--reason", "it was a test")
    agent.wait(lambda: not agent.orders(), 5, "the release")
    many = [Rude(bed) for _ in range(130)]
    begun = []
    for client in many:
        try:
            begun.append(client.begin())
        except (OSError, struct.error):
            begun.append(False)
    checks.that("sessions are bounded", 50 <= sum(begun) <= 100, sum(begun))
    for client in half + crowd + many + [deaf]:
        client.close()
    agent.wait(lambda: Rude(bed).begin(), 10, "a place")
    checks.that("and places come back", True)


# path account: says at the policy socket what was in a message of that account.
SLANDER = r"""
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    s.sendall(f"request=postern_content\nqueue_id=SLANDER{sys.argv[2]}\nsasl_username={sys.argv[2]}@shared.test\n"
              f"sender=x@y.example\nrecipients=5\nsize=99\ndigest={'a' * 32}\nlikeness={'b' * 64}\n\n".encode())
    print(s.recv(100))
"""


def slander(bed, agent, account, user):
    done = bed.run(HOST, ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "/usr/bin/python3", "-ISc", SLANDER,
                          os.path.join(agent.directory, "policy"), account])
    if "action=" not in done.stdout:
        raise RuntimeError((done.stdout, done.stderr))


def check_alone(checks, bed, _):
    """Without a log."""
    shutil.rmtree(os.path.join(bed.directory, "postfix"), ignore_errors=True)
    site = Site(bed, f"inet:{MILTER_PORT}@127.0.0.1", log="")
    with site.agent as agent:
        agent.wait(lambda: bed.can_connect(HOST, "127.0.0.1", MILTER_PORT), 10, "the milter")
        postfix = site.postfix(f"inet:127.0.0.1:{MILTER_PORT}")
        try:
            slander(bed, agent, "mallory", "1001")
            slander(bed, agent, "root", "0")
            spam(site, ACCOUNTS, 5, tls=True)
            spam(site, ["alice"], 3, tls=False, first=50)
            agent.wait(lambda: messages(agent, "bob") >= 5, 20, "the messages")
            agent.wait(lambda: any(says_bulk(agent, a) for a in ACCOUNTS), 5, "the run")
            checks.that("where there is no log, the milter's word is enough to find the run", True)
            agent.wait(lambda: messages(agent, "alice") >= 8, 15, "what was sent in the clear")
            time.sleep(3)
            found = {account: messages(agent, account) for account in ACCOUNTS}
            checks.that("content is believed of the milter and of root, and of nobody else", messages(agent, "root") == 1
                        and name("mallory") not in agent.senders(), list(agent.senders()))
            checks.that("what the wire has shown counts once", found == {"alice": 8, "bob": 5, "carol": 5}, found)
        finally:
            postfix.stop()


def in_parts(checks, site, agent, *parts):
    """Those that are named on the command line, or all."""
    for title, part in parts:
        if title in sys.argv[1:] or len(sys.argv) == 1:
            with checks.part(title):
                part(checks, site, agent)


def main():
    checks = Checks()
    lack = missing() or mailserver.missing()
    if lack:
        checks.skip("milter", lack)
        return checks.close()
    with Testbed("milter", guests=1) as bed:
        os.chmod(bed.directory, 0o755)
        site = Site(bed, f"inet:{MILTER_PORT}@127.0.0.1")
        with site.agent as agent:
            agent.wait(lambda: bed.can_connect(HOST, "127.0.0.1", MILTER_PORT), 10, "the milter")
            postfix = site.postfix(f"inet:127.0.0.1:{MILTER_PORT}")
            agent.wait(lambda: agent.status()["watcher"]["log_files"] == 1, 10, "the log")
            try:
                in_parts(checks, site, agent, ("verdicts", check_verdicts), ("content", check_content),
                         ("away", check_away), ("killed", check_killed), ("rude", check_rude))
            finally:
                postfix.stop()
            if checks.failed:
                print(agent.log_text()[-3000:])
        in_parts(checks, bed, None, ("alone", check_alone), ("tempfail", check_tempfail))
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
