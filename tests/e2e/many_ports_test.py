#!/usr/bin/env python3
"""A hypervisor with more than a thousand ports: the agent answers at once, hooks and opens them all, and nobody takes
its own busy processes for dead meanwhile."""
import os
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
WAITS = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

MORE = 1100


def plug_many(bed):
    """Ports with nothing behind them but another end."""
    away = bed.namespace("vps1")
    script = "".join(f"link add vnet{n} type veth peer name peer{n} netns {away}\nlink set vnet{n} up\n"
                     for n in range(100, 100 + MORE))
    return bed.run("hv", ["ip", "-batch", "-"], input=script, timeout=120)


def check_start(checks, bed, agent):
    agent.configure("[enforce]\nmode = enforce\n")
    begun = time.monotonic()
    agent.start()
    before = agent.processes()
    checks.that("it answers while it opens them", len(before) == 4, before)
    print(f"      after {time.monotonic() - begun:.1f} s")
    agent.wait(lambda: agent.status()["watcher"]["ports"] == MORE + 2, 120, "all ports")
    print(f"      all are watched after {time.monotonic() - begun:.1f} s")
    chains = agent.ruleset().count("chain port_")
    checks.that("all are hooked", chains == MORE + 2, chains)
    checks.that("the processes are those that were started", agent.processes() == before, (before, agent.processes()))
    trouble = [e["text"] for e in agent.events() if e.get("severity") == "trouble"]
    checks.that("nothing was said to be wrong", not trouble, trouble[:5])


def check_mail(checks, bed, agent):
    for k in (1, 2):
        done = bed.run(f"vps{k}", ["smtp-source", "-c", "-f", "anna@firm.test", "-t", "ben@other.test", f"{bed.SINK4}:25"])
        checks.that(f"guest {k} sends", done.returncode == 0, done.stderr)
        agent.wait(lambda k=k: agent.sender(f"port:vnet{k}").get("messages") == 1, 20, f"the mail of guest {k}")
    checks.that("its mail is counted for it", True)
    agent.postern("block", "port:vnet1", "--for", "10m", "--reason", "a test")
    agent.wait(lambda: not bed.can_connect("vps1", bed.SINK4, 25, 0.3), 20, "the block")
    checks.that("one of them can be blocked", bed.can_connect("vps2", bed.SINK4, 25))


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("many ports", lack)
        return checks.close()
    with Testbed("many", guests=2) as bed:
        done = plug_many(bed)
        if done.returncode:
            checks.skip("many ports", f"cannot make them: {done.stderr.strip()[-200:]}")
            return checks.close()
        agent = Agent(bed, "hv")
        try:
            for part in (check_start, check_mail):
                with checks.part(part.__name__):
                    part(checks, bed, agent)
            if checks.failed:
                print(agent.log_text()[-3000:])
        finally:
            agent.stop(patience=60)
            agent.__exit__(None, None, None)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
