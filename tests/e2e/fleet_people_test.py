#!/usr/bin/env python3
"""What `postern` shows a person of a fleet: what is known there and no more, whom it asks, and never a byte that a
spammer or a node meant for the terminal."""
import os
import pty
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from check import Checks  # noqa: E402
from collector import Collector, Node  # noqa: E402

POSTERN = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern")
TIME = "2026-11-26T08:00:00Z"
# Clears the screen, renames the window (as an escape of one byte, too), begins a line, turns the rest around.
NASTY = "\u001b[2J\u009b31m\u0007x\ny\u202ez"
BAD = ["\u001b", "\u009b", "\u0007", "\u202e"]


def run(centre, secret, *words, terminal=False, key=True):
    """(exit status, what it printed, its complaint); `terminal`: onto one."""
    surroundings = {**os.environ, "POSTERN_COLLECTOR": f"http://127.0.0.1:{centre.port}", "NO_COLOR": "1",
                    "POSTERN_SOCKET": os.path.join(centre.folder, "nobody.sock")}
    surroundings.pop("POSTERN_KEY", None)
    if key:
        surroundings["POSTERN_KEY"] = secret
    if not terminal:
        done = subprocess.run([POSTERN, *words], env=surroundings, capture_output=True, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()
    ours, theirs = pty.openpty()
    with subprocess.Popen([POSTERN, *words], env=surroundings, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 65536):
                shown += chunk
        except OSError:
            pass  # it has ended
    os.close(ours)
    return process.returncode, shown.decode(), ""


def verdict(sender, word, **more):
    return {"record": "verdict", "time": TIME, "sender": sender, "verdict": word, "score": 41.5, **more}


def terminals(checks, centre, secret):
    node = Node(centre, "hv1")
    node.deliver([verdict(f"192.0.2.66{NASTY}", "block", why=NASTY, customer=NASTY, evidence=[{"detector": NASTY, "reason": NASTY}]),
                  {"record": "evidence", "time": TIME, "sender": NASTY, "detector": NASTY, "reason": NASTY, "added": 1},
                  {"record": "command", "time": TIME, "sender": NASTY, "deed": NASTY, "person": NASTY, "why": NASTY},
                  {"record": "order", "time": TIME, "sender": NASTY, "customer": NASTY, "deed": NASTY, "by": NASTY, "why": NASTY,
                   "until": "2100-01-01T00:00:00Z"},
                  {"record": "traffic", "time": "2027-01-01T00:00:00Z", "sender": NASTY, "customer": NASTY, "messages": 3},
                  {"record": "event", "time": TIME, "what": NASTY, "text": NASTY}])
    two = Node(centre, "hv9")
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    for place, owner in ((node, NASTY), (two, "acme")):
        place.deliver([{"record": "body", "time": now, "sender": NASTY, "customer": owner, "likeness": "0123" * 16, "recipients": 40},
                       verdict(NASTY, NASTY, customer="acme", address=NASTY)])
    until = time.monotonic() + 10
    while "0123" not in run(centre, secret, "campaigns")[1] and time.monotonic() < until:
        time.sleep(0.2)
    checks.that("a campaign is shown", "0123" in run(centre, secret, "campaigns")[1])
    raw = node.batch([{"record": "event", "time": TIME, "what": "w", "text": "T"}]).replace('"T"', f'"\u009b31m\u202e\u007fé"')
    checks.that("what JSON need not escape is taken", node.send(raw.encode())[0] == 200)
    for verb in (["events"], ["senders"], ["customers"], ["orders"], ["nodes"], ["audit"], ["explain", "192.0.2.66"],
                 ["customers", "acme"], ["explain", "customer:acme"], ["campaigns"]):
        status, text, _ = run(centre, secret, *verb, terminal=True)
        seen = [bad for bad in BAD if bad in text]
        checks.that(f"{verb[0]}: nothing that a terminal obeys", status == 0 and not seen, (status, seen, text))
        status, text, _ = run(centre, secret, *verb, "--json", terminal=True)
        seen = [bad for bad in BAD if bad in text]
        checks.that(f"{verb[0]} --json: neither", status == 0 and not seen, (status, seen, text))
    lines = run(centre, secret, "events")[1].splitlines()
    checks.that("a text makes no line of its own", len(lines) == 11 and not any(line.startswith("y") for line in lines), lines)
    piped = run(centre, secret, "events", "--json")[1]
    checks.that("a program gets it as it came", "\u009b31m\u202e\u007fé" in piped, piped[-300:])


def ends(checks, centre, secret):
    """A node that may not be trusted cannot end what a person reads, nor speak of senders as if it were the collector."""
    node, other = Node(centre, "hv2"), Node(centre, "hv3")
    for kind in ("end", "sender", "submission"):
        said = node.send(node.batch([{"record": kind, "ok": True, "sender": "192.0.2.9", "next": "1.0000000000000000.1"}]))
        checks.that(f"a record that calls itself {kind!r} is refused", said[0] == 400 and "line 2" in said[1]["error"], said)
    other.deliver([verdict("192.0.2.9", "alert")])
    checks.that("what others tell is shown", "192.0.2.9" in run(centre, secret, "events")[1])


def explanations(checks, centre, secret):
    one, two = Node(centre, "north"), Node(centre, "south")
    one.deliver([verdict("192.0.2.7", "block")])
    two.deliver([verdict("192.0.2.7", "clear"), {"record": "lost", "time": TIME, "sender": "192.0.2.7", "kind": "traffic", "count": 4}])
    status, text, _ = run(centre, secret, "explain", "192.0.2.7")
    checks.that("how it stands on each node", status == 0 and "On north 192.0.2.7 is blocked" in text and
                "On south 192.0.2.7 is clear" in text, text)
    checks.that("no thresholds that nobody told", "from 0" not in text, text)
    checks.that("nothing counted that nobody told", "0 servers" not in text and "first seen" not in text, text)
    checks.that("every line of what happened says something", "lost      4 records (traffic)" in text, text)
    two.deliver([{"record": "body", "time": TIME, "sender": "port:vnet1", "customer": "acme", "likeness": "01" * 32, "domains": 3,
                  "recipients": 40, "messages": 38, "known": True},
                 {"record": "points", "time": TIME, "sender": "port:vnet1", "customer": "acme", "points": 12.5, "score": 14}])
    text = run(centre, secret, "events")[1]
    checks.that("so does what is put together with what others tell", "body      port:vnet1 of acme: 38 messages of one text to 40 "
                "recipients, of 3 domains; it is known" in text and "points    port:vnet1 of acme: 12.5 points that" in text, text)
    status, text, _ = run(centre, secret, "explain", "192.0.2.7")
    checks.that("what lifts it says where", f"postern release 192.0.2.7 --node {one.id}" in text, text)


def whom(checks, centre, secret):
    for verb in (["status"], ["enforce", "on"]):
        status, _, said = run(centre, secret, *verb, key=False)
        checks.that(f"{verb[0]} asks this machine's agent whatever the environment says",
                    status == 1 and "cannot reach the agent" in said, (status, said))
        status, _, said = run(centre, secret, "--collector", f"http://127.0.0.1:{centre.port}", *verb)
        checks.that(f"{verb[0]} of a collector is refused", status == 2 and "this machine's agent" in said, (status, said))
    status, text, said = run(centre, secret, "nodes", "--help", key=False)
    checks.that("help wants no key", status == 0 and "usage" in text, (status, said))
    status, _, said = run(centre, secret, "nodes", key=False)
    checks.that("the fleet does", status == 2 and "--key" in said, (status, said))


def following(checks, *unused):
    with tempfile.TemporaryDirectory() as folder:
        centre = Collector(folder, address="127.0.0.1:8125").start()
        node, secret = Node(centre, "hv1"), centre.person("ben", "read")
        command = [POSTERN, "--collector", "http://127.0.0.1:8125", "events", "--follow"]
        with subprocess.Popen(command, env={**os.environ, "POSTERN_KEY": secret}, stdout=subprocess.PIPE, text=True) as follower:
            try:
                node.deliver([verdict("192.0.2.1", "alert")])
                first = follower.stdout.readline()
                centre.kill()
                time.sleep(0.5)
                centre.start()
                node.deliver([verdict("192.0.2.2", "block")])
                second = follower.stdout.readline()
            finally:
                follower.kill()
                centre.stop()
        checks.that("who follows goes on behind a collector that ended", "192.0.2.1" in first and "192.0.2.2" in second, (first, second))


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        centre = Collector(folder).start()
        try:
            secret = centre.person("anna", "read,order,admin")
            for part in (terminals, ends, explanations, whom, following):
                with checks.part(part.__name__):
                    part(checks, centre, secret)
        finally:
            centre.stop()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
