#!/usr/bin/env python3
"""A person blocks a customer once, at the collector: it holds on both nodes, also on the one to which its guest is moved,
and on one that was away meanwhile; each says what it holds."""
import json
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import BUILD, Agent  # noqa: E402
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

CENTRE, PORT = "203.0.113.1", 8031
URL = f"http://{CENTRE}:{PORT}"
MAP = "02:00:00:00:00:11 acme\n02:00:00:00:00:12 baker\n"
HERE, THERE = "hv", "hw"


class Centre:
    def __init__(self, bed, folder):
        self.bed = bed
        self.collector = Collector(folder, "", f"{CENTRE}:{PORT}",
                                   lambda command, **more: bed.popen("inet", command, **more)).start()
        self.key = os.path.join(folder, "anna")
        with open(self.key, "w", encoding="utf-8") as file:
            file.write(self.collector.person("anna", "read,order,admin"))

    def postern(self, *words):
        return self.bed.run("inet", [f"{BUILD}/postern", "--collector", URL, "--key", self.key, *words])

    def order(self, verb, customer, *more):
        """What was printed; fails where it was refused."""
        done = self.postern(verb, customer, "--everywhere", "--reason", "a test", *more)
        if done.returncode:
            raise AssertionError(done.stderr)
        return done.stdout

    def said(self):
        """What each node said of the newest directive that it was told: {name: (revision, done, text)}."""
        nodes = [json.loads(line) for line in self.postern("nodes", "--json").stdout.splitlines()]
        names, told = {r["node"]: r["node_name"] for r in nodes if r["record"] == "node"}, {}
        for line in self.postern("events", "--json").stdout.splitlines():
            record = json.loads(line)
            if record["record"] == "acknowledgement":
                told[names[record["node"]]] = (record["revision"], record["done"], record["text"])
        return told

    def in_force(self):
        records = [json.loads(line) for line in self.postern("orders", "--json").stdout.splitlines()]
        return sorted((r["node_name"], r["sender"], r["deed"], r["customer"]) for r in records if r["record"] == "order")


def is_open(bed, k):
    return bed.can_connect(f"vps{k}", bed.SINK4, 25, 0.5)


def told(agent, centre, revision, names=("here", "there")):
    def all_told():
        said = centre.said()
        return all(said.get(name, (0,))[0] >= revision for name in names) and said
    return agent.wait(all_told, 20, "the acknowledgements")


def newest(centre):
    records = [json.loads(line) for line in centre.postern("orders", "--json").stdout.splitlines()]
    return max(r["revision"] for r in records if r["record"] == "directive")


def check_both(checks, bed, centre, agent):
    centre.order("block", "customer:acme", "--for", "1h")
    said = told(agent, centre, newest(centre))
    checks.that("the node that has its guest says what it holds", said["here"][1:] == (True, "holds 1 port and 1 MAC here"), said)
    checks.that("and so does the other", said["there"][1:] ==
                (True, "nobody of that customer is here now; whoever comes is held"), said)
    checks.that("its guest is blocked, others are not", not is_open(bed, 1) and is_open(bed, 2))
    want = [(name, "customer:acme", "block", "acme") for name in ("here", "there")]
    agent.wait(lambda: centre.in_force() == want, 20, f"what stands: {centre.in_force()}")
    checks.that("the centre shows the order on both, and not each member", True)


def check_moved(checks, bed, other):
    bed.unplug(1)
    bed.plug(1, port="vnet5", at=THERE)
    bed.wait_until_hooked("vnet5", THERE)
    other.wait(lambda: "port:vnet5" in other.orders(), 10, "its port is held")
    checks.that("moved to the other node it is blocked", not is_open(bed, 1))
    checks.that("as a guest of that customer's", other.orders()["port:vnet5"].get("held_for") == "customer:acme")
    bed.unplug(2)
    bed.plug(2, port="vnet6", at=THERE)
    checks.that("another customer's guest is moved and sends", is_open(bed, 2))


def check_number(checks, bed, centre, agent):
    centre.order("block", "customer:vm101", "--for", "1h")
    said = told(agent, centre, newest(centre))
    words = "nobody of that customer is here now; whoever comes is held; the map has no line of it"
    checks.that("a customer that is nowhere is kept by both", said["here"][1:] == said["there"][1:] == (True, words), said)
    for place in (HERE, THERE):
        bed.plug(3, port="tap101i0", at=place)
        bed.wait_until_hooked("tap101i0", place)
        checks.that(f"its guest is blocked on {place}", not is_open(bed, 3))
        bed.unplug(3)


def check_away(checks, bed, centre, agent, other):
    other.stop()
    checks.that("while a node's agent is down, it stays blocked", not is_open(bed, 1))
    centre.order("release", "customer:vm101")
    other.start()
    other.wait(lambda: other.status()["collector"]["state"] == "connected", 30, "the connection")
    said = told(agent, centre, newest(centre))
    checks.that("a node that was away is told", said["there"][1] is True and said["there"][2].startswith("released"), said)
    rows = other.orders()
    checks.that("and knows of the other order still", rows.get("port:vnet5", {}).get("held_for") == "customer:acme" and
                "customer:vm101" not in rows, rows)
    checks.that("it is blocked", not is_open(bed, 1) and is_open(bed, 2))
    centre.order("release", "customer:acme")
    told(agent, centre, newest(centre))
    checks.that("released once, it is free", is_open(bed, 1))
    agent.wait(lambda: centre.in_force() == [], 20, "nothing stands")
    checks.that("and nothing stands any more", not agent.orders() and not other.orders())


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("customers that are held by a fleet", lack)
        return checks.close()
    with Testbed("heldf", guests=2) as bed:
        bed.add_hypervisor(THERE, 3)
        unused = Agent(bed, HERE, "")
        folder = os.path.join(unused.directory, "centre")
        os.mkdir(folder)
        file = os.path.join(unused.directory, "customers")
        with open(file, "w", encoding="utf-8") as out:
            out.write(MAP)
        centre = Centre(bed, folder)
        try:
            configurations = [f"[enforce]\nmode = enforce\n[customers]\nmap = {file}\n[collector]\nurls = {URL}\n"
                              f"token = {centre.collector.token('--name', name)}\n" for name in ("here", "there")]
            with Agent(bed, HERE, configurations[0]) as agent, \
                    Agent(bed, THERE, configurations[1]) as other:
                for node in (agent, other):
                    node.wait(lambda node=node: node.status()["collector"]["state"] == "connected", 20, "the connection")
                with checks.part("both nodes"):
                    check_both(checks, bed, centre, agent)
                with checks.part("moved"):
                    check_moved(checks, bed, other)
                with checks.part("by its number"):
                    check_number(checks, bed, centre, agent)
                with checks.part("away"):
                    check_away(checks, bed, centre, agent, other)
                if checks.failed:
                    print(agent.log_text()[-3000:])
                    print(other.log_text()[-3000:])
        finally:
            centre.collector.stop()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
