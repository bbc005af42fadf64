/* Recipients in a guesser's order, and whose honest lists are sorted. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_dictionary;

static const char *const sorted[] = {"aaron",  "abby", "adam",   "agnes",  "alan",   "albert", "alfred", "alice",
                                     "amanda", "amy",  "angela", "arne",   "arthur", "barry",  "ben",    "bernd",
                                     "betty",  "bill", "boris",  "bruce",  "carl",   "carol",  "cathy",  "clara",
                                     "clive",  "curt", "cyril",  "damian", "dean",   "dora"};
#define SORTED (sizeof sorted / sizeof sorted[0])
static const char *const common[] = {"info", "sales", "admin", "john", "support", "test",  "contact", "mary",
                                     "hr",   "bob",   "peter", "jobs", "news",    "david", "office",  "tom"};
#define COMMON (sizeof common / sizeof common[0])

enum order { IN_ORDER, COUNTED, COMMON_NAMES, COMMON_WIDE, SAME_NAME, SAME_OTHER, BY_CHANCE };

static const struct row {
    const char *name;
    enum order order;
    uint32_t recipients, domains, servers;
    uint32_t from_domains; /* of senders */
    double unknown;
    const char *from;
    duration each;
    double least, most;
} rows[] = {
    /* Abusers. */
    {"a sorted list at one domain, twenty", IN_ORDER, 20, 1, 1, 1, 0.9, "a", SECOND, 7.9, 9},
    {"a sorted list, half good", IN_ORDER, 30, 1, 1, 1, 0.7, "a", SECOND, 7.9, 9},
    {"counted up, twenty", COUNTED, 20, 1, 1, 1, 0.9, "a", SECOND, 6.9, 9},
    {"common names at one domain, sixteen", COMMON_NAMES, 16, 1, 1, 1, 0.9, "a", SECOND, 6.9, 9},
    {"common names at domain after domain", COMMON_WIDE, 48, 12, 12, 1, 0.7, "a", SECOND, 6.9, 9},
    {"info@ at ever new domains", SAME_NAME, 40, 1000, 1000, 1, 0.7, "a", SECOND, 6.9, 7},
    {"a name of one's own at ever new domains", SAME_OTHER, 40, 1000, 1000, 1, 0.7, "a", SECOND, 4.9, 5},
    {"common names where all is accepted", COMMON_NAMES, 16, 1, 1, 1, 0, "a", SECOND, 1.9, 2},
    /* Honest. */
    {"a newsletter sorted by address, 8 % stale", COUNTED, 20000, 200, 100, 1, 0.08, "a", 100 * MILLISECOND, 0, 0},
    {"a newsletter sorted by name at one domain", IN_ORDER, 30, 1, 1, 1, 0.08, "a", SECOND, 0, 0},
    {"a school's numbered mailboxes", COUNTED, 1000, 1, 1, 1, 0.02, "a", SECOND, 0, 0},
    {"a newsletter to offices (info@)", SAME_NAME, 5000, 5000, 1000, 1, 0.08, "a", SECOND, 0, 0},
    {"a sign-up site with many false addresses", BY_CHANCE, 2000, 5, 5, 1, 0.3, "a", MINUTE, 0, 4},
    {"a list of which four in ten are dead, unsorted", BY_CHANCE, 400, 3, 3, 1, 0.4, "a", SECOND, 0, 4},
    {"a backup MX that hands on an attack", COUNTED, 5000, 1, 1, 500, 0.98, "a", SECOND, 0, 2},
    {"callouts", COUNTED, 5000, 3, 3, 1, 0.7, "", SECOND, 0, 0},
    {"address verification", COUNTED, 5000, 3, 3, 1, 0.7, "double-bounce", SECOND, 0, 0},
    {"four offices of one company", COMMON_NAMES, 4, 1, 1, 1, 0.9, "a", SECOND, 0, 0},
};

static void write_recipient(const struct row *row, uint32_t i, uint64_t *random, char *result, size_t size)
{
    uint32_t domain = i % row->domains;
    switch (row->order) {
    case IN_ORDER:
        snprintf(result, size, "%s@victim%u.museum", sorted[i / row->domains % SORTED], domain);
        break;
    case COUNTED:
        snprintf(result, size, "name%u@victim%u.museum", i / row->domains, domain);
        break;
    case COMMON_NAMES:
        snprintf(result, size, "%s@victim%u.museum", common[i % COMMON], domain);
        break;
    case COMMON_WIDE: /* four at each */
        snprintf(result, size, "%s@victim%u.museum", common[i % 4], i / 4 % row->domains);
        break;
    case SAME_NAME:
        snprintf(result, size, "info@victim%u.museum", domain);
        break;
    case SAME_OTHER:
        snprintf(result, size, "kprice@victim%u.museum", domain);
        break;
    case BY_CHANCE:
        snprintf(result, size, "%c%c%s%u@victim%u.museum", 'a' + (char)(next_random(random) % 26),
                 'a' + (char)(next_random(random) % 26), sorted[next_random(random) % SORTED],
                 next_random(random) % 100, domain);
        break;
    }
}

static void scenarios(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_dictionary, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        uint64_t random = 3;
        subject_forget(&subject);
        for (uint32_t k = 0; k < row->recipients; k++) {
            char from[64] = "", to[64];
            if (row->from[0])
                snprintf(from, sizeof from, "%s@customer%u.museum", row->from, k % row->from_domains);
            write_recipient(row, k, &random, to, sizeof to);
            bool unknown = next_random(&random) < row->unknown * 2147483648.0;
            struct observation seen = recipient_of(NOON + k * row->each, from, to, unknown ? 550 : 250, 0);
            seen.server.bytes[3] = (uint8_t)(k % row->servers);
            subject_observe(&subject, &seen);
        }
        if (getenv("SHOW_POINTS"))
            printf("%s: %.1f\n", row->name, subject.findings.peak);
        if (subject.findings.peak < row->least || subject.findings.peak > row->most + 0.01)
            fail_msg("%s: %f \"%s\"", row->name, subject.findings.peak, subject.findings.reason);
    }
    subject_destroy(&subject);
}

static points guess(struct subject *subject, uint32_t number, uint16_t code, uint16_t enhanced)
{
    for (uint32_t i = 0; i < number; i++) {
        char to[64];
        snprintf(to, sizeof to, "%s@victim.museum", sorted[i % SORTED]);
        struct observation seen = recipient_of(NOON, "a@customer.museum", to, code, enhanced);
        subject_observe(subject, &seen);
    }
    return subject->findings.sum;
}

/* The first recipient begins the row; the eighth is worth 4 points, each two further ones one more, up to 9. */
static void steps(void **state)
{
    (void)state;
    static const struct {
        uint32_t recipients;
        points want;
    } counts[] = {{7, 0}, {8, 400}, {9, 400}, {10, 500}, {16, 800}, {18, 900}, {30, 900}};
    struct subject subject = subject_create(&detector_dictionary, "");
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        subject_forget(&subject);
        assert_int_equal(guess(&subject, counts[i].recipients, 550, 50101), counts[i].want);
    }
    subject_forget(&subject);
    guess(&subject, 8, 550, 0);
    assert_string_equal(subject.findings.reason, "8 recipients in alphabetical order at one domain; 8 of 8 recipients "
                                                 "unknown within 1 hour; the last was <alice@victim.museum>");
    subject_destroy(&subject);
}

/* Where MAIL was lost the sender is neither the null sender, which only asks, nor one of the domains of a relay. */
static void a_sender_that_was_not_seen(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_dictionary, "");
    for (uint32_t i = 0; i < 30; i++) {
        char from[64], to[64];
        snprintf(from, sizeof from, "a@owner%u.museum", i / 2 % 4);
        snprintf(to, sizeof to, "%s@victim.museum", sorted[i]);
        struct observation seen = recipient_of(NOON, from, to, 550, 50101);
        if (i % 2)
            seen.recipient.from = (struct text){NULL, 0};
        subject_observe(&subject, &seen);
    }
    assert_int_equal(subject.findings.sum, 900);
    subject_destroy(&subject);
}

/* Policy, greylisting, full mailboxes and a sender's address that is disliked say nothing of who exists. */
static void other_refusals(void **state)
{
    (void)state;
    static const struct {
        uint16_t code, enhanced;
    } replies[] = {{450, 40701}, {451, 0}, {550, 50701}, {552, 50202}, {553, 50107}, {554, 0}, {0, 0}, {250, 20105}};
    struct subject subject = subject_create(&detector_dictionary, "");
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        subject_forget(&subject);
        assert_int_equal(guess(&subject, 30, replies[i].code, replies[i].enhanced), 0);
    }
    subject_destroy(&subject);
}

/* A sorted newsletter comes to a domain that has died: twenty unknown in order, among hundreds that exist. */
static void dead_domain(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_dictionary, "");
    for (uint32_t i = 0; i < 200; i++) {
        char to[64];
        snprintf(to, sizeof to, "%s@domain%u.museum", sorted[i % SORTED], i / 20);
        struct observation seen = recipient_of(NOON, "a@customer.museum", to, i / 20 == 5 ? 550 : 250, 0);
        subject_observe(&subject, &seen);
    }
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

/* A greylisted recipient that is tried again is no step, upwards or back. */
static void tried_again(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_dictionary, "");
    for (int i = 0; i < 100; i++) {
        struct observation seen = recipient_of(NOON, "a@customer.museum", "bob7@there.museum", 550, 50101);
        subject_observe(&subject, &seen);
    }
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenarios),      cmocka_unit_test(steps),       cmocka_unit_test(a_sender_that_was_not_seen),
        cmocka_unit_test(other_refusals), cmocka_unit_test(dead_domain), cmocka_unit_test(tried_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
