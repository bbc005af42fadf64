#!/usr/bin/env python3
"""A shared host: a real Postfix and a real Exim send for three accounts, and a script of a fourth user talks to mail
servers by itself. Each bad one is seen, named, explained and stopped by itself, while the others mail on; the mail
servers mail on without the agent as well."""
import os
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
import mailserver  # noqa: E402
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

# All of the host's mail leaves by its address, which must not be stopped for one of its accounts. An account is blocked
# without being slowed down first, and for as much as can be seen in a few seconds where nobody refuses its mail.
CONFIGURATION = """
[capture]
mta_users = root postfix Debian-exim 987
local = 203.0.113.0/24 2001:db8:1::/64
programs = yes

[policy]
allow_senders = 203.0.113.11 2001:db8:1::/64
throttle = 12
block = 12

[enforce]
mode = enforce
"""
HOST = "vps1"
SCRIPT = 1004  # who talks to mail servers of others by himself
ALICE, BOB, CAROL = "alice@shared.test", "bob@shared.test", "carol"
PASSWORDS = {ALICE: "a-secret", BOB: "b-secret", CAROL: "c-secret"}
PORTS = {ALICE: 587, BOB: 587, CAROL: 2525}
USERS = {ALICE: 1001, BOB: 1002, CAROL: 1003}

# port login password sender connections recipient...: what became of each recipient, one a line.
SUBMIT = r"""
import smtplib, sys
port, login, password, sender, connections = sys.argv[1:6]
for _ in range(int(connections)):
    try:
        with smtplib.SMTP("127.0.0.1", int(port), timeout=5, local_hostname="pc.firm.postern") as server:
            server.login(login, password)
            for to in sys.argv[6:]:
                text = f"From: {sender}\nTo: {to}\nSubject: news\n\nHello {to}.\n"
                try:
                    server.sendmail(sender, [to], text)
                    print("250", flush=True)
                except smtplib.SMTPRecipientsRefused as refused:
                    code, words = list(refused.recipients.values())[0]
                    print(code, words.decode().replace("\n", " "), flush=True)
                    server.rset()
    except (OSError, smtplib.SMTPException) as trouble:
        print("000", repr(trouble), flush=True)
"""


def as_user(uid, command):
    return ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", *command]


def submission(account, sender, connections, recipients):
    return as_user(USERS[account], ["/usr/bin/python3", "-ISc", SUBMIT, str(PORTS[account]), account, PASSWORDS[account], sender,
                         str(connections), *recipients])


def submit(bed, account, sender=None, recipients=("ben@other.postern",), connections=1):
    """What the mail server answered to each recipient."""
    sender = sender or f"{account.split('@')[0]}@firm.postern"
    return bed.run(HOST, submission(account, sender, connections, recipients)).stdout.splitlines()


def passes(answers):
    return bool(answers) and all(answer.startswith("250") for answer in answers)


def spam(bed, account):
    """A stolen password: junk from a placeholder's address, again and again."""
    recipients = [f"{name}@mx{n}.test" for n in range(5) for name in ("info", "sales", "admin", "test")]
    return bed.popen(HOST, submission(account, "you@example.com", 40, recipients), stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL)


def explain(agent, sender):
    return agent.postern("explain", sender).stdout


def check_ordinary(checks, bed, agent):
    for account in PASSWORDS:
        checks.that(f"{account} submits", passes(submit(bed, account)))
    agent.wait(lambda: {f"account:{a}" for a in PASSWORDS} <= set(agent.senders()), 10, "the accounts")
    for account in PASSWORDS:
        checks.that(f"account:{account} is seen with its message", agent.sender(f"account:{account}").get("messages") == 1,
                    agent.sender(f"account:{account}"))
    for account in PASSWORDS:
        said = explain(agent, f"account:{account}")
        checks.that(f"explain says where {account} logged in from", "logged in to the mail server from 127.0.0.1" in said, said)
    checks.that("no mail server's own connection is anybody's", not {"127.0.0.1", "uid:0"} & set(agent.senders()),
                list(agent.senders()))
    checks.that("what the host sends out is the address's", "203.0.113.11" in agent.senders())
    status = agent.status()["policy"]
    checks.that("it is known that mail servers ask", status["asked"] >= 3 and status["malformed"] == 0, status)


def check_account(checks, bed, agent, bad, good):
    """One account sends junk: it is stopped, and the others are not, whichever mail server they use."""
    sender, spammer = f"account:{bad}", spam(bed, bad)
    agent.wait(lambda: sender in agent.orders(), 40, f"the order on {sender}")
    checks.that(f"{sender} is seen, named and blocked", agent.verdict(sender) == "block"
                and agent.orders()[sender]["by"] == "policy", agent.orders())
    agent.wait(lambda: submit(bed, bad)[0].startswith("554"), 10, "its refusal")
    spammer.kill()
    answers = submit(bed, bad, recipients=("ben@other.postern", "eve@other.postern"))
    checks.that("its mail server refuses it, with a name that an abuse desk can look up",
                all(a.startswith("554") and "5.7.1" in a and sender in a for a in answers), answers)
    for other in good:
        answers = submit(bed, other)
        checks.that(f"{other} mails on", passes(answers), answers)
    said = explain(agent, sender)
    checks.that("explain says why, and how many were refused", f"{sender} is blocked: mail servers that ask" in said
                and "messages refused" in said and "Why:" in said and "a domain reserved for tests" in said, said)
    order = agent.orders()[sender]
    checks.that("so does the order", order["refused"] >= 2 and order["asked"] >= 2 and order["asked_last"], order)
    checks.that("nobody else is stopped", set(agent.orders()) == {sender}, agent.orders())


def check_survival(checks, bed, agent, bad):
    """The order outlives each process, ends with enforcement and with a release, and none of it stops others."""
    sender = f"account:{bad}"
    for role in ("watcher", "courier", "warden"):
        pid = agent.processes()[role]
        os.kill(pid, 9)
        agent.wait(lambda: agent.processes().get(role, pid) != pid and agent.ask_quietly("status"), 15, f"another {role}")
        agent.wait(lambda: submit(bed, bad)[0].startswith("554"), 10, f"the refusal after the {role}")
        checks.that(f"killing the {role} lets nobody through", True)
    checks.that("nobody else is held back by what was kept", set(agent.orders()) == {sender}, agent.orders())
    agent.postern("enforce", "off")
    checks.that("enforce off ends it at once", passes(submit(bed, bad)))
    agent.postern("enforce", "on")
    checks.that("enforce on brings it back", submit(bed, bad)[0].startswith("554"))
    agent.postern("throttle", sender, "--rate", "2", "--for", "10m", "--reason", "less than a block")
    answers = submit(bed, bad, connections=5)
    checks.that("a throttled account has its two a minute, the rest is put off",
                2 <= sum(a.startswith("250") for a in answers) <= 4 and any(a.startswith("450") for a in answers), answers)
    agent.postern("release", sender, "--reason", "the password was changed")
    agent.wait(lambda: sender not in agent.orders(), 5, "the release")
    answers = submit(bed, bad)
    checks.that("after its release it sends again", passes(answers), answers)


def check_user(checks, bed, agent):
    sender = f"uid:{SCRIPT}"
    bots = [bed.popen(HOST, as_user(SCRIPT, ["smtp-source", "-c", "-s", "4", "-m", "400", "-M", "localhost", "-f",
                                             "you@example.com", "-d", "-t", f"t{n}@mx{n}.test", f"[{sink}]:25"]),
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for n, sink in enumerate(bed.SINKS4)]
    agent.wait(lambda: sender in agent.orders(), 25, f"the order on {sender}")
    checks.that(f"{sender}, who bypasses the mail servers, is seen, named and blocked", agent.verdict(sender) == "block")
    # With -d a connection lasts for several messages: one of a few milliseconds may be over before its program is found.
    end = time.monotonic() + 10
    while "smtp-source in /" not in explain(agent, sender) and time.monotonic() < end:
        time.sleep(0.2)
    for bot in bots:
        bot.kill()
    reach = as_user(SCRIPT, ["/usr/bin/python3", "-ISc", "import socket,sys\ntry: socket.create_connection("
                             f"('{bed.SINK4}',25),0.7).close()\nexcept OSError: sys.exit(1)"])
    agent.wait(lambda: bed.run(HOST, reach).returncode == 1, 5, "the block in the kernel")
    checks.that("its own connections are stopped", True)
    said = explain(agent, sender)
    checks.that("explain names the program, its directory and its command line", "smtp-source in /" in said and
                ", process " in said and "as  smtp-source -c -s 4 -m 400 -M localhost -f you@example.com" in said, said)
    ways = [r["detector"] for r in agent.ask("explain", sender) if r["record"] == "evidence"] or agent.ask("explain", sender)
    checks.that("so do its records", "program" in str(ways) and "command" in str(ways), ways)
    checks.that("explain says so", f"{sender} is blocked: no connection of its own" in explain(agent, sender))
    for account in PASSWORDS:
        answers = submit(bed, account)
        checks.that(f"{account} mails on", passes(answers), answers)
    agent.postern("release", sender, "--reason", "the script is gone")
    agent.wait(lambda: bed.run(HOST, reach).returncode == 0, 5, "its release")
    checks.that("after its release it connects again", True)


def check_silence(checks, bed, agent):
    """An order that no mail server asks about stops nothing, and that is said."""
    agent.postern("block", "account:dora", "--for", "10m", "--reason", "her mail server does not ask")
    agent.wait(lambda: "account:dora" in agent.orders(), 5, "the order")
    listed, said = agent.postern("orders").stdout, explain(agent, "account:dora")
    checks.that("orders says that nobody asked", "not asked: no mail server has asked about that account" in listed, listed)
    checks.that("so does explain", "no mail server has asked about this account, so nothing stops it" in said, said)
    agent.postern("release", "account:dora", "--reason", "a test")


def check_outside(checks, bed, agent):
    """What comes over the socket that is no question is dropped; without the agent the mail servers carry on."""
    program = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\ns.sendall(b'GET / HTTP/1.0\\n\\n')\n"
               "s.settimeout(5)\nsys.exit(s.recv(100)!=b'')")
    done = bed.run(HOST, as_user(USERS[BOB], ["/usr/bin/python3", "-ISc", program, os.path.join(agent.directory, "policy")]))
    checks.that("a stranger's words are answered with the end", done.returncode == 0, done.stderr)
    checks.that("and counted", agent.status()["policy"]["malformed"] == 1)
    agent.postern("block", f"account:{ALICE}", "--for", "10m", "--reason", "a test")
    agent.wait(lambda: submit(bed, ALICE)[0].startswith("554"), 5, "the refusal")
    agent.stop()
    for account in PASSWORDS:
        answers = submit(bed, account)
        checks.that(f"without the agent {account} mails on", passes(answers), answers)


def main():
    checks = Checks()
    lack = missing() or mailserver.missing()
    if lack:
        checks.skip("shared host", lack)
        return checks.close()
    with Testbed("shared", guests=2) as bed, Agent(bed, HOST, CONFIGURATION) as agent:
        values = {"relay": bed.SINK4, "policy": os.path.join(agent.directory, "policy")}
        postfix = mailserver.Postfix(bed, HOST, 587, {"alice": PASSWORDS[ALICE], "bob": PASSWORDS[BOB]}, **values)
        exim = mailserver.Exim(bed, HOST, 2525, {CAROL: PASSWORDS[CAROL]}, **values)
        postfix.start()
        exim.start()
        for name, part in (("ordinary mail", lambda: check_ordinary(checks, bed, agent)),
                           ("an account of Postfix", lambda: check_account(checks, bed, agent, ALICE, (BOB, CAROL))),
                           ("its order", lambda: check_survival(checks, bed, agent, ALICE)),
                           ("an account of Exim", lambda: check_account(checks, bed, agent, CAROL, (ALICE, BOB))),
                           ("its order, with Exim", lambda: check_survival(checks, bed, agent, CAROL)),
                           ("a user", lambda: check_user(checks, bed, agent)),
                           ("a mail server that does not ask", lambda: check_silence(checks, bed, agent)),
                           ("from outside", lambda: check_outside(checks, bed, agent))):
            with checks.part(name):
                part()
        if checks.failed:
            print(agent.log_text()[-3000:])
        postfix.stop()
        exim.stop()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
