#!/usr/bin/env python3
"""Whose a message is that filters look at, on a host: a local user's whose program sent it, or the account's behind whose
login it was handed in. What filters say is evidence against that very sender, not against the host's address."""
import json
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from delivery import spool  # noqa: E402
from testbed import Testbed, missing  # noqa: E402
from uplink_test import CENTRE, PORTS, Centre  # noqa: E402

USER = 1234
CONFIGURATION = f"[capture]\nrole = host\n[collector]\nurls = http://{CENTRE}:{PORTS[0]}\ntoken = token.test\n"

# address port login word: one message; behind a login where there is one.
SEND = r"""
import smtplib, sys, time
address, port, login, word = sys.argv[1], int(sys.argv[2]), *sys.argv[3:5]
with smtplib.SMTP(address, port, timeout=20, local_hostname="pc.firm.postern") as server:
    time.sleep(0.2)
    if login: server.login(login, "a-secret")
    server.sendmail("me@firm.postern", ["you@world.test"], f"From: me@firm.postern\nSubject: {word}\n\nThis is {word}.\n")
"""


def check_sender(checks, agent, centre, sender, word):
    def senders():
        files = [file for (file,) in centre.ask("SELECT file FROM message")]
        return {json.loads(file.split(b"\n")[0])["sender"] for file in files if b"This is " + word.encode() in file}
    agent.wait(senders, 20, f"the message of {sender}")
    checks.that(f"the message of {sender} is known as its", senders() == {sender}, senders())

    def evidence():
        return [e for e in agent.ask_quietly("explain", sender) or [] if e["record"] == "evidence" and e["detector"] == "filter"]
    found = agent.wait(evidence, 10, "the evidence")
    checks.that("and so is what a filter says of it", "clamd found Eicar" in found[0]["reason"], found)


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("messages of a host", lack)
        return checks.close()
    name = "filterhostasan" if "asan" in os.environ.get("POSTERN_BUILD", "") else "filterhost"
    with Testbed(name, guests=1) as bed:
        agent = Agent(bed, "vps1", CONFIGURATION)
        centre = Centre(bed, os.path.join(agent.directory, "centre.db"))
        centre.start(PORTS[0])
        centre.ask("INSERT INTO rule VALUES('opinion', ?)", json.dumps({"filter": "clamd", "score": 0, "threshold": 0, "action": "FOUND",
                                                                       "symbols": "Eicar", "certain": True}))
        server = bed.popen("vps1", [sys.executable, os.path.join(TOP, "tests/testbed/recorder.py"), os.path.join(agent.directory, "said"), "-", "587"],
                           stdout=subprocess.DEVNULL)
        try:
            with agent:
                agent.wait(lambda: spool(agent)["state"] == "connected", 20, "the connection")
                with checks.part("a user"):
                    bed.run("vps1", ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", sys.executable, "-c", SEND,
                                     Testbed.SINK4, "25", "", "users"])
                    check_sender(checks, agent, centre, f"uid:{USER}", "users")
                with checks.part("an account"):
                    bed.run("vps1", [sys.executable, "-c", SEND, "127.0.0.1", "587", "alice", "accounts"])
                    check_sender(checks, agent, centre, "account:alice", "accounts")
                with checks.part("nobody else"):
                    held = {name for name, row in agent.senders().items() if row["score"] > 0}
                    checks.that("nothing is held against anyone else", held == {f"uid:{USER}", "account:alice"}, held)
                if checks.failed:
                    print(agent.log_text()[-3000:])
        finally:
            centre.kill()
            server.kill()
            server.wait()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
