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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(servers), cmocka_unit_test(one_relay),
                                       cmocka_unit_test(domains), cmocka_unit_test(many_at_one_domain),
                                       cmocka_unit_test(lasts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
