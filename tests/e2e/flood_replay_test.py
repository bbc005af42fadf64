#!/usr/bin/env python3
"""A minute in which one sender opens 8,000 connections a second and forty others carry on, replayed: every connection and
message is counted for whom it belongs to, the flooder alone is judged, memory stays in its bound. Once from one address,
once from a new address of an IPv6 /64 each time."""
import json
import os
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests/e2e")]
from agent import BUILD  # noqa: E402
from check import Checks  # noqa: E402

SANITIZED = "asan" in BUILD
TRACE = os.path.join(BUILD, "test/e2e/flood_trace")
AGENT = os.path.join(BUILD, "postern-agent")
SECONDS = 60
STREAMS, STREAM = 1 << 20, 512  # replay follows so many connections at once, each of at most so many bytes
SENDER = 16384  # of a sender with its sketches
BESIDES = 24 << 20  # the program, its libraries, bytes out of order, the windows through which captures are read
FLOODER = {4: "198.18.0.1", 6: "2001:db8:bad::/64"}


def build_trace():
    os.makedirs(os.path.dirname(TRACE), exist_ok=True)
    subprocess.run([os.environ.get("CC", "cc"), "-std=c17", "-D_GNU_SOURCE", f"-I{TOP}", "-O2", "-o", TRACE,
                    f"{TOP}/tests/bench/flood_trace.c"], check=True)


def bound(made):
    """What a watcher of this trace may need: it forgets what is over, and everyone who was seen is remembered."""
    lasting = made["flood"] - made["answered"] + made["answered"] // 2  # half of those answered are reset
    return min(lasting, STREAMS) * STREAM + (len(made["messages"]) + 1) * SENDER + BESIDES


def replay(family):
    """What the trace holds, replay's records, its most memory in bytes, its exit status."""
    with tempfile.TemporaryFile() as made, tempfile.TemporaryFile() as records:
        trace = subprocess.Popen([TRACE, str(family), str(SECONDS)], stdout=subprocess.PIPE, stderr=made)
        judge = subprocess.Popen([AGENT, "replay", "--json", "-"], stdin=trace.stdout, stdout=records)
        trace.stdout.close()
        _, status, usage = os.wait4(judge.pid, 0)
        judge.returncode = os.waitstatus_to_exitcode(status)
        trace.wait()
        made.seek(0)
        records.seek(0)
        return json.loads(made.read()), [json.loads(line) for line in records], usage.ru_maxrss * 1024, judge.returncode


def check_family(checks, family):
    begun = time.monotonic()
    made, records, memory, status = replay(family)
    flooder = FLOODER[family]
    print(f"      {time.monotonic() - begun:.1f} s, {memory >> 20} MB at most, {bound(made) >> 20} MB allowed", flush=True)
    checks.that(f"{flooder}: replay is done", status == 0, status)
    senders = {r["sender"]: r for r in records if r["record"] == "sender"}
    judged = {r["sender"] for r in records if r["record"] == "verdict"}
    checks.that(f"{flooder}: it alone is judged", judged == {flooder}, judged)
    checks.that(f"{flooder}: it is blocked", senders[flooder]["worst_verdict"] == "block", senders[flooder])
    checks.that(f"{flooder}: its connections are counted, answered or not",
                (senders[flooder]["connections"], senders[flooder]["connect_failed"])
                == (made["answered"], made["flood"] - made["answered"]), (senders[flooder], made))
    others = [senders.get(f"198.18.1.{n + 1}", {}) for n in range(len(made["messages"]))]
    checks.that(f"{flooder}: the others are as many as there were", len(senders) == len(others) + 1, senders.keys())
    checks.that(f"{flooder}: each message of the others is counted",
                [o.get("messages") for o in others] == made["messages"] == [o.get("connections") for o in others]
                and not any(o["connect_failed"] for o in others), [o.get("messages") for o in others])
    checks.that(f"{flooder}: nothing is held against them", all(o["score"] == 0 for o in others), others)
    if not SANITIZED:
        checks.that(f"{flooder}: memory stays in its bound", memory < bound(made), (memory, bound(made)))


def main():
    checks = Checks()
    build_trace()
    for family in (4, 6):
        with checks.part(f"IPv{family}"):
            check_family(checks, family)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
