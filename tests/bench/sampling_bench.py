#!/usr/bin/env python3
"""What it costs to keep messages for the centre's filters: processor time of all that the watcher does with the packets
of trace A, judge included, with and without.

At the pace of the trace, 33,000 packets a second, and at full speed, where packets come as fast as they are worked on:
then a watcher that is slowed down loses some. Run alternately, medians compared.

    sampling_bench.py [--rounds N] [--parts N]"""
import argparse
import json
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from replay_bench import FOLDER, TOP, make_trace  # noqa: E402

SPAN = 30  # seconds over which the trace's sessions begin
AIM = 1.03  # at full speed


def run(trace, enabled, squeeze):
    done = subprocess.run([os.path.join(FOLDER, "sampling"), trace, enabled, str(squeeze)], cwd=TOP, check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)


def measure(trace, squeeze, rounds):
    """Median seconds without and with, and what the last round with it kept."""
    times, last = {"no": [], "yes": []}, None
    for _ in range(rounds):
        for enabled, seconds in times.items():
            last = run(trace, enabled, squeeze)
            seconds.append(last["cpu"])
    return statistics.median(times["no"]), statistics.median(times["yes"]), last


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--parts", type=int, default=1)
    arguments = parser.parse_args()
    trace, _ = make_trace("A", arguments.parts)
    full_speed = max(1, round(SPAN / run(trace, "no", 1)["cpu"]))
    print("Trace A through the watcher's path and judge, messages kept for filters or not:")
    for name, squeeze in (("at the trace's pace", 1), ("at full speed", full_speed)):
        without, with_it, last = measure(trace, squeeze, arguments.rounds)
        ratio = with_it / without
        more = (with_it - without) / (SPAN / squeeze) * 100
        print(f"  {name:<20} without {without:.3f} s, with {with_it:.3f} s: ratio {ratio:.3f} "
              f"({more:+.2f} % of a core); {last['kept']} copied, {last['samples']} samples, "
              f"{last['bytes'] / 1e6:.1f} MB")
    reached = ratio <= AIM
    print(f"  aim at full speed {AIM}: " + ("reached" if reached else f"missed by {ratio - AIM:.3f}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
