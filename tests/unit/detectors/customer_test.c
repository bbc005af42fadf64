/* What a sender's kin did: how much it is worth, of one and of several, here and elsewhere; and that nothing is held
 * against who sends nothing. */
#include "common/words/kin.h"
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_customer;

static points see(struct subject *subject, enum observation_kind kind, moment time, const struct kin *kin)
{
    struct observation seen = observation_of(kind, time, 1);
    seen.known.kin = kin;
    return subject_observe(subject, &seen);
}

static const struct row {
    const char *name;
    struct kin kin;
    points want;
    const char *reason;
} rows[] = {
    {"one other, who is an alert", {"acme", 1, 0, 0, 1000, 0}, 0, ""},
    {"one other, a throttle", {"acme", 1, 0, 0, 1560, 0}, 280, "another sender of customer acme has 15.60 points"},
    {"one other, blocked", {"acme", 1, 0, 0, 2450, 0}, 400, "another sender of customer acme has 24.50 points"},
    {"one other, elsewhere",
     {"acme", 0, 1, 1, 2200, 2200},
     400,
     "another sender of customer acme, on another node, has 22.00 points"},
    {"two, one of them elsewhere",
     {"acme", 1, 1, 1, 3840, 1840},
     800,
     "2 other senders of customer acme, 1 of them on 1 other node, have 38.40 points between them"},
    {"three backup MX under one attack", {"acme", 2, 0, 0, 2020, 0}, 0, ""},
    {"two more throttles",
     {"acme", 2, 0, 0, 3005, 0},
     502,
     "2 other senders of customer acme have 30.05 points between them"},
    {"a farm",
     {"acme", 8, 90, 12, 200000, 100000},
     800,
     "98 other senders of customer acme, 90 of them on 12 other nodes, have 2000.00 points between them"},
};

static void what_kin_is_worth(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_customer, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        points got = see(&subject, OBSERVATION_MESSAGE, NOON, &rows[i].kin);
        if (got != rows[i].want || strcmp(subject.findings.reason, rows[i].reason) != 0)
            fail_msg("%s: %d \"%s\"", rows[i].name, got, subject.findings.reason);
    }
    subject_destroy(&subject);
}

static void who_sends_nothing_is_not_charged(void **state)
{
    (void)state;
    const struct kin kin = {"acme", 2, 0, 0, 4000, 0};
    struct subject subject = subject_create(&detector_customer, "");
    struct observation refused = observation_of(OBSERVATION_CONNECTION, NOON, 1);
    refused.known.kin = &kin;
    refused.connection.outcome = CONNECTION_UNANSWERED;
    assert_int_equal(subject_observe(&subject, &refused), 0);
    assert_int_equal(see(&subject, OBSERVATION_TICK, NOON, &kin), 0);
    assert_int_equal(see(&subject, OBSERVATION_LISTING, NOON, &kin), 0);
    assert_int_equal(see(&subject, OBSERVATION_MESSAGE, NOON, NULL), 0);
    assert_int_equal(see(&subject, OBSERVATION_CONNECTION, NOON, &kin), 800);
    subject_destroy(&subject);
}

/* A day with bad kin is said once and topped up: below an alert all day. */
static void it_does_not_add_up(void **state)
{
    (void)state;
    const struct kin kin = {"acme", 2, 0, 0, 4000, 0};
    struct subject subject = subject_create(&detector_customer, "");
    for (uint32_t i = 0; i < 24 * 60; i++)
        see(&subject, OBSERVATION_MESSAGE, NOON + i * MINUTE, &kin);
    assert_true(subject.findings.peak <= 8.01);
    assert_true(subject.findings.account > 4.0);
    subject_destroy(&subject);
}

static void options_and_kind(void **state)
{
    (void)state;
    const struct kin kin = {"acme", 2, 0, 0, 4000, 0};
    struct subject subject = subject_create(&detector_customer, "[customer]\nmost = 3\n");
    assert_int_equal(see(&subject, OBSERVATION_MESSAGE, NOON, &kin), 300);
    subject_destroy(&subject);
    assert_true(detector_customer.soft); /* else it would be told of as evidence, and come back */
    assert_false(detector_customer.joint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_kin_is_worth),
        cmocka_unit_test(who_sends_nothing_is_not_charged),
        cmocka_unit_test(it_does_not_add_up),
        cmocka_unit_test(options_and_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
