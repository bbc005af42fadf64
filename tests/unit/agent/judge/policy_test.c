/* The policy: thresholds, holds, who is allowed, what is refused. And what allowing means to the judge. */
#include "agent/judge/court.h"
#include "agent/judge/policy.h"
#include "tests/unit/agent/judge/court.h"

static void read_policy(const char *text, struct policy *policy)
{
    struct error error = {0};
    const struct option_binding bindings[] = {{.options = policy_options, .settings = policy, .check = policy_check},
                                              {.options = NULL}};
    if (options_read(bindings, text_of(text), "test", &error) != 0)
        fail_msg("%s", error.text);
}

static void clear_policy(struct policy *policy)
{
    const struct option_binding bindings[] = {{.options = policy_options, .settings = policy, .check = policy_check},
                                              {.options = NULL}};
    options_clear(bindings);
}

static void test_scores_and_verdicts(void **unused)
{
    (void)unused;
    static const struct {
        points score;
        enum verdict want, with_divert;
    } rows[] = {
        {0, VERDICT_CLEAR, VERDICT_CLEAR},          {999, VERDICT_CLEAR, VERDICT_CLEAR},
        {1000, VERDICT_ALERT, VERDICT_ALERT},       {1299, VERDICT_ALERT, VERDICT_ALERT},
        {1300, VERDICT_THROTTLE, VERDICT_THROTTLE}, {1799, VERDICT_THROTTLE, VERDICT_THROTTLE},
        {1800, VERDICT_THROTTLE, VERDICT_DIVERT},   {2000, VERDICT_BLOCK, VERDICT_BLOCK},
        {INT32_MAX, VERDICT_BLOCK, VERDICT_BLOCK},
    };
    struct policy plain, divert;
    read_policy("", &plain);
    read_policy("[policy]\ndivert = 18\n", &divert);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(policy_verdict(&plain, rows[i].score), rows[i].want);
        assert_int_equal(policy_verdict(&divert, rows[i].score), rows[i].with_divert);
    }
    assert_int_equal(policy_release(&plain, VERDICT_BLOCK), 1000);
    assert_int_equal(policy_hold(&plain, 0), HOUR);
    assert_int_equal(policy_hold(&plain, 3), 7 * DAY);
    assert_int_equal(policy_hold(&plain, UINT32_MAX), 7 * DAY);
    clear_policy(&plain);
    clear_policy(&divert);
}

static void test_what_is_refused(void **unused)
{
    (void)unused;
    static const char *const rows[][2] = {
        {"[policy]\nthrottle = 9\n", "throttle"},
        {"[policy]\nblock = 12\n", "block"},
        {"[policy]\ndivert = 12\n", "divert"},
        {"[policy]\ndivert = 21\n", "divert"},
        {"[policy]\nholds =\n", "holds"},
        {"[policy]\nholds = 6h 1h\n", "holds"},
        {"[policy]\nstorm_least = 200\n", "storm_most"},
        {"[policy]\nhalf_life = 0s\n", "half_life"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct policy policy;
        struct error error = {0};
        const struct option_binding bindings[] = {
            {.options = policy_options, .settings = &policy, .check = policy_check}, {.options = NULL}};
        assert_true(options_read(bindings, text_of(rows[i][0]), "test", &error) < 0);
        assert_non_null(strstr(error.text, "[policy]"));
        assert_non_null(strstr(error.text, rows[i][1]));
        options_clear(bindings);
    }
}

static void test_who_is_allowed(void **unused)
{
    (void)unused;
    static const struct {
        const char *sender;
        bool want;
    } rows[] = {
        {"192.0.2.1", true},          {"192.0.2.2", false},         {"198.51.100.200", true},
        {"2001:db8:1:2::/64", true}, /* 2001:db8:1:2::25 lies in it */
        {"2001:db8:1:3::/64", false}, {"2001:db8:ff00::/64", true}, {"port:vnet7", true},
        {"port:vmbr0", false},        {"port:tap100i0", true},      {"port:tap1000i0", false},
        {"52:54:00:12:34:56", true},  {"52:54:00:12:34:57", false}, {"uid:33", true},
        {"uid:333", false},
    };
    struct policy policy;
    read_policy("[policy]\nallow = 192.0.2.1 198.51.100.0/24 2001:db8:1:2::25 2001:db8:ff00::/40\n"
                "allow_senders = vnet* tap100i0 52:54:00:12:34:56 uid:33\n",
                &policy);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sender sender = who(rows[i].sender);
        if (policy_allows(&policy, &sender) != rows[i].want)
            fail_msg("%s", rows[i].sender);
    }
    clear_policy(&policy);
    read_policy("", &policy);
    struct sender sender = who("192.0.2.1");
    assert_false(policy_allows(&policy, &sender));
    clear_policy(&policy);
}

static void test_evidence_against_the_allowed_is_shown_but_nothing_is_ordered(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "[policy]\nallow = 192.0.2.0/25\n");
    hear(&court, 0, "192.0.2.1", SAYS, "50");
    hear(&court, 0, "192.0.2.129", SAYS, "50");
    expect(&court, "0 192.0.2.1 clear->alert score 50.00 until - repeats 0\n"
                   "order block 192.0.2.129 until 3600\n"
                   "0 192.0.2.129 clear->block score 50.00 until 3600 repeats 0\n");
    struct judge_view view = court_look(&court, 0, "192.0.2.1");
    assert_true(view.allowed);
    assert_int_equal(view.score, 5000);
    assert_int_equal(view.evidence_count, 1);
    court_end(&court);
}

static void test_a_reload_that_allows_lets_go(void **unused)
{
    (void)unused;
    struct court court;
    court_begin(&court, "");
    hear(&court, 0, "192.0.2.1", SAYS, "50");
    hear(&court, 0, "192.0.2.2", SAYS, "50");
    buffer_drop_front(&court.lines, court.lines.length);
    struct judge_settings *changed = court_settings("[policy]\nallow = 192.0.2.1\nhalf_life = 10m\n");
    judge_reload(court.judge, changed);
    judge_settings_destroy(&court.settings);
    court.settings = changed;
    expect(&court, "order release 192.0.2.1 until -\n"
                   "0 192.0.2.1 block->alert score 50.00 until - repeats 1\n");
    until(&court, 3600);
    expect(&court, "1995 192.0.2.1 alert->clear score 4.99 until - repeats 1\n"
                   "3600 192.0.2.2 block->clear score 0.78 until - repeats 1\n");
    court_end(&court);
}

/* What lasts is not said again before what was said of it has faded, or one and the same thing would add up. */
static void test_again_keeps_to_the_half_life(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        duration want;
    } rows[] = {{"", HOUR},
                {"[policy]\nhalf_life = 12h\n", 12 * HOUR},
                {"[policy]\nhalf_life = 10m\n", HOUR},
                {"[policy]\nhalf_life = 2h\n[says]\nagain = 5m\n", 2 * HOUR}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct judge_settings *settings = court_settings(rows[i].text);
        assert_ptr_equal(detector_table[0], &detector_says);
        assert_int_equal(((const struct plain_settings *)settings->detectors[0])->again, rows[i].want);
        judge_settings_destroy(&settings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores_and_verdicts),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_who_is_allowed),
        cmocka_unit_test(test_again_keeps_to_the_half_life),
        cmocka_unit_test(test_evidence_against_the_allowed_is_shown_but_nothing_is_ordered),
        cmocka_unit_test(test_a_reload_that_allows_lets_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
