#!/usr/bin/env python3
"""`postern-agent replay` and `check` as scripts see them: records, exit statuses, errors, and the same bytes for the same
packets however they come in. The captures are made here, packet by packet."""
import gzip
import json
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import tempfile


TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("POSTERN_BUILD", "build")
AGENT = os.path.join(TOP, BUILD, "postern-agent")
BEGIN = 1795420800  # 2026-11-23T08:00:00Z
BOT, GOOD, SERVER = "203.0.113.66", "203.0.113.7", "198.51.100.25"
ALL = "session,verdict,sender,summary"

passed = failed = 0
room = tempfile.mkdtemp(prefix="postern-replay.")
os.environ.update(POSTERN_CONFIG="", ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=1")


def expect(name, condition, detail=""):
    global passed, failed
    if condition:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {name}" + (f": {str(detail)[:2000]}" if detail != "" else ""))


def path(name):
    return os.path.join(room, name)


def write(name, content):
    with open(path(name), "wb" if isinstance(content, bytes) else "w") as file:
        file.write(content)
    return path(name)


# --- captures ---


def packet(source, target, sport, dport, seq, ack, flags, payload=b""):
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 65535, 0, 0)
    to_bytes = lambda a: bytes(int(part) for part in a.split("."))
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 1, 0, 64, 6, 0, to_bytes(source), to_bytes(target))
    return bytes.fromhex("020000000001020000000002") + b"\x08\x00" + ip + tcp + payload


def conversation(at, client, port, lines, server=SERVER):
    """(time, frame) of one session; lines: (client says, server answers)."""
    client_seq, server_seq, frames = 1000, 5000, []

    def add(from_client, flags, payload=b""):
        nonlocal at, client_seq, server_seq
        at += 0.01
        if from_client:
            frames.append((at, packet(client, server, port, 25, client_seq, server_seq, flags, payload)))
            client_seq += len(payload) + (1 if flags & 3 else 0)
        else:
            frames.append((at, packet(server, client, 25, port, server_seq, client_seq, flags, payload)))
            server_seq += len(payload) + (1 if flags & 3 else 0)

    add(True, 2), add(False, 18), add(True, 16)
    add(False, 24, b"220 mx.example.net ESMTP\r\n")
    for said, answered in lines:
        add(True, 24, said)
        add(False, 24, answered)
    add(True, 17), add(False, 17), add(True, 16)
    return frames


def message(helo, sender, recipients):
    lines = [(b"EHLO " + helo + b"\r\n", b"250 mx\r\n"), (b"MAIL FROM:<" + sender + b">\r\n", b"250 ok\r\n")]
    for address, code in recipients:
        lines.append((b"RCPT TO:<" + address + b">\r\n", b"%d answer\r\n" % code))
    if any(code == 250 for _, code in recipients):
        lines.append((b"DATA\r\n", b"354 go\r\n"))
        lines.append((b"Subject: x\r\n\r\nbody\r\n.\r\n", b"250 queued\r\n"))
    return lines + [(b"QUIT\r\n", b"221 bye\r\n")]


def trace():
    frames = []
    for i in range(40):
        bad = [(b"guess%d.%d@example.net" % (i, n), 550) for n in range(8)]
        frames += conversation(BEGIN + i * 2, BOT, 20000 + i, message(b"localhost", b"you@example.com", bad))
        frames += conversation(BEGIN + i * 2 + 0.003, GOOD, 30000 + i,
                               message(b"mail.customer.net", b"a@customer.net", [(b"b%d@destination.net" % i, 250)]))
    return sorted(frames, key=lambda f: f[0])


def capture(frames):
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for at, frame in frames:
        out += struct.pack("<IIII", int(at), round(at % 1 * 1e6) % 1000000, len(frame), len(frame)) + frame
    return out


# --- running it ---


def agent(*arguments, stdin=b"", environment=None, **more):
    env = dict(os.environ, **(environment or {}))
    return subprocess.run([AGENT, *arguments], input=stdin, capture_output=True, env=env, cwd=TOP, timeout=120, **more)


def replay(*arguments, **more):
    return agent("replay", "--json", "--records", ALL, *arguments, **more)


def records(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def of_kind(result, kind):
    return [r for r in records(result) if r["record"] == kind]


def one_line(result):
    return result.stderr.count(b"\n") == 1


# --- what is proved ---


def test_records(whole):
    result = replay(whole)
    expect("exit status 0", result.returncode == 0, result.stderr)
    expect("nothing on standard error in a pipe", result.stderr == b"", result.stderr)
    sessions, senders = of_kind(result, "session"), of_kind(result, "sender")
    expect("a session for each connection", len(sessions) == 80, len(sessions))
    good = next((s for s in sessions if s["client"] == GOOD), {})
    want = {"server": SERVER, "server_port": 25, "client_port": 30000, "vlan": 0, "helo": "mail.customer.net",
            "tls": "none", "auth": "none", "user": "", "closed": "quit", "start": "2026-11-23T08:00:00.013000Z"}
    expect("the session's fields", all(good.get(k) == v for k, v in want.items()), good)
    transaction = good.get("transactions", [{}])[0]
    expect("the transaction", transaction.get("from") == "a@customer.net" and transaction.get("code") == 250 and
           transaction.get("recipients") == [{"address": "b0@destination.net", "code": 250}] and
           transaction.get("bytes") == len(b"Subject: x\r\n\r\nbody\r\n") and len(transaction.get("digest", "")) == 32,
           transaction)
    bad = next((s for s in sessions if s["client"] == BOT), {"transactions": [{}]})
    expect("no content, no digest", bad["transactions"][0].get("digest") == "", bad)
    by_name = {s["sender"]: s for s in senders}
    expect("senders", list(by_name) == [BOT, GOOD], list(by_name))
    want = {"connections": 40, "connect_failed": 0, "messages": 0, "recipients": 0, "recipients_rejected": 320,
            "recipients_deferred": 0, "distinct_senders": 1, "distinct_helos": 1, "distinct_servers": 1, "bytes": 0,
            "worst_verdict": "block"}
    expect("the bot's record", all(by_name[BOT].get(k) == v for k, v in want.items()), by_name[BOT])
    want = {"messages": 40, "messages_rejected": 0, "recipients": 40, "distinct_recipients": 40, "bytes": 40 * 20,
            "verdict": "clear", "worst_verdict": "clear", "tls_sessions": 0}
    expect("the neighbour's record", all(by_name[GOOD].get(k) == v for k, v in want.items()), by_name[GOOD])
    verdicts = of_kind(result, "verdict")
    expect("only the bot gets verdicts", verdicts and {v["sender"] for v in verdicts} == {BOT}, verdicts)
    expect("evidence in sentences", all(e["reason"] and e["points"] > 0 for v in verdicts for e in v["evidence"]))
    summary = of_kind(result, "summary")
    frames = len(trace())
    want = {"files": 1, "packets": frames, "connections": 80, "messages": 40, "senders": 2, "streams_gapped": 0,
            "lines": 0, "lines_unparsed": 0}
    expect("the summary", len(summary) == 1 and all(summary[0].get(k) == v for k, v in want.items()), summary)
    expect("the summary stands last", records(result)[-1]["record"] == "summary")
    return result.stdout


def test_same_bytes(whole, want):
    expect("again", replay(whole).stdout == want)
    content = open(whole, "rb").read()
    expect("from standard input", replay("-", stdin=content).stdout == want)
    expect("gzip, whatever the name", replay(write("whole.bin", gzip.compress(content))).stdout == want)
    if shutil.which("zstd"):
        packed = subprocess.run(["zstd", "-c", whole], capture_output=True, check=True).stdout
        expect("zstd", replay("-", stdin=packed).stdout == want)
    frames = trace()
    parts = [write(f"part{i}.pcap", capture(frames[i::3])) for i in range(3)]
    several = want.replace(b'"files":1', b'"files":3')
    expect("three files, merged by time", replay(*parts).stdout == several)
    expect("in any order", replay(*parts[::-1]).stdout == several)
    early = [write("early.pcap", capture(frames[:500])), write("late.pcap", capture(frames[500:]))]
    expect("one after the other, named the other way round",
           replay(*early[::-1]).stdout == want.replace(b'"files":1', b'"files":2'))
    expect("another time zone and locale", replay(whole, environment={"TZ": "Asia/Tokyo", "LC_ALL": "C"}).stdout == want)


def test_choices(whole):
    result = agent("replay", "--json", whole)
    expect("verdict, sender and summary by default", {r["record"] for r in records(result)} ==
           {"verdict", "sender", "summary"})
    result = agent("replay", "--json", "--records=summary", whole)
    expect("--records=summary", [r["record"] for r in records(result)] == ["summary"])
    result = replay("--local", "203.0.113.0/26", whole)
    expect("--local leaves others out", [s["sender"] for s in of_kind(result, "sender")] == [GOOD], result.stdout[-300:])
    result = replay("--local", "203.0.113.0/26", "--local", BOT, whole)
    expect("--local twice", len(of_kind(result, "sender")) == 2)
    calm = write("calm.conf", "[policy]\nalert = 900\nthrottle = 900\nblock = 900\n")
    expect("--config", of_kind(replay("--config", calm, whole), "verdict") == [])
    expect("POSTERN_CONFIG", of_kind(replay(whole, environment={"POSTERN_CONFIG": calm}), "verdict") == [])
    text = agent("replay", whole)
    lines = text.stdout.decode().splitlines()
    expect("columns for people, without colour in a pipe",
           any(line.startswith("SENDER ") for line in lines) and b"\033" not in text.stdout and len(lines) < 20,
           text.stdout)


def test_trouble(whole):
    content = open(whole, "rb").read()
    cut = write("cut.pcap", content[:-7])
    result = replay(cut)
    expect("a cut file: everything before the cut", len(of_kind(result, "session")) == 80 and of_kind(result, "summary"))
    expect("and a line that names file and byte, status 1",
           result.returncode == 1 and one_line(result) and b"cut.pcap" in result.stderr and b"byte " in result.stderr,
           result.stderr)
    packed = gzip.compress(content)
    result = replay(write("cut.gz", packed[:len(packed) // 2]))
    expect("a cut gzip", result.returncode == 1 and one_line(result) and of_kind(result, "summary"), result.stderr)
    rows = [
        ("words that are no log", [write("notes.txt", "mail, as people write of it\n" * 50)], b"pcap"),
        ("an empty file", [write("empty", b"")], b"is empty"),
        ("a directory", [room], b"directory"),
        ("a file that is not there", [path("nothing.pcap")], b"nothing.pcap"),
        ("one good, one not there", [whole, path("nothing.pcap")], b"nothing.pcap"),
    ]
    for name, files, word in rows:
        result = replay(*files)
        expect(name, result.returncode == 1 and one_line(result) and word in result.stderr and result.stdout == b"",
               result.stderr)


def test_usage(whole):
    wrong = write("wrong.conf", "[policy]\n\nblok = 30\n")
    low = write("low.conf", "[policy]\nblock = 5\n")
    missing = write("missing.conf", "[envelope]\nsender_maps = nowhere\n")
    rows = [
        (["replay"], b"--help"), (["replay", "--records", "session,nonsense", whole], b"nonsense"),
        (["replay", "--local", "300.1.1.1", whole], b"300.1.1.1"), (["replay", "--lokal=x", whole], b"--lokal"),
        (["replay", "--records"], b"--records"), (["replay", "--json=yes", whole], b"--json"), (["rerun"], b"rerun"),
        ([], b"--help"), (["check", "extra"], b"extra"), (["--nonsense"], b"--nonsense"),
        (["check", "--config", path("none.conf")], b"none.conf"),
        (["check", "--config", wrong], wrong.encode() + b":3: [policy] blok: no such key; "),
        (["check", "--config", low], b"[policy] block: "), (["replay", "--config", wrong, whole], b":3: [policy] blok"),
        (["run", "--config", wrong], b":3: [policy] blok"), (["check", "--config", missing], b""),
    ]
    for arguments, word in rows:
        result = agent(*arguments)
        expect(f"refused with status 2: {arguments[:3]}", result.returncode == 2 and one_line(result) and
               word in result.stderr and result.stdout == b"", (result.returncode, result.stderr))
    for arguments in (["--help"], ["--version"], ["replay", "--help"], ["run", "--help"], ["check", "--version"]):
        result = agent(*arguments)
        expect(f"{arguments}", result.returncode == 0 and result.stdout and not result.stderr, result.stderr)


def test_check():
    result = agent("check", environment={"POSTERN_CONFIG": write("good.conf", "[policy]\nblock = 30\n")})
    expect("check: good", result.returncode == 0 and b"good.conf: good" in result.stdout and b"MB" in result.stdout,
           result.stdout)
    result = agent("check", "--json", "--config", path("good.conf"))
    expect("check --json", result.returncode == 0 and json.loads(result.stdout)["senders_bytes"] > 0, result.stdout)
    example = agent("print-example").stdout.decode()
    with open(os.path.join(TOP, "conf", "agent.conf.example")) as file:
        expect("conf/agent.conf.example is what the tables print", file.read() == example)
    bare = "".join(line[1:] if line.startswith("#") and not line.startswith("# ") else line
                   for line in example.splitlines(keepends=True))
    for name, text in (("the example as it is", example), ("the example with every preset set", bare)):
        result = agent("check", "--config", write("example.conf", text))
        expect(name, result.returncode == 0, result.stderr)
    expect("the manual page", b"\n.Dt POSTERN-AGENT.CONF 5\n" in agent("print-manual").stdout)


def test_customers(whole):
    """With a map, records and the table of senders say whose they are."""
    write("whose", b"203.0.113.66 acme\n")
    config = write("whose.conf", b"[customers]\nmap = whose\n")
    found = {r["sender"]: r["customer"]
             for r in of_kind(replay("--config", config, "--records", "sender", whole), "sender")}
    expect("senders have customers", found.get(BOT) == "acme" and found.get(GOOD) == "", found)
    verdicts = of_kind(replay("--config", config, "--records", "verdict", whole), "verdict")
    expect("so have verdicts", verdicts and all(v["customer"] == "acme" for v in verdicts if v["sender"] == BOT), verdicts)
    table = agent("replay", "--config", config, "--records", "sender", whole).stdout.decode().splitlines()
    expect("and the table", table[0].endswith("  CUSTOMER") and any(row.endswith("  acme") for row in table), table)
    write("whose", b"203.0.113.66 acme\n203.0.113.66 baker\n")
    result = replay("--config", config, whole)
    expect("a mistake is told with its line", result.returncode == 2 and result.stderr.startswith(b"whose:2: 203.0.113.66 is "
           b"baker's, and acme's by line 1"), result.stderr)


def test_reader_that_leaves(whole):
    process = subprocess.Popen([AGENT, "replay", "--json", "--records", ALL, *[whole] * 30], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, cwd=TOP)
    process.stdout.readline()
    process.stdout.close()
    complaint = process.stderr.read()
    expect("a reader that has seen enough", process.wait() == 0 and complaint == b"", complaint)
    with open("/dev/full", "wb") as full:
        result = subprocess.run([AGENT, "replay", whole], stdout=full, stderr=subprocess.PIPE, cwd=TOP)
    expect("a full disk", result.returncode == 1 and one_line(result) and b"cannot write" in result.stderr, result.stderr)


def on_terminal(*arguments, environment=None):
    """What a person at a terminal sees."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(environment or {})
        os.execv(AGENT, [AGENT, *arguments])
    seen = b""
    while select.select([terminal], [], [], 60)[0]:
        try:
            more = os.read(terminal, 65536)
        except OSError:
            break
        if not more:
            break
        seen += more
    os.waitpid(child, 0)
    return seen


def test_terminal(whole):
    os.environ.pop("NO_COLOR", None)
    expect("colour at a terminal", b"\033[1;31mblock" in on_terminal("replay", whole))
    expect("none with NO_COLOR", b"\033" not in on_terminal("replay", whole, environment={"NO_COLOR": "1"}))
    expect("none in JSON", b"\033" not in on_terminal("replay", "--json", whole))


def test_without_rights(whole):
    os.chmod(room, 0o755)
    try:
        result = replay(whole, user=65534, group=65534, extra_groups=[])
    except (PermissionError, TypeError):
        return
    expect("without rights", result.returncode == 0 and len(of_kind(result, "session")) == 80, result.stderr)


def test_clock_set_back():
    """Two hours back in the middle of the trace: the block lasts as long as it takes its points to fade, some two
    hours, not two hours more."""
    frames, at = trace(), BEGIN + 90 - 7200
    for minute in range(160):
        frames += conversation(at + minute * 60, GOOD, 40000 + minute,
                               message(b"mail.customer.net", b"a@customer.net", [(b"friend@destination.net", 250)]))
    result = replay(write("set.pcap", capture(frames)))
    verdicts = [v for v in of_kind(result, "verdict") if v["sender"] == BOT]
    blocked = next((i for i, v in enumerate(verdicts) if v["verdict"] == "block"), len(verdicts))
    released = (verdicts[blocked + 1:] or [{"time": ""}])[0]
    expect("the block ends in its time", "2026-11-23T07:30" < released["time"] < "2026-11-23T08:30", verdicts)
    summary = of_kind(result, "summary")[0]
    expect("the span is that of all frames", 9500 < summary["seconds"] < 9600, summary)
    odd = trace()
    odd.insert(700, conversation(BEGIN - 7200, GOOD, 50000, [])[0])
    verdicts = [v for v in of_kind(replay(write("odd.pcap", capture(odd))), "verdict")]
    expect("one odd time stamp is no set clock", verdicts and all(v["time"] >= "2026-11-23T08" for v in verdicts),
           verdicts)


def test_absurd_times():
    frames = trace()[:100]
    rows = [0, 1, 0xFFFFFFFF]
    absurd = b""
    for i, (_, frame) in enumerate(frames):
        absurd += struct.pack("<IIII", rows[i % 3], 999999, len(frame), len(frame)) + frame
    result = replay(write("absurd.pcap", capture([]) + absurd))
    expect("times from 1970 to 2106 in turn", result.returncode == 0 and len(of_kind(result, "summary")) == 1,
           result.stderr)


def main():
    if not os.access(AGENT, os.X_OK):
        print(f"{AGENT} is not built")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    whole = write("whole.pcap", capture(trace()))
    try:
        want = test_records(whole)
        test_same_bytes(whole, want)
        test_choices(whole)
        test_trouble(whole)
        test_usage(whole)
        test_check()
        test_customers(whole)
        test_reader_that_leaves(whole)
        test_terminal(whole)
        test_without_rights(whole)
        test_clock_set_back()
        test_absurd_times()
    finally:
        shutil.rmtree(room)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
