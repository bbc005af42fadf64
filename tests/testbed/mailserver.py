"""Real mail servers of a shared host, with accounts: Postfix with Cyrus SASL and its own password file, Exim with its
plaintext authenticator. Both take submissions on loopback and send on through a relay; both ask a policy socket. And a
relay, a Postfix that takes mail of whole nets.

    postfix = Postfix(bed, "vps1", 587, relay=bed.SINK4, accounts={"alice": "secret"}, policy="/run/x/policy")
    exim = Exim(bed, "vps1", 2525, ...)
    postfix.start() ... postfix.stop()

Everything of theirs is in the bed's directory; what is compiled into them (users, /etc/exim4) is laid over the machine's
own in a mount namespace that ends with them. Needs Debian's postfix and sasl2-bin; Exim is unpacked by mta.sh, since its
package cannot stand beside Postfix's.
"""
import json
import os
import shutil
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
EXIM = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build/mta/exim")

MAIN = """
compatibility_level = 3.6
myhostname = shared.firm.postern
queue_directory = {directory}/spool
data_directory = {directory}/data
maillog_file = /dev/stdout
mydestination =
relayhost = [{relay}]:25
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_bind_address =
disable_dns_lookups = yes
smtp_host_lookup = native
alias_maps =
alias_database =
mynetworks =
cyrus_sasl_config_path = {directory}/sasl
smtpd_sasl_auth_enable = yes
smtpd_sasl_security_options = noanonymous
smtpd_sasl_local_domain = shared.test
smtpd_recipient_restrictions =
    check_policy_service {{ unix:{policy}, timeout=2s, default_action=DUNNO }}
    permit_sasl_authenticated
    reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
"""

# The company's own relay: customers' nets and accounts may send through it. `asks` is where it asks, on port `port`
# with an answer for when nobody answers there, on port `port` + 1 as Postfix does by itself.
RELAY_MAIN = """
compatibility_level = 3.6
myhostname = relay.firm.postern
queue_directory = {directory}/spool
data_directory = {directory}/data
maillog_file = /dev/stdout
mydestination =
relayhost = [{relay}]:25
inet_interfaces = all
inet_protocols = all
smtp_bind_address =
smtp_bind_address6 =
disable_dns_lookups = yes
smtp_host_lookup = native
alias_maps =
alias_database =
mynetworks = {networks}
cyrus_sasl_config_path = {directory}/sasl
smtpd_sasl_auth_enable = yes
smtpd_sasl_security_options = noanonymous
smtpd_sasl_local_domain = shared.test
smtpd_recipient_restrictions = check_policy_service {{ {asks}, timeout=2s, default_action=DUNNO }}
    permit_sasl_authenticated permit_mynetworks reject
smtpd_relay_restrictions = permit_sasl_authenticated, permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_peername_lookup = no
smtpd_policy_service_retry_delay = 1s
smtpd_policy_service_try_limit = 1
"""

RELAY_SMTPD = """
{port} inet n - n - - smtpd
{plain} inet n - n - - smtpd -o {{ smtpd_recipient_restrictions=check_policy_service {asks}, permit_mynetworks, reject }}
"""

SMTPD = """
127.0.0.1:{port} inet n - n - - smtpd
"""

MASTER = """
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
local     unix  - n n - - local
virtual   unix  - n n - - virtual
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
tlsmgr    unix  - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
"""

# "allow": what the agent answers, or DUNNO where it is not there; a temporary failure of the lookup lets pass.
EXIM_CONFIGURATION = """
primary_hostname = shared.firm.postern
exim_path = {root}/usr/sbin/exim4
spool_directory = {directory}/spool
log_file_path = {directory}/log/%slog
pid_file_path = {directory}/exim.pid
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
tls_advertise_hosts =
host_lookup =
keep_environment =
rfc1413_hosts =
queue_only = false
acl_smtp_rcpt = submission
begin acl
submission:
  deny    !authenticated = *
  warn    set acl_c_postern = ${{readsocket{{{policy}}}{{request=smtpd_access_policy\\nprotocol_state=RCPT\\n\\
sasl_username=${{tr{{$authenticated_id}}{{\\n}}{{?}}}}\\n\\n}}{{2s}}{{}}{{action=DUNNO}}}}
  deny    condition = ${{if match{{$acl_c_postern}}{{\\N^action=5\\d\\d 5\\.7\\.1 (.*)\\N}}{{true}}}}
          message = ${{sg{{$acl_c_postern}}{{\\N(?s)^action=(.*?)\\n.*\\N}}{{\\$1}}}}
  defer   condition = ${{if match{{$acl_c_postern}}{{\\N^action=defer\\N}}{{true}}}}
          message = 450 ${{sg{{$acl_c_postern}}{{\\N(?s)^action=defer_if_permit (.*?)\\n.*\\N}}{{\\$1}}}}
  accept
begin routers
out:
  driver = manualroute
  transport = out
  route_data = <;{relay}
  self = send
begin transports
out:
  driver = smtp
  port = 25
begin retry
* * F,1h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth3}}{{${{lookup{{$auth2}}lsearch{{{directory}/accounts}}}}}}}}
  server_set_id = $auth2
"""


def missing():
    """What this machine lacks, as a sentence; empty where nothing does."""
    for program, package in (("postfix", "postfix"), ("saslpasswd2", "sasl2-bin")):
        if shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
            return f"{program} is missing: install {package}"
    return ""


def write(path, text, mode=0o644):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


class MailServer:
    def __init__(self, bed, place, name, port, **values):
        self.bed, self.place, self.port, self.values = bed, place, port, values
        self.directory = os.path.join(bed.directory, name)
        self.process = None
        os.makedirs(self.directory, mode=0o755, exist_ok=True)

    def fill(self, text):
        return text.format(directory=self.directory, port=self.port, root=EXIM, **self.values)

    def begin(self, command, **options):
        self.log = os.path.join(self.directory, "output")
        with open(self.log, "ab") as log:
            self.process = self.bed.popen(self.place, command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)
        end = time.monotonic() + 60  # a busy machine takes its time over it
        while not self.bed.can_connect(self.place, "127.0.0.1", self.port, timeout=0.5):
            if time.monotonic() > end or self.process.poll() is not None:
                with open(self.log, errors="replace") as file:
                    raise RuntimeError(f"no mail server on port {self.port}: {file.read()[-2000:]}")
            time.sleep(0.1)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)


class Postfix(MailServer):
    main, smtpd = MAIN, SMTPD

    def __init__(self, bed, place, port, accounts, **values):
        super().__init__(bed, place, "postfix", port, **values)
        for directory, owner in (("spool", "root"), ("data", "postfix"), ("sasl", "root")):
            os.makedirs(os.path.join(self.directory, directory), exist_ok=True)
            shutil.chown(os.path.join(self.directory, directory), owner)
        write(os.path.join(self.directory, "main.cf"), self.fill(self.main))
        write(os.path.join(self.directory, "master.cf"), self.fill(self.smtpd + MASTER))
        passwords = os.path.join(self.directory, "sasl/sasldb2")
        write(os.path.join(self.directory, "sasl/smtpd.conf"), "pwcheck_method: auxprop\nauxprop_plugin: sasldb\n"
              f"mech_list: PLAIN LOGIN\nsasldb_path: {passwords}\n")
        for login, password in accounts.items():
            subprocess.run(["saslpasswd2", "-p", "-c", "-f", passwords, "-u", "shared.test", login], input=password,
                           text=True, check=True)
        shutil.chown(passwords, "postfix")

    def start(self):
        self.begin(["/usr/sbin/postfix", "-c", self.directory, "start-fg"])

    def stop(self):
        self.bed.run(self.place, ["/usr/sbin/postfix", "-c", self.directory, "stop"])
        super().stop()


class Relay(Postfix):
    """asks: "inet:127.0.0.1:10040" or "unix:/run/x/policy"; networks: whose mail it takes; relay: where it sends."""
    main, smtpd = RELAY_MAIN, RELAY_SMTPD

    def __init__(self, bed, place, port, accounts, **values):
        super().__init__(bed, place, port, accounts, plain=port + 1, **values)

    def queue(self):
        """What postqueue prints, an entry a line: {"queue_name": "hold", "queue_id": ...}."""
        done = self.bed.run(self.place, ["/usr/sbin/postqueue", "-c", self.directory, "-j"])
        return [json.loads(line) for line in done.stdout.splitlines()]


class Exim(MailServer):
    def __init__(self, bed, place, port, accounts, **values):
        super().__init__(bed, place, "exim", port, **values)
        bed.mta("exim")  # unpacks it where that was not done yet
        write(os.path.join(self.directory, "accounts"), "".join(f"{k}: {v}\n" for k, v in accounts.items()))
        write(os.path.join(self.directory, "exim4.conf"), self.fill(EXIM_CONFIGURATION), 0o640)
        write(os.path.join(self.directory, "begin"), f"""set -eu
mount --make-rprivate /
mount -t tmpfs -o mode=755 postern {self.directory}/layers
mkdir {self.directory}/layers/upper {self.directory}/layers/work
mount -t overlay -o lowerdir=/etc,upperdir={self.directory}/layers/upper,workdir={self.directory}/layers/work postern /etc
grep -q ^Debian-exim: /etc/passwd || echo Debian-exim:x:987:987::/nonexistent:/usr/sbin/nologin >>/etc/passwd
grep -q ^Debian-exim: /etc/group || echo Debian-exim:x:987: >>/etc/group
mkdir -p /etc/exim4 {self.directory}/spool {self.directory}/log
cp {self.directory}/exim4.conf /etc/exim4/exim4.conf
chown Debian-exim:Debian-exim {self.directory}/spool {self.directory}/log
chgrp Debian-exim /etc/exim4/exim4.conf
exec {EXIM}/usr/sbin/exim4 -bdf -q1m
""")
        os.makedirs(os.path.join(self.directory, "layers"), exist_ok=True)

    def start(self):
        self.begin(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh",
                    os.path.join(self.directory, "begin")])

    def stop(self):
        """The first process of a process namespace takes no SIGTERM; with unshare all of it is killed."""
        self.process.kill()
        self.process.wait(10)
