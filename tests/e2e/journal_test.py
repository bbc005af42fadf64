#!/usr/bin/env python3
"""A full disk at the start: the agent goes on without its journal, says so, answers people all the same, and writes the
journal once there is room."""
import os
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
WAITS = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import Testbed, missing  # noqa: E402



def trouble(agent):
    return agent.status()["courier"].get("trouble", "")


def check_full(checks, agent):
    agent.start()
    before = agent.processes()
    checks.that("people are answered", len(before) == 4, before)
    checks.that("status says what is wrong", "cannot open the journal" in trouble(agent), agent.status()["courier"])
    checks.that("also to people", "cannot open the journal" in agent.postern("status").stdout)
    done = agent.postern("block", "port:vnet1", "--for", "10m", "--reason", "a test")
    checks.that("an order is carried out", done.returncode == 0, done.stderr)
    agent.wait(lambda: "port:vnet1" in agent.orders(), 10, "the order")
    done = agent.postern("events")
    checks.that("events says that there is no journal", done.returncode == 1 and "journal" in done.stderr, done.stderr)
    checks.that("explain goes on without it", agent.postern("explain", "port:vnet1").returncode == 0)
    time.sleep(3)  # it used to end again and again
    checks.that("no process was started anew", agent.processes() == before, (before, agent.processes()))
    said = agent.log_text().count("cannot open the journal")
    checks.that("the log says it once", said == 1, said)


def check_room(checks, agent, filling):
    before = agent.processes()
    os.unlink(filling)
    agent.wait(lambda: not trouble(agent), 90, "the journal")
    checks.that("with room on the disk the journal is there", True)
    events = agent.wait(lambda: len(agent.events("journal")) > 1 and agent.events("journal"), 10, "its events")
    checks.that("it says what was", [e["severity"] for e in events] == ["trouble", "news"], events)
    checks.that("what a person did meanwhile is on record", any(e["deed"] == "block" for e in agent.events("command")))
    checks.that("no process was started anew", agent.processes() == before, (before, agent.processes()))


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("journal", lack)
        return checks.close()
    with Testbed("journalasan" if "asan" in os.environ.get("POSTERN_BUILD", "") else "journal", guests=1) as bed:
        agent = Agent(bed, "hv")
        agent.configure("[enforce]\nmode = enforce\n")
        os.makedirs(agent.state)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", agent.state], check=False).returncode:
            checks.skip("journal", "no file system can be mounted")
            return checks.close()
        try:
            filling = os.path.join(agent.state, "filling")
            with open(filling, "wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    pass  # it is full
            for part in (lambda: check_full(checks, agent), lambda: check_room(checks, agent, filling)):
                with checks.part("a full disk"):
                    part()
            if checks.failed:
                print(agent.log_text()[-3000:])
        finally:
            agent.stop()
            subprocess.run(["umount", "-l", agent.state], check=False)
            agent.__exit__(None, None, None)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
