#!/usr/bin/env python3
"""A network that lies, as a relay between two who speak plain TCP:

    relay.py ADDRESS PORT TO_ADDRESS TO_PORT RULES

RULES is a file of JSON that is read anew for each piece of bytes that passes: {"delay": 0.3, ...}, each a chance from 0 to 1
per piece, "question" being what comes from who connected and "answer" what comes back:

    delay             it waits up to 0.3 s
    cut_question      half of it goes on, then both ends are reset
    cut_answer        the same
    flip_question     one bit of it is another
    flip_answer       the same
    double_question   the same bytes also go to the other side on a connection of their own
    stall             it waits "stall_seconds"

What it did is counted in RULES.done.
"""
import collections
import json
import random
import socket
import struct
import sys
import threading
import time

done = collections.Counter()
lock = threading.Lock()


class Relay:
    def __init__(self, target, rules):
        self.target, self.path = target, rules

    def rules(self):
        try:
            with open(self.path, encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return {}

    def did(self, what):
        with lock:
            done[what] += 1
            with open(self.path + ".done", "w", encoding="utf-8") as file:
                json.dump(done, file)

    def double(self, piece):
        """Whoever answers is not heard."""
        try:
            with socket.create_connection(self.target, timeout=3) as other:
                other.sendall(piece)
                other.recv(65536)
        except OSError:
            pass

    def pass_on(self, piece, side, out):
        """False: it was cut."""
        rules = self.rules()

        def falls(what):
            if random.random() >= rules.get(what, 0):
                return False
            self.did(what)
            return True
        if falls("delay"):
            time.sleep(random.random() * 0.3)
        if falls("stall"):
            time.sleep(rules.get("stall_seconds", 5))
        if falls(f"cut_{side}"):
            out.sendall(piece[:random.randrange(len(piece) + 1)])
            return False
        if side == "question" and falls("double_question"):
            threading.Thread(target=self.double, args=(piece,), daemon=True).start()
        if falls(f"flip_{side}"):
            piece = bytearray(piece)
            piece[random.randrange(len(piece))] ^= 1 << random.randrange(8)
        out.sendall(piece)
        return True

    def pump(self, side, come, out):
        try:
            while piece := come.recv(1 << 20):
                if not self.pass_on(piece, side, out):
                    break
            else:
                out.shutdown(socket.SHUT_WR)
                return
        except OSError:
            pass
        for end in (come, out):  # reset, not closed
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def serve(self, link):
        try:
            other = socket.create_connection(self.target, timeout=10)
        except OSError:
            link.close()
            return
        other.settimeout(None)
        back = threading.Thread(target=self.pump, args=("answer", other, link), daemon=True)
        back.start()
        self.pump("question", link, other)
        back.join()
        link.close()
        other.close()


def main(address, port, to_address, to_port, rules):
    relay = Relay((to_address, int(to_port)), rules)
    listener = socket.create_server((address, int(port)), backlog=64)
    print("ready", flush=True)
    while True:
        threading.Thread(target=relay.serve, args=(listener.accept()[0],), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
