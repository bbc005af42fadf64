#!/usr/bin/env python3
"""Addresses looked up in blacklists: 4,096 in 60 zones at a real rbldnsd on loopback, unpaced, in a network namespace of
the bench's own; beside a bare c-ares loop that throws the answers away (the bare limit), adnshost, and one `host` a name.
The aim: at least half of the bare limit with as many questions under way, and no answer lost or false.

    blacklist_bench.py [--addresses N] [--zones N] [--in-flight N] [--rounds N] [--peer-names N]

The bare limit is the better of two: with as many questions under way, and with as few as the name server's socket
buffer holds, for what overflows there waits for its timeout. The best of the rounds counts for each."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPEED = os.path.join(TOP, "build/bench/blacklist_speed")
RBLDNSD = "/usr/sbin/rbldnsd"
AIM = 0.5
FEW = 200  # questions: some 280 small datagrams fit into a socket's usual buffer
PORT = 53  # adnshost knows no other


def isolate():
    """A network of the bench's own, so that nothing of the machine is asked or touched."""
    if not os.environ.get("BLACKLIST_BENCH_INSIDE"):
        os.environ["BLACKLIST_BENCH_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--net", "sh", "-ec", 'ip link set lo up && exec "$0" "$@"', os.path.abspath(__file__),
                              *sys.argv[1:]])


def serve(folder, addresses, zones):
    """rbldnsd, with every sixteenth address listed in every zone; also how many are listed in one."""
    listed = range(0, addresses, 16)
    with open(f"{folder}/list", "w", encoding="ascii") as file:
        file.write(":127.0.0.2:listed\n127.0.0.2\n" + "".join(f"198.{18 + (n >> 16)}.{n >> 8 & 255}.{n & 255}\n" for n in listed))
    os.chmod(folder, 0o755)
    server = subprocess.Popen([RBLDNSD, "-n", "-u", "nobody", "-w", folder, "-b", f"127.0.0.1/{PORT}", "-c", "0"]
                              + [f"z{n}.example:ip4set:list" for n in range(zones)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        if subprocess.run(["adnshost", "+e", "--config", "nameserver 127.0.0.1", "-ta", "2.0.0.127.z0.example"] if
                          shutil.which("adnshost") else ["sleep", "2"], capture_output=True, check=False).returncode == 0:
            break
        time.sleep(0.1)
    return server, len(listed)


def measure(how, in_flight, options):
    done = subprocess.run([SPEED, how, str(PORT), str(in_flight), str(options.addresses), str(options.zones)],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"blacklist_speed {how}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def best(figures):
    return max(figures, key=lambda one: one["rate"])


def show(name, figures, bare):
    print(f"{name:<44} {figures['answers']:>8} {figures['seconds']:>8.2f} {figures['rate']:>9.0f} {figures['rate'] / bare['rate']:>6.2f} "
          f"{figures['processor'] * 1e6 / figures['answers']:>8.1f}", flush=True)


def timed(command, names, text):
    """A peer's figures: its own seconds, and those of the processor."""
    begun, before = time.monotonic(), os.times()
    subprocess.run(command, input=text, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, check=False)
    seconds, after = time.monotonic() - begun, os.times()
    return {"answers": names, "seconds": seconds, "rate": names / seconds,
            "processor": after.children_user + after.children_system - before.children_user - before.children_system}


def bench_peers(options, bare):
    names = subprocess.run([SPEED, "names", str(options.addresses), str(options.zones)], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    if shutil.which("adnshost"):
        command = ["adnshost", "+e", "-f", "-a", "--config", "nameserver 127.0.0.1", "-ta"]
        show("adnshost -f -a", best([timed(command, len(names), "\n".join(names) + "\n") for _ in range(options.rounds)]), bare)
    else:
        print("adnshost is not installed")
    if shutil.which("host"):
        few = names[:: max(1, len(names) // options.peer_names)][:options.peer_names]
        show("one `host` a name, 20 at once", timed(["xargs", "-P", "20", "-n", "1", "-I", "{}", "host", "-t", "A", "{}", "127.0.0.1"],
                                                    len(few), "\n".join(few) + "\n"), bare)
    else:
        print("host is not installed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--addresses", type=int, default=4096)
    parser.add_argument("--zones", type=int, default=60)
    parser.add_argument("--in-flight", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-names", type=int, default=2000)
    options = parser.parse_args()
    if os.geteuid() != 0 or not os.path.exists(RBLDNSD):
        print("left out: it needs root, for a network namespace, and rbldnsd")
        return 0
    isolate()
    folder = tempfile.mkdtemp(prefix="blacklist-bench-")
    server, listed = serve(folder, options.addresses, options.zones)
    try:
        rounds = [(measure("bare", options.in_flight, options), measure("bare", FEW, options),
                   measure("lookup", options.in_flight, options)) for _ in range(options.rounds)]
        many, few, own = (best(column) for column in zip(*rounds))
        bare = best([many, few])
        print(f"{'':<44} {'answers':>8} {'seconds':>8} {'a second':>9} {'ratio':>6} {'cpu us':>8}")
        show(f"bare limit: c-ares, {options.in_flight} under way", many, bare)
        show(f"bare limit: c-ares, {FEW} under way", few, bare)
        show("Postern: tested, judged, window that follows losses", own, bare)
        bench_peers(options, bare)
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)
    wrong = [one for _, _, one in rounds if one["unknown"] or one["listed"] != listed * options.zones]
    ratio = own["rate"] / bare["rate"]
    print(f"{'MISSED' if ratio < AIM or wrong else 'ok'}: {ratio:.2f} of the bare limit, the aim is {AIM}; "
          + (f"wrong: {wrong[0]}" if wrong else f"all {listed * options.zones} listings found and no others"))
    return 1 if ratio < AIM or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
