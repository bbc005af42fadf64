#!/usr/bin/env python3
"""Small logs of our own writing, for formats whose programs no test can run: what replay makes of each sender.

A row: what it shows, the lines, and for each sender the messages and recipients (all, refused, put off).

POSTERN_BUILD: build or build/asan.
"""
import json
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AGENT = os.path.join(TOP, os.environ.get("POSTERN_BUILD", "build"), "postern-agent")

TAI = "@400000006732b2c31d2e3f40 "
SYSLOG = "2026-11-05T08:00:01+00:00 mx "
UUID = "3E6A027F-8307-4DA4-B105-2A39EC4B58D4"

QMAIL = [
    "new msg 53",
    "info msg 53: bytes 246 from <al@firm.test> qp 20372 uid 1001",
    "starting delivery 4: msg 53 to remote good@far.test",
    "status: local 0/10 remote 1/20",
    "starting delivery 5: msg 53 to remote nobody@far.test",
    "starting delivery 6: msg 53 to remote later@far.test",
    "starting delivery 7: msg 53 to local bo@firm.test",
    "delivery 5: failure: 192.0.2.4_does_not_like_recipient./Remote_host_said:_550_5.1.1_No_such_user/Giving_up_on_192.0.2.4./",
    "delivery 4: success: 192.0.2.4_accepted_message./Remote_host_said:_250_2.0.0_Ok:_queued_as_7/",
    "delivery 7: success: did_1+0+0/",
    "delivery 6: deferral: 192.0.2.4_does_not_like_recipient./Remote_host_said:_451_4.7.1_Come_back/Giving_up_on_192.0.2.4./",
    "end msg 53",
    # The inode again, and another's mail.
    "new msg 53",
    "info msg 53: bytes 90 from <> qp 20399 uid 1002",
    "starting delivery 4: msg 53 to remote good@far.test",
    "delivery 4: success: 192.0.2.4_accepted_message./Remote_host_said:_250_ok/",
    "end msg 53",
    # An outcome whose beginning nobody saw is nobody's.
    "delivery 99: success: 192.0.2.4_accepted_message./Remote_host_said:_250_ok/",
]
QMAIL_WANT = {"uid:1001": (1, 1, 1, 1), "uid:1002": (1, 1, 0, 0)}

OPENSMTPD = [
    "6dd1d4a7d2fbe2f0 smtp connected address=192.0.2.7 host=pc.firm.test",
    "6dd1d4a7d2fbe2f0 smtp tls ciphers=TLSv1.3:TLS_AES_256_GCM_SHA384:256",
    "6dd1d4a7d2fbe2f0 smtp authentication user=al result=ok",
    '6dd1d4a7d2fbe2f0 smtp failed-command command="RCPT TO:<gone@firm.test>" result="550 Invalid recipient: <gone@firm.test>"',
    "6dd1d4a7d2fbe2f0 smtp message msgid=2b068716 size=304 nrcpt=2 proto=ESMTP",
    "6dd1d4a7d2fbe2f0 smtp envelope evpid=2b0687164c79d33d from=<al@firm.test> to=<good@far.test>",
    "6dd1d4a7d2fbe2f0 smtp envelope evpid=2b0687164c79d33e from=<al@firm.test> to=<later@far.test>",
    "6dd1d4a7d2fbe2f0 smtp disconnected reason=quit",
    '12013d61f5184845 mta delivery evpid=2b0687164c79d33d from=<al@firm.test> to=<good@far.test> rcpt=<-> source="203.0.113.5" relay="198.51.100.3 (mx.far.test)" delay=0s result="Ok" stat="250 2.0.0 Ok: queued"',
    '12013d61f5184845 mta delivery evpid=2b0687164c79d33e from=<al@firm.test> to=<later@far.test> rcpt=<-> source="203.0.113.5" relay="198.51.100.3 (mx.far.test)" delay=0s result="TempFail" stat="451 4.7.1 Come back"',
]
OPENSMTPD_WANT = {"account:al": (1, 1, 1, 1)}

HARAKA = [
    f"[NOTICE] [{UUID}] [core] connect ip=192.0.2.7 port=21957 local_ip=:: local_port=25",
    f'[NOTICE] [{UUID}.1] [core] sender <al@firm.test> code=CONT msg=""',
    f'[NOTICE] [{UUID}.1] [core] message mid="<1@x> size=9 y" size=900 rcpts=3/0/0 delay=0.1 code=CONT msg=""',
    f"[NOTICE] [{UUID}.1.1] [outbound] recipient <nobody@far.test> rejected: 550 5.1.1 No such user",
    f'[NOTICE] [{UUID}.1.1] [outbound] delivered file=1_1_0_1_a.mx domain=far.test host=mx.far.test ip=198.51.100.3 port=25 mode=SMTP tls=N auth=N response="2.0.0 Ok" delay=0.3 fails=0 rcpts=2/0/1',
    f"[NOTICE] [{UUID}] [core] disconnect ip=192.0.2.7 rdns=\"\" helo=pc",
]
LOGFMT = [
    f"level=NOTICE uuid={UUID} origin=core message=connect ip=192.0.2.7 port=5000 local_ip=:: local_port=25",
    f'level=NOTICE uuid={UUID}.1 origin=core message="sender <al@firm.test>" code=CONT msg=""',
    f"level=NOTICE uuid={UUID}.1 origin=core message=message mid=<1@x> size=900 rcpts=3/0/0 delay=0.1 code=CONT msg=\"\"",
    f'level=NOTICE uuid={UUID}.1.1 origin=outbound message="recipient <nobody@far.test> rejected: 550 5.1.1 No such user"',
    f'level=NOTICE uuid={UUID}.1.1 origin=outbound message="" delivered file=1_1_0_1_a.mx domain=far.test host=mx.far.test ip=198.51.100.3 port=25 mode=SMTP tls=N auth=N response="2.0.0 Ok" delay=0.3 fails=0 rcpts=2/0/1',
]
JSON = [
    json.dumps(row, separators=(",", ":"))
    for row in (
        {"level": "NOTICE", "uuid": UUID, "origin": "core", "message": "connect", "ip": "192.0.2.7", "port": 5000},
        {"level": "NOTICE", "uuid": UUID + ".1", "origin": "core", "message": "sender <al@firm.test>", "code": "CONT"},
        {"level": "NOTICE", "uuid": UUID + ".1", "origin": "core", "message": "message", "mid": '<1"@x>', "size": 900,
         "rcpts": "3/0/0", "delay": 0.1, "code": "CONT", "msg": ""},
        {"level": "NOTICE", "uuid": UUID + ".1.1", "origin": "outbound",
         "message": "recipient <nobody@far.test> rejected: 550 5.1.1 No such user"},
        {"level": "NOTICE", "uuid": UUID + ".1.1", "origin": "outbound", "message": "", "delivered file": "1_1.mx",
         "domain": "far.test", "host": "mx.far.test", "ip": "198.51.100.3", "port": 25, "mode": "SMTP", "tls": "N",
         "auth": "N", "response": "2.0.0 Ok", "delay": 0.3, "fails": 0, "rcpts": "2/0/1"},
    )
]
# Haraka says of a delivery how many it was for, not who: one recipient stands for them.
HARAKA_WANT = {"192.0.2.7": (1, 1, 1, 0)}

EXIM = [
    "1xWKnG-00000S-0S <= al@firm.test U=web P=local S=302",
    "1xWKnG-00000S-0S => good@far.test R=out T=out H=mx.far.test [198.51.100.3]:25 C=\"250 2.0.0 Ok\"",
    "1xWKnG-00000S-0S ** nobody@far.test R=out T=out H=mx.far.test [198.51.100.3]:25 I=[203.0.113.5]:49006: SMTP error from remote mail server after RCPT TO:<nobody@far.test>: 550 5.1.1 No such user",
    "1xWKnG-00000S-0S == later@far.test R=out T=out defer (-44) H=mx.far.test [198.51.100.3]:25 DT=0.000s: SMTP error from remote mail server after RCPT TO:<later@far.test>: 451 4.7.1 Come back",
    "1xWKnG-00000S-0S Completed",
]
EXIM_WANT = {"account:web": (1, 1, 1, 1)}

ROWS = [
    ("qmail by multilog, numbers used again", [TAI + line for line in QMAIL], QMAIL_WANT),
    ("qmail by splogger", [SYSLOG + "qmail: 1730793601.123456 " + line for line in QMAIL], QMAIL_WANT),
    ("OpenSMTPD, a session that logs in", [SYSLOG + "smtpd[9]: " + line for line in OPENSMTPD], OPENSMTPD_WANT),
    ("Haraka", [SYSLOG + "haraka[9]: " + line for line in HARAKA], HARAKA_WANT),
    ("Haraka with a time of its own", ["2026-11-05T08:00:01.123Z " + line for line in HARAKA], HARAKA_WANT),
    ("Haraka, logfmt", [SYSLOG + "haraka[9]: " + line for line in LOGFMT], HARAKA_WANT),
    ("Haraka, JSON", [SYSLOG + "haraka[9]: " + line for line in JSON], HARAKA_WANT),
    ("Exim, refused and put off at RCPT", ["2026-11-05 08:00:01 " + line for line in EXIM], EXIM_WANT),
]
KEYS = ("messages", "recipients", "recipients_rejected", "recipients_deferred")


def run(command, path):
    done = subprocess.run([AGENT, command, "--json", path], capture_output=True, text=True, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


OWN = r"""[refused]
program = mymta
has = refused
match = ^(?<queue>\w+): (?<to>\S+) refused: (?<code>5\d\d) (?<reply>.*)$
means = delivery
"""


def faults_of_own_files(directory):
    """A site's pattern file is asked, takes the place of the shipped one of its name, and is refused with its line."""
    log, own, postfix = (os.path.join(directory, name) for name in ("log", "own.conf", "postfix.conf"))
    with open(log, "w", encoding="utf-8") as file:
        file.write(SYSLOG + "mymta[9]: Q1: bo@far.test refused: 550 no\n" + SYSLOG + "postfix/smtpd[9]: warning: x\n")
    for path in (own, postfix):
        with open(path, "w", encoding="utf-8") as file:
            file.write(OWN)
    for path, want in ((own, ["refused", "other"]), (postfix, ["refused", None])):
        done = subprocess.run([AGENT, "log-test", "--json", "--patterns", path, log], capture_output=True, text=True,
                              check=False)
        rules = [json.loads(line).get("rule") for line in done.stdout.splitlines()][:2]
        if rules != want:
            yield f"{os.path.basename(path)}: {rules}, not {want}"
    with open(own, "w", encoding="utf-8") as file:
        file.write(OWN.replace("delivery", "nonsense"))
    done = subprocess.run([AGENT, "log-test", "--patterns", own, log], capture_output=True, text=True, check=False)
    if done.returncode == 0 or f"{own}:5: [refused] means: no such meaning; " not in done.stderr:
        yield f"a bad file: status {done.returncode}, {done.stderr.strip()}"


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        for name, lines, want in ROWS:
            path = os.path.join(directory, "log")
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
            lost = [r["line"] for r in run("log-test", path) if r.get("outcome") == "unparsed"]
            senders = [r for r in run("replay", path) if r["record"] == "sender"]
            found = {r["sender"]: tuple(r[key] for key in KEYS) for r in senders}
            good = not lost and found == want
            print(f"{'ok  ' if good else 'FAIL'} {name}")
            for line in lost:
                print(f"     not understood: {line}")
            if found != want:
                print(f"     {found}, not {want}")
            failed += not good
        found = list(faults_of_own_files(directory))
        print(f"{'FAIL' if found else 'ok  '} a site's own pattern files", *found, sep="\n     ")
        failed += bool(found)
    print(f"{len(ROWS) + 1 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
