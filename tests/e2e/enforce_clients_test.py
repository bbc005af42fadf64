#!/usr/bin/env python3
"""Real mail servers as customers: Postfix, Exim and OpenSMTPD deliver over IPv4 and IPv6; blocked, they do not, while
the neighbour does; released, they do again."""
import os
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
sys.dont_write_bytecode = True
from check import Checks  # noqa: E402
from enforce_table_test import Table, build_tool  # noqa: E402
from testbed import Testbed, TestbedError, missing  # noqa: E402

CLIENTS = ("postfix", "exim", "opensmtpd")


def check_client(checks, bed, table, name):
    try:
        send = bed.mta(name)
    except TestbedError as lack:
        checks.skip(name, lack)
        return

    def mail(place, server, subject):
        return send(place, server, 25, "anna@firm.test", "ben@other.test",
                    f"From: anna@firm.test\nTo: ben@other.test\nSubject: {subject}\n\nHello.\n")

    def arrived(subject):
        for _ in range(20):
            if sum(f"Subject: {subject}\n" in text for text in bed.mail()) == 1:
                return True
            time.sleep(0.05)
        return False

    for server in (bed.SINK4, bed.SINK6):
        subject = f"{name} {server}"
        checks.that(f"{name} delivers to {server}", mail("vps1", server, subject) and arrived(subject))
    table.do("block:port=vnet1,60")
    for server in (bed.SINK4, bed.SINK6):
        subject = f"{name} {server} blocked"
        checks.that(f"{name} blocked: nothing goes to {server}",
                    not mail("vps1", server, subject) and subject not in "".join(bed.mail()))
    checks.that(f"{name} at its neighbour delivers", mail("vps2", bed.SINK4, f"{name} neighbour"))
    table.do("flush")
    checks.that(f"{name} released delivers", mail("vps1", bed.SINK4, f"{name} released"))


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("real mail servers", lack)
        return checks.close()
    build_tool()
    with Testbed("clients", "bridged", guests=2, keep_mail=True) as bed:
        table = Table(bed, checks)
        table.do("uplink=uplink0", *(f"port={port}" for port in bed.ports))
        for name in CLIENTS:
            with checks.part(name):
                check_client(checks, bed, table, name)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
