#!/usr/bin/env python3
"""What several collectors on one PostgreSQL do: how long an order takes from a person's click to the last of a thousand
nodes that wait, spread over three collectors behind HAProxy (the aim: 2 s); and how many records a second one, two and
three collectors store, beside the bare limit: COPY of the same rows into the same table by one and by three clients.

Nodes, collectors, HAProxy and PostgreSQL share this machine's processors, so more collectors bring no more of those; what
the figures show is that they do not get in each other's way.

    fleet_bench.py [--nodes N] [--orders N] [--seconds N]
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests/testbed")]
from balanced import FIRST, FRONT, HAPROXY, Balancer, Load, collectors, tokens  # noqa: E402
from collector import Collector  # noqa: E402
from postgresql import Postgresql  # noqa: E402

POSTERN = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern")
AIM = 2.0
BATCH, SENDERS = 500, 24  # records in a batch; nodes that deliver without a pause
SERVER = ("shared_buffers=256MB", "max_wal_size=4GB", "wal_compression=on")


def click(front, person, number):
    body = {"order": "block", "sender": f"10.9.{number >> 8}.{number & 255}", "node": None, "for": "1h", "reason": "bench"}
    status, answer = front.ask("POST", "/v1/orders", person, body)
    assert status == 201, answer


def by_command(person, number):
    subprocess.run([POSTERN, "block", f"10.9.{number >> 8}.{number & 255}", "--for", "1h", "--reason", "bench", "--everywhere"], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, "POSTERN_COLLECTOR": f"http://127.0.0.1:{FRONT}", "POSTERN_KEY": person})


def measure(load, nodes, give, number):
    """(to half of the nodes, to the last), in seconds."""
    before = load.until(lambda state: state["waiting"] == nodes, 60)
    begun = time.monotonic()
    give(number)
    after = load.until(lambda state: state["revision"] > before["revision"] and state["nodes"] == nodes, 30)
    if not after:
        raise RuntimeError(f"not all nodes have it: {load.state()}")
    return after["half"] - begun, after["last"] - begun


def latency(folder, database, nodes, orders):
    fleet = [c.start() for c in collectors(folder, 3, database)]
    front = Collector.__new__(Collector)
    front.port, front.tls = FRONT, None
    person, good = fleet[0].person("bench", "order,read"), True
    with Balancer(folder, [c.port for c in fleet]):
        load = Load(folder, [f"127.0.0.1:{FRONT}"], tokens(database, nodes), every=-1, batch=1, wait=60)
        try:
            if not load.until(lambda state: state["waiting"] == nodes, 120):
                raise RuntimeError(f"not all nodes wait: {load.state()}")
            for name, give in (("POST /v1/orders", lambda number: click(front, person, number)), ("postern block", lambda number: by_command(person, number))):
                times = [measure(load, nodes, give, number) for number in range(orders)]
                last = max(last for _, last in times)
                good = good and last <= AIM
                print(f"{name:16} {nodes} nodes at 3 collectors, {orders} orders: half of the nodes in {statistics.median(half for half, _ in times):.2f} s (median), "
                      f"the last in {statistics.median(last for _, last in times):.2f} s (median), {last:.2f} s (worst); aim {AIM:.0f} s")
        finally:
            load.close()
            for c in fleet:
                c.stop()
    return good


def records_a_second(folder, database, count, seconds):
    fleet = [c.start() for c in collectors(folder, count, database)]
    load = Load(folder, [f"127.0.0.1:{FIRST + i}" for i in range(count)], tokens(database, SENDERS), every=0, batch=BATCH, wait=0)
    try:
        first = load.until(lambda state: state["delivered"] > SENDERS * BATCH * 2, 60)
        time.sleep(seconds)
        last = load.state()
        return (last["delivered"] - first["delivered"]) / (last["time"] - first["time"])
    finally:
        load.close()
        for c in fleet:
            c.stop()


def bare_script(path, client, batches):
    """The rows as a collector would write them, a batch a transaction."""
    columns = "node, life, sequence, received, time, kind, sender, customer, line"
    now = time.time_ns()
    with open(path, "w", encoding="utf-8") as file:
        for batch in range(batches):
            node = client * SENDERS + batch % SENDERS + 1
            file.write(f"COPY bare ({columns}) FROM STDIN;\n")
            for i in range(BATCH):
                sequence = batch // SENDERS * BATCH + i + 1
                sender = f"10.0.{node}.{sequence % 250}"
                line = json.dumps({"record": "event", "time": "2026-11-26T00:00:00Z", "sender": sender, "text": "a record of some length, as those of nodes are", "mine": node, "n": sequence}, separators=(",", ":"))
                file.write(f"{node}\t{node}\t{sequence}\t{now + batch}\t{now}\tevent\t{sender}\t\t{line}\n")
            file.write("\\.\n")


def bare(folder, database, clients, batches):
    database.ask("DROP TABLE IF EXISTS bare; CREATE TABLE bare (LIKE records INCLUDING ALL)")
    paths = [os.path.join(folder, f"bare{i}.sql") for i in range(clients)]
    for i, path in enumerate(paths):
        bare_script(path, i, batches)
    begun = time.monotonic()
    running = [subprocess.Popen([os.path.join(database.programs, "psql"), "-Xqh", database.folder, "-U", "postgres", "-d", "postern", "-v", "ON_ERROR_STOP=1", "-f", path])
               for path in paths]
    assert all(process.wait() == 0 for process in running)
    return clients * batches * BATCH / (time.monotonic() - begun)


def throughput(database, seconds):
    with tempfile.TemporaryDirectory() as folder:
        limits = {clients: bare(folder, database, clients, 240) for clients in (1, 3)}
    for clients, speed in limits.items():
        print(f"COPY by {clients} client{'s' * (clients > 1)}, {BATCH} rows a transaction: {speed:,.0f} records/s")
    for count in (1, 2, 3):
        with tempfile.TemporaryDirectory() as folder:
            speed = records_a_second(folder, database, count, seconds)
        print(f"{count} collector{'s' * (count > 1)}: {speed:,.0f} records/s, {speed / limits[1]:.2f} of one client's COPY, {speed / limits[3]:.2f} of three's")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--orders", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=8)
    given = parser.parse_args()
    if not os.path.exists(HAPROXY):
        print("HAProxy is not installed: left out")
        return 0
    print(f"nodes, collectors, HAProxy and PostgreSQL share {os.cpu_count()} processors")
    with Postgresql(settings=SERVER) as database, tempfile.TemporaryDirectory() as folder:
        good = latency(folder, database, given.nodes, given.orders)
        throughput(database, given.seconds)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
