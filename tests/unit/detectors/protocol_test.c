/* Clients that do not wait, and that leave without a word: weak evidence, which no honest machine gets much of. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_protocol;

/* How a connection went. */
struct manner {
    bool early, encrypted, silent; /* silent: the server never spoke */
    uint8_t unasked;
    enum close_reason reason;
};

static void close_many(struct subject *subject, uint32_t number, uint32_t servers, duration each, struct manner manner)
{
    for (uint32_t i = 0; i < number; i++) {
        struct observation seen = observation_of(OBSERVATION_CLOSE, NOON + i * each, i % servers);
        seen.close.reason = manner.reason;
        seen.close.spoke_first = manner.early;
        seen.close.unasked = manner.unasked;
        seen.close.tls = manner.encrypted ? TLS_STARTTLS : TLS_NONE;
        seen.close.commands = 4;
        seen.close.server_bytes = manner.silent ? 0 : 200;
        subject_observe(subject, &seen);
    }
}

static const struct row {
    const char *name;
    uint32_t number, servers;
    duration each;
    struct manner manner;
    double least, most;
} rows[] = {
    {"polite", 5000, 300, SECOND, {.reason = CLOSE_QUIT}, 0, 0},
    {"encrypted: its QUIT cannot be seen", 5000, 300, SECOND, {.encrypted = true, .reason = CLOSE_FIN}, 0, 0},
    {"servers that never answer", 500, 300, SECOND, {.silent = true, .reason = CLOSE_TIMEOUT}, 0, 0},
    {"early once", 1, 1, SECOND, {.early = true, .reason = CLOSE_QUIT}, 2, 2},
    {"early always", 50, 10, SECOND, {.early = true, .reason = CLOSE_QUIT}, 4, 4},
    {"once a day", 30, 1, DAY, {.early = true, .reason = CLOSE_QUIT}, 2, 2},
    {"unasked", 50, 10, SECOND, {.unasked = 2, .reason = CLOSE_QUIT}, 4, 4},
    {"both", 50, 10, SECOND, {.early = true, .unasked = 3, .reason = CLOSE_QUIT}, 6, 6},
    {"a printer without QUIT", 10, 1, MINUTE, {.reason = CLOSE_FIN}, 0, 0},
    {"a monitor without QUIT, to its relay", 5000, 1, SECOND, {.reason = CLOSE_FIN}, 2, 2},
    {"without QUIT, to many", 100, 50, SECOND, {.reason = CLOSE_RESET}, 3, 3},
    {"a bot in haste", 100, 50, SECOND, {.early = true, .unasked = 3, .reason = CLOSE_RESET}, 6, 6},
};

static void manners(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_protocol, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        close_many(&subject, rows[i].number, rows[i].servers, rows[i].each, rows[i].manner);
        if (subject.findings.peak < rows[i].least - 0.1 || subject.findings.peak > rows[i].most + 0.01)
            fail_msg("%s: %f (%s)", rows[i].name, subject.findings.peak, subject.findings.reason);
    }
    subject_destroy(&subject);
}

/* One in eight of an honest server's connections is cut off by a timeout. */
static void some_are_cut_off(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_protocol, "");
    for (uint32_t i = 0; i < 4000; i++) {
        struct observation seen = observation_of(OBSERVATION_CLOSE, NOON + i * SECOND, i % 90);
        seen.close.reason = i % 8 == 0 ? CLOSE_TIMEOUT : CLOSE_QUIT;
        seen.close.commands = 4;
        seen.close.server_bytes = 200;
        subject_observe(&subject, &seen);
    }
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

static void reason(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_protocol, "");
    close_many(&subject, 3, 1, SECOND, (struct manner){.early = true, .unasked = 1, .reason = CLOSE_QUIT});
    assert_string_equal(subject.findings.reason, "of 3 connections in this hour 3 began before the greeting, 3 sent "
                                                 "commands together unasked, 0 ended without QUIT");
    subject_destroy(&subject);
    subject = subject_create(&detector_protocol, "[protocol]\nearly = 0\nunasked = 0\nrude = 0\n");
    close_many(&subject, 100, 50, SECOND, (struct manner){.early = true, .unasked = 3, .reason = CLOSE_RESET});
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(manners), cmocka_unit_test(some_are_cut_off),
                                       cmocka_unit_test(reason)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
