/* Envelope senders: who invents them, and whose honest mail has many. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_churn;

static void send_from(struct subject *subject, moment time, uint32_t server, const char *from)
{
    struct observation seen = observation_of(OBSERVATION_TRANSACTION, time, server);
    seen.transaction.from = text_of(from);
    seen.transaction.reply.code = 250;
    subject_observe(subject, &seen);
}

/* Letters as they fall, digits among them or not. */
static void invent(uint64_t *random, bool digits, uint32_t length, char *result)
{
    static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (uint32_t i = 0; i < length; i++)
        result[i] = set[next_random(random) % (digits ? 36 : 26)];
    result[length] = '\0';
}

static const char *const names[] = {
    "anna.schmidt",      "info",    "newsletter", "jsmith",     "office",       "noreply",
    "maria1985",         "bounce",  "sales",      "schwarz",    "krzysztof",    "b2bsales",
    "o.fitzgerald",      "web4you", "accounts",   "hirschmann", "marketing",    "johnny5",
    "postmaster",        "kontakt", "zuzana",     "mwright",    "msgid-1f3a9c", "bounces+71233-ab3f",
    "0100018e4b2a-7f6d", "tim",     "xavier",     "quinn",
};
#define NAMES (sizeof names / sizeof names[0])

enum form { INVENTED, INVENTED_MIXED, INVENTED_SHORT, NAMED, NUMBERED, VERP, FORWARDED, SIGNED };

static void write_sender(enum form form, uint32_t number, uint32_t domain, uint64_t *random, char *result, size_t size)
{
    char local[40];
    switch (form) {
    case INVENTED:
    case INVENTED_MIXED:
    case INVENTED_SHORT:
        invent(random, form == INVENTED_MIXED, form == INVENTED_SHORT ? 6 : 9, local);
        snprintf(result, size, "%s@domain%u.museum", local, domain);
        break;
    case NAMED:
        snprintf(result, size, "%s@domain%u.museum", names[next_random(random) % NAMES], domain);
        break;
    case NUMBERED:
        snprintf(result, size, "user%u@domain%u.museum", number, domain);
        break;
    case VERP:
        snprintf(result, size, "list-bounces+user%u=domain%u.museum@lists.museum", number, number);
        break;
    case FORWARDED:
        invent(random, true, 4, local);
        snprintf(result, size, "SRS0=%s=7T=domain%u.museum=user%u@forward.museum", local, number, number);
        break;
    case SIGNED:
        invent(random, true, 8, local);
        snprintf(result, size, "prvs=%s=user%u@domain%u.museum", local, number, domain);
        break;
    }
}

static const struct row {
    const char *name;
    enum form form;
    uint32_t messages, domains, servers;
    uint32_t of_names; /* one in so many is not of that form but has a name; 0: none */
    duration each;
    double least, most;
} rows[] = {
    /* Abusers. */
    {"a bot's first twenty", INVENTED, 20, 5000, 5000, 0, SECOND, 7.9, 12},
    {"a bot's first forty", INVENTED, 40, 5000, 5000, 0, SECOND, 11.9, 12},
    {"a bot with digits", INVENTED_MIXED, 20, 5000, 5000, 0, SECOND, 7.9, 12},
    {"a bot with short names", INVENTED_SHORT, 60, 5000, 5000, 0, SECOND, 7.9, 12},
    {"a drip of one in a minute", INVENTED, 60, 5000, 5000, 0, MINUTE, 7.9, 12},
    {"a bot that takes some names from a list", INVENTED, 80, 5000, 5000, 5, SECOND, 7.9, 12},
    {"a bot with good names", NUMBERED, 200, 5000, 5000, 0, SECOND, 3.9, 4},
    /* Honest. */
    {"a mailing list", VERP, 20000, 1, 2000, 0, 100 * MILLISECOND, 0, 0},
    {"a forwarding server with SRS", FORWARDED, 20000, 1, 30, 0, SECOND, 0, 0},
    {"a company of 200 mailboxes", NAMED, 20000, 3, 900, 0, 2 * SECOND, 0, 0},
    {"a company that signs its senders", SIGNED, 20000, 3, 900, 0, 2 * SECOND, 0, 0},
    {"a shop that numbers its senders at random", INVENTED_MIXED, 20000, 1, 900, 0, SECOND, 0, 0},
    {"a shared host with 50 domains", NAMED, 20000, 50, 900, 0, 2 * SECOND, 0, 3},
    {"a quiet shared host with 50 domains", NAMED, 400, 50, 100, 0, 3 * MINUTE, 0, 0},
    {"a forwarding server that keeps senders", NAMED, 20000, 4000, 30, 0, 4 * SECOND, 2, 4},
    {"the same in a night of spam", INVENTED, 20000, 4000, 30, 1, 4 * SECOND, 2, 8},
    {"a backup MX", NAMED, 5000, 4000, 1, 0, SECOND, 2, 2},
    {"a backup MX with a bot's mail in its queue", INVENTED, 5000, 4000, 1, 0, SECOND, 2, 2},
    {"a queue of 20,000 that moves to another machine", NAMED, 20000, 3, 3000, 0, 50 * MILLISECOND, 0, 0},
    {"signed senders of everybody", SIGNED, 1000, 4000, 30, 0, SECOND, 2, 4},
};

static void scenarios(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_churn, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        uint64_t random = 5;
        subject_forget(&subject);
        for (uint32_t k = 0; k < row->messages; k++) {
            char from[120];
            /* "1": three in four have a name, as on a server that forwards much spam. */
            bool named = row->of_names == 1 ? k % 4 != 0 : row->of_names > 1 && k % row->of_names == 0;
            write_sender(named ? NAMED : row->form, k, next_random(&random) % row->domains, &random, from, sizeof from);
            send_from(&subject, NOON + k * row->each, next_random(&random) % row->servers, from);
        }
        if (getenv("SHOW_POINTS"))
            printf("%s: %.1f\n", row->name, subject.findings.peak);
        if (subject.findings.peak < row->least || subject.findings.peak > row->most + 0.01)
            fail_msg("%s: %f \"%s\"", row->name, subject.findings.peak, subject.findings.reason);
    }
    subject_destroy(&subject);
}

/* So many of these senders, each at a domain of its own, are taken for random ones. */
static points twelve_of(struct subject *subject, const char *local)
{
    subject_forget(subject);
    for (uint32_t i = 0; i < 12; i++) {
        char from[120];
        snprintf(from, sizeof from, "%s@domain%u.museum", local, i);
        send_from(subject, NOON, i, from);
    }
    return subject->findings.sum;
}

static void random_and_not(void **state)
{
    (void)state;
    static const char *const random[] = {"xkjqwz",   "bhtrwpl",  "a1b2c3", "7fkd9",     "HGTRPLMN",
                                         "jzqxaoie", "qe8rt7yu", "wrtgbn", "kdjfhgkdj", "ab12cd34"};
    static const char *const honest[] = {"anna",
                                         "schwarzkopf",
                                         "info2024",
                                         "web4you",
                                         "b2b",
                                         "john1985",
                                         "rhythmics",
                                         "bounce-1f3a9c",
                                         "m.krtvjz",
                                         "user+a1b2c3",
                                         "SRS0=a1b2=7T=x",
                                         "12345678",
                                         "quincy",
                                         "strength",
                                         "kdj",
                                         "prvs=0a1b2c3d4e",
                                         "0100018e4b2a7f6d0100018e4b2a7f6d",
                                         "x17",
                                         "x1234567"};
    struct subject subject = subject_create(&detector_churn, "");
    for (size_t i = 0; i < sizeof random / sizeof random[0]; i++)
        if (twelve_of(&subject, random[i]) != 1200)
            fail_msg("%s is not taken for random: %d", random[i], subject.findings.sum);
    for (size_t i = 0; i < sizeof honest / sizeof honest[0]; i++)
        if (twelve_of(&subject, honest[i]) != 0)
            fail_msg("%s is taken for random", honest[i]);
    subject_destroy(&subject);
}

static void limits(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_churn, "");
    for (uint32_t i = 0; i < 6; i++) {
        char from[64];
        snprintf(from, sizeof from, "xkjqwz%c@domain%u.museum", 'a' + (char)i, i);
        send_from(&subject, NOON, i, from);
        assert_int_equal(subject.findings.sum, i < 5 ? 0 : 800);
    }
    assert_string_equal(subject.findings.reason,
                        "about 6 domains of senders in 6 transactions within 1 hour, most senders "
                        "of random letters; the last was <xkjqwzf@domain5.museum>");
    subject_destroy(&subject);
    subject = subject_create(&detector_churn, "[churn]\nrandom = 0\ndomains = 0\n");
    assert_int_equal(twelve_of(&subject, "xkjqwz"), 0);
    subject_destroy(&subject);
}

/* The null sender is nobody's, and what has no domain is no domain. */
static void no_domain(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_churn, "");
    for (uint32_t i = 0; i < 100; i++) {
        send_from(&subject, NOON, i, "");
        send_from(&subject, NOON, i, "xkjqwz");
        send_from(&subject, NOON, i, "@");
    }
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(scenarios), cmocka_unit_test(random_and_not),
                                       cmocka_unit_test(limits), cmocka_unit_test(no_domain)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
