/* More senders than details: what the detectors remember is forgotten, and their reasons; points, verdicts and orders
 * stay. Who stands out is kept longest. */
#define COURT_WITH_TICKS
#include "tests/unit/agent/judge/court.h"

#define A      "192.0.2.1"
#define B      "192.0.2.2"
#define C      "192.0.2.3"
#define LET_GO "from earlier; the details were let go for busier senders"

static void hear_of_others(struct court *court, double at, int number, const char *worth)
{
    for (int i = 0; i < number; i++) {
        char sender[32];
        snprintf(sender, sizeof sender, "10.0.%d.%d", i / 200, 1 + i % 200);
        hear(court, at + i, sender, SAYS, worth);
    }
}

static bool has_details(struct court *court, const char *sender)
{
    struct sender name = who(sender);
    return senders_details(court->senders, senders_find(court->senders, &name)) != NULL;
}

static void test_points_outlast_their_reasons(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[sender]\nbusy = 16\n");
    hear(&court, 0, A, SAYS, "7 seen at noon");
    hear(&court, 0, A, ADDS, "2 seen as well");
    hear_of_others(&court, 1, 200, "6"); /* all are worth keeping, so the oldest give way after all */
    assert_false(has_details(&court, A));
    assert_true(senders_details_let_go(court.senders) >= 185);
    struct judge_view view = court_look(&court, 0, A);
    assert_int_equal(view.score, 900);
    assert_int_equal(view.evidence_count, 2);
    assert_string_equal(view.evidence[0].reason, LET_GO);
    hear(&court, 201, A, SAYS, "1 seen again");
    view = court_look(&court, 201, A);
    assert_string_equal(view.evidence[0].reason, "seen again");
    assert_string_equal(view.evidence[1].reason, LET_GO);
    assert_string_equal(view.evidence[1].detector, "adds");
    hear(&court, 3000, A, TICK_ME, "how many");
    assert_string_equal(court_look(&court, 3000, A).evidence[2].reason, "2799 ticks"); /* since it began anew */
    court_end(&court);
}

static void test_points_and_orders_keep_their_details(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[sender]\nbusy = 16\n");
    hear(&court, 0, A, SAYS, "1.2 worth a point for some minutes");
    hear(&court, 0, B, SAYS, "0.9 not worth one");
    hear(&court, 0, C, SAYS, "20 blocked");
    hear_of_others(&court, 1, 300, "0");
    assert_true(has_details(&court, A));
    assert_false(has_details(&court, B));
    assert_true(has_details(&court, C));
    assert_int_equal(court_look(&court, 0, B).score, 90);
    hear_of_others(&court, 3000, 300, "0");
    assert_false(has_details(&court, A));
    assert_true(has_details(&court, C));
    assert_string_equal(court_look(&court, 3000, C).evidence[0].reason, "blocked");
    court_end(&court);
}

static void test_an_order_stands_and_ends_as_ever(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[policy]\nstorm_least = 1000\nstorm_most = 1000\n[sender]\nbusy = 16\n");
    hear(&court, 0, A, SAYS, "20");
    hear_of_others(&court, 0, 200, "20");
    assert_false(has_details(&court, A));
    assert_int_equal(court_look(&court, 200, A).verdict, VERDICT_BLOCK);
    until(&court, 4 * 3600 + 100);
    assert_int_equal(court_look(&court, 4 * 3600 + 100, A).verdict, VERDICT_CLEAR);
    assert_false(has_details(&court, A)); /* time alone brings none */
    court_end(&court);
}

static void test_a_person_who_releases_clears_them(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    hear(&court, 0, A, SAYS, "20 bad");
    until(&court, 100);
    assert_int_equal(court_command(&court, 100, A, DEED_RELEASE, 0, "a mistake"), 0);
    assert_false(has_details(&court, A));
    hear(&court, 110, A, TICK_ME, "how many");
    assert_string_equal(court_look(&court, 110, A).evidence[0].reason, "0 ticks");
    court_end(&court);
}

/* A restart in between: the same lines as without one. */
static void test_the_next_process_goes_on(void **unused)
{
    (void)unused;
    struct court whole, broken;
    uint32_t dropped;
    struct error error = {0};
    const char *configuration = "[policy]\nstorm_least = 1000\nstorm_most = 1000\n[sender]\nbusy = 20\n";
    court_begin(&whole, configuration);
    court_begin(&broken, configuration);
    whole.with_evidence = broken.with_evidence = true;
    uint64_t random = 4;
    for (int i = 0; i < 3000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        char sender[32], worth[32];
        snprintf(sender, sizeof sender, "192.0.2.%u", 1 + (uint32_t)(random >> 33) % 60);
        snprintf(worth, sizeof worth, "%u.2 x%d", (uint32_t)(random >> 50) % 3, i);
        hear(&whole, i * 11, sender, ADDS, worth);
        hear(&broken, i * 11, sender, ADDS, worth);
        if (i % 500 != 499)
            continue;
        judge_destroy(&broken.judge);
        senders_release(&broken.senders);
        broken.senders = senders_adopt(broken.memory, broken.size, &broken.shape, &dropped);
        assert_non_null(broken.senders);
        struct judge_listener listener = court_listener(&broken);
        broken.judge = judge_create(broken.settings, broken.senders, &listener, &error);
        assert_int_equal(senders_detailed(broken.senders), 20);
    }
    assert_int_equal(whole.lines.length, broken.lines.length);
    assert_memory_equal(whole.lines.bytes, broken.lines.bytes, whole.lines.length);
    court_end(&whole);
    court_end(&broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points_outlast_their_reasons),
        cmocka_unit_test(test_points_and_orders_keep_their_details),
        cmocka_unit_test(test_an_order_stands_and_ends_as_ever),
        cmocka_unit_test(test_a_person_who_releases_clears_them),
        cmocka_unit_test(test_the_next_process_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
