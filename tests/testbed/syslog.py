#!/usr/bin/env python3
"""What a syslog daemon does with /dev/log, for programs that write nowhere else: syslog.py HOST FILE. A line is the
datagram without its priority, and with the host behind the time, as rsyslog writes it in its traditional format."""
import os
import re
import socket
import sys

HEAD = re.compile(rb"<\d+>([A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d) ")


def main():
    host, path = sys.argv[1:]
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    with open(path, "ab", buffering=0) as file:
        while True:
            file.write(HEAD.sub(rb"\1 " + host.encode() + b" ", log.recv(65536).rstrip(b"\0\n"), count=1) + b"\n")


if __name__ == "__main__":
    main()
