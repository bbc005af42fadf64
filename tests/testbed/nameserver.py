#!/usr/bin/env python3
"""A name server that knows one name: nameserver.py ADDRESS NAME ITS_ADDRESS [truncate]

Anything else is NXDOMAIN; other types than A are empty. With "truncate" it answers over UDP that the answer does not fit,
so that it is asked over TCP."""
import socket
import struct
import sys
import threading


def answer(question, name, address):
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
        at += 1 + question[at]
    (kind,) = struct.unpack(">H", question[at + 1:at + 3])
    known = ".".join(labels) == name
    found = known and kind == 1
    head = question[:2] + struct.pack(">HHHHH", 0x8580 | (0 if known else 3), 1, found, 0, 0)
    record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton(address)
    return head + question[12:at + 5] + (record if found else b"")


def stream(listener, name, address):
    while True:
        link, _ = listener.accept()
        with link:
            link.settimeout(3)
            try:
                while length := link.recv(2):
                    said = answer(link.recv(struct.unpack(">H", length)[0]), name, address)
                    link.sendall(struct.pack(">H", len(said)) + said)
            except OSError:
                pass


def main(own, name, address, how=""):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((own, 53))
    threading.Thread(target=stream, args=(socket.create_server((own, 53)), name, address), daemon=True).start()
    print("ready", flush=True)
    while True:
        question, who = server.recvfrom(4096)
        said = answer(question, name, address)
        if how:
            said = said[:2] + bytes([said[2] | 2]) + said[3:6] + bytes(6) + said[12:len(question)]
        server.sendto(said, who)


if __name__ == "__main__":
    main(*sys.argv[1:])
