#!/usr/bin/env python3
"""The laboratory holds what it promises: what it judges in its own process is what `postern-agent replay` makes of the
same frames in a file; its count of what got out is true; a mistake in a scenario is said with file and line; and over a
few quick scenarios no honest sender is blocked and no abuser is missed. The same seed gives the same bytes."""
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from check import Checks


TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
BUILD = os.environ.get("POSTERN_BUILD", "build")
AGENT = os.path.join(TOP, BUILD, "postern-agent")
LAB = os.path.join(TOP, BUILD, "lab/lab")
LOCAL = ["--local", "203.0.113.0/24", "--local", "2001:db8::/32"]
QUICK = ["abuser_dictionary", "abuser_harvested", "abuser_burst_bot", "honest_shop", "honest_tickets", "honest_personal"]
HEIGHTS = ("alert", "throttle", "block")

checks = Checks()
room = tempfile.mkdtemp(prefix="postern-lab.")
os.environ["POSTERN_CONFIG"] = ""


def call(*words):
    return subprocess.run(words, cwd=TOP, capture_output=True, text=True, check=False)


def records(*words):
    return [json.loads(line) for line in call(*words).stdout.splitlines()]


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def shown(scenario, seed):
    """{height: (seconds after the abuse began, points)} of the first abuser, when it began, and how many got out."""
    text = call(LAB, "show", scenario, str(seed)).stdout
    part = next(p for p in text.split("\n\n") if ": abuser" in p)
    begun = re.search(r"abuse from (\S+?);", part).group(1)
    reached = {height: (float(after), float(points)) for height, after, points in
               re.findall(r"(alert|throttle|block)\s+after ([\d.]+) s, .*?; ([\d.]+) points", part)}
    return reached, seconds(begun + "Z"), int(re.search(r"in all +(\d+) messages", part).group(1))


def abuser_of(labels):
    with open(labels, encoding="utf-8") as file:
        return next(line.split("\t")[0] for line in file if line.split("\t")[1] == "abuser")


def same_as_replay(scenario, seed):
    path = os.path.join(room, "trace.pcap")
    written = call(LAB, "write", scenario, str(seed), path)
    checks.that(f"{scenario}: the trace is written", written.returncode == 0, written.stderr)
    abuser = abuser_of(path + ".labels")
    reached, begun, out = shown(scenario, seed)
    replayed = [r for r in records(AGENT, "replay", *LOCAL, "--json", "--records", "verdict,sender", path)
                if r.get("sender") == abuser]
    first = {}
    for record in replayed:
        if record["record"] == "verdict" and record["verdict"] in HEIGHTS:
            for height in HEIGHTS[: HEIGHTS.index(record["verdict"]) + 1]:
                first.setdefault(height, (seconds(record["time"]) - begun, record["score"]))
    checks.that(f"{scenario}: the abuser is found at all", "throttle" in reached, reached)
    checks.that(f"{scenario}: replay reaches the same heights", sorted(first) == sorted(reached), (first, reached))
    for height in reached:
        after, points = first.get(height, (0, 0))
        # `show` rounds: the beginning to the second, points to a tenth.
        same = -0.1 <= after - reached[height][0] <= 1.1 and abs(points - reached[height][1]) <= 0.051
        checks.that(f"{scenario}: {height} at the same moment", same, (after, points, reached[height]))
    counted = next(r["messages"] for r in replayed if r["record"] == "sender")
    checks.that(f"{scenario}: as many messages got out as the agent saw", counted == out, (counted, out))


def content(path):
    with open(path, "rb") as file:
        return file.read()


def same_bytes():
    paths = [os.path.join(room, name) for name in ("a", "b", "c")]
    for path, seed in zip(paths, ("7", "7", "8")):
        call(LAB, "write", "abuser_hit_and_run", seed, path)
    checks.that("the same seed gives the same bytes", content(paths[0]) == content(paths[1]))
    checks.that("another seed gives others", content(paths[0]) != content(paths[2]))


def refuse(name, text, expected):
    folder = os.path.join(room, "broken")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "broken.lab")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    answer = call(LAB, "run", "--scenarios", folder)
    checks.that(f"{name} is refused", answer.returncode != 0 and f"{path}:{expected}" in answer.stderr, answer.stderr)


def refusals():
    head = "# why\n[scenario]\nlabel = honest\n[actor a]\n[flow f]\n"
    refuse("an unknown key", head + "rates = 3/h\n", '6: no key "rates" here; there are: label')
    refuse("a wrong rate", head + "rate = 3\n", '6: rate: "3" is not allowed; a rate such as')
    refuse("a share over the whole", head + "rate = 3/h\nunknown = 110%\n", '7: unknown: "110%" is not allowed; a share')
    refuse("a range that falls", head + "rate = 5..3/h\n", '6: rate: "5..3/h" is not allowed')
    refuse("an unknown word", head + "helo = loud\n", '6: helo: "loud" is not allowed; one of these')
    refuse("an unknown section", head + "[stream x]\n", "6: no such section; there are [scenario]")
    refuse("a flow of nobody", "# why\n[scenario]\nlabel = honest\n[flow f]\n", "4: a [flow] stands behind")
    refuse("a flow without rate", head, "5: a [flow NAME] without rate")
    refuse("a scenario without reason", head.removeprefix("# why\n") + "rate = 1/h\n", "5: no prose")


def judge_quick():
    words = [word for name in QUICK for word in ("--scenario", name)]
    total = next((r for r in records(LAB, "run", "--json", "--seeds", "1", *words) if r["record"] == "total"), {})
    checks.that("the quick scenarios were run", total.get("runs") == len(QUICK), total)
    checks.that("no honest sender is blocked", total.get("false_blocks") == 0, total)
    checks.that("no abuser is missed", total.get("abusers") == 3 and total.get("missed") == 0, total)


def every_scenario_loads():
    folder = os.path.join(TOP, "tests/lab/scenarios")
    names = sorted(name[:-4] for name in os.listdir(folder) if name.endswith(".lab"))
    answer = call(LAB, "show", "no such scenario", "1")
    listed = re.findall(r"^  (\w+)$", answer.stderr, re.M)
    checks.that("every scenario loads", listed == names and len(names) > 40, answer.stderr)


made = call("make", "-s", f"VARIANT={BUILD.removeprefix('build').lstrip('/')}", f"{BUILD}/lab/lab")
if checks.that("the laboratory is built", made.returncode == 0, made.stderr[-1000:]):
    with checks.part("scenarios"):
        every_scenario_loads()
        refusals()
    with checks.part("the same as replay"):
        same_as_replay("abuser_burst_bot", 1)
        same_as_replay("abuser_dictionary", 2)
        same_bytes()
    with checks.part("a quick judgement"):
        judge_quick()
shutil.rmtree(room)
sys.exit(checks.close())
