#!/usr/bin/env python3
"""How well the filters sort, and what a thousand lessons are worth: `make lab-filter`.

A collector with Rspamd and SpamAssassin beside it is taught 1,000 messages of the shared corpus, half of them spam, by
`postern learn`; then all others are sent in as a node would, and what each filter says is held against what they are. A tenth
is sent in before as well. The same messages every time; rules as Debian ships them, without name servers or peers.

    lab_filter.py [LESSONS]      POSTERN_TESTDATA: the corpus; POSTERN_LAB_MOST: so many of the rest at most
"""
import os
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "testbed"), os.path.dirname(os.path.abspath(__file__))]
import corpus  # noqa: E402
from collector import Collector  # noqa: E402
from filters import Rspamd, Spamd  # noqa: E402
from person import Person  # noqa: E402
from samples import Sampler  # noqa: E402

FILTERS = ("rspamd", "spamd")
MOST = int(os.environ.get("POSTERN_LAB_MOST", "1000000"))
AHEAD = 200  # messages that are under way at once


class Tally:
    """Of one filter: how what it says compares with what the messages are."""

    def __init__(self):
        self.right_spam = self.wrong_spam = self.missed = self.right_ham = self.unheard = 0

    def add(self, spam, opinion):
        if opinion is None:
            self.unheard += 1
        elif float(opinion["score"]) >= float(opinion["threshold"]):
            self.right_spam, self.wrong_spam = self.right_spam + spam, self.wrong_spam + (not spam)
        else:
            self.missed, self.right_ham = self.missed + spam, self.right_ham + (not spam)

    def line(self, name):
        precision = self.right_spam / max(1, self.right_spam + self.wrong_spam)
        recall = self.right_spam / max(1, self.right_spam + self.missed)
        return (f"{name:24} {100 * precision:9.1f} % {100 * recall:9.1f} % {self.wrong_spam:8} of {self.wrong_spam + self.right_ham:5}"
                f" {self.missed:8} of {self.missed + self.right_spam:5}" + (f"   {self.unheard} without an answer" if self.unheard else ""))


def sort(node, messages):
    """What each filter says of each of them, and how long it took."""
    tallies = {name: Tally() for name in FILTERS}
    begun, waiting, said = time.monotonic(), {}, {}
    connection = node.centre.connect()
    end = None
    left = list(messages)
    while left or waiting:
        while left and len(waiting) < AHEAD:
            message = left.pop()
            number = node.send(message.on_the_wire(), connection, **message.envelope())
            waiting[node.names[number]] = message
        new = node.filtered(wait=1)
        for opinion in new:
            said[opinion["message"], opinion["filter"]] = opinion
        for name in [one for one in waiting if all((one, filter_name) in said for filter_name in FILTERS)]:
            message = waiting.pop(name)
            for filter_name in FILTERS:
                tallies[filter_name].add(message.spam, said.pop((name, filter_name)))
        end = time.monotonic() + 120 if new or end is None else end
        if time.monotonic() > end:
            break
    for name, message in waiting.items():
        for filter_name in FILTERS:
            tallies[filter_name].add(message.spam, said.get((name, filter_name)))
    return tallies, time.monotonic() - begun


def teach(person, folder, lessons):
    begun = time.monotonic()
    for spam, name in ((True, "spam"), (False, "ham")):
        place = os.path.join(folder, name)
        os.mkdir(place)
        for message in lessons:
            if message.spam == spam:
                with open(os.path.join(place, message.digest + ".eml"), "wb") as file:
                    file.write(message.content)
        print(person.say("learn", name, "--all", place).strip().splitlines()[-1])
    handed_in = time.monotonic() - begun
    while not all_taught(person) and time.monotonic() - begun < 900:
        time.sleep(1)
    print(f"{len(lessons)} lessons: handed in within {handed_in:.1f} s, taught within {time.monotonic() - begun:.1f} s")
    print(person.say("learn", "status"))


def all_taught(person):
    return all(one["waiting"] == 0 for one in person.records("learn", "status") if one["record"] == "learned")


def show(title, tallies, seconds, count):
    print(f"{title}: {count} messages in {seconds:.0f} s ({count / seconds:.1f} a second)")
    print(f"{'':24} {'precision':>11} {'recall':>11} {'ham taken for spam':>17} {'spam passed':>17}")
    for name, tally in tallies.items():
        print(tally.line(name))
    print(flush=True)


def main():
    messages = corpus.read()
    if not messages:
        print(f"skipped: there is no corpus in {corpus.FOLDER}; POSTERN_TESTDATA names another folder")
        return 0
    lessons, rest = corpus.parted(messages, int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
    least = min(200, len(lessons) // 2)  # 200 of each class is what both come with
    rest = rest[:MOST]
    print(f"corpus: {len(messages)} messages, {len(lessons)} for lessons, {len(rest)} to sort, "
          f"{sum(message.spam for message in rest)} of them spam")
    workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder, Rspamd(whole=True, learns=least, workers=workers) as rspamd, \
            Spamd(learns=least, workers=workers) as spamd:
        more = "learns = yes\npatience = 60s\n"
        centre = Collector(folder, rspamd.section(more=more) + spamd.section(more=more)
                           + "[learning]\nrate = 0\nheld_back = 0\n")
        centre.start()
        try:
            node, person = Sampler(centre, "lab"), Person(centre, "ann", "read,order,content")
            show("before", *sort(node, rest[::10]), len(rest[::10]))
            teach(person, folder, lessons)
            tallies, seconds = sort(node, rest)
            show("after", tallies, seconds, len(rest))
            heard = all(tally.unheard == 0 for tally in tallies.values())
        finally:
            centre.stop()
    return 0 if heard else 1


if __name__ == "__main__":
    sys.exit(main())
