/* The SMTP dialogue: what is observed of what was said. Each dialogue is played whole, byte by byte and in pieces; how
 * it is cut must not matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tests/unit/agent/packet/smtp_transcript.h"

#define HELLO                                                                                                          \
    "\x16\x03\x01\x00\x43\x01\x00\x00\x3f\x03\x03"                                                                     \
    "0123456789abcdef0123456789abcdef"                                                                                 \
    "\x00\x00\x02\x13\x01\x01\x00\x00\x14\x00\x00\x00\x10\x00\x0e\x00\x00\x0bmx.host.org"

#define TEN(x) x x x x x x x x x x
#define LONG   TEN(TEN("more of the content than is held back before the reply\r\n"))

#define OPENING                                                                                                        \
    S("220 mx ESMTP\r\n"), C("EHLO me.org\r\n"), S("250-mx\r\n250-SIZE 100\r\n250 HELP\r\n"),                          \
        C("MAIL FROM:<a@me.org>\r\n"), S("250 2.1.0 ok\r\n")
#define OPENED    "EHLO me.org\nMAIL <a@me.org> 250/20100\n"
#define ENVELOPE  OPENING, C("RCPT TO:<b@x.org>\r\n"), S("250 2.1.5 ok\r\n")
#define ENVELOPED OPENED "RCPT <b@x.org> 250/20105\n"
#define QUIT      C("QUIT\r\n"), S("221 bye\r\n")

static const struct {
    const char *name;
    bool implicit_tls, joined;
    struct part parts[24];
    const char *want; /* the digest at a line's end is not compared */
} dialogues[] = {
    {.name = "one message, one command at a time",
     .parts = {ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("Subject: x\r\n\r\nhello\r\n.\r\n"),
               S("250 2.0.0 queued\r\n"), QUIT},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 21 bytes 250/20000\n"
                       "-- me.org tls none  auth none  quit\n"
                       "<a@me.org> <b@x.org> 250 = 250, 21 bytes\n"},
    {.name = "empty content",
     .parts = {ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C(".\r\n"), S("250 ok\r\n")},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 0 bytes 250\n-- me.org tls none  auth none \n"
                       "<a@me.org> <b@x.org> 250 = 250, 0 bytes\n"},
    {.name = "dots at a line's start are content as they were sent",
     .parts = {ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("..\r\n.x\r\n..\r\n.\rx\r\n.\r\n"), S("250 ok\r\n")},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 17 bytes 250\n-- me.org tls none  auth none \n"
                       "<a@me.org> <b@x.org> 250 = 250, 17 bytes\n"},
    {.name = "pipelined in groups, one recipient refused",
     .parts = {S("220 mx\r\n"), C("EHLO me.org\r\n"), S("250-mx\r\n250 PIPELINING\r\n"),
               C("MAIL FROM:<a@me.org> SIZE=12 BODY=8BITMIME SMTPUTF8 AUTH=<>\r\nRCPT TO:<b@x.org> NOTIFY=NEVER\r\n"
                 "RCPT TO:<c@x.org>\r\nDATA\r\n"),
               S("250 2.1.0 ok\r\n250 2.1.5 ok\r\n550 5.1.1 who?\r\n354 go\r\n"), C("hello\r\n.\r\nQUIT\r\n"),
               S("250 ok\r\n221 bye\r\n")},
     .want = ENVELOPED "RCPT <c@x.org> 550/50101\nMESSAGE <a@me.org> to 1, 7 bytes 250\n"
                       "-- me.org tls none  auth none  quit\n"
                       "<a@me.org> <b@x.org> 250 <c@x.org> 550 = 250, 7 bytes\n"},
    {.name = "any case, spaces, no brackets, source route, quoted local part, null sender",
     .parts = {S("220 mx\r\n"), C("helo  me.org \r\n"), S("250 mx\r\n"), C("mail from: <>\r\nRCPT to:b@x.org\r\n"),
               S("250 a\r\n250 b\r\n"), C("Rcpt To:<@r.org,@s.org:c@x.org>\r\nRCPT TO : <\"d> e\"@x.org> X=1\r\n"),
               S("250 c\r\n451 d\r\n")},
     .want = "HELO me.org\nMAIL <> 250\nRCPT <b@x.org> 250\nRCPT <c@x.org> 250\nRCPT <\"d> e\"@x.org> 451\n"
             "-- me.org tls none  auth none \n"
             "<> <b@x.org> 250 <c@x.org> 250 <\"d> e\"@x.org> 451 = 0, 0 bytes cut\n"},
    {.name = "several transactions, RSET and EHLO between them",
     .parts = {OPENING, C("RSET\r\n"), S("250 ok\r\n"), C("MAIL FROM:<two@me.org>\r\n"), S("250 ok\r\n"),
               C("EHLO again.org\r\n"), S("250 mx\r\n"), C("RCPT TO:<b@x.org>\r\n"), S("503 MAIL first\r\n"),
               C("MAIL FROM:<three@me.org>\r\n"), S("451 later\r\n")},
     .want = OPENED "MAIL <two@me.org> 250\nEHLO again.org\nRCPT <b@x.org> 503\nMAIL <three@me.org> 451\n"
                    "-- again.org tls none  auth none \n"
                    "<a@me.org> = 0, 0 bytes cut\n<two@me.org> = 0, 0 bytes cut\n<three@me.org> = 0, 0 bytes cut\n"},
    {.name = "DATA refused: the client goes on with commands",
     .parts = {ENVELOPE, C("DATA\r\n"), S("554 5.5.1 no valid recipients\r\n"), C("RSET\r\n"), S("250 ok\r\n"), QUIT},
     .want = ENVELOPED "-- me.org tls none  auth none  quit\n<a@me.org> <b@x.org> 250 = 554, 0 bytes cut\n"},
    {.name = "commands behind a refused DATA reach us before its reply",
     .parts = {ENVELOPE, C("DATA\r\nRSET\r\nMAIL FROM:<c@me.org>\r\n"), S("554 no\r\n250 ok\r\n250 ok\r\n")},
     .want = ENVELOPED "MAIL <c@me.org> 250\n-- me.org tls none  auth none \n"
                       "<a@me.org> <b@x.org> 250 = 554, 0 bytes cut\n<c@me.org> = 0, 0 bytes cut\n"},
    {.name = "content reaches us before 354",
     .parts = {ENVELOPE, C("DATA\r\nhello\r\n.\r\nMAIL FROM:<c@me.org>\r\n"), S("354 go\r\n250 ok\r\n250 ok\r\n")},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 7 bytes 250\nMAIL <c@me.org> 250\n-- me.org tls none  auth none \n"
                       "<a@me.org> <b@x.org> 250 = 250, 7 bytes\n<c@me.org> = 0, 0 bytes cut\n"},
    {.name = "replies reach us before their commands",
     .parts = {S("220 mx\r\n250 mx\r\n"), C("EHLO me.org\r\n"), S("250 ok\r\n250 ok\r\n354 go\r\n"),
               C("MAIL FROM:<a@me.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\n"), S("250 queued\r\n"), C("hello\r\n.\r\n"),
               QUIT},
     .want = "EHLO me.org\nMAIL <a@me.org> 250\nRCPT <b@x.org> 250\nMESSAGE <a@me.org> to 1, 7 bytes 250\n"
             "-- me.org tls none  auth none  quit\n<a@me.org> <b@x.org> 250 = 250, 7 bytes\n"},
    {.name = "a client that waits for nothing speaks first",
     .parts = {C("EHLO me.org\r\nMAIL FROM:<a@me.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\nSubject: x\r\n.\r\nQUIT\r\n"),
               S("220 mx\r\n250 mx\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n221 bye\r\n")},
     .want = "EHLO me.org\nMAIL <a@me.org> 250\nRCPT <b@x.org> 250\nMESSAGE <a@me.org> to 1, 12 bytes 250\n"
             "-- me.org tls none  auth none  quit spoke first\n<a@me.org> <b@x.org> 250 = 250, 12 bytes\n"},
    {.name = "only the client's side was captured",
     .parts = {C("EHLO me.org\r\n"), C("MAIL FROM:<a@me.org>\r\n"), C("RCPT TO:<b@x.org>\r\n"), C("DATA\r\n"),
               C("Subject: x\r\n\r\nhi\r\n.\r\nQUIT\r\n")},
     .want = "EHLO me.org\nMAIL <a@me.org> 0\nRCPT <b@x.org> 0\nMESSAGE <a@me.org> to 0, 18 bytes 0\n"
             "-- me.org tls none  auth none  quit\n<a@me.org> <b@x.org> 0 = 0, 18 bytes\n"},
    {.name = "only the client's side, a bare dot line at its end",
     .parts = {C("MAIL FROM:<a@me.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\nSubject: x\r\n.\n\n")},
     .want = "MAIL <a@me.org> 0\nRCPT <b@x.org> 0\nMESSAGE <a@me.org> to 0, 12 bytes 0\n"
             "--  tls none  auth none \n<a@me.org> <b@x.org> 0 = 0, 12 bytes\n"},
    {.name = "line feeds alone",
     .parts = {S("220 mx\n"), C("HELO me.org\n"), S("250 mx\n"), C("MAIL FROM:<a@me.org>\nRCPT TO:<b@x.org>\nDATA\n"),
               S("250 ok\n250 ok\n354 go\n"), C("hello\n.\nQUIT\n"), S("250 ok\n221 bye\n")},
     .want = "HELO me.org\nMAIL <a@me.org> 250\nRCPT <b@x.org> 250\nMESSAGE <a@me.org> to 1, 6 bytes 250\n"
             "-- me.org tls none  auth none  quit\n<a@me.org> <b@x.org> 250 = 250, 6 bytes\n"},
    {.name = "a bare dot line inside content that the server does not take for the end",
     .parts = {ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("one\n.\ntwo\r\n.\r\n"), S("250 ok\r\n"), QUIT},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 4 bytes 250\n"
                       "-- me.org tls none  auth none  quit\n<a@me.org> <b@x.org> 250 = 250, 4 bytes\n"},
    {.name = "CRLF commands, body with line feeds",
     .parts = {ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("one\ntwo\n.\r\n"), S("250 ok\r\n"), QUIT},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 8 bytes 250\n"
                       "-- me.org tls none  auth none  quit\n<a@me.org> <b@x.org> 250 = 250, 8 bytes\n"},
    {.name = "chunks",
     .parts = {ENVELOPE, C("BDAT 7\r\nhello\r\n"), S("250 ok\r\n"), C("BDAT 4 LAST\r\n.\r\n.MAIL FROM:<c@me.org>\r\n"),
               S("250 2.0.0 queued\r\n250 ok\r\n")},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 11 bytes 250/20000\nMAIL <c@me.org> 250\n"
                       "-- me.org tls none  auth none \n"
                       "<a@me.org> <b@x.org> 250 = 250, 11 bytes\n<c@me.org> = 0, 0 bytes cut\n"},
    {.name = "chunks all at once, the last of them empty",
     .parts = {ENVELOPE, C("bdat 5\r\nhelloBDAT 0 last\r\nQUIT\r\n"), S("250 ok\r\n250 queued\r\n221 bye\r\n")},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 5 bytes 250\n-- me.org tls none  auth none  quit\n"
                       "<a@me.org> <b@x.org> 250 = 250, 5 bytes\n"},
    {.name = "a chunk refused",
     .parts = {ENVELOPE, C("BDAT 5\r\nhello"), S("552 5.3.4 too big\r\n"), C("RSET\r\n"), S("250 ok\r\n"), QUIT},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 5 bytes cut 552/50304\n-- me.org tls none  auth none  quit\n"
                       "<a@me.org> <b@x.org> 250 = 552, 5 bytes cut\n"},
    {.name = "PROXY inside a session, refused: its reply is not given to the next command",
     .parts = {OPENING, C("PROXY x\r\n"), S("502 no\r\n"), C("RCPT TO:<b@x.org>\r\n"), S("550 who?\r\n")},
     .want = OPENED "RCPT <b@x.org> 550\n-- me.org tls none  auth none \n<a@me.org> <b@x.org> 550 = 0, 0 bytes cut\n"},
    {.name = "PROXY first, as proxies say it: not answered",
     .parts = {C("PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n"), OPENING},
     .want = OPENED "-- me.org tls none  auth none  spoke first\n<a@me.org> = 0, 0 bytes cut\n"},
    {.name = "BDAT to a server that does not know it: what follows is no chunk",
     .parts = {OPENING, C("BDAT 999999999999\r\n"), S("502 what?\r\n"), C("RCPT TO:<b@x.org>\r\n"), S("550 who?\r\n"),
               QUIT},
     .want =
         OPENED "RCPT <b@x.org> 550\n-- me.org tls none  auth none  quit\n<a@me.org> <b@x.org> 550 = 0, 0 bytes cut\n"},
    {.name = "a short chunk to such a server: refused line by line",
     .parts = {OPENING, C("BDAT 7\r\nhello\r\n"), S("502 what?\r\n500 what?\r\n"), C("RCPT TO:<b@x.org>\r\n"),
               S("550 who?\r\n"), QUIT},
     .want =
         OPENED "MESSAGE <a@me.org> to 0, 7 bytes cut 502\nRCPT <b@x.org> 550\n-- me.org tls none  auth none  quit\n"
                "<a@me.org> <b@x.org> 550 = 502, 7 bytes cut\n"},
    {.name = "content that begins with commands reaches us before 354",
     .parts = {ENVELOPE, C("DATA\r\nRCPT TO:<c@x.org>\r\nMAIL FROM:<c@me.org>\r\n" LONG ".\r\n"),
               S("354 go\r\n250 ok\r\n"), C("MAIL FROM:<d@me.org>\r\n"), S("250 ok\r\n"), C("RCPT TO:<e@x.org>\r\n"),
               S("550 who?\r\n")},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 0 bytes cut 250\nMAIL <d@me.org> 250\nRCPT <e@x.org> 550\n"
                       "-- me.org tls none  auth none \n<a@me.org> <b@x.org> 250 = 250, 0 bytes cut\n"
                       "<d@me.org> <e@x.org> 550 = 0, 0 bytes cut\n"},
    {.name = "LHLO refused: content for two gets one reply",
     .parts = {S("220 mx\r\n"), C("LHLO me.org\r\n"), S("500 what?\r\n"), C("MAIL FROM:<a@me.org>\r\n"),
               S("250 ok\r\n"), C("RCPT TO:<b@x.org>\r\nRCPT TO:<c@x.org>\r\n"), S("250 ok\r\n250 ok\r\n"),
               C("DATA\r\n"), S("354 go\r\n"), C("x\r\n.\r\n"), S("250 ok\r\n"), C("MAIL FROM:<d@me.org>\r\n"),
               S("451 no\r\n")},
     .want = "EHLO me.org\nMAIL <a@me.org> 250\nRCPT <b@x.org> 250\nRCPT <c@x.org> 250\n"
             "MESSAGE <a@me.org> to 2, 3 bytes 250\nMAIL <d@me.org> 451\n-- me.org tls none  auth none \n"
             "<a@me.org> <b@x.org> 250 <c@x.org> 250 = 250, 3 bytes\n<d@me.org> = 0, 0 bytes cut\n"},
    {.name = "a chunk without a size",
     .parts = {ENVELOPE, C("BDAT 12345678901234567890 LAST\r\n"), S("521 5.5.4 syntax\r\n"), QUIT},
     .want = ENVELOPED "-- me.org tls none  auth none  quit\n<a@me.org> <b@x.org> 250 = 521, 0 bytes cut\n"},
    {.name = "MAIL inside a transaction, refused: the transaction goes on",
     .parts = {ENVELOPE, C("MAIL FROM:<c@me.org>\r\n"), S("503 5.5.1 nested\r\n"), C("RCPT TO:<d@x.org>\r\nDATA\r\n"),
               S("250 ok\r\n354 go\r\n"), C("x\r\n.\r\n"), S("250 ok\r\n")},
     .want = ENVELOPED "MAIL <c@me.org> 503/50501\nRCPT <d@x.org> 250\nMESSAGE <a@me.org> to 2, 3 bytes 250\n"
                       "-- me.org tls none  auth none \n"
                       "<a@me.org> <b@x.org> 250 <d@x.org> 250 = 250, 3 bytes\n<c@me.org> = 0, 0 bytes cut\n"},
    {.name = "content refused after the dot",
     .parts = {ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("spam\r\n.\r\n"),
               S("550-5.7.1 we do not\r\n550 5.7.1 want it\r\n")},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 6 bytes 550/50701\n-- me.org tls none  auth none \n"
                       "<a@me.org> <b@x.org> 250 = 550, 6 bytes\n"},
    {.name = "the server closes with 421 inside the content",
     .parts = {ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("hello\r\n"), S("421 4.4.2 timeout\r\n")},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 7 bytes cut 421/40402\n-- me.org tls none  auth none \n"
                       "<a@me.org> <b@x.org> 250 = 421, 7 bytes cut\n"},
    {.name = "a greeting that refuses",
     .parts = {S("554-mx\r\n554 go away\r\n"), QUIT},
     .want = "--  tls none  auth none  quit\n"},
    {.name = "a login in one line",
     .parts = {S("220 mx\r\n"), C("EHLO me.org\r\n"), S("250-mx\r\n250 AUTH PLAIN\r\n"),
               C("AUTH PLAIN AGpvZUBtZS5vcmcAc2VjcmV0\r\n"), S("235 2.7.0 welcome\r\n"), QUIT},
     .want = "EHLO me.org\nAUTH PLAIN joe@me.org accepted 235/20700\n"
             "-- me.org tls none  auth accepted joe@me.org quit\n"},
    {.name = "a login line by line, its password never shown",
     .parts = {S("220 mx\r\n"), C("EHLO me.org\r\n"), S("250 mx\r\n"), C("auth login\r\n"), S("334 VXNlcm5hbWU6\r\n"),
               C("am9l\r\n"), S("334 UGFzc3dvcmQ6\r\n"), C("c2VjcmV0\r\n"), S("535 5.7.8 no\r\n"), QUIT},
     .want = "EHLO me.org\nAUTH LOGIN joe failed 535/50708\n-- me.org tls none  auth failed joe quit\n"},
    {.name = "a login whose lines do not wait for the challenges",
     .parts = {S("220 mx\r\n"), C("EHLO me.org\r\nAUTH LOGIN\r\nam9l\r\nc2VjcmV0\r\nMAIL FROM:<a@me.org>\r\n"),
               S("250 mx\r\n334 a\r\n334 b\r\n235 in\r\n250 ok\r\n")},
     .want = "EHLO me.org\nAUTH LOGIN joe accepted 235\nMAIL <a@me.org> 250\n"
             "-- me.org tls none  auth accepted joe\n<a@me.org> = 0, 0 bytes cut\n"},
    {.name = "a login given up",
     .parts = {S("220 mx\r\n"), C("EHLO me.org\r\n"), S("250 mx\r\n"), C("AUTH CRAM-MD5\r\n"), S("334 PDE+\r\n"),
               C("*\r\n"), S("501 5.7.0 cancelled\r\n"), QUIT},
     .want = "EHLO me.org\nAUTH CRAM-MD5  tried 501/50700\n-- me.org tls none  auth tried  quit\n"},
    {.name = "STARTTLS",
     .parts = {S("220 mx\r\n"), C("EHLO me.org\r\n"), S("250-mx\r\n250 STARTTLS\r\n"), C("STARTTLS\r\n"),
               S("220 go\r\n"), C(HELLO), S("\x16\x03\x03\x00\x02XX"), C("\x17\x03\x03\nQUIT\r\n")},
     .want = "EHLO me.org\nTLS starttls mx.host.org\n-- me.org tls starttls mx.host.org auth none \n"},
    {.name = "STARTTLS whose hello reaches us first",
     .parts = {S("220 mx\r\n"), C("EHLO me.org\r\n"), S("250 STARTTLS\r\n"), C("STARTTLS\r\n" HELLO), S("220 go\r\n")},
     .want = "EHLO me.org\nTLS starttls mx.host.org\n-- me.org tls starttls mx.host.org auth none \n"},
    {.name = "STARTTLS refused",
     .parts = {S("220 mx\r\n"), C("EHLO me.org\r\n"), S("250 mx\r\n"), C("STARTTLS\r\n"), S("454 not now\r\n"),
               C("MAIL FROM:<a@me.org>\r\n"), S("250 ok\r\n")},
     .want = "EHLO me.org\nMAIL <a@me.org> 250\n-- me.org tls none  auth none \n<a@me.org> = 0, 0 bytes cut\n"},
    {.name = "STARTTLS in a capture whose TLS was taken off",
     .parts = {S("220 mx\r\n"), C("STARTTLS\r\n"), S("220 go\r\n"), C("EHLO me.org\r\n"), S("250 mx\r\n"),
               C("MAIL FROM:<a@me.org>\r\n"), S("250 ok\r\n")},
     .want = "EHLO me.org\nMAIL <a@me.org> 250\n-- me.org tls none  auth none \n<a@me.org> = 0, 0 bytes cut\n"},
    {.name = "TLS from the first byte",
     .implicit_tls = true,
     .parts = {C(HELLO), S("\x16\x03\x03\x00\x02XX")},
     .want = "TLS implicit mx.host.org\n--  tls implicit mx.host.org auth none \n"},
    {.name = "TLS from the first byte on a port for SMTP in the clear",
     .parts = {C(HELLO), S("\x16\x03\x03\x00\x02XX")},
     .want = "TLS implicit mx.host.org\n--  tls implicit mx.host.org auth none \n"},
    {.name = "a hello before the greeting of a server in the clear, to be taken for TLS",
     .parts = {C(HELLO "\r\n"), S("220 mx\r\n500 what?\r\n"), C("HELO me.org\r\n"), S("250 mx\r\n"),
               C("MAIL FROM:<a@me.org>\r\n"), S("250 ok\r\n")},
     .want = "TLS implicit mx.host.org\nHELO me.org\nMAIL <a@me.org> 250\n-- me.org tls none mx.host.org auth none \n"
             "<a@me.org> = 0, 0 bytes cut\n"},
    {.name = "what looks like TLS is a line to a server that has greeted in the clear",
     .parts = {S("220 mx\r\n"), C("\x16\x03\x01\r\n"), S("500 what?\r\n"), C("HELO me.org\r\n"), S("250 mx\r\n")},
     .want = "HELO me.org\n-- me.org tls none  auth none \n"},
    {.name = "half a hello before the greeting",
     .parts = {C("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 \r\nHELO me.org\r\n"),
               S("220 mx\r\n500 what?\r\n250 mx\r\n"), C("MAIL FROM:<a@me.org>\r\n"), S("250 ok\r\n")},
     .want = "HELO me.org\nMAIL <a@me.org> 250\n-- me.org tls none  auth none \n<a@me.org> = 0, 0 bytes cut\n"},
    {.name = "SMTP in the clear on the port for TLS",
     .implicit_tls = true,
     .parts = {S("220 mx\r\n"), C("HELO me.org\r\n"), S("250 mx\r\n"), C("MAIL FROM:<a@me.org>\r\n"), S("250 ok\r\n")},
     .want = "HELO me.org\nMAIL <a@me.org> 250\n-- me.org tls none  auth none \n<a@me.org> = 0, 0 bytes cut\n"},
    {.name = "a reply lost: the next command's reply is not given to it",
     .parts = {ENVELOPE, C("RCPT TO:<c@x.org>\r\n"), SERVER_LOSES(14), C("RCPT TO:<d@x.org>\r\n"), S("550 who?\r\n"),
               C("DATA\r\n"), S("354 go\r\n"), C("x\r\n.\r\n"), S("250 ok\r\n")},
     .want = ENVELOPED "RCPT <c@x.org> 0\nRCPT <d@x.org> 550\nMESSAGE <a@me.org> to 1, 3 bytes 250\n"
                       "-- me.org tls none  auth none \n"
                       "<a@me.org> <b@x.org> 250 <c@x.org> 0 <d@x.org> 550 = 250, 3 bytes\n"},
    {.name = "a part of pipelined replies lost: 354 finds DATA",
     .parts = {S("220 mx\r\n"), C("EHLO me.org\r\n"), S("250 mx\r\n"),
               C("MAIL FROM:<a@me.org>\r\nRCPT TO:<b@x.org>\r\nRCPT TO:<c@x.org>\r\nDATA\r\n"), SERVER_LOSES(20),
               S("50 tail\r\n250 ok\r\n354 go\r\n"), C("x\r\n.\r\n"), S("250 ok\r\n")},
     .want = "EHLO me.org\nMAIL <a@me.org> 0\nRCPT <b@x.org> 0\nRCPT <c@x.org> 0\n"
             "MESSAGE <a@me.org> to 0, 3 bytes 250\n-- me.org tls none  auth none \n"
             "<a@me.org> <b@x.org> 0 <c@x.org> 0 = 250, 3 bytes\n"},
    {.name = "354 lost: content is known by its first line",
     .parts = {ENVELOPE, C("DATA\r\n"), SERVER_LOSES(8), C("Subject: x\r\n.\r\n"), S("250 ok\r\n"), QUIT},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 12 bytes 250\n-- me.org tls none  auth none  quit\n"
                       "<a@me.org> <b@x.org> 250 = 250, 12 bytes\n"},
    {.name = "a command lost: its reply is not given to the next",
     .parts = {OPENING, CLIENT_LOSES(19), S("550 who?\r\n"), C("RCPT TO:<c@x.org>\r\n"), S("250 ok\r\n")},
     .want = OPENED "RCPT <c@x.org> 250\n-- me.org tls none  auth none \n<a@me.org> <c@x.org> 250 = 0, 0 bytes cut\n"},
    {.name = "a command lost, as it shows once the next is there",
     .parts = {OPENING, S("550 who?\r\n"), CLIENT_LOSES(19), C("RCPT TO:<c@x.org>\r\n"), S("250 ok\r\n")},
     .want = OPENED "RCPT <c@x.org> 250\n-- me.org tls none  auth none \n<a@me.org> <c@x.org> 250 = 0, 0 bytes cut\n"},
    {.name = "DATA lost: 354 says that content follows",
     .parts = {ENVELOPE, CLIENT_LOSES(6), S("354 go\r\n"), C("Subject: x\r\n.\r\n"), S("250 ok\r\n"), QUIT},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 12 bytes cut 250\n-- me.org tls none  auth none  quit\n"
                       "<a@me.org> <b@x.org> 250 = 250, 12 bytes cut\n"},
    {.name = "a gap inside content: counted, and the dot still ends it",
     .parts = {ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("hello "), CLIENT_LOSES(100), C("world\r\n.\r\nQUIT\r\n"),
               S("250 ok\r\n221 bye\r\n")},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 113 bytes cut 250\n-- me.org tls none  auth none  quit\n"
                       "<a@me.org> <b@x.org> 250 = 250, 113 bytes cut\n"},
    {.name = "a gap right before the dot",
     .parts = {ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("hello\r\n"), CLIENT_LOSES(100), C(".\r\n"), S("250 ok\r\n"),
               QUIT},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 107 bytes cut 250\n-- me.org tls none  auth none  quit\n"
                       "<a@me.org> <b@x.org> 250 = 250, 107 bytes cut\n"},
    {.name = "the end of the content lost: its reply ends it",
     .parts = {ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("hello\r\n"), CLIENT_LOSES(103), S("250 ok\r\n"),
               C("MAIL FROM:<c@me.org>\r\n"), S("250 ok\r\n")},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 107 bytes cut 250\nMAIL <c@me.org> 250\n"
                       "-- me.org tls none  auth none \n"
                       "<a@me.org> <b@x.org> 250 = 250, 107 bytes cut\n<c@me.org> = 0, 0 bytes cut\n"},
    {.name = "a gap inside a chunk: its length is known",
     .parts = {ENVELOPE, C("BDAT 10 LAST\r\nhe"), CLIENT_LOSES(6), C("ABQUIT\r\n"), S("250 ok\r\n221 bye\r\n")},
     .want = ENVELOPED "MESSAGE <a@me.org> to 1, 10 bytes cut 250\n-- me.org tls none  auth none  quit\n"
                       "<a@me.org> <b@x.org> 250 = 250, 10 bytes cut\n"},
    {.name = "joined inside content",
     .joined = true,
     .parts = {C("of a line\r\nand another\r\n.\r\n"), S("250 ok\r\n"), C("MAIL FROM:<a@me.org>\r\n"), S("250 ok\r\n"),
               C("RCPT TO:<b@x.org>\r\n"), S("550 no\r\n")},
     .want = "MAIL <a@me.org> 250\nRCPT <b@x.org> 550\n--  tls none  auth none \n"
             "<a@me.org> <b@x.org> 550 = 0, 0 bytes cut\n"},
    {.name = "joined behind MAIL: recipients of an unknown sender",
     .joined = true,
     .parts = {S("250 ok\r\n"), C("RCPT TO:<b@x.org>\r\n"), S("250 ok\r\n"), C("DATA\r\n"), S("354 go\r\n"),
               C("x\r\n.\r\n"), S("250 ok\r\n")},
     .want = "RCPT <b@x.org> 250\nMESSAGE <> to 1, 3 bytes 250\n--  tls none  auth none \n"
             "<> <b@x.org> 250 = 250, 3 bytes\n"},
    {.name = "joined inside TLS",
     .joined = true,
     .parts = {C("\x17\x03\x03\x00\x10 MAIL FROM:<a@b>\r\n"), S("\x17\x03\x03\x00\x10 220 x\r\n")},
     .want = "--  tls starttls  auth none \n"},
    {.name = "joined where the client seems to speak TLS, but the server answers in the clear",
     .joined = true,
     .parts = {C("\x17\x03\x03\r\n"), S("500 what?\r\n"), C("MAIL FROM:<a@me.org>\r\n"), S("250 ok\r\n")},
     .want = "MAIL <a@me.org> 250\n--  tls none  auth none \n<a@me.org> = 0, 0 bytes cut\n"},
    {.name = "noise",
     .parts = {S("220 mx\r\n"), C("\x05\x01\x00\r\n\r\n\xff\xfe\x00\r\n"), S("500 what\r\n500 what\r\n500 what\r\n"),
               C("MAIL FROM:<a@me.org>\r\n"), S("250 ok\r\n")},
     .want = "MAIL <a@me.org> 250\n--  tls none  auth none \n<a@me.org> = 0, 0 bytes cut\n"},
    {.name = "an empty line that the server passes over",
     .parts = {ENVELOPE, C("\r\nRCPT TO:<c@x.org>\r\n"), S("250 ok\r\n")},
     .want = ENVELOPED "RCPT <c@x.org> 250\n-- me.org tls none  auth none \n"
                       "<a@me.org> <b@x.org> 250 <c@x.org> 250 = 0, 0 bytes cut\n"},
};

/* The digests stand at the ends of lines and are held against each other, not against the table. */
static void drop_digests(char *text)
{
    char *to = text;
    for (char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        size_t kept = line[0] == '<' ? length - 17 : length;
        memmove(to, line, kept);
        to += kept;
        line += length;
        *to++ = '\n';
        line += *line == '\n';
    }
    *to = 0;
}

static void dialogues_are_observed(void **state)
{
    (void)state;
    unsigned failed = 0;
    for (size_t i = 0; i < sizeof dialogues / sizeof dialogues[0]; i++) {
        struct play how = {.implicit_tls = dialogues[i].implicit_tls, .joined = dialogues[i].joined, .piece = 65536};
        char *got = play(dialogues[i].parts, how, NULL);
        drop_digests(got);
        if (strcmp(got, dialogues[i].want) != 0) {
            print_error("%s:\ngot\n%swant\n%s\n", dialogues[i].name, got, dialogues[i].want);
            failed++;
        }
        free(got);
    }
    assert_int_equal(failed, 0);
}

static void pieces_do_not_matter(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dialogues / sizeof dialogues[0]; i++) {
        struct play how = {.implicit_tls = dialogues[i].implicit_tls, .joined = dialogues[i].joined, .piece = 65536};
        char *whole = play(dialogues[i].parts, how, NULL);
        for (unsigned variant = 0; variant < 40; variant++) {
            how.piece = variant < 8 ? variant + 1 : 0;
            how.random = variant;
            char *pieces = play(dialogues[i].parts, how, NULL);
            if (strcmp(whole, pieces) != 0)
                fail_msg("%s, variant %u:\nwhole\n%spieces\n%s", dialogues[i].name, variant, whole, pieces);
            free(pieces);
        }
        free(whole);
    }
}

/* Commands sent together to a server that did not offer it. */
static const struct {
    const char *name;
    bool joined;
    struct part parts[20];
    uint8_t want;
} haste[] = {
    {"one at a time", false, {ENVELOPE, QUIT}, 0},
    {"offered",
     false,
     {S("220 mx\r\n"), C("EHLO me.org\r\n"), S("250-mx\r\n250-PIPELINING\r\n250 HELP\r\n"),
      C("MAIL FROM:<a@me.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\n")},
     0},
    {"not offered", false, {OPENING, C("RCPT TO:<b@x.org>\r\nRCPT TO:<c@x.org>\r\nDATA\r\n")}, 2},
    {"HELO offers nothing",
     false,
     {S("220 mx\r\n"), C("HELO me.org\r\n"), S("250 mx\r\n"), C("MAIL FROM:<a@me.org>\r\nRCPT TO:<b@x.org>\r\n")},
     1},
    {"before the reply to EHLO, which offers it",
     false,
     {S("220 mx\r\n"), C("EHLO me.org\r\nMAIL FROM:<a@me.org>\r\n"), S("250-mx\r\n250 PIPELINING\r\n250 ok\r\n")},
     1},
    {"before the greeting: that is counted elsewhere", false, {C("EHLO me.org\r\n"), S("220 mx\r\n250 mx\r\n")}, 0},
    {"all at once", false, {C("EHLO me.org\r\nMAIL FROM:<a@me.org>\r\nRCPT TO:<b@x.org>\r\n")}, 2},
    {"as Exim does with those who agreed",
     false,
     {C("EHLO me.org\r\nMAIL FROM:<a@me.org>\r\n"), S("220 mx\r\n250-mx\r\n250-PIPECONNECT\r\n250 PIPELINING\r\n")},
     0},
    {"content and what follows it",
     false,
     {ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("Subject: x\r\n\r\nhello\r\nworld\r\n.\r\n"), S("250 ok\r\n"), QUIT},
     0},
    {"lines that are no commands", false, {OPENING, C("\r\n\r\nHost: me\r\n")}, 0},
    {"what came between was lost",
     false,
     {OPENING, SERVER_LOSES(20), C("RCPT TO:<b@x.org>\r\nRCPT TO:<c@x.org>\r\n")},
     0},
    {"joined in the middle", true, {C("MAIL FROM:<a@me.org>\r\nRCPT TO:<b@x.org>\r\n"), S("250 ok\r\n")}, 0},
};

static void drop_observation(void *context, struct observation *observation)
{
    (void)context, (void)observation;
}

static void haste_is_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof haste / sizeof haste[0]; i++) {
        for (size_t piece = 0; piece < 5; piece++) {
            struct smtp_counters counters = {0};
            struct smtp_listener listener = {.observe = drop_observation, .counters = &counters};
            struct smtp_summary summary;
            struct smtp *smtp = calloc(1, SMTP_SIZE);
            uint32_t random = 5;
            smtp_begin(smtp, false, !haste[i].joined);
            for (const struct part *part = haste[i].parts; part->kind != PART_END; part++)
                play_part(smtp, &listener, part, piece ? piece : 65536, &random);
            smtp_finish(smtp, &listener, 2, &summary);
            if (summary.unasked != haste[i].want)
                fail_msg("%s, pieces of %zu: %u", haste[i].name, piece, summary.unasked);
            smtp_end(smtp);
            free(smtp);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(haste_is_counted),
        cmocka_unit_test(dialogues_are_observed),
        cmocka_unit_test(pieces_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
