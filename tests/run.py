#!/usr/bin/env python3
"""Run every test that stands in the tree and close with one line: N passed, N failed, N skipped.

A test is a program. Unit tests are cmocka's and are counted one by one; everything else prints a closing line of its
own, "N passed, N failed[, N skipped]", and is counted by it. What a program prints is kept in build/log/ and shown
where it failed. `tests/run.py WORD...` runs only those whose name holds one of the words.

One more runs at once than there are processors, each Python test as if on a machine of its own: with namespaces for its
links, ports and mounts that end with it. Those that say ALONE = True run one after the other, at the end: they need the
processors for themselves. Those that say WAITS = True sleep most of the time, for real clocks to go on: one of them runs
at a time, so that the processors have something to do beside it. Python tests run with both builds, but for those that
say ONCE = True: they take long and run under the sanitizers alone, unless POSTERN_EVERYTHING is set, as `make soak`
does."""
import collections
import glob
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIMIT = int(os.environ.get("POSTERN_LIMIT", "600"))  # seconds that one program may take
EVERYTHING = bool(os.environ.get("POSTERN_EVERYTHING"))  # what runs once elsewhere runs plainly as well
# What `ip netns exec` does as well: links are looked up in /sys by those who have new ones.
OF_ITS_OWN = ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-ec",
              "mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && mount -t sysfs sysfs /sys && ip link set lo up"
              ' && exec "$0"']
CLOSING = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)


def discover():
    """(name, command, environment, which lane: "beside", "waits", "alone")"""
    for build in ("build", "build/asan"):
        for path in sorted(glob.glob(f"{build}/test/**/*_test", recursive=True)):
            yield path, [path], {}, "beside"
    for path in sorted(glob.glob("build/fuzz/*_fuzz")):
        name = os.path.basename(path)[: -len("_fuzz")]
        seeds = f"tests/fuzz/seeds/{name}"
        yield path, [path, "-runs=0"] + ([seeds] if os.path.isdir(seeds) else []), {}, "beside"
    for path in sorted(glob.glob("tests/check/*.sh")):
        yield path, [path], {}, "beside"
    for path in sorted(glob.glob("tests/golden/*_test.py") + glob.glob("tests/e2e/*_test.py")):
        with open(path) as file:
            text = file.read()
        lane = "alone" if "\nALONE = True\n" in text else "waits" if "\nWAITS = True\n" in text else "beside"
        once = "\nONCE = True\n" in text and not EVERYTHING
        for build in ("build/asan",) if once else ("build/asan", "build"):  # the slower first: none is left over at the end
            yield f"{path} ({build})", OF_ITS_OWN + [path], {"POSTERN_BUILD": build}, lane


def counts(name, status, output):
    """What a program's output says of passed, failed and skipped tests; its exit status has the last word."""
    if "/test/" in name:
        passed = len(re.findall(r"^\[       OK \]", output, re.M))
        failed = len(re.findall(r"^\[  FAILED  \] (?!\d+ test)", output, re.M)) // 2 or 0
        skipped = len(re.findall(r"^\[  SKIPPED \] (?!\d+ test)", output, re.M)) // 2
        if status and not failed:
            failed = 1
    elif name.endswith("_fuzz"):
        passed, failed, skipped = (0, 1, 0) if status else (1, 0, 0)
    else:
        closing = CLOSING.findall(output)
        passed, failed, skipped = (int(n or 0) for n in closing[-1]) if closing else (0, 1, 0)
        if status and not failed:
            failed = 1
    if not status and passed + failed + skipped == 0:
        failed = 1  # a program that ran no test is no test
    return passed, failed, skipped


def run(test):
    name, command, environment, _ = test
    log = os.path.join("build/log", re.sub(r"[^\w.-]+", "_", name) + ".log")
    begun = time.monotonic()
    with open(log, "wb") as file:
        try:
            status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                                    timeout=LIMIT, env={**os.environ, "NO_COLOR": "1", **environment}).returncode
        except subprocess.TimeoutExpired:
            file.write(f"\nended after {LIMIT} s\n".encode())
            status = 124
        except OSError as error:
            file.write(f"\n{error}\n".encode())
            status = 126
    with open(log, errors="replace") as file:
        output = file.read()
    passed, failed, skipped = counts(name, status, output)
    word = "FAIL" if failed else "skip" if skipped and not passed else "ok"
    print(f"{word:4}  {name}: {passed} passed" + (f", {failed} failed" if failed else "")
          + (f", {skipped} skipped" if skipped else "") + f"  ({time.monotonic() - begun:.1f} s)", flush=True)
    if failed:
        lines = output.splitlines()
        shown = [line for line in lines[:-40] if line.startswith("FAIL")] + lines[-40:]
        print("\n".join("      | " + line[:2000] for line in shown), flush=True)
    return passed, failed, skipped


def run_lane(lanes, own):
    """The lane's tests, then what is left of those that may run beside others."""
    found = []
    while lane := lanes[own] or lanes["beside"]:
        try:
            test = lane.popleft()
        except IndexError:  # somebody else has taken the last
            continue
        found.append(run(test))
    return found


def main():
    os.chdir(TOP)
    os.makedirs("build/log", exist_ok=True)
    words = sys.argv[1:]
    tests = [t for t in discover() if not words or any(w in t[0] for w in words)]
    lanes = {lane: collections.deque(t for t in tests if t[3] == lane) for lane in ("beside", "waits", "alone")}
    # The long ones first.
    lanes["beside"] = collections.deque(sorted(lanes["beside"], key=lambda t: (not t[0].endswith(")"), "asan" not in t[0])))
    workers = ["beside"] * (os.cpu_count() or 1) + ["waits"]
    with ThreadPoolExecutor(len(workers)) as pool:
        results = [result for found in pool.map(lambda lane: run_lane(lanes, lane), workers) for result in found]
    results += [run(t) for t in lanes["alone"]]
    passed, failed, skipped = (sum(column) for column in zip(*results)) if results else (0, 1, 0)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
