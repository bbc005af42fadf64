#!/usr/bin/env python3
"""Bulk: one picture in many forms, and one text with many names, from two nodes and three customers, counted as one by a
running collector; and its reader, who has no rights and may be killed."""
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from email.message import EmailMessage

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "testbed"), os.path.dirname(os.path.abspath(__file__))]
import pictures  # noqa: E402
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from filters import Spamd  # noqa: E402
from samples import Sampler  # noqa: E402

BUILD = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"))
POSTERN = os.path.join(BUILD, "postern")
RULE = "header PICTURE_WATCHES X-Postern-Picture-Text =~ /CHEAP WATCHES/\nscore PICTURE_WATCHES 9\n"
OFFER = "Visit our shop today and save on all watches and bags of the world, for this offer ends very soon indeed."
LIKENESS = "".join(f"{part:04x}" for part in range(1, 17))
PICTURES = "[pictures]\ntext = yes\nprocesses = 1\n[bulk]\nsteps = 6 12\n"


class Mail:
    """Messages of which none has a text of another's."""
    count = 0

    @classmethod
    def text(cls):
        cls.count += 1
        letters = "".join(chr(ord("a") + int(digit)) for digit in str(cls.count))
        return " ".join(f"{word}{letters}" for word in OFFER.strip(".").replace(",", "").split())

    @classmethod
    def of(cls, text=None, html=None, picture=None, form="png", to="bob@there.example", subject="About it"):
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "ann@firm.example", to, subject
        message.set_content(text or cls.text())
        if html:
            message.add_alternative(html, subtype="html")
        if picture:
            message.add_attachment(picture, maintype="image", subtype=form, filename=f"a.{form}")
        return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def recipients(count):
    return [f"r{i}@there.example" for i in range(count)]


class Fleet:
    def __init__(self, centre, folder):
        self.centre, self.folder, self.reader_key = centre, folder, os.path.join(folder, "key")
        self.nodes = [Sampler(centre, "hv1"), Sampler(centre, "hv2")]
        with open(self.reader_key, "w", encoding="utf-8") as file:
            file.write(centre.person("ops", "read"))

    def send(self, node, customer, count, content, **more):
        number = self.nodes[node].send(content, customer=customer, sender=f"mac:02:00:00:00:00:0{len(customer)}",
                                       recipients=recipients(count), **more)
        return node, number

    def opinion(self, sent, filter_name="bulk", patience=20):
        node, number = sent
        return self.nodes[node].opinion(number, filter_name, patience)

    def bulk(self, *words):
        """Rows of `postern bulk`."""
        status, said = self.postern("--json", "bulk", *words)
        if status != 0:
            raise RuntimeError(said)
        return [row for row in map(json.loads, said.splitlines()) if row.get("record") == "bulk"]

    def postern(self, *words):
        environment = {**os.environ, "POSTERN_COLLECTOR": f"http://127.0.0.1:{self.centre.port}"}
        done = subprocess.run([POSTERN, "--key", self.reader_key, *words], env=environment, capture_output=True, text=True,
                              check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def until(self, condition, *words, patience=20):
        """The rows, once they fulfil it, or when they have not in that time."""
        end = time.monotonic() + patience
        while not condition(rows := self.bulk(*words)) and time.monotonic() < end:
            time.sleep(0.1)
        return rows


def reader_of(centre):
    """The id of its reader process; None: it has none now."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError):
            with open(f"/proc/{entry}/stat", encoding="utf-8") as file:
                name, _, rest = file.read().partition("(")[2].rpartition(")")
            if name == "postern-reader" and rest.split()[1] == str(centre.process.pid):
                return int(entry)
    return None


def one_picture(checks, fleet):
    """Another format, size and compression each time, and another text around it."""
    first = fleet.send(0, "anna", 2, Mail.of(picture=pictures.drawing(1)))
    rows = fleet.until(lambda rows: any(row["kind"] == "picture" for row in rows), "--kind", "picture")
    second = fleet.send(1, "bert", 2, Mail.of(picture=pictures.drawing(1, "jpeg", 300, 225, 60), form="jpeg"))
    fleet.until(lambda rows: rows and rows[0]["recipients"] >= 4, "--kind", "picture")
    third = fleet.send(1, "charly", 2, Mail.of(picture=pictures.drawing(1, "webp", 640, 480), form="webp"))
    opinion = fleet.opinion(third)
    checks.that("the third customer's picture is bulk", opinion and opinion["symbols"].startswith("PICTURE_BULK(6) picture:"), opinion)
    checks.that("... by one step of two", opinion and float(opinion["score"]) == 1 == float(opinion["threshold"]), opinion)
    rows = fleet.bulk("--kind", "picture")
    checks.that("one picture, of six recipients, three customers, two nodes", len(rows) == 1 and
                [rows[0][key] for key in ("recipients", "customers", "nodes", "messages", "steps")] == [6, 3, 2, 3, 1], rows)
    told = [one for node in fleet.nodes for one in node.told if one["filter"] == "bulk"]
    checks.that("nothing was said of the first two", len(told) == 1 and first[1] and second[1], told)
    fourth = fleet.send(0, "anna", 6, Mail.of(picture=pictures.drawing(1, "gif"), form="gif"))
    opinion = fleet.opinion(fourth)
    checks.that("a second step counts more", opinion and float(opinion["score"]) == 1.25 and "PICTURE_BULK(12)" in opinion["symbols"],
                opinion)


def other_pictures(checks, fleet):
    for i in range(12):
        fleet.send(i % 2, ["anna", "bert", "charly"][i % 3], 3, Mail.of(picture=pictures.drawing(100 + i, "jpeg"), form="jpeg"))
    rows = fleet.until(lambda rows: len(rows) >= 13, "--kind", "picture")
    checks.that("twelve other pictures are twelve", len(rows) == 13 and all(row["recipients"] == 3 for row in rows[1:]), rows)


def one_text(checks, fleet):
    """Named, numbered, plain and in HTML: what a person reads is the same."""
    fleet.send(0, "anna", 3, Mail.of(f"Dear Bob,\n{OFFER}\nYour code is 81722.", to="Bob <bob@there.example>"))
    fleet.send(1, "bert", 2, Mail.of("Please see the other part.", to="Eve <eve@there.example>", subject="Now 50 % off",
                                     html=f"<html><head><style>p {{}}</style></head><p>Dear <b>Eve</b>,</p><p>{OFFER}</p>"
                                     "<div style='display:none'>qwe rty uio</div>Your code is 1.</html>"))
    fleet.until(lambda rows: rows and rows[0]["recipients"] >= 5, "--kind", "body")
    third = fleet.send(1, "charly", 1, Mail.of(f"Dear Joe Doe,\n\n{OFFER}\n\nYour code is AB9.", to="Joe Doe <joe@there.example>"),
                       likeness=LIKENESS)
    opinion = fleet.opinion(third)
    checks.that("one text with other names in it is bulk", opinion and opinion["symbols"].startswith("BODY_BULK(6) body:"), opinion)
    row = fleet.bulk("--kind", "body")[0]
    checks.that("... and one row", [row[key] for key in ("recipients", "customers", "nodes", "steps")] == [6, 3, 2, 1], row)
    news, end = [], time.monotonic() + 20
    while not news and time.monotonic() < end:
        status, answer = fleet.centre.ask("GET", "/v1/directives?after=0&news=0&wait=2", fleet.nodes[0].secret)
        news = [one for one in answer.get("news", []) if one["kind"] == "counted"] if status == 200 else []
    checks.that("... of which every node is told", news and [news[0][key] for key in ("likeness", "recipients", "customers", "nodes")]
                == [LIKENESS, 6, 3, 2], news)


def newsletter(checks, fleet):
    text, last = Mail.text(), None
    for i in range(8):
        last = fleet.send(i % 2, "anna", 20, Mail.of(text))
    rows = fleet.until(lambda rows: any(row["recipients"] == 160 for row in rows), "--kind", "body")
    checks.that("what one customer sends alone is counted and no bulk", [row["steps"] for row in rows if row["recipients"] == 160]
                == [0], rows[:3])
    checks.that("... and nothing is said of it", fleet.opinion(last, patience=1) is None, fleet.nodes[last[0]].told[-3:])


def shown(checks, fleet):
    status, said = fleet.postern("bulk", "--top", "2")
    lines = said.splitlines()
    checks.that("`postern bulk` is a table", status == 0 and len(lines) == 3 and lines[0].startswith("KIND") and "bulk" in lines[1]
                and "picture" in lines[1], said)
    status, said = fleet.postern("bulk", "--kind", "sound")
    checks.that("... which says what is allowed", status == 2 and "body or picture" in said, said)
    status, answer = fleet.centre.ask("GET", "/v1/bulk?kind=sound", None)
    checks.that("strangers see none", status == 401, (status, answer))


def picture_text(checks, fleet):
    sent = fleet.send(0, "anna", 1, Mail.of(picture=pictures.words("CHEAP WATCHES ONLINE")))
    opinion = fleet.opinion(sent, "spamd", 60)
    checks.that("SpamAssassin has a rule match the text in a picture", opinion and "PICTURE_WATCHES" in opinion["symbols"], opinion)
    forged = Mail.of().replace(b"Subject:", b"X-Postern-Picture-Text: nothing\r\nSubject:")
    opinion = fleet.opinion(fleet.send(0, "anna", 1, forged), "spamd", 60)
    checks.that("... and none where there is no picture", opinion and "PICTURE_WATCHES" not in opinion["symbols"], opinion)


def reader(checks, fleet):
    centre = fleet.centre
    there = reader_of(centre)
    with open(f"/proc/{there}/status", encoding="utf-8") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    checks.that("the reader may make only few system calls, and gains no rights", status["Seccomp"] == "2"
                and status["NoNewPrivs"] == "1", status)
    checks.that("... and has no capabilities", int(status["CapEff"], 16) == 0, status["CapEff"])
    opened = {os.readlink(f"/proc/{there}/fd/{fd}") for fd in os.listdir(f"/proc/{there}/fd")}
    checks.that("... nor anything of the collector's open", not any("collector.db" in name for name in opened), opened)
    bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\x08\6\0\0\0\0\0\0\0"
    broken = pictures.drawing(1)[:700]
    for picture in bomb, broken:
        opinion = fleet.opinion(fleet.send(0, "anna", 1, Mail.of(picture=picture)), "spamd", 60)
        checks.that("a picture that is none harms nobody", opinion is not None)
    checks.that("... the same reader goes on", reader_of(centre) == there, (there, reader_of(centre)))
    os.kill(there, signal.SIGKILL)
    before = fleet.until(lambda rows: True, "--kind", "picture")[0]
    sent = fleet.send(1, "bert", 1, Mail.of(picture=pictures.drawing(1, "jpeg"), form="jpeg"))
    opinion = fleet.opinion(sent)
    checks.that("one that was killed is followed by another", opinion and "PICTURE_BULK(12)" in opinion["symbols"]
                and reader_of(centre) not in (None, there), opinion)
    for how in "stop", "kill":
        there = reader_of(centre)
        getattr(centre, how)()
        end = time.monotonic() + 10
        while os.path.exists(f"/proc/{there}") and time.monotonic() < end:
            time.sleep(0.05)
        checks.that(f"none is left behind by {how}", there and not os.path.exists(f"/proc/{there}"), there)
        centre.start()
        fleet.opinion(fleet.send(1, "bert", 1, Mail.of()), "spamd", 60)
    sent = fleet.send(1, "bert", 1, Mail.of(picture=pictures.drawing(1)))
    opinion = fleet.opinion(sent)
    after = fleet.bulk("--kind", "picture")[0]
    checks.that("counts outlive a restart", opinion and after["recipients"] == before["recipients"] + 2, (opinion, before, after))


def main():
    checks = Checks()
    try:
        spamd = Spamd(more=RULE)
    except FileNotFoundError as missing:
        checks.skip("bulk", str(missing))
        return checks.close()
    with tempfile.TemporaryDirectory() as folder, spamd:
        centre = Collector(folder, PICTURES + spamd.section())
        centre.start()
        try:
            fleet = Fleet(centre, folder)
            for part in one_picture, other_pictures, one_text, newsletter, shown, picture_text, reader:
                with checks.part(part.__name__):
                    part(checks, fleet)
        finally:
            centre.stop()
        checks.that("the collector said nothing of trouble", "trouble" not in centre.said().lower(), centre.said()[-2000:])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
