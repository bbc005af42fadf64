#!/usr/bin/env python3
"""An SMTP server that writes down what was said to it: one JSON line for each connection that ended.

    recorder.py FILE CERTIFICATE PORT...      465 speaks TLS from its first byte; CERTIFICATE "-": no STARTTLS

Announces PIPELINING, CHUNKING, AUTH, SMTPUTF8 and, where it has a certificate, STARTTLS. What it answers depends on
what it is told: recipients whose local part begins with "no" get 550, with "later" 450; a sender "refused@" gets 553;
content that holds "X-Refuse: yes" gets 554, "X-Refuse: data" cannot be known before and is DATA's own: a sender
"nodata@" gets 451 to DATA; the password "wrong" fails. It is a second reading of the RFCs, made to be compared with.
Only what a watcher can see is noted: after the TLS handshake nothing is.
"""
import base64
import json
import os
import re
import socket
import ssl
import sys
import threading

lock = threading.Lock()
PATH = re.compile(rb"^(MAIL FROM|RCPT TO):\s*<([^>]*)>", re.I)


class Session:
    def __init__(self, connection, peer, port, tls, out):
        self.connection, self.tls, self.out = connection, tls, out
        own = connection.getsockname()
        self.note = {"client": plain(peer[0]), "client_port": peer[1], "server": plain(own[0]), "server_port": port,
                     "helo": "", "tls": "none", "auth": "none", "user": "", "quit": False, "transactions": []}
        self.file = None
        self.visible = True
        self.transaction = None  # the one that runs
        self.sender = b""

    # What is read and answered

    def answer(self, text):
        self.file.write(text.encode() + b"\r\n")
        self.file.flush()
        return int(text[:3])

    def line(self):
        line = self.file.readline(1 << 20)
        if not line.endswith(b"\n"):
            raise EOFError
        return line.rstrip(b"\r\n")

    def secure(self, word):
        self.note["tls"], self.visible = word, False
        if self.file:
            self.file.close()
        self.connection = self.tls.wrap_socket(self.connection, server_side=True)
        self.file = self.connection.makefile("rwb")

    def run(self):
        try:
            if self.note["server_port"] == 465:
                self.secure("implicit")
            self.file = self.connection.makefile("rwb")
            self.answer("220 recorder ESMTP")
            while self.command(self.line()):
                pass
        except (EOFError, OSError, ValueError):
            pass
        with lock:
            self.out.write(json.dumps(self.note) + "\n")
            self.out.flush()
        self.connection.close()

    def command(self, line):
        verb = line.split(b" ", 1)[0].upper().decode(errors="replace")
        handler = getattr(self, "on_" + verb.lower(), None) if verb.isalpha() else None
        if not handler:
            self.answer("500 5.5.1 what?")
            return True
        return handler(line) is not False

    # The commands

    def on_helo(self, line):
        if self.visible:
            self.note["helo"] = line.split(b" ", 1)[1].decode() if b" " in line else ""
        self.transaction = None
        self.answer("250 recorder")

    def on_ehlo(self, line):
        if self.visible:
            self.note["helo"] = line.split(b" ", 1)[1].decode() if b" " in line else ""
        self.transaction = None
        words = ["recorder", "PIPELINING", "CHUNKING", "8BITMIME", "SMTPUTF8", "AUTH PLAIN LOGIN"]
        words += ["STARTTLS"] if self.tls and self.visible else []
        self.file.write(b"".join(b"250%s%s\r\n" % (b" " if w == words[-1] else b"-", w.encode()) for w in words))
        self.file.flush()

    def on_starttls(self, _):
        if not self.tls:
            self.answer("454 4.7.0 not now")
            return
        self.answer("220 go ahead")
        self.secure("starttls")

    def on_auth(self, line):
        words = line.split(b" ")
        if words[1].upper() == b"LOGIN":
            self.answer("334 VXNlcm5hbWU6")
            user = base64.b64decode(self.line())
            self.answer("334 UGFzc3dvcmQ6")
            password = base64.b64decode(self.line())
        else:
            if len(words) < 3:
                self.answer("334 ")
                words.append(self.line())
            _, user, password = base64.b64decode(words[2]).split(b"\0")
        good = password != b"wrong"
        if self.visible:
            self.note.update(user=user.decode(), auth="accepted" if good else "failed")
        self.answer("235 2.7.0 welcome" if good else "535 5.7.8 no")

    def on_mail(self, line):
        self.sender = PATH.match(line).group(2)
        code = self.answer("553 5.1.8 not you" if self.sender.startswith(b"refused@") else "250 2.1.0 ok")
        made = {"from": self.sender.decode(), "recipients": [], "code": 0, "bytes": 0}
        self.transaction = made if code == 250 else None
        if self.visible:
            self.note["transactions"].append(made)

    def on_rcpt(self, line):
        address = PATH.match(line).group(2).decode()
        if not self.transaction:
            self.answer("503 5.5.1 MAIL first")
            return
        reply = ("550 5.1.1 no such user" if address.startswith("no") else
                 "450 4.2.0 later" if address.startswith("later") else "250 2.1.5 ok")
        self.transaction["recipients"].append({"address": address, "code": self.answer(reply)})

    def on_data(self, _):
        if not self.transaction or not any(r["code"] == 250 for r in self.transaction["recipients"]):
            code = self.answer("503 5.5.1 nobody to send it to")
        elif self.sender.startswith(b"nodata@"):
            code = self.answer("451 4.3.0 not now")
        else:
            self.answer("354 go")
            self.content()
            return
        if self.transaction:
            self.transaction["code"] = code

    def content(self):
        refused = False
        while True:
            line = self.file.readline(1 << 20)
            if not line:
                raise EOFError
            if line == b".\r\n":
                break
            self.transaction["bytes"] += len(line)
            refused |= line.startswith(b"X-Refuse: yes")
        self.close_transaction(refused)

    def on_bdat(self, line):
        words = line.split()
        chunk = self.file.read(int(words[1]))
        self.transaction["bytes"] += len(chunk)
        self.transaction["refused"] = self.transaction.pop("refused", False) or b"X-Refuse: yes" in chunk
        if len(words) > 2:
            self.close_transaction(self.transaction.pop("refused"))
        else:
            self.answer(f"250 2.0.0 {len(chunk)} octets")

    def close_transaction(self, refused):
        self.transaction["code"] = 554 if refused else 250  # before it is sent: who asks then must find it
        self.answer("554 5.7.1 not this" if refused else "250 2.0.0 taken")
        self.transaction = None

    def on_rset(self, _):
        self.transaction = None
        self.answer("250 2.0.0 ok")

    def on_noop(self, _):
        self.answer("250 2.0.0 ok")

    def on_quit(self, _):
        if self.visible:
            self.note["quit"] = True
        self.answer("221 2.0.0 bye")
        return False


def plain(address):
    return address[7:] if address.startswith("::ffff:") and "." in address else address


def serve(listener, port, tls, out):
    while True:
        connection, peer = listener.accept()
        threading.Thread(target=Session(connection, peer, port, tls, out).run, daemon=True).start()


def main(path, certificate, ports):
    tls = None
    if certificate != "-":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    threads = []
    with open(path, "w", encoding="utf-8") as out:
        for port in ports:
            listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=256)
            threads.append(threading.Thread(target=serve, args=(listener, port, tls, out)))
            threads[-1].start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    os.umask(0o022)
    main(sys.argv[1], sys.argv[2], [int(word) for word in sys.argv[3:]])
