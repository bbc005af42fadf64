#!/usr/bin/env python3
"""A collector watches own names on blacklists, real rbldnsd behind a real unbound: what is listed twice is told to people and
to the node whose sender had the address, with how to get off, and what is delisted is over; no restart doubles or loses
anything; lists that are not to be believed accuse nobody and are told as what they are."""
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(TOP, "tests/testbed")]
from blacklists import RESOLVER, Servers, write, zone  # noqa: E402
from check import Checks  # noqa: E402
from collector import Collector, Node  # noqa: E402
from postgresql import Postgresql  # noqa: E402

ONCE = True
WAITS = True
POSTERN = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern")
TEST = ":127.0.0.2:Seen by $\n127.0.0.2\n"
OURS, SENT, FORGED = "198.51.100.1", "203.0.113.77", "203.0.113.99"
ZONES = [zone("first.example"), zone("second.example"), zone("six.example", families="4 6"), zone("wild.example"),
         zone("names.example", "domains", codes="code = 127.0.1.2 medium a bad domain")]
MORE = {"first.example:ip4set": TEST + f"{OURS}\n{FORGED}\n198.51.100.200\n",
        "second.example:ip4set": TEST + f"{SENT} :127.0.0.3:much worse\n"}
CONFIG = f"""[blacklists]
enabled = yes
resolvers = 127.0.0.1:{RESOLVER}
zones = ZONES
own = 198.51.100.0/30 2001:db8:bad::7
domains = mail.bad.example.org good.example.org
every = 1s
idle = 2s
apart = 1s
spread = 0s
patience = 1s
"""


def soon(what, patience=30):
    end = time.monotonic() + patience
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


class Desk:
    """The collector, a person, and the node that has sent from SENT."""

    def __init__(self, folder):
        self.centre = Collector(folder, CONFIG.replace("ZONES", write(f"{folder}/zones.conf", "\n".join(ZONES))))
        self.centre.start()
        self.secret = self.centre.person("ann", "read,order").split()[-1]
        self.key = write(f"{folder}/ann", self.secret + "\n")
        os.chmod(self.key, 0o600)
        self.node = Node(self.centre, "hv1")

    def rows(self, question, *values):
        database = sqlite3.connect(self.centre.database, timeout=20)
        try:
            return database.execute(question, values).fetchall()
        finally:
            database.close()

    def run(self, *words):
        done = subprocess.run([POSTERN, "--key", self.key, *words], capture_output=True, text=True, check=False, timeout=90,
                              env={**os.environ, "POSTERN_COLLECTOR": f"http://127.0.0.1:{self.centre.port}"})
        return done.returncode, done.stdout + done.stderr

    def lines(self, *words):
        return [json.loads(line) for line in self.run("--json", *words)[1].splitlines() if line.startswith("{")]

    def sends(self):
        now = time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime())
        return self.node.deliver(
            [{"record": "traffic", "time": now, "seconds": 60, "sender": sender, "customer": "acme", "address": address,
              "connections": 3, "messages": 3, "messages_rejected": 0, "recipients": 9, "bytes": 999}
             for sender, address in (("port:tap7", SENT), ("account:bob", FORGED), ("port:tap9", "10.0.0.9"))])

    def standing(self):
        return {(name, zone): since for name, zone, since in self.rows("SELECT name, zone, since FROM listings WHERE since > 0")}

    def alerts(self, kind):
        return {name: text for name, text in self.rows("SELECT name, text FROM alerts WHERE kind = ? AND resolved = 0", kind)}

    def told(self):
        rows = self.rows("SELECT text FROM filtered ORDER BY number")
        return [row for row in (json.loads("{" + text + "}") for (text,) in rows) if row.get("kind") == "listing"]


def listed(checks, desk):
    status, answer = desk.sends()
    checks.that("a node tells of its senders", status == 200, answer)
    wanted = {(OURS, "first.example"), (SENT, "second.example"), ("2001:db8:bad::7", "six.example"),
              ("mail.bad.example.org", "names.example")}
    soon(lambda: wanted <= set(desk.standing()))
    checks.that("own addresses, IPv6, domains and senders' addresses are found", set(desk.standing()) == wanted, desk.standing())
    watched = dict(desk.rows("SELECT name, origin FROM watched"))
    checks.that("what is watched: no private address, none that an account logged in from",
                watched == {**{f"198.51.100.{n}": "own" for n in range(4)}, "2001:db8:bad::7": "own", "good.example.org": "own",
                            "mail.bad.example.org": "own", SENT: "sender"}, watched)
    whose = desk.rows("SELECT l.sender, l.customer, n.name, code, reason, weight, times FROM listings l JOIN nodes n ON n.node = l.node")
    checks.that("the sender that had the address is named", whose == [("port:tap7", "acme", "hv1", "127.0.0.3", "much worse", 4, 1)], whose)
    history = desk.rows("SELECT name, zone, until FROM listing_history ORDER BY name")
    checks.that("history begins", sorted(row[:2] for row in history) == sorted(wanted) and not any(row[2] for row in history), history)
    text = desk.alerts("listing").get(f"{SENT} second.example", "")
    checks.that("an alert says what it means, whose it is and how to get off", len(desk.alerts("listing")) == 4 and all(
        part in text for part in ("worse (127.0.0.3)", "critical", "much worse", "port:tap7", "acme", "https://second.example/")), text)
    told = desk.told()
    checks.that("the node is told, of its own sender alone", [(t["sender"], t["address"], t["zone"], t["weight"], t["listed"])
                                                             for t in told] == [("port:tap7", SENT, "second.example", "critical", True)], told)
    _, said = desk.run("events", "--since", "1h")
    checks.that("it is an event", f"{SENT} is listed by" in said and f"{OURS} is listed by" in said, said)


def people(checks, desk):
    status, said = desk.run("blacklist")
    row = next((line for line in said.splitlines() if line.startswith(SENT)), "")
    checks.that("postern blacklist shows it", status == 0 and all(part in row for part in (
        "second.example", "critical", "worse (127.0.0.3)", "acme, port:tap7", "https://second.example/")), said)
    checks.that("and what is not believed", "wild.example" in said and "8 names are watched on 5 lists" in said, said)
    status, said = desk.run("blacklist", "check", "198.51.100.2")
    checks.that("a clean name is clean", status == 0 and "198.51.100.2: 0 lists have it, 3 do not, of 1 it is not known" in said, said)
    status, said = desk.run("blacklist", "check", "198.51.100.200", OURS)
    checks.that("another's name is asked for as well", status == 1 and "198.51.100.200: 1 lists have it" in said
                and f"{OURS}: 1 lists have it" in said, said)
    status, said = desk.run("blacklist", "check", "no name")
    checks.that("but nothing that is none", status == 1 and "no address and no domain" in said, said)
    status, said = desk.run("blacklist", "check")
    checks.that("some name is needed", status == 2, said)
    answer = desk.centre.ask("GET", "/v1/blacklist?top=0", desk.secret)
    checks.that("bad questions are refused", answer[0] == 400, answer)
    status, said = desk.run("explain", "port:tap7")
    checks.that("it stands in what is said of its sender", status == 0 and f"{SENT} is listed by" in said, said)
    pages = desk.centre.ask("GET", "/metrics", desk.secret)[1]
    checks.that("it is counted", "postern_collector_blacklist_listings 4" in pages
                and 'postern_collector_blacklists{believed="no"} 1' in pages, [x for x in pages.splitlines() if "blacklist" in x])


def distrusted(checks, desk):
    alert = soon(lambda: desk.alerts("zone"))
    checks.that("a list that lists everything is an alert, and accuses nobody", list(alert) == ["wild.example"]
                and not [name for name, zone in desk.standing() if zone == "wild.example"], alert)


def restarted(checks, desk):
    before = desk.rows("SELECT name, zone, since, times FROM listings WHERE since > 0 ORDER BY name")
    alerts = desk.rows("SELECT number, kind, name, raised FROM alerts WHERE kind = 'listing' ORDER BY number")
    desk.centre.kill()
    desk.centre.start()
    asked = time.time_ns()
    fresh = soon(lambda: desk.rows("SELECT MIN(asked) FROM watched WHERE origin <> 'person'")[0][0] > asked)
    checks.that("after a kill all names are asked for again", fresh, desk.rows("SELECT name, asked, due, holder FROM watched"))
    checks.that("and nothing is told twice", desk.rows("SELECT name, zone, since, times FROM listings WHERE since > 0 ORDER BY name") == before
                and desk.rows("SELECT number, kind, name, raised FROM alerts WHERE kind = 'listing' ORDER BY number") == alerts
                and len(desk.told()) == 1 and len(desk.rows("SELECT 1 FROM listing_history")) == 4, before)
    other = desk.rows("SELECT since, doubted > 0 FROM listings WHERE name = '198.51.100.200'")
    checks.that("another's name is no listing of ours", other == [(0, 1)] and "198.51.100.200 first.example" not in desk.alerts("listing"), other)


def delisted(checks, desk, servers):
    servers.change("second.example:ip4set", TEST + "192.0.2.1\n")
    gone = soon(lambda: (SENT, "second.example") not in desk.standing())
    checks.that("what is delisted is over", gone and len(desk.standing()) == 3, desk.standing())
    row = desk.rows("SELECT since, times, total, first FROM listings WHERE name = ?", SENT)
    times = desk.rows("SELECT since, until FROM listing_history WHERE name = ?", SENT)
    checks.that("with how long it was", row and row[0][:2] == (0, 1) and row[0][2] == times[0][1] - times[0][0] > 0
                and row[0][3] == times[0][0], (row, times))
    checks.that("its alert is resolved", f"{SENT} second.example" not in desk.alerts("listing"), desk.alerts("listing"))
    checks.that("the node is told", [t["listed"] for t in desk.told()] == [True, False], desk.told())
    checks.that("and people", "is not listed any more by" in desk.run("events", "--since", "1h")[1])
    shown = [r for r in desk.lines("blacklist", SENT, "--since", "2026-01-01T00:00:00Z", "--all") if r["record"] in ("listing", "time")]
    checks.that("the history can be asked for", [(r["record"], r.get("state")) for r in shown] == [("listing", "over"), ("time", None)], shown)
    servers.change("second.example:ip4set", TEST + f"{SENT} :127.0.0.2:again\n192.0.2.111\n")
    soon(lambda: (SENT, "second.example") in desk.standing())
    row = desk.rows("SELECT times, code, reason FROM listings WHERE name = ?", SENT)
    checks.that("listed again it is the second time", row == [(2, "127.0.0.2", "again")], row)


def alone(checks, desk, servers):
    """Nobody answers: nothing is known, and what was known stands."""
    before = set(desk.standing())
    servers.processes[1].kill()
    alert = soon(lambda: desk.alerts("zone").get("all"), 60)
    checks.that("where no list can be asked that is one alert", alert and len(desk.standing()) == 4, desk.alerts("zone"))
    checks.that("and what was listed is listed", set(desk.standing()) == before, desk.standing())
    status, took = desk.centre.stop()
    checks.that("it ends soon all the same", status == 0 and took < 10, (status, took))


def shared(checks, _, folder):
    """Two collectors on one PostgreSQL share the names, and tell what they find once."""
    text = CONFIG.replace("ZONES", f"{folder}/zones.conf").replace("198.51.100.0/30", "198.51.100.0/27")
    with Postgresql() as store:
        begun = time.monotonic()
        both = [Collector(tempfile.mkdtemp(dir=folder), text, store=store).start() for _ in range(2)]
        secret = both[0].person("ann", "read").split()[-1]
        try:
            lists = "SELECT COUNT(*) FROM listings WHERE since > 0"
            found = soon(lambda: store.ask(lists) == ["3"])
            checks.that("two collectors find what one does", found, store.ask("SELECT name, zone, since, doubted FROM listings"))
            print(f"      found: {time.monotonic() - begun:.1f} s")
            once = [store.ask(f"SELECT COUNT(*), SUM(times) FROM {what}") for what in
                    ("listings WHERE since > 0", "alerts WHERE kind = 'listing'", "(SELECT 1 AS times FROM listing_history) AS h")]
            checks.that("and tell it once", once == [["3|3"]] * 3, once)
            heard = [sum(map(int, re.findall(r"blacklist_answers_total.* (\d+)", one.ask("GET", "/metrics", secret)[1]))) for one in both]
            checks.that("they have asked", sum(heard) > 100, heard)
            both[heard.index(max(heard))].stop()
            since = time.time_ns()
            rest = f"SELECT COUNT(*) FROM watched WHERE asked < {since}"
            checks.that("what one had in hand is the other's when it ends", soon(lambda: store.ask(rest) == ["0"]), store.ask(rest))
        finally:
            for one in both:
                if one.process.poll() is None:
                    one.kill()


def main():
    checks = Checks()
    for program in ("/usr/sbin/rbldnsd", "/usr/sbin/unbound"):
        if not os.path.exists(program):
            checks.skip("blacklists", f"{program} is not installed")
            return checks.close()
    folder = tempfile.mkdtemp(prefix="blacklist-")
    servers = Servers(folder, MORE, ttl=0)
    desk = None
    try:
        servers.start()
        desk = Desk(folder)
        for part, more in ((listed, ()), (people, ()), (distrusted, ()), (restarted, ()), (delisted, (servers,)), (shared, (folder,)),
                           (alone, (servers,))):
            with checks.part(part.__name__):
                begun = time.monotonic()
                part(checks, desk, *more)
                print(f"      {part.__name__}: {time.monotonic() - begun:.1f} s")
    finally:
        if checks.failed and desk:
            print(desk.centre.said())
        if desk and desk.centre.process.poll() is None:
            desk.centre.kill()
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
