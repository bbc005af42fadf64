"""A mail server of a test's own that takes mail and delivers it: Postfix, which hands all of desk.example to a Dovecot by
LMTP, and a gate before it that can be shut, or left open with nobody who answers.

    office = PostOffice(folder)
    office.start()
    office.gate.be("shut")      # open, shut, silent, mute (what is behind DATA is not answered)
    office.letters()            # what is in the mailbox, by Message-ID: [parsed messages]

Who is nobody@desk.example is refused, who is later@desk.example is put off. It takes mail of anybody on `plain`; on
`secure` only over TLS of the user abuse with the password secret.
"""
import collections
import email
import os
import select
import shutil
import socket
import subprocess
import threading
import time

import dovecot
from mailserver import MASTER

MAIN = """
compatibility_level = 3.6
myhostname = office.example
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = /dev/stdout
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
disable_dns_lookups = yes
smtp_host_lookup = native
alias_maps =
alias_database =
mynetworks =
virtual_mailbox_domains = desk.example
virtual_mailbox_maps = static:all
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
lmtp_host_lookup = native
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
smtpd_relay_restrictions = permit_sasl_authenticated, permit_auth_destination, reject
smtpd_recipient_restrictions = check_recipient_access inline:{{ {{nobody@desk.example = 550 5.1.1 there is nobody}},
    {{later@desk.example = 450 4.2.1 not now}} }}
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_sasl_type = dovecot
smtpd_sasl_path = {auth}
"""
PORTS = """
127.0.0.1:{plain} inet n - n - - smtpd
127.0.0.1:{secure} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject
"""
AUTH = """
service auth {{
  unix_listener {path} {{
    mode = 0666
  }}
}}
auth_mechanisms = plain login
auth_failure_delay = 0
"""


def missing():
    return "" if os.path.exists(dovecot.PROGRAM) and os.path.exists("/usr/sbin/postfix") else "postfix or dovecot is not installed"


class Gate:
    """Takes connections on `port` for `behind`."""

    def __init__(self, behind):
        self.port, self.behind, self.how, self.listener = dovecot.free_port(), behind, "shut", None
        self.links, self.lock, self.came = [], threading.Lock(), 0

    def be(self, how):
        """What is connected is cut off."""
        with self.lock:
            self.how = how
            for link in self.links:
                link.close()
            self.links = []
            if self.listener:
                self.listener.shutdown(socket.SHUT_RDWR)
                self.listener.close()
                self.listener = None
            if how == "shut":
                return
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", self.port))
            self.listener.listen(50)
            threading.Thread(target=self.accept, args=(self.listener, how), daemon=True).start()

    def accept(self, listener, how):
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.came += 1
                self.links.append(link)
            if how != "silent":
                threading.Thread(target=self.carry, args=(link, how), daemon=True).start()

    def carry(self, link, how):
        try:
            with link, socket.create_connection(("127.0.0.1", self.behind), timeout=20) as server:
                mute = False
                while True:
                    for ready in select.select([link, server], [], [], 30)[0]:
                        piece = ready.recv(65536)
                        if not piece:
                            return
                        if ready is link:
                            server.sendall(piece)
                        elif not mute:
                            link.sendall(piece)
                            mute = how == "mute" and piece.startswith(b"354")
        except (OSError, ValueError):
            pass  # it was cut off


class PostOffice:
    def __init__(self, folder):
        self.folder, self.process = folder, None
        os.chmod(folder, 0o755)
        inner = os.path.join(folder, "dovecot")
        os.makedirs(inner)
        self.dovecot = dovecot.Dovecot(inner, lmtp=True)
        auth = os.path.join(folder, "auth")
        with open(self.dovecot.conf, "a", encoding="utf-8") as file:
            file.write(AUTH.format(path=auth))
        self.certificate, key = dovecot.certificate(folder)
        self.plain, self.secure = dovecot.free_port(), dovecot.free_port()
        self.conf = os.path.join(folder, "postfix")
        for name, owner in ("", "root"), ("spool", "root"), ("data", "postfix"):
            os.makedirs(os.path.join(self.conf, name), exist_ok=True)
            shutil.chown(os.path.join(self.conf, name), owner)
        values = {"folder": self.conf, "lmtp": self.dovecot.lmtp, "certificate": self.certificate, "key": key, "auth": auth,
                  "plain": self.plain, "secure": self.secure}
        for name, text in ("main.cf", MAIN), ("master.cf", PORTS + MASTER):
            with open(os.path.join(self.conf, name), "w", encoding="utf-8") as file:
                file.write(text.format(**values))
        self.log = os.path.join(folder, "postfix.log")
        self.gate = Gate(self.plain)

    def start(self):
        self.dovecot.start()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["/usr/sbin/postfix", "-c", self.conf, "start-fg"], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.plain), timeout=5) as link:
                    if link.recv(100).startswith(b"220"):
                        self.gate.be("open")
                        return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"Postfix did not start: {self.said()}")

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()[-3000:] + self.dovecot.said()[-1000:]

    def stop(self):
        self.gate.be("shut")
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)
        self.dovecot.stop()

    def letters(self):
        found = collections.defaultdict(list)
        for name in "new", "cur":
            folder = os.path.join(self.dovecot.folder, "mail", name)
            for entry in os.listdir(folder):
                with open(os.path.join(folder, entry), "rb") as file:
                    letter = email.message_from_binary_file(file)
                found[letter["Message-ID"]].append(letter)
        return found
