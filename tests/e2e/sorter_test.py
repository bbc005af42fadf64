#!/usr/bin/env python3
"""Messages that nodes send in are shown to Rspamd with Redis, SpamAssassin's spamd and ClamAV's clamd, and what these say
is told to the node: at once, each once, whichever of them is away, hangs or comes back, however often the collector is
killed; and, of two collectors on one PostgreSQL, whichever is."""
import contextlib
import json
import os
import re
import smtplib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
WAITS = True
sys.path[:0] = [os.path.join(TOP, "tests", "testbed"), os.path.dirname(os.path.abspath(__file__))]
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from filters import GTUBE, Clamd, Rspamd, Spamd, free_port, letter, virus  # noqa: E402
from person import Person  # noqa: E402
from postgresql import Postgresql  # noqa: E402
from samples import Sampler, message_file, packed  # noqa: E402

POSTERN = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern")
ALL = ["rspamd", "spamd", "clamd"]
WORDS = ["waiting", "ham", "spam", "virus", "unknown"]


class Slow:
    """A filter that takes its time: it speaks as spamd does, and counts how often it was asked about a message."""

    def __init__(self, takes):
        self.takes, self.asked = takes, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def section(self, name, more=""):
        return f"[filter {name}]\nkind = spamd\naddress = 127.0.0.1:{self.port}\n{more}"

    def serve(self):
        while True:
            link, _ = self.listener.accept()
            threading.Thread(target=self.talk, args=(link,), daemon=True).start()

    def talk(self, link):
        with contextlib.suppress(OSError), link:
            asked = b""
            while chunk := link.recv(65536):
                asked += chunk
                if asked.startswith(b"PING"):
                    link.sendall(b"SPAMD/1.5 0 PONG\r\n")
                    return
            self.asked.append(next((line for line in asked.split(b"\r\n") if line.startswith(b"Subject:")), b""))
            time.sleep(self.takes)
            link.sendall(b"SPAMD/1.1 0 EX_OK\r\nSpam: False ; 1.5 / 5.0\r\n\r\nSLOW_BUT_SURE")


def rows(centre, sql):
    with contextlib.closing(sqlite3.connect(centre.database, timeout=20)) as database:
        return database.execute(sql).fetchall()


def verdict(centre, node, number, wanted, patience=10):
    """The word that stands for it, once that is the wanted one."""
    end = time.monotonic() + patience
    while True:
        found = rows(centre, f"SELECT verdict FROM messages WHERE name = '{node.names[number]}'")
        word = WORDS[found[0][0]] if found else None
        if word == wanted or time.monotonic() > end:
            return word
        time.sleep(0.05)


def said(node, number, names=tuple(ALL), patience=20):
    return {name: node.opinion(number, name, patience) for name in names}


def twice(node):
    told = [(one["message"], one["filter"]) for one in node.told]
    return sorted(one for one in set(told) if told.count(one) > 1)


def filters(centre, who):
    lines = [json.loads(line) for line in centre.ask("GET", "/v1/filters", who)[1].splitlines()]
    return {line["name"]: line for line in lines if line["record"] == "filter"}


def wait_for(condition, patience=20):
    end = time.monotonic() + patience
    while not (seen := condition()) and time.monotonic() < end:
        time.sleep(0.1)
    return seen


def real_ones(checks, centre, node, who):
    begun = time.monotonic()
    good = node.send(letter("hello"), sender="mac:02:00:00:00:00:01", address="192.0.2.9")
    opinions = said(node, good)
    took = time.monotonic() - begun
    print(f"      what three filters say was there in {took:.2f} s", flush=True)
    checks.that("each filter says something of a message", all(opinions.values()), opinions)
    told = opinions["rspamd"] or {}
    checks.that("it is told of the sender that the node named, with the address",
                (told.get("sender"), told.get("address")) == ("mac:02:00:00:00:00:01", "192.0.2.9"), told)
    checks.that("... by numbers against a threshold, and not for certain",
                0 <= told.get("score", -1) < told.get("threshold", 0) and told.get("certain") is False, told)
    checks.that("a harmless message is ham", verdict(centre, node, good, "ham") == "ham")

    spam = node.send(letter(GTUBE))
    opinions = said(node, spam)
    checks.that("GTUBE is spam for certain to both that know it", all(
        opinions[name] and opinions[name]["certain"] and opinions[name]["score"] >= opinions[name]["threshold"]
        for name in ("rspamd", "spamd")), opinions)
    checks.that("... and GTUBE stands in the symbols", "GTUBE" in (opinions["rspamd"] or {}).get("symbols", "").split(), opinions)
    checks.that("... and its verdict is spam", verdict(centre, node, spam, "spam") == "spam")

    ill = node.send(virus())
    opinions = said(node, ill)
    checks.that("a virus is found", (opinions["clamd"] or {}).get("certain"), opinions)
    checks.that("... and its verdict is virus", verdict(centre, node, ill, "virus") == "virus")
    found = rows(centre, f"SELECT subject FROM messages WHERE name = '{node.names[spam]}'")
    checks.that("its subject was read", found and found[0][0], found)

    key = os.path.join(centre.folder, "key")
    with open(key, "w", encoding="ascii") as file:
        file.write(who)
    done = subprocess.run([POSTERN, "--collector", f"http://127.0.0.1:{centre.port}", "--key", key, "filters"], capture_output=True,
                          text=True, check=False)
    checks.that("`postern filters` shows each of them, and that it is up", done.returncode == 0 and all(
        any(line.split()[:3] == [name, name, "up"] for line in done.stdout.splitlines()) for name in ALL), (done.stdout, done.stderr))
    status, answer = node.send_file(packed(message_file(letter("hello"))), good)
    checks.that("a message of a number that was sent before is known", (status, answer.get("name")) == (200, node.names[good]),
                (status, answer))
    status, answer = node.send_file(packed(b"no envelope"), 900)
    checks.that("what is no message file is refused by a sentence", status == 400 and answer.get("error"), (status, answer))


def away(checks, centre, node, who, rspamd, clamd):
    """One is stopped, another hangs: what they miss they are asked when they are back."""
    rspamd.stop()
    clamd.pause()
    begun = time.monotonic()
    numbers = [node.send(letter(f"number {i}")) for i in range(6)]
    checks.that("who answers is heard at once, while one is gone and one hangs",
                all(node.opinion(number, "spamd", 10) for number in numbers) and time.monotonic() - begun < 10)
    gone = wait_for(lambda: not filters(centre, who)["rspamd"]["up"] and not filters(centre, who)["clamd"]["up"])
    shown = filters(centre, who)
    checks.that("both are known to be down, with why", gone and shown["rspamd"]["trouble"] and shown["clamd"]["trouble"], shown)
    checks.that("... and what waits for them is counted", shown["rspamd"]["waiting"] == shown["clamd"]["waiting"] == 6, shown)
    checks.that("a message has its verdict all the same", verdict(centre, node, numbers[0], "ham") == "ham")
    clamd.resume()
    rspamd.start()
    late = {number: said(node, number, ("rspamd", "clamd"), 20) for number in numbers}
    checks.that("when they are back, they are asked about all that they missed", all(all(one.values()) for one in late.values()), late)
    shown = wait_for(lambda: all(one["up"] and one["waiting"] == 0 for one in filters(centre, who).values()) and filters(centre, who))
    checks.that("... and are up", shown, filters(centre, who))
    checks.that("nothing was told twice", not twice(node), twice(node))


def ordered(checks, folder, rspamd, clamd):
    """clamd is asked first; Rspamd only about what it lets pass, or cannot say anything about."""
    place = os.path.join(folder, "ordered")
    os.mkdir(place)
    centre = Collector(place, clamd.section(more="order = 1\npatience = 1s\n") + rspamd.section(more="order = 2\n")).start()
    try:
        node = Sampler(centre, "hv1")
        ill, good = node.send(virus()), node.send(letter("hello"))
        checks.that("what the first lets pass the second is asked about", all(said(node, good, ("clamd", "rspamd")).values()), node.told)
        checks.that("what the first found a virus in it is not", node.opinion(ill, "clamd") and not node.opinion(ill, "rspamd", 1), node.told)
        clamd.pause()
        checks.that("one that hangs does not keep the next from being asked", node.opinion(node.send(letter("again")), "rspamd"),
                    node.told)
    finally:
        clamd.resume()
        centre.stop()


def killed(checks, folder):
    """The collector is killed three times while messages are with filters."""
    place = os.path.join(folder, "killed")
    os.mkdir(place)
    slow, quick = Slow(0.3), Slow(0)
    centre = Collector(place, slow.section("slow") + quick.section("quick")).start()
    node = Sampler(centre, "hv1")
    numbers = []
    for _ in range(3):
        numbers += [node.send(letter(f"number {len(numbers) + i}")) for i in range(8)]
        time.sleep(0.2)
        node.filtered()
        centre.kill()
        centre.start()
    late = {number: said(node, number, ("slow", "quick")) for number in numbers}
    checks.that("after three kills every message has every opinion", all(all(one.values()) for one in late.values()), late)
    time.sleep(1)
    node.filtered()
    checks.that("... once", not twice(node), twice(node))
    waiting = rows(centre, "SELECT COUNT(*) FROM opinions WHERE due > 0") + rows(centre, "SELECT COUNT(*) FROM messages WHERE due > 0")
    checks.that("... and nothing waits", waiting == [(0,), (0,)], waiting)
    status, took = centre.stop()
    checks.that("it ends when it is told to", status == 0 and took < 10, (status, took, centre.said()[-1000:]))


def shared(checks, folder):
    """Two collectors sort from one store; one of them is killed with messages in hand, and the store is away for a while."""
    places = [os.path.join(folder, name) for name in ("left", "right")]
    for place in places:
        os.mkdir(place)
    slow = Slow(0.4)
    with Postgresql() as database:
        left, right = (Collector(place, slow.section("slow", "at_once = 2\n"), store=database).start() for place in places)
        node = Sampler(left, "hv1")
        numbers = [node.send(letter(f"number {i}")) for i in range(20)]
        node.centre = right  # it knows each node, whoever took its messages
        wait_for(lambda: len(slow.asked) >= 4)
        checks.that("what one collector filters wakes nodes that wait at the other", wait_for(lambda: node.filtered(wait=5)), node.told)
        left.kill()
        database.stop()  # and the other has no store for a while, but for what filters tell it meanwhile
        time.sleep(1)
        database.start()
        late = {number: node.opinion(number, "slow", 60) for number in numbers}
        missing = [number for number, one in late.items() if not one]
        checks.that("what the one had that was killed, the other takes, once the store is back", not missing, missing)
        time.sleep(1)
        node.filtered()
        checks.that("nothing is told twice", not twice(node), twice(node))
        status, _ = right.stop()
        checks.that("the other ends when it is told to", status == 0, right.said()[-1000:])


def given_back_early(checks, folder):
    """An appliance may be faster than the store, or give back to another collector than the one that showed it the message."""
    os.mkdir(folder)
    port = free_port()
    centre = Collector(folder, f"[returned]\nlisten = 127.0.0.1:{port}\n"
                               f"[filter gate]\nkind = smtp\naddress = 127.0.0.1:{free_port()}\nmailbox = filter.example\nlost = spam\n").start()
    node, anna = Sampler(centre, "hv1"), Person(centre, "anna", "read")
    shown = anna.say("filters")
    checks.that("of a filter that has not answered yet nobody says that it is up", shown.splitlines()[1].split()[:3] == ["gate", "smtp", "unknown"], shown)
    node.send(letter("known"))
    wait_for(lambda: rows(centre, "SELECT 1 FROM opinions"))
    name, later = "012345678.AAAAA", 1 << 62  # due, but not in this test's time
    columns = [row[1] for row in rows(centre, "PRAGMA table_info(messages)")]
    values = [{"name": f"'{name}'", "number": "77", "due": str(later)}.get(column, column) for column in columns]
    with contextlib.closing(sqlite3.connect(centre.database, timeout=20)) as database:
        database.execute(f"INSERT INTO messages ({', '.join(columns)}) SELECT {', '.join(values)} FROM messages")
        database.commit()

    def give_back(mailbox):
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as link:
            try:
                link.sendmail("", [mailbox], b"X-Spam-Status: Yes, score=7.1 required=5.0\r\n\r\nx\r\n")
            except smtplib.SMTPDataError as refused:
                return refused.smtp_code
            return 250

    code = give_back(f"{name}.gate@filter.example")
    checks.that("what is given back of a message that is not written down as taken apart is to be given again", code == 451, code)
    code = give_back("ABCDEF012.34567.gate@filter.example")
    checks.that("... of one that is not known at all it is taken, and forgotten", code == 250, code)
    code = give_back(f"{node.names[1]}.gate@filter.example")
    checks.that("... of one that was asked about it is told", code == 250 and node.opinion(1, "gate"), code)
    with contextlib.suppress(smtplib.SMTPRecipientsRefused):
        give_back("postmaster@filter.example")
    counted = re.findall(r"^postern_collector_returned(\w*)_total (\d+)$", centre.ask("GET", "/metrics", anna.secret)[1], re.M)
    checks.that("... and all of it is counted", dict(counted) == {"": "2", "_refused": "1", "_deferred": "1"}, counted)
    centre.stop()
    with contextlib.closing(sqlite3.connect(centre.database, timeout=20)) as database:  # out, when the collector went
        hour = 3600 * 10**9
        database.execute("UPDATE opinions SET state = 1, due = ?, asked = ?", (time.time_ns() - hour, time.time_ns() - 2 * hour))
        database.execute("UPDATE messages SET due = 0")
        database.commit()
    centre.start()
    node.send(letter("and another"))
    wait_for(lambda: rows(centre, "SELECT 1 FROM opinions WHERE name <> '{}'".format(node.names[1])))
    found = rows(centre, f"SELECT state FROM opinions WHERE name = '{node.names[1]}'")
    checks.that("what could not come back while no collector was there is still waited for", found == [(1,)], found)
    with contextlib.closing(sqlite3.connect(centre.database, timeout=20)) as database:
        database.execute("UPDATE opinions SET state = 1, due = 1, asked = 1 WHERE name = ?", (node.names[2],))
        database.commit()
    lost = node.opinion(2, "gate")
    checks.that("what does not come back in time is spam where that is what it means",
                lost and lost["score"] == lost["threshold"] == 1 and lost["action"] == "it did not come back", lost)
    give_back(f"{node.names[2]}.gate@filter.example")
    node.filtered()
    checks.that("... whatever comes later", not twice(node), twice(node))
    centre.stop()


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        with checks.part("two collectors"):
            shared(checks, folder)
        with checks.part("given back early"):
            given_back_early(checks, os.path.join(folder, "early"))
        with checks.part("kills"):
            killed(checks, folder)
        try:
            programs = Rspamd(), Spamd(), Clamd()
        except FileNotFoundError as missing:
            checks.skip("real filters", str(missing))
            return checks.close()
        with contextlib.ExitStack() as stack:
            rspamd, spamd, clamd = (stack.enter_context(program) for program in programs)
            place = os.path.join(folder, "real")
            os.mkdir(place)
            centre = Collector(place, rspamd.section() + spamd.section() + clamd.section(more="patience = 1s\n")).start()
            node, who = Sampler(centre, "hv1"), centre.person("anna", "read")
            with checks.part("real filters"):
                real_ones(checks, centre, node, who)
            with checks.part("away"):
                away(checks, centre, node, who, rspamd, clamd)
            status, _ = centre.stop()
            checks.that("the collector ends when it is told to", status == 0, centre.said()[-1000:])
            with checks.part("ordered"):
                ordered(checks, folder, rspamd, clamd)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
