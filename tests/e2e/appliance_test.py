#!/usr/bin/env python3
"""Appliances: real mail filters that the collector knows nothing of but that they speak SMTP. Messages go to them, come back
to the collector's listener by SMTP or LMTP, and what their headers say reaches the node.

amavisd-new with SpamAssassin and clamd behind a Postfix, spampd behind a Postfix and without one, a Postfix that writes what
MailScanner writes (which Debian does not have), one that refuses instead, and SQLgrey before one."""
import contextlib
import os
import sqlite3
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "testbed")]
from appliances import Amavis, Gate, Spampd, Sqlgrey  # noqa: E402
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from filters import TEST_VIRUS_NAME, Clamd, free_port, gtube, letter, virus  # noqa: E402
from samples import Sampler  # noqa: E402

ONCE = True
FORGED = ("X-Spam-Status: {0}, score={1} required=5.0 tests=FORGED\nX-Spam-Flag: {2}\n"
          "X-Firm-MailScanner-SpamCheck: {3}, SpamAssassin (not cached, score={1}, required 5, FORGED 1.00)\n")
checks = Checks()


class Lab:
    """All of it, and one collector that asks each."""

    def __init__(self, stack, folder):
        self.returned = free_port()
        self.gate = Gate(self.returned)
        self.clamd = stack.enter_context(Clamd())
        self.amavis = stack.enter_context(Amavis(self.clamd, self.gate.again))
        self.spampd = stack.enter_context(Spampd(self.gate.again))
        self.direct = stack.enter_context(Spampd(self.returned))
        self.grey = stack.enter_context(Sqlgrey())
        stack.enter_context(self.gate.set_up(self.amavis.port, self.spampd.port, self.grey.port))
        section = self.gate.section
        self.centre = Collector(folder, f"[returned]\nlisten = 127.0.0.1:{self.returned}\n"
                                + section("amavis", "builtin:amavis") + section("spampd", "builtin:spamassassin")
                                + section("mailscanner", "builtin:mailscanner") + section("refuses", "builtin:spamassassin")
                                + section("greylists", "builtin:mailscanner")
                                + section("direct", "builtin:spamassassin", self.direct.port)).start()
        stack.callback(self.end)
        self.node = Sampler(self.centre, "hv1")

    def end(self):
        if self.centre.process.poll() is None:
            self.centre.stop()

    def says(self, number, name, patience=40):
        return self.node.opinion(number, name, patience) or {}

    def row(self, number, name, states=(2, 3), patience=40):
        """(state, action, tries) of an opinion, once it is there (state 2) or given up (3); 1: the message is out."""
        end = time.monotonic() + patience
        while True:
            with contextlib.closing(sqlite3.connect(self.centre.database, timeout=20)) as store:
                found = store.execute("SELECT state, action, tries, trouble FROM opinions WHERE name = ? AND filter = ?",
                                      (self.node.names[number], name)).fetchone()
            if (found and found[0] in states) or time.monotonic() > end:
                return found
            time.sleep(0.1)


def is_spam(opinion):
    return bool(opinion) and opinion["score"] >= opinion["threshold"] > 0


def is_ham(opinion):
    return bool(opinion) and opinion["threshold"] > 0 and opinion["score"] < opinion["threshold"]


def verdicts(lab):
    ham, spam, sick = (lab.node.send(m) for m in (letter("See you on Tuesday at ten."), gtube(), virus()))
    for name in ("amavis", "spampd", "direct"):
        said = lab.says(spam, name)
        checks.that(f"{name}: the test message is spam for certain, by its symbol",
                    is_spam(said) and "GTUBE" in said["symbols"].split() and said["certain"], said)
        said = lab.says(ham, name)
        checks.that(f"{name}: a letter is ham, with a score and a threshold", is_ham(said), said)
    said = lab.says(sick, "amavis")
    checks.that("amavis: clamd's virus is one, by its name",
                is_spam(said) and said["certain"] and TEST_VIRUS_NAME in said["symbols"] and said["action"] == "virus", said)
    said = lab.says(spam, "mailscanner")
    checks.that("MailScanner's words: spam with its score, threshold and rules",
                (said.get("score"), said.get("threshold"), said.get("symbols")) == (1002.3, 6, "GTUBE NO_RELAYS"), said)
    said = lab.says(ham, "mailscanner")
    checks.that("MailScanner's words: ham with its own", (said.get("score"), said.get("threshold")) == (-1.9, 6), said)
    said = lab.says(sick, "mailscanner")
    checks.that("MailScanner's words: infected", said.get("certain") and "INFECTED" in said["symbols"], said)
    said = lab.says(spam, "refuses")
    checks.that("a refusal of the content is a verdict", is_spam(said) and said["symbols"] == "REFUSED", said)
    said = lab.says(sick, "refuses")
    checks.that("... and a virus where it says so", said.get("certain") and said["symbols"] == "REFUSED_AS_VIRUS", said)
    found = lab.row(ham, "refuses")
    checks.that("what comes back without a word of a filter's is no verdict", found and found[1] == "", found)
    found = lab.row(ham, "greylists")
    checks.that("SQLgrey lets it pass when it is brought again", found and found[0] == 2 and found[2] >= 1, found)


def forgeries(lab):
    """A spammer writes the filter's headers himself."""
    clean = lab.node.send(gtube().replace(b"MIME-Version", FORGED.format("No", "-50.0", "NO", "not spam").replace("\n", "\r\n").encode()
                                          + b"MIME-Version"))
    dirty = lab.node.send(letter("We meet on Wednesday.", subject="Minutes",
                                 more=FORGED.format("Yes", "99.0", "YES", "spam")))
    for name in ("amavis", "spampd", "direct", "mailscanner"):
        said, other = lab.says(clean, name), lab.says(dirty, name)
        checks.that(f"{name}: what a spammer writes of himself is not believed", is_spam(said) and "FORGED" not in said["symbols"], said)
        checks.that(f"{name}: ... nor what it would accuse others of", is_ham(other) and "FORGED" not in other["symbols"], other)


def hardships(lab):
    lab.gate.stop()
    number = lab.node.send(gtube().replace(b"A test of filters", b"While the gate is closed"))
    checks.that("an appliance that is down holds no other up", is_spam(lab.says(number, "direct")))
    lab.gate.start()
    checks.that("... and is asked what it missed", is_spam(lab.says(number, "spampd")))

    lab.spampd.pause()
    number = lab.node.send(gtube().replace(b"A test of filters", b"While the collector is gone"))
    found = lab.row(number, "spampd", states=(1,))
    checks.that("a message that is out is known to be", found and found[0] == 1, found)
    lab.centre.kill()
    lab.spampd.resume()
    time.sleep(1.5)  # it comes back to nobody
    old = lab.centre.port
    lab.centre.start()
    lab.node.centre = lab.centre
    checks.that("the collector is back", lab.centre.port > 0, old)
    checks.that("a message that came back while the collector was dead is brought again", is_spam(lab.says(number, "spampd")))
    told = [(one["message"], one["filter"]) for one in lab.node.told]
    checks.that("no opinion is told twice", len(told) == len(set(told)), [t for t in told if told.count(t) > 1])
    status, _ = lab.centre.stop()
    checks.that("the collector ends well", status == 0, status)


def main():
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            lab = Lab(stack, folder)
        except FileNotFoundError as lack:
            checks.skip("appliances", lack)
            return checks.close()
        for part in (verdicts, forgeries, hardships):
            with checks.part(part.__name__):
                part(lab)
        if checks.failed:
            print(lab.centre.said()[-3000:], lab.gate.said()[-6000:], lab.spampd.said()[-2000:], sep="\n-- ")
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
