#!/usr/bin/env python3
"""One guest opens some 8,000 connections a second, from hundreds of forged addresses, half of them never ended. Its
neighbours' mail is delivered and counted to the message, nobody but the flooder is touched, memory stays in its bound,
and what could not be read is counted and shown. First only watched, then stopped."""
import json
import os
import signal
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
ALONE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import BUILD, Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

CONFIGURATION = """
[capture]
ports = 25 465 587 2525 2526
streams = 20000
held = 8M

[sender]
senders = 500
sketches = 500
"""
SANITIZED = "asan" in BUILD
FLOOD = os.path.join(BUILD, "test/e2e/flood")
FLOODER, NEIGHBOURS = 1, (2, 3, 4, 5, 6)
RATE, SECONDS, PAUSE = 8000, 15, 3.0
# What a process may take beyond what `check` says of its tables: the program, its libraries, the allocator's slack.
BESIDES = 16 << 20


def build_flood():
    os.makedirs(os.path.dirname(FLOOD), exist_ok=True)
    subprocess.run([os.environ.get("CC", "cc"), "-std=c17", "-D_GNU_SOURCE", "-O2", "-o", FLOOD,
                    f"{TOP}/tests/testbed/flood.c"], check=True)


class Neighbour(threading.Thread):
    """A message now and then, as long as it lasts; each must be taken."""

    def __init__(self, bed, k):
        super().__init__(daemon=True)
        self.bed, self.k, self.sent, self.failed, self.over = bed, k, 0, 0, threading.Event()

    def run(self):
        n = 0
        while not self.over.is_set():
            n += 1
            done = self.bed.run(f"vps{self.k}", [
                "smtp-source", "-c", "-m", "1", "-M", f"mx.firm{self.k}.net", "-f", f"anna@firm{self.k}.net", "-t",
                f"ben{n}@partner{self.k}.net", f"{self.bed.SINK4}:25"])
            self.sent += done.returncode == 0
            self.failed += done.returncode != 0
            self.over.wait(PAUSE)

    def end(self):
        self.over.set()
        self.join(60)


def memory_of(pid):
    """What a process holds for itself, in bytes: its own pages and the senders' table, not the kernel's packet rings."""
    with open(f"/proc/{pid}/smaps") as file:
        total, counted = 0, True
        for line in file:
            words = line.split()
            if not words[0].endswith(":"):
                counted = "socket:" not in line
            elif words[0] == "Rss:" and counted:
                total += int(words[1]) * 1024
    return total


def bound_of(agent):
    """What the watcher may take at most, as `postern-agent check` says it."""
    done = subprocess.run([f"{BUILD}/postern-agent", "check", "--config", agent.file, "--json"], capture_output=True,
                          text=True, check=True)
    said = json.loads(done.stdout)
    return said["senders_bytes"] + said["streams_bytes"] + said["held_bytes"] + BESIDES


def flood(bed, seconds):
    process = bed.popen(f"vps{FLOODER}", [FLOOD, "connect", bed.SINKS4[1], "2526", str(RATE), str(seconds), "198.18.1.",
                                          "50"], stdout=subprocess.PIPE, text=True)
    return process


def check_neighbours(checks, agent, neighbours, when):
    for neighbour in neighbours:
        name = f"port:vnet{neighbour.k}"
        agent.wait(lambda: agent.sender(name).get("messages", 0) >= neighbour.sent, 10, f"the mail of {name}")
        known = agent.sender(name)
        checks.that(f"{when}: every message of {name} was delivered", neighbour.failed == 0 and neighbour.sent > 0,
                    (neighbour.sent, neighbour.failed))
        checks.that(f"{when}: and counted, {neighbour.sent} of them",
                    (known["messages"], known["connections"], known["recipients"]) == (neighbour.sent,) * 3
                    and known["connect_failed"] == 0, known)
        checks.that(f"{when}: nothing is held against it", known["worst_verdict"] in ("clear", "alert"), known)


def check_watched(checks, bed, agent, neighbours):
    """Observe mode: the whole flood passes through the watcher."""
    watcher = agent.processes()["watcher"]
    before, most = memory_of(watcher), 0
    process = flood(bed, SECONDS)
    while process.poll() is None:
        most = max(most, memory_of(watcher))
        time.sleep(0.2)
    said = json.loads(process.stdout.read())
    agent.wait(lambda: agent.status()["watcher"]["streams_open"] <= 20000, 5, "the bound of streams")
    status, known = agent.status()["watcher"], agent.sender(f"port:vnet{FLOODER}")
    print(f"      {said['rate']} connections a second, {said['opened']} opened; {status['packets']} packets seen, "
          f"{status['dropped']} dropped; {before >> 20} MB before, {most >> 20} MB at most, "
          f"{bound_of(agent) >> 20} MB allowed", flush=True)
    checks.that("the flood was one", said["opened"] > (1000 if SANITIZED else 3000) * SECONDS / 2, said)
    checks.that("the flooder is seen for what it is", known["verdict"] in ("throttle", "block"), known)
    if status["dropped"] == 0:
        checks.that("each of its connections is counted", abs(known["connections"] - said["opened"]) <= said["unanswered"],
                    (known, said))
    checks.that("all under its own port, whatever its addresses",
                set(agent.senders()) == {f"port:vnet{k}" for k in (FLOODER, *NEIGHBOURS)}, agent.senders().keys())
    if not SANITIZED:
        checks.that("memory stays in its bound", most < bound_of(agent), (before, most, bound_of(agent)))
    checks.that("the watcher was not started anew", agent.processes()["watcher"] == watcher)
    checks.that("nothing is in the kernel", "postern" not in agent.ruleset())


def check_stopped(checks, bed, agent):
    """Enforce mode: the flooder alone is stopped, while it goes on."""
    process = flood(bed, 5)
    time.sleep(1)
    checks.that("enforcement is switched on in the middle of it", agent.postern("enforce", "on").returncode == 0)
    name = f"port:vnet{FLOODER}"
    agent.wait(lambda: name in agent.orders(), 5, "the order")
    agent.wait(lambda: not bed.can_connect(f"vps{FLOODER}", bed.SINK4, 25, 0.3), 10, "its effect")
    checks.that("the flooder is stopped", True)
    checks.that("it alone", set(agent.orders()) == {name}, agent.orders())
    checks.that("it reaches port 443", bed.can_connect(f"vps{FLOODER}", bed.SINK4, 443, 3))
    said = json.loads(process.communicate(timeout=30)[0])
    checks.that("most of what it tries fails", said["refused"] + said["unanswered"] > said["tried"] / 4, said)
    checks.that("what was stopped is counted", agent.orders()[name]["packets"] > 100, agent.orders())


def check_drops(checks, bed, agent):
    """A watcher that does not come to read: what the ring could not take is counted, and a person is told."""
    watcher = agent.processes()["watcher"]
    agent.postern("enforce", "off")
    before = agent.status()["watcher"]["dropped"]
    process = flood(bed, 6)
    time.sleep(0.5)
    for _ in range(3):
        os.kill(watcher, signal.SIGSTOP)
        time.sleep(1.5)
        os.kill(watcher, signal.SIGCONT)
        time.sleep(0.5)
    process.wait(30)
    agent.wait(lambda: agent.status()["watcher"]["dropped"] > before, 5, "the count of drops")
    status = agent.status()["watcher"]
    checks.that("what is lost is counted", True)
    checks.that("and shown", str(status["dropped"]) in agent.postern("status").stdout, agent.postern("status").stdout)
    checks.that("the watcher lives on", agent.processes()["watcher"] == watcher)


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("flood", lack)
        return checks.close()
    build_flood()
    with Testbed("flood", guests=6) as bed, Agent(bed, "hv", CONFIGURATION) as agent:
        bed.popen("inet", [FLOOD, "accept", "2526"])
        agent.wait(lambda: agent.status()["watcher"]["ports"] == 6, 5, "all ports")
        neighbours = [Neighbour(bed, k) for k in NEIGHBOURS]
        for neighbour in neighbours:
            neighbour.start()
        with checks.part("watched"):
            check_watched(checks, bed, agent, neighbours)
        with checks.part("stopped"):
            check_stopped(checks, bed, agent)
        for neighbour in neighbours:
            neighbour.end()
        with checks.part("neighbours"):
            check_neighbours(checks, agent, neighbours, "beside the flood")
        with checks.part("drops"):
            check_drops(checks, bed, agent)
        if checks.failed:
            print(agent.log_text()[-3000:])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
