#!/usr/bin/env python3
"""What reports say, counted again: a collector is given traffic, verdicts, evidence and complaints as nodes and reporters
give them, their times spread over weeks on both sides of a change of clocks; every number of its reports is then
counted independently from what it was given, with another calendar. Kept reports stay as they are, whatever comes or
goes."""
import collections
import csv
import datetime
import io
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
import zoneinfo

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "testbed"), os.path.dirname(os.path.abspath(__file__))]
from check import Checks  # noqa: E402
from collector import Collector, Node  # noqa: E402

ONCE = True
POSTERN = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern")
ZONE = zoneinfo.ZoneInfo("Europe/Berlin")
HOLDS = ("throttle", "divert", "block")
SECOND, HOUR, DAY = 10**9, 3600 * 10**9, 86400 * 10**9
chance = random.Random(8)


def arf(number, address, feedback):
    return (f"From: FBL <fbl@example.com>\nMessage-ID: <report{number}@example.com>\nSubject: report {number}\n"
            "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
            "--b\nContent-Type: text/plain\n\nA report.\n\n--b\nContent-Type: message/feedback-report\n\n"
            f"Feedback-Type: {feedback}\nUser-Agent: FBL/1\nVersion: 1\nSource-IP: {address}\n\n--b\n"
            "Content-Type: message/rfc822\n\nFrom: <news@shop.example>\n"
            f"Message-ID: <m{number}@shop.example>\nSubject: Sale\n\nBuy.\n--b--\n").encode()


def rfc3339(nanoseconds):
    return datetime.datetime.fromtimestamp(nanoseconds // SECOND, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text):
    if not text:
        return 0
    when = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int(when.replace(microsecond=0).timestamp()) * SECOND + when.microsecond * 1000


# --- another calendar ---

def today():
    return datetime.datetime.now(ZONE).date()


def midnight(date):
    return int(datetime.datetime.combine(date, datetime.time(), ZONE).timestamp()) * SECOND


def first_of(kind, date):
    return date if kind == "day" else date - datetime.timedelta(date.weekday()) if kind == "week" else date.replace(day=1)


def shifted(kind, first, count):
    if kind != "month":
        return first + datetime.timedelta(count * (1 if kind == "day" else 7))
    months = first.year * 12 + first.month - 1 + count
    return datetime.date(months // 12, months % 12 + 1, 1)


def name_of(kind, first):
    return first.strftime("%G-W%V" if kind == "week" else "%Y-%m-%d" if kind == "day" else "%Y-%m")


def periods(kind, first):
    """The fourteen that are compared, its own first: (name, begin, end)."""
    found = []
    for back in range(14):
        begin = shifted(kind, first, -back)
        found.append((name_of(kind, begin), midnight(begin), midnight(shifted(kind, begin, 1))))
    return found


def median(numbers):
    return sorted(numbers)[(len(numbers) - 1) // 2] if numbers else 0


# --- what is given ---

class Given:
    def __init__(self, folder):
        self.centre = Collector(folder, "[reports]\nzone = Europe/Berlin\nhour = 0\n[mail]\nserver = smtp://127.0.0.1:9\n"
                                        "from = Abuse desk <abuse@example.net>\n[alert desk]\ntype = mail\nto = desk@example.net\nkinds =\n")
        self.centre.start()
        self.secret, self.key = self.person("ann", "read,order,content")
        _, self.reader = self.person("rob", "read")
        self.nodes = [Node(self.centre, name) for name in ("hv1", "hv2")]
        self.now = time.time_ns() // SECOND * SECOND  # as records tell it
        self.traffic, self.verdicts, self.evidence, self.stopped = [], [], [], []
        self.senders = [(self.nodes[i % 2], f"203.0.113.{i}", ("acme", "acme", "baker", "carol", "dora", "emil", "", "=SUM(1)")[i])
                        for i in range(8)]

    def person(self, name, may):
        secret, key = self.centre.person(name, may).split()[-1], os.path.join(self.centre.folder, name)
        with open(key, "w", encoding="ascii") as file:
            file.write(secret + "\n")
        os.chmod(key, 0o600)
        return secret, key

    def rows(self, question, *values):
        database = sqlite3.connect(self.centre.database, timeout=20)
        try:
            found = database.execute(question, values).fetchall()
            database.commit()
            return found
        finally:
            database.close()

    def fill(self, question, rows):
        database = sqlite3.connect(self.centre.database, timeout=20)
        try:
            database.executemany(question, rows)
            database.commit()
        finally:
            database.close()

    def run(self, *words, key=None):
        done = subprocess.run([POSTERN, "--key", key or self.key, "report", *words], capture_output=True, check=False, timeout=60,
                              env={**os.environ, "POSTERN_COLLECTOR": f"http://127.0.0.1:{self.centre.port}", "TZ": "UTC"})
        return done.returncode, done.stdout, done.stderr.decode()

    def ago(self, days):
        return self.now - int(days * 86400) * SECOND

    def deliver(self):
        for node in self.nodes:
            records = []
            for _, sender, customer in [s for s in self.senders if s[0] is node]:
                for _ in range(60):
                    when = self.ago(chance.uniform(0.01, 50))
                    counts = {"connections": chance.randrange(9), "messages": chance.randrange(500),
                              "messages_rejected": chance.randrange(50), "recipients": chance.randrange(900),
                              "bytes": chance.randrange(10**7)}
                    self.traffic.append((when, node, sender, customer, counts))
                    records.append({"record": "traffic", "time": rfc3339(when), "sender": sender, "customer": customer, **counts})
                before = "clear"
                for when in sorted(self.ago(chance.uniform(0.01, 45)) for _ in range(14)):
                    verdict = chance.choice(("clear", "alert", "throttle", "divert", "block", "block"))
                    until = when + 12 * HOUR if verdict in HOLDS else 0
                    self.verdicts.append((when, node, sender, customer, verdict, before, until))
                    records.append({"record": "verdict", "time": rfc3339(when), "sender": sender, "customer": customer,
                                    "address": sender, "verdict": verdict, "score": 5.5, "before": before,
                                    "hold_until": rfc3339(until) if until else None, "by": "policy"})
                    before = verdict
                for _ in range(30):
                    when, detector, points = self.ago(chance.uniform(0.01, 20)), chance.choice(("rejects", "burst", "bulk")), chance.randrange(900)
                    self.evidence.append((when, detector, points))
                    records.append({"record": "evidence", "time": rfc3339(when), "sender": sender, "added": points / 100,
                                    "detector": detector, "points": points / 100, "reason": "because"})
            for _ in range(40):
                when, refused = self.ago(chance.uniform(0.01, 45)), chance.randrange(3000)
                self.stopped.append((when, refused))
                records.append({"record": "stopped", "time": rfc3339(when), "seconds": 300, "refused": refused, "deferred": 7, "diverted": 3})
            status, answer = node.deliver(records)
            assert status == 200, answer

    def complain(self):
        """As they come; then as if they had come before."""
        for number in range(60):
            address = f"203.0.113.{chance.randrange(10)}"  # two of them are nobody's
            feedback = chance.choice(("abuse", "abuse", "fraud", "virus", "not-spam"))
            self.centre.ask("POST", "/v1/complaints", self.secret, arf(number, address, feedback))
        self.centre.ask("POST", "/v1/complaints", self.secret, b"From: MAILER-DAEMON@example.net\nSubject: Undelivered Mail\n\nSorry.\n")
        self.centre.ask("POST", "/v1/complaints", self.secret, b"From: x@example.net\nSubject: words\n\nStop it.\n")
        end = time.monotonic() + 40
        while self.rows("SELECT COUNT(*) FROM complaints WHERE state = 'arrived'")[0][0] and time.monotonic() < end:
            time.sleep(0.2)
        ids = [row[0] for row in self.rows("SELECT id FROM complaints WHERE state = 'open' ORDER BY id")]
        for name in ids[:12]:
            self.centre.ask("POST", f"/v1/complaints/{name}/done", self.secret, {"reason": "told them"})
        edges = [midnight(first_of("week", today())), midnight(first_of("week", today())) - 1,
                 midnight(today())]  # the first moment of a week, and the last
        for i, (name,) in enumerate(self.rows("SELECT id FROM complaints ORDER BY id")):
            when = edges[i] if i < len(edges) else self.ago(chance.uniform(0.01, 30 if i % 2 else 90))
            self.rows("UPDATE complaints SET received = ?, closed = CASE WHEN closed > 0 AND state = 'done' THEN ? ELSE closed END "
                      "WHERE id = ?", when, when + chance.randrange(1, 100 * 3600) * SECOND, name)

    def insert(self):
        node = int(self.nodes[0].id, 16)
        node -= 1 << 64 if node >> 63 else 0
        messages, opinions, history, sendings = [], [], [], []
        for i in range(200):
            name, verdict, corrected = f"{i:09X}.00000", chance.choice((1, 1, 2, 2, 3, 4)), chance.choice((0, 0, 0, 1, 2))
            envelope = {"recipients": [f"r{chance.randrange(6)}@D{chance.randrange(3)}.example" for _ in range(chance.randrange(1, 5))],
                        "why": chance.choice(("first", "diverted")), "server": f"198.51.100.{chance.randrange(3)}"}
            messages.append((name, node, 1, i, self.ago(chance.uniform(0.01, 25)), f"a{chance.randrange(5)}@firm{chance.randrange(2)}.example",
                             json.dumps(envelope, separators=(",", ":")), chance.randrange(10**5), verdict, corrected, chance.randrange(-50, 400)))
            opinions.append((name, "rspamd", 0, chance.choice(("BAYES_SPAM(5.10) RDNS_NONE", "RDNS_NONE", ""))))
            if verdict == 3:
                opinions.append((name, "clamav", 1, chance.choice(("Eicar", "Win.Trojan"))))
        self.fill("INSERT INTO messages (name, node, life, number, received, time, sender, customer, address, author, subject, envelope, "
                  "size, kept, verdict, corrected, score, due, holder, held) VALUES (?, ?, ?, ?, ?, 0, '', '', '', ?, '', ?, ?, 1, ?, ?, ?, 0, 0, 0)",
                  messages)
        self.fill("INSERT INTO opinions (name, filter, state, tries, due, holder, held, since, asked, answered, score, threshold, certain, "
                  "virus, action, symbols, trouble) VALUES (?, ?, 2, 1, 0, 0, 0, 0, 0, 0, 300, 600, 0, ?, '', ?, '')", opinions)
        for i in range(30):
            since = self.ago(chance.uniform(1, 40))
            history.append((f"192.0.2.{i}", "dnsbl.example", since, chance.choice((0, min(self.now, since + chance.randrange(20) * DAY)))))
        self.fill("INSERT INTO listing_history (name, zone, since, until, weight, code, node, sender, customer) "
                  "VALUES (?, ?, ?, ?, 1, '127.0.0.2', 0, '203.0.113.1', 'acme')", history)
        for i in range(20):
            sendings.append((f"s{i}", chance.choice(("letter", "complaint", "alert")), self.ago(chance.uniform(0.01, 30)),
                             chance.choice(("sent", "failed")), chance.choice(("acme", "baker", ""))))
        self.fill("INSERT INTO sendings (id, channel, purpose, made, due, tries, state, done, holder, held, recipients, subject, customer, "
                  "trouble, bytes) VALUES (?, 'mail', ?, ?, 0, 1, ?, 0, 0, 0, '', '', ?, '', '')", sendings)
        self.messages, self.opinions, self.history, self.sendings = messages, opinions, history, sendings

    def order(self):
        status, answer = self.centre.ask("POST", "/v1/orders", self.secret, {"order": "block", "sender": "customer:carol", "node": None,
                                                                             "for": "1h", "reason": "ticket 1"})
        assert status == 201, answer
        self.ordered = self.rows("SELECT time FROM directives WHERE sender = 'customer:carol'")[0][0]


# --- counted again ---

class Recount:
    def __init__(self, given):
        self.given = given
        names = {node.id: node for node in given.nodes}
        self.all = given.rows("SELECT received, customer, sender, node, type, source, incidents, state, closed, reporter FROM complaints")
        self.complaints = [c for c in self.all if c[4] != "not-spam" and (c[7] == "open" or (c[7] == "done" and c[8] > 0))]
        self.unread = [c[0] for c in self.all if c[7] in ("unread", "arrived")]
        self.names = names
        self.alerts = []

    def node_of(self, number):
        return next((n for n in self.given.nodes if int(n.id, 16) == number % (1 << 64)), None)

    def acted(self, complaint):
        """(when something was done, whether it was before); 0: never."""
        received, customer, sender, number, _, _, _, _, closed, _ = complaint
        own = sorted(v for v in self.given.verdicts if v[1] is self.node_of(number) and v[2] == sender)
        before = [v for v in own if v[0] <= received]
        if before and before[-1][4] in HOLDS and before[-1][6] > received:
            return received, True
        found = [v[0] for v in own if v[0] > received and v[4] in HOLDS]
        found += [max(closed, received)] if closed else []
        found += [self.given.ordered] if customer == "carol" and self.given.ordered > received else []
        found += [s[2] for s in self.given.sendings if s[1] == "letter" and s[3] != "failed" and customer and s[4] == customer and s[2] > received]
        return (min(found), False) if found else (0, False)

    def deeds(self, begin, end):
        return [v for v in self.given.verdicts if begin <= v[0] < end and v[4] in HOLDS and v[4] != v[5]]

    def sums(self, begin, end):
        within = lambda when: begin <= when < end  # noqa: E731
        complaints = [c for c in self.complaints if within(c[0])]
        waits = [(self.acted(c)[0] - c[0]) // SECOND for c in complaints if self.acted(c)[0]]
        traffic = [t for t in self.given.traffic if within(t[0])]
        deeds, words = self.deeds(begin, end), [m[9] or m[8] for m in self.given.messages if within(m[4])]
        count = lambda key: sum(t[4][key] for t in traffic)  # noqa: E731
        sent = lambda purpose: sum(s[1] == purpose and s[3] != "failed" and within(s[2]) for s in self.given.sendings)  # noqa: E731
        return {
            "complaints": len(complaints), "incidents": sum(c[6] for c in complaints), "untied": sum(not c[1] and not c[2] for c in complaints),
            "customers": len({c[1] for c in complaints if c[1]}), "acted": len(waits), "waited": median(waits),
            "open": sum(c[7] == "open" for c in complaints) + sum(map(within, self.unread)),
            "blocks": sum(v[4] == "block" for v in deeds), "throttles": sum(v[4] == "throttle" for v in deeds),
            "diverts": sum(v[4] == "divert" for v in deeds), "held": len({(v[1], v[2]) for v in deeds}),
            "stopped": sum(refused for when, refused in self.given.stopped if within(when)),
            "senders": len({(t[1], t[2]) for t in traffic}), "connections": count("connections"), "messages": count("messages"),
            "rejected": count("messages_rejected"), "recipients": count("recipients"), "bytes": count("bytes"),
            "samples": len(words), "spam": words.count(2), "viruses": words.count(3),
            "diverted": sum(within(m[4]) and '"why":"diverted"' in m[6] for m in self.given.messages),
            "opened": sum(within(h[2]) for h in self.given.history), "closed": sum(within(h[3]) for h in self.given.history),
            "listed": sum(h[2] < end and (h[3] == 0 or h[3] >= end) for h in self.given.history),
            "alerts": sum(map(within, self.alerts)), "letters": sent("letter"), "sent": sent("complaint")}

    def customers(self, compared):
        _, begin, end = compared[0]
        found = []
        for name in sorted({c[1] for c in self.complaints if c[1]}):
            own = [c for c in self.complaints if c[1] == name]
            by = [sum(b <= c[0] < e for c in own) for _, b, e in compared]
            now = [c for c in own if begin <= c[0] < end]
            waits = [(self.acted(c)[0] - c[0]) // SECOND for c in now if self.acted(c)[0]]
            traffic = [t for t in self.given.traffic if t[3] == name and begin <= t[0] < end]
            deeds = [v[4] for v in self.deeds(begin, end) if v[3] == name]
            found.append({"name": name, "complaints": by[0], "before": by[1], "total": sum(by), "periods": sum(b > 0 for b in by),
                          "incidents": sum(c[6] for c in now), "acted": len(waits), "open": sum(c[7] == "open" for c in now),
                          "waited": median(waits), "blocks": deeds.count("block"), "throttles": deeds.count("throttle"),
                          "messages": sum(t[4]["messages"] for t in traffic), "rejected": sum(t[4]["messages_rejected"] for t in traffic),
                          "recipients": sum(t[4]["recipients"] for t in traffic)})
        return found

    def counts(self, pairs, compared):
        """Of (name, moment): the twelve met most, with those of the period before."""
        now = collections.Counter(n for n, when in pairs if compared[0][1] <= when < compared[0][2])
        before = collections.Counter(n for n, when in pairs if compared[1][1] <= when < compared[1][2])
        return [{"name": n, "count": c, "before": before[n]} for n, c in sorted(now.items(), key=lambda i: (-i[1], -before[i[0]], i[0]))][:12]

    def waits(self, begin, end):
        found = collections.Counter()
        for complaint in self.complaints:
            if begin <= complaint[0] < end:
                acted, is_before = self.acted(complaint)
                passed = acted - complaint[0]
                found["none" if not acted else "before" if is_before else
                      next((n for n, most in (("1h", HOUR), ("4h", 4 * HOUR), ("1d", DAY), ("3d", 3 * DAY)) if passed <= most), "longer")] += 1
        return {name: found[name] for name in ("before", "1h", "4h", "1d", "3d", "longer", "none")}

    def steps(self, kind, first, begin, end):
        if kind == "day":
            begins = list(range(begin, end, HOUR))
        else:
            begins = [midnight(first + datetime.timedelta(i)) for i in range((shifted(kind, first, 1) - first).days)]
        found = []
        for b, e in zip(begins, begins[1:] + [end]):
            sums, deeds = self.sums(b, e), self.deeds(b, e)
            found.append({"begin": b, "complaints": sums["complaints"], "blocks": sum(v[4] == "block" for v in deeds),
                          "throttles": sum(v[4] == "throttle" for v in deeds), "messages": sums["messages"], "rejected": sums["rejected"],
                          "recipients": sums["recipients"], "opened": sums["opened"]})
        return found

    def senders(self, begin, end, key):
        found = {}
        for when, node, sender, customer, counts in self.given.traffic:
            if begin <= when < end:
                row = found.setdefault((node.answer["name"] if "name" in node.answer else None, sender),
                                       {"sender": sender, "customer": customer, **dict.fromkeys(("messages", "rejected", "recipients", "bytes", "connections"), 0)})
                for theirs, ours in ("messages", "messages"), ("messages_rejected", "rejected"), ("recipients", "recipients"), \
                        ("bytes", "bytes"), ("connections", "connections"):
                    row[ours] += counts[theirs]
        return sorted(found.values(), key=lambda row: (-row[key], row["sender"]))


def same_report(checks, given, recount, kind, first, report):
    compared = periods(kind, first)
    name, begin, end = compared[0]
    recount.alerts = [row[0] for row in given.rows("SELECT raised FROM alerts") if row[0] <= moment(report["made"])]
    checks.that(f"{name}: it is that period", (report["period"], moment(report["begin"]), moment(report["end"]), report["zone"]) ==
                (name, begin, end, "Europe/Berlin"), (report["period"], report["begin"], report["end"]))
    for i, (past, b, e) in enumerate(compared):
        have = {k: v for k, v in report["past"][i].items() if k not in ("period", "begin", "end", "known")}
        want = recount.sums(b, e)
        if kind == "month" and i > 1:  # older than what is posted reaches back evenly
            continue
        checks.that(f"{name}: the sums of {past}", report["past"][i]["period"] == past and have == want,
                    {k: (have.get(k), want[k]) for k in want if have.get(k) != want[k]})
    customers = recount.customers(compared)
    want = sorted((c for c in customers if c["complaints"]), key=lambda c: (-c["complaints"], -c["total"], c["name"]))
    checks.that(f"{name}: customers", report["customers"] == want, (report["customers"], want))
    want = sorted((c for c in customers if c["complaints"] and c["periods"] > 1), key=lambda c: (-c["periods"], -c["total"], c["name"]))
    checks.that(f"{name}: who was complained of before", report["repeaters"] == want and report["repeaters_all"] == len(want), report["repeaters"])
    checks.that(f"{name}: how long they waited", report["waits"] == recount.waits(begin, end), (report["waits"], recount.waits(begin, end)))
    for key, column in ("types", 4), ("sources", 5), ("reporters", 9):
        want = recount.counts([(c[column], c[0]) for c in recount.complaints], compared)
        checks.that(f"{name}: {key}", report[key] == want, (report[key], want))
    have = [{**step, "begin": moment(step["begin"])} for step in report["steps"]]
    want = recount.steps(kind, first, begin, end)
    checks.that(f"{name}: its parts", have == want, [(h, w) for h, w in zip(have, want) if h != w] or (len(have), len(want)))
    for key, by in ("by_messages", "messages"), ("by_bytes", "bytes"):
        have = [{k: v for k, v in row.items() if k != "node"} for row in report[key]]
        want = [row for row in recount.senders(begin, end, by) if row[by]][:20]
        checks.that(f"{name}: senders {key}", have == want, (have, want))
    symbols = [(s.split("(")[0], m[4]) for m in given.messages for o in given.opinions if o[0] == m[0] and not o[2] for s in o[3].split()]
    viruses = [(o[3], m[4]) for m in given.messages for o in given.opinions if o[0] == m[0] and o[2]]
    for key, pairs in ("symbols", symbols), ("viruses", viruses), ("detectors", [(e[1], e[0]) for e in given.evidence]):
        want = recount.counts(pairs, compared)
        checks.that(f"{name}: {key}", report[key] == want, (report[key], want))
    for row in report["nodes"]:
        node = given.nodes[0 if row["name"] == "hv1" else 1]
        traffic = [t for t in given.traffic if t[1] is node and begin <= t[0] < end]
        deeds = [v[4] for v in recount.deeds(begin, end) if v[1] is node]
        want = (len({t[2] for t in traffic}), sum(t[4]["messages"] for t in traffic), deeds.count("block"), deeds.count("throttle"),
                sum(recount.node_of(c[3]) is node and begin <= c[0] < end for c in recount.complaints if c[3]))
        have = tuple(row[k] for k in ("senders", "messages", "blocks", "throttles", "complaints"))
        checks.that(f"{name}: node {row['name']}", have == want, (have, want))
    touched = [h for h in given.history if begin <= h[2] < end or begin <= h[3] < end]
    stand = [h for h in given.history if h[2] < begin and (h[3] == 0 or h[3] >= end)]
    checks.that(f"{name}: listings", {row["name"] for row in report["listings"]} == {h[0] for h in touched + stand} and
                all((row["until"] is None) == (h[3] == 0 or h[3] >= end) for row in report["listings"] for h in given.history if h[0] == row["name"]),
                report["listings"])


def kept_stays(checks, given, first):
    week = name_of("week", first)
    forms = {form: given.run("weekly", "--week", week, "--format", form)[1] for form in ("json", "csv", "text", "html")}
    checks.that("each form says something", all(forms.values()), {k: len(v) for k, v in forms.items()})
    given.rows("UPDATE complaints SET received = received - ?", 40 * DAY)
    given.rows("DELETE FROM hours")
    given.rows("DELETE FROM records")
    again = {form: given.run("weekly", "--week", week, "--format", form)[1] for form in forms}
    checks.that("the same bytes when what it was made from is gone", again == forms, [k for k in forms if forms[k] != again[k]])
    given.centre.stop()
    given.centre.start()
    checks.that("and from a collector that was begun anew", given.run("weekly", "--week", week, "--format", "json")[1] == forms["json"])
    _, listed, _ = given.run("list", "--format", "csv")
    checks.that("it is in the list of those kept", f"week,{week},Europe/Berlin," in listed.decode(), listed)
    known = json.loads(given.run("weekly", "--week", name_of("week", first + datetime.timedelta(7)), "--format", "json")[1])
    checks.that("the week after takes it from there", known["past"][1] == json.loads(forms["json"])["past"][0], known["past"][1])
    _, table, _ = given.run("weekly", "--week", week, "--table", "sums")
    rows = list(csv.reader(io.StringIO(table.decode(), newline="")))
    own = json.loads(forms["json"])["past"]
    checks.that("CSV says the same as JSON", rows[0][1] == week and all(row[1] == str(own[0][row[0]]) for row in rows[1:]) and len(rows) == 29,
                rows[:3])


def tables(checks, given):
    since, before = given.ago(20), given.now
    words = ("--since", rfc3339(since), "--until", rfc3339(before), "--format", "json")
    lines = lambda *ask: [json.loads(line) for line in given.run(*ask, *words)[1].splitlines()]  # noqa: E731
    traffic = [t for t in given.traffic if since // HOUR * HOUR <= t[0] < before]
    for by, key in ("number", "messages"), ("volume", "bytes"):
        for what, at in ("senders", 2), ("customers", 3):
            want = collections.Counter()
            for t in traffic:
                if t[at]:
                    want[t[at]] += t[4][key]
            have = [(row["name"], row[key]) for row in lines("top", what, "--by", by)]
            checks.that(f"top {what} by {by}", have == sorted(want.items(), key=lambda i: (-i[1], i[0])), (have, want))
    have = {row["name"]: row["messages"] for row in lines("top", "relays")}
    checks.that("top relays: the addresses", set(have) == {s[1] for s in given.senders}, have)
    status, shown, said = given.run("top", "nodes", "--since", "60d", "--until", "1h", "--format", "json")
    have = {json.loads(line)["name"]: json.loads(line)["messages"] for line in shown.splitlines()}
    checks.that("a time may be said as how long ago", status == 0 and sum(have.values()) == sum(
        t[4]["messages"] for t in given.traffic if t[0] < -(-(given.now - HOUR) // HOUR) * HOUR), (have, said))
    messages = [m for m in given.messages if since <= m[4] < before]
    recipients, domains, servers, authors = (collections.Counter() for _ in range(4))
    for m in messages:
        envelope = json.loads(m[6])
        recipients.update(envelope["recipients"])
        domains.update({r.split("@")[1].lower() for r in envelope["recipients"]})
        servers[envelope["server"]] += 1
        authors[m[5].split("@")[1]] += 1
    for what, want in ("recipients", recipients), ("domains", domains), ("servers", servers), ("author-domains", authors):
        have = {row["name"]: row["messages"] for row in lines("top", what, "--top", "100")}
        checks.that(f"top {what}", have == dict(want), (have, want))
    for what, size in ("hours", HOUR), ("days", None):
        rows = lines(what)
        begins = [moment(row["time"]) for row in rows]
        good = all(b2 - b1 == (size or midnight(datetime.datetime.fromtimestamp(b1 // SECOND, ZONE).date() + datetime.timedelta(1)) - b1)
                   for b1, b2 in zip(begins, begins[1:]))
        checks.that(f"{what}: each follows the other", good and begins[0] <= since < begins[1], begins[:2])
        want = [sum(t[4]["messages"] for t in given.traffic if b <= t[0] < min(e, before)) for b, e in zip(begins, begins[1:] + [before])]
        checks.that(f"{what}: messages", [row["messages"] for row in rows] == want,
                    [(rfc3339(b), h["messages"], w) for b, h, w in zip(begins, rows, want) if h["messages"] != w])
        checks.that(f"{what}: spam", sum(row["spam"] for row in rows) ==
                    sum((m[9] or m[8]) == 2 for m in given.messages if begins[0] <= m[4] < before))
    rules = {row["name"]: row for row in lines("rules")}
    names = {m[0]: m[9] or m[8] for m in messages}
    want = collections.Counter(s.split("(")[0] for o in given.opinions if o[0] in names and not o[2] for s in o[3].split())
    spam = sum(names[o[0]] in (2, 3) and "BAYES_SPAM" in o[3] for o in given.opinions if o[0] in names)
    checks.that("rules", all(rules[n]["hits"] == c for n, c in want.items()) and rules["BAYES_SPAM"]["spam"] == spam, rules)
    held = [e for e in given.evidence if e[1] == "burst" and since <= e[0] < before]
    checks.that("detectors", rules["burst"]["hits"] == len(held) and abs(rules["burst"]["points"] - sum(e[2] for e in held) / 100) < 0.01,
                (rules["burst"], len(held)))
    have = {row["name"]: row["hits"] for row in lines("viruses")}
    checks.that("viruses", have == dict(collections.Counter(o[3] for o in given.opinions if o[0] in names and o[2])), have)
    classes = collections.Counter(-1 if m[10] < 0 else min(m[10] // 20, 15) for m in messages)
    have = {(-1 if row["from"] is None else round(row["from"] * 5)): row["messages"] for row in lines("scores") if row["messages"]}
    checks.that("scores", have == dict(classes), (have, classes))
    have = [row["messages"] for row in lines("scores", "--filter", "rspamd") if row["messages"]]
    checks.that("scores of one filter: all at half its threshold", have == [len(messages)], have)
    status, shown, _ = given.run("top", "customers", "--format", "csv")
    checks.that("no formula in CSV", status == 0 and "\"'=SUM(1)\"" in shown.decode() and shown.startswith(b"name,messages,"), shown)
    status, shown, _ = given.run("top", "senders")
    checks.that("a table for people", status == 0 and b"CUSTOMER" in shown and b"203.0.113.1" in shown, shown)


def by_mail(checks, given, first):
    """It is made and on its way; nobody takes it here."""
    made = lambda: given.rows("SELECT recipients, subject, bytes FROM sendings WHERE purpose = 'report' ORDER BY made")  # noqa: E731
    kept = lambda: given.rows("SELECT COUNT(*) FROM reports WHERE kind = 'week'")[0][0]  # noqa: E731
    week, before = name_of("week", first), kept()
    status, _, said = given.run("weekly", "--week", week, "--mail", "desk")
    checks.that("a report goes by mail, by hand", status == 0 and len(made()) == 1 and made()[0][0] == "desk@example.net" and
                b"image/png" in made()[0][2] and kept() == before + 1, (said, made()[:1]))
    status, _, said = given.run("weekly", "--week", week, "--mail")
    checks.that("without a name it would go to those that [reports] names", status != 0 and "no channel is named" in said, said)
    name = {"Idempotency-Key": "once-and-not-twice"}
    for _ in range(2):
        status, _ = given.centre.ask("POST", "/v1/reports/week", given.secret, {"channel": "desk", "period": "now"}, name)
    checks.that("one that goes on goes as it is, once for each who asks, and is not kept", status == 202 and len(made()) == 2 and
                kept() == before + 1, (status, len(made()), kept()))
    checks.that("who had it sent is on record", [row[0] for row in given.rows(
        "SELECT target FROM audit WHERE deed = 'report sent' ORDER BY time")] == [week, name_of("week", first_of("week", today()))])


def refusals(checks, given):
    for words in ("weekly", "--week", "2026-W60"), ("weekly", "--week", "2199-W01"), ("daily", "--day", "yesterday"), \
            ("weekly", "--format", "pdf"), ("weekly", "--table", "none"), ("top", "fools"), ("hours", "--since", "2020-01-01T00:00:00Z"), \
            ("weekly", "--mail", "nobody"), ("weekly", "desk"), ("yearly",), ("top", "nodes", "--since", "soon"):
        status, shown, said = given.run(*words)
        checks.that(f"refused: {' '.join(words)}", status != 0 and not shown and said.count("\n") == 1, (status, shown, said))


    for words, may in ((("top", "recipients"), False), (("top", "domains"), True), (("weekly",), True), (("weekly", "--mail", "desk"), False)):
        status, _, said = given.run(*words, key=given.reader)
        checks.that(f"who may only read: {' '.join(words)}", (status == 0) == may, said)


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        given = Given(folder)
        with checks.part("what is given"):
            given.deliver()
            given.complain()
            given.insert()
            given.order()
        recount = Recount(given)
        checks.that("there is something to count", len(recount.complaints) > 30 and recount.unread and
                    {c[1] for c in recount.complaints} > {"acme", "baker", ""}, len(recount.complaints))
        with checks.part("tables"):
            tables(checks, given)
        day = today()
        for kind, verb, back in ("week", "weekly", 0), ("week", "weekly", -1), ("week", "weekly", -5), ("day", "daily", -1), ("month", "monthly", 0):
            with checks.part(f"{verb} {back}"):
                first = shifted(kind, first_of(kind, day), back)
                status, shown, said = given.run(verb, f"--{kind}", "now" if back == 0 else name_of(kind, first), "--format", "json")
                if checks.that(f"{verb} of {name_of(kind, first)}", status == 0 and said == "", said):
                    report = json.loads(shown)
                    checks.that("whether it is over", report["over"] == (back < 0) and not report["cut"])
                    same_report(checks, given, recount, kind, first, report)
        with checks.part("by mail"):
            by_mail(checks, given, shifted("week", first_of("week", day), -3))
        with checks.part("refusals"):
            refusals(checks, given)
        with checks.part("what is kept"):
            kept_stays(checks, given, shifted("week", first_of("week", day), -2))
        given.centre.stop()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
