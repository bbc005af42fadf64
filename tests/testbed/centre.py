#!/usr/bin/env python3
"""A stand-in for the collector: the node's part of its protocol and nothing else, so that tests of the node's side can
make it lie, refuse and die as they please.

    centre.py DATABASE ADDRESS PORT [PORT...]

Its answers hold members that nodes do not know yet. Every batch is committed to the database before it is answered. The table `rule` says what it does wrong:
("refuse", TEXT): 400 for a batch with that text in it; ("revoked", "yes"): 403 for everything; ("cut", PERCENT): so
many batches are not answered, half of them after they were stored.
Messages (POST /v1/messages) go into `message`, each once, and each attempt into `attempt`; ("messages", WHAT) says what is wrong with
them: a status that every one is answered with, "page" (200 with what a proxy says) or "other" (another message's number).
("opinion", JSON): so each is thought of, as if by a filter, told as `filtered` with the directives.
Token: "token.test". Directives: rows of the table `directive`, in the order of their revision. News: the same of `news`; those of
kind "standing" for whom asks for them. What was asked stands in `asked`.
"""
import ctypes
import hashlib
import http.server
import json
import random
import socketserver
import sqlite3
import sys
import threading
import time
import urllib.parse

ZSTD = ctypes.CDLL("libzstd.so.1")
ZSTD.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
ZSTD.ZSTD_decompress.restype = ctypes.c_size_t
SCHEMA = """
CREATE TABLE IF NOT EXISTS record(life TEXT, sequence INTEGER, line TEXT, PRIMARY KEY(life, sequence));
CREATE TABLE IF NOT EXISTS life(life TEXT PRIMARY KEY, delivered INTEGER);
CREATE TABLE IF NOT EXISTS node(hash TEXT PRIMARY KEY, node TEXT, name TEXT);
CREATE TABLE IF NOT EXISTS rule(name TEXT, value TEXT);
CREATE TABLE IF NOT EXISTS batch(time REAL, port INTEGER, records INTEGER);
CREATE TABLE IF NOT EXISTS news(number INTEGER PRIMARY KEY, body TEXT);
CREATE TABLE IF NOT EXISTS message(life TEXT, number INTEGER, time REAL, file BLOB, PRIMARY KEY(life, number));
CREATE TABLE IF NOT EXISTS attempt(time REAL, life TEXT, number INTEGER, bytes INTEGER);
CREATE TABLE IF NOT EXISTS filtered(number INTEGER PRIMARY KEY, body TEXT);
CREATE TABLE IF NOT EXISTS asked(number INTEGER PRIMARY KEY, path TEXT);
CREATE TABLE IF NOT EXISTS directive(revision INTEGER PRIMARY KEY, body TEXT);
"""


def connect(path):
    database = sqlite3.connect(path, timeout=20, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.executescript(SCHEMA)
    return database


def unpacked(body):
    size = ZSTD.ZSTD_getFrameContentSize(body, ctypes.c_size_t(len(body)))
    if size > 32 << 20:
        raise ValueError("the batch is no zstd, or too large")
    room = ctypes.create_string_buffer(size or 1)
    got = ZSTD.ZSTD_decompress(room, ctypes.c_size_t(size), body, ctypes.c_size_t(len(body)))
    if got != size:
        raise ValueError("the batch is damaged")
    return room.raw[:size]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, value=None):
        body = b"" if value is None else json.dumps({**value, "from_the_next_release": {"a": [1]}}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def rules(self, name):
        return [v for (v,) in self.database.execute("SELECT value FROM rule WHERE name = ?", (name,))]

    def known(self):
        """The node that asks, or None."""
        words = self.headers.get("Authorization", "").split(".")
        if len(words) != 3 or words[0] != "Bearer node" or self.rules("revoked"):
            return None
        import base64
        digest = hashlib.blake2b(base64.urlsafe_b64decode(words[2] + "="), digest_size=32).hexdigest()
        found = self.database.execute("SELECT node FROM node WHERE hash = ?", (digest,)).fetchone()
        return found[0] if found and found[0] == words[1] else None

    def do_POST(self):
        self.database = connect(self.server.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/v1/enrol":
            self.enrol(json.loads(body))
        elif self.known() is None:
            self.answer(403, {"error": "this node was revoked"})
        elif self.path.startswith("/v1/messages?"):
            self.take_message(body)
        else:
            self.take(body)

    def take_message(self, packed):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        life, number = query["life"][0], int(query["number"][0])
        self.database.execute("INSERT INTO attempt VALUES(?, ?, ?, ?)", (time.time(), life, number, len(packed)))
        if self.cuts():
            return
        for wrong in self.rules("messages"):
            if wrong.isdigit():
                self.answer(int(wrong), {"error": "not this one"})
                return
            if wrong == "page":
                self.send_response(200)
                self.send_header("Content-Length", "17")
                self.end_headers()
                self.wfile.write(b"<html>hello</html>"[:17])
                return
            if wrong == "other":
                number += 1
        try:
            file = unpacked(packed)
            envelope = json.loads(file[:file.index(b"\n")])
        except ValueError as wrong:
            self.answer(400, {"error": str(wrong)})
            return
        if not self.rules("messages"):
            self.database.execute("BEGIN IMMEDIATE")
            new = not self.database.execute("SELECT 1 FROM message WHERE life = ? AND number = ?", (life, number)).fetchone()
            if new:
                self.database.execute("INSERT INTO message VALUES(?, ?, ?, ?)", (life, number, time.time(), file))
                self.think(f"{life}-{number}", envelope)
            self.database.execute("COMMIT")
            if self.cuts():
                return
            self.answer(201 if new else 200, {"name": "0DC5B48D4.A739D", "life": life, "number": number})
        else:
            self.answer(201, {"name": "0DC5B48D4.A739D", "life": life, "number": number})

    def think(self, name, envelope):
        for opinion in self.rules("opinion"):
            said = {"message": name, "time": envelope["time"], "sender": envelope["sender"], "address": envelope.get("address"), **json.loads(opinion)}
            self.database.execute("INSERT INTO filtered(body) VALUES(?)", (json.dumps(said),))

    def filtered(self, after):
        rows = self.database.execute("SELECT number, body FROM filtered WHERE number > ? ORDER BY number LIMIT 200", (after,)).fetchall()
        said = [(number, json.loads(body)) for number, body in rows]
        highest = self.database.execute("SELECT ifnull(max(number), 0) FROM filtered").fetchone()[0]
        if highest < after:
            return {"filtered": [], "filtered_after": 0}
        return {"filtered": [{"number": number, **body} if isinstance(body, dict) else body for number, body in said],
                "filtered_after": rows[-1][0]} if rows else {}

    def enrol(self, said):
        if self.headers.get("Authorization") != "Bearer token.test":
            self.answer(403, {"error": "no such token"})
            return
        found = self.database.execute("SELECT node, hash FROM node").fetchone()
        if found and found[1] != said["key_hash"]:
            self.answer(403, {"error": "this token was used"})
            return
        if not found:
            self.database.execute("INSERT INTO node VALUES(?, ?, ?)",
                                  (said["key_hash"], "00000000000000aa", said["name"]))
        self.answer(200 if found else 201, {"node": "00000000000000aa", "name": said["name"]})

    def cuts(self):
        """Whether the connection breaks here."""
        breaks = any(random.random() * 200 < int(percent) for percent in self.rules("cut"))
        self.close_connection = self.close_connection or breaks
        return breaks

    def take(self, body):
        if self.cuts():
            return
        try:
            lines = unpacked(body).decode().splitlines()
            header, records = json.loads(lines[0]), [(json.loads(line), line) for line in lines[1:]]
        except ValueError as wrong:
            self.answer(400, {"error": str(wrong)})
            return
        for word in self.rules("refuse"):
            for number, (_, line) in enumerate(records):
                if word in line:
                    self.answer(400, {"error": f"line {number + 2}: not understood"})
                    return
        self.database.execute("BEGIN IMMEDIATE")
        found = self.database.execute("SELECT delivered FROM life WHERE life = ?", (header["life"],)).fetchone()
        delivered = found[0] if found else 0
        if header["after"] > delivered:
            self.database.execute("ROLLBACK")
            self.answer(409, {"error": "records are missing", "delivered": delivered})
            return
        for record, line in records:
            if record["sequence"] > delivered:
                self.database.execute("INSERT INTO record VALUES(?, ?, ?)", (header["life"], record["sequence"], line))
        delivered = max(delivered, header["last"])
        self.database.execute("INSERT OR REPLACE INTO life VALUES(?, ?)", (header["life"], delivered))
        self.database.execute("INSERT INTO batch VALUES(?, ?, ?)",
                              (time.time(), self.server.server_address[1], len(records)))
        self.database.execute("COMMIT")
        if self.cuts():
            return
        self.answer(200, {"delivered": delivered})

    def news(self, after, standings):
        """What an answer has of them, whatever they are; nothing where there are none."""
        rows = self.database.execute("SELECT number, body FROM news WHERE number > ? AND (? OR body NOT LIKE '%\"standing\"%') "
                                     "ORDER BY number LIMIT 500", (after, standings)).fetchall()
        said = [(number, json.loads(body)) for number, body in rows]
        items = [{"news": number, **body} if isinstance(body, dict) else body for number, body in said]
        return {"news": items, "news_after": rows[-1][0]} if rows else {}

    def do_GET(self):
        self.database = connect(self.server.path)
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        if self.known() is None:
            self.answer(403, {"error": "this node was revoked"})
            return
        self.database.execute("INSERT INTO asked(path) VALUES(?)", (self.path,))
        after, end, last = int(query["after"][0]), time.monotonic() + float(query["wait"][0]), False
        while not last and not self.rules("revoked"):
            last = time.monotonic() >= end
            rows = self.database.execute("SELECT revision, body FROM directive WHERE revision > ? ORDER BY revision",
                                         (after,)).fetchall()
            news = self.news(int(query["news"][0]), "standings" in query) if "news" in query else {}
            news.update(self.filtered(int(query["filtered"][0])) if "filtered" in query else {})
            if rows or news:
                self.answer(200, {"revision": rows[-1][0] if rows else after,
                                  "directives": [{"revision": r, "also": [{}], **json.loads(b)} for r, b in rows], **news})
                return
            highest = self.database.execute("SELECT ifnull(max(revision), 0) FROM directive").fetchone()[0]
            if after > highest:
                self.answer(416, {"error": "no revision is as high as that", "after": after, "revision": highest})
                return
            time.sleep(0.1)
        if self.rules("revoked"):
            self.answer(403, {"error": "this node was revoked"})
        else:
            self.answer(204)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_):
        pass  # who hangs up in the middle is what the test is about


def main(path, address, *ports):
    connect(path)
    for port in ports:
        server = Server((address, int(port)), Handler)
        server.path = path
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
