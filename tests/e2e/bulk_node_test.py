#!/usr/bin/env python3
"""Bulk from the wire to the evidence: real mail of two guests, counted by a collector with what other nodes sent it. Who
sends a text that is bulk there has it held against him by the news of it, however few he sent it to, and who began it has
not; pictures that are bulk are held against him by opinions on his messages, each once."""
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from email.message import EmailMessage

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
import contextlib  # noqa: E402

import pictures  # noqa: E402
from agent import Agent  # noqa: E402
from campaign_live_test import evidence, reach_centre  # noqa: E402
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from delivery import spool  # noqa: E402
from samples import Sampler  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

PORT = 8025
TEXT = ("dear customer your account was suspended this morning because somebody tried to reach the payment page from another "
        "country please confirm the details below within one day otherwise every balance remains frozen until the branch has "
        "examined your identity again thank you for your patience the security department of the first national savings house")
SEND = """
import smtplib, sys
server, sender = sys.argv[1:3]
with smtplib.SMTP(server, 25, local_hostname=sender.split("@")[1], timeout=20) as mail:
    mail.sendmail(sender, ["reader@there.example"], sys.stdin.buffer.read())
"""
SAMPLES = "[samples]\nrate = 1000\nsender_rate = 100000\nfirst = 1000\n"
FORMS = (("png", 400, 300), ("jpeg", 300, 225), ("webp", 520, 390), ("gif", 400, 300))


def letter(number, text=TEXT):
    return f"From: a@firm.example\r\nSubject: notice {number}\r\n\r\nHello reader {number}\r\n{text}\r\n".encode()


def picture_letter(number, form, width, height, copy=0):
    """Another text around it each time."""
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "a@firm.example", f"picture {number}"
    mail.set_content(" ".join(random.Random(1000 * number + copy + width).choices(TEXT.split(), k=40)))
    mail.add_attachment(pictures.drawing(number, form, width, height), maintype="image", subtype=form, filename=f"a.{form}")
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def send(bed, guest, content):
    command = ["ip", "netns", "exec", bed.namespace(guest), sys.executable, "-c", SEND, bed.SINK4, f"me@{guest}.example"]
    done = subprocess.run(command, input=content, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def envelopes(centre):
    database = sqlite3.connect(centre.database, timeout=20)
    try:
        return [json.loads(line) for (line,) in database.execute("SELECT envelope FROM messages")]
    finally:
        database.close()


def check_text(checks, bed, agent, centre, nodes):
    send(bed, "vps1", letter(0))
    agent.wait(lambda: envelopes(centre), 20, "the message at the collector")
    (first,) = envelopes(centre)
    checks.that("the node says what its text is like", first["sender"] == "port:vnet1" and len(first["likeness"]) == 64, first)
    for number, (node, customer) in enumerate(zip(nodes, ("dave", "erin"))):
        node.send(letter(number + 1), customer=customer, recipients=[f"r{i}@there.example" for i in range(12)],
                  likeness=first["likeness"])
    sent = [10]

    def judged():
        sent[0] += 1
        send(bed, "vps2", letter(sent[0]))
        return evidence(agent, "port:vnet2", "bulk")
    found = agent.wait(judged, 30, "evidence of bulk")
    print("     " + found[1])
    checks.that("what the collector counts is held against who sends it", "as the collector counts" in found[1] and found[0] >= 0.5, found)
    checks.that("who began it is not charged for the text", not evidence(agent, "port:vnet1", "bulk"), evidence(agent, "port:vnet1", "bulk"))


def check_pictures(checks, bed, agent, nodes):
    """Ten pictures that others sent in other forms, each in twenty copies: a node takes what is said of one for one opinion."""
    for picture in range(10):
        for number, (node, customer) in enumerate(zip(nodes, ("dave", "erin"))):
            node.send(picture_letter(picture, *FORMS[number]), customer=customer, recipients=[f"r{i}@there.example" for i in range(3)])
    for copy in range(20):
        send(bed, "vps1", picture_letter(0, *FORMS[2], copy))
    agent.wait(lambda: spool(agent)["opinions"] >= 20, 20, "the opinions on all copies")
    time.sleep(1)
    checks.that("what is said of one picture is one opinion", not evidence(agent, "port:vnet1", "filter"), evidence(agent, "port:vnet1", "filter"))
    for picture in range(1, 10):
        send(bed, "vps1", picture_letter(picture, *FORMS[2]))
    found = agent.wait(lambda: evidence(agent, "port:vnet1", "filter"), 30, "the opinion on the pictures")
    print("     " + found[1])
    checks.that("many that others sent in other forms are held against who sends them", "are spam to filters; the last: bulk" in found[1], found)


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("bulk on the wire", lack)
        return checks.close()
    suffix = "asan" if "asan" in os.environ.get("POSTERN_BUILD", "") else ""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        bed = stack.enter_context(Testbed(f"bulknode{suffix}", guests=2))
        centre = Collector(folder, "", f"0.0.0.0:{PORT}").start()
        stack.callback(centre.stop)
        address = reach_centre(bed, 0)
        agent = stack.enter_context(Agent(bed, "hv", f"[collector]\nurls = http://{address}:{PORT}\ntoken = {centre.token()}\n" + SAMPLES))
        agent.wait(lambda: spool(agent)["state"] == "connected", 30, "the connection")
        nodes = [Sampler(centre, "hv7"), Sampler(centre, "hv8")]
        with checks.part("a text"):
            check_text(checks, bed, agent, centre, nodes)
        with checks.part("pictures"):
            check_pictures(checks, bed, agent, nodes)
        if checks.failed:
            print(agent.log_text()[-2000:], centre.said()[-2000:])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
