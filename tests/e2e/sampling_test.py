#!/usr/bin/env python3
"""Messages that the watcher keeps for content filters, byte for byte what the server outside got, however they were sent;
which are kept, and that nobody who sends can make it keep more than it may.

The server is a second reading of the RFCs that writes down each message under its recipient's name; the centre is a
stand-in (centre.py).
"""
import json
import os
import random
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent, AgentError  # noqa: E402
from check import Checks  # noqa: E402
from delivery import spool  # noqa: E402
from testbed import Testbed, missing  # noqa: E402
from uplink_test import CENTRE, PORTS, Centre  # noqa: E402

SERVER = Testbed.SINK4
COLLECTOR = f"""
[collector]
urls = http://{CENTRE}:{PORTS[0]}
token = token.test
"""
ALL = COLLECTOR + """
[samples]
rate = 1000
sender_rate = 100000
first = 1000
"""
LITTLE = ALL + "memory = 2M\n"
FEW = COLLECTOR + """
[samples]
trickle = 0
score = 1000
"""
MEMORY, SIZE = 2 << 20, 256 << 10  # as above

# Takes mail at ADDRESS and puts each message, as it was meant, into DIRECTORY under its first recipient's local part.
SERVE = r"""
import os, socket, sys, threading
address, directory = sys.argv[1:]

def content(file):
    lines = []
    while True:
        line = file.readline()
        if not line:
            raise EOFError
        if line == b".\r\n" and (not lines or lines[-1].endswith(b"\r\n")):
            return b"".join(lines)
        lines.append(line)
        if line.startswith(b"."):
            lines[-1] = line[1:]

def talk(connection):
    file, name, chunks = connection.makefile("rwb"), None, []
    def say(text):
        file.write(text + b"\r\n")
        file.flush()
    def keep(message):
        with open(os.path.join(directory, name), "wb") as kept:
            kept.write(message)
        say(b"250 2.0.0 Ok: queued as Q%s" % name.encode())
    say(b"220 server")
    while True:
        line = file.readline()
        if not line:
            return
        verb = line[:4].upper()
        if verb == b"EHLO":
            say(b"250-server\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME")
        elif verb == b"RCPT":
            name, chunks = line.split(b"<")[1].split(b"@")[0].decode(), []
            say(b"250 2.1.5 ok")
        elif verb == b"DATA":
            say(b"354 go")
            keep(content(file))
        elif verb == b"BDAT":
            chunks.append(file.read(int(line.split()[1])))
            keep(b"".join(chunks)) if b"LAST" in line.upper() else say(b"250 2.0.0 ok")
        elif verb == b"QUIT":
            return say(b"221 bye")
        else:
            say(b"250 ok")

def serve(connection):
    try:
        talk(connection)
    except (EOFError, OSError):
        pass
    connection.close()

listener = socket.create_server((address, 25), backlog=200)
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""

# Sends FILES with names NAME-way, in the way of their name: whole, in pieces of random length, BDAT in chunks.
SEND = r"""
import os, random, socket, sys, time
address, files = sys.argv[1], sys.argv[2:]
dice = random.Random(5)

def open_it():
    connection = socket.create_connection((address, 25), timeout=20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    file = connection.makefile("rb")
    file.readline()
    return connection, file

def ask(connection, file, line, replies=1):
    connection.sendall(line)
    while replies:
        answer = file.readline()
        assert answer[:1] in b"23", answer
        replies -= answer[3:4] == b" "

def stuffed(message):
    lines = message.split(b"\n")
    return b"\n".join(b"." + line if line.startswith(b".") else line for line in lines) + b".\r\n"

def pieces(data, most):
    while data:
        length = dice.randint(1, most)
        yield data[:length]
        data = data[length:]

connection, file = open_it()
ask(connection, file, b"EHLO pc.firm.test\r\n")
for path in files:
    name = os.path.basename(path).encode()
    message = open(path, "rb").read()
    ask(connection, file, b"MAIL FROM:<me@firm.test>\r\n")
    ask(connection, file, b"RCPT TO:<%s@world.test>\r\n" % name)
    if name.endswith(b"bdat"):
        for chunk in pieces(message, 30000):
            ask(connection, file, b"BDAT %d\r\n%s" % (len(chunk), chunk))
        ask(connection, file, b"BDAT 0 LAST\r\n")
    else:
        ask(connection, file, b"DATA\r\n")
        data = stuffed(message)
        for piece in pieces(data, 40) if name.endswith(b"pieces") else [data]:
            connection.sendall(piece)
        ask(connection, file, b"")
ask(connection, file, b"QUIT\r\n")
"""

# Opens COUNT messages of SIZE bytes and ends none of them.
HOLD = r"""
import socket, sys, time
address, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
held = []
for number in range(count):
    connection = socket.create_connection((address, 25), timeout=20)
    connection.sendall(b"EHLO x\r\nMAIL FROM:<me@firm.test>\r\nRCPT TO:<h%d@world.test>\r\nDATA\r\n" % number)
    while b"354" not in connection.recv(4096):
        pass
    connection.sendall(b"Subject: %d\r\n\r\n" % number + (b"x" * 70 + b"\r\n") * (size // 72))
    held.append(connection)
print("held", flush=True)
sys.stdin.read()
"""


class Post:
    """Mail to the server outside, and the samples of it that reached the centre."""

    def __init__(self, bed, agent, centre):
        self.bed, self.agent, self.centre = bed, agent, centre
        self.sent, self.got = os.path.join(agent.directory, "sent"), os.path.join(agent.directory, "got")
        os.mkdir(self.sent)
        os.mkdir(self.got)
        self.server = bed.popen("inet", [sys.executable, "-c", SERVE, SERVER, self.got], stdout=subprocess.PIPE)
        self.server.stdout.readline()

    def close(self):
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()

    def write(self, name, content):
        path = os.path.join(self.sent, name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def send(self, messages, place="vps1"):
        paths = [self.write(name, content) for name, content in messages.items()]
        done = self.bed.run(place, [sys.executable, "-c", SEND, SERVER, *paths])
        assert done.returncode == 0, done.stderr
        return list(messages)

    def received(self, name):
        with open(os.path.join(self.got, name), "rb") as file:
            return file.read()

    def samples(self):
        """{recipient's local part: (envelope, content)}"""
        found = {}
        for (file,) in self.centre.ask("SELECT file FROM message ORDER BY number"):
            line, content = file.split(b"\n", 1)
            envelope = json.loads(line)
            found[envelope["recipients"][0].split("@")[0]] = envelope, content
        return found

    def arrive(self, names, patience=20):
        try:
            self.agent.wait(lambda: set(names) <= set(self.samples()), patience, "samples")
        except AgentError as late:
            lacking = sorted(set(names) - set(self.samples()))
            raise AgentError(f"of {len(names)} messages these did not come: {lacking}; {self.counts()}") from late
        return self.samples()

    def settle(self):
        """What was told since the agent's start is there, and nothing more is on its way."""
        def is_settled():
            waits = spool(self.agent)
            return waits["messages_waiting"] == 0 and waits["messages_taken"] >= self.counts()["samples_told"]
        self.agent.wait(is_settled, 20, "all that was told")

    def counts(self):
        return self.agent.status()["watcher"]


def letters(mark):
    """Every kind of content that was ever read wrong; none like another's, for one sender's same body is not kept twice."""
    dice = random.Random(3)
    head = b"From: me@firm.test\r\nSubject: " + mark.encode() + b"\r\n\r\n"
    kinds = {
        "plain": head + b"Hello.\r\n",
        "dots": head + b".\r\n..\r\n...x\r\n.x.\r\nx\r\n.\r\n\r\n.",
        "eight": head + "Grüße – ".encode() + bytes(range(128, 256)) + b"\r\n",
        "bare": head + b"one\ntwo\rthree\n\nfour\n",
        "nul": head + b"a\0b\r\n\x1a\x07\x1b[2J\r\n",
        "long": head + b"y" * 60000 + b"\r\n" + b"." * 3000 + b"\r\n",
        "headless": b"\r\n\r\n" + mark.encode() + b"\r\n\r\n",
        "large": head + b"".join(b".%d %d\r\n" % (n, dice.getrandbits(64)) for n in range(9000)),
        "lines": head + b"\r\n".join(b"." * dice.randint(0, 3) + b"z" * dice.randint(0, 90) for _ in range(3000)),
    }
    for name, content in kinds.items():
        if not content.endswith(b"\r\n"):
            kinds[name] = content + b"\r\n"
    return kinds


def check_bytes(checks, post):
    messages = {f"{name}-{way}": letters(way)[name] for name in letters("") for way in ("whole", "pieces", "bdat")
                if not (way == "pieces" and name in ("large", "lines"))}
    for name in ("dots", "bare", "nul"):  # what no DATA can say: content that does not end with a line
        messages[f"{name}open-bdat"] = letters("open")[name].rstrip(b"\r\n")
    post.send(messages)
    samples = post.arrive(messages)
    for name, content in messages.items():
        envelope, kept = samples[name]
        same = kept == post.received(name) == content
        if not checks.that(f"{name}: {len(content)} bytes are what the server got", same and envelope["complete"],
                           (envelope, kept[:200], post.received(name)[:200])):
            break
    envelope = samples["plain-whole"][0]
    checks.that("the envelope says whose it is, and how the server calls it",
                (envelope["sender"], envelope["from"], envelope["recipients"], envelope["helo"], envelope["queue"], envelope["code"],
                 envelope["why"]) == ("port:vnet1", "me@firm.test", ["plain-whole@world.test"], "pc.firm.test", "Qplain-whole", 250, "first"),
                envelope)


def check_programs(checks, post):
    """Mail as Postfix and swaks send it: what they add on the way was added before we looked."""
    body = "Subject: real\r\n\r\n.dots\r\n..\r\nGrüße\r\n".encode()
    path = post.write("swaks", body)
    done = post.bed.run("vps1", ["swaks", "--server", SERVER, "--from", "me@firm.test", "--to", "swaks@world.test", "--data", f"@{path}"])
    checks.that("swaks has sent one", done.returncode == 0, done.stdout[-500:] + done.stderr)
    sent = post.bed.mta("postfix")("vps1", SERVER, 25, "me@firm.test", "postfix@world.test", body.replace(b"\r\n", b"\n").decode())
    checks.that("Postfix has sent one", sent)
    samples = post.arrive(["swaks", "postfix"])
    for name in ("swaks", "postfix"):
        checks.that(f"{name}: the bytes that the server got", samples[name][1] == post.received(name) and b"\r\n.dots\r\n" in samples[name][1],
                    (samples[name], post.received(name)))


def check_large(checks, post):
    content = b"Subject: large\r\n\r\n" + b"".join(b"..%d\r\n" % n for n in range(60000))
    post.send({"huge-whole": content})
    envelope, kept = post.arrive(["huge-whole"])["huge-whole"]
    checks.that("what is larger is cut there, and it is said", content.startswith(kept) and SIZE * 0.7 < len(kept) <= SIZE and
                not envelope["complete"], (len(kept), envelope))


def restart(agent, configuration):
    agent.stop()
    agent.configure(configuration)
    agent.start()
    agent.wait(lambda: agent.status()["watcher"]["ports"] == 2, 10, "the ports")


def check_holders(checks, post):
    """Messages that are begun and never end take no more than they may, and nobody else's place."""
    restart(post.agent, LITTLE)
    holder = post.bed.popen("vps2", [sys.executable, "-c", HOLD, SERVER, "40", "150000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        held = post.agent.wait(lambda: post.counts()["samples_held"] > 0 and post.counts(), 10, "those that are held")
        checks.that("six megabytes under way take no more memory than two", 0 < held["samples_held"] <= MEMORY, held)
        time.sleep(1)  # what may be copied in a second was
        post.send({"meanwhile-whole": letters("meanwhile")["dots"]})
        kept = post.arrive(["meanwhile-whole"])["meanwhile-whole"][1]
        checks.that("another's message is kept meanwhile", kept == post.received("meanwhile-whole"))
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
    post.agent.wait(lambda: post.counts()["samples_held"] == 0, 20, "that nothing is held any more")
    broken = post.agent.wait(lambda: [e for e, _ in post.samples().values() if e["sender"] == "port:vnet2"], 10, "those that broke off")
    checks.that("what was there of those that broke off is told as incomplete", not any(e["complete"] or e["code"] for e in broken), broken)


def check_watcher_dies(checks, post):
    """In the middle of a message: that one is lost, the next is not."""
    holder = post.bed.popen("vps2", [sys.executable, "-c", HOLD, SERVER, "1", "100000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdout.readline()
    os.kill(post.agent.processes()["watcher"], signal.SIGKILL)
    post.agent.wait(lambda: post.agent.ask_quietly("status") and post.agent.status().get("watcher", {}).get("samples_kept") == 0 and
                    post.agent.status()["watcher"]["ports"] == 2, 20, "another watcher")
    holder.kill()
    holder.wait()
    holder.stdin.close()
    holder.stdout.close()
    post.send({"after-whole": letters("after")["dots"]})
    checks.that("another watcher keeps messages as the one before", post.arrive(["after-whole"])["after-whole"][1] == letters("after")["dots"])


def check_budget(checks, post):
    agent = post.agent
    post.settle()
    restart(agent, FEW)
    post.centre.ask("DELETE FROM message")

    def send(prefix, count, same=False):
        post.send({f"{prefix}{n}-whole": b"Subject: %s\r\n\r\nNumber %d.\r\n" % (prefix.encode(), 0 if same else n) for n in range(count)}, "vps2")
        time.sleep(0.3)
        post.settle()
        return [(n, e["why"]) for n, (e, _) in post.samples().items() if n.startswith(prefix)]
    new = send("new", 8)  # to the agent that was started anew this sender is new
    checks.that("of a sender that is new, the first three", new == [("new0-whole", "first"), ("new1-whole", "first"), ("new2-whole", "first")], new)
    checks.that("of what is ordinary, none", send("ordinary", 10) == [])
    same = send("same", 10, same=True)
    checks.that("of one body that comes again, one", [why for _, why in same] == ["digest"], same)
    done = agent.postern("divert", "port:vnet2", "--for", "10m", "--reason", "a test")
    checks.that("a person has it diverted", done.returncode == 0, done.stderr)
    diverted = send("diverted", 10)
    checks.that("of one that is diverted, all", [why for _, why in diverted] == ["diverted"] * 10, diverted)
    counts = post.counts()
    checks.that("nothing was lost on the way", counts["samples_lost"] == 0 and counts["dropped"] == 0, counts)
    said = agent.postern("status").stdout
    checks.that("status tells people", "samples     14 of " in said, said)


def check_off(checks, post):
    restart(post.agent, "")
    post.send({"nobody-whole": letters("nobody")["plain"]})
    post.agent.wait(lambda: post.counts()["sessions"] > 0, 10, "the session")
    checks.that("without a collector nothing is kept", post.counts()["samples_kept"] == 0, post.counts())


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("messages that are kept", lack)
        return checks.close()
    name = "samplingasan" if "asan" in os.environ.get("POSTERN_BUILD", "") else "sampling"
    with Testbed(name, guests=2, sinks=False) as bed:
        agent = Agent(bed, "hv", ALL)
        centre = Centre(bed, os.path.join(agent.directory, "centre.db"))
        centre.start(PORTS[0])
        post = Post(bed, agent, centre)
        try:
            with agent:
                agent.wait(lambda: spool(agent)["state"] == "connected", 20, "the connection")
                for check in (check_bytes, check_programs, check_large, check_watcher_dies, check_holders, check_budget, check_off):
                    begun = time.monotonic()
                    with checks.part(check.__name__):
                        check(checks, post)
                    print(f"      {check.__name__}: {time.monotonic() - begun:.1f} s", flush=True)
                if checks.failed:
                    print(agent.log_text()[-3000:])
        finally:
            post.close()
            centre.kill()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
