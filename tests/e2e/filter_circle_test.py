#!/usr/bin/env python3
"""The whole circle: mail of a guest on the wire, the node keeps it and sends it in, the collector asks a real Rspamd and a
real clamd, and what they say is evidence against that guest on its node, with symbols and score. How soon, is printed:
from the moment the server outside took the message to the evidence, and what the filter itself took of that.
Then each of the circle's parts dies while mail is sent, and what was kept comes round all the same, each opinion once."""
import collections
import datetime
import os
import signal
import sqlite3
import statistics
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from delivery import kill_courier, kill_everything, spool  # noqa: E402
from filters import GTUBE, TEST_VIRUS, TEST_VIRUS_NAME, Clamd, Rspamd  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

CENTRE, PORT = "203.0.113.1", 8025
ROUNDS = 12
SAMPLES = "[samples]\nrate = 1000\nsender_rate = 100000\nfirst = 1000\n"

# address subject body first last: messages of that text; prints, for each, when the server had taken it.
SEND = r"""
import smtplib, sys, time
address, subject, body, first, last = *sys.argv[1:4], *map(int, sys.argv[4:6])
with smtplib.SMTP(address, 25, timeout=20, local_hostname="pc.firm.postern") as server:
    for number in range(first, last):
        server.sendmail("me@firm.postern", ["you@world.test"], f"From: me@firm.postern\r\nTo: you@world.test\r\nSubject: {subject} {number}\r\n"
                        f"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{subject}{number}@here>\r\n\r\n{body}\r\n")
        print(time.time(), flush=True)
"""


class Circle:
    def __init__(self, bed, agent, centre):
        self.bed, self.agent, self.centre = bed, agent, centre

    def send(self, guest, subject, body, first, last):
        done = self.bed.run(guest, [sys.executable, "-c", SEND, Testbed.SINK4, subject, body, str(first), str(last)])
        assert done.returncode == 0, done.stderr
        return [float(line) for line in done.stdout.split()]

    def ask(self, sql, *values):
        database = sqlite3.connect(self.centre.database, timeout=20)
        try:
            return database.execute(sql, values).fetchall()
        finally:
            database.close()

    def evidence(self, sender):
        return [e for e in self.agent.ask_quietly("explain", sender) or [] if e["record"] == "evidence" and e["detector"] == "filter"]

    def soon(self, sender, taken, name):
        """Prints how long after the server took the message its evidence was there, by the journal."""
        def written():
            return [e for e in self.agent.events("evidence") if e["detector"] == "filter" and e["sender"] == sender]
        (record,) = self.agent.wait(written, 10, "the journal's entry")
        whole = datetime.datetime.fromisoformat(record["time"].replace("Z", "+00:00")).timestamp() - taken
        (own,) = self.ask("SELECT answered - asked FROM opinions WHERE filter = ? AND certain = 1 ORDER BY answered DESC", name)[0]
        print(f"      evidence {whole * 1000:.0f} ms after the message's end, {own / 1e6:.0f} ms of them {name}'s own")
        return whole - own / 1e9

    def judged(self):
        status = self.agent.ask_quietly("status") or []
        return next((r["opinions"] for r in status if r["record"] == "collector"), 0)


def check_circle(checks, agent, circle):
    (taken,) = circle.send("vps1", "news", GTUBE, 0, 1)
    found = agent.wait(lambda: circle.evidence("port:vnet1"), 20, "evidence against the first guest")
    checks.that("what Rspamd says of a guest's mail is evidence against it", "GTUBE" in found[0]["reason"] and "rspamd" in found[0]["reason"], found)
    said = agent.postern("explain", "port:vnet1").stdout
    checks.that("people can read it", "GTUBE" in said, said)
    own = circle.soon("port:vnet1", taken, "rspamd")
    checks.that("within a second, but for the filter's own time", own < 1, own)
    (taken,) = circle.send("vps2", "parcel", TEST_VIRUS, 0, 1)
    found = agent.wait(lambda: circle.evidence("port:vnet2"), 20, "evidence against the second guest")
    checks.that("what clamd says as well", TEST_VIRUS_NAME.split(".UN")[0] in found[0]["reason"], found)
    own = circle.soon("port:vnet2", taken, "clamd")
    checks.that("as soon", own < 1, own)
    circle.send("vps3", "lunch", "Shall we meet at noon?", 0, 1)
    agent.wait(lambda: circle.ask("SELECT count(*) FROM messages WHERE due = 0")[0][0] == 3, 20, "the third message's verdict")
    time.sleep(1)
    checks.that("and of a third guest's letter nothing", not circle.evidence("port:vnet3"), circle.evidence("port:vnet3"))
    rows = circle.ask("SELECT sender FROM messages ORDER BY received")
    checks.that("the collector has the three messages", [s for (s,) in rows] == ["port:vnet1", "port:vnet2", "port:vnet3"], rows)


def check_speed(checks, agent, circle):
    """A message at a time, until `postern status` tells of its opinion. `asked` and `answered` are what the collector wrote down of the filter that took longest."""
    whole, own = [], []
    for number in range(1, ROUNDS + 1):
        before = circle.judged()
        (taken,) = circle.send("vps1", "speed", f"Number {number}. {GTUBE}", number, number + 1)
        agent.wait(lambda: circle.judged() > before, 20, "an opinion")
        heard = time.time()
        (filters,) = circle.ask("SELECT max(answered - asked) FROM opinions WHERE name = (SELECT name FROM messages ORDER BY received DESC LIMIT 1)")[0]
        whole.append(heard - taken)
        own.append(heard - taken - (filters or 0) / 1e9)
    print(f"      to what people are told, of {ROUNDS} messages: median {statistics.median(whole) * 1000:.0f} ms, most {max(whole) * 1000:.0f} ms; "
          f"without the filters' own time: median {statistics.median(own) * 1000:.0f} ms, most {max(own) * 1000:.0f} ms")
    checks.that("the way there and back is a matter of less than a second", statistics.median(own) < 1, own)


def check_deaths(checks, agent, circle):
    """Mail goes on while the courier, the agent and the collector are killed, one after the other."""
    sent = 0
    for number, whom in enumerate(("collector", "courier", "collector", "agent")):
        circle.send("vps1", f"death{number}", f"Round {number}. {GTUBE}", 0, 10)
        sent += 10
        if whom == "collector":
            circle.centre.kill()
            circle.send("vps1", f"away{number}", f"Away {number}. {GTUBE}", 0, 5)
            sent += 5
            circle.centre.start()
        else:
            agent.wait(lambda: agent.ask_quietly("status") and spool(agent)["messages_waiting"] == 0, 30, "the messages' way")
            (kill_courier if whom == "courier" else kill_everything)(agent)
            agent.wait(lambda: agent.ask_quietly("status"), 30, "an answer")
    agent.wait(lambda: spool(agent)["state"] == "connected" and spool(agent)["messages_waiting"] == 0, 60, "the last messages' way")
    agent.wait(lambda: circle.ask("SELECT count(*) FROM messages WHERE due > 0")[0][0] == 0, 60, "the last verdict")
    counted = collections.Counter(subject for (subject,) in circle.ask("SELECT subject FROM messages WHERE subject LIKE 'death%' OR subject LIKE 'away%'"))
    checks.that("every message is at the collector", len(counted) == sent, (len(counted), sent))
    checks.that("each once", set(counted.values()) <= {1}, counted)
    given = circle.ask("SELECT count(*), sum(state = 2) FROM opinions WHERE filter = 'rspamd'")
    checks.that("each has its opinion", given[0][0] == given[0][1], given)
    (highest,) = circle.ask("SELECT max(number) FROM filtered")[0]
    waiting = agent.wait(lambda: "opinions_waiting" in spool(agent) and spool(agent)["opinions_waiting"] == 0, 20, "the last opinion")
    checks.that("and the node heard of all", waiting and highest, highest)


def check_decisive(checks, agent, circle):
    """Who trusts the scanner says so, and one virus blocks."""
    agent.configure(agent.configuration + "\n[filter]\ncertain_points = 25\nmost = 25\n")
    before = len(agent.events("reload"))
    os.kill(agent.process.pid, signal.SIGHUP)
    agent.wait(lambda: len(agent.events("reload")) > before, 15, "the other configuration")
    circle.send("vps3", "parcel", "A second parcel. " + TEST_VIRUS, 0, 1)
    agent.wait(lambda: agent.verdict("port:vnet3") == "block", 20, "a block")
    checks.that("one virus is a block, where that is set", agent.verdict("port:vnet3") == "block", circle.evidence("port:vnet3"))


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("the circle", lack)
        return checks.close()
    name = "circleasan" if "asan" in os.environ.get("POSTERN_BUILD", "") else "circle"
    with Testbed(name, guests=3) as bed:
        try:
            rspamd, clamd = Rspamd().at(bed, "inet"), Clamd().at(bed, "inet")
        except FileNotFoundError as lacking:
            checks.skip("the circle", str(lacking))
            return checks.close()
        with rspamd, clamd:
            agent = Agent(bed, "hv", "")
            folder = os.path.join(agent.directory, "centre")
            os.mkdir(folder)
            more = rspamd.section(more="certain = GTUBE\n") + clamd.section()
            centre = Collector(folder, more, f"{CENTRE}:{PORT}", lambda command, **given: bed.popen("inet", command, **given)).start()
            try:
                agent.configuration = f"[collector]\nurls = http://{CENTRE}:{PORT}\ntoken = {centre.token('--name', 'hv7')}\n{SAMPLES}"
                circle = Circle(bed, agent, centre)
                with agent:
                    agent.wait(lambda: spool(agent)["state"] == "connected", 20, "the connection")
                    for check in (check_circle, check_speed, check_deaths, check_decisive):
                        with checks.part(check.__name__):
                            check(checks, agent, circle)
                    if checks.failed:
                        print(agent.log_text()[-3000:])
                        print(centre.said()[-3000:])
            finally:
                centre.kill()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
