"""What a node's journal has and what came of it at a centre: each entry there once is what the tests of delivery ask.

A centre is whatever has records(): the collector itself, or the stand-in of uplink_test.py."""
import collections
import json

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
