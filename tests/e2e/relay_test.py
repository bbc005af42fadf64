#!/usr/bin/env python3
"""The company's own relay: a real Postfix that takes mail of customers' machines and accounts asks the agent, over TCP and
over the local socket. Who is blocked is refused, who is slowed down is put off, who is new waits once; the others mail on,
also when the agent is away; and whoever asks badly harms nobody."""
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
WAITS = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
import mailserver  # noqa: E402
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

HOST, ALICE = "vps1", "alice@shared.test"
ASKED, BESIDE = "127.0.0.1:10040", "203.0.113.11:10041"
BASE = f"""
[enforce]
mode = enforce
[logs]
files =
[relay]
listen = {ASKED} {BESIDE}
"""
PORT = 25
# server port source sender connections login password recipient...: what became of each recipient, one a line.
SEND = r"""
import smtplib, sys
server, port, source, sender, connections, login, password = sys.argv[1:8]
for _ in range(int(connections)):
    try:
        with smtplib.SMTP(server, int(port), timeout=10, local_hostname="pc.firm.postern", source_address=(source, 0)) as session:
            session.ehlo()
            if login:
                session.login(login, password)
            session.mail(sender)
            taken = 0
            for to in sys.argv[8:]:
                code, words = session.rcpt(to)
                taken += code == 250
                print(code, words.decode().replace("\n", " "), flush=True)
            if taken:
                code, words = session.data(f"From: {sender}\nSubject: news\n\nHello.\n")
                if code != 250:
                    print(code, words.decode().replace("\n", " "), flush=True)
    except (OSError, smtplib.SMTPException) as trouble:
        print("000", repr(trouble), flush=True)
"""


def command(server, source, sender="a@firm.postern", recipients=("ben@other.postern",), connections=1, port=PORT, login="",
            password=""):
    return ["/usr/bin/python3", "-ISc", SEND, server, str(port), source, sender, str(connections), login, password, *recipients]


class Scene:
    def __init__(self, bed, agent, checks):
        self.bed, self.agent, self.checks = bed, agent, checks

    def send(self, guest=2, v6=False, source="", **options):
        source = source or (self.bed.address6(guest) if v6 else self.bed.address4(guest))
        server = self.bed.address6(1) if v6 else self.bed.address4(1)
        return self.bed.run(f"vps{guest}", command(server, source, **options)).stdout.splitlines()

    def settle(self, lines):
        """Other settings of [relay], in force."""
        self.agent.configure(BASE + lines)
        before = self.agent.log_text()
        self.agent.process.send_signal(signal.SIGHUP)
        time.sleep(1.0)
        return before

    def order(self, *words):
        done = self.agent.postern(*words, "--reason", "a test")
        if done.returncode:
            raise RuntimeError(done.stderr)

    def policy(self):
        return self.agent.status()["policy"]


def passes(answers):
    return bool(answers) and all(answer.startswith("250") for answer in answers)


def check_ordinary(scene):
    that = scene.checks.that
    for name, answers in (("IPv4", scene.send()), ("IPv6", scene.send(3, v6=True)), ("several recipients", scene.send(
            recipients=[f"r{n}@other.postern" for n in range(5)])), ("an account", scene.send(login=ALICE, password="a-secret"))):
        that(f"ordinary mail passes: {name}", passes(answers), answers)
    status = scene.policy()
    that("the relay's questions are counted", status["asked"] >= 8 and status["malformed"] == 0, status)


def check_address(scene):
    that, bed = scene.checks.that, scene.bed
    who = bed.address4(2)
    scene.order("block", who, "--for", "10m")
    scene.agent.wait(lambda: scene.send()[0].startswith("554"), 5, "the refusal")
    answers = scene.send()
    that("a blocked address is refused, with a name to ask under",
         answers[0].startswith("554 5.7.1") and f"under {who}" in answers[0], answers)
    that("its neighbour passes", passes(scene.send(3)))
    that("its IPv6 passes", passes(scene.send(2, v6=True)))
    said = scene.agent.postern("explain", who).stdout
    that("explain says what the relay did", re.search(r"[2-9] messages refused", said), said)
    that("so do the events", any(who in str(e) and "refused at the relay" in str(e) for e in scene.agent.events()),
         scene.agent.events()[-3:])
    scene.order("release", who)
    scene.agent.wait(lambda: passes(scene.send()), 5, "its release")
    that("released, it passes", True)
    net = bed.routed6(2, 5)
    scene.order("block", net, "--for", "10m")
    scene.agent.wait(lambda: scene.send(v6=True, source=bed.routed6(2, 6))[0].startswith("554"), 5, "the refusal")
    that("a blocked /64 is refused whatever its host", True)
    that("another /64 passes", passes(scene.send(3, v6=True)))
    scene.order("release", net)


def check_throttle(scene):
    that, who = scene.checks.that, scene.bed.address4(2)
    scene.order("throttle", who, "--rate", "2", "--for", "10m")
    scene.agent.wait(lambda: who in scene.agent.orders(), 5, "the order")
    answers = scene.send(connections=5)
    that("a throttled address has its two a minute, the rest is put off",
         2 <= sum(a.startswith("250") for a in answers) <= 3 and sum(a.startswith("450 4.7.1") for a in answers) >= 2, answers)
    scene.order("release", who)
    scene.order("block", f"account:{ALICE}", "--for", "10m")
    scene.agent.wait(lambda: scene.send(login=ALICE, password="a-secret")[0].startswith("554"), 5, "the account's refusal")
    that("a blocked account is refused from any address", f"account:{ALICE}" in scene.send(3, login=ALICE, password="a-secret")[0])
    that("without its login the address passes", passes(scene.send()))
    scene.order("release", f"account:{ALICE}")


def check_rates(scene):
    that = scene.checks.that
    scene.settle("client_messages_minute = 3\ndomain_recipients_minute = 6\n")
    answers = scene.send(3, connections=5, sender="x@rates.postern")
    that("more than a client's rate is put off, with a time to wait", sum(a.startswith("250") for a in answers) == 3
         and answers[-1].startswith("450 4.7.1") and re.search(r"try again in \d+ s", answers[-1]), answers)
    answers = scene.send(2, recipients=[f"r{n}@other.postern" for n in range(8)], sender="y@rates.postern")
    that("more than a domain's recipients are put off", [a[:3] for a in answers] == ["250"] * 3 + ["450"] * 5, answers)
    that("another domain passes", passes(scene.send(2, sender="y@else.postern")))


def check_greylist(scene):
    that, agent = scene.checks.that, scene.agent
    scene.settle("greylist = yes\ngreylist_delay = 3s\ngreylist_passes = 0\n")
    begun = time.monotonic()
    answers = scene.send(sender="new@grey.postern")
    that("who is new is put off", answers[0].startswith("451 4.7.1") and "try again in" in answers[0], answers)
    that("an account is not", passes(scene.send(sender="new@grey.postern", login=ALICE, password="a-secret")))
    answers = scene.send(sender="new@grey.postern")
    that("who comes again too soon is put off again", answers[0].startswith("451") or time.monotonic() - begun > 3, answers)
    time.sleep(3.1)
    that("later it is taken", passes(scene.send(sender="new@grey.postern")))
    that("another recipient is new", scene.send(sender="new@grey.postern", recipients=["eve@other.postern"])[0].startswith("451"))
    time.sleep(1.5)
    pid = agent.processes()["courier"]
    os.kill(pid, 9)
    agent.wait(lambda: agent.processes().get("courier", pid) != pid and agent.ask_quietly("status"), 15, "another courier")
    that("who is known is known by the next courier", passes(scene.send(sender="new@grey.postern")))
    status = scene.policy()
    that("status says so", status["greylist_known"] >= 2, status)
    printed = agent.postern("status").stdout
    that("in words too", "greylist" in printed, printed)
    scene.settle("")


def check_divert(scene, relay):
    that, who = scene.checks.that, scene.bed.address4(2)
    scene.settle("divert = hold\n")
    scene.order("divert", who, "--for", "10m")
    scene.agent.wait(lambda: who in scene.agent.orders(), 5, "the order")
    that("a diverted message is taken", passes(scene.send(sender="held@firm.postern")))
    held = [m for m in relay.queue() if m["queue_name"] == "hold" and m["sender"] == "held@firm.postern"]
    that("and held", len(held) == 1, relay.queue())
    scene.order("release", who)
    scene.settle("")


def check_crowd(scene):
    """Several smtpd at once: each question has its answer."""
    that, bed = scene.checks.that, scene.bed
    before = scene.policy()["asked"]
    crowd = [bed.popen(f"vps{2 + n % 2}", command(bed.address4(1), bed.address4(2 + n % 2), connections=10),
                       stdout=subprocess.PIPE, text=True) for n in range(10)]
    answers = [line for sender in crowd for line in sender.communicate(timeout=60)[0].splitlines()]
    that("ten at once pass", len(answers) == 100 and passes(answers), answers[:5])
    that("each was asked about", scene.policy()["asked"] - before == 100, scene.policy())


def check_tcp(scene):
    """Who is not among the clients may not ask, from wherever it came."""
    that, bed = scene.checks.that, scene.bed

    def ask():
        with socket.create_connection((bed.address4(1), 10041), 5) as stream:
            stream.settimeout(5)
            try:
                stream.sendall(b"request=smtpd_access_policy\n\n")
                return stream.recv(100)
            except ConnectionError:
                return b""
    that("a stranger is closed unheard", bed.within("vps2", ask) == b"")
    that("and counted", scene.policy()["strangers"] >= 1, scene.policy())
    scene.settle(f"clients = 127.0.0.1 {bed.address4(2)}\n")
    that("who is named is answered", bed.within("vps2", ask) == b"action=DUNNO\n\n")
    scene.settle("")


QUESTION = b"request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=192.0.2.7\nrecipient=a@b\n"


def connect(place=ASKED):
    host, port = place.rsplit(":", 1)
    stream = socket.create_connection((host, int(port)), 5)
    stream.settimeout(10)
    return stream


def read_all(stream, most=1 << 20):
    got = b""
    try:
        while len(got) < most and (more := stream.recv(65536)):
            got += more
    except ConnectionError:
        pass
    return got


def count_answers(stream, count):
    """Whether so many come."""
    wanted, got = count * len(b"action=DUNNO\n\n"), 0
    while got < wanted and (more := stream.recv(1 << 20)):
        got += len(more)
    return got == wanted


def bad_input():
    """Within the relay's namespace; what went wrong, as sentences."""
    wrong = []
    for name, bytes_sent in (("NUL bytes", b"request=smtpd_access_policy\nsender=a\0b\n\n"),
                             ("1 MB in one line", b"request=" + b"x" * (1 << 20) + b"\n\n"),
                             ("1 MB of attributes", QUESTION + b"a=b\n" * (1 << 18) + b"\n"),
                             ("no attributes", b"\n\n"), ("HTTP", b"GET / HTTP/1.0\r\n\r\n")):
        with connect() as stream:
            try:
                stream.sendall(bytes_sent)
            except ConnectionError:
                pass
            if b"action" in read_all(stream):
                wrong.append(f"{name} is answered")
    with connect() as stream:
        stream.sendall(QUESTION + b"client_address=198.51.100.77\nclient_address=1\n\n")
        if stream.recv(100) != b"action=DUNNO\n\n":
            wrong.append("an attribute that is said twice is not answered")
    with connect() as stream:
        stream.sendall(b"request=smtpd_access_policy\nsasl_username=x\raction=OK\x1b[31m\nprotocol_state=RCPT\n\n")
        answer = stream.recv(1000)
        if not answer.startswith(b"action=554 5.7.1 ") or answer.count(b"\n") != 2 or re.search(rb"[\x00-\x09\x0b-\x1f\x7f-]", answer):
            wrong.append(f"control characters come back: {answer!r}")
    half = [connect() for _ in range(20)]
    for stream in half:
        stream.sendall(QUESTION[:40])
    with connect() as stream:
        stream.sendall(QUESTION + b"\n")
        if stream.recv(100) != b"action=DUNNO\n\n":
            wrong.append("half requests keep others out")
    for stream in half:
        stream.sendall(QUESTION[40:] + b"\n")
        if stream.recv(100) != b"action=DUNNO\n\n":
            wrong.append("a request in two halves is not answered")
        stream.close()
    return wrong


def never_pauses():
    """A client that has always begun the next question when it ends one, for longer than a question may take: how many were
    answered before it was closed on; 0: it was not."""
    whole, half = QUESTION + b"\n", len(QUESTION) // 2
    begun, answered = time.monotonic(), 0
    with connect() as stream:
        stream.sendall(whole[:half])
        while time.monotonic() < begun + 12.5:
            try:
                stream.sendall(whole[half:] + whole[:half])
                if stream.recv(100) != b"action=DUNNO\n\n":
                    return answered
            except ConnectionError:
                return answered
            answered += 1
            time.sleep(0.05)
    return 0


def never_reads():
    """A client that asks and asks and reads nothing: true where it is closed on."""
    with connect() as stream:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            for _ in range(100000):
                stream.sendall((QUESTION + b"\n") * 10)
        except (ConnectionError, TimeoutError):
            return True
    return False


def a_million(connections):
    """A million questions over so many connections: whether all were answered."""
    each = 1000000 // connections
    streams = [connect() for _ in range(connections)]
    piece, size = (QUESTION + b"\n") * 100, 100
    for _ in range(0, each, size):
        for stream in streams:
            stream.sendall(piece)
        for stream in streams:
            if not count_answers(stream, size):
                return False
    return True


def memory_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"^VmRSS:\s+(\d+) kB", file.read(), re.M).group(1))


def check_bad_input(scene):
    that, bed = scene.checks.that, scene.bed
    sanitized = "asan" in os.environ.get("POSTERN_BUILD", "")
    courier = scene.agent.processes()["courier"]
    scene.order("block", "account:x%0daction=ok%1b%5b31m", "--for", "10m")
    time.sleep(0.5)
    wrong = bed.within(HOST, bad_input)
    that("bad questions end in silence, odd ones in one plain line", not wrong, wrong)
    status = scene.policy()
    that("they are counted", status["malformed"] >= 5, status)
    closed = bed.within(HOST, never_pauses)
    that("who never pauses is answered on", not closed, closed)
    that("who never reads is closed", bed.within(HOST, never_reads))
    before = memory_of(courier)
    for connections in (1, 100):
        if not sanitized or connections == 1:
            that(f"a million questions over {connections} connections are answered", bed.within(HOST, lambda n=connections: a_million(n)))
    if not sanitized:
        that("in the memory that was there", memory_of(courier) - before < 20000, (before, memory_of(courier)))
    that("the courier is the same one", scene.agent.processes()["courier"] == courier)
    that("and mail passes", passes(scene.send()))


def check_away(scene):
    """Without the agent Postfix does what it was told: its own default is to put off, ours in the manual to take."""
    that = scene.checks.that
    that("with the agent both ports take mail", passes(scene.send(port=PORT)) and passes(scene.send(port=PORT + 1)))
    scene.agent.stop()
    answers = scene.send(port=PORT)
    that("without it the relay goes on where default_action says so", passes(answers), answers)
    answers = scene.send(port=PORT + 1)
    that("and puts off where nothing is said", answers[0].startswith("451 4.3.5"), answers)


def main():
    checks = Checks()
    lack = missing() or mailserver.missing()
    if lack:
        checks.skip("relay", lack)
        return checks.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    with Testbed("relay", guests=3) as bed, Agent(bed, HOST, BASE) as agent:
        relay = mailserver.Relay(bed, HOST, PORT, {"alice": "a-secret"}, relay=bed.SINK4, asks=f"inet:{ASKED}",
                                 networks="203.0.113.0/24 [2001:db8:1::]/64 [2001:db8:f02::]/64")
        relay.start()
        bed.run(HOST, ["ip", "-6", "route", "add", "2001:db8:f02::/64", "via", bed.address6(2)])
        scene = Scene(bed, agent, checks)
        for name, part in (("ordinary mail", lambda: check_ordinary(scene)),
                           ("addresses", lambda: check_address(scene)),
                           ("throttles and accounts", lambda: check_throttle(scene)),
                           ("rates", lambda: check_rates(scene)),
                           ("greylist", lambda: check_greylist(scene)),
                           ("divert", lambda: check_divert(scene, relay)),
                           ("a crowd", lambda: check_crowd(scene)),
                           ("over TCP", lambda: check_tcp(scene)),
                           ("bad input", lambda: check_bad_input(scene)),
                           ("the agent is away", lambda: check_away(scene))):
            with checks.part(name):
                part()
        if checks.failed:
            print(agent.log_text()[-3000:])
            with open(relay.log, errors="replace") as file:
                print(file.read()[-3000:])
        relay.stop()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
