/* The sequential test: what counts and what does not, and that its errors stay within the bounds that were asked for.
 */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_rejects;

/* A stream of recipients, each another. */
struct stream {
    struct subject *subject;
    uint32_t number;
    uint64_t random;
    bool elsewhere; /* each at a domain of its own */
    bool asks;      /* with the null sender */
    bool relayed;   /* with a sender of another domain each */
};

static points recipient(struct stream *stream, uint16_t code, uint16_t enhanced)
{
    char address[64], from[64] = "news@here.example";
    uint32_t number = stream->number++;
    if (stream->elsewhere)
        snprintf(address, sizeof address, "user%u@there%u.example", number, number);
    else
        snprintf(address, sizeof address, "user%u@there.example", number);
    if (stream->asks)
        from[0] = '\0';
    else if (stream->relayed)
        snprintf(from, sizeof from, "somebody@guest%u.example", number);
    struct observation seen = recipient_of(NOON + number * SECOND, from, address, code, enhanced);
    if (stream->elsewhere)
        seen.server = observation_of(OBSERVATION_RECIPIENT, 0, number).server;
    return subject_observe(stream->subject, &seen);
}

static points content(struct stream *stream, const char *from, uint16_t code)
{
    uint32_t number = stream->number++;
    struct observation seen = observation_of(OBSERVATION_MESSAGE, NOON + number * SECOND, number);
    seen.message.from = text_of(from);
    seen.message.reply.code = code;
    return subject_observe(stream->subject, &seen);
}

/* How many of one outcome alone it takes to be called an abuser; 0: 500 do not. */
static const struct row {
    const char *name;
    uint16_t code, enhanced;
    uint32_t want;
} rows[] = {
    {"user unknown", 550, 50101, 8},
    {"user unknown, no enhanced code", 550, 0, 8},
    {"no such domain", 550, 50102, 8},
    {"user not local", 551, 0, 8},
    {"mailbox name not allowed", 553, 0, 8},
    {"refused by policy", 554, 50701, 31},
    {"refused by policy, the other code", 550, 50701, 31},
    {"mailbox disabled", 550, 50201, 31},
    {"the sender's address is refused", 550, 50108, 0},
    {"mailbox full", 552, 50202, 0},
    {"mailbox full, no enhanced code", 552, 0, 0},
    {"greylisted", 450, 40701, 0},
    {"greylisted, the other code", 451, 40701, 0},
    {"unknown for now", 450, 40101, 0},
    {"too many connections", 421, 0, 0},
    {"no answer seen", 0, 0, 0},
    {"accepted", 250, 20105, 0},
};

static void outcomes(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_rejects, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        struct stream stream = {.subject = &subject};
        uint32_t tries = 0;
        while (tries < 500 && subject.findings.calls == 0) {
            recipient(&stream, rows[i].code, rows[i].enhanced);
            tries++;
        }
        uint32_t got = subject.findings.calls ? tries : 0;
        if (got != rows[i].want)
            fail_msg("%s: %u, not %u", rows[i].name, got, rows[i].want);
    }
    subject_destroy(&subject);
}

static void reasons(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_rejects, "");
    struct stream stream = {.subject = &subject};
    recipient(&stream, 250, 0);
    for (int i = 0; i < 9; i++)
        recipient(&stream, 550, 50101);
    assert_int_equal(subject.findings.sum, 3996);
    assert_true(subject.findings.account == 17.0); /* `most`: a block needs another detector's word */
    assert_string_equal(subject.findings.reason, "9 of 10 recipients refused; the last: 550 for user9@there.example");
    subject_destroy(&subject);
}

/* The same recipient counts once, however often it is tried and however it ends. */
static void repeats(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_rejects, "");
    for (int day = 0; day < 100; day++) {
        for (int k = 0; k < 20; k++) {
            char address[64];
            snprintf(address, sizeof address, "Gone%d@there.example", k);
            struct observation seen = recipient_of(NOON + day * DAY, "cron@here.example", address, 550, 50101);
            if (k < 6)
                subject_observe(&subject, &seen);
        }
    }
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

/* A backup MX takes mail for others and bounces what its primary refuses, to senders of whom many are forged. */
static void bounces_of_who_relays(void **state)
{
    (void)state;
    for (int relays = 0; relays < 2; relays++) {
        struct subject subject = subject_create(&detector_rejects, "");
        for (uint32_t k = 0; k < 60; k++) {
            char from[64], to[64], forged[64];
            snprintf(to, sizeof to, "user%u@customer.museum", k);
            snprintf(from, sizeof from, "someone@firm%u.museum", k % 20);
            snprintf(forged, sizeof forged, "nobody%u@forged%u.museum", k, k);
            struct observation mail = recipient_of(NOON + k * MINUTE, from, to, 250, 0);
            struct observation bounce =
                recipient_of(NOON + k * MINUTE, "", forged, k % 3 ? 550 : 250, k % 3 ? 50101 : 0);
            struct observation content = observation_of(OBSERVATION_MESSAGE, NOON + k * MINUTE, k);
            bounce.server = content.server;
            content.message.from = TEXT("");
            content.message.reply.code = 250;
            if (relays && (k < 10 || k % 8 == 0))
                subject_observe(&subject, &mail);
            subject_observe(&subject, &bounce);
            subject_observe(&subject, &content);
        }
        if (relays ? subject.findings.peak > 0 : subject.findings.peak < 15)
            fail_msg("%d: %f (%s)", relays, subject.findings.peak, subject.findings.reason);
        subject_destroy(&subject);
    }
}

/* Words decide where codes do not: how many it takes, as above; every recipient at a domain and server of its own. */
static void words(void **state)
{
    (void)state;
    static const struct {
        uint16_t code, enhanced;
        const char *phrase;
        uint32_t want;
        double peak;
    } cases[] = {
        {554, 0, "delivery error: dd This user doesn't have a yahoo.com account", 8, 17},
        {550, 50701, "recipient unknown", 8, 17},
        {450, 40101, "unverified address: host mx.example said: 550 user unknown", 8, 17},
        {450, 40101, "unverified address: Address verification in progress", 0, 0},
        {550, 0, "Mailbox full", 0, 0},
        {550, 50726, "DMARC", 0, 0},
        {554, 50701, "Client host [203.0.113.7] blocked using zen.spamhaus.org", 0, 0},
        {421, 40700, "Our system has detected unsolicited mail originating from your IP address", 0, 0},
        {554, 50701, "no thanks", 31, 17},
    };
    struct subject subject = subject_create(&detector_rejects, "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        subject_forget(&subject);
        uint32_t first = 0;
        for (uint32_t k = 1; k <= 500; k++) {
            char address[64];
            snprintf(address, sizeof address, "user%u@there%u.example", k, k);
            struct observation seen = recipient_of(NOON + k * SECOND, "me@here.example", address, cases[i].code, 0);
            seen.server = observation_of(OBSERVATION_RECIPIENT, 0, k).server;
            seen.recipient.reply.enhanced = cases[i].enhanced;
            seen.recipient.reply.phrase = text_of(cases[i].phrase);
            subject_observe(&subject, &seen);
            first = first == 0 && subject.findings.calls > 0 ? k : first;
        }
        if (first != cases[i].want || fabs(subject.findings.peak - cases[i].peak) > 0.3)
            fail_msg("%s: after %u, %f", cases[i].phrase, first, subject.findings.peak);
    }
    subject_destroy(&subject);
}

/* Names tried out at a few domains, with forged senders: an alert, where nothing speaks for the machine. With a history
 * of good mail, or with good mail in between, as in a backup MX's queue, no more than it was. */
static void tried_out(void **state)
{
    (void)state;
    static const struct {
        uint32_t number, domains, history, good; /* one in so many is accepted; 0: none */
        double least, most;
    } cases[] = {
        {100, 4, 0, 0, 0, 0},       {120, 4, 0, 0, 2.9, 3.1},  {230, 4, 0, 0, 4.9, 5.1},
        {1000, 4, 0, 0, 8.8, 9.1},  {20000, 4, 0, 0, 9.9, 10}, {1000, 4, 8, 0, 8.8, 9.1},
        {1000, 4, 60, 0, 1.9, 4.1}, {1000, 4, 0, 10, 0, 4.1},  {20000, 1, 9, 0, 0, 6.1},
    };
    struct subject subject = subject_create(&detector_rejects, "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        subject_forget(&subject);
        struct stream stream = {.subject = &subject, .relayed = true, .elsewhere = true, .number = 1000};
        for (uint32_t k = 0; k < cases[i].history; k++)
            recipient(&stream, 250, 0);
        for (uint32_t k = 0; k < cases[i].number; k++) {
            char address[64], from[64];
            snprintf(address, sizeof address, "name%u@victim%u.example", k, k % cases[i].domains);
            snprintf(from, sizeof from, "you@forged%u.example", k % 40);
            bool good = cases[i].good > 0 && k % cases[i].good == 0;
            struct observation seen =
                recipient_of(NOON + HOUR + k * 5 * MILLISECOND, from, address, good ? 250 : 550, good ? 20105 : 50101);
            subject_observe(&subject, &seen);
        }
        if (subject.findings.peak < cases[i].least || subject.findings.peak > cases[i].most)
            fail_msg("row %zu: %f (%s)", i, subject.findings.peak, subject.findings.reason);
    }
    subject_destroy(&subject);
}

/* Content that a server refuses counts once for one sender there; from ever new senders it adds up. */
static void refused_content(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_rejects, "");
    struct stream stream = {.subject = &subject};
    for (int i = 0; i < 1000; i++) {
        stream.number = 7;
        content(&stream, "cron@here.example", 550);
    }
    assert_int_equal(subject.findings.calls, 0);
    subject_forget(&subject);
    for (int i = 0; i < 31; i++) {
        char from[32];
        snprintf(from, sizeof from, "%d@here.example", i);
        content(&stream, from, 550);
    }
    assert_int_equal(subject.findings.calls, 1);
    assert_string_equal(subject.findings.reason,
                        "31 of 31 recipients and messages refused; the last: 550 for content from 30@here.example");
    subject_destroy(&subject);
}

static void taken_back(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_rejects, "");
    struct stream stream = {.subject = &subject};
    while (subject.findings.calls == 0)
        recipient(&stream, 550, 50101);
    for (int i = 0; i < 100; i++)
        recipient(&stream, 250, 0);
    assert_int_equal(subject.findings.calls, 2); /* said once, then there is nothing left to take back */
    assert_int_equal(subject.findings.last, -1700);
    assert_true(subject.findings.account == 0);
    assert_string_equal(subject.findings.reason,
                        "the last 9 recipients: 9 accepted, 0 refused; earlier points taken back");
    subject_destroy(&subject);
}

/* A dead domain in the middle of a good list is forgiven; a machine taken over only the first time, by three quarters.
 */
static void benefit_of_the_doubt(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_rejects, "");
    struct stream stream = {.subject = &subject};
    for (int i = 0; i < 55 * 9; i++) /* nine make a test */
        recipient(&stream, 250, 0);
    for (int i = 0; i < 90; i++)
        recipient(&stream, 550, 50101);
    assert_int_equal(subject.findings.calls, 0);
    for (int i = 0; i < 50; i++)
        recipient(&stream, 250, 0);
    stream.elsewhere = true;
    for (int i = 0; i < 9; i++)
        recipient(&stream, 550, 50101);
    assert_int_equal(subject.findings.sum, 999);
    assert_non_null(strstr(subject.findings.reason, "; accepted well before"));
    for (int i = 0; i < 8; i++)
        recipient(&stream, 550, 50101);
    assert_true(subject.findings.account == 17.0);
    subject_destroy(&subject);
}

/* A question has no content: who sends any under such a name has a list like anybody, a handful of bounces aside. */
static void no_questions(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        int contents;
        bool mail;
    } cases[] = {{"", 5, false},
                 {"", 6, true},
                 {"double-bounce@here.example", 0, false},
                 {"double-bounce@here.example", 1, true},
                 {"double-bouncer@here.example", 0, true}};
    struct subject subject = subject_create(&detector_rejects, "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        subject_forget(&subject);
        struct stream stream = {.subject = &subject};
        for (int k = 0; k < cases[i].contents; k++)
            content(&stream, cases[i].from, 250);
        for (int k = 0; k < 50; k++) {
            char address[64];
            snprintf(address, sizeof address, "user%d@there%d.example", k, k);
            struct observation seen = recipient_of(NOON + (100 + k) * SECOND, cases[i].from, address, 550, 50101);
            subject_observe(&subject, &seen);
        }
        if ((subject.findings.calls > 0) != cases[i].mail)
            fail_msg("<%s> after %d contents: %u findings", cases[i].from, cases[i].contents, subject.findings.calls);
    }
    subject_destroy(&subject);
}

/* Where a domain has had its say, what it accepts says no more than what it refuses: nobody is found honest by it. */
static void said_enough(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_rejects, "");
    struct stream stream = {.subject = &subject, .relayed = true};
    for (int i = 0; i < 3000; i++)
        recipient(&stream, i % 2 ? 550 : 250, i % 2 ? 50101 : 20105);
    uint32_t findings = subject.findings.calls;
    stream.relayed = false;
    stream.elsewhere = true;
    uint32_t before = stream.number;
    while (subject.findings.calls == findings && stream.number < before + 100)
        recipient(&stream, 550, 50101);
    assert_in_range(stream.number - before, 1, 20); /* no benefit of the doubt was earned */
    assert_true(subject.findings.peak >= 15);
    subject_destroy(&subject);
}

/* What a place accepts is not among its refusals: a relay's good mail to its one primary server speaks for it. */
static void accepted_counts(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_rejects, "");
    struct stream stream = {.subject = &subject, .number = 100, .relayed = true, .elsewhere = true};
    while (subject.findings.calls == 0)
        recipient(&stream, 550, 50101);
    stream.elsewhere = false;
    for (int i = 0; i < 9; i++) /* nine make a test */
        recipient(&stream, 250, 20105);
    assert_int_equal(subject.findings.calls, 2);
    assert_int_equal(subject.findings.last, -1700);
    subject_destroy(&subject);
}

/* Callouts, address verification and bounces: what they ask for is not their own list, whatever the answer. */
static void questions(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_rejects, "");
    struct stream stream = {.subject = &subject, .asks = true, .elsewhere = true};
    for (int i = 0; i < 20000; i++)
        recipient(&stream, i % 3 ? 550 : 250, 0);
    assert_int_equal(subject.findings.calls, 0);
    for (int i = 0; i < 5000; i++) {
        char address[64];
        snprintf(address, sizeof address, "user%d@there%d.example", i, i % 700);
        struct observation seen = recipient_of(NOON + i * SECOND, "Double-Bounce@here.example", address, 550, 50101);
        subject_observe(&subject, &seen);
    }
    assert_int_equal(subject.findings.calls, 0);
    stream = (struct stream){.subject = &subject};
    while (subject.findings.calls == 0)
        recipient(&stream, 550, 50101);
    assert_int_equal(stream.number, 8); /* nor do accepted ones speak for its mail */
    subject_destroy(&subject);
}

/* Thousands of names tried at one domain are no callouts any more. An alert, by their rate; no block. */
static void harvest(void **state)
{
    (void)state;
    static const struct {
        uint32_t number;
        double want;
    } expected[] = {{99, 0}, {100, 2}, {400, 4}, {1600, 6}, {3200, 8}, {6400, 10}, {50000, 10}};
    struct subject subject = subject_create(&detector_rejects, "");
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        subject_forget(&subject);
        for (uint32_t k = 0; k < expected[i].number; k++) {
            char address[64];
            snprintf(address, sizeof address, "name%u@victim.example", k);
            struct observation seen = recipient_of(NOON + k * 5 * MILLISECOND, "", address, 550, 50101);
            subject_observe(&subject, &seen);
            snprintf(address, sizeof address, "one@other%u.example", k); /* and others beside it */
            subject_observe(&subject, &seen);
        }
        if (fabs(subject.findings.peak - expected[i].want) > 0.1)
            fail_msg("%u names: %f (%s)", expected[i].number, subject.findings.peak, subject.findings.reason);
    }
    assert_string_equal(subject.findings.reason,
                        "6400 unknown recipients at one domain within an hour; the last: 550 for "
                        "name6399@victim.example");
    subject_destroy(&subject);
}

/* A backup MX drains what a dictionary attack left: foreign senders, one primary. That alone is no accusation, and no
 * more than something to look at however much it is. From few domains it is an attack of the machine's own. */
static void relayed(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_rejects, "");
    struct stream stream = {.subject = &subject, .relayed = true};
    for (int day = 0; day < 7; day++) {
        stream.number = (uint32_t)day * 86400;
        for (int i = 0; i < 50; i++)
            recipient(&stream, 550, 50101);
    }
    assert_int_equal(subject.findings.calls, 0);
    for (int i = 0; i < 20000; i++)
        recipient(&stream, 550, 50101);
    assert_in_range(subject.findings.peak * 100, 200, 1000);
    subject_forget(&subject);
    stream = (struct stream){.subject = &subject};
    while (subject.findings.calls == 0)
        recipient(&stream, 550, 50101);
    assert_int_equal(stream.number, 8);
    subject_destroy(&subject);
}

/* A bot that invents a sender for each mail, on its way from server to server: all of them say so. */
static void invented_senders(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_rejects, "");
    struct stream stream = {.subject = &subject, .relayed = true, .elsewhere = true};
    while (subject.findings.calls == 0)
        recipient(&stream, 550, 50101);
    assert_int_equal(stream.number, 8);
    subject_destroy(&subject);
}

/* Run one test after another at a share of refusals; how many of them end with "abuser"? Points stand against the
 * sender at the start of each, so that "honest" shows as well. */
static double accused(struct subject *subject, struct stream *stream, double share, uint32_t tests)
{
    uint32_t abuser = 0;
    for (uint32_t i = 0; i < tests; i++) {
        subject_forget(subject);
        while (subject->findings.calls == 0)
            recipient(stream, 550, 50101);
        points added = 0;
        while (added == 0)
            added = recipient(stream, next_random(&stream->random) < share * 2147483648.0 ? 550 : 250, 0);
        abuser += added > 0;
    }
    return (double)abuser / tests;
}

static const struct bound {
    const char *configuration;
    double honest, abuser, false_positive, false_negative;
    uint32_t tests;
} bounds[] = {
    {"[rejects]\nfalse_positive = 0.01\nfalse_negative = 0.01\n", 0.15, 0.5, 0.01, 0.01, 20000},
    {"[rejects]\nfalse_positive = 0.05\nfalse_negative = 0.1\n", 0.15, 0.5, 0.05, 0.1, 20000},
    {"[rejects]\nfalse_positive = 0.1\nfalse_negative = 0.02\nshare_honest = 0.2\nshare_abuser = 0.8\n", 0.2, 0.8, 0.1,
     0.02, 20000},
    {"[rejects]\nfalse_positive = 0.02\nfalse_negative = 0.02\nshare_honest = 0.05\nshare_abuser = 0.25\n", 0.05, 0.25,
     0.02, 0.02, 20000},
    {"", 0.15, 0.5, 0.0001, 0.01, 20000},
};

/* Wald: the error rates are at most false_positive / (1 - false_negative) and false_negative / (1 - false_positive).
 * Three standard errors are allowed to chance, which is the same on every run. */
static void error_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        const struct bound *bound = &bounds[i];
        struct subject subject = subject_create(&detector_rejects, bound->configuration);
        struct stream stream = {.subject = &subject, .random = 42};
        double most = bound->false_positive / (1 - bound->false_negative);
        double got = accused(&subject, &stream, bound->honest, bound->tests);
        if (got > most + 3 * sqrt(most / bound->tests))
            fail_msg("row %zu: %f of the honest are called abusers, at most %f may be", i, got, most);
        most = bound->false_negative / (1 - bound->false_positive);
        got = 1 - accused(&subject, &stream, bound->abuser, bound->tests);
        if (got > most + 3 * sqrt(most / bound->tests))
            fail_msg("row %zu: %f of the abusers are called honest, at most %f may be", i, got, most);
        subject_destroy(&subject);
    }
}

/* 50,000 recipients in a night, 2 to 8 % stale, many nights: never accused. */
static void newsletters(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_rejects, "");
    for (uint32_t night = 0; night < 12; night++) {
        subject_forget(&subject);
        struct stream stream = {.subject = &subject, .random = night + 1};
        double share = 0.02 + 0.06 * night / 11;
        for (int i = 0; i < 50000; i++)
            recipient(&stream, next_random(&stream.random) < share * 2147483648.0 ? 550 : 250, 0);
        if (subject.findings.sum > 0)
            fail_msg("%f stale: %s", share, subject.findings.reason);
    }
    subject_destroy(&subject);
}

/* Bots: the number of recipients until the first accusation, on average. */
static void bots(void **state)
{
    (void)state;
    static const struct {
        double share, most;
    } expected[] = {{0.4, 75}, {0.5, 32}, {0.7, 16}, {0.9, 11}, {1.0, 8}};
    struct subject subject = subject_create(&detector_rejects, "");
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct stream stream = {.subject = &subject, .random = i};
        uint32_t tried = 0;
        for (int run = 0; run < 500; run++) {
            subject_forget(&subject);
            while (subject.findings.calls == 0 && ++tried)
                recipient(&stream, next_random(&stream.random) < expected[i].share * 2147483648.0 ? 550 : 250, 0);
        }
        if (tried / 500.0 > expected[i].most)
            fail_msg("%f refused: %f recipients", expected[i].share, tried / 500.0);
    }
    subject_destroy(&subject);
}

static void configuration(void **state)
{
    (void)state;
    assert_string_equal(configuration_error(&detector_rejects, "[rejects]\nshare_abuser = 0.1\n"),
                        "test.conf:2: [rejects] share_abuser: is not above share_honest; allowed is share_honest + "
                        "0.05 and more");
    assert_non_null(configuration_error(&detector_rejects, "[rejects]\nfalse_positive = 0\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(outcomes),
                                       cmocka_unit_test(reasons),
                                       cmocka_unit_test(repeats),
                                       cmocka_unit_test(refused_content),
                                       cmocka_unit_test(questions),
                                       cmocka_unit_test(no_questions),
                                       cmocka_unit_test(said_enough),
                                       cmocka_unit_test(accepted_counts),
                                       cmocka_unit_test(bounces_of_who_relays),
                                       cmocka_unit_test(words),
                                       cmocka_unit_test(tried_out),
                                       cmocka_unit_test(harvest),
                                       cmocka_unit_test(relayed),
                                       cmocka_unit_test(invented_senders),
                                       cmocka_unit_test(taken_back),
                                       cmocka_unit_test(benefit_of_the_doubt),
                                       cmocka_unit_test(error_bounds),
                                       cmocka_unit_test(newsletters),
                                       cmocka_unit_test(bots),
                                       cmocka_unit_test(configuration)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
