#!/usr/bin/env python3
"""The collector on PostgreSQL: what it promises holds there as well, also when the database goes away and comes back."""
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
import collector_test  # noqa: E402
from check import Checks  # noqa: E402
from collector import PROGRAM, Collector, Node  # noqa: E402
from postgresql import Postgresql  # noqa: E402

SECRET = "pA55word-of-the-store"
UNKIND = "'; DROP TABLE directives; --<script>\\N"
NASTY = "'; DROP TABLE records; --<script>alert(1)</script>\u0001\\.\\N\t"
NODES, STOPS = 4, int(os.environ.get("POSTERN_STOPS", "6"))


def record(number, **more):
    return {"record": "verdict", "time": "2026-11-26T00:00:00Z", "sender": f"192.0.2.{number % 250}", "verdict": "abuse", "score": 1.5,
            "n": number, **more}


def down_at_the_start(checks, centre, database):
    database.stop()
    centre.start()
    status, answer = centre.ask("POST", "/v1/enrol", "token." + "A" * 43, {"name": "hv1", "version": "0", "key_hash": "0" * 64})
    checks.that("a database that is down: 503, with a sentence", status == 503 and "does not answer" in str(answer), (status, answer))
    checks.that("its health says so", centre.ask("GET", "/health")[0] == 503)
    tool = subprocess.run([PROGRAM, "token", "--config", centre.config], capture_output=True, text=True, check=False)
    checks.that("a token cannot be made now", tool.returncode == 1 and "postern-collector: " in tool.stderr, tool)
    database.start()
    checks.that("when it is back the collector goes on by itself", eventually(lambda: centre.ask("GET", "/v1/nodes", centre.person("a", "read"))[0] == 200))
    checks.that("and is healthy", centre.ask("GET", "/health")[0] == 200)


def eventually(what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.1)
    return False


def everyday(checks, centre, database):
    node = Node(centre, "hv1")
    reader, admin = centre.person("r", "read"), centre.person("b", "read,order,admin")
    batch = node.batch([record(i) for i in range(1000)])
    checks.that("a thousand records", node.send(batch) == (200, {"delivered": 1000}))
    checks.that("and once more, and nothing changes", node.send(batch) == (200, {"delivered": 1000}))
    node.delivered = 1000
    node.deliver([record(1, sender=NASTY, reason=NASTY, customer=NASTY)])
    traffic = {"record": "traffic", "time": time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime()), "seconds": 60, "sender": "192.0.2.1", "customer": "c1",
               "connections": 2, "messages": 3, "recipients": 4, "bytes": 2 ** 40}
    node.deliver([traffic, traffic])
    checks.that("each is there once", len(centre.records()) == 1003, len(centre.records()))
    mine = [row for row in centre.records() if row.get("reason") == NASTY]
    checks.that("SQL and HTML in a record are text", len(mine) == 1 and mine[0]["sender"] == NASTY, mine)
    order = centre.ask("POST", "/v1/orders", admin, {"order": "block", "sender": "192.0.2.1", "node": None, "for": "1h", "reason": UNKIND})
    checks.that("an order", order == (201, {"revision": 1}), order)
    told = centre.ask("GET", "/v1/directives?after=0", node.secret)
    checks.that("reaches the node", told[0] == 200 and told[1]["directives"][0]["reason"] == UNKIND, told)
    node.deliver([{"record": "acknowledgement", "time": "2026-11-26T00:00:01Z", "revision": 1, "done": True, "text": ""}])
    for path, word in (("/v1/nodes", "hv1"), ("/v1/customers", '"c1"'), ("/v1/senders", "192.0.2.1"), ("/v1/senders/192.0.2.1", str(2 ** 41)),
                       ("/v1/orders", "end"), ("/v1/audit", "block"), ("/v1/events?limit=100", "192.0.2.7"),
                       ("/v1/events?sender=192.0.2.7&kind=verdict", "192.0.2.7"), (f"/v1/events?node={node.id}&limit=5", "verdict")):
        status, answer = centre.ask("GET", path, admin if "audit" in path else reader)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        checks.that(f"{path} answers", status == 200 and word in text, (status, text[:200]))
    checks.that("the database has no table less", database.ask("SELECT COUNT(*) FROM records") == ["1004"])


def stops(checks, centre, database):
    """Nodes deliver while the database is stopped and started."""
    nodes = [Node(centre, f"stop{i}") for i in range(NODES)]
    ending, refused, sentences = threading.Event(), [0], set()

    def deliver(node):
        sent = 0
        while not ending.is_set() or node.delivered < sent:
            batch = [record(sent + i, mine=node.id) for i in range(20)]
            sent += len(batch)
            while node.delivered < sent:
                try:
                    status, answer = node.send(node.batch(batch[len(batch) - (sent - node.delivered):]))
                except OSError:
                    status = 0
                if status in (200, 409):
                    node.delivered = answer["delivered"]
                else:
                    refused[0] += 1
                    sentences.add((status, str(answer)))
                    time.sleep(0.05)

    threads = [threading.Thread(target=deliver, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for i in range(STOPS):
        time.sleep(0.2 + secrets.randbelow(400) / 1000)
        database.stop(signal.SIGQUIT if i % 2 else signal.SIGINT)
        time.sleep(secrets.randbelow(1000) / 1000)
        database.start()
    time.sleep(0.3)
    ending.set()
    for thread in threads:
        thread.join(timeout=60)
    checks.that("it was noticed", refused[0] > 0)
    checks.that("each refusal was a 503 with a sentence", all(status == 503 and "store" in words for status, words in sentences), sentences)
    lines = centre.records()
    for node in nodes:
        numbers = sorted(row["n"] for row in lines if row.get("mine") == node.id)
        checks.that(f"after {STOPS} stops every one of {node.delivered} records is there once", numbers == list(range(node.delivered)) and numbers,
                    (len(numbers), node.delivered))
    checks.that("it is healthy again", eventually(lambda: centre.ask("GET", "/health")[0] == 200))


def cut_off(checks, centre, database):
    """Its connections are ended, again and again, while the server runs: nobody is refused."""
    node, statuses = Node(centre, "cut"), []
    for i in range(10):
        database.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postern'")
        statuses.append(node.deliver([record(i, mine="cut")])[0])
    checks.that("a connection that was ended is opened again within the request", statuses == [200] * 10, statuses)
    checks.that("and each record is there once", sorted(row["n"] for row in centre.records() if row.get("mine") == "cut") == list(range(10)))


def waiting(checks, centre, database):
    """A node that waits for orders is told when the database was away meanwhile."""
    node, admin = Node(centre, "waits"), centre.person("c", "order")
    status, answer = centre.ask("GET", "/v1/directives?after=0", node.secret)
    after, got = answer["revision"], []
    thread = threading.Thread(target=lambda: got.append(centre.ask("GET", f"/v1/directives?after={after}&wait=30", node.secret)))
    thread.start()
    time.sleep(0.3)
    database.stop()
    database.start()
    order = {"order": "block", "sender": "192.0.2.9", "node": None, "for": "1h", "reason": "x"}
    eventually(lambda: centre.ask("POST", "/v1/orders", admin, order)[0] == 201)
    thread.join(timeout=30)
    checks.that("who waits is told", got and got[0][0] == 200 and got[0][1]["directives"][0]["sender"] == "192.0.2.9", got)


def two_collectors(checks, centre, folder, database):
    """Both on one database; a node turns to one and the other."""
    os.mkdir(os.path.join(folder, "second"))
    second = Collector(os.path.join(folder, "second"), store=database).start()
    try:
        node = Node(centre, "both")
        answers = []

        def send(which, batch):
            status, answer = second.ask("POST", "/v1/records", node.secret, batch) if which else node.send(batch)
            answers.append((status, answer))
        for i in range(10):
            batch = node.batch([record(i * 50 + k, mine="both") for k in range(50)])
            threads = [threading.Thread(target=send, args=(which, batch)) for which in (0, 1, 0, 1)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            node.delivered += 50
        checks.that("a batch that comes to both at once is taken by both", all(answer[0] == 200 for answer in answers), answers)
        numbers = sorted(row["n"] for row in centre.records() if row.get("mine") == "both")
        checks.that("and each record is there once", numbers == list(range(500)), len(numbers))
        admin, revisions = centre.person("d", "order"), []

        def order(which, number):
            who = second if which else centre
            revisions.append(who.ask("POST", "/v1/orders", admin, {"order": "block", "sender": f"192.0.2.{number}", "for": "1h", "reason": "x"})[1].get("revision"))
        threads = [threading.Thread(target=order, args=(i % 2, i)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        checks.that("orders given to both have each a revision of their own", None not in revisions and len(set(revisions)) == 8, revisions)
    finally:
        checks.that("the second ends well", second.stop()[0] == 0)


def silence(checks, centre, folder, database):
    """The password is nowhere."""
    wrong = os.path.join(folder, "wrong.conf")
    with open(wrong, "w", encoding="utf-8") as file:
        file.write(f"[collector]\nstate = {folder}\nlisten = 127.0.0.1:0\nstore = {database.uri.replace(SECRET, 'wr0ng-' + SECRET)}\n")
    begun = time.monotonic()
    run = subprocess.run([PROGRAM, "run", "--config", wrong], capture_output=True, text=True, timeout=20, check=False)
    checks.that("a wrong password ends it at once, with a sentence", run.returncode == 1 and "password authentication failed" in run.stderr,
                (run, time.monotonic() - begun))
    said = [run.stderr, centre.said()]
    for uri in (f"postgresql://postern:{SECRET}%zz@/x", f"postgresql://postern:{SECRET}@[x", f"postgresql://x/y?password={SECRET}&colour=1",
                f"mysql://postern:{SECRET}@x/y"):
        with open(wrong, "w", encoding="utf-8") as file:
            file.write(f"[collector]\nstate = {folder}\nlisten = 127.0.0.1:0\nstore = {uri}\n")
        for command in ("check", "run", "token"):
            run = subprocess.run([PROGRAM, command, "--config", wrong], capture_output=True, text=True, timeout=20, check=False)
            said.append(run.stderr + run.stdout)
            checks.that(f"{command}: {uri[:5]}... is refused", run.returncode == 2 and "store: " in run.stderr, run)
    said.append(centre.tool("check"))
    checks.that("no word of the password", SECRET not in "".join(said), said)
    checks.that("the configuration's check says which database", "postgresql://postern@" in "".join(said), said)


def everything(checks, folder, database):
    """What collector_test holds against SQLite and what asks the store."""
    os.mkdir(os.path.join(folder, "third"))
    centre = Collector(os.path.join(folder, "third"), "connections_per_address = 64\n", store=database).start()
    try:
        for part in (collector_test.enrolment, collector_test.delivery, collector_test.forgery, collector_test.malformed, collector_test.revocation, collector_test.table,
                     collector_test.orders, collector_test.kills, collector_test.ending):
            with checks.part(part.__name__):
                part(checks, centre)
    finally:
        if centre.process.poll() is None:
            centre.process.kill()
            centre.process.wait()


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder, Postgresql(SECRET) as database:
        centre = Collector(folder, store=database)
        try:
            with checks.part("down at the start"):
                down_at_the_start(checks, centre, database)
            for part in (everyday, cut_off, waiting, stops):
                with checks.part(part.__name__):
                    begun = time.monotonic()
                    part(checks, centre, database)
                    print(f"      {part.__name__}: {time.monotonic() - begun:.1f} s")
            for part in (two_collectors, silence):
                with checks.part(part.__name__):
                    part(checks, centre, folder, database)
            checks.that("it ends well", centre.stop()[0] == 0)
            database.ask("DROP OWNED BY postern")
            with checks.part("everything"):
                everything(checks, folder, database)
        finally:
            if centre.process and centre.process.poll() is None:
                centre.process.kill()
                centre.process.wait()
        if checks.failed:
            print(centre.said()[-3000:])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
