/* Who hides: differing copies, doubtful segments, odd packets, forged sources; and who only seems to. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_evasion;

struct session {
    uint16_t conflicts;
    uint8_t doubted, odd;
};

static void close_many(struct subject *subject, uint32_t number, duration each, uint32_t port, struct session session)
{
    for (uint32_t i = 0; i < number; i++) {
        struct observation seen = observation_of(OBSERVATION_CLOSE, NOON + i * each, i % 20);
        seen.origin.port = port;
        seen.origin.odd = session.odd;
        seen.close.conflicts = session.conflicts;
        seen.close.doubted = session.doubted;
        subject_observe(subject, &seen);
    }
}

static const struct row {
    const char *name;
    uint32_t number;
    duration each;
    uint32_t port;
    struct session session;
    double least, most;
} rows[] = {
    {"nothing odd", 5000, SECOND, 3, {0}, 0, 0},
    {"a broken card: a doubtful segment now and then", 5000, SECOND, 3, {.doubted = 1}, 0, 0},
    {"packets that overtake each other", 5000, SECOND, 3, {.doubted = 4}, 0, 0},
    {"doubtful segments beside stacked tags", 3, SECOND, 3, {.doubted = 4, .odd = ODD_TAGS}, 10, 10},
    {"one connection with copies that differ", 1, SECOND, 3, {.conflicts = 1}, 6, 6},
    {"one a day", 30, DAY, 3, {.conflicts = 1}, 6, 6},
    {"three", 3, SECOND, 3, {.conflicts = 2}, 10, 10},
    {"always", 50, SECOND, 3, {.conflicts = 9}, 14, 14},
    {"always, where nobody knows whose port it is", 50, SECOND, 0, {.conflicts = 9}, 7, 7},
    {"stacked tags", 1, SECOND, 3, {.odd = ODD_TAGS}, 4, 4},
    {"always in options and fragments", 50, SECOND, 3, {.odd = ODD_OPTIONS | ODD_FRAGMENTS}, 12, 12},
    {"all at once", 50, SECOND, 3, {9, 9, ODD_TAGS}, 16, 16},
};

static void tricks(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_evasion, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        close_many(&subject, rows[i].number, rows[i].each, rows[i].port, rows[i].session);
        if (subject.findings.peak < rows[i].least - 0.1 || subject.findings.peak > rows[i].most + 0.01)
            fail_msg("%s: %f (%s)", rows[i].name, subject.findings.peak, subject.findings.reason);
    }
    subject_destroy(&subject);
}

static struct address source(uint32_t number, bool six)
{
    uint8_t bytes[16] = {0x20, 1, 0xd, 0xb8, 0, 0, (uint8_t)(number >> 8), (uint8_t)number};
    return six ? address_from_ipv6(bytes)
               : address_from_ipv4((const uint8_t[]){10, 1, (uint8_t)(number >> 8), (uint8_t)number});
}

static void connect_from(struct subject *subject, uint32_t sources, bool six, uint32_t port,
                         enum connection_outcome outcome)
{
    for (uint32_t i = 0; i < sources * 3; i++) {
        struct observation seen = observation_of(OBSERVATION_CONNECTION, NOON + i * SECOND / 2, i % 20);
        seen.origin.port = port;
        seen.origin.address = source(i % sources, six);
        if (six)
            seen.origin.address.bytes[15] = (uint8_t)i; /* within its network */
        seen.connection.outcome = outcome;
        subject_observe(subject, &seen);
    }
}

static void forged_sources(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t opened, unanswered; /* from so many sources */
        bool six;
        uint32_t port;
        double least, most;
    } forgeries[] = {
        {"one address, nobody answers", 0, 1, false, 3, 0, 0},
        {"a few own addresses, the network is down", 0, 8, false, 3, 0, 0},
        {"ever new ones", 0, 300, false, 3, 11.8, 12},
        {"a few dozen", 0, 30, false, 3, 4, 4},
        {"ever new networks", 0, 300, true, 3, 11.8, 12},
        {"one network of one's own, all its addresses", 0, 1, true, 3, 0, 0},
        {"a network of one's own that works, then does not", 200, 200, false, 3, 0, 0},
        {"forged besides what is one's own", 2, 400, false, 3, 11.7, 12},
        {"nobody knows whose port it is: a neighbour's address may be forged", 0, 300, false, 0, 0, 0},
    };
    struct subject subject = subject_create(&detector_evasion, "");
    for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++) {
        subject_forget(&subject);
        if (forgeries[i].opened)
            connect_from(&subject, forgeries[i].opened, forgeries[i].six, forgeries[i].port, CONNECTION_OPENED);
        connect_from(&subject, forgeries[i].unanswered, forgeries[i].six, forgeries[i].port, CONNECTION_UNANSWERED);
        if (subject.findings.peak < forgeries[i].least - 0.25 || subject.findings.peak > forgeries[i].most + 0.01)
            fail_msg("%s: %f (%s)", forgeries[i].name, subject.findings.peak, subject.findings.reason);
    }
    subject_destroy(&subject);
}

static void reason(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_evasion, "");
    close_many(&subject, 1, SECOND, 3, (struct session){1, 0, ODD_TAGS | ODD_OPTIONS});
    assert_string_equal(subject.findings.reason,
                        "in the last hour 1 connections in which bytes were sent again as other bytes");
    subject_forget(&subject);
    close_many(&subject, 1, SECOND, 3, (struct session){0, 0, ODD_TAGS | ODD_OPTIONS});
    assert_string_equal(subject.findings.reason,
                        "in the last hour 1 connections in odd packets (stacked tags) (IP options)");
    subject_destroy(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tricks), cmocka_unit_test(forged_sources),
                                       cmocka_unit_test(reason)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
