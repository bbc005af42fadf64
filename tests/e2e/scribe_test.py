#!/usr/bin/env python3
"""The mail in the systemd journal, in real journal files as systemd-journal-remote writes them: each message is held
against its account once, whatever happens to the files and to the process that reads them, and nobody can make
entries up."""
import glob
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import BUILD, Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

REMOTE = "/lib/systemd/systemd-journal-remote"
HOST = "vps1"
ACCOUNTS = ("alice@shop.example", "bob@shop.example", "carol@club.example")
OLD = 20  # messages before the first start
BOOT = "0123456789abcdef0123456789abcdef"


class Journal:
    """A folder of journal files. What is fed stands in them a moment later."""

    def __init__(self, folder):
        self.folder, self.number, self.ticks, self.remote, self.files = folder, 0, 0, None, 0
        self.sent = {}
        os.makedirs(folder)
        self.rotate()

    def rotate(self):
        """The next entries go to a new file, as when journald has filled one."""
        self.close()
        self.files += 1
        path = os.path.join(self.folder, f"part{self.files:03}.journal")
        self.remote = subprocess.Popen([REMOTE, "-o", path, "-"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        while not os.path.exists(path):
            time.sleep(0.01)
        os.chmod(path, 0o644)

    def close(self):
        if self.remote:
            self.remote.stdin.close()
            self.remote.wait(timeout=20)
        self.remote = None

    def entry(self, identifier, message, user=0, **fields):
        self.ticks += 1
        now = time.time_ns() // 1000
        whole = {"__REALTIME_TIMESTAMP": now, "__MONOTONIC_TIMESTAMP": 1000000 + self.ticks, "_BOOT_ID": BOOT,
                 "_UID": user, "_PID": 77, "SYSLOG_FACILITY": 2, "SYSLOG_IDENTIFIER": identifier, **fields}
        lines = b"".join(f"{key}={value}\n".encode() for key, value in whole.items() if value is not None)
        message = message if isinstance(message, bytes) else message.encode()
        self.remote.stdin.write(lines + b"MESSAGE\n" + struct.pack("<Q", len(message)) + message + b"\n\n")
        self.remote.stdin.flush()

    def write(self, account, messages, each=0.0, user=0, lines=None):
        for _ in range(messages):
            self.number += 1
            queue = f"4bJ{self.number:08X}z1"
            for program, text in lines or (
                    ("submission/smtpd", f"client=unknown[198.51.100.9], sasl_method=PLAIN, sasl_username={account}"),
                    ("qmgr", f"from=<{account}>, size=812, nrcpt=1 (queue active)"),
                    ("smtp", f"to=<reader@d{self.number % 7}.example>, relay=mx.d.example[203.0.113.250]:25, delay=0.4, "
                             "delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7A)"),
                    ("qmgr", "removed")):
                self.entry(f"postfix/{program}", f"{queue}: {text}", user)
            if user == 0:
                self.sent[account] = self.sent.get(account, 0) + 1
            if each:
                time.sleep(each)


def messages(agent, account):
    return agent.senders().get(f"account:{account}", {}).get("messages", 0)


def scribe(agent):
    return agent.processes().get("scribe")


def check_named(checks, agent, journal):
    checks.that("what was there before the agent's first start is nobody's", messages(agent, "old@shop.example") == 0,
                agent.senders())
    journal.write(ACCOUNTS[0], 3)
    agent.wait(lambda: messages(agent, ACCOUNTS[0]) == 3, 10, "the first messages")
    status = agent.status()["watcher"]
    checks.that("each entry is a line that is understood", status["log_lines"] == 12 and
                status["log_lines_unparsed"] == 0, status)
    with open(f"/proc/{scribe(agent)}/status") as file:
        said = file.read()
    checks.that("the process that reads it has no rights and a list of system calls", "CapEff:\t0000000000000000" in said
                and "Seccomp:\t2" in said and "\nUid:\t0" not in said, said)


def check_exact(checks, agent, journal):
    """Files change and the process is killed, all the while."""
    before = sum(journal.sent.values())
    kills = 0
    for round_ in range(5):
        writer = threading.Thread(target=lambda: [journal.write(account, 20, each=0.004) for account in ACCOUNTS * 2])
        writer.start()
        time.sleep(0.15 * (round_ + 1))
        os.kill(scribe(agent), signal.SIGKILL)
        kills += 1
        if round_ % 2:
            os.kill(agent.processes()["watcher"], signal.SIGKILL)
        writer.join()
        journal.rotate()
        agent.wait(lambda: scribe(agent), 5, "the scribe's return")
    for account in ACCOUNTS:
        agent.wait(lambda: messages(agent, account) >= journal.sent[account], 20, f"all of {account}")
    time.sleep(1)
    got = {account: messages(agent, account) for account in ACCOUNTS}
    checks.that(f"{sum(journal.sent.values()) - before} messages, {kills} kills, {journal.files} files of the journal: each "
                "is held against its account once", got == journal.sent, (got, journal.sent))


def check_restart(checks, agent, journal):
    agent.stop()
    journal.write(ACCOUNTS[1], 5)
    journal.rotate()
    journal.write(ACCOUNTS[1], 7)
    agent.start()
    agent.wait(lambda: messages(agent, ACCOUNTS[1]) >= 12, 10, "what was written meanwhile")
    time.sleep(0.5)
    checks.that("after a restart it goes on where it was", messages(agent, ACCOUNTS[1]) == 12 and
                messages(agent, ACCOUNTS[0]) == 0, agent.senders())


def check_hostile(checks, agent, journal):
    before = messages(agent, ACCOUNTS[2])
    journal.entry("postfix/smtp", b"\0\0\0" + b"x" * 1200000)
    journal.entry("postfix/qmgr", bytes(range(256)) * 20)
    journal.entry("a[1]: b", "4bX: removed\n2026-11-25T00:00:00Z host postfix/qmgr[1]: 4bX: removed")
    journal.entry("x" * 5000, "", _PID=None)
    journal.write("victim@shop.example", 20, user=1001)
    journal.write(ACCOUNTS[2], 4)
    agent.wait(lambda: messages(agent, ACCOUNTS[2]) >= before + 4, 10, "what comes behind")
    checks.that("a megabyte, zeros and garbage harm nothing", messages(agent, ACCOUNTS[2]) == before + 4,
                agent.senders())
    checks.that("what an ordinary user writes to the journal under Postfix's name is left out",
                messages(agent, "victim@shop.example") == 0, agent.senders())


def check_log_test(checks, agent, journal):
    """The same entries, looked at by hand."""
    journal.rotate()
    done = subprocess.run([f"{BUILD}/postern-agent", "log-test", "--json", journal.folder], capture_output=True, text=True,
                          check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    accepted = sum(row.get("means") == "delivery" for row in rows)
    checks.that("log-test reads the folder: each message, and none that a user made up",
                done.returncode == 0 and accepted == sum(journal.sent.values()) + OLD and "victim" not in done.stdout,
                (done.stderr, accepted, sum(journal.sent.values()) + OLD))


def check_vacuumed(checks, agent, journal):
    """The entry behind which it would go on is gone."""
    agent.stop()
    journal.rotate()
    for path in sorted(glob.glob(os.path.join(journal.folder, "*.journal")))[:-1]:
        os.unlink(path)
    journal.write(ACCOUNTS[0], 6)
    agent.start()
    agent.wait(lambda: messages(agent, ACCOUNTS[0]) >= 6, 10, "what is there still")
    time.sleep(0.5)
    checks.that("where the journal has dropped entries it goes on with the next, and says so",
                messages(agent, ACCOUNTS[0]) == 6 and "had dropped entries" in agent.log_text(),
                agent.log_text()[-1000:])


def main():
    checks = Checks()
    lack = missing() or (None if os.path.exists(REMOTE) else "systemd-journal-remote is not installed")
    if lack:
        checks.skip("scribe", lack)
        return checks.close()
    with Testbed("scribe", guests=2) as bed:
        journal = Journal(os.path.join(bed.directory, "journal"))
        journal.write("old@shop.example", OLD)
        journal.rotate()
        journal.sent.clear()
        os.chmod(bed.directory, 0o755)
        configuration = (f"[logs]\nfiles = {bed.directory}/none.log\njournal_folder = {journal.folder}\n\n"
                         "[policy]\nalert = 900\nthrottle = 950\nblock = 999\n")
        try:
            with Agent(bed, HOST, configuration) as agent:
                agent.wait(lambda: agent.status()["watcher"]["log_files"] == 1, 10, "the journal's copy")
                for name, part in (("named", check_named), ("exact", check_exact), ("restart", check_restart),
                                   ("hostile", check_hostile), ("log-test", check_log_test),
                                   ("vacuumed", check_vacuumed)):
                    with checks.part(name):
                        part(checks, agent, journal)
                if checks.failed:
                    print(agent.log_text()[-3000:])
        finally:
            journal.close()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
