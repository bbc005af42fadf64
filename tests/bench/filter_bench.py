#!/usr/bin/env python3
"""Messages a second through the whole circle - on the wire, sampled by the watcher, kept and sent by the courier, stored and
sorted by the collector, looked at by the filter, and its opinion back at the node - beside the filter's own client on the same
files; and what the circle costs beside the filter itself. The aim: 5 % of the filter's processor time.

Ours is what the watcher, the courier and the collector use, less what the watcher uses for the same mail when nothing is
sampled. All share this machine's processors. The files: the shared corpus where it is (POSTERN_TESTDATA), else made up.

    filter_bench.py [--messages N]
"""
import argparse
import contextlib
import http.client
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e"), os.path.join(TOP, "tests/lab_filter")]
import corpus  # noqa: E402
from agent import Agent, AgentError  # noqa: E402
from collector import Collector  # noqa: E402
from filters import Rspamd, Spamd, family, letter  # noqa: E402
from samples import Sampler  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

AIM = 5.0  # percent
PORT = 8790
LINKS = 4  # connections that mail is sent over
SAMPLES = """[samples]
enabled = {enabled}
size = 1M
memory = 64M
rate = 1000
sender_rate = 100000
first = 1000
trickle = 1
bandwidth = 0
"""


def messages(count):
    found = [message.on_the_wire() for message in corpus.read() if len(message.content) < 200000][:count]
    if len(found) == count:
        return found, "of the shared corpus"
    words = [f"{a}{b}" for a in "ba de fi go lu ma ne po ra su".split() for b in "ber den fel gor lin mas nor ter".split()]
    chance = random.Random(1)
    return [letter("\n".join(" ".join(chance.choices(words, k=12)) for _ in range(chance.randint(5, 80))), subject=f"Letter {n}")
            for n in range(count)], "made up: there is no corpus"


def used(pids):
    """Seconds of the processors that these have used."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            ticks += sum(int(word) for word in file.read().rsplit(")", 1)[1].split()[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


# --- the filter's own client ---


def by_client(filter_name, program, folder, count):
    """(messages a second, the filter's seconds for one) by its own client, as many at once as the collector asks about."""
    files = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    before, begun = program.cpu(), time.monotonic()
    if filter_name == "rspamd":
        command = ["rspamc", "-n", str(LINKS), "-h", f"127.0.0.1:{program.port}", "symbols", *files]
    else:
        command = ["sh", "-c", f'printf "%s\\n" "$@" | xargs -P {LINKS} -I FILE sh -c "spamc -d 127.0.0.1 -p {program.port} -y <FILE"',
                   "sh", *files]
    program.bed.run(program.place, command, timeout=600)
    took = time.monotonic() - begun
    return count / took, (program.cpu() - before) / count


# --- the whole circle ---


def deliver(bed, mails):
    """Over one connection, as a mail server does."""
    link = bed.connect("vps1", bed.SINK4, 25, timeout=30)
    with link, link.makefile("rwb") as file:
        def say(raw, code):
            file.write(raw)
            file.flush()
            line = file.readline()
            while line[3:4] == b"-":
                line = file.readline()
            if not line.startswith(code):
                raise RuntimeError(f"{raw[:40]!r}: {line!r}")
        say(b"", b"220")
        say(b"EHLO client.firm.test\r\n", b"250")
        for mail in mails:
            say(b"MAIL FROM:<ann@firm.test>\r\n", b"250")
            say(b"RCPT TO:<bob@there.test>\r\n", b"250")
            say(b"DATA\r\n", b"354")
            stuffed = mail.replace(b"\r\n.", b"\r\n..")
            say((b"." if stuffed.startswith(b".") else b"") + stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n", b"250")
        say(b"QUIT\r\n", b"221")


def send(bed, mails):
    threads = [threading.Thread(target=deliver, args=(bed, mails[part::LINKS])) for part in range(LINKS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def opinions(agent):
    return agent.status()["collector"].get("opinions", 0)


def capture(bed, mails):
    """Seconds that the agent uses for the same mail without samples."""
    with Agent(bed, "hv", SAMPLES.format(enabled="no")) as agent:
        agent.wait(lambda: agent.status()["watcher"]["ports"] == 1, 10, "the port")
        send(bed, mails[:50])
        before, begun = used(agent.processes().values()), time.monotonic()
        send(bed, mails)
        time.sleep(1)
        rest = used(agent.processes().values())
        return rest - before, time.monotonic() - begun


def circle(bed, program, folder, mails):
    """(seconds it took, None where opinions did not come; the agent's, the collector's and the filter's processor time)."""
    centre = Collector(folder, program.section(more="patience = 1m\n"), f"0.0.0.0:{PORT}",
                       launch=lambda words, **more: bed.popen("inet", words, **more))
    centre.start()
    try:
        more = SAMPLES.format(enabled="yes") + f"[collector]\nurls = http://203.0.113.1:{PORT}\ntoken = {centre.token()}\n"
        with Agent(bed, "hv", more) as agent:
            agent.wait(lambda: agent.status()["collector"]["state"] == "connected", 20, "the connection")
            send(bed, mails[:50])
            agent.wait(lambda: opinions(agent) == 50, 60, "the first opinions")
            pids = agent.processes()
            begun = time.monotonic()
            before = {"agent": used(pids.values()), "collector": used(family(centre.process.pid)), "filter": program.cpu()}
            send(bed, mails)
            whole = True
            try:
                agent.wait(lambda: opinions(agent) >= len(mails) + 50, 600, "all opinions")
            except AgentError:
                whole = False
                print(f"  {opinions(agent) - 50} of {len(mails)} opinions came back: {agent.status()['collector']}")
            took = time.monotonic() - begun
            after = {"agent": used(pids.values()), "collector": used(family(centre.process.pid)), "filter": program.cpu()}
            return took if whole else None, {name: after[name] - before[name] for name in before}
    finally:
        centre.stop()


def delay(folder, program, filter_name, mails):
    """Milliseconds from handing one in until its opinion is told, and for the filter asked directly; one at a time."""
    ours, own = [], []
    centre = Collector(folder, program.section()).start()
    try:
        node = Sampler(centre, "hv1")
        for mail in mails:
            begun = time.monotonic()
            node.opinion(node.send(mail), filter_name)
            ours.append(time.monotonic() - begun)
            begun = time.monotonic()
            if filter_name == "rspamd":
                link = http.client.HTTPConnection("127.0.0.1", program.port)
                link.request("POST", "/checkv2", mail)
                link.getresponse().read()
                link.close()
            else:
                program.ask("REPORT", mail)
            own.append(time.monotonic() - begun)
    finally:
        centre.stop()
    return 1000 * statistics.median(ours), 1000 * statistics.median(own)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=400)
    count = parser.parse_args().messages
    lack = missing()
    if lack:
        print(f"left out: {lack}")
        return 0
    mails, which = messages(count)
    print(f"{count} messages, {which}; {sum(map(len, mails)) / count / 1024:.1f} KB each on average")
    good = True
    with contextlib.ExitStack() as stack:
        files = stack.enter_context(tempfile.TemporaryDirectory())
        for number, mail in enumerate(mails):
            with open(os.path.join(files, f"{number:05}.eml"), "wb") as file:
                file.write(mail)
        bed = stack.enter_context(Testbed("benchfilter", guests=1))
        bare, seconds = capture(bed, mails)
        print(f"the agent without samples: {1000 * bare / count:.2f} ms of processor a message, {count / seconds:.0f} messages a second")
        for name, kind in (("rspamd", Rspamd), ("spamd", Spamd)):
            program = stack.enter_context(kind(workers=2).at(bed, "inet"))
            alone, cost = by_client(name, program, files, count)
            alone, cost = by_client(name, program, files, count)  # the first warms up
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            took, busy = circle(bed, program, folder, mails)
            if took is None:
                good = False
                continue
            ours = busy["agent"] - bare + busy["collector"]
            share = 100 * ours / busy["filter"]
            print(f"{name:7} by its own client: {alone:6.1f} messages a second, {1000 * cost:.2f} ms of the filter's processor each\n"
                  f"{'':7} the whole circle:  {count / took:6.1f} messages a second, {1000 * busy['filter'] / count:.2f} ms of the filter's; "
                  f"ours: agent {1000 * (busy['agent'] - bare) / count:.2f} ms, collector {1000 * busy['collector'] / count:.2f} ms: "
                  f"{share:.1f} % of the filter's; aim {AIM:.0f} %: {'reached' if share <= AIM else 'missed'}", flush=True)
            program.__exit__()
            with kind(workers=2) as here, tempfile.TemporaryDirectory() as place:
                ours, own = delay(place, here, name, mails[:50])
                print(f"{'':7} one at a time: {ours:.1f} ms from handing it in to the opinion at the node, {own:.1f} ms of them the filter's (medians)")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
