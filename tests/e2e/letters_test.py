#!/usr/bin/env python3
"""Letters to customers: who is blocked is written to, once, in his language, with what nodes said; a person writes too,
or only looks; what is wrong in a file of the site's own is told with its line; nothing that strangers say gets out of its
place in a mail."""
import email
import email.policy
import os
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta, timezone

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "testbed"), os.path.dirname(os.path.abspath(__file__))]
from check import Checks  # noqa: E402
from collector import PROGRAM, Collector, Node  # noqa: E402

ONCE = True
WAITS = True
POSTERN = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern")
NASTY = "312 of 400 are unknown\r\nBcc: all@example.org\r\n\r\n<script>\x1b[2J\u202e"
ITALIAN = "Per il signor {customer}.\n@subject\nPosta bloccata\n@text\nCliente {customer}\n@each reason\n- {reason.what}\n" \
          "@end\n@word amount\nTroppo.\n"
ARF = (b"From: FBL <fbl@example.com>\nSubject: report\nMIME-Version: 1.0\n"
       b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
       b"--b\nContent-Type: text/plain\n\nA report.\n\n--b\nContent-Type: message/feedback-report\n\n"
       b"Feedback-Type: abuse\nUser-Agent: FBL/1\nVersion: 1\nSource-IP: 203.0.113.7\n\n--b\n"
       b"Content-Type: message/rfc822\n\nFrom: <news@shop.example>\nMessage-ID: <m1@shop.example>\nSubject: Sale\n\nBuy.\n--b--\n")


def soon(what, patience=20):
    end = time.monotonic() + patience
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def stamp(seconds=0):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Mailbox(socketserver.ThreadingTCPServer):
    """A mail server that takes all, and keeps (recipients, message)."""
    allow_reuse_address = daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Dialogue)
        self.mails = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Dialogue(socketserver.StreamRequestHandler):
    def handle(self):
        recipients = []
        self.wfile.write(b"220 mail.example ESMTP\r\n")
        while line := self.rfile.readline():
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"RCPT":
                recipients.append(line.split(b"<")[1].split(b">")[0].decode())
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                content = b""
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    content += line[1:] if line.startswith(b".") else line
                self.server.mails.append((recipients, content))
                recipients = []
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                return


class Desk:
    def __init__(self, folder, mailbox):
        self.folder, self.mailbox = folder, mailbox
        self.contacts = os.path.join(folder, "contacts")
        self.own = os.path.join(folder, "letters")
        os.mkdir(self.own)
        self.write(self.contacts, "# customers\nacme admin@acme.example boss@acme.example de\n")
        self.write(os.path.join(self.own, "it.txt"), ITALIAN)
        self.centre = Collector(folder, f"[mail]\nserver = smtp://127.0.0.1:{mailbox.server_address[1]}\n"
                                        "from = Müllers Abuse-Team <abuse@host.example>\n[letters]\nautomatic = yes\n"
                                        f"after = 0s\ncontacts = {self.contacts}\ndirectory = {self.own}\n"
                                        "copy = desk@host.example\nreply = tickets@host.example\n")
        self.centre.start()
        self.secret = self.centre.person("ann", "read,order").split()[-1]
        self.key = os.path.join(folder, "ann.key")
        self.write(self.key, self.secret + "\n")
        os.chmod(self.key, 0o600)

    @staticmethod
    def write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def postern(self, *words):
        done = subprocess.run([POSTERN, "--collector", f"http://127.0.0.1:{self.centre.port}", "--key", self.key,
                               *words], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def ask(self, customer, body, secret=None):
        return self.centre.ask("POST", f"/v1/customers/{customer}/letter", secret or self.secret, body)

    def alerts(self):
        answer = self.centre.ask("GET", "/v1/alerts", self.secret)[1]
        return answer if isinstance(answer, str) else str(answer)

    def letters(self, who):
        return [parse(content) for recipients, content in list(self.mailbox.mails) if who in recipients]


def parse(content):
    return email.message_from_bytes(content, policy=email.policy.default)


def held(sender, customer, evidence, address=None):
    whose = {"sender": sender, "customer": customer, **({"address": address} if address else {})}
    return [{"record": "verdict", "time": stamp(-2), **whose, "verdict": "block", "score": 41.5, "evidence": evidence},
            {"record": "order", "time": stamp(-1), **whose, "deed": "block", "by": "policy", "why": "spam",
             "until": stamp(7200)}]


def by_itself(checks, desk, node):
    node.deliver(held("port:tap7", "acme", [{"detector": "rejects", "points": 22.5, "reason": NASTY},
                                            {"detector": "burst", "points": 3.5, "reason": "4,000 messages"},
                                            {"detector": "of-tomorrow", "points": -3, "reason": "hidden"}], "203.0.113.7") +
                 held("account:anna@acme.example", "acme", [{"detector": "burst", "points": 5, "reason": "9,000 messages"}]) +
                 held("port:tap8", "bolt", []) + held("port:tap9", "core", [{"detector": "bulk", "points": 9, "reason": "b"}]))
    checks.that("who is blocked is written to", soon(lambda: desk.letters("admin@acme.example")), desk.centre.said())
    recipients, content = desk.mailbox.mails[0]
    letter = parse(content)
    checks.that("to all of the customer's addresses, and the desk's", sorted(recipients) ==
                ["admin@acme.example", "boss@acme.example", "desk@host.example"], recipients)
    checks.that("the head is a letter's", (letter["From"], letter["To"], letter["Reply-To"], letter["Auto-Submitted"]) ==
                ("Müllers Abuse-Team <abuse@host.example>", "admin@acme.example, boss@acme.example",
                 "tickets@host.example", "auto-generated"), letter.items())
    checks.that("in the customer's language", letter["Subject"] == "Ihr Mailversand ist gesperrt (acme)", letter["Subject"])
    text = letter.get_content().replace("\r\n", "\n")
    for name, wanted in (("whose mail is stopped", "- 203.0.113.7 (tap7): gesperrt seit"),
                         ("an account's too", "- anna@acme.example: gesperrt seit"),
                         ("what was seen, in words", "Viele Empfänger gibt es nicht."),
                         ("the weightier of two of a kind", "9,000 messages"),
                         ("what to do with an account", "- Mailkonto:"), ("and with a machine", "- Server oder Rechner:"),
                         ("whom to answer", "Müllers Abuse-Team\ntickets@host.example\n"),
                         ("what nodes say stays a line", "unknown Bcc: all@example.org <script>?[2J")):
        checks.that(name, wanted in " ".join(text.split(" ")) or wanted in " ".join(text.split()), text)
    checks.that("what speaks for it is not told", "hidden" not in text and "4,000" not in text, text)
    checks.that("nothing got into the head, and no control character is anywhere", letter["Bcc"] is None and
                not [c for c in text if ord(c) < 32 and c != "\n"] and "\u202e" not in text)
    checks.that("no line is longer than people read", max(map(len, text.splitlines())) <= 72, text)
    checks.that("who has no address is an alert", soon(lambda: "Customer bolt is blocked" in desk.alerts()), desk.alerts())


def once(checks, desk, node):
    node.deliver(held("port:tap10", "acme", [{"detector": "bulk", "points": 9, "reason": "more"}]))
    desk.centre.kill()
    desk.centre.start()
    time.sleep(4)  # longer than from one round to the next
    checks.that("the same cause is not written of again, whatever is killed", len(desk.letters("admin@acme.example")) == 1,
                desk.mailbox.mails)
    status, answer = desk.ask("acme", {})
    checks.that("a person is told so", status == 409 and "again" in answer["error"], answer)
    status, _, said = desk.postern("letter", "acme", "--again", "--language", "it", "--reason", "he called")
    checks.that("and may want it all the same", status == 0 and soon(lambda: len(desk.letters("boss@acme.example")) == 2), said)
    text = desk.letters("boss@acme.example")[-1].get_content()
    checks.that("in a language of the site's own; words it lacks are English",
                "Cliente acme" in text and "- Troppo." in text and "- The same text went" in text, text)
    audit = str(desk.centre.ask("GET", "/v1/audit", desk.centre.person("root", "admin").split()[-1])[1])
    checks.that("it is on record", "he called" in audit and '"letter"' in audit, audit)
    name = {"Idempotency-Key": "0123456789abcdef"}
    first = desk.centre.ask("POST", "/v1/customers/core/letter", desk.secret, {"to": "c@core.example"}, name)
    second = desk.centre.ask("POST", "/v1/customers/core/letter", desk.secret, {"to": "c@core.example"}, name)
    soon(lambda: desk.letters("c@core.example"))
    time.sleep(1)
    checks.that("who asks again for want of an answer has it written once",
                (first[0], second[0], len(desk.letters("c@core.example"))) == (201, 201, 1) and
                first[1]["sending"] == second[1]["sending"], (first, second))


def by_hand(checks, desk):
    before = len(desk.mailbox.mails)
    status = desk.centre.ask("POST", "/v1/complaints", desk.centre.person("feed", "order").split()[-1], ARF)
    soon(lambda: "203.0.113.7" in desk.postern("complaints", "--json")[1])
    soon(lambda: '"customer":"acme"' in desk.postern("complaints", "--json")[1])
    status, shown, said = desk.postern("letter", "acme", "--preview", "--language", "en", "--note", "Call us: 030 1234")
    shown = " ".join(shown.split())
    checks.that("a preview has complaints and what a person adds", status == 0 and "unwanted mail (spam)" in shown and
                "Message-ID: m1@shop.example" in shown.replace("<", "").replace(">", "") and
                "sent from 203.0.113.7" in shown and "Call us: 030 1234" in shown and "nothing was sent" in shown, (shown, said))
    checks.that("nobody who complained is named", "fbl@" not in shown and "example.com" not in shown, shown)
    for language, word in (("de", "BESCHWERDEN"), ("fr", "PLAINTES"), ("es", "QUEJAS"), ("nl", "KLACHTEN"), ("pl", "SKARGI")):
        status, answer = desk.ask("acme", {"language": language, "preview": True})
        checks.that(f"a preview in {language}", status == 200 and word in answer["text"], answer)
    for body, customer, wanted in (({"language": "xx"}, "acme", 400), ({"to": "a@b\nBcc: c@d"}, "acme", 400),
                                   ({"language": 5}, "acme", 400), ({"note": "x" * 2001}, "acme", 400),
                                   ({}, "nobody", 409), ({}, "bolt", 409), ({"note": "hello"}, "nobody", 409)):
        status, answer = desk.ask(customer, body)
        checks.that(f"refused: {str(body)[:40]} to {customer}", status == wanted and answer["error"], (status, answer))
    reader = desk.centre.person("bob", "read").split()[-1]
    checks.that("who may not order may not write", desk.ask("acme", {"preview": True}, reader)[0] == 403)
    time.sleep(1)
    checks.that("and nothing of all this went out", len(desk.mailbox.mails) == before, desk.mailbox.mails[before:])
    status, _, said = desk.postern("letter", "nobody", "--to", "n@example.org", "--note", "Hello there")
    checks.that("a note alone is a letter", status == 0 and soon(lambda: desk.letters("n@example.org")), said)


def files(checks, desk):
    desk.write(desk.contacts, "acme admin@acme.example de\nbolt nobody\n")
    checks.that("addresses that cannot be read are an alert, with the line",
                soon(lambda: f"{desk.contacts}:2" in desk.alerts()), desk.alerts())
    status, answer = desk.ask("acme", {"preview": True})
    checks.that("and those that were known still are, as is said", status == 200 and "boss@acme.example" in answer["to"] and
                f"{desk.contacts}:2" in answer["trouble"], answer)
    desk.write(desk.contacts, "acme admin@acme.example de\nbolt it@bolt.example\n")
    status, answer = desk.ask("bolt", {})
    checks.that("what is mended is read at once", status == 201 and answer["to"] == "it@bolt.example" and
                answer["language"] == "en" and soon(lambda: desk.letters("it@bolt.example")), answer)
    checks.that("both alerts are over", soon(lambda: '"kind":"letter"' not in desk.alerts()),
                desk.alerts())
    desk.centre.stop()
    path = os.path.join(desk.own, "de.txt")
    desk.write(path, "@subject\nx\n@text\n{custmer}\n")
    try:
        desk.centre.start()
        checks.that("a wrong template is refused", False)
        return
    except RuntimeError as refused:
        checks.that("a wrong template is refused, with file, line and what is allowed",
                    f'{path}:4: the name "custmer": there is none; docs/letters.md' in str(refused), str(refused))
    done = subprocess.run([PROGRAM, "check", "--config", desk.centre.config], capture_output=True, text=True, timeout=30)
    checks.that("check finds it before", done.returncode == 2 and f"{path}:4:" in done.stderr, done)


def main():
    checks = Checks()
    mailbox = Mailbox()
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(folder, mailbox)
        try:
            node = Node(desk.centre, "hv1")
            for name, part in (("by itself", lambda: by_itself(checks, desk, node)), ("once", lambda: once(checks, desk, node)),
                               ("by hand", lambda: by_hand(checks, desk)), ("files", lambda: files(checks, desk))):
                with checks.part(name):
                    part()
        finally:
            if desk.centre.process.poll() is None:
                desk.centre.kill()
    mailbox.shutdown()
    return checks.close()


sys.exit(main())
