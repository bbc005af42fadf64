#!/usr/bin/env python3
"""Three collectors without a state of their own, behind HAProxy, on a PostgreSQL with a standby: who waits at one hears
what another was told, nothing is asked for twice, and whichever part is killed, every record is there once and every
order reaches every node once."""
import collections
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from balanced import FIRST, FRONT, Balancer, Load, collectors, tokens  # noqa: E402
from check import Checks  # noqa: E402
from collector import Collector, Node  # noqa: E402
from hardship_test import Clock  # noqa: E402
from postgresql import Postgresql  # noqa: E402

POSTERN = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern")
MANY = bool(os.environ.get("POSTERN_EVERYTHING"))
NODES, ROUNDS = (400, 3) if MANY else (100, 1)
PATIENCE = 2000  # milliseconds with a database that says nothing
HOUR = 3600


class Pair:
    """Both servers as the collectors see them; `ask` asks the one that takes writes."""

    def __init__(self):
        self.first = Postgresql()
        self.second = None
        self.now = self.first
        self.uri = f"{self.first.uri}&tcp_user_timeout={PATIENCE}"

    def double(self):
        self.second = self.first.standby()
        self.uri = (f"postgresql://postern@/postern?host={self.first.folder},{self.second.folder}"
                    f"&target_session_attrs=read-write&connect_timeout=2&tcp_user_timeout={PATIENCE}")

    def ask(self, sql):
        return self.now.ask(sql)

    def promote(self):
        self.second.promote()
        self.now = self.second

    def close(self):
        for server in (self.first, self.second):
            if server:
                server.__exit__()


def order(number, **more):
    return {"order": "block", "sender": f"10.9.{number >> 8}.{number & 255}", "node": None, "for": "1h", "reason": f"order {number}", **more}


def in_thread(what, *arguments):
    got = []
    thread = threading.Thread(target=lambda: got.append(what(*arguments)))
    thread.start()

    def join():
        thread.join(timeout=60)
        return got[0] if got else None
    return join


def record(number, **more):
    return {"record": "event", "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "sender": "192.0.2.1", "n": number, **more}


def waking(checks, all_of_them):
    """What would come after half a minute without a word comes at once."""
    one, two, three = all_of_them
    person, node = one.person("w", "read,order,admin"), Node(one, "waits")
    after = two.ask("GET", "/v1/directives?after=0", node.secret)[1]
    after = after["revision"] if after else 0
    waiting = in_thread(two.ask, "GET", f"/v1/directives?after={after}&wait=15", node.secret)
    time.sleep(1)
    given = one.ask("POST", "/v1/orders", person, order(1))
    got = waiting()
    checks.that("a node that waits at another collector gets the order", got and got[0] == 200 and got[1]["revision"] == given[1]["revision"], (given, got))
    cursor = last_line(three.ask("GET", "/v1/events?limit=10000", person)[1])["next"]
    following = in_thread(three.ask, "GET", f"/v1/events?after={cursor}&wait=15", person)
    time.sleep(1)
    node.deliver([record(1, mine="follow")])
    lines = following()
    checks.that("who follows events at another is told", lines and '"mine":"follow"' in lines[1], lines)
    revoked = in_thread(two.ask, "GET", f"/v1/directives?after={given[1]['revision']}&wait=15", node.secret)
    gone = in_thread(three.ask, "GET", f"/v1/events?after={last_line(lines[1])['next']}&wait=15&kind=none", three.person("gone", "read"))
    time.sleep(1)
    one.ask("DELETE", f"/v1/nodes/{node.id}", person)
    who = [line for line in map(json.loads, one.ask("GET", "/v1/persons", person)[1].splitlines()) if line.get("name") == "gone"]
    one.ask("DELETE", f"/v1/persons/{who[0]['person']}", person)
    checks.that("a node that is revoked hears it where it waits", revoked()[0] == 401)
    checks.that("and a person", gone()[0] == 401)


def last_line(text):
    return text if isinstance(text, dict) else json.loads(text.splitlines()[-1])


def asked_again(checks, all_of_them, database):
    """One name, one order."""
    person, other, name = all_of_them[0].person("o", "order,admin"), all_of_them[0].person("p", "order"), secrets.token_hex(8)
    before = int(database.ask("SELECT COUNT(*) FROM directives")[0])
    asked = [in_thread(all_of_them[i % 3].ask, "POST", "/v1/orders", person, order(2), {"Idempotency-Key": name}) for i in range(9)]
    answers = [join() for join in asked]
    checks.that("asked nine times at three collectors: one revision", {status for status, _ in answers} == {201} and len({answer["revision"] for _, answer in answers}) == 1, answers)
    checks.that("and one order", int(database.ask("SELECT COUNT(*) FROM directives")[0]) == before + 1)
    checks.that("and one line in the audit", database.ask(f"SELECT COUNT(*) FROM audit WHERE target = '{order(2)['sender']}'") == ["1"])
    again = all_of_them[1].ask("POST", "/v1/orders", person, order(3), {"Idempotency-Key": name})
    checks.that("another order by that name: 409", again[0] == 409 and "Idempotency-Key" in again[1]["error"], again)
    another = all_of_them[1].ask("POST", "/v1/orders", other, order(3), {"Idempotency-Key": name})
    checks.that("another person's name is another", another[0] == 201 and another[1]["revision"] != answers[0][1]["revision"], another)
    for bad in ("short", "x" * 65, "0123456789abcde'", "0123456789 abcdef"):
        checks.that(f"{bad[:20]!r} is no name", all_of_them[2].ask("POST", "/v1/orders", person, order(4), {"Idempotency-Key": bad})[0] == 400)
    settings = {"text": "[policy]\nallow = 192.0.2.25\n", "reason": "x"}
    set_twice = [c.ask("PUT", "/v1/settings", person, settings, {"Idempotency-Key": name + "s"}) for c in all_of_them]
    checks.that("settings that are set again are set once", len({json.dumps(answer) for answer in set_twice}) == 1 and set_twice[0][0] == 201, set_twice)
    without = [all_of_them[0].ask("POST", "/v1/orders", person, order(5))[1]["revision"] for _ in range(2)]
    checks.that("without a name it is another order", without[0] != without[1], without)


def both_at_once(checks, all_of_them, database):
    """A node whose batches arrive at all at once."""
    node, answers = Node(all_of_them[0], "both"), []
    for i in range(10):
        batch = node.batch([record(i * 20 + k, mine="both") for k in range(20)])
        answers += [join() for join in [in_thread(c.ask, "POST", "/v1/records", node.secret, batch) for c in all_of_them]]
        node.delivered += 20
    checks.that("each takes it", {status for status, _ in answers} == {200}, answers)
    numbers = sorted(json.loads(line)["n"] for line in database.ask("SELECT line FROM records WHERE line LIKE '%\"mine\":\"both\"%'"))
    checks.that("and each record is there once", numbers == list(range(200)), len(numbers))


def skewed(checks, folder, database):
    """Clocks two hours apart, a long answer's cursor carried from one to the other: nothing is missed, nothing told twice."""
    clocks = [Clock(folder, name) for name in ("early", "late")]
    places = [os.path.join(folder, name) for name in ("early", "late")]
    for clock, shift, place in zip(clocks, (-HOUR, HOUR), places):
        clock.set(shift)
        os.mkdir(place)
    pair = [Collector(place, store=database, launch=lambda words, clock=clock, **more: subprocess.Popen(words, env={**os.environ, **clock.environment()}, **more)).start()
            for place, clock in zip(places, clocks)]
    try:
        person = pair[0].person("skew", "read,order")
        cursor, seen, ending = last_line(pair[0].ask("GET", "/v1/events?limit=10000", person)[1])["next"], [], threading.Event()
        nodes = [Node(pair[i % 2], f"skew{i}") for i in range(4)]

        def deliver(i):
            for k in range(30):
                batch = nodes[i].batch([record(k, mine=f"skew{i}")])
                status = pair[(i + k) % 2].ask("POST", "/v1/records", nodes[i].secret, batch)[0]
                nodes[i].delivered += status == 200

        def follow(where):
            nonlocal cursor
            answer = pair[where].ask("GET", f"/v1/events?after={cursor}&wait=1&limit=7", person)[1]
            lines = answer.splitlines() if isinstance(answer, str) else [json.dumps(answer)]
            seen.extend((line["mine"], line["n"]) for line in map(json.loads, lines) if str(line.get("mine", "")).startswith("skew"))
            cursor = json.loads(lines[-1])["next"]
            return len(lines) - 1

        threads = [threading.Thread(target=deliver, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        turn = 0
        while any(thread.is_alive() for thread in threads) or follow(turn % 2):
            follow(turn % 2)
            turn += 1
        wanted = {(f"skew{i}", k) for i in range(4) for k in range(30)}
        checks.that("a follower at one and the other misses nothing", set(seen) == wanted, sorted(wanted - set(seen)))
        checks.that("and is told nothing twice", len(seen) == len(wanted), len(seen) - len(wanted))
        times = []
        for c in pair:
            c.ask("POST", "/v1/orders", person, order(6))
            times.append(int(database.ask("SELECT until FROM directives ORDER BY revision DESC LIMIT 1")[0]) / 1e9 - time.time())
        checks.that("an order's hour is an hour at both", all(abs(left - HOUR) < 300 for left in times), times)
    finally:
        for c in pair:
            c.stop()
        ending.set()


# --- everything is killed in turn ---


class Orders(threading.Thread):
    """A person who gives orders, one after the other, and asks again until each is taken: by the balancer, and every
    fifth by `postern`, which knows the collectors as well."""

    def __init__(self, centre, secret, start):
        super().__init__()
        self.centre, self.secret, self.number, self.ending = centre, secret, start, threading.Event()
        self.taken, self.refused, self.failed = {}, 0, []

    def run(self):
        while not self.ending.is_set():
            wanted = order(self.number)
            if self.number % 5 == 0:
                self.by_command(wanted)
            else:
                self.by_hand(wanted)
            self.number += 1
            time.sleep(0.3)

    def by_hand(self, wanted):
        name, status = secrets.token_hex(8), 0
        end = time.monotonic() + 60
        while status != 201 and time.monotonic() < end:
            try:
                status, answer = self.centre.ask("POST", "/v1/orders", self.secret, wanted, {"Idempotency-Key": name})
            except OSError:
                status, answer = 0, None
            if status != 201:
                self.refused += 1
                time.sleep(0.1)
        if status == 201:
            self.taken[wanted["sender"]] = answer["revision"]
        else:
            self.failed.append((wanted["sender"], status, answer))

    def by_command(self, wanted):
        urls = " ".join(f"http://127.0.0.1:{port}" for port in (FRONT, FIRST, FIRST + 1, FIRST + 2))
        for _ in range(5):
            done = subprocess.run([POSTERN, "block", wanted["sender"], "--for", "1h", "--reason", wanted["reason"], "--everywhere"], capture_output=True, text=True, check=False,
                                  env={**os.environ, "POSTERN_COLLECTOR": urls, "POSTERN_KEY": self.secret})
            if done.returncode == 0:
                self.taken[wanted["sender"]] = None
                return
        self.failed.append((wanted["sender"], done.stderr))


def settle_down(load, what, checks):
    """Until records come in again from everybody."""
    before = load.state()["delivered"]
    good = load.until(lambda state: state["delivered"] > before + NODES * 2, 60)
    checks.that(f"{what}: records come in again", good, load.state())


def kill_all(checks, all_of_them, balancer, database, load):
    for i, centre in enumerate(all_of_them):
        centre.kill()
        time.sleep(1.5)
        centre.start()
        settle_down(load, f"collector {i + 1} was killed", checks)
    balancer.kill()
    time.sleep(1)
    balancer.start()
    settle_down(load, "the balancer was killed", checks)
    database.second.stop(signal.SIGQUIT)
    time.sleep(2 + PATIENCE / 1000)  # no commit is sure meanwhile, and none is told to be
    database.second.start()
    settle_down(load, "the standby was killed", checks)


def fail_over(checks, database, load):
    database.first.stop(signal.SIGQUIT)
    time.sleep(1)
    database.promote()
    settle_down(load, "the primary was killed and the standby promoted", checks)


def reckon(checks, nodes, database, orders):
    directives = [line.split("|") for line in database.ask("SELECT revision, sender FROM directives WHERE sender LIKE '10.9.%' ORDER BY revision")]
    given = [(int(revision), sender) for revision, sender in directives]
    senders = collections.Counter(sender for _, sender in given)
    ours = {sender: revision for revision, sender in given}
    checks.that(f"each of {len(orders.taken)} orders that was taken stands once",
                orders.taken and all(senders[sender] == 1 and revision in (None, ours[sender]) for sender, revision in orders.taken.items()),
                [(sender, revision, senders[sender]) for sender, revision in orders.taken.items() if senders[sender] != 1 or revision not in (None, ours[sender])])
    checks.that("none was given up", not orders.failed, orders.failed)
    wanted = set(int(line) for line in database.ask("SELECT revision FROM directives WHERE node = 0 UNION SELECT MAX(revision) FROM settings WHERE node = 0") if line)
    wrong = [(node["number"], sorted(wanted ^ set(node["revisions"]))[:5]) for node in nodes if set(node["revisions"]) != wanted or len(set(node["revisions"])) != len(node["revisions"])]
    checks.that("every node saw every order, once", nodes and not wrong and all(node["again"] == 0 for node in nodes), wrong[:3])
    acknowledged = database.ask("SELECT node, COUNT(*), COUNT(DISTINCT revision) FROM acknowledgements GROUP BY node")
    checks.that("and acknowledged each", len(acknowledged) >= len(nodes) and sum(int(line.split("|")[1]) for line in acknowledged) >= len(nodes) * len(wanted), len(acknowledged))
    count, distinct, highest = {}, {}, {}
    for line in database.ask("SELECT life, COUNT(*), COUNT(DISTINCT sequence), MAX(sequence) FROM records GROUP BY life"):
        life, *numbers = (int(word) for word in line.split("|"))
        count[life], distinct[life], highest[life] = numbers
    wrong = []
    for node in nodes:
        life = int.from_bytes(bytes.fromhex(node["life"]), "big", signed=True)
        made = node["made"]
        if not made or [count.get(life), distinct.get(life), highest.get(life), node["delivered"]] != [made] * 4:
            wrong.append((node, count.get(life), highest.get(life)))
    checks.that(f"every one of {sum(node['made'] for node in nodes)} records is there, once", nodes and not wrong, wrong[:3])
    checks.that("it was noticed", sum(node["doubts"] + node["refused"] for node in nodes) > 0 and orders.refused > 0,
                (sum(node["doubts"] for node in nodes), orders.refused))


def fleet(checks, folder, all_of_them, database):
    """Hundreds of nodes behind the balancer, orders all the while."""
    centre = Collector.__new__(Collector)
    centre.port, centre.tls = FRONT, None
    person = all_of_them[0].person("fleet", "order,read")
    with Balancer(folder, [c.port for c in all_of_them]) as balancer:
        load = Load(folder, [f"127.0.0.1:{FRONT}"], tokens(database, NODES), every=1000, batch=3, wait=20)
        orders = Orders(centre, person, 1000)
        try:
            checks.that(f"{NODES} nodes wait", load.until(lambda state: state["waiting"] >= NODES * 0.9, 90), load.state())
            orders.start()
            for _ in range(ROUNDS):
                kill_all(checks, all_of_them, balancer, database, load)
            fail_over(checks, database, load)
            orders.ending.set()
            orders.join()
            highest = int(database.ask("SELECT MAX(revision) FROM directives")[0])
            reckon(checks, load.finish(highest, 60), database, orders)
        finally:
            orders.ending.set()
            load.close()


def main():
    checks = Checks()
    database = Pair()
    with tempfile.TemporaryDirectory() as folder:
        all_of_them = []
        try:
            database.double()
            all_of_them = collectors(folder, 3, database)
            for c in all_of_them:
                c.start()
            for name, part in (("waking", lambda: waking(checks, all_of_them)), ("asked again", lambda: asked_again(checks, all_of_them, database)),
                               ("both at once", lambda: both_at_once(checks, all_of_them, database)), ("skewed", lambda: skewed(checks, folder, database)),
                               ("fleet", lambda: fleet(checks, folder, all_of_them, database))):
                with checks.part(name):
                    begun = time.monotonic()
                    part()
                    print(f"      {name}: {time.monotonic() - begun:.1f} s")
        finally:
            for c in all_of_them:
                if c.process and c.process.poll() is None:
                    checks.that("it ends well", c.stop()[0] == 0, c.said()[-500:])
            database.close()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
