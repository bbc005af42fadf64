#!/usr/bin/env python3
"""Logs of real mail servers: what share of their own lines is not understood, where the test data beside the checkout is
present.

A row: the log, which lines are the mail server's, and how many of them may stay unread: each of those was looked at and
is cut off or made up in the file itself.

POSTERN_TESTDATA: the directory that holds mtalog; without it, testdata beside the checkout. POSTERN_BUILD: build or
build/asan.
"""
import glob
import json
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BESIDE = sorted(glob.glob(os.path.join(TOP, "..", "*", "testdata", "mtalog")))
GIVEN = os.environ.get("POSTERN_TESTDATA")
DATA = os.path.join(GIVEN, "mtalog") if GIVEN else BESIDE[0] if BESIDE else ""
AGENT = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern-agent")

ROWS = [
    # One delivery has lost its end.
    ("infohtreasure__Postfix-Maillog-Dump/maillog", r" postfix/\w+\[", 1),
    ("gitpan__Parse-Syslog-Mail/t/logs/postfix-plain.log", r"", 0),
    ("gitpan__Mail-Log-Parse/t/data/log", r"", 0),
    ("youyo__postfix-log-parser/test/test.log", r"", 0),
    ("youyo__postfix-log-parser/test/test-iso8601.log", r"", 0),
    ("kumina__postfix_exporter/postfix_exporter_test.go.lines.txt", r"", 0),
    ("digineo__postfix_exporter/logline_parser_test.go.lines.txt", r"", 0),
    ("crowdsecurity__hub/.tests/postfix-logs/postfix-logs.log", r"", 0),
    ("crowdsecurity__hub/.tests/postfix-spam/postfix-spam.log", r"", 0),
    ("gvengel__exim_exporter/test/mainlog", r"", 0),
    ("crowdsecurity__hub/.tests/exim-logs/exim-logs.log", r"", 0),
    ("crowdsecurity__hub/.tests/exim-bf/exim-bf.log", r"", 0),
    ("crowdsecurity__hub/.tests/exim-spam/exim-spam.log", r"", 0),
    ("gitpan__Parse-Syslog-Mail/t/logs/sendmail-plain.log", r"", 0),
    ("rspamd__rspamd/test/functional/data/logstats_test.data", r"", 0),
    ("crowdsecurity__hub/.tests/mailscanner-logs/mailscanner-logs.log", r"", 0),
]


def main():
    passed = failed = skipped = 0
    for name, own, most in ROWS:
        path = os.path.join(DATA, name)
        if not DATA or not os.path.exists(path):
            print(f"skip {name}: not here")
            skipped += 1
            continue
        done = subprocess.run([AGENT, "log-test", "--json", path], capture_output=True, text=True, check=False)
        records = [json.loads(line) for line in done.stdout.splitlines()]
        lost = [r for r in records if r.get("outcome") == "unparsed" and re.search(own, r["line"])]
        good = done.returncode == 0 and records and len(lost) <= most
        lines = records[-1]["lines"] if records else 0
        print(f"{'ok  ' if good else 'FAIL'} {name}: {len(lost)} of {lines} lines not understood, at most {most}")
        passed, failed = passed + bool(good), failed + (not good)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
