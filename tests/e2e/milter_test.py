#!/usr/bin/env python3
"""The milter, asked by a real Postfix: who is stopped is refused, everybody else mails on whatever becomes of the agent,
and what is in mail that the wire hides is known."""
import os
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
import mailserver  # noqa: E402
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

HOST = "vps1"
ACCOUNTS = {"alice": "a-secret", "bob": "b-secret", "carol": "c-secret"}
MILTER_PORT = 8891

CONFIGURATION = """
[capture]
mta_users = root postfix
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

[enforce]
mode = enforce

[milter]
listen = {listen}
fail = {fail}
patience = 1s
sessions = 100
"""

# Near-identical bodies: names and numbers differ. Only the submission's port is watched, and there it is all TLS.
BODY = """From: {account}@firm.postern
To: {to}
Subject: invoice {number}

Dear {to},

your invoice number {number} is overdue since several weeks already. Please open the document behind this address and
pay the amount of {number} dollars today, or our lawyers are going to visit your offices without any further warning.
.
..
"""

# What Postfix is told beside mailserver.py's: it asks the milter alone, and offers TLS.
MORE = """
smtpd_milters = {milter}
milter_default_action = accept
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {certificate}
smtpd_client_message_rate_limit = 0
"""


def name(account):
    return f"account:{account}@shared.test"


def make_certificate(bed):
    path = os.path.join(bed.directory, "relay.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=relay.test",
                    "-keyout", path + ".key", "-out", path], check=True, capture_output=True)
    with open(path + ".key") as key, open(path, "a") as file:
        file.write(key.read())
    return path


class Site:
    """A host with an agent, its milter and a Postfix."""

    def __init__(self, bed, listen, fail="accept", log=None):
        self.bed, self.listen, self.fail = bed, listen, fail
        log = os.path.join(bed.directory, "postfix", "output") if log is None else log
        self.agent = Agent(bed, HOST, CONFIGURATION.format(log=log, listen=listen, fail=fail))

    def postfix(self, milter):
        postfix = mailserver.Postfix(self.bed, HOST, 587, ACCOUNTS, relay=self.bed.SINK4,
                                     policy=os.path.join(self.agent.directory, "policy"))
        with open(os.path.join(postfix.directory, "main.cf"), "a") as file:
            file.write(MORE.format(milter=milter, certificate=make_certificate(self.bed)))
        postfix.start()
        return postfix

    def submit(self, account, recipients, text="Subject: news\n\nHello.\n", tls=False):
        """What became of each: a code and words."""
        def inside():
            with smtplib.SMTP("127.0.0.1", 587, timeout=20, local_hostname="pc.firm.postern") as server:
                if tls:
                    server.starttls(context=ssl._create_unverified_context())
                server.login(account, ACCOUNTS[account])
                server.mail(f"{account}@firm.postern")
                answers = [server.rcpt(to) for to in recipients]
                if any(code == 250 for code, _ in answers):
                    answers.append(server.data(text))
                return [(code, words.decode(errors="replace")) for code, words in answers]
        return self.bed.within(HOST, inside)


def all_taken(answers):
    return bool(answers) and all(code == 250 for code, _ in answers)


def check_verdicts(checks, site, agent):
    checks.that("mail passes", all_taken(site.submit("alice", ["ben@other.postern"])))
    status = agent.status()["policy"]
    checks.that("the milter has asked for the recipient and for the message, and told of the content",
                status["asked"] >= 2 and status["malformed"] == 0, status)
    agent.postern("block", name("alice"), "--for", "10m", "--reason", "100% spam")
    agent.wait(lambda: name("alice") in agent.orders(), 5, "the order")
    answers = site.submit("alice", ["ben@other.postern", "eve@other.postern"])
    checks.that("a blocked account is refused for each recipient, with a name to look up",
                len(answers) == 2 and all(code == 554 and "5.7.1" in words and name("alice") in words
                                          for code, words in answers), answers)
    checks.that("others mail on", all_taken(site.submit("bob", ["ben@other.postern"])))
    agent.postern("throttle", name("bob"), "--rate", "1", "--for", "10m", "--reason", "less than a block")
    agent.wait(lambda: name("bob") in agent.orders(), 5, "the order")
    answers = [site.submit("bob", ["a@other.postern", "b@other.postern"])[0][0] for _ in range(4)]
    checks.that("a throttled account's other messages are put off", answers.count(250) in (1, 2) and
                answers.count(450) >= 2, answers)
    for account in ("alice", "bob"):
        agent.postern("release", name(account), "--reason", "it was a test")
    agent.wait(lambda: not agent.orders(), 5, "the release")
    checks.that("after the release it mails on", all_taken(site.submit("alice", ["ben@other.postern"])))


def messages(agent, account):
    return agent.sender(name(account)).get("messages", 0)


def spam(site, accounts, each, tls, first=0):
    for account in accounts:
        for number in range(first, first + each):
            to = f"reader{number}@d{number}.postern"
            answers = site.submit(account, [to], BODY.format(account=account, to=to, number=number * 7919), tls)
            if not all_taken(answers):
                raise RuntimeError(answers)


def says_bulk(agent, account):
    return "senders sent one body" in agent.postern("explain", name(account)).stdout


def check_content(checks, site, agent):
    agent.wait(lambda: messages(agent, "alice") == 2, 10, "what was sent before")
    before = {account: messages(agent, account) for account in ACCOUNTS}
    spam(site, ACCOUNTS, 5, tls=True)
    agent.wait(lambda: all(messages(agent, a) >= before[a] + 5 for a in ACCOUNTS), 10, "all messages")
    agent.wait(lambda: any(says_bulk(agent, a) for a in ACCOUNTS), 5, "the run")
    checks.that("three accounts that send one body behind TLS are found, and explain shows it", True)
    time.sleep(12)
    found = {account: messages(agent, account) - before[account] for account in ACCOUNTS}
    checks.that("what milter and log tell of is one message", found == {account: 5 for account in ACCOUNTS}, found)


def check_alone(checks, bed):
    """Without a log."""
    site = Site(bed, f"inet:{MILTER_PORT}@127.0.0.1", log="")
    with site.agent as agent:
        agent.wait(lambda: bed.can_connect(HOST, "127.0.0.1", MILTER_PORT), 10, "the milter")
        postfix = site.postfix(f"inet:127.0.0.1:{MILTER_PORT}")
        try:
            spam(site, ACCOUNTS, 5, tls=True)
            spam(site, ["alice"], 3, tls=False, first=50)
            agent.wait(lambda: messages(agent, "bob") >= 5, 20, "the messages")
            agent.wait(lambda: any(says_bulk(agent, a) for a in ACCOUNTS), 5, "the run")
            checks.that("where there is no log, the milter's word is enough to find the run", True)
            time.sleep(3)
            found = {account: messages(agent, account) for account in ACCOUNTS}
            checks.that("what the wire has shown counts once", found == {"alice": 8, "bob": 5, "carol": 5}, found)
        finally:
            postfix.stop()


def main():
    checks = Checks()
    lack = missing() or mailserver.missing()
    if lack:
        checks.skip("milter", lack)
        return checks.close()
    with Testbed("milter", guests=1) as bed:
        os.chmod(bed.directory, 0o755)
        site = Site(bed, f"inet:{MILTER_PORT}@127.0.0.1")
        with site.agent as agent:
            agent.wait(lambda: bed.can_connect(HOST, "127.0.0.1", MILTER_PORT), 10, "the milter")
            postfix = site.postfix(f"inet:127.0.0.1:{MILTER_PORT}")
            try:
                for title, part in (("verdicts", check_verdicts), ("content", check_content)):
                    with checks.part(title):
                        part(checks, site, agent)
            finally:
                postfix.stop()
            if checks.failed:
                print(agent.log_text()[-3000:])
                with open(postfix.log) as file:
                    print(file.read()[-6000:])
        with checks.part("alone"):
            check_alone(checks, bed)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
