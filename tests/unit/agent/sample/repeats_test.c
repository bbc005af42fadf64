/* Bodies that come again: by their bytes, or nearly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/sample/repeats.h"

#define NOON (INT64_C(1795420800) * SECOND)

static struct repeats *repeats;
static const struct likeness unknown;

static int begin(void **unused)
{
    (void)unused;
    repeats = repeats_create();
    return repeats ? 0 : -1;
}

static int end(void **unused)
{
    (void)unused;
    repeats_destroy(&repeats);
    return 0;
}

static enum repeat note(uint64_t body, moment now)
{
    const uint64_t digest[2] = {body * UINT64_C(0x9e3779b97f4a7c15), body};
    return repeats_note(repeats, digest, &unknown, now);
}

static struct likeness likeness_of(uint16_t text, unsigned changed)
{
    struct likeness likeness;
    for (unsigned i = 0; i < LIKENESS_PARTS; i++)
        likeness.parts[i] = (uint16_t)(text * 101 + i * 7 + (i < changed ? 9000 : 1));
    return likeness;
}

static enum repeat note_like(uint64_t body, uint16_t text, unsigned changed, moment now)
{
    const struct likeness likeness = likeness_of(text, changed);
    const uint64_t digest[2] = {body * UINT64_C(0x9e3779b97f4a7c15), body};
    return repeats_note(repeats, digest, &likeness, now);
}

static void the_same_bytes(void **unused)
{
    (void)unused;
    assert_int_equal(note(1, NOON), REPEAT_NEW);
    assert_int_equal(note(2, NOON), REPEAT_NEW);
    assert_int_equal(note(1, NOON + SECOND), REPEAT_AGAIN);
    assert_int_equal(note(1, NOON + 2 * SECOND), REPEAT_AGAIN);
    repeats_sent(repeats, NOON + 2 * SECOND);
    assert_int_equal(note(1, NOON + 3 * SECOND), REPEAT_SENT);
    assert_int_equal(note(2, NOON + 3 * SECOND), REPEAT_AGAIN);
}

static void nearly_the_same_text(void **unused)
{
    (void)unused;
    assert_int_equal(note_like(1, 1, 0, NOON), REPEAT_NEW);
    assert_int_equal(note_like(2, 1, 3, NOON), REPEAT_AGAIN);
    repeats_sent(repeats, NOON);
    assert_int_equal(note_like(3, 1, 1, NOON), REPEAT_SENT);
    assert_int_equal(note_like(4, 1, 8, NOON), REPEAT_NEW); /* half of it is another's */
    assert_int_equal(note_like(5, 2, 0, NOON), REPEAT_NEW);
}

static void what_came_long_ago_is_new(void **unused)
{
    (void)unused;
    assert_int_equal(note(1, NOON), REPEAT_NEW);
    repeats_sent(repeats, NOON);
    assert_int_equal(note(1, NOON + REPEATS_SPAN), REPEAT_SENT);
    assert_int_equal(note(1, NOON + REPEATS_SPAN + 1), REPEAT_AGAIN); /* sent longer ago, seen not */
    assert_int_equal(note(1, NOON + 3 * REPEATS_SPAN), REPEAT_NEW);
    assert_int_equal(note(1, NOON - DAY), REPEAT_NEW); /* the clock was set back */
}

static void memory_is_bounded(void **unused)
{
    (void)unused;
    assert_int_equal(note(1, NOON), REPEAT_NEW);
    for (uint64_t body = 2; body < REPEATS_MOST / 2; body++)
        assert_int_equal(note(body, NOON), REPEAT_NEW);
    assert_int_equal(note(REPEATS_MOST / 2 - 1, NOON), REPEAT_AGAIN);
    for (uint64_t body = 10000; body < 10000 + 2 * REPEATS_MOST; body++)
        (void)note(body, NOON);
    assert_int_equal(note(1, NOON), REPEAT_NEW); /* forgotten */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_bytes, begin, end),
        cmocka_unit_test_setup_teardown(nearly_the_same_text, begin, end),
        cmocka_unit_test_setup_teardown(what_came_long_ago_is_new, begin, end),
        cmocka_unit_test_setup_teardown(memory_is_bounded, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
