#!/usr/bin/env python3
"""A collector under the real protocol: records a second over HTTP, packed as agents pack them, from several nodes at once;
and the memory that it takes while many agents hold a connection each and wait for orders. The goal: 1,000 idle agents in
100 MB. They all come from loopback, without TLS.

    agents_bench.py [--agents N] [--batches N]
"""
import argparse
import concurrent.futures
import http.client
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests/testbed")]
from collector import Collector, Node  # noqa: E402

SENDERS = 4  # nodes that deliver at once
BATCH = 1000
AIM = 100e6


def memory(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))


def record(number):
    return {"record": "traffic" if number % 2 else "evidence", "time": f"2026-11-26T00:{number // 1000 % 60:02d}:00Z",
            "sender": f"198.51.100.{number % 50}", "customer": "c1", "connections": number % 7, "connect_failed": 0,
            "messages": number % 11, "messages_rejected": 1, "recipients": 3, "recipients_rejected": 0,
            "recipients_deferred": 0, "bytes": 123456}


def pack(node, batches):
    """Made before the clock runs: what agents do is not measured."""
    bodies = []
    for _ in range(batches):
        plain = node.batch([record(node.delivered + i) for i in range(BATCH)])
        bodies.append(subprocess.run(["zstd", "-c"], input=plain.encode(), capture_output=True, check=True).stdout)
        node.delivered += BATCH
    return bodies


def deliver(centre, node, bodies):
    link = centre.connect(60)
    for body in bodies:
        status, answer = centre.ask("POST", "/v1/records", node.secret, body, {"Content-Encoding": "zstd"}, link)
        if status != 200:
            raise SystemExit(f"a batch was refused: {status} {answer}")
    link.close()


def load(centre, batches):
    nodes = [Node(centre, f"hv{i}") for i in range(SENDERS)]
    bodies = [pack(node, batches) for node in nodes]
    begun = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(deliver, [centre] * SENDERS, nodes, bodies))
    spent = time.monotonic() - begun
    records = SENDERS * batches * BATCH
    print(f"  {records:,} records over HTTP from {SENDERS} nodes: {records / spent:,.0f} records/s", flush=True)


def idle(centre, agents):
    admin = centre.person("root", "admin")
    before = memory(centre.process.pid)
    links = []
    for number in range(agents):
        token = centre.ask("POST", "/v1/tokens", admin, {"name": f"idle{number}"})[1]["token"]
        node = Node(centre, f"idle{number}", token)
        link = http.client.HTTPConnection("127.0.0.1", centre.port, timeout=90)
        link.request("GET", "/v1/directives?after=0&wait=60", headers={"Authorization": f"Bearer {node.secret}"})
        links.append(link)
    time.sleep(1)
    with_them = memory(centre.process.pid)
    page = centre.ask("GET", "/metrics", centre.person("anna", "read"))[1]
    waiting = int(re.search(r"^postern_collector_requests_waiting (\d+)", page, re.M).group(1))
    for link in links:
        link.close()
    print(f"  {waiting:,} of {agents:,} idle agents wait: {with_them / 1e6:.1f} MB in all, {(with_them - before) / agents / 1e3:.1f} kB each, aim "
          f"{AIM / 1e6:.0f} MB: {'reached' if with_them <= AIM else 'missed'}", flush=True)
    return with_them <= AIM and waiting == agents


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--batches", type=int, default=25, help="of a thousand records, for each node that delivers")
    arguments, _ = parser.parse_known_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="agents_bench.") as folder:
        centre = Collector(folder, f"connections = {2 * arguments.agents + 100}\n"
                                   f"connections_per_address = {2 * arguments.agents + 100}\n")
        good = True
        for part in (lambda: idle(centre, arguments.agents), lambda: load(centre, arguments.batches)):
            centre.start()
            try:
                good &= part() is not False
            finally:
                centre.stop()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
