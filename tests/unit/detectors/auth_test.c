/* Guessed passwords and stolen logins, readable or behind TLS; and those who have forgotten theirs. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_auth;

/* Servers lie in networks of their own. */
static struct observation at(enum observation_kind kind, moment time, uint32_t server)
{
    struct observation seen = observation_of(kind, time, server * 256);
    seen.server_port = 587;
    return seen;
}

/* One login, readable. */
static void log_in(struct subject *subject, moment time, uint32_t server, uint32_t user, bool accepted)
{
    char name[64];
    snprintf(name, sizeof name, "user%u@domain%u.museum", user, user);
    struct observation seen = at(OBSERVATION_CONNECTION, time, server);
    subject_observe(subject, &seen);
    seen = at(OBSERVATION_AUTH, time, server);
    seen.auth.user = text_of(name);
    seen.auth.outcome = accepted ? AUTH_ACCEPTED : AUTH_FAILED;
    subject_observe(subject, &seen);
}

/* One session behind TLS, with a message or without. */
static void submit(struct subject *subject, moment time, uint32_t server, bool message)
{
    struct observation seen = at(OBSERVATION_CONNECTION, time, server);
    seen.server_port = 465;
    subject_observe(subject, &seen);
    seen = at(OBSERVATION_CLOSE, time, server);
    seen.server_port = 465;
    seen.close.tls = TLS_IMPLICIT;
    seen.close.tls_commands = 2;
    seen.close.tls_messages = message;
    subject_observe(subject, &seen);
}

static const struct row {
    const char *name;
    bool encrypted;
    uint32_t number, servers, users;
    duration each;
    bool works; /* the login, the message */
    double least, most;
} rows[] = {
    {"one account", true, 5000, 1, 1, SECOND, true, 0, 0},
    {"three providers all day", true, 5000, 3, 3, 10 * SECOND, true, 0, 0},
    {"mailboxes moved, six providers", false, 2000, 6, 6, SECOND, true, 0, 4},
    {"a forgotten password, every minute for weeks", false, 30000, 1, 1, MINUTE, false, 0, 0},
    {"the same behind TLS", true, 30000, 1, 1, MINUTE, false, 0, 0},
    {"in haste", false, 5000, 1, 1, SECOND, false, 5, 8},
    {"a monitor with an old password floods its relay", true, 6000, 1, 1, 50 * MILLISECOND, false, 9, 9},
    {"an office after its passwords ran out", false, 400, 1, 20, 5 * SECOND, false, 9, 9},
    {"stolen logins at 60 providers", true, 300, 60, 300, 2 * SECOND, true, 16, 16},
    {"at 30", true, 300, 30, 300, 2 * SECOND, true, 15.2, 15.2},
    {"readable", false, 300, 60, 300, 2 * SECOND, true, 16, 16},
    {"a new provider every ten minutes", true, 300, 300, 300, 10 * MINUTE, true, 16, 16},
    {"guesser, 300 users at one server", false, 600, 1, 300, SECOND, false, 15, 15},
    {"guesser, 100 users at ten servers", false, 600, 10, 100, SECOND, false, 16, 16},
    {"guesser behind TLS at ten servers", true, 600, 10, 100, SECOND, false, 15, 15},
    {"guesser behind TLS at a hundred servers", true, 600, 100, 100, SECOND, false, 19, 19},
};

static void senders(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_auth, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        subject_forget(&subject);
        for (uint32_t k = 0; k < row->number; k++) {
            moment time = NOON + k * row->each;
            if (row->encrypted)
                submit(&subject, time, k % row->servers, row->works);
            else
                log_in(&subject, time, k % row->servers, k % row->users, row->works);
        }
        print_message("  %s: %.1f\n", row->name, subject.findings.peak);
        if (subject.findings.peak < row->least - 0.5 || subject.findings.peak > row->most + 0.01)
            fail_msg("%s: %f (%s)", row->name, subject.findings.peak, subject.findings.reason);
    }
    subject_destroy(&subject);
}

/* A provider's name has many addresses, in one network or a few. */
static void one_provider(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_auth, "");
    for (uint32_t i = 0; i < 2000; i++) {
        struct observation seen = observation_of(OBSERVATION_CONNECTION, NOON + i * SECOND, i % 200);
        seen.server_port = 587;
        subject_observe(&subject, &seen);
    }
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

/* Most logins work, some people mistype theirs. */
static void many_users(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_auth, "");
    for (uint32_t i = 0; i < 5000; i++)
        log_in(&subject, NOON + i * 5 * SECOND, 0, i % 200, i % 10 != 0);
    if (subject.findings.peak > 4.51)
        fail_msg("%f: %s", subject.findings.peak, subject.findings.reason);
    subject_destroy(&subject);
}

/* Mail servers are not asked to log in: port 25 is nobody's provider. */
static void port_25(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_auth, "");
    for (uint32_t i = 0; i < 2000; i++) {
        struct observation seen = observation_of(OBSERVATION_CONNECTION, NOON + i * SECOND, i * 256);
        subject_observe(&subject, &seen);
    }
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

static void limits(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_auth, "[auth]\nproviders_1h = 100\nproviders_24h = 100\n");
    for (uint32_t i = 0; i < 300; i++)
        submit(&subject, NOON + i * SECOND, i % 60, true);
    assert_int_equal(subject.findings.calls, 0);
    for (uint32_t i = 0; i < 5; i++)
        log_in(&subject, NOON + 300 * SECOND, 0, i, false);
    assert_int_equal(subject.findings.calls, 1);
    assert_non_null(strstr(subject.findings.reason, " failed logins of 5 users; 0 of 300 encrypted sessions"));
    subject_destroy(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(senders), cmocka_unit_test(one_provider),
                                       cmocka_unit_test(many_users), cmocka_unit_test(port_25),
                                       cmocka_unit_test(limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
