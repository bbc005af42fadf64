#!/usr/bin/env python3
"""What comes to light at the centre of a node's sender becomes evidence at the node: real mail of two guests, complaints of it
at a collector, and listings as its blacklist desk writes them. Each counts once, whatever is killed; what can be made up
accuses nobody; what was none is taken back."""
import contextlib
import json
import os
import sqlite3
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from campaign_live_test import evidence, reach_centre  # noqa: E402
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from delivery import kill_courier, spool  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

PORT = 8025
ONE, TWO = "203.0.113.11", "203.0.113.12"
BELIEVED = "[complaints]\nbelieved = fbl@loops.example\nauthserv = mx.host.example\n"
SEND = """
import smtplib, sys
server, name = sys.argv[1:3]
with smtplib.SMTP(server, 25, local_hostname="pc.firm.example", timeout=20) as mail:
    mail.sendmail("me@firm.example", ["reader@there.example"], f"From: me@firm.example\\nMessage-ID: <{name}@firm.example>\\nSubject: Sale\\n\\nBuy, {name}.\\n")
"""


def arf(number, message, source=None, head="", sender="fbl@loops.example", received=""):
    """A report of `message`; `received`: lines of its head."""
    return (f"{head}From: FBL <{sender}>\nMessage-ID: <report{number}@loops.example>\nSubject: report\nMIME-Version: 1.0\n"
            "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\nContent-Type: text/plain\n\nA report.\n\n"
            "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: FBL/1\nVersion: 1\n" +
            (f"Source-IP: {source}\n" if source else "") + f"\n--b\nContent-Type: message/rfc822\n\n{received}"
            f"From: me@firm.example\nMessage-ID: <{message}@firm.example>\nSubject: Sale\n\nHello.\n--b--\n").encode()


class Desk:
    def __init__(self, centre):
        self.centre = centre
        self.secret = centre.person("ann", "read,order").split()[-1]

    def rows(self, question, *values):
        with contextlib.closing(sqlite3.connect(self.centre.database, timeout=20)) as database:
            found = database.execute(question, values).fetchall()
            database.commit()
            return found

    def told(self, kind):
        return self.rows("SELECT COUNT(*) FROM filtered WHERE text LIKE ?", f'"kind":"{kind}"%')[0][0]

    def report(self, content):
        """Its id, and as what it was told, once it was read."""
        status, answer = self.centre.ask("POST", "/v1/complaints", self.secret, content)
        assert status == 202, (status, answer)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            _, lines = self.centre.ask("GET", f"/v1/complaints/{answer['id']}", self.secret)
            row = json.loads(lines.splitlines()[0])
            if row["state"] != "arrived":
                return answer["id"], row["told"], row
            time.sleep(0.1)
        raise RuntimeError("it was not read")

    def list_one(self, address, sender, listed, since):
        """As collector/store/telling.c writes it."""
        row = json.dumps({"kind": "listing", "sender": sender, "address": address, "zone": "zen.lists.example", "code": "127.0.0.2",
                          "weight": "critical", "listed": listed, "since": since}, separators=(",", ":"))[1:-1]
        self.rows("UPDATE sorting SET highest = highest + 1")
        self.rows("INSERT INTO filtered SELECT node, (SELECT highest FROM sorting), ?, ? FROM nodes", time.time_ns(), row)


def send(bed, guest, name):
    done = bed.run(guest, [sys.executable, "-c", SEND, bed.SINK4, name])
    assert done.returncode == 0, done.stderr


def check_confirmed(checks, agent, desk):
    """A stranger names the address and a message that was sent from there."""
    first, told, row = desk.report(arf(1, "m1", ONE))
    checks.that("a complaint about a message that was sent is confirmed", told == "confirmed" and row["sender"] == "port:vnet1" and
                row["tied"] == "message", row)
    found = agent.wait(lambda: evidence(agent, "port:vnet1", "complaint"), 20, "evidence of the complaint")
    print("     " + found[1])
    checks.that("and held against who sent it", "1 complaints of some 1 recipients" in found[1] and "loops.example" in found[1] and
                found[0] > 5, found)
    _, told, row = desk.report(arf(1, "m1", ONE, head="Received: from elsewhere\n"))
    checks.that("the same report again is a double, of which nobody is told", told == "nothing" and row["state"] == "double" and
                desk.told("complaint") == 1, row)
    kill_courier(agent)
    agent.wait(lambda: spool(agent)["state"] == "connected", 20, "the connection")
    desk.report(arf(2, "m1", ONE))
    found = agent.wait(lambda: (e := evidence(agent, "port:vnet1", "complaint")) and "2 complaints" in e[1] and e, 20, "the second")
    checks.that("behind another courier the next one counts, and the first not again; both come to an alert", 10 < found[0] < 11, found)
    said = agent.postern("explain", "port:vnet1").stdout
    checks.that("explain shows it to people", "complaints of some" in said, said)
    return first


def check_taken_back(checks, agent, desk, first):
    before = agent.senders()["port:vnet1"]["score"]
    status, answer = desk.centre.ask("POST", f"/v1/complaints/{first}/done", desk.secret, {"reason": "a newsletter he had asked for",
                                                                                          "not_abuse": True})
    checks.that("a person finds that it was none", status == 204, (status, answer))
    found = agent.wait(lambda: (e := evidence(agent, "port:vnet1", "complaint")) and "not abuse" in e[1] and e, 20, "less evidence")
    after = agent.senders()["port:vnet1"]["score"]
    checks.that("and what it was worth is taken back", found[1] == "loops.example: not abuse after all" and after < before - 3, (found, before, after))


def check_made_up(checks, agent, desk):
    """What anybody can write accuses nobody: the second guest has sent mail, and nothing that is complained of."""
    before = desk.told("complaint")
    forged = f"Received: from bot (bot.example [198.51.100.66]) by mx.there.example; Mon, 23 Nov 2026 08:00:00 +0000\n" \
             f"Received: from pc (pc.firm.example [{TWO}]) by bot; Mon, 23 Nov 2026 07:59:00 +0000\n"
    _, told, row = desk.report(arf(3, "unknown", received=forged))
    checks.that("a line of the head that is made up leads to him, and counts for nothing", told == "nothing" and
                row["sender"] == "port:vnet2" and desk.told("complaint") == before, row)
    _, told, row = desk.report(arf(4, "m2", "198.51.100.66"))
    checks.that("his Message-ID in another's mail is doubtful", told == "doubtful" and row["sender"] == "port:vnet2", row)
    head = "Authentication-Results: mx.host.example; dkim=pass header.d=evil.example\n"
    _, told, row = desk.report(arf(5, "unknown", TWO, head=head))
    checks.that("so is his address in a report by who is not the reporter", told == "doubtful" and row["sender"] == "port:vnet2", row)
    agent.wait(lambda: desk.told("complaint") == before + 2 and evidence(agent, "port:vnet2", "complaint"), 20, "evidence of doubtful ones")
    found = evidence(agent, "port:vnet2", "complaint")
    checks.that("those are worth a point", found and found[0] <= 1.01 and "not seen here" in found[1], found)
    head = "Authentication-Results: mx.host.example; spf=pass; dkim=pass header.d=loops.example header.s=a\n"
    _, told, row = desk.report(arf(6, "unknown", TWO, head=head))
    checks.that("a reporter that is believed is vouched for", told == "vouched" and row["tied"] == "address", row)
    found = agent.wait(lambda: (e := evidence(agent, "port:vnet2", "complaint")) and e[0] > 5 and e, 20, "evidence by who is believed")
    checks.that("and its word counts", "by loops.example" in found[1], found)


def check_listing(checks, agent, desk):
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    desk.list_one(ONE, "port:vnet1", True, since)
    found = agent.wait(lambda: evidence(agent, "port:vnet1", "listed"), 20, "evidence of the listing")
    print("     " + found[1])
    checks.that("a listing is held against the sender", "listed by zen.lists.example (critical)" in found[1] and found[0] > 7, found)
    checks.that("of whom it is, and nobody else", evidence(agent, "port:vnet2", "listed") is None)
    desk.list_one(ONE, "port:vnet1", False, since)
    back = agent.wait(lambda: [e for e in agent.events("evidence") if e["detector"] == "listed" and e["added"] < 0], 20, "its end")
    checks.that("and taken back when it ends", back[0]["points"] < 0.1 and back[0]["reason"] == "no longer listed by zen.lists.example", back)
    checks.that("all that was told made sense", spool(agent)["opinions_unsound"] == 0, spool(agent))


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("what a node is told of its senders", lack)
        return checks.close()
    suffix = "asan" if "asan" in os.environ.get("POSTERN_BUILD", "") else ""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        bed = stack.enter_context(Testbed(f"told{suffix}", guests=2))
        centre = Collector(folder, BELIEVED, f"0.0.0.0:{PORT}").start()
        stack.callback(centre.stop)
        address = reach_centre(bed, 0)
        agent = stack.enter_context(Agent(bed, "hv", f"[collector]\nurls = http://{address}:{PORT}\ntoken = {centre.token()}\n"
                                          "[samples]\nrate = 1000\nsender_rate = 100000\nfirst = 1000\n"))
        agent.wait(lambda: spool(agent)["state"] == "connected", 30, "the connection")
        desk = Desk(centre)
        send(bed, "vps1", "m1")
        send(bed, "vps2", "m2")
        agent.wait(lambda: len(desk.rows("SELECT 1 FROM messages WHERE message_id <> ''")) == 2, 20, "both messages, read")
        with checks.part("confirmed"):
            first = check_confirmed(checks, agent, desk)
        with checks.part("taken back"):
            check_taken_back(checks, agent, desk, first)
        with checks.part("made up"):
            check_made_up(checks, agent, desk)
        with checks.part("listing"):
            check_listing(checks, agent, desk)
        if checks.failed:
            print(agent.log_text()[-2000:], centre.said()[-2000:])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
