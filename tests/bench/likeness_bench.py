#!/usr/bin/env python3
"""Near-identical bodies: our likeness beside TLSH and ssdeep, on real mail.

Of each mail variants are made: other names, other numbers, lines of random words, a tenth of the words replaced. For each
of the three the threshold is set so that of 10,000 pairs of different mails at most one is taken for the same; then it is
counted how many variants are found. Different: neither of one author nor of one subject, and at least one of the two is
honest mail, because spam of one run comes under many names. TLSH and ssdeep see the whole body, ours
what it reads of a message. Libraries libtlsh0 and libfuzzy2 (Debian's names) are left out where they are not installed.

    likeness_bench.py [--corpus FOLDER] [--sample N]"""
import argparse
import ctypes
import ctypes.util
import email
import email.policy
import glob
import os
import random
import re
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OURS = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "bench", "likeness")
LEAST_WORDS = 40
FALSE_OF = 10000


# --- the mails and their variants ---


def shared_corpus():
    for above in ("..", "../.."):
        path = os.path.join(TOP, above, "shared", "testdata", "corpus")
        if os.path.isdir(path):
            return os.path.normpath(path)
    return None


def text_of(path):
    """(author, subject, subtype, text, honest) of the mail's first text part, or None."""
    try:
        with open(path, "rb") as file:
            mail = email.message_from_bytes(file.read(1 << 20), policy=email.policy.compat32)
        for part in mail.walk():
            if part.get_content_maintype() == "text":
                text = part.get_payload(decode=True).decode("latin-1")
                author = re.findall(r"[\w.+-]+@[\w.-]+", str(mail.get("From", "")).lower())
                subject = re.sub(r"[^a-z]+|\b(re|fwd?)\b", " ", str(mail.get("Subject", "")).lower()).strip()
                return author[0] if author else path, subject or path, part.get_content_subtype(), text, "ham" in path
    except (OSError, LookupError, ValueError, AttributeError):
        pass
    return None


def mails_of(corpus):
    mails, seen = [], set()
    for path in sorted(glob.glob(os.path.join(corpus, "**", "*"), recursive=True)):
        mail = text_of(path) if os.path.isfile(path) else None
        if mail and mail[3] not in seen and len(re.findall(r"[A-Za-z]{3,}", re.sub(r"<[^>]*>", " ", mail[3]))) >= LEAST_WORDS:
            seen.add(mail[3])
            mails.append(mail)
    return mails


def in_text(text, pattern, change):
    """`change` what matches, but for what stands inside of tags."""
    return "".join(piece if piece.startswith("<") else re.sub(pattern, change, piece) for piece in re.split(r"(<[^<>]*>)", text))


def random_word():
    return "".join(random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(random.randint(3, 10)))


def other_names(text):
    names = {}
    chosen = sorted(set(re.findall(r"\b[A-Z][a-z]{2,}\b", text)))
    chosen = set(random.sample(chosen, min(5, len(chosen))))
    new = lambda match: names.setdefault(match[0], random_word().capitalize()) if match[0] in chosen else match[0]
    text = in_text(text, r"\b[A-Z][a-z]{2,}\b", new)
    return in_text(text, r"[\w.+-]+@[\w.-]+", lambda match: f"{random_word()}@{random_word()}.com")


def other_numbers(text):
    return in_text(text, r"\d", lambda match: random.choice("0123456789"))


def padded(text):
    lines = text.split("\n")
    for place in (0, len(lines) // 2, len(lines)):
        lines.insert(place, " ".join(random_word() for _ in range(8)))
    return "\n".join(lines)


def tenth_replaced(text):
    return in_text(text, r"[A-Za-z]{3,}", lambda match: random_word() if random.random() < 0.1 else match[0])


VARIANTS = {
    "other names": other_names,
    "other numbers": other_numbers,
    "random padding": padded,
    "a tenth replaced": tenth_replaced,
    "the first three": lambda text: padded(other_numbers(other_names(text))),
}


# --- the three ---


class Ours:
    name = "ours"

    def digests(self, bodies, rounds=1):
        def packed():
            for subtype, text in bodies:
                message = f"Content-Type: text/{subtype}\r\n\r\n{text}".encode("latin-1")
                yield str(len(message)).encode() + b"\n" + message
        done = subprocess.run([OURS, str(rounds)], input=b"".join(packed()), capture_output=True, check=True)
        *lines, nanoseconds = done.stdout.decode().splitlines()
        self.microseconds = int(nanoseconds) / 1000
        return [line.split() for line in lines]

    def likeness(self, a, b):
        equal = filled = 0
        for x, y in zip(a, b):
            if x == y:
                equal += x != "0000"
                filled += x != "0000"
            else:
                filled += 1
        return equal * 100 // filled if filled else 0


class AsJudged(Ours):
    """With the threshold of agent/judge/bodies.h, which is stricter: mails of one template should not be one body."""
    name = "as judged"
    with open(os.path.join(TOP, "agent/judge/bodies.h")) as file:
        threshold = int(re.search(r"BODIES_LEAST_SHARE (\d+)", file.read())[1])


class Ssdeep:
    name = "ssdeep"

    def __init__(self):
        self.library = ctypes.CDLL(ctypes.util.find_library("fuzzy") or "libfuzzy.so.2")

    def digests(self, bodies):
        result, buffer = [], ctypes.create_string_buffer(148)
        encoded = [text.encode("latin-1") for _, text in bodies]
        begun = time.process_time()
        for text in encoded:
            self.library.fuzzy_hash_buf(text, len(text), buffer)
            result.append(buffer.value)
        self.microseconds = (time.process_time() - begun) * 1e6 / len(bodies)
        return result

    def likeness(self, a, b):
        return self.library.fuzzy_compare(a, b)


class Tlsh:
    """The library is C++: its functions are called by the names that the compiler gave them."""
    name = "TLSH"

    def __init__(self):
        self.library = ctypes.CDLL(ctypes.util.find_library("tlsh") or "libtlsh.so.0")
        self.library._ZNK4Tlsh7getHashEv.restype = ctypes.c_char_p

    def digests(self, bodies):
        result = []
        encoded = [text.encode("latin-1") for _, text in bodies]
        begun = time.process_time()
        for text in encoded:
            tlsh = ctypes.create_string_buffer(64)
            self.library._ZN4TlshC1Ev(tlsh)
            self.library._ZN4Tlsh5finalEPKhj(tlsh, text, len(text))
            result.append(tlsh if self.library._ZNK4Tlsh7getHashEv(tlsh) else None)
        self.microseconds = (time.process_time() - begun) * 1e6 / len(bodies)
        return result

    def likeness(self, a, b):
        return -self.library._ZNK4Tlsh9totalDiffEPKS_b(a, b, False) if a and b else -9999


# --- the measurement ---


def threshold_of(kind, mails, digests, sample, threshold):
    """The least likeness at which at most one pair in FALSE_OF is a false match, if none is given; pairs; false matches."""
    found = []
    for i in sample:
        for j, other in enumerate(mails):
            if mails[i][0] != other[0] and mails[i][1] != other[1] and (mails[i][4] or other[4]):
                found.append(kind.likeness(digests[i], digests[j]))
    found.sort(reverse=True)
    allowed = len(found) // FALSE_OF
    threshold = threshold or found[allowed] + 1
    return threshold, len(found), sum(value >= threshold for value in found)


def measure(kind, mails, sample, variants):
    digests = kind.digests([mail[2:4] for mail in mails])
    microseconds = kind.microseconds
    threshold, pairs, false = threshold_of(kind, mails, digests, sample, getattr(kind, "threshold", None))
    row = {"threshold": threshold, "pairs": pairs, "false": false, "microseconds": microseconds}
    for name, texts in variants.items():
        changed = kind.digests(texts)
        row[name] = sum(kind.likeness(digests[i], other) >= threshold for i, other in zip(sample, changed)) / len(sample)
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--corpus", default=shared_corpus())
    parser.add_argument("--sample", type=int, default=400)
    options = parser.parse_args()
    if not options.corpus or not os.path.isdir(options.corpus):
        print("no corpus of mails (../shared/testdata/corpus): left out")
        return 0
    random.seed(1)
    mails = mails_of(options.corpus)
    sample = random.sample(range(len(mails)), min(options.sample, len(mails)))
    variants = {name: [(mails[i][2], make(mails[i][3])) for i in sample] for name, make in VARIANTS.items()}
    rows = {}
    for make in (Ours, AsJudged, Tlsh, Ssdeep):
        try:
            rows[make.name] = measure(make(), mails, sample, variants)
        except OSError as error:
            print(f"{make.name}: left out: {error}")
    if "ours" not in rows:
        return 1
    print(f"{len(mails)} mails of {LEAST_WORDS} words and more, {len(sample)} of them with variants, "
          f"{rows['ours']['pairs']} pairs of different mails\n")
    print(f"{'':18}" + "".join(f"{name:>10}" for name in rows))
    for name in VARIANTS:
        print(f"{name:18}" + "".join(f"{row[name] * 100:>8.1f} %" for row in rows.values()))
    print(f"{'threshold':18}" + "".join(f"{abs(row['threshold']):>10}" for row in rows.values()))
    print(f"{'false matches':18}" + "".join(f"{row['false']:>10}" for row in rows.values()))
    print(f"{'time a message':18}" + "".join(f"{row['microseconds']:>7.1f} us" for row in rows.values()))
    print(f"{'  ratio to ours':18}" + "".join(f"{row['microseconds'] / rows['ours']['microseconds']:>10.1f}" for row in rows.values()))
    return 0


sys.exit(main())
