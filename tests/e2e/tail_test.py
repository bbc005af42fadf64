#!/usr/bin/env python3
"""No line of a log is lost or read twice: twenty thousand lines a second are written while the file is rotated every
second, and the reader is killed and started again at random moments.

Three ways of rotation run beside each other: by renaming; by renaming and compressing; and by copying and cutting
(copytruncate). The last has a gap in itself, between the end of the copy and the cut, in which a line that is written
is gone whoever reads: so here the writer holds still for the moment of the copy, as the reader's share is what is
measured; and in a part of its own the writer does not, and what is missing must be no more than what the writer's tool
let go, which the test works out from the copies."""
import gzip
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
ONCE = True
sys.path.insert(0, HERE)
from check import Checks  # noqa: E402

BUILD = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"))
TOOL = os.path.join(BUILD, "test/e2e/tail_tool")
SECONDS = float(os.environ.get("TAIL_SECONDS", "11"))
RATE = 20000
KEPT = 9


def build_tool():
    archives = [f"{BUILD}/lib/libcommon-io.a", f"{BUILD}/lib/libcommon.a"]
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"] if BUILD.endswith("asan") else []
    libraries = subprocess.run(["pkgconf", "--libs", "sqlite3", "libzstd", "zlib", "libxxhash", "libsystemd"],
                               capture_output=True, text=True, check=True).stdout.split()
    os.makedirs(os.path.dirname(TOOL), exist_ok=True)
    subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-O2", "-g", "-fno-lto", f"-I{TOP}", *sanitize, "-o", TOOL,
                    f"{HERE}/tail_tool.c", *archives, *libraries], check=True)


class Reader:
    """The tool, killed and started again."""

    def __init__(self, folder, chance):
        self.folder, self.chance = folder, chance
        self.database = f"{folder}/taken.db"
        self.log = open(f"{folder}/said", "ab")
        self.kills = 0
        self.ended_by_itself = []
        self.stopping = threading.Event()
        self.process = None
        self.start()
        self.await_record()
        self.thread = threading.Thread(target=self.torment)
        self.thread.start()

    def start(self):
        self.process = subprocess.Popen([TOOL, self.database, f"{self.folder}/log/mail.log"],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def await_record(self):
        """What was rotated before there ever was a record is history, and no loss: wait for the first."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if self.taken()[1]:
                    return
            except sqlite3.Error:
                pass  # not there yet
            time.sleep(0.05)

    def torment(self):
        while not self.stopping.wait(self.chance.uniform(0.05, 1.6)):
            if self.process.poll() is not None:
                self.ended_by_itself.append(self.process.returncode)
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.kills += 1
            # Sometimes at once, sometimes when the file has been rotated meanwhile, more than once even.
            self.stopping.wait(self.chance.choice([0, 0, 0.05, 0.3, 1.2, 2.4]))
            self.start()

    def taken(self):
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=20)
        with connection:
            rows = connection.execute("SELECT bytes FROM taken ORDER BY number").fetchall()
            counters = connection.execute("SELECT value FROM state WHERE key = 'counters'").fetchone()
        connection.close()
        return b"".join(row[0] for row in rows), json.loads(counters[0]) if counters else {}

    def stop(self, lines):
        """Wait until as many lines have come as can be expected, or for nothing more to come."""
        self.stopping.set()
        self.thread.join()
        before, quiet, content, counters = -1, 0, b"", {}
        deadline = time.monotonic() + 60
        while quiet < 8 and time.monotonic() < deadline:
            time.sleep(0.7)
            content, counters = self.taken()
            quiet = quiet + 1 if len(content) == before else 0
            before = len(content)
            if content.count(b"\n") >= lines and quiet >= 2:
                break
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=20)
        if code:
            self.ended_by_itself.append(code)
        content, counters = self.taken()
        self.log.close()
        return content, counters


class Rotation:
    """A log, its writer, and who rotates it. The lock is held for one write, and by a rotation that needs stillness."""

    def __init__(self, folder, style):
        self.style = style
        self.path = f"{folder}/log/mail.log"
        os.makedirs(f"{folder}/log")
        self.lock = threading.Lock()
        self.number = 0
        self.file = open(self.path, "ab", buffering=0)
        self.rotations = 0
        self.gone = []  # numbers that copy and cut let go between them

    def write(self, seconds):
        begun = time.monotonic()
        while (now := time.monotonic() - begun) < seconds:
            due = int(now * RATE)
            with self.lock:
                lines = b"".join(b"Nov 25 12:00:00 host postfix/smtpd[%d]: line %d of the test\n" % (n % 977, n)
                                 for n in range(self.number, due))
                self.number = max(self.number, due)
                cut = len(lines) * 2 // 3  # half a line is there for a moment
                self.file.write(lines[:cut])
                self.file.write(lines[cut:])
            time.sleep(0.004)
        self.file.close()

    def shift(self, ending):
        for i in range(KEPT, 0, -1):
            if os.path.exists(f"{self.path}.{i}{ending}"):
                os.rename(f"{self.path}.{i}{ending}", f"{self.path}.{i + 1}{ending}")
        if os.path.exists(f"{self.path}.{KEPT + 1}{ending}"):
            os.unlink(f"{self.path}.{KEPT + 1}{ending}")

    def rename(self):
        self.shift("")
        os.rename(self.path, self.path + ".1")
        time.sleep(0.02)  # lines are still written to the old one
        with self.lock:
            self.file.close()
            self.file = open(self.path, "ab", buffering=0)

    def compress(self):
        self.shift(".gz")
        self.rename()
        subprocess.run(["gzip", "-1", self.path + ".1"], check=True)

    def copy(self):
        self.shift("")
        with self.lock:
            shutil.copyfile(self.path, self.path + ".1")
            os.truncate(self.path, 0)

    def copy_moving(self):
        self.shift("")
        shutil.copyfile(self.path, self.path + ".1")
        copied = os.path.getsize(self.path + ".1")
        with open(self.path, "rb") as file:
            with self.lock:  # only so that it can be known what this rotation lets go
                file.seek(copied)
                self.gone.append(file.read())
                os.truncate(self.path, 0)

    def rotate(self, seconds):
        begun = time.monotonic()
        while time.monotonic() - begun < seconds - 1:
            time.sleep(1)
            getattr(self, self.style)()
            self.rotations += 1


def play(checks, style, seed, names):
    with tempfile.TemporaryDirectory(prefix="postern-tail-") as folder:
        rotation = Rotation(folder, style)
        reader = Reader(folder, random.Random(seed))
        rotating = threading.Thread(target=rotation.rotate, args=(SECONDS,))
        rotating.start()
        rotation.write(SECONDS)
        rotating.join()
        content, counters = reader.stop(rotation.number if style != "copy_moving" else rotation.number + 1)
        with open(f"{folder}/said", errors="replace") as file:
            said = file.read()
        judge(checks, style, rotation, reader, content, counters, said, names)


def judge(checks, style, rotation, reader, content, counters, said, names):
    lines = content.split(b"\n")
    counts, broken = {}, []
    for line in lines[:-1]:
        words = line.split(b" line ")
        if len(words) == 2 and words[1].endswith(b" of the test"):
            number = int(words[1].split(b" ")[0])
            counts[number] = counts.get(number, 0) + 1
        else:
            broken.append(line)
    twice = [n for n, count in counts.items() if count > 1]
    missing = [n for n in range(rotation.number) if n not in counts]
    print(f"      {names}: {rotation.number} lines, {rotation.rotations} rotations, {reader.kills} kills; {counters}",
          flush=True)
    checks.that(f"{names}: it was rotated and killed", rotation.rotations >= 5 and reader.kills >= 3)
    checks.that(f"{names}: no line came twice", not twice, (len(twice), twice[:5]))
    if style == "copy_moving":
        gone = sum(part.count(b"\n") + 1 for part in rotation.gone if part)
        checks.that(f"{names}: no more is missing than copy and cut let go", len(missing) <= gone,
                    (len(missing), gone, missing[:5]))
    else:
        checks.that(f"{names}: no line is missing", not missing, (len(missing), missing[:5], missing[-5:], said[-600:]))
        checks.that(f"{names}: no line is broken", not broken and lines[-1] == b"", (len(broken), broken[:3]))
        checks.that(f"{names}: nothing was counted as lost",
                    counters["lost_bytes"] == 0 and counters["refused"] == 0, counters)
    checks.that(f"{names}: the reader ended only when it was told to", not reader.ended_by_itself,
                (reader.ended_by_itself, said[-2000:]))


def main():
    checks = Checks()
    build_tool()
    seed = int(os.environ.get("TAIL_SEED", "0")) or random.randrange(1, 1 << 30)
    print(f"      TAIL_SEED={seed}")
    styles = [("rename", "renamed"), ("copy", "copied and cut"), ("compress", "renamed and compressed"),
              ("copy_moving", "copied and cut while written")]
    only = sys.argv[1:]
    threads = []
    for i, (style, names) in enumerate(styles):
        if only and style not in only:
            continue

        def body(style=style, names=names, i=i):
            with checks.part(names):
                play(checks, style, seed + i, names)
        threads.append(threading.Thread(target=body))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return checks.close()


sys.exit(main())
