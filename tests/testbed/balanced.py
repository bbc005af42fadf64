"""Several collectors on one PostgreSQL behind HAProxy, and nodes by the hundred, on loopback.

    with Balancer(folder, ports) as balancer: ...
    load = Load(folder, ["127.0.0.1:8100"], tokens(database, 300), every=500, batch=5, wait=60)
    load.say("state"); load.finish(revision, seconds)
"""
import base64
import ctypes
import hashlib
import json
import os
import re
import secrets
import signal
import subprocess
import time

from collector import Collector

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"))
FRONT, FIRST = 8100, 8101
MORE = "connections = 4096\nconnections_per_address = 4096\n"
HAPROXY = "/usr/sbin/haproxy"
PR_SET_PDEATHSIG = 1


def die_with_me():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def collectors(folder, count, store, launch=None):
    """Each has a port that stays the same. `launch`: one for each, as Collector takes it; None: the usual way."""
    all_of_them = []
    for i in range(count):
        place = os.path.join(folder, f"collector{i + 1}")
        os.mkdir(place)
        more = {"launch": launch[i]} if launch and launch[i] else {}
        all_of_them.append(Collector(place, MORE, address=f"127.0.0.1:{FIRST + i}", store=store, **more))
    return all_of_them


class Balancer:
    """HAProxy by the file that we ship, with our own addresses in it."""

    def __init__(self, folder, ports, front=FRONT):
        self.config, self.process, self.port = os.path.join(folder, "haproxy.cfg"), None, front
        with open(os.path.join(TOP, "conf/haproxy/postern.cfg"), encoding="utf-8") as file:
            text = file.read()
        text = text.replace("bind :8025", f"bind 127.0.0.1:{front}")
        for number in range(3):
            line = f"    server collector{number + 1} 127.0.0.1:{ports[number]}\n" if number < len(ports) else ""
            text = re.sub(rf"    server collector{number + 1} .*\n", line, text)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text)

    def start(self):
        with open(self.config + ".log", "ab") as log:
            self.process = subprocess.Popen([HAPROXY, "-db", "-f", self.config], stdout=log, stderr=log, preexec_fn=die_with_me)
        time.sleep(0.2)
        if self.process.poll() is not None:
            with open(self.config + ".log", encoding="utf-8") as log:
                raise RuntimeError(f"HAProxy did not start: {log.read()}")
        return self

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *unused):
        self.kill()


def tokens(database, count):
    """Made where the collector's own are: a thousand in one statement."""
    words, rows = [], []
    for _ in range(count):
        raw = secrets.token_bytes(32)
        words.append("token." + base64.urlsafe_b64encode(raw).rstrip(b"=").decode())
        rows.append(f"('{hashlib.blake2b(raw, digest_size=32).hexdigest()}', '', {time.time_ns() + 10 ** 13})")
    database.ask("INSERT INTO tokens (hash, name, until) VALUES " + ", ".join(rows))
    return words


class Load:
    """tests/testbed/fleet_load.c, whose head says what the numbers mean."""

    def __init__(self, folder, addresses, words, every, batch, wait):
        program = os.path.join(BUILD, "test/e2e/fleet_load")
        os.makedirs(os.path.dirname(program), exist_ok=True)
        subprocess.run([os.environ.get("CC", "cc"), "-std=c17", "-D_GNU_SOURCE", "-O2", "-o", program,
                        os.path.join(TOP, "tests/testbed/fleet_load.c"), "-lsodium", "-ljansson"], check=True)
        path = os.path.join(folder, f"tokens.{secrets.token_hex(4)}")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(words) + "\n")
        self.process = subprocess.Popen([program, ",".join(addresses), path, str(every), str(batch), str(wait)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_me)

    def say(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def state(self):
        return self.say("state")

    def until(self, what, seconds):
        """Its state when `what` held of it; None: it did not."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            state = self.state()
            if what(state):
                return state
            time.sleep(0.1)
        return None

    def finish(self, revision, seconds):
        """What each node has, when all have that revision and nothing waits, or the time is over."""
        self.process.stdin.write(f"finish {revision} {seconds}\n")
        self.process.stdin.flush()
        nodes = [json.loads(line) for line in self.process.stdout]
        self.process.wait()
        return nodes[:-1]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
