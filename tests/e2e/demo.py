#!/usr/bin/env python3
"""`make demo`: a hypervisor with three customers, one of them a bot, in network namespaces of its own. One watches the bot
being seen, explained, blocked by nftables, the neighbours' mail flowing on, the block expiring. Under a minute, nobody's
input needed, everything cleared away at the end."""
import os
import signal
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent, AgentError  # noqa: E402
from bot import add_exchangers, bot_command  # noqa: E402
from testbed import Testbed, TestbedError, missing  # noqa: E402

COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ
# Short holds, so that the block's end can be seen, and no throttle before it, which takes ten seconds longer to tell;
# everything else as shipped.
CONFIGURATION = """
[policy]
throttle = 20
holds = 10s
half_life = 5s

[enforce]
mode = enforce
"""
BOT, SHOP, OFFICE = 1, 2, 3
BEGUN = time.monotonic()


def paint(text, colour):
    return f"\033[{colour}m{text}\033[0m" if COLOUR else text


def say(text, colour="1"):
    print(f"\n{paint(f'[{time.monotonic() - BEGUN:4.1f} s] {text}', colour)}", flush=True)


def show(text, indent="    "):
    print("\n".join(indent + line for line in text.rstrip().splitlines()), flush=True)


class Customer(threading.Thread):
    """Sends over and over until told to end; counts what got out. `send` sends the nth message: did it get out?"""

    def __init__(self, send, pause):
        super().__init__(daemon=True)
        self.send, self.pause = send, pause
        self.sent = self.failed = 0
        self.over = threading.Event()

    def run(self):
        n = 0
        while not self.over.is_set():
            sent = self.send(n)
            n += 1
            self.sent += sent
            self.failed += not sent
            self.over.wait(self.pause)

    def end(self):
        self.over.set()
        self.join(10)


def shop(bed):
    """A shop that confirms orders, with swaks."""
    def send(n):
        return bed.run(f"vps{SHOP}", ["swaks", "--server", bed.SINK4, "--from", "orders@shop.postern", "--to",
                                      f"buyer{n % 9}@mail.postern", "--ehlo", "mail.shop.postern", "--timeout", "20",
                                      "--silent", "2"]).returncode == 0
    return Customer(send, 0.8)


def office(bed):
    """An office with a mail server of its own, Postfix."""
    postfix = bed.mta("postfix")

    def send(n):
        return postfix(f"vps{OFFICE}", bed.SINK4, 25, "anna@office.postern", f"partner{n % 5}@firm.postern",
                       "Subject: minutes\n\nAs agreed.\n", helo="mx.office.postern")
    return Customer(send, 1.2)


def counts(customers):
    return "   ".join(f"{name}: {c.sent} sent, {c.failed} failed" for name, c in customers.items())


def wait_for(agent, verdict, bot, patience):
    """Follow the bot until the verdict; print each change on the way."""
    last = None
    end = time.monotonic() + patience
    while time.monotonic() < end:
        sender = agent.sender(bot)
        line = f"{bot}  {sender.get('verdict', 'not seen yet'):9} score {sender.get('score', 0):5.1f}  " \
               f"{sender.get('connections', 0)} connections, {sender.get('messages', 0)} messages accepted"
        if sender.get("verdict") != last:
            show(line)
            last = sender.get("verdict")
        if last == verdict:
            return True
        time.sleep(0.1)
    return False


def play(bed, agent):
    customers = {"shop": shop(bed), "office": office(bed)}
    bot = f"port:vnet{BOT}"
    add_exchangers(bed)
    for customer in customers.values():
        customer.start()
    say("A shop (swaks) and an office (Postfix) send their ordinary mail. The agent watches their ports.")
    time.sleep(3)
    show(agent.postern("senders").stdout)

    say(f"The third customer's machine is taken over by a bot behind vnet{BOT} (smtp-source).", "1;31")
    bots = [bed.popen(f"vps{BOT}", f"while :; do {bot_command()}; sleep 0.5; done",
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]
    if not wait_for(agent, "block", bot, 15):
        raise AgentError("the bot was not blocked")

    say("Blocked. This is what the abuse desk reads to the customer: postern explain " + bot, "1;33")
    show(agent.postern("explain", bot).stdout)

    say("In the kernel: nft list set netdev postern block_port", "1;33")
    show(bed.run("hv", ["nft", "list", "set", "netdev", "postern", "block_port"]).stdout)
    show(agent.postern("orders").stdout)

    before = {name: c.sent for name, c in customers.items()}
    mail = {port: bed.outcome(f"vps{BOT}", bed.SINK4, port) for port in (25, 465, 587)}
    web = bed.outcome(f"vps{BOT}", bed.SINK4, 443)
    say("The bot tries again: " + ", ".join(f"port {p} {o}" for p, o in mail.items()) + f"; its web, port 443: {web}.")
    end = time.monotonic() + 45  # the office starts a Postfix for each message: seconds, on a machine that is busy
    while not all(c.sent > before[name] for name, c in customers.items()) and time.monotonic() < end:
        time.sleep(0.2)
    say("Meanwhile its neighbours' mail flows on.", "1;32")
    show(counts(customers))
    for process in bots:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    flowed = all(c.sent > before[name] and c.failed == 0 for name, c in customers.items())
    stopped = all(o != "open" for o in mail.values()) and web == "open"

    say("The owner has cleaned the machine. The block ends by itself ...", "1")
    lifted = False
    end = time.monotonic() + 25
    while not lifted and time.monotonic() < end:
        time.sleep(0.5)
        lifted = bed.can_connect(f"vps{BOT}", bed.SINK4, 25, timeout=0.4)
    say("... and its mail goes out again." if lifted else "... but it has not ended in time.", "1;32" if lifted else "1;31")
    show(agent.postern("senders").stdout)
    say("What happened: postern events")
    show("\n".join(line for line in agent.postern("events").stdout.splitlines()[-12:]))
    for customer in customers.values():
        customer.end()
    if not (flowed and stopped and lifted):
        raise AgentError(f"neighbours' mail flowed on: {flowed} ({counts(customers)}, before: {before}), the bot was stopped: {stopped}, it expired: {lifted}")


def main():
    lack = missing()
    if lack:
        print(f"demo: {lack}", file=sys.stderr)
        return 1
    say("A hypervisor with three customers on one bridge, and the world outside, in network namespaces.")
    try:
        with Testbed("demo", "bridged") as bed, Agent(bed, "hv", CONFIGURATION) as agent:
            show(agent.postern("status").stdout)
            play(bed, agent)
    except (TestbedError, AgentError) as problem:
        print(f"demo: {problem}", file=sys.stderr)
        return 1
    say(f"Everything was cleared away. {time.monotonic() - BEGUN:.0f} seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
