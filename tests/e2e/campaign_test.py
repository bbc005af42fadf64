#!/usr/bin/env python3
"""What several nodes say is put together at the collector and reaches every node: campaigns, customers' points, whom
relays refuse; and a node that lies moves nothing. Nodes that speak the protocol, no agents."""
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta, timezone

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
WAITS = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from check import Checks  # noqa: E402
from collector import Collector, Node  # noqa: E402
from postgresql import Postgresql  # noqa: E402

POSTERN = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern")
LETTER = "".join(f"{n:04x}" for n in range(0x101, 0x111))
NEAR = LETTER[:44] + "f" * 20
OTHER = "".join(f"{n:04x}" for n in range(0x901, 0x911))


def at(seconds=0):
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def body(sender, customer, likeness=LETTER, recipients=40, seconds=0, **more):
    return {"record": "body", "time": at(seconds), "sender": sender, "customer": customer, "likeness": likeness, "domains": 9,
            "recipients": recipients, "messages": recipients, "known": False, **more}


def points(sender, customer, amount, seconds=0):
    return {"record": "points", "time": at(seconds), "sender": sender, "customer": customer, "points": amount, "score": amount}


def order(sender, deed="block", seconds=3600, **more):
    return {"record": "order", "time": at(), "sender": sender, "customer": "acme", "deed": deed, "by": "judge", "rate": 0,
            "until": at(seconds), "why": "said so", **more}


class Ear:
    """What one node hears, as it would ask."""

    def __init__(self, node, standings=False):
        self.node, self.after, self.news, self.standings, self.heard = node, 0, 0, standings, []

    def ask(self, wait=0):
        path = f"/v1/directives?after={self.after}&wait={wait}&news={self.news}{'&standings=yes' if self.standings else ''}"
        status, answer = self.node.centre.ask("GET", path, self.node.secret)
        if status == 200:
            self.after = answer["revision"]
            self.news = answer.get("news_after", self.news)
            self.heard += answer.get("news", [])
        return status, answer

    def until(self, wanted, patience=20):
        """Asks on until `wanted` is true of a piece of news; that, or None."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            for piece in self.heard:
                if wanted(piece):
                    return piece
            self.ask(min(5, max(1, int(end - time.monotonic()))))
        return None

    def quiet(self, patience=3):
        before = len(self.heard)
        end = time.monotonic() + patience
        while time.monotonic() < end and len(self.heard) == before:
            self.ask(1)
        return self.heard[before:]


def campaigns(checks, centre):
    one, two, third = (Node(centre, name) for name in ("hv1", "hv2", "hv3"))
    ear = Ear(third)
    checks.that("nothing is told while there is none", ear.ask()[0] == 204)
    answers = []
    waiting = threading.Thread(target=lambda: answers.append((ear.ask(20), time.monotonic())))
    waiting.start()
    time.sleep(0.3)
    one.deliver([body("tap101i0", "acme"), body("tap102i0", "baker", NEAR)])
    two.deliver([body("tap201i0", "carol", NEAR)])
    begun = time.monotonic()
    waiting.join()
    (status, answer), then = answers[0]
    checks.that("bodies of three customers on two nodes wake a third that waits", status == 200 and len(answer["news"]) == 1, answer)
    piece = answer["news"][0]
    checks.that("as a campaign, with its counts", piece["kind"] == "campaign" and piece["likeness"] in (LETTER, NEAR) and
                [piece[key] for key in ("customers", "senders", "nodes", "recipients")] == [3, 3, 2, 120] and piece["first"] < piece["until"],
                piece)
    print(f"     {then - begun:.1f} s after the last of them")
    checks.that("it is asked on with news_after", answer["news_after"] == piece["news"] and ear.ask()[0] == 204)
    checks.that("who does not ask for news gets none", third.centre.ask("GET", "/v1/directives?after=0", third.secret)[0] == 204)
    one.deliver([body("tap101i0", "acme", recipients=45)])
    checks.that("a little more is not news", ear.quiet() == [])
    one.deliver([body("tap101i0", "acme", recipients=400)])
    grown = ear.until(lambda news: news["recipients"] > 400)
    checks.that("a third more is, in its place", grown and grown["likeness"] == piece["likeness"] and grown["news"] > piece["news"], grown)
    late = Ear(third)
    late.ask()
    checks.that("who begins anew hears what holds now, once", [news["news"] for news in late.heard] == [grown["news"]], late.heard)
    for bad in ("news=x", "news=-1", "news=1&standings=maybe"):
        status, answer = centre.ask("GET", f"/v1/directives?after=0&{bad}", third.secret)
        checks.that(f"{bad} is refused", status == 400, answer)
    ahead = Ear(third)
    ahead.news = 10 ** 15
    ahead.ask()
    checks.that("numbers are of their time, so that none comes twice after a backup", abs(grown["news"] / 1000 - time.time()) < 60)
    checks.that("who is ahead waits", ahead.heard == [])


def customers(checks, centre):
    one, two, third = (Node(centre, name) for name in ("hv4", "hv5", "hv6"))
    ear = Ear(third)
    ear.ask()
    heard = len(ear.heard)
    one.deliver([points("tap1", "sum", 4.25), points("tap2", "sum", 3)])
    checks.that("what one node holds against a customer is its own", ear.quiet() == [])
    two.deliver([points("tap9", "sum", 1.5)])
    piece = ear.until(lambda news: news.get("customer") == "sum")
    checks.that("of two nodes it reaches a third", piece and piece["kind"] == "customer", piece)
    shares = {share["node"]: (share["points"], share["senders"]) for share in piece["nodes"]}
    checks.that("by node, so that each can leave out its own", shares == {one.id: (7.25, 2), two.id: (1.5, 1)}, shares)
    two.deliver([points("tap9", "sum", 0)])
    over = ear.until(lambda news: news.get("customer") == "sum" and news["nodes"] == [])
    checks.that("where it fades to one it is over", over is not None, ear.heard[heard:])


def standings(checks, centre, boss):
    hypervisor, relay, plain = (Node(centre, name) for name in ("hv7", "relay", "hv8"))
    ear, other = Ear(relay, standings=True), Ear(plain)
    ear.ask(), other.ask()
    hypervisor.deliver([order("port:tap7", address="198.51.100.7"), order("uid:33"), order("account:eve", "throttle", rate=5)])
    piece = ear.until(lambda news: news.get("sender") == "198.51.100.7")
    checks.that("an order on a port stands against the address that it used", piece and piece["kind"] == "standing" and
                piece["order"] == "block" and piece["node"] == "hv7" and piece["customer"] == "acme" and piece["by"] == "judge", piece)
    account = ear.until(lambda news: news.get("sender") == "account:eve")
    checks.that("an account's as its own, with its rate", account and (account["order"], account["rate"]) == ("throttle", 5), account)
    checks.that("what says nothing elsewhere does not stand", not [news for news in ear.heard if "uid" in news.get("sender", "")])
    checks.that("who is no relay hears of none", other.quiet(2) == [])
    hypervisor.deliver([order("port:tap7", "release")])
    checks.that("a release is told", ear.until(lambda news: news.get("sender") == "198.51.100.7" and news["order"] == "release") is not None)
    hypervisor.deliver([order("customer:acme")])
    checks.that("one node's word shuts out no customer", ear.quiet() == [])
    status, answer = centre.ask("POST", "/v1/orders", boss, {"order": "block", "sender": "customer:acme", "for": "1h", "reason": "unpaid"})
    told = other.ask()[1]
    checks.that("a person blocks a customer everywhere", status == 201 and told["directives"][-1]["sender"] == "customer:acme", told)
    hypervisor.deliver([order("customer:acme")])
    checks.that("and then it stands", ear.until(lambda news: news.get("sender") == "customer:acme") is not None)
    audit = centre.ask("GET", "/v1/audit", boss)[1]
    checks.that("the audit names it", '"deed":"block","target":"customer:acme","reason":"unpaid"' in audit, audit)
    return answer


def liar(checks, centre):
    honest, lies, third = (Node(centre, name) for name in ("hv10", "liar", "hv11"))
    ear = Ear(third, standings=True)
    while ear.ask()[0] == 200:
        pass
    honest.deliver([body("tap1", "ivan", OTHER), points("tap1", "ivan", 0.5)])
    lies.deliver([body(f"tap{n}", f"invented{n}", "".join(f"{p + n:04x}" for p in range(16)), recipients=10 ** 9) for n in range(0x2000, 0x23e8)])
    lies.deliver([body("tap2", "judy", OTHER, seconds=3600), body("tap3", "kim", OTHER, seconds=10 * 86400),
                  body("tap4", "lea", OTHER, seconds=-3600)])
    lies.deliver([points(f"tap{n}", f"invented{n}", 1000) for n in range(1000)])
    lies.deliver([points("tap1", "ivan", 1000), points("tap2", "acme", 1e300), points("tap3", "mallory", 50, seconds=900)])
    lies.deliver([order("192.0.2.1", "allow"), order("customer:ivan"), {**body("tap1", "x"), "likeness": "0" * 64}, {**body("tap1", "x"), "likeness": None},
                  {**points("tap1", "x", 1), "points": "many"}])
    moved = ear.quiet(5)
    checks.that("invented customers, others' customers, clocks that are wrong: nothing is told", moved == [], moved[:3])
    lies.deliver([body(f"tap{n}", f"invented{n}", OTHER, recipients=10 ** 12) for n in range(100)])
    piece = ear.until(lambda news: news.get("likeness") == OTHER)
    checks.that("a body that it has from another counts for three senders, no more", piece and piece["customers"] == 4 and piece["senders"] == 4 and
                piece["recipients"] <= 40 + 3 * 100000, piece)


def postern(centre, boss, *words):
    surroundings = {**os.environ, "POSTERN_COLLECTOR": f"http://127.0.0.1:{centre.port}", "POSTERN_KEY": boss, "NO_COLOR": "1"}
    done = subprocess.run([POSTERN, *words], env=surroundings, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def people(checks, centre, boss):
    one, two = Node(centre, "hv20"), Node(centre, "hv21")
    one.deliver([{"record": "verdict", "time": at(), "sender": "port:tap1", "customer": "zoe", "verdict": "throttle", "score": 14.5,
                  "address": "198.51.100.20"},
                 {"record": "traffic", "time": at(), "sender": "port:tap1", "customer": "zoe", "messages": 12, "recipients": 30,
                  "messages_rejected": 2, "connections": 5, "bytes": 900},
                 points("port:tap1", "zoe", 6.5), {**order("port:tap1", "throttle"), "customer": "zoe"}])
    two.deliver([{"record": "traffic", "time": at(), "sender": "port:tap5", "customer": "zoe", "messages": 3, "recipients": 3},
                 points("port:tap5", "zoe", 2.25), {**order("customer:zoe", "divert"), "customer": ""}])
    end = time.monotonic() + 10
    answer = []
    while time.monotonic() < end and not (answer and answer[0]["points"] == 8.75):
        answer = records(centre.ask("GET", "/v1/customers/zoe", boss)[1])
        time.sleep(0.2)
    checks.that("a customer's sums", answer[0] == {"record": "customer", "customer": "zoe", "senders": 2, "nodes": 2, "messages": 15,
                                                   "messages_rejected": 2, "recipients": 33, "points": 8.75}, answer[0])
    senders = [(r["node_name"], r["sender"], r["address"], r["verdict"], r["messages"], r["points"], r["points_elsewhere"])
               for r in answer if r["record"] == "sender"]
    checks.that("its senders on each node, with what is held against the others", senders ==
                [("hv20", "port:tap1", "198.51.100.20", "throttle", 12, 6.5, 2.25), ("hv21", "port:tap5", "", "clear", 3, 2.25, 6.5)], senders)
    orders = {(r["node_name"], r["sender"], r["deed"]) for r in answer if r["record"] == "order"}
    checks.that("and the orders on it and on what it has", orders == {("hv20", "port:tap1", "throttle"), ("hv21", "customer:zoe", "divert")}, orders)
    everybody = {r["customer"]: r for r in records(centre.ask("GET", "/v1/customers", boss)[1]) if r["record"] == "customer"}
    checks.that("it is among all", everybody["zoe"]["messages"] == 15 and everybody["zoe"]["nodes"] == 2, everybody.get("zoe"))
    status, text = postern(centre, boss, "customers", "zoe")
    checks.that("postern customers NAME", status == 0 and "198.51.100.20" in text and "6.5" in text and "customer:zoe" in text, text)
    status, text = postern(centre, boss, "customers")
    checks.that("postern customers", status == 0 and "zoe" in text, text)
    status, text = postern(centre, boss, "explain", "customer:zoe")
    checks.that("postern explain customer:NAME", status == 0 and "zoe has 2 senders on 2 nodes." in text and
                "Held against it firmly: 2.2 points; against the customer's senders on other nodes: 6.5." in text, text)
    status, text = postern(centre, boss, "campaigns")
    checks.that("postern campaigns", status == 0 and LETTER[:8] in text and "acme" in text, text)
    for words in (["customers", "zoe"], ["explain", "customer:zoe"], ["campaigns"], ["customers"]):
        status, text = postern(centre, boss, *words, "--json")
        checks.that(f"{words[0]} --json", status == 0 and records(text), text)
    status, text = postern(centre, boss, "customers", "nobody")
    checks.that("a customer of whom nobody spoke", status == 0 and "no node has said" in text, text)


def two_collectors(checks, folder):
    """One is killed while it has the lease, the other goes on."""
    with Postgresql() as store:
        first = Collector(os.path.join(folder, "a"), store=store).start()
        second = Collector(os.path.join(folder, "b"), store=store).start()
        nodes = [Node(first, "hv1"), Node(first, "hv2"), Node(first, "hv3")]
        nodes[0].deliver([body("tap1", "acme")])
        nodes[1].deliver([body("tap2", "baker")])
        ear = Ear(nodes[2])
        checks.that("two collectors: one reckons", ear.until(lambda news: news["kind"] == "campaign") is not None)
        first.kill()
        for node in nodes:
            node.centre = second
        nodes[0].deliver([points("tap1", "acme", 5)])
        nodes[1].deliver([points("tap2", "acme", 5)])
        begun = time.monotonic()
        piece = ear.until(lambda news: news["kind"] == "customer", 30)
        checks.that("whichever is killed, the other goes on", piece is not None, ear.heard)
        print(f"     {time.monotonic() - begun:.1f} s later")
        second.stop()


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("centre", "a", "b"):
            os.mkdir(os.path.join(folder, name))
        centre = Collector(os.path.join(folder, "centre")).start()
        boss = centre.person("anna", "read,order,admin")
        campaigns(checks, centre)
        customers(checks, centre)
        standings(checks, centre, boss)
        liar(checks, centre)
        people(checks, centre, boss)
        checks.that("it ends in time", centre.stop()[1] < 5)
        checks.that("the collector had no trouble", "cannot" not in centre.said(), centre.said())
        two_collectors(checks, folder)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
