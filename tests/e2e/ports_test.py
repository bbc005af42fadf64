#!/usr/bin/env python3
"""Guests come, go and are renamed while the agent runs: each new port is watched and hooked, a port that is gone takes its
block along, and no block falls on the next customer who is given the same name."""
import os
import re
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import BUILD, Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

CONFIGURATION = "[enforce]\nmode = enforce\n"
PATIENCE = 4 if "asan" in BUILD else 2
CYCLES = 50


def hooked(agent):
    """The devices that a chain of our table hooks."""
    return set(re.findall(r'hook ingress device "?([^"\s]+)"? ', agent.ruleset()))


def elements(bed, name):
    return bed.run("hv", ["nft", "list", "set", "netdev", "postern", name]).stdout


def watched(agent):
    return agent.status()["watcher"]["ports"]


def mail(bed, k, count=1):
    return bed.run(f"vps{k}", ["smtp-source", "-c", "-m", str(count), "-M", "mx.firm.test", "-f", "anna@firm.test", "-t",
                               "ben@other.test", f"{bed.SINK4}:25"]).returncode == 0


def block(agent, sender):
    done = agent.postern("block", sender, "--for", "10m", "--reason", "a test")
    if done.returncode:
        raise AssertionError(done.stderr)


def check_new(checks, bed, agent):
    begun = time.monotonic()
    bed.plug(3)
    agent.wait(lambda: "vnet3" in hooked(agent), PATIENCE, "the hook on vnet3")
    agent.wait(lambda: watched(agent) == 3, PATIENCE, "the new port's capture")
    checks.that("a new port is hooked and watched", True)
    print(f"      after {time.monotonic() - begun:.2f} s, with the time it took to plug")
    checks.that("its guest's mail goes out", mail(bed, 3, 2))
    agent.wait(lambda: agent.sender("port:vnet3").get("messages") == 2, 10, "the new guest's mail")
    checks.that("and is counted for it", True)
    block(agent, "port:vnet3")
    agent.wait(lambda: not bed.can_connect("vps3", bed.SINK4, 25, 0.3), 10, "the block")
    checks.that("it can be blocked", True)


def check_gone(checks, bed, agent):
    bed.unplug(3)
    agent.wait(lambda: "vnet3" not in elements(bed, "block_port"), PATIENCE, "the element's end")
    checks.that("a port that is gone leaves no element behind", True)
    agent.wait(lambda: "vnet3" not in hooked(agent) and watched(agent) == 2, PATIENCE, "the hook's end")
    checks.that("nor a hook, nor a capture", True)


def check_next_customer(checks, bed, agent):
    """The name comes again with another guest, another MAC, behind it."""
    bed.plug(4, port="vnet3")
    agent.wait(lambda: "vnet3" in hooked(agent), PATIENCE, "the hook on vnet3")
    for _ in range(5):
        checks.that("the next customer under that name is not blocked", bed.can_connect("vps4", bed.SINK4, 25))
        time.sleep(0.2)
    checks.that("not even an element is there", "vnet3" not in elements(bed, "block_port"))
    checks.that("and nothing is known of it", agent.sender("port:vnet3").get("messages", 0) == 0
                and agent.verdict("port:vnet3") in ("clear", "unknown"), agent.sender("port:vnet3"))
    checks.that("it sends", mail(bed, 4))
    bed.unplug(4)


def check_return(checks, bed, agent):
    """The same guest comes again, as after its own restart: the block stands."""
    block(agent, "port:vnet2")
    agent.wait(lambda: not bed.can_connect("vps2", bed.SINK4, 25, 0.3), 10, "the block")
    bed.unplug(2)
    agent.wait(lambda: "vnet2" not in elements(bed, "block_port"), PATIENCE, "the element's end")
    bed.plug(2)
    agent.wait(lambda: "vnet2" in elements(bed, "block_port"), PATIENCE, "the block's return")
    checks.that("a guest that is restarted is blocked as before", not bed.can_connect("vps2", bed.SINK4, 25, 0.5))
    agent.postern("release", "port:vnet2", "--reason", "end of the test")
    agent.wait(lambda: bed.can_connect("vps2", bed.SINK4, 25, 0.3), 10, "the release")


def check_rename(checks, bed, agent):
    """A renamed port is another sender; the old name's block is gone with it."""
    block(agent, "port:vnet1")
    agent.wait(lambda: not bed.can_connect("vps1", bed.SINK4, 25, 0.3), 10, "the block")
    for command in ("link set vnet1 down", "link set vnet1 name vnet9", "link set vnet9 up"):
        bed.run("hv", ["ip"] + command.split())
    agent.wait(lambda: "vnet9" in hooked(agent) and "vnet1" not in hooked(agent), PATIENCE, "the hook under the new name")
    checks.that("a renamed port is hooked under its new name alone", True)
    checks.that("the old name's block is gone", "vnet1" not in elements(bed, "block_port"))
    checks.that("it sends under the new name", bed.can_connect("vps1", bed.SINK4, 25) and mail(bed, 1))
    agent.wait(lambda: agent.sender("port:vnet9").get("messages") == 1, 15, "its mail under the new name")
    for command in ("link set vnet9 down", "link set vnet9 name vnet1", "link set vnet1 up"):
        bed.run("hv", ["ip"] + command.split())
    agent.wait(lambda: "vnet1" in hooked(agent) and "vnet9" not in hooked(agent), PATIENCE, "the hook under the old name")
    agent.postern("release", "port:vnet1", "--reason", "end of the test")
    agent.wait(lambda: bed.can_connect("vps1", bed.SINK4, 25, 0.3), 10, "the release")


def check_storm(checks, bed, agent):
    """Ports that come and go faster than anything else on a machine; nobody else feels it."""
    before = agent.processes()
    mac = "fe:00:00:00:00:{:02x}"
    script = "".join(f"ip link add vnet7 type veth peer name peer7 && ip link set peer7 netns $N && "
                     f"ip link set vnet7 address {mac.format(n)} && ip link set vnet7 master br0 && "
                     "ip link set vnet7 up && ip link del vnet7 || exit 1\n" for n in range(CYCLES))
    opened = bed.connect("vps1", bed.SINK4, 25)
    begun = time.monotonic()
    done = bed.run("hv", f"N={bed.namespace('vps1')}\n" + script)
    took = time.monotonic() - begun
    checks.that(f"{CYCLES} ports came and went", done.returncode == 0, done.stderr)
    agent.wait(lambda: watched(agent) == 2 and hooked(agent) == {"vnet1", "vnet2", "uplink0"}, 40, "calm")
    checks.that(f"after {CYCLES} in {took:.1f} s all is as before", True)
    checks.that("no process was started anew", agent.processes() == before, (before, agent.processes()))
    opened.settimeout(2)
    opened.recv(1000)
    opened.sendall(b"NOOP\r\n")
    checks.that("a session that was open lives on", opened.recv(1000) != b"")
    opened.close()
    known = agent.sender("port:vnet1").get("messages", 0)
    checks.that("mail is sent", mail(bed, 1, 3))
    agent.wait(lambda: agent.sender("port:vnet1").get("messages") == known + 3, 10, "the mail")
    checks.that("and counted", True)
    warden = agent.status()["warden"]
    checks.that("nothing was broken meanwhile", warden["repairs"] == 0, warden)
    trouble = [e["text"] for e in agent.events() if e.get("severity") == "trouble"]
    checks.that("and nothing was said to be", not trouble, trouble)


def check_restart(checks, bed, agent):
    block(agent, "port:vnet2")
    agent.wait(lambda: not bed.can_connect("vps2", bed.SINK4, 25, 0.3), 10, "the block")
    agent.stop()
    bed.plug(5)
    agent.start()
    agent.wait(lambda: hooked(agent) == {"vnet1", "vnet2", "vnet5", "uplink0"} and watched(agent) == 3, 20, "all ports")
    checks.that("a new start finds all ports", True)
    checks.that("what came while it was away is judged", mail(bed, 5))
    agent.wait(lambda: agent.sender("port:vnet5").get("messages") == 1, 10, "the mail")
    checks.that("the block stands as before", not bed.can_connect("vps2", bed.SINK4, 25, 0.4)
                and "port:vnet2" in agent.orders())


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("ports", lack)
        return checks.close()
    with Testbed("ports", guests=2) as bed, Agent(bed, "hv", CONFIGURATION) as agent:
        agent.wait(lambda: watched(agent) == 2, 20, "both ports")
        for part in (check_new, check_gone, check_next_customer, check_return, check_rename, check_storm, check_restart):
            with checks.part(part.__name__):
                part(checks, bed, agent)
        if checks.failed:
            print(agent.log_text()[-3000:])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
