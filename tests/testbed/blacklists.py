"""Blacklists on this machine: rbldnsd with zones that are sound, wild, empty, out of order or hostile, and unbound, which
asks it; `dead.example` is answered by nobody."""
import os
import random
import signal
import socket
import subprocess
import time

LISTS, RESOLVER = 5301, 5302
# What a terminal would obey: a title, a cleared screen, colours, a line that is turned around.
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x9b1m\u202egnp\x7f end"

ZONE = """[{name}]
kind = {kind}
families = {families}
lists = things
{codes}
link = https://{name}/
"""
CODES = "code = 127.0.0.2 high spam\ncode = 127.0.0.3 critical worse\ncode = 127.0.0.10 informational dynamic"


def zone(name, kind="addresses", families="4", codes=CODES, more=""):
    text = ZONE.format(name=name, kind=kind, families=families, codes=codes) + more
    return text.replace("families = 4\n", "") if kind == "domains" else text


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class Servers:
    """rbldnsd with the zones' data, and unbound, which asks it."""

    def __init__(self, folder, more=None, ttl=86400):
        """`more`: other zones, {"name:type": data}; `ttl`: the longest that the resolver remembers."""
        self.folder, self.processes, self.more, self.ttl = folder, [], more or {}, ttl
        chance = random.Random(8)
        self.subjects = [f"198.51.{chance.randrange(256)}.{n % 256}" for n in range(150)]
        self.truth = {name: set(chance.sample(self.subjects, 12)) for name in ("one.example", "two.example")}

    def data(self):
        test = ":127.0.0.2:Seen by $\n127.0.0.2\n"
        return {
            "one.example:ip4set": test + "".join(f"{a}\n" for a in sorted(self.truth["one.example"])),
            "two.example:ip4set": test + "".join(f"{a} :127.0.0.3:much worse\n" for a in sorted(self.truth["two.example"]))
            + "192.0.2.10 :127.0.0.10:\n192.0.2.77 :127.0.0.77:\n192.0.2.254 :127.255.255.254:\n192.0.2.1 :127.0.0.1:\n"
            + "192.0.2.8 :203.0.113.8:\n",
            "six.example:ip4set": test,
            "six.example:ip6trie": ":127.0.0.2:six\n0:0:0:0:0:ffff:7f00:2/128\n2001:db8:bad:0:0:0:0:0/48\n",
            "names.example:dnset": ":127.0.1.2:a bad domain\ntest\n.bad.example.org\n",
            "wild.example:ip4set": ":127.0.0.2:all\n0.0.0.0/1\n128.0.0.0/1\n",
            "empty.example:ip4set": ":127.0.0.2:none\n10.9.9.9\n",
            "refusing.example:ip4set": ":127.255.255.254:open resolver\n0.0.0.0/1\n128.0.0.0/1\n",
            "parked.example:ip4set": ":203.0.113.80:buy me\n0.0.0.0/1\n128.0.0.0/1\n",
            "limited.example:ip4set": test,
            "secret5.keyed.example:ip4set": test + "192.0.2.5\n",
            "hostile.example:ip4set": test + "192.0.2.66 :127.0.0.2:" + HOSTILE + "\n",
            **self.more,
        }

    def put(self, name, text):
        file = name.replace(":", "-")
        write(f"{self.folder}/{file}", f"$SOA 600 ns.example. admin.example. 1 600 600 86400 300\n$TTL 900\n{text}")
        return f"{name}:{file}"

    def change(self, name, text):
        """A list's keeper has changed his mind."""
        self.put(name, text)
        self.processes[0].send_signal(signal.SIGHUP)

    def start(self):
        os.chmod(self.folder, 0o755)
        zones = []
        for name, text in self.data().items():
            zones.append(self.put(name, text))
        said = open(f"{self.folder}/servers.log", "wb")
        self.processes.append(subprocess.Popen(
            ["/usr/sbin/rbldnsd", "-n", "-u", "nobody", "-w", self.folder, "-b", f"127.0.0.1/{LISTS}", *zones],
            stdout=said, stderr=subprocess.STDOUT))
        configuration = f"""server:
  interface: 127.0.0.1
  interface: ::1
  port: {RESOLVER}
  directory: "{self.folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  verbosity: 1
  module-config: "iterator"
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  access-control: ::1 allow
  local-zone: "com." static
  cache-max-ttl: {self.ttl}
  cache-max-negative-ttl: {min(self.ttl, 3600)}
stub-zone:
  name: "example"
  stub-addr: 127.0.0.1@{LISTS}
stub-zone:
  name: "dead.example"
  stub-addr: 127.0.0.1@1
remote-control:
  control-enable: no
"""
        self.processes.append(subprocess.Popen(["/usr/sbin/unbound", "-d", "-c", write(f"{self.folder}/unbound.conf", configuration)],
                                               stdout=said, stderr=subprocess.STDOUT))
        self.wait_for("2.0.0.127.one.example")

    @staticmethod
    def wait_for(name):
        question = b"\0\1\1\0\0\1\0\0\0\0\0\0" + b"".join(bytes([len(w)]) + w.encode() for w in name.split(".")) + b"\0\0\1\0\1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(0.3)
            for _ in range(100):
                try:
                    asking.sendto(question, ("127.0.0.1", RESOLVER))
                    if asking.recv(512)[3] & 15 == 0:
                        return
                except OSError:
                    pass
                time.sleep(0.1)
        raise RuntimeError("the resolver does not answer")

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait(10)
