#!/usr/bin/env python3
"""The collector's clients and the real filters, word by word: rspamd, spamd and clamd are asked, taught, untaught and pinged,
without a collector around it."""
import errno
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
ONCE = True
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "testbed")]
from check import Checks  # noqa: E402
from filters import GTUBE, TEST_VIRUS_NAME, Clamd, Rspamd, Spamd, gtube, letter, virus  # noqa: E402

BUILD = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"))
TOOL = os.path.join(BUILD, "test/e2e/filter_tool")
TEXT = "The garden is open to whoever comes early and brings a spade, a hoe or a basket along, and we shall have soup at noon. "
checks = Checks()


def build_tool():
    archives = [f"{BUILD}/lib/lib{name}.a" for name in ("collector-filter", "common-io", "common")]
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"] if BUILD.endswith("asan") else []
    libraries = subprocess.run(["pkgconf", "--libs", "jansson", "libpcre2-8", "libsystemd"], capture_output=True, text=True,
                               check=True).stdout.split()
    os.makedirs(os.path.dirname(TOOL), exist_ok=True)
    subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-O2", "-g", "-fno-lto", f"-I{TOP}", *sanitize, "-o", TOOL,
                    f"{HERE}/filter_tool.c", *archives, *libraries, "-lm"], check=True)


class Client:
    def __init__(self, folder, kind, address, controller="", password="", flag=0):
        self.folder, self.words = folder, [kind, address, controller, password, str(flag)]

    def __call__(self, verb, content=None):
        """(status, score, threshold, marks, action, symbols, trouble)"""
        path = os.path.join(self.folder, "message")
        with open(path, "wb") as file:
            file.write(content or b"")
        done = subprocess.run([TOOL, *self.words, verb, path], capture_output=True, text=True, timeout=60, check=True)
        status, score, threshold, marks, action, symbols, trouble = done.stdout.rstrip("\n").split("|", 6)
        return int(status), int(score), int(threshold), marks, action, symbols.split(), trouble


def spam_certain(name, said):
    status, score, threshold, marks, _, symbols, _ = said
    checks.that(f"{name}: the test message is spam for certain",
                status == 0 and score >= threshold > 0 and marks == "certain -" and "GTUBE" in symbols, said)


def lessons(name, client, expected):
    """Each lesson and what comes of it: 0 learned, 1 known already."""
    got = [(verb, client(verb, letter(TEXT * 4))[0]) for verb, _ in expected]
    checks.that(f"{name}: {', '.join(verb for verb, _ in expected)}", got == expected, got)


def rspamd_part(folder):
    with Rspamd() as rspamd:
        at, controller = f"127.0.0.1:{rspamd.port}", f"127.0.0.1:{rspamd.controller_port}"
        client = Client(folder, "rspamd", at, controller, rspamd.password)
        checks.that("rspamd: it answers a ping", client("ping")[0] == 0, client("ping"))
        spam_certain("rspamd", client("ask", gtube()))
        said = client("ask", letter("See you on Tuesday."))
        checks.that("rspamd: a letter is ham, held against the score of marking",
                    said[0] == 0 and said[1] < said[2] == 600 and said[4] == "no action", said)
        checks.that("rspamd: it was told the envelope's sender", "FROM_EQ_ENVFROM" in said[5], said)
        lessons("rspamd", client, [("spam", 0), ("spam", 1), ("ham", 0), ("ham", 1), ("forget", -errno.ENOTSUP)])
        said = Client(folder, "rspamd", at, controller, "another word")("spam", letter(TEXT))
        checks.that("rspamd: a wrong password is said", said[0] == -errno.EACCES and "password" in said[6], said)
        fuzzy = Client(folder, "rspamd", at, controller, rspamd.password, rspamd.fuzzy_flag)
        lessons("rspamd with fuzzy storage", fuzzy, [("spam", 0), ("forget", 0)])
        said = fuzzy("spam", b"Subject: nothing in it\r\n\r\n")
        checks.that("rspamd: what has nothing to be learned is not tried again", said[0] == 1, said)
        said = Client(folder, "spamd", at)("ask", gtube())
        checks.that("rspamd speaks spamd's protocol as well, and is understood", said[0] == 0 and "GTUBE" in said[5], said)


def spamd_part(folder):
    with Spamd() as spamd:
        client = Client(folder, "spamd", f"127.0.0.1:{spamd.port}")
        checks.that("spamd: it answers a ping", client("ping")[0] == 0, client("ping"))
        spam_certain("spamd", client("ask", gtube()))
        said = client("ask", letter("See you on Tuesday."))
        checks.that("spamd: a letter is ham", said[0] == 0 and said[1] < said[2] == 500, said)
        checks.that("spamd: it reads the trace as a Received line", not {"NO_RELAYS", "NO_RECEIVED"} & set(said[5]), said)
        checks.that("spamd: ... that says nothing of the client's name in the DNS", not {"RDNS_NONE", "UNPARSEABLE_RELAY"} & set(said[5]), said)
        said = client("ask", letter(f"{GTUBE}\nGr\u00f6\u00dfe"))
        checks.that("spamd: the weightiest rule comes first", said[5][:1] == ["GTUBE"] and "CTE_8BIT_MISMATCH" in said[5], said)
        said = client("ask", letter("Content analysis details:\n\n" + "-" * 4 + " " + "-" * 22 + " " + "-" * 50 + "\n1000 GTUBE  BODY: x\n"))
        checks.that("spamd: a table that the message brings is none", said[0] == 0 and said[3] == "- -" and said[5] and "GTUBE" not in said[5], said)
        lessons("spamd", client, [("spam", 0), ("spam", 1), ("ham", 0), ("ham", 1), ("forget", 0), ("forget", 1)])
        said = Client(folder, "rspamd", f"127.0.0.1:{spamd.port}")("ask", letter("x"))
        checks.that("rspamd's client does not take spamd for rspamd", said[0] < 0 and said[6], said)


def report_part(folder):
    """A report of the site's own, without a table."""
    with Spamd(more="clear_report_template\nreport It is spam: _YESNO_. _PREVIEW_\n") as spamd:
        checks.that("spamd: its report is the site's own", "It is spam: Yes. XJS" in spamd.ask("REPORT", gtube()), spamd.said()[-500:])
        client = Client(folder, "spamd", f"127.0.0.1:{spamd.port}")
        spam_certain("spamd with a report of the site's", client("ask", gtube()))
        said = client("ask", letter("1000 GTUBE  BODY: x"))
        checks.that("... and what it quotes is no rule", said[0] == 0 and said[3] == "- -" and said[5] and "GTUBE" not in said[5], said)


def clamd_part(folder):
    with Clamd(more="") as clamd:
        for name, address in (("TCP", f"127.0.0.1:{clamd.port}"), ("its socket", f"unix:{clamd.folder}/socket")):
            client = Client(folder, "clamd", address)
            checks.that(f"clamd by {name}: it answers a ping", client("ping")[0] == 0, client("ping"))
            said = client("ask", virus())
            checks.that(f"clamd by {name}: a virus is named", said[0] == 0 and said[3:6] == ("certain virus", "FOUND", [TEST_VIRUS_NAME]), said)
            said = client("ask", letter("See you on Tuesday."))
            checks.that(f"clamd by {name}: clean is no verdict", said[:5] == (0, 0, 0, "- -", "OK"), said)
        said = client("ask", letter("x" * (21 << 20)))
        checks.that("clamd: too long a message has no verdict", said[:5] == (0, 0, 0, "- -", "too long"), said)


def main():
    build_tool()
    with tempfile.TemporaryDirectory() as folder:
        for part in (rspamd_part, spamd_part, report_part, clamd_part):
            with checks.part(part.__name__):
                try:
                    part(folder)
                except FileNotFoundError as lack:
                    checks.skip(part.__name__, lack)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
