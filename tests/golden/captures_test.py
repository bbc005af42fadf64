#!/usr/bin/env python3
"""Real captures against what two other readers made of them, where the test data beside the checkout is present.

Runs `postern-agent replay --json --records session` over each capture that EXPECTED_smtp_streams.jsonl lists and holds
HELO, senders, recipients, reply codes, content lengths and TLS of each stream against the table. Where the two readers
of the table differ, or where they read more than a transaction in the contract's sense, a row in JUDGED says what a
person found to be right.

POSTERN_TESTDATA: the directory; without it, testdata beside the checkout. POSTERN_BUILD: build or build/asan.
POSTERN_AGENT: the program itself, where it stands elsewhere.
"""
import collections
import glob
import json
import os
import subprocess
import sys


TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TABLE = "EXPECTED_smtp_streams.jsonl"
BESIDE = sorted(glob.glob(os.path.join(TOP, "..", "*", "testdata", TABLE)))
DATA = os.environ.get("POSTERN_TESTDATA") or (os.path.dirname(BESIDE[0]) if BESIDE else "")
AGENT = os.environ.get("POSTERN_AGENT", os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern-agent"))
PORTS = {25, 465, 587, 2525}

# (end of the capture's path, stream): the fields in which the table is not followed, and why.
JUDGED = {
    # Fourteen years lie between its packets: two connections with the same ports.
    ("PacketExamples/Smtp.pcap", 0): {"session"},
    # One reply less than commands: 354 belongs to DATA, so the last recipient has none.
    ("detect-email-received/input.pcap", 0): {"recipients of 0"},
    # "BDAT 5 X" is refused and no chunk follows: the MAIL behind it is a command, answered 250.
    ("smtp-bdat-bad-tail-reply-queue/input.pcap", 0): {"transactions"},
    # BDAT with a word that is not LAST is refused; what follows is no chunk.
    ("smtp-bdat-cmd-invalid.pcapng", 1): {"bytes of 0"},
    # A chunk with a gap, then DATA: the message is DATA's.
    ("smtp-bdat-gap.pcap", 0): {"bytes of 0"},
}


def replay(capture):
    run = subprocess.run([AGENT, "replay", "--json", "--records", "session", capture],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    said = run.stderr.decode(errors="replace").strip()[-300:]
    if run.returncode == 1 and run.stdout:
        print(f"note {said}")  # a damaged capture: what stands before the damage was read
    elif run.returncode != 0:
        raise RuntimeError(f"status {run.returncode}: {said}")
    return [json.loads(line) for line in run.stdout.decode().splitlines() if line.strip()]


def content_lengths(transaction):
    """What the length may be. The table's reader leaves out the line end before the final dot, which belongs to the
    content by RFC 5321 4.1.1.4; whether it saw that dot it says only by the reply."""
    length = transaction.get("bytes") or 0
    if not length or transaction.get("data_code") is None and transaction.get("final_code"):
        return [length]
    return [length + 2] if transaction.get("final_code") else [length, length + 2]


def expected_of(row):
    """The table's row in the words of a session record."""
    stream = row["stream"] or {}
    transactions = []
    for transaction in stream.get("transactions", []):
        if transaction.get("mail_from") is None:
            continue  # MAIL was never sent
        final = transaction.get("final_code")
        if final is None and transaction.get("data_code") != 354:
            final = transaction.get("data_code")
        transactions.append({
            "from": transaction["mail_from"],
            "recipients": [(address, code or 0) for address, code in transaction.get("rcpts", [])],
            "code": final or 0,
            "bytes": content_lengths(transaction),
        })
    helo = stream.get("helo") or [""]
    return {"helo": helo[-1], "transactions": transactions, "tls": "starttls" if row.get("starttls_established") else None}


def session_of(record):
    return {
        "helo": record["helo"],
        "transactions": [{
            "from": t["from"],
            "recipients": [(r["address"], r["code"]) for r in t["recipients"]],
            "code": t["code"],
            "bytes": t["bytes"],
        } for t in record["transactions"]],
        "tls": record["tls"],
    }


def differences(want, got):
    if want["helo"] != got["helo"]:
        yield "helo", want["helo"], got["helo"]
    if want["tls"] == "starttls" and got["tls"] != "starttls":
        yield "tls", want["tls"], got["tls"]
    if len(want["transactions"]) != len(got["transactions"]):
        yield "transactions", want["transactions"], got["transactions"]
        return
    for number, (a, b) in enumerate(zip(want["transactions"], got["transactions"])):
        for field in ("from", "recipients", "code", "bytes"):
            if b[field] not in a[field] if field == "bytes" else a[field] != b[field]:
                yield f"{field} of {number}", a[field], b[field]


def main():
    table = os.path.join(DATA, TABLE)
    if not os.path.exists(table):
        print("skipped: there is no test data (POSTERN_TESTDATA, or testdata beside the checkout)")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    rows = collections.defaultdict(list)
    with open(table, encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            rows[row["pcap"]].append(row)
    same = judged = failed = 0
    for capture, streams in sorted(rows.items()):
        try:
            records = replay(os.path.join(DATA, capture))
        except (RuntimeError, subprocess.TimeoutExpired, ValueError) as error:
            print(f"FAIL {capture}: {error}")
            failed += 1
            continue
        for row in streams:
            if row["server_port"] not in PORTS or not row["client_bytes"]:
                continue
            found = [r for r in records
                     if r["client"] == row["client_ip"] and r["client_port"] == row["client_port"]
                     and r["server_port"] == row["server_port"]]
            key = next((k for k in JUDGED if capture.endswith(k[0]) and k[1] == row["tcp_stream"]), None)
            if len(found) != 1:
                wrong = [("session", 1, len(found))]
            else:
                wrong = list(differences(expected_of(row), session_of(found[0])))
            ours = [w for w in wrong if not key or w[0] not in JUDGED[key]]
            if ours:
                failed += 1
                for field, want, got in ours:
                    print(f"FAIL {capture} {row['tcp_stream']} ({row['confidence']}): {field}: "
                          f"want {want!r}, got {got!r}")
            elif wrong:
                judged += 1
            else:
                same += 1
    print(f"{same} streams as the table has them, {judged} as judged by hand, {failed} otherwise")
    print(f"{same + judged} passed, {failed} failed")
    return 1 if failed or not same else 0


if __name__ == "__main__":
    sys.exit(main())
