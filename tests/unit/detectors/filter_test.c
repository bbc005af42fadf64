/* What filters' verdicts are worth: of a bot, of a newsletter, of a server that forwards. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_filter;

static points verdict(struct subject *subject, moment time, int32_t score, const char *symbols)
{
    struct observation seen = observation_of(OBSERVATION_FILTER, time, 0);
    seen.filter.filter = TEXT("rspamd");
    seen.filter.action = score >= 1500 ? TEXT("reject") : TEXT("no action");
    seen.filter.symbols = text_of(symbols);
    seen.filter.score = score;
    seen.filter.threshold = 1500;
    return subject_observe(subject, &seen);
}

static points found(struct subject *subject, moment time, const char *symbols)
{
    struct observation seen = observation_of(OBSERVATION_FILTER, time, 0);
    seen.filter.filter = TEXT("clamd");
    seen.filter.action = TEXT("FOUND");
    seen.filter.symbols = text_of(symbols);
    seen.filter.certain = true;
    return subject_observe(subject, &seen);
}

/* Messages at a share of spam, each with a look of its own; the verdicts until the first points, 0: none. */
static uint32_t run(struct subject *subject, double share, bool strong, uint32_t messages, duration each,
                    uint64_t *random)
{
    for (uint32_t i = 1; i <= messages; i++) {
        bool spam = next_random(random) < share * 2147483648.0;
        char symbols[32];
        snprintf(symbols, sizeof symbols, "WORDS_%u", i);
        verdict(subject, NOON + i * each, spam ? strong ? 3000 : 1500 : 1499, symbols);
        if (subject->findings.sum > 0)
            return i;
    }
    return 0;
}

static void bots(void **state)
{
    (void)state;
    static const struct {
        double share;
        bool strong;
        double most;
    } rows[] = {{1, false, 8}, {1, true, 4}, {0.9, false, 14}, {0.8, false, 25}};
    struct subject subject = subject_create(&detector_filter, "");
    uint64_t random = 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t all = 0;
        for (int k = 0; k < 300; k++) {
            subject_forget(&subject);
            all += run(&subject, rows[i].share, rows[i].strong, 500, SECOND, &random);
        }
        if (all / 300.0 > rows[i].most)
            fail_msg("row %zu: %f verdicts", i, all / 300.0);
    }
    subject_forget(&subject);
    for (int i = 0; i < 8; i++)
        verdict(&subject, NOON + i * SECOND, 1500, (char[]){(char)('a' + i), 0});
    assert_string_equal(subject.findings.reason,
                        "8 of 8 messages are spam to filters; the last: rspamd, 15.00 of 15.00");
    assert_true(subject.findings.account == 17);
    subject_destroy(&subject);
}

/* Days of an honest sender at a share of spam verdicts; on how many does it come to a throttle (13 points)? */
static void honest(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double share;
        uint32_t a_day, days, throttled, alerted;
    } rows[] = {{"false positives", 0.05, 200, 1000, 0, 0},
                {"advertising", 0.15, 200, 1000, 0, 0},
                {"forwarding", 0.3, 500, 1000, 1, 10}};
    struct subject subject = subject_create(&detector_filter, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t random = 3;
        uint32_t throttled = 0, alerted = 0;
        for (uint32_t day = 0; day < rows[i].days; day++) {
            subject.findings.peak = 0;
            for (uint32_t k = 0; k < rows[i].a_day; k++) {
                bool spam = next_random(&random) < rows[i].share * 2147483648.0;
                char symbols[32];
                snprintf(symbols, sizeof symbols, "WORDS_%u", k);
                verdict(&subject, NOON + day * DAY + k * (DAY / rows[i].a_day), spam ? 1800 : 200, symbols);
            }
            throttled += subject.findings.peak >= 13;
            alerted += subject.findings.peak >= 10;
        }
        if (throttled > rows[i].throttled || alerted > rows[i].alerted)
            fail_msg("%s: %u days throttled, %u alerted", rows[i].name, throttled, alerted);
        subject_forget(&subject);
    }
    subject_destroy(&subject);
}

/* One body that a filter takes for spam, 50,000 times, is one opinion; the next day it is one more. */
static void one_body(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_filter, "");
    for (int day = 0; day < 6; day++)
        for (int i = 0; i < 50000; i++)
            verdict(&subject, NOON + day * DAY + i, 1600, "BULK,ADVERTISING");
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

/* Twice the threshold counts double, not a hundredth below; without a threshold there is no verdict. */
static void limits(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_filter, "");
    static const struct {
        int32_t score, threshold;
        uint32_t want; /* verdicts until points; 0: none in 100 */
    } rows[] = {{1499, 1500, 0}, {1500, 1500, 8}, {2998, 1500, 8},           {3000, 1500, 4},
                {100, 0, 0},     {100, -5, 0},    {INT32_MAX, INT32_MAX, 8}, {INT32_MIN, 1500, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        uint32_t first = 0;
        for (uint32_t k = 1; k <= 100 && first == 0; k++) {
            char symbols[16];
            snprintf(symbols, sizeof symbols, "%u", k);
            struct observation seen = observation_of(OBSERVATION_FILTER, NOON + k, 0);
            seen.filter.filter = seen.filter.action = TEXT("");
            seen.filter.symbols = text_of(symbols);
            seen.filter.score = rows[i].score;
            seen.filter.threshold = rows[i].threshold;
            first = subject_observe(&subject, &seen) > 0 ? k : 0;
        }
        if (first != rows[i].want)
            fail_msg("%d of %d: %u", rows[i].score, rows[i].threshold, first);
    }
    subject_destroy(&subject);
}

static void taken_back(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_filter, "");
    uint64_t random = 9;
    assert_true(run(&subject, 1, false, 20, SECOND, &random) > 0);
    for (int i = 0; i < 4; i++)
        verdict(&subject, NOON + MINUTE, 100, "GOOD");
    assert_true(subject.findings.account < 0.01);
    assert_string_equal(subject.findings.reason,
                        "the last 4 messages: 4 good, 0 spam to filters; earlier points taken back");
    subject_destroy(&subject);
}

/* A virus is an alert; more of them are no more, since forwarding servers pass them on. By configuration it decides. */
static void certain(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_filter, "");
    found(&subject, NOON, "Eicar-Signature");
    assert_string_equal(subject.findings.reason, "clamd found Eicar-Signature in a message");
    assert_true(subject.findings.peak == 12);
    for (int i = 0; i < 200; i++)
        found(&subject, NOON + i * MINUTE, i % 2 ? "Win.A" : "Win.B");
    assert_in_range(subject.findings.peak * 100, 1200, 1320);
    subject_destroy(&subject);
    subject = subject_create(&detector_filter, "[filter]\ncertain_points = 20\nmost = 20\n");
    found(&subject, NOON, "Win.A");
    assert_true(subject.findings.peak == 20);
    subject_destroy(&subject);
}

static void configuration(void **state)
{
    (void)state;
    assert_non_null(configuration_error(&detector_filter, "[filter]\nshare_abuser = 0.3\n"));
    assert_null(configuration_error(&detector_filter, "[filter]\nshare_abuser = 0.35\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bots),         cmocka_unit_test(honest),
                                       cmocka_unit_test(one_body),     cmocka_unit_test(limits),
                                       cmocka_unit_test(taken_back),   cmocka_unit_test(certain),
                                       cmocka_unit_test(configuration)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
