/* Encrypted sessions that come to nothing: bots behind STARTTLS are throttled within so many sessions, those who mail
 * whoever asked for it are not noticed, however much they send. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_tls;

static struct observation session_of(moment time, uint32_t server, uint16_t messages, uint16_t replies_long)
{
    struct observation seen = observation_of(OBSERVATION_CLOSE, time, server);
    seen.close.tls = TLS_STARTTLS;
    seen.close.tls_commands = 2;
    seen.close.tls_messages = messages;
    seen.close.tls_replies_long = replies_long;
    return seen;
}

static bool happens(uint64_t *random, double share)
{
    return next_random(random) < share * 2147483648.0;
}

/* Sessions with one message each, of which a share is refused. */
static const struct row {
    const char *name;
    uint32_t sessions, servers; /* 0: each time another one */
    duration each;
    double refused;
    double most;     /* points, over any of the runs */
    double wanted;   /* points to be reached ... */
    uint32_t within; /* ... in so many sessions on average; 0: need not be */
} rows[] = {
    {"newsletter, 2 % stale", 50000, 1500, 600 * MILLISECOND, 0.02, 0, 0, 0},
    {"newsletter, 8 % stale", 50000, 1500, 600 * MILLISECOND, 0.08, 3, 0, 0},
    {"newsletter, 8 % stale, each server once", 20000, 0, SECOND, 0.08, 3, 0, 0},
    {"company of 200 mailboxes", 20000, 900, 4 * SECOND, 0.03, 0, 0, 0},
    {"sign-ups with mistyped addresses", 3000, 400, 10 * SECOND, 0.12, 3, 0, 0},
    {"personal server", 300, 60, HOUR, 0.1, 0, 0, 0},
    {"one relay that refuses all", 5000, 1, SECOND, 1, 0, 0, 0},
    {"dead list", 200, 0, 2 * SECOND, 1, 16, 11, 45},
    {"bot, 70 % dead", 400, 0, 2 * SECOND, 0.7, 16, 11, 70},
    {"bot, half of it dead", 400, 0, 2 * SECOND, 0.5, 16, 11, 130},
    {"bot, 40 % dead", 1000, 0, 2 * SECOND, 0.4, 16, 11, 250},
    {"slow bot, one a minute, half dead", 400, 0, MINUTE, 0.5, 16, 6, 120},
};

static void lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        uint64_t random = 7 + i;
        double sum = 0, peak = 0;
        enum { RUNS = 10 };
        struct subject subject = subject_create(&detector_tls, "");
        for (int run = 0; run < RUNS; run++) {
            uint32_t reached = row->sessions;
            subject_forget(&subject);
            for (uint32_t k = 0; k < row->sessions; k++) {
                bool refused = happens(&random, row->refused);
                uint32_t server = row->servers ? next_random(&random) % row->servers : k + 100000 * (uint32_t)run;
                struct observation seen = session_of(NOON + k * row->each, server, !refused, refused);
                subject_observe(&subject, &seen);
                if (reached == row->sessions && subject.findings.peak >= row->wanted)
                    reached = k + 1;
            }
            sum += reached;
            peak = fmax(peak, subject.findings.peak);
        }
        print_message("  %s: at most %.1f points; reached after %.0f sessions\n", row->name, peak, sum / RUNS);
        if (peak > row->most + 0.01 || (row->within && sum / RUNS > row->within))
            fail_msg("%s: %f points, %f sessions: %s", row->name, peak, sum / RUNS, subject.findings.reason);
        subject_destroy(&subject);
    }
}

/* Every server turns a new one away at first, and takes the mail ten minutes later. */
static void greylisted(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_tls, "");
    for (uint32_t attempt = 0; attempt < 40; attempt++) {
        for (uint32_t server = 0; server < 40; server++) {
            bool taken = attempt * 10 >= server; /* some of them only after hours */
            struct observation seen = session_of(NOON + attempt * 10 * MINUTE + server * SECOND, server, taken, !taken);
            subject_observe(&subject, &seen);
        }
    }
    if (subject.findings.peak >= 12)
        fail_msg("%f: %s", subject.findings.peak, subject.findings.reason);
    subject_destroy(&subject);
}

/* A newsletter from a new machine: a fifth of its 2,000 servers greylists, 5 % of the addresses are stale. */
static void greylisted_newsletter(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_tls, "");
    uint64_t random = 3;
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t server = i < 2000 ? i : next_random(&random) % 2000;
        bool refused = happens(&random, 0.05) || (i < 2000 && server % 5 == 0);
        struct observation seen = session_of(NOON + i * SECOND, server, !refused, refused);
        subject_observe(&subject, &seen);
    }
    if (subject.findings.peak > 3.01)
        fail_msg("%f: %s", subject.findings.peak, subject.findings.reason);
    subject_destroy(&subject);
}

/* What is no attempt at mail does not count, nor what others look after. */
static void others(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_tls, "");
    for (uint32_t i = 0; i < 500; i++) {
        struct observation probe = session_of(NOON + i * SECOND, i, 0, 0),
                           clear = session_of(NOON + i * SECOND, i, 0, 0),
                           submission = session_of(NOON + i * SECOND, i, 0, 1);
        probe.close.tls_commands = 0;
        clear.close.tls = TLS_NONE;
        submission.server_port = i % 2 ? 465 : 587;
        subject_observe(&subject, &probe);
        subject_observe(&subject, &clear);
        subject_observe(&subject, &submission);
    }
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

static void disguises(void **state)
{
    (void)state;
    static const struct {
        uint64_t kinds;
        double want;
    } hellos[] = {{1, 0}, {8, 0}, {400, 3}};
    struct subject subject = subject_create(&detector_tls, "");
    for (size_t i = 0; i < sizeof hellos / sizeof hellos[0]; i++) {
        subject_forget(&subject);
        for (uint64_t k = 0; k < 1000; k++) {
            struct observation seen = observation_of(OBSERVATION_TLS, NOON + (moment)k * SECOND, 1);
            seen.tls.fingerprint = (k % hellos[i].kinds + 1) * UINT64_C(0x9e3779b97f4a7c15);
            subject_observe(&subject, &seen);
        }
        if (fabs(subject.findings.peak - hellos[i].want) > 0.05)
            fail_msg("%u kinds: %f", (unsigned)hellos[i].kinds, subject.findings.peak);
    }
    subject_destroy(&subject);
}

static void reason(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_tls, "");
    for (uint32_t i = 0; i < 8; i++) {
        struct observation seen = session_of(NOON + i * SECOND, i, 0, 1);
        subject_observe(&subject, &seen);
    }
    assert_string_equal(subject.findings.reason,
                        "about 8 servers turned it away in 8 encrypted sessions of the last hour; "
                        "the last was 100.0.0.7");
    subject_destroy(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),  cmocka_unit_test(greylisted), cmocka_unit_test(greylisted_newsletter),
        cmocka_unit_test(others), cmocka_unit_test(disguises),  cmocka_unit_test(reason)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
