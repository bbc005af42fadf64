"""Real mail filters that speak SMTP, of a test's own: amavisd-new, spampd, SQLgrey, and a Postfix that hands mail to them and
sends what they pass on to the collector's listener for returned messages. They run as filters.py's programs do.

    with Amavis(clamd) as amavis, Spampd() as spampd, Gate(returned_port) as gate:
        gate.section("amavis")      # the [filter amavis] of the way through amavisd-new

The gate's ways, a port each: "amavis", "spampd" (behind the queue, by content_filter), "mailscanner" (which Debian does not
have: the headers that it writes, put there by Postfix), "refuses" (by what stands in Subject), "greylists" (SQLgrey).
"""
import os
import shutil
import socket

from filters import Program, free_port
from mailserver import MASTER

MAILBOX = "filter.test"

AMAVIS = """
use strict;
$max_servers = 1; $daemon_user = '{user}'; $daemon_group = '{user}';
$MYHOME = '{folder}'; $TEMPBASE = '{folder}/tmp'; $db_home = '{folder}'; $QUARANTINEDIR = undef;
$pid_file = '{folder}/pid'; $lock_file = '{folder}/lock'; $helpers_home = '{folder}';
$mydomain = 'gate.test'; $myhostname = 'gate.test'; $enable_db = 0; $enable_zmq = 0; $DO_SYSLOG = 0; $log_level = 1;
$inet_socket_bind = '127.0.0.1'; $inet_socket_port = {port}; @inet_acl = qw(127.0.0.1 [::1]);
$forward_method = 'smtp:[127.0.0.1]:{onward}'; $notify_method = $forward_method;
@local_domains_maps = (1); @mynetworks = qw(192.0.2.255/32);
$sa_local_tests_only = 1; $sa_siteconfigpath = '{folder}/site'; $sa_tag_level_deflt = -999; $sa_tag2_level_deflt = 6.31;
$sa_kill_level_deflt = 6.31; $sa_dsn_cutoff_level = 0;
$final_virus_destiny = D_PASS; $final_spam_destiny = D_PASS; $final_banned_destiny = D_PASS; $final_bad_header_destiny = D_PASS;
$virus_admin = undef; $spam_admin = undef; $warnvirussender = 0; $banned_filename_re = new_RE();
@virus_name_to_spam_score_maps = ();
@av_scanners = (['ClamAV', \\&ask_daemon, ["CONTSCAN {{}}\\n", '127.0.0.1:{scanner}'], qr/\\bOK$/m, qr/\\bFOUND$/m,
                 qr/^.*?: (?!Infected Archive)(.*) FOUND$/m]);
@av_scanners_backup = ();
1;
"""

MAIN = """
compatibility_level = 3.6
myhostname = gate.test
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = /dev/stdout
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_bind_address =
disable_dns_lookups = yes
smtp_host_lookup = native
alias_maps =
alias_database =
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
relay_domains = """ + MAILBOX + """
transport_maps = inline:{{ """ + MAILBOX + """=lmtp:inet:127.0.0.1:{onward} }}
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
"""

# MailScanner's words, with the name that a site gives itself in the middle. What it would find in the body is told here by
# the subject, which is all that header_checks see.
CHECKS = {
    "mailscanner": """
/^Subject: A test of filters/ PREPEND X-Firm-MailScanner-SpamCheck: spam, SpamAssassin (not cached, score=1002.3, required 6, GTUBE 1000.00, NO_RELAYS -0.00)
/^Subject: Invoice/ PREPEND X-Firm-MailScanner: Found to be infected
/^Subject: / PREPEND X-Firm-MailScanner-SpamCheck: not spam, SpamAssassin (cached, score=-1.9, required 6, autolearn=not spam, BAYES_00 -1.90)
""",
    "refuses": """
/^Subject: A test of filters/ REJECT 5.7.1 this looks like spam
/^Subject: Invoice/ REJECT 5.7.1 there is a virus in it
""",
}


class Amavis(Program):
    """With SpamAssassin in it, and with `clamd` (filters.Clamd), whose user it shares: it has files scanned, not streams."""
    needs = ["/usr/sbin/amavisd", "/usr/share/spamassassin/50_scores.cf"]
    user = "clamav"
    patience = 60

    def __init__(self, clamd, onward):
        super().__init__()
        self.write("site/local.cf", "dns_available no\nskip_rbl_checks 1\nuse_bayes 0\nuse_razor2 0\nuse_pyzor 0\n")
        os.makedirs(os.path.join(self.folder, "tmp"))
        for name in ("init.pre", "v310.pre", "v320.pre"):
            shutil.copy(f"/etc/spamassassin/{name}", os.path.join(self.folder, "site"))
        self.config = self.write("configuration/amavisd.conf", AMAVIS.format(folder=self.folder, port=self.port, onward=onward, user=self.user,
                                                               scanner=clamd.port))

    def own(self):
        super().own()
        for path in (self.config, os.path.dirname(self.config)):  # it reads none that its user could write
            shutil.chown(path, "root", "root")

    def command(self):
        return ["/usr/sbin/amavisd", "-c", self.config, "foreground"]


class Spampd(Program):
    needs = ["/usr/sbin/spampd", "/usr/share/spamassassin/50_scores.cf"]
    user = "spampd"
    patience = 60

    def __init__(self, onward):
        super().__init__()
        self.onward = onward
        self.rules = self.write("rules", "use_bayes 0\n")

    def command(self):
        return ["/usr/sbin/spampd", "--nodetach", f"--host=127.0.0.1:{self.port}", f"--relayhost=127.0.0.1:{self.onward}",
                "--tagall", "--children=1", f"--user={self.user}", f"--group={self.user}", f"--pid={self.folder}/pid",
                "--local-only", "--logsock=inet", f"--saconfig={self.rules}", "--maxsize=4096"]


class Sqlgrey(Program):
    """It lets nobody in at first, and whoever comes again."""
    needs = ["/usr/sbin/sqlgrey"]
    user = "sqlgrey"

    def __init__(self):
        super().__init__()
        self.config = self.write("sqlgrey.conf", f"""
confdir = {self.folder}
user = {self.user}
group = nogroup
inet = 127.0.0.1:{self.port}
pidfile = {self.folder}/pid
reconnect_delay = 0
db_type = SQLite
db_name = {self.folder}/grey.db
log_ident = sqlgrey
clean_method = sync
whitelists_host = 127.0.0.1
""")
        for name in os.listdir("/etc/sqlgrey"):
            if name != "sqlgrey.conf":
                shutil.copy(f"/etc/sqlgrey/{name}", self.folder)

    def command(self):
        return ["/usr/sbin/sqlgrey", "-f", self.config]


class Gate(Program):
    """`onward`: the listener's port. `amavis`, `spampd`: theirs, or None; they give back to `again`."""
    needs = ["/usr/sbin/postfix"]
    ways = ("amavis", "spampd", "mailscanner", "refuses", "greylists")

    def __init__(self, onward):
        super().__init__()
        self.onward, self.again = onward, free_port()
        self.at = {way: free_port() for way in self.ways}
        self.port = self.again
        os.chmod(self.folder, 0o755)

    def set_up(self, amavis, spampd, sqlgrey):
        options = {
            "amavis": f"-o content_filter=smtp:[127.0.0.1]:{amavis}",
            "spampd": f"-o content_filter=smtp:[127.0.0.1]:{spampd}",
            "mailscanner": "-o cleanup_service_name=mailscanner",
            "refuses": "-o cleanup_service_name=refuses",
            "greylists": f"-o {{ smtpd_recipient_restrictions=check_policy_service inet:127.0.0.1:{sqlgrey}, permit }}",
        }
        lines = [f"127.0.0.1:{self.again} inet n - n - - smtpd -o content_filter="]
        lines += [f"127.0.0.1:{self.at[way]} inet n - n - - smtpd {options[way]}" for way in self.ways]
        lines += [f"{name} unix n - n - 0 cleanup -o header_checks=regexp:{self.write(name, text)}" for name, text in CHECKS.items()]
        self.write("main.cf", MAIN.format(folder=self.folder, onward=self.onward))
        self.write("master.cf", "\n".join(lines) + MASTER)
        for directory, owner in (("spool", "root"), ("data", "postfix")):
            os.makedirs(os.path.join(self.folder, directory), exist_ok=True)
            shutil.chown(os.path.join(self.folder, directory), owner)
        return self

    def command(self):
        return ["/usr/sbin/postfix", "-c", self.folder, "start-fg"]

    def answers(self):
        for port in (self.again, *self.at.values()):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
                if not link.recv(64).startswith(b"220"):
                    return False
        return True

    def section(self, way, headers, port=None, name=None):
        return (f"[filter {name or way}]\nkind = smtp\naddress = 127.0.0.1:{port or self.at[way]}\nmailbox = {MAILBOX}\n"
                f"headers = {headers}\nback = 1m\n")
