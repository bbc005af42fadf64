#!/usr/bin/env python3
"""One message, not two: a real Postfix sends for two accounts, in the clear and behind STARTTLS, with refusals, deferrals
and another try, while the agent watches its packets and follows its log. What the agent counts is what the servers of
the world say they were sent, no more; and replay of the same packets and log says the same."""
import collections
import json
import os
import shutil
import signal
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
import mailserver  # noqa: E402
from agent import BUILD, Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

HOST, OWN = "vps1", "203.0.113.11"
ALICE, BOB = "alice@shared.test", "bob@shared.test"
PASSWORDS = {ALICE: "a-secret", BOB: "b-secret"}
COUNTS = ("messages", "recipients", "recipients_rejected", "recipients_deferred")
CONFIGURATION = """
[capture]
mta_users = root postfix

[logs]
journal = no
files = {log}

[policy]
alert = 900
throttle = 950
block = 999
"""

# A mail server of the world: directory address [certificate]. What it answered is a line in directory/said: the sender,
# code and recipient of each, the content's Message-ID where it was taken, and whether that was behind TLS. Nobody is not there; who is late is there the second time.
SERVER = r"""
import json, os, socketserver, ssl, sys
directory, address = sys.argv[1:3]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if sys.argv[3:] else None
if context: context.load_cert_chain(sys.argv[3])
tried = set()
class Conversation(socketserver.BaseRequestHandler):
    def say(self, text):
        self.request.sendall(text.encode() + b"\r\n")
    def note(self):
        if self.rcpts:
            with open(directory + "/said", "a") as file:
                file.write(json.dumps([self.sender, self.rcpts, self.content, self.tls]) + "\n")
        self.rcpts, self.content = [], None
    def rcpt(self, to):
        name = to.partition("@")[0]
        late = name.startswith("late") and to not in tried
        tried.add(to)
        answer = "550 5.1.1 no such user" if name.startswith("nobody") else "450 4.2.0 come again" if late else "250 2.1.5 Ok"
        self.rcpts.append([int(answer[:3]), to])
        return answer
    def handle(self):
        self.rcpts, self.content, self.tls = [], None, False
        lines = self.request.makefile("rb")
        self.say("220 mx.world.test ESMTP")
        while line := lines.readline().decode().strip():
            verb = line.split(" ")[0].upper()
            inside = line[line.find("<") + 1:line.find(">")]
            if verb == "EHLO":
                offer = ["mx.world.test", "PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"] + ["STARTTLS"] * bool(context and not self.tls)
                for word in offer[:-1]: self.say("250-" + word)
                self.say("250 " + offer[-1])
            elif verb == "STARTTLS":
                self.say("220 2.0.0 go on")
                self.request = context.wrap_socket(self.request, server_side=True)
                lines, self.tls = self.request.makefile("rb"), True
            elif verb == "MAIL":
                self.note()
                self.sender = inside
                self.say("250 2.1.0 Ok")
            elif verb == "RCPT":
                self.say(self.rcpt(inside))
            elif verb == "DATA" and not any(code == 250 for code, _ in self.rcpts):
                self.say("554 5.5.1 no valid recipients")
            elif verb == "DATA":
                self.say("354 go on")
                while (line := lines.readline()) not in (b".\r\n", b""):
                    if line.lower().startswith(b"message-id:"): self.content = line.decode().split()[1]
                self.say("250 2.0.0 Ok: queued as W1")
                self.note()
            elif verb == "QUIT":
                self.say("221 2.0.0 Bye")
                break
            else:
                self.say("250 2.0.0 Ok")
        self.note()
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 100
Server((address, 25), Conversation).serve_forever()
"""

# address port login password: a message of each line of standard input, its recipients, over one connection.
SUBMIT = r"""
import smtplib, sys
address, port, login, password = sys.argv[1:5]
with smtplib.SMTP(address, int(port), timeout=10, local_hostname="pc.firm.postern") as server:
    server.login(login, password)
    for number, line in enumerate(sys.stdin):
        to = line.split()
        sender = login.split("@")[0] + "@firm.postern"
        server.sendmail(sender, to, f"From: {sender}\nTo: {', '.join(to)}\n"
                        f"Message-ID: <{number}.{sender}>\nSubject: news {number}\n\nHello, this is {number}.\n")
"""

# What is sent: (account, recipients); each domain has a server of its own.
MAIL = [(ALICE if n % 2 else BOB, [f"r{n}.{k}@{domain}.test" for k in range(1 + n % 3)])
        for n in range(24) for domain in ("plain", "tls")]
MAIL += [(ALICE, [f"nobody{n}@{domain}.test"]) for n in range(3) for domain in ("plain", "tls")]
MAIL += [(BOB, [f"late{n}@{domain}.test"]) for n in range(3) for domain in ("plain", "tls")]
MAIL += [(BOB, [f"some{n}@plain.test", f"nobody1{n}@plain.test", f"late1{n}@plain.test"]) for n in range(3)]


class World:
    """The two servers outside, and what they say they were sent."""

    def __init__(self, bed):
        self.bed = bed
        self.addresses = {"plain": bed.SINKS4[0], "tls": bed.SINKS4[1]}
        certificate = os.path.join(bed.directory, "world.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mx.world.test",
                        "-keyout", certificate + ".key", "-out", certificate], check=True, capture_output=True)
        with open(certificate + ".key") as key, open(certificate, "a") as file:
            file.write(key.read())
        for domain, address in self.addresses.items():
            directory = os.path.join(bed.directory, domain)
            os.makedirs(directory)
            bed.popen("inet", [sys.executable, "-ISc", SERVER, directory, address, *[certificate] * (domain == "tls")])

    def ready(self):
        return all(self.bed.can_connect(HOST, address, 25) for address in self.addresses.values())

    def said(self):
        """(domain, sender, [[code, recipient]], Message-ID, tls) of each transaction."""
        result = []
        for domain in self.addresses:
            path = os.path.join(self.bed.directory, domain, "said")
            if os.path.exists(path):
                with open(path) as file:
                    result += [(domain, *json.loads(line)) for line in file]
        return result

    def counts(self, sender):
        """What the record of whoever used that address must say. What goes out in two tries is one message."""
        found, taken = collections.Counter({name: 0 for name in COUNTS}), set()
        for _, by, recipients, content, _ in self.said():
            if by != sender:
                continue
            taken |= {content} - {None}
            for code, _ in recipients:
                found[{250: "recipients", 550: "recipients_rejected", 450: "recipients_deferred"}[code]] += 1
        return {**found, "messages": len(taken)}


def counts_of(record):
    return {name: record.get(name, 0) for name in COUNTS}


def submit(bed, account, address, mail):
    return bed.run(HOST, ["setpriv", "--reuid", "1001", "--regid", "1001", "--clear-groups", "/usr/bin/python3", "-ISc", SUBMIT,
                          address, "587", account, PASSWORDS[account]], input="".join(" ".join(to) + "\n" for to in mail))


def answered(world):
    return {to for _, _, recipients, _, _ in world.said() for _, to in recipients}


def expected(world):
    """By sender's name: the accounts; and the host for what belongs to no account, the mail server's own bounces that
    can be read on the wire."""
    return {f"account:{ALICE}": world.counts("alice@firm.postern"), f"account:{BOB}": world.counts("bob@firm.postern"),
            OWN: world.counts("")}


def check_sent(checks, bed):
    for account in PASSWORDS:
        done = submit(bed, account, "127.0.0.1", [to for by, to in MAIL if by == account])
        checks.that(f"{account} submits", done.returncode == 0, done.stderr)


def check_counts(checks, bed, postfix, world, agent):
    everybody = {to for _, recipients in MAIL for to in recipients}
    bounces = sum(any(to.startswith("nobody") for to in recipients) for _, recipients in MAIL)
    agent.wait(lambda: everybody <= answered(world), 20, "all first answers")
    bed.run(HOST, ["postqueue", "-c", postfix.directory, "-f"])
    late = {to for to in everybody if to.startswith("late")}
    agent.wait(lambda: late <= {to for _, _, r, _, _ in world.said() for code, to in r if code == 250}, 20, "the other try")
    agent.wait(lambda: world.counts("")["messages"] == bounces, 10, "the bounces")
    want = expected(world)
    checks.that("mail went both ways, some was refused, some put off", min(want[f"account:{BOB}"].values()) > 0 and
                {(domain, tls) for domain, _, _, _, tls in world.said()} == {("plain", False), ("tls", True)}, want)
    # All is on the wire, and nothing waits any more.
    agent.wait(lambda: agent.sender(OWN).get("messages", 0) >= bounces and
               agent.status()["watcher"]["pairing_waiting"] == 0, 20, "the last that waits for the log")
    found = agent.senders()
    for name, counts in want.items():
        checks.that(f"{name}: {counts}", counts_of(found.get(name, {})) == counts, counts_of(found.get(name, {})))
    checks.that("nobody else sent anything", not any(any(counts_of(record).values()) for name, record in found.items()
                                                     if name not in want), found)
    status, read = agent.status()["watcher"], sum(len(r) for d, s, r, _, _ in world.said() if d == "plain" and s)
    submitted = sum(len(recipients) for _, recipients in MAIL)
    checks.that("status counts what was told of twice, each half of a delivery, and what no log told of",
                read + submitted <= status["paired"] and status["unpaired"] == bounces and status["unpaired_crowded"] == 0,
                (read, submitted, status))
    said = agent.postern("status").stdout
    checks.that("and says so to people", f"{status['paired']} recipients and logins were on the wire too" in said, said)
    return want


def check_replay(checks, agent, want, files):
    done = subprocess.run([f"{BUILD}/postern-agent", "replay", "--config", agent.file, "--json", "--records", "sender", *files],
                          capture_output=True, text=True, check=False)
    found = {r["sender"]: r for r in map(json.loads, done.stdout.splitlines())}
    for name, counts in want.items():
        seen = counts_of(found.get(name, {}))
        checks.that(f"replay of packets and log, {name}: the same", seen == counts, (seen, done.stderr))


def main():
    checks = Checks()
    lack = missing() or mailserver.missing() or next((f"{program} is missing" for program in ("tcpdump", "openssl")
                                                      if not shutil.which(program)), "")
    if lack:
        checks.skip("one message", lack)
        return checks.close()
    with Testbed("one", guests=1, sinks=False) as bed:
        world = World(bed)
        log = os.path.join(bed.directory, "postfix", "output")
        with Agent(bed, HOST, CONFIGURATION.format(log=log)) as agent:
            agent.wait(world.ready, 10, "the servers of the world")
            captures = {device: os.path.join(bed.directory, f"{device}.pcap") for device in ("eth0", "lo")}
            recorders = [bed.popen(HOST, ["tcpdump", "-Z", "root", "-U", "-i", device, "-w", path, "tcp"], stderr=subprocess.DEVNULL)
                         for device, path in captures.items()]
            postfix = mailserver.Postfix(bed, HOST, 587, {k.split("@")[0]: v for k, v in PASSWORDS.items()},
                                         relay=world.addresses["plain"], policy=os.path.join(agent.directory, "policy"))
            with open(os.path.join(postfix.directory, "main.cf"), "a") as file:
                file.write(f"transport_maps = inline:{{ {{ tls.test = smtp:[{world.addresses['tls']}]:25 }} }}\n"
                           "smtp_tls_security_level = may\n")
            postfix.start()
            agent.wait(lambda: agent.status()["watcher"]["log_files"] == 1, 10, "the log")
            agent.wait(lambda: all(map(os.path.exists, captures.values())), 10, "the captures")
            with checks.part("sent"):
                check_sent(checks, bed)
            with checks.part("counts"):
                want = check_counts(checks, bed, postfix, world, agent)
                for recorder in recorders:
                    os.killpg(recorder.pid, signal.SIGTERM)
                    recorder.wait(5)
                check_replay(checks, agent, want, [*captures.values(), log])
            if checks.failed:
                print(agent.log_text()[-3000:])
            postfix.stop()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
