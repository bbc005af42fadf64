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

/* Connections that stay open for a while, with a message each, as many as `parallel` at once; what is left waits. */
struct traffic {
    uint32_t number, servers;
    duration each;           /* from one to the next */
    duration least, most;    /* how long a dialogue takes */
    uint32_t parallel;       /* 0: as many as it likes */
    uint32_t per_connection; /* messages */
    struct known known;
};

struct outcome {
    double peak;
    uint32_t at_11, at_15; /* messages accepted when so many points were reached; UINT32_MAX: never */
    uint32_t firm;
};

struct dialogue {
    moment began, ends;
    uint32_t server;
};
#define DIALOGUES 1024

static void reach(const struct subject *subject, double level, uint32_t messages, uint32_t *result)
{
    if (*result == UINT32_MAX && subject->findings.account >= level)
        *result = messages;
}

static void see(struct subject *subject, const struct observation *seen, uint32_t messages, struct outcome *outcome)
{
    subject_observe(subject, seen);
    reach(subject, 11, messages, &outcome->at_11);
    reach(subject, 15, messages, &outcome->at_15);
}

static void end_dialogue(struct subject *subject, const struct traffic *traffic, const struct dialogue *dialogue,
                         uint32_t *messages, struct outcome *outcome)
{
    for (uint32_t i = 0; i < traffic->per_connection; i++) {
        struct observation seen = observation_of(OBSERVATION_MESSAGE, dialogue->ends, dialogue->server);
        seen.known = traffic->known;
        seen.message.recipients = 1;
        ++*messages;
        see(subject, &seen, *messages, outcome);
    }
    struct observation seen = observation_of(OBSERVATION_CLOSE, dialogue->ends, dialogue->server);
    seen.close.lasted = dialogue->ends - dialogue->began;
    seen.close.transactions = traffic->per_connection;
    see(subject, &seen, *messages, outcome);
}

/* The dialogue that ends next, where it does so before `until`. */
static struct dialogue *next_end(struct dialogue *open, moment until)
{
    struct dialogue *next = NULL;
    for (int i = 0; i < DIALOGUES; i++)
        if (open[i].ends != 0 && open[i].ends <= until && (next == NULL || open[i].ends < next->ends))
            next = &open[i];
    return next;
}

static struct outcome run(struct subject *subject, const struct traffic *traffic, uint64_t random)
{
    static struct dialogue open[DIALOGUES];
    memset(open, 0, sizeof open);
    struct outcome outcome = {.at_11 = UINT32_MAX, .at_15 = UINT32_MAX};
    subject_forget(subject);
    moment now = NOON;
    uint32_t count = 0, messages = 0;
    for (uint32_t i = 0; i < traffic->number; i++, now += traffic->each) {
        for (struct dialogue *end = next_end(open, now); end; end = next_end(open, now)) {
            end_dialogue(subject, traffic, end, &messages, &outcome);
            end->ends = 0;
            count--;
        }
        if (count == DIALOGUES || (traffic->parallel && count >= traffic->parallel)) { /* it waits for the first */
            now = next_end(open, INT64_MAX)->ends - traffic->each;
            i--;
            continue;
        }
        struct dialogue *place = open;
        while (place->ends != 0)
            place++;
        *place = (struct dialogue){
            now,
            now + traffic->least + (duration)(next_random(&random) % 1000) * (traffic->most - traffic->least) / 1000,
            traffic->servers ? next_random(&random) % traffic->servers : i};
        count++;
        struct observation seen = observation_of(OBSERVATION_CONNECTION, now, place->server);
        seen.known = traffic->known;
        see(subject, &seen, messages, &outcome);
    }
    outcome.peak = subject->findings.peak;
    outcome.firm = subject->findings.firm;
    return outcome;
}

#define SHORT 300 * MILLISECOND
#define LONG  2 * SECOND
#define NEVER UINT32_MAX

/* To many servers. The honest stay below what makes an alert together with fanout's 4.5; who opens ever more at once is
 * told before his first messages are through. */
static const struct spread_row {
    const char *name;
    struct traffic traffic;
    double least, most;
    uint32_t at_11, at_15; /* messages at the latest; NEVER: not at all */
} spread_rows[] = {
    {"a newsletter, two a second", {10000, 800, 500 * MILLISECOND, SHORT, LONG, 100, 1, {0}}, 2.5, 4, NEVER, NEVER},
    {"the first issue, 200 a minute", {5000, 300, 300 * MILLISECOND, SHORT, LONG, 100, 1, {0}}, 3, 5, NEVER, NEVER},
    {"600 a minute", {20000, 3000, 100 * MILLISECOND, SHORT, LONG, 100, 1, {0}}, 4, 5, NEVER, NEVER},
    {"600 a minute, to slow servers",
     {20000, 3000, 100 * MILLISECOND, SHORT, 5 * SECOND, 100, 1, {0}},
     4,
     5,
     NEVER,
     NEVER},
    {"in groups", {5000, 800, 200 * MILLISECOND, SHORT, LONG, 100, 5, {0}}, 3, 3.5, NEVER, NEVER},
    {"one issue a week, known",
     {20000, 3000, 100 * MILLISECOND, SHORT, LONG, 100, 1, {32767, 32767, 30, NULL}},
     0,
     0,
     NEVER,
     NEVER},
    {"a queue of 20,000, twenty in parallel", {20000, 2000, 0, SHORT, LONG, 20, 1, {0}}, 4, 5, NEVER, NEVER},
    {"the same to near servers", {20000, 2000, 0, SHORT, SHORT, 20, 1, {0}}, 4, 10, NEVER, NEVER},
    {"a post to 1,500, a hundred in parallel", {1500, 400, 0, SHORT, LONG, 100, 1, {0}}, 13, 13, 50, NEVER},
    {"the same, as every day", {1500, 400, 0, SHORT, LONG, 100, 1, {2047, 2047, 20, NULL}}, 0, 5, NEVER, NEVER},
    {"an alarm's 500 a minute to one server", {3000, 1, 120 * MILLISECOND, SHORT, LONG, 0, 1, {0}}, 0, 5, NEVER, NEVER},
    {"bot, 50 a minute", {500, 0, 1200 * MILLISECOND, SHORT, LONG, 0, 1, {0}}, 2.5, 3.5, NEVER, NEVER},
    {"bot, 500 a minute", {5000, 0, 120 * MILLISECOND, SHORT, LONG, 0, 1, {0}}, 4, 5, NEVER, NEVER},
    {"hit and run, 100 a second", {2000, 0, 10 * MILLISECOND, SHORT, LONG, 0, 1, {0}}, 13, 15.2, 5, NEVER},
    {"hit and run, 300 a second", {2000, 0, 3 * MILLISECOND, SHORT, LONG, 0, 1, {0}}, 15, 15.2, 1, 60},
    {"hit and run to thirty", {2000, 30, 10 * MILLISECOND, SHORT, LONG, 0, 1, {0}}, 13, 15.2, 5, NEVER},
    {"hit and run, by a quiet customer",
     {2000, 0, 10 * MILLISECOND, SHORT, LONG, 0, 1, {7, 7, 30, NULL}},
     15,
     15.3,
     5,
     5},
};

static void to_many_servers(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_burst, "");
    for (size_t i = 0; i < sizeof spread_rows / sizeof spread_rows[0]; i++) {
        const struct spread_row *row = &spread_rows[i];
        for (uint64_t seed = 1; seed <= 5; seed++) {
            struct outcome got = run(&subject, &row->traffic, seed);
            bool late = got.at_11 > row->at_11 || got.at_15 > row->at_15;
            bool unjust = (row->at_11 == NEVER && got.at_11 != NEVER) || (row->at_15 == NEVER && got.peak >= 15.3);
            if (got.peak < row->least - 0.1 || got.peak > row->most + 0.1 || late || unjust)
                fail_msg("%s: %f, 11 points after %d, 15 after %d (%s)", row->name, got.peak, (int)got.at_11,
                         (int)got.at_15, subject.findings.reason);
        }
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
