/* Traps: one may be hit by mistake, several are nobody's mistake; and what scrapers leave, in the shipped map. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_trap;

#define MAP "trap_test.map"
static const char own_map[] = "old@customer.museum REJECT\n"
                              "hidden@customer.museum REJECT points=12 stands in a page's source only\n"
                              "trap.museum REJECT\n"
                              "friend@trap.museum OK\n"
                              "doubtful.museum WARN\n";

static struct subject with_own_map(const char *configuration)
{
    FILE *file = fopen(MAP, "w");
    assert_non_null(file);
    fputs(own_map, file);
    fclose(file);
    char text[400];
    snprintf(text, sizeof text, "[trap]\nrecipient_maps = hash:" MAP " pcre:builtin:trap_access\n%s", configuration);
    struct subject subject = subject_create(&detector_trap, text);
    remove(MAP);
    return subject;
}

static points write_to(struct subject *subject, moment time, const char *from, const char *to)
{
    struct observation seen = recipient_of(time, from, to, 250, 0);
    return subject_observe(subject, &seen);
}

static const struct row {
    const char *to;
    points want;
} rows[] = {
    {"bob@there.museum", 0},
    {"email@there.museum", 0},
    {"source@there.museum", 0},
    {"u0033@there.museum", 0},
    {"bob%there.museum@relay.museum", 0},
    {"jpg@there.museum", 0},
    {"bob@png.museum", 0},
    {"removed@there.museum", 0},
    {"CAB@mail.gmail.com", 0},
    {"mailto:bob@there.museum", 300},
    {"MAILTO:bob@there.museum", 300},
    {"email:bob@there.museum", 300},
    {"%20bob@there.museum", 300},
    {"u003ebob@there.museum", 400},
    {"u0022bob@there.museum", 400},
    {"&gt;bob@there.museum", 400},
    {"logo@2x.png", 300},
    {"picture@3x.webp", 300},
    {"bob@removethis.there.museum", 300},
    {"bob-remove-this@there.museum", 300},
    {"CAKr5ZKrPq4DqXyz0Jw=_xK5w9sF7cUuJf+Vn8t2mWQdLhRyxA@mail.gmail.com", 400},
    {"DB7PR04MB5196@DB7PR04MB5196.eurprd04.prod.outlook.com", 400},
};

static void shipped_map(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_trap, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        points got = write_to(&subject, NOON, "shop@customer.museum", rows[i].to);
        if (got != rows[i].want)
            fail_msg("%s: %d", rows[i].to, got);
    }
    subject_forget(&subject);
    write_to(&subject, NOON, "shop@customer.museum", "mailto:bob@there.museum");
    assert_string_equal(subject.findings.reason,
                        "recipient <mailto:bob@there.museum>: a piece of a web page before the "
                        "address; 0 traps today");
    subject_destroy(&subject);
}

/* A list kept badly has some of them among thousands: never an alert, however many. */
static void artefacts_stay_low(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_trap, "");
    for (int i = 0; i < 1000; i++) {
        char to[64];
        snprintf(to, sizeof to, "mailto:user%d@there.museum", i);
        write_to(&subject, NOON + i * SECOND, "news@customer.museum", to);
    }
    assert_true(subject.findings.peak > 5.9 && subject.findings.peak <= 6.0);
    subject_destroy(&subject);
}

/* 8 points, 12, 16; the same one again is nothing new. */
static void different_traps(void **state)
{
    (void)state;
    struct subject subject = with_own_map("");
    assert_int_equal(write_to(&subject, NOON, "a@customer.museum", "old@customer.museum"), 800);
    assert_string_equal(subject.findings.reason,
                        "recipient <old@customer.museum>: a trap, which only a spammer knows; 1 traps today");
    assert_int_equal(write_to(&subject, NOON, "b@customer.museum", "OLD@Customer.museum"), 0);
    assert_int_equal(write_to(&subject, NOON, "a@customer.museum", "friend@trap.museum"), 0);
    assert_int_equal(write_to(&subject, NOON, "a@customer.museum", "x@trap.museum"), 400);
    assert_int_equal(write_to(&subject, NOON, "a@customer.museum", "y@trap.museum"), 400);
    assert_int_equal(write_to(&subject, NOON, "a@customer.museum", "z@trap.museum"), 0);
    assert_true(subject.findings.peak <= 16.0);
    subject_destroy(&subject);
}

/* A trap that someone signed up to a newsletter is written to each week, and once each hour by a shop: no alert. */
static void one_trap_for_ever(void **state)
{
    (void)state;
    struct subject subject = with_own_map("");
    for (int hour = 0; hour < 30 * 24; hour++)
        write_to(&subject, NOON + hour * HOUR, "shop@customer.museum", "old@customer.museum");
    assert_true(subject.findings.peak <= 8.1);
    subject_destroy(&subject);
}

/* Two within a day are told as two; a trap of the day before is forgotten. */
static void one_day(void **state)
{
    (void)state;
    struct subject subject = with_own_map("");
    write_to(&subject, NOON - 3 * HOUR, "shop@customer.museum", "old@customer.museum");
    write_to(&subject, NOON + 3 * HOUR, "shop@customer.museum", "x@trap.museum");
    assert_true(subject_account(&subject, NOON + 3 * HOUR) > 11.9);
    write_to(&subject, NOON + 30 * HOUR, "shop@customer.museum", "y@trap.museum");
    assert_true(subject_account(&subject, NOON + 30 * HOUR) < 8.1);
    subject_destroy(&subject);
}

/* Bounces and callouts go to whoever was forged. Where MAIL was not seen nobody knows that it was such. */
static void answers_to_forged_mail(void **state)
{
    (void)state;
    struct subject subject = with_own_map("");
    assert_int_equal(write_to(&subject, NOON, "", "old@customer.museum"), 0);
    struct observation seen = recipient_of(NOON, "", "old@customer.museum", 250, 0);
    seen.recipient.from.bytes = NULL;
    assert_int_equal(subject_observe(&subject, &seen), 800);
    seen = recipient_of(NOON, "a@customer.museum", "x@trap.museum", 250, 0);
    seen.server_port = 587;
    assert_int_equal(subject_observe(&subject, &seen), 0);
    subject_destroy(&subject);
}

/* Points of the entry's own, and of the site's options; warnings beside traps. */
static void weights(void **state)
{
    (void)state;
    struct subject subject = with_own_map("");
    assert_int_equal(write_to(&subject, NOON, "a@customer.museum", "hidden@customer.museum"), 1200);
    assert_string_equal(subject.findings.reason,
                        "recipient <hidden@customer.museum>: stands in a page's source only; 1 traps today");
    assert_int_equal(write_to(&subject, NOON, "a@customer.museum", "bob@doubtful.museum"), 300);
    assert_string_equal(subject.findings.reason,
                        "recipient <bob@doubtful.museum>: what scrapers of web pages leave; 1 traps today");
    assert_int_equal(write_to(&subject, NOON, "a@customer.museum", "old@customer.museum"), 100); /* `most` */
    subject_destroy(&subject);
    subject = with_own_map("points = 4\nwarning_points = 1\nwarnings_most = 2\n");
    assert_int_equal(write_to(&subject, NOON, "a@customer.museum", "old@customer.museum"), 400);
    assert_int_equal(write_to(&subject, NOON, "a@customer.museum", "bob@doubtful.museum"), 100);
    assert_int_equal(write_to(&subject, NOON, "a@customer.museum", "mailto:bob@there.museum"), 100);
    subject_destroy(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shipped_map),     cmocka_unit_test(artefacts_stay_low),
                                       cmocka_unit_test(different_traps), cmocka_unit_test(one_trap_for_ever),
                                       cmocka_unit_test(one_day),         cmocka_unit_test(answers_to_forged_mail),
                                       cmocka_unit_test(weights)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
