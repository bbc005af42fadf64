"""A Dovecot of a test's own on loopback: one mailbox, which the test fills through its Maildir, read by IMAP; or which is
filled by LMTP, whoever the mail is for."""
import os
import socket
import subprocess
import time

PROGRAM = "/usr/sbin/dovecot"
CONF = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = {protocols}
listen = 127.0.0.1
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
default_login_user = {login}
default_internal_user = {internal}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {secure}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/home
}}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def certificate(folder):
    """The files of a certificate for 127.0.0.1 that signs itself, and of its key."""
    made = os.path.join(folder, "certificate.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-out", made[0], "-keyout", made[1]],
                   check=True, capture_output=True)
    return made


class Dovecot:
    """`certificate`, `key`: files; without, it has no TLS. `lmtp`: whether it takes mail on the port of that name."""

    def __init__(self, folder, password="secret", certificate=None, key=None, lmtp=False):
        self.folder, self.password, self.process, self.count = folder, password, None, 0
        self.port, self.secure, self.lmtp = free_port(), free_port(), free_port()
        self.new = os.path.join(folder, "mail", "new")
        for name in "new", "cur", "tmp":
            os.makedirs(os.path.join(folder, "mail", name), exist_ok=True)
        for name in "run", "state", "home":
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        subprocess.run(["chown", "-R", "mail:mail", os.path.join(folder, "mail"), os.path.join(folder, "home")], check=True)
        os.chmod(folder, 0o755)
        self.conf = os.path.join(folder, "dovecot.conf")
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(CONF.format(folder=folder, port=self.port, secure=self.secure, password=password, user="mail",
                                   group="mail", login="dovenull", internal="dovecot", lmtp=self.lmtp,
                                   protocols="imap lmtp" if lmtp else "imap", ssl="yes" if certificate else "no",
                                   certificate=f"ssl_cert = <{certificate}\nssl_key = <{key}" if certificate else ""))

    def start(self):
        self.process = subprocess.Popen([PROGRAM, "-F", "-c", self.conf], stdout=subprocess.DEVNULL,
                                        stderr=open(os.path.join(self.folder, "err"), "ab"))
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as link:
                    if link.recv(100).startswith(b"* OK"):
                        return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"Dovecot did not start: {self.said()}")

    def said(self):
        text = ""
        for name in "log", "err":
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    text += file.read()
        return text

    def put(self, content):
        self.count += 1
        name = f"{1700000000 + self.count}.{self.count}.test"
        path = os.path.join(self.folder, "mail", "tmp", name)
        with open(path, "wb") as file:
            file.write(content)
        subprocess.run(["chown", "mail:mail", path], check=True)
        os.rename(path, os.path.join(self.new, name))

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)
