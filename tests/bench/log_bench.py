#!/usr/bin/env python3
"""How many Postfix lines a second the log reader takes, beside what others do with the same file, each on one core.

Others are pflogsumm and fail2ban-regex with its postfix rules, where they are installed. The goal: 500,000 lines a second.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

LINES = int(os.environ.get("LINES_WANTED", "1000000"))
OTHERS = int(os.environ.get("LINES_OTHERS", "100000"))  # enough to know the rate of the slower ones


def write_log(path, wanted):
    """Messages with one to three recipients, a tenth of them bounced, one connection in ten refused."""
    chance = random.Random(1)
    written = second = 0
    with open(path, "w", encoding="ascii") as file:
        while written < wanted:
            second += chance.random() < 0.05
            stamp = f"Nov {5 + second // 86400:2d} {second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d} mx "
            queue = "".join(chance.choice("0123456789ABCDEF") for _ in range(11))
            client = f"host{chance.randrange(999)}.example.net[192.0.2.{chance.randrange(1, 255)}]"
            sender = f"user{chance.randrange(5000)}@example.org"
            count = chance.randrange(1, 4)
            rows = [f"postfix/smtpd[811]: connect from {client}"]
            if chance.random() < 0.1:
                rows.append(f"postfix/smtpd[811]: NOQUEUE: reject: RCPT from {client}: 554 5.7.1 <x@example.com>: Relay "
                            f"access denied; from=<{sender}> to=<x@example.com> proto=ESMTP helo=<pc>")
            else:
                rows += [f"postfix/smtpd[811]: {queue}: client={client}, sasl_method=PLAIN, sasl_username={sender}",
                         f"postfix/cleanup[812]: {queue}: message-id=<{queue}@example.org>",
                         f"postfix/qmgr[801]: {queue}: from=<{sender}>, size={chance.randrange(500, 90000)}, "
                         f"nrcpt={count} (queue active)"]
                for _ in range(count):
                    bad = chance.random() < 0.1
                    what = ("dsn=5.1.1, status=bounced (host mx.example.com[198.51.100.9] said: 550 5.1.1 no such user "
                            "(in reply to RCPT TO command))" if bad else
                            f"dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {queue[::-1]})")
                    rows.append(f"postfix/smtp[813]: {queue}: to=<r{chance.randrange(99999)}@example.com>, relay=mx.example."
                                f"com[198.51.100.9]:25, delay=0.61, delays=0.11/0.01/0.3/0.19, {what}")
                rows.append(f"postfix/qmgr[801]: {queue}: removed")
            rows.append(f"postfix/smtpd[811]: disconnect from {client} ehlo=1 auth=1 mail=1 rcpt={count} data=1 quit=1")
            file.writelines(f"{stamp}{row}\n" for row in rows)
            written += len(rows)


def other(name, command, lines):
    if not shutil.which(command[0]):
        print(f"{name:16} is not installed")
        return
    begun = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    took = time.monotonic() - begun
    print(f"{name:16} {lines / took:12,.0f} lines/s" if done.returncode == 0 else f"{name:16} failed")


def main():
    with tempfile.TemporaryDirectory() as folder:
        log, less = f"{folder}/mail.log", f"{folder}/less.log"
        write_log(log, LINES)
        write_log(less, OTHERS)
        best = None
        for _ in range(3):
            said = subprocess.run(["taskset", "-c", "0", "build/bench/log_path", log], capture_output=True, text=True,
                                  check=True).stdout
            lines, unparsed, observations, spent = map(int, said.split())
            best = min(spent, best or spent)
        print(f"{'postern':16} {lines / best * 1e9:12,.0f} lines/s  ({lines} lines, {unparsed} not understood, "
              f"{observations} observations)")
        other("pflogsumm", ["taskset", "-c", "0", "pflogsumm", less], OTHERS)
        other("fail2ban-regex", ["taskset", "-c", "0", "fail2ban-regex", less, "postfix"], OTHERS)
    return 0 if unparsed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
