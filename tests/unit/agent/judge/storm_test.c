/* The guard against storms: orders that would suddenly hit many senders are held back, and a person is told. */
#include "tests/unit/agent/judge/court.h"

static const char *address(int number, char result[20])
{
    snprintf(result, 20, "10.0.%d.%d", number / 250, number % 250 + 1);
    return result;
}

/* So many orders of the policy's stand in what was said. */
static int orders(const struct court *court)
{
    int count = 0;
    for (size_t i = 0; i + 6 < court->lines.length; i++)
        count += memcmp(court->lines.bytes + i, "order ", 6) == 0;
    return count;
}

static bool was_said(struct court *court, const char *what)
{
    return memmem(court->lines.bytes, court->lines.length, what, strlen(what)) != NULL;
}

static void test_a_few_are_never_a_storm(void **unused)
{
    (void)unused;
    struct court court;
    char who_[20];
    court_begin(&court, "");
    for (int i = 0; i < 5; i++)
        hear(&court, i, address(i, who_), SAYS, "30");
    assert_int_equal(orders(&court), 5);
    assert_false(was_said(&court, "storm"));
    hear(&court, 6, address(6, who_), SAYS, "30"); /* of six senders, the sixth */
    assert_int_equal(orders(&court), 5);
    assert_true(was_said(&court, "6 storm begins: 5 of 6"));
    assert_true(was_said(&court, "6 10.0.0.7 clear->alert score 30.00"));
    court_end(&court);
}

static void test_no_more_than_a_share_of_the_active(void **unused)
{
    (void)unused;
    struct court court;
    char who_[20];
    court_begin(&court, "");
    for (int i = 0; i < 200; i++)
        hear(&court, 0, address(i, who_), SAYS, "0");
    for (int i = 0; i < 100; i++)
        hear(&court, 10, address(i, who_), SAYS, "30");
    assert_int_equal(orders(&court), 40); /* a fifth */
    court_end(&court);
}

static void test_one_sender_over_and_over_is_no_storm(void **unused)
{
    (void)unused;
    struct court court;
    struct sender sender;
    char who_[20];
    court_begin(&court, "");
    assert_true(sender_parse(text_of(address(0, who_)), &sender));
    for (int i = 0; i < 8; i++) {
        struct error error = {0};
        hear(&court, 10 * i, address(0, who_), SAYS, "30");
        assert_int_equal(
            judge_command(court.judge, &sender, DEED_RELEASE, (10 * i + 5) * SECOND, 0, 0, "a mistake", &error), 0);
    }
    assert_false(was_said(&court, "storm"));
    for (int i = 1; i < 5; i++)
        hear(&court, 100, address(i, who_), SAYS, "30");
    assert_false(was_said(&court, "storm")); /* five senders in all */
    court_end(&court);
}

static void test_senders_of_long_ago_are_not_active(void **unused)
{
    (void)unused;
    struct court court;
    char who_[20];
    court_begin(&court, "");
    for (int i = 0; i < 200; i++)
        hear(&court, 0, address(i, who_), SAYS, "0");
    for (int i = 0; i < 30; i++)
        hear(&court, 7200, address(i, who_), SAYS, "30");
    assert_int_equal(orders(&court), 5); /* not the 40 that 200 would allow */
    court_end(&court);
}

static void test_never_more_than_so_many_an_hour(void **unused)
{
    (void)unused;
    struct court court;
    char who_[20];
    court_begin(&court, "[policy]\nstorm_most = 20\n");
    for (int i = 0; i < 500; i++)
        hear(&court, 0, address(i, who_), SAYS, "0");
    for (int i = 0; i < 30; i++)
        hear(&court, 10, address(i, who_), SAYS, "30");
    assert_int_equal(orders(&court), 20);
    court_end(&court);
}

/* Many senders of one run are one abuser: each counts by a quarter, and others can be stopped beside them. */
static void test_a_run_is_no_storm(void **unused)
{
    (void)unused;
    struct court court;
    char who_[20];
    court_begin(&court, "");
    for (int i = 0; i < 16; i++) {
        hear(&court, i, address(i, who_), ADDS, "5");
        hear(&court, i, address(i, who_), SAYS, "15");
    }
    assert_int_equal(orders(&court), 16);
    hear(&court, 20, address(16, who_), SAYS, "30");
    assert_int_equal(orders(&court), 17);
    assert_false(was_said(&court, "storm"));
    hear(&court, 21, address(17, who_), SAYS, "30"); /* 16 quarters and one */
    assert_int_equal(orders(&court), 17);
    assert_true(was_said(&court, "21 storm begins: 17 of 18"));
    court_end(&court);
}

static void test_but_a_run_of_any_size_is(void **unused)
{
    (void)unused;
    struct court court;
    char who_[20];
    court_begin(&court, "");
    for (int i = 0; i < 40; i++)
        hear(&court, 0, address(i, who_), ADDS, "5");
    for (int i = 0; i < 40; i++)
        hear(&court, 10, address(i, who_), SAYS, "15");
    assert_int_equal(orders(&court), 32); /* quarters of a fifth of the forty */
    court_end(&court);
}

static void test_it_passes(void **unused)
{
    (void)unused;
    struct court court;
    char who_[20];
    court_begin(&court, "[policy]\nstorm_least = 2\n");
    for (int i = 0; i < 3; i++)
        hear(&court, 0, address(i, who_), SAYS, "60");
    assert_int_equal(orders(&court), 2);
    buffer_drop_front(&court.lines, court.lines.length);
    hear(&court, 3599, address(2, who_), SAYS, "0.01");
    assert_int_equal(orders(&court), 2); /* the two that are held were renewed; the third still is not */
    hear(&court, 3600, address(2, who_), SAYS, "0.01");
    assert_true(was_said(&court, "3600 storm ends: 0 of"));
    assert_true(was_said(&court, "3600 10.0.0.3 alert->block"));
    court_end(&court);
}

static void test_what_is_in_force_and_what_persons_order_is_not_held_back(void **unused)
{
    (void)unused;
    struct court court;
    char who_[20];
    court_begin(&court, "[policy]\nstorm_least = 1\n");
    hear(&court, 0, address(0, who_), SAYS, "15");
    hear(&court, 0, address(1, who_), SAYS, "30");
    assert_true(was_said(&court, "storm begins"));
    hear(&court, 1, address(0, who_), SAYS, "15"); /* throttled already: may become a block */
    assert_true(was_said(&court, "throttle->block"));
    assert_int_equal(court_command(&court, 2, address(1, who_), DEED_BLOCK, HOUR, "sure"), 0);
    assert_true(was_said(&court, "alert->block"));
    court_end(&court);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_few_are_never_a_storm),
        cmocka_unit_test(test_no_more_than_a_share_of_the_active),
        cmocka_unit_test(test_one_sender_over_and_over_is_no_storm),
        cmocka_unit_test(test_senders_of_long_ago_are_not_active),
        cmocka_unit_test(test_never_more_than_so_many_an_hour),
        cmocka_unit_test(test_a_run_is_no_storm),
        cmocka_unit_test(test_but_a_run_of_any_size_is),
        cmocka_unit_test(test_it_passes),
        cmocka_unit_test(test_what_is_in_force_and_what_persons_order_is_not_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
