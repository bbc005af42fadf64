#!/usr/bin/env python3
"""Whose the senders are: two guests whose ports bear a number, one of them in the map by its address, and a third in the
map by its MAC. What is told of them, to people and to the centre, carries the customer and the address; another map is
everybody's at once, one with a mistake changes nothing, and nobody becomes a customer by writing its address."""
import os
import signal
import sqlite3
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
WAITS = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import Testbed, missing  # noqa: E402
from uplink_test import Centre  # noqa: E402

URL = "http://203.0.113.1:8701"
CONFIGURATION = ("[capture]\nopening = 2s\n[enforce]\nmode = enforce\n[customers]\nmap = customers.map\n"
                 f"[collector]\nurls = {URL}\ntoken = token.test\n")
MAP = "# whose\n203.0.113.12 baker\r\n02:00:00:00:00:13 Acme\n198.18.1.0/24 shop\n"
OTHER = "02:00:00:00:00:13 dave\n"
MISTAKE = "uid:1 a\nuid:1 b\n"


class Mapped(Agent):
    """Its map is there before it starts."""

    def start(self, wait=True):
        self.write_map(MAP)
        super().start(wait)

    def write_map(self, text):
        with open(os.path.join(self.directory, "customers.map"), "w", encoding="utf-8", newline="") as file:
            file.write(text)


class World:
    def __init__(self, bed, agent, centre):
        self.bed, self.agent, self.centre = bed, agent, centre

    def read_again(self, text):
        self.agent.write_map(text)
        self.agent.process.send_signal(signal.SIGHUP)

    def mail(self, k, source=""):
        """One message of guest k, from an address that it answers to."""
        said = ("import smtplib\n"
                f"with smtplib.SMTP('{self.bed.SINK4}', 25, 'mx.firm.test', source_address=('{source}', 0)) as server:\n"
                "    server.sendmail('anna@firm.test', ['ben@other.test'], 'Subject: hello\\r\\n\\r\\nhello')\n")
        done = self.bed.run(f"vps{k}", [sys.executable, "-ISc", said])
        if done.returncode:
            raise AssertionError(done.stderr)

    def whose(self, sender):
        record = self.agent.sender(sender)
        return record.get("customer"), record.get("known_by"), record.get("address")

    def told(self, kind, sender):
        """What the centre has heard last of that kind about it."""
        try:
            found = [r for r in self.centre.records() if r["record"] == kind and r.get("sender") == sender]
        except sqlite3.OperationalError:
            found = []
        return found[-1] if found else {}


def check_found(checks, world):
    for k in (1, 2, 3):
        world.mail(k)
    rows = {"port:tap101i0": ("vm101", "number", "203.0.113.11"), "port:tap102i0": ("baker", "map", "203.0.113.12"),
            "port:vnet3": ("acme", "map", "203.0.113.13")}
    world.agent.wait(lambda: all(world.agent.sender(s).get("messages") == 1 for s in rows), 15, "everybody's mail")
    for sender, row in rows.items():
        checks.that(f"{sender} is {row[0]}'s by the {row[1]}", world.whose(sender) == row, world.whose(sender))


def check_people(checks, world):
    customers = {r["customer"]: r for r in world.agent.ask("customers")}
    checks.that("customers are told", set(customers) == {"vm101", "baker", "acme"}, customers)
    acme = customers["acme"]
    checks.that("with what they sent and by whom", acme["messages"] == 1 and acme["senders"] == 1 and acme["members"] == [
        {"sender": "port:vnet3", "address": "203.0.113.13", "known_by": "map", "verdict": "clear",
         "worst_verdict": "clear"}], acme)
    checks.that("at most so many as are asked for", len(world.agent.ask("customers", "--top", "2")) == 2)
    text = world.agent.postern("customers").stdout
    checks.that("and to people", "port:tap101i0 203.0.113.11 (number)" in text and "port:vnet3 203.0.113.13 (map)" in text,
                text)
    text = world.agent.postern("explain", "port:tap101i0").stdout
    checks.that("explain says whose it is", "The customer is vm101, by the guest's number in the port's name. The "
                "address that it used last is 203.0.113.11." in text, text)


def check_centre(checks, world):
    agent = world.agent
    done = agent.postern("block", "port:vnet3", "--for", "10m", "--reason", "a test")
    checks.that("a sender is blocked", done.returncode == 0, done.stderr)
    for kind in ("order", "verdict"):
        record = agent.wait(lambda kind=kind: world.told(kind, "port:vnet3"), 15, f"the {kind}")
        checks.that(f"the {kind} carries customer and address",
                    (record.get("customer"), record.get("address")) == ("acme", "203.0.113.13"), record)
    row = agent.orders()["port:vnet3"]
    checks.that("orders tells whose it is", row.get("customer") == "acme", row)
    agent.postern("release", "port:vnet3", "--reason", "a test")
    record = agent.wait(lambda: world.told("traffic", "port:tap102i0"), 90, "a minute's traffic")
    checks.that("so does traffic", (record["customer"], record.get("address")) == ("baker", "203.0.113.12"), record)


def check_address(checks, world):
    """A guest that writes its neighbour's address into its packets is answered there, not here."""
    failed = world.agent.sender("port:tap101i0").get("connect_failed", 0)
    done = world.bed.run("vps1", "sysctl -qw net.ipv4.conf.all.arp_ignore=1 && ip addr add 203.0.113.12/32 dev lo")
    checks.that("a guest has its neighbour's address", done.returncode == 0, done.stderr)
    bind = ("import socket\ns = socket.socket()\ns.settimeout(1)\ns.bind(('203.0.113.12', 0))\n"
            f"try: s.connect(('{world.bed.SINK4}', 25))\nexcept OSError: pass\n")
    world.bed.run("vps1", [sys.executable, "-ISc", bind])
    world.agent.wait(lambda: world.agent.sender("port:tap101i0")["connect_failed"] > failed, 20, "the failed connection")
    checks.that("a written address makes nobody a customer", world.whose("port:tap101i0")[0] == "vm101",
                world.whose("port:tap101i0"))
    world.mail(1, "198.18.1.9")
    world.agent.wait(lambda: world.whose("port:tap101i0") == ("shop", "map", "198.18.1.9"), 10, "the other address")
    checks.that("one that is answered does", True)


def check_changed(checks, world):
    agent = world.agent
    world.read_again(MISTAKE)
    agent.wait(lambda: "customers.map:2: uid:1 is b's, and a's by line 1" in agent.log_text(), 10, "the mistake")
    checks.that("a mistake is told with its line, and changes nothing", world.whose("port:vnet3")[0] == "acme")
    world.read_again(OTHER)
    agent.wait(lambda: world.whose("port:vnet3")[0] == "dave", 10, "the other map")
    checks.that("another map is everybody's at once", world.whose("port:tap102i0") == ("vm102", "number", "203.0.113.12")
                and world.whose("port:tap101i0") == ("vm101", "number", "198.18.1.9"), agent.senders())
    agent.postern("block", "port:vnet3", "--for", "10m", "--reason", "a test")
    agent.wait(lambda: world.told("order", "port:vnet3").get("customer") == "dave", 15, "the order")
    checks.that("what is told from now on is of the new customer", True)


def check_restarts(checks, world):
    agent = world.agent
    for role in ("watcher", "courier"):
        pid = agent.processes()[role]
        os.kill(pid, signal.SIGKILL)
        agent.wait(lambda role=role, pid=pid: agent.processes().get(role, pid) != pid, 10, f"another {role}")
        agent.wait(lambda: world.whose("port:vnet3") == ("dave", "map", "203.0.113.13"), 10, "what is known")
        checks.that(f"a killed {role} forgets nothing of it", True)
        record = agent.wait(lambda: world.told("order", "port:vnet3"), 10, "the order")
        checks.that("an order that stands is still its customer's", record["customer"] == "dave"
                    and agent.orders()["port:vnet3"]["customer"] == "dave", record)


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("customers", lack)
        return checks.close()
    with Testbed("customers", guests=0) as bed, Mapped(bed, "hv", CONFIGURATION) as agent:
        centre = Centre(bed, os.path.join(bed.directory, "centre.db"))
        world = World(bed, agent, centre)
        for k, port in ((1, "tap101i0"), (2, "tap102i0"), (3, "vnet3")):
            bed.plug(k, port=port)
        centre.start("8701")
        for part in (check_found, check_people, check_centre, check_address, check_changed, check_restarts):
            with checks.part(part.__name__):
                part(checks, world)
        centre.kill()
        if checks.failed:
            print(agent.log_text()[-3000:])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
