#!/usr/bin/env python3
"""Processor time of `postern-agent replay` on three traces, as a ratio to a bare libpcap loop with the same filter.

They are run alternately, so that a machine whose speed drifts slows both, and medians of user + system time are
compared. Between them stands the packet path alone, without judge and records. Suricata, Zeek, tshark and argus are run once each where they are installed.

    replay_bench.py [--rounds N] [--parts N] [A] [B] [C]"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"))
FOLDER = os.path.join(BUILD, "bench")
AGENT = os.path.join(BUILD, "postern-agent")
AIMS = {"A": 2.0, "B": 1.3, "C": 3.0}
SAYS = {
    "A": "a million packets, 40,000 mail sessions with bodies",
    "B": "two million packets, 95 % not mail",
    "C": "100,000 tiny mail sessions",
}

SURICATA = """%YAML 1.1
---
default-log-dir: .
outputs:
  - eve-log: {enabled: yes, filetype: regular, filename: eve.json, types: [{smtp: {extended: yes}}]}
app-layer: {protocols: {smtp: {enabled: yes, mime: {decode-mime: yes}}}}
stream: {memcap: 4gb, reassembly: {memcap: 4gb, depth: 0}}
flow: {memcap: 4gb}
"""


def cpu(command, output=subprocess.DEVNULL, folder=None):
    """User + system seconds of a command and what it started; None where it fails."""
    process = subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, cwd=folder)
    complaint = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        print(f"  {command[0]}: exit status {process.returncode}: {complaint.strip()[-300:]}", file=sys.stderr)
        return None
    return usage.ru_utime + usage.ru_stime


def replay_command(trace):
    return [AGENT, "replay", "--records", "session,verdict,sender,summary", "--json", trace]


def make_trace(kind, parts):
    """The trace and what its maker says of it. It is made once; the same bytes come out every time."""
    maker = os.path.join(FOLDER, "trace_make")
    trace = os.path.join(FOLDER, f"{kind}{'' if parts == 1 else parts}.pcap")
    note = trace + ".txt"
    if not os.path.exists(note) or os.path.getmtime(note) < os.path.getmtime(maker):
        words = subprocess.run([maker, kind, trace, str(parts)], check=True, capture_output=True, text=True).stdout
        with open(note, "w") as file:
            file.write(words)
    with open(note) as file:
        words = file.read().split(": ", 1)[1].split()
    return trace, {"packets": int(words[0]), "sessions": int(words[-2])}


def check_records(trace, made):
    """A fast answer that leaves something out is none: every session must be there, every transaction complete."""
    sessions = transactions = unanswered = 0
    summary = {}
    with subprocess.Popen(replay_command(trace), stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            record = json.loads(line)
            if record["record"] == "summary":
                summary = record
            elif record["record"] == "session":
                sessions += 1
                transactions += len(record["transactions"])
                unanswered += sum(1 for t in record["transactions"] for r in t["recipients"] if r["code"] == 0)
    right = sessions == transactions == made["sessions"] and summary.get("packets") == made["packets"] and not unanswered
    print(f"  records: {sessions} sessions of {made['sessions']}, {transactions} transactions, "
          f"{unanswered} recipients without a reply, {summary.get('packets')} packets of {made['packets']}: "
          f"{'complete' if right else 'INCOMPLETE'}")
    return right


def others(trace, folder):
    """(name, command) of what is installed and can read the trace."""
    with open(os.path.join(folder, "suricata.yaml"), "w") as file:
        file.write(SURICATA)
    commands = {
        "suricata": ["-c", "suricata.yaml", "-S", "/dev/null", "-k", "none", "-l", folder, "-r", trace],
        "zeek": ["-C", "-r", trace],
        "tshark": ["-n", "-r", trace, "-Y", "smtp", "-T", "fields", "-e", "smtp.req.command", "-e", "smtp.response.code"],
        "argus": ["-X", "-r", trace, "-w", os.path.join(folder, "argus.out")],
    }
    return [(name, [shutil.which(name)] + words) for name, words in commands.items() if shutil.which(name)]


def row(name, seconds, bare, packets, note=""):
    print(f"  {name:<22}{seconds:>9.3f} s{seconds / packets * 1e9:>10.0f} ns/packet{seconds / bare:>8.2f}  {note}")


def measure(kind, rounds, parts):
    trace, made = make_trace(kind, parts)
    print(f"{kind}: {SAYS[kind]}" + (f" (one part in {parts})" if parts > 1 else ""))
    with open(trace, "rb") as file:  # into the page cache, once for all
        while file.read(1 << 22):
            pass
    commands = {
        "loop": [os.path.join(FOLDER, "bare_loop"), trace],
        "path": [os.path.join(FOLDER, "packet_path"), trace],
        "replay": replay_command(trace),
    }
    times = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            seconds = cpu(command)
            if seconds is None:
                return False
            times[name].append(seconds)
    bare, ours = statistics.median(times["loop"]), statistics.median(times["replay"])
    ratio, aim = ours / bare, AIMS[kind]
    verdict = f"aim {aim}: " + ("reached" if ratio <= aim else f"missed by {ratio - aim:.2f}")
    row("bare libpcap loop", bare, bare, made["packets"])
    row("packet path alone", statistics.median(times["path"]), bare, made["packets"])
    row("postern-agent replay", ours, bare, made["packets"],
        f"{verdict}  (rounds {min(times['replay']) / bare:.2f} to {max(times['replay']) / bare:.2f})")
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        for name, command in others(trace, folder):
            seconds = cpu(command, folder=folder)
            if seconds is not None:
                row(name, seconds, bare, made["packets"])
    return check_records(trace, made)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--parts", type=int, default=1, help="only one part in so many, for a quick look")
    parser.add_argument("kinds", nargs="*", default=list(AIMS), metavar="A|B|C")
    arguments = parser.parse_args()
    missing = [name for name in ("suricata", "zeek", "tshark", "argus") if not shutil.which(name)]
    if missing:
        print(f"not installed, so not beside it: {', '.join(missing)}")
    results = [measure(kind, arguments.rounds, arguments.parts) for kind in arguments.kinds]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
