/* Sessions whose commands are not those that the server heard: what it answered must be counted all the same, each
 * message and each recipient. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/unit/agent/packet/smtp_transcript.h"

#define OPENING S("220 mx\r\n"), C("EHLO me.org\r\n"), S("250 mx\r\n")
#define CONTENT C("x\r\n.\r\n"), S("250 ok\r\n")

/* The least that a client can say to begin TLS. */
#define HELLO "\026\003\001\000\055\001\000\000\051\003\003rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr\000\000\002\000\057\001\000"

static const struct {
    const char *name;
    struct part parts[40];
    const char *want; /* up to the summary */
} rows[] = {
    {"no command at all",
     {OPENING, C("xxxx\r\n"), S("250 ok\r\n"), C("xxxx\r\n"), S("250 ok\r\n"), C("xxxx\r\n"), S("550 no\r\n"),
      C("xxxx\r\n"), S("250 ok\r\n"), C("xxxx\r\n"), S("354 go\r\n"), CONTENT},
     "EHLO me.org\nRCPT <> 550\nRCPT <> 250\nRCPT <> 250\nMESSAGE <> to 2, 3 bytes cut 250\n"},
    {"other commands",
     {OPENING, C("NOOP x\r\n"), S("250 ok\r\n"), C("VRFY x\r\n"), S("250 ok\r\n"), C("HELP\r\n"), S("450 no\r\n"),
      C("NOOP\r\n"), S("354 go\r\n"), CONTENT},
     "EHLO me.org\nRCPT <> 450\nRCPT <> 250\nMESSAGE <> to 1, 3 bytes cut 250\n"},
    {"enhanced codes say it",
     {OPENING, C("NOOP x\r\n"), S("250 2.1.0 ok\r\n"), C("EHLO x\r\n"), S("250 2.1.5 ok\r\n"), C("NOOP\r\n"),
      S("550 5.1.1 no\r\n"), C("NOOP\r\n"), S("250 2.1.5 ok\r\n"), C("NOOP\r\n"), S("354 go\r\n"), CONTENT},
     "EHLO me.org\nEHLO x\nRCPT <> 550/50101\nRCPT <> 250\nRCPT <> 250\nMESSAGE <> to 2, 3 bytes cut 250\n"},
    {"the recipients alone",
     {OPENING, C("MAIL FROM:<a@me.org>\r\n"), S("250 ok\r\n"), C("xxxx\r\n"), S("250 ok\r\n"), C("xxxx\r\n"),
      S("250 ok\r\n"), C("DATA\r\n"), S("354 go\r\n"), CONTENT},
     "EHLO me.org\nMAIL <a@me.org> 250\nRCPT <> 250\nRCPT <> 250\nMESSAGE <a@me.org> to 2, 3 bytes 250\n"},
    {"the recipients alone, as commands that are answered otherwise",
     {OPENING, C("MAIL FROM:<a@me.org>\r\n"), S("250 ok\r\n"), C("RSET\r\n"), S("250 ok\r\n"), C("DATA\r\n"),
      S("354 go\r\n"), CONTENT},
     "EHLO me.org\nMAIL <a@me.org> 250\nRCPT <> 250\nMESSAGE <> to 1, 3 bytes 250\n"},
    {"QUIT, and it goes on",
     {OPENING, C("QUIT\r\n"), S("250 ok\r\n"), C("QUIT\r\n"), S("250 ok\r\n"), C("QUIT\r\n"), S("354 go\r\n"), CONTENT},
     "EHLO me.org\nRCPT <> 250\nMESSAGE <> to 1, 3 bytes cut 250\n"},
    {"DATA before its time",
     {OPENING, C("DATA\r\n"), S("250 ok\r\n"), C("xxxx\r\n"), S("250 ok\r\n"), C("xxxx\r\n"), S("354 go\r\n"), CONTENT},
     "EHLO me.org\nRCPT <> 250\nMESSAGE <> to 1, 15 bytes 250\n"},
    {"STARTTLS that was none",
     {OPENING, C("STARTTLS\r\n"), S("250 ok\r\n"), C("xxxx\r\n"), S("250 ok\r\n"), C("xxxx\r\n"), S("354 go\r\n"),
      CONTENT},
     "EHLO me.org\nRCPT <> 250\nMESSAGE <> to 1, 15 bytes cut 250\n"},
    {"AUTH that was none",
     {OPENING, C("AUTH LOGIN\r\n"), S("250 ok\r\n"), C("xxxx\r\n"), S("250 ok\r\n"), C("xxxx\r\n"), S("354 go\r\n"),
      CONTENT},
     "EHLO me.org\nAUTH LOGIN  tried 0\nRCPT <> 250\nMESSAGE <> to 1, 15 bytes cut 250\n"},
    {"a chunk without end",
     {OPENING, C("BDAT 4000000000 LAST\r\n"), S("250 ok\r\n"), C("xxxx\r\n"), S("250 ok\r\n"), C("xxxx\r\n"),
      S("250 ok\r\n"), C("xxxx\r\n"), S("354 go\r\n"), CONTENT},
     "EHLO me.org\nRCPT <> 250\nRCPT <> 250\nMESSAGE <> to 2, 3 bytes cut 250\n"},
    {"a command without end",
     {OPENING, C("xxxx"), S("250 ok\r\n"), C("xxxx"), S("250 ok\r\n"), C("xxxx"), S("354 go\r\n"), CONTENT},
     "EHLO me.org\nRCPT <> 250\nMESSAGE <> to 1, 15 bytes cut 250\n"},
    {"content without end, and the next message",
     {OPENING,         C("MAIL FROM:<a@me.org>\r\n"),
      S("250 ok\r\n"), C("RCPT TO:<b@x.org>\r\n"),
      S("250 ok\r\n"), C("DATA\r\n"),
      S("354 go\r\n"), C("xxxx\r\n"),
      S("250 ok\r\n"), C("xxxx\r\n"),
      S("250 ok\r\n"), C("xxxx\r\n"),
      S("250 ok\r\n"), C("xxxx\r\n"),
      S("354 go\r\n"), C("xxxx\r\n"),
      S("250 ok\r\n"), C("xxxx\r\n"),
      S("250 ok\r\n"), C("xxxx\r\n"),
      S("250 ok\r\n"), C("xxxx\r\n"),
      S("354 go\r\n"), C("xxxx\r\n"),
      S("250 ok\r\n"), C("QUIT\r\n"),
      S("221 bye\r\n")},
     "EHLO me.org\nMAIL <a@me.org> 250\nRCPT <b@x.org> 250\nMESSAGE <a@me.org> to 1, 12 bytes cut 250\n"
     "RCPT <> 250\nMESSAGE <> to 1, 6 bytes cut 250\nRCPT <> 250\nMESSAGE <> to 1, 6 bytes cut 250\n"},
    {"commands behind STARTTLS, which the server forgets",
     {OPENING, C("STARTTLS\r\nMAIL FROM:<a@me.org>\r\nRCPT TO:<b@x.org>\r\n"), S("220 go\r\n"), C(HELLO),
      S("\026\003\003\000\001x")},
     "EHLO me.org\nTLS starttls \n"},
    {"a bare CR and a NUL inside of a command",
     {OPENING, C("MAIL FROM:<a@me.org>\rRCPT TO:<x@x.org>\r\n"), S("250 ok\r\n"), C("RCPT TO:<b@x.org>\000\r\n"),
      S("250 ok\r\n"), C("DATA\r\n"), S("354 go\r\n"), CONTENT},
     "EHLO me.org\nMAIL <a@me.org> 250\nRCPT <b@x.org> 250\nMESSAGE <a@me.org> to 1, 3 bytes 250\n"},
    {"XCLIENT, and a new greeting",
     {OPENING, C("XCLIENT ADDR=1.2.3.4\r\n"), S("220 mx\r\n"), C("EHLO me.org\r\n"), S("250 mx\r\n"),
      C("MAIL FROM:<a@me.org>\r\n"), S("250 ok\r\n"), C("RCPT TO:<b@x.org>\r\n"), S("550 no\r\n")},
     "EHLO me.org\nEHLO me.org\nMAIL <a@me.org> 250\nRCPT <b@x.org> 550\n"},
    {"EHLO that is none, and a chunk of nothing",
     {OPENING, C("EHL me.org\r\n"), S("500 what\r\n"), C("MAIL FROM:<a@me.org>\r\n"), S("250 ok\r\n"),
      C("RCPT TO:<b@x.org>\r\n"), S("250 ok\r\n"), C("BDAT 0\r\n"), S("250 ok\r\n"), C("BDAT 2\r\nabBDAT 0 LAST\r\n"),
      S("250 ok\r\n250 ok\r\n")},
     "EHLO me.org\nMAIL <a@me.org> 250\nRCPT <b@x.org> 250\nMESSAGE <a@me.org> to 1, 2 bytes 250\n"},
    {"a message behind another's line feed and dot, which the server takes for the end",
     {OPENING, C("MAIL FROM:<a@me.org>\r\n"), S("250 ok\r\n"), C("RCPT TO:<b@x.org>\r\n"), S("250 ok\r\n"),
      C("DATA\r\n"), S("354 go\r\n"), C("x\n.\r\nMAIL FROM:<c@me.org>\r\nRCPT TO:<d@x.org>\r\nDATA\r\ny\r\n.\r\n"),
      S("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n")},
     "EHLO me.org\nMAIL <a@me.org> 250\nRCPT <b@x.org> 250\nMESSAGE <a@me.org> to 1, 2 bytes 250\n"
     "MAIL <c@me.org> 250\nRCPT <d@x.org> 250\nMESSAGE <c@me.org> to 1, 3 bytes 250\n"},
    {"a keepalive within a transaction is nobody",
     {OPENING, C("MAIL FROM:<a@me.org>\r\n"), S("250 ok\r\n"), C("NOOP\r\n"), S("250 ok\r\n"),
      C("RCPT TO:<b@x.org>\r\n"), S("250 ok\r\n"), C("DATA\r\n"), S("354 go\r\n"), CONTENT},
     "EHLO me.org\nMAIL <a@me.org> 250\nRCPT <b@x.org> 250\nMESSAGE <a@me.org> to 1, 3 bytes 250\n"},
};

static void replies_are_counted(void **state)
{
    (void)state;
    unsigned failed = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t piece = 1; piece < 70000; piece *= 300) {
            char *got = play(rows[i].parts, (struct play){.piece = piece}, NULL);
            char *summary = strstr(got, "-- ");
            if (summary)
                *summary = 0;
            if (strcmp(got, rows[i].want) != 0) {
                print_error("%s (%zu):\ngot\n%swant\n%s\n", rows[i].name, piece, got, rows[i].want);
                failed++;
            }
            free(got);
        }
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
