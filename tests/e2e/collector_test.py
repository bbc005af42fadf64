#!/usr/bin/env python3
"""The collector from outside: what it promises to nodes and people, and what it does with those who mean it no good."""
import concurrent.futures
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from check import Checks  # noqa: E402
from collector import Collector, Lost, Node, word  # noqa: E402

KILLS = int(os.environ.get("POSTERN_KILLS", "6"))
NASTY = "'; DROP TABLE records; --<script>alert(1)</script>\u0001"


def record(number, **more):
    return {"record": "verdict", "time": "2026-11-26T00:00:00Z", "sender": f"192.0.2.{number % 250}", "n": number, **more}


def enrolment(checks, centre):
    token = centre.token("--name", "hv1")
    first = Node(centre, "liar", token)
    checks.that("a node enrols", first.status == 201 and re.fullmatch("[0-9a-f]{16}", first.id or ""), first.answer)
    again = centre.ask("POST", "/v1/enrol", token, {"name": "hv1", "version": "0", "key_hash": first.key_hash})
    checks.that("the answer was lost: the same node again", again[0] == 200 and again[1]["node"] == first.id, again)
    checks.that("it is called as its token says", again[1]["name"] == "hv1", again)
    checks.that("a used token is none", Node(centre, "hv2", token).status == 403)
    checks.that("a token nobody made is none", Node(centre, "hv2", "token." + word(secrets.token_bytes(32))).status == 403)
    late = centre.token("--for", "1ms")
    time.sleep(0.05)
    checks.that("a token that came late is none", Node(centre, "hv2", late).status == 403)
    for bad in ("", "{", "[]", '{"name":"x"}', '{"name":"x","key_hash":"zz"}', json.dumps({"name": "x" * 200}), "\0" * 100):
        status = centre.ask("POST", "/v1/enrol", centre.token(), bad)[0]
        checks.that(f"enrolling with {bad[:24]!r} is refused", status == 400, status)


def delivery(checks, centre):
    node = Node(centre, "hv3")
    before = len(centre.records())
    batch = node.batch([record(i) for i in range(10)])
    checks.that("a batch is taken", node.send(batch) == (200, {"delivered": 10}))
    checks.that("and once more, and changes nothing", node.send(batch) == (200, {"delivered": 10}))
    checks.that("each of its records is there once", len(centre.records()) == before + 10)
    hole = node.send(node.batch([record(99)], after=20))
    checks.that("a batch behind a hole is refused", hole[0] == 409 and hole[1]["delivered"] == 10, hole)
    node.send(node.batch([record(i) for i in range(5, 15)], after=5))
    checks.that("one that overlaps adds what is new", len(centre.records()) == before + 15, len(centre.records()))
    lines = node.batch([record(1), record(2)], after=15).splitlines()
    swapped = node.send("\n".join([lines[0], lines[2], lines[1]]))
    checks.that("sequences that do not rise are refused", swapped[0] == 400 and "line 3" in swapped[1]["error"], swapped)
    packed = subprocess.run(["zstd", "-c"], input=node.batch([record(i) for i in range(100)], after=15).encode(),
                            capture_output=True, check=True).stdout
    checks.that("zstd is taken", node.send(packed, {"Content-Encoding": "zstd"}) == (200, {"delivered": 115}))
    node.delivered = 115
    node.deliver([record(1, sender=NASTY, reason=NASTY, customer=NASTY)])
    mine = [row for row in centre.records() if row.get("reason") == NASTY]
    checks.that("SQL and HTML in a record are text", len(mine) == 1 and mine[0]["sender"] == NASTY, mine)
    future = node.deliver([record(1, time="2200-01-01T00:00:00Z")])
    checks.that("a record of the future is kept", future[0] == 200, future)


def forgery(checks, centre):
    node, other = Node(centre, "hv4"), Node(centre, "hv5")
    forged = node.secret.replace(node.id, other.id)
    batch = node.batch([record(1)])
    checks.that("another's name with my key is refused", centre.ask("POST", "/v1/records", forged, batch)[0] == 401)
    checks.that("no secret is refused", centre.ask("POST", "/v1/records", None, batch)[0] == 401)
    for secret in ("x", "node..", "node.0.x", node.secret[:-1], node.secret + "A", "token." + "A" * 43, "\xff" * 90):
        status = centre.ask("POST", "/v1/records", secret, batch)[0]
        checks.that(f"{secret[:12]!r} is no secret", status in (401, 403), status)
    admin = centre.person("root", "admin")
    checks.that("a node is revoked", centre.ask("DELETE", f"/v1/nodes/{node.id}", admin)[0] == 204)
    checks.that("then it is refused", node.send(batch)[0] == 401)
    checks.that("the other is not", other.send(other.batch([record(1)]))[0] == 200)


def malformed(checks, centre):
    node = Node(centre, "hv6")
    before = len(centre.records())
    head = node.batch([record(1)]).splitlines()[0]
    bodies = {"nothing": "", "no head": "{}", "half a head": head[:20], "not an object": head + "\n[1]",
              "no sequence": head + '\n{"record":"x"}', "bad UTF-8": (head + '\n{"sequence":1,"record":"x","a":"').encode() + b'\xff"}',
              "too deep": head + '\n{"sequence":1,"record":"x","a":' + "[" * 5000 + "]" * 5000 + "}",
              "a long kind": head + '\n{"sequence":1,"record":"' + "k" * 99 + '"}',
              "a long record": head + '\n{"sequence":1,"record":"x","a":"' + "k" * 70000 + '"}',
              "a sequence beyond": head + '\n{"sequence":9,"record":"x"}', "NUL": head + '\n{"sequence":1,"record":"x\\u0000"}',
              "twice a key": head + '\n{"sequence":1,"record":"x","record":"y"}'}
    for name, body in bodies.items():
        answer = node.send(body)
        checks.that(f"{name}: refused, with the line", answer[0] == 400 and "line " in str(answer[1]), answer)
    checks.that("garbage for zstd is refused", node.send(os.urandom(999), {"Content-Encoding": "zstd"})[0] == 400)
    bomb = subprocess.run(["zstd", "-19", "-c"], input=b" " * (40 << 20), capture_output=True, check=True).stdout
    checks.that("a small body that becomes large is refused", node.send(bomb, {"Content-Encoding": "zstd"})[0] == 413)
    wide = subprocess.run(["zstd", "--ultra", "-22", "--long=27", "-c"], input=os.urandom(1 << 20) * 10,
                          capture_output=True, check=True).stdout
    checks.that("a window above 8 MB is refused", node.send(wide[:3 << 20], {"Content-Encoding": "zstd"})[0] == 400)
    checks.that("gzip is refused", node.send(b"x", {"Content-Encoding": "gzip"})[0] == 415)
    long = centre.raw(b"POST /v1/records HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + node.secret.encode() +
                      b"\r\nContent-Length: 99999999\r\n\r\n", hold=False)
    checks.that("a body that is announced too large is refused", b" 413 " in long[:20], long[:80])
    many = "\n".join([head.replace('"last": 1', '"last": 20000')] +
                     [f'{{"sequence":{i + 1},"record":"x"}}' for i in range(10001)])
    checks.that("more than 10,000 records are refused", node.send(many)[0] == 413)
    for data in (b"\0" * 500, os.urandom(500), b"GET / HTTP/9.9\r\n\r\n", b"POST /v1/records HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                 b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n", b"POST /v1/records HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
        centre.raw(data, 3)
    checks.that("after garbage it still answers", centre.ask("GET", "/health")[0] == 200)
    checks.that("and nothing of all that was stored", len(centre.records()) == before)


def head(secret, length, *more):
    lines = ["POST /v1/records HTTP/1.1", "Host: x", f"Authorization: Bearer {secret}", f"Content-Length: {length}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def heard(link, patience):
    """What comes on a connection within that time."""
    link.settimeout(patience)
    try:
        return link.recv(4096)
    except TimeoutError:
        return b""


def bodies(checks, centre):
    """A stranger's body is not taken, and not too many of those who may."""
    node, other = Node(centre, "hv12"), Node(centre, "hv13")
    forged = node.secret.replace(node.id, other.id)
    for name, secret in (("a forged secret", forged), ("a token nobody made", "token." + "A" * 43), ("no secret at all", "x")):
        with socket.create_connection(("127.0.0.1", centre.port), timeout=20) as link:
            link.sendall(head(secret, 4_000_000))
            said = heard(link, 10)
            checks.that(f"{name}: refused before the body comes", said[9:12] in (b"401", b"403"), said[:60])
    with socket.create_connection(("127.0.0.1", centre.port), timeout=20) as link:
        link.sendall(head(node.secret, 100, "Expect: 100-continue"))
        said = heard(link, 10)
        checks.that("who may is asked for it", b" 100 " in said[:20], said[:60])
    link = socket.create_connection(("127.0.0.1", centre.port), timeout=20)
    link.sendall(head(node.secret, 4 << 20) + b"x" * 1000)
    end = time.monotonic() + 10
    while (answer := other.send(other.batch([record(1)])))[0] == 200 and time.monotonic() < end:
        other.delivered += 1
        time.sleep(0.02)
    checks.that("one more than fits is told to ask again", answer[0] == 503 and "again" in answer[1]["error"], answer)
    link.close()
    end = time.monotonic() + 10
    while (answer := other.send(other.batch([record(2)])))[0] != 200 and time.monotonic() < end:
        time.sleep(0.02)
    checks.that("and taken when there is room", answer[0] == 200, answer)
    batch = other.batch([record(i, text="x" * 3000) for i in range(1000)], after=0, last=other.delivered + 1001).encode()

    def status_of(node):
        try:
            return node.send(batch)[0]
        except Lost:  # told to ask again while it was still sending
            return 503
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        seen = set(pool.map(status_of, [Node(centre, f"hv2{i}") for i in range(8)]))
    checks.that("eight large ones at once: each is taken or told to ask again", seen <= {200, 503} and 200 in seen, seen)


def skew(checks, centre):
    """Nodes of the release before and of the next one."""
    token = centre.token()
    raw = secrets.token_bytes(32)
    said = {"name": "hv15", "key_hash": hashlib.blake2b(raw, digest_size=32).hexdigest(), "colours": ["red"]}
    made = centre.ask("POST", "/v1/enrol", token, said)
    checks.that("a node enrols with members that are not known, and without its version", made[0] == 201, made)
    node = Node(centre, "hv16")
    life = {"life": node.life, "after": 0, "last": 3}
    records = [{"sequence": 1, "record": "telepathy", "thoughts": {"deep": [1, None, 2.5]}},
               {"sequence": 2, "record": "verdict", "sender": "192.0.2.7", "verdict": "astonish", "score": "high", "mood": "blue"},
               {"sequence": 3, "record": "traffic", "sender": 7, "seconds": "sixty", "messages": -4, "bytes": None}]
    batch = "\n".join(json.dumps(line, separators=(",", ":")) for line in [{**life, "shape": "round"}, *records])
    checks.that("unknown kinds, members and values are taken", node.send(batch) == (200, {"delivered": 3}), node.send(batch))
    reader = centre.person("skew", "read")
    told = [row for row in rows(centre, f"/v1/events?node={node.id}", reader) if row["record"] != "end"]
    checks.that("and told as they came", [{k: v for k, v in row.items() if k in sent} for row, sent in zip(told, strip(records))] ==
                strip(records), told)
    for path in ("/v1/senders?top=500", "/v1/senders/192.0.2.7", "/v1/customers", "/v1/nodes", "/v1/orders"):
        checks.that(f"{path} bears it", centre.ask("GET", path, reader)[0] == 200)


def rows(centre, path, secret):
    """The lines of an answer, the end among them."""
    answer = centre.ask("GET", path, secret)[1]
    return [answer] if isinstance(answer, dict) else [json.loads(line) for line in answer.splitlines()]


def strip(records):
    return [{key: value for key, value in row.items() if key != "sequence"} for row in records]


def hostile(checks, centre):
    """Texts that a spammer, a node or a person chooses come back as they are, as JSON, wherever they come back."""
    texts = [NASTY, "' OR '1'='1", "\" ; -- \\", "%s%n{}$1 $2", "</script><img src=x onerror=alert(1)>", "\u202egnol\u0007yrev",
             "\r\nX-Header: yes\r\n\r\n", "a" * 255, "\U0001f4a9\u00e9", "'); DELETE FROM nodes; --", "../../etc/passwd",
             "{\"record\":\"end\"}"]
    admin = centre.person("warily", "read,order,admin")
    node = Node(centre, name := "<b>'; DROP TABLE nodes; --</b>")
    before = len(centre.records())
    batch = [record(n, sender=text, customer=text, reason=text, subject=text, **{text[:40]: text}) for n, text in enumerate(texts)]
    checks.that("a batch of them is taken", node.deliver(batch)[0] == 200)
    checks.that("the tables stand", len(centre.records()) == before + len(texts))
    told = [(row["sender"], row["reason"], row["subject"], row["node"])
            for row in rows(centre, f"/v1/events?node={node.id}", admin) if row["record"] == "verdict"]
    checks.that("they are told as they came", told == [(text, text, text, node.id) for text in texts], told)
    named = [row for row in rows(centre, "/v1/nodes", admin) if row.get("node") == node.id]
    checks.that("so is a node's name", named[0]["node_name"] == name, named)
    forged = node.send(node.batch([record(1, node="0123456789abcdef")]))
    checks.that("a record that says whose it is is refused", forged[0] == 400 and "line 2" in forged[1]["error"], forged)
    for text in texts:
        whole = urllib.parse.quote(text, safe="")
        status = centre.ask("GET", f"/v1/senders/{whole}", admin)[0]
        seen = rows(centre, f"/v1/senders/{whole}", admin)
        checks.that(f"as a path: {text[:20]!r}", status in (200, 400, 404) and all(row.get("sender", text) == text for row in seen),
                    (status, seen))
        status = centre.ask("GET", f"/v1/events?sender={whole}&kind={whole}", admin)[0]
        checks.that(f"as a parameter: {text[:20]!r}", status in (200, 400), status)
    status, answer = centre.ask("POST", "/v1/persons", admin, {"name": texts[4], "may": ["read"]})
    checks.that("a person's name may be anything that is printed", status in (201, 400), (status, answer))
    checks.that("the audit is whole", rows(centre, "/v1/audit", admin)[-1]["record"] == "end")
    with socket.create_connection(("127.0.0.1", centre.port), timeout=20) as link:
        link.sendall(f"GET /v1/senders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {admin}\r\n\r\n".encode())
        said = heard(link, 10)
        checks.that("none of it becomes a header, nothing is sniffed for HTML", b"X-Header" not in said.split(b"\r\n\r\n")[0] and
                    b"nosniff" in said, said[:300])


def time_and_again(checks, centre):
    """Replayed, reordered, forged and future batches."""
    node, other = Node(centre, "hv17"), Node(centre, "hv18")
    first, second = node.batch([record(1)]), node.batch([record(2)], after=1)
    checks.that("the second before the first is sent back", node.send(second)[0] == 409)
    checks.that("in order they are taken", (node.send(first)[0], node.send(second)[0]) == (200, 200))
    before = len(centre.records())
    for batch in (first, second, first, second):
        node.send(batch)
    checks.that("replayed they change nothing", len(centre.records()) == before)
    stolen = other.send(first)
    checks.that("another's life with my key is mine alone", stolen == (200, {"delivered": 1}), stolen)
    checks.that("and changes nothing of his", node.send(node.batch([record(3)], after=2)) == (200, {"delivered": 3}))
    mine = rows(centre, f"/v1/events?node={other.id}", centre.person("rep", "read"))[:-1]
    checks.that("it stands under the name of who sent it", len(mine) == 1 and mine[0]["node"] == other.id, mine)
    moments = ["2200-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "0000-00-00T00:00:00Z", "x", ""]
    for moment in moments:
        status, answer = other.deliver([record(1, time=moment)])
        checks.that(f"the time {moment!r} is taken or refused by its line", status == 200 or "line 2" in answer["error"], answer)
    reader = centre.person("rep2", "read")
    newest = rows(centre, "/v1/events?since=2100-01-01T00:00:00Z", reader)
    checks.that("a record of the future counts as of now", len(newest) == 1, newest)
    node.delivered = 3
    huge = node.send(node.batch([], after=3, last=2 ** 63 - 1))
    checks.that("a hole up to the end of numbers is borne", huge == (200, {"delivered": 2 ** 63 - 1}), huge)
    over = node.send(node.batch([], after=3, last=2 ** 63))
    checks.that("beyond it is refused", over[0] == 400, over)
    checks.that("and it still answers", centre.ask("GET", "/v1/nodes", reader)[0] == 200)


def followers(checks, centre):
    """Who reads on with a cursor gets everything, in whatever order bodies come."""
    slow, quick, reader = Node(centre, "hv30"), Node(centre, "hv31"), centre.person("fay", "read")
    body = slow.batch([record(1, mine="slow")]).encode()
    with socket.create_connection(("127.0.0.1", centre.port), timeout=20) as link:
        link.sendall(head(slow.secret, len(body)) + body[:10])
        time.sleep(0.3)
        quick.deliver([record(1, mine="quick")])
        seen = rows(centre, f"/v1/events?limit=10000&node={quick.id}", reader)
        checks.that("what came is there", [row.get("mine") for row in seen[:-1]] == ["quick"], seen)
        link.sendall(body[10:])
        said = heard(link, 10)
        checks.that("the slow body is taken", b" 200 " in said[:20], said[:60])
    behind = rows(centre, f"/v1/events?after={seen[-1]['next']}", reader)
    checks.that("and stands behind what was read before", [row.get("mine") for row in behind[:-1]] == ["slow"], behind)


def revocation(checks, centre):
    node, admin = Node(centre, "hv14"), centre.person("root2", "admin")
    after = centre.ask("GET", "/v1/directives?after=0", node.secret)
    after = after[1]["revision"] if after[0] == 200 else 0
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        begun = time.monotonic()
        wait = pool.submit(centre.ask, "GET", f"/v1/directives?after={after}&wait=60", node.secret)
        time.sleep(0.4)
        centre.ask("DELETE", f"/v1/nodes/{node.id}", admin)
        checks.that("a node that is revoked while it waits hears it", wait.result()[0] == 401, wait.result())
        checks.that("at once", time.monotonic() - begun < 20)


def persons(checks, centre):
    """A person whose secret was lost, or who has left, is taken back."""
    admin, gone = centre.person("head", "admin"), centre.person("gone", "read,order")
    known = [row for row in rows(centre, "/v1/persons", admin) if row.get("name") == "gone"]
    checks.that("persons are listed, without a secret", [(row["may"], sorted(row)) for row in known] ==
                [(["read", "order"], ["may", "name", "person", "record"])], known)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        wait = pool.submit(centre.ask, "GET", "/v1/events?since=2100-01-01T00:00:00Z&kind=nothing&wait=60", gone)
        time.sleep(0.4)
        checks.that("a person is revoked", centre.ask("DELETE", f"/v1/persons/{known[0]['person']}", admin)[0] == 204)
        checks.that("and hears it while waiting", wait.result()[0] == 401, wait.result())
    checks.that("then may nothing", centre.ask("GET", "/v1/nodes", gone)[0] == 401)
    checks.that("a second time there is nobody", centre.ask("DELETE", f"/v1/persons/{known[0]['person']}", admin)[0] == 404)
    deeds = [row for row in rows(centre, "/v1/audit", admin) if row.get("deed") == "revoke"]
    checks.that("it is in the audit", deeds[0]["person"] == "head" and deeds[0]["target"] == known[0]["person"], deeds[:1])


def locked(checks, folder):
    """Somebody else holds the database: each is told to come again."""
    place = os.path.join(folder, "locked")
    os.mkdir(place)
    centre = Collector(place).start()
    person = centre.person("lola", "order")
    order = {"order": "block", "sender": "192.0.2.9", "for": "1h", "reason": "spam"}
    holder = sqlite3.connect(centre.database, timeout=20, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        waits = [pool.submit(centre.ask, "POST", "/v1/orders", person, order, connection=centre.connect(60)) for _ in range(12)]
        try:
            seen = [wait.result()[0] for wait in waits]
        except OSError as late:
            seen = late
        holder.execute("ROLLBACK")
        holder.close()
    checks.that("all are told so while it is held", seen == [503] * 12, seen)
    checks.that("and served when it is free", centre.ask("POST", "/v1/orders", person, order)[0] == 201)
    centre.stop()


def table(checks, centre):
    """Every endpoint answers as the document says."""
    keys = {"a person who may read": centre.person("r", "read"), "a person who may order": centre.person("o", "order"),
            "a person who may administer": centre.person("a", "admin"),
            "a person who may see content": centre.person("c", "content"), "a node": Node(centre, "hv7").secret,
            "who has a token": centre.token()}
    reader = keys["a person who may read"]
    status, document = centre.ask("GET", "/v1/openapi.json", reader)
    checks.that("there is a document", status == 200 and document["openapi"].startswith("3.1"))
    paths = re.findall(r"^## (\w+) (\S+)$", open(os.path.join(TOP, "docs/api.md"), encoding="utf-8").read(), re.M)
    told = [(method.upper(), path) for path, methods in document["paths"].items() for method in methods]
    checks.that("docs/api.md names the same endpoints", sorted(paths) == sorted(told), set(paths) ^ set(told))
    for method, path in told:
        operation = document["paths"][path][method.lower()]
        given = re.sub(r"{\w+}", "0123456789abcdef", path)
        body = "" if "requestBody" in operation else None
        right = operation["x-permission"]
        allowed = {int(code) for code in operation["responses"]}
        seen = centre.ask(method, given, keys.get(right), body)[0]
        checks.that(f"{method} {path} answers as documented", seen in allowed and seen not in (401, 403, 503), seen)
        if right == "anybody":
            continue
        seen = centre.ask(method, given, None, body)[0]
        checks.that(f"{method} {path} without a secret: 401", seen == 401, seen)
        wrong = [key for who, key in keys.items() if who != right]
        seen = [centre.ask(method, given, key, body)[0] for key in wrong]
        checks.that(f"{method} {path} without the right: 403", set(seen) == {403}, seen)
    for path in ("/", "/v1", "/v1/", "/v2/nodes", "/v1/nodes/", "/health/x", "/v1/../metrics"):
        seen = centre.ask("GET", path, reader)[0]
        checks.that(f"{path}: 404", seen == 404, seen)
    for method, path in (("DELETE", "/v1/records"), ("GET", "/v1/enrol"), ("PUT", "/health"), ("POST", "/metrics")):
        seen = centre.ask(method, path, reader, "")[0]
        checks.that(f"{method} {path}: 405", seen == 405, seen)


def orders(checks, centre):
    node, other = Node(centre, "hv8"), Node(centre, "hv9")
    person = centre.person("olga", "order,read")
    start = centre.ask("GET", "/v1/directives?after=0", node.secret)
    after = start[1]["revision"] if start[0] == 200 else 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        waits = [pool.submit(centre.ask, "GET", f"/v1/directives?after={after}&wait=30", n.secret) for n in (node, other)]
        time.sleep(0.4)
        checks.that("a long poll waits", not any(wait.done() for wait in waits))
        order = {"order": "block", "sender": "192.0.2.9", "node": node.id, "for": "1h", "reason": "spam"}
        begun = time.monotonic()
        made = centre.ask("POST", "/v1/orders", person, order)
        status, answer = waits[0].result()
        took = time.monotonic() - begun
        checks.that("it is answered when something is ordered", made[0] == 201 and status == 200, (made, answer))
        checks.that("long before it would have ended", took < 10, took)
        told = answer["directives"][0]
        checks.that("with the order", (told["directive"], told["sender"], told["by"]) == ("block", "192.0.2.9", "olga"), told)
        checks.that("whom it does not concern waits on", not waits[1].done())
        everyone = centre.ask("POST", "/v1/orders", person, {"order": "release", "sender": "account:a@b.example",
                                                                "reason": "good again"})
        checks.that("one for all reaches him too", waits[1].result()[0] == 200 and everyone[0] == 201)
    again = centre.ask("GET", f"/v1/directives?after={after}", node.secret)[1]
    checks.that("revisions rise", [d["revision"] for d in again["directives"]] == [made[1]["revision"], everyone[1]["revision"]])
    highest = everyone[1]["revision"]
    status, said = centre.ask("GET", f"/v1/directives?after={highest + 5}&wait=1", node.secret)
    checks.that("a node that knows of more than there is learns where this centre stands",
                (status, said.get("after"), said.get("revision")) == (416, highest + 5, highest), (status, said))
    checks.that("one that knows all of it waits", centre.ask("GET", f"/v1/directives?after={highest}", node.secret)[0] == 204)
    for bad in ({}, {"order": "shoot"}, {"sender": NASTY * 9}, {"for": "-1"}, {"for": "9000d"}, {"rate": 70000}, {"node": "1"},
                {"node": 5}, {"reason": ""}, {"reason": NASTY}, {"reason": "r" * 500}, {"sender": None}):
        wrong = {"order": "block", "sender": "192.0.2.9", "reason": "r", **bad} if bad else bad
        status = centre.ask("POST", "/v1/orders", person, wrong)[0]
        checks.that(f"{str(bad)[:50]} is refused", status == 400, status)
    nobody = centre.ask("POST", "/v1/orders", person, {"order": "block", "sender": "192.0.2.9", "node": "00000000000000ff", "reason": "r"})
    checks.that("an order for a node that is not there is refused", nobody[0] == 404, nobody)
    text = centre.ask("GET", "/v1/audit", centre.person("auditor", "admin"))[1]
    checks.that("the audit names who ordered, and from where",
                any(row.get("person") == "olga" and row["deed"] == "block" and row["from"] == "127.0.0.1"
                    for row in map(json.loads, text.splitlines())), text[-300:])


def metrics(checks, centre):
    text = centre.ask("GET", "/metrics", centre.person("prometheus", "read"))[1]
    if not shutil.which("promtool"):
        checks.skip("promtool agrees", "not installed")
        return
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    checks.that("promtool agrees with the metrics", done.returncode == 0 and not done.stderr.strip(), done.stderr)


def slow(checks, centre):
    """Those who trickle are let go and take nobody's place."""
    begun = time.monotonic()
    links = [socket.create_connection(("127.0.0.1", centre.port), timeout=20) for _ in range(40)]
    for link in links:
        link.sendall(b"GET /health HTTP/1.1\r\nX: ")
    answered = 0
    while time.monotonic() - begun < 4 and links:
        for link in list(links):
            try:
                link.sendall(b"a")
            except OSError:
                links.remove(link)
                link.close()
        answered += centre.ask("GET", "/health")[0] == 200
        time.sleep(0.1)
    checks.that("others are served meanwhile", answered > 5, answered)
    checks.that("all who trickle a head are let go", not links, len(links))
    for link in links:
        link.close()
    crowd = []
    for _ in range(80):
        crowd.append(socket.create_connection(("127.0.0.1", centre.port), timeout=20))
    time.sleep(0.3)
    closed = 0
    for link in crowd:
        link.setblocking(False)
        try:
            closed += link.recv(1) == b""
        except BlockingIOError:
            pass
        except OSError:
            closed += 1
        link.close()
    checks.that("one address has no more connections than it may", closed >= 80 - 64, closed)
    time.sleep(0.3)
    checks.that("and may come again", centre.ask("GET", "/health")[0] == 200)


def crowd(checks, folder):
    """Silent connections from many addresses take no place from who is known, nor from who comes anew."""
    place = os.path.join(folder, "crowd")
    os.mkdir(place)
    centre = Collector(place, "head = 1m\nconnections = 60\n").start()
    links = []
    try:
        node = Node(centre, "hv1")
        known = centre.connect()
        first = centre.ask("POST", "/v1/records", node.secret, node.batch([record(1)]), connection=known)
        for number in range(200):
            link = socket.socket()
            link.settimeout(5)
            link.bind((f"127.0.1.{1 + number}", 0))
            link.connect(("127.0.0.1", centre.port))
            link.sendall(b"GET /health HTTP/1.1\r\n")
            links.append(link)
        checks.that("who comes after 200 silent ones is served", centre.ask("GET", "/health")[0] == 200)
        node.delivered = 1
        second = centre.ask("POST", "/v1/records", node.secret, node.batch([record(2)]), connection=known)
        checks.that("and who was there before keeps his connection", (first[0], second[0]) == (200, 200), (first, second))
        open_ones = sum(heard_nothing(link) for link in links)
        checks.that("the silent ones hold half of the places", 20 <= open_ones <= 31, open_ones)
    finally:
        for link in links:
            link.close()
        checks.that("it ends well after a crowd", centre.stop()[0] == 0)


def heard_nothing(link):
    """Whether a connection stands, silent."""
    link.setblocking(False)
    try:
        return bool(link.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False


def kills(checks, centre):
    """Batches are sent while the collector dies again and again: every record is there once."""
    node, sent, before = Node(centre, "hv10"), 0, len(centre.records())
    ending = threading.Event()

    def murder():
        for _ in range(KILLS):
            time.sleep(0.05 + secrets.randbelow(300) / 1000)
            centre.process.kill()
            centre.process.wait()
            centre.start()
        ending.set()

    thread = threading.Thread(target=murder)
    thread.start()
    while not ending.is_set() or sent == 0:
        batch = [record(node.delivered + i, mine="kills") for i in range(20)]
        end = node.delivered + len(batch)
        while node.delivered < end:
            try:
                status, answer = node.send(node.batch(batch[len(batch) - (end - node.delivered):]))
                if status in (200, 409):
                    node.delivered = answer["delivered"]
            except OSError:
                time.sleep(0.01)
            except Exception:  # half an answer
                time.sleep(0.01)
        sent = node.delivered
    thread.join()
    numbers = [row["n"] for row in centre.records() if row.get("mine") == "kills"]
    checks.that(f"after {KILLS} kills every one of {sent} records is there once", sorted(numbers) == list(range(sent)),
                (len(numbers), sent, before))


def ending(checks, centre):
    node = Node(centre, "hv11")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        after = centre.ask("GET", "/v1/directives?after=0", node.secret)
        after = after[1]["revision"] if after[0] == 200 else 0
        wait = pool.submit(centre.ask, "GET", f"/v1/directives?after={after}&wait=60", node.secret)
        time.sleep(0.3)
        status, took = centre.stop()
        checks.that("it ends at SIGTERM, well", status == 0, status)
        checks.that("within five seconds", took < 5, took)
        checks.that("who waited is answered", wait.result()[0] == 204)
    said = [line for line in centre.said().splitlines() if "listening on" not in line]
    checks.that("and had nothing to complain of", not said, said[:5])


def certificates(folder):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    for name in ("authority", "stranger"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.pem", "-subj", f"/CN={name}", "-days", "2")
    for name, by in (("server", "authority"), ("node", "authority"), ("forged", "stranger")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                "-subj", f"/CN={name}")
        with open(os.path.join(folder, "names"), "w", encoding="utf-8") as file:
            file.write("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial", "-out",
                f"{name}.pem", "-days", "2", "-extfile", "names")


def handshakes(checks, centre):
    """Handshakes that hang are cut, and others' go on beside them."""
    links = [socket.create_connection(("127.0.0.1", centre.port), timeout=20) for _ in range(60)]
    for number, link in enumerate(links):
        link.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[:number % 12])
    begun = time.monotonic()
    checks.that("while handshakes hang, others are served", centre.ask("GET", "/health")[0] == 200)
    checks.that("and soon", time.monotonic() - begun < 10)
    end = time.monotonic() + 20
    while any(map(heard_nothing, links)) and time.monotonic() < end:
        for link in links[1::2]:
            try:
                link.send(b"\x00")
            except OSError:
                pass
        time.sleep(0.1)
    checks.that("those that hang or trickle are cut", not any(map(heard_nothing, links)), sum(map(heard_nothing, links)))
    for link in links:
        link.close()


def tls(checks, folder):
    certificates(folder)
    os.mkdir(os.path.join(folder, "tls"))
    centre = Collector(os.path.join(folder, "tls"), f"certificate = {folder}/server.pem\nkey = {folder}/server.key\n"
                                                   f"authority = {folder}/authority.pem\nhead = 2s\n").start()
    try:
        def context(name=None):
            made = ssl.create_default_context(cafile=f"{folder}/authority.pem")
            if name:
                made.load_cert_chain(f"{folder}/{name}.pem", f"{folder}/{name}.key")
            return made
        centre.tls = context()
        checks.that("TLS", centre.ask("GET", "/health")[0] == 200)
        checks.that("a person needs no certificate", centre.ask("GET", "/v1/nodes", centre.person("p", "read"))[0] == 200)
        node = Node(centre, "hv1")
        batch = node.batch([record(1)])
        checks.that("a node without one is refused", node.send(batch)[0] == 403)
        centre.tls = context("forged")
        try:
            status = node.send(batch)[0]
        except OSError:
            status = 403
        checks.that("one that another signed is refused", status == 403, status)
        centre.tls = context("node")
        checks.that("a good one is not", node.send(batch) == (200, {"delivered": 1}))
        handshakes(checks, centre)
        answer = centre.raw(b"GET /health HTTP/1.1\r\n\r\n", 3)
        checks.that("plain HTTP gets nothing", b"200" not in answer, answer[:50])
    finally:
        checks.that("it ends well", centre.stop()[0] == 0)


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        centre = Collector(folder, "head = 2s\nconnections_per_address = 64\nbodies = 4M\n").start()
        try:
            for part in (enrolment, delivery, forgery, malformed, bodies, skew, hostile, time_and_again, followers, revocation, persons, table, orders, metrics, slow, kills, ending):
                with checks.part(part.__name__):
                    begun = time.monotonic()
                    part(checks, centre)
                    print(f"      {part.__name__}: {time.monotonic() - begun:.1f} s")
        finally:
            if centre.process.poll() is None:
                centre.process.kill()
                centre.process.wait()
        with checks.part("crowd"):
            crowd(checks, folder)
        with checks.part("locked"):
            locked(checks, folder)
        with checks.part("tls"):
            tls(checks, folder)
        if checks.failed:
            print(centre.said()[-3000:])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
