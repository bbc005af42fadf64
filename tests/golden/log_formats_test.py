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

# What a web page sends by the local program is taken by it and handed to the daemon: one message, of the page's user.
SENDMAIL_HERE = [
    "sendmail[71]: 6A1AAAAA000071: from=web, size=90, class=0, nrcpts=1, msgid=<1@x>, relay=web@localhost",
    "sm-mta[72]: 6A1AAAAA000072: from=<web@firm.test>, size=300, class=0, nrcpts=1, msgid=<1@x>, proto=ESMTP, daemon=MTA-v4, relay=localhost [127.0.0.1]",
    "sendmail[71]: 6A1AAAAA000071: to=good@far.test, ctladdr=web (1001/1001), delay=00:00:01, xdelay=00:00:00, mailer=relay, pri=30090, relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, stat=Sent (6A1AAAAA000072 Message accepted for delivery)",
    "sm-mta[74]: 6A1AAAAA000072: to=<good@far.test>, ctladdr=<web@firm.test> (1001/1001), delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=120300, relay=mx.far.test. [198.51.100.3], dsn=2.0.0, stat=Sent (Ok: queued as 7)",
]
# A process number that another client's connection has too; a recipient refused here; two answered in one line.
SENDMAIL_LOGIN = [
    "sm-mta[73]: AUTH=server, relay=pc.firm.test [192.0.2.7], authid=al, mech=LOGIN, bits=0",
    "sm-mta[73]: 6A1AAAAA000073: ruleset=check_rcpt, arg1=<no@far.test>, relay=pc.firm.test [192.0.2.7], reject=550 5.7.1 <no@far.test>... Relaying denied",
    "sm-mta[73]: 6A1AAAAA000073: from=<al@firm.test>, size=90, class=0, nrcpts=3, msgid=<1@x>, proto=ESMTPSA, daemon=MSA, relay=pc.firm.test [192.0.2.7]",
    "sm-mta[75]: 6A1AAAAA000073: to=<good@far.test>,<too@far.test>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=90090, relay=mx.far.test. [198.51.100.3], dsn=2.0.0, stat=Sent (Ok)",
    "sm-mta[75]: 6A1AAAAA000073: to=<nobody@far.test>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=90090, relay=mx.far.test. [198.51.100.3], dsn=5.1.1, reply=550 5.1.1 No such user, stat=User unknown",
    "sm-mta[73]: 6A1AAAAB000073: from=<x@firm.test>, size=90, class=0, nrcpts=1, msgid=<2@x>, proto=ESMTP, daemon=MTA-v4, relay=[IPv6:2001:db8::9] (may be forged)",
    "sm-mta[76]: 6A1AAAAB000073: to=<good@far.test>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=90090, relay=mx.far.test. [198.51.100.3], dsn=2.0.0, stat=Sent (Ok)",
]
POSTFIX = "2026-11-05T08:00:01+00:00 mx postfix/"
# Refused by the site's own filter: at RCPT before there is a queue id, and when the text was read; the account's.
MILTER = [
    "smtpd[9]: NOQUEUE: milter-reject: RCPT from pc[192.0.2.8]: 550 5.7.1 Not this one; from=<x@firm.test> to=<bo@far.test> proto=ESMTP helo=<pc>",
    "smtpd[9]: AAAAAAA1: client=pc[192.0.2.7], sasl_method=PLAIN, sasl_username=al",
    "cleanup[9]: AAAAAAA1: message-id=<1@x>",
    "cleanup[9]: AAAAAAA1: milter-reject: END-OF-MESSAGE from pc[192.0.2.7]: 5.7.1 Spam message rejected; from=<al@firm.test> to=<bo@far.test> proto=ESMTP helo=<pc>",
    "smtpd[9]: BBBBBBB1: client=pc[192.0.2.7], sasl_method=PLAIN, sasl_username=al",
    "cleanup[9]: BBBBBBB1: milter-reject: END-OF-MESSAGE from pc[192.0.2.7]: 4.7.1 Try again later; from=<al@firm.test> to=<bo@far.test> proto=ESMTP helo=<pc>",
]
POSTSCREEN = [
    "postscreen[9]: CONNECT from [192.0.2.9]:4242 to [203.0.113.5]:25",
    "postscreen[9]: PREGREET 11 after 0.05 from [192.0.2.9]:4242: EHLO spam\\r\\n",
    "postscreen[9]: DNSBL rank 3 for [192.0.2.9]:4242",
    "postscreen[9]: NOQUEUE: reject: RCPT from [192.0.2.9]:4242: 550 5.7.1 Service unavailable; client [192.0.2.9] blocked using zen.example; from=<a@evil.test>, to=<al@firm.test>, proto=ESMTP, helo=<spam>",
    "postscreen[9]: NOQUEUE: reject: RCPT from [2001:db8::9]:4242: 450 4.3.2 Service currently unavailable; from=<a@evil.test>, to=<al@firm.test>, proto=SMTP, helo=<spam>",
    "postscreen[9]: HANGUP after 1.2 from [192.0.2.9]:4242 in tests after SMTP handshake",
    "postscreen[9]: DISCONNECT [192.0.2.9]:4242",
    "postscreen[9]: PASS NEW [192.0.2.10]:4243",
]


def second_pass(tie):
    """A message through a filter on this machine and back: with the first queue id told by XFORWARD, or in the answer."""
    return [
        "submission/smtpd[9]: AAAAAAA1: client=pc[192.0.2.7], sasl_method=PLAIN, sasl_username=al",
        "qmgr[9]: AAAAAAA1: from=<al@firm.test>, size=900, nrcpt=2 (queue active)",
        "smtpd[9]: BBBBBBB1: client=localhost[127.0.0.1]" + (", orig_queue_id=AAAAAAA1, orig_client=pc[192.0.2.7]" if tie else ""),
        "qmgr[9]: BBBBBBB1: from=<al@firm.test>, size=1300, nrcpt=2 (queue active)",
        *(f"smtp[9]: AAAAAAA1: to=<{to}@far.test>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as BBBBBBB1)" for to in ("good", "nobody")),
        "qmgr[9]: AAAAAAA1: removed",
        "smtp[9]: BBBBBBB1: to=<good@far.test>, relay=mx.far.test[198.51.100.3]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 2.0.0 Ok)",
        "smtp[9]: BBBBBBB1: to=<nobody@far.test>, relay=mx.far.test[198.51.100.3]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced (host mx.far.test[198.51.100.3] said: 550 5.1.1 No such user (in reply to RCPT TO command))",
        "qmgr[9]: BBBBBBB1: removed",
    ]


# What strangers write so that a line is read otherwise: another's account in a quoted address, in a name of TLS; a space
# in a recipient, so that its delivery is not seen; more fields in a Message-ID and in a server's reply.
FRAMED_EXIM = [
    '1xWKnA-00000S-0S <= "x H=(h) [192.0.2.66] P=esmtpa A=plain:victim S=1 "@evil.test H=(real) [203.0.113.9]:4444 P=esmtp S=900 id=a@b',
    "1xWKnA-00000S-0S => good@far.test R=out T=out H=mx.far.test [198.51.100.3]",
    "1xWKnA-00000S-0S Completed",
    '1xWKnB-00000S-0S <= "x U=victim P=local S=1 "@evil.test H=(real) [203.0.113.9]:4444 P=esmtpa A=plain:al S=900 id=a@b',
    '1xWKnB-00000S-0S => "a b"@far.test R=out T=out H=mx.far.test [198.51.100.3]',
    '1xWKnB-00000S-0S -> "a b"c@far.test <x y> R=out T=out H=mx.far.test [198.51.100.3]',
    "1xWKnB-00000S-0S Completed",
    '1xWKnC-00000S-0S <= x@evil.test H=(real) [203.0.113.9]:4444 P=esmtpsa SNI="x" A=plain:victim y="" A=plain:al S=900 id=a@b',
    "1xWKnC-00000S-0S => good@far.test R=out T=out H=mx.far.test [198.51.100.3]",
    "1xWKnC-00000S-0S Completed",
]
FRAMED_SENDMAIL = [
    'sm-mta[10]: 6A1AAAAA000010: from=<"a, b c"@evil.test>, size=900, class=0, nrcpts=1, msgid=<a, relay=b@c>, proto=ESMTP, daemon=MTA, relay=host.test [203.0.113.9]',
    "sm-mta[11]: 6A1AAAAA000010: to=<good@far.test>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=30900, relay=mx.far.test. [198.51.100.3], dsn=2.0.0, stat=Sent (ok, relay=x, mailer=local, x stat=Sent)",
]
SECOND_PASS_WANT = {"account:al": (1, 1, 1, 0)}

ROWS = [
    ("qmail by multilog, numbers used again", [TAI + line for line in QMAIL], QMAIL_WANT),
    ("qmail by splogger", [SYSLOG + "qmail: 1730793601.123456 " + line for line in QMAIL], QMAIL_WANT),
    ("OpenSMTPD, a session that logs in", [SYSLOG + "smtpd[9]: " + line for line in OPENSMTPD], OPENSMTPD_WANT),
    ("Haraka", [SYSLOG + "haraka[9]: " + line for line in HARAKA], HARAKA_WANT),
    ("Haraka with a time of its own", ["2026-11-05T08:00:01.123Z " + line for line in HARAKA], HARAKA_WANT),
    ("Haraka, logfmt", [SYSLOG + "haraka[9]: " + line for line in LOGFMT], HARAKA_WANT),
    ("Haraka, JSON", [SYSLOG + "haraka[9]: " + line for line in JSON], HARAKA_WANT),
    ("Sendmail, from its local program", [SYSLOG + line for line in SENDMAIL_HERE], {"account:web": (1, 1, 0, 0)}),
    ("Sendmail, a process's number used again", [SYSLOG + line for line in SENDMAIL_LOGIN],
     {"account:al": (1, 2, 2, 0), "2001:db8::/64": (1, 1, 0, 0)}),
    ("Postfix, refused by the site's filter", [POSTFIX + line for line in MILTER],
     {"account:al": (0, 0, 1, 1), "192.0.2.8": (0, 0, 1, 0)}),
    ("Postfix, postscreen", [POSTFIX + line for line in POSTSCREEN],
     {"192.0.2.9": (0, 0, 1, 0), "2001:db8::/64": (0, 0, 0, 1)}),
    ("Postfix, a filter that tells the first queue id", [POSTFIX + line for line in second_pass(True)], SECOND_PASS_WANT),
    ("Postfix, a filter that answers with the second", [POSTFIX + line for line in second_pass(False)], SECOND_PASS_WANT),
    ("Exim, refused and put off at RCPT", ["2026-11-05 08:00:01 " + line for line in EXIM], EXIM_WANT),
    ("Exim, strangers' words", ["2026-11-05 08:00:01 " + line for line in FRAMED_EXIM],
     {"203.0.113.9": (2, 2, 0, 0), "account:al": (1, 2, 0, 0)}),
    ("Sendmail, strangers' words", [SYSLOG + line for line in FRAMED_SENDMAIL], {"203.0.113.9": (1, 1, 0, 0)}),
]
# qmail's report of a refusal, as log-test says it.
QMAIL_REPLIES = {"No such user", "Ok: queued as 7", "Come back"}
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


def faults_of_words(directory):
    """qmail writes a reply as one word; log-test gives its words."""
    path = os.path.join(directory, "log")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(TAI + line for line in QMAIL[:12]) + "\n")
    found = {r.get("reply") for r in run("log-test", path) if r.get("rule") == "delivery-answered"}
    if found != QMAIL_REPLIES:
        yield f"{found}, not {QMAIL_REPLIES}"


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
        for name, test in (("a site's own pattern files", faults_of_own_files), ("qmail's replies", faults_of_words)):
            found = list(test(directory))
            print(f"{'FAIL' if found else 'ok  '} {name}", *found, sep="\n     ")
            failed += bool(found)
    print(f"{len(ROWS) + 2 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
