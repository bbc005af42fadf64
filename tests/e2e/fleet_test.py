#!/usr/bin/env python3
"""A node and the collector itself: the agent enrols, its journal arrives exactly once though either side dies, an order
that a person gives the collector is carried out on the node and acknowledged, and a node that was revoked falls silent.

POSTERN_KILLS=500 for the long form."""
import json
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from delivery import KILLS, all_there, check_kills, is_empty, make_news, spool  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

CENTRE = "203.0.113.1"
PORT = 8025


def ask(bed, method, path, secret, body=None):
    """From within the network of the centre: (status, text)."""
    done = bed.run("inet", ["curl", "-s", "-X", method, "-H", f"Authorization: Bearer {secret}", "-w", "\n%{http_code}",
                            *(["-d", json.dumps(body)] if body else []), f"http://{CENTRE}:{PORT}{path}"])
    text, status = done.stdout.rsplit("\n", 1)
    return int(status), text


def in_force(bed, person):
    lines = [json.loads(line) for line in ask(bed, "GET", "/v1/orders", person)[1].splitlines()]
    return [r for r in lines if r["record"] == "order" and r["sender"] == "198.18.1.2"]


def check_orders(checks, agent, bed, centre, person):
    order = {"order": "throttle", "sender": "198.18.1.2", "for": "1h", "rate": 17, "reason": "too many <b>'; --"}
    made = ask(bed, "POST", "/v1/orders", person, order)
    revision = json.loads(made[1]).get("revision")
    agent.wait(lambda: spool(agent)["revision"] == revision, 20, "the order")
    orders = agent.orders()
    checks.that("what a person orders is carried out", made[0] == 201 and orders.get("198.18.1.2", {}).get("rate") == 17, orders)
    standing = agent.wait(lambda: in_force(bed, person), 20, "what stands")
    checks.that("the centre shows what stands on the node", [(r["node_name"], r["deed"], r["rate"], r["by"]) for r in standing] ==
                [("hv7", "throttle", 17, "person")], standing)
    ask(bed, "POST", "/v1/orders", person, {"order": "release", "sender": "198.18.1.2", "reason": "enough"})
    agent.wait(lambda: "198.18.1.2" not in agent.orders(), 20, "the release")
    agent.wait(lambda: is_empty(agent), 20, "the acknowledgements")
    listed = [json.loads(line) for line in ask(bed, "GET", "/v1/orders", person)[1].splitlines()]
    done = {r["revision"]: r["done"] for r in listed if r["record"] == "directive"}
    checks.that("the centre knows that it is done", done == {revision: 1, revision + 1: 1}, listed)
    checks.that("and shows it no more", agent.wait(lambda: not in_force(bed, person), 20, "its end"), in_force(bed, person))
    people = {r["person"] for r in agent.events("command") if r["sender"] == "198.18.1.2"}
    checks.that("the journal names who ordered it", "centre: anna" in people, people)


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("fleet", lack)
        return checks.close()
    name = "fleetasan" if "asan" in os.environ.get("POSTERN_BUILD", "") else "fleet"
    with Testbed(name, guests=1) as bed:
        agent = Agent(bed, "hv", "")
        folder = os.path.join(agent.directory, "centre")
        os.mkdir(folder)
        centre = Collector(folder, "", f"{CENTRE}:{PORT}", lambda command, **more: bed.popen("inet", command, **more)).start()
        try:
            person = centre.person("anna", "read,order,admin")
            agent = Agent(bed, "hv", f"[enforce]\nmode = enforce\n[collector]\nurls = http://{CENTRE}:{PORT}\n"
                                     f"token = {centre.token('--name', 'hv7')}\n")
            with agent:
                with checks.part("the beginning"):
                    agent.wait(lambda: spool(agent)["state"] == "connected", 20, "the connection")
                    make_news(agent, 0)
                    all_there(checks, agent, centre, "delivery")
                    nodes = [json.loads(line) for line in ask(bed, "GET", "/v1/nodes", person)[1].splitlines()]
                    checks.that("the centre knows the node", nodes[0]["node_name"] == "hv7" and nodes[0]["node"] == spool(agent)["node"],
                                nodes)
                with checks.part("orders"):
                    check_orders(checks, agent, bed, centre, person)
                with checks.part("kills"):
                    check_kills(checks, agent, centre)
                    all_there(checks, agent, centre, f"{KILLS} kills", 120)
                with checks.part("a revoked node"):
                    gone = ask(bed, "DELETE", f"/v1/nodes/{spool(agent)['node']}", person)
                    make_news(agent, 60)
                    agent.wait(lambda: spool(agent)["state"] == "refused", 60, "the refusal")
                    checks.that("a revoked node says that it is refused", gone[0] == 204, gone)
                if checks.failed:
                    print(agent.log_text()[-3000:])
                    print(centre.said()[-2000:])
        finally:
            centre.stop()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
