#!/usr/bin/env python3
"""Logs that Debian's own Postfix, Exim and OpenSMTPD write: a mail that is taken, one refused for good, one put off, each
to a server of the test's own; replay must turn each log into exactly that, under the program's queue ids.

Everything runs in a network namespace without a way out; the programs in a mount namespace (tests/testbed/mta.sh).
OpenSMTPD in the foreground writes its lines without a head: the test puts syslog's before them.

POSTERN_BUILD: build or build/asan.
"""
import ctypes
import json
import os
import re
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AGENT = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern-agent")
MTA = os.path.join(TOP, "tests", "testbed", "mta.sh")
SERVER, PORT = "127.0.0.2", 2525
MAIL = b"From: al@firm.test\r\nSubject: known\r\n\r\nbody\r\n"
HEAD = "2026-11-05T08:00:01+00:00 mx smtpd[9]: "

# What becomes of the recipient: rule's code and enhanced code.
CASES = [
    ("good@far.test", "250", "2.0.0"),
    ("nobody@far.test", "550", "5.1.1"),
    ("later@far.test", "451", "4.7.1"),
]


class Server(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 mx.far.test ESMTP\r\n")
        data = False
        for line in self.rfile:
            line = line.rstrip(b"\r\n")
            verb = line[:4].upper()
            if data:
                if line != b".":
                    continue
                data, reply = False, b"250 2.0.0 Ok: queued as FAR1"
            elif verb == b"EHLO":
                reply = b"250-mx.far.test\r\n250 ENHANCEDSTATUSCODES"
            elif verb == b"RCPT" and b"nobody" in line:
                reply = b"550 5.1.1 No such user here"
            elif verb == b"RCPT" and b"later" in line:
                reply = b"451 4.7.1 Greylisted, come back"
            elif verb == b"DATA":
                data, reply = True, b"354 go on"
            elif verb == b"QUIT":
                self.wfile.write(b"221 2.0.0 Bye\r\n")
                return
            else:
                reply = b"250 2.1.0 Ok"
            self.wfile.write(reply + b"\r\n")


def log_of(name, to, directory):
    sent = subprocess.run([os.path.join(directory, "send"), SERVER, str(PORT), "al@firm.test", to], input=MAIL,
                          env={**os.environ, "PATIENCE": "5"}, capture_output=True, check=False)
    path = os.path.join(directory, "log")
    if not os.path.exists(path):
        raise RuntimeError(f"{name} left no log: {sent.stderr.decode(errors='replace')}")
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    if name == "opensmtpd":
        lines = [HEAD + line for line in lines if re.match(r"[0-9a-f]{16} ", line)]
    kept = os.path.join(directory, "kept.log")
    with open(kept, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return kept, lines


def records(command, path):
    done = subprocess.run([AGENT, command, "--json", path], capture_output=True, text=True, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def faults(name, to, code, enhanced, directory):
    path, lines = log_of(name, to, directory)
    status, rows = records("log-test", path)
    if status != 0:
        yield "log-test failed"
    for row in rows:
        if row.get("outcome") == "unparsed":
            yield f"not understood: {row['line']}"
    found = [r for r in rows if r.get("means") == "delivery" and r.get("to") == to]
    if len(found) != 1:
        yield f"{len(found)} deliveries to {to}, not 1, in:\n" + "\n".join(lines)
        return
    delivery = found[0]
    if (delivery.get("server"), delivery.get("code", "250")) != (SERVER, code):
        yield f"server and code are {delivery.get('server')} {delivery.get('code')}"
    if delivery.get("enhanced", enhanced) != enhanced:
        yield f"enhanced code is {delivery.get('enhanced')}"
    begun = [r for r in rows if r.get("means") == "queued" and r.get("queue") == delivery["queue"]]
    if len(begun) != 1:
        yield f"queue id {delivery['queue']} begins {len(begun)} times"
    elif name == "postfix" and begun[0].get("uid") != "0":
        yield f"the user is {begun[0].get('uid')}"
    elif name == "exim" and begun[0].get("account") != "root":
        yield f"the user is {begun[0].get('account')}"
    if name == "postfix":
        yield from judged(path, code)


def judged(path, code):
    status, rows = records("replay", path)
    root = [r for r in rows if r.get("record") == "sender" and r["sender"] == "uid:0"]
    if status != 0 or len(root) != 1:
        yield f"replay has {len(root)} senders uid:0"
        return
    want = {"recipients": int(code == "250"), "recipients_rejected": int(code == "550"),
            "recipients_deferred": int(code == "451")}
    for key, value in want.items():
        if root[0][key] != value:
            yield f"{key} is {root[0][key]}, not {value}"


def main():
    if os.geteuid() != 0 or shutil.which("dpkg") is None:
        print("skip: needs root and Debian's packages")
        return 0
    scratch = tempfile.mkdtemp(prefix="postern-mta-logs-")
    directories = {name: os.path.join(scratch, name) for name in ("postfix", "exim", "opensmtpd")}
    for name, directory in directories.items():  # packages are fetched while there is a way out
        subprocess.run([MTA, name, directory], check=True)
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:
        print("skip: no network namespaces here")
        return 0
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    failed = 0
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    with socketserver.ThreadingTCPServer((SERVER, PORT), Server) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name, directory in directories.items():
            for to, code, enhanced in CASES:
                found = list(faults(name, to, code, enhanced, directory))
                print(f"{'FAIL' if found else 'ok  '} {name}: {to} answered {code}")
                for fault in found:
                    print(f"     {fault}")
                failed += bool(found)
        server.shutdown()
    shutil.rmtree(scratch, ignore_errors=True)
    total = len(directories) * len(CASES)
    print(f"{total - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
