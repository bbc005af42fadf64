/* How senders' mail came: a few ways of each, the latest first. */
#include "agent/watcher/ways.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void add(struct ways *ways, uint32_t user, moment time, const char *text, size_t same)
{
    struct way way = {.sender = sender_from_user(user), .time = time};
    snprintf(way.text, sizeof way.text, "%s", text);
    ways_add(ways, &way, same);
}

static const char *text_at(const struct ways *ways, uint32_t user, uint32_t number)
{
    struct sender sender = sender_from_user(user);
    const struct way *way = ways_of(ways, &sender, number);
    return way ? way->text : "none";
}

static void the_latest_is_first_and_the_same_stands_once(void **state)
{
    struct ways *ways = *state;
    assert_string_equal(text_at(ways, 1001, 0), "none");
    add(ways, 1001, 1, "php in /a, process 1", 10);
    add(ways, 1002, 2, "perl in /b, process 2", 11);
    add(ways, 1001, 3, "curl in /a, process 3", 11);
    add(ways, 1001, 4, "php in /a, process 4", 10);
    assert_string_equal(text_at(ways, 1001, 0), "php in /a, process 4");
    assert_string_equal(text_at(ways, 1001, 1), "curl in /a, process 3");
    assert_string_equal(text_at(ways, 1001, 2), "none");
    assert_string_equal(text_at(ways, 1002, 0), "perl in /b, process 2");
}

static void nobody_s_many_push_out_another_s_few(void **state)
{
    struct ways *ways = *state;
    char text[40];
    add(ways, 1002, 1, "mine", 40);
    for (int i = 0; i < 10000; i++) {
        snprintf(text, sizeof text, "program %d", i);
        add(ways, 1001, i, text, 40);
    }
    assert_string_equal(text_at(ways, 1001, 0), "program 9999");
    assert_string_equal(text_at(ways, 1001, WAYS_PER_SENDER - 1), "program 9996");
    assert_string_equal(text_at(ways, 1001, WAYS_PER_SENDER), "none");
    assert_string_equal(text_at(ways, 1002, 0), "mine");
}

static void who_was_seen_longest_ago_gives_way(void **state)
{
    struct ways *ways = *state;
    for (uint32_t user = 1; user <= WAYS_MOST + 1; user++)
        add(ways, user, user, "one", 40);
    assert_int_equal(ways->count, WAYS_MOST);
    assert_string_equal(text_at(ways, 1, 0), "none");
    assert_string_equal(text_at(ways, 2, 0), "one");
    assert_string_equal(text_at(ways, WAYS_MOST + 1, 0), "one");
}

static void hostile_bytes_are_made_printable(void **state)
{
    struct ways *ways = *state;
    add(ways, 7, 1, "a\033[2Jb\nc", 40);
    for (const char *at = text_at(ways, 7, 0); *at; at++)
        assert_true(*at >= ' ' && *at <= '~');
}

static int begin(void **state)
{
    *state = calloc(1, sizeof(struct ways));
    return *state ? 0 : -1;
}

static int end(void **state)
{
    free(*state);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_latest_is_first_and_the_same_stands_once),
        TEST(nobody_s_many_push_out_another_s_few),
        TEST(who_was_seen_longest_ago_gives_way),
        TEST(hostile_bytes_are_made_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
