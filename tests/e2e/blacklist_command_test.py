#!/usr/bin/env python3
"""`postern-collector blacklist` says where names are listed and how to get off, and never calls clean what it could not
ask or believe: real rbldnsd behind a real unbound."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
ONCE = True
sys.path[:0] = [HERE, os.path.join(TOP, "tests/testbed")]
from blacklists import RESOLVER, Servers, write, zone  # noqa: E402
from check import Checks  # noqa: E402

COLLECTOR = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern-collector")
HERE_IT_IS = ["--resolver", f"127.0.0.1:{RESOLVER}"]
SOUND = [zone("one.example"), zone("two.example"), zone("six.example", families="4 6"),
         zone("names.example", "domains", codes="code = 127.0.1.2 medium a bad domain")]
UNSOUND = {"wild.example": ("wildcard",), "empty.example": ("empty",), "refusing.example": ("public-resolver",),
           "parked.example": ("outside",), "dead.example": ("failed", "timeout")}


def blacklist(*words):
    """(exit status, stdout, stderr)"""
    done = subprocess.run([COLLECTOR, "blacklist", *words], capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


class Lists:
    def __init__(self, folder):
        self.folder = folder

    def file(self, name, zones):
        return write(f"{self.folder}/{name}.conf", "\n".join(zones))

    def ask(self, zones, *words):
        """(exit status, {(name, list): object})"""
        status, out, err = blacklist(*HERE_IT_IS, "--zones", self.file("asked", zones), "--json", *words)
        objects = [json.loads(line) for line in out.decode("ascii").splitlines()]
        if err:
            raise RuntimeError(err)
        return status, {(o["name"], o["list"]): o for o in objects}


def said(checks, lists):
    status, by = lists.ask(SOUND, "192.0.2.10", "192.0.2.200", "2001:db8:bad::7", "2001:db8::7", "Mail.Bad.example.org.",
                           "good.example.org")
    checks.that("one that is listed: status 1", status == 1, status)
    checks.that("each name is told of each list that takes it", len(by) == 3 + 3 + 1 + 1 + 1 + 1, sorted(by))
    listed = {key: o for key, o in by.items() if o["state"] == "listed"}
    checks.that("IPv4, IPv6 and a domain are listed, and nothing else",
                sorted(listed) == [("192.0.2.10", "two.example"), ("2001:db8:bad::7", "six.example"),
                                   ("mail.bad.example.org", "names.example")]
                and all(o["state"] == "clean" for key, o in by.items() if key not in listed), by)
    checks.that("with weight, meaning, code, words and link", listed["mail.bad.example.org", "names.example"] == {
        "name": "mail.bad.example.org", "list": "names.example", "state": "listed", "codes": ["127.0.1.2"], "weight": "medium",
        "means": "a bad domain", "reason": "a bad domain", "link": "https://names.example/"}, listed)
    status, by = lists.ask(SOUND, "192.0.2.200", "good.example.org")
    checks.that("all clean: status 0", status == 0 and {o["state"] for o in by.values()} == {"clean"}, (status, by))


def table(checks, lists):
    status, out, err = blacklist(*HERE_IT_IS, "--zones", lists.file("sound", SOUND + [zone("wild.example")]), "192.0.2.10", "192.0.2.200")
    lines = out.decode().splitlines()
    rows = [line for line in lines if line.startswith(("LISTED", "192.0.2.10 ", "192.0.2.200"))]
    head, row = rows[0], rows[1]
    checks.that("a line says where, how much, what for and how to get off",
                row.split("  ")[0] == "192.0.2.10" and " two.example " in row and "dynamic (127.0.0.10)" in row
                and "informational" in row and "https://two.example/" in row, lines)
    checks.that("columns stand below their heads", all(row.index(cell) == head.index(title) for cell, title in (
        ("two.example", "LIST  "), ("informational", "WEIGHT"), ("dynamic", "MEANS"), ("https", "HOW"))), (head, row))
    checks.that("what is not known is told with its reason", sum("wild.example" in line and "lists everything" in line for line in lines) == 2,
                lines)
    checks.that("sums: listed, clean, not known, not asked", [line.split() for line in lines[-3:-1]]
                == [["192.0.2.10", "1", "2", "1", "0"], ["192.0.2.200", "0", "3", "1", "0"]] and status == 1 and not err,
                (lines, status, err))


def unsound(checks, lists):
    begun = time.monotonic()
    status, by = lists.ask([zone(name) for name in UNSOUND] + SOUND[:1], "192.0.2.200")
    seconds = time.monotonic() - begun
    for name, doubts in UNSOUND.items():
        seen = by["192.0.2.200", name]
        checks.that(f"{name} is not known: {doubts[0]}", seen["state"] == "unknown" and seen["doubt"] in doubts and seen["why"], seen)
    checks.that("where one list was heard, that is enough for status 0", status == 0, status)
    checks.that("a dead list ends, too", seconds < 60, seconds)
    print(f"      unsound: {seconds:.1f} s")
    status, by = lists.ask([zone("wild.example"), zone("empty.example")], "192.0.2.200")
    checks.that("where none was heard: status 1", status == 1 and len(by) == 2, (status, by))
    status, by = lists.ask([zone("one.example")], "2001:db8::1")
    checks.that("where none takes the name: status 1", status == 1 and not by, (status, by))
    status, by = lists.ask(SOUND[:2], "192.0.2.77", "192.0.2.8")
    checks.that("codes that nobody knows are no listing, and shown",
                by["192.0.2.77", "two.example"]["doubt"] == "unknown-code" and by["192.0.2.77", "two.example"]["codes"] == ["127.0.0.77"]
                and by["192.0.2.8", "two.example"]["doubt"] == "outside", by)


def nobody(checks, lists):
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    for where, doubts in (("127.0.0.1:9", {"unreachable", "timeout"}), (f"127.0.0.1:{silent.getsockname()[1]}", {"timeout"})):
        begun = time.monotonic()
        status, out, _ = blacklist("--resolver", where, "--zones", lists.file("sound", SOUND), "--json", "192.0.2.10", "bad.example.org")
        objects = [json.loads(line) for line in out.splitlines()]
        checks.that(f"nobody answers at {where}: nothing is clean, status 1",
                    status == 1 and len(objects) == 4 and {o["state"] for o in objects} == {"unknown"}
                    and {o["doubt"] for o in objects} <= doubts, (status, objects))
        print(f"      nobody at {where}: {time.monotonic() - begun:.1f} s")
    silent.close()
    status, by = lists.ask(SOUND[:1], "--resolver", "127.0.0.1:9", "192.0.2.200")
    checks.that("of two resolvers one is enough", status == 0 and by["192.0.2.200", "one.example"]["state"] == "clean", by)


def hostile(checks, lists):
    path = lists.file("hostile", [zone("hostile.example")])
    status, out, err = blacklist(*HERE_IT_IS, "--zones", path, "192.0.2.66")
    checks.that("a terminal gets nothing that it would obey", all(byte == 10 or 32 <= byte < 127 for byte in out) and b"owned" in out
                and b"end" in out and status == 1 and not err, (out, err))
    status, out, _ = blacklist(*HERE_IT_IS, "--zones", path, "--json", "192.0.2.66")
    checks.that("nor does JSON hold any", all(byte == 10 or 32 <= byte < 127 for byte in out) and "owned" in json.loads(out)["reason"]
                and "\x1b" not in json.loads(out)["reason"], out)


def chosen(checks, lists):
    zones = [zone("one.example", more="use = no\nterms = for friends\n"), zone("two.example"), zone("{mine}.six.example")]
    status, by = lists.ask(zones, "192.0.2.200")
    checks.that("lists that are not asked are told, with the reason",
                status == 0 and by["192.0.2.200", "one.example"]["state"] == "unasked" and "for friends" in by["192.0.2.200", "one.example"]["why"]
                and by["192.0.2.200", "two.example"]["state"] == "clean"
                and "--key mine=FILE" in by["192.0.2.200", "{mine}.six.example"]["why"], by)
    status, by = lists.ask(zones, "--list", "one.*", "192.0.2.200")
    checks.that("who names a list hears of that one", status == 0 and [o["state"] for o in by.values()] == ["clean"]
                and ("192.0.2.200", "one.example") in by, by)
    _, by = lists.ask(zones, "--list", "all", "192.0.2.200")
    checks.that("and of one that lacks its key, where a pattern names it", by["192.0.2.200", "{mine}.six.example"]["state"] == "unasked"
                and len(by) == 3, by)
    key = write(f"{lists.folder}/key", "secret5\n")
    path = lists.file("keyed", [zone("{mine}.keyed.example", more="use = no\n")])
    status, out, err = blacklist(*HERE_IT_IS, "--zones", path, "--key", f"mine={key}", "192.0.2.5")
    checks.that("a key makes the zone's name, and is not shown", status == 1 and b"Seen by 192.0.2.5" in out
                and b"  {mine}.keyed.example" in out and b"secret5" not in out, (out, err))
    status, out, _ = blacklist("--resolver", "127.0.0.1:9", "192.0.2.200")
    checks.that("the shipped file is asked where none is named", status == 1 and b"bl.spamcop.net" in out and b"zen.spamhaus.org" in out, out)


def usage(checks, lists):
    sound = lists.file("sound", SOUND)
    broken = write(f"{lists.folder}/broken.conf", "[one.example]\nkind = cheese\n")
    for what, words, part in (
            ("no name", [], "which addresses"),
            ("no name to look up", ["not a name"], "nothing to look up"),
            ("an address with a prefix", ["192.0.2.0/24"], "nothing to look up"),
            ("too many names", ["192.0.2.1"] * 257, "too much"),
            ("no such option", ["--fast", "192.0.2.1"], "no such option"),
            ("a value where none belongs", ["--json=yes", "192.0.2.1"], "no value"),
            ("a resolver that is none", ["--resolver", "ns.example", "192.0.2.1"], "no address"),
            ("a zones file that is not there", ["--zones", "/nowhere", "192.0.2.1"], "/nowhere"),
            ("a zones file that is broken", ["--zones", broken, "192.0.2.1"], "broken.conf:2"),
            ("a list that is not in it", ["--zones", sound, "--list", "three.example", "192.0.2.1"], "no such zone"),
            ("a list that is no more", ["--list", "dnsbl.sorbs.net", "192.0.2.1"], "SORBS was closed"),
            ("a key without a file", ["--key", "spamhaus", "192.0.2.1"], "NAME=FILE"),
            ("a key that no list needs", ["--key", f"nobody={broken}", "192.0.2.1"], "")):
        status, out, err = blacklist(*words)
        checks.that(f"{what}: status 2 and a sentence", status == 2 and part in err and err.count("\n") == 1 and not out, (status, out, err))
    _, _, err = blacklist("--resolver", "127.0.0.1:9", "--resolver", "8.8.8.8:9", "--zones", sound, "192.0.2.1")
    checks.that("a public resolver is told as one", "Google Public DNS" in err, err)


def main():
    checks = Checks()
    for program in ("/usr/sbin/rbldnsd", "/usr/sbin/unbound"):
        if not os.path.exists(program):
            checks.skip("blacklists", f"{program} is not installed")
            return checks.close()
    folder = tempfile.mkdtemp(prefix="blacklist-command-")
    servers = Servers(folder)
    lists = Lists(folder)
    try:
        servers.start()
        for part in (said, table, unsound, nobody, hostile, chosen, usage):
            with checks.part(part.__name__):
                part(checks, lists)
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
