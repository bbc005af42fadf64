#!/usr/bin/env python3
"""A node and its centre: every entry of the node's journal is in the centre's store exactly once, whoever dies when and
whatever the network does; what the centre orders is done and acknowledged; a node that was revoked falls silent.

POSTERN_KILLS=500 for the long form.
"""
import datetime
import json
import os
import sqlite3
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
WAITS = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from delivery import KILLS, all_there, check_kills, difference, is_empty, make_news, spool  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

CENTRE = "203.0.113.1"
PORTS = ("8701", "8702")


class Centre:
    def __init__(self, bed, path):
        self.bed, self.path, self.process = bed, path, None

    def start(self, *ports):
        self.process = self.bed.popen("inet", [sys.executable, os.path.join(TOP, "tests/testbed/centre.py"), self.path,
                                               CENTRE, *(ports or PORTS)], stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
        self.process = None

    def ask(self, sql, *values):
        database = sqlite3.connect(self.path, timeout=20)
        try:
            with database:
                return database.execute(sql, values).fetchall()
        finally:
            database.close()

    def records(self):
        found = []
        for (line,) in self.ask("SELECT line FROM record ORDER BY rowid"):
            record = json.loads(line)
            del record["sequence"]
            found.append(record)
        return found

    def order(self, revision, deed, sender, **more):
        body = {"directive": deed, "sender": sender, "reason": "a test", "by": "anna", "rate": 0,
                "time": "2026-01-01T00:00:00Z", "until": None, **more}
        self.ask("INSERT INTO directive VALUES(?, ?)", revision, json.dumps(body))


def in_an_hour():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def check_begin(checks, agent, centre):
    agent.wait(lambda: spool(agent)["state"] == "connected", 20, "the connection")
    checks.that("it is known by a name of its own", spool(agent)["node"] == "00000000000000aa", spool(agent))
    make_news(agent, 0)
    all_there(checks, agent, centre, "delivery")
    said = agent.postern("status").stdout
    checks.that("status tells people", f"http://{CENTRE}:{PORTS[0]}, connected since" in said, said)
    calls = agent.log_text()
    checks.that("nothing was said to be wrong", "trouble" not in calls and "cannot" not in calls, calls)


def check_orders(checks, agent, centre):
    centre.order(3, "block", "198.18.1.1", until=in_an_hour())
    centre.order(4, "dance", "198.18.1.1")
    centre.order(5, "block", "198.18.1.9", until="2020-01-01T00:00:00Z")
    centre.order(6, "release", "198.18.1.1")
    centre.order(7, "throttle", "198.18.1.2", until=in_an_hour(), rate=17)
    agent.wait(lambda: spool(agent)["revision"] == 7, 20, "the orders")
    orders = agent.orders()
    checks.that("what the centre orders is carried out", orders.get("198.18.1.2", {}).get("rate") == 17, orders)
    checks.that("what it takes back is over", "198.18.1.1" not in orders, orders)
    checks.that("what had ended is not begun", "198.18.1.9" not in orders, orders)
    agent.wait(lambda: is_empty(agent), 10, "the acknowledgements")
    said = {r["revision"]: (r["done"], r["text"]) for r in centre.records() if r["record"] == "acknowledgement"}
    checks.that("each is acknowledged", {k: v[0] for k, v in said.items()} ==
                {3: True, 4: False, 5: True, 6: True, 7: True}, said)
    checks.that("what it does not know how to do it says so of", "know how" in said[4][1], said[4])
    people = {r["person"] for r in agent.events("command") if r["sender"] == "198.18.1.2"}
    checks.that("the journal names who ordered it", "centre: anna" in people, people)


def check_news(checks, agent, centre):
    """What the centre says of other nodes: garbage of it stops nothing, and a flood takes no more than there is room for."""
    def campaign(number, **more):
        return {"kind": "campaign", "likeness": f"{number:08x}" * 8, "customers": 2, "senders": 3, "nodes": 2, "recipients": 90,
                "first": in_an_hour(), "until": in_an_hour(), **more}
    garbage = [7, None, [], {}, {"kind": "campaign"}, campaign(1, likeness="zz" * 32), campaign(1, likeness="0" * 64), campaign(1, senders=-1),
               campaign(1, until="2500-01-01T00:00:00Z"), campaign(1, until=None), campaign(1, recipients=1e300),
               {"kind": "customer", "customer": "\u001b[2Jacme", "nodes": [], "until": in_an_hour()},
               {"kind": "customer", "customer": "acme", "nodes": [{"node": "b", "points": -5, "senders": 1}, 7, None], "until": in_an_hour()}]
    good = [{"kind": "customer", "customer": "baker", "nodes": [{"node": "00000000000000bb", "points": 20.5, "senders": 1},
                                                                {"node": "00000000000000aa", "points": 90, "senders": 1}], "until": in_an_hour()}]
    flood = [campaign(number) for number in range(1, 5001)]
    said = [(number, json.dumps(body)) for number, body in enumerate(garbage + good + flood, 1)]
    database = sqlite3.connect(centre.path, timeout=20)
    with database:
        database.executemany("INSERT INTO news VALUES(?, ?)", said)
    database.close()
    agent.wait(lambda: spool(agent)["campaigns"] == 1024, 60, "the campaigns")
    checks.that("of a flood of campaigns as many are kept as there is room for, of garbage nothing", spool(agent)["customers_elsewhere"] == 1,
                spool(agent))
    centre.ask("INSERT INTO news VALUES(?, ?)", len(said) + 1, json.dumps({**good[0], "nodes": []}))
    agent.wait(lambda: spool(agent)["customers_elsewhere"] == 0, 20, "the customer's end")
    centre.order(8, "throttle", "198.18.1.2", until=in_an_hour(), rate=19)
    agent.wait(lambda: spool(agent)["revision"] == 8, 20, "the order")
    checks.that("orders come beside them", agent.orders().get("198.18.1.2", {}).get("rate") == 19, agent.orders())
    checks.that("and nobody died of them", spool(agent)["state"] == "connected" and agent.status()["warden"]["courier_restarts"] == 0 and
                agent.status()["warden"]["watcher_restarts"] == 0, agent.status()["warden"])


def check_follow(checks, agent, centre):
    """What a relay has of the fleet's standings it does not ask for again, although nothing else was told for as long."""
    def fleet():
        status = agent.ask_quietly("status")
        return next((r["fleet"] for r in status or [] if r["record"] == "policy"), -1)
    number = 9000
    centre.ask("DELETE FROM news")
    centre.ask("INSERT INTO news VALUES(?, ?)", number, json.dumps({"kind": "standing", "sender": "198.18.1.9", "order": "block", "rate": 0,
                                                                   "until": in_an_hour(), "reason": "a test", "by": "anna", "node": "hv9"}))
    agent.wait(lambda: fleet() == 1, 20, "the standing")
    pid, before = agent.processes()["courier"], centre.ask("SELECT max(number) FROM asked")[0][0]
    os.kill(pid, 9)
    agent.wait(lambda: agent.processes().get("courier", pid) != pid and fleet() == 1, 15, "the standing, of another courier")

    def asked():
        rows = centre.ask("SELECT path FROM asked WHERE number > ?", before)
        return [path for (path,) in rows if "standings=yes" in path]
    agent.wait(asked, 20, "that it is followed again")
    checks.that("another courier goes on where the one before was", all(f"news={number}&" in path for path in asked()), asked())


def check_backup(checks, agent, centre):
    """The centre is put back to a day before: it gives numbers again that the node had seen."""
    kept = centre.ask("SELECT revision, body FROM directive WHERE revision > 3")
    centre.ask("DELETE FROM directive WHERE revision > 3")
    agent.wait(lambda: spool(agent)["revision"] == 3, 90, "the step back")
    centre.order(4, "throttle", "198.18.1.3", until=in_an_hour(), rate=23)
    agent.wait(lambda: spool(agent)["revision"] == 4, 20, "the order")
    checks.that("a centre from a backup is obeyed again", agent.orders().get("198.18.1.3", {}).get("rate") == 23, agent.orders())
    checks.that("and a person is told", any("backup" in e["text"] for e in agent.events("collector")), agent.events("collector"))
    centre.ask("DELETE FROM directive")
    for revision, body in kept:
        centre.ask("INSERT INTO directive VALUES(?, ?)", revision + 100, body)
    agent.wait(lambda: spool(agent)["revision"] == max(r for r, _ in kept) + 100, 90, "the others")


def check_refused_record(checks, agent, centre):
    centre.ask("INSERT INTO rule VALUES('refuse', 'test 666')")
    for number in (660, 666, 667):
        make_news(agent, number)
    agent.wait(lambda: is_empty(agent) and spool(agent)["set_aside"] > 0, 20, "records set aside")
    centre.ask("DELETE FROM rule")
    left = difference(agent, centre)
    checks.that("a record that is refused stops no other", left and all("test 666" in k for k in left), left)
    checks.that("it is counted", spool(agent)["set_aside"] == len(left), (spool(agent)["set_aside"], left))
    checks.that("and said", any("set aside" in e["text"] for e in agent.events("collector")), agent.events("collector"))
    return left


def check_takes_nothing(checks, agent, centre):
    """A collector with a fault refuses every record, also those that tell of it: that must not cost the node all it holds."""
    before = spool(agent)["set_aside"]
    centre.ask("INSERT INTO rule VALUES('refuse', 'sequence')")
    for number in range(680, 700):
        make_news(agent, number)
    agent.wait(lambda: spool(agent)["set_aside"] - before >= 8, 30, "the first records set aside")
    time.sleep(6)
    gone = spool(agent)["set_aside"] - before
    checks.that("a centre that takes nothing costs few records", gone <= 14, (gone, spool(agent)))
    told = [e for e in agent.events("collector") if "set aside" in e["text"]]
    checks.that("and the journal is not flooded with it", len(told) <= 20, len(told))
    centre.ask("DELETE FROM rule")
    agent.wait(lambda: is_empty(agent), 90, "an empty spool")
    return difference(agent, centre)


def check_failover(checks, agent, centre):
    centre.kill()
    make_news(agent, 20)
    agent.wait(lambda: spool(agent)["state"] == "trying" and spool(agent)["spooled"] > 0, 20, "the loss of the centre")
    checks.that("status says what is wrong", spool(agent).get("trouble", "") != "", spool(agent))
    centre.start(PORTS[1])
    agent.wait(lambda: spool(agent)["state"] == "connected", 60, "the second address")
    checks.that("the second address is taken", spool(agent)["address"].endswith(PORTS[1]), spool(agent))


def loses(bed, percent):
    """So many packets of each direction go missing at the centre's door; 0: none."""
    bed.run("inet", ["nft", "delete", "table", "inet", "loss"])
    chance = f"numgen random mod 100 < {percent}" if percent < 100 else ""
    rule = f"tcp {{}} {{{{ {', '.join(PORTS)} }}}} {chance} drop"
    text = ("table inet loss {\n chain in {\n type filter hook input priority 0\n" + rule.format("dport") +
            "\n }\n chain out {\n type filter hook output priority 0\n" + rule.format("sport") + "\n }\n}")
    return percent == 0 or bed.run("inet", ["nft", text]).returncode == 0


def check_network(checks, agent, bed, centre):
    slow = bed.run("hv", ["tc", "qdisc", "add", "dev", "uplink0", "root", "netem", "delay", "80ms", "60ms", "reorder",
                          "25%", "50%", "duplicate", "3%"]).returncode == 0
    if not slow:
        checks.skip("a slow and reordering network", "this kernel has no netem")
    checks.that("a lossy network is made", loses(bed, 12))
    centre.ask("INSERT INTO rule VALUES('cut', '50')")
    for number in range(30, 40):
        make_news(agent, number)
    agent.wait(lambda: spool(agent)["delivered"] > 0 and is_empty(agent), 60, "an empty spool over a bad network")
    centre.ask("DELETE FROM rule")
    loses(bed, 100)
    checks.that("cut off, it goes on by itself", make_news(agent, 41) and make_news(agent, 42))
    time.sleep(1)
    checks.that("and keeps what happened", spool(agent)["spooled"] >= 8, spool(agent))
    loses(bed, 0)
    if slow:
        bed.run("hv", ["tc", "qdisc", "del", "dev", "uplink0", "root"])


def check_identity(checks, agent, centre):
    checks.that("it is the same node after all of it", spool(agent)["node"] == "00000000000000aa", spool(agent))
    checks.that("it made itself known once", len(centre.ask("SELECT * FROM node")) == 1)
    lives = len(centre.ask("SELECT * FROM life"))
    checks.that("it lived one life", lives == 1, lives)


def check_revoked(checks, agent, centre):
    centre.ask("INSERT INTO rule VALUES('revoked', 'yes')")
    make_news(agent, 60)
    agent.wait(lambda: spool(agent)["state"] == "refused", 20, "the refusal")
    before = centre.ask("SELECT count(*) FROM batch")
    make_news(agent, 61)
    time.sleep(2)
    checks.that("a revoked node sends nothing", centre.ask("SELECT count(*) FROM batch") == before)
    checks.that("and says so", "refuses this node" in agent.postern("status").stdout, agent.postern("status").stdout)
    checks.that("also in the journal", any("refuses this node" in e["text"] for e in agent.events("collector")))


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("uplink", lack)
        return checks.close()
    urls = " ".join(f"http://{CENTRE}:{port}" for port in PORTS)
    name = "uplinkasan" if "asan" in os.environ.get("POSTERN_BUILD", "") else "uplink"
    with Testbed(name, guests=1) as bed:
        agent = Agent(bed, "hv", f"[enforce]\nmode = enforce\n[collector]\nurls = {urls}\ntoken = token.test\n[relay]\nfollow = yes\n")
        centre = Centre(bed, os.path.join(agent.directory, "centre.db"))
        centre.start()
        try:
            with agent:
                with checks.part("the beginning"):
                    check_begin(checks, agent, centre)
                with checks.part("orders"):
                    check_orders(checks, agent, centre)
                with checks.part("news of other nodes"):
                    check_news(checks, agent, centre)
                with checks.part("a relay that follows"):
                    check_follow(checks, agent, centre)
                with checks.part("fail-over"):
                    check_failover(checks, agent, centre)
                    all_there(checks, agent, centre, "fail-over")
                with checks.part("the network"):
                    check_network(checks, agent, bed, centre)
                    all_there(checks, agent, centre, "a bad network")
                with checks.part("kills"):
                    check_kills(checks, agent, centre)
                    all_there(checks, agent, centre, f"{KILLS} kills", 90)
                    check_identity(checks, agent, centre)
                with checks.part("a refused record"):
                    check_refused_record(checks, agent, centre)
                with checks.part("a centre from a backup"):
                    check_backup(checks, agent, centre)
                with checks.part("a centre that takes nothing"):
                    check_takes_nothing(checks, agent, centre)
                with checks.part("a revoked node"):
                    check_revoked(checks, agent, centre)
                if checks.failed:
                    print(agent.log_text()[-3000:])
        finally:
            centre.kill()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
