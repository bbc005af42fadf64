/* Trust lessens what volume says, by half at most; hard evidence and verdicts end it at once. */
#include "agent/judge/trust.h"
#include "tests/unit/agent/judge/court.h"

static void lessening(void **state)
{
    (void)state;
    assert_int_equal(trust_lessen(1000, 0), 1000);
    assert_int_equal(trust_lessen(1000, 6), 1000);
    assert_int_equal(trust_lessen(1000, 7), 884);
    assert_int_equal(trust_lessen(1000, 15), 750);
    assert_int_equal(trust_lessen(1000, 30), 500);
    assert_int_equal(trust_lessen(1000, 65535), 500);
    assert_int_equal(trust_lessen(-1000, 30), -1000);
    assert_true(trust_ends(200, false));
    assert_false(trust_ends(199, false));
    assert_false(trust_ends(2000, true));
}

static void connect_once(struct court *court, double at)
{
    struct observation seen = {.kind = OBSERVATION_CONNECTION, .time = AT(at), .server_port = 25};
    assert_true(address_parse(TEXT("203.0.113.7"), &seen.origin.address));
    judge_observe(court->judge, &seen);
}

static double grow(struct court *court, int days)
{
    court_begin(court, "");
    for (int day = 0; day <= days; day++)
        connect_once(court, day * 86400.0);
    return days * 86400.0;
}

/* "ticks" stands for a soft detector, "says" for one that is not. */
static void weighs(void **state)
{
    (void)state;
    struct court court;
    double at = grow(&court, 41);
    assert_int_equal(court_look(&court, at, "203.0.113.7").clean_days, 41);
    hear(&court, at, "203.0.113.7", SOFT, "8");
    assert_int_equal(court_look(&court, at, "203.0.113.7").score, 400);
    hear(&court, at, "203.0.113.7", SAYS, "1.9"); /* weak: it may be any machine's fault */
    assert_int_equal(court_look(&court, at, "203.0.113.7").clean_days, 41);
    hear(&court, at, "203.0.113.7", SAYS, "2");
    assert_int_equal(court_look(&court, at, "203.0.113.7").clean_days, 0);
    hear(&court, at, "203.0.113.7", SOFT, "3");
    assert_int_equal(court_look(&court, at, "203.0.113.7").score, 400 + 390 + 300);
    connect_once(&court, at + 86400); /* that day does not count */
    assert_int_equal(court_look(&court, at + 86400, "203.0.113.7").clean_days, 0);
    court_end(&court);
}

static void a_verdict_ends_it(void **state)
{
    (void)state;
    struct court court;
    double at = grow(&court, 35);
    hear(&court, at, "203.0.113.7", SOFT, "20");
    struct judge_view view = court_look(&court, at, "203.0.113.7");
    assert_int_equal(view.verdict, VERDICT_ALERT);
    assert_int_equal(view.clean_days, 0);
    court_end(&court);
}

/* A person who lets it go takes nothing of its past away, and gives no trust back. */
static void release(void **state)
{
    (void)state;
    struct court court;
    double at = grow(&court, 35);
    court_told_usual = UINT32_MAX;
    hear(&court, at, "203.0.113.7", SAYS, "20");
    assert_int_equal(court_told_usual, 1);
    assert_int_equal(court_command(&court, at, "203.0.113.7", DEED_RELEASE, 0, "a mistake"), 0);
    hear(&court, at, "203.0.113.7", SAYS, "1");
    assert_int_equal(court_told_usual, 1);
    assert_int_equal(court_look(&court, at, "203.0.113.7").clean_days, 0);
    court_end(&court);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lessening), cmocka_unit_test(weighs),
                                       cmocka_unit_test(a_verdict_ends_it), cmocka_unit_test(release)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
