#!/usr/bin/env python3
"""The records of `postern-agent replay`, sentence by sentence: which keys, which types, which words, what is counted.

The captures are made here, so what must come out is known to the last message. How the program takes its files,
options and errors is held in tests/e2e/replay_test.py."""
import base64
import collections
import json
import os
import random
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e"), HERE]
from check import Checks  # noqa: E402
from packets import (ACK, AGENT, ALL, BUILD, RST, SYN, Trace, agent, client_hello, is_address,  # noqa: E402
                     is_time, microseconds, of_kind, pcap, pcapng, replay, tls_record)


WHOLE, NUMBER, TEXT = "whole", "number", "text"
VERDICTS = {"clear", "alert", "throttle", "divert", "block"}
# Exactly what the contract names; more may stand beside it.
SHAPES = {
    "session": {"start": is_time, "end": is_time, "client": is_address, "client_port": WHOLE, "server": is_address,
                "server_port": WHOLE, "vlan": WHOLE, "helo": TEXT, "tls": {"none", "starttls", "implicit"},
                "auth": {"none", "tried", "failed", "accepted"}, "user": TEXT,
                "closed": {"quit", "fin", "reset", "timeout", "open"}, "transactions": list},
    "transaction": {"from": TEXT, "recipients": list, "code": WHOLE, "bytes": WHOLE, "digest": TEXT},
    "recipient": {"address": TEXT, "code": WHOLE},
    "verdict": {"time": is_time, "sender": TEXT, "customer": TEXT, "verdict": VERDICTS, "score": NUMBER,
                "messages_before": WHOLE, "recipients_before": WHOLE, "evidence": list},
    "evidence": {"detector": TEXT, "points": NUMBER, "reason": TEXT},
    "sender": {"sender": TEXT, "customer": TEXT, "connections": WHOLE, "connect_failed": WHOLE, "messages": WHOLE,
               "messages_rejected": WHOLE, "recipients": WHOLE, "recipients_rejected": WHOLE,
               "recipients_deferred": WHOLE, "bytes": WHOLE, "tls_sessions": WHOLE, "distinct_recipients": WHOLE,
               "distinct_senders": WHOLE, "distinct_helos": WHOLE, "distinct_servers": WHOLE, "score": NUMBER,
               "verdict": VERDICTS, "worst_verdict": VERDICTS},
    "summary": {"files": WHOLE, "packets": WHOLE, "bytes": WHOLE, "connections": WHOLE, "messages": WHOLE,
                "senders": WHOLE, "streams_gapped": WHOLE, "lines": WHOLE, "lines_unparsed": WHOLE,
                "observations": WHOLE, "seconds": NUMBER},
}
CLIENT, SERVER, CLIENT6, SERVER6 = "203.0.113.7", "198.51.100.25", "2001:db8:1::7", "2001:db8:25::25"
CONTENT = b"Subject: hello\r\n\r\nHello.\r\n"

checks = Checks()


def fits(value, form):
    if form == WHOLE:
        return type(value) is int and value >= 0
    if form == NUMBER:
        return type(value) in (int, float)
    if form == TEXT:
        return type(value) is str
    if isinstance(form, set):
        return value in form
    return isinstance(value, list) if form is list else form(value)


def misshapen(record, kind):
    """What is wrong with one record, in words."""
    for key, form in SHAPES[kind].items():
        if key not in record:
            yield f"{kind} has no {key}"
        elif not fits(record[key], form):
            yield f"{kind}'s {key} is {record[key]!r}"
    for key, part in (("transactions", "transaction"), ("recipients", "recipient"), ("evidence", "evidence")):
        if kind != part and isinstance(record.get(key), list):
            for item in record[key]:
                yield from misshapen(item, part)


def only_session(trace):
    """The one session of a trace."""
    sessions = replay(trace.pcap(), "session")
    if len(sessions) != 1:
        raise AssertionError(f"one session expected: {sessions}")
    return sessions[0]


# --- shapes ---


def test_shapes():
    trace = Trace()
    for i in range(30):
        with trace.connect("203.0.113.66") as mail:
            mail.ask("EHLO localhost", 250)
            mail.mail("you@example.com", [(f"guess{i}.{n}@mx.other.org", 550) for n in range(9)] + [("a@b.org", 250)],
                      CONTENT)
            mail.ask("QUIT", 221)
    for client, server, vlan in ((CLIENT, SERVER, 0), (CLIENT6, SERVER6, 7), ("::1", "::2", 0),
                                 ("2001:db8:0:0:1:0:0:1", "2001:DB8:0:0:0:0:2:1", 4094)):
        with trace.connect(client, server, vlan=vlan) as mail:
            mail.ask("EHLO mx.firm.org", 250)
            mail.mail("", [("Ben@Other.org", 250)], CONTENT)
    records = replay(trace.pcap())
    wrong = [fault for record in records for fault in misshapen(record, record["record"])]
    checks.that("every key with its type", not wrong, wrong[:5])
    checks.that("all four kinds", {r["record"] for r in records} == {"session", "verdict", "sender", "summary"})
    checks.that("the bot gets a verdict", {v["sender"] for v in of_kind(records, "verdict")} == {"203.0.113.66"})
    checks.that("evidence behind each but a clear one",
                all(v["evidence"] or v["verdict"] == "clear" for v in of_kind(records, "verdict")))
    checks.that("tags", [s["vlan"] for s in of_kind(records, "session")[-4:]] == [0, 7, 0, 4094])
    addresses = [(s["client"], s["server"]) for s in of_kind(records, "session")[-2:]]
    checks.that("RFC 5952", addresses[1] == ("2001:db8::1:0:0:1", "2001:db8::2:1"), addresses)
    checks.that("an IPv6 sender is its /64", "2001:db8:1::/64" in {s["sender"] for s in of_kind(records, "sender")})
    checks.that("one summary, last", [r["record"] for r in records].index("summary") == len(records) - 1)
    raw = agent("replay", "--json", "--records", ALL, "-", stdin=trace.pcap()).stdout
    raw.decode()  # or an exception
    checks.that("one object a line, each beginning with its kind",
                all(line.startswith(b'{"record":"') for line in raw.splitlines()) and raw.endswith(b"\n"))


def test_times():
    trace = Trace(begin=1709164799_999999)  # the last microsecond of 28 February of a leap year
    with trace.connect(CLIENT) as mail:
        mail.ask("QUIT", 221)
    session = only_session(trace)
    checks.that("start: the first packet", session["start"] == "2024-02-28T23:59:59.999999Z", session["start"])
    end, last = microseconds(session["end"]), trace.frames[-1][0]
    checks.that("end: the last, or the one that closed it", last - trace.step <= end <= last, session["end"])


# --- one session ---


def test_closed():
    def quit_then(how):
        def play(trace, mail):
            mail.ask("QUIT", 221)
            how(trace, mail)
        return play
    rows = [
        ("quit", quit_then(lambda t, m: m.finish())), ("quit", quit_then(lambda t, m: m.reset())),
        ("quit", quit_then(lambda t, m: None)), ("fin", lambda t, m: m.finish()), ("reset", lambda t, m: m.reset()),
        ("reset", lambda t, m: m.reset(False)), ("open", lambda t, m: t.pause(1)),
        ("timeout", lambda t, m: t.pause(7200)),
    ]
    for number, (want, play) in enumerate(rows):
        trace = Trace()
        mail = trace.connect(CLIENT)
        mail.ask("EHLO mx.firm.org", 250)
        play(trace, mail)
        trace.connect("203.0.113.99")  # time goes on
        got = next(s for s in replay(trace.pcap(), "session") if s["client"] == CLIENT)["closed"]
        checks.that(f"closed: {want} (row {number})", got == want, got)


def test_codes():
    """What `code` is of transactions and recipients."""
    rows = [
        ("taken", lambda m: m.mail("a@b.org", [("c@d.org", 250)], CONTENT), (250, [250], len(CONTENT))),
        ("refused", lambda m: m.mail("a@b.org", [("c@d.org", 251)], CONTENT, 554), (554, [251], len(CONTENT))),
        ("deferred", lambda m: m.mail("a@b.org", [("c@d.org", 250)], CONTENT, 451), (451, [250], len(CONTENT))),
        ("no answer", lambda m: m.mail("a@b.org", [("c@d.org", 250)], CONTENT, None), (0, [250], len(CONTENT))),
        ("recipients refused", lambda m: m.mail("a@b.org", [("c@d.org", 550), ("e@d.org", 450)]), (0, [550, 450], 0)),
        ("a recipient without an answer",
         lambda m: (m.ask("MAIL FROM:<a@b.org>", 250), m.say("RCPT TO:<c@d.org>")), (0, [0], 0)),
        ("nobody named", lambda m: m.ask("MAIL FROM:<a@b.org>", 250), (0, [], 0)),
        ("MAIL without an answer", lambda m: m.say("MAIL FROM:<a@b.org>"), (0, [], 0)),
    ]
    for name, play, (code, recipients, length) in rows:
        trace = Trace()
        with trace.connect(CLIENT) as mail:
            mail.ask("EHLO mx.firm.org", 250)
            play(mail)
        found = only_session(trace)["transactions"]
        checks.that(f"code: {name}", len(found) == 1 and found[0]["code"] == code and found[0]["bytes"] == length
                    and [r["code"] for r in found[0]["recipients"]] == recipients, found)


def contents():
    """(name, what is said after MAIL and RCPT, content as it must be counted)"""
    stuffed = b"Subject: x\r\n\r\n..a dot\r\n...\r\nend\r\n"
    bare = b"Subject: x\n\nno CR\n"
    big = b"Subject: big\r\n\r\n" + b"".join(b"%070d\r\n" % i for i in range(4000))
    yield "nothing but the dot", lambda m: (m.ask("DATA", 354), m.ask(b".\r\n", 250)), b""
    yield "dots stay doubled", lambda m: (m.ask("DATA", 354), m.ask(stuffed + b".\r\n", 250)), stuffed
    yield "line feeds alone", lambda m: (m.ask("DATA", 354), m.ask(bare + b"\r\n.\r\n", 250)), bare + b"\r\n"
    yield "every byte a packet", lambda m: (m.ask("DATA", 354), m.say(stuffed + b".\r\n", 1), m.answer(250)), stuffed
    yield "300 kB", lambda m: (m.ask("DATA", 354), m.ask(big + b".\r\n", 250)), big
    yield "BDAT at once", lambda m: m.ask(b"BDAT %d LAST\r\n" % len(stuffed) + stuffed, 250), stuffed
    yield "BDAT in chunks", lambda m: (m.ask(b"BDAT 5\r\nSubje", 250), m.ask(b"BDAT 4\r\nct: ", 250),
                                       m.ask(b"BDAT 3 LAST\r\n.\r\n", 250)), b"Subject: .\r\n"
    yield "BDAT with an empty last", lambda m: (m.ask(b"BDAT 5\r\nSubje", 250), m.ask("BDAT 0 LAST", 250)), b"Subje"


def test_content():
    digests = {}
    for name, play, content in contents():
        trace = Trace()
        with trace.connect(CLIENT) as mail:
            mail.ask("EHLO mx.firm.org", 250)
            mail.ask("MAIL FROM:<a@b.org>", 250)
            mail.ask("RCPT TO:<c@d.org>", 250)
            play(mail)
            mail.ask("QUIT", 221)
        records = replay(trace.pcap(), "session,sender")
        found, sender = records[0]["transactions"], of_kind(records, "sender")[0]
        checks.that(f"bytes: {name}", len(found) == 1 and found[0]["bytes"] == len(content) == sender["bytes"]
                    and found[0]["code"] == 250 and sender["messages"] == 1, (found, len(content), sender["bytes"]))
        digests.setdefault(content, set()).add(found[0]["digest"])
    checks.that("one content, one digest, however it was sent", all(len(d) == 1 for d in digests.values()), digests)
    checks.that("another content, another digest", len(set.union(*digests.values())) == len(digests))


def test_dialogues():
    """Forms of the dialogue that the RFCs allow, and what must be read in them."""
    trace = Trace()
    with trace.connect(CLIENT, greeting="220-mx\r\n220-two\r\n220 three") as mail:
        mail.ask("ehlo MX.Firm.org", "250-mx\r\n250-PIPELINING\r\n250 8BITMIME")
        mail.say("MAIL FROM:<a@b.org> SIZE=1000 BODY=8BITMIME\r\nrcpt to:<c@d.org> NOTIFY=NEVER\r\n"
                 "RCPT TO:<@relay.org,@other.org:e@d.org>\r\nDATA")
        mail.answer("250 2.1.0 ok\r\n250-2.1.5 ok\r\n250 2.1.5 ok\r\n550 5.1.1 no\r\n354 go")
        mail.ask(CONTENT + b".\r\nMAIL FROM:<>\r\nRSET\r\nNOOP\r\n", "250 taken\r\n250 ok\r\n250 reset\r\n250 ok")
        mail.mail("anna+tag@b.org", [('"odd @ name"@d.org', 250)], CONTENT)
        mail.ask("QUIT", 221)
    session = only_session(trace)
    checks.that("HELO as said", session["helo"].lower() == "mx.firm.org", session["helo"])
    got = [(t["from"], [(r["address"], r["code"]) for r in t["recipients"]], t["code"]) for t in
           session["transactions"]]
    # A source route says nothing of whom the mail is for (RFC 5321 4.1.1.3).
    want = [("a@b.org", [("c@d.org", 250), ("e@d.org", 550)], 250), ("", [], 0),
            ("anna+tag@b.org", [('"odd @ name"@d.org', 250)], 250)]
    checks.that("pipelining, parameters, routes, RSET, the null sender", got == want, got)


def test_login():
    login, password = base64.b64encode(b"anna@firm.org").decode(), base64.b64encode(b"secret").decode()
    plain = base64.b64encode(b"\0anna@firm.org\0secret").decode()
    rows = [
        ("none", "", lambda m: m.ask("NOOP", 250)),
        ("tried", "anna@firm.org", lambda m: m.say(f"AUTH PLAIN {plain}")),
        ("failed", "anna@firm.org", lambda m: m.ask(f"AUTH PLAIN {plain}", 535)),
        ("accepted", "anna@firm.org", lambda m: m.ask(f"AUTH PLAIN {plain}", 235)),
        ("accepted", "anna@firm.org", lambda m: (m.ask("AUTH PLAIN", "334 "), m.ask(plain, 235))),
        ("accepted", "anna@firm.org", lambda m: (m.ask("AUTH LOGIN", "334 VXNlcm5hbWU6"),
                                                 m.ask(login, "334 UGFzc3dvcmQ6"), m.ask(password, 235))),
    ]
    for number, (want, user, play) in enumerate(rows):
        trace = Trace()
        with trace.connect(CLIENT, port=587) as mail:
            mail.ask("EHLO mx.firm.org", "250-mx\r\n250 AUTH PLAIN LOGIN")
            play(mail)
        raw = agent("replay", "--json", "--records", ALL, "-", stdin=trace.pcap()).stdout
        session = json.loads(raw.splitlines()[0])
        checks.that(f"auth: {want} (row {number})", (session["auth"], session["user"]) == (want, user), session)
        checks.that(f"no password in any record (row {number})",
                    not any(word in raw for word in (b"secret", password.encode(), plain.encode())))


def test_tls():
    trace = Trace()
    with trace.connect(CLIENT, port=465, greeting=None) as mail:
        mail.ask(client_hello(), tls_record(22, 90))
        mail.ask(tls_record(23, 300), tls_record(23, 60))
    with trace.connect(CLIENT, port=587) as mail:
        mail.ask("EHLO mx.firm.org", "250-mx\r\n250 STARTTLS")
        mail.ask("STARTTLS", 220)
        mail.ask(client_hello(), tls_record(22, 90))
        mail.ask(tls_record(23, 300), tls_record(23, 60))
    with trace.connect(CLIENT, port=587) as mail:
        mail.ask("EHLO mx.firm.org", "250-mx\r\n250 STARTTLS")
        mail.ask("STARTTLS", 454)
        mail.mail("a@b.org", [("c@d.org", 250)], CONTENT)
    records = replay(trace.pcap())
    got = [s["tls"] for s in of_kind(records, "session")]
    checks.that("tls: implicit, starttls, and none where it was refused", got == ["implicit", "starttls", "none"], got)
    sender = of_kind(records, "sender")[0]
    checks.that("what is encrypted is no message", (sender["tls_sessions"], sender["messages"]) == (2, 1), sender)


# --- counting ---


def test_random_traffic():
    """Many senders, many ways, told apart by a model of one line a deed."""
    chance = random.Random(4711)
    trace, count = Trace(step=200), collections.defaultdict(collections.Counter)
    named = collections.defaultdict(lambda: collections.defaultdict(set))
    for _ in range(400):
        client = f"203.0.113.{chance.randrange(20, 32)}"
        server = f"198.51.100.{chance.randrange(1, 40)}"
        port = chance.choice((25, 465, 587, 2525)) if chance.random() < 0.3 else 25
        tally, names = count[client], named[client]
        fate = chance.random()
        if fate < 0.15:
            attempt = trace.begin(client, server, port)
            attempt.send(True, SYN)
            if chance.random() < 0.5:
                attempt.send(False, RST | ACK)
            tally["connect_failed"] += 1
            continue
        tally["connections"] += 1
        names["servers"].add(server)
        mail = trace.connect(client, server, port, greeting="220 mx" if port != 465 else None)
        if port == 465:
            mail.ask(client_hello(), tls_record(22, 80))
            tally["tls_sessions"] += 1
            mail.finish()
            continue
        helo = f"mx{chance.randrange(5)}.firm.org"
        names["helos"].add(helo)
        mail.ask(chance.choice((f"EHLO {helo}", f"HELO {helo}")), 250)
        for _ in range(chance.randrange(4)):
            play_transaction(chance, mail, tally, names)
        chance.choice((lambda: (mail.ask("QUIT", 221), mail.finish()), mail.finish, mail.reset))()
    records = replay(trace.pcap())
    senders = {r["sender"]: r for r in of_kind(records, "sender")}
    checks.that("the senders", set(senders) == set(count), set(senders) ^ set(count))
    for client, tally in sorted(count.items()):
        want = {key: tally[key] for key in ("connections", "connect_failed", "messages", "messages_rejected",
                                            "recipients", "recipients_rejected", "recipients_deferred", "bytes",
                                            "tls_sessions")}
        want |= {f"distinct_{key}": len(named[client][key]) for key in ("recipients", "senders", "helos", "servers")}
        got = {key: senders.get(client, {}).get(key) for key in want}
        checks.that(f"counts of {client}", got == want, {k: (want[k], got[k]) for k in want if want[k] != got[k]})
    summary, total = of_kind(records, "summary")[0], sum(count.values(), collections.Counter())
    want = {"files": 1, "packets": len(trace.frames), "bytes": sum(len(f) for _, f in trace.frames),
            "connections": total["connections"], "messages": total["messages"], "senders": len(count),
            "streams_gapped": 0, "lines": 0, "lines_unparsed": 0}
    checks.that("the summary", want.items() <= summary.items(), summary)
    span = (trace.frames[-1][0] - trace.frames[0][0]) / 1e6
    checks.that("its seconds", abs(summary["seconds"] - span) < 0.01, (summary["seconds"], span))


def play_transaction(chance, mail, tally, names):
    sender = chance.choice(("", f"anna{chance.randrange(6)}@firm.org"))
    names["senders"].add(sender)
    recipients = [(f"ben{chance.randrange(50)}@other.org", chance.choice((250, 250, 250, 251, 450, 451, 550, 553)))
                  for _ in range(chance.randrange(1, 6))]
    for address, code in recipients:
        names["recipients"].add(address)
        tally[{2: "recipients", 4: "recipients_deferred", 5: "recipients_rejected"}[code // 100]] += 1
    if not any(code < 300 for _, code in recipients):
        mail.mail(sender, recipients)
        mail.ask("RSET", 250)
        return
    if chance.random() < 0.1:
        mail.mail(sender, recipients, CONTENT, data_code=chance.choice((451, 554)))
        mail.ask("RSET", 250)
        return
    content = b"Subject: x\r\n\r\n" + b"line\r\n" * chance.randrange(400)
    code = chance.choice((250, 250, 250, 451, 554))
    mail.mail(sender, recipients, content, code)
    tally["bytes"] += len(content)
    tally["messages" if code == 250 else "messages_rejected"] += 1


def distinct_trace(numbers):
    """One sender for each number, with so many different recipients."""
    trace = Trace(step=50)
    for index, number in enumerate(numbers):
        with trace.connect(f"203.0.113.{index + 1}") as mail:
            mail.ask("EHLO mx.firm.org", 250)
            for begin in range(0, number, 50):
                several = [f"RCPT TO:<b{index}.{n}@other.org>" for n in range(begin, min(begin + 50, number))]
                mail.ask(f"MAIL FROM:<a{begin}@firm.org>", 250)
                for _ in range(2):  # who is named twice is one
                    mail.ask("\r\n".join(several), "\r\n".join(["250 ok"] * len(several)))
                mail.ask("RSET", 250)
            mail.ask("QUIT", 221)
    return trace


def test_distinct():
    numbers = [1, 2, 3, 4, 255, 256]
    got = [r["distinct_recipients"] for r in replay(distinct_trace(numbers).pcap(), "sender")]
    checks.that("distinct: exact to 256", got == numbers, got)
    numbers = [257, 300, 500, 1000, 2000, 5000] * 5
    senders = replay(distinct_trace(numbers).pcap(), "sender")
    errors = [r["distinct_recipients"] / n - 1 for r, n in zip(senders, numbers)]
    spread = (sum(e * e for e in errors) / len(errors)) ** 0.5
    checks.that("distinct: standard error at most 3 % beyond", spread <= 0.03, [round(e, 4) for e in errors])
    checks.that("distinct: counts beyond 256 are exact elsewhere",
                [r["recipients"] for r in senders] == [2 * n for n in numbers])


def test_verdicts():
    """messages_before and recipients_before are what was accepted before that very moment."""
    trace, taken, named = Trace(step=20000), [], []
    for i in range(200):
        with trace.connect("203.0.113.66", f"198.51.100.{i % 90 + 1}") as mail:
            mail.ask("EHLO localhost", 250)
            mail.ask("MAIL FROM:<you@example.com>", 250)
            mail.ask(f"RCPT TO:<ben{i}@other.org>", 250)
            named.append(trace.now - trace.step)
            mail.ask(f"RCPT TO:<nobody{i}@other.org>", 550)
            mail.ask("DATA", 354)
            mail.ask(CONTENT + b".\r\n", 250)
            taken.append(trace.now - trace.step)
            mail.ask("QUIT", 221)
    verdicts = replay(trace.pcap(), "verdict")
    checks.that("it climbs to a block", verdicts and verdicts[-1]["verdict"] == "block"
                and [v["verdict"] for v in verdicts] == list(dict.fromkeys(v["verdict"] for v in verdicts)), verdicts)
    for verdict in verdicts:
        time = microseconds(verdict["time"])
        for key, moments in (("messages_before", taken), ("recipients_before", named)):
            before, until = sum(m < time for m in moments), sum(m <= time for m in moments)
            checks.that(f"{key} of {verdict['verdict']}", before <= verdict[key] <= until,
                        (before, verdict[key], until))
        score = sum(e["points"] for e in verdict["evidence"])
        checks.that(f"the evidence of {verdict['verdict']} comes with points", score > 0, verdict)


def test_failed_connections():
    """A SYN refused or unanswered is one failure, however often it was repeated."""
    trace = Trace()
    for answer in (None, RST | ACK, None):
        attempt = trace.begin(CLIENT)
        for _ in range(4):
            attempt.said = 1000
            attempt.send(True, SYN)
            trace.pause(1)
        if answer:
            attempt.send(False, answer)
    trace.pause(120)
    late = trace.begin("203.0.113.99")
    late.open()
    sender = next(s for s in replay(trace.pcap(), "sender") if s["sender"] == CLIENT)
    checks.that("connect_failed", (sender["connections"], sender["connect_failed"]) == (0, 3), sender)
    checks.that("no session of them", [s["client"] for s in replay(trace.pcap(), "session")] == ["203.0.113.99"])


def test_local():
    """--local: whose connections count; without it whoever opens one is the sender."""
    trace = Trace()
    for client, server in ((CLIENT, SERVER), (SERVER, CLIENT), (CLIENT6, SERVER6)):
        with trace.connect(client, server) as mail:
            mail.ask("EHLO mx.firm.org", 250)
            mail.mail("a@b.org", [("c@d.org", 250)], CONTENT)
    rows = [([], {CLIENT, SERVER, "2001:db8:1::/64"}), (["--local", "203.0.113.0/24"], {CLIENT}),
            (["--local", CLIENT, "--local", "2001:db8:1::/48"], {CLIENT, "2001:db8:1::/64"}),
            (["--local=192.0.2.0/24"], set())]
    for options, want in rows:
        got = {r["sender"] for r in replay(trace.pcap(), "sender", *options)}
        checks.that(f"senders with {options}", got == want, got)


# --- files and settings ---


def test_forms():
    """The same packets in every form of file."""
    trace = Trace()
    for n in range(20):
        with trace.connect(CLIENT if n % 2 else CLIENT6, SERVER if n % 2 else SERVER6) as mail:
            mail.ask("EHLO mx.firm.org", 250)
            mail.mail("a@b.org", [("c@d.org", 250)], CONTENT)
    want = replay(trace.pcap())
    frames = trace.frames
    raw = [(time, frame[14:]) for time, frame in frames]
    cooked = [(time, b"\0\0\0\1\0\6" + frame[6:12] + b"\0\0" + frame[12:]) for time, frame in frames]
    loopback = [(time, (b"\2\0\0\0" if frame[14] >> 4 == 4 else b"\x1e\0\0\0") + frame[14:]) for time, frame in frames]
    rows = [("pcapng", pcapng(frames)), ("pcapng, three interfaces", pcapng(frames, interfaces=3)),
            ("raw IP", pcap(raw, link=101)), ("cooked", pcap(cooked, link=113)), ("loopback", pcap(loopback, link=0))]
    for name, content in rows:
        got = replay(content)
        for record in want + got:
            if record["record"] == "summary":
                record.pop("bytes", None)  # another link layer, another length
        checks.that(f"{name}: the same records", got == want, [g for g, w in zip(got, want) if g != w][:1])


def test_damaged_files():
    """Two that are cut and one that is whole: all that can be read, and one line that names both."""
    with tempfile.TemporaryDirectory() as room:
        paths = []
        for name, lost in (("one", 5), ("two", 9), ("whole", 0)):
            trace = Trace()
            with trace.connect(f"203.0.113.{len(paths) + 1}") as mail:
                mail.ask("EHLO mx.firm.org", 250)
            paths.append(os.path.join(room, name + ".pcap"))
            with open(paths[-1], "wb") as file:
                content = trace.pcap()
                file.write(content[:len(content) - lost])
        done = agent("replay", "--json", "--records", "session", *paths)
        checks.that("damaged files: what came before the damage", done.stdout.count(b"\n") == 3, done.stdout)
        checks.that("damaged files: status 1 and one line with both names",
                    done.returncode == 1 and done.stderr.count(b"\n") == 1 and b"one.pcap" in done.stderr
                    and b"two.pcap" in done.stderr and b"whole" not in done.stderr, done.stderr)


def test_settings():
    """Options stand above the environment, the environment above the file at the usual place."""
    with tempfile.TemporaryDirectory() as room:
        def write(name, text):
            with open(os.path.join(room, name), "w") as file:
                file.write(text)
            return os.path.join(room, name)
        trace = Trace()
        for port in (25, 26, 27):
            with trace.connect(CLIENT, port=port) as mail:
                mail.ask("EHLO mx.firm.org", 250)
        capture = trace.pcap()
        one, other = write("one.conf", "[capture]\nports = 26\n"), write("other.conf", "[capture]\nports = 26 27\n")
        rows = [([], {}, 1), ([], {"POSTERN_CONFIG": one}, 1), ([], {"POSTERN_CONFIG": other}, 2),
                (["--config", other], {"POSTERN_CONFIG": one}, 2), ([f"--config={one}"], {"POSTERN_CONFIG": other}, 1)]
        for options, environment, want in rows:
            done = agent("replay", "--json", *options, "-", stdin=capture, environment=environment)
            got = json.loads(done.stdout.splitlines()[-1])["connections"]
            checks.that(f"the configuration of {[o[-9:] for o in options]}, {list(environment)}", got == want, got)
        test_command_settings(room, write)


def test_command_settings(room, write):
    """Which socket `postern` asks: its option, then the environment, then the configuration."""
    import subprocess
    command = os.path.join(BUILD, "postern")
    conf = write("socket.conf", f"[agent]\nsocket = {room}/conf.sock\n")
    rows = [(["--socket", f"{room}/option.sock"], {"POSTERN_SOCKET": f"{room}/variable.sock"}, "option.sock"),
            (["--config", conf], {}, "conf.sock"), ([], {"POSTERN_SOCKET": f"{room}/variable.sock"}, "variable.sock")]
    bare = {k: v for k, v in os.environ.items() if not k.startswith("POSTERN_")}
    for options, environment, want in rows:
        done = subprocess.run([command, *options, "status"], capture_output=True, text=True, check=False,
                              env={**bare, **environment})
        checks.that(f"no agent at {want}: status 1 and one line that names it",
                    done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1
                    and want in done.stderr, (done.returncode, done.stderr))


def main():
    if not os.access(AGENT, os.X_OK):
        print(f"skipped: {AGENT} is not built\n0 passed, 0 failed, 1 skipped")
        return 0
    for test in (test_shapes, test_times, test_closed, test_codes, test_content, test_dialogues, test_login, test_tls,
                 test_random_traffic, test_distinct, test_verdicts, test_failed_connections, test_local, test_forms,
                 test_damaged_files, test_settings):
        with checks.part(test.__name__):
            test()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
