#!/usr/bin/env python3
"""Logs that Debian's own Postfix, Exim, OpenSMTPD, Sendmail and rspamd write, read by log-test and replay: what they say
must be exactly what was sent and answered, under the program's own queue ids.

Two parts, all programs side by side. Local mail: one message a run, by the program's sendmail, that the test's own server
takes, refuses or puts off. Submission: one run a program, with clients that log in, fail to, send to several at once,
send with the null sender; and answers to RCPT and to the end of DATA. rspamd is asked about messages by HTTP.

Everything runs in a network namespace of the test's own without a way out; the programs in a mount namespace
(tests/testbed/mta.sh). OpenSMTPD in the foreground writes its lines without a head: the test puts syslog's before them.

POSTERN_BUILD: build or build/asan.
"""
import ctypes
import email.utils
import http.client
import json
import os
import re
import shutil
import smtplib
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor


TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
AGENT = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern-agent")
MTA = os.path.join(TOP, "tests", "testbed", "mta.sh")
SERVER, PORT = "127.0.0.2", 2525
LISTEN = {"postfix": "127.0.0.11", "exim": "127.0.0.12", "opensmtpd": "127.0.0.13", "sendmail": "127.0.0.14",
          "rspamd": "127.0.0.15"}
STRANGER, GUESSER = "127.0.0.99", "127.0.0.98"  # who sends without a login, who has none
LOCAL = "www-data"
CLIENT = {"al": "127.0.0.21", "bo": "127.0.0.22"}
MAIL = (f"From: al@firm.test\r\nTo: good@far.test\r\nDate: {email.utils.formatdate()}\r\n"
        "Message-ID: <1@firm.test>\r\nSubject: known\r\n\r\nbody\r\n").encode()
HEAD = "2026-11-05T08:00:01+00:00 mx smtpd[9]: "
PATIENCE = 120  # seconds; only what hangs takes so long

# What becomes of the recipient: rule's code and enhanced code.
CASES = [
    ("good@far.test", "250", "2.0.0"),
    ("nobody@far.test", "550", "5.1.1"),
    ("later@far.test", "451", "4.7.1"),
]

# A submission: who logs in, with what password, the sender, and of each recipient the answer that the server gives, by
# its name: "data" and "full" are answered at the end of DATA, "slow" a second late, so that Sendmail's client has had the
# time to log that it handed its message to the daemon. www-data sends by the program's own command.
SUBMISSIONS = [
    ("al", "secret", "al@firm.test", {"good.1": (250, "2.0.0"), "nobody.1": (550, "5.1.1"), "later.1": (451, "4.7.1")}),
    ("al", "secret", "al@firm.test", {"data.2": (554, "5.7.1")}),
    ("al", "secret", "al@firm.test", {"full.3": (452, "4.2.2")}),
    ("bo", "secret", "bo@firm.test", {"good.4": (250, "2.0.0"), "good.5": (250, "2.0.0")}),
    (None, None, "", {"good.6": (250, "2.0.0")}),
    ("al", "guessed", None, {}),
    (LOCAL, None, "web@firm.test", {"slow.7": (250, "2.0.0"), "slow.8": (250, "2.0.0")}),
]
# Per sender: messages, recipients, recipients_rejected, recipients_deferred. Postfix's accounts bring the realm of their
# SASL library; Debian's OpenSMTPD takes no login (tests/testbed/mta_serve.sh) and says of no local user who it was.
SENDERS = {"al": (1, 1, 2, 2), "bo": (1, 2, 0, 0), None: (1, 1, 0, 0), LOCAL: (1, 2, 0, 0)}
ACCOUNTS = {"al": "account:al", "bo": "account:bo", None: STRANGER, LOCAL: "account:" + LOCAL}
NAMES = {"postfix": {"al": "account:al@mx.firm.test", "bo": "account:bo@mx.firm.test", None: STRANGER, LOCAL: "uid:33"},
         "exim": ACCOUNTS, "sendmail": ACCOUNTS, "opensmtpd": {**CLIENT, None: STRANGER}}
KEYS = ("messages", "recipients", "recipients_rejected", "recipients_deferred")

# What rspamd is asked: subject, sender, account, client, queue id; and the action, the score, a symbol.
QUESTIONS = [
    (("known", "al@firm.test", "al", "192.0.2.7", "Q1"), ("no action", "-1.50", "SUBJECT_KNOWN")),
    (("an offer", "bo@firm.test", "bo", "192.0.2.8", "Q2"), ("add header", "7.25", "SUBJECT_OFFER")),
    (("pills", "eve@evil.test", None, "2001:db8::9", "Q3"), ("reject", "20.50", "SUBJECT_PILLS")),
    (("known", "", None, "192.0.2.7", "Q4"), ("no action", "-1.50", "SUBJECT_KNOWN")),
]


class Server(socketserver.StreamRequestHandler):
    seen = set()  # recipients that were answered
    END = {b"data": b"554 5.7.1 Message refused for its content", b"full": b"452 4.2.2 Mailbox full, come back"}

    def handle(self):
        self.wfile.write(b"220 mx.far.test ESMTP\r\n")
        data, recipient = False, b""
        for line in self.rfile:
            line = line.rstrip(b"\r\n")
            verb = line[:4].upper()
            if data:
                if line != b".":
                    continue
                data, reply = False, self.END.get(recipient[:4], b"250 2.0.0 Ok: queued as FAR1")
            elif verb == b"EHLO":
                reply = b"250-mx.far.test\r\n250 ENHANCEDSTATUSCODES"
            elif verb == b"RCPT":
                if b"slow" in line:
                    time.sleep(1)
                recipient = re.search(rb"<([^>]*)>", line).group(1)
                reply = {b"nobody": b"550 5.1.1 No such user here", b"later": b"451 4.7.1 Greylisted, come back"}.get(
                    re.split(rb"[.@]", recipient)[0], b"250 2.1.5 Ok")
            elif verb == b"DATA":
                data, reply = True, b"354 go on"
            elif verb == b"QUIT":
                self.wfile.write(b"221 2.0.0 Bye\r\n")
                return
            else:
                reply = b"250 2.1.0 Ok"
            self.wfile.write(reply + b"\r\n")


def records(command, path):
    done = subprocess.run([AGENT, command, "--json", path], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command} failed: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def keep(directory, lines):
    path = os.path.join(directory, "kept.log")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def read(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


def not_understood(rows):
    return [f"not understood: {row['line']}" for row in rows if row.get("outcome") == "unparsed"]


# --- local mail ---


def log_of(name, to, directory):
    sent = subprocess.run([os.path.join(directory, "send"), SERVER, str(PORT), "al@firm.test", to], input=MAIL,
                          env={**os.environ, "PATIENCE": str(PATIENCE)}, capture_output=True, check=False)
    lines = read(os.path.join(directory, "log"))
    if not lines:
        raise RuntimeError(f"{name} left no log: {sent.stderr.decode(errors='replace')}")
    if name == "opensmtpd":
        lines = [HEAD + line for line in lines if re.match(r"[0-9a-f]{16} ", line)]
    return keep(directory, lines), lines


def faults_of_local(name, to, code, enhanced, directory):
    path, lines = log_of(name, to, directory)
    rows = records("log-test", path)
    yield from not_understood(rows)
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
    root = [r for r in records("replay", path) if r["record"] == "sender" and r["sender"] == "uid:0"]
    if len(root) != 1:
        yield f"replay has {len(root)} senders uid:0"
        return
    want = {"recipients": int(code == "250"), "recipients_rejected": int(code == "550"),
            "recipients_deferred": int(code == "451")}
    for key, value in want.items():
        if root[0][key] != value:
            yield f"{key} is {root[0][key]}, not {value}"


# --- submission ---


class Serving:
    """A program that takes mail, until the block ends; its lines while it runs."""

    def __init__(self, name, directory, port=587):
        self.name, self.directory, self.port = name, directory, port

    def __enter__(self):
        self.process = subprocess.Popen([os.path.join(self.directory, "serve"), SERVER, str(PORT), LISTEN[self.name]],
                                        stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.until(self.answers, "does not listen")
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def answers(self):
        try:
            socket.create_connection((LISTEN[self.name], self.port), 1).close()
            return True
        except OSError:
            return False

    def until(self, done, complaint):
        end = time.monotonic() + PATIENCE
        while not done():
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError("\n".join([f"{self.name} {complaint}", *read(os.path.join(self.directory, "output")),
                                              *self.lines()]))
            time.sleep(0.1)

    def lines(self):
        logs = os.path.join(self.directory, "logs")
        return [line for name in ("log", "mainlog", "rspamd.log") for line in read(os.path.join(logs, name))]


def submit(name, login, password, sender, recipients):
    source = GUESSER if sender is None else CLIENT.get(login, STRANGER)
    with smtplib.SMTP(LISTEN[name], 587, "pc.firm.test", PATIENCE, (source, 0)) as client:
        try:
            if login is not None and name != "opensmtpd":
                client.login(login, password)
        except smtplib.SMTPAuthenticationError:
            return
        if sender is not None:
            client.sendmail(sender, [to + "@far.test" for to in recipients], MAIL)


def answered(rows):
    """Of each recipient its deliveries; Sendmail may tell several in one line."""
    result = {}
    for row in rows:
        if row.get("means") == "delivery":
            for to in re.findall(r"[^<>, ]+", row.get("to") or row.get("to_list", "")):
                result.setdefault(to, []).append(row)
    return result


def submitted(name, directory):
    """The lines of a run in which everything was sent, and each recipient's first answer logged."""
    wanted = [f"{to}@far.test" for *_, recipients in SUBMISSIONS for to in recipients]

    def all_answered():
        return set(wanted).issubset(answered(records("log-test", keep(directory, serving.lines()))))

    with Serving(name, directory) as serving:
        for submission in SUBMISSIONS:
            if submission[0] != LOCAL:
                submit(name, *submission)
                continue
            serving.process.stdin.write(" ".join(to + "@far.test" for to in submission[3]).encode() + b"\n")
            serving.process.stdin.flush()
        serving.until(all_answered, "did not answer all")
    return keep(directory, serving.lines())


def faults_of_submissions(name, directory):
    path = submitted(name, directory)
    rows = records("log-test", path)
    yield from not_understood(rows)
    begun = {r["queue"]: r for r in rows if r.get("means") == "queued"}
    deliveries = answered(rows)
    for login, _, sender, recipients in SUBMISSIONS:
        queues = set()
        for to, (code, enhanced) in recipients.items():
            found = deliveries.get(f"{to}@far.test", [])
            if len(found) != 1:
                yield f"{len(found)} deliveries to {to}"
                continue
            queues.add(found[0]["queue"])
            what = (found[0].get("server"), int(found[0].get("code", 250)), found[0].get("enhanced", enhanced))
            if what != (SERVER, code, enhanced):
                yield f"{to} was answered {what}"
        if len(queues) != (1 if recipients else 0):
            yield f"{login}'s message to {', '.join(recipients)} has the queue ids {queues}"
        yield from (f"queue id {queue} does not begin" for queue in queues - set(begun))
    guesses = [r for r in rows if r.get("means") == "login" and r.get("status", "failed") == "failed"]
    if bool(guesses) != (name != "opensmtpd") or any(r.get("client", GUESSER) != GUESSER for r in guesses):
        yield f"failed logins are {guesses}"
    yield from faults_of_senders(name, path)


def faults_of_senders(name, path):
    found = {r["sender"]: r for r in records("replay", path) if r["record"] == "sender"}
    for login, sender in NAMES[name].items():
        want = SENDERS[login]
        record = found.pop(sender, None)
        has = record and tuple(record[key] for key in KEYS)
        if has != want:
            yield f"{sender}: {has}, not {want}"
    found.pop(GUESSER, None)
    yield from (f"a sender too many: {record}" for record in found.values())


# --- rspamd ---


def ask(port, subject, sender, account, client, queue):
    body = MAIL.replace(b"known", subject.encode())
    headers = {"From": sender, "Rcpt": "good@far.test", "IP": client, "Queue-Id": queue, "Helo": "pc.firm.test"}
    if account is not None:
        headers["User"] = account
    connection = http.client.HTTPConnection(LISTEN["rspamd"], port, timeout=PATIENCE)
    connection.request("POST", "/checkv2", body, headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def faults_of_rspamd(directory):
    with Serving("rspamd", directory, 11333) as serving:
        # By turns of the process that mail servers ask, and of the one that people do.
        answers = [ask(port, *question) for port, (question, _) in zip((11333, 11334) * 2, QUESTIONS)]
        serving.until(lambda: sum("task_write_log: id:" in line for line in serving.lines()) >= len(QUESTIONS),
                      "did not log all")
    rows = records("log-test", keep(directory, serving.lines()))
    yield from not_understood(rows)
    found = {r["queue"]: r for r in rows if r.get("means") == "filter"}
    for ((_, sender, account, client, queue), (action, score, symbol)), answer in zip(QUESTIONS, answers):
        row = found.get(queue, {})
        has = tuple(row.get(key) for key in ("from", "account", "client", "action", "score"))
        if has != (sender or None, account, client, action, score) or symbol not in row.get("symbols", ""):
            yield f"{queue} is {row}"
        if answer["action"] != action or f"{answer['score']:.2f}" != score:
            yield f"rspamd itself says of {queue}: {answer['action']} {answer['score']}"


# --- all of it ---


def tests(scratch):
    def directory(part, name):
        return os.path.join(scratch, part, name)

    for name in ("postfix", "exim", "opensmtpd"):
        yield name, directory("local", name), [
            (f"{name}: {to} answered {code}", faults_of_local, (name, to, code, enhanced, directory("local", name)))
            for to, code, enhanced in CASES]
    for name in ("postfix", "exim", "opensmtpd", "sendmail"):
        yield name, directory("serve", name), [
            (f"{name}: submissions", faults_of_submissions, (name, directory("serve", name)))]
    yield "rspamd", directory("serve", "rspamd"), [
        ("rspamd: what it was asked", faults_of_rspamd, (directory("serve", "rspamd"),))]


def carry_out(group):
    """Those of one directory, one after the other: what was found, by title."""
    result = []
    for title, test, arguments in group:
        try:
            result.append((title, list(test(*arguments))))
        except (OSError, RuntimeError, smtplib.SMTPException, http.client.HTTPException) as error:
            result.append((title, [f"{type(error).__name__}: {error}"]))
    return result


def main():
    if os.geteuid() != 0 or shutil.which("dpkg") is None:
        print("skip: needs root and Debian's packages")
        return 0
    scratch = tempfile.mkdtemp(prefix="postern-mta-logs-")
    groups = list(tests(scratch))
    for name, directory, _ in groups:  # packages are fetched while there is a way out
        subprocess.run([MTA, name, directory], check=True)
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:
        print("skip: no network namespaces here")
        return 0
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    passed = failed = 0
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer.request_queue_size = 50
    with socketserver.ThreadingTCPServer((SERVER, PORT), Server) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with ThreadPoolExecutor(len(groups)) as pool:
            for results in pool.map(carry_out, [group for *_, group in groups]):
                for title, found in results:
                    print(f"{'FAIL' if found else 'ok  '} {title}")
                    for fault in found:
                        print(f"     {fault}")
                    failed += bool(found)
                    passed += not found
        server.shutdown()
    if not failed or "POSTERN_KEEP" not in os.environ:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
