#!/usr/bin/env python3
"""Captures that were made to hurt: damaged at every place, with absurd lengths, with more of everything than anybody sends.

Whatever comes, replay ends by itself with status 0 or 1, says at most one line, and takes no more memory than stands in
its row. The build with sanitizers runs the same rows; its memory is not measured, as much of it is the sanitizer's."""
import gzip
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e"), HERE]
from check import Checks  # noqa: E402
from packets import ACK, AGENT, ALL, BUILD, PSH, SYN, Trace, pcap, pcapng, segment  # noqa: E402


SANITIZED = "asan" in BUILD
MILLION = 1000000
# Each is a start of the program, which takes the sanitizers a second.
DAMAGES = 25 if os.environ.get("POSTERN_EVERYTHING") or not SANITIZED else 8

checks = Checks()
room = tempfile.mkdtemp(prefix="postern-hostile.")


# A process of its own measures: what is started from here would be said to be as large as this test has grown.
MEASURE = ("import resource, subprocess, sys\n"
           "status = subprocess.run(sys.argv[2:]).returncode\n"
           "with open(sys.argv[1], 'w') as file: file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))\n"
           "sys.exit(status if status >= 0 else 128 - status)\n")


def run(content, *options, timeout=200):
    """(status, standard output, standard error, megabytes at most) of replay over these bytes."""
    path, size = os.path.join(room, "capture"), os.path.join(room, "size")
    with open(path, "wb") as file:
        file.write(content)
    done = subprocess.run([sys.executable, "-ISc", MEASURE, size, AGENT, "replay", "--json", "--records", ALL, *options,
                           path], capture_output=True, check=False, timeout=timeout,
                          env={**os.environ, "POSTERN_CONFIG": "/dev/null"})
    with open(size, encoding="utf-8") as file:
        return done.returncode, done.stdout, done.stderr, int(file.read()) / 1024


def survives(name, content, most, *options):
    """Replay ends in good order and stays below `most` megabytes; gives what it wrote."""
    status, out, err, memory = run(content, *options)
    good = status in (0, 1) and err.count(b"\n") == status and (SANITIZED or memory <= most)
    checks.that(f"{name} ({memory:.0f} MB)" if not SANITIZED else name, good, (status, err[-600:], memory))
    return out


def mail_trace(count=40):
    trace = Trace()
    for n in range(count):
        client, server = (f"203.0.113.{n}", "198.51.100.25") if n % 3 else (f"2001:db8::{n}", "2001:db8:25::25")
        with trace.connect(client, server, vlan=n % 2) as mail:
            mail.ask("EHLO mx.firm.org", "250-mx\r\n250 PIPELINING")
            mail.mail("a@b.org", [(f"c{n}@d.org", 250)], b"Subject: x\r\n\r\n..\r\nbody\r\n")
            mail.ask("QUIT", 221)
    return trace


def test_damage():
    """Bytes changed, lost, doubled, cut off: by chance, but the same each time."""
    chance = random.Random(25)
    frames = mail_trace().frames
    whole = {"pcap": pcap(frames), "pcapng": pcapng(frames, interfaces=3), "gzip": gzip.compress(pcap(frames), 1)}
    if shutil.which("zstd"):
        whole["zstd"] = subprocess.run(["zstd", "-qc"], input=whole["pcap"], capture_output=True, check=True).stdout
    for form, content in whole.items():
        wrong = []
        for number in range(DAMAGES):
            damaged = bytearray(content)
            for _ in range(chance.randrange(1, 20)):
                at, length = chance.randrange(len(damaged)), chance.choice((1, 1, 2, 4, 60))
                kind = chance.randrange(4)
                if kind == 0:
                    damaged[at:at + length] = chance.randbytes(length)
                elif kind == 1:
                    damaged[at:at + length] = b""
                elif kind == 2:
                    damaged[at:at] = damaged[at:at + length]
                else:
                    damaged[at:at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\x7f"))
            if number % 4 == 0:
                del damaged[chance.randrange(len(damaged)):]
            status, _, err, memory = run(bytes(damaged))
            if status not in (0, 1) or err.count(b"\n") != status or (memory > 100 and not SANITIZED):
                wrong.append((number, status, err[-400:], memory))
        checks.that(f"{form}, damaged in {DAMAGES} ways", not wrong, wrong[:2])


def record(kept, length, data=b""):
    return struct.pack("<IIII", 1795420800, 0, kept, length) + data


def block(kind, length, body=b""):
    return struct.pack("<II", kind, length) + body


def test_lengths():
    frame = mail_trace(1).frames[0][1]
    good, head = record(len(frame), len(frame), frame), pcap([])
    section = pcapng([])
    rows = [
        ("garbage", random.Random(1).randbytes(100000)), ("garbage behind a head", head + b"\xa5" * 100000),
        ("a head alone", head), ("half a head", head[:11]), ("no byte", b""), ("one byte", b"\xd4"),
        ("a frame of 4 GB", head + good + record(0xFFFFFFFF, 0xFFFFFFFF) + good),
        ("a frame of 2 GB", head + record(0x7FFFFFFF, 0x7FFFFFFF, frame)),
        ("more kept than there was", head + record(len(frame), 3, frame) * 3),
        ("frames of no byte", head + record(0, 0) * 1000 + good),
        ("nothing kept of large frames", head + record(0, 0xFFFFFFFF) * 1000 + good),
        ("a block of no length", section + block(6, 0) + b"\0" * 100), ("a block of 8", section + block(6, 8)),
        ("a block of 4 GB", section + block(6, 0xFFFFFFFC, b"\0" * 1000)),
        ("a block of 2 GB that may be passed over", section + block(0x0BAD, 0x7FFFFFF0, b"\0" * 1000)),
        ("a packet of an interface that is not there", section + block(6, 32, struct.pack("<IIIII", 99, 0, 0, 0, 0))),
        ("sections without end", pcapng([])[:28] * 20000),
        ("100,000 interfaces", section + struct.pack("<IIHHII", 1, 20, 1, 0, 0, 20) * 100000),
        ("300 MB of zeros in gzip", gzip.compress(b"\0" * (300 * MILLION), 1)),
        ("a capture, then 300 MB of zeros, in gzip", gzip.compress(pcap([]) + good + b"\0" * (300 * MILLION), 1)),
        ("gzip in gzip", gzip.compress(gzip.compress(head + good))),
    ]
    for name, content in rows:
        survives(name, content, 60)
    out = survives("a snap length of 0 says nothing", struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0, 1) + good * 3, 60)
    checks.that("its frames are read", b'"packets":3,' in out, out[-300:])


def test_dialogues():
    """More in one session than any session holds."""
    names = "\r\n".join(f"RCPT TO:<b{n}@d.org>" for n in range(1000))
    trace = Trace(step=20)
    with trace.connect("203.0.113.7") as mail:
        mail.ask("EHLO mx.firm.org", 250)
        mail.ask("MAIL FROM:<a@b.org>", 250)
        for n in range(100):
            mail.ask(names.replace("<b", f"<b{n}."), "\r\n".join(["250 ok"] * 1000))
        mail.ask("DATA", 354)
        mail.ask(b"x\r\n.\r\n", 250)
    out = survives("100,000 recipients", trace.pcap(), 80)
    checks.that("each is counted", b'"recipients":100000,' in out)
    trace = Trace(step=20)
    with trace.connect("203.0.113.7") as mail:
        mail.ask("EHLO mx.firm.org", 250)
        for n in range(20000):
            mail.say(f"MAIL FROM:<a{n}@b.org>\r\nRCPT TO:<c{n}@d.org>\r\nBDAT 2 LAST\r\nx")
            mail.answer("250 ok\r\n250 ok\r\n250 ok")
    out = survives("20,000 transactions", trace.pcap(), 80)
    checks.that("each is counted", b'"messages":20000,' in out)
    rows = [("a command", b"MAIL FROM:<" + b"a" * 5000000, b""), ("a HELO name", b"EHLO " + b"a" * 5000000, b""),
            ("zero bytes", b"\0" * 5000000, b""), ("empty lines", b"\r\n" * 1000000, b""),
            ("a reply", b"NOOP\r\n", b"250" + b"-" * 5000000), ("lines of a reply", b"NOOP\r\n", b"250-x\r\n" * 500000),
            ("replies to nothing", b"", b"250 ok\r\n" * 500000), ("commands", b"NOOP\r\n" * 500000, b""),
            ("STARTTLS said and not meant", b"STARTTLS\r\n" + b"x" * 1000000, b"220 go\r\n"),
            ("a password without end", b"AUTH LOGIN\r\n" + b"A" * 3000000, b"334 x\r\n")]
    for name, said, answered in rows:
        trace = Trace(step=20)
        with trace.connect("203.0.113.7") as mail:
            mail.say(said, 1400)
            for at in range(0, len(answered), 1400):
                mail.answer(answered[at:at + 1400])
            mail.say(b"\r\nQUIT\r\n")
        survives(f"megabytes: {name}", trace.pcap(), 60)


def half_open(count, clients):
    trace = Trace(step=10)
    return pcap([(trace.now + n * 10, segment(f"203.0.{n % clients >> 8}.{n % clients & 255}", "198.51.100.25",
                                              1024 + n // clients, 25, n, 0, SYN)) for n in range(count)])


def test_many():
    """Many connections, many senders, many bytes out of order: the tables end somewhere."""
    flood = half_open(200000, 64)
    out = survives("200,000 half-open connections", flood, 250)
    checks.that("each has failed", out.count(b'"connect_failed":3125,') == 64)
    config = os.path.join(room, "small.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write("[capture]\nheld = 8M\n")
    survives("50,000 senders", half_open(50000, 50000), 440)
    frames, trace = [], Trace(step=20)
    for n in range(700):  # each leaves a hole and sends 140 kB behind it
        mail = trace.connect("203.0.113.7", f"198.51.{n >> 8}.{n & 255}", client_port=1024 + n)
        mail.said += 1
        for _ in range(100):
            mail.send(True, PSH | ACK, b"z" * 1400)
    frames = trace.frames
    survives("98 MB out of order, 64 MB of which may be held", pcap(frames), 200)
    survives("the same, 8 MB of which may be held", pcap(frames), 140, "--config", config)
    fragments = []
    for n in range(100000):  # first halves of datagrams that never come together
        frame = bytearray(segment("203.0.113.7", "198.51.100.25", 1024, 25, n, 0, ACK, b"x" * 100))
        frame[18:20], frame[20:22] = struct.pack("!H", n & 0xFFFF), b"\x20\x00"
        fragments.append((trace.now + n * 10, bytes(frame)))
    survives("100,000 halves of datagrams", pcap(fragments), 120)


def main():
    if not os.access(AGENT, os.X_OK):
        print(f"skipped: {AGENT} is not built\n0 passed, 0 failed, 1 skipped")
        return 0
    try:
        for test in (test_damage, test_lengths, test_dialogues, test_many):
            with checks.part(test.__name__):
                test()
    finally:
        shutil.rmtree(room)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
