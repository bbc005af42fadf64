/* A position is one line of text that says the same when it is read again; what is no position is refused whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "common/io/tail.h"

static const struct tail_position sample = {
    .device = 0xfd01,
    .inode = 0x123456,
    .offset = 4096,
    .size = 8192,
    .digest = UINT64_C(0xfedcba9876543210),
    .head = TAIL_HEAD,
    .done = true,
    .changed = INT64_C(0x18000000deadbeef),
    .source = "/var/log/mail.log",
};
#define PRINTED "fd01 123456 1000 2000 fedcba9876543210 400 1 18000000deadbeef /var/log/mail.log"

static void expect_same(const struct tail_position *a, const struct tail_position *b)
{
    assert_true(a->device == b->device && a->inode == b->inode);
    assert_true(a->offset == b->offset && a->size == b->size);
    assert_true(a->digest == b->digest && a->head == b->head);
    assert_true(a->done == b->done && a->changed == b->changed);
    assert_string_equal(a->source, b->source);
}

static void expect_round_trip(const struct tail_position *at)
{
    struct buffer buffer;
    struct tail_position read = {.device = 0};
    buffer_init(&buffer, 1024);
    assert_true(tail_position_print(at, &buffer));
    struct text rest = buffer_text(&buffer);
    struct text line = text_split(&rest, '\n');
    assert_int_equal(rest.length, 0);
    assert_true(tail_position_parse(line, &read));
    expect_same(at, &read);
    buffer_clear(&buffer);
}

static void a_position_is_printed_as_one_line_for_the_eye(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, 1024);
    assert_true(tail_position_print(&sample, &buffer));
    assert_true(text_equals(buffer_text(&buffer), TEXT(PRINTED "\n")));
    buffer_clear(&buffer);
}

static void what_was_printed_is_read_again(void **state)
{
    (void)state;
    expect_round_trip(&sample);
    struct tail_position most = {
        .device = UINT64_MAX,
        .inode = UINT64_MAX,
        .offset = INT64_MAX,
        .size = INT64_MAX,
        .digest = UINT64_MAX,
        .head = TAIL_HEAD,
        .done = true,
        .changed = INT64_MAX,
    };
    memset(most.source, 'x', TAIL_NAME - 1);
    expect_round_trip(&most);
    struct tail_position spaces = {.source = "/srv/logs of  mail/a b.log "};
    expect_round_trip(&spaces);
}

static void a_change_before_the_epoch_counts_as_never(void **state)
{
    (void)state;
    struct tail_position old = sample, read;
    struct buffer buffer;
    old.changed = -5;
    buffer_init(&buffer, 1024);
    assert_true(tail_position_print(&old, &buffer));
    assert_true(tail_position_parse((struct text){buffer.bytes, buffer.length - 1}, &read));
    assert_true(read.changed == 0);
    buffer_clear(&buffer);
}

static void a_full_buffer_is_said(void **state)
{
    (void)state;
    struct buffer buffer;
    buffer_init(&buffer, sizeof PRINTED - 1);
    assert_false(tail_position_print(&sample, &buffer));
    buffer_clear(&buffer);
}

static void what_is_no_position_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "fd01",
        "fd01 123456 1000 2000 fedc 400 1",                     /* the numbers end early */
        "fd01 123456 1000 2000 fedc 400 1 5",                   /* no name */
        "fd01 123456 1000 2000 fedc 400 1 5 ",                  /* an empty name */
        "fd01 123456 1000 2000 fedc 401 1 5 /a",                /* more first bytes than are digested */
        "fd01 123456 1000 2000 fedc 400 2 5 /a",                /* neither done nor not */
        "fd01 123456 8000000000000000 2000 fedc 400 1 5 /a",    /* no file is as long */
        "fd01 123456 1000 8000000000000000 fedc 400 1 5 /a",    /* the same */
        "fd01 123456 1000 2000 fedc 400 1 8000000000000000 /a", /* a time that cannot be held */
        "00000000000000001 123456 1000 2000 fedc 400 1 5 /a",   /* seventeen digits */
        "FD01 123456 1000 2000 fedc 400 1 5 /a",                /* digits are small letters */
        "0xfd 123456 1000 2000 fedc 400 1 5 /a",                /* without a prefix */
        "-1 123456 1000 2000 fedc 400 1 5 /a",                  /* without a sign */
        "fd01  123456 1000 2000 fedc 400 1 5 /a",               /* one space */
    };
    struct tail_position untouched = sample;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(tail_position_parse((struct text){wrong[i], strlen(wrong[i])}, &untouched));
    assert_false(tail_position_parse(TEXT("fd01 123456 1000 2000 fedc 400 1 5 /a\0b"), &untouched));
    char name[TAIL_NAME + 32] = "1 1 1 1 1 1 1 1 ";
    memset(name + 16, 'x', TAIL_NAME);
    assert_false(tail_position_parse((struct text){name, 16 + TAIL_NAME}, &untouched));
    assert_true(tail_position_parse((struct text){name, 16 + TAIL_NAME - 1}, &untouched));
    untouched = sample;
    assert_false(tail_position_parse(TEXT("x"), &untouched));
    expect_same(&sample, &untouched);
}

static void a_digest_tells_bytes_apart(void **state)
{
    (void)state;
    assert_true(tail_digest("Nov 25 12:00:00 a", 17) == tail_digest("Nov 25 12:00:00 a", 17));
    assert_true(tail_digest("Nov 25 12:00:00 a", 17) != tail_digest("Nov 25 12:00:00 b", 17));
    assert_true(tail_digest("Nov 25 12:00:00 a", 17) != tail_digest("Nov 25 12:00:00 a", 16));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_position_is_printed_as_one_line_for_the_eye),
        cmocka_unit_test(what_was_printed_is_read_again),
        cmocka_unit_test(a_change_before_the_epoch_counts_as_never),
        cmocka_unit_test(a_full_buffer_is_said),
        cmocka_unit_test(what_is_no_position_is_refused_and_changes_nothing),
        cmocka_unit_test(a_digest_tells_bytes_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
