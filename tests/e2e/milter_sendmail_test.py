#!/usr/bin/env python3
"""The milter, asked by a real Sendmail: who is stopped is refused, others mail on, and what is in mail behind TLS is
tied to Sendmail's log."""
import os
import smtplib
import ssl
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import Testbed, TestbedError, missing  # noqa: E402

HOST, MILTER_PORT, LOGINS = "vps1", 8891, ("al", "bo")

CONFIGURATION = """
[capture]
ports = 587

[logs]
journal = no
files = {log}

[policy]
alert = 900
throttle = 950
block = 999

[bulk]
recipients = 4
senders = 2

[enforce]
mode = enforce

[milter]
listen = inet:8891@127.0.0.1
"""

BODY = """From: {login}@firm.postern
To: {to}
Subject: invoice {number}

Dear {to},

your invoice number {number} is overdue since several weeks already. Please open the document behind this address and
pay the amount of {number} dollars today, or our lawyers are going to visit your offices without any further warning.
"""


def submit(bed, login, recipients, text="Subject: news\n\nHello.\n"):
    """What became of each: a code and words."""
    def inside():
        with smtplib.SMTP("127.0.0.1", 587, timeout=20, local_hostname="pc.firm.postern") as server:
            server.starttls(context=ssl._create_unverified_context())
            server.login(login, "secret")
            server.mail(f"{login}@firm.postern")
            answers = [server.rcpt(to) for to in recipients]
            if any(code == 250 for code, _ in answers):
                answers.append(server.data(text))
            return [(code, words.decode(errors="replace")) for code, words in answers]
    return bed.within(HOST, inside)


def all_taken(answers):
    return bool(answers) and all(code == 250 for code, _ in answers)


def accounts(agent):
    """By login; Sendmail may write a realm behind it."""
    return {login: next((s for s in agent.senders() if s.startswith(f"account:{login}")), None) for login in LOGINS}


def check(checks, bed, agent):
    for login in LOGINS:
        checks.that(f"{login} submits", all_taken(submit(bed, login, ["ben@other.postern"])))
    agent.wait(lambda: all(accounts(agent).values()), 20, "the accounts in the log")
    names = accounts(agent)
    status = agent.status()["policy"]
    checks.that("the milter asks for each recipient and for each message", status["asked"] >= 4 and
                status["malformed"] == 0, status)
    agent.postern("block", names["al"], "--for", "10m", "--reason", "spam")
    agent.wait(lambda: names["al"] in agent.orders(), 5, "the order")
    answers = submit(bed, "al", ["ben@other.postern", "eve@other.postern"])
    checks.that("a blocked account is refused for each recipient, with a name to look up",
                len(answers) == 2 and all(code == 554 and "5.7.1" in words and names["al"] in words
                                          for code, words in answers), answers)
    checks.that("others mail on", all_taken(submit(bed, "bo", ["ben@other.postern"])))
    agent.postern("release", names["al"], "--reason", "it was a test")
    agent.wait(lambda: not agent.orders(), 5, "the release")
    before = {login: agent.sender(name).get("messages", 0) for login, name in names.items()}
    for login in LOGINS:
        for number in range(5):
            to = f"reader{number}@d{number}.postern"
            answers = submit(bed, login, [to], BODY.format(login=login, to=to, number=number * 7919))
            checks.that(f"{login}'s mail {number} is taken", all_taken(answers), answers)
    agent.wait(lambda: any("senders sent one body" in agent.postern("explain", name).stdout for name in names.values()),
               20, "the run")
    checks.that("two accounts that send one body behind TLS are found, and explain shows it", True)
    time.sleep(12)
    found = {login: agent.sender(name).get("messages", 0) - before[login] for login, name in names.items()}
    checks.that("what milter and log tell of is one message", all(5 <= n <= 6 for n in found.values()), found)


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("milter with Sendmail", lack)
        return checks.close()
    with Testbed("mailter", guests=1) as bed:
        os.chmod(bed.directory, 0o755)
        try:
            bed.mta("sendmail")
        except TestbedError as error:
            checks.skip("milter with Sendmail", str(error))
            return checks.close()
        directory = os.path.join(bed.directory, "sendmail")
        with Agent(bed, HOST, CONFIGURATION.format(log=os.path.join(directory, "logs", "log"))) as agent:
            agent.wait(lambda: bed.can_connect(HOST, "127.0.0.1", MILTER_PORT), 10, "the milter")
            serving = bed.popen(HOST, [os.path.join(directory, "serve"), bed.SINK4, "25", "127.0.0.1"],
                                stdin=subprocess.PIPE, env={**os.environ, "MILTER": f"inet:{MILTER_PORT}@127.0.0.1"})
            try:
                with checks.part("sendmail"):
                    agent.wait(lambda: bed.can_connect(HOST, "127.0.0.1", 587), 30, "Sendmail")
                    check(checks, bed, agent)
            finally:
                serving.stdin.close()
                serving.wait(20)
            if checks.failed:
                print(agent.log_text()[-3000:])
                for name in ("output", "log"):
                    with open(os.path.join(directory, name), errors="replace") as file:
                        print(name, file.read()[-4000:])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
