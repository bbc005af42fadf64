#!/usr/bin/env python3
"""Complaints come in by all ways, from a real Dovecot among them: each is taken once, whatever is killed or begun anew,
read, and tied to who sent what is complained of; people see them and are done with them; a source that fails is told of
until it works again."""
import json
import os
import re
import shutil
import smtplib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "testbed"), os.path.dirname(os.path.abspath(__file__))]
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from samples import Sampler  # noqa: E402
from dovecot import PROGRAM, Dovecot, certificate, free_port  # noqa: E402

ONCE = True
POSTERN = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern")
XARF = b"""{"xarf_version":"4.2.0","report_id":"r1","timestamp":"2026-11-23T08:00:00Z","reporter":{"org":"Trap",
"contact":"r@trap.example","domain":"trap.example"},"source_identifier":"203.0.113.77","source_port":25,
"category":"messaging","type":"spam"}"""
CSV = b'"timestamp","ip","port","tag"\n"2026-11-23 08:00:00","203.0.113.5","53","dns"\n' \
      b'"2026-11-23 08:00:01","203.0.113.6","53","dns"\n'
BOUNCE = b"From: MAILER-DAEMON@example.net\nSubject: Undelivered Mail Returned to Sender\n\nSorry.\n"
LETTER = b"From: someone@example.net\nSubject: Your host 203.0.113.8 sends spam\n\nStop it.\n"


def arf(number):
    return (f"From: FBL <fbl@example.com>\nMessage-ID: <report{number}@example.com>\nSubject: report {number}\n"
            "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
            "--b\nContent-Type: text/plain\n\nA report.\n\n--b\nContent-Type: message/feedback-report\n\n"
            f"Feedback-Type: abuse\nUser-Agent: FBL/1\nVersion: 1\nSource-IP: 203.0.113.{number % 250}\n\n--b\n"
            "Content-Type: message/rfc822\n\nFrom: <news@shop.example>\n"
            f"Message-ID: <m{number}@shop.example>\nSubject: Sale\n\nBuy.\n--b--\n").encode()


def soon(what, patience=30):
    end = time.monotonic() + patience
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


class Desk:
    def __init__(self, folder, more):
        self.folder = folder
        self.centre = Collector(folder, more)
        self.centre.start()
        self.secret = self.centre.person("ann", "read,order").split()[-1]
        self.key = self.key_of("ann", self.secret)

    def key_of(self, name, secret):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(secret + "\n")
        os.chmod(path, 0o600)
        return path

    def rows(self, question, *values):
        database = sqlite3.connect(self.centre.database, timeout=20)
        try:
            return database.execute(question, values).fetchall()
        finally:
            database.close()

    def count(self, source, state="open"):
        return self.rows("SELECT COUNT(*) FROM complaints WHERE source = ? AND state = ?", source, state)[0][0]

    def reached(self, source, count):
        """Whether so many were read and none waits."""
        return soon(lambda: self.count(source) == count and self.count(source, "arrived") == 0) or \
            self.rows("SELECT source, state, COUNT(*), MAX(note) FROM complaints GROUP BY source, state")

    def post(self, content):
        return self.centre.ask("POST", "/v1/complaints", self.secret, content)

    def run(self, *words, key=None):
        done = subprocess.run([POSTERN, "--key", key or self.key, *words], capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, "POSTERN_COLLECTOR": f"http://127.0.0.1:{self.centre.port}"})
        return done.returncode, done.stdout + done.stderr


def by_http(checks, desk):
    status, answer = desk.post(arf(1))
    checks.that("a complaint is taken by HTTP", status == 202 and answer["new"] is True, (status, answer))
    status, again = desk.post(arf(1))
    checks.that("the same again is the same", status == 202 and again == {"id": answer["id"], "new": False}, again)
    checks.that("it is read", desk.reached("http", 1) is True, desk.reached("http", 1))
    row = desk.rows("SELECT format, type, reporter, address, message_id, subject FROM complaints WHERE id = ?", answer["id"])
    checks.that("as what it is", row == [("arf", "abuse", "example.com", "203.0.113.1", "m1@shop.example", "Sale")], row)
    for content, state, note in (BOUNCE, "done", "bounce"), (LETTER, "unread", "other"), (b'{"a":', "unread", "JSON"):
        _, answer = desk.post(content)
        row = soon(lambda: desk.rows("SELECT state, note FROM complaints WHERE id = ? AND state <> 'arrived'", answer["id"]))
        checks.that(f"not a complaint: {note}", row and row[0][0] == state and row[0][1].startswith(note), row)
    status, _ = desk.centre.ask("POST", "/v1/complaints", None, arf(2))
    checks.that("not by strangers", status == 401, status)
    checks.that("nothing is nothing", desk.post(b" \n")[0] == 400)


def by_import(checks, desk):
    paths = []
    for name, content in ("x.json", XARF), ("s.csv", CSV), \
            ("box", b"".join(b"From a Mon Nov 23 08:00:00 2026\n" + arf(n) + b"\n" for n in (3, 4))):
        paths.append(os.path.join(desk.folder, name))
        with open(paths[-1], "wb") as file:
            file.write(content)
    status, said = desk.run("complaints", "import", *paths)
    checks.that("files are imported", status == 0 and said.startswith("4 handed in, 0 known"), (status, said))
    status, said = desk.run("complaints", "import", *paths)
    checks.that("and known the next time", status == 0 and said.startswith("0 handed in, 4 known"), (status, said))
    checks.that("all are read, each row of a table by itself", desk.reached("http", 6) is True, desk.reached("http", 6))


def by_maildir(checks, desk, folder):
    for number in 10, 11:
        with open(os.path.join(folder, "new", f"{number}.x"), "wb") as file:
            file.write(arf(number))
    checks.that("a Maildir is read", desk.reached("maildir", 2) is True, desk.reached("maildir", 2))
    moved = soon(lambda: os.listdir(os.path.join(folder, "new")) == [])
    checks.that("and what was taken is seen", moved and sorted(os.listdir(os.path.join(folder, "cur"))) ==
                ["10.x:2,S", "11.x:2,S"], os.listdir(os.path.join(folder, "cur")))
    os.rename(os.path.join(folder, "cur", "10.x:2,S"), os.path.join(folder, "new", "10.x"))
    soon(lambda: os.listdir(os.path.join(folder, "new")) == [])
    checks.that("brought again it is the same", desk.reached("maildir", 2) is True, desk.reached("maildir", 2))


def tied(checks, desk):
    """A node sent the message in that a report is about, then the same report comes again by another way."""
    node = Sampler(desk.centre, "hv1")
    node.send(b"Message-ID: <m200@shop.example>\r\nSubject: Sale\r\n\r\nBuy.\r\n", sender="port:tap7", customer="acme",
              address="203.0.113.200")
    known = soon(lambda: desk.rows("SELECT name FROM messages WHERE message_id = 'm200@shop.example'"))
    checks.that("a message is known by its Message-ID", known, desk.rows("SELECT message_id, due FROM messages"))
    reader = desk.key_of("rex", desk.centre.person("rex", "read,content").split()[-1])
    first = desk.post(arf(200))[1]["id"]
    soon(lambda: desk.rows("SELECT 1 FROM complaints WHERE id = ? AND state = 'open'", first))
    again = desk.post(b"Received: from elsewhere\n" + arf(200))[1]["id"]
    soon(lambda: desk.rows("SELECT 1 FROM complaints WHERE id = ? AND state <> 'arrived'", again))
    said = json.loads(desk.run("--json", "complaints", "--customer", "acme")[1].splitlines()[0])
    wanted = {"id": first, "customer": "acme", "sender": "port:tap7", "node_name": "hv1", "tied": "message",
              "message": known[0][0] if known else "", "times": 2, "state": "open", "subject": None}
    checks.that("the complaint is tied to it, and its double counted", wanted.items() <= said.items(), said)
    status, said = desk.run("complaints", "list")
    row = next((line for line in said.splitlines() if line.startswith(first)), "")
    checks.that("people see it in the list", status == 0 and "acme" in row and "port:tap7" in row and again not in said, said)
    checks.that("and the double among all", again in desk.run("complaints", "--all")[1])
    status, said = desk.run("complaints", "show", first)
    checks.that("one is shown, the letter only to who may see content", status == 0 and "hv1" in said and
                "A report." not in said and "Sale" not in said and "content" in said, said)
    status, said = desk.run("complaints", "show", first, key=reader)
    checks.that("it is to him", status == 0 and "A report." in said and "Sale" in said, said)
    checks.that("of the double too", "from elsewhere" in desk.run("complaints", "show", again, key=reader)[1])
    looks = desk.rows("SELECT person, target FROM audit WHERE deed = 'view complaint' ORDER BY time")
    checks.that("each look is on record", looks == [("rex", first), ("rex", again)], looks)
    status, said = desk.run("complaints", "done", first)
    checks.that("done wants a reason", status == 2 and "--reason" in said, said)
    checks.that("and the right", desk.run("complaints", "done", first, "--reason", "x", key=reader)[0] == 1)
    status, said = desk.run("complaints", "done", first, "--reason", "the customer was told")
    checks.that("somebody is done with it", status == 0 and first not in desk.run("complaints")[1], said)
    checks.that("as is shown", "the customer was told" in desk.run("complaints", "show", first)[1])
    checks.that("once", "409" in desk.run("complaints", "done", first, "--reason", "y")[1])
    deeds = desk.rows("SELECT person, target, reason FROM audit WHERE deed = 'complaint done'")
    checks.that("on record", deeds == [("ann", first, "the customer was told")], deeds)
    for wrong in "0000000000000000", "../persons", "x":
        checks.that(f"{wrong} is none", desk.run("complaints", "show", wrong)[0] != 0)
    checks.that("a state that is none is refused", desk.centre.ask("GET", "/v1/complaints?state=x", desk.secret)[0] == 400)
    checks.that("strangers see nothing", desk.centre.ask("GET", "/v1/complaints")[0] == 401)


def by_mbox(checks, desk, path):
    for count, number in (1, 20), (2, 21):
        with open(path, "ab") as file:
            file.write(b"From a Mon Nov 23 08:00:00 2026\n" + arf(number) + b"\n")
        checks.that(f"an mbox is read, {count}", desk.reached("mbox", count) is True, desk.reached("mbox", count))
    with open(path, "wb") as file:
        file.write(b"From a Mon Nov 23 08:00:00 2026\n" + arf(22) + b"\n")
    checks.that("and begun anew", desk.reached("mbox", 3) is True, desk.reached("mbox", 3))


def by_imap(checks, desk, dovecot):
    for number in 30, 31, 32:
        dovecot.put(arf(number))
    checks.that("IMAP is read", desk.reached("imap", 3) is True, (desk.reached("imap", 3), dovecot.said()[-500:]))
    place = desk.rows("SELECT place, trouble FROM complaint_sources WHERE source = 'imap'")
    checks.that("how far is kept", place and place[0][0].endswith(" 3") and place[0][1] == "", place)
    desk.centre.stop()
    dovecot.put(arf(33))
    desk.centre.start()
    checks.that("one more after a restart, none twice", desk.reached("imap", 4) is True, desk.reached("imap", 4))
    dovecot.stop()
    alert = soon(lambda: desk.rows("SELECT text FROM alerts WHERE kind = 'source' AND name = 'imap' AND resolved = 0"))
    checks.that("a server that is away is told of", alert and "IMAP" in alert[0][0], alert)
    checks.that("people see that it stands", "imap" in desk.run("alerts")[1], desk.run("alerts"))
    os.remove(os.path.join(dovecot.folder, "mail", "dovecot-uidlist"))
    for name in os.listdir(os.path.join(dovecot.folder, "mail")):
        if name.startswith("dovecot.index"):
            os.remove(os.path.join(dovecot.folder, "mail", name))
    dovecot.put(arf(34))
    time.sleep(1.1)  # a mailbox that is made anew has the time as its UIDVALIDITY
    dovecot.start()
    checks.that("a mailbox made anew: what is new is taken, nothing twice", desk.reached("imap", 5) is True,
                desk.reached("imap", 5))
    solved = soon(lambda: desk.rows("SELECT 1 FROM alerts WHERE kind = 'source' AND resolved > 0"))
    checks.that("nothing is said of sources then", "imap" not in desk.run("alerts")[1], desk.run("alerts"))
    checks.that("and it is over", solved, desk.rows("SELECT kind, name, resolved, text FROM alerts"))


def too_long(checks, desk, dovecot):
    """It stays in the mailbox, is fetched once, and told of until somebody takes it out."""
    dovecot.put(arf(35) + (b"x" * 70 + b"\n") * 250000)
    dovecot.put(arf(36))
    checks.that("the one behind it is taken", desk.reached("imap", 6) is True, desk.reached("imap", 6))
    stands = "SELECT text, times FROM alerts WHERE kind = 'source' AND name = 'imap' AND resolved = 0"
    alert = soon(lambda: [row for row in desk.rows(stands) if row[1] >= 3])
    checks.that("and it is told of, as one alert, round by round", len(alert) == 1 and "longer than 16777216" in alert[0][0], alert)
    place = desk.rows("SELECT place FROM complaint_sources WHERE source = 'imap'")[0][0].split()
    checks.that("the mailbox is read behind it", len(place) == 3 and int(place[1]) == int(place[2]) + 1, place)
    fetched = [int(size) for size in re.findall(r"out=(\d+)", dovecot.said()) if int(size) > 10000000]
    checks.that("fetched once", len(fetched) == 1, fetched)
    mail = os.path.join(dovecot.folder, "mail")
    for name in "new", "cur":
        for file in os.listdir(os.path.join(mail, name)):
            if os.path.getsize(os.path.join(mail, name, file)) > 10000000:
                os.remove(os.path.join(mail, name, file))
    checks.that("taken out, it is over", soon(lambda: not desk.rows(stands)), desk.rows(stands))


def by_mail(checks, desk, port):
    with smtplib.LMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("fbl@example.com", ["abuse@host.example"], arf(90))
        client.sendmail("", ["abuse@host.example"], arf(91).replace(b"A report.", b".A dot\n.\n..\nA report."))
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("fbl@example.com", ["abuse@host.example"], arf(92))
    checks.that("mail servers deliver, by LMTP and SMTP", desk.reached("smtp", 3) is True, desk.reached("smtp", 3))
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        link.sendall(b"DATA\r\nMAIL FROM:<a@b>\r\nLHLO x\r\nMAIL FROM:<a@b\x01>\r\nRCPT TO:<c@d>\r\n" + b"x" * 9000 +
                     b"\r\nMAIL FROM:<>\r\nRCPT TO:<>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@d>\r\nDATA\r\nSubject: hi\r\n\r\nlines\n.\nof LF\r\n.\r\nQUIT\r\n")
        said = b""
        while piece := link.recv(4096):
            said += piece
    codes = [line[:3].decode() for line in said.split(b"\r\n") if line[3:4] == b" "]
    checks.that("who speaks badly is told so", codes == ["220", "503", "503", "250", "501", "503", "500", "250", "501", "250",
                                                         "250", "354", "250", "250", "221"], codes)
    other = soon(lambda: desk.count("smtp", "done") + desk.count("smtp", "unread") == 1)
    checks.that("and the message that a null sender sent is no complaint", other)


def killed(checks, desk, dovecot, folder):
    for number in range(40, 80):
        dovecot.put(arf(number))
        with open(os.path.join(folder, "new", f"{number}.x"), "wb") as file:
            file.write(arf(1000 + number))
    for _ in range(4):
        time.sleep(0.7)
        desk.centre.kill()
        desk.centre.start()
    checks.that("killed again and again: each once, by IMAP", desk.reached("imap", 46) is True, desk.reached("imap", 46))
    checks.that("and from the Maildir", desk.reached("maildir", 42) is True, desk.reached("maildir", 42))


def long_table(checks, desk):
    """Others cannot write while one is written: it does not take a minute because it has 4,000 rows."""
    row = '"2026-11-23 08:00:00","198.51.100.%d","%d","dns","%s"\n'
    table = '"timestamp","ip","port","tag","text"\n' + "".join(row % (i % 250, i, "x" * 500) for i in range(1, 4001))
    desk.post(table.encode())
    count = "SELECT COUNT(*) FROM complaints WHERE address LIKE '198.51.100.%'"
    checks.that("4,000 rows of one table are written at once", soon(lambda: desk.rows(count)[0][0] == 4000, 20), desk.rows(count))
    ids = [row[0] for row in desk.rows("SELECT id FROM complaints WHERE address LIKE '198.51.100.%' LIMIT 200")]
    status, said = desk.run("complaints", "done", ids[0], *ids, "--reason", "all of them")
    closed = desk.rows("SELECT COUNT(*) FROM complaints WHERE state = 'done' AND reason = 'all of them'")[0][0]
    checks.that("many are done with at once, one that was before beside them", (status, closed) == (1, 200) and "409" in said, (status, closed))


def main():
    checks = Checks()
    if not os.path.exists(PROGRAM):
        checks.skip("complaints from Dovecot", "it is not installed")
        return checks.close()
    folder = tempfile.mkdtemp(prefix="postern-desk-")
    os.chmod(folder, 0o755)
    maildir, mbox, imap = (os.path.join(folder, name) for name in ("maildir", "mbox", "imap"))
    for name in "new", "cur", "tmp":
        os.makedirs(os.path.join(maildir, name))
    open(mbox, "wb").close()
    os.mkdir(imap)
    state = os.path.join(folder, "state")
    os.mkdir(state, 0o700)
    password = os.path.join(folder, "password")
    with open(password, "w", encoding="ascii") as file:
        file.write("secret\n")
    listen = free_port()
    authority, key = certificate(folder)
    dovecot = Dovecot(imap, certificate=authority, key=key)
    desk = None
    try:
        dovecot.start()
        desk = Desk(state, f"[complaints]\nmaildir = {maildir}\nmbox = {mbox}\nimap = imaps://127.0.0.1:{dovecot.secure}\n"
                    f"imap_user = abuse\nimap_password = {password}\nimap_authority = {authority}\nlisten = 127.0.0.1:{listen}\nevery = 1s\npatience = 10s\n[pictures]\npatience = 5s\n")
        with checks.part("HTTP"):
            by_http(checks, desk)
        with checks.part("import"):
            by_import(checks, desk)
        with checks.part("tied"):
            tied(checks, desk)
        with checks.part("Maildir"):
            by_maildir(checks, desk, maildir)
        with checks.part("mbox"):
            by_mbox(checks, desk, mbox)
        with checks.part("IMAP"):
            by_imap(checks, desk, dovecot)
        with checks.part("too long"):
            too_long(checks, desk, dovecot)
        with checks.part("LMTP"):
            by_mail(checks, desk, listen)
        with checks.part("killed"):
            killed(checks, desk, dovecot, maildir)
        with checks.part("table"):
            long_table(checks, desk)
        checks.that("it ends when it is told", desk.centre.stop()[0] == 0)
    finally:
        if desk and desk.centre.process.poll() is None:
            desk.centre.kill()
        dovecot.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
