"""The shared corpus of spam and ham: what is in it, and how it is parted. The same messages are taught on every machine.

It is no part of the tree: POSTERN_TESTDATA names its folder, else ../shared/testdata beside the tree is looked at.
"""
import csv
import hashlib
import ipaddress
import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.environ.get("POSTERN_TESTDATA", os.path.join(TOP, "..", "shared", "testdata"))
CLASSES = {"spam": True, "ham": False, "hard-ham": False}  # whether it is spam

SENDER = re.compile(r"^(?:Return-Path: *<|From:[^\n]*?)([\w.+=-]+@[\w.-]+)", re.M)
CLIENT = re.compile(r"\[(\d{1,3}(?:\.\d{1,3}){3})\]")
TO = re.compile(r"^(?:To|Cc): *([^\n]*)", re.M)
ADDRESS = re.compile(r"[\w.+=-]+@[\w.-]+")


def is_public(text):
    try:
        return ipaddress.ip_address(text).is_global
    except ValueError:
        return False


class Message:
    def __init__(self, spam, content, digest):
        self.spam, self.content, self.digest = spam, content, digest

    def on_the_wire(self):
        return self.content.replace(b"\n", b"\r\n")

    def envelope(self):
        """As far as its headers tell who handed it over, for whom: members of a message file's first line."""
        headers = self.content.split(b"\n\n", 1)[0].decode("latin-1")
        sender = SENDER.search(headers)
        clients = [found for found in CLIENT.findall(headers) if is_public(found)]
        recipients = sorted({found for line in TO.findall(headers) for found in ADDRESS.findall(line)})
        return {"from": sender.group(1) if sender else "", "recipients": recipients[:10] or ["reader@example.com"],
                "address": clients[0] if clients else "10.0.0.1", "sender": "198.51.100.7"}


def plain(content):
    """With LF, and without the line that mailboxes put before a message."""
    content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if content.startswith((b"From ", b">From ")) and b"\n" in content:
        content = content.split(b"\n", 1)[1]
    return content


def read():
    """Every message once, in an order that its bytes decide; empty where there is no corpus."""
    manifest = os.path.join(FOLDER, "MANIFEST.csv")
    if not os.path.exists(manifest):
        return []
    found = {}
    with open(manifest, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if not row["path"].startswith("corpus/") or row["role"] != "data" or row["label"] not in CLASSES:
                continue
            with open(os.path.join(FOLDER, row["path"]), "rb") as message:
                content = plain(message.read())
            digest = hashlib.sha256(content).hexdigest()
            if content.strip() and digest not in found:
                found[digest] = Message(CLASSES[row["label"]], content, digest)
    return [found[digest] for digest in sorted(found)]


def parted(messages, lessons=1000):
    """(lessons, the rest): half of the lessons are spam."""
    taken = [one for spam in (True, False) for one in [m for m in messages if m.spam == spam][: lessons // 2]]
    known = {one.digest for one in taken}
    return taken, [one for one in messages if one.digest not in known]
