#!/usr/bin/env python3
"""What may come to a collector that has filters asked, and must neither end it nor be lost: message files that are none,
MIME bombs, a line of many megabytes, archives in archives, envelopes with line ends and control characters in them, and
filters that answer garbage, half of an answer, without end, or never."""
import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", "testbed"), os.path.dirname(os.path.abspath(__file__))]
from check import Checks  # noqa: E402
from collector import Collector, Lost  # noqa: E402
from filters import Clamd, Rspamd, letter, virus  # noqa: E402
from samples import Sampler, message_file, packed  # noqa: E402

BUILD = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"))
POSTERN = os.path.join(BUILD, "postern")
ROOM = 1500 if "asan" in BUILD else 500  # MB that it may have in all this
CONTROL = "\x1b]0;owned\x07\x1b[31m\r\nX-Injected: yes\x00\x9b"
GOOD = {"rspamd": json.dumps({"score": 1.5, "required_score": 15, "action": "no action",
                              "symbols": {"WELL": {"name": "WELL", "score": 1.5}}}).encode(),
        "spamd": b"Spam: False ; 1.5 / 5.0\r\n\r\nWELL"}


class Liar:
    """A filter that does what `how` says; "well" is an honest one. What it was asked stands in `asked`."""

    def __init__(self, kind, how):
        self.kind, self.how, self.asked, self.open = kind, how, [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def section(self, name, more=""):
        return f"[filter {name}]\nkind = {self.kind}\naddress = 127.0.0.1:{self.port}\npatience = 2s\n{more}\n"

    def serve(self):
        while True:
            link, _ = self.listener.accept()
            threading.Thread(target=self.talk, args=(link,), daemon=True).start()

    def question(self, link):
        got = b""
        if self.kind == "clamd":
            while b"\0\0\0\0" not in got[10:] and b"PING" not in got[:8] and (chunk := link.recv(65536)):
                got += chunk
            return got
        while b"\r\n\r\n" not in got and (chunk := link.recv(65536)):
            got += chunk
        head, _, body = got.partition(b"\r\n\r\n")
        size = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        while len(body) < size and (chunk := link.recv(65536)):
            body += chunk
        return head + b"\r\n\r\n" + body

    def answer(self, asked):
        """What an honest one says."""
        if self.kind == "clamd":
            return b"PONG\0" if b"PING" in asked[:8] else b"stream: OK\0"
        if self.kind == "spamd":
            return b"SPAMD/1.5 0 PONG\r\n" if asked.startswith(b"PING") else b"SPAMD/1.1 0 EX_OK\r\n" + GOOD["spamd"]
        body = b"pong\r\n" if asked.startswith(b"GET /ping") else GOOD["rspamd"]
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    def talk(self, link):
        with contextlib.suppress(OSError), link:
            link.settimeout(20)
            if self.how == "closes":
                return
            asked = self.question(link)
            self.asked.append(asked)
            good = self.answer(asked)
            if self.how == "never":
                self.open.append(link.dup())
                time.sleep(20)
            elif self.how == "garbage":
                link.sendall(os.urandom(100000))
            elif self.how == "half":
                link.sendall(good[: len(good) // 2])
            elif self.how == "drips":
                for byte in good * 100:
                    link.sendall(bytes([byte]))
                    time.sleep(0.5)
            elif self.how == "endless":
                link.sendall(good[:5])
                while True:
                    link.sendall(b"A" * 65536)
            elif self.how == "odd":  # well formed, and made to hurt whoever believes it
                link.sendall(self.odd(asked))
            else:
                link.sendall(good)

    def odd(self, asked):
        if "PING" in asked[:40].decode(errors="replace").upper():
            return self.answer(asked)
        if self.kind == "clamd":
            return ("stream: " + CONTROL.replace("\x00", "") + "V" * 1000 + " FOUND").encode() + b"\0"
        if self.kind == "spamd":
            return ("SPAMD/1.1 0 EX_OK\r\nSpam: True ; 99999999999999999999.5 / 5.0\r\n\r\n" + CONTROL + "," + "S," * 20000).encode()
        symbols = {CONTROL + str(i) * 50: {"name": CONTROL, "score": 1e300} for i in range(2000)}
        body = json.dumps({"score": 1e300, "required_score": -1e300, "action": CONTROL, "symbols": symbols}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def nested(depth):
    """Multiparts in multiparts."""
    opened = "".join(f'Content-Type: multipart/mixed; boundary="b{i}"\n\n--b{i}\n' for i in range(depth))
    return ("From: a@firm.example\nSubject: deep\nMIME-Version: 1.0\n" + opened + "Content-Type: text/plain\n\nbottom\n").replace(
        "\n", "\r\n").encode()


def wide(parts):
    one = "--b\nContent-Type: text/plain\n\nx\n"
    return ("From: a@firm.example\nSubject: wide\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n" + one * parts
            + "--b--\n").replace("\n", "\r\n").encode()


def archives(depth):
    """A zip of 10 MB of zeros, in zips of ten copies each."""
    data, name = b"\0" * (10 << 20), "zeros"
    for level in range(depth):
        room = io.BytesIO()
        with zipfile.ZipFile(room, "w", zipfile.ZIP_DEFLATED) as archive:
            for copy in range(1 if level == 0 else 10):
                archive.writestr(f"{name}.{copy}", data)
        data, name = room.getvalue(), f"level{level}.zip"
    return attached(data, "bomb.zip", "application/zip")


def attached(data, name, kind):
    import base64
    return (f"From: a@firm.example\nTo: b@there.example\nSubject: attached\nMIME-Version: 1.0\n"
            f'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nsee there\n--b\n'
            f'Content-Type: {kind}; name="{name}"\nContent-Transfer-Encoding: base64\n'
            f'Content-Disposition: attachment; filename="{name}"\n\n{base64.encodebytes(data).decode()}--b--\n').replace(
                "\n", "\r\n").encode(errors="surrogateescape")


def memory(process):
    """MB that it has at most had."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def bad_files(checks, centre, node):
    """Each is refused by a sentence, and stands nowhere."""
    good = message_file(letter("well"))
    line = good.split(b"\n", 1)[0]
    whole = packed(good)
    cases = {
        "nothing": b"",
        "no zstd": b"hello " * 100,
        "zstd that is cut": whole[:-5],
        "zstd with one bit turned": whole[:20] + bytes([whole[20] ^ 64]) + whole[21:],
        "ten gigabytes of zeros, packed": packed(b"\0" * (200 << 20)) * 50,
        "no envelope": packed(letter("well")),
        "an envelope without an end": packed(line),
        "an envelope that is a list": packed(b"[1,2]\n" + letter("well")),
        "an envelope 100,000 deep": packed(b"[" * 100000 + b"\n" + letter("well")),
        "a million recipients": packed(message_file(letter("x"), recipients=["a@b"] * 1000000)),
        "bytes that are others": packed(message_file(letter("well"), bytes=7)),
        "a time that is a word": packed(message_file(letter("well"), time="soon")),
        "a sender that is a number": packed(message_file(letter("well"), sender=5)),
    }
    connection = centre.connect()
    for number, (name, body) in enumerate(cases.items(), 1000):
        try:
            status, answer = node.send_file(body, number, connection)
        except (Lost, OSError):
            connection.close()
            connection = centre.connect()
            status, answer = 413, {"error": "the connection was closed while it was sent"}
        checks.that(f"refused: {name}", status in (400, 413) and isinstance(answer, dict) and answer.get("error"), (status, answer))
    for path in ("?life=zz&number=1", "?number=1", f"?life={node.life}", f"?life={node.life}&number=-1",
                 f"?life={node.life}&number=99999999999999999999"):
        status, answer = centre.ask("POST", "/v1/messages" + path, node.secret, whole, {"Content-Encoding": "zstd"})
        checks.that(f"refused: {path}", status == 400, (status, answer))
    status, _ = centre.ask("POST", f"/v1/messages?life={node.life}&number=1", "node.0000000000000001." + "A" * 43, whole)
    checks.that("a stranger sends nothing in", status in (401, 403), status)


def given(node, number, names, patience=30):
    return {name: node.opinion(number, name, patience) for name in names}


def hostile_contents(checks, centre, node, honest):
    contents = {
        "multiparts 5,000 deep": nested(5000),
        "5,000 parts": wide(5000),
        "a line of 12 MB": letter("x" * (12 << 20)),
        "a header of 5 MB": letter("well", subject="s" * (5 << 20)),
        "10,000 headers": letter("well", more="X-A: b\n" * 10000),
        "archives in archives, 100 GB unpacked": archives(5),
        "no line end at all": b"x" * 100000,
        "nothing": b"",
        "zeros": b"\0" * 1000000,
        "control characters in a file's name": attached(b"x", "a\x1b[31m\x07\x9b.exe", "application/octet-stream"),
        "a picture that says it is 60,000 by 60,000": attached(
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xea\x60\0\0\xea\x60\x08\x02\0\0\0" + b"\0" * 5000, "a.png", "image/png"),
    }
    begun = time.monotonic()
    sent = {name: node.send(content) for name, content in contents.items()}
    for name, number in sent.items():
        said = given(node, number, honest, patience=60)
        checks.that(f"filters are asked about it: {name}", any(said.values()), said)
    print(f"      {len(sent)} such messages in {time.monotonic() - begun:.1f} s", flush=True)
    refused = packed(message_file(letter("x" * (100 << 20))))
    try:
        status, answer = node.send_file(refused, 5000)
    except (Lost, OSError):
        status, answer = 413, {"error": "closed"}
    checks.that("a line of 100 MB is refused by a sentence", status in (400, 413) and answer.get("error"), (status, answer))


def hostile_envelope(checks, centre, node, recorder):
    node.send(letter("An envelope to be afraid of", subject=CONTROL.replace("\r\n", "")), sender="192.0.2.7",
              helo="h" + CONTROL.replace("\x00", ""), user="u" + CONTROL.replace("\x00", ""), queue="q" + CONTROL.replace("\x00", ""),
              **{"from": "f" + CONTROL.replace("\x00", ""), "recipients": ["r" + CONTROL.replace("\x00", "")] * 3})
    end = time.monotonic() + 20
    mine = []
    while time.monotonic() < end and not mine:
        mine = [asked for asked in recorder.asked if b"An envelope to be afraid of" in asked]
        time.sleep(0.1)
    if not checks.that("a filter is asked about it", mine):
        return
    head = mine[0].split(b"\r\n\r\n", 1)[0]
    checks.that("line ends of an envelope make no header", not any(line.lower().startswith(b"x-injected") for line in head.splitlines()),
                head[:2000])
    checks.that("... nor do other control characters pass", not any(byte < 32 and byte not in (10, 13) for byte in head), head[:2000])


def shown(checks, centre):
    """What people see of all that has nothing in it that a terminal would act on."""
    key = os.path.join(centre.folder, "key")
    with open(key, "w", encoding="ascii") as file:
        file.write(centre.person("ann", "read,content,order").split()[-1] + "\n")
    os.chmod(key, 0o600)
    environment = {**os.environ, "POSTERN_COLLECTOR": f"http://127.0.0.1:{centre.port}"}

    def postern(*words):
        done = subprocess.run([POSTERN, "--key", key, *words], env=environment, capture_output=True, check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def clean(raw):
        return not any(byte < 32 and byte not in (9, 10) or byte == 127 for byte in raw) and b"\xc2\x9b" not in raw

    status, listed = postern("quarantine", "list")
    checks.that("the quarantine is listed, and can be looked at", status == 0 and listed and clean(listed), (status, listed[-1500:]))
    status, filters = postern("filters")
    checks.that("so are the filters and their troubles", status == 0 and filters and clean(filters), (status, filters[-1500:]))
    status, answer = postern("--json", "quarantine", "list")
    said = [json.loads(line) for line in answer.splitlines()] if status == 0 else []
    names = [one["name"] for one in said if one["record"] == "message"]
    checks.that("... in JSON as well", names, answer[-500:])
    dirty = []
    for name in names[:12]:
        status, text = postern("quarantine", "show", name)
        if status != 0 or not clean(text):
            dirty.append((name, status, text[:300]))
    checks.that("messages are shown without what a terminal would act on", not dirty, dirty[:2])


def liars(checks, folder, honest, kind):
    """Every way of lying; an honest filter beside them is not held up; once they are well all is given."""
    ways = ["closes", "garbage", "half", "never", "endless", "drips"]
    with checks.part(f"{kind}: liars"):
        place = os.path.join(folder, kind)
        os.mkdir(place)
        told = {f"{kind}-{how}": Liar(kind, how) for how in ways}
        centre = Collector(place, "".join(liar.section(name) for name, liar in told.items()) + honest.section("honest"))
        centre.start()
        try:
            node = Sampler(centre, "hv1")
            begun = time.monotonic()
            numbers = [node.send(letter(f"Message {i} of those that liars are asked about")) for i in range(3)]
            quick = [node.opinion(number, "honest", 20) for number in numbers]
            took = time.monotonic() - begun
            checks.that(f"{kind}: who answers beside six liars is heard at once", all(quick) and took < 15, (took, quick))
            time.sleep(3)
            told_by = {one["filter"] for one in node.told} - {"honest"}
            checks.that(f"{kind}: what liars say is no opinion", not told_by, node.told)
            checks.that(f"{kind}: the collector stands", centre.process.poll() is None, centre.said()[-2000:])
            for liar in told.values():
                liar.how = "well"
            late = {(number, name): node.opinion(number, name, 40) for number in numbers for name in told}
            missing = [pair for pair, opinion in late.items() if not opinion]
            checks.that(f"{kind}: once they are well, nothing was lost", not missing, missing)
            pairs = [(one["message"], one["filter"]) for one in node.told]
            checks.that(f"{kind}: ... and nothing is told twice", len(pairs) == len(set(pairs)), pairs)
        finally:
            status, _ = centre.stop()
            checks.that(f"{kind}: it ends when it is told to", status == 0, (status, centre.said()[-2000:]))


def main():
    checks = Checks()
    try:
        rspamd, clamd = Rspamd(), Clamd()
    except FileNotFoundError as missing:
        checks.skip("hostile messages", str(missing))
        return checks.close()
    with tempfile.TemporaryDirectory() as folder, rspamd, clamd:
        odd = [Liar(kind, "odd") for kind in ("rspamd", "spamd", "clamd")]
        recorder = Liar("rspamd", "well")
        place = os.path.join(folder, "one")
        os.mkdir(place)
        more = rspamd.section() + clamd.section() + recorder.section("recorder") + "".join(
            liar.section(f"odd-{liar.kind}") for liar in odd)
        centre = Collector(place, more)
        centre.start()
        try:
            node = Sampler(centre, "hv1")
            with checks.part("bad files"):
                bad_files(checks, centre, node)
            with checks.part("hostile contents"):
                hostile_contents(checks, centre, node, ["rspamd", "clamd"])
            with checks.part("hostile envelope"):
                hostile_envelope(checks, centre, node, recorder)
            with checks.part("odd answers"):
                number = node.send(letter("A message that odd filters are asked about"))
                node.opinion(number, "odd-clamd", 10)
                said = given(node, number, ["odd-rspamd", "odd-spamd", "odd-clamd"], 1)
                text = json.dumps(list(said.values()), ensure_ascii=False)
                checks.that("what is no word of a filter's is made plain", "\x1b" not in text and "\x9b" not in text and "\x07" not in text
                            and "\\u00" not in text, text[:2000])
                checks.that("scores that are none are cut or refused", all(abs(float(one["score"])) <= 10000 for one in said.values() if one),
                            text[:2000])
                checks.that("a virus with such a name is a virus", said["odd-clamd"], said)
            with checks.part("shown"):
                shown(checks, centre)
            with checks.part("after all that"):
                number = node.send(virus())
                said = given(node, number, ["rspamd", "clamd"])
                checks.that("a virus is found, and Rspamd is asked, as before", all(said.values()) and said["clamd"]["certain"], said)
                checks.that("it is the same process", centre.process.poll() is None)
                used, links = memory(centre.process), descriptors(centre.process)
                print(f"      {used:.0f} MB at most, {links} descriptors", flush=True)
                checks.that(f"it never had more than {ROOM} MB", used < ROOM, used)
                checks.that("nor does it keep descriptors", links < 200, links)
        finally:
            status, _ = centre.stop()
            checks.that("it ends when it is told to", status == 0, (status, centre.said()[-2000:]))
        liars_of = [threading.Thread(target=liars, args=(checks, folder, rspamd, kind)) for kind in ("rspamd", "spamd", "clamd")]
        for thread in liars_of:
            thread.start()
        for thread in liars_of:
            thread.join()
    return checks.close()


if __name__ == "__main__":
    sys.exit(main())
