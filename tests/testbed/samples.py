"""Messages as nodes send them in, for tests of the collector that need no wire.

    node = Sampler(centre, "hv1")
    number = node.send(letter("hello"), sender="mac:02:00:00:00:00:01")    # the number that the node gave it
    node.filtered()      # what the collector has told it of its messages since it was last asked
    node.opinion(number, "rspamd", patience=10)
"""
import contextlib
import ctypes
import json
import time

from collector import Node

ZSTD = ctypes.CDLL("libzstd.so.1")
ZSTD.ZSTD_compress.restype = ctypes.c_size_t
ZSTD.ZSTD_compressBound.restype = ctypes.c_size_t


def packed(plain, level=3):
    room = ctypes.create_string_buffer(ZSTD.ZSTD_compressBound(ctypes.c_size_t(len(plain))))
    size = ZSTD.ZSTD_compress(room, ctypes.c_size_t(len(room)), plain, ctypes.c_size_t(len(plain)), level)
    return room.raw[:size]


def message_file(content, **more):
    """Envelope line and content. `more`: members of the envelope."""
    envelope = {"record": "message", "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "sender": "192.0.2.7", "customer": "", "address": "192.0.2.7",
                "helo": "client.example", "user": "", "queue": "", "from": "ann@firm.example", "recipients": ["bob@there.example"],
                "recipients_left_out": 0, "why": "first", "complete": True, "code": 250, "bytes": len(content), "digest": "",
                "likeness": "", "server": "198.51.100.1", "node_message": 1, **more}
    return json.dumps(envelope, separators=(",", ":")).encode() + b"\n" + content


class Sampler(Node):
    def __init__(self, centre, name, token=None):
        super().__init__(centre, name, token)
        self.number, self.after, self.told = 0, 0, []
        self.names = {}  # of what was sent, by number

    def send_file(self, body, number, connection=None):
        """(status, answer) for bytes as they are; whoever is refused while he still sends may get none."""
        return self.centre.ask("POST", f"/v1/messages?life={self.life}&number={number}", self.secret, body,
                               {"Content-Encoding": "zstd", "Content-Type": "application/octet-stream"}, connection)

    def send(self, content, connection=None, **more):
        self.number += 1
        status, answer = self.send_file(packed(message_file(content, **more)), self.number, connection)
        if status not in (200, 201):
            raise RuntimeError(f"message {self.number}: {status} {answer}")
        if isinstance(answer, dict):
            self.names[self.number] = answer.get("name")
        return self.number

    def filtered(self, wait=0):
        """Opinions that are new to this node."""
        path = f"/v1/directives?after=0&filtered={self.after}&wait={wait}"
        status, answer = self.centre.ask("GET", path, self.secret)
        new = answer.get("filtered", []) if status == 200 else []
        self.after = answer.get("filtered_after", self.after) if status == 200 else self.after
        self.told += new
        return new

    def opinion(self, number, filter_name, patience=20):
        """What that filter says of the message; None where it has not said anything in that time."""
        end = time.monotonic() + patience
        while True:
            for one in self.told:
                if one.get("message") == self.names.get(number) and one.get("filter") == filter_name:
                    return one
            if time.monotonic() >= end:
                return None
            with contextlib.suppress(OSError):
                if not self.filtered(wait=1):
                    time.sleep(0.05)
