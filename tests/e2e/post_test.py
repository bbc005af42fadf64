#!/usr/bin/env python3
"""What goes out to people: through a real Postfix into a real Dovecot, to webhooks and programs, each once, whether the
server is away, silent or refuses, and whoever is killed meanwhile; what cannot be delivered is told of."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "testbed"), os.path.dirname(os.path.abspath(__file__))]
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from person import Person  # noqa: E402
from postoffice import PostOffice, missing  # noqa: E402

ONCE = True
WAITS = True
KEY = base64.b64encode(b"a key of the webhook's own").decode()
CHANNELS = """
[alert desk]
to = abuse@desk.example
[alert both]
to = bob@desk.example nobody@desk.example carl@desk.example
[alert nobody]
to = nobody@desk.example
[alert later]
to = later@desk.example
[alert hook]
type = webhook
url = http://127.0.0.1:{hook}/alerts
secret = {key}
patience = 3s
[alert pager]
type = program
program = {program}
"""
MAIL = "[mail]\nserver = smtp://127.0.0.1:{port}\nfrom = Abuse desk <postern@firm.example>\npatience = {patience}\n"
LOGIN = "user = abuse\npassword = {password}\nauthority = {authority}\n"


def soon(what, patience=30):
    end = time.monotonic() + patience
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


class Hook(http.server.ThreadingHTTPServer):
    """Keeps what it was told and whether the signature was good, and gives the answers in `answers` before it says yes."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.heard, self.answers = [], []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name, when = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        mine = base64.b64encode(hmac.new(base64.b64decode(KEY), f"{name}.{when}.".encode() + body, hashlib.sha256).digest())
        good = self.headers["webhook-signature"] == "v1," + mine.decode() and abs(time.time() - int(when)) < 60
        self.server.heard.append((name, good, self.headers["Idempotency-Key"], body))
        status = self.server.answers.pop(0) if self.server.answers else 204
        if status:
            self.send_response(status)
            self.end_headers()

    def log_message(self, *words):
        pass


class Desk:
    def __init__(self, folder, office, hook):
        self.folder, self.office, self.hook, self.made = folder, office, hook, 0
        self.state = os.path.join(folder, "state")
        os.mkdir(self.state, 0o700)
        for name, text in ("key", f"whsec_{KEY}\n"), ("program", f"#!/bin/sh\ncat >{folder}/paged\necho $POSTERN_ID $POSTERN_CHANNEL >{folder}/named\n"):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(text)
            os.chmod(os.path.join(folder, name), 0o700)
        self.centre = Collector(self.state)
        self.say(LOGIN.format(password=f"{folder}/password", authority=office.certificate), port=office.secure)
        self.centre.start()
        self.ann = Person(self.centre, "ann", "read,order")

    def say(self, more="", port=None, patience="20s"):
        """Its configuration: mail goes through the gate unless another port is said."""
        with open(self.centre.config, "w", encoding="ascii") as file:
            file.write(f"[collector]\nstate = {self.state}\nlisten = 127.0.0.1:0\n" +
                       MAIL.format(port=port or self.office.gate.port, patience=patience) + more +
                       CHANNELS.format(hook=self.hook.server_port, key=f"{self.folder}/key", program=f"{self.folder}/program"))

    def begin(self, *more, **settings):
        self.say(*more, **settings)
        self.centre.start()

    def test(self, channel):
        """The id of a test over this channel."""
        self.made += 1
        status, answer = self.centre.ask("POST", "/v1/alerts/test", self.ann.secret, {"channel": channel},
                                         {"Idempotency-Key": f"post-test-{self.made:08}"})
        line = answer if isinstance(answer, dict) else json.loads(answer.splitlines()[0])
        assert status == 200, answer
        return line["id"]

    def rows(self, question, *values):
        database = sqlite3.connect(self.centre.database, timeout=20)
        try:
            return database.execute(question, values).fetchall()
        finally:
            database.close()

    def copy(self, name, count):
        """So many more like that one, while the collector is away; their ids."""
        names = [f"{number:032x}" for number in range(count)]
        database = sqlite3.connect(self.centre.database)
        for new in names:
            database.execute("INSERT INTO sendings SELECT ?, channel, purpose, made, made, 0, 'waiting', 0, 0, 0, recipients, subject, "
                             "customer, '', CAST(REPLACE(CAST(bytes AS TEXT), id, ?) AS BLOB) FROM sendings WHERE id = ?", (new, new, name))
        database.commit()
        database.close()
        return names

    def state_of(self, name):
        return self.rows("SELECT state, trouble FROM sendings WHERE id = ?", name)[0]

    def becomes(self, name, state, patience=30):
        soon(lambda: self.state_of(name)[0] == state, patience)
        return self.state_of(name)

    def copies(self, name):
        return len(self.office.letters().get(f"<{name}@firm.example>", []))

    def alerts(self):
        return self.ann.say("alerts")


def by_tls(checks, desk):
    name = desk.test("desk")
    trouble = soon(lambda: desk.state_of(name)[1])
    checks.that("without its password it waits, and says why", trouble and desk.state_of(name)[0] == "waiting", desk.state_of(name))
    told = soon(lambda: "nothing goes out by desk" in desk.alerts())
    checks.that("that nothing goes out is told", told, desk.alerts())
    with open(os.path.join(desk.folder, "password"), "w", encoding="ascii") as file:
        file.write("secret\n")
    checks.that("with the password it goes", desk.becomes(name, "sent") == ("sent", ""), desk.state_of(name))
    soon(lambda: desk.copies(name))
    letters = desk.office.letters().get(f"<{name}@firm.example>", [])
    checks.that("it is there once", len(letters) == 1, (desk.office.letters().keys(), desk.office.said()))
    letter = letters[0]
    checks.that("as what it is", letter["From"] == "Abuse desk <postern@firm.example>" and letter["To"] == "abuse@desk.example" and
                letter["Auto-Submitted"] == "auto-generated" and letter["Return-Path"] == "<postern@firm.example>", letter.items())
    received = " ".join(letter.get_all("Received"))
    checks.that("over TLS, by who logged in", "ESMTPSA" in received, received)
    checks.that("and it is over", soon(lambda: "nothing goes out" not in desk.alerts()), desk.alerts())
    status, out, err = desk.ann.run("alerts", "test", "desk")
    checks.that("a person tests a channel", status == 0, (status, out, err))


def by_hook(checks, desk):
    desk.hook.answers = [503]
    name = desk.test("hook")
    checks.that("a webhook that is away is asked again", desk.becomes(name, "sent")[0] == "sent", desk.state_of(name))
    heard = [entry for entry in desk.hook.heard if entry[0] == name]
    checks.that("with the same words and id, signed each time", len(heard) == 2 and all(good for _, good, _, _ in heard) and
                heard[0][2:] == heard[1][2:] == (name, heard[0][3]) and isinstance(json.loads(heard[0][3]), dict), heard)
    desk.hook.answers = [400]
    name = desk.test("hook")
    state = desk.becomes(name, "failed")
    checks.that("one that refuses is not asked again", state[0] == "failed" and "400" in state[1] and
                len([entry for entry in desk.hook.heard if entry[0] == name]) == 1, state)
    checks.that("which people see", "something did not go out by hook" in desk.alerts() and
                "400" in desk.ann.say("alerts", "sent", "--state", "failed"), desk.alerts())
    desk.ann.say("alerts", "again", name, "--reason", "mended")
    checks.that("and can have sent again", desk.becomes(name, "sent")[0] == "sent", desk.state_of(name))
    checks.that("once", desk.ann.run("alerts", "again", name)[0] == 1)
    audit = desk.rows("SELECT person, target, reason FROM audit WHERE deed = 'send again'")
    checks.that("which is on record", audit == [("ann", name, "mended")], audit)


def by_program(checks, desk):
    name = desk.test("pager")
    checks.that("a program is told", desk.becomes(name, "sent")[0] == "sent", desk.state_of(name))
    with open(os.path.join(desk.folder, "paged"), encoding="utf-8") as file:
        checks.that("in JSON", json.loads(file.read()))
    with open(os.path.join(desk.folder, "named"), encoding="utf-8") as file:
        said = file.read()
    checks.that("and what it is", said == f"{name} pager\n", said)


def away(checks, desk):
    desk.office.gate.be("shut")
    names = [desk.test("desk") for _ in range(3)]
    soon(lambda: any(desk.state_of(name)[1] for name in names))
    checks.that("with the server away all wait", {desk.state_of(name)[0] for name in names} == {"waiting"},
                [desk.state_of(name) for name in names])
    desk.office.gate.be("silent")
    desk.office.gate.came = 0
    checks.that("a server that says nothing is given up", soon(lambda: desk.office.gate.came >= 2), desk.office.gate.came)
    begun = time.monotonic()
    hooked = desk.test("hook")
    checks.that("and holds nobody else up", desk.becomes(hooked, "sent", 10)[0] == "sent" and time.monotonic() - begun < 10)
    status, took = desk.centre.stop()
    checks.that("nor the collector's end", status == 0 and took < 10, (status, took))
    desk.office.gate.be("open")
    desk.begin()
    checks.that("then all go", all(desk.becomes(name, "sent")[0] == "sent" for name in names), [desk.state_of(n) for n in names])
    checks.that("and are there once each", soon(lambda: [desk.copies(name) for name in names] == [1, 1, 1]),
                [desk.copies(name) for name in names])


def refusing(checks, desk):
    nobody, later, both = desk.test("nobody"), desk.test("later"), desk.test("both")
    state = desk.becomes(nobody, "failed")
    checks.that("what is refused for good is failed", state == ("failed", "nobody@desk.example: 550 5.1.1 <nobody@desk.example>: "
                                                                "Recipient address rejected: there is nobody"), state)
    checks.that("which people see", "something did not go out by nobody" in desk.alerts(), desk.alerts())
    state = soon(lambda: desk.state_of(later)[1] and desk.state_of(later))
    checks.that("what is put off waits", state and state[0] == "waiting" and "450 4.2.1" in state[1], state)
    state = desk.becomes(both, "sent")
    checks.that("of several those get it who can", state[0] == "sent" and "nobody@desk.example: 550" in state[1] and
                soon(lambda: desk.copies(both) == 2), (state, desk.copies(both)))
    lines = desk.ann.records("alerts", "sent", "--channel", "later")
    checks.that("each is shown with what became of it", lines[0]["id"] == later and lines[0]["state"] == "waiting" and
                lines[0]["recipients"] == "later@desk.example" and lines[0]["tries"] >= 1, lines)


def unanswered(checks, desk):
    """Postfix has it, and its answer is not heard: who is killed then does not send it again."""
    desk.office.gate.be("mute")
    name = desk.test("desk")
    checks.that("before its last bytes a message is marked", desk.becomes(name, "handed")[0] == "handed", desk.state_of(name))
    soon(lambda: desk.copies(name))
    desk.centre.kill()
    desk.office.gate.be("open")
    desk.centre.start()
    checks.that("what nobody knows of is in doubt", desk.becomes(name, "in doubt")[0] == "in doubt", desk.state_of(name))
    next_one = desk.test("desk")
    desk.becomes(next_one, "sent")
    checks.that("and is there once", soon(lambda: desk.copies(next_one) == 1) and desk.copies(name) == 1, desk.copies(name))
    checks.that("people hear of it", "something did not go out by desk" in desk.alerts(), desk.alerts())


def killed(checks, desk):
    mail = desk.test("desk")
    desk.becomes(mail, "sent")
    desk.centre.stop()
    mails, left = desk.copy(mail, 60), []
    for _ in range(6):
        desk.centre.start()
        time.sleep(0.1)
        desk.centre.kill()
        left += desk.rows("SELECT COUNT(*) FROM sendings WHERE state = 'waiting' AND channel = 'desk'")[0]
    desk.centre.start()
    checks.that("killed while it sends", any(0 < count < len(mails) for count in left), left)
    soon(lambda: all(desk.state_of(name)[0] in ("sent", "in doubt") for name in mails), 60)
    states = [desk.state_of(name)[0] for name in mails]
    checks.that("again and again: all went", set(states) <= {"sent", "in doubt"} and states.count("in doubt") <= 6, states)
    wanted = [name for name, state in zip(mails, states) if state == "sent"]
    there = soon(lambda: (letters := desk.office.letters()) and
                 all(len(letters[f"<{name}@firm.example>"]) == 1 for name in wanted) and letters) or desk.office.letters()
    copies = [len(there[f"<{name}@firm.example>"]) for name in mails]
    checks.that("each is there once, and none twice", all(count == 1 or (count == 0 and state == "in doubt")
                                                          for count, state in zip(copies, states)), (copies, states))


def main():
    checks = Checks()
    if missing():
        checks.skip("mail into a mailbox", missing())
        return checks.close()
    folder = tempfile.mkdtemp(prefix="postern-post-")
    os.mkdir(os.path.join(folder, "office"))
    os.chmod(folder, 0o755)
    office, desk, hook = None, None, Hook()
    try:
        office = PostOffice(os.path.join(folder, "office")).start()
        desk = Desk(folder, office, hook)
        with checks.part("TLS"):
            by_tls(checks, desk)
        with checks.part("webhook"):
            by_hook(checks, desk)
        with checks.part("program"):
            by_program(checks, desk)
        desk.centre.stop()
        desk.begin(patience="1s")
        with checks.part("away"):
            away(checks, desk)
        for part in refusing, unanswered, killed:
            with checks.part(part.__name__):
                part(checks, desk)
        page = desk.centre.ask("GET", "/metrics", desk.ann.secret)[1]
        checks.that("it is counted", 'postern_collector_sendings_total{state="sent"}' in page and
                    'postern_collector_alerts{severity="trouble"}' in page, page[:500])
        checks.that("it ends when it is told", desk.centre.stop()[0] == 0)
    finally:
        if desk and desk.centre.process.poll() is None:
            desk.centre.kill()
        if office:
            office.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
