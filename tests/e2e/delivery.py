"""What a node's journal has and what came of it at a centre: each entry there once is what the tests of delivery ask.

A centre is whatever has records(), kill() and start(): the collector itself, or the stand-in of uplink_test.py."""
import collections
import json
import os
import random
import signal
import time

KILLS = int(os.environ.get("POSTERN_KILLS", "20"))
OURS = ("verdict", "command", "evidence", "event")  # what the journal holds


def spool(agent):
    return agent.status()["collector"]


def is_empty(agent):
    status = agent.ask_quietly("status")
    return bool(status) and any(r["record"] == "collector" and r["spooled"] == 0 for r in status)


def make_news(agent, number):
    """An order and its end: at least four entries."""
    done = agent.postern("block", f"198.18.1.{1 + number % 250}", "--for", "10m", "--reason", f"test {number}")
    agent.postern("release", f"198.18.1.{1 + number % 250}", "--reason", f"test {number}")
    return done.returncode == 0


def counted(records):
    return collections.Counter(json.dumps(r, sort_keys=True) for r in records if r["record"] in OURS)


def difference(agent, centre):
    """What the journal has that the store does not have just as often: (there, here)."""
    journal, store = counted(agent.events()), counted(centre.records())
    return {k: (n, store[k]) for k, n in journal.items() if store[k] != n}


def all_there(checks, agent, centre, what, patience=60):
    agent.wait(lambda: is_empty(agent), patience, f"an empty spool ({what})")
    left = agent.wait(lambda: not difference(agent, centre), 5, "the last entries") or difference(agent, centre)
    checks.that(f"{what}: every entry of the journal is there once", left is True, left)


def kill_everything(agent):
    for pid in sorted(agent.processes().values()):  # the supervisor first, so that it starts nobody anew
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it ended with its parent
    agent.process.wait()
    agent.start(wait=False)


def kill_courier(agent):
    pid = agent.processes().get("courier")
    if pid:
        os.kill(pid, signal.SIGKILL)


def check_kills(checks, agent, centre):
    """The courier seldom by itself: the warden lets more and more time pass before it starts it again."""
    dice = random.Random(7)
    killed = collections.Counter()
    for number in range(KILLS):
        whom = "agent" if number % 10 == 5 else "courier" if number % 10 in (2, 7) else "centre"
        if agent.ask_quietly("status"):
            make_news(agent, number)
        time.sleep(dice.random() * 0.12)
        if whom == "centre":
            centre.kill()
            if dice.random() < 0.3:  # away for so long that it is tried in vain
                make_news(agent, number)
                time.sleep(2 * dice.random())
            centre.start()
        else:
            (kill_everything if whom == "agent" else kill_courier)(agent)
            agent.wait(lambda: agent.ask_quietly("status"), 40, "an answer")
        killed[whom] += 1
    checks.that("both sides were killed", killed["centre"] and killed["courier"] and killed["agent"], killed)
