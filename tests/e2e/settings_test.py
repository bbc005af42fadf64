#!/usr/bin/env python3
"""Settings from the collector, with two nodes and real mail: a plan and an allow list that are set there change verdicts
on a node; what cannot be taken is refused with its sentence and changes nothing; a node's own are its alone; a node that
is cut off begins with what it has; and the node's own file stands over all of it."""
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import BUILD, Agent  # noqa: E402
from bot import add_exchangers, bot_command  # noqa: E402
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

CENTRE, PORT = "203.0.113.1", 8027
URL = f"http://{CENTRE}:{PORT}"
OTHER = 4  # the guest that is a node of its own


def detectors():
    """Those that can be switched off, by the example file."""
    printed = subprocess.run([f"{BUILD}/postern-agent", "print-example"], capture_output=True, text=True, check=True).stdout
    sections = re.split(r"^\[(.+)\]$", printed, flags=re.M)[1:]
    return [name for name, body in zip(sections[::2], sections[1::2]) if re.search(r"^#enabled = (yes|no)$", body, re.M)]


FLEET = ("# for everybody\n[policy]\nallow_senders = vnet2\n[plan quiet]\nsenders = vnet3\n"
         + "".join(f"{name}.enabled = no\n" for name in detectors()))
OWN = "[policy]\nallow_senders = vnet1 vnet2\n"


class Centre:
    """The collector, and what a person says to it."""

    def __init__(self, bed, folder):
        self.bed, self.folder = bed, folder
        self.collector = Collector(folder, "", f"{CENTRE}:{PORT}",
                                   lambda command, **more: bed.popen("inet", command, **more)).start()
        self.key = os.path.join(folder, "anna")
        with open(self.key, "w", encoding="utf-8") as file:
            file.write(self.collector.person("anna", "read,order,admin"))

    def postern(self, *words):
        return self.bed.run("inet", [f"{BUILD}/postern", "--collector", URL, "--key", self.key, *words])

    def set(self, text, *more):
        file = os.path.join(self.folder, "settings.conf")
        with open(file, "w", encoding="utf-8") as out:
            out.write(text)
        return self.postern("settings", "set", file, "--reason", "a <b>test</b>'; --", *more)

    def shown(self, *more):
        return [json.loads(line) for line in self.postern("settings", "--json", *more).stdout.splitlines()]

    def revision(self, node=None):
        """That of the newest text of the fleet or of a node."""
        return max((r["revision"] for r in self.shown() if r["record"] == "settings" and r["node"] == node), default=0)

    def said_by(self, node):
        """The revision that a node was told last, whether it took it, and in which words."""
        return next(((r["revision"], r["done"], r["text"]) for r in self.shown("--node", node)
                     if r["record"] == "acknowledgement"), None)


def in_force(agent):
    return agent.status()["warden"]["settings"]


def node_of(agent):
    return agent.status()["collector"]["node"]


def mail(bed, agent, want):
    """One bot behind each port until the verdicts are as wanted; what they came to."""
    for k in want:
        agent.postern("release", f"port:vnet{k}", "--reason", "from the beginning")
    bots = [bed.popen(f"vps{k}", f"while :; do {bot_command()}; sleep 0.5; done", stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL) for k in want]
    verdicts, end = {}, time.monotonic() + 25
    try:
        while verdicts != want and time.monotonic() < end:
            time.sleep(0.5)
            senders = agent.senders()
            verdicts = {k: senders.get(f"port:vnet{k}", {}).get("verdict") for k in want}
    finally:
        for bot in bots:
            os.killpg(bot.pid, signal.SIGKILL)
            bot.wait()
    return verdicts


def check_fleet(checks, bed, centre, agent, other):
    checks.that("without settings all three are blocked", mail(bed, agent, {1: "block", 2: "block", 3: "block"}) ==
                {1: "block", 2: "block", 3: "block"}, agent.senders())
    done = centre.set(FLEET)
    revision = centre.revision()
    agent.wait(lambda: in_force(agent) == revision and in_force(other) == revision, 15, "the settings on both nodes")
    checks.that("who sets is told so", done.returncode == 0 and revision > 0, done.stderr)
    want = {1: "block", 2: "alert", 3: "clear"}
    found = mail(bed, agent, want)
    checks.that("an allow list and a plan from there change verdicts here", found == want, (found, agent.senders()))
    checks.that("the plan is named", agent.sender("port:vnet3").get("plan") == "quiet", agent.sender("port:vnet3"))
    said = agent.wait(lambda: centre.said_by(node_of(agent)), 10, "the acknowledgement")
    checks.that("the node acknowledged them", said[:2] == (revision, True), said)
    node = [json.loads(line) for line in centre.postern("nodes", "--json").stdout.splitlines()]
    checks.that("the fleet's list has the revision", [r["acknowledged"] for r in node if r["record"] == "node"] == [revision] * 2,
                node)
    journal = [r for r in agent.events("command") if r["deed"] == "settings"]
    checks.that("the journal says who and why", [(r["person"], r["why"]) for r in journal] ==
                [("centre: anna", "a <b>test</b>'; --")], journal)
    audit = [json.loads(line) for line in centre.postern("audit", "--json").stdout.splitlines()]
    checks.that("and so does the centre's audit", any(r.get("deed") == "settings" and r["target"] == "every node" and
                                                      r["person"] == "anna" for r in audit), audit)
    people = agent.postern("status").stdout + agent.postern("settings").stdout + centre.postern("settings").stdout
    checks.that("people are told", f"settings    from the collector, revision {revision}" in people and
                f"revision {revision}, are in force" in people and "in force on 2 nodes, refused by 0" in people and
                FLEET in people, people)
    return revision


def check_refusals(checks, centre, agent, revision):
    done = centre.set("[policy]\nblock\n")
    checks.that("what has not the form of settings is refused at once", done.returncode == 1 and
                "settings:2: it is no section, key or comment" in done.stderr and centre.revision() == revision, done.stderr)
    done = centre.postern("settings", "set", agent.file, "--reason", "no such node", "--node", "00000000000000aa")
    checks.that("a node that is not there is refused", done.returncode == 1 and "no such node" in done.stderr, done.stderr)
    for text, sentence in (
            ("[policy]\nblok = 3\n", 'settings from the collector:2: [policy] blok: no such key; the nearest is "block"'),
            ("\n[enforce]\nmode = observe\n", "settings from the collector:3: [enforce] mode: a collector may not set it; "
                                             "it is for the node's own configuration"),
            ("[policy]\nallow = 192.0.2.1\nblock = 11\n", "settings from the collector:3: [policy] block: fewer points "
                                                        "than throttle; at least as many are allowed"),
            ("[capture]\nports = 22\n", "settings from the collector:2: [capture] ports: a collector may not set it"),
            ("[trap]\nrecipient_maps = /etc/shadow\n", "settings from the collector:2: [trap] recipient_maps: a collector")):
        centre.set(text)
        told = centre.revision()
        said = agent.wait(lambda want=told: (lambda s: s and s[0] == want and s)(centre.said_by(node_of(agent))), 15,
                          "the refusal")
        checks.that(f"refused, and nothing changes: {text!r}", said[1] is False and said[2].startswith(sentence) and
                    in_force(agent) == revision, said)
    refused = [r for r in centre.shown() if r["record"] == "acknowledgement"]
    checks.that("who shows the fleet's sees who did not take them", len(refused) == 2 and not any(r["done"] for r in refused),
                refused)
    told = [r for r in agent.events() if r.get("what") == "settings" and "refused" in r["text"]]
    checks.that("the node's journal has it", len(told) == 5, told)


def check_own(checks, bed, centre, agent, other, revision):
    done = centre.set(OWN, "--node", node_of(agent))
    own = centre.revision(node_of(agent))
    agent.wait(lambda: in_force(agent) == own, 15, "the node's own settings")
    checks.that("a node can have its own", done.returncode == 0 and own > revision, done.stderr)
    want = {1: "alert", 2: "alert", 3: "block"}
    found = mail(bed, agent, want)
    checks.that("which stand in place of the fleet's as a whole", found == want, (found, agent.senders()))
    centre.set(FLEET)
    fleet = centre.revision()
    agent.wait(lambda: in_force(other) == fleet, 15, "the fleet's on the other node")
    checks.that("the fleet's go past a node that has its own", in_force(agent) == own, in_force(agent))
    there = centre.shown("--node", node_of(other))
    checks.that("and its own do not reach another", there[0]["text"] == FLEET and there[0]["node"] is None, there)
    return own


def check_cut_off(checks, bed, centre, agent, own):
    kept = os.path.join(agent.state, "settings")
    status, folder = os.stat(kept), os.stat(agent.state)
    checks.that("they are kept where root alone writes", stat.S_IMODE(status.st_mode) == 0o600 and status.st_uid == 0 and
                folder.st_uid == 0 and not folder.st_mode & 0o022, (oct(status.st_mode), oct(folder.st_mode)))
    centre.collector.stop()
    agent.stop()
    agent.start()
    checks.that("a node that is cut off begins with what it has", in_force(agent) == own, agent.log_text()[-500:])
    want = {1: "alert", 3: "block"}
    found = mail(bed, agent, want)
    checks.that("and judges by it", found == want, found)
    os.kill(agent.processes()["warden"], signal.SIGKILL)
    agent.wait(lambda: agent.ask_quietly("status") and agent.status()["warden"]["settings"] == own, 20, "a new warden")


def check_own_file(checks, bed, agent, own):
    agent.configure(agent.configuration + "[policy]\nallow_senders = vnet3\n")
    agent.process.send_signal(signal.SIGHUP)
    agent.wait(lambda: len([r for r in agent.events("reload") if "read anew" in r["text"]]) > 0, 10, "the reload")
    want = {1: "block", 3: "alert"}
    found = mail(bed, agent, want)
    checks.that("the node's own file stands over them", found == want and in_force(agent) == own, found)
    agent.configure(agent.configuration + "[policy]\nthrottle = 30\nblock = 40\n[plan other]\n")
    checked = subprocess.run([f"{BUILD}/postern-agent", "check", "--config", agent.file], env=agent.environment(),
                             capture_output=True, text=True, check=False)
    checks.that("check looks at them too", checked.returncode == 0 and
                f"settings from the collector, revision {own}: good" in checked.stdout, checked.stdout + checked.stderr)


def check_return(checks, centre, agent, other):
    agent.configure(agent.configuration)
    agent.process.send_signal(signal.SIGHUP)
    centre.collector.start()
    agent.wait(lambda: agent.status()["collector"]["state"] == "connected", 40, "the connection")
    done = centre.set("", "--node", node_of(agent))
    agent.wait(lambda: in_force(agent) > in_force(other), 20, "the fleet's settings again")
    there = centre.shown("--node", node_of(agent))
    checks.that("an empty text gives a node the fleet's again", done.returncode == 0 and there[0]["text"] == FLEET and
                there[0]["revision"] == in_force(agent), there)
    agent.configure(agent.configuration + "settings = no\n")
    agent.process.send_signal(signal.SIGHUP)
    agent.wait(lambda: in_force(agent) == 0, 10, "the reload")
    centre.set(FLEET)
    told = centre.revision()
    agent.wait(lambda: in_force(other) == told, 20, "the other node")
    said = agent.wait(lambda: (lambda s: s and s[0] == told and s)(centre.said_by(node_of(agent))), 15, "the refusal")
    checks.that("a node may take none at all", said[1] is False and "[collector] settings" in said[2] and in_force(agent) == 0,
                said)
    agent.configure(agent.configuration)
    agent.process.send_signal(signal.SIGHUP)
    agent.wait(lambda: in_force(agent) > 0, 10, "the reload")
    checks.that("what came while it took none is there once it does", in_force(agent) == told, (in_force(agent), told))


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("settings", lack)
        return checks.close()
    name = "setasan" if "asan" in BUILD else "settings"
    with Testbed(name, guests=OTHER) as bed:
        add_exchangers(bed)
        unused = Agent(bed, "hv", "")
        folder = os.path.join(unused.directory, "centre")
        os.mkdir(folder)
        centre = Centre(bed, folder)
        try:
            joined = [f"[collector]\nurls = {URL}\ntoken = {centre.collector.token('--name', n)}\n" for n in ("hv7", "hv8")]
            with Agent(bed, "hv", joined[0]) as agent, Agent(bed, f"vps{OTHER}", joined[1]) as other:
                for node in (agent, other):
                    node.wait(lambda node=node: node.status()["collector"]["state"] == "connected", 20, "the connection")
                revision = own = 0
                with checks.part("the fleet's"):
                    revision = check_fleet(checks, bed, centre, agent, other)
                with checks.part("refusals"):
                    check_refusals(checks, centre, agent, revision)
                with checks.part("a node's own"):
                    own = check_own(checks, bed, centre, agent, other, revision)
                with checks.part("cut off"):
                    check_cut_off(checks, bed, centre, agent, own)
                with checks.part("the node's own file"):
                    check_own_file(checks, bed, agent, own)
                with checks.part("the way back"):
                    check_return(checks, centre, agent, other)
                if checks.failed:
                    print(agent.log_text()[-3000:])
                    print(centre.collector.said()[-2000:])
        finally:
            if centre.collector.process.poll() is None:
                centre.collector.stop()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
