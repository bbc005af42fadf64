#!/usr/bin/env python3
"""Questions of a mail relay: how many are answered in a second, and how long one takes, with a million senders known;
beside postfwd, postgrey and sqlgrey where they are installed, and the bare limit, a server that answers "action=dunno" to
whatever comes. All ask and answer over TCP on loopback, in a network namespace of the bench's own. The aim: a median
below 1 ms.

    policy_bench.py [--known N] [--questions N] [--connections N] [--peers "NAME..."] [--peers-only]

Peers are filled with fewer, --filled (20,000): a million would take them a quarter of an hour and more.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
LOAD = os.path.join(TOP, "build/bench/policy_load")
AIM = 1000.0  # microseconds
PORT = {"echo": 10050, "postern": 10040, "postfwd": 10051, "postgrey": 10052, "sqlgrey": 10053}
CONFIGURATION = """
[enforce]
mode = enforce
[logs]
files =
[relay]
listen = 127.0.0.1:10040
"""
RULES = """id=RATE; action=rate(client_address/100000/60/450 4.7.1 too many at once)
id=REST; action=dunno
"""
SQLGREY = """loglevel = 0
inet = 127.0.0.1:10053
reconnect_delay = 1
max_connect_age = 24
user = {user}
group = {user}
confdir = /etc/sqlgrey
db_type = SQLite
db_name = {directory}/sqlgrey.db
db_cleandelay = 1800
greymethod = full
pidfile = {directory}/sqlgrey.pid
optmethod = none
"""


def isolate():
    """A network and mounts of the bench's own, so that nothing of the machine is asked or touched."""
    if os.environ.get("POLICY_BENCH_INSIDE"):
        return
    os.environ["POLICY_BENCH_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-ec",
                          "mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && mount -t sysfs sysfs /sys && "
                          'ip link set lo up && exec "$0" "$@"', os.path.abspath(__file__), *sys.argv[1:]])


def wait_for(port, process):
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process and process.poll() not in (None, 0):
                raise SystemExit(f"port {port}: the server ended with {process.returncode}")
            time.sleep(0.1)
    raise SystemExit(f"nobody listens on port {port}")


def ask(port, connections, questions, senders, first=None):
    words = [LOAD, "ask", str(port), str(connections), str(questions), str(senders)]
    done = subprocess.run(words + ([str(first)] if first is not None else []), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def show(name, known, figures, bare):
    print(f"{name:<34} {known:>9} {figures['rate']:>9.0f} {figures['rate'] / bare['rate']:>6.2f} {figures['p50'] / 1000:>8.3f} "
          f"{figures['p99'] / 1000:>8.3f} {figures['most'] / 1000:>8.1f} {figures['processor']:>8.1f}", flush=True)


def memory(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024


def processor_time(pids):
    """Seconds."""
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            ticks += sum(int(n) for n in file.read().rsplit(")", 1)[1].split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def servers_of(process, pidfile):
    """The process and its children; of a daemon the one that it wrote down."""
    if os.path.exists(pidfile):
        with open(pidfile, encoding="ascii") as file:
            return [int(file.read().split()[0])]
    done = subprocess.run(["ps", "-o", "pid=", "-g", str(process.pid)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in done.stdout.split()] or [process.pid]


def timed(pids, measure):
    """What measure() gives, with the microseconds of processor that the servers took for an answer."""
    before = processor_time(pids)
    figures = measure()
    figures["processor"] = (processor_time(pids) - before) * 1e6 / figures["answers"]
    return figures


def fill_fleet(path, known):
    """As if the collector had told of them: half are blocked, half slowed down."""
    until = (int(time.time()) + 86400) * 10**9
    database = sqlite3.connect(path)
    # The number n of policy_load's clients is 11+(n>>16).n>>8.n.7
    rows = ((f"{11 + (n >> 16)}.{n >> 8 & 255}.{n & 255}.7", 3 if n % 2 else 1, 60000, until, n, "", "spam", "policy", "hv1")
            for n in range(known))
    database.executemany("INSERT OR REPLACE INTO standing(sender, deed, rate, until, news, customer, reason, by, node)"
                         " VALUES(?,?,?,?,?,?,?,?,?)", rows)
    database.commit()
    database.close()


def bench_postern(options, bare):
    from agent import Agent
    from testbed import Testbed
    results = []
    with Testbed("policybench", guests=1, sinks=False) as bed, Agent(bed, "vps1", CONFIGURATION) as agent:
        def measure(name, known, **words):
            command = [LOAD, "ask", "10040", str(options.connections), str(words.get("questions", options.questions)),
                       str(options.known), *words.get("first", [])]
            figures = timed([agent.processes()["courier"]], lambda: json.loads(bed.run("vps1", command, timeout=600).stdout))
            if "first" not in words:
                show(name, known, figures, bare)
                results.append(figures)
            return figures
        courier = os.path.join(agent.state, "courier/relay.db")
        measure("postern, nothing stands", 0)
        agent.stop()
        fill_fleet(courier, options.known)
        agent.configure(CONFIGURATION + "follow = yes\n")
        begun = time.monotonic()
        agent.start()
        agent.wait(lambda: agent.status()["policy"]["open"], 30, "the relay's desk")
        loaded = time.monotonic() - begun
        figures = measure("postern, the fleet's standings", options.known)
        print(f"  {figures['answers'] - figures['passed']} of {figures['answers']} refused; ready {loaded:.1f} s after the start, "
              f"courier {memory(agent.processes()['courier']):.0f} MB")
        agent.configure(CONFIGURATION + "greylist = yes\ngreylist_delay = 1s\nclient_messages_hour = 100000\n")
        agent.process.send_signal(signal.SIGHUP)
        time.sleep(1)
        filled = measure("", 0, questions=options.known, first=["0"])
        time.sleep(2.5)
        figures = measure("postern, greylist and rates", agent.status()["policy"]["greylist_known"])
        print(f"  filled with {filled['rate']:.0f} new ones a second; courier {memory(agent.processes()['courier']):.0f} MB; "
              f"{figures['answers'] - figures['passed']} put off")
    return results


def bench_peer(name, command, options, bare, directory):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    servers = []
    try:
        wait_for(PORT[name], process)
        known = options.filled if name != "postfwd" else 0
        for first in range(0, known, 1000):
            ask(PORT[name], options.peer_connections, min(1000, known - first), options.filled, first)
        time.sleep(2.5 if known else 0)
        servers = servers_of(process, f"{directory}/{name}.pid")
        figures = timed(servers, lambda: ask(PORT[name], options.peer_connections, options.peer_questions,
                                                       options.filled))
        show(name, known, figures, bare)
        return figures
    finally:
        for pid in {process.pid, *servers}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait()


def peers(directory):
    rules, conf = os.path.join(directory, "rules"), os.path.join(directory, "sqlgrey.conf")
    with open(rules, "w", encoding="ascii") as file:
        file.write(RULES)
    with open(conf, "w", encoding="ascii") as file:
        file.write(SQLGREY.format(directory=directory, user="sqlgrey"))
    os.chmod(directory, 0o777)
    return {"postfwd": ["postfwd1", "--daemon", "--file", rules, "--interface", "127.0.0.1", "--port", str(PORT["postfwd"]),
                        "--user", "nobody", "--group", "nogroup", "--pidfile", f"{directory}/postfwd.pid", "--nodns", "--noidlestats"],
            "postgrey": ["postgrey", f"--inet=127.0.0.1:{PORT['postgrey']}", f"--dbdir={directory}", "--delay=1", "--user=postgrey",
                         "--group=nogroup"],
            "sqlgrey": ["sqlgrey", f"--configfile={conf}"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--known", type=int, default=1000000)
    parser.add_argument("--questions", type=int, default=300000)
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--filled", type=int, default=20000)
    parser.add_argument("--peer-questions", type=int, default=10000)
    parser.add_argument("--peers", default="postfwd postgrey sqlgrey")
    parser.add_argument("--peers-only", action="store_true")
    parser.add_argument("--peer-connections", type=int, default=20)
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("left out: a network namespace needs root")
        return 0
    isolate()
    print(f"{'':<34} {'known':>9} {'a second':>9} {'ratio':>6} {'p50 ms':>8} {'p99 ms':>8} {'most ms':>8} {'cpu us':>8}")
    echo = subprocess.Popen([LOAD, "echo", str(PORT["echo"])])
    wait_for(PORT["echo"], echo)
    bare = timed([echo.pid], lambda: ask(PORT["echo"], options.connections, options.questions, options.known))
    echo.kill()
    show("bare limit: an echo", 0, bare, bare)
    results = [] if options.peers_only else bench_postern(options, bare)
    directory = tempfile.mkdtemp(prefix="policy-bench-")
    for name in options.peers.split():
        command = peers(directory)[name]
        program = shutil.which(command[0], path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not program:
            print(f"{name:<34} not installed")
            continue
        bench_peer(name, [program, *command[1:]], options, bare, directory)
    shutil.rmtree(directory, ignore_errors=True)
    if not results:  # peers alone
        return False
    worst = max(figures["p50"] for figures in results)
    print(f"{'ok' if worst < AIM else 'MISSED'}: the median is {worst / 1000:.3f} ms; the aim is {AIM / 1000:.0f} ms")
    return worst >= AIM


if __name__ == "__main__":
    sys.exit(main())
