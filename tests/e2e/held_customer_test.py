#!/usr/bin/env python3
"""An order on a customer holds all that the customer has, with real packets: its guests under whatever port they come, its
addresses; whoever comes later too. Others send on. What was ordered on a member itself stays when the customer is
released. The order outlives a flush of the table, the warden and a change of the map."""
import os
import signal
import socket
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
WAITS = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import BUILD, Agent  # noqa: E402
from check import Checks  # noqa: E402
from drop_test import Session, known_at_server, until  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

PATIENCE = 8 if "asan" in BUILD else 4
CONFIGURATION = "[enforce]\nmode = enforce\nreject = never\n[customers]\nmap = {}\n"
# Guest 1 is acme's by its MAC; of guest 2 only an address that is routed to it; guest 3 is baker's.
MAP = """02:00:00:00:00:11 acme
198.18.2.0/28 acme
02:00:00:00:00:13 baker
account:@acme.test acme
"""


def write_map(agent, text):
    with open(os.path.join(agent.directory, "customers"), "w") as file:
        file.write(text)


def reload(agent):
    before = len(agent.events("reload"))
    os.kill(agent.process.pid, signal.SIGHUP)
    agent.wait(lambda: len(agent.events("reload")) > before, PATIENCE, "the map is read anew")


def order(agent, verb, sender, *words):
    return agent.postern(verb, sender, *words, "--reason", "a test")


def is_open(bed, k, source=None):
    return bed.can_connect(f"vps{k}", bed.SINK4, 25, 0.5, source)


def elements(bed, name):
    return bed.run("hv", ["nft", "list", "set", "netdev", "postern", name]).stdout


def answer(agent, account):
    """What a mail server is told that asks about a message of that account."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(5)
        asking.connect(os.path.join(agent.directory, "policy"))
        asking.sendall(f"request=smtpd_access_policy\nsasl_username={account}\n\n".encode())
        return asking.recv(1000).decode()


def check_block(checks, bed, agent):
    checks.that("before, everybody sends", all(is_open(bed, k) for k in (1, 2, 3)))
    done = order(agent, "block", "customer:acme", "--for", "1h")
    checks.that("a customer is blocked", done.returncode == 0, done.stderr)
    checks.that("and it is said what that holds", "holds 1 port, 1 MAC, 16 addresses and 1 line of accounts here" in done.stdout,
                done.stdout)
    checks.that("its guest is", not is_open(bed, 1))
    checks.that("over IPv6 as well", not bed.can_connect("vps1", bed.SINK6, 25, 0.5))
    checks.that("its address at another guest is", not is_open(bed, 2, "198.18.2.7"))
    checks.that("that guest's other addresses are not", is_open(bed, 2) and is_open(bed, 2, "198.18.2.16"))
    checks.that("other customers are not", is_open(bed, 3))
    checks.that("its accounts are", answer(agent, "anna@acme.test").startswith("action=554"), answer(agent, "anna@acme.test"))
    checks.that("others' are not", answer(agent, "anna@other.test").startswith("action=DUNNO"))
    checks.that("the elements say for whom they stand", 'comment "customer"' in elements(bed, "block_port"))


def check_cut(checks, bed, agent):
    """Sessions that are open end on both sides; here the kernel only drops."""
    order(agent, "release", "customer:acme")
    sessions, other = [Session(bed, "vps1", bed.SINK4), Session(bed, "vps1", bed.SINK6, True)], Session(bed, "vps3", bed.SINK4)
    checks.that("the server knows the sessions", len(known_at_server(bed, sessions)) == 2)
    order(agent, "block", "customer:acme", "--for", "1h")
    checks.that("they end with the customer's block", until(lambda: all(s.ended for s in sessions), PATIENCE))
    checks.that("at the server, too", until(lambda: not known_at_server(bed, sessions), PATIENCE))
    checks.that("another's goes on", other.lives())
    for session in sessions + [other]:
        session.socket.close()


def check_asked(checks, bed, agent):
    rows = agent.orders()
    held = {name: row["held_for"] for name, row in rows.items() if "held_for" in row}
    checks.that("orders have the customer", rows.get("customer:acme", {}).get("deed") == "block", rows)
    checks.that("and what is held for it", held == {"port:vnet1": "customer:acme", "02:00:00:00:00:11": "customer:acme",
                                                    "198.18.2.7": "customer:acme"}, held)
    checks.that("with what was stopped in all", rows["customer:acme"]["packets"] ==
                sum(rows[name]["packets"] for name in held) > 0, rows)
    text = agent.postern("explain", "customer:acme").stdout
    checks.that("explained, it says what stands and what that holds",
                "An order is in force on customer:acme (block)" in text and "port:vnet1" in text and "holds 1 port" in text,
                text)
    text = agent.postern("explain", "port:vnet1").stdout
    checks.that("a member explained says for whom it is held", "an order on customer:acme (block) stands" in text, text)
    text = agent.postern("explain", "customer:nobody").stdout
    checks.that("another customer has no order", "No order is in force on customer:nobody." in text, text)


def check_comes_and_goes(checks, bed, agent):
    bed.unplug(1)
    agent.wait(lambda: "vnet1" not in elements(bed, "block_port"), PATIENCE, "the port's end")
    bed.plug(1, port="vnet8")
    bed.wait_until_hooked("vnet8")
    for _ in range(5):
        checks.that("under another port's name it is blocked at once", not is_open(bed, 1))
    agent.wait(lambda: "vnet8" in elements(bed, "block_port"), PATIENCE, "the new port's element")
    checks.that("as a port", True)
    bed.plug(4, port="vnet1")
    checks.that("the next guest under the old name sends", is_open(bed, 4) and "vnet1" not in elements(bed, "block_port"))
    bed.unplug(4)
    bed.unplug(1)
    bed.plug(1)
    agent.wait(lambda: "vnet1" in elements(bed, "block_port"), PATIENCE, "the old port's element")
    checks.that("back again it is blocked", not is_open(bed, 1))


def check_hardships(checks, bed, agent):
    bed.run("hv", ["nft", "flush", "ruleset"])
    agent.wait(lambda: "vnet1" in elements(bed, "block_port"), PATIENCE, "the table stands again")
    checks.that("flushed by others, the table stands again, with all that is held",
                not is_open(bed, 1) and not is_open(bed, 2, "198.18.2.7") and is_open(bed, 3))
    checks.that("and as it was", elements(bed, "block4").count("customer") == 16, elements(bed, "block4"))
    bed.run("hv", ["nft", "delete", "element", "netdev", "postern", "block_port", "{ vnet1 }"])
    agent.wait(lambda: "vnet1" in elements(bed, "block_port"), PATIENCE, "the element stands again")
    checks.that("an element that others take away too", True)
    os.kill(agent.processes()["warden"], signal.SIGKILL)
    checks.that("while the warden is dead it is blocked", not is_open(bed, 1))
    agent.wait(lambda: agent.ask_quietly("status"), 20, "the agent's answer")
    agent.wait(lambda: "customer:acme" in agent.orders(), 20, "the order is known again")
    checks.that("the new warden knows whose order it is", agent.orders()["port:vnet1"].get("held_for") == "customer:acme",
                agent.orders())
    checks.that("its accounts too", answer(agent, "anna@acme.test").startswith("action=554"))
    checks.that("and holds as before", not is_open(bed, 1) and not is_open(bed, 2, "198.18.2.7") and is_open(bed, 3))
    agent.postern("enforce", "off")
    checks.that("enforcement off, all is open", is_open(bed, 1))
    agent.postern("enforce", "on")
    checks.that("on again, it is not", not is_open(bed, 1) and is_open(bed, 3))


def check_map(checks, bed, agent):
    write_map(agent, MAP.replace("02:00:00:00:00:11 acme", "02:00:00:00:00:11 baker").replace("/28 acme", "/29 acme") +
              "02:00:00:00:00:12 acme\n")
    reload(agent)
    checks.that("the map changed: who is another's is let go", is_open(bed, 1), elements(bed, "block_port"))
    checks.that("and who is the customer's now is held", not is_open(bed, 2))
    checks.that("no element is left behind", elements(bed, "block4").count("customer") == 8 and
                "vnet1" not in elements(bed, "block_port"))
    write_map(agent, "this is no line of a map\n")
    os.kill(agent.process.pid, signal.SIGHUP)
    time.sleep(1)
    checks.that("a map with a mistake changes nothing", is_open(bed, 1) and not is_open(bed, 2))
    write_map(agent, MAP)
    reload(agent)
    checks.that("and back", not is_open(bed, 1) and is_open(bed, 2) and not is_open(bed, 2, "198.18.2.9"))


def check_members(checks, bed, agent):
    """A member's own orders beside its customer's."""
    order(agent, "allow", "port:vnet1", "--for", "1h")
    agent.wait(lambda: is_open(bed, 1), PATIENCE, "the allowance")
    checks.that("a member that is allowed itself sends", True)
    order(agent, "release", "port:vnet1")
    agent.wait(lambda: not is_open(bed, 1), PATIENCE, "the customer's block")
    checks.that("released from that, its customer's block is back", True)
    order(agent, "block", "port:vnet1", "--for", "20m")
    order(agent, "throttle", "port:vnet2", "--for", "20m", "--rate", "5")
    agent.wait(lambda: "port:vnet2" in agent.orders(), PATIENCE, "the members' orders")
    os.kill(agent.processes()["warden"], signal.SIGKILL)
    agent.wait(lambda: "customer:acme" in (agent.orders() or {}), 20, "the order is known again")
    done = order(agent, "release", "customer:acme")
    checks.that("a customer is released", done.returncode == 0 and "released" in done.stdout, done.stdout + done.stderr)
    checks.that("its accounts are free", answer(agent, "anna@acme.test").startswith("action=DUNNO"))
    checks.that("its address is free", is_open(bed, 2, "198.18.2.7"))
    checks.that("its guest's own block stays, over a restart as well", not is_open(bed, 1))
    rows = agent.orders()
    checks.that("and nothing else", sorted(rows) == ["port:vnet1", "port:vnet2"], rows)
    order(agent, "release", "port:vnet1")
    order(agent, "release", "port:vnet2")
    agent.wait(lambda: is_open(bed, 1), PATIENCE, "the release")
    checks.that("no element is left", "customer" not in bed.run("hv", ["nft", "list", "table", "netdev", "postern"]).stdout)


def check_numbers(checks, bed, agent):
    """A customer that is known by a port's name, and is not here yet."""
    done = order(agent, "block", "customer:vm101", "--for", "1h")
    checks.that("a customer that is not here can be blocked", done.returncode == 0 and
                "nobody of that customer is here now; whoever comes is held" in done.stdout, done.stdout + done.stderr)
    bed.plug(4, port="tap101i0")
    bed.wait_until_hooked("tap101i0")
    for _ in range(3):
        checks.that("its guest is, when it comes", not is_open(bed, 4))
    checks.that("which is said", any("tap101i0" in e["text"] and "customer:vm101" in e["text"] for e in agent.events("order")),
                agent.events("order"))
    bed.unplug(4)
    bed.plug(4, port="tap101i0")
    bed.wait_until_hooked("tap101i0")
    order(agent, "block", "customer:vm101", "--for", "10s")
    checks.that("a shorter order stands in its place", not is_open(bed, 4))
    agent.wait(lambda: is_open(bed, 4), 40, "the order's end")
    checks.that("and ends by itself", "customer:vm101" not in agent.orders())
    done = order(agent, "release", "customer:vm101")
    checks.that("to release what is over does no harm", done.returncode == 0 and "no order stood" in done.stdout, done.stdout)
    done = order(agent, "block", "customer:vm101", "--for", "500d")
    checks.that("what cannot be says why", done.returncode != 0 and "400d" in done.stderr, done.stderr)


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("customers that are held", lack)
        return checks.close()
    with Testbed("held", guests=3) as bed:
        agent = Agent(bed, "hv")
        agent.configuration = CONFIGURATION.format(os.path.join(agent.directory, "customers"))
        write_map(agent, MAP)
        with agent:
            for part in (check_block, check_asked, check_cut, check_comes_and_goes, check_hardships, check_map, check_members,
                         check_numbers):
                with checks.part(part.__name__):
                    part(checks, bed, agent)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
