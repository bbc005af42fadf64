/* Ticks as observations: a detector that wants them gets one for every whole second and every sender that was seen
 * within the last hour. */
#define COURT_WITH_TICKS
#include "tests/unit/agent/judge/court.h"

#define A "192.0.2.1"
#define B "192.0.2.2"

static void expect_ticks(struct court *court, double at, const char *sender, const char *want)
{
    hear(court, at, sender, TICK_ME, "how many");
    assert_string_equal(court_look(court, at, sender).evidence[0].reason, want);
}

static void test_each_second_once(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    hear(&court, 0.5, A, SAYS, "0");
    until(&court, 1.2);
    until(&court, 1.9);
    until(&court, 10);
    expect_ticks(&court, 10.5, A, "10 ticks");
    hear(&court, 10.6, B, SAYS, "0");
    expect_ticks(&court, 15, B, "5 ticks"); /* the second of an observation comes before it */
    expect_ticks(&court, 15, A, "15 ticks");
    court_end(&court);
}

static void test_not_for_those_of_long_ago(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    hear(&court, 0, A, SAYS, "0");
    until(&court, 40.0 * 365 * 86400); /* at once */
    expect_ticks(&court, 40.0 * 365 * 86400 + 1, A, "3599 ticks");
    court_end(&court);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_second_once),
        cmocka_unit_test(test_not_for_those_of_long_ago),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
