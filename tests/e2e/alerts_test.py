#!/usr/bin/env python3
"""Alerts: what nodes say becomes one, an outbreak becomes one notice, silences keep it quiet, people see what stands, and
a collector that is killed in between tells nothing twice. What delivers them has a test of its own."""
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "testbed"), os.path.dirname(os.path.abspath(__file__))]
from check import Checks  # noqa: E402
from collector import Collector, Node  # noqa: E402
from samples import Sampler  # noqa: E402

ONCE = True
WAITS = True
POSTERN = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern")
SENDERS = 200


def soon(what, patience=30):
    end = time.monotonic() + patience
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


class Desk:
    """A collector whose channels are programs that append what they are told to a file."""

    def __init__(self, folder):
        self.folder = folder
        program = os.path.join(folder, "tell")
        with open(program, "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\ncat >> "{folder}/$POSTERN_CHANNEL.json"\n')
        os.chmod(program, 0o755)
        quick = "wait = 1s\npause = 2s\nsettle = 1s\nrepeat = 1h\n"
        self.clamd = socket.socket()  # bound, and nobody listens yet
        self.clamd.bind(("127.0.0.1", 0))
        self.centre = Collector(folder, f"[filter virus]\nkind = clamd\naddress = 127.0.0.1:{self.clamd.getsockname()[1]}\n" + "".join(
            f"[alert {name}]\ntype = program\nprogram = {program}\n{quick}{more}"
            for name, more in (("all", ""), ("acme", "customers = acme\nkinds = block\n"), ("quiet", "kinds = -\n"))))
        self.centre.start()
        self.key = os.path.join(folder, "key")
        with open(self.key, "w", encoding="ascii") as file:
            file.write(self.centre.person("ann", "read,order").split()[-1] + "\n")
        os.chmod(self.key, 0o600)

    def run(self, *words):
        done = subprocess.run([POSTERN, "--key", self.key, *words], capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, "POSTERN_COLLECTOR": f"http://127.0.0.1:{self.centre.port}"})
        return done.returncode, done.stdout + done.stderr

    def told(self, name):
        """What a channel was told, in order."""
        try:
            with open(f"{self.folder}/{name}.json", encoding="utf-8") as file:
                return [json.loads(line) for line in file]
        except FileNotFoundError:
            return []

    def subjects(self, name):
        return [notice["subject"] for notice in self.told(name)]

    def rows(self, question):
        database = sqlite3.connect(self.centre.database, timeout=20)
        try:
            return database.execute(question).fetchall()
        finally:
            database.close()


def verdicts(word, customer="acme", first=0, count=SENDERS):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return [{"record": "verdict", "time": now, "sender": f"tap{first + i}i0", "customer": customer, "verdict": word,
             "score": 14.2} for i in range(count)]


def outbreak(checks, desk, node):
    node.deliver(verdicts("block"))
    checks.that("an outbreak of 200 senders is one notice", soon(lambda: desk.told("all")), desk.told("all"))
    notice = desk.told("all")[0]
    checks.that("it says so", notice["subject"] == f"{SENDERS} senders blocked", notice["subject"])
    checks.that("it describes some and counts all", notice["count"] == SENDERS and len(notice["alerts"]) == 25)
    first = notice["alerts"][0]
    checks.that("each with what it is about", first["customer"] == "acme" and first["node"] == "hv7" and
                first["severity"] == "trouble" and "14.20" in first["text"], first)
    checks.that("the customer's channel has the same", soon(lambda: desk.subjects("acme")) == [notice["subject"]],
                desk.subjects("acme"))
    status, said = desk.run("alerts", "--top", "1000")
    checks.that("people see each", status == 0 and said.count(" trouble ") == SENDERS, said[:300])


def kill(checks, desk, node):
    node.deliver(verdicts("block", "bolt", first=500, count=3))
    desk.centre.kill()
    before = desk.rows("SELECT MAX(seen) FROM nodes")
    desk.centre.start()
    desk.centre.ask("GET", "/v1/directives?after=0", node.secret)
    told = soon(lambda: len(desk.told("all")) > 1)
    checks.that("behind a kill the next notice has what is new alone", told and desk.subjects("all")[1:] ==
                ["3 senders blocked"], desk.subjects("all"))
    heard = soon(lambda: desk.rows("SELECT MAX(seen) FROM nodes") > before, 70)
    checks.that("a node that only asks is heard of", heard, desk.rows("SELECT MAX(seen) FROM nodes"))
    checks.that("and the channel of another customer nothing", len(desk.told("acme")) == 1, desk.subjects("acme"))


def silence(checks, desk, node):
    status, said = desk.run("alerts", "silence", "block", "tap9*", "--for", "1h", "--reason", "we know")
    number = said.split()[1].rstrip(",") if status == 0 else "0"
    checks.that("a silence is made", status == 0, said)
    listed = desk.run("alerts", "silences")[1]
    checks.that("and listed with who and why", "tap9*" in listed and "ann" in listed and "we know" in listed, listed)
    node.deliver(verdicts("block", first=900, count=5))
    soon(lambda: desk.rows("SELECT 1 FROM alerts WHERE sender = 'tap904i0'"))
    time.sleep(5)
    checks.that("nobody is told of what fits it", len(desk.told("all")) == 2, desk.subjects("all"))
    status, said = desk.run("alerts", "unsilence", number)
    told = soon(lambda: len(desk.told("all")) > 2)
    checks.that("what stands when it ends is told then", status == 0 and told and
                desk.subjects("all")[2] == "5 senders blocked", (said, desk.subjects("all")))
    checks.that("one that is over cannot be ended", desk.run("alerts", "unsilence", number)[0] == 1)
    sure = ("--for", "1h", "--reason", "x")
    for words in (("silence", "block", "", *sure), ("silence", b"k\xe4se", *sure), ("silence", "--customer", "", *sure)):
        status, said = desk.run("alerts", *words)
        checks.that(f"an empty or unreadable word does not silence everything: {words}", status == 2 and "allowed" in said, said)
    checks.that("an unreadable channel does not have all tested", desk.run("alerts", "test", b"k\xe4se")[0] != 0 and
                not [notice for notice in desk.told("all") if notice["test"]])
    status, said = desk.run("alerts", "silence", "blocks", *sure)
    checks.that("a kind that there is none of is refused", status == 1 and "kind" in said, said)
    for words in ("silence", "block", "--for", "1h"), ("silence", "--for", "never", "--reason", "x"), ("unsilence",):
        checks.that(f"refused: {words}", desk.run("alerts", *words)[0] != 0)


def over(checks, desk, node):
    node.deliver(verdicts("clear") + verdicts("clear", "bolt", 500, 3) + verdicts("clear", first=900, count=5))
    told = soon(lambda: len(desk.told("all")) > 3 and len(desk.told("acme")) > 2)
    checks.that("that it is over is one notice", told and desk.subjects("all")[3:] == ["over: 208 senders blocked"],
                desk.subjects("all"))
    checks.that("nothing stands", desk.run("alerts")[1] == "nothing stands\n", desk.run("alerts")[1][:200])
    since = desk.run("alerts", "--since", "2026-01-01T00:00:00Z", "--top", "5")[1]
    checks.that("what stood is still shown to who asks", since.count(" over ") == 5, since)
    checks.that("what names no kind is told nothing", desk.told("quiet") == [])


def test_and_close(checks, desk, node):
    status, said = desk.run("alerts", "test", "quiet")
    checks.that("a test goes out", status == 0 and said == "quiet: sent\n" and desk.told("quiet")[0]["test"] is True,
                (status, said, desk.told("quiet")))
    checks.that("over no channel that is none", desk.run("alerts", "test", "nobody")[0] == 1)
    with open(desk.key, encoding="ascii") as file:
        secret = file.read().strip()
    for slip in {"channel": 5}, ["quiet"], {"channel": None}:
        status = desk.centre.ask("POST", "/v1/alerts/test", secret, slip)[0]
        checks.that(f"a slip does not have all channels tested: {slip}", status == 400, status)
    node.deliver(verdicts("throttle", first=700, count=1))
    number = soon(lambda: desk.rows("SELECT number FROM alerts WHERE kind = 'throttle' AND resolved = 0"))
    status, said = desk.run("alerts", "close", str(number[0][0]), "--reason", "looked at it")
    checks.that("a person closes one", status == 0, said)
    again = soon(lambda: desk.rows("SELECT number FROM alerts WHERE kind = 'throttle' AND resolved = 0"))
    checks.that("which is raised anew while its cause is there", again and again != number, again)
    deeds = {deed for (deed,) in desk.rows("SELECT deed FROM audit")}
    checks.that("all of it is on record", {"silence alerts", "unsilence alerts", "test channel", "close alert"} <= deeds, deeds)


def serve_viruses(listener):
    """A clamd to which every message is a virus."""
    listener.listen(16)
    while True:
        link, _ = listener.accept()
        with link:
            said = b""
            while not said.endswith(b"\0\0\0\0") and said != b"zPING\0" and (more := link.recv(65536)):
                said += more
            link.sendall(b"PONG\0" if said == b"zPING\0" else b"stream: Eicar-Test-Signature FOUND\0")


def filters(checks, desk, _node):
    told = len(desk.told("all"))
    node = Sampler(desk.centre, "hv9")
    for number in range(3):
        node.send(f"Subject: {number}\r\n\r\nHello.\r\n".encode())

    def said(state):
        """Whether a notice has told that of the filter."""
        return any(item["kind"] == "filter" and item["state"] == state for notice in desk.told("all")[told:]
                   for item in notice["alerts"])

    down = soon(lambda: said("new"))
    checks.that("a filter that does not answer is told of", down, desk.subjects("all")[told:])
    threading.Thread(target=serve_viruses, args=(desk.clamd,), daemon=True).start()
    checks.that("and that it is back", soon(lambda: said("over")), desk.subjects("all")[told:])
    virus = soon(lambda: desk.rows("SELECT severity, subject FROM alerts WHERE kind = 'virus' AND resolved = 0"))
    checks.that("a virus is trouble", virus and virus[0][0] == 2 and "on hv9" in virus[0][1], virus)


def main():
    checks = Checks()
    folder = tempfile.mkdtemp(prefix="postern-alerts-")
    desk = Desk(folder)
    try:
        node = Node(desk.centre, "hv7")
        for part in outbreak, kill, silence, over, test_and_close, filters:
            with checks.part(part.__name__):
                part(checks, desk, node)
        soon(lambda: desk.rows("SELECT COUNT(*) FROM sendings WHERE state <> 'sent'") == [(0,)])
        checks.that("each notice went out once", desk.rows("SELECT COUNT(*) FROM sendings WHERE state <> 'sent'") == [(0,)],
                    desk.rows("SELECT channel, state, trouble FROM sendings"))
    finally:
        desk.centre.stop()
        shutil.rmtree(folder)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
