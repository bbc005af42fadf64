/* Whose listing it is, what lists say together, and what is left when they no longer do. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_listed;

static void connect_at(struct subject *subject, moment time)
{
    struct observation seen = observation_of(OBSERVATION_CONNECTION, time, 1);
    subject_observe(subject, &seen);
}

static points list(struct subject *subject, moment time, const char *zone, enum listing_weight weight, moment since)
{
    struct observation seen = observation_of(OBSERVATION_LISTING, time, 0);
    seen.listing.zone = text_of(zone);
    seen.listing.weight = weight;
    seen.listing.listed = true;
    seen.listing.since = since;
    return subject_observe(subject, &seen);
}

static points delist(struct subject *subject, moment time, const char *zone)
{
    struct observation seen = observation_of(OBSERVATION_LISTING, time, 0);
    seen.listing.zone = text_of(zone);
    return subject_observe(subject, &seen);
}

/* A sender that has sent since NOON. */
static void sending(struct subject *subject)
{
    subject_forget(subject);
    connect_at(subject, NOON);
}

static void weights(void **state)
{
    (void)state;
    static const points expected[] = {
        [LISTING_INFORMATIONAL] = 0, [LISTING_LOW] = 100,      [LISTING_MEDIUM] = 300,
        [LISTING_HIGH] = 500,        [LISTING_CRITICAL] = 800,
    };
    struct subject subject = subject_create(&detector_listed, "");
    for (int weight = LISTING_INFORMATIONAL; weight <= LISTING_CRITICAL; weight++) {
        sending(&subject);
        assert_int_equal(list(&subject, NOON + HOUR, "zen.spamhaus.org", (enum listing_weight)weight, 0),
                         expected[weight]);
    }
    assert_string_equal(subject.findings.reason, "listed by zen.spamhaus.org (critical)");
    subject_destroy(&subject);
}

/* The one before him: listed when the sender had not sent yet, or for longer than he sends, or while he is silent. */
static void whose(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        moment first, last, seen, since; /* after NOON; first 0: it never sent */
        points want;
    } rows[] = {
        {"it never sent", 0, 0, 10 * DAY, 0, 200},
        {"before its first mail", 5 * DAY, 6 * DAY, 6 * DAY, 4 * DAY, 200},
        {"with its first mail", 5 * DAY, 6 * DAY, 6 * DAY, 5 * DAY, 800},
        {"while it sends", 1 * DAY, 6 * DAY, 6 * DAY, 0, 800},
        {"two days after", 1 * DAY, 6 * DAY, 8 * DAY, 0, 800},
        {"four days after", 1 * DAY, 6 * DAY, 10 * DAY, 0, 200},
        {"seen late", 1 * DAY, 6 * DAY, 30 * DAY, 6 * DAY, 800},
    };
    struct subject subject = subject_create(&detector_listed, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        if (rows[i].first) {
            connect_at(&subject, NOON + rows[i].first);
            connect_at(&subject, NOON + rows[i].last);
        }
        points got = list(&subject, NOON + rows[i].seen, "zen.spamhaus.org", LISTING_CRITICAL,
                          rows[i].since ? NOON + rows[i].since : 0);
        if (got != rows[i].want)
            fail_msg("%s: %d", rows[i].name, got);
    }
    subject_destroy(&subject);
}

/* A tenant of an address that every list has from the one before him: 2 points in all. */
static void previous_tenant(void **state)
{
    (void)state;
    static const char *const zones[] = {"zen.spamhaus.org", "bl.spamcop.net", "b.barracudacentral.org",
                                        "psbl.surriel.com", "dnsbl-1.uceprotect.net"};
    struct subject subject = subject_create(&detector_listed, "");
    for (size_t i = 0; i < 5; i++)
        list(&subject, NOON, zones[i], LISTING_CRITICAL, 0);
    connect_at(&subject, NOON + HOUR);
    for (int hour = 2; hour < 23; hour++)
        for (size_t i = 0; i < 5; i++)
            list(&subject, NOON + hour * HOUR, zones[i], LISTING_CRITICAL, NOON);
    assert_int_equal(subject.findings.peak * 100, 200);
    assert_non_null(strstr(subject.findings.reason, "since before it sent mail"));
    subject_destroy(&subject);
}

/* Parts of one list are one list; families count by half, a quarter, ... */
static void families(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        enum listing_weight weight;
        points want; /* added */
    } rows[] = {
        {"bl.spamcop.net", LISTING_HIGH, 500},
        {"xbl.spamhaus.org", LISTING_CRITICAL, 550}, /* 8 and half of 5 */
        {"zen.spamhaus.org.", LISTING_CRITICAL, 0},
        {"KEY.zen.dq.SPAMHAUS.net", LISTING_CRITICAL, 0},
        {"cbl.abuseat.org", LISTING_CRITICAL, 0},
        {"psbl.surriel.com", LISTING_MEDIUM, 75},
        {"psbl.surriel.com", LISTING_MEDIUM, 0},
        {"dnsbl-1.uceprotect.net", LISTING_LOW, 0}, /* an eighth of a point is not said */
    };
    struct subject subject = subject_create(&detector_listed, "[listed]\nmost = 30\n");
    sending(&subject);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        points got = list(&subject, NOON + MINUTE, rows[i].zone, rows[i].weight, 0);
        if (got != rows[i].want)
            fail_msg("%s: %d", rows[i].zone, got);
    }
    subject_destroy(&subject);
}

/* Asked every hour, said once a day; and no more than the account's ceiling, which is an alert. */
static void once_a_day(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_listed, "");
    sending(&subject);
    for (int hour = 1; hour <= 4 * 24; hour++) {
        connect_at(&subject, NOON + hour * HOUR);
        list(&subject, NOON + hour * HOUR, "zen.spamhaus.org", LISTING_CRITICAL, NOON + HOUR);
        list(&subject, NOON + hour * HOUR, "bl.spamcop.net", LISTING_CRITICAL, NOON + HOUR);
    }
    assert_in_range(subject.findings.calls, 5, 10); /* two lists, five calendar days */
    assert_true(subject.findings.peak <= 10);
    subject_destroy(&subject);
}

static void taken_back(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_listed, "");
    sending(&subject);
    assert_int_equal(delist(&subject, NOON + MINUTE, "zen.spamhaus.org"), 0); /* it never was */
    list(&subject, NOON + MINUTE, "zen.spamhaus.org", LISTING_CRITICAL, 0);
    list(&subject, NOON + MINUTE, "bl.spamcop.net", LISTING_HIGH, 0); /* 2.5 more */
    assert_int_equal(delist(&subject, NOON + 2 * MINUTE, "zen.spamhaus.org"), -550);
    assert_string_equal(subject.findings.reason, "no longer listed by zen.spamhaus.org");
    assert_int_equal(delist(&subject, NOON + 2 * MINUTE, "zen.spamhaus.org"), 0);
    /* what has faded meanwhile is not taken off what another list says */
    sending(&subject);
    list(&subject, NOON + MINUTE, "zen.spamhaus.org", LISTING_CRITICAL, 0);
    assert_int_equal(delist(&subject, NOON + 3 * HOUR + 2 * MINUTE, "zen.spamhaus.org"), -100);
    subject_destroy(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights),  cmocka_unit_test(whose),      cmocka_unit_test(previous_tenant),
        cmocka_unit_test(families), cmocka_unit_test(once_a_day), cmocka_unit_test(taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
