/* One body from many senders: what is a run and what is a template, a circular, one customer on several addresses. */
#include "tests/unit/detectors/recorder.h"

extern const struct detector detector_bulk;

static points message(struct subject *subject, moment time, const struct alike *alike)
{
    struct observation seen = observation_of(OBSERVATION_MESSAGE, time, 1);
    seen.message.from = TEXT("a@customer.museum");
    seen.message.recipients = 1;
    seen.message.reply.code = 250;
    seen.message.alike = alike;
    return subject_observe(subject, &seen);
}

static const struct row {
    const char *name;
    struct alike alike;
    points want;
    const char *reason;
} rows[] = {
    {"a letter", {.own = 1, .senders = 1, .recipients = {1}, .domains = 1, .own_domains = 1, .watched = true}, 0, ""},
    {"a newsletter to 50,000",
     {.own = 50000, .senders = 1, .recipients = {50000}, .domains = 1, .own_domains = 1, .watched = true},
     0,
     ""},
    {"a newsletter that two have copied",
     {.own = 50000, .senders = 3, .recipients = {50000, 9, 9}, .domains = 3, .watched = true},
     0,
     ""},
    {"cron and panels of eight customers, to their owners",
     {.own = 5, .senders = 8, .recipients = {9, 9, 5, 5, 5, 5, 2, 1}, .domains = 8, .watched = true},
     0,
     ""},
    {"eight shops with one plugin's template, which is known",
     {.own = 300,
      .senders = 8,
      .recipients = {300, 100, 90, 80, 60, 50, 50, 50},
      .domains = 8,
      .known = true,
      .watched = true},
     0,
     ""},
    {"two senders", {.own = 500, .senders = 2, .recipients = {500, 500}, .domains = 2, .watched = true}, 0, ""},
    {"three, of whom one sent less",
     {.own = 10, .senders = 3, .recipients = {10, 10, 9}, .domains = 3, .watched = true},
     0,
     ""},
    {"three",
     {.own = 10, .senders = 3, .recipients = {10, 10, 10}, .domains = 3, .watched = true},
     400,
     "3 senders sent one body to 10 recipients and more each within 1 hour, this one to 10"},
    {"... and a fourth, who got one by mistake",
     {.own = 1, .senders = 4, .recipients = {10, 10, 10, 1}, .domains = 3, .watched = true},
     0,
     ""},
    {"four",
     {.own = 10, .senders = 4, .recipients = {10, 10, 10, 10}, .domains = 3, .watched = true},
     800,
     "4 senders sent one body to 10 recipients and more each within 1 hour, this one to 10"},
    {"five",
     {.own = 12, .senders = 5, .recipients = {60, 30, 12, 12, 10}, .domains = 5, .watched = true},
     1100,
     "5 senders sent one body to 10 recipients and more each within 1 hour, this one to 12"},
    {"five, large, but one not so",
     {.own = 50, .senders = 5, .recipients = {50, 50, 50, 50, 49}, .domains = 5, .watched = true},
     1100,
     "5 senders sent one body to 10 recipients and more each within 1 hour, this one to 50"},
    {"five, large",
     {.own = 50, .senders = 5, .recipients = {50, 50, 50, 50, 50}, .domains = 5, .watched = true},
     1600,
     "5 senders sent one body to 10 recipients and more each within 1 hour, this one to 50"},
    {"five, large, its author",
     {.own = 50, .senders = 5, .recipients = {50, 50, 50, 50, 50}, .domains = 5, .watched = true, .author = true},
     400,
     "5 senders sent one body to 10 recipients and more each within 1 hour, this one to 50"},
    {"its author, whom seven on other nodes have copied since",
     {.own = 50,
      .senders = 1,
      .recipients = {50},
      .domains = 1,
      .watched = true,
      .author = true,
      .fleet_senders = 7,
      .fleet_recipients = 700,
      .fleet_customers = 4,
      .fleet_nodes = 3,
      .fleet_later = true},
     400,
     "7 senders of 4 customers on 3 nodes sent one body to 700 recipients within 1 hour, this one to 50"},
    {"the first here, long after the first elsewhere",
     {.own = 10,
      .senders = 1,
      .recipients = {10},
      .domains = 1,
      .watched = true,
      .author = true,
      .fleet_senders = 7,
      .fleet_recipients = 700,
      .fleet_customers = 4,
      .fleet_nodes = 3},
     1100,
     "7 senders of 4 customers on 3 nodes sent one body to 700 recipients within 1 hour, this one to 10"},
    {"five, on a node that was started today",
     {.own = 50, .senders = 5, .recipients = {50, 50, 50, 50, 50}, .domains = 5},
     800,
     "5 senders sent one body to 10 recipients and more each within 1 hour, this one to 50"},
    {"one customer's newsletter from five addresses",
     {.own = 9000, .senders = 5, .recipients = {9000, 9000, 9000, 9000, 9000}, .domains = 1, .watched = true},
     800,
     "5 senders sent one body to 10 recipients and more each within 1 hour, this one to 9000"},
    {"alone here, with two on another node",
     {.own = 10,
      .senders = 1,
      .recipients = {10},
      .domains = 1,
      .watched = true,
      .fleet_senders = 3,
      .fleet_recipients = 30,
      .fleet_customers = 2,
      .fleet_nodes = 2},
     400,
     "3 senders of 2 customers on 2 nodes sent one body to 30 recipients within 1 hour, this one to 10"},
    {"... with three",
     {.own = 10,
      .senders = 1,
      .recipients = {10},
      .domains = 1,
      .watched = true,
      .fleet_senders = 4,
      .fleet_recipients = 40,
      .fleet_customers = 2,
      .fleet_nodes = 2},
     800,
     "4 senders of 2 customers on 2 nodes sent one body to 40 recipients within 1 hour, this one to 10"},
    {"... with six on two nodes",
     {.own = 14,
      .senders = 1,
      .recipients = {14},
      .domains = 1,
      .watched = true,
      .fleet_senders = 7,
      .fleet_recipients = 212,
      .fleet_customers = 4,
      .fleet_nodes = 3},
     1100,
     "7 senders of 4 customers on 3 nodes sent one body to 212 recipients within 1 hour, this one to 14"},
    {"... who are large, as this one is",
     {.own = 50,
      .senders = 1,
      .recipients = {50},
      .domains = 1,
      .watched = true,
      .fleet_senders = 7,
      .fleet_recipients = 350,
      .fleet_customers = 4,
      .fleet_nodes = 3},
     1600,
     "7 senders of 4 customers on 3 nodes sent one body to 350 recipients within 1 hour, this one to 50"},
    {"... which this one is not",
     {.own = 49,
      .senders = 1,
      .recipients = {49},
      .domains = 1,
      .watched = true,
      .fleet_senders = 7,
      .fleet_recipients = 350,
      .fleet_customers = 4,
      .fleet_nodes = 3},
     1100,
     "7 senders of 4 customers on 3 nodes sent one body to 350 recipients within 1 hour, this one to 49"},
    {"who sent less himself",
     {.own = 9,
      .senders = 1,
      .recipients = {9},
      .domains = 1,
      .watched = true,
      .fleet_senders = 7,
      .fleet_recipients = 212,
      .fleet_customers = 4,
      .fleet_nodes = 3},
     0,
     ""},
    {"alone here, with six who sent to few",
     {.own = 10,
      .senders = 1,
      .recipients = {10},
      .domains = 1,
      .watched = true,
      .fleet_senders = 7,
      .fleet_recipients = 69,
      .fleet_customers = 4,
      .fleet_nodes = 3},
     0,
     ""},
    {"few here, but counted to 20 from three customers",
     {.own = 1,
      .senders = 1,
      .recipients = {1},
      .domains = 1,
      .watched = true,
      .counted_recipients = 20,
      .counted_customers = 3,
      .counted_nodes = 2},
     200,
     "3 customers on 2 nodes sent one body to 20 recipients within 1 day, as the collector counts, and this sender did "
     "too"},
    {"... to 100",
     {.own = 1,
      .senders = 1,
      .recipients = {1},
      .domains = 1,
      .watched = true,
      .counted_recipients = 100,
      .counted_customers = 3,
      .counted_nodes = 2},
     400,
     "3 customers on 2 nodes sent one body to 100 recipients within 1 day, as the collector counts, and this sender "
     "did "
     "too"},
    {"... on a node that was started today",
     {.own = 1,
      .senders = 1,
      .recipients = {1},
      .domains = 1,
      .counted_recipients = 20,
      .counted_customers = 3,
      .counted_nodes = 2},
     100,
     "3 customers on 2 nodes sent one body to 20 recipients within 1 day, as the collector counts, and this sender did "
     "too"},
    {"counted to 19",
     {.own = 1, .senders = 1, .watched = true, .counted_recipients = 19, .counted_customers = 3, .counted_nodes = 2},
     0,
     ""},
    {"counted from two customers",
     {.own = 1, .senders = 1, .watched = true, .counted_recipients = 90, .counted_customers = 2, .counted_nodes = 2},
     0,
     ""},
    {"counted, and known here since long",
     {.own = 1,
      .senders = 1,
      .known = true,
      .watched = true,
      .counted_recipients = 90,
      .counted_customers = 3,
      .counted_nodes = 2},
     0,
     ""},
    {"counted, and begun by this sender",
     {.own = 1,
      .senders = 1,
      .author = true,
      .watched = true,
      .counted_recipients = 90,
      .counted_customers = 3,
      .counted_nodes = 2,
      .counted_later = true},
     0,
     ""},
    {"counted, and a run as well: the worthier counts",
     {.own = 10,
      .senders = 4,
      .recipients = {10, 10, 10, 10},
      .domains = 3,
      .watched = true,
      .counted_recipients = 900,
      .counted_customers = 9,
      .counted_nodes = 2},
     800,
     "4 senders sent one body to 10 recipients and more each within 1 hour, this one to 10"},
    {"two in the whole fleet",
     {.own = 500,
      .senders = 1,
      .recipients = {500},
      .domains = 1,
      .watched = true,
      .fleet_senders = 2,
      .fleet_recipients = 900,
      .fleet_customers = 2,
      .fleet_nodes = 2},
     0,
     ""},
    {"a template that is known here",
     {.own = 50,
      .senders = 1,
      .recipients = {50},
      .domains = 1,
      .watched = true,
      .known = true,
      .fleet_senders = 7,
      .fleet_recipients = 700,
      .fleet_customers = 4,
      .fleet_nodes = 3},
     0,
     ""},
    {"on a node that was started today",
     {.own = 14,
      .senders = 1,
      .recipients = {14},
      .domains = 1,
      .fleet_senders = 7,
      .fleet_recipients = 212,
      .fleet_customers = 4,
      .fleet_nodes = 3},
     550,
     "7 senders of 4 customers on 3 nodes sent one body to 212 recipients within 1 hour, this one to 14"},
    {"more here than the fleet has been told of",
     {.own = 10,
      .senders = 1,
      .recipients = {10, 10, 10, 10},
      .domains = 3,
      .watched = true,
      .fleet_senders = 3,
      .fleet_recipients = 30,
      .fleet_customers = 2,
      .fleet_nodes = 2},
     800,
     "4 senders sent one body to 10 recipients and more each within 1 hour, this one to 10"},
};

static void runs_and_what_looks_like_one(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_bulk, "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        subject_forget(&subject);
        points got = message(&subject, NOON, &rows[i].alike);
        if (got != rows[i].want || strcmp(subject.findings.reason, rows[i].reason) != 0)
            fail_msg("%s: %d \"%s\"", rows[i].name, got, subject.findings.reason);
    }
    assert_int_equal(message(&subject, NOON, NULL), 0);
    subject_destroy(&subject);
}

/* As a run goes on it is said once, and topped up as it fades. */
static void it_does_not_add_up(void **state)
{
    (void)state;
    struct subject subject = subject_create(&detector_bulk, "");
    for (uint32_t i = 10; i < 1000; i++) {
        struct alike alike = {.own = i, .senders = 4, .recipients = {i, i, i, i}, .domains = 4, .watched = true};
        message(&subject, NOON + i * 10 * SECOND, &alike);
    }
    assert_true(subject.findings.peak <= 8.01);
    assert_true(subject.findings.account > 4.0);
    subject_destroy(&subject);
}

/* Eight are told apart; a ninth is none of the eight, and one of them all the same. */
static void a_ninth_sender(void **state)
{
    (void)state;
    static const struct alike run = {
        .senders = 8, .recipients = {90, 80, 70, 60, 60, 60, 60, 60}, .domains = 9, .watched = true};
    static const struct alike letters = {
        .senders = 8, .recipients = {9, 8, 8, 8, 8, 8, 8, 8}, .domains = 9, .watched = true};
    struct subject subject = subject_create(&detector_bulk, "");
    for (uint32_t i = 0; i < 50; i++) {
        points got = message(&subject, NOON + i * 10 * SECOND, &run);
        assert_int_equal(got, i == 9 ? 1100 : i == 49 ? 500 : 0);
    }
    assert_string_equal(subject.findings.reason,
                        "8 senders sent one body to 10 recipients and more each within 1 hour, this one to 50");
    subject_forget(&subject);
    for (uint32_t i = 0; i < 50; i++)
        assert_int_equal(message(&subject, NOON + i * 10 * SECOND, &letters), 0);
    subject_forget(&subject);
    for (uint32_t i = 0; i < 50; i++) /* five an hour */
        assert_int_equal(message(&subject, NOON + i * 12 * MINUTE, &run), 0);
    subject_destroy(&subject);
}

static void options_move_the_limits(void **state)
{
    (void)state;
    struct alike alike = {.own = 20, .senders = 3, .recipients = {20, 20, 20}, .domains = 3, .watched = true};
    struct subject subject = subject_create(&detector_bulk, "[bulk]\nrecipients = 21\n");
    assert_int_equal(message(&subject, NOON, &alike), 0);
    subject_destroy(&subject);
    subject = subject_create(&detector_bulk, "[bulk]\nsenders = 4\n");
    assert_int_equal(message(&subject, NOON, &alike), 0);
    subject_destroy(&subject);
    subject = subject_create(&detector_bulk, "[bulk]\nsenders = 2\nmost = 6\n");
    assert_int_equal(message(&subject, NOON, &alike), 600);
    subject_destroy(&subject);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_and_what_looks_like_one),
        cmocka_unit_test(it_does_not_add_up),
        cmocka_unit_test(a_ninth_sender),
        cmocka_unit_test(options_move_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
