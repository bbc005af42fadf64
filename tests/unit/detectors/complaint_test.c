/* Complaints against the number of recipients: who may have how many, and what those are worth that nobody can check.
 */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_complaint;

static void send(struct subject *subject, moment time, uint32_t recipients)
{
    struct observation seen = observation_of(OBSERVATION_MESSAGE, time, 1);
    seen.message.reply.code = 250;
    seen.message.recipients = recipients;
    subject_observe(subject, &seen);
}

static points complain(struct subject *subject, moment time, const char *reporter, enum complaint_type type,
                       uint32_t count, bool verified)
{
    struct observation seen = observation_of(OBSERVATION_COMPLAINT, time, 0);
    seen.complaint.reporter = text_of(reporter);
    seen.complaint.type = type;
    seen.complaint.count = count;
    seen.complaint.verified = verified;
    return subject_observe(subject, &seen);
}

static points withdraw(struct subject *subject, moment time, const char *reporter, bool verified, bool claimed)
{
    struct observation seen = observation_of(OBSERVATION_COMPLAINT, time, 0);
    seen.complaint.reporter = text_of(reporter);
    seen.complaint.type = COMPLAINT_ABUSE;
    seen.complaint.verified = verified;
    seen.complaint.claimed = claimed;
    seen.complaint.withdrawn = true;
    return subject_observe(subject, &seen);
}

static points claim(struct subject *subject, moment time, const char *reporter, enum complaint_type type)
{
    struct observation seen = observation_of(OBSERVATION_COMPLAINT, time, 0);
    seen.complaint.reporter = text_of(reporter);
    seen.complaint.type = type;
    seen.complaint.verified = seen.complaint.claimed = true;
    return subject_observe(subject, &seen);
}

/* So many recipients, a day later so many complaints by so many reporters: the peak. */
static void shares(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t recipients, complaints, reporters;
        double least, most;
    } rows[] = {
        {"one, of nobody knows how many", 0, 1, 1, 6.9, 7.1},
        {"one of eight", 8, 1, 1, 6, 7},
        {"one of a hundred", 100, 1, 1, 2, 3},
        {"one in ten, of a hundred", 100, 10, 1, 15, 17},
        {"one in ten, of twenty, by two", 20, 2, 2, 12, 14},
        {"all of ten, by one", 10, 10, 1, 12, 14.9},
        {"all of ten, by four", 10, 10, 4, 16.9, 17},
        {"newsletter, 1 in 1,000", 50000, 50, 3, 0, 0},
        {"newsletter, 3 in 1,000, one receiver", 50000, 150, 1, 0, 0},
        {"newsletter, 5 in 1,000", 50000, 250, 3, 0, 0},
        {"newsletter, 1 in 100", 50000, 500, 3, 16.9, 17},
        {"spam, 5 in 100", 2000, 100, 2, 16.9, 17},
    };
    struct subject subject = subject_create(&detector_complaint, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        for (uint32_t k = 0; k < rows[i].recipients; k++)
            send(&subject, NOON + k, 1);
        for (uint32_t k = 0; k < rows[i].complaints; k++) {
            char reporter[32];
            snprintf(reporter, sizeof reporter, "loop%u.example", k % rows[i].reporters);
            complain(&subject, NOON + DAY + k, reporter, COMPLAINT_ABUSE, 1, true);
        }
        if (subject.findings.peak < rows[i].least || subject.findings.peak > rows[i].most)
            fail_msg("%s: %f (%s)", rows[i].name, subject.findings.peak, subject.findings.reason);
    }
    subject_destroy(&subject);
}

/* A year of a newsletter each week, whose readers complain at the rate that is usual, or at the ceiling. */
static void a_year(void **state)
{
    (void)state;
    static const struct {
        double share, most;
    } rows[] = {{0.001, 10}, {0.003, 14.9}};
    struct subject subject = subject_create(&detector_complaint, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        uint64_t random = 5;
        for (int week = 0; week < 52; week++)
            for (uint32_t k = 0; k < 5000; k++) {
                moment now = NOON + week * 7 * DAY + k * SECOND;
                send(&subject, now, 1);
                if (next_random(&random) < rows[i].share * 2147483648.0)
                    complain(&subject, now, k % 2 ? "a.example" : "b.example", COMPLAINT_ABUSE, 1, true);
            }
        if (subject.findings.peak > rows[i].most)
            fail_msg("%f: %f (%s)", rows[i].share, subject.findings.peak, subject.findings.reason);
    }
    subject_destroy(&subject);
}

static void types(void **state)
{
    (void)state;
    static const struct {
        enum complaint_type type;
        points want;
    } rows[] = {{COMPLAINT_ABUSE, 699},      {COMPLAINT_FRAUD, 1398},     {COMPLAINT_VIRUS, 1398},
                {COMPLAINT_OTHER, 174},      {COMPLAINT_AUTH_FAILURE, 0}, {COMPLAINT_NOT_SPAM, 0},
                {(enum complaint_type)77, 0}};
    struct subject subject = subject_create(&detector_complaint, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        points got = complain(&subject, NOON, "loop.example", rows[i].type, 0, true);
        if (got != rows[i].want)
            fail_msg("%s: %d", complaint_type_name(rows[i].type), got);
    }
    subject_destroy(&subject);
}

/* A neighbour that floods us with reports that nobody can check: two points in all, in whoever's name. */
static void not_verified(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_complaint, "");
    assert_int_equal(complain(&subject, NOON, "enemy.example", COMPLAINT_FRAUD, UINT32_MAX, false), 100);
    assert_string_equal(subject.findings.reason, "enemy.example reports fraud, of a message that was not seen here");
    assert_int_equal(complain(&subject, NOON, "enemy.example", COMPLAINT_ABUSE, 1, false), 0);
    for (int i = 0; i < 20000; i++) {
        char reporter[32];
        snprintf(reporter, sizeof reporter, "enemy%d.example", i);
        complain(&subject, NOON + i * 10 * SECOND, reporter, (enum complaint_type)(i % 6), 1000, false);
    }
    assert_true(subject.findings.peak <= 2.6); /* it is said again by half as it fades */
    subject_destroy(&subject);
}

/* One reporter has a bounded say a day, verified or not; the next day he has it again. */
static void one_reporter(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_complaint, "");
    complain(&subject, NOON, "loop.example", COMPLAINT_ABUSE, UINT32_MAX, true);
    assert_int_equal(subject.findings.sum, 1398);
    for (int i = 0; i < 1000; i++)
        complain(&subject, NOON, "Loop.Example", COMPLAINT_FRAUD, 1000, true);
    assert_int_equal(subject.findings.sum, 1398);
    complain(&subject, NOON, "other.example", COMPLAINT_ABUSE, 1, true);
    assert_int_equal(subject.findings.sum, 1700);
    subject_destroy(&subject);
}

static void taken_back(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_complaint, "");
    for (int i = 0; i < 20; i++)
        send(&subject, NOON, 1);
    complain(&subject, NOON, "a.example", COMPLAINT_ABUSE, 1, true);
    complain(&subject, NOON, "b.example", COMPLAINT_ABUSE, 1, true);
    assert_string_equal(subject.findings.reason,
                        "2 complaints of some 20 recipients in these days; the last: abuse, by b.example");
    assert_int_equal(complain(&subject, NOON, "a.example", COMPLAINT_NOT_SPAM, 1, false), 0); /* anybody can say so */
    assert_int_equal(complain(&subject, NOON, "a.example", COMPLAINT_NOT_SPAM, 1, true), -699);
    assert_string_equal(subject.findings.reason, "a.example: not spam after all");
    complain(&subject, NOON, "b.example", COMPLAINT_NOT_SPAM, 1, true);
    assert_true(subject.findings.account < 0.01);
    subject_destroy(&subject);
}

/* Names that nobody vouches for are one reporter, take nothing back, and come to an alert: whoever has one message of
 * a sender's could have him throttled else, many or few as his recipients are, with some patience. */
static void claimed_names(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_complaint, "");
    for (int i = 0; i < 1000; i++) {
        char reporter[32];
        snprintf(reporter, sizeof reporter, "enemy%d.example", i);
        claim(&subject, NOON, reporter, COMPLAINT_FRAUD);
    }
    assert_int_equal(subject.findings.sum, 1090);
    assert_int_equal(claim(&subject, NOON, "friend.example", COMPLAINT_NOT_SPAM), 0);
    complain(&subject, NOON, "loop.example", COMPLAINT_ABUSE, 1, true); /* others have their say beside */
    assert_int_equal(subject.findings.sum, 1090);
    complain(&subject, NOON, "loop.example", COMPLAINT_ABUSE, 1, true);
    assert_int_equal(subject.findings.sum, 1398);
    complain(&subject, NOON, "other.example", COMPLAINT_ABUSE, 1, true);
    assert_int_equal(subject.findings.sum, 1700);
    for (uint32_t recipients = 1; recipients <= 10000; recipients *= 100) {
        subject_forget(&subject);
        for (int day = 0; day < 10; day++) {
            send(&subject, NOON + day * DAY, recipients);
            for (int i = 0; i < 1000; i++)
                claim(&subject, NOON + day * DAY + i * MINUTE, "enemy.example", COMPLAINT_FRAUD);
        }
        assert_true(subject.findings.peak > 5 && subject.findings.peak < 12);
    }
    subject_destroy(&subject);
}

static void withdrawn(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_complaint, "");
    assert_int_equal(complain(&subject, NOON, "a.example", COMPLAINT_ABUSE, 1, true), 699);
    assert_int_equal(complain(&subject, NOON, "b.example", COMPLAINT_ABUSE, 1, true), 699);
    assert_int_equal(withdraw(&subject, NOON, "a.example", true, false), -699);
    assert_string_equal(subject.findings.reason, "a.example: not abuse after all");
    assert_int_equal(withdraw(&subject, NOON, "a.example", true, false), 0); /* nothing of it is left */
    assert_int_equal(withdraw(&subject, NOON, "b.example", true, false), -699);
    assert_true(subject.findings.account < 0.01);
    /* What counted, although more was said than counts. */
    for (int i = 0; i < 10; i++)
        claim(&subject, NOON, "c.example", COMPLAINT_ABUSE);
    withdraw(&subject, NOON, "c.example", true, true);
    withdraw(&subject, NOON, "c.example", true, true);
    assert_true(subject.findings.account < 0.01);
    assert_int_equal(claim(&subject, NOON, "d.example", COMPLAINT_ABUSE), 699); /* and there is room again */
    /* On another day it counts no more for those that come. */
    subject_forget(&subject);
    complain(&subject, NOON, "e.example", COMPLAINT_ABUSE, 1, true);
    withdraw(&subject, NOON + DAY, "e.example", true, false);
    assert_int_equal(complain(&subject, NOON + DAY, "f.example", COMPLAINT_ABUSE, 1, true), 699);
    subject_destroy(&subject);
}

static void doubts_withdrawn(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_complaint, "");
    assert_int_equal(withdraw(&subject, NOON, "a.example", false, false), 0);
    assert_int_equal(complain(&subject, NOON, "a.example", COMPLAINT_ABUSE, 1, false), 100);
    assert_int_equal(withdraw(&subject, NOON, "a.example", false, false), -100);
    assert_int_equal(complain(&subject, NOON, "a.example", COMPLAINT_ABUSE, 1, false), 100);
    assert_int_equal(complain(&subject, NOON, "b.example", COMPLAINT_ABUSE, 1, false), 100);
    assert_int_equal(withdraw(&subject, NOON, "a.example", false, false), -100); /* the other's word stands */
    assert_int_equal(withdraw(&subject, NOON, "a.example", false, false), 0);
    subject_destroy(&subject);
}

/* Complaints come days after the mail; a month later the mail no longer speaks for the sender. */
static void fading(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_complaint, "");
    static const struct {
        int days;
        points want;
    } rows[] = {{0, 178}, {3, 350}, {60, 699}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        send(&subject, NOON, 100);
        points got = complain(&subject, NOON + rows[i].days * DAY, "a.example", COMPLAINT_ABUSE, 1, true);
        assert_in_range(got, rows[i].want - 20, rows[i].want + 20);
    }
    subject_destroy(&subject);
}

static void configuration(void **state)
{
    (void)state;
    assert_non_null(configuration_error(&detector_complaint, "[complaint]\nshare_abuser = 0.005\n"));
    assert_null(configuration_error(&detector_complaint, "[complaint]\nshare_abuser = 0.006\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares),       cmocka_unit_test(a_year),           cmocka_unit_test(types),
        cmocka_unit_test(one_reporter), cmocka_unit_test(taken_back),       cmocka_unit_test(not_verified),
        cmocka_unit_test(fading),       cmocka_unit_test(configuration),    cmocka_unit_test(claimed_names),
        cmocka_unit_test(withdrawn),    cmocka_unit_test(doubts_withdrawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
