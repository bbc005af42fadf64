#!/usr/bin/env python3
"""What filters hear from their peers, or read in pictures, gets through the collector: Pyzor, which spamd asks and reports
to, at a pyzord of the test's own; Rspamd's fuzzy storage; FuzzyOcr's rules. Razor's servers are not open to a test: what is
tested is that a spamd whose Razor reaches nobody still answers. DCC is not in Debian."""
import os
import shutil
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ONCE = True
sys.path[:0] = [os.path.join(TOP, "tests", "testbed"), os.path.dirname(os.path.abspath(__file__))]
from check import Checks  # noqa: E402
from collector import Collector  # noqa: E402
from filters import Pyzord, Rspamd, Spamd, letter, picture, picture_letter  # noqa: E402
from person import Person  # noqa: E402
from samples import Sampler  # noqa: E402

FLAG = 11
TEXT = "\n".join(f"The {word} of the garden is open to whoever comes early and brings his own {tool} along with him."
                 for word, tool in zip("gate house pond shed fence path bench tree lawn wall".split(),
                                       "spade rake hoe saw rope lamp basket ladder broom knife".split()))


def symbols(opinion):
    """The names alone, without what "(...)" says of them."""
    return {word.split("(")[0] for word in opinion["symbols"].split()} if opinion else None


def soon(what, patience=20):
    """What it comes to, as soon as it is something."""
    end = time.monotonic() + patience
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def teach(checks, person, folder, name, *contents):
    path = os.path.join(folder, name)
    os.mkdir(path)
    for number, content in enumerate(contents):
        with open(os.path.join(path, f"{number}.eml"), "wb") as file:
            file.write(content)
    status, said, complaint = person.run("learn", "spam", path)
    checks.that(f"taught: {name}", status == 0, (status, said, complaint))


def pyzor(checks, node, person, pyzord, folder):
    first = [letter(TEXT, subject=f"Nr. {number}") for number in range(2)]
    before = node.opinion(node.send(letter(TEXT, subject="Before")), "spamd")
    checks.that("Pyzor knows nothing of a text that nobody reported", before and "PYZOR_CHECK" not in symbols(before), before)
    teach(checks, person, folder, "lessons", *first)
    counted = soon(lambda: "\t2\t" in pyzord.pyzor("check", letter(TEXT))[1])
    checks.that("two lessons are two reports at the pyzord", counted, pyzord.pyzor("check", letter(TEXT)))
    after = node.opinion(node.send(letter(TEXT, subject="After")), "spamd")
    checks.that("the next one of that text has PYZOR_CHECK", after and "PYZOR_CHECK" in symbols(after), after)
    checks.that("... which weighs", after and before and float(after["score"]) > float(before["score"]), (before, after))
    other = node.opinion(node.send(letter("Something else altogether, of another kind and with other words in it.")), "spamd")
    checks.that("another text has not", other and "PYZOR_CHECK" not in symbols(other), other)


def fuzzy(checks, node):
    """Rspamd got the same two lessons, for its fuzzy storage as well."""
    def hit():
        said = node.opinion(node.send(letter(TEXT + " Yes.", subject="Near")), "rspamd")
        return said if said and "LOCAL_FUZZY_DENIED" in symbols(said) else None
    checks.that("a text nearly the same is in Rspamd's fuzzy storage", soon(hit, 5))


def pictures(checks, node):
    spam = picture(["VIAGRA CIALIS XANAX", "buy cheap medication", "pharmacy prescription drugs"])
    said = node.opinion(node.send(picture_letter(spam)), "spamd")
    checks.that("what FuzzyOcr reads in a picture is in the opinion", said and "FUZZY_OCR" in symbols(said), said)
    checks.that("... and makes it spam", said and float(said["score"]) >= float(said["threshold"]) > 0, said)
    tame = node.opinion(node.send(picture_letter(picture(["Minutes of the meeting", "on Tuesday, with tea"]))), "spamd")
    checks.that("another picture is no spam", tame and "FUZZY_OCR" not in symbols(tame)
                and float(tame["score"]) < float(tame["threshold"]), tame)


def razor(checks, node):
    said = node.opinion(node.send(letter("A text that Razor is asked about in vain")), "alone", patience=30)
    checks.that("a spamd whose Razor reaches nobody answers all the same", said and float(said["threshold"]) == 5, said)
    checks.skip("RAZOR2_CHECK", "Razor's servers are one firm's; none can be run here")
    if shutil.which("dccproc"):
        checks.skip("DCC", "its client is here, its servers are not")
    else:
        checks.skip("DCC", "not in Debian")


def main():
    checks = Checks()
    try:
        pyzord, rspamd = Pyzord(), Rspamd(fuzzy_flag=FLAG)
        spamd, alone = Spamd(pyzord=pyzord, pictures=True), Spamd(razor=True)
    except FileNotFoundError as missing:
        checks.skip("filters and their peers", str(missing))
        return checks.close()
    with tempfile.TemporaryDirectory() as folder, pyzord, rspamd, spamd, alone:
        centre = Collector(folder, rspamd.section(more=f"fuzzy_flag = {FLAG}\nlearns = yes\n")
                           + spamd.section(more="learns = yes\nreports = yes\npatience = 30s\n")
                           + alone.section("alone", "patience = 30s\n") + "[learning]\nheld_back = 0\n")
        centre.start()
        try:
            node, person = Sampler(centre, "hv1"), Person(centre, "ann", "read,order,content")
            for name, part in (("Pyzor", lambda: pyzor(checks, node, person, pyzord, folder)), ("fuzzy", lambda: fuzzy(checks, node)),
                               ("pictures", lambda: pictures(checks, node)), ("Razor", lambda: razor(checks, node))):
                with checks.part(name):
                    part()
        finally:
            status, _ = centre.stop()
            checks.that("the collector ends when it is told to", status == 0, centre.said()[-2000:])
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
