"""The way between a resolver's client and the resolver, as it can be: a relay for DNS that loses, delays, truncates and
rewrites answers, and slips in forged ones.

    with Nameway(5310, ("127.0.0.1", 5302), lost=0.2, forged=1.0) as way:
        ...
        way.questions      # (time, name) of each that came, over UDP

What is forged lists everything, comes before the real answer, and is wrong in one thing: the number, the port it comes
from, the name asked for, or its letters' case. Over TCP nothing is forged: who does not see the packets cannot."""
import heapq
import random
import select
import socket
import struct
import threading
import time

LISTED = socket.inet_aton("127.0.0.2")


def name_of(message):
    """(the question's name as text, where the question ends)"""
    at, labels = 12, []
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("ascii", "replace"))
        at += 1 + message[at]
    return ".".join(labels), at + 5


def answer(question, address, number=None, name=None):
    """A reply to the question that gives that address, with another number or name where they are given."""
    _, end = name_of(question)
    asked = question[12:end]
    if name is not None:
        asked = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + asked[-4:]
    head = struct.pack(">HHHHHH", struct.unpack(">H", question[:2])[0] if number is None else number, 0x8180, 1, 1, 0, 0)
    return head + asked + b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 3600, 4) + address


class Nameway:
    def __init__(self, port, upstream, lost=0.0, late=0.0, delay=1.0, truncated=0.0, forged=0.0, rewritten=None, stream=True,
                 listing=lambda name: False, seed=1):
        """`late`: so many answers come after `delay` seconds; `rewritten`: the address given for names that do not exist;
        `listing`: whether a question is answered with 127.0.0.2, whatever the truth."""
        self.upstream, self.chance = upstream, random.Random(seed)
        self.lost, self.late, self.delay, self.truncated, self.forged = lost, late, delay, truncated, forged
        self.rewritten, self.listing = rewritten, listing
        self.questions, self.streams = [], 0
        self.server = self.bound(socket.SOCK_DGRAM, port)
        self.other = self.bound(socket.SOCK_DGRAM, 0)  # forgeries come from there
        self.ahead = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ahead.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.ahead.connect(upstream)
        self.waiting, self.number, self.later = {}, 0, []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.pass_on)]
        if stream:
            self.listener = self.bound(socket.SOCK_STREAM, port)
            self.listener.listen(64)
            self.listener.settimeout(0.1)
            self.threads.append(threading.Thread(target=self.accept))

    @staticmethod
    def bound(kind, port):
        made = socket.socket(socket.AF_INET, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if kind == socket.SOCK_DGRAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        made.bind(("127.0.0.1", port))
        return made

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        for one in (self.server, self.other, self.ahead, getattr(self, "listener", None)):
            if one:
                one.close()

    # UDP

    def pass_on(self):
        while not self.stopping.is_set():
            wait = 0.05
            while self.later and self.later[0][0] <= time.monotonic():
                _, _, said, who = heapq.heappop(self.later)
                self.server.sendto(said, who)
            if self.later:
                wait = min(wait, max(0, self.later[0][0] - time.monotonic()))
            readable, _, _ = select.select([self.server, self.ahead], [], [], wait)
            if self.server in readable:
                self.take_question(*self.server.recvfrom(4096))
            if self.ahead in readable:
                try:
                    self.take_answer(self.ahead.recv(4096))
                except OSError:
                    pass  # nobody listens there

    def take_question(self, question, who):
        name, _ = name_of(question)
        self.questions.append((time.monotonic(), name))
        if self.chance.random() < self.forged:
            self.forge(question, name, who)
        if self.chance.random() < self.lost / 2:
            return
        if self.listing(name):
            self.server.sendto(answer(question, LISTED), who)
            return
        self.number = (self.number + 1) % 65536
        self.waiting[self.number] = (question[:2], who)
        self.ahead.send(struct.pack(">H", self.number) + question[2:])

    def forge(self, question, name, who):
        (number,) = struct.unpack(">H", question[:2])
        how = self.chance.randrange(4)
        if how == 0:
            for _ in range(10):
                self.server.sendto(answer(question, LISTED, number=self.chance.randrange(number + 1, number + 65536) % 65536), who)
        elif how == 1:
            self.other.sendto(answer(question, LISTED), who)
        elif how == 2:
            self.server.sendto(answer(question, LISTED, name="9" + name), who)
        else:
            self.server.sendto(answer(question, LISTED, name=name.swapcase()), who)

    def take_answer(self, said):
        number, who = self.waiting.pop(struct.unpack(">H", said[:2])[0], (None, None))
        if number is None or self.chance.random() < self.lost / 2:
            return
        said = number + said[2:]
        if self.rewritten and said[3] & 15 == 3:
            said = answer(said, socket.inet_aton(self.rewritten))
        if self.chance.random() < self.truncated:
            _, end = name_of(said)
            said = said[:2] + bytes([said[2] | 2]) + said[3:6] + bytes(6) + said[12:end]
        if self.chance.random() < self.late:
            heapq.heappush(self.later, (time.monotonic() + self.delay, self.chance.random(), said, who))
        else:
            self.server.sendto(said, who)

    # TCP

    def accept(self):
        while not self.stopping.is_set():
            try:
                link, _ = self.listener.accept()
            except OSError:
                continue
            threading.Thread(target=self.serve, args=(link,), daemon=True).start()

    def serve(self, link):
        with link, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ahead:
            link.settimeout(5)
            ahead.settimeout(5)
            ahead.connect(self.upstream)
            stream = link.makefile("rb")
            try:
                while head := stream.read(2):
                    self.streams += 1
                    ahead.send(stream.read(struct.unpack(">H", head)[0]))
                    said = ahead.recv(65535)
                    link.sendall(struct.pack(">H", len(said)) + said)
            except OSError:
                pass
