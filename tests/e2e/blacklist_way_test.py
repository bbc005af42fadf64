#!/usr/bin/env python3
"""Blacklists are asked rightly, and what is no listing is never told as one: real rbldnsd behind a real unbound, with
zones that are sound, wild, empty, dead or out of order, and with answers that are lost, late, forged, truncated or made up
on the way."""
import collections
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(TOP, "tests/testbed")]
from blacklists import RESOLVER, Servers, write, zone  # noqa: E402
from check import Checks  # noqa: E402
from nameway import Nameway  # noqa: E402

BUILD = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"))
ONCE = True
TOOL = os.path.join(BUILD, "test/e2e/blacklist_tool")
WAY = 5310
SLOW = 4 if BUILD.endswith("asan") else 1
Told = collections.namedtuple("Told", "subject zone state doubt weight codes ttl memory time meaning reason")


def build_tool():
    archives = [f"{BUILD}/lib/lib{name}.a"
                for name in ("collector-lookout", "collector-blacklist", "common-io", "common-words", "common")]
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"] if BUILD.endswith("asan") else []
    os.makedirs(os.path.dirname(TOOL), exist_ok=True)
    subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-O2", "-g", "-fno-lto", f"-I{TOP}", *sanitize, "-o", TOOL,
                    f"{HERE}/blacklist_tool.c", *archives, "-lcares", "-lsystemd"], check=True)


def look_up(folder, zones, subjects, resolvers, **options):
    """(results, {zone: its line}, [the resolvers' lines], seconds)"""
    path = write(f"{folder}/zones.conf", "\n".join(zones))
    begun = time.monotonic()
    done = subprocess.run([TOOL, path, ",".join(r if isinstance(r, str) else f"127.0.0.1:{r}" for r in resolvers)]
                          + [f"{key}={value}" for key, value in options.items()],
                          input="".join(f"{s}\n" for s in subjects), capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"the tool ended with {done.returncode}: {done.stderr[-2000:]}")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return ([Told(*row[1:]) for row in rows if row[0] == "told"], {row[1]: row[2:] for row in rows if row[0] == "zone"},
            [row[2:] for row in rows if row[0] == "resolver"], time.monotonic() - begun)


def sound(checks, servers):
    """What sound zones say, and what zones say that are not."""
    zones = [zone("one.example"), zone("two.example"), zone("six.example", families="4 6"),
             zone("names.example", "domains", codes="code = 127.0.1.2 medium a bad domain"), zone("wild.example"), zone("empty.example"),
             zone("refusing.example"), zone("parked.example"), zone("dead.example"), zone("limited.example", more="limit = 10\n")]
    subjects = servers.subjects + ["192.0.2.10", "192.0.2.77", "192.0.2.254", "192.0.2.1", "192.0.2.8", "2001:db8:bad::7",
                                   "2001:db8::7", "mail.bad.example.org", "good.example.org"]
    told, states, _, seconds = look_up(servers.folder, zones, subjects, [RESOLVER], patience=600 * SLOW, tries=6)
    by = {(t.subject, t.zone): t for t in told}
    checks.that("each subject is told once for each zone that takes it", len(by) == len(told) == 155 * 9 + 2 + 2, len(told))
    wrong = [t for t in told if t.zone in servers.truth and t.subject in servers.subjects
             and t.state != ("listed" if t.subject in servers.truth[t.zone] else "clean")]
    checks.that("sound zones list what they list and nothing else", not wrong, wrong[:3])
    worst = by[(min(servers.truth["two.example"]), "two.example")]
    checks.that("a listing has code, weight, meaning, TTL and the list's own words",
                (worst.codes, worst.weight, worst.meaning, worst.reason) == ("127.0.0.3", "critical", "worse", "much worse")
                and 0 < int(worst.ttl) <= 900, worst)
    clean = by[("192.0.2.10", "one.example")]
    checks.that("what is not listed is so for the SOA's time", clean.state == "clean" and 0 < int(clean.ttl) <= 300, clean)
    for subject, state, doubt in (("192.0.2.10", "listed", "none"), ("192.0.2.77", "unknown", "unknown-code"),
                                  ("192.0.2.254", "unknown", "public-resolver"), ("192.0.2.1", "unknown", "loopback"),
                                  ("192.0.2.8", "unknown", "outside")):
        seen = by[(subject, "two.example")]
        checks.that(f"{subject} is {state} ({doubt})", (seen.state, seen.doubt) == (state, doubt), seen)
    checks.that("IPv6 by nibbles", by[("2001:db8:bad::7", "six.example")].state == "listed"
                and by[("2001:db8::7", "six.example")].state == "clean", by[("2001:db8:bad::7", "six.example")])
    checks.that("domains as they are", by[("mail.bad.example.org", "names.example")].state == "listed"
                and by[("good.example.org", "names.example")].state == "clean", by[("mail.bad.example.org", "names.example")])
    for name, *doubts in (("wild.example", "wildcard"), ("empty.example", "empty"), ("refusing.example", "public-resolver"),
                          ("parked.example", "outside"), ("dead.example", "failed", "timeout")):
        seen = {(t.state, t.doubt) for t in told if t.zone == name}
        checks.that(f"{name} is not believed: {doubts[0]}", seen and seen <= {("unknown", doubt) for doubt in doubts}
                    and states[name][0] == "disbelieved" and states[name][1] in doubts, (seen, states[name]))
    spent = collections.Counter((t.state, t.doubt) for t in told if t.zone == "limited.example")
    checks.that("a limit is kept, tests counted", spent == {("clean", "none"): 8, ("unknown", "limit"): 147}
                and int(states["limited.example"][2]) == 10, (spent, states["limited.example"]))
    checks.that("a dead zone holds nobody up", seconds < 30, seconds)


def hostile(checks, servers):
    """Nothing false, whatever happens on the way."""
    zones = [zone("one.example"), zone("two.example")]
    faults = {"lost": 0.25, "late": 0.1, "truncated": 0.2, "forged": 1.0}
    for name, fault in [(f"{key} answers", {key: value}) for key, value in faults.items()] + [("all of it together", faults)]:
        # What is late comes when its question was given up, or asked again.
        with Nameway(WAY, ("127.0.0.1", RESOLVER), delay=0.5 * SLOW, **fault) as way:
            told, _, resolvers, seconds = look_up(servers.folder, zones, servers.subjects, [WAY], patience=400 * SLOW, tries=8)
            streams = way.streams
        states = collections.Counter()
        for t in told:
            truth = "listed" if t.subject in servers.truth[t.zone] else "clean"
            states["right" if t.state == truth else "unknown" if t.state == "unknown" else "false"] += 1
        print(f"      {name}: {dict(states)}, {streams} over TCP, {resolvers[0]}, {seconds:.1f} s")
        checks.that(f"{name}: nothing is told falsely", states["false"] == 0 and len(told) == 300, states)
        checks.that(f"{name}: nearly all is told", states["unknown"] <= 15, states)
        if "truncated" in fault or "forged" in fault:
            checks.that(f"{name}: TCP helps out", streams > 0, streams)


def astray(checks, servers):
    """Resolvers that make answers up, or are not there."""
    zones = [zone("one.example"), zone("two.example")]
    with Nameway(WAY, ("127.0.0.1", RESOLVER), rewritten="203.0.113.80"):
        told, states, resolvers, _ = look_up(servers.folder, zones, servers.subjects, [WAY])
        checks.that("of a resolver that makes answers up nothing is believed",
                    {(t.state, t.doubt) for t in told} == {("unknown", "rewritten")} and resolvers[0][0] == "disbelieved"
                    and states["one.example"][:2] == ["disbelieved", "rewritten"], (resolvers, states))
        told, _, resolvers, _ = look_up(servers.folder, zones, servers.subjects, [WAY, RESOLVER])
        wrong = [t for t in told if t.state != ("listed" if t.subject in servers.truth[t.zone] else "clean")]
        checks.that("another resolver stands in for it", not wrong and len(told) == 300, (wrong[:2], resolvers))
    told, _, _, seconds = look_up(servers.folder, zones, servers.subjects, [WAY], patience=400)
    checks.that("without a resolver all is unknown, and soon", {(t.state, t.doubt) for t in told} <= {("unknown", "unreachable"), ("unknown", "timeout")}
                and seconds < 20, (collections.Counter((t.state, t.doubt) for t in told), seconds))
    told, _, _, _ = look_up(servers.folder, zones, servers.subjects, [f"[::1]:{RESOLVER}"])
    wrong = [t for t in told if t.state != ("listed" if t.subject in servers.truth[t.zone] else "clean")]
    checks.that("a resolver may have an IPv6 address", not wrong and len(told) == 300, wrong[:2])
    told, _, resolvers, _ = look_up(servers.folder, zones, servers.subjects, [WAY, RESOLVER], patience=400 * SLOW)
    wrong = [t for t in told if t.state != ("listed" if t.subject in servers.truth[t.zone] else "clean")]
    checks.that("of two resolvers one is enough", not wrong and len(told) == 300, (wrong[:2], resolvers))


def turning(checks, servers):
    """A zone that begins to list everything while it is asked."""
    asked = collections.Counter()

    def listing(name):
        zone_name = ".".join(name.lower().split(".")[-2:])
        asked[zone_name] += 1
        return zone_name == "one.example" and asked[zone_name] > 60

    with Nameway(WAY, ("127.0.0.1", RESOLVER), listing=listing):
        told, states, _, _ = look_up(servers.folder, [zone("one.example")], servers.subjects, [WAY], fresh=0, in_flight=8)
    false = [t for t in told if t.state == "listed" and t.subject not in servers.truth["one.example"]]
    checks.that("a zone that turns wild accuses nobody", not false, false[:3])
    checks.that("it is found out", states["one.example"][:2] == ["disbelieved", "wildcard"]
                and any(t.doubt == "wildcard" for t in told) and any(t.state == "clean" for t in told), states)


def paced(checks, servers):
    """Questions are spread, and what is known is not asked again."""
    with Nameway(WAY, ("127.0.0.1", RESOLVER)) as way:
        told, _, _, _ = look_up(servers.folder, [zone("one.example"), zone("two.example")], servers.subjects[:40], [WAY], spread=4000,
                                reasons=0)
        times = sorted(at for at, name in way.questions if "51.198." in name.lower())
    gaps = [b - a for a, b in zip(times, times[1:])]
    checks.that("forty subjects are spread over four seconds", len(told) == 80 and 2.5 < times[-1] - times[0] < 15
                and sum(gap < 0.02 for gap in gaps) < 50, (len(times), times[-1] - times[0]))
    with Nameway(WAY, ("127.0.0.1", RESOLVER)) as way:
        told, _, _, _ = look_up(servers.folder, [zone("one.example")], servers.subjects, [WAY], remembered=1000, twice=1)
        names = collections.Counter(name.lower() for _, name in way.questions if name.lower().endswith("51.198.one.example"))
    memory = collections.Counter((t.memory, t.state) for t in told)
    checks.that("answers are remembered for their TTL", memory == {("fresh", "listed"): 12, ("fresh", "clean"): 138,
                                                                    ("remembered", "listed"): 12, ("remembered", "clean"): 138}, memory)
    checks.that("and not asked for again", sum(names.values()) <= 150 + 12 + 10, sum(names.values()))


def main():
    checks = Checks()
    for program in ("/usr/sbin/rbldnsd", "/usr/sbin/unbound"):
        if not os.path.exists(program):
            checks.skip("blacklists", f"{program} is not installed")
            return checks.close()
    build_tool()
    folder = tempfile.mkdtemp(prefix="blacklist-way-")
    servers = Servers(folder)
    try:
        servers.start()
        for part in (sound, hostile, astray, turning, paced):
            with checks.part(part.__name__):
                begun = time.monotonic()
                part(checks, servers)
                print(f"      {part.__name__}: {time.monotonic() - begun:.1f} s")
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
