/* What lasts is said once, topped up as it fades, and never adds up to more than it is worth. */
#include "tests/unit/detectors/recorder.h"
#include "detectors/standing.h"

static void once(void **state)
{
    (void)state;
    struct standing standing = {0};
    assert_int_equal(standing_raise(&standing, 300, NOON, HOUR), 300);
    assert_int_equal(standing_raise(&standing, 300, NOON + SECOND, HOUR), 0);
    assert_int_equal(standing_raise(&standing, 200, NOON + MINUTE, HOUR), 0);
    assert_int_equal(standing_raise(&standing, 500, NOON + 2 * MINUTE, HOUR), 200);
    assert_int_equal(standing_raise(&standing, 540, NOON + 2 * MINUTE, HOUR), 0); /* less than half a point */
}

static void again(void **state)
{
    (void)state;
    struct standing standing = {0};
    standing_raise(&standing, 400, NOON, HOUR);
    assert_int_equal(standing_raise(&standing, 400, NOON + 59 * MINUTE, HOUR), 0);
    assert_int_equal(standing_raise(&standing, 400, NOON + HOUR, HOUR), 200);
    assert_int_equal(standing_raise(&standing, 400, NOON + 4 * HOUR, HOUR), 350);
    assert_int_equal(standing_raise(&standing, 400, NOON + 400 * DAY, HOUR), 400);
}

static void backwards(void **state)
{
    (void)state;
    struct standing standing = {0};
    assert_int_equal(standing_raise(&standing, 400, NOON, HOUR), 400);
    assert_int_equal(standing_raise(&standing, 400, NOON - DAY, HOUR), 0);
    assert_int_equal(standing_raise(&standing, 400, -5, HOUR), 0);
    assert_int_equal(standing_period(-1, SECOND), 0);
    assert_int_equal(standing_period(NOON, SECOND), 1764331200);
}

/* Whatever it is worth from time to time, the account never stands above the most that it was worth by more than what
 * the steps of an hour leave. */
static void law(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int run = 0; run < 50; run++) {
        struct standing standing = {0};
        struct findings findings = {.most = 1000};
        moment now = NOON;
        for (int i = 0; i < 2000; i++) {
            now += (next_random(&random) % 600) * SECOND;
            points more = standing_raise(&standing, (points)(next_random(&random) % 1000), now, HOUR);
            assert_true(more == 0 || more >= 50);
            findings.time = now;
            if (more)
                findings_add(&findings, more, "x");
        }
        if (findings.peak > 10.01)
            fail_msg("peak %f", findings.peak);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(once), cmocka_unit_test(again), cmocka_unit_test(backwards),
                                       cmocka_unit_test(law)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
