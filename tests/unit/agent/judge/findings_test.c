/* What detectors say: accounts by detector and sender, reasons that a person can read. */
#include "tests/unit/agent/judge/court.h"

#define A "192.0.2.1"

static void test_each_detector_has_its_account_with_its_ceiling(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[policy]\nalert = 1000\nthrottle = 1000\nblock = 1000\n"
                        "[adds]\nmost = 7.5\n");
    hear(&court, 0, A, ADDS, "5 first");
    hear(&court, 0, A, ADDS, "5 second");
    hear(&court, 0, A, SAYS, "6 third");
    struct judge_view view = court_look(&court, 0, A);
    assert_int_equal(view.score, 1350);
    assert_int_equal(view.evidence_count, 2);
    assert_string_equal(view.evidence[0].detector, "adds");
    assert_int_equal(view.evidence[0].points, 750);
    assert_string_equal(view.evidence[0].reason, "second");
    assert_string_equal(view.evidence[1].detector, "says");
    assert_int_equal(view.evidence[1].time, AT(0));
    hear(&court, 0, "192.0.2.2", SAYS, "1");
    assert_int_equal(court_look(&court, 0, "192.0.2.2").score, 100); /* a sender's own */
    court_end(&court);
}

static void test_points_can_be_taken_back_but_not_below_nothing(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    hear(&court, 0, A, ADDS, "5 bad");
    hear(&court, 0, A, SAYS, "5 bad");
    hear(&court, 0, A, SAYS, "-9 better");
    struct judge_view view = court_look(&court, 0, A);
    assert_int_equal(view.score, 500);
    assert_int_equal(view.evidence_count, 1);
    hear(&court, 0, A, SAYS, "2 worse");
    assert_int_equal(court_look(&court, 0, A).score, 700);
    court_end(&court);
}

static void test_weights_multiply(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[says]\nweight = 0.25\n[adds]\nweight = 0\n");
    hear(&court, 0, A, SAYS, "10");
    hear(&court, 0, A, ADDS, "10");
    assert_int_equal(court_look(&court, 0, A).score, 250);
    court_end(&court);
}

static void test_a_detector_that_is_off_is_not_asked(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[says]\nenabled = no\n");
    hear(&court, 0, A, SAYS, "10");
    hear(&court, 0, A, ADDS, "1");
    assert_int_equal(court_look(&court, 0, A).score, 100);
    court_end(&court);
}

static void test_reasons_are_fit_for_a_terminal(void **unused)
{
    (void)unused;
    struct court court;
    char endless[700];
    court_begin(&court, "");
    hear(&court, 0, A, SAYS, "1 bell \a escape \033[2J broken \xff end");
    assert_string_equal(court_look(&court, 0, A).evidence[0].reason, "bell ? escape ?[2J broken \xef\xbf\xbd end");
    snprintf(endless, sizeof endless, "1 ");
    for (int i = 0; i < 330; i++)
        strcat(endless, "\xc3\xa4");
    hear(&court, 0, A, SAYS, endless);
    struct judge_view view = court_look(&court, 0, A);
    size_t length = strlen(view.evidence[0].reason);
    assert_true(length >= EVIDENCE_REASON - 4 && length < EVIDENCE_REASON);
    assert_memory_equal(view.evidence[0].reason + length - 2, "\xc3\xa4", 2);
    court_end(&court);
}

static void test_the_greatest_evidence_stands_first(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    hear(&court, 0, A, SAYS, "3");
    hear(&court, 0, A, ADDS, "3");
    struct judge_view view = court_look(&court, 0, A);
    assert_string_equal(view.evidence[0].detector, "says"); /* equal: in the order of the table */
    hear(&court, 0, A, ADDS, "0.01");
    view = court_look(&court, 0, A);
    assert_string_equal(view.evidence[0].detector, "adds");
    view = court_look(&court, 30 * 3600, A);
    assert_int_equal(view.evidence_count, 0);
    assert_int_equal(view.score, 0);
    court_end(&court);
}

static void test_the_listener_hears_what_was_added(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[says]\nmost = 8\n");
    court.with_evidence = true;
    hear(&court, 0, A, SAYS, "6 once");
    hear(&court, 3600, A, SAYS, "6 twice");
    expect(&court, "0 192.0.2.1 says +600 now 600: once\n"
                   "3600 192.0.2.1 says +500 now 800: twice\n");
    court_end(&court);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_detector_has_its_account_with_its_ceiling),
        cmocka_unit_test(test_points_can_be_taken_back_but_not_below_nothing),
        cmocka_unit_test(test_weights_multiply),
        cmocka_unit_test(test_a_detector_that_is_off_is_not_asked),
        cmocka_unit_test(test_reasons_are_fit_for_a_terminal),
        cmocka_unit_test(test_the_greatest_evidence_stands_first),
        cmocka_unit_test(test_the_listener_hears_what_was_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
