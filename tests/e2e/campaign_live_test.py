#!/usr/bin/env python3
"""Three nodes with agents, real mail and a collector: one body from customers on two nodes is a campaign, by whose counts
the third node judges its own sender of it; and what a customer's senders did elsewhere is held against the one here.
After the watcher was killed both are known again."""
import json
import os
import signal
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
import contextlib  # noqa: E402

from agent import Agent  # noqa: E402
from bot import add_exchangers, bot_command  # noqa: E402
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from delivery import spool  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

PORT = 8025
TEXT = ("dear customer your account was suspended this morning because somebody tried to reach the payment page from another "
        "country please confirm the details below within one day otherwise every balance remains frozen until the branch has "
        "examined your identity again thank you for your patience the security department of the first national savings house")
SEND = """
import smtplib, sys
server, sender, count, text = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
for number in range(count):
    mail = smtplib.SMTP(server, 25, local_hostname=sender.split("@")[1], timeout=20)
    mail.sendmail(sender, [f"reader{number}@{sender.split('@')[1][::-1]}.example"],
                  f"From: {sender}\\r\\nSubject: notice {number}\\r\\n\\r\\nHello reader {number}\\r\\n{text}\\r\\n")
    mail.quit()
"""
# Whose the guests' ports are, node by node.
MAPS = ("port:vnet1 acme\nport:vnet2 baker\n", "port:vnet1 carol\nport:vnet2 acme\n", "port:vnet1 dave\nport:vnet2 acme\n")


def send(bed, guest, sender, count, text=TEXT):
    done = bed.run(guest, [sys.executable, "-c", SEND, bed.SINK4, sender, str(count), text])
    assert done.returncode == 0, done.stderr


def reach_centre(bed, number):
    """A way from the hypervisor to where the collector runs, which is this test's own namespace; its address there."""
    subprocess.run(["ip", "link", "add", f"centre{number}", "type", "veth", "peer", "name", "mgmt0", "netns",
                    bed.namespace("hv")], check=True)
    for words in (f"addr add 10.99.{number}.1/24 dev centre{number}", f"link set centre{number} up",
                  f"-n {bed.namespace('hv')} addr add 10.99.{number}.2/24 dev mgmt0",
                  f"-n {bed.namespace('hv')} link set mgmt0 up"):
        subprocess.run(["ip", *words.split()], check=True)
    return f"10.99.{number}.1"


def evidence(agent, sender, detector):
    """What that detector says of the sender now: (points, reason)."""
    for record in agent.ask_quietly("explain", sender) or []:
        for piece in record.get("evidence", [record]):
            if piece.get("detector") == detector and piece.get("points", 0) > 0:
                return piece["points"], piece["reason"]
    return None


def stored(centre, kind):
    return [r for r in centre.records() if r["record"] == kind]


def check_campaign(checks, beds, agents, centre):
    send(beds[0], "vps1", "a@alpha.museum", 12)
    send(beds[0], "vps2", "b@beta.museum", 12)
    send(beds[1], "vps1", "c@gamma.museum", 12)
    agents[2].wait(lambda: len({(r["sender"], r["customer"]) for r in stored(centre, "body")}) == 3, 30, "the records of bodies")
    bodies = stored(centre, "body")
    checks.that("each node tells of bodies that go to many, with whose they are", {r["customer"] for r in bodies} == {"acme", "baker", "carol"} and
                all(r["recipients"] >= 10 and len(r["likeness"]) == 64 and not r["known"] for r in bodies), bodies)
    checks.that("in people's journal they are not", not agents[0].events("body"))

    def judged():
        send(beds[2], "vps1", "d@delta.museum", 12)
        return evidence(agents[2], "port:vnet1", "bulk")
    found = agents[2].wait(judged, 60, "evidence of bulk on the third node")
    checks.that("the third node judges its sender by all nodes' counts", "senders of" in found[1] and "customers on" in found[1] and
                found[0] >= 1.5, found)
    print("     " + found[1])
    checks.that("who sends something else is not judged by it", not evidence(agents[2], "port:vnet2", "bulk"))


def check_customer(checks, beds, agents, centre):
    add_exchangers(beds[0])
    beds[0].run("vps1", ["sh", "-c", bot_command()])
    send(beds[1], "vps2", "you@example.com", 1, "nothing to read here")  # a little is held against this one as well
    agents[0].wait(lambda: agents[0].sender("port:vnet1").get("score", 0) >= 15, 30, "the bot's points")

    def judged():
        send(beds[2], "vps2", "e@epsilon.museum", 1, "see you on Sunday")
        return evidence(agents[2], "port:vnet2", "customer")
    found = agents[2].wait(judged, 60, "evidence of the customer's other sender")
    told = {(r["sender"], r["customer"]) for r in stored(centre, "points")}
    checks.that("points of customers' senders reach the collector", ("port:vnet1", "acme") in told and not {c for _, c in told} & {""}, told)
    checks.that("what a customer's sender did on another node is held against the one here, within bounds",
                "customer acme, on another node, has" in found[1] and 0.5 <= found[0] <= 4, found)
    print("     " + found[1])
    checks.that("that alone stops nobody", agents[2].verdict("port:vnet2") in ("clear", "unknown"), agents[2].sender("port:vnet2"))
    checks.that("the bot itself is not held its own points again", not evidence(agents[0], "port:vnet1", "customer"))


def check_restart(checks, beds, agents):
    watcher = agents[2].processes()["watcher"]
    os.kill(watcher, signal.SIGKILL)
    agents[2].wait(lambda: agents[2].processes().get("watcher", watcher) != watcher, 20, "another watcher")
    agents[2].postern("release", "port:vnet1", "--reason", "again")

    def judged():
        send(beds[2], "vps1", "d@delta.museum", 12)
        return evidence(agents[2], "port:vnet1", "bulk")
    found = agents[2].wait(judged, 40, "evidence of bulk after a new start")
    checks.that("a watcher that was killed is told all of it again", "customers on" in found[1], found)


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("campaigns", lack)
        return checks.close()
    suffix = "asan" if "asan" in os.environ.get("POSTERN_BUILD", "") else ""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        beds = [stack.enter_context(Testbed(f"camp{n}{suffix}", guests=2)) for n in range(3)]
        centre = Collector(folder, "", f"0.0.0.0:{PORT}").start()
        stack.callback(centre.stop)
        agents = []
        for number, bed in enumerate(beds):
            address = reach_centre(bed, number)
            agent = Agent(bed, "hv", "")
            with open(os.path.join(agent.directory, "customers"), "w", encoding="utf-8") as file:
                file.write(MAPS[number])
            agent.configuration = (f"[customers]\nmap = {agent.directory}/customers\n[collector]\nurls = http://{address}:{PORT}\n"
                                   f"token = {centre.token('--name', f'hv{number}')}\n")
            agents.append(stack.enter_context(agent))
        for agent in agents:
            agent.wait(lambda: spool(agent)["state"] == "connected", 30, "the connection")
        with checks.part("a campaign"):
            check_campaign(checks, beds, agents, centre)
        with checks.part("a customer"):
            check_customer(checks, beds, agents, centre)
        with checks.part("a new watcher"):
            check_restart(checks, beds, agents)
        if checks.failed:
            for agent in agents:
                print(json.dumps(agent.ask_quietly("status"), indent=1)[-3000:])
            print(agents[2].log_text()[-3000:])
            print(centre.said()[-2000:])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
