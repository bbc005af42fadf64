#!/usr/bin/env python3
"""The report of a week, as those see it who get it: made by itself when the week is over, late after a downtime, once;
mailed with charts that a browser shows and a text that mutt and lynx show; asked for again the same to the byte; also of
days, of months and of weeks without anything."""
import csv
import datetime
import email
import email.policy
import io
import os
import pty
import re
import select
import shutil
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import zlib
import zoneinfo

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "testbed"), os.path.dirname(os.path.abspath(__file__))]
from check import Checks  # noqa: E402
from collector import PROGRAM, Collector, Node  # noqa: E402
from person import Person  # noqa: E402

ONCE = True
ZONE = "Europe/Berlin"
BLUE, BAND = (0x00, 0x72, 0xB2), (0x0B, 0x3D, 0x5C)  # of a bar, of the page's head
SETTINGS = """[mail]
server = smtp://127.0.0.1:{port}
from = Abuse desk <abuse@example.net>
[alert desk]
type = mail
kinds = -
to = desk@example.net boss@example.net
[reports]
weekly = desk
daily = desk
monthly = desk
zone = {zone}
hour = 0
"""


def arf(number, address):
    return (f"From: FBL <fbl@feedback.example>\nMessage-ID: <report{number}@feedback.example>\nSubject: report {number}\n"
            "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
            "--b\nContent-Type: text/plain\n\nA report.\n\n--b\nContent-Type: message/feedback-report\n\n"
            f"Feedback-Type: abuse\nUser-Agent: FBL/1\nVersion: 1\nSource-IP: {address}\n\n--b\n"
            "Content-Type: message/rfc822\n\nFrom: <news@shop.example>\n"
            f"Message-ID: <m{number}@shop.example>\nSubject: Sale\n\nBuy.\n--b--\n").encode()


def soon(what, patience=30):
    end = time.monotonic() + patience
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


class Mailbox(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A mail server that takes everything; `mails`: (recipients, bytes)."""
    allow_reuse_address = daemon_threads = True

    class Dialogue(socketserver.StreamRequestHandler):
        def handle(self):
            recipients = []
            self.wfile.write(b"220 sink\r\n")
            while line := self.rfile.readline():
                word = line[:4].upper()
                if word == b"RCPT":
                    recipients.append(line.decode().split("<")[1].split(">")[0])
                if word == b"DATA":
                    self.wfile.write(b"354 go\r\n")
                    lines = []
                    while (line := self.rfile.readline()) not in (b".\r\n", b""):
                        lines.append(line[1:] if line.startswith(b".") else line)
                    self.server.mails.append((recipients, b"".join(lines)))
                    recipients = []
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 yes\r\n")
                if word == b"QUIT":
                    return

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Dialogue)
        self.mails = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def read(self):
        """subject: (recipients, message)"""
        found = {}
        for recipients, raw in list(self.mails):
            message = email.message_from_bytes(raw, policy=email.policy.default)
            found[message["Subject"]] = (recipients, message, raw)
        return found


class Week:
    """The ISO week before this one, and those before it, in the report's zone."""

    def __init__(self):
        today = datetime.datetime.now(zoneinfo.ZoneInfo(ZONE)).date()
        self.monday = today - datetime.timedelta(days=today.weekday() + 7)
        self.name = f"{self.monday.isocalendar()[0]}-W{self.monday.isocalendar()[1]:02}"
        self.title = f"Week {self.monday.isocalendar()[1]} of {self.monday.isocalendar()[0]}"

    def at(self, weeks, day, hour):
        """Nanoseconds, so many weeks before, by the clock on the wall there."""
        date = self.monday + datetime.timedelta(days=day, weeks=-weeks)
        wall = datetime.datetime(date.year, date.month, date.day, hour, tzinfo=zoneinfo.ZoneInfo(ZONE))
        return int(wall.timestamp()) * 10 ** 9


def seed(centre, week):
    """Complaints come in by HTTP, as they do; then they are moved into the weeks that are looked back at."""
    desk = Person(centre, "ann", "read,order")
    Node(centre, "hv1").deliver([{"record": "traffic", "time": "2026-11-01T08:00:00Z", "sender": "192.0.2.7",
                                  "connections": 1, "messages": 1, "rejected": 0, "recipients": 1, "bytes": 100}])
    ids = []
    for number in range(40):
        status, answer = centre.ask("POST", "/v1/complaints", desk.secret, arf(number, f"203.0.113.{number + 1}"))
        assert status == 202, (status, answer)
        ids.append(answer["id"])
    database = sqlite3.connect(centre.database, timeout=20)
    assert soon(lambda: database.execute("SELECT COUNT(*) FROM complaints WHERE state = 'open'").fetchone()[0] == 40)
    centre.stop()
    # Seventeen of acme in the week, six of them answered after an hour; three of one with a name that is no HTML; one
    # at the last hour of Sunday, one at the first of Monday before; the others in the weeks before.
    for number, id in enumerate(ids):
        if number < 17:
            row = ("acme", week.at(0, number % 7, 9), 1 if number < 6 else 0)
        elif number < 20:
            row = ("<b>tom & co</b>", week.at(0, 2, 15), 0)
        elif number < 22:
            row = ("edge", week.at(0, 6, 23) if number == 20 else week.at(0, 0, 0), 0)
        else:
            row = ("acme", week.at(1 + number % 6, number % 7, 12), 1)
        closed = row[1] + 3600 * 10 ** 9 if row[2] else 0
        database.execute("UPDATE complaints SET customer = ?, received = ?, closed = ?, state = ? WHERE id = ?",
                         (row[0], row[1], closed, "done" if closed else "open", id))
    database.commit()
    database.close()
    return desk


def parts(message, kind):
    return [part for part in message.walk() if part.get_content_type() == kind]


def pixels(path):
    """Rows of (red, green, blue) of a PNG of eight bits without interlacing, as browsers and cairo write them."""
    with open(path, "rb") as file:
        raw = file.read()
    at, packed = 8, b""
    width, height = int.from_bytes(raw[16:20]), int.from_bytes(raw[20:24])
    size = {2: 3, 6: 4}[raw[25]]
    while at < len(raw):
        length = int.from_bytes(raw[at:at + 4])
        packed += raw[at + 8:at + 8 + length] if raw[at + 4:at + 8] == b"IDAT" else b""
        at += 12 + length
    flat, before, rows = zlib.decompress(packed), bytearray(width * size), []
    for y in range(height):
        start = y * (width * size + 1)
        form, line = flat[start], bytearray(flat[start + 1:start + 1 + width * size])
        for x in range(len(line)) if form else ():
            left = line[x - size] if x >= size else 0
            corner = before[x - size] if x >= size else 0
            guess = (left, before[x], (left + before[x]) // 2)[form - 1] if form < 4 else \
                min((left, before[x], corner), key=lambda byte: abs(left + before[x] - corner - byte))  # pylint: disable=cell-var-from-loop
            line[x] = (line[x] + guess) & 255
        before = line
        rows.append(line)
    return width, height, size, rows


def count(picture, colour):
    """How many pixels have just that colour."""
    _, _, size, rows = picture
    wanted, found = bytes(colour), 0
    for row in rows:
        at = row.find(wanted)
        while at >= 0:
            found += at % size == 0
            at = row.find(wanted, at + 1)
    return found


def browse(folder, *words):
    return subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                           f"--user-data-dir={folder}/browser", *words], capture_output=True, text=True, check=False,
                          timeout=90, env={**os.environ, "HOME": folder})


def as_page(folder, message):
    """The HTML of a mail with its pictures beside it, as a mail program has it."""
    html = parts(message, "text/html")[0].get_content()
    for part in parts(message, "image/png"):
        name = part["Content-ID"].strip("<>")
        with open(os.path.join(folder, part.get_filename()), "wb") as file:
            file.write(part.get_payload(decode=True))
        html = html.replace(f"cid:{name}", part.get_filename())
    path = os.path.join(folder, "mail.html")
    with open(path, "w", encoding="utf-8") as file:
        file.write(html)
    return path, html


def in_mutt(folder, raw):
    """What mutt shows of it, as it would print it."""
    box, shown, rules = (os.path.join(folder, name) for name in ("box", "shown", "muttrc"))
    with open(box, "wb") as file:
        file.write(b"From desk Mon Nov 23 08:00:00 2026\n" + raw.replace(b"\r\n", b"\n") + b"\n")
    with open(rules, "w", encoding="ascii") as file:
        file.write(f"set print_command=\"cat > {shown}\" print=yes print_decode=yes wait_key=no charset=utf-8\n"
                   f"alternative_order text/plain text/html\nset quit=yes move=no folder={folder}\npush <print-message><exit>\n")
    child, screen = pty.fork()
    if child == 0:
        os.environ.update(TERM="vt100", HOME=folder, LC_ALL="C.UTF-8")
        os.execvp("mutt", ["mutt", "-n", "-R", "-F", rules, "-f", box])
    end = time.monotonic() + 20
    try:
        while time.monotonic() < end:
            if select.select([screen], [], [], 0.2)[0]:
                os.read(screen, 65536)
            if os.path.exists(shown) and os.path.getsize(shown) > 1000:
                time.sleep(0.3)
                break
    except OSError:
        pass  # it has ended
    os.close(screen)
    os.waitpid(child, 0)
    with open(shown, encoding="utf-8") as file:
        return file.read()


def the_mail(checks, week, recipients, message, raw):
    checks.that("it goes to all of the channel", sorted(recipients) == ["boss@example.net", "desk@example.net"], recipients)
    checks.that("its head says what it is", message["Auto-Submitted"] == "auto-generated" and
                message["Message-ID"].endswith("@example.net>"), message.items())
    text = parts(message, "text/plain")[0].get_content()
    checks.that("its text tells in words first", re.search(r"^22 complaints in week \d+ of \d+, clearly more than in the week "
                                                           r"before \(3\)", text, re.M), text[:800])
    checks.that("and whom to look at", "Look at acme: 17 complaints (3 the week before), 11 of them open" in
                re.sub(r"\s+", " ", text), text[:1500])
    sums = {row[0]: row[1:] for row in csv.reader(io.StringIO(
        [part for part in parts(message, "text/csv") if "sums" in part.get_filename()][0].get_content()))}
    checks.that("its figures are a spreadsheet's", sums["measure"][0] == week.name and sums["complaints"][:3] == ["22", "3", "3"],
                sums)
    names = {part["Content-ID"].strip("<>") for part in parts(message, "image/png")}
    html = parts(message, "text/html")[0].get_content()
    checks.that("every picture that is shown is there", names == set(re.findall(r'src="cid:([^"]+)"', html)) and len(names) >= 3,
                names)
    checks.that("a name is a name", "&lt;b&gt;tom &amp; co&lt;/b&gt;" in html and "<b>tom" not in html)
    checks.that("no line is too long", max(len(line) for line in raw.split(b"\r\n")) <= 998)


def as_shown(checks, folder, message, raw):
    path, html = as_page(folder, message)
    shot = os.path.join(folder, "shot.png")
    browse(folder, f"--screenshot={shot}", "--window-size=760,1700", "--force-device-scale-factor=1", f"file://{path}")
    if checks.that("a browser shows it", os.path.exists(shot)):
        picture = pixels(shot)
        band, blue = count(picture, BAND), count(picture, BLUE)
        checks.that("with its head across the page", band > 688 * 40, band)
        checks.that("and with the bars of its charts", blue > 2000, blue)
        keep = os.environ.get("POSTERN_KEEP")
        if keep:
            shutil.copy(shot, keep)
    counting = os.path.join(folder, "count.html")
    with open(counting, "w", encoding="utf-8") as file:
        file.write(html + "<script>onload = () => { document.body.style.width = '240px'; document.title = 'shown ' + [...document.images].filter("
                          "i => i.naturalWidth >= 2 * i.width && i.width > 20).length + ' of ' + document.images.length + ' in ' +"
                          "document.querySelector('table table').offsetWidth }</script>")
    seen = re.search(r"shown (\d+) of (\d+) in (\d+)", browse(folder, "--dump-dom", "--window-size=500,900", f"file://{counting}").stdout)
    checks.that("all pictures are loaded, sharp on fine screens", seen and seen[1] == seen[2] and int(seen[1]) >= 3, seen)
    checks.that("a narrow screen has it whole", seen and int(seen[3]) <= 240, seen)
    shown = in_mutt(folder, raw)
    checks.that("mutt shows its text", "Look at acme: 17 complaints" in shown and "Complaints by customer" in shown, shown[:1500])
    lynx = subprocess.run(["lynx", "-dump", "-nolist", "-width=100", "-display_charset=utf-8", path], capture_output=True,
                          text=True, check=False, timeout=30, env={**os.environ, "HOME": folder}).stdout
    checks.that("lynx shows its page", "22 complaints in week" in lynx and "<b>tom & co</b>" in lynx, lynx[:1500])
    checks.that("and says what the charts say", re.search(r"Complaints a week:.*W\d\d 22\.", lynx, re.S), lynx[:3000])


def again(checks, centre, desk, week, mailbox):
    status, first = centre.ask("GET", f"/v1/reports/week?period={week.name}&format=html", desk.secret)
    _, second = centre.ask("GET", f"/v1/reports/week?period={week.name}&format=html", desk.secret)
    checks.that("asked for again it is the same page", status == 200 and first == second and "data:image/png" in first, first[:300])
    database = sqlite3.connect(centre.database, timeout=20)
    with database:
        database.execute("DELETE FROM complaints")
    database.close()
    _, third = centre.ask("GET", f"/v1/reports/week?period={week.name}&format=html", desk.secret)
    checks.that("also when what it was made from is gone", first == third)
    centre.stop()
    centre.start()
    time.sleep(3)
    checks.that("a collector that starts anew sends nothing twice", len(mailbox.mails) == 3, sorted(mailbox.read()))
    status, said, _ = desk.run("report", "weekly", "--mail")
    checks.that("by hand it goes to the same once more", status == 0 and soon(lambda: len(mailbox.mails) == 4) and
                mailbox.mails[3][0] == ["desk@example.net", "boss@example.net"], (said, sorted(mailbox.read())))


def by_hand(checks, centre, desk):
    year = datetime.date.today().year - 1
    for name, hours in ("spring", 167), ("autumn", 169):
        month, first = (3, 25) if name == "spring" else (10, 25)
        sunday = next(datetime.date(year, month, day) for day in range(first, first + 7)
                      if datetime.date(year, month, day).weekday() == 6)
        period = f"{sunday.isocalendar()[0]}-W{sunday.isocalendar()[1]:02}"
        status, report = centre.ask("GET", f"/v1/reports/week?period={period}&format=json", desk.secret)
        begin, end = (datetime.datetime.fromisoformat(report["past"][0][key].replace("Z", "+00:00")) for key in ("begin", "end"))
        checks.that(f"the week in {name} has {hours} hours", status == 200 and (end - begin).total_seconds() == hours * 3600,
                    (begin, end))
        status, text = centre.ask("GET", f"/v1/reports/week?period={period}&format=text", desk.secret)
        checks.that(f"and is told, though nothing is known of it ({name})", status == 200 and "Nothing is known of Week" in text, text)


def refused(checks, folder):
    """What stands in [reports] is looked at before anything starts."""
    for line, sentence in (("zone = Europe/Nowhere", "[reports] zone: there is no zone"),
                           ("zone = ../../etc/passwd", "[reports] zone: \"../../etc/passwd\" will not do"),
                           ("weekly = desk", "[reports] weekly: \"desk\" is no channel")):
        done = subprocess.run([PROGRAM, "check", "--config", "/dev/stdin"], input=f"[collector]\nstate = {folder}\n[reports]\n{line}\n",
                              capture_output=True, text=True, check=False, timeout=20)
        checks.that(f"refused: {line}", done.returncode != 0 and sentence in done.stderr, done.stderr)


def main():
    checks = Checks()
    missing = [name for name in ("chromium", "mutt", "lynx") if not shutil.which(name)]
    if missing:
        checks.skip("reports as they are shown", f"not installed: {', '.join(missing)}")
        return checks.close()
    folder, mailbox, week = tempfile.mkdtemp(prefix="postern-report-"), Mailbox(), Week()
    centre = Collector(folder)
    try:
        centre.start()
        desk = seed(centre, week)
        with open(centre.config, "a", encoding="utf-8") as file:  # it was not running when the week was over
            file.write(SETTINGS.format(port=mailbox.server_address[1], zone=ZONE))
        centre.start()
        checks.that("a day, a week and a month are told", soon(lambda: len(mailbox.mails) >= 3), (mailbox.read(), centre.said()))
        found = {subject: mail for subject, mail in mailbox.read().items() if week.title in subject}
        checks.that("the week's subject says it all", list(found) == [
            f"[postern] {week.title}: 22 complaints (3 before), look at acme, <b>tom & co</b> and 1 more"], list(mailbox.read()))
        recipients, message, raw = next(iter(found.values()))
        with checks.part("the mail"):
            the_mail(checks, week, recipients, message, raw)
        with checks.part("as it is shown"):
            as_shown(checks, folder, message, raw)
        with checks.part("refused"):
            refused(checks, folder)
        with checks.part("by hand"):
            by_hand(checks, centre, desk)
        with checks.part("again"):
            again(checks, centre, desk, week, mailbox)
    except Exception as trouble:  # pylint: disable=broad-exception-caught
        checks.that("the test went on to its end", False, (trouble, centre.said()))
    finally:
        if centre.process and centre.process.poll() is None:
            centre.stop()
        mailbox.shutdown()
        shutil.rmtree(folder, ignore_errors=True)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
