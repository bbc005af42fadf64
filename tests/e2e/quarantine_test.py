#!/usr/bin/env python3
"""The quarantine: what nodes sent in is sealed, shown safely to those who may see it and with each look on record, saved
byte for byte, sent on once, forgotten."""
import mailbox
import os
import pty
import re
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests", "testbed"), os.path.dirname(os.path.abspath(__file__))]
from check import Checks  # noqa: E402
from collector import PROGRAM, Collector  # noqa: E402
from person import POSTERN, Person  # noqa: E402
from samples import Sampler  # noqa: E402

ONE, TWO = "1" * 64, "2" * 64
HOSTILE = (b"From: x <x@firm.example>\r\nSubject: \x1b]0;owned\x07hello\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
           b"before \x1b[2J\x9b31m after \xe2\x80\xaetxt.exe\r\nFrom here on\r\n.a dot\r\n..\r\n\r\nVERY-SECRET-WORDS\r\n")


class Relay:
    """A mail server that does as it is told: `answers` by the word of the command, e.g. {"DATA": "451 later"}."""

    def __init__(self):
        self.answers, self.taken, self.sessions = {}, [], 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            link, _ = self.listener.accept()
            self.sessions += 1
            threading.Thread(target=self.talk, args=(link,), daemon=True).start()

    def talk(self, link):
        with link, link.makefile("rb") as lines:
            link.sendall(b"220 relay.test\r\n")
            sender, recipients = None, []
            for line in lines:
                word = line.split()[0].upper().decode() if line.split() else ""
                answer = self.answers.get(line.strip().decode(), self.answers.get(word, "250 well"))
                if word == "MAIL":
                    sender = line.strip()
                if word == "RCPT" and answer.startswith("2"):
                    recipients.append(line.strip())
                if word == "DATA" and answer.startswith("250"):
                    link.sendall(b"354 go on\r\n")
                    content = b"".join(iter(lines.readline, b".\r\n"))
                    answer = self.answers.get(".", "250 taken")
                    if answer == "hang":
                        time.sleep(60)
                    if answer == "hang up":
                        return
                    if answer.startswith("2"):
                        self.taken.append((sender, recipients, content))
                link.sendall(answer.encode() + b"\r\n")


def on_terminal(person, *words):
    """What a terminal is sent."""
    host, guest = pty.openpty()
    process = subprocess.Popen([POSTERN, *words], env=person.environment(), stdin=guest, stdout=guest, stderr=guest)
    os.close(guest)
    got = b""
    while process.poll() is None or select.select([host], [], [], 0.2)[0]:
        try:
            got += os.read(host, 65536) if select.select([host], [], [], 0.2)[0] else b""
        except OSError:
            break
    os.close(host)
    return got


def kept(centre):
    """All bytes of the store's files."""
    data = b""
    for name in os.listdir(centre.folder):
        if name.startswith("collector.db"):
            with open(os.path.join(centre.folder, name), "rb") as file:
                data += file.read()
    return data


def write_key(path, *keys):
    with open(path, "w", encoding="ascii") as file:
        file.write("".join(key + "\n" for key in keys))
    os.chmod(path, 0o600)


def ids(person, *words):
    return [record["id"] for record in person.records("quarantine", "list", *words)]


def content_of(number):
    return (b"From: a@b.example\r\nSubject: letter %d\r\n\r\nDear all,\r\n\r\nFrom me to you\r\n>From them\r\nnumber %d\r\n" %
            (number, number))


def who_may_see(checks, centre, node):
    anna, bert = Person(centre, "anna", "read,content"), Person(centre, "bert", "read")
    root = Person(centre, "root", "admin")
    node.send(HOSTILE, sender="192.0.2.7", customer="firm", recipients=["victim@there.example"])
    wait_for(lambda: "unknown" in ids(anna)[0])
    name = ids(anna)[0]
    checks.that("an id has day, verdict and name", re.fullmatch(r"\d{8}/unknown/[0-9A-F]{9}\.[0-9A-F]{5}", name), name)
    checks.that("of what is kept nobody reads a word on the disk", b"VERY-SECRET-WORDS" not in kept(centre))
    listed = bert.records("quarantine", "list", "--customer", "firm")[0]
    checks.that("who may read sees that it is there, and no subject", listed["subject"] is None and listed["size"] == len(HOSTILE), listed)
    status, out, err = bert.run("quarantine", "show", name)
    checks.that("and neither content nor for whom it was", status == 0 and "VERY-SECRET" not in out and "victim" not in out
                and "right `content`" in out, out + err)
    status, out, err = bert.run("quarantine", "export", name)
    checks.that("nor by exporting it", status == 1 and "403" in err, err)
    status, _ = centre.ask("GET", f"/v1/messages/{name.split('/')[-1]}/content", root.secret)
    checks.that("not even who administers", status == 403, status)
    shown = anna.say("quarantine", "show", name.split("/")[-1])
    checks.that("who has the right to it reads the text", "VERY-SECRET-WORDS" in shown and "victim@there.example" in shown, shown)
    deeds = [(d["person"], d["deed"], d["target"]) for d in root.records("audit") if d["deed"] in ("view", "export")]
    checks.that("each look is on record, and no refused one", deeds == [("anna", "view", name.split("/")[-1])], deeds)
    return anna, root, name


def shown_safely(checks, anna, name):
    seen = on_terminal(anna, "quarantine", "show", name)
    bad = [byte for byte in seen if byte < 0x20 and byte not in (9, 10, 13)] + [1 for byte in (b"\x9b", b"\xe2\x80\xae") if byte in seen]
    checks.that("no byte of it is obeyed by a terminal", b"VERY-SECRET-WORDS" in seen and not bad, seen)
    seen = on_terminal(anna, "quarantine", "list")
    checks.that("nor one of a list", b"hello" in seen and b"\x07" not in seen and b"]0;owned\x07" not in seen, seen)
    status, out, err = anna.run("quarantine", "show", name, "--raw", raw=True)
    checks.that("a pipe gets it byte for byte", status == 0 and out == HOSTILE, out + err.encode())
    checks.that("whether or not it is to be JSON", anna.run("--json", "quarantine", "show", name, "--raw", raw=True)[1] == HOSTILE)
    seen = on_terminal(anna, "quarantine", "show", name, "--raw")
    checks.that("a terminal does not", b"a terminal would obey" in seen and b"SECRET" not in seen, seen)
    for odd in ("../../etc/passwd", "0DC5B48D4.A739", "0DC5B48D4.A739D/content", "x" * 500):
        status, _, err = anna.run("quarantine", "show", odd)
        checks.that(f"{odd[:30]} is no message", status == 2 and "which message" in err, err)
    checks.that("what it takes is said", all(anna.run(*words, "--help")[:2] == anna.run("quarantine", "--help")[:2]
                                             for words in (["quarantine"], ["quarantine", "list"])))
    checks.that("nor is one that is not there", "404" in anna.run("quarantine", "show", "0DC5B48D4.A739D")[2])


def exported(checks, centre, node, anna):
    for number in range(3):
        node.send(content_of(number), sender="192.0.2.8")
    wait_for(lambda: len(ids(anna, "--sender", "192.0.2.8")) == 3)
    names = ids(anna, "--sender", "192.0.2.8")
    path = os.path.join(centre.folder, "out.mbox")
    anna.say("quarantine", "export", "-", "--format", "mbox", "--output", path, given="\n".join(reversed(names)).encode())
    checks.that("a mailbox is its owner's alone", os.stat(path).st_mode & 0o777 == 0o600)
    read = [bytes(message).replace(b"\n>From me", b"\nFrom me").replace(b"\n>>From", b"\n>From") for message in mailbox.mbox(path)]
    wanted = [content_of(number).replace(b"\r\n", b"\n") for number in range(3)]
    checks.that("another program reads as many messages in it, as they were", read == wanted, read)
    checks.that("of one", anna.run("quarantine", "export", names[0], raw=True)[1] == content_of(2))
    checks.that("by a time, a verdict, a number", len(ids(anna, "--top", "2")) == 2 and not ids(anna, "--verdict", "spam")
                and not ids(anna, "--since", "2100-01-01T00:00:00Z"))
    return names


def state_of(person, name):
    return next((r for r in person.records("quarantine", "show", name) if r["record"] == "release"), {})


def released(checks, centre, relay, node, names):
    order, looks = Person(centre, "otto", "read,order"), Person(centre, "lea", "read")
    checks.that("a reason is wanted", order.run("quarantine", "release", names[0])[0] == 2)
    checks.that("and the right", "403" in looks.run("quarantine", "release", names[0], "--reason", "x")[2])
    out = order.say("quarantine", "release", names[0], "--reason", "a customer asked")
    checks.that("it is sent on", "sent: 250 taken" in out, out)
    wanted = f"X-Postern-Released: {names[0].split('/')[-1]}\r\n".encode() + content_of(2)
    sender, recipients, content = relay.taken[0]
    checks.that("as it was, to those whom it was for", sender.startswith(b"MAIL FROM:<ann@firm.example>") and
                recipients == [b"RCPT TO:<bob@there.example>"] and content == wanted, relay.taken)
    again = order.say("quarantine", "release", names[0], "--reason", "once more")
    checks.that("once", len(relay.taken) == 1 and "sent" in again, again)

    node.send(HOSTILE, sender="192.0.2.9", recipients=["good@there.example", "bad@there.example", "b>\r\nRSET@x"], **{"from": ""})
    wait_for(lambda: ids(looks, "--sender", "192.0.2.9"))
    name = ids(looks, "--sender", "192.0.2.9")[0]
    relay.answers = {"RCPT TO:<bad@there.example>": "550 no such user"}
    out = order.say("quarantine", "release", name, "--reason", "x")
    sender, recipients, content = relay.taken[1]
    checks.that("those get it whom the relay takes, and it is said who does not", sender.startswith(b"MAIL FROM:<>") and
                recipients == [b"RCPT TO:<good@there.example>"] and "550 no such user" in out, (out, recipients))
    dots = HOSTILE.replace(b"\r\n.", b"\r\n..")
    checks.that("dots are doubled on the way", content.split(b"\r\n", 1)[1] == dots, content)

    relay.answers = {"RCPT": "550 nobody here"}
    status, out, _ = order.run("quarantine", "release", names[1], "--reason", "x")
    checks.that("what the relay refuses has failed", status == 1 and "failed: 550 nobody here" in out, out)
    status, out, err = order.run("quarantine", "release", "0DC5B48D4.A739D", names[1], names[0], "--reason", "x")
    checks.that("of several each is told of, whatever came of the others", status == 1 and "404" in err and "nobody here" in out
                and f"{names[0].split('/')[-1]}: sent" in out, out + err)
    relay.answers = {"MAIL": "451 later"}
    order.run("quarantine", "release", names[1], "--reason", "x")
    state = state_of(order, names[1])
    checks.that("and may be released anew; what is put off waits", state["state"] == "waiting" and state["answer"] == "451 later", state)
    relay.answers = {".": "hang up"}
    status, out, _ = order.run("quarantine", "release", names[2], "--reason", "x")
    checks.that("where nobody knows whether it arrived people are told so", status == 1 and "in doubt" in out, out)
    relay.answers = {}
    out = order.run("quarantine", "release", names[2], "--reason", "x")[1]
    checks.that("and it is not sent again by itself", "in doubt" in out and len(relay.taken) == 2, out)
    out = order.say("quarantine", "release", names[2], "--reason", "x", "--again")
    checks.that("but when a person says so", "sent" in out and len(relay.taken) == 3, out)
    node.send(HOSTILE[:90], sender="192.0.2.10", complete=False)
    wait_for(lambda: ids(looks, "--sender", "192.0.2.10"))
    out = order.run("quarantine", "release", ids(looks, "--sender", "192.0.2.10")[0], "--reason", "x")[1]
    checks.that("half a message is sent to nobody", "failed: only a part of it is kept" in out and len(relay.taken) == 3, out)
    return order


def killed_while_sending(checks, centre, relay, node, order):
    node.send(content_of(9), sender="192.0.2.11")
    wait_for(lambda: ids(order, "--sender", "192.0.2.11"))
    name = ids(order, "--sender", "192.0.2.11")[0]
    relay.answers = {".": "hang"}
    status, _ = centre.ask("POST", f"/v1/messages/{name.split('/')[-1]}/release", order.secret, {"reason": "x"})
    before = relay.sessions
    wait_for(lambda: relay.sessions > before and state_of(order, name).get("state") == "sending")
    centre.kill()
    relay.answers = {}
    centre.start()
    wait_for(lambda: state_of(order, name).get("state") == "in doubt")
    checks.that("a collector that is killed while it sends leaves a doubt, and does not send twice",
                status == 202 and state_of(order, name)["state"] == "in doubt" and relay.sessions == before + 1, state_of(order, name))


def other_keys(checks, centre, key, anna, name):
    write_key(key, TWO)
    centre.stop()
    centre.start()
    status, _, err = anna.run("quarantine", "show", name, "--raw")
    checks.that("without its key nothing is opened, and it is said why", status == 1 and "does not have" in err, err)
    write_key(key, TWO, ONE)
    centre.stop()
    centre.start()
    status, out, _ = anna.run("quarantine", "show", name, "--raw", raw=True)
    checks.that("an old key behind the new one opens it", status == 0 and out == HOSTILE)
    with sqlite3.connect(centre.database) as database:
        database.execute("UPDATE contents SET bytes = (SELECT bytes FROM contents WHERE name <> ?1 LIMIT 1) WHERE name = ?1",
                         (name.split("/")[-1],))
    status, _, err = anna.run("quarantine", "show", name, "--raw")
    checks.that("one that was put in another's place is not shown", status == 1 and "seal" in err, err)
    os.chmod(key, 0o644)
    centre.stop()
    try:
        centre.start()
        checks.that("a key that others may read is refused", False)
    except RuntimeError as refused:
        checks.that("a key that others may read is refused", "chmod 600" in str(refused), str(refused))
    checked = subprocess.run([PROGRAM, "check", "--config", centre.config], capture_output=True, text=True, check=False)
    checks.that("and the check of the configuration says so beforehand", checked.returncode == 2 and "chmod 600" in checked.stderr, checked)
    os.chmod(key, 0o600)
    centre.start()


def forgotten(checks, anna, order, root, name):
    checks.that("who may only look forgets nothing", "403" in anna.run("quarantine", "forget", name)[2])
    order.say("quarantine", "forget", name, "--reason", "asked to")
    checks.that("what is forgotten is gone", order.run("quarantine", "show", name)[0] == 1 and name not in ids(anna))
    deeds = [d for d in root.records("audit") if d["deed"] == "forget message"]
    checks.that("and who did it is on record", [d["person"] for d in deeds] == ["otto"] and deeds[0]["reason"] == "asked to", deeds)
    checks.that("forgotten twice is an error", order.run("quarantine", "forget", name)[0] == 1)


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return True
        except (RuntimeError, IndexError):
            pass
        time.sleep(0.05)
    return False


def main():
    checks, relay = Checks(), Relay()
    with tempfile.TemporaryDirectory() as folder:
        key = os.path.join(folder, "key")
        write_key(key, ONE)
        centre = Collector(folder, f"[quarantine]\nkey = {key}\nrelay = 127.0.0.1:{relay.port}\npatience = 20s\n").start()
        try:
            node = Sampler(centre, "hv1")
            with checks.part("who may see"):
                anna, root, name = who_may_see(checks, centre, node)
            with checks.part("shown safely"):
                shown_safely(checks, anna, name)
            with checks.part("exported"):
                names = exported(checks, centre, node, anna)
            with checks.part("released"):
                order = released(checks, centre, relay, node, names)
            with checks.part("killed"):
                killed_while_sending(checks, centre, relay, node, order)
            with checks.part("forgotten"):
                forgotten(checks, anna, order, root, names[0])
            with checks.part("other keys"):
                other_keys(checks, centre, key, anna, name)
        finally:
            if centre.process.poll() is None:
                centre.stop(signal.SIGKILL)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
