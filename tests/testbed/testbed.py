#!/usr/bin/env python3
"""A hosting company in network namespaces: a hypervisor, its guests and the world outside.

    with Testbed("block", "bridged") as bed:
        bed.can_connect("vps1", bed.SINK4, 25)

Namespaces carry the test's name (postern-block-hv, -inet, -vps1 ...), so that several beds stand side by side; a bed
waits for one of its own name that stands (another run of the same test), clears away what an earlier run left, and
itself at the end. Inside, names and addresses are always these:

    vpsN   eth0   203.0.113.1N        2001:db8:1::1N         a guest; its MAC is 02:00:00:00:00:1N
                  198.18.N.0/24       2001:db8:f0N::/64      routed to it as well: any source in them can be bound
    hv     vnetN  the guest's port (MAC fe:...), uplink0, br0; 203.0.113.2 where it is not the router
    inet   eth0   203.0.113.1 or 192.0.2.1                   smtp-sink on 25, 465, 587, 2525, a listener on 443:
                  198.51.100.25-27    2001:db8:25::25-27

Layouts: bridged  ports and uplink on one bridge, the router is outside
         routed   ports on one bridge, the hypervisor is the router
         ptp      no bridge: a /32 and a /128 behind each port, proxy ARP (LXC, OpenVZ)
         pve      Proxmox with its firewall: port, a bridge of its own, a veth pair, the common bridge

By hand: testbed.py up NAME [LAYOUT [GUESTS]] | down NAME | exec NAME PLACE COMMAND... | names NAME
Needs root, iproute2 and Postfix's smtp-sink. Python's standard library alone.
"""

import ctypes
import fcntl
import ipaddress
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

LAYOUTS = ("bridged", "routed", "ptp", "pve")
MAIL_PORTS = (25, 465, 587, 2525)
CLONE_NEWNET = 0x40000000
PATIENCE = 240  # seconds to wait for another bed of the same name

_libc = ctypes.CDLL(None, use_errno=True)


class TestbedError(Exception):
    """The bed could not be made; what it stands on is missing or refused."""


def missing():
    """What this machine lacks for a bed, as a sentence; empty where nothing does."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program, package in (("ip", "iproute2"), ("smtp-sink", "postfix"), ("sysctl", "procps")):
        if shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
            return f"{program} is missing: install {package}"
    return ""


class Testbed:
    SINK4, SINK6 = "198.51.100.25", "2001:db8:25::25"
    SINKS4 = tuple(f"198.51.100.{n}" for n in (25, 26, 27))
    SINKS6 = tuple(f"2001:db8:25::{n}" for n in (25, 26, 27))

    def __init__(self, name, layout="bridged", guests=3, br_netfilter=False, keep_mail=False, sinks=True):
        """`keep_mail`: the sinks write each message to a file, see mail(). Without `sinks` nobody listens outside."""
        if layout not in LAYOUTS:
            raise TestbedError(f"no layout '{layout}': one of {', '.join(LAYOUTS)}")
        self.name, self.layout, self.guests = name, layout, range(1, guests + 1)
        self.br_netfilter, self.keep_mail, self.sinks = br_netfilter, keep_mail, sinks
        self.directory = None
        self.processes = []
        self.lock = None

    # What the bed is called and where things are

    def namespace(self, place):
        """The namespace's full name: place is "hv", "inet", "vps1" ..."""
        return f"postern-{self.name}-{place}"

    @property
    def places(self):
        return ["hv", "inet"] + [f"vps{k}" for k in self.guests]

    @property
    def ports(self):
        return [f"vnet{k}" for k in self.guests]

    @staticmethod
    def address4(k):
        return f"203.0.113.1{k}"

    @staticmethod
    def address6(k):
        return f"2001:db8:1::1{k}"

    @staticmethod
    def mac(k):
        return f"02:00:00:00:00:1{k}"

    @staticmethod
    def routed4(k, host):
        """An address of the IPv4 prefix that is routed to guest k."""
        return f"198.18.{k}.{host}"

    @staticmethod
    def routed6(k, host):
        """An address of the IPv6 /64 that is routed to guest k."""
        return f"2001:db8:f0{k}::{host:x}"

    # Making it and clearing it away

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *_):
        self.down()

    def up(self):
        lack = missing()
        if lack:
            raise TestbedError(lack)
        self._claim_name()
        self._clear()
        self.directory = tempfile.mkdtemp(prefix=f"postern-{self.name}-")
        os.chmod(self.directory, 0o755)
        try:
            for place in ("hv", "inet"):
                self._make_namespace(place)
            self._make_world()
            for k in self.guests:
                self.plug(k)
            if self.sinks:
                self._start_sinks()
        except BaseException:
            self.down()
            raise

    def down(self):
        try:
            self._clear()
        finally:
            if self.lock is not None:
                os.close(self.lock)
                self.lock = None

    def _claim_name(self):
        """Two runs of one test at the same time would clear each other away: the second waits."""
        os.makedirs("/run/postern-testbed", exist_ok=True)
        self.lock = os.open(f"/run/postern-testbed/{self.name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > end:
                    raise TestbedError(f"another testbed '{self.name}' stands and does not end") from None
                time.sleep(0.1)

    def _clear(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
        for process in self.processes:
            process.wait()
        self.processes = []
        for namespace in self._standing():
            self._end_processes(namespace)
            subprocess.run(["ip", "netns", "del", namespace], check=False)
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None

    def _standing(self):
        """The namespaces of this bed that exist, from this run or an earlier one."""
        listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
        prefix = self.namespace("")
        names = [line.split()[0] for line in listed.splitlines() if line.strip()]
        return [n for n in names if n.startswith(prefix) and "-" not in n[len(prefix):]]

    @staticmethod
    def _end_processes(namespace):
        for number in (signal.SIGTERM, signal.SIGKILL):
            for _ in range(20):
                listed = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False)
                pids = [int(p) for p in listed.stdout.split() if int(p) != os.getpid()]
                if not pids:
                    return
                for pid in pids:
                    try:
                        os.kill(pid, number)
                    except ProcessLookupError:
                        pass
                time.sleep(0.05)

    def _ip(self, place, *arguments):
        command = ["ip", "-n", self.namespace(place)] + [w for a in arguments for w in a.split()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise TestbedError(f"{' '.join(command)}: {done.stderr.strip()}")

    def _set(self, place, **values):
        settings = [f"{key.replace('__', '.')}={value}" for key, value in values.items()]
        subprocess.run(["ip", "netns", "exec", self.namespace(place), "sysctl", "-qw"] + settings,
                       capture_output=True, check=False)

    def _make_namespace(self, place):
        subprocess.run(["ip", "netns", "add", self.namespace(place)], check=True)
        self._ip(place, "link set lo up")
        # Addresses at once, no answers dropped for coming from an unexpected side.
        for family in ("all", "default"):
            self._set(place, **{f"net__ipv6__conf__{family}__{key}": 0 for key in
                                ("accept_dad", "dad_transmits", "accept_ra", "router_solicitations")})
            self._set(place, **{f"net__ipv4__conf__{family}__rp_filter": 0})

    def _make_world(self):
        self._ip("hv", f"link add uplink0 type veth peer name eth0 netns {self.namespace('inet')}")
        self._ip("hv", "link set uplink0 up")
        self._ip("inet", "link set eth0 up")
        if self.layout != "ptp":
            self._ip("hv", "link add br0 type bridge stp_state 0 forward_delay 0")
            self._ip("hv", "link set br0 up")
        for sink in self.SINKS4:
            self._ip("inet", f"addr add {sink}/32 dev lo")
        for sink in self.SINKS6:
            self._ip("inet", f"addr add {sink}/128 dev lo nodad")
        if self.layout in ("bridged", "pve"):
            self._router_outside()
        else:
            self._router_inside()
        value = 1 if self.br_netfilter else 0
        self._set("hv", **{"net__bridge__bridge-nf-call-iptables": value, "net__bridge__bridge-nf-call-ip6tables": value})

    def _router_outside(self):
        self._ip("hv", "link set uplink0 master br0")
        self._ip("inet", "addr add 203.0.113.1/24 dev eth0")
        self._ip("inet", "addr add 2001:db8:1::1/64 dev eth0 nodad")
        self._ip("hv", "addr add 203.0.113.2/24 dev br0")
        self._ip("hv", "addr add 2001:db8:1::2/64 dev br0 nodad")
        self._ip("hv", "route add default via 203.0.113.1")
        self._ip("hv", "-6 route add default via 2001:db8:1::1")

    def _router_inside(self):
        if self.layout == "routed":
            self._ip("hv", "addr add 203.0.113.1/24 dev br0")
            self._ip("hv", "addr add 2001:db8:1::1/64 dev br0 nodad")
        for place, device, host, peer in (("hv", "uplink0", 2, 1), ("inet", "eth0", 1, 2)):
            self._ip(place, f"addr add 192.0.2.{host}/30 dev {device}")
            self._ip(place, f"addr add 2001:db8:ff::{host}/64 dev {device} nodad")
            if place == "hv":
                self._ip(place, f"route add default via 192.0.2.{peer}")
                self._ip(place, f"-6 route add default via 2001:db8:ff::{peer}")
        for prefix in ("203.0.113.0/24", "198.18.0.0/15"):
            self._ip("inet", f"route add {prefix} via 192.0.2.2")
        for prefix in ("2001:db8:1::/64", "2001:db8:f00::/40"):
            self._ip("inet", f"-6 route add {prefix} via 2001:db8:ff::2")
        self._set("hv", net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1)

    # Guests come and go

    def hooked(self, at="hv"):
        """The devices that a chain of our table hooks."""
        return set(re.findall(r'hook ingress device "?([^"\s]+)"? ', self.run(at, ["nft", "list", "ruleset"]).stdout))

    def wait_until_hooked(self, port, at="hv", patience=10):
        """A port that has just come is nobody's for a moment, which a busy machine makes longer: what holds from the
        moment of its hook on can be asked for behind this."""
        end = time.monotonic() + patience
        while port not in self.hooked(at):
            if time.monotonic() > end:
                raise TestbedError(f"no hook on {port} within {patience} s")
            time.sleep(0.02)

    def plug(self, k, port=None, at="hv"):
        """Guest k comes: its namespace, its port in hv or another hypervisor (vnetK unless named), its addresses."""
        place, port = f"vps{k}", port or f"vnet{k}"
        self._make_namespace(place)
        self._ip(at, f"link add {port} type veth peer name eth0 netns {self.namespace(place)}")
        self._ip(place, f"link set eth0 address {self.mac(k)}")
        self._ip(at, f"link set {port} address fe{self.mac(k)[2:]}")
        if self.layout in ("bridged", "routed"):
            self._ip(at, f"link set {port} master br0")
        elif self.layout == "pve":
            self._ip("hv", f"link add fwbr{k} type bridge stp_state 0 forward_delay 0")
            self._ip("hv", f"link add fwpr{k} type veth peer name fwln{k}")
            for device, bridge in ((f"fwpr{k}", "br0"), (f"fwln{k}", f"fwbr{k}"), (port, f"fwbr{k}")):
                self._ip("hv", f"link set {device} master {bridge}")
            for device in (f"fwbr{k}", f"fwpr{k}", f"fwln{k}"):
                self._ip("hv", f"link set {device} up")
        self._ip(at, f"link set {port} up")
        self._ip(place, "link set eth0 up")
        if self.layout == "ptp":
            self._address_alone(k, place, port)
        else:
            self._ip(place, f"addr add {self.address4(k)}/24 dev eth0")
            self._ip(place, f"addr add {self.address6(k)}/64 dev eth0 nodad")
            self._ip(place, "route add default via 203.0.113.1")
            self._ip(place, "-6 route add default via 2001:db8:1::1")
        self._route_prefixes(k, place)

    def add_hypervisor(self, place, host):
        """Another one on the same network, 203.0.113.HOST, to which guests can be plugged; bridged alone."""
        self._make_namespace(place)
        self._ip(place, f"link add uplink0 type veth peer name to{place} netns {self.namespace('hv')}")
        self._ip("hv", f"link set to{place} master br0 up")
        self._ip(place, "link add br0 type bridge stp_state 0 forward_delay 0")
        self._ip(place, "link set uplink0 master br0 up")
        self._ip(place, "link set br0 up")
        self._ip(place, f"addr add 203.0.113.{host}/24 dev br0")
        self._ip(place, "route add default via 203.0.113.1")

    def unplug(self, k):
        """Guest k goes: its namespace and its port."""
        self._end_processes(self.namespace(f"vps{k}"))
        # The namespace goes away lazily; the port must be gone when this returns.
        self._ip(f"vps{k}", "link del eth0")
        subprocess.run(["ip", "netns", "del", self.namespace(f"vps{k}")], check=True)
        if self.layout == "pve":
            self._ip("hv", f"link del fwpr{k}")
            self._ip("hv", f"link del fwbr{k}")

    def _address_alone(self, k, place, port):
        self._ip(place, f"addr add {self.address4(k)}/32 dev eth0")
        self._ip(place, f"addr add {self.address6(k)}/128 dev eth0 nodad")
        self._ip(place, "route add 203.0.113.1 dev eth0 scope link")
        self._ip(place, "route add default via 203.0.113.1")
        self._ip(place, "-6 route add default via fe80::1 dev eth0")
        self._ip("hv", f"addr add 203.0.113.1/32 dev {port}")
        self._ip("hv", f"addr add fe80::1/64 dev {port} nodad")
        self._ip("hv", f"route add {self.address4(k)} dev {port}")
        self._ip("hv", f"-6 route add {self.address6(k)} dev {port}")
        self._set("hv", **{f"net__ipv4__conf__{port}__proxy_arp": 1})

    def _route_prefixes(self, k, place):
        router = "inet" if self.layout in ("bridged", "pve") else "hv"
        onlink = f" dev vnet{k} onlink" if self.layout == "ptp" else ""
        self._ip(router, f"route replace 198.18.{k}.0/24 via {self.address4(k)}{onlink}")
        self._ip(router, f"-6 route replace 2001:db8:f0{k}::/64 via {self.address6(k)}")
        # The guest answers for the whole of both, so that any of them can be a source.
        self._ip(place, f"route add local 198.18.{k}.0/24 dev lo")
        self._ip(place, f"-6 route add local 2001:db8:f0{k}::/64 dev lo")
        self._set(place, net__ipv4__ip_nonlocal_bind=1, net__ipv6__ip_nonlocal_bind=1)

    # Who listens

    def _start_sinks(self):
        for port in MAIL_PORTS:
            self.sink("inet", port)
        self.listen("inet", 443)

    def sink(self, place, port, *options):
        """A real smtp-sink on a port of a place, IPv4 and IPv6; extra options as smtp-sink's own (-e, -r RCPT ...)."""
        mail = os.path.join(self.directory, "mail", place)
        if self.keep_mail and not os.path.isdir(mail):
            os.makedirs(mail)
            shutil.chown(mail, "nobody")
        keep = ["-d", os.path.join(mail, f"{port}.")] if self.keep_mail else []
        started = [self.popen(place, ["smtp-sink", "-u", "nobody", *keep, *options, f"inet:{any_address}:{port}", "512"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                   for any_address in ("0.0.0.0", "[::]")]
        self._wait_listening(place, port)
        return started

    def mail(self, place="inet"):
        """The messages that the sinks of a place took, as texts (smtp-sink puts X-Mail-Args, X-Rcpt-Args ... first)."""
        directory = os.path.join(self.directory, "mail", place)
        texts = []
        for name in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
            with open(os.path.join(directory, name), encoding="utf-8", errors="replace") as file:
                texts.append(file.read())
        return texts

    def listen(self, place, port):
        """A plain listener that takes connections and reads what comes, IPv4 and IPv6."""
        program = ("import socket,threading\n"
                   "def read(c):\n"
                   "    try:\n"
                   "        while c.recv(65536): pass\n"
                   "    except OSError: pass\n"
                   "    c.close()\n"
                   f"s=socket.create_server(('::',{port}),family=socket.AF_INET6,dualstack_ipv6=True,backlog=512)\n"
                   "while True: threading.Thread(target=read,args=(s.accept()[0],),daemon=True).start()\n")
        process = self.popen(place, [sys.executable, "-ISc", program],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait_listening(place, port)
        return process

    def _wait_listening(self, place, port):
        end = time.monotonic() + 10
        for address in ("127.0.0.1", "::1"):
            while not self.can_connect(place, address, port, timeout=0.5):
                if time.monotonic() > end:
                    raise TestbedError(f"nothing listens on {address} port {port} in {place}")
                time.sleep(0.02)

    def mta(self, name):
        """A real client, "postfix", "exim" or "opensmtpd", that sends one message at a time by mta.sh:

            send = bed.mta("exim")
            send("vps1", bed.SINK4, 25, "anna@firm.test", "ben@other.test", "Subject: hello\\n\\nHello.\\n")

        True where the server took it. TestbedError where that client is not to be had here."""
        directory = os.path.join(self.directory, name)
        made = subprocess.run([os.path.join(os.path.dirname(os.path.abspath(__file__)), "mta.sh"), name, directory],
                              capture_output=True, text=True, check=False)
        if made.returncode:
            raise TestbedError(made.stderr.strip())

        def send(place, server, port, sender, recipient, message, helo="mx.firm.test"):
            return self.run(place, [os.path.join(directory, "send"), server, str(port), sender, recipient],
                            input=message, env={**os.environ, "HELO": helo}).returncode == 0
        return send

    # Doing things in a place

    def run(self, place, command, timeout=60, **options):
        """Run to the end; a list, or a string for the shell. Gives subprocess.CompletedProcess with texts."""
        return subprocess.run(self._inside(place, command), timeout=timeout,
                              **{"capture_output": True, "text": True, "check": False, **options})

    def popen(self, place, command, **options):
        """Start; it is ended with the bed at the latest."""
        process = subprocess.Popen(self._inside(place, command), start_new_session=True,
                                   **{"stdin": subprocess.DEVNULL, **options})
        self.processes.append(process)
        return process

    def _inside(self, place, command):
        words = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        path = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
        return ["ip", "netns", "exec", self.namespace(place), "/usr/bin/env", f"PATH={path}"] + words

    def within(self, place, function):
        """Call a function on a thread that stands in the place: sockets that it makes belong there, and stay there."""
        outcome = {}

        def enter():
            descriptor = None
            try:
                descriptor = os.open(f"/run/netns/{self.namespace(place)}", os.O_RDONLY | os.O_CLOEXEC)
                if _libc.setns(descriptor, CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
                outcome["result"] = function()
            except BaseException as problem:  # carried over to the caller's thread
                outcome["problem"] = problem
            finally:
                if descriptor is not None:
                    os.close(descriptor)

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if "problem" in outcome:
            raise outcome["problem"]
        return outcome["result"]

    def connect(self, place, address, port, timeout=1.0, source=None):
        """A connected socket from that place, from a source address if one is named; OSError where there is no way."""
        def attempt():
            family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
            connection = socket.socket(family, socket.SOCK_STREAM)
            try:
                connection.settimeout(timeout)
                if source:
                    connection.bind((source, 0))
                connection.connect((address, port))
                return connection
            except BaseException:
                connection.close()
                raise
        return self.within(place, attempt)

    def outcome(self, place, address, port, timeout=1.0, source=None):
        """"open", "reset" (an answer that refuses) or "silent" (none)."""
        try:
            self.connect(place, address, port, timeout, source).close()
            return "open"
        except (ConnectionRefusedError, ConnectionResetError):
            return "reset"
        except OSError:
            return "silent"

    def can_connect(self, place, address, port, timeout=1.0, source=None):
        return self.outcome(place, address, port, timeout, source) == "open"


def main(words):
    if len(words) >= 3 and words[1] == "up":
        bed = Testbed(words[2], *words[3:4], *(int(w) for w in words[4:5]))
        bed.up()
        print("\n".join(bed.namespace(place) for place in bed.places))
    elif len(words) == 3 and words[1] == "down":
        Testbed(words[2]).down()
    elif len(words) == 3 and words[1] == "names":
        print("\n".join(Testbed(words[2])._standing()))
    elif len(words) >= 5 and words[1] == "exec":
        os.execvp("ip", Testbed(words[2])._inside(words[3], words[4:]))
    else:
        print(__doc__)
        return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv))
    except TestbedError as problem:
        sys.exit(f"testbed: {problem}")
