/* opinion: whose mail receivers refuse for what it is, and whose refusals say nothing. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_opinion;

struct row {
    const char *name;
    double refused;                        /* share of the recipients, by policy */
    const char *phrase;                    /* of the refusal */
    uint32_t recipients, servers, domains; /* different ones, servers by network; recipients 0: each but once */
    uint32_t unknown;                      /* one recipient in so many does not exist; 0: none */
    uint32_t number;
    duration each;
    double least, most; /* points at the highest, in every one of ten runs */
};

static const struct row rows[] = {
    {"spam, 20 % refused", 0.2, "Message rejected due to content restrictions", 0, 400, 1, 0, 200, SECOND, 11.5, 11.9},
    {"spam, 12 % refused", 0.12, "Message rejected due to content restrictions", 0, 400, 1, 0, 500, SECOND, 11.5, 11.9},
    {"a slow drip of it", 0.2, "Message rejected due to content restrictions", 0, 400, 1, 0, 600, MINUTE, 9, 11.9},
    {"behind forged senders, to a list with holes", 0.2, "no thanks, spam", 0, 400, 50, 6, 300, SECOND, 11.5, 11.9},
    {"a newsletter to 20,000, 1.2 % refused", 0.012, "rejected by policy", 0, 1000, 1, 0, 20000, SECOND / 3, 0, 11.9},
    {"nothing refused", 0, "", 0, 400, 1, 0, 5000, SECOND, 0, 0},
    {"greylisted, full, unknown", 0, "", 0, 400, 1, 3, 5000, SECOND, 0, 0},
    {"a forwarding server with 40 users", 0.15, "spam message rejected", 40, 12, 300, 0, 2000, 30 * SECOND, 0, 11},
    {"one with 40 users and one sender domain", 0.15, "spam message rejected", 40, 12, 1, 0, 2000, 30 * SECOND, 0,
     12.5},
    {"a backup MX and its primary", 0.1, "spam message rejected", 0, 1, 300, 0, 5000, 10 * SECOND, 0, 9.5},
    {"one server that refuses a third", 0.3, "refused by policy", 0, 1, 1, 0, 30, SECOND, 0, 9.5},
};

static struct address server_of(uint32_t network, uint32_t host)
{
    return observation_of(OBSERVATION_RECIPIENT, 0, network << 8 | host).server;
}

/* The peak of one run. */
static double run(struct subject *subject, const struct row *row, uint64_t *random)
{
    subject_forget(subject);
    for (uint32_t i = 0; i < row->number; i++) {
        char from[64], to[64];
        uint32_t recipient = row->recipients ? next_random(random) % row->recipients : i;
        snprintf(from, sizeof from, "news@sender%u.museum", next_random(random) % row->domains);
        snprintf(to, sizeof to, "reader%u@place%u.museum", recipient, recipient % 7);
        bool refused = next_random(random) % 100000 < row->refused * 100000;
        bool unknown = row->unknown && next_random(random) % row->unknown == 0;
        struct observation seen = recipient_of(NOON + i * row->each, from, to, refused || unknown ? 550 : 250,
                                               unknown   ? 50101
                                               : refused ? 50701
                                                         : 0);
        seen.server = server_of(recipient % row->servers, 0);
        seen.recipient.reply.phrase = text_of(refused && !unknown ? row->phrase : "");
        subject_observe(subject, &seen);
    }
    return subject->findings.peak;
}

static void senders(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_opinion, "");
    uint64_t random = 5;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int round = 0; round < 10; round++) {
            double peak = run(&subject, &rows[i], &random);
            if (peak < rows[i].least - 0.01 || peak > rows[i].most + 0.01)
                fail_msg("%s: %f (%s)", rows[i].name, peak, subject.findings.reason);
        }
    }
    subject_destroy(&subject);
}

/* A bot that sends `times` as much to mailboxes of its own, on so many addresses of one network, as it sends spam. */
static double with_sink(struct subject *subject, uint32_t times, uint32_t addresses)
{
    uint64_t random = 9;
    subject_forget(subject);
    for (uint32_t i = 0; i < 2000; i++) {
        char to[64];
        bool sink = i % (times + 1) != 0, refused = !sink && next_random(&random) % 100 < 16;
        snprintf(to, sizeof to, sink ? "me%u@sink.museum" : "reader%u@place.museum", sink ? i % 20 : i);
        struct observation seen =
            recipient_of(NOON + i * SECOND, "me@here.museum", to, refused ? 550 : 250, refused ? 50701 : 0);
        seen.server = server_of(sink ? 7 : 1000 + i, sink ? i % addresses : 0);
        seen.recipient.reply.phrase = refused ? TEXT("spam message rejected") : TEXT("");
        subject_observe(subject, &seen);
    }
    return subject->findings.peak;
}

static void own_sink(void **state)
{
    (void)state;
    static const struct {
        uint32_t times, addresses;
    } cases[] = {{3, 1}, {3, 16}, {9, 1}, {9, 16}};
    struct subject subject = subject_create(&detector_opinion, "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double peak = with_sink(&subject, cases[i].times, cases[i].addresses);
        if (peak < 11)
            fail_msg("%u times, %u addresses: %f", cases[i].times, cases[i].addresses, peak);
    }
    subject_destroy(&subject);
}

/* A large receiver that refuses all from sixteen servers in its network has one opinion; three of them have three. */
static void many_servers_of_one(void **state)
{
    (void)state;
    static const struct {
        uint32_t networks;
        double least, most;
    } cases[] = {{1, 8.5, 9.5}, {2, 8.5, 9.5}, {3, 10.9, 11.9}};
    struct subject subject = subject_create(&detector_opinion, "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        subject_forget(&subject);
        for (uint32_t k = 0; k < 64; k++) {
            char to[64];
            snprintf(to, sizeof to, "reader%u@large.museum", k);
            struct observation seen = recipient_of(NOON + k * SECOND, "me@here.museum", to, 550, 50701);
            seen.server = server_of(k % cases[i].networks, k % 16);
            seen.recipient.reply.phrase = TEXT("rejected by policy");
            subject_observe(&subject, &seen);
        }
        double peak = subject.findings.peak;
        if (peak < cases[i].least - 0.01 || peak > cases[i].most + 0.01)
            fail_msg("%u networks: %f", cases[i].networks, peak);
    }
    subject_destroy(&subject);
}

static points say(struct subject *subject, uint32_t k, uint16_t code, uint16_t enhanced, const char *phrase)
{
    char to[64];
    snprintf(to, sizeof to, "reader%u@there.museum", k);
    struct observation seen = recipient_of(NOON + k * SECOND, "me@here.museum", to, code, enhanced);
    seen.server = server_of(k, 0);
    seen.recipient.reply.phrase = text_of(phrase);
    return subject_observe(subject, &seen);
}

/* What a single answer is worth, from a server that has not refused before. */
static void answers(void **state)
{
    (void)state;
    static const struct {
        uint16_t code, enhanced;
        const char *phrase;
        double want;
    } cases[] = {
        {550, 50701, "rejected by policy", 6.99},
        {554, 50600, "spam message rejected", 6.99},
        {554, 50701, "Client host [203.0.113.7] blocked using zen.spamhaus.org", 2.33},
        {550, 50101, "user unknown", 0},
        {552, 50202, "mailbox full", 0},
        {450, 40701, "greylisted", 0},
        {451, 40701, "rejected by policy, for now", 0},
        {550, 50726, "unauthenticated mail, DMARC", 0},
        {250, 20105, "ok", 0},
    };
    struct subject subject = subject_create(&detector_opinion, "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        subject_forget(&subject);
        double got = say(&subject, 1, cases[i].code, cases[i].enhanced, cases[i].phrase) / 100.0;
        if (fabs(got - cases[i].want) > 0.02)
            fail_msg("%u %s: %f", cases[i].code, cases[i].phrase, got);
    }
    subject_destroy(&subject);
}

static void taken_back(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_opinion, "");
    say(&subject, 1, 550, 50701, "rejected by policy");
    assert_string_equal(
        subject.findings.reason,
        "1 of 1 recipients and messages refused by policy or content; the last: 550 rejected by policy");
    for (uint32_t k = 2; k < 40; k++)
        say(&subject, k, 250, 20105, "ok");
    assert_true(subject_account(&subject, NOON + MINUTE) < 1);
    assert_non_null(strstr(subject.findings.reason, "taken back"));
    subject_destroy(&subject);
}

/* A message that is refused counts as a refusal; one that is taken says no more than its recipients did. */
static void content(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_opinion, "");
    struct observation seen = observation_of(OBSERVATION_MESSAGE, NOON, 1);
    seen.message.from = TEXT("me@here.museum");
    seen.message.reply = (struct reply){.code = 250, .phrase = TEXT("queued")};
    assert_int_equal(subject_observe(&subject, &seen), 0);
    seen.message.reply = (struct reply){.code = 554, .enhanced = 50701, .phrase = TEXT("spam message rejected")};
    assert_int_equal(subject_observe(&subject, &seen), 699);
    assert_true(subject_observe(&subject, &seen) < 200); /* the same server once more */
    subject_destroy(&subject);
}

static void settings(void **state)
{
    (void)state;
    const char *wrong = configuration_error(&detector_opinion, "[opinion]\nshare_honest = 0.2\n");
    assert_non_null(wrong);
    assert_non_null(strstr(wrong, "test.conf:2: [opinion] share_abuser: is not above share_honest"));
    assert_null(configuration_error(&detector_opinion, "[opinion]\nshare_honest = 0.05\nshare_abuser = 0.3\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(senders),  cmocka_unit_test(own_sink),   cmocka_unit_test(many_servers_of_one),
        cmocka_unit_test(answers),  cmocka_unit_test(taken_back), cmocka_unit_test(content),
        cmocka_unit_test(settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
