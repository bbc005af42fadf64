#!/usr/bin/env python3
"""The agent and the collector over TLS, the collector called by its name: from the hosts file, from a name server, from one
that wants to be asked over TCP. All within the courier's sandbox, where a thread looks the name up. A collector that cannot
show who it is gets nothing; an address may be as long as 2000 bytes."""
import os
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests/testbed"), os.path.join(TOP, "tests/e2e")]
from agent import Agent  # noqa: E402
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from delivery import all_there, make_news, spool  # noqa: E402
from testbed import Testbed, missing  # noqa: E402

CENTRE, PORT, NAME = "203.0.113.1", 8443, "centre.example"
LONG = f"https://{NAME}:{PORT}/" + "a" * 1970


def certificates(folder):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("authority", "stranger"):
        openssl("req", "-x509", *key, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", "-days", "2")
    for name, by, said in (("server", "authority", NAME), ("other", "authority", "other.example"), ("node", "authority", "node")):
        with open(os.path.join(folder, "names"), "w", encoding="utf-8") as file:
            file.write(f"subjectAltName=DNS:{said}\n")
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={said}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial", "-out",
                f"{name}.pem", "-days", "2", "-extfile", "names")
    os.chmod(folder, 0o755)


class Names:
    """What this test's mount namespace has for /etc/hosts and /etc/resolv.conf."""

    def __init__(self, folder):
        self.files, self.places = {}, []
        for name in ("hosts", "resolv.conf"):
            self.files[name] = os.path.join(folder, name)
            self.write(name, "")
            place = os.path.realpath(f"/etc/{name}")
            subprocess.run(["mount", "--bind", self.files[name], place], check=True)
            self.places.append(place)

    def end(self):
        for place in self.places:
            subprocess.run(["umount", "-l", place], check=False)

    def write(self, name, text):
        with open(self.files[name], "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.files[name], 0o644)


def connected(checks, agent, centre, number, what):
    """A new beginning by that way, and something delivered."""
    agent.start()
    agent.wait(lambda: spool(agent)["state"] == "connected", 60, f"the connection ({what})")
    make_news(agent, number)
    all_there(checks, agent, centre, what)
    text = agent.log_text()
    checks.that(f"{what}: the sandbox had nothing against it", "courier ended" not in text and "signal" not in text, text[-500:])
    agent.stop()


def refused(checks, agent, word, what):
    agent.start()
    trouble = agent.wait(lambda: spool(agent).get("trouble"), 30, what)
    time.sleep(1)
    checks.that(f"{what}: nothing is sent", spool(agent)["state"] == "trying" and word in trouble.lower(), spool(agent))
    agent.stop()


def check_names(checks, bed, agent, centre, names, configuration):
    names.write("hosts", f"127.0.0.1 localhost\n{CENTRE} {NAME}\n")
    connected(checks, agent, centre, 1, "TLS and a name of the hosts file")
    names.write("hosts", "127.0.0.1 localhost\n")
    names.write("resolv.conf", f"nameserver {CENTRE}\noptions timeout:1 attempts:2\n")
    program = [sys.executable, os.path.join(TOP, "tests/testbed/nameserver.py"), CENTRE, NAME, CENTRE]
    for number, more, what in ((2, [], "a name server"), (3, ["truncate"], "a name server over TCP")):
        server = bed.popen("inet", program + more, stdout=subprocess.PIPE)
        server.stdout.readline()
        connected(checks, agent, centre, number, what)
        server.kill()
        server.wait()
        server.stdout.close()
    refused(checks, agent, "resolve", "a name that nobody knows")
    names.write("hosts", f"{CENTRE} {NAME}\n")
    agent.configure(configuration(f"{LONG}\n  https://{NAME}:{PORT}"))
    connected(checks, agent, centre, 4, "an address of 2000 bytes, then one that is right")


def main():
    checks = Checks()
    lack = missing()
    if lack:
        checks.skip("https", lack)
        return checks.close()
    name = "httpsasan" if "asan" in os.environ.get("POSTERN_BUILD", "") else "https"
    with Testbed(name, guests=1) as bed, tempfile.TemporaryDirectory() as folder:
        certificates(folder)
        names = Names(folder)

        def launch(command, **more):
            return bed.popen("inet", command, **more)

        def collector(certificate):
            return Collector(os.path.join(folder, "store"), f"certificate = {folder}/{certificate}.pem\nkey = {folder}/{certificate}.key\n"
                             f"authority = {folder}/authority.pem\n", f"{CENTRE}:{PORT}", launch).start()

        def configuration(urls, authority="authority"):
            return ("[enforce]\nmode = enforce\n[collector]\n" f"urls = {urls}\ntoken = {token}\nauthority = {folder}/{authority}.pem\n"
                    f"certificate = {folder}/node.pem\nkey = {folder}/node.key\n")
        os.mkdir(os.path.join(folder, "store"))
        centre = collector("server")
        try:
            token = centre.token("--name", "hv7")
            agent = Agent(bed, "hv", configuration(f"https://{NAME}:{PORT}"))
            with agent:
                agent.stop()
                with checks.part("names"):
                    check_names(checks, bed, agent, centre, names, configuration)
                with checks.part("who it is"):
                    agent.configure(configuration(f"https://{NAME}:{PORT}", "stranger"))
                    refused(checks, agent, "certificate", "a collector that another authority signed")
                    centre.stop()
                    centre = collector("other")
                    agent.configure(configuration(f"https://{NAME}:{PORT}"))
                    refused(checks, agent, "certificate", "a collector with another's name")
                if checks.failed:
                    print(agent.log_text()[-3000:])
                    print(centre.said()[-2000:])
        finally:
            names.end()
            centre.stop()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
