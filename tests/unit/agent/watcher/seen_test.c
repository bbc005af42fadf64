/* Messages of the wire and of a milter that are one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "agent/watcher/seen.h"

#define NOW (1700000000 * SECOND)

static struct observation message(moment time, uint64_t digest, const char *from, uint16_t text)
{
    struct observation observation = {.kind = OBSERVATION_MESSAGE, .time = time};
    observation.message.digest[0] = digest;
    observation.message.from = text_of(from);
    observation.message.likeness.parts[3] = text;
    return observation;
}

static struct seen *fresh(void)
{
    static struct seen seen;
    seen = (struct seen){0};
    return &seen;
}

static void test_the_same_bytes_are_the_same_message_once(void **state)
{
    (void)state;
    struct seen *seen = fresh();
    struct observation one = message(NOW, 1, "a", 0), other = message(NOW, 2, "a", 0);
    seen_note(seen, &one);
    assert_false(seen_take(seen, &other));
    assert_true(seen_take(seen, &one));
    assert_false(seen_take(seen, &one));
}

static void test_so_is_the_same_text_of_the_same_sender(void **state)
{
    (void)state;
    struct seen *seen = fresh();
    struct observation sent_on = message(NOW, 1, "a", 77), told = message(NOW, 2, "a", 77);
    struct observation of_another = message(NOW, 3, "b", 77), short_text = message(NOW, 4, "a", 0);
    seen_note(seen, &sent_on);
    assert_false(seen_take(seen, &of_another));
    assert_false(seen_take(seen, &short_text));
    assert_true(seen_take(seen, &told));
}

static void test_what_is_long_ago_is_another(void **state)
{
    (void)state;
    struct seen *seen = fresh();
    struct observation before = message(NOW, 1, "a", 77), now = message(NOW + SEEN_LONGEST + 1, 1, "a", 77);
    seen_note(seen, &before);
    assert_false(seen_take(seen, &now));
}

static void test_the_oldest_gives_way(void **state)
{
    (void)state;
    struct seen *seen = fresh();
    for (uint64_t i = 1; i <= SEEN_MOST + 1; i++) {
        struct observation one = message(NOW, i, "a", 0);
        seen_note(seen, &one);
    }
    struct observation first = message(NOW, 1, "a", 0), second = message(NOW, 2, "a", 0);
    assert_false(seen_take(seen, &first));
    assert_true(seen_take(seen, &second));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_bytes_are_the_same_message_once),
        cmocka_unit_test(test_so_is_the_same_text_of_the_same_sender),
        cmocka_unit_test(test_what_is_long_ago_is_another),
        cmocka_unit_test(test_the_oldest_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
