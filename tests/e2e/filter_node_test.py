#!/usr/bin/env python3
"""Messages on their way from a node to a centre's content filters, and what those say on its way back: each message is there
once, whoever dies when; a centre that is away, refuses, or answers nonsense costs time and no message; a full disk neither.

The centre is a stand-in (centre.py), which can be made to lie; the mail is real, from guests to a server outside.

POSTERN_KILLS=100 for the long form.
"""
import collections
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from delivery import kill_courier, kill_everything, spool  # noqa: E402
from testbed import Testbed, missing  # noqa: E402
from uplink_test import CENTRE, PORTS, Centre  # noqa: E402

KILLS = int(os.environ.get("POSTERN_KILLS", "9"))
SERVER = Testbed.SINK4
SENDER = "port:vnet1"
CONFIGURATION = f"""
[collector]
urls = http://{CENTRE}:{PORTS[0]}
token = token.test

[samples]
rate = 1000
sender_rate = 100000
first = 1000
"""

# address first last bytes: so many messages over one connection, numbered in their Message-ID.
SEND = r"""
import random, smtplib, sys
address, first, last, size = sys.argv[1], *map(int, sys.argv[2:5])
filling = "".join(random.randbytes(36).hex() + "\n" for _ in range(size // 73))
with smtplib.SMTP(address, 25, timeout=20, local_hostname="pc.firm.postern") as server:
    for number in range(first, last):
        server.sendmail("me@firm.postern", [f"you{number}@world.test"], f"From: me@firm.postern\nMessage-ID: <{number}@here>\n"
                        f"Subject: number {number}\n\n.dots\n..\n{filling}Hello, this is {number}.\n")
"""


class Post:
    """What was sent, and what the centre has of it."""

    def __init__(self, bed, agent, centre):
        self.bed, self.agent, self.centre, self.next = bed, agent, centre, 0

    def send(self, count, size=0):
        first, self.next = self.next, self.next + count
        done = self.bed.run("vps1", [sys.executable, "-c", SEND, SERVER, str(first), str(self.next), str(size)])
        assert done.returncode == 0, done.stderr
        return range(first, self.next)

    def there(self):
        """{number: how often the centre has it}"""
        counted = collections.Counter()
        for (file,) in self.centre.ask("SELECT file FROM message"):
            content = file[file.index(b"\n") + 1:]
            counted[int(content.split(b"Message-ID: <")[1].split(b"@")[0])] += 1
        return counted

    def arrive(self, numbers, patience=30):
        self.agent.wait(lambda: set(numbers) <= set(self.there()), patience, f"messages {numbers}")
        counted = self.there()
        return all(counted[n] == 1 for n in numbers)

    def twice(self):
        return {n: c for n, c in self.there().items() if c != 1}


def waiting(agent):
    return (agent.ask_quietly("status") and spool(agent)["messages_waiting"]) or 0


def folder(agent):
    return next(os.path.join(place, "samples") for place, _, files in os.walk(agent.state) if "spool.db" in files)


def files(agent):
    return [name for name in os.listdir(folder(agent)) if name.endswith(".zst")]


def check_way(checks, agent, post):
    numbers = post.send(30)
    checks.that("every message comes to the centre, once", post.arrive(numbers), post.there())
    (file,) = post.centre.ask("SELECT file FROM message WHERE number = 1")[0]
    envelope, content = file.split(b"\n", 1)
    checks.that("with its envelope", json.loads(envelope)["sender"] == SENDER and json.loads(envelope)["recipients"] == ["you0@world.test"], envelope)
    checks.that("and its content as it was meant", b"\r\n.dots\r\n..\r\nHello, this is 0.\r\n" in content, content)
    agent.wait(lambda: waiting(agent) == 0, 10, "the last answer")
    checks.that("nothing is left on the disk", files(agent) == [], files(agent))
    said = agent.postern("status").stdout
    checks.that("status tells people", "messages    30 for the collector's filters: 30 sent, 0 wait" in said, said)
    lives = post.centre.ask("SELECT DISTINCT life FROM message")
    checks.that("all under one name", len(lives) == 1, lives)


def check_opinions(checks, agent, post):
    """Evidence, and how soon: from the moment the server took the message."""
    opinion = {"filter": "rspamd", "score": 15, "threshold": 6, "action": "reject", "symbols": "GTUBE", "certain": True}
    post.centre.ask("INSERT INTO rule VALUES('opinion', ?)", json.dumps(opinion))
    post.send(1)
    begun = time.time()

    def evidence():
        return [e for e in agent.ask_quietly("explain", SENDER) or [] if e["record"] == "evidence" and e["detector"] == "filter"]
    agent.wait(evidence, 10, "the evidence")
    took = time.time() - begun
    checks.that("what a filter says becomes evidence against the sender", "rspamd found GTUBE" in evidence()[0]["reason"], evidence())
    checks.that("soon", took < 5, took)
    print(f"      {took * 1000:.0f} ms from the end of the sending program to the evidence")
    said = agent.postern("explain", SENDER).stdout
    checks.that("and people can read it", "rspamd found GTUBE" in said, said)
    post.centre.ask("DELETE FROM rule")


def check_nonsense(checks, agent, post):
    """Opinions that make no sense stop neither those behind them nor the orders beside them."""
    good = {"message": "good", "time": "2026-01-01T00:00:00Z", "sender": "port:vnet2", "address": None, "filter": "clamd", "score": 0,
            "threshold": 0, "action": "FOUND", "symbols": "Eicar", "certain": True}
    garbage = [7, None, [], {}, {**good, "sender": "no/name"}, {**good, "sender": 5}, {**good, "score": "many"}, {**good, "filter": "x" * 500},
               {**good, "time": "soon"}, {**good, "address": "nowhere"}, {**good, "message": ""}, {**good, "threshold": -1}]
    for body in [*garbage, good]:
        post.centre.ask("INSERT INTO filtered(body) VALUES(?)", json.dumps(body))
    agent.wait(lambda: agent.senders().get("port:vnet2", {}).get("score", 0) > 0, 15, "the good one")
    checks.that("garbage among opinions stops none that is sound", spool(agent)["opinions"] == 2, spool(agent))
    (highest,) = post.centre.ask("SELECT max(number) FROM filtered")[0]
    agent.wait(lambda: f"filtered={highest}" in post.centre.ask("SELECT path FROM asked ORDER BY number DESC LIMIT 1")[0][0], 10, "the next question")
    time.sleep(0.5)  # the number is kept with the next commit
    post.centre.ask("DELETE FROM asked")
    kill_courier(agent)
    agent.wait(lambda: post.centre.ask("SELECT path FROM asked"), 20, "a question of another courier")
    asked = [path for (path,) in post.centre.ask("SELECT path FROM asked")]
    checks.that("another courier goes on behind what was judged", all(f"filtered={highest}" in path for path in asked), asked)
    post.centre.ask("DELETE FROM filtered")  # and a centre from a backup begins anew
    agent.wait(lambda: "filtered=0" in post.centre.ask("SELECT path FROM asked ORDER BY number DESC LIMIT 1")[0][0], 70, "the step back")
    checks.that("a centre from a backup is asked from the beginning", True)


def check_deaths(checks, agent, post):
    """Opinions that a process had in its hands when it died."""
    for whom, net in (("watcher", 1), ("courier", 2)):
        watcher = agent.processes()["watcher"]
        os.kill(watcher, signal.SIGSTOP)
        senders = [f"198.18.{net}.{host}" for host in range(1, 51)]
        for sender in senders:
            body = {"message": f"of {sender}", "time": "2026-01-01T00:00:00Z", "sender": sender, "address": sender, "filter": "clamd",
                    "score": 0, "threshold": 0, "action": "FOUND", "symbols": "Eicar", "certain": True}
            post.centre.ask("INSERT INTO filtered(body) VALUES(?)", json.dumps(body))
        (highest,) = post.centre.ask("SELECT max(number) FROM filtered")[0]
        agent.wait(lambda: f"filtered={highest}" in post.centre.ask("SELECT path FROM asked ORDER BY number DESC LIMIT 1")[0][0], 10, "the question")
        os.kill(agent.processes()[whom], signal.SIGKILL)
        if whom != "watcher":
            os.kill(watcher, signal.SIGCONT)
        agent.wait(lambda: sum(agent.senders().get(s, {}).get("score", 0) > 0 for s in senders) == 50, 20, "what filters said of fifty")
        checks.that(f"what the {whom} had not done with when it died is judged all the same", True)


def check_away(checks, agent, post):
    post.centre.kill()
    numbers = post.send(20)
    agent.wait(lambda: waiting(agent) == 20, 15, "twenty that wait")
    checks.that("while the centre is away they wait on the disk", len(files(agent)) == 20, files(agent))
    modes = {stat.S_IMODE(os.stat(os.path.join(folder(agent), name)).st_mode) for name in files(agent)}
    checks.that("where nobody else reads them", modes == {0o600} and stat.S_IMODE(os.stat(folder(agent)).st_mode) == 0o700, modes)
    kill_everything(agent)
    agent.wait(lambda: waiting(agent) == 20, 20, "the same, of another agent")
    post.centre.start(PORTS[0])
    checks.that("and come when it is back, once", post.arrive(numbers, 60), post.twice())


def check_wrong_answers(checks, agent, post):
    def attempts():
        return len(post.centre.ask("SELECT * FROM attempt"))
    numbers = ()
    for wrong in ("page", "other", "503"):
        post.centre.ask("DELETE FROM rule")
        post.centre.ask("INSERT INTO rule VALUES('messages', ?)", wrong)
        before = attempts()
        numbers = numbers or post.send(2)
        agent.wait(lambda: attempts() > before, 15, "an attempt")
        checks.that(f"an answer like \"{wrong}\" is none, and stops nothing else", waiting(agent) == 2 and spool(agent)["state"] == "connected",
                    spool(agent))
    told = agent.wait(lambda: [e["text"] for e in agent.events("collector") if "messages wait" in e["text"]], 5, "that it is told")
    checks.that("a trouble of that kind that lasts is told once", len(told) == 1, told)
    post.centre.ask("DELETE FROM rule")
    checks.that("and afterwards they are there", post.arrive(numbers), post.twice())


def check_refused(checks, agent, post):
    before = spool(agent)["messages_set_aside"]
    post.centre.ask("INSERT INTO rule VALUES('messages', '400')")
    bad = post.send(1)
    agent.wait(lambda: spool(agent)["messages_set_aside"] == before + 1, 20, "one set aside")
    post.centre.ask("DELETE FROM rule")
    numbers = post.send(1)
    checks.that("a message that is refused for good stops no other", post.arrive(numbers) and not set(bad) & set(post.there()), post.there())
    aside = os.listdir(os.path.join(folder(agent), "aside"))
    checks.that("it is kept for a person", len(aside) == 1, aside)
    checks.that("who is told", any("set aside" in e["text"] for e in agent.events("collector")), agent.events("collector"))


def check_kills(checks, agent, post):
    """What the courier had taken is there once; what was sent while it was dead was not taken."""
    dice, sure, lost, missing_ones = random.Random(11), [], 0, set()
    post.centre.ask("INSERT INTO rule VALUES('cut', '50')")
    for number in range(KILLS):
        numbers = post.send(4, 3000)
        time.sleep(dice.random() * 0.15)
        if number % 3 == 0:
            kill_everything(agent) if number % 6 == 3 else kill_courier(agent)
            missing_ones |= set(numbers)  # some may have died with it, on their way
            agent.wait(lambda: agent.ask_quietly("status"), 40, "an answer")
        else:
            sure += numbers
            post.centre.kill()
            post.centre.start(PORTS[0])
    post.centre.ask("DELETE FROM rule")
    checks.that("over kills of centre, courier and agent every message comes that was taken", post.arrive(sure, 90), sorted(set(sure) - set(post.there())))
    agent.wait(lambda: waiting(agent) == 0, 60, "an empty folder")
    lost = missing_ones - set(post.there())
    checks.that("none is there twice", not post.twice(), post.twice())
    print(f"      {KILLS} kills; {len(lost)} of {post.next} messages died with a courier on their way to it")
    attempts = len(post.centre.ask("SELECT * FROM attempt"))
    checks.that("some were sent more than once", attempts > len(post.there()), attempts)


def check_full_disk(checks, agent, post):
    """A disk with no room at all: they wait in memory, and are written when there is room."""
    place = folder(agent)
    owner = os.stat(place)
    agent.stop()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=256k,uid={owner.st_uid},gid={owner.st_gid},mode=700", "tmpfs", place], check=True)
    try:
        agent.start()
        ballast = os.path.join(place, "ballast")
        with open(ballast, "ab", buffering=0) as file:
            try:
                while file.write(b"x" * 4096) == 4096:
                    pass
            except OSError:
                pass
        numbers = post.send(3)
        checks.that("with a full disk, messages go on", post.arrive(numbers), post.twice())
        post.centre.kill()
        numbers = post.send(5, 3000)
        agent.wait(lambda: waiting(agent) == 5, 15, "five that wait")
        agent.wait(lambda: "cannot write" in spool(agent).get("messages_trouble", ""), 10, "the trouble")
        checks.that("people are told", any("No space" in e["text"] for e in agent.events("samples")), agent.events("samples"))
        os.unlink(ballast)
        agent.wait(lambda: len(files(agent)) == 5, 10, "the files")
        checks.that("when there is room again they are written", "messages_trouble" not in spool(agent) or
                    "cannot write" not in spool(agent)["messages_trouble"], spool(agent))
        post.centre.start(PORTS[0])
        checks.that("and come, once", post.arrive(numbers, 60), post.twice())
        agent.stop()
    finally:
        subprocess.run(["umount", "-l", place], check=False)
    agent.start()


def check_bounds(checks, agent, post):
    """No more room than is given: the oldest go, counted. And no more bytes a second to the centre."""
    agent.stop()
    agent.configure(agent.configuration + "spool = 1M\nbandwidth = 200K\n")
    agent.start()
    agent.wait(lambda: spool(agent)["state"] == "connected", 20, "the connection")
    post.centre.kill()
    numbers = post.send(60, 60000)
    agent.wait(lambda: spool(agent)["messages_dropped"] > 0, 20, "what has no room")
    agent.wait(lambda: spool(agent)["messages_taken"] >= 60, 20, "all of them")
    status = spool(agent)
    checks.that("there is no more on the disk than may be", status["messages_bytes"] <= 1 << 20, status)
    checks.that("each is waiting or counted", status["messages_waiting"] + status["messages_dropped"] == 60, status)
    post.centre.start(PORTS[0])
    last = list(numbers)[-status["messages_waiting"]:]
    checks.that("the youngest are those that come", post.arrive(last, 60) and not set(post.there()) & (set(numbers) - set(last)), post.twice())
    rows = post.centre.ask("SELECT time, bytes FROM attempt ORDER BY time")[-len(last):]
    took, size = rows[-1][0] - rows[0][0], sum(size for _, size in rows[:-1])
    checks.that("no faster than may be, but for the first second's", took > size / (200 << 10) - 1.5 > 1, (took, size))
    post.centre.ask("INSERT INTO rule VALUES('messages', '404')")
    post.send(1)
    agent.wait(lambda: any("knows nothing of messages" in e["text"] for e in agent.events("collector")), 10, "that it is told")
    checks.that("a centre of before there were messages is told of, and is well with all else", spool(agent)["state"] == "connected" and
                waiting(agent) == 1, spool(agent))
    checks.that("nobody died of all this", agent.status()["warden"]["watcher_restarts"] + agent.status()["warden"]["courier_restarts"] == 0,
                agent.status()["warden"])


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("messages to filters", lack)
        return checks.close()
    name = "filternodeasan" if "asan" in os.environ.get("POSTERN_BUILD", "") else "filternode"
    with Testbed(name, guests=2) as bed:
        agent = Agent(bed, "hv", CONFIGURATION)
        centre = Centre(bed, os.path.join(agent.directory, "centre.db"))
        centre.start(PORTS[0])
        post = Post(bed, agent, centre)
        try:
            with agent:
                agent.wait(lambda: spool(agent)["state"] == "connected", 20, "the connection")
                for check in (check_way, check_opinions, check_nonsense, check_deaths, check_away, check_wrong_answers, check_refused, check_kills,
                              check_full_disk, check_bounds):
                    begun = time.monotonic()
                    with checks.part(check.__name__):
                        check(checks, agent, post)
                    print(f"      {check.__name__}: {time.monotonic() - begun:.1f} s", flush=True)
                if checks.failed:
                    print(agent.log_text()[-3000:])
        finally:
            centre.kill()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
