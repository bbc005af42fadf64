/* Different servers and recipient domains: nothing below the limits, at most 4.5 points for ever so many. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_fanout;

static void connect_to(struct subject *subject, uint32_t servers, moment from, duration each, uint16_t port)
{
    for (uint32_t i = 0; i < servers; i++) {
        struct observation seen = observation_of(OBSERVATION_CONNECTION, from + i * each, i);
        seen.server_port = port;
        subject_observe(subject, &seen);
    }
}

static const struct row {
    const char *name;
    uint32_t servers;
    duration each;
    uint16_t port;
    double least, most;
} rows[] = {
    {"a few", 8, SECOND, 25, 0, 0},
    {"some more than the limit", 13, SECOND, 25, 2, 2},
    {"twice the limit", 24, SECOND, 25, 4, 4},
    {"four times", 47, SECOND, 25, 4.5, 4.5},
    {"eight times and more", 400, SECOND, 25, 4.5, 4.5},
    {"as many, slowly: the hour's limit", 70, 40 * SECOND, 25, 2, 2},
    {"the same ones, too slowly", 40, 3 * MINUTE, 25, 0, 0},
    {"a user's own providers", 400, SECOND, 587, 0, 0},
    {"or by TLS", 400, SECOND, 465, 0, 0},
};

static void servers(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_fanout, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        connect_to(&subject, rows[i].servers, NOON, rows[i].each, rows[i].port);
        if (subject.findings.peak < rows[i].least - 0.1 || subject.findings.peak > rows[i].most + 0.01)
            fail_msg("%s: %f (%s)", rows[i].name, subject.findings.peak, subject.findings.reason);
    }
    subject_destroy(&subject);
}

static void one_relay(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_fanout, "");
    for (uint32_t i = 0; i < 10000; i++) {
        struct observation seen = observation_of(OBSERVATION_CONNECTION, NOON + i * SECOND, i % 4);
        subject_observe(&subject, &seen);
    }
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

static void domains(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_fanout, "");
    for (uint32_t i = 0; i < 30; i++) {
        char address[64];
        snprintf(address, sizeof address, "bob@domain%u.example", i);
        struct observation seen = recipient_of(NOON + i * SECOND, "me@here.example", address, 250, 0);
        subject_observe(&subject, &seen);
    }
    assert_int_equal(subject.findings.sum, 200);
    unsigned number;
    char last[64];
    assert_int_equal(sscanf(subject.findings.reason,
                            "about %u different recipient domains in 5 minutes; the limit is 20; the last was %63s",
                            &number, last),
                     2);
    assert_in_range(number, 21, 25);
    assert_memory_equal(last, "domain", 6);
    subject_destroy(&subject);
}

static void many_at_one_domain(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_fanout, "");
    for (uint32_t i = 0; i < 1000; i++) {
        char address[64];
        snprintf(address, sizeof address, "bob%u@one.example", i);
        struct observation seen = recipient_of(NOON + i * SECOND, "me@here.example", address, 250, 0);
        subject_observe(&subject, &seen);
    }
    struct observation odd = recipient_of(NOON, "", "postmaster", 250, 0);
    subject_observe(&subject, &odd);
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

/* A newsletter's server runs all night: what stands against it stays where it was in the first minutes. */
static void lasts(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_fanout, "");
    uint64_t random = 5;
    for (uint32_t i = 0; i < 50000; i++) {
        struct observation seen =
            observation_of(OBSERVATION_CONNECTION, NOON + i * 600 * MILLISECOND, next_random(&random) % 800);
        subject_observe(&subject, &seen);
    }
    assert_true(subject.findings.peak <= 4.5);
    assert_true(subject_account(&subject, NOON + 50000 * 600 * MILLISECOND) >= 2.2);
    assert_in_range(subject.findings.calls, 4, 40);
    subject_destroy(&subject);
}

/* Mail all day, so many hours of it: a share to five large receivers, the rest to so many domains, drawn at random, or
 * (0) to ever new ones. */
static const struct patience_row {
    const char *name;
    duration each;
    uint32_t hours, days, domains;
    double big;
    bool encrypted;
    struct known known;
    double least, most;     /* at the highest */
    double by_hours, reach; /* reached by then */
} patience_rows[] = {
    {"slow drip, day and night", MINUTE, 24, 1, 0, 0, false, {0}, 15, 15.3, 6.6, 13},
    {"its first hours", MINUTE, 24, 1, 0, 0, false, {0}, 15, 15.3, 1.6, 4},
    {"", MINUTE, 24, 1, 0, 0, false, {0}, 15, 15.3, 2.6, 7},
    {"", MINUTE, 24, 1, 0, 0, false, {0}, 15, 15.3, 4.6, 11},
    {"in working hours alone", MINUTE, 9, 5, 0, 0, false, {0}, 15, 15.3, 7, 13},
    {"behind STARTTLS", MINUTE, 24, 1, 0, 0, true, {0}, 15, 15.3, 6.6, 13},
    {"three a minute", 20 * SECOND, 24, 1, 0, 0, false, {0}, 15, 15.3, 6.6, 13},
    {"a good customer's machine", MINUTE, 24, 1, 0, 0, false, {3, 3, 30, NULL}, 15, 15.3, 6.6, 13},
    {"a personal server", 20 * MINUTE, 24, 7, 0, 0, false, {0}, 0, 0, 0, 0},
    {"a company, 90 an hour", 40 * SECOND, 10, 5, 400, 0.25, false, {0}, 0, 4.5, 0, 0},
    {"a ticket system's customers, 40 an hour", 90 * SECOND, 10, 5, 250, 0.2, false, {0}, 0, 7, 0, 0},
    {"without large receivers", 90 * SECOND, 10, 5, 120, 0, false, {0}, 0, 7, 0, 0},
    {"a shop", 30 * SECOND, 24, 2, 2000, 0.6, false, {0}, 0, 4.5, 0, 0},
    {"a forum", 20 * SECOND, 24, 2, 1000, 0.5, false, {0}, 0, 4.5, 0, 0},
    {"reports to 400 domains, each night", 6 * SECOND, 1, 3, 0, 0, false, {0}, 2, 4.5, 0, 0},
    {"a small newsletter to companies", 6 * SECOND, 2, 1, 0, 0, false, {0}, 4, 7, 0, 0},
    {"a newsletter to companies, each of them once", SECOND, 12, 1, 0, 0, false, {0}, 4, 4.5, 0, 0},
    {"who does so each day", 30 * SECOND, 24, 2, 0, 0, false, {255, 255, 30, NULL}, 0, 4.5, 0, 0},
};

static void never_twice(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_fanout, "");
    for (size_t i = 0; i < sizeof patience_rows / sizeof patience_rows[0]; i++) {
        const struct patience_row *row = &patience_rows[i];
        uint64_t random = 7;
        subject_forget(&subject);
        double reached = 0;
        uint32_t number = 0;
        for (uint32_t day = 0; day < row->days; day++) {
            moment begin = NOON + day * DAY;
            for (moment now = begin; now < begin + row->hours * HOUR; now += row->each, number++) {
                uint32_t domain = row->domains ? 5 + next_random(&random) % row->domains : 5 + number;
                if (next_random(&random) % 1000 < row->big * 1000)
                    domain = next_random(&random) % 5;
                char address[64];
                snprintf(address, sizeof address, "user@domain%u.museum", domain);
                struct observation seen = observation_of(OBSERVATION_CONNECTION, now, domain);
                seen.known = row->known;
                subject_observe(&subject, &seen);
                struct observation named = recipient_of(now, "me@here.museum", address, 250, 0);
                named.known = row->known;
                if (!row->encrypted)
                    subject_observe(&subject, &named);
                if (day == 0 && now <= begin + (moment)(row->by_hours * HOUR))
                    reached = fmax(reached, subject.findings.account);
            }
        }
        if (subject.findings.peak < row->least - 0.1 || subject.findings.peak > row->most + 0.1 ||
            reached < row->reach - 0.3)
            fail_msg("%s: %f, %f after %.1f hours (%s)", row->name, subject.findings.peak, reached, row->by_hours,
                     subject.findings.reason);
    }
    subject_destroy(&subject);
}

/* Who is used to many servers is held against what it is used to. */
static void own_past(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_fanout, "");
    for (uint32_t i = 0; i < 400; i++) {
        struct observation seen = observation_of(OBSERVATION_CONNECTION, NOON + i * SECOND / 2, i);
        seen.known = (struct known){.usual_connections = 8191, .usual_messages = 8191, .clean_days = 9};
        subject_observe(&subject, &seen);
    }
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(servers),     cmocka_unit_test(one_relay),
                                       cmocka_unit_test(domains),     cmocka_unit_test(many_at_one_domain),
                                       cmocka_unit_test(never_twice), cmocka_unit_test(own_past),
                                       cmocka_unit_test(lasts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
