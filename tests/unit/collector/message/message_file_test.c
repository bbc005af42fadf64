/* Message files: what one says, and why what is none is refused. Nodes may lie and clients are strangers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "collector/message/message_file.h"
#include "common/buffer.h"
#include "common/cleanup.h"

#define ENVELOPE "\"record\":\"message\",\"time\":\"2026-11-23T08:00:00Z\",\"sender\":\"port:vnet3\""

static struct message_file *file;
static struct error failed;

static int read_text(struct text bytes)
{
    message_file_destroy(&file);
    return message_file_read(bytes, &file, &failed);
}
#define READ(literal) read_text(TEXT(literal))

static int end(void **unused)
{
    (void)unused;
    message_file_destroy(&file);
    return 0;
}

static bool is(struct text text, const char *wanted)
{
    return text_equals(text, text_of(wanted));
}

static void test_what_it_says_and_the_content_behind_it(void **unused)
{
    (void)unused;
    assert_int_equal(
        READ("{" ENVELOPE
             ",\"customer\":\"acme\",\"address\":\"192.0.2.7\",\"client_port\":4321,\"helo\":\"h\",\"user\":\"u\","
             "\"queue\":\"q\",\"from\":\"a@b\",\"recipients\":[\"c@d\",\"\"],\"recipients_left_out\":3,"
             "\"why\":\"first\",\"complete\":false,\"code\":250,\"bytes\":7,\"digest\":\"d\",\"likeness\":"
             "\"l\",\"server\":\"198.51.100.1\",\"node_message\":1,\"later\":{\"more\":[1]}}\nAB\r\n\0\nC"),
        0);
    assert_true(is(file->sender, "port:vnet3") && is(file->customer, "acme") && is(file->address, "192.0.2.7"));
    assert_true(is(file->helo, "h") && is(file->user, "u") && is(file->queue, "q") && is(file->from, "a@b"));
    assert_true(is(file->why, "first") && is(file->server, "198.51.100.1") && is(file->digest, "d"));
    assert_int_equal(file->time, INT64_C(1795420800) * SECOND);
    assert_int_equal(file->recipient_count, 2);
    assert_true(is(file->recipients[0], "c@d") && is(file->recipients[1], ""));
    assert_int_equal(file->recipients_left_out, 3);
    assert_int_equal(file->code, 250);
    assert_int_equal(file->client_port, 4321);
    assert_false(file->complete);
    assert_true(text_equals(file->content, TEXT("AB\r\n\0\nC")));
    assert_true(file->envelope.bytes[0] == '{' && file->envelope.bytes[file->envelope.length - 1] == '}');
}

static void test_what_is_not_there_is_empty(void **unused)
{
    (void)unused;
    assert_int_equal(READ("{" ENVELOPE ",\"customer\":null}\n"), 0);
    assert_int_equal(file->recipient_count, 0);
    assert_true(file->complete && file->code == 0 && file->content.length == 0 && file->customer.length == 0);
}

/* A client can say a zero byte, and anything else: it stays what it is, and what is too long is cut. */
static void test_texts_of_strangers(void **unused)
{
    (void)unused;
    CLEANUP(buffer_clear) struct buffer long_one;
    buffer_init(&long_one, 1 << 20);
    assert_int_equal(READ("{" ENVELOPE ",\"from\":\"a\\u0000b\\u001b[31m\"}\n"), 0);
    assert_true(text_equals(file->from, TEXT("a\0b\x1b[31m")));
    assert_true(buffer_append(&long_one, TEXT("{" ENVELOPE ",\"helo\":\"")));
    for (int i = 0; i < 5000; i++)
        assert_true(buffer_append_byte(&long_one, 'h'));
    assert_true(buffer_append(&long_one, TEXT("\"}\n")));
    assert_int_equal(read_text(buffer_text(&long_one)), 0);
    assert_int_equal(file->helo.length, 2048);
}

static void test_what_is_none_is_refused_by_a_sentence(void **unused)
{
    (void)unused;
    static const struct text bad[] = {
        TEXT(""),
        TEXT("no line end"),
        TEXT("\n"),
        TEXT("[1,2]\n"),
        TEXT("{" ENVELOPE "\n"),
        TEXT("{" ENVELOPE ",\"from\":\"\xff\"}\n"),
        TEXT("{" ENVELOPE ",\"time\":\"2026-11-23T08:00:00Z\"}\n"),
        TEXT("{\"record\":\"mail\",\"time\":\"2026-11-23T08:00:00Z\",\"sender\":\"a\"}\n"),
        TEXT("{\"record\":\"message\",\"time\":\"soon\",\"sender\":\"a\"}\n"),
        TEXT("{\"record\":\"message\",\"time\":1795593600,\"sender\":\"a\"}\n"),
        TEXT("{\"record\":\"message\",\"time\":\"2026-11-23T08:00:00Z\"}\n"),
        TEXT("{\"record\":\"message\",\"time\":\"2026-11-23T08:00:00Z\",\"sender\":5}\n"),
        TEXT("{\"record\":\"message\",\"time\":\"2026-11-23T08:00:00Z\",\"sender\":\"\"}\n"),
        TEXT("{" ENVELOPE ",\"recipients\":\"a@b\"}\n"),
        TEXT("{" ENVELOPE ",\"recipients\":[1]}\n"),
        TEXT("{" ENVELOPE ",\"code\":-1}\n"),
        TEXT("{" ENVELOPE ",\"code\":1000}\n"),
        TEXT("{" ENVELOPE ",\"client_port\":65536}\n"),
        TEXT("{" ENVELOPE ",\"recipients_left_out\":\"many\"}\n"),
        TEXT("{" ENVELOPE ",\"bytes\":3}\nab"),
        TEXT("{" ENVELOPE ",\"more\":[[[[[1]]]]]}\n"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        failed = (struct error){0};
        if (read_text(bad[i]) != -EINVAL || failed.text[0] == '\0' || file)
            fail_msg("case %zu is taken", i);
    }
}

/* What would become much memory once it is read is not read. */
static void test_what_is_more_than_an_envelope(void **unused)
{
    (void)unused;
    CLEANUP(buffer_clear) struct buffer many;
    buffer_init(&many, 1 << 20);
    assert_true(buffer_append(&many, TEXT("{" ENVELOPE ",\"recipients\":[\"a\"")));
    for (int i = 1; i < MESSAGE_RECIPIENTS_MOST; i++)
        assert_true(buffer_append(&many, TEXT(",\"a\"")));
    size_t length = many.length;
    assert_true(buffer_append(&many, TEXT("]}\n")));
    assert_int_equal(read_text(buffer_text(&many)), 0);
    assert_int_equal(file->recipient_count, MESSAGE_RECIPIENTS_MOST);
    many.length = length;
    assert_true(buffer_append(&many, TEXT(",\"a\"]}\n")));
    assert_int_equal(read_text(buffer_text(&many)), -EINVAL);
    many.length = 0;
    for (int i = 0; i < 100000; i++)
        assert_true(buffer_append_byte(&many, '['));
    assert_true(buffer_append_byte(&many, '\n'));
    assert_int_equal(read_text(buffer_text(&many)), -EINVAL);
}

static void test_what_is_kept_apart_is_read_as_the_whole_was(void **unused)
{
    (void)unused;
    message_file_destroy(&file);
    assert_int_equal(message_file_join(TEXT("{" ENVELOPE ",\"bytes\":2}"), TEXT("ab"), &file, &failed), 0);
    assert_true(is(file->sender, "port:vnet3") && is(file->content, "ab"));
    message_file_destroy(&file);
    assert_int_equal(message_file_join(TEXT("{" ENVELOPE ",\"bytes\":2}"), TEXT("a"), &file, &failed), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_what_it_says_and_the_content_behind_it, end),
        cmocka_unit_test_teardown(test_what_is_not_there_is_empty, end),
        cmocka_unit_test_teardown(test_texts_of_strangers, end),
        cmocka_unit_test_teardown(test_what_is_none_is_refused_by_a_sentence, end),
        cmocka_unit_test_teardown(test_what_is_more_than_an_envelope, end),
        cmocka_unit_test_teardown(test_what_is_kept_apart_is_read_as_the_whole_was, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
