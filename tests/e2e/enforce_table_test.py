#!/usr/bin/env python3
"""What the kernel's table does to real connections, in every layout, with resets and without: who is blocked reaches no
mail port by any source, address family or disguise, and everything else goes on."""
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
sys.dont_write_bytecode = True
from check import Checks  # noqa: E402
from testbed import LAYOUTS, MAIL_PORTS, Testbed, missing  # noqa: E402

BUILD = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"))
TOOL = os.path.join(BUILD, "test/e2e/enforce_tool")
SHORT = 0.12  # seconds after which silence is silence, inside one machine
OPEN4, OPEN6 = Testbed.SINKS4[2], Testbed.SINKS6[2]


def build_tool():
    sanitize = ["-fsanitize=address,undefined"] if BUILD.endswith("asan") else []
    variant = ["VARIANT=asan"] if sanitize else []
    archives = [os.path.relpath(f"{BUILD}/lib/lib{name}.a", TOP) for name in ("nft", "common")]
    subprocess.run(["make", "-s", "-C", TOP, *variant, *archives], check=True)
    os.makedirs(os.path.dirname(TOOL), exist_ok=True)
    ready = f"{TOOL}.{os.getpid()}"  # another test may be running the one that is there
    subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-I", TOP, "-g", "-Wall", "-Wextra", "-Werror", *sanitize,
                    "-o", ready, f"{TOP}/tests/e2e/enforce_tool.c", *[os.path.join(TOP, a) for a in archives], "-lmnl"],
                   check=True)
    os.replace(ready, TOOL)


class Part(Checks):
    """The checks of one layout: it stands before their names, as several run side by side."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def that(self, name, condition, seen=None):
        return super().that(f"{self.name}: {name}", condition, seen)


class Table:
    """The table in a bed's hypervisor, or in a host's place."""

    def __init__(self, bed, checks, place="hv", role="hypervisor", options=()):
        self.bed, self.checks, self.place = bed, checks, place
        self.start = [TOOL, role, *options, f"open={OPEN4}", f"open={OPEN6}"]

    def do(self, *words):
        done = self.bed.run(self.place, [*self.start, *words])
        if done.returncode:
            raise RuntimeError(done.stderr)
        return [line.split() for line in done.stdout.splitlines()]

    def packets(self, deed, key):
        return sum(int(row[5]) for row in self.do("list") if row[0] == deed and row[1] == key)


def check_port(bed, table, refused):
    that = table.checks.that
    table.do("block:port=vnet1,60")
    for address in (bed.SINK4, bed.SINK6):
        for port in MAIL_PORTS:
            seen = bed.outcome("vps1", address, port, SHORT)
            that(f"blocked port: no way to {address} port {port}", seen == refused, seen)
        that(f"its port 443 at {address} is open", bed.can_connect("vps1", address, 443))
        that(f"its neighbour mails {address}", bed.can_connect("vps2", address, 25))
    that("an IPv4 source of its own choosing is blocked",
         not bed.can_connect("vps1", bed.SINK4, 25, SHORT, bed.routed4(1, 200)))
    that("a rotated IPv6 source is blocked", not bed.can_connect("vps1", bed.SINK6, 25, SHORT, bed.routed6(1, 0xbeef)))
    that("destinations that stay open are open",
         bed.can_connect("vps1", OPEN4, 25) and bed.can_connect("vps1", OPEN6, 25))
    for address in (bed.address4(1), bed.address6(1)):
        that(f"mail from outside arrives at {address}", bed.can_connect("inet", address, 25))
        that(f"mail from a neighbour arrives at {address}", bed.can_connect("vps2", address, 25))
    that("mail from a client at a mail port's number arrives",
         mail_from_port(bed, "inet", bed.address4(1), bed.SINK4, 2525))
    that("the element has counted", table.packets("block", "port") >= 8)
    table.do("allow:port=vnet1,60")
    that("an allowed sender wins over its block", bed.can_connect("vps1", bed.SINK4, 25))
    table.do("-allow:port=vnet1", "-block:port=vnet1")
    that("a released sender mails", bed.can_connect("vps1", bed.SINK4, 25) and bed.can_connect("vps1", bed.SINK6, 25))


def mail_from_port(bed, place, address, source, port):
    """A greeting comes back to a client that uses that source port."""
    def attempt():
        with socket.socket() as client:
            client.settimeout(1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            client.bind((source, port))
            client.connect((address, 25))
            return client.recv(100).startswith(b"220")
    listeners = bed.run(place, ["ss", "-Hltn", f"sport = {port}"]).stdout
    if listeners:  # the bed's own sink holds the port; an address of its own does not collide with the wildcard
        source = "203.0.113.1" if bed.layout in ("bridged", "pve") else "192.0.2.1"
    try:
        return bed.within(place, attempt)
    except OSError as problem:
        return problem.errno == 98  # the address is in use: not to be tried here


def check_addresses(bed, table):
    that = table.checks.that
    table.do(f"block:4={bed.address4(1)},2")
    that("a blocked IPv4 address is stopped", not bed.can_connect("vps1", bed.SINK4, 25, SHORT))
    that("its IPv6 address is not", bed.can_connect("vps1", bed.SINK6, 25))
    time.sleep(2.1)
    that("the block has ended by itself", bed.can_connect("vps1", bed.SINK4, 25))
    table.do("block:6=2001:db8:f01::,60")
    that("an IPv6 /64 is stopped whole", not any(bed.can_connect("vps1", bed.SINK6, 25, SHORT, bed.routed6(1, host))
                                                 for host in (1, 0x1234)))
    that("another /64 is not", bed.can_connect("vps1", bed.SINK6, 25))
    table.do("-block:6=2001:db8:f01::", f"block:mac={bed.mac(1)},60")
    seen = bed.can_connect("vps1", bed.SINK4, 25, SHORT) or bed.can_connect("vps1", bed.SINK6, 25, SHORT)
    that("a blocked MAC is stopped", not seen)
    that("another MAC is not", bed.can_connect("vps2", bed.SINK4, 25))
    table.do("flush")
    that("after a flush all is open", bed.can_connect("vps1", bed.SINK4, 25))


def check_session(bed, table, refused):
    """A connection that was open before the block."""
    for address, key in ((bed.SINK4, "port=vnet1"), (bed.SINK4, f"4={bed.address4(1)}"), (bed.SINK6, "port=vnet1")):
        with bed.connect("vps1", address, 25) as session:
            session.recv(200)
            table.do(f"block:{key},60")
            try:
                session.sendall(b"NOOP\r\n")
                session.settimeout(2 * SHORT)
                seen = session.recv(200) or "closed"
            except ConnectionResetError:
                seen = "reset"
            except TimeoutError:
                seen = "silent"
        table.checks.that(f"an open session to {address} is cut by {key}", seen == refused, seen)
        table.do("flush")


def check_throttle(bed, table):
    that = table.checks.that
    table.do("throttle:port=vnet1,60,2", "throttle:port=vnet2,60,4", "throttle:port=vnet3,60,120")
    with bed.connect("vps1", bed.SINK4, 25) as session:
        session.recv(200)
        opened = [sum(bed.can_connect(f"vps{k}", bed.SINK4, 25, SHORT) for _ in range(7)) for k in (1, 2)]
        that("two customers have two rates", opened == [1, 4], opened)  # the first of the two is the session
        session.sendall(b"NOOP\r\n")
        that("an open session of a throttled sender goes on", session.recv(200).startswith(b"250"))
    that("what stays open is not counted", bed.can_connect("vps1", OPEN4, 25))
    that("a throttled sender's port 443 is open", bed.can_connect("vps1", bed.SINK4, 443))
    for _ in range(8):
        bed.can_connect("vps3", bed.SINK6, 25, 0.05)
    that("beyond the burst is silence", bed.outcome("vps3", bed.SINK6, 25, SHORT) == "silent")
    time.sleep(1.2)
    that("with time there is room again", bed.can_connect("vps3", bed.SINK6, 25, SHORT))
    that("the elements have counted what was dropped", table.packets("throttle", "port") >= 9)
    rows = {row[2]: row[4] for row in table.do("list") if row[0] == "throttle"}
    that("each lists its own rate", rows == {"vnet1": "2", "vnet2": "4", "vnet3": "120"}, rows)
    table.do("flush", f"throttle:4={bed.address4(1)},60,1")
    opened = [bed.can_connect("vps1", bed.SINK4, 25, SHORT) for _ in range(3)]
    that("a throttled address", opened == [True, False, False], opened)
    table.do("flush")


def check_divert(bed, table):
    table.do("divert:port=vnet1,60")
    table.checks.that("a diverted sender mails, without a relay", bed.can_connect("vps1", bed.SINK4, 25))
    table.checks.that("and is counted", table.packets("divert", "port") > 0)
    table.do("flush")


def check_replacement(bed, table, checks):
    """The table is made anew, by another plan each time, while a blocked sender tries all the while."""
    outcomes, stop = [], threading.Event()

    def attempt():
        while not stop.is_set():
            outcomes.append(bed.outcome("vps1", bed.SINK4, 25, 0.05))

    table.do("block:port=vnet1,60")
    trying = threading.Thread(target=attempt)
    trying.start()
    for number in range(30):
        Table(bed, checks, options=[f"open=192.0.2.{number}"]).do()
    stop.set()
    trying.join()
    checks.that(f"none of {len(outcomes)} attempts slips through thirty replacements",
                len(outcomes) > 30 and "open" not in outcomes)
    handle = bed.run("hv", "nft -a list table netdev postern | head -1").stdout
    Table(bed, checks, options=["open=192.0.2.29"]).do()
    checks.that("the same plan again changes nothing",
                bed.run("hv", "nft -a list table netdev postern | head -1").stdout == handle, handle)
    table.do("flush")


# Disguises: frames made by hand

def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn(source, destination, family, sequence):
    """A TCP SYN from port 40404 to port 25; the sequence number is what it is known again by."""
    head = struct.pack("!HHIIBBHHH", 40404, 25, sequence, 0, 5 << 4, 2, 64240, 0, 0)
    addresses = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
    pseudo = addresses + (struct.pack("!BBH", 0, 6, len(head)) if family == socket.AF_INET
                          else struct.pack("!IHBB", len(head), 0, 0, 6))
    return head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]


def ipv4(source, destination, payload):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 7, 0, 64, 6, 0)
    head += socket.inet_aton(source) + socket.inet_aton(destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(source, destination, next_header, payload):
    return (struct.pack("!IHBB", 6 << 28, len(payload), next_header, 64) + socket.inet_pton(socket.AF_INET6, source)
            + socket.inet_pton(socket.AF_INET6, destination) + payload)


def passes(bed, frame_body, marker):
    """Whether a frame of guest 1 with that body (from the EtherType on) is seen outside."""
    def listener():
        watch = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        watch.bind(("eth0", 0))
        watch.settimeout(SHORT)
        return watch

    def send():
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
            raw.bind(("eth0", 0))
            raw.send(router + bytes.fromhex(bed.mac(1).replace(":", "")) + frame_body)

    gateway = "203.0.113.1"
    bed.can_connect("vps1", bed.SINK4, 443)
    words = bed.run("vps1", ["ip", "neigh", "show", gateway]).stdout.split()
    router = bytes.fromhex(words[words.index("lladdr") + 1].replace(":", ""))
    with bed.within("inet", listener) as watch:
        bed.within("vps1", send)
        try:
            while True:
                if marker in watch.recv(65536):
                    return True
        except TimeoutError:
            return False


def disguises(bed):
    """(name, frame from the EtherType on, what it is known by)"""
    a4, a6 = bed.address4(1), bed.address6(1)
    plain = ipv4(a4, bed.SINK4, syn(a4, bed.SINK4, socket.AF_INET, 0x50f70001))
    yield "plain", b"\x08\x00" + plain, b"\x50\xf7\x00\x01"
    for number, outer, inner in ((2, "8100", "8100"), (3, "88a8", "8100"), (4, "8100", "88a8")):
        body = ipv4(a4, bed.SINK4, syn(a4, bed.SINK4, socket.AF_INET, 0x50f70000 + number))
        yield (f"tags {outer} {inner}", bytes.fromhex(outer + "0000" + inner + "0000" + "0800") + body,
               struct.pack("!I", 0x50f70000 + number))
    three = ipv4(a4, bed.SINK4, syn(a4, bed.SINK4, socket.AF_INET, 0x50f70005))
    yield "three tags", bytes.fromhex("8100000081000000810000000800") + three, b"\x50\xf7\x00\x05"
    one = ipv4(a4, bed.SINK4, syn(a4, bed.SINK4, socket.AF_INET, 0x50f70006))
    yield "one tag", bytes.fromhex("810000000800") + one, b"\x50\xf7\x00\x06"
    segment = syn(a6, bed.SINK6, socket.AF_INET6, 0x50f70007)
    for name, header, body in (("hop-by-hop options", 0, bytes([6, 0, 1, 4, 0, 0, 0, 0]) + segment),
                               ("destination options", 60, bytes([6, 0, 1, 4, 0, 0, 0, 0]) + segment),
                               ("atomic fragment", 44, struct.pack("!BBHI", 6, 0, 0, 0x77) + segment)):
        yield name, b"\x86\xdd" + ipv6(a6, bed.SINK6, header, body), b"\x50\xf7\x00\x07"
    hidden = bytes([6, 0, 1, 4, 0, 0, 0, 0])  # the ports come in the second fragment
    for name, offset, body in (("first fragment without ports", 1, hidden), ("second fragment", 8 | 0, segment)):
        fragment = struct.pack("!BBHI", 60, 0, offset, 0x50f70008)
        yield name, b"\x86\xdd" + ipv6(a6, bed.SINK6, 44, fragment + body), b"\x50\xf7\x00\x08"


def check_disguises(bed, table):
    known = {name for name, frame, marker in disguises(bed) if passes(bed, frame, marker)}
    table.checks.that("unblocked, at least the plain one is seen outside", "plain" in known, known)
    table.do("block:port=vnet1,60")
    for name, frame, marker in disguises(bed):
        table.checks.that(f"disguise: {name}" + ("" if name in known else " (goes nowhere here)"),
                          not passes(bed, frame, marker))
    udp = struct.pack("!HHHH", 5353, 53, 8, 0)
    fragment = struct.pack("!BBHI", 17, 0, 1, 0x50f70009)
    table.checks.that("a fragment of UDP passes", passes(
        bed, b"\x86\xdd" + ipv6(bed.address6(1), bed.SINK6, 44, fragment + udp), b"\x50\xf7\x00\x09"))
    table.do("flush")


def check_layout(checks, layout, reject):
    refused = "reset" if reject else "silent"
    with Testbed(f"table-{layout}-{refused}", layout) as bed:
        table = Table(bed, checks, options=[] if reject else ["drop"])
        table.do("uplink=uplink0", *(f"port={port}" for port in bed.ports))
        bed.sink("vps1", 25)
        checks.that("before: all is open", all(bed.can_connect(f"vps{k}", a, p) for k in bed.guests
                                               for a in (bed.SINK4, bed.SINK6) for p in MAIL_PORTS))
        check_port(bed, table, refused)
        check_addresses(bed, table)
        check_session(bed, table, refused)
        if reject:
            check_throttle(bed, table)
            check_divert(bed, table)
            check_replacement(bed, table, checks)
        check_disguises(bed, table)
        table.do("block:port=vnet1,60", "remove")
        checks.that("without the table all is open", bed.can_connect("vps1", bed.SINK4, 25))


def check_host(checks, reject):
    """A machine of its own: who is blocked is a user or the machine's own address."""
    def by_user(user, address, port):
        program = ("import os,socket\n"
                   "'a'.encode('idna')\n"  # what Python loads late may be out of that user's reach
                   f"os.setuid({user})\n"
                   "try:\n"
                   f"    socket.create_connection(('{address}',{port}),{SHORT}).close(); print('open')\n"
                   "except ConnectionError: print('reset')\n"
                   "except OSError: print('silent')\n")
        return bed.run("vps1", [sys.executable, "-ISc", program]).stdout.strip()

    refused = "reset" if reject else "silent"
    with Testbed(f"table-host-{refused}", "bridged", guests=1) as bed:
        table = Table(bed, checks, "vps1", "host", [] if reject else ["drop"])
        bed.sink("vps1", 25)
        table.do("block:uid=1001,60", "throttle:uid=1002,60,1")
        for address in (bed.SINK4, bed.SINK6, "127.0.0.1"):
            seen = by_user(1001, address, 25)
            checks.that(f"a blocked user has no way to {address}", seen == refused, seen)
        checks.that("its port 443 is open", by_user(1001, bed.SINK4, 443) == "open")
        checks.that("another user mails", by_user(1003, bed.SINK4, 25) == "open")
        seen = [by_user(1002, bed.SINK4, 25) for _ in range(3)]
        checks.that("a throttled user", seen == ["open", "silent", "silent"], seen)
        table.do("flush", f"block:4={bed.address4(1)},60", "block:6=2001:db8:1::,60")
        checks.that("a blocked machine is stopped", bed.outcome("vps1", bed.SINK4, 25, SHORT) == refused
                    and bed.outcome("vps1", bed.SINK6, 25, SHORT) == refused)
        checks.that("mail from outside arrives at it", bed.can_connect("inet", bed.address4(1), 25)
                    and bed.can_connect("inet", bed.address6(1), 25))
        checks.that("what it says to itself goes on", bed.can_connect("vps1", bed.address4(1), 25))
        table.do("allow:uid=1003,60")
        checks.that("an allowed user of a blocked machine mails", by_user(1003, bed.SINK4, 25) == "open")


def check_part(task):
    layout, reject = task
    part = Part(f"{layout}, {'with' if reject else 'without'} resets")
    with part.part(part.name):
        if layout == "host":
            check_host(part, reject)
        else:
            check_layout(part, layout, reject)
    return part


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("the kernel's table", lack)
        return checks.close()
    build_tool()
    with ThreadPoolExecutor(4) as pool:  # they wait more than they work
        for part in pool.map(check_part, [(layout, reject) for reject in (True, False) for layout in (*LAYOUTS, "host")]):
            checks.passed += part.passed
            checks.failed += part.failed
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
