#!/usr/bin/env python3
"""A node and the collector itself when everything around them fails: a network that delays, cuts, repeats, stalls and flips
bits, disks that are full on either side, clocks that jump by a day. What the journal holds is in the store exactly once;
what had to be dropped is counted.

POSTERN_LONG=1 lies ten times as often, and stalls the network for longer than the node waits."""
import collections
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
WAITS = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from delivery import all_there, difference, is_empty, make_news, spool  # noqa: E402
from fleet_test import ask  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

CENTRE, PORT, RELAY = "203.0.113.1", 8025, 8026
LONG = bool(os.environ.get("POSTERN_LONG"))
ROUNDS = 400 if LONG else 40
LIES = {"delay": 0.2, "cut_question": 0.06, "cut_answer": 0.06, "double_question": 0.15, "flip_question": 0.12, "flip_answer": 0.12}
DAY = 86400


class Clock:
    """A wall clock of a process's own."""

    def __init__(self, folder, name):
        self.path, self.library = os.path.join(folder, f"{name}.clock"), os.path.join(folder, "clock_shift.so")
        if not os.path.exists(self.library):
            os.chmod(folder, 0o755)  # the agent's processes are several users
            subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library,
                            os.path.join(TOP, "tests/testbed/clock_shift.c"), "-ldl"], check=True)
        self.set(0)

    def set(self, seconds):
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as file:
            file.write(struct.pack("q", seconds))

    def environment(self):
        asan = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": self.library, "POSTERN_CLOCK": self.path,
                "ASAN_OPTIONS": (asan + ":" if asan else "") + "verify_asan_link_order=0"}


class ClockedAgent(Agent):
    clock = None

    def environment(self):
        return {**super().environment(), **(self.clock.environment() if self.clock else {})}


class Network:
    """The relay, and what it is told."""

    def __init__(self, bed, folder):
        self.bed, self.path = bed, os.path.join(folder, "rules")
        self.set({})
        self.process = bed.popen("inet", [sys.executable, os.path.join(TOP, "tests/testbed/relay.py"), CENTRE, str(RELAY),
                                          CENTRE, str(PORT), self.path], stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def set(self, rules):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            json.dump(rules, file)
        os.rename(self.path + ".new", self.path)

    def done(self):
        try:
            with open(self.path + ".done", encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return {}

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Disk:
    """A small file system of its own that can be filled."""

    def __init__(self, place, size):
        self.place, self.ballast = place, os.path.join(place, "ballast")
        os.makedirs(place, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)

    def left(self):
        """kB."""
        status = os.statvfs(self.place)
        return status.f_bavail * status.f_frsize // 1024

    def fill(self):
        with open(self.ballast, "ab", buffering=0) as file:
            for size in (65536, 4096, 512):
                try:
                    while file.write(b"x" * size) == size:
                        pass
                except OSError:
                    pass

    def empty(self):
        os.unlink(self.ballast)

    def end(self):
        subprocess.run(["umount", "-l", self.place], check=False)


def check_lies(checks, agent, bed, centre, network, person):
    network.set(LIES)
    slow = bed.run("hv", ["tc", "qdisc", "add", "dev", "uplink0", "root", "netem", "delay", "40ms", "30ms", "loss", "3%"]).returncode == 0
    if not slow:
        checks.skip("packets that are late and lost", "this kernel has no netem; the relay does it to the bytes")
    dice = random.Random(11)
    number = 0
    while number < ROUNDS or (number < 150 and not all(network.done().get(lie, 0) >= 3 for lie in LIES)):
        number += 1
        make_news(agent, number)
        if number == 10:
            made = ask(bed, "POST", "/v1/orders", person, {"order": "throttle", "sender": "198.18.1.253", "for": "1h", "rate": 17,
                                                           "reason": "in the midst of it"})
        time.sleep(dice.random() * 0.4)
    network.set({"stall": 0.5, "stall_seconds": 5})
    while network.done().get("stall", 0) < 2 and number < ROUNDS + 160:
        number += 1
        make_news(agent, number)
        time.sleep(0.5)
    if LONG:
        network.set({"stall": 1, "stall_seconds": 70})
        make_news(agent, 999)
        time.sleep(80)
    done = network.done()
    checks.that("every kind of lie was told", set(LIES) | {"stall"} <= set(done), done)
    network.set({})
    if slow:
        bed.run("hv", ["tc", "qdisc", "del", "dev", "uplink0", "root"])
    all_there(checks, agent, centre, f"a network that lies ({sum(done.values())} times)", 120)
    agent.wait(lambda: spool(agent)["revision"] == json.loads(made[1])["revision"], 60, "the order")
    agent.wait(lambda: is_empty(agent), 60, "the acknowledgement")
    told = [r for r in centre.records() if r["record"] == "acknowledgement"]
    checks.that("an order given meanwhile is carried out once, as it was given",
                len(told) == 1 and told[0]["done"] and agent.orders().get("198.18.1.253", {}).get("rate") == 17, (told, agent.orders()))
    checks.that("nothing was dropped or set aside", (spool(agent)["dropped"], spool(agent)["set_aside"]) == (0, 0), spool(agent))
    said = [e["text"] for e in agent.events("collector")]
    checks.that("the journal is not flooded with it", len(said) <= 6, said)
    nodes = [json.loads(line) for line in ask(bed, "GET", "/v1/nodes", person)[1].splitlines()]
    checks.that("it is one node all the time", len(nodes) == 2, nodes)


def lost(centre, kind=None):
    return sum(r["count"] for r in centre.records() if r["record"] == "lost" and kind in (None, r["kind"]))


def check_full_centre(checks, agent, bed, centre, disk):
    disk.fill()
    number = 60
    while "store" not in spool(agent).get("trouble", "") and number < 360:  # what files have taken already is still good
        make_news(agent, number)
        number += 1
    checks.that("a full disk at the centre is felt", "store" in spool(agent).get("trouble", ""), spool(agent))
    checks.that("a centre with a full disk says so", ask(bed, "GET", "/health", "x")[0] in (200, 503))
    disk.empty()
    all_there(checks, agent, centre, "a full disk at the centre", 120)
    checks.that("nothing was dropped for it", spool(agent)["dropped"] == 0, spool(agent))


def check_full_node(checks, agent, centre, disk):
    disk.fill()
    for number in range(80, 90):
        make_news(agent, number)
    time.sleep(3)
    checks.that("a node with a full disk goes on", agent.ask_quietly("status"))
    disk.empty()
    make_news(agent, 90)
    agent.wait(lambda: is_empty(agent), 120, "an empty spool")
    agent.wait(lambda: len(difference(agent, centre)) <= lost(centre), 90, "the count of what was lost")
    missing_ones, told = difference(agent, centre), lost(centre)
    checks.that("after a full disk nothing is there twice", all(n > m for n, m in missing_ones.values()), missing_ones)
    checks.that(f"what is missing ({len(missing_ones)}) was told as lost ({told})", len(missing_ones) <= told, missing_ones)
    checks.that("the disk's trouble is over", "spool_trouble" not in spool(agent), spool(agent))


def gone(agent, centre):
    """How many entries of each kind the store does not have."""
    kinds = collections.Counter()
    for text, (journal, store) in difference(agent, centre).items():
        kinds[json.loads(text)["record"]] += journal - store
    return kinds


def check_full_spool(checks, agent, centre):
    """Cut off for longer than the spool has room: what is worth least goes, and how much went is told, to the record."""
    kinds = ("event", "verdict")
    before, known = {k: lost(centre, k) for k in kinds}, gone(agent, centre)
    agent.stop()
    agent.configure(agent.configuration + "spool = 64K\n")
    agent.start()
    centre.stop()
    number = 400
    while spool(agent)["dropped"] < 30 and number < 900:
        make_news(agent, number)
        number += 1
    checks.that("a full spool drops records", spool(agent)["dropped"] >= 30, spool(agent))
    centre.start()
    agent.wait(lambda: spool(agent)["state"] == "connected" and is_empty(agent), 120, "an empty spool")

    def counted():
        told, missing_ones = {k: lost(centre, k) - before[k] for k in kinds}, gone(agent, centre)
        return told if all(told[k] == missing_ones[k] - known[k] for k in kinds) else None
    agent.wait(lambda: is_empty(agent) and counted(), 150, "the count of what was lost")  # told once a minute at most
    told = counted()
    checks.that(f"as many are missing as were told to be lost ({told})", told and sum(told.values()) > 0, gone(agent, centre))


def check_clocks(checks, agent, centre, clocks, disk):
    number = 100
    checks.that(f"the node's disk has room before ({disk.left()} kB)", disk.left() > 1024, disk.left())
    for name, clock in clocks.items():
        for shift in (DAY, -DAY, 0):
            clock.set(shift)
            for _ in range(3):
                make_news(agent, number)
                number += 1
                time.sleep(0.2)
            agent.wait(lambda: is_empty(agent), 60, f"an empty spool ({name}'s clock)")
            checks.that(f"{name}'s clock {shift // DAY:+d} d: it stays connected", spool(agent)["state"] == "connected", spool(agent))
        all_there(checks, agent, centre, f"{name}'s clock a day forward, two back and right again")
    agent.wait(lambda: agent.status()["courier"]["queue"] == 0, 20, "the journal's commits")
    times = {r["time"][:10] for r in agent.events("command")}
    checks.that("the node's clock did jump", len(times) >= 3, times)


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("hardship", lack)
        return checks.close()
    name = "hardasan" if "asan" in os.environ.get("POSTERN_BUILD", "") else "hard"
    with Testbed(name, guests=1) as bed, tempfile.TemporaryDirectory() as folder:
        clocks = {"the node": Clock(folder, "node"), "the centre": Clock(folder, "centre")}
        disks = {"centre": Disk(os.path.join(folder, "store"), "32m" if LONG else "6m")}

        def launch(command, **more):
            return bed.popen("inet", command, env={**os.environ, **clocks["the centre"].environment()}, **more)
        centre = Collector(os.path.join(folder, "store"), "head = 3s\nbody = 3s\nidle = 8s\n", f"{CENTRE}:{PORT}", launch).start()
        network = Network(bed, folder)
        try:
            person = centre.person("anna", "read,order,admin")
            agent = ClockedAgent(bed, "hv", f"[enforce]\nmode = enforce\n[collector]\nurls = http://{CENTRE}:{RELAY}\n"
                                            f"token = {centre.token('--name', 'hv7')}\n")
            agent.clock = clocks["the node"]
            disks["node"] = Disk(agent.state, "32m" if LONG else "6m")
            with agent:
                agent.wait(lambda: spool(agent)["state"] == "connected", 20, "the connection")
                with checks.part("a lying network"):
                    check_lies(checks, agent, bed, centre, network, person)
                with checks.part("clocks"):
                    check_clocks(checks, agent, centre, clocks, disks["node"])
                with checks.part("a full disk at the centre"):
                    check_full_centre(checks, agent, bed, centre, disks["centre"])
                with checks.part("a full disk at the node"):
                    check_full_node(checks, agent, centre, disks["node"])
                with checks.part("a full spool at the node"):
                    check_full_spool(checks, agent, centre)
                if checks.failed:
                    print(agent.log_text()[-3000:])
                    print(centre.said()[-2000:])
        finally:
            centre.stop()
            network.end()
            for disk in disks.values():
                disk.end()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
