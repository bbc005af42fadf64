/* What a mailbox holds is one message, with nothing in it that begins another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/quarantine/export.h"

#define TIME (INT64_C(1795424400) * SECOND) /* 2026-11-23T09:00:00Z */

static void expect(const char *from, moment time, const char *content, const char *wanted)
{
    struct buffer out;
    buffer_init(&out, 4096);
    assert_true(export_mbox(text_of(from), time, text_of(content), &out));
    assert_true(buffer_append_byte(&out, '\0'));
    assert_string_equal(out.bytes, wanted);
    buffer_clear(&out);
}

static void a_message_is_a_line_and_its_content(void **state)
{
    (void)state;
    expect("anna@example.net", TIME, "Subject: a\r\n\r\nbody\r\n",
           "From anna@example.net Mon Nov 23 09:00:00 2026\nSubject: a\n\nbody\n\n");
    expect("anna@example.net", TIME, "no end", "From anna@example.net Mon Nov 23 09:00:00 2026\nno end\n\n");
    expect("a@b", 0, "", "From a@b Thu Jan  1 00:00:00 1970\n\n");
}

static void nothing_in_it_begins_another(void **state)
{
    (void)state;
    expect(
        "a@b", 0, "x\n\nFrom z@y Thu Jan  1 00:00:00 1970\n>From q\n>>From r\nFrom\nfrom you\n",
        "From a@b Thu Jan  1 00:00:00 1970\nx\n\n>From z@y Thu Jan  1 00:00:00 1970\n>>From q\n>>>From r\nFrom\nfrom "
        "you\n\n");
}

static void who_sent_it_is_one_word_or_nobody(void **state)
{
    char longest[400];
    (void)state;
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    const char *const names[] = {"", "two words", "a@b\nFrom c@d", "a\tb", "\xc3\xa4@b", longest};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        expect(names[i], 0, "x", "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\nx\n\n");
}

static void what_does_not_fit_is_told(void **state)
{
    struct buffer out;
    (void)state;
    buffer_init(&out, 50);
    assert_false(export_mbox(TEXT("a@b"), 0, TEXT("a body that is longer than there is room for"), &out));
    buffer_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_a_line_and_its_content),
        cmocka_unit_test(nothing_in_it_begins_another),
        cmocka_unit_test(who_sent_it_is_one_word_or_nobody),
        cmocka_unit_test(what_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
