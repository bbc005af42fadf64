"""Captures made by hand: TCP conversations as frames, the forms of file that hold them, and what replay says of them.

    trace = Trace()
    with trace.connect("203.0.113.7", "198.51.100.25") as mail:
        mail.ask("EHLO mx.firm.test", 250)
        mail.ask("QUIT", 221)
    records = replay(trace.pcap(), "session")
"""
import ipaddress
import json
import os
import re
import struct
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"))
AGENT = os.path.join(BUILD, "postern-agent")
BEGIN = 1795420800_000000  # 2026-11-23T08:00:00Z in microseconds
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ALL = "session,verdict,sender,summary"


# --- running it ---


def agent(*arguments, stdin=b"", environment=None, timeout=250):
    """The program, with no configuration but the one given. Gives subprocess.CompletedProcess with bytes."""
    bare = {k: v for k, v in os.environ.items() if not k.startswith("POSTERN_")}
    return subprocess.run([AGENT, *arguments], input=stdin, capture_output=True, timeout=timeout, check=False,
                          env={**bare, "POSTERN_CONFIG": "/dev/null", **(environment or {})})


def replay(capture, records=ALL, *options):
    """The records of a capture given as bytes, or as a path, or as a list of paths."""
    stdin, files = (capture, ["-"]) if isinstance(capture, bytes) else (b"", capture)
    files = [files] if isinstance(files, str) else files
    done = agent("replay", "--json", "--records", records, *options, *files, stdin=stdin)
    if done.returncode != 0 or done.stderr:
        raise RuntimeError(f"replay: status {done.returncode}: {done.stderr.decode(errors='replace')[-1000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def of_kind(records, kind):
    return [r for r in records if r["record"] == kind]


# --- files ---


def pcap(frames, snaplen=262144, link=1):
    """[(microseconds, bytes)] as a capture file; what is longer than snaplen is cut."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, link)]
    for time, frame in frames:
        kept = frame[:snaplen]
        parts += [struct.pack("<IIII", time // 1000000, time % 1000000, len(kept), len(frame)), kept]
    return b"".join(parts)


def read_pcap(content):
    """([(microseconds, captured bytes, length on the wire)], link type) of a little-endian capture in microseconds."""
    magic, _, _, _, _, _, link = struct.unpack_from("<IHHiIII", content)
    if magic != 0xA1B2C3D4:
        raise ValueError("not a capture as tcpdump writes it")
    frames, at = [], 24
    while at + 16 <= len(content):
        seconds, micro, kept, length = struct.unpack_from("<IIII", content, at)
        frames.append((seconds * 1000000 + micro, content[at + 16:at + 16 + kept], length))
        at += 16 + kept
    return frames, link


def _block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def pcapng(frames, link=1, interfaces=1):
    """The same as pcapng; with several interfaces the frames go round, the odd ones' times in nanoseconds."""
    parts = [_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    for number in range(interfaces):
        resolution = struct.pack("<HHB3xHH", 9, 1, 9, 0, 0) if number % 2 else b""
        parts.append(_block(1, struct.pack("<HHI", link, 0, 0) + resolution))
    for index, (time, frame) in enumerate(frames):
        number = index % interfaces
        time *= 1000 if number % 2 else 1
        head = struct.pack("<IIIII", number, time >> 32, time & 0xFFFFFFFF, len(frame), len(frame))
        parts.append(_block(6, head + frame))
    return b"".join(parts)


# --- conversations ---


def _sum16(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def segment(source, target, source_port, target_port, seq, ack, flags, payload=b"", vlan=0):
    """One Ethernet frame."""
    tcp = struct.pack("!HHIIBBHHH", source_port, target_port, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, 65535,
                      0, 0) + payload
    a, b = ipaddress.ip_address(source), ipaddress.ip_address(target)
    if a.version == 4:
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, a.packed, b.packed)
        packet, kind = head[:10] + struct.pack("!H", _sum16(head)) + head[12:] + tcp, 0x0800
    else:
        packet = struct.pack("!IHBB16s16s", 6 << 28, len(tcp), 6, 64, a.packed, b.packed) + tcp
        kind = 0x86DD
    tag = struct.pack("!HH", 0x8100, vlan) if vlan else b""
    return bytes.fromhex("020000000001020000000002") + tag + struct.pack("!H", kind) + packet


class Trace:
    """Frames in the order of time. `step` microseconds lie between two."""

    def __init__(self, begin=BEGIN, step=1000):
        self.frames, self.now, self.step, self.next_port = [], begin, step, 20000

    def add(self, frame):
        self.frames.append((self.now, frame))
        self.now += self.step

    def pause(self, seconds):
        self.now += round(seconds * 1000000)

    def connect(self, client, server="198.51.100.25", port=25, client_port=None, vlan=0, greeting="220 mx ESMTP"):
        """An open connection that was greeted; `with` ends it as both sides' FIN."""
        made = self.begin(client, server, port, client_port, vlan)
        made.open()
        if greeting:
            made.answer(greeting)
        return made

    def begin(self, client, server="198.51.100.25", port=25, client_port=None, vlan=0):
        self.next_port = self.next_port + 1 if self.next_port < 60000 else 20000
        return Connection(self, client, server, client_port or self.next_port, port, vlan)

    def pcap(self, **options):
        return pcap(self.frames, **options)


class Connection:
    def __init__(self, trace, client, server, client_port, server_port, vlan):
        self.trace, self.vlan = trace, vlan
        self.client, self.server = (client, client_port), (server, server_port)
        self.said, self.answered = 0xFFFFF000, 5000  # the client's numbers wrap soon
        self.start = trace.now

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.finish()

    def send(self, from_client, flags, payload=b""):
        here, there = (self.client, self.server) if from_client else (self.server, self.client)
        seq, ack = (self.said, self.answered) if from_client else (self.answered, self.said)
        self.trace.add(segment(here[0], there[0], here[1], there[1], seq, 0 if flags == SYN else ack, flags, payload,
                               self.vlan))
        grown = len(payload) + (1 if flags & (SYN | FIN) else 0)
        if from_client:
            self.said += grown
        else:
            self.answered += grown

    def open(self):
        self.send(True, SYN)
        self.send(False, SYN | ACK)
        self.send(True, ACK)

    def say(self, data, most=1400):
        """Bytes of the client; a text is a line."""
        data = data.encode() + b"\r\n" if isinstance(data, str) else data
        for at in range(0, len(data), most):
            self.send(True, PSH | ACK, data[at:at + most])

    def answer(self, data):
        """Bytes of the server; a text is a line, a number a reply of that code."""
        data = f"{data} answer" if isinstance(data, int) else data
        self.send(False, PSH | ACK, data.encode() + b"\r\n" if isinstance(data, str) else data)

    def ask(self, command, reply):
        self.say(command)
        self.answer(reply)

    def mail(self, sender, recipients, content=None, code=250, data_code=354, mail_code=250):
        """One transaction; recipients: [(address, code)]; content: bytes as sent, without the final dot line."""
        self.ask(f"MAIL FROM:<{sender}>", mail_code)
        for address, answer in recipients:
            self.ask(f"RCPT TO:<{address}>", answer)
        if content is None:
            return
        self.ask("DATA", data_code)
        if data_code == 354:
            self.say(content + b".\r\n")
            if code:
                self.answer(code)

    def finish(self):
        self.send(True, FIN | ACK)
        self.send(False, FIN | ACK)
        self.send(True, ACK)

    def reset(self, from_client=True):
        self.send(from_client, RST | ACK)


# --- TLS, as far as a watcher sees it ---


def client_hello(name="mx.other.test"):
    """A TLS 1.2 client hello record with a server name."""
    host = name.encode()
    server_name = struct.pack("!HHHBH", 0, len(host) + 5, len(host) + 3, 0, len(host)) + host
    groups = struct.pack("!HHHHH", 10, 6, 4, 29, 23)
    extensions = server_name + groups
    body = (b"\x03\x03" + bytes(range(32)) + b"\0" + struct.pack("!HHH", 4, 0xC02F, 0xC030) + b"\x01\0"
            + struct.pack("!H", len(extensions)) + extensions)
    handshake = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack("!H", len(handshake)) + handshake


def tls_record(kind, length):
    return bytes([kind, 3, 3]) + struct.pack("!H", length) + bytes((i * 37 + 11) & 0xFF for i in range(length))


# --- forms that the contract names ---

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")


def is_time(text):
    return isinstance(text, str) and TIME.match(text) is not None


def is_address(text):
    """In the form of RFC 5952."""
    try:
        return str(ipaddress.ip_address(text)) == text
    except ValueError:
        return False


def microseconds(text):
    """Of an RFC 3339 time."""
    import datetime
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (moment - epoch) // datetime.timedelta(microseconds=1)
