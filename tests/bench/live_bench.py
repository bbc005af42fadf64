#!/usr/bin/env python3
"""Live, in network namespaces of its own: from how many packets a second on capture begins to lose, beside a bare libpcap
loop with the same filter and ring; and how long a sender goes on after the packet that crosses the threshold.

Both are figures of a machine that has nothing else to do: each table ends with its load."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import BUILD, Agent, AgentError  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

BENCH = os.path.join(BUILD, "bench")
RATES = (100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 800_000)
SECONDS = 4
RING = 64 * 128 * 1024  # what the agent gives one port
AIM_MEDIAN, AIM_P99 = 1.5, 12.0  # milliseconds
AIM_RATE = 600_000
# One junk recipient is worth a block, nothing else is worth anything; one sender may be blocked as often as we like.
TRIPWIRE = """
[capture]
ports = 25 465 587 2525 2526
[policy]
storm_least = 10000
storm_most = 10000
[envelope]
most = 100
recipient_maps = junk
[enforce]
mode = enforce
""" + "".join(f"[{name}]\nenabled = no\n" for name in ("burst", "fanout", "rejects", "helo"))


def load():
    return f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def make_trace():
    """The first fifth of trace A: forty thousand sessions' worth of it would not be sent anyway."""
    trace = os.path.join(BENCH, "live.pcap")
    if not os.path.exists(trace):
        subprocess.run([os.path.join(BENCH, "trace_make"), "A", trace, "5"], check=True, stdout=subprocess.DEVNULL)
    return trace


def seconds_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


# --- packets a second ---


def blast(bed, trace, rate):
    """Guest's frames come out of the guest, servers' answers go into it: the port between sees both directions."""
    done = bed.run("vps1", [os.path.join(BENCH, "blast"), "eth0", trace, str(rate), str(SECONDS), "vnet1",
                            f"/run/netns/{bed.namespace('hv')}"])
    return json.loads(done.stdout)


def run_agent(bed, agent, trace, rate):
    before, pid = agent.status()["watcher"], agent.processes()["watcher"]
    busy = seconds_of(pid)
    sent = blast(bed, trace, rate)
    time.sleep(1.2)  # drops are asked for once a second
    after = agent.status()["watcher"]
    return sent, after["packets"] - before["packets"], after["dropped"] - before["dropped"], seconds_of(pid) - busy


def run_bare(bed, trace, rate):
    bare = bed.popen("hv", [os.path.join(BENCH, "bare_live"), "vnet1", "agent", str(SECONDS + 2), str(RING)],
                     stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    sent = blast(bed, trace, rate)
    said = json.loads(bare.communicate(timeout=30)[0])
    return sent, said["packets"], said["dropped"], said["cpu"]


def show(name, result):
    sent, packets, dropped, busy = result
    share = 100 * dropped / max(packets + dropped, 1)
    print(f"  {name:<6}{sent['rate'] / 1000:>9.0f} k/s sent{packets:>10} seen{dropped:>9} lost {share:>5.1f} %"
          f"{busy / sent['seconds'] * 100:>6.0f} % of a core", flush=True)
    return dropped


def raise_rate(name, rates, run):
    """The highest rate without loss, and the highest that could be sent."""
    good = most = 0
    for rate in rates:
        result = run(rate)
        sent = result[0]["rate"]
        most = max(most, sent)
        if show(name, result) == 0:
            good = max(good, sent)
        if sent < rate * 0.9:
            break  # more cannot be sent here
    return good, most


def packets_a_second(rates):
    print(f"Packets a second on one port (mail, bodies and all; {SECONDS} s each)")
    trace = make_trace()
    with Testbed("benchlive", "ptp", guests=1) as bed:
        with Agent(bed, "hv") as agent:
            agent.wait(lambda: agent.status()["watcher"]["ports"] == 1, 5, "the port")
            ours = raise_rate("agent", rates, lambda rate: run_agent(bed, agent, trace, rate))
        bare = raise_rate("bare", rates, lambda rate: run_bare(bed, trace, rate))
    print(f"  nothing lost up to: agent {ours[0] / 1000:.0f} of {ours[1] / 1000:.0f} k/s sent, bare loop {bare[0] / 1000:.0f} of "
          f"{bare[1] / 1000:.0f}; aim: all that the other core can send, or {AIM_RATE / 1000:.0f}: "
          f"{'reached' if ours[0] >= min(ours[1], AIM_RATE) else 'missed'}; {load()}")


# --- from threshold to effect ---


def percentile(values, share):
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def one_round(bed, agent, n, every):
    # Below the agent and the mail server, where the machine is busy: it waits busily, and must not keep them waiting.
    done = bed.run("vps1", ["nice", "-n", "10", os.path.join(BENCH, "reaction"), bed.SINK4, "25", "2526", str(every),
                            f"r{n}@junk.net"])
    if done.returncode:
        raise AgentError(done.stderr)
    agent.postern("release", "port:vnet1", "--reason", "the next round")
    agent.wait(lambda: bed.can_connect("vps1", bed.SINK4, 25, 0.2), 5, "the release")
    return json.loads(done.stdout)


def threshold_to_effect(rounds, every):
    print(f"From the recipient that crosses the threshold to the first opening that fails ({rounds} rounds, one opening "
          f"every {every} µs)")
    with Testbed("benchreact", guests=1) as bed:
        agent = Agent(bed, "hv", TRIPWIRE)
        with open(os.path.join(agent.directory, "junk"), "w") as file:
            file.write("junk.net REJECT points=50 junk\n")
        with agent:
            bed.popen("inet", [os.path.join(BENCH, "flood"), "accept", "2526"])
            agent.wait(lambda: agent.status()["watcher"]["ports"] == 1 and bed.can_connect("vps1", bed.SINK4, 2526), 5)
            results = [one_round(bed, agent, n, every) for n in range(rounds + 1)][1:]  # the first warms up
    stopped = [r["stopped"] / 1000 for r in results if r["stopped"] >= 0]
    replies = [r["reply"] / 1000 for r in results]
    median, p99 = statistics.median(stopped), percentile(stopped, 0.99)
    print(f"  stopped after   median {median:.2f} ms (aim {AIM_MEDIAN}: {'reached' if median <= AIM_MEDIAN else 'missed'})"
          f"   99 % {p99:.2f} ms (aim {AIM_P99}: {'reached' if p99 <= AIM_P99 else 'missed'})   "
          f"longest {max(stopped):.2f} ms")
    print(f"  of which the server's reply took {statistics.median(replies):.2f} ms (median); "
          f"{len(results) - len(stopped)} rounds without a stop; {load()}")
    return len(stopped) == len(results)


def build_flood():
    """The listener of the second part is the one that the tests use."""
    subprocess.run([os.environ.get("CC", "cc"), "-std=c17", "-D_GNU_SOURCE", "-O2", "-o", os.path.join(BENCH, "flood"),
                    os.path.join(TOP, "tests/testbed/flood.c")], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--every", type=int, default=50, help="microseconds between two openings")
    parser.add_argument("--rates", type=int, nargs="*", default=RATES)
    parser.add_argument("--only", choices=("packets", "reaction"))
    options, _ = parser.parse_known_args()
    lack = missing()
    if lack:
        print(f"  left out: {lack}")
        return 0
    build_flood()
    good = True
    if options.only != "reaction":
        packets_a_second(options.rates)
    if options.only != "packets":
        good = threshold_to_effect(options.rounds, options.every)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
