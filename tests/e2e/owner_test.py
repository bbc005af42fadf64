#!/usr/bin/env python3
"""Programs of a host that talk to mail servers by themselves, past the mail server: each of their connections is held
against the user they run as, however short it is; what the mail server's own users send stays the address's."""
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ALONE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

CONFIGURATION = """
[capture]
mta_users = root 4321
programs = yes

[enforce]
mode = observe
"""
HOST = "vps1"
ADDRESSES = {"203.0.113.11", "2001:db8:1::/64"}

# So many connections, eight at a time, each held for so many seconds and closed.
PROGRAM = """
import concurrent.futures, socket, sys, time
def one(address):
    connection = socket.create_connection((address, 25), 5)
    time.sleep(float(sys.argv[2]))
    connection.close()
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    list(pool.map(one, sys.argv[3:] * (int(sys.argv[1]) // len(sys.argv[3:]))))
"""


def connect(bed, uid, count, seconds, *addresses):
    done = bed.run(HOST, ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "/usr/bin/python3", "-ISc",
                          PROGRAM, str(count), str(seconds), *addresses])
    return done.returncode == 0


def connections(agent, sender):
    return agent.senders().get(sender, {}).get("connections", 0)


def check_short(checks, bed, agent):
    load = [bed.popen(HOST, ["sh", "-c", "while :; do :; done"]) for _ in range(os.cpu_count() or 1)]
    checks.that("200 connections of 50 ms, while each processor is busy",
                connect(bed, 1001, 200, 0.05, bed.SINK4, bed.SINK6))
    for busy in load:
        busy.kill()
    agent.wait(lambda: connections(agent, "uid:1001") + sum(connections(agent, a) for a in ADDRESSES) >= 200, 10,
               "the connections")
    found = connections(agent, "uid:1001")
    checks.that(f"every one is the user's ({found} of 200)", found == 200, agent.senders())
    checks.that("and none the address's", not ADDRESSES & set(agent.senders()), agent.senders())


def check_users(checks, bed, agent):
    checks.that("another user connects", connect(bed, 1002, 10, 0.05, bed.SINK4))
    agent.wait(lambda: connections(agent, "uid:1002") == 10, 10, "the other user's connections")
    checks.that("and is told from the first", connections(agent, "uid:1001") == 200)
    checks.that("a mail server's user connects", connect(bed, 4321, 10, 0.05, bed.SINK4) and connect(bed, 0, 10, 0.05, bed.SINK4))
    agent.wait(lambda: connections(agent, "203.0.113.11") == 20, 10, "the mail server's connections")
    checks.that("and they stay the address's", not {"uid:4321", "uid:0"} & set(agent.senders()), agent.senders())


def check_program(checks, bed, agent):
    """A script of a user, run by an interpreter from the user's own directory."""
    directory = os.path.join(bed.directory, "shop")
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "mail.py"), "w") as file:
        file.write(PROGRAM)
    os.chmod(directory, 0o755)
    done = bed.run(HOST, ["setpriv", "--reuid", "1007", "--regid", "1007", "--clear-groups", "sh", "-c",
                          f"cd {directory} && /usr/bin/python3 -IS mail.py 8 0.2 {bed.SINK4}"])
    checks.that("a user's script connects", done.returncode == 0, done.stderr)
    agent.wait(lambda: connections(agent, "uid:1007") == 8, 10, "its connections")
    said = agent.postern("explain", "uid:1007").stdout
    checks.that("explain names the program, its directory and the script", "/python3" in said and
                f"in {directory}"[:40] in said and f"script {directory}/mail.py"[-40:] in said
                and f"as  /usr/bin/python3 -IS mail.py 8 0.2 {bed.SINK4}" in said, said)


def check_at_once(checks, bed, agent):
    shortest = connect(bed, 1004, 100, 0, bed.SINK4)
    checks.that("100 that are closed at once", shortest)
    agent.wait(lambda: connections(agent, "uid:1004") + connections(agent, "203.0.113.11") >= 120, 10, "them")
    found = connections(agent, "uid:1004")
    checks.that(f"are the user's as far as the kernel was asked in time ({found} of 100); none is lost",
                found + connections(agent, "203.0.113.11") == 120)


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("owner", lack)
        return checks.close()
    with Testbed("owner", guests=2) as bed, Agent(bed, HOST, CONFIGURATION) as agent:
        for name, part in (("short connections", lambda: check_short(checks, bed, agent)),
                           ("users", lambda: check_users(checks, bed, agent)),
                           ("a program", lambda: check_program(checks, bed, agent)),
                           ("at once", lambda: check_at_once(checks, bed, agent))):
            with checks.part(name):
                part()
        if checks.failed:
            print(agent.log_text()[-3000:])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
