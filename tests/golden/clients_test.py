#!/usr/bin/env python3
"""What replay reads in captures of real programs, against what the servers at the other end wrote down.

In the testbed real clients send to tests/testbed/recorder.py and to smtp-sink while tcpdump listens on the guests'
ports of the hypervisor. Then the sessions must be the recorder's, and the counts smtp-sink's. The same packets must
give the same records in every form of file, in pieces, and from the build with sanitizers."""
import collections
import gzip
import json
import os
import shutil
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ONCE = True
sys.path[:0] = [os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "testbed"), HERE]
from check import Checks  # noqa: E402
from packets import ALL, BUILD, TOP, agent, of_kind, pcap, pcapng, read_pcap, replay  # noqa: E402
from testbed import Testbed, TestbedError, missing  # noqa: E402

RECORDER4, RECORDER6 = Testbed.address4(3), Testbed.address6(3)
NOWHERE = "198.51.100.99"  # routed to the outside, where nobody has it
PORTS = (25, 465, 587, 2525, 2526, 2527, 2528)
SNAP = 96
HELO = ["-M", "mx.firm.test", "-f", "anna@firm.test", "-t", "ben@other.test"]

checks = Checks()


class Capture:
    """tcpdump on the ports of guests; each guest's frames in a file of its own."""

    def __init__(self, bed, ports):
        self.files = {port: os.path.join(bed.directory, f"{port}.pcap") for port in ports}
        self.bed, self.running = bed, []

    def __enter__(self):
        for port, file in self.files.items():
            self.running.append(self.bed.popen("hv", [
                "tcpdump", "-Z", "root", "-i", port, "-s", "0", "-B", "16384", "-U", "-w", file, "tcp"],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
        for process in self.running:
            process.stderr.readline()  # "listening on"
        return self

    def __exit__(self, *_):
        time.sleep(1)  # the ring's last block
        for process in self.running:
            process.send_signal(signal.SIGINT)
            process.wait(10)

    def frames(self):
        """[(microseconds, bytes)] of each file."""
        read = []
        for file in self.files.values():
            with open(file, "rb") as content:
                frames, link = read_pcap(content.read())
            if link != 1:
                raise ValueError(f"{file}: not Ethernet")
            read.append([(moment, frame) for moment, frame, _ in frames])
        return read


# --- the clients: each is given the bed ---


def send_swaks(bed):
    rows = [
        [], ["--pipeline"], ["--protocol", "SMTP"], ["--to", "no1@other.test"], ["--to", "later@other.test"],
        ["--to", "ben@other.test,no2@other.test,carl@other.test", "--pipeline"], ["--from", "<>"],
        ["--from", "refused@firm.test"], ["--from", "nodata@firm.test"], ["--header", "X-Refuse: yes"],
        ["--body", ".\n..\n...dots\n." * 20], ["--body", "x" * 900 + "\n" + "y" * 70000],
        ["--auth", "PLAIN", "--auth-user", "anna", "--auth-password", "right"],
        ["--auth", "LOGIN", "--auth-user", "anna@firm.test", "--auth-password", "right"],
        ["--auth", "PLAIN", "--auth-user", "anna", "--auth-password", "wrong"],
        ["--quit-after", "RCPT"], ["--drop-after", "MAIL"], ["--quit-after", "EHLO", "--helo", "[203.0.113.11]"],
    ]
    for server in (RECORDER4, f"[{RECORDER6}]"):
        for row in rows:
            bed.run("vps1", ["swaks", "--server", server, "--helo", "mx.firm.test", "--from", "anna@firm.test",
                             "--to", "ben@other.test", *row])


def send_smtp_source(bed):
    for server in (f"{RECORDER4}:25", f"[{RECORDER6}]:25"):
        rows = [["-m", "20", "-s", "5"], ["-m", "30", "-s", "2", "-d"], ["-m", "4", "-r", "6", "-l", "30000", "-d"],
                ["-m", "1", "-l", "2000000"], ["-m", "5", "-N"], ["-m", "2", "-o"]]
        for row in rows:
            done = bed.run("vps1", ["smtp-source", *HELO, *row, server])
            checks.that(f"smtp-source {' '.join(row)} sends to {server}", done.returncode == 0, done.stderr)
        bed.run("vps1", ["smtp-source", *HELO, "-f", "", "-m", "3", server])


def send_smtplib(bed):
    """Python's own client: TLS, several transactions, RSET between, an address in UTF-8."""
    any_name = ssl.create_default_context()
    any_name.check_hostname, any_name.verify_mode = False, ssl.CERT_NONE
    letter = "Subject: hello\r\n\r\n.Hello.\r\n" * 3

    def run(server):
        with smtplib.SMTP(server, 25, "mx.firm.test", timeout=10) as mail:
            for number in range(5):
                mail.sendmail("anna@firm.test", [f"ben{number}@other.test", "later@other.test"], letter)
            mail.mail("anna@firm.test")
            mail.rcpt("lost@other.test")
            mail.rset()
            mail.sendmail("änna@firm.test", ["ben@other.test"], letter, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        with smtplib.SMTP(server, 587, "mx.firm.test", timeout=10) as mail:
            mail.starttls(context=any_name)
            mail.login("anna", "right")
            mail.sendmail("anna@firm.test", ["ben@other.test"], letter)
        with smtplib.SMTP_SSL(server, 465, "mx.firm.test", timeout=10, context=any_name) as mail:
            mail.sendmail("anna@firm.test", ["ben@other.test"], letter)

    for server in (RECORDER4, RECORDER6):
        bed.within("vps1", lambda server=server: run(server))


def send_bare(bed):
    """What libraries do not do: chunks, one packet for a whole dialogue, bytes one by one, an end in the middle."""
    def talk(server, *sayings, piece=None, reset=False):
        with socket.create_connection((server, 25), timeout=10) as mail:
            mail.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            mail.recv(4096)
            for saying, replies in sayings:
                for at in range(0, len(saying), piece or len(saying)):
                    mail.sendall(saying[at:at + (piece or len(saying))])
                seen = b""
                while seen.count(b"\r\n") < replies:
                    seen += mail.recv(65536)
            if reset:
                mail.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def run(server):
        begin = b"HELO mx.firm.test\r\nMAIL FROM:<anna@firm.test>\r\nRCPT TO:<ben@other.test>\r\n"
        content = b"Subject: x\r\n\r\n..dot\r\n"
        talk(server, (begin + b"BDAT 20 LAST\r\n" + content[:20] + b"QUIT\r\n", 5))
        talk(server, (begin, 3), (b"BDAT 5\r\nSubje", 1), (b"BDAT 300000\r\n" + b".\r\n" * 100000, 1),
             (b"BDAT 0 LAST\r\n", 1), (b"QUIT\r\n", 1))
        talk(server, (begin + b"BDAT 19\r\nX-Refuse: yes\r\nabcd" + b"BDAT 2 LAST\r\n\r\n" + b"QUIT\r\n", 6))
        talk(server, (begin, 3), (b"DATA\r\n", 1), (content + b".\r\nQUIT\r\n", 2), piece=1)
        talk(server, (begin, 3), (b"DATA\r\n", 1), (content * 50, 0), reset=True)
        talk(server, (begin, 3), (b"RSET\r\n", 1), (b"NONSENSE \xff\x00\r\n", 1), (b"mail from: <>\r\n", 1),
             (b"rcpt to: <postmaster>\r\n", 1), (b"quit\r\n", 1))
        talk(server, reset=True)

    for server in (RECORDER4, RECORDER6):
        bed.within("vps1", lambda server=server: run(server))


def send_mta(bed, name):
    try:
        send = bed.mta(name)
    except TestbedError as lack:
        checks.skip(name, lack)
        return
    letter = "From: anna@firm.test\nTo: ben@other.test\nSubject: hello\n\n.Hello.\n" + "A line of text.\n" * 3000
    for server, port in ((RECORDER4, 25), (RECORDER6, 25), (RECORDER4, 2525)):  # 2525: no TLS there
        sent = send("vps1", server, port, "anna@firm.test", "ben@other.test", letter)
        checks.that(f"{name} delivers to {server} port {port}", sent)


SINK_ROWS = (
    # server, port, options of smtp-source, how many sessions that makes
    (Testbed.SINK4, 25, ["-m", "60", "-s", "6"], 60), (Testbed.SINK6, 25, ["-m", "40", "-s", "4", "-d"], 4),
    (Testbed.SINKS4[1], 587, ["-m", "10", "-r", "7", "-N"], 10), (Testbed.SINK4, 2525, ["-m", "3", "-l", "500000"], 3),
)
SINK_SESSIONS = [("2001:db8:1::/64" if ":" in row[0] else Testbed.address4(2), row[0], row[3]) for row in SINK_ROWS] + [
    (Testbed.address4(2), RECORDER4, 8)]
REFUSED = 4


def send_to_sinks(bed):
    """From the second guest, to smtp-sink: good ones outside, ones that refuse or defer at the third guest."""
    for server, port, options, _ in SINK_ROWS:
        name = f"[{server}]" if ":" in server else server
        done = bed.run("vps2", ["smtp-source", *HELO, *options, f"{name}:{port}"])
        checks.that(f"smtp-source sends to {server} port {port}", done.returncode == 0, done.stderr)
    for port in (2526, 2527):  # RCPT refused, content deferred; -A: it goes on
        for _ in range(REFUSED):
            bed.run("vps2", ["smtp-source", *HELO, "-A", f"{RECORDER4}:{port}"])
    for address, port in ((RECORDER4, 2528), (NOWHERE, 25), (NOWHERE, 25)):
        bed.outcome("vps2", address, port, timeout=0.3)


# --- what was seen ---


def expected_session(note):
    """The recorder's note in the words of a session record."""
    return {key: note[key] for key in ("client", "client_port", "server", "server_port", "helo", "tls", "auth", "user",
                                       "transactions")} | {"quit": note["quit"]}


def read_session(record, keys):
    read = {key: record[key] for key in keys if key != "quit"} | {"quit": record["closed"] == "quit"}
    read["transactions"] = [{key: t[key] for key in ("from", "recipients", "code", "bytes")}
                            for t in record["transactions"]]
    return read


def check_sessions(name, notes, sessions, without=()):
    """One by one; a client's port may come twice, then in the order of time."""
    by_ends = collections.defaultdict(list)
    for session in sorted(sessions, key=lambda s: s["start"]):
        by_ends[session["client"], session["client_port"], session["server_port"]].append(session)
    wrong = []
    for note in notes:
        want = expected_session(note)
        found = by_ends[note["client"], note["client_port"], note["server_port"]]
        got = read_session(found.pop(0), want) if found else {}
        for transaction in want["transactions"] + got.get("transactions", []):
            for key in without:
                transaction.pop(key, None)
        if got != want:
            wrong.append({key: (want[key], got.get(key)) for key in want if want[key] != got.get(key)} |
                         {"port": note["client_port"]})
    checks.that(f"{name}: {len(notes)} sessions as the recorder noted them", notes and not wrong, wrong[:3])


def sender_of(address):
    return "2001:db8:1::/64" if ":" in address else address


class Sums:
    """What the sender records must say, out of what the servers wrote down."""

    def __init__(self):
        self.counts = collections.defaultdict(collections.Counter)
        self.names = collections.defaultdict(lambda: collections.defaultdict(set))

    def add_note(self, note):
        counts, names = self.counts[sender_of(note["client"])], self.names[sender_of(note["client"])]
        counts["connections"] += 1
        counts["tls_sessions"] += note["tls"] != "none"
        names["servers"].add(note["server"])
        names["helos"] |= {note["helo"].lower()} - {""}
        for mail in note["transactions"]:
            names["senders"].add(mail["from"])
            counts["bytes"] += mail["bytes"]
            if mail["bytes"]:
                counts["messages"] += mail["code"] == 250
                counts["messages_rejected"] += mail["code"] // 100 in (4, 5)
            for recipient in mail["recipients"]:
                names["recipients"].add(recipient["address"])
                counts[{2: "recipients", 4: "recipients_deferred", 5: "recipients_rejected"}
                       [recipient["code"] // 100]] += 1

    def add_dump(self, text, taken=True):
        """A file of smtp-sink: fields of its own, a Received of three lines, then the content without CR."""
        fields, lines = [], text.split("\n")
        while lines and lines[0].startswith("X-"):
            fields.append(lines.pop(0).split(": ", 1))
        client = next(value for key, value in fields if key == "X-Client-Addr")
        sender = sender_of(client)
        counts, names = self.counts[sender], self.names[sender]
        counts["messages" if taken else "messages_rejected"] += 1
        counts["bytes"] += sum(len(line.encode()) + 2 for line in lines[3:-2])  # an empty line of its own is the last
        for key, value in fields:
            if key == "X-Rcpt-Args":
                counts["recipients"] += 1
                names["recipients"].add(value[1:-1])
            elif key == "X-Mail-Args":
                names["senders"].add(value[1:-1])
            elif key == "X-Helo-Args":
                names["helos"].add(value)

    def check(self, records):
        senders = {r["sender"]: r for r in of_kind(records, "sender")}
        checks.that("the senders", set(senders) == set(self.counts), list(senders))
        for sender, counts in self.counts.items():
            want = {key: counts[key] for key in
                    ("connections", "connect_failed", "messages", "messages_rejected", "recipients",
                     "recipients_rejected", "recipients_deferred", "bytes", "tls_sessions")}
            want |= {f"distinct_{key}": len(names) for key, names in self.names[sender].items()}
            got = {key: senders.get(sender, {}).get(key) for key in want}
            checks.that(f"the counts of {sender}", got == want,
                        {key: (want[key], got[key]) for key in want if want[key] != got[key]})
        summary = of_kind(records, "summary")[0]
        for key in ("connections", "messages"):
            checks.that(f"the summary's {key}", summary[key] == sum(c[key] for c in self.counts.values()), summary)


def sums_of(bed, notes):
    sums = Sums()
    for note in notes:
        sums.add_note(note)
    for text in bed.mail():
        sums.add_dump(text)
    for text in bed.mail("vps3"):
        sums.add_dump(text, taken=False)
    for sender, server, connections in SINK_SESSIONS:
        sums.counts[sender]["connections"] += connections
        sums.names[sender]["servers"].add(server)
    second = Testbed.address4(2)
    sums.counts[second]["recipients_rejected"] += REFUSED
    sums.names[second]["recipients"].add("ben@other.test")
    sums.counts[second]["connect_failed"] += 3
    return sums


# --- the same packets in other forms ---


def records_of(build, *arguments, stdin=b""):
    """The program's very output; the number of files is the only thing that may differ."""
    done = subprocess.run([os.path.join(TOP, build, "postern-agent"), "replay", "--json", "--records", ALL, *arguments],
                          input=stdin, capture_output=True, check=False, env={**os.environ, "POSTERN_CONFIG": ""})
    if done.returncode or done.stderr:
        return f"status {done.returncode}: {done.stderr.decode()[-500:]}".encode()
    return done.stdout


def one_file(output):
    return output.replace(b'"files":2,', b'"files":1,').replace(b'"files":3,', b'"files":1,')


def check_forms(room, config, files, parts):
    def write(name, content):
        with open(os.path.join(room, name), "wb") as file:
            file.write(content)
        return os.path.join(room, name)

    frames = sorted((frame for part in parts for frame in part), key=lambda f: f[0])
    whole, half = pcap(frames), len(frames) // 2
    options = ["--config", config]
    want = one_file(records_of(BUILD, *options, *files))
    checks.that("there is something to compare", want.count(b"\n") > 200, want[:300])
    rows = [
        ("the same twice", files, b""), ("the other order of files", files[::-1], b""), ("one file", ["-"], whole),
        ("pcapng", ["-"], pcapng(frames)), ("pcapng, three interfaces", ["-"], pcapng(frames, interfaces=3)),
        ("gzip", [write("whole.gz", gzip.compress(whole))], b""),
        ("in two halves", [write("a", pcap(frames[:half])), write("b", pcapng(frames[half:]))], b""),
        ("the halves the other way round", [os.path.join(room, "b"), os.path.join(room, "a")], b""),
        ("every third", [write(f"third{n}", pcap(frames[n::3])) for n in range(3)], b""),
    ]
    if shutil.which("zstd"):
        packed = subprocess.run(["zstd", "-qc"], input=whole, capture_output=True, check=True).stdout
        rows.append(("zstd", [write("whole.zst", packed)], b""))
    for name, given, stdin in rows:
        got = one_file(records_of(BUILD, *options, *given, stdin=stdin))
        checks.that(f"the same bytes: {name}", got == want, first_difference(got, want))
    for other in ("build", "build/asan"):
        if os.path.exists(os.path.join(TOP, other, "postern-agent")):
            got = one_file(records_of(other, *options, *files))
            checks.that(f"the same bytes: {other}", got == want, first_difference(got, want))
    return frames


def first_difference(got, want):
    pairs = zip(got.splitlines(), want.splitlines())
    return next(((g, w) for g, w in pairs if g != w), (len(got), len(want)))


def check_cut(config, frames, notes):
    """96 bytes of each frame: bodies are gone, a known gap; where no command was cut, everything else is there."""
    sessions = of_kind(replay(pcap(frames, snaplen=SNAP), ALL, "--config", config), "session")
    whole = of_kind(replay(pcap(frames), ALL, "--config", config), "session")
    ends = [sorted((s["client"], s["client_port"], s["server_port"], s["start"], s["end"]) for s in several)
            for several in (sessions, whole)]
    checks.that("cut to 96 bytes: every session from start to end", ends[0] == ends[1])
    torn = torn_commands(frames)
    short = [n for n in notes if ":" not in n["client"] and n["tls"] == "none" and n["client_port"] not in torn]
    check_sessions("cut to 96 bytes", short, sessions)
    checks.that("cut to 96 bytes: most of them could be compared", len(short) > 40, len(short))
    digests = [t["digest"] for s in sessions for t in s["transactions"] if t["bytes"] > SNAP]
    checks.that("cut to 96 bytes: no digest of what was not seen", digests and not any(digests))


def torn_commands(frames):
    """The ports of IPv4 clients of whom a frame longer than that holds commands, alone or behind content."""
    torn, in_content = set(), collections.defaultdict(bool)
    for _, frame in frames:
        if frame[12:14] != b"\x08\x00":
            continue
        tcp = 14 + (frame[14] & 15) * 4
        source, target = struct.unpack_from("!HH", frame, tcp)
        said = frame[tcp + (frame[tcp + 12] >> 4) * 4:]
        if source in PORTS and said:
            in_content[target] = said.startswith(b"354") or b"\n354" in said
        elif len(frame) > SNAP and (not in_content[source] or said.endswith(b"\r\n.\r\nQUIT\r\n")):
            torn.add(source)
    return torn


def check_local(config, files):
    for prefix, want in (("203.0.113.11", {"203.0.113.11"}), ("203.0.113.0/24", {"203.0.113.11", "203.0.113.12"}),
                         ("2001:db8::/32", {"2001:db8:1::/64"}), ("192.0.2.0/24", set())):
        got = {r["sender"] for r in replay(files, "sender", "--config", config, "--local", prefix)}
        checks.that(f"--local {prefix}", got == want, got)


def play(bed):
    """Everything that is sent; gives the recorder's notes."""
    file, certificate = os.path.join(bed.directory, "notes"), os.path.join(bed.directory, "recorder.pem")
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                           "-nodes", "-subj", "/CN=recorder", "-keyout", certificate, "-out", certificate + ".crt"],
                          capture_output=True, check=False)
    with open(certificate, "ab") as whole, open(certificate + ".crt", "rb") as more:
        whole.write(more.read())
    if made.returncode:
        raise TestbedError(f"openssl: {made.stderr[-300:]}")
    recorder = [sys.executable, os.path.join(TOP, "tests/testbed/recorder.py")]
    bed.popen("vps3", [*recorder, file, certificate, "25", "465", "587"])
    bed.popen("vps3", [*recorder, file + ".plain", "-", "2525"])
    for port in (25, 465, 587, 2525):
        bed._wait_listening("vps3", port)
    bed.sink("vps3", 2526, "-f", "RCPT")
    bed.sink("vps3", 2527, "-r", ".")
    with Capture(bed, ["vnet1", "vnet2"]) as capture:
        for part in (send_swaks, send_smtp_source, send_smtplib, send_bare, send_to_sinks):
            with checks.part(part.__name__):
                part(bed)
        for name in ("postfix", "exim", "opensmtpd"):
            with checks.part(name):
                send_mta(bed, name)
    notes = []
    for path in (file, file + ".plain"):
        with open(path, encoding="utf-8") as lines:
            notes += [json.loads(line) for line in lines]
    return [n for n in notes if n["client"] in (bed.address4(1), bed.address6(1))], capture


def main():
    lack = missing() or next((f"{p} is missing" for p in ("tcpdump", "openssl", "swaks") if not shutil.which(p)), "")
    if lack:
        checks.skip("captures of real programs", lack)
        return checks.close()
    with Testbed("golden", "bridged", keep_mail=True) as bed, tempfile.TemporaryDirectory() as room:
        config = os.path.join(room, "agent.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[capture]\nports = {' '.join(str(port) for port in PORTS)}\n")
        notes, capture = play(bed)
        files = list(capture.files.values())
        records = replay(files, ALL, "--config", config)
        check_sessions("whole", notes, of_kind(records, "session"))
        checks.that("nothing was missed", of_kind(records, "summary")[0]["streams_gapped"] == 0)
        with checks.part("sums"):
            sums_of(bed, notes).check(records)
        with checks.part("forms"):
            frames = check_forms(room, config, files, capture.frames())
            check_cut(config, frames, notes)
            check_local(config, files)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
