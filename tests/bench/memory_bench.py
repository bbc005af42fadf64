#!/usr/bin/env python3
"""Resident bytes of an idle connection: 100,000 and 1,000,000 of them, opened up to the replies to EHLO."""
import json
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MEMORY = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "bench", "memory")
AIM = 512


def main():
    failed = False
    for streams in (100_000, 1_000_000):
        result = subprocess.run([MEMORY, str(streams)], capture_output=True, text=True)
        if result.returncode != 0:
            print(f"  {streams:,} streams: {(result.stderr or result.stdout).strip()}")
            failed = True
            continue
        record = json.loads(result.stdout)
        verdict = "reached" if record["each"] <= AIM else f"missed by {record['each'] - AIM:.0f}"
        print(f"  {streams:>9,} open streams{record['full'] / 1e6:>9.1f} MB{record['each']:>8.0f} bytes each"
              f"  aim {AIM}: {verdict}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
