#!/usr/bin/env python3
"""How many records a second the collector's store takes, in SQLite and in PostgreSQL, beside the bare engine with the
same rows, tables, indexes and transactions, turn by turn in one run; how long people wait for an answer over the store of
a big fleet; and what the reckoning of an hour costs. The goals: at least half of the bare engine's speed, and a tenth of
the hour at most.

    store_bench.py [--records N] [--nodes N] [--days N] [--bodies N]
"""
import argparse
import contextlib
import glob
import os
import pwd
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "bench")
ROUNDS = 5
AIM = 0.5
RECKONING = 0.1  # of an hour, for what nodes say within it


@contextlib.contextmanager
def postgresql():
    """A server of our own in a folder of its own, as it comes, reached by a socket in there; None: none is installed."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not found:
        yield None
        return
    folder = tempfile.mkdtemp(prefix="store_bench.")
    user = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    if user:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, user["group"])
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **user}
    subprocess.run([f"{found[-1]}/initdb", "-D", f"{folder}/data", "-U", "postgres", "--auth=trust", "--locale=C",
                    "--encoding=UTF8"], check=True, **quiet)
    server = subprocess.Popen([f"{found[-1]}/postgres", "-D", f"{folder}/data", "-k", folder, "-c", "listen_addresses="],
                              **quiet)
    try:
        names = iter(range(1000))

        def database():
            name = f"bench{next(names)}"
            subprocess.run([f"{found[-1]}/psql", "-h", folder, "-U", "postgres", "-qc", f"CREATE DATABASE {name}"],
                           check=True, **quiet)
            return f"postgresql:///{name}?host={folder}&user=postgres"

        subprocess.run(["sh", "-c", f"for i in $(seq 100); do {found[-1]}/pg_isready -qh {folder} && exit; sleep 0.1; done; "
                                    "exit 1"], check=True, **quiet)
        yield database
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def measure(how, where, records):
    done = subprocess.run([os.path.join(PROGRAMS, "store_speed"), how, where, str(records)], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise SystemExit(f"store_speed {how} {where}: {done.stderr.strip()}")
    count, spent = map(int, done.stdout.split())
    return count / spent * 1e9


def compare(name, place, records):
    speeds = {"store": [], "bare": []}
    for turn in range(ROUNDS):
        for how in ("store", "bare") if turn % 2 else ("bare", "store"):
            with place() as where:
                speeds[how].append(measure(how, where, records))
    ratio = statistics.median(ours / bare for ours, bare in zip(speeds["store"], speeds["bare"]))
    print(f"  {name:<11} {statistics.median(speeds['store']):>9,.0f} records/s, bare "
          f"{statistics.median(speeds['bare']):>9,.0f}: {ratio:.2f} of it (median of {ROUNDS} turns), aim {AIM}: "
          f"{'reached' if ratio >= AIM else 'missed'}", flush=True)
    return ratio >= AIM


@contextlib.contextmanager
def sqlite_place():
    with tempfile.TemporaryDirectory(prefix="store_bench.") as folder:
        yield f"sqlite:{folder}/store.db"


def year(name, where, nodes, days):
    """Fill a store and ask it: the program prints its figures itself."""
    print(f"  {name}, {nodes:,} nodes of 50 senders:", flush=True)
    return subprocess.run([os.path.join(PROGRAMS, "store_year"), where, str(nodes), str(days)], check=False).returncode == 0


def reckon(name, where, nodes, bodies):
    """An hour of what nodes say to be put together; the program prints its figures itself."""
    print(f"  {name}, the reckoning:", flush=True)
    done = subprocess.run([os.path.join(PROGRAMS, "reckon_speed"), where, str(nodes), str(bodies)], stdout=subprocess.PIPE, text=True,
                          check=False)
    print(done.stdout, end="", flush=True)
    spent = re.search(r"([0-9.]+) s of reckoning", done.stdout)
    good = done.returncode == 0 and spent and float(spent[1]) <= RECKONING * 3600
    print(f"    aim: a tenth of the hour at most: {'reached' if good else 'missed'}", flush=True)
    return bool(good)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=200000)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--days", type=int, default=30, help="of days and of hours (a tenth of it) in the filled store")
    parser.add_argument("--only", choices=["speed", "year", "reckon"])
    parser.add_argument("--bodies", type=int, default=20000, help="that nodes tell of in an hour, with as many points")
    arguments, _ = parser.parse_known_args()
    good = True
    with postgresql() as database:
        @contextlib.contextmanager
        def postgresql_place():
            yield database()

        if arguments.only in (None, "speed"):
            good &= compare("SQLite", sqlite_place, arguments.records)
            if database:
                good &= compare("PostgreSQL", postgresql_place, arguments.records)
        if arguments.only in (None, "year"):
            with sqlite_place() as where:
                good &= year("SQLite", where, arguments.nodes, arguments.days)
            if database:
                good &= year("PostgreSQL", database(), arguments.nodes, arguments.days)
        if arguments.only in (None, "reckon"):
            with sqlite_place() as where:
                good &= reckon("SQLite", where, arguments.nodes, arguments.bodies)
            if database:
                good &= reckon("PostgreSQL", database(), arguments.nodes, arguments.bodies)
        if not database:
            print("  PostgreSQL is not installed and was left out")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
