#!/usr/bin/env python3
"""Filters are taught what people say of messages: from files of every kind and from the quarantine, each message once,
otherwise when a verdict is corrected, not when it is night; what is held back shows what it does. Real Rspamd and spamd."""
import mailbox
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "testbed"), os.path.dirname(os.path.abspath(__file__))]
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from filters import Rspamd, Spamd  # noqa: E402
from person import Person  # noqa: E402
from samples import Sampler  # noqa: E402

SPAM_WORDS = """prize lottery winner casino bonus jackpot viagra cheap pills discount offer urgent transfer million inheritance
claim unlimited guaranteed investment crypto profit click unsubscribe exclusive deal luxury replica watches""".split()
HAM_WORDS = """meeting agenda invoice attached colleague schedule project report draft budget contract review server upgrade
maintenance weekend family dinner garden bicycle school teacher library concert recipe weather holiday""".split()
ONCE = True
WAITS = True
KILLED_AMONG = 60


def letter(is_spam, number):
    """One of many that share words, none of them twice the same; its like is known by Bayes after some lessons."""
    dice = random.Random(f"{is_spam} {number}")
    words = SPAM_WORDS if is_spam else HAM_WORDS
    lines = "\r\n".join(" ".join(dice.choice(words) for _ in range(9)) for _ in range(10))
    return (f"From: writer{number}@firm.example\r\nTo: reader@there.example\r\nSubject: {dice.choice(words)} {dice.choice(words)}\r\n"
            f"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{is_spam}{number}@firm.example>\r\n\r\n"
            f"{lines}\r\n\r\nFrom now on number {number}.\r\n").encode()


def write_mailbox(path, messages):
    """As Python writes it: LF, with ">From "."""
    box = mailbox.mbox(path, create=True)
    for message in messages:
        box.add(message.replace(b"\r\n", b"\n"))
    box.close()


def write_maildir(path, messages):
    box = mailbox.Maildir(path, create=True)
    for message in messages:
        box.add(mailbox.MaildirMessage(message.replace(b"\r\n", b"\n")))
    with open(os.path.join(path, "tmp", "half"), "wb") as file:
        file.write(b"Subject: it is not there yet\n\n")
    with open(os.path.join(path, "dovecot.index.log"), "wb") as file:
        file.write(b"\1\2\3")


class Filters:
    def __init__(self, rspamd, spamd):
        self.rspamd, self.spamd = rspamd, spamd

    def learned(self):
        """(spam, ham) of each, as it has them itself. Rspamd's own figures are of some seconds ago; Redis has them."""
        found = re.findall(r"learns_(spam|ham)\r\n\$\d+\r\n(\d+)", self.rspamd.redis.ask("HGETALL", "RS").decode())
        counts = {word: int(number) for word, number in found}
        # What `sa-learn --dump magic` prints after a second of thought.
        program = r'tie %h, "DB_File", $ARGV[0], O_RDONLY, 0; print join " ", map {$h{"\015\001\007\011\003$_"} // 0} qw(NSPAM NHAM)'
        path = os.path.join(self.spamd.folder, "bayes", "bayes_toks")
        dump = subprocess.run(["/usr/bin/perl", "-MDB_File", "-MFcntl", "-e", program, path], capture_output=True, text=True,
                              check=False).stdout.split()
        return (counts.get("spam", 0), counts.get("ham", 0)), tuple(int(number) for number in dump or (0, 0))


def told(person, *words, given=None):
    return person.records("learn", *words, given=given)[0]


def status_of(person):
    return {r["filter"]: r for r in person.records("learn", "status") if r["record"] == "learned"}


def shown_of(person):
    return {(r["filter"], r["lesson"]): r for r in person.records("learn", "status") if r["record"] == "held_back"}


def wait_for(condition, seconds=40):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def from_files(checks, folder, person, filters):
    spam = [letter(True, number) for number in range(16)]
    ham = [letter(False, number) for number in range(16)]
    box, directory = os.path.join(folder, "spam.mbox"), os.path.join(folder, "ham")
    write_mailbox(box, spam[:-2])
    write_maildir(directory, ham)
    one = os.path.join(folder, "one.eml")
    with open(one, "wb") as file:
        file.write(spam[-2])
    said = told(person, "spam", box, one)
    held = said["held_back"]
    checks.that("a mailbox and a file are handed in", said["messages"] == 15 and said["new"] + held == 15 and 0 < held < 12, said)
    said = told(person, "spam", "-", given=spam[-1])
    checks.that("and what comes on standard input", said["messages"] == 1, said)
    held += said["held_back"]
    out = person.say("learn", "ham", directory, "--wait")
    checks.that("and a Maildir, without what is not there yet", "ham: 16 messages: " in out, out)
    ham_held = int((re.findall(r"(\d+) held back", out) or [0])[0])
    wanted = filters.learned()
    checks.that("spamd has learned each once, but for what is held back", wanted[1] == (16 - held, 16 - ham_held), (wanted, held, ham_held))
    checks.that("and so has Rspamd", wanted[0] == wanted[1], wanted)
    statuses = [(one["spam"], one["ham"], one["waiting"], one["given_up"]) for one in status_of(person).values()]
    checks.that("and nothing is left to do", statuses == [(16 - held, 16 - ham_held, 0, 0)] * 2, statuses)
    again = told(person, "spam", box)
    checks.that("the same mailbox again is known", again["new"] == 0 and again["known"] + again["held_back"] == 14, again)
    with open(one, "wb") as file:
        file.write(spam[0])  # as it was on the wire
    again = told(person, "spam", one, "--wait")
    checks.that("and so is one of it with other line ends", again["new"] == 0, again)
    checks.that("nothing is taught twice", filters.learned() == wanted, filters.learned())
    return wanted


def what_it_does(checks, person):
    """What is held back was asked before, and is asked again when all is taught."""
    wait_for(lambda: all(r["asked_after"] == r["count"] for r in shown_of(person).values()) and len(shown_of(person)) == 4)
    for name in ("rspamd", "spamd"):
        spam, ham = shown_of(person)[name, "spam"], shown_of(person)[name, "ham"]
        checks.that(f"{name}: Bayes said nothing of what is held back, and calls it rightly now",
                    spam["before"]["bayes_spam"] == 0 and spam["after"]["bayes_spam"] == spam["count"] > 0
                    and ham["after"]["bayes_ham"] == ham["count"] > 0 and spam["after"]["score"] > spam["before"]["score"], (spam, ham))
    out = person.say("learn", "status")
    checks.that("people read it in a table", "SPAM BEFORE" in out and "rspamd" in out, out)


def deeds_of(centre):
    return [(d["person"], d["deed"], d["target"]) for d in Person(centre, "root", "admin").records("audit") if d["record"] == "deed"]


def corrected(checks, centre, person, filters):
    """A message of the quarantine that was taught as spam is ham after all."""
    node = Sampler(centre, "hv1")
    before = filters.learned()
    number = node.send(letter(False, 1000))
    name = node.names[number]
    person.say("learn", "spam", name, "--all", "--wait")
    checks.that("a message of the quarantine is taught by its name", [one[0] for one in filters.learned()] == [one[0] + 1 for one in before],
                (before, filters.learned()))
    listed = person.records("quarantine", "list", "--top", "1")[0]
    checks.that("which says what it is", listed["corrected"] == "spam" and "/spam/" in listed["id"], listed)
    deeds = deeds_of(centre)
    checks.that("and who said so is on record", ("anna", "correct to spam", name) in deeds, deeds)
    person.say("quarantine", "correct", "ham", name)
    wait_for(lambda: all(r["waiting"] == 0 for r in status_of(person).values()))
    after = [(spam, ham + 1) for spam, ham in before]
    checks.that("corrected, it is unlearned as the one and learned as the other", list(filters.learned()) == after, (after, filters.learned()))
    lessons = [r for r in person.records("quarantine", "show", name) if r["record"] == "lesson"]
    checks.that("and that stands with it", [r["taught"] for r in lessons] == ["ham", "ham"], lessons)
    person.say("learn", "ham", name, "--wait")
    checks.that("said once more nothing is taught", list(filters.learned()) == after, filters.learned())
    return name


def undone(checks, centre, folder, person, filters, name):
    before = filters.learned()
    out = person.say("learn", "undo", name)
    listed = person.records("quarantine", "list", "--top", "1")[0]
    checks.that("it is taken back, and what it said of the message", "2 lessons are taken back" in out and listed["corrected"] is None, (out, listed))
    wait_for(lambda: all(r["waiting"] == 0 for r in status_of(person).values()))
    checks.that("from spamd", filters.learned()[1] == (before[1][0], before[1][1] - 1), filters.learned())
    trouble = status_of(person)["rspamd"]["trouble"]
    checks.that("Rspamd cannot, and that is said", "cannot forget" in trouble and filters.learned()[0] == before[0], trouble)
    begun = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 1))
    time.sleep(1.1)
    path = os.path.join(folder, "mistake.mbox")
    write_mailbox(path, [letter(False, 2000 + number) for number in range(5)])
    person.say("learn", "spam", path, "--all", "--wait")
    taught = filters.learned()[1]
    said = told(person, "undo", "--since", begun)
    wait_for(lambda: all(r["waiting"] == 0 for r in status_of(person).values()))
    checks.that("a whole mistake is taken back by its time", said["undone"] >= 10 and filters.learned()[1] == (taught[0] - 5, taught[1]),
                (said, taught, filters.learned()))
    checks.that("what nobody was taught cannot be taken back", person.run("learn", "undo", "a" * 64)[0] == 1)
    checks.that("said again, it is taught again", told(person, "ham", path, "--all")["otherwise"] == 5)
    person.say("learn", "undo", path)
    deeds = [target for _, deed, target in deeds_of(centre) if deed == "undo lessons"]
    checks.that("who took back what is on record, of files too", len(deeds) == 7 and deeds.count(name) == 1, deeds)


def killed(checks, centre, folder, person, filters):
    """Rspamd is away for some time, the collector dies in the middle: all is taught, and once."""
    wait_for(lambda: all(r["waiting"] == 0 for r in status_of(person).values()))
    before, taught = filters.learned(), status_of(person)
    path = os.path.join(folder, "many.mbox")
    write_mailbox(path, [letter(True, 5000 + number) for number in range(KILLED_AMONG)])
    filters.rspamd.stop()
    said = told(person, "spam", path, "--all")
    checks.that("lessons are taken while a filter is away", said["new"] == KILLED_AMONG, said)
    wait_for(lambda: status_of(person)["rspamd"]["trouble"] and status_of(person)["spamd"]["spam"] > before[1][0] + 5)
    checks.that("and the other one is taught meanwhile", status_of(person)["rspamd"]["waiting"] == KILLED_AMONG, status_of(person))
    centre.kill()
    filters.rspamd.start()
    centre.start()
    wait_for(lambda: status_of(person)["rspamd"]["waiting"] < KILLED_AMONG - 5)
    centre.kill()
    centre.start()
    wait_for(lambda: all(r["waiting"] == 0 for r in status_of(person).values()), 90)
    after = (before[1][0] + KILLED_AMONG, before[1][1])
    given = [one["spam"] - now["spam"] for one, now in zip(status_of(person).values(), taught.values())]
    checks.that("after two deaths each lesson was given", given == [KILLED_AMONG] * 2, given)
    # The one that was under way at a death is given again. spamd knows what it has seen; Rspamd forgets some of it.
    more = filters.learned()[0][0] - before[0][0] - KILLED_AMONG
    checks.that("and none twice", filters.learned()[1] == after and 0 <= more <= 2, (after, before, filters.learned()))


def by_night(checks, centre, folder, person, filters):
    before = filters.learned()
    hour = time.gmtime().tm_hour
    with open(centre.config, encoding="utf-8") as file:
        text = file.read()
    with open(centre.config, "w", encoding="utf-8") as file:
        file.write(text.replace("[learning]\n", f"[learning]\nhours = {(hour + 2) % 24}-{(hour + 3) % 24}\n"))
    centre.stop()
    os.environ["TZ"] = "UTC"
    centre.start()
    path = os.path.join(folder, "night.eml")
    with open(path, "wb") as file:
        file.write(letter(True, 9000))
    person.say("learn", "spam", path, "--all")
    time.sleep(4)
    checks.that("outside of its hours nothing is taught", filters.learned() == before and status_of(person)["spamd"]["waiting"] == 1,
                status_of(person))


def refused(checks, centre, folder, person):
    reader = Person(centre, "lea", "read")
    path = os.path.join(folder, "picture.png")
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + bytes(1000))
    said = told(person, "spam", path)
    checks.that("what is no mail is passed over", said["messages"] == 0 and said["passed_over"] == 1, said)
    status, _, err = person.run("learn", "spam", os.path.join(folder, "none"))
    checks.that("a file that is not there is an error", status == 1 and "No such file" in err, err)
    status, _, err = reader.run("learn", "spam", "-", given=b"Subject: x\n\nx\n")
    checks.that("who may only look teaches nothing", status == 1 and "403" in err, err)
    status, answer = centre.ask("POST", "/v1/lessons/spam", person.secret, b"\r\n\r\n")
    checks.that("nothing is no message", status == 400, answer)
    status, answer = centre.ask("POST", "/v1/lessons/spam", person.secret, b'{"messages":["../x"]}')
    checks.that("nor is what has no name", status == 400 and "names" in answer["error"], answer)
    status, answer = centre.ask("POST", "/v1/lessons/eggs", person.secret, b"Subject: x\n\nx\n")
    checks.that("a lesson is spam or ham", status == 404, answer)


def taken_out(checks, centre, spamd, person):
    """With lessons that wait still: outside of the hours, where by_night() left it."""
    with open(centre.config, encoding="utf-8") as file:
        text = file.read()
    with open(centre.config, "w", encoding="utf-8") as file:
        file.write(re.sub(r"hours = .*", "hours = any", text).replace(spamd, spamd.replace("learns = yes", "learns = no")))
    centre.stop()
    centre.start()
    status, _, err = person.run("learn", "spam", "-", "--all", "--wait", given=letter(True, 9001))
    checks.that("nobody waits for a filter that does not learn any more", status == 0, err)
    left = status_of(person)["spamd"]
    checks.that("and status says why its lessons wait", left["waiting"] == 1 and "any more" in left["trouble"], left)


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder, Rspamd() as rspamd, Spamd() as spamd:
        more = "learns = yes\npatience = 20s\n"
        second = spamd.section(more=more)
        centre = Collector(folder, rspamd.section(more=more) + second + "[learning]\nrate = 0\nheld_back = 5\n")
        centre.start()
        filters = Filters(rspamd, spamd)
        try:
            person = Person(centre, "anna", "read,order,content")
            with checks.part("files"):
                from_files(checks, folder, person, filters)
            with checks.part("what it does"):
                what_it_does(checks, person)
            with checks.part("corrected"):
                name = corrected(checks, centre, person, filters)
            with checks.part("undone"):
                undone(checks, centre, folder, person, filters, name)
            with checks.part("refused"):
                refused(checks, centre, folder, person)
            with checks.part("killed"):
                killed(checks, centre, folder, person, filters)
            with checks.part("by night"):
                by_night(checks, centre, folder, person, filters)
            with checks.part("taken out"):
                taken_out(checks, centre, second, person)
            checks.that("nothing went wrong that it told", "lessons for" not in centre.said().replace("lessons for rspamd wait", ""),
                        centre.said())
        finally:
            if centre.process.poll() is None:
                centre.stop(signal.SIGKILL)
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
