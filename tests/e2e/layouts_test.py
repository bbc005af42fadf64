#!/usr/bin/env python3
"""In every layout of a hypervisor: the agent finds the guests' ports by itself, sees a bot, blocks it by its port over
IPv4 and IPv6, whatever source it forges; nothing else of it and nothing of its neighbours is touched; the block ends."""
import os
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
WAITS = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from bot import add_exchangers, bot_command  # noqa: E402
from check import Checks  # noqa: E402
from testbed import LAYOUTS, MAIL_PORTS, Testbed, missing  # noqa: E402

# A block that comes also where the bot gets little of the machine's time and its points fade between its rounds, that
# holds for as long as it is looked at, and that ends while somebody waits for it.
CONFIGURATION = """
[policy]
throttle = 11
block = 12
release = 0.8
holds = 25s
half_life = 8s

[enforce]
mode = enforce
"""
BOT, NEIGHBOUR = 1, 2


def flood(bed, family):
    """A bot that goes on until it is ended."""
    return bed.popen(f"vps{BOT}", f"while :; do {bot_command(family)}; sleep 0.3; done",
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def send_mail(bed, place, server):
    done = bed.run(place, ["swaks", "--server", server, "--from", "anna@firm.postern", "--to", "ben@other.postern", "--ehlo",
                           "mx.firm.postern", "--timeout", "5", "--silent", "2"])
    return done.returncode == 0


def check_blocked(checks, bed, layout):
    place = f"vps{BOT}"
    for family, address in (("IPv4", bed.SINK4), ("IPv6", bed.SINK6)):
        for port in MAIL_PORTS:
            outcome = bed.outcome(place, address, port, timeout=0.7)
            checks.that(f"{layout}: the bot does not reach {family} port {port}", outcome != "open", outcome)
        checks.that(f"{layout}: it still reaches {family} port 443", bed.can_connect(place, address, 443))
        checks.that(f"{layout}: its neighbour reaches {family} port 25", bed.can_connect("vps2", address, 25))
    for n in (7, 99):
        checks.that(f"{layout}: a forged IPv4 source does not help",
                    not bed.can_connect(place, bed.SINK4, 25, 0.7, source=bed.routed4(BOT, n)))
        checks.that(f"{layout}: a rotated IPv6 source does not help",
                    not bed.can_connect(place, bed.SINK6, 25, 0.7, source=bed.routed6(BOT, n)))
    checks.that(f"{layout}: its neighbour's mail is delivered", send_mail(bed, f"vps{NEIGHBOUR}", bed.SINK4))


def check_layout(checks, layout, family):
    with Testbed(f"lay{layout}", layout) as bed, Agent(bed, "hv", CONFIGURATION) as agent:
        port = f"port:vnet{BOT}"
        bed.sink(f"vps{BOT}", 25)
        checks.that(f"{layout}: all ports are watched", agent.wait(lambda: agent.status()["watcher"]["ports"] >= 3))
        opened = bed.connect(f"vps{BOT}", bed.SINK4, 25)  # an established session, to be cut
        opened.recv(1000)
        add_exchangers(bed)
        bot = flood(bed, family)
        begun = time.monotonic()
        agent.wait(lambda: agent.verdict(port) == "block", 60, "the block")
        checks.that(f"{layout}: the bot, over IPv{family}, is blocked", True)
        print(f"      after {time.monotonic() - begun:.1f} s, {agent.sender(port)['messages']} messages")
        checks.that(f"{layout}: its neighbours are clear",
                    agent.verdict("port:vnet2") in ("clear", "unknown"), agent.verdict("port:vnet2"))
        check_blocked(checks, bed, layout)
        checks.that(f"{layout}: mail to the bot still arrives", bed.can_connect("inet", bed.address4(BOT), 25))
        checks.that(f"{layout}: its open session was cut", is_cut(opened))
        checks.that(f"{layout}: the order counts what it stopped",
                    agent.orders().get(port, {}).get("packets", 0) > 0, agent.orders())
        explained = agent.postern("explain", port).stdout
        checks.that(f"{layout}: it is explained", "is blocked" in explained and "Why:" in explained, explained)
        os.killpg(bot.pid, signal.SIGKILL)
        bot.wait()
        begun = time.monotonic()
        agent.wait(lambda: bed.can_connect(f"vps{BOT}", bed.SINK4, 25, 0.3), 90, "the end of the block")
        print(f"      {time.monotonic() - begun:.1f} s after the bot's end")
        checks.that(f"{layout}: the block ends by itself", True)


def is_cut(connection):
    """Whether the session's end is known to its client: a reset, or no answer any more."""
    connection.settimeout(2)
    try:
        connection.sendall(b"NOOP\r\n")
        answer = connection.recv(1000)
        return answer == b""
    except OSError:
        return True
    finally:
        connection.close()


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("layouts", lack)
        return checks.close()
    for n, layout in enumerate(LAYOUTS):
        with checks.part(layout):
            check_layout(checks, layout, (4, 6)[n % 2])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
