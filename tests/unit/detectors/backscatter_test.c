/* Null-sender mail: sources of backscatter and bombers within twenty messages, and whose bounces count little. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_backscatter;

static void name_recipient(struct subject *subject, moment time, uint32_t server, const char *from, const char *to,
                           uint16_t code)
{
    struct observation seen = recipient_of(time, from, to, code, 0);
    seen.server.bytes[3] = (uint8_t)server;
    subject_observe(subject, &seen);
}

static void content(struct subject *subject, moment time, const char *from, uint32_t recipients)
{
    struct observation seen = observation_of(OBSERVATION_MESSAGE, time, 1);
    seen.message.from = text_of(from);
    seen.message.recipients = recipients;
    seen.message.reply.code = 250;
    subject_observe(subject, &seen);
}

/* Messages of the null sender to so many recipients at so many domains and servers, and others between them. */
static const struct row {
    const char *name;
    uint32_t nulls, recipients, domains, servers;
    uint32_t others; /* messages with a sender, spread evenly between them */
    duration each;
    const char *local;
    double least, most; /* of the account's peak */
} rows[] = {
    /* Abusers. */
    {"a source of backscatter, its 15th message", 15, 15, 15, 15, 0, 10 * SECOND, "user", 9.8, 10},
    {"a source of backscatter, its 16th message", 16, 16, 16, 16, 0, 10 * SECOND, "user", 15.8, 16},
    {"its victims at a few providers", 16, 16, 5, 5, 0, 10 * SECOND, "user", 15.8, 16},
    {"a slow one, within an hour", 59, 59, 59, 59, 0, MINUTE, "user", 13.0, 16},
    {"a bomber of one person", 16, 1, 1, 1, 0, 2 * SECOND, "user", 15.8, 16},
    {"a bomber of three", 16, 3, 3, 2, 0, 2 * SECOND, "user", 15.8, 16},
    {"a bomber that works for hours", 1000, 3, 3, 3, 0, 30 * SECOND, "user", 15.8, 16},
    /* Honest. */
    {"five bounces", 5, 5, 5, 5, 0, SECOND, "user", 0, 0},
    {"six bounces", 6, 6, 6, 6, 0, SECOND, "user", 2.9, 3},
    {"a personal server: one bounce an hour", 100, 100, 100, 100, 0, HOUR, "user", 0, 0},
    {"a forwarding server's bounces in its busiest hour", 100, 100, 100, 100, 100, 10 * SECOND, "user", 0, 6},
    {"a hundred bounces a day beside other mail", 100, 100, 100, 100, 900, 86 * SECOND, "user", 0, 0},
    {"a company's holiday answers at night", 30, 30, 30, 30, 0, 2 * MINUTE, "user", 0, 6},
    {"a ticket system's receipts", 300, 300, 200, 100, 150, MINUTE, "user", 0, 9},
    {"a backup MX with bounces for its primary", 160, 160, 1, 1, 0, SECOND, "user", 3.9, 4},
    {"bounces to one mailing list", 50, 50, 1, 1, 0, MINUTE, "list-bounces+user", 2.9, 4},
    {"reports on DMARC", 500, 500, 500, 300, 0, SECOND, "dmarc-reports", 0, 0},
    {"reports on DMARC, short name", 500, 500, 500, 300, 0, SECOND, "rua-", 0, 0},
    {"reports on TLS", 500, 500, 500, 300, 0, SECOND, "tlsrpt", 0, 0},
};

static void deliver(struct subject *subject, const struct row *row)
{
    uint32_t all = row->nulls + row->others;
    for (uint32_t i = 0, null = 0; i < all; i++) {
        moment now = NOON + i * row->each;
        if ((uint64_t)(i + 1) * row->nulls / all == null) {
            name_recipient(subject, now, 1, "shop@customer.museum", "bob@there.museum", 250);
            content(subject, now, "shop@customer.museum", 1);
            continue;
        }
        char to[64];
        snprintf(to, sizeof to, "%s%u@domain%u.museum", row->local, null % row->recipients, null % row->domains);
        name_recipient(subject, now, null % row->servers, "", to, 250);
        content(subject, now, "", 1);
        null++;
    }
}

static void scenarios(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_backscatter, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        deliver(&subject, &rows[i]);
        if (getenv("SHOW_POINTS"))
            printf("%s: %.1f\n", rows[i].name, subject.findings.peak);
        if (subject.findings.peak < rows[i].least || subject.findings.peak > rows[i].most + 0.01)
            fail_msg("%s: %f \"%s\"", rows[i].name, subject.findings.peak, subject.findings.reason);
    }
    subject_destroy(&subject);
}

/* What one message in a bounce's clothes says of itself: a hundred recipients. */
static void many_recipients_at_once(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_backscatter, "");
    for (uint32_t i = 0; i < 100; i++) {
        char to[64];
        snprintf(to, sizeof to, "user%u@domain%u.museum", i, i);
        name_recipient(&subject, NOON, i % 5, "", to, 250);
    }
    content(&subject, NOON, "", 100);
    assert_int_equal(subject.findings.sum, 1600);
    assert_string_equal(subject.findings.reason, "1 of 1 messages have the null sender, to 100 recipients in 10 "
                                                 "minutes; the limit is 5; in 1 hour they went to about 97 different "
                                                 "ones at 96 domains");
    subject_destroy(&subject);
}

/* Exim's callouts, the address verification of others: a thousand recipients and no content. The bounces between them
 * still count, as so many. */
static void asking_is_no_mail(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_backscatter, "");
    for (uint32_t i = 0; i < 1000; i++) {
        char to[64];
        snprintf(to, sizeof to, "bob%u@there%u.museum", i, i % 50);
        name_recipient(&subject, NOON + i * MILLISECOND, i % 50, "", to, 250);
        if (i < 5)
            content(&subject, NOON + i * MILLISECOND, "", 1);
    }
    assert_int_equal(subject.findings.calls, 0);
    content(&subject, NOON + SECOND, "", 1);
    assert_int_equal(subject.findings.sum, 300);
    subject_destroy(&subject);
}

/* Where MAIL was lost in a gap nobody knows that the sender was empty. */
static void unknown_sender_is_not_the_null_sender(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_backscatter, "");
    for (int i = 0; i < 50; i++) {
        struct observation seen = observation_of(OBSERVATION_MESSAGE, NOON, 1);
        seen.message.recipients = 1;
        subject_observe(&subject, &seen);
    }
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

/* A backup MX of many mails a day that bounces all that has waited for five days, at once: a person may look. */
static void five_days_queue(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_backscatter, "");
    for (int i = 0; i < 5000; i++)
        content(&subject, NOON - 20 * HOUR + i * 10 * SECOND, "someone@there.museum", 1);
    deliver(&subject, &(struct row){"", 1000, 1000, 300, 100, 0, SECOND, "user", 0, 0});
    assert_true(subject.findings.peak > 8.9 && subject.findings.peak <= 9.01);
    subject_destroy(&subject);
}

/* Reports that are announced and never sent excuse no more than a few messages. */
static void excuses_are_few(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_backscatter, "");
    for (int i = 0; i < 1000; i++)
        name_recipient(&subject, NOON, 1, "", "dmarc@there.museum", 250);
    deliver(&subject, &(struct row){"", 32, 32, 32, 32, 0, SECOND, "user", 0, 0});
    assert_true(subject.findings.peak > 15.9);
    subject_destroy(&subject);
}

static void limits_of_ones_own(void **state)
{
    (void)state;
    static const struct row flood = {"", 200, 200, 200, 100, 0, SECOND, "user", 0, 0};
    struct subject subject = subject_create(&detector_backscatter, "[backscatter]\nrecipients_10m = 200\n");
    deliver(&subject, &flood);
    assert_true(subject.findings.peak > 15.9); /* the hour's limit is passed still */
    subject_destroy(&subject);
    subject = subject_create(&detector_backscatter, "[backscatter]\nrecipients_10m = 200\nrecipients_1h = 200\n");
    deliver(&subject, &flood);
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
    subject = subject_create(&detector_backscatter, "[backscatter]\nrecipients_10m = 0\nrecipients_1h = 0\n");
    deliver(&subject, &flood);
    assert_int_equal(subject.findings.calls, 0);
    subject_destroy(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenarios),         cmocka_unit_test(many_recipients_at_once),
        cmocka_unit_test(asking_is_no_mail), cmocka_unit_test(unknown_sender_is_not_the_null_sender),
        cmocka_unit_test(five_days_queue),   cmocka_unit_test(excuses_are_few),
        cmocka_unit_test(limits_of_ones_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
