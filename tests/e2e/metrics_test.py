#!/usr/bin/env python3
"""What Prometheus reads of both daemons: promtool finds no fault in it, the numbers are those of what really happened,
nobody's name is in it, and who reads it badly does no harm."""
import json
import os
import re
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
WAITS = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from bot import add_exchangers, bot_command  # noqa: E402
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

PROMTOOL = os.path.join(TOP, "build/mta/promtool/usr/bin/promtool")
CENTRE = "203.0.113.1"
PORT, AGENTS_PORT = 8025, 9797
MESSAGES = 7
LINE = "Nov 26 10:00:00 hv postfix/smtpd[77]: connect from unknown[192.0.2.7]\n"
IDLERS = 40  # more than are let in at once


def page(bed, place, url, *more):
    done = bed.run(place, ["curl", "-s", "-f", "-m", "20", *more, url])
    return done.stdout if done.returncode == 0 else ""


def numbers(text):
    """{"name{label}": value} of a page."""
    return {name: float(value) for name, value in re.findall(r"^([a-z][\w{}=\".-]*) (\S+)$", text, re.M)}


class Pages:
    def __init__(self, bed, secret):
        self.bed, self.secret = bed, secret

    def agents(self):
        return page(self.bed, "hv", f"http://127.0.0.1:{AGENTS_PORT}/metrics")

    def agent(self, name):
        return numbers(self.agents()).get(f"postern_agent_{name}", -1)

    def centres(self):
        return page(self.bed, "inet", f"http://{CENTRE}:{PORT}/metrics", "-H", f"Authorization: Bearer {self.secret}")

    def centre(self, name):
        return numbers(self.centres()).get(f"postern_collector_{name}", -1)


def check_form(checks, name, text):
    if not os.path.exists(PROMTOOL):
        checks.skip(f"promtool on the {name}'s page", "it is not unpacked: tests/testbed/mta.sh unpack promtool")
        return
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    checks.that(f"promtool finds no fault in the {name}'s page", text and done.returncode == 0 and not done.stderr,
                done.stderr or text)


def check_dashboard(checks, pages):
    """Each expression of the dashboard is one, and asks for what one of the daemons really tells."""
    with open(os.path.join(TOP, "conf/grafana/postern.json")) as file:
        dashboard = json.load(file)
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    asked += [variable["definition"] for variable in dashboard["templating"]["list"] if "definition" in variable]
    told = numbers(pages.agents() + pages.centres())
    names = {series.split("{")[0] for series in told}
    lack = sorted({name for expression in asked for name in re.findall(r"postern_\w+", expression)} - names)
    checks.that("each metric of the dashboard is told by a daemon", len(asked) > 20 and not lack, lack)
    exact = {f"{name}{{{label}}}" for expression in asked
             for name, label in re.findall(r'(postern_\w+)\{[^}]*?(\w+="[^"$]*")\}', expression)}
    checks.that("and each label", len(exact) >= 2 and exact <= set(told), exact - set(told))
    if not os.path.exists(PROMTOOL):
        return
    rules = {"groups": [{"name": "dashboard", "rules": [{"record": f"x:{i}", "expr": expression.replace("$node", ".*")}
                                                        for i, expression in enumerate(asked) if "label_values" not in expression]}]}
    done = subprocess.run([PROMTOOL, "check", "rules", "/dev/stdin"], input=json.dumps(rules), capture_output=True, text=True,
                          check=False)
    checks.that("promtool understands each expression", done.returncode == 0, done.stdout + done.stderr)


def check_traffic(checks, bed, agent, pages):
    before = numbers(pages.agents())
    bed.run("vps1", ["smtp-source", "-c", "-m", str(MESSAGES), "-f", "anna@firm.test", "-t", "ben@other.test",
                     f"{bed.SINK4}:25"])
    agent.wait(lambda: pages.agent("messages_total") == MESSAGES, 15, "the messages")
    now = numbers(pages.agents())
    checks.that("every message is counted", now["postern_agent_messages_total"] == MESSAGES)
    checks.that("packets and their bytes are counted",
                now["postern_agent_packets_total"] > before["postern_agent_packets_total"] + 10 * MESSAGES
                and now["postern_agent_packet_bytes_total"] > 60 * now["postern_agent_packets_total"], now)
    checks.that("connections and senders are", now["postern_agent_connections_total"] >= MESSAGES
                and now["postern_agent_senders"] == 1, now)


def check_log(checks, agent, pages):
    with open(os.path.join(agent.directory, "mail.log"), "a") as log:
        log.write(LINE * 3)
    agent.wait(lambda: pages.agent("log_lines_total") == 3, 15, "the log's lines")
    checks.that("lines of logs are counted", pages.agent("log_files") == 1)


def check_verdicts(checks, bed, agent, pages):
    add_exchangers(bed)
    bot = bed.popen("vps1", f"while :; do {bot_command()}; sleep 0.5; done", stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL)
    agent.wait(lambda: pages.agent('verdicts_total{verdict="block"}') == 1, 60, "the block")
    os.killpg(bot.pid, signal.SIGKILL)
    agent.wait(lambda: pages.agent('orders{deed="block"}') == 1, 10, "the order")
    agent.postern("throttle", "198.18.1.9", "--for", "1h", "--reason", "a test")
    agent.wait(lambda: pages.agent('orders{deed="throttle"}') == 1, 10, "a person's order")
    now = numbers(pages.agents())
    told = [event["verdict"] for event in agent.events("verdict")]
    counted = {v: now[f'postern_agent_verdicts_total{{verdict="{v}"}}'] for v in ("clear", "alert", "throttle", "block")}
    checks.that("verdicts are counted as the journal has them", all(told.count(v) == n for v, n in counted.items()),
                (told, counted))
    checks.that("evidence is", now["postern_agent_evidence_total"] > 0)
    agent.postern("release", "198.18.1.9", "--reason", "a test")
    agent.wait(lambda: pages.agent('orders{deed="throttle"}') == 0, 10, "the release")
    names = [w for w in ("vnet1", "198.18.", "you@example", "203.0.113.", "victim") if w in pages.agents() + pages.centres()]
    checks.that("no sender and no address is in it", not names, names)


def check_collector(checks, agent, pages, centre):
    agent.wait(lambda: pages.agent("spool_records") == 0, 20, "delivery")
    stored = pages.centre("records_total")
    checks.that("the collector counts what it stored", stored >= len(agent.events("verdict")) > 0, stored)
    checks.that("and its answers", pages.centre('answers_total{class="2xx"}') >= pages.centre("batches_total") > 0)
    checks.that("the agent says that it is connected", pages.agent("collector_connected") == 1)
    centre.stop()
    agent.postern("throttle", "198.18.1.9", "--for", "1h", "--reason", "a test")
    agent.wait(lambda: pages.agent("collector_connected") == 0 and pages.agent("spool_records") > 0, 60, "the lost collector")
    checks.that("what waits for the collector is shown", pages.agent("spool_bytes") > 0
                and abs(pages.agent("spool_oldest_timestamp_seconds") - time.time()) < 600)
    centre.start()
    agent.wait(lambda: pages.agent("spool_records") == 0, 60, "the rest")
    checks.that("and gone when it is delivered", pages.agent("spool_oldest_timestamp_seconds") == 0)


def check_silence(checks, agent, pages):
    """A watcher that does not answer costs its own numbers alone."""
    watcher = agent.processes()["watcher"]
    os.kill(watcher, signal.SIGSTOP)
    text = pages.agents()
    os.kill(watcher, signal.SIGCONT)
    now = numbers(text)
    checks.that("a silent watcher is said to be silent", now.get('postern_agent_up{role="watcher"}') == 0
                and now.get('postern_agent_up{role="warden"}') == 1, text[:600])
    checks.that("and its numbers are left out", "postern_agent_packets_total" not in now and "postern_agent_enforcing" in now)
    check_form(checks, "agent with a silent watcher", text)
    agent.wait(lambda: pages.agent('up{role="watcher"}') == 1, 20, "the watcher's answer")
    os.kill(agent.processes()["watcher"], signal.SIGKILL)
    agent.wait(lambda: pages.agent("watcher_restarts_total") == 1 and pages.agent('up{role="watcher"}') == 1, 30, "the restart")
    checks.that("a restart is counted", True)


def check_abuse(checks, bed, agent, pages):
    """From within the agent's namespace, in a process of its own."""
    program = ("import socket,sys,time\n"
               f"idle=[socket.create_connection(('127.0.0.1',{AGENTS_PORT}),5) for _ in range({IDLERS})]\n"
               "for i,s in enumerate(idle):\n"
               "    s.sendall([b'GET /metrics HTTP/1.1\\r\\nHo', b'', b'\\0'*900, b'POST /metrics HTTP/1.1\\r\\nHost: x\\r\\nContent-Length:"
               " 99999999\\r\\n\\r\\n'+b'x'*4000][i%4])\n"
               "print('there', flush=True)\nsys.stdin.read()\n")
    with bed.popen("hv", [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
        crowd.stdout.readline()
        agent.wait(lambda: pages.agents(), 90, "a page in spite of those who say nothing")
        checks.that("who holds connections and says nothing does not keep others out", True)
        crowd.stdin.close()
    huge = bed.run("hv", ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "X: " + "x" * 60000,
                          f"http://127.0.0.1:{AGENTS_PORT}/metrics"])
    checks.that("a head without end is refused", huge.stdout in ("000", "413", "431"), huge.stdout)
    other = bed.run("hv", ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{AGENTS_PORT}/../etc/passwd"])
    checks.that("there is nothing else", other.stdout == "404", other.stdout)
    checks.that("the courier lived through all of it", pages.agent("courier_restarts_total") == 0)


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("metrics", lack)
        return checks.close()
    name = "metricsasan" if "asan" in os.environ.get("POSTERN_BUILD", "") else "metrics"
    with Testbed(name, guests=1) as bed:
        agent = Agent(bed, "hv", "")
        folder = os.path.join(agent.directory, "centre")
        os.mkdir(folder)
        centre = Collector(folder, "", f"{CENTRE}:{PORT}", lambda command, **more: bed.popen("inet", command, **more)).start()
        pages = Pages(bed, centre.person("prometheus", "read"))
        try:
            log = os.path.join(agent.directory, "mail.log")
            open(log, "w").close()
            agent.configuration = (f"[policy]\nthrottle = 20\n[enforce]\nmode = enforce\n[logs]\nfiles = {log}\n[metrics]\nlisten = 127.0.0.1:{AGENTS_PORT}\n"
                                   f"[collector]\nurls = http://{CENTRE}:{PORT}\ntoken = {centre.token('--name', 'hv7')}\n")
            with agent:
                agent.wait(lambda: pages.agent("collector_connected") == 1, 20, "the connection")
                for text, what in ((pages.agents(), "agent"), (pages.centres(), "collector")):
                    check_form(checks, what, text)
                with checks.part("the dashboard"):
                    check_dashboard(checks, pages)
                for part in (check_traffic, check_verdicts):
                    with checks.part(part.__name__):
                        part(checks, bed, agent, pages)
                with checks.part("logs"):
                    check_log(checks, agent, pages)
                with checks.part("the collector"):
                    check_collector(checks, agent, pages, centre)
                with checks.part("a silent watcher"):
                    check_silence(checks, agent, pages)
                with checks.part("bad readers"):
                    check_abuse(checks, bed, agent, pages)
                if checks.failed:
                    print(agent.log_text()[-3000:])
        finally:
            centre.stop()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
