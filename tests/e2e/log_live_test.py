#!/usr/bin/env python3
"""The agent follows logs while it runs: each message is held against the account that submitted it, once, whatever
happens to the file and to the process that reads it."""
import contextlib
import os
import signal
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ALONE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent, AgentError  # noqa: E402
from check import Checks  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

HOST = "vps1"
ACCOUNTS = ("alice@shop.example", "bob@shop.example", "carol@club.example")


class Log:
    """What Postfix writes: four lines a message, those of several messages between each other."""

    def __init__(self, path):
        self.path, self.number, self.waiting, self.rotated = path, 0, [], 0
        self.file = open(path, "ab", buffering=0)
        self.lock = threading.Lock()
        self.sent = {}

    def lines(self, account, recipients):
        self.number += 1
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000000+00:00", time.gmtime())
        queue = f"4bK{self.number:08X}z1"
        def line(program, text):
            return f"{stamp} host postfix/{program}[77]: {queue}: {text}\n"
        result = [line("submission/smtpd", f"client=unknown[198.51.100.9], sasl_method=PLAIN, sasl_username={account}"),
                  line("qmgr", f"from=<{account}>, size=812, nrcpt={recipients} (queue active)")]
        result += [line("smtp", f"to=<reader{k}@d{self.number % 7}.example>, relay=mx.d.example[203.0.113.250]:25, "
                        "delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 7A)")
                   for k in range(recipients)]
        return result + [line("qmgr", "removed")]

    def write(self, account, messages, recipients=1, each=0.0):
        """Three messages are under way at a time."""
        for _ in range(messages):
            self.waiting.append(self.lines(account, recipients))
            self.sent[account] = self.sent.get(account, 0) + 1
            while len(self.waiting) > 3 or (self.waiting and not self.waiting[0]):
                self._write_one()
            for _ in range(2):
                self._write_one()
            if each:
                time.sleep(each)

    def _write_one(self):
        for lines in self.waiting:
            if lines:
                with self.lock:
                    self.file.write(lines.pop(0).encode())
        self.waiting = [lines for lines in self.waiting if lines]

    def finish(self):
        while self.waiting:
            self._write_one()

    def make_room(self):
        """As logrotate does: what was rotated before is renamed. A reader that is behind still finds it."""
        for n in range(self.rotated, 0, -1):
            os.rename(f"{self.path}.{n}", f"{self.path}.{n + 1}")
        self.rotated += 1

    def rename(self):
        self.make_room()
        os.rename(self.path, self.path + ".1")
        time.sleep(0.05)
        with self.lock:
            self.file.close()
            self.file = open(self.path, "ab", buffering=0)

    def copy_and_cut(self):
        self.make_room()
        with self.lock, open(self.path, "rb") as whole, open(self.path + ".1", "wb") as copy:
            copy.write(whole.read())
            os.truncate(self.path, 0)


def messages(agent, account):
    return agent.senders().get(f"account:{account}", {}).get("messages", 0)


def check_named(checks, agent, log):
    log.write(ACCOUNTS[0], 3)
    log.finish()
    agent.wait(lambda: messages(agent, ACCOUNTS[0]) == 3, 10, "the first messages")
    status = agent.status()["watcher"]
    checks.that("the status counts files and lines", status["log_files"] == 1 and status["log_lines"] == 12
                and status["log_lines_unparsed"] == 0, status)
    said = agent.postern("explain", f"account:{ACCOUNTS[0]}").stdout
    checks.that("explain knows the account", ACCOUNTS[0] in said and "3" in said, said)


def check_old(checks, agent):
    checks.that("what was in the log before the agent's first start is nobody's",
                "account:old@shop.example" not in agent.senders(), agent.senders())


def check_exact(checks, agent, log):
    """Rotated, and its reader killed, all the while."""
    before = dict(log.sent)
    writer = threading.Thread(target=lambda: [log.write(account, 40, each=0.004) for _ in range(8) for account in ACCOUNTS])
    writer.start()
    kills = 0
    for round_ in range(4):
        time.sleep(0.9)
        (log.rename if round_ % 2 else log.copy_and_cut)()
        os.kill(agent.processes()["watcher"], signal.SIGKILL)
        kills += 1
        agent.wait(lambda: "watcher" in agent.processes(), 5, "the watcher's return")
    writer.join()
    log.finish()
    def counted():
        return {account: messages(agent, account) for account in ACCOUNTS}
    with contextlib.suppress(AgentError):  # what was counted says more
        agent.wait(lambda: all(counted()[account] >= log.sent[account] for account in ACCOUNTS), 20, "all of them")
    time.sleep(1)
    got = counted()
    checks.that(f"{sum(log.sent.values()) - sum(before.values())} messages, {kills} kills and rotations: each is held "
                "against its account once", got == log.sent,
                (got, log.sent, [e["text"] for e in agent.events() if e.get("what") == "restart"]))
    checks.that("nothing is counted as lost", agent.status()["watcher"]["log_bytes_lost"] == 0, agent.status())


def check_restart(checks, agent, log):
    """The whole agent ends, lines are written meanwhile, the file is rotated; senders begin anew, the log does not."""
    agent.stop()
    log.write(ACCOUNTS[1], 5)
    log.finish()
    log.rename()
    log.write(ACCOUNTS[1], 7)
    log.finish()
    agent.start()
    agent.wait(lambda: messages(agent, ACCOUNTS[1]) >= 12, 10, "what was written meanwhile")
    time.sleep(0.5)
    checks.that("after a restart it goes on where it was, in the rotated file and the new one",
                messages(agent, ACCOUNTS[1]) == 12 and messages(agent, ACCOUNTS[0]) == 0, agent.senders())


def check_hostile(checks, agent, log):
    with log.lock:
        log.file.write(b"\0\0\0" + b"x" * 1200000 + b"\n" + bytes(range(256)) * 20 + b"\nNov 25 postfix/smtpd[: :\n")
    log.write(ACCOUNTS[2], 4)
    log.finish()
    before = messages(agent, ACCOUNTS[2])
    agent.wait(lambda: messages(agent, ACCOUNTS[2]) >= 4, 10, "what comes behind")
    checks.that("a line of a megabyte, zeros and garbage harm nothing", before <= 4 and
                messages(agent, ACCOUNTS[2]) == 4, agent.senders())


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("log_live", lack)
        return checks.close()
    with Testbed("logs", guests=2) as bed:
        path = os.path.join(bed.directory, "mail.log")
        log = Log(path)
        log.write("old@shop.example", 20)
        log.finish()
        log.sent.clear()
        configuration = f"[logs]\njournal = no\nfiles = {path}\n\n[policy]\nalert = 900\nthrottle = 950\nblock = 999\n"
        with Agent(bed, HOST, configuration) as agent:
            agent.wait(lambda: agent.status()["watcher"]["log_files"] == 1, 10, "the log")
            for name, part in (("named", lambda: check_named(checks, agent, log)),
                               ("old lines", lambda: check_old(checks, agent)),
                               ("exact", lambda: check_exact(checks, agent, log)),
                               ("restart", lambda: check_restart(checks, agent, log)),
                               ("hostile", lambda: check_hostile(checks, agent, log))):
                with checks.part(name):
                    part()
            if checks.failed:
                print(agent.log_text()[-3000:])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
