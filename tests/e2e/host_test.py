#!/usr/bin/env python3
"""One machine that sends by itself, a VPS or a shared-hosting server: found to be a host without being told. A user whose
programs talk to mail servers is judged and stopped alone; what root and the mail server send is the address's. A person
can stop a user as well."""
import os
import socket
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import MAIL_PORTS, Testbed, missing  # noqa: E402

# A flood is blocked without being slowed down first: what is shown here is the block.
CONFIGURATION = """
[policy]
throttle = 15
block = 15

[enforce]
mode = enforce
"""
HOST, OTHER = "vps1", "vps2"
NOBODY = 65534
ADDRESS4, ADDRESS6 = "203.0.113.11", "2001:db8:1::/64"


def as_user(uid, command):
    return ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", *command] if uid else command


def reaches(bed, uid, address, port, place=HOST):
    """Whether a user of a place gets a connection, as a program of that user sees it."""
    program = ("import socket,sys\n"
               "try: socket.create_connection((sys.argv[1],int(sys.argv[2])),0.7).close()\n"
               "except OSError: sys.exit(1)\n")
    return bed.run(place, as_user(uid, ["/usr/bin/python3", "-ISc", program, address, str(port)])).returncode == 0


def send(bed, uid, server, count=1):
    """Ordinary mail of a user of the host; whether all of it was taken."""
    done = bed.run(HOST, as_user(uid, ["smtp-source", "-c", "-m", str(count), "-M", "mx.firm.postern", "-f", "anna@firm.postern",
                                       "-t", "ben@other.postern", f"[{server}]:25"]))
    return done.returncode == 0


def flood(bed, uid, sinks):
    """A burst of junk to every exchanger in reach, as that user."""
    started = [bed.popen(HOST, as_user(uid, ["smtp-source", "-c", "-s", "4", "-m", "400", "-M", "localhost", "-f",
                                             "you@example.com", "-t", f"t{n}@mx{n}.test", f"[{sink}]:25"]),
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for n, sink in enumerate(sinks)]
    return started


def set_text(agent, name):
    """What `nft list set` says of a set of our table."""
    return agent.bed.run(agent.place, ["nft", "list", "set", "inet", "postern", name]).stdout


def check_role(checks, agent):
    warden = agent.status()["warden"]
    checks.that("it finds out that it is a host", warden["layout"] == "host" and warden["table"], warden)
    rules = agent.ruleset()
    checks.that("table inet postern stands, with a chain on output",
                "table inet postern" in rules and "hook output" in rules)
    checks.that("and no table of a hypervisor", "netdev" not in rules)
    checks.that("its own interface and loopback are watched", agent.status()["watcher"]["ports"] == 2)
    done = agent.postern("block", "port:eth0", "--for", "10m", "--reason", "a test")
    checks.that("an order against a port means nothing here, and who gives it is told", done.returncode == 1
                and "no guest's port" in done.stderr and not agent.orders(), (done.stderr, agent.orders()))


def check_user_flood(checks, bed, agent):
    """A user's programs talk to mail servers by themselves: the user is the sender, and nobody else is stopped."""
    sender, opened = f"uid:{NOBODY}", bed.connect(HOST, bed.SINK4, 25)
    opened.recv(1000)
    bots = flood(bed, NOBODY, bed.SINKS4)
    agent.wait(lambda: agent.verdict(sender) == "block", 25, f"the block of {sender}")
    checks.that("a flood of a user is blocked as that user's", agent.orders().get(sender, {}).get("by") == "policy",
                agent.orders())
    agent.wait(lambda: not reaches(bed, NOBODY, bed.SINK4, 25), 5, "the block in the kernel")
    checks.that("the user stands in block_uid, with its time", "expires" in set_text(agent, "block_uid"))
    for bot in bots:
        bot.kill()
    for port in MAIL_PORTS:
        checks.that(f"no connection of the user to port {port}", not reaches(bed, NOBODY, bed.SINK4, port))
    checks.that("its web is open", reaches(bed, NOBODY, bed.SINK4, 443))
    checks.that("another user is not touched", reaches(bed, 1234, bed.SINK4, 25))
    checks.that("nor is root's open session", not ended(opened))
    checks.that("nor the address", agent.verdict(ADDRESS4) != "block" and send(bed, 0, bed.SINK4))
    agent.postern("throttle", sender, "--rate", "60", "--for", "10m", "--reason", "less than a block")
    agent.wait(lambda: f"{NOBODY}" in set_text(agent, "throttle_uid") or "nobody" in set_text(agent, "throttle_uid"), 5,
               "the user in throttle_uid")
    checks.that("a throttled user connects again", reaches(bed, NOBODY, bed.SINK4, 25))
    agent.postern("release", sender, "--reason", "the flood is over")


def check_flood(checks, bed, agent, uid, family):
    sender, sinks = (ADDRESS4, bed.SINKS4) if family == "IPv4" else (ADDRESS6, bed.SINKS6)
    opened = bed.connect(HOST, sinks[0], 25)
    opened.recv(1000)
    bots = flood(bed, uid, sinks)
    agent.wait(lambda: agent.verdict(sender) == "block", 25, f"the block of {sender}")
    name = "root" if uid == 0 else f"user {uid}"
    checks.that(f"a flood of {name} over {family} is blocked by the host's address", True)
    agent.wait(lambda: sender.split("/")[0] in set_text(agent, "block4" if family == "IPv4" else "block6"), 3, "the element")
    checks.that("the address stands in the set, with its time", "expires" in
                set_text(agent, "block4" if family == "IPv4" else "block6"))
    checks.that("an open session was cut", ended(opened))
    for bot in bots:
        bot.kill()
    for port in MAIL_PORTS:
        checks.that(f"no connection to {family} port {port}", not bed.can_connect(HOST, sinks[0], port, 0.7))
    checks.that(f"{family} port 443 is open", bed.can_connect(HOST, sinks[0], 443))


def ended(connection):
    """Whether the session is over for its client: reset, or no answer."""
    connection.settimeout(2)
    try:
        connection.sendall(b"NOOP\r\n")
        return connection.recv(1000) == b""
    except OSError:
        return True
    finally:
        connection.close()


def arrives(bed, address, place="inet", source_port=0):
    """Whether mail comes in from a place, down to the message's acceptance."""
    def talk():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connection.settimeout(3)
            connection.bind(("", source_port))
            connection.connect((address, 25))
            for line, code in ((b"", b"220"), (b"HELO out.test\r\n", b"250"), (b"MAIL FROM:<a@out.test>\r\n", b"250"),
                               (b"RCPT TO:<b@in.test>\r\n", b"250"), (b"DATA\r\n", b"354"), (b"hello\r\n.\r\n", b"250")):
                connection.sendall(line)
                if not connection.recv(1000).startswith(code):
                    return False
            return True
    try:
        return bed.within(place, talk)
    except OSError:
        return False


def check_incoming(checks, bed, agent):
    checks.that("mail to the blocked host arrives", arrives(bed, bed.address4(1)))
    checks.that("over IPv6 as well", arrives(bed, bed.address6(1)))
    checks.that("even from a client whose own port is 2525", arrives(bed, bed.address4(1), OTHER, 2525))
    known = set(agent.senders())
    checks.that("whoever mails it is no sender of this host's", known <= {ADDRESS4, ADDRESS6, "port:eth0", f"uid:{NOBODY}", "uid:1234"}, known)
    for address in (bed.SINK4, bed.SINK6):
        checks.that(f"another host reaches {address} as before", bed.can_connect(OTHER, address, 25))
    checks.that("the host's programs reach its own mail server", reaches(bed, NOBODY, "127.0.0.1", 25))


def check_user(checks, bed, agent):
    for sender in (ADDRESS4, ADDRESS6):
        agent.postern("release", sender, "--reason", "the flood is over")
    agent.wait(lambda: bed.can_connect(HOST, bed.SINK4, 25, 0.4) and bed.can_connect(HOST, bed.SINK6, 25, 0.4), 5,
               "the release")
    checks.that("a released host sends again", send(bed, 0, bed.SINK4) and send(bed, NOBODY, bed.SINK4))
    done = agent.postern("block", f"uid:{NOBODY}", "--for", "10m", "--reason", "a broken web form")
    checks.that("a person can block a user", done.returncode == 0, done.stderr)
    agent.wait(lambda: not reaches(bed, NOBODY, bed.SINK4, 25), 5, "the block of the user")
    checks.that("the user stands in block_uid", str(NOBODY) in set_text(agent, "block_uid")
                or "nobody" in set_text(agent, "block_uid"), set_text(agent, "block_uid"))
    checks.that("the user cannot send over IPv6 either", not reaches(bed, NOBODY, bed.SINK6, 25))
    checks.that("the user reaches port 443", reaches(bed, NOBODY, bed.SINK4, 443))
    checks.that("another user is not touched", reaches(bed, 1234, bed.SINK4, 25))
    checks.that("root's mail goes on", send(bed, 0, bed.SINK4, 5) and send(bed, 0, bed.SINK6))
    order = agent.orders().get(f"uid:{NOBODY}", {})
    checks.that("the order counts what it stopped", order.get("packets", 0) > 0 and order.get("by") == "person", order)


def check_off(checks, bed, agent):
    checks.that("enforcement can be switched off", agent.postern("enforce", "off").returncode == 0)
    checks.that("no table is left", "postern" not in agent.ruleset())
    checks.that("the user is free", reaches(bed, NOBODY, bed.SINK4, 25))
    checks.that("on again", agent.postern("enforce", "on").returncode == 0)
    agent.wait(lambda: not reaches(bed, NOBODY, bed.SINK4, 25), 5, "the block of the user")
    checks.that("the user's block stands again", True)


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("host", lack)
        return checks.close()
    with Testbed("host", guests=2) as bed, Agent(bed, HOST, CONFIGURATION) as agent:
        bed.sink(HOST, 25)
        for name, part in (("role", lambda: check_role(checks, agent)),
                           ("a user's flood", lambda: check_user_flood(checks, bed, agent)),
                           ("root's flood over IPv4", lambda: check_flood(checks, bed, agent, 0, "IPv4")),
                           ("root's flood", lambda: check_flood(checks, bed, agent, 0, "IPv6")),
                           ("incoming", lambda: check_incoming(checks, bed, agent)),
                           ("a user", lambda: check_user(checks, bed, agent)),
                           ("off", lambda: check_off(checks, bed, agent))):
            with checks.part(name):
                part()
        if checks.failed:
            print(agent.log_text()[-3000:])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
