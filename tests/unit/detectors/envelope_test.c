/* Junk in the envelope: what the shipped maps hold against a sender, and how little carelessness counts. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_envelope;

static points sender(struct subject *subject, moment time, const char *from)
{
    struct observation seen = observation_of(OBSERVATION_TRANSACTION, time, 1);
    seen.transaction.from = text_of(from);
    return subject_observe(subject, &seen);
}

static points recipient(struct subject *subject, moment time, const char *from, const char *address)
{
    struct observation seen = recipient_of(time, from, address, 250, 0);
    return subject_observe(subject, &seen);
}

static const struct row {
    const char *name, *from, *to;
    points want;
    const char *want_reason;
} rows[] = {
    {"honest mail", "shop@customer.museum", "bob@there.museum", 0, ""},
    {"a placeholder", "you@example.com", "bob@there.museum", 300,
     "sender <you@example.com>: the placeholder of a sample configuration"},
    {"to a placeholder", "shop@customer.museum", "You@Example.com", 300,
     "recipient <You@Example.com>: the placeholder of a sample configuration"},
    {"fail2ban", "fail2ban@example.com", "admin@customer.museum", 200,
     "sender <fail2ban@example.com>: fail2ban with the sample configuration's sender"},
    {"a domain for examples", "x1@mail.example.net", "bob@there.museum", 200,
     "sender <x1@mail.example.net>: a domain reserved for examples"},
    {"an invalid domain", "x@y.invalid", "bob@there.museum", 200,
     "sender <x@y.invalid>: a domain that is invalid on purpose"},
    {"cron", "root@localhost.localdomain", "root@localhost.localdomain", 100,
     "sender <root@localhost.localdomain>: mail of a machine that has no name"},
    {"a web site", "wordpress@localhost", "bob@there.museum", 100,
     "sender <wordpress@localhost>: a web site that does not know its own name"},
    {"one bounce", "", "bob@there.museum", 0, ""},
};

static void shipped_maps(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_envelope, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        points got = sender(&subject, NOON, rows[i].from) + recipient(&subject, NOON, rows[i].from, rows[i].to);
        if (got != rows[i].want || strcmp(subject.findings.reason, rows[i].want_reason) != 0)
            fail_msg("%s: %d \"%s\"", rows[i].name, got, subject.findings.reason);
    }
    subject_destroy(&subject);
}

/* Cron, fail2ban and monitoring mail root@localhost.localdomain every five minutes for weeks: carelessness, never an
 * alert. */
static void careless_for_weeks(void **state)
{
    (void)state;
    static const char *const names[] = {"root@localhost.localdomain", "root@localhost", "www-data@localhost",
                                        "nobody@web.localdomain", "munin@server.local"};
    struct subject subject = subject_create(&detector_envelope, "");
    for (int i = 0; i < 28 * 24 * 12; i++) {
        sender(&subject, NOON + i * 5 * MINUTE, names[i % 5]);
        recipient(&subject, NOON + i * 5 * MINUTE, names[i % 5], names[i % 2]);
    }
    assert_true(subject.findings.calls > 28);
    assert_true(subject.findings.peak <= 3.0);
    subject_destroy(&subject);
}

/* The sample configuration's fail2ban as well, sender and recipient: 5 points, for as long as it lasts. */
static void sample_configuration(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_envelope, "");
    for (int i = 0; i < 7 * 24 * 12; i++) {
        sender(&subject, NOON + i * 5 * MINUTE, "fail2ban@example.com");
        recipient(&subject, NOON + i * 5 * MINUTE, "fail2ban@example.com", "you@example.com");
    }
    assert_true(subject.findings.peak <= 5.0);
    assert_true(subject_account(&subject, NOON + 7 * DAY) > 2.0);
    subject_destroy(&subject);
}

/* A bot that makes its senders up: alert after five mails, never more than `most`. */
static void invented_senders(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_envelope, "");
    for (int i = 0; i < 1000; i++) {
        char from[64];
        snprintf(from, sizeof from, "x%d@example.com", i);
        sender(&subject, NOON + i * SECOND, from);
        if (i == 4)
            assert_true(subject.findings.account > 9.9);
    }
    assert_true(subject.findings.peak > 9.9 && subject.findings.peak <= 10.0);
    subject_destroy(&subject);
}

/* A forgotten setting goes to one or two people, a bot's placeholder to everybody on its list. */
static void placeholder_to_many(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        int recipients;
        double least, most;
    } spreads[] = {{"you@example.com", 2, 3, 3.01},
                   {"you@example.com", 12, 5.9, 6.01},
                   {"you@example.com", 60, 9.9, 10.01},
                   {"www-data@localhost", 60, 0.9, 1.01},
                   {"shop@customer.museum", 60, 0, 0}};
    struct subject subject = subject_create(&detector_envelope, "");
    for (size_t row = 0; row < sizeof spreads / sizeof spreads[0]; row++) {
        subject_forget(&subject);
        for (int i = 0; i < spreads[row].recipients; i++) {
            char to[64];
            snprintf(to, sizeof to, "user%d@other.museum", i);
            sender(&subject, NOON + i * MILLISECOND, spreads[row].from);
            recipient(&subject, NOON + i * MILLISECOND, spreads[row].from, to);
        }
        if (subject.findings.peak < spreads[row].least || subject.findings.peak > spreads[row].most)
            fail_msg("%s to %d: %f", spreads[row].from, spreads[row].recipients, subject.findings.peak);
    }
    subject_destroy(&subject);
}

/* A site's own maps, after the shipped ones or in their place. */
static void own_maps(void **state)
{
    (void)state;
    FILE *file = fopen("envelope_test.map", "w");
    assert_non_null(file);
    fputs("/^bounce-\\d+@/ REJECT a bounce address\n/@customer\\.museum$/ OK\n/museum$/ WARN points=2.5\n", file);
    fclose(file);
    struct subject subject = subject_create(
        &detector_envelope, "[envelope]\nsender_maps = pcre:envelope_test.map builtin:sender_access\npoints = 4\n");
    assert_int_equal(sender(&subject, NOON, "bounce-17@there.museum"), 400);
    assert_string_equal(subject.findings.reason, "sender <bounce-17@there.museum>: a bounce address");
    assert_int_equal(sender(&subject, NOON, "root@customer.museum"), 0);
    assert_int_equal(sender(&subject, NOON, "x@some.museum"), 250);
    assert_string_equal(subject.findings.reason, "sender <x@some.museum>: an access map warns of it");
    assert_int_equal(sender(&subject, NOON, "y@some.museum"), 50); /* warnings: 3 points in all */
    assert_int_equal(sender(&subject, NOON, "you@example.com"), 300);
    subject_destroy(&subject);
    remove("envelope_test.map");
}

static int read_nothing(void *context, const char *name, struct text *result, struct error *error)
{
    (void)result;
    if (strcmp(name, "builtin:sender_access") == 0)
        return *result = TEXT("a OK\n"), 0;
    *(const char **)context = name;
    return error_set(error, 2, "cannot read %s", name);
}

static void missing_map(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_envelope, "");
    detector_envelope.unload(subject.settings);
    const char *asked = NULL;
    struct file_source source = {read_nothing, &asked};
    struct error error = {0};
    assert_int_equal(detector_envelope.load(subject.settings, &source, &error), -2);
    assert_string_equal(error.text, "cannot read builtin:recipient_access");
    assert_int_equal(sender(&subject, NOON, "you@example.com"), 0); /* without maps: nothing is known */
    subject_destroy(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shipped_maps),         cmocka_unit_test(careless_for_weeks),
                                       cmocka_unit_test(sample_configuration), cmocka_unit_test(invented_senders),
                                       cmocka_unit_test(placeholder_to_many),  cmocka_unit_test(own_maps),
                                       cmocka_unit_test(missing_map)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
