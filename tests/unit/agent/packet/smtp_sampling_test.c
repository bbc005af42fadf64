/* What is kept of a message, as its dialogue is read: the content without what SMTP put into it, the recipients of this
 * message and no other's, the login that was accepted. However the bytes are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/agent/packet/smtp_transcript.h"

#define PARTS_MOST 16

/* The lines of the transcript that speak of samples. */
static char *samples_of(const struct part *parts, struct play how)
{
    char *whole = play(parts, how, NULL), *kept = calloc(1, strlen(whole) + 1);
    assert_non_null(kept);
    for (char *at = whole; (at = strstr(at, "SAMPLE")) != NULL;) {
        char *end = strstr(at, "]");
        end = end ? strchr(end, '\n') : NULL;
        assert_non_null(end);
        strncat(kept, at, (size_t)(end - at) + 1);
        at = end;
    }
    free(whole);
    return kept;
}

static void expect_most(const struct part *parts, uint32_t most, const char *want)
{
    for (size_t piece = 1; piece < 40; piece++) {
        char *kept = samples_of(parts, (struct play){.piece = piece, .sampled = most});
        assert_string_equal(kept, want);
        free(kept);
    }
}

static void expect(const struct part *parts, const char *want)
{
    expect_most(parts, 1000, want);
}

#define GREETING S("220 mx\r\n"), C("EHLO me\r\n"), S("250-mx\r\n250 PIPELINING\r\n")
#define ENVELOPE C("MAIL FROM:<a@x>\r\n"), S("250 ok\r\n"), C("RCPT TO:<b@y>\r\n"), S("250 ok\r\n")
#define END                                                                                                            \
    {                                                                                                                  \
        PART_END, NULL, 0                                                                                              \
    }

static void dots_are_taken_out(void **unused)
{
    (void)unused;
    const struct part parts[] = {
        GREETING, ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("..one\r\n...\r\ntwo.\r\n.\r\n"), S("250 ok\r\n"), END};
    expect(parts, "SAMPLE of , 250: [.one\r\n..\r\ntwo.\r\n] <b@y> 250\n");
}

static void chunks_stay_as_they_are(void **unused)
{
    (void)unused;
    const struct part parts[] = {GREETING,
                                 ENVELOPE,
                                 C("BDAT 6\r\n..x\r\ny"),
                                 S("250 ok\r\n"),
                                 C("BDAT 4\r\n\r\n.\r"),
                                 S("250 ok\r\n"),
                                 C("BDAT 0 LAST\r\n"),
                                 S("250 ok\r\n"),
                                 END};
    expect(parts, "SAMPLE of , 250: [..x\r\ny\r\n.\r] <b@y> 250\n");
}

static void each_message_has_its_own(void **unused)
{
    (void)unused;
    const struct part parts[] = {
        GREETING,
        ENVELOPE,
        C("RCPT TO:<c@y>\r\n"),
        S("550 no\r\n"),
        C("DATA\r\n"),
        S("354 go\r\n"),
        C("one\r\n.\r\nMAIL FROM:<a@x>\r\nRCPT TO:<d@y>\r\nDATA\r\n"), /* the next before the answer */
        S("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
        C("two\r\n.\r\n"),
        S("554 no\r\n"),
        END,
    };
    expect(parts, "SAMPLE of , 250: [one\r\n] <b@y> 250 <c@y> 550\nSAMPLE of , 554: [two\r\n] <d@y> 250\n");
}

/* MAIL inside of a transaction was refused: who is named behind it is the earlier one's. */
static void a_refused_beginning_ends_nothing(void **unused)
{
    (void)unused;
    const struct part parts[] = {GREETING,
                                 ENVELOPE,
                                 C("MAIL FROM:<z@x>\r\n"),
                                 S("503 nested\r\n"),
                                 C("RCPT TO:<c@y>\r\n"),
                                 S("250 ok\r\n"),
                                 C("DATA\r\n"),
                                 S("354 go\r\n"),
                                 C("x\r\n.\r\n"),
                                 S("250 ok\r\n"),
                                 END};
    expect(parts, "SAMPLE of , 250: [x\r\n] <b@y> 250 <c@y> 250\n");
}

static void two_messages_wait_for_their_answers(void **unused)
{
    (void)unused;
    const struct part parts[] = {
        GREETING,
        C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nBDAT 3 LAST\r\noneMAIL FROM:<a@x>\r\nRCPT TO:<c@y>\r\nBDAT 3 "
          "LAST\r\ntwo"),
        S("250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n450 no\r\n"),
        END,
    };
    expect(parts, "SAMPLE of , 250: [one] <b@y> 250\nSAMPLE of , 450: [two] <c@y> 250\n");
}

static void who_logged_in_is_named(void **unused)
{
    (void)unused;
    const struct part parts[] = {GREETING,
                                 C("AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n"),
                                 S("235 ok\r\n"),
                                 ENVELOPE,
                                 C("DATA\r\n"),
                                 S("354 go\r\n"),
                                 C("x\r\n.\r\n"),
                                 S("250 ok\r\n"),
                                 END};
    expect(parts, "SAMPLE of alice, 250: [x\r\n] <b@y> 250\n");
}

static void what_is_longer_is_cut(void **unused)
{
    (void)unused;
    const struct part parts[] = {GREETING,        ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("123456\r\n.\r\n"),
                                 S("250 ok\r\n"), END};
    expect_most(parts, 4, "SAMPLE of  cut, 250: [1234] <b@y> 250\n");
    expect_most(parts, 8, "SAMPLE of , 250: [123456\r\n] <b@y> 250\n");
}

static void it_ends_at_a_gap(void **unused)
{
    (void)unused;
    const struct part parts[] = {GREETING,
                                 ENVELOPE,
                                 C("DATA\r\n"),
                                 S("354 go\r\n"),
                                 C("12\r\n..34\r\n"),
                                 CLIENT_LOSES(7),
                                 C("56\r\n.\r\n"),
                                 S("250 ok\r\n"),
                                 END};
    expect(parts, "SAMPLE of  cut incomplete, 250: [12\r\n.34\r\n] <b@y> 250\n");
}

static void chunks_end_at_a_gap_too(void **unused)
{
    (void)unused;
    const struct part parts[] = {GREETING,        ENVELOPE, C("BDAT 9 LAST\r\n12"), CLIENT_LOSES(3), C("6789"),
                                 S("250 ok\r\n"), END};
    expect(parts, "SAMPLE of  cut incomplete, 250: [12] <b@y> 250\n");
}

/* It begins in a gap, so nothing is known of it: it is not kept at all. */
static void without_its_beginning_it_is_not_kept(void **unused)
{
    (void)unused;
    const struct part parts[] = {GREETING,        ENVELOPE,         C("DATA\r\n"),   CLIENT_LOSES(7),
                                 S("354 go\r\n"), C("56\r\n.\r\n"), S("250 ok\r\n"), END};
    expect(parts, "");
}

static void what_was_refused_is_none(void **unused)
{
    (void)unused;
    const struct part parts[] = {GREETING,         ENVELOPE, C("DATA\r\n"), S("554 no\r\n"), C("QUIT\r\n"),
                                 S("221 bye\r\n"), END};
    expect(parts, "");
}

static void an_end_without_an_answer_is_told_as_that(void **unused)
{
    (void)unused;
    const struct part parts[] = {GREETING, ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("x\r\n.\r\n"), END};
    expect(parts, "SAMPLE of , 0: [x\r\n] <b@y> 250\n");
    const struct part open[] = {GREETING, ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("x\r\ny"), END};
    expect(open, "SAMPLE of  incomplete, 0: [x\r\ny] <b@y> 250\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dots_are_taken_out),
        cmocka_unit_test(chunks_stay_as_they_are),
        cmocka_unit_test(each_message_has_its_own),
        cmocka_unit_test(a_refused_beginning_ends_nothing),
        cmocka_unit_test(two_messages_wait_for_their_answers),
        cmocka_unit_test(who_logged_in_is_named),
        cmocka_unit_test(what_is_longer_is_cut),
        cmocka_unit_test(it_ends_at_a_gap),
        cmocka_unit_test(chunks_end_at_a_gap_too),
        cmocka_unit_test(without_its_beginning_it_is_not_kept),
        cmocka_unit_test(what_was_refused_is_none),
        cmocka_unit_test(an_end_without_an_answer_is_told_as_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
