"""A collector of a test's own on loopback, and what nodes and people say to it.

    centre = Collector(folder)
    centre.start()
    node = Node(centre, "hv1")
    node.deliver(records)
"""
import base64
import contextlib
import hashlib
import http.client
import json
import os
import re
import secrets
import signal
import socket
import sqlite3
import ssl
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern-collector")


def word(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Lost(ConnectionError):
    """The connection ended before an answer was read. Whoever is refused while he still sends may miss the answer."""


class Collector:
    """`launch` starts it where it is to run: like subprocess.Popen. `store`: a PostgreSQL (postgresql.py); else SQLite."""

    def __init__(self, folder, more="", address="127.0.0.1:0", launch=subprocess.Popen, store=None):
        self.folder, self.process, self.port, self.launch = folder, None, None, launch
        self.database = os.path.join(folder, "collector.db")
        self.config = os.path.join(folder, "collector.conf")
        self.log = os.path.join(folder, "collector.log")
        self.tls = None
        self.store = store
        if store:
            more = f"store = {store.uri}\n{more}"
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"[collector]\nstate = {folder}\nlisten = {address}\n{more}")

    def start(self):
        with open(self.log, "ab") as log:
            start = log.tell()
            self.process = self.launch([PROGRAM, "run", "--config", self.config], stderr=log)
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            with open(self.log, encoding="utf-8") as log:
                log.seek(start)
                found = re.search(r"port (\d+)", log.read())
            if found:
                self.port = int(found.group(1))
                return self
            time.sleep(0.02)
        raise RuntimeError(f"the collector did not start: {self.said()}")

    def said(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def records(self):
        """The records that it has stored."""
        if self.store:
            return [json.loads(line) for line in self.store.ask("SELECT line FROM records")]
        database = sqlite3.connect(self.database, timeout=20)
        try:
            return [json.loads(line) for (line,) in database.execute("SELECT line FROM records")]
        finally:
            database.close()

    def stop(self, how=signal.SIGTERM):
        """Its exit status, and how long it took."""
        begun = time.monotonic()
        self.process.send_signal(how)
        status = self.process.wait(timeout=30)
        return status, time.monotonic() - begun

    def kill(self):
        self.stop(signal.SIGKILL)

    def tool(self, *arguments):
        done = subprocess.run([PROGRAM, arguments[0], "--config", self.config, *arguments[1:]], capture_output=True,
                              text=True, check=True)
        return done.stdout.strip()

    def token(self, *more):
        return self.tool("token", *more)

    def person(self, name, may):
        return self.tool("person", name, "--may", may)

    def connect(self, timeout=20):
        if self.tls:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self.tls)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, path, secret=None, body=None, headers=None, connection=None):
        """(status, the answer: parsed where it is one JSON object)"""
        own = connection or self.connect()
        try:
            given = dict(headers or {})
            if secret:
                given["Authorization"] = f"Bearer {secret}"
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # answered before the body was taken
                own.request(method, path, body, given)
            try:
                answer = own.getresponse()
                text = answer.read()
            except (ConnectionError, http.client.CannotSendRequest, http.client.ResponseNotReady) as lost:
                raise Lost(f"{method} {path}: {lost!r}") from lost
            try:
                return answer.status, json.loads(text)
            except ValueError:
                return answer.status, text.decode()
        finally:
            if not connection:
                own.close()

    def raw(self, data, patience=10, hold=False):
        """What comes back on bytes that are no request of http.client's."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=patience) as link:
            got = b""
            try:
                link.sendall(data)
                if not hold:
                    link.shutdown(socket.SHUT_WR)
                while chunk := link.recv(65536):
                    got += chunk
            except OSError:
                pass
            return got


class Node:
    def __init__(self, centre, name, token=None):
        self.centre, self.life, self.delivered = centre, secrets.token_hex(8), 0
        raw = secrets.token_bytes(32)
        self.key_hash = hashlib.blake2b(raw, digest_size=32).hexdigest()
        self.status, answer = centre.ask("POST", "/v1/enrol", token or centre.token(),
                                         {"name": name, "version": "0.1.0", "key_hash": self.key_hash})
        self.id = answer.get("node") if isinstance(answer, dict) else None
        self.answer = answer
        self.secret = f"node.{self.id}.{word(raw)}"

    def batch(self, records, after=None, last=None):
        after = self.delivered if after is None else after
        lines = [json.dumps({"life": self.life, "after": after, "last": after + len(records) if last is None else last,
                             "spooled": len(records), "version": "0.1.0"})]
        lines += [json.dumps({"sequence": after + 1 + i, **record}, separators=(",", ":")) for i, record in enumerate(records)]
        return "\n".join(lines) + "\n"

    def send(self, body, headers=None):
        return self.centre.ask("POST", "/v1/records", self.secret, body, headers)

    def deliver(self, records):
        status, answer = self.send(self.batch(records))
        if status == 200:
            self.delivered = answer["delivered"]
        return status, answer
