#!/usr/bin/env python3
"""Complaints of our own: about a message in the quarantine or one in a file, as ARF or XARF, shown or sent, redacted or
not, to a mail server of the test's own; what is sent is read as the complaint that it is, by the same collector."""
import base64
import email
import email.policy
import hashlib
import json
import os
import re
import shutil
import socket
import sqlite3
import sys
import tempfile
import threading
import time
import uuid

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests", "testbed"), os.path.dirname(os.path.abspath(__file__))]
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from person import Person  # noqa: E402
from samples import Sampler  # noqa: E402

SCHEMAS = os.path.join(os.environ.get("POSTERN_TESTDATA", os.path.join(TOP, "..", "shared", "testdata")), "complaint",
                       "xarf__xarf-spec", "schemas", "v4")
CONTENT = (b"Received: from tap7 ([203.0.113.9]) by mx.there.example for <bob@there.example>; Mon, 23 Nov 2026 08:00:00 +0000\r\n"
           b"Message-ID: <m1@shop.example>\r\nFrom: The Shop <news@shop.example>\r\nTo: Bob <bob@there.example>\r\n"
           b"Subject: Sale\r\nX-Secret: bob\r\n\r\nDear Bob, buy watches and bags today, for this offer ends soon indeed.\r\n")


class Sink:
    """A mail server that takes everything."""

    def __init__(self):
        self.taken = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            link, _ = self.listener.accept()
            threading.Thread(target=self.talk, args=(link,), daemon=True).start()

    def talk(self, link):
        with link, link.makefile("rb") as lines:
            link.sendall(b"220 sink.test\r\n")
            recipients = []
            for line in lines:
                word = line.split()[0].upper() if line.split() else b""
                if word == b"RCPT":
                    recipients.append(re.search(rb"<(.*)>", line).group(1).decode())
                if word == b"DATA":
                    link.sendall(b"354 go on\r\n")
                    content = b"".join(line[1:] if line.startswith(b".") else line for line in iter(lines.readline, b".\r\n"))
                    self.taken.append((recipients, content))
                    recipients = []
                link.sendall(b"250 well\r\n")


def soon(what, patience=30):
    end = time.monotonic() + patience
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def rows(centre, question, *values):
    database = sqlite3.connect(centre.database, timeout=20)
    try:
        return database.execute(question, values).fetchall()
    finally:
        database.close()


def parts_of(mail):
    message = email.message_from_bytes(mail, policy=email.policy.default)
    return message, message.get_payload()


def fields_of(part):
    inner = part.get_payload()
    return email.message_from_string(inner[0].as_string() if isinstance(inner, list) else inner)


def shown(person, *words):
    status, out, err = person.run("complaint", "send", *words, "--preview", raw=True)
    if status != 0:
        raise RuntimeError(f"{words}: {status} {err}")
    return out


def xarf_of(mail):
    message, parts = parts_of(mail)
    part = next(part for part in parts if part.get_content_type() == "application/json")
    return message, part.get_filename(), json.loads(part.get_payload(decode=True))


def by_schema(report):
    """What the published schemas say against it; None: they are not at hand."""
    try:
        import jsonschema
        import referencing
    except ImportError:
        return None
    if not os.path.isdir(SCHEMAS):
        return None
    with open(os.path.join(SCHEMAS, "xarf-core.json"), encoding="utf-8") as file:
        core = json.load(file)
    with open(os.path.join(SCHEMAS, "types", "messaging-spam.json"), encoding="utf-8") as file:
        spam = json.load(file)
    registry = referencing.Registry().with_resources(
        [(schema["$id"], referencing.Resource.from_contents(schema)) for schema in (core, spam)])
    checker = jsonschema.Draft202012Validator(spam, registry=registry,
                                              format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    return [f"{list(error.path)}: {error.message}" for error in checker.iter_errors(report)]


def held(checks, what, report):
    wrong = by_schema(report)
    if wrong is None:
        checks.skip(f"{what} held against the published schemas", "they, or jsonschema, are not here")
    else:
        checks.that(f"{what} held against the published schemas", wrong == [], wrong)


def as_arf(checks, person, name):
    mail = shown(person, name, "--to", "abuse@isp.example", "--note", "the third today")
    message, parts = parts_of(mail)
    checks.that("it is a report by its type", message.get_content_type() == "multipart/report" and
                message.get_param("report-type") == "feedback-report" and message["From"] == "Example Hosting <abuse@host.example>" and
                message["To"] == "abuse@isp.example", mail[:600])
    checks.that("in three parts", [part.get_content_type() for part in parts] ==
                ["text/plain", "message/feedback-report", "message/rfc822"], mail)
    checks.that("a person can read it", "203.0.113.9" in parts[0].get_content() and "the third today" in parts[0].get_content())
    said = fields_of(parts[1])
    wanted = {"Feedback-Type": "abuse", "Version": "1", "Source-IP": "203.0.113.9", "Source-Port": "4321",
              "Original-Mail-From": "<bounce@shop.example>", "Arrival-Date": "Mon, 23 Nov 2026 08:00:00 +0000"}
    checks.that("and a program", wanted.items() <= dict(said.items()).items(), said.items())
    checks.that("for whom it was", said.get_all("Original-Rcpt-To") == ["<bob@there.example>", "<ann@there.example>"])
    checks.that("with the message byte for byte", CONTENT in mail)
    mail = shown(person, name, "--to", "abuse@isp.example", "--redact", "--type", "fraud")
    checks.that("redacted nobody learns for whom it was", b"bob" not in mail.lower() and b"ann@" not in mail and b"watches" not in mail and
                b"Original-Rcpt-To: <redacted@there.example>" in mail and b"<m1@shop.example>" in mail and
                b"Feedback-Type: fraud" in mail, mail)


def as_xarf(checks, person, name, nulls):
    message, file, report = xarf_of(shown(person, name, "--to", "abuse@isp.example", "--format", "xarf"))
    checks.that("XARF is a file in a mail", file == "xarf.json" and message["To"] == "abuse@isp.example", file)
    wanted = {"category": "messaging", "type": "spam", "protocol": "smtp", "smtp_from": "bounce@shop.example",
              "source_identifier": "203.0.113.9", "source_port": 4321, "subject": "Sale", "message_id": "<m1@shop.example>",
              "evidence_source": "automated_filter", "timestamp": "2026-11-23T08:00:00.000000Z"}
    checks.that("and says what is known", wanted.items() <= report.items(), report)
    evidence = base64.b64decode(report["evidence"][0]["payload"])
    checks.that("with the message, and its digest", evidence == CONTENT and
                report["evidence"][0]["hash"] == "sha256:" + hashlib.sha256(CONTENT).hexdigest())
    checks.that("under a number of its own", uuid.UUID(report["report_id"]).version == 4, report["report_id"])
    held(checks, "XARF", report)
    _, _, report = xarf_of(shown(person, nulls, "--to", "abuse@isp.example", "--format", "xarf", "--redact"))
    checks.that("the null sender is not made up", "smtp_from" not in report and report["protocol"] == "other" and
                set(report["tags"]) == {"smtp:null-sender", "smtp:no-source-port", "report:redacted"}, report)
    held(checks, "XARF of the null sender", report)


def of_a_file(checks, person, folder):
    path = os.path.join(folder, "letter.eml")
    with open(path, "wb") as file:
        file.write(b"Return-Path: <x@shop.example>\n" + CONTENT.replace(b"\r\n", b"\n"))
    status, _, err = person.run("complaint", "send", path, "--to", "abuse@isp.example")
    checks.that("where a file came from only its owner knows", status == 1 and "source" in err, err)
    mail = shown(person, path, "--to", "abuse@isp.example", "--source", "2001:db8::7", "--port", "99")
    for said in (b"Source-IP: 2001:db8::7\r\n", b"Source-Port: 99\r\n", b"Original-Mail-From: <x@shop.example>\r\n",
                 b"Arrival-Date: Mon, 23 Nov 2026 08:00:00 +0000\r\n"):
        checks.that(f"of a file too: {said.decode().strip()}", said in mail, mail)
    _, _, report = xarf_of(shown(person, path, "--to", "abuse@isp.example", "--source", "2001:db8::7", "--format", "xarf"))
    held(checks, "XARF of a file", report)
    for date in b"Fri, 31 Dec 9999 23:59:59 +0000", b"Sat, 01 Jan 3000 00:00:00 +0000":
        with open(path, "wb") as file:
            file.write(b"Date: " + date + b"\n" + CONTENT.partition(b"\r\n")[2])
        mail = shown(person, path, "--to", "abuse@isp.example", "--source", "2001:db8::7")
        checks.that(f"a date that cannot be is not said: {date.decode()}", b"Arrival-Date" not in mail and b" on " not in mail[:mail.find(
            b"Feedback-Type")], mail)


def refused(checks, centre, person, name):
    path = f"/v1/complaints/send?message={name}&to=abuse@isp.example"
    for more, status in (("&type=auth-failure", 400), ("&type=fraud&format=xarf", 400), ("&format=x", 400), ("&source=here", 400),
                         ("&port=70000", 400), ("&note=" + "x" * 901, 400)):
        got = centre.ask("POST", path + more, person.secret)
        checks.that(f"refused: {more[:30]}", got[0] == status, got)
    for where, status in (("?to=abuse@isp.example", 400), (f"?message={name}", 400), (f"?message={name}&to=a@b%0d%0aBcc:c@d", 400),
                          ("?message=0DC5B48D4.A739D&to=abuse@isp.example", 404), ("?message=x&to=abuse@isp.example", 400)):
        got = centre.ask("POST", "/v1/complaints/send" + where, person.secret)
        checks.that(f"refused: {where}", got[0] == status, got)
    for may in "content", "read,order":
        got = centre.ask("POST", path, centre.person("b" + may[0], may).split()[-1])
        checks.that(f"{may} alone will not do", got[0] == 403, got)
    checks.that("strangers neither", centre.ask("POST", path)[0] == 401)
    checks.that("the command wants to know to whom", person.run("complaint", "send", name)[0] == 2)


def sent(checks, centre, person, name, sink):
    before = len(rows(centre, "SELECT 1 FROM sendings"))
    said = person.say("complaint", "send", name, "--to", "abuse@isp.example", "--note", "the third today")
    checks.that("what was shown was not sent, and this is", before == 0 and said.startswith("goes to abuse@isp.example as "), said)
    again = person.say("complaints", "send", name, "--to", "abuse@isp.example", "--note", "once more")
    checks.that("the same is not sent again", "before" in again and said.split()[-1] in again, again)
    other = person.records("complaint", "send", name, "--to", "abuse@isp.example", "--redact")[0]
    checks.that("another is", other["new"] is True and other["sending"] != said.split()[-1], other)
    kept = rows(centre, "SELECT id, purpose, recipients, customer FROM sendings WHERE id = ?", said.split()[-1])
    checks.that("it is kept until it is there", kept == [(said.split()[-1], "complaint", "abuse@isp.example", "acme")], kept)
    deeds = rows(centre, "SELECT person, target, reason FROM audit WHERE deed = 'send complaint' ORDER BY time")
    checks.that("each is on record", deeds == [("ann", name, "to abuse@isp.example: the third today"),
                                               ("ann", name, "to abuse@isp.example")], deeds)
    looks = rows(centre, "SELECT COUNT(*) FROM audit WHERE deed = 'preview complaint'")[0][0]
    checks.that("each look as well", looks >= 6, looks)
    taken = soon(lambda: [one for one in sink.taken if CONTENT in one[1]])
    checks.that("it arrives, as it was shown", taken and taken[0][0] == ["abuse@isp.example"] and
                said.split()[-1].encode() in taken[0][1], sink.taken)
    return taken[0][1] if taken else b""


def read_again(checks, centre, person, mail):
    status, answer = centre.ask("POST", "/v1/complaints", person.secret, mail)
    row = soon(lambda: rows(centre, "SELECT format, type, reporter, address, message_id, subject, state, customer, sender FROM "
                            "complaints WHERE id = ? AND state <> 'arrived'", answer.get("id")))
    checks.that("who gets it reads it so, and we do", status == 202 and row == [(
        "arf", "abuse", "host.example", "203.0.113.9", "m1@shop.example", "Sale", "open", "acme", "port:tap7")], row)


def main():
    checks = Checks()
    folder = tempfile.mkdtemp(prefix="postern-complain-")
    sink = Sink()
    centre = Collector(folder, f"[mail]\nserver = smtp://127.0.0.1:{sink.port}\ntls = none\nfrom = Example Hosting <abuse@host.example>\n"
                       "[complaints]\nevery = 1s\n[pictures]\npatience = 5s\n")
    try:
        centre.start()
        person, node = Person(centre, "ann", "read,order,content"), Sampler(centre, "hv1")
        about = {"sender": "port:tap7", "customer": "acme", "address": "203.0.113.9", "time": "2026-11-23T08:00:00Z"}
        number = node.send(CONTENT, **about, client_port=4321, recipients=["bob@there.example", "ann@there.example"],
                           **{"from": "bounce@shop.example"})
        nulls = node.send(CONTENT.replace(b"m1", b"m2"), **about, **{"from": ""})
        soon(lambda: rows(centre, "SELECT COUNT(*) FROM messages WHERE message_id <> ''")[0][0] == 2)
        name, nulls = node.names[number], node.names[nulls]
        with checks.part("ARF"):
            as_arf(checks, person, name)
        with checks.part("XARF"):
            as_xarf(checks, person, name, nulls)
        with checks.part("a file"):
            of_a_file(checks, person, folder)
        with checks.part("refused"):
            refused(checks, centre, person, name)
        with checks.part("sent"):
            mail = sent(checks, centre, person, name, sink)
        with checks.part("read"):
            read_again(checks, centre, person, mail)
        checks.that("it ends when it is told", centre.stop()[0] == 0)
    finally:
        if centre.process and centre.process.poll() is None:
            centre.kill()
        shutil.rmtree(folder, ignore_errors=True)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
