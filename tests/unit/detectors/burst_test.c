/* Limits in five windows; the worthiest counts, once; only a flood within one minute goes beyond what volume is
 * worth: of connections, and to many servers of messages too. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_burst;

/* So many observations, evenly over a time. */
static moment send(struct subject *subject, enum observation_kind kind, uint32_t number, moment from, duration over)
{
    for (uint32_t i = 0; i < number; i++) {
        struct observation seen = observation_of(kind, from + over / number * i, 1);
        subject_observe(subject, &seen);
    }
    return from + over;
}

static const struct row {
    const char *name;
    enum observation_kind kind;
    uint32_t number;
    duration over;
    double want; /* decibans in the account at its highest */
    const char *want_reason;
} rows[] = {
    {"a quiet machine", OBSERVATION_CONNECTION, 20, MINUTE, 0, ""},
    {"at the limit", OBSERVATION_CONNECTION, 30, 10 * SECOND, 0, ""},
    {"the limit passed", OBSERVATION_CONNECTION, 31, 3 * SECOND, 1, "31 connections in 10 seconds; the limit is 30"},
    {"one minute's limit", OBSERVATION_CONNECTION, 75, 50 * SECOND, 1, "61 connections in 60 seconds; the limit is 60"},
    {"a mailing list's post", OBSERVATION_CONNECTION, 1000, 15 * SECOND, 7,
     "960 connections in 60 seconds; the limit is 60"},
    {"3,840 a minute: a throttle alone", OBSERVATION_CONNECTION, 3900, 18 * SECOND, 15,
     "3840 connections in 60 seconds; the limit is 60"},
    {"a flood of seconds: a block alone", OBSERVATION_CONNECTION, 8000, SECOND, 20,
     "7680 connections in 60 seconds; the limit is 60"},
    {"a flood of a minute", OBSERVATION_CONNECTION, 480000, MINUTE, 24,
     "15360 connections in 60 seconds; the limit is 60"},
    {"messages", OBSERVATION_MESSAGE, 11, MINUTE, 1, "11 messages in 60 seconds; the limit is 10"},
    {"many messages, over an hour", OBSERVATION_MESSAGE, 150, HOUR, 1, "101 messages in 1 hour; the limit is 100"},
    {"over a day", OBSERVATION_RECIPIENT, 1001, 15 * HOUR, 1, "1001 recipients in 24 hours; the limit is 1000"},
    {"ever so many messages are volume", OBSERVATION_MESSAGE, 100000, 10 * MINUTE, 3.5, NULL},
    {"ever so many recipients are volume", OBSERVATION_RECIPIENT, 1000000, DAY, 3.5, NULL},
};

static void windows(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_burst, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        send(&subject, rows[i].kind, rows[i].number, NOON, rows[i].over);
        if (fabs(subject.findings.peak - rows[i].want) > 0.1)
            fail_msg("%s: %f, not %f (%s)", rows[i].name, subject.findings.peak, rows[i].want, subject.findings.reason);
        if (rows[i].want_reason && strcmp(subject.findings.reason, rows[i].want_reason) != 0)
            fail_msg("%s: %s", rows[i].name, subject.findings.reason);
    }
    subject_destroy(&subject);
}

/* The same to many servers: steeper, by messages as well, to a throttle and not to a block. */
static const struct spread_row {
    const char *name;
    enum observation_kind kind;
    uint32_t number, servers;
    duration over;
    double want;
} spread_rows[] = {
    {"at the limit", OBSERVATION_CONNECTION, 60, 20, MINUTE, 0},
    {"a newsletter, two a second", OBSERVATION_CONNECTION, 10000, 800, 5000 * SECOND, 4},
    {"twice the limit, to four servers", OBSERVATION_CONNECTION, 120, 4, 30 * SECOND, 2},
    {"twice the limit, to eight", OBSERVATION_CONNECTION, 120, 8, 30 * SECOND, 4},
    {"four times", OBSERVATION_CONNECTION, 240, 30, 15 * SECOND, 11},
    {"six times: a throttle alone", OBSERVATION_CONNECTION, 360, 30, 15 * SECOND, 15.2},
    {"hit and run", OBSERVATION_CONNECTION, 1000, 30, 20 * SECOND, 15.2},
    {"hit and run, many in one connection", OBSERVATION_MESSAGE, 1000, 30, 20 * SECOND, 15.2},
    {"a hasty newsletter: no block", OBSERVATION_CONNECTION, 50000, 800, 1000 * SECOND, 15.2},
    {"no mail any more", OBSERVATION_CONNECTION, 3840, 30, 20 * SECOND, 20},
    {"a circular", OBSERVATION_RECIPIENT, 1000, 30, 20 * SECOND, 3.5},
    {"messages over more than a minute", OBSERVATION_MESSAGE, 3000, 30, HOUR, 3.25},
};

static void to_many_servers(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_burst, "");
    for (size_t i = 0; i < sizeof spread_rows / sizeof spread_rows[0]; i++) {
        const struct spread_row *row = &spread_rows[i];
        subject_forget(&subject);
        for (uint32_t k = 0; k < row->number; k++) {
            struct observation seen = observation_of(row->kind, NOON + row->over / row->number * k, k % row->servers);
            subject_observe(&subject, &seen);
        }
        if (fabs(subject.findings.peak - row->want) > 0.1)
            fail_msg("%s: %f, not %f (%s)", row->name, subject.findings.peak, row->want, subject.findings.reason);
    }
    subject_destroy(&subject);
}

/* Who was given limits of its own is held against these, with its messages too. */
static void own_limits(void **state)
{
    (void)state;
    struct subject subject =
        subject_create(&detector_burst, "[burst]\nmessages_1m = 1000\nmessages_10m = 5000\nmessages_1h = 9000\n"
                                        "messages_24h = 90000\n");
    for (uint32_t k = 0; k < 1000; k++) {
        struct observation seen = observation_of(OBSERVATION_MESSAGE, NOON + k * 40 * MILLISECOND, k % 30);
        subject_observe(&subject, &seen);
    }
    assert_true(subject.findings.peak <= 3.5);
    subject_destroy(&subject);
}

/* Points when the limit is passed and at each doubling, not between. */
static void doublings(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_burst, "[burst]\nconnections_10s = 0\nconnections_10m = 0\n");
    uint32_t calls = 0;
    for (uint32_t i = 1; i <= 600; i++) {
        struct observation seen = observation_of(OBSERVATION_CONNECTION, NOON + i * 10 * MILLISECOND, 1);
        subject_observe(&subject, &seen);
        bool due = i == 61 || i == 120 || i == 240 || i == 480;
        calls += due;
        if (subject.findings.calls != calls)
            fail_msg("%u connections: %u findings: %s", i, subject.findings.calls, subject.findings.reason);
    }
    assert_int_equal(subject.findings.sum, 500);
    subject_destroy(&subject);
}

/* What is over is over: the windows empty themselves. */
static void forgets(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_burst, "");
    moment now = NOON;
    for (int day = 0; day < 30; day++) {
        send(&subject, OBSERVATION_CONNECTION, 30, now, 10 * SECOND);
        send(&subject, OBSERVATION_CONNECTION, 20, now + 40 * MINUTE, 10 * SECOND);
        now += DAY;
    }
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

/* Figures are never of more than the window: any count said fits into a window of that length. */
static void figures_are_true(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_burst, "");
    uint64_t random = 3;
    static moment times[20000];
    moment now = NOON;
    for (uint32_t i = 0; i < 20000; i++) {
        now += next_random(&random) % (i / 1000 % 2 ? 3000 : 100) * MILLISECOND;
        times[i] = now;
        struct observation seen = observation_of(OBSERVATION_CONNECTION, now, 1);
        uint32_t calls = subject.findings.calls, said, length;
        char unit[16];
        subject_observe(&subject, &seen);
        if (subject.findings.calls == calls)
            continue;
        assert_int_equal(sscanf(subject.findings.reason, "%u connections in %u %15[a-z]", &said, &length, unit), 3);
        duration window = length * (unit[0] == 's' ? SECOND : unit[0] == 'm' ? MINUTE : HOUR);
        uint32_t true_count = 0;
        for (uint32_t k = 0; k <= i; k++)
            true_count += times[k] > now - window;
        if (said > true_count)
            fail_msg("%s, but it was %u", subject.findings.reason, true_count);
    }
    assert_true(subject.findings.calls > 5);
    subject_destroy(&subject);
}

/* Time that goes back a little neither loses nor doubles anything; a clock that is set back begins anew. */
static void time_goes_back(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_burst, "");
    for (uint32_t i = 0; i < 30; i++) {
        struct observation seen = observation_of(OBSERVATION_CONNECTION, NOON + (i % 2 ? 0 : 4 * SECOND), 1);
        subject_observe(&subject, &seen);
    }
    assert_int_equal(subject.findings.calls, 0);
    struct observation seen = observation_of(OBSERVATION_CONNECTION, NOON, 1);
    subject_observe(&subject, &seen);
    assert_int_equal(subject.findings.calls, 1);
    for (uint32_t i = 0; i < 30; i++) {
        seen.time = -DAY + i * SECOND;
        subject_observe(&subject, &seen);
    }
    assert_int_equal(subject.findings.calls, 1);
    subject_destroy(&subject);
}

static void configuration(void **state)
{
    (void)state;
    assert_null(configuration_error(&detector_burst, "[burst]\nconnections_1m = 0\nmessages_10s = 0\n"));
    assert_string_equal(configuration_error(&detector_burst, "[burst]\nconnections_1m = 600\n"),
                        "test.conf:2: [burst] connections_10m: 300 is less than the 600 of the shorter window; allowed "
                        "is 0 or 600 and more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(windows),        cmocka_unit_test(to_many_servers),
                                       cmocka_unit_test(own_limits),     cmocka_unit_test(doublings),
                                       cmocka_unit_test(forgets),        cmocka_unit_test(figures_are_true),
                                       cmocka_unit_test(time_goes_back), cmocka_unit_test(configuration)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
