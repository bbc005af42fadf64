/* What people hear of a connection that comes and goes, and when a node takes itself for refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "agent/courier/standing.h"

#define URL "https://centre.example"

static void a_connection_that_flaps_is_told_once_each_way(void **state)
{
    (void)state;
    struct standing standing = {0};
    duration steady = DAY;
    standing_well(&standing, URL, 1, steady);
    assert_string_equal(standing.say, "connected to the collector at " URL);
    int told = 0;
    for (int i = 0; i < 1000; i++) { /* lost and found again every three seconds */
        standing_failed(&standing, URL, "no answer", 1, 0);
        told += standing.say[0] != 0;
        standing_well(&standing, URL, 1, steady += 2 * SECOND);
        told += standing.say[0] != 0;
        standing_well(&standing, URL, 1, steady += SECOND);
        told += standing.say[0] != 0;
    }
    assert_int_equal(told, 1);
    standing_well(&standing, URL, 1, steady += STANDING_QUIET);
    assert_string_equal(standing.say,
                        "connected to the collector again, at " URL "; the connection was lost 1000 times");
    standing_well(&standing, URL, 1, steady += STANDING_QUIET);
    assert_string_equal(standing.say, "");
    standing_failed(&standing, URL, "no answer", 1, 0);
    assert_string_equal(standing.say, "the collector cannot be reached: " URL ": no answer");
    assert_int_equal(standing.severity, 1);
}

static void one_refusal_may_be_a_mistake(void **state)
{
    (void)state;
    struct standing standing = {0};
    standing_well(&standing, URL, 1, DAY);
    for (int i = 1; i < STANDING_REFUSALS; i++) {
        assert_true(standing_refused(&standing, URL, "no such secret", false, 999) < 10 * SECOND);
        assert_int_equal(standing.state, STANDING_TRYING);
        assert_string_equal(standing.say, "");
        assert_string_equal(standing.trouble, URL ": no such secret");
    }
    standing_refused(&standing, URL, "no such secret", false, 0);
    assert_int_equal(standing.state, STANDING_REFUSED);
    assert_string_equal(standing.say, "the collector refuses this node: " URL ": no such secret; nothing is sent");
    duration pause = 0;
    for (int i = 0; i < 40; i++) {
        pause = standing_refused(&standing, URL, "no such secret", false, 0);
        assert_string_equal(standing.say, "");
    }
    assert_int_equal(pause, 5 * MINUTE);
    standing_well(&standing, URL, 7, DAY);
    assert_int_equal(standing.state, STANDING_CONNECTED);
    assert_int_equal(standing.connected, 7);
    assert_string_equal(standing.trouble, "");
}

static void what_this_node_lacks_is_said_at_once(void **state)
{
    (void)state;
    struct standing standing = {0};
    assert_int_equal(standing_refused(&standing, URL, "no token", true, 0), 5 * MINUTE);
    assert_int_equal(standing.state, STANDING_REFUSED);
    assert_string_equal(standing_word(&standing), "refused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_that_flaps_is_told_once_each_way),
        cmocka_unit_test(one_refusal_may_be_a_mistake),
        cmocka_unit_test(what_this_node_lacks_is_said_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
