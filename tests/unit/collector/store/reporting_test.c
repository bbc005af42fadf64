/* What a report says of a week: of each row that the store has, where it counts and where it does not. The week is
 * 2027-W01, Monday 4 to Sunday 10 January, in UTC; it is made on Friday after it. */
#include "collector/store/reporting.h"
#include "collector/report/numbers_json.h"
#include "tests/unit/collector/store/stocked.h"

#define MONDAY          "1799020800000000000" /* 2027-01-04 */
#define AT(days, hours) "(" MONDAY " + " #days " * 86400000000000 + " #hours " * 3600000000000)"

static struct calendar_zone *utc;
static struct report *report;

static int begin(void **unused)
{
    well(calendar_zone_create("UTC", TEXT(""), &utc, &failed));
    report = numbers_create();
    return stocked_begin(unused);
}

static int end(void **unused)
{
    calendar_zone_destroy(&utc);
    numbers_destroy(&report);
    return stocked_end(unused);
}

#define MAKER(name) cmocka_unit_test_setup_teardown(name, begin, end)

static void make(enum calendar_kind kind, const char *name)
{
    struct calendar_period period;
    assert_true(calendar_period_named(utc, kind, text_of(name), &period));
    well(store_report_make(store, utc, &period, NOW, report, &failed));
}

/* id, day, hour, customer, sender, state, type, source, closed */
#define COMPLAINT(id, when, customer, sender, state, type, closed)                                                     \
    "INSERT INTO complaints (id, arrival, received, time, source, format, type, reporter, address, sender, customer, " \
    "node, message_id, subject, recipient, message, tied, state, times, incidents, closed, person, reason, note, "     \
    "likeness, fields) VALUES ('" id "', '" id "', " when ", 0, 'imap', 'arf', '" type                                 \
    "', 'example.com', '', '" sender "', '" customer "', 7, '', '', '', '', '', '" state "', 1, 2, " closed            \
    ", '', '', '', '', '');"

#define VERDICT(number, when, sender, customer, verdict, before, until)                                                \
    "INSERT INTO records (node, life, sequence, received, time, kind, sender, customer, line) VALUES (7, 1, " number   \
    ", " when " + 1000, " when ", 'verdict', '" sender "', '" customer                                                 \
    "', '{\"record\":\"verdict\",\"verdict\":\"" verdict "\",\"before\":\"" before "\",\"hold_until\":" until "}');"

static int64_t sum(enum report_sum which)
{
    return report->past[0].sums[which];
}

static void nothing_is_nothing(void **unused)
{
    (void)unused;
    make(CALENDAR_WEEK, "2027-W01");
    assert_true(report->is_over);
    assert_string_equal(report->zone, "UTC");
    assert_int_equal(report->step_count, 7);
    assert_int_equal(report->customer_count, 0);
    assert_int_equal(report->node_count, 2);
    for (int i = 0; i < REPORT_SUMS; i++)
        assert_int_equal(sum((enum report_sum)i), 0);
    assert_string_equal(report->past[1].name, "2026-W53");
    assert_string_equal(report->past[13].name, "2026-W41");
    make(CALENDAR_WEEK, "2027-W02");
    assert_false(report->is_over);
}

static void complaints_count_once_and_where_they_came(void **unused)
{
    (void)unused;
    put(COMPLAINT("a1", AT(0, 0), "acme", "tap1", "open", "abuse", "0")          /* the first moment */
        COMPLAINT("a2", AT(1, 5), "acme", "tap1", "done", "fraud", AT(1, 7))     /* a person did it in two hours */
        COMPLAINT("a3", AT(1, 6), "acme", "tap1", "double", "abuse", "0")        /* no */
        COMPLAINT("a4", AT(2, 0), "acme", "tap1", "done", "other", "0")          /* a bounce: no */
        COMPLAINT("a5", AT(2, 0), "acme", "tap1", "open", "not-spam", "0")       /* no */
        COMPLAINT("a6", AT(7, 0), "acme", "tap1", "open", "abuse", "0")          /* the week after */
        COMPLAINT("b1", AT(6, 23), "", "", "open", "abuse", "0")                 /* nobody's */
        COMPLAINT("b2", AT(6, 23), "", "", "unread", "other", "0")               /* open, no complaint yet */
        COMPLAINT("b3", AT(6, 23), "", "", "arrived", "", "5")                   /* the same */
        COMPLAINT("c1", AT(-1, 23), "acme", "tap1", "open", "abuse", "0")        /* the week before */
        COMPLAINT("c2", AT(-90, 0), "acme", "tap1", "done", "abuse", AT(-89, 0)) /* 13 weeks before */
        COMPLAINT("c3", AT(-92, 0), "acme", "tap1", "done", "abuse", AT(-92, 1)) /* too long ago */
        COMPLAINT("d1", AT(3, 0), "baker", "tap2", "open", "abuse", "0"));
    make(CALENDAR_WEEK, "2027-W01");
    assert_int_equal(sum(SUM_COMPLAINTS), 4);
    assert_int_equal(sum(SUM_INCIDENTS), 8);
    assert_int_equal(sum(SUM_UNTIED), 1);
    assert_int_equal(sum(SUM_CUSTOMERS), 2);
    assert_int_equal(sum(SUM_OPEN), 5);
    assert_int_equal(sum(SUM_ACTED), 1);
    assert_int_equal(sum(SUM_WAITED), 7200);
    assert_int_equal(report->past[1].sums[SUM_COMPLAINTS], 1);
    assert_int_equal(report->past[1].sums[SUM_CUSTOMERS], 1);
    assert_int_equal(report->past[13].sums[SUM_COMPLAINTS], 1);
    assert_int_equal(report->past[13].sums[SUM_WAITED], 86400);
    assert_true(report->past[13].is_known);
    assert_int_equal(report->customer_count, 2);
    assert_string_equal(report->customers[0].name, "acme");
    assert_int_equal(report->customers[0].complaints, 2);
    assert_int_equal(report->customers[0].before, 1);
    assert_int_equal(report->customers[0].total, 4);
    assert_int_equal(report->customers[0].periods, 3);
    assert_int_equal(report->customers[0].open, 1);
    assert_int_equal(report->customers[0].acted, 1);
    assert_int_equal(report->customers[0].waited, 7200);
    assert_int_equal(report->repeaters_all, 1);
    assert_string_equal(report->repeaters[0].name, "acme");
    assert_int_equal(report->steps[0].complaints, 1);
    assert_int_equal(report->steps[1].complaints, 1);
    assert_int_equal(report->steps[6].complaints, 1);
    assert_int_equal(report->type_count, 2);
    assert_string_equal(report->types[0].name, "abuse");
    assert_int_equal(report->types[0].count, 3);
    assert_int_equal(report->types[0].before, 1);
    assert_string_equal(report->sources[0].name, "imap");
    assert_int_equal(report->waits[WAIT_4_HOURS], 1);
    assert_int_equal(report->waits[WAIT_NOT_YET], 3);
    make(CALENDAR_DAY, "2027-01-05");
    assert_int_equal(report->step_count, 24);
    assert_int_equal(sum(SUM_COMPLAINTS), 1);
    assert_int_equal(report->steps[5].complaints, 1);
    make(CALENDAR_MONTH, "2027-01");
    assert_int_equal(sum(SUM_COMPLAINTS), 6);
    assert_int_equal(report->step_count, 31);
}

static void what_was_done_is_the_first_that_holds(void **unused)
{
    (void)unused;
    put(COMPLAINT("a1", AT(1, 0), "acme", "tap1", "open", "abuse", "0")  /* throttled half an hour later */
        COMPLAINT("a2", AT(1, 2), "acme", "tap1", "open", "abuse", "0")  /* held already */
        COMPLAINT("b1", AT(2, 0), "baker", "tap2", "open", "abuse", "0") /* a person's order on the customer, 5 h */
        COMPLAINT("c1", AT(2, 0), "carol", "tap3", "open", "abuse", "0") /* a letter, two days */
        COMPLAINT("d1", AT(2, 0), "dora", "tap4", "open", "abuse", "0")  /* was held, and let go before */
        COMPLAINT("f1", AT(2, 0), "fred", "tap6", "open", "abuse", "0")  /* was held, but not for so long */
        VERDICT("7", AT(-3, 0), "tap6", "fred", "block", "clear", "\"2027-01-02T00:00:00Z\"")
            COMPLAINT("e1", AT(2, 0), "emil", "tap5", "open", "abuse", "0") /* ordered on the sender everywhere: 1 h */
        VERDICT("1", "(" AT(1, 0) " + 1800000000000)", "tap1", "acme", "throttle", "clear", "\"2027-01-06T00:00:00Z\"")
            VERDICT("2", AT(1, 3), "tap1", "acme", "block", "throttle", "\"2027-01-06T00:00:00Z\"") VERDICT(
                "3", AT(1, 4), "tap1", "acme", "block", "block", "\"2027-01-06T00:00:00Z\"") /* renewed: no other */
        VERDICT("4", AT(-3, 0), "tap4", "dora", "block", "clear", "\"2027-01-20T00:00:00Z\"")
            VERDICT("5", AT(-2, 0), "tap4", "dora", "clear", "block", "null") VERDICT(
                "6", AT(5, 0), "tap9", "", "divert", "clear",
                "null") "INSERT INTO directives (node, revision, time, until, rate, deed, sender, reason, person) "
                        "VALUES "
                        "(0, 1, " AT(
                            2, 5) ", 0, 0, 'block', 'customer:baker', 'r', 'ann'),"
                                  "(0, 2, " AT(
                                      2,
                                      1) ", 0, 0, 'block', 'tap5', 'r', 'ann'),"
                                         "(0, 3, " AT(
                                             2,
                                             1) ", 0, 0, 'allow', 'customer:carol', 'r', 'ann');"
                                                "INSERT INTO sendings (id, channel, purpose, made, due, tries, state, "
                                                "done, holder, held, recipients, subject, "
                                                "customer, trouble, bytes) VALUES ('1', 'mail', 'letter', " AT(
                                                    4,
                                                    0) ", 0, 1, 'sent', 0, 0, 0, '', '', 'carol', '', ''),"
                                                       "('2', 'mail', 'letter', " AT(
                                                           3,
                                                           0) ", 0, 1, 'failed', 0, 0, 0, '', '', 'carol', '', ''),"
                                                              "('3', 'mail', 'complaint', " AT(
                                                                  3,
                                                                  0) ", 0, 1, 'sent', 0, 0, 0, '', '', '', '', '');");
    make(CALENDAR_WEEK, "2027-W01");
    assert_int_equal(report->waits[WAIT_HOUR], 2);
    assert_int_equal(report->waits[WAIT_BEFORE], 1);
    assert_int_equal(report->waits[WAIT_DAY], 1);
    assert_int_equal(report->waits[WAIT_3_DAYS], 1);
    assert_int_equal(report->waits[WAIT_NOT_YET], 2);
    assert_int_equal(sum(SUM_ACTED), 5);
    assert_int_equal(sum(SUM_WAITED), 3600); /* 0, 1800, 3600, 18000, 172800 */
    assert_int_equal(report->waited_most, 18000);
    assert_int_equal(sum(SUM_THROTTLES), 1);
    assert_int_equal(sum(SUM_BLOCKS), 1);
    assert_int_equal(sum(SUM_DIVERTS), 1);
    assert_int_equal(sum(SUM_HELD), 2);
    assert_int_equal(report->past[1].sums[SUM_BLOCKS], 2);
    assert_int_equal(sum(SUM_LETTERS), 1);
    assert_int_equal(sum(SUM_SENT), 1);
    assert_int_equal(report->customers[0].blocks, 1);
    assert_int_equal(report->customers[0].throttles, 1);
    assert_int_equal(report->steps[1].blocks, 1);
    assert_string_equal(report->nodes[0].name, "hv7");
    assert_int_equal(report->nodes[0].blocks, 1);
    assert_int_equal(report->nodes[0].complaints, 7);
}

static void traffic_is_summed_over_all_that_it_is_kept_as(void **unused)
{
    (void)unused;
    put(COMPLAINT(
        "a1", AT(1, 0), "acme", "tap1", "open", "abuse",
        "0") "INSERT INTO minutes (node, time, sender, life, sequence, customer, connections, messages, rejected, "
             "recipients, bytes)"
             " VALUES (7, " AT(0, 0) ", 'tap1', 1, 1, 'acme', 1, 2, 3, 4, 5), (7, " AT(
                 0, 0) ", 'tap1', 1, 2, 'acme', 1, 2, 3, 4, 5),"
                       " (7, " AT(
                           7, 0) ", 'tap1', 1, 3, 'acme', 100, 100, 100, 100, 100);"
                                 "INSERT INTO hours (node, time, sender, customer, seen, connections, messages, "
                                 "rejected, recipients, bytes)"
                                 " VALUES (7, " AT(3, 5) ", 'tap1', 'acme', 0, 10, 20, 30, 40, 50), (8, " AT(
                                     3,
                                     5) ", 'tap1', '', 0, 0, 7, 0, 7, 7000),"
                                        " (8, " AT(
                                            3,
                                            6) ", 'tap2', '', 0, 9, 0, 0, 0, 0);"
                                               "INSERT INTO days (node, time, sender, customer, seen, connections, "
                                               "messages, rejected, recipients, bytes)"
                                               " VALUES (7, " AT(
                                                   6,
                                                   0) ", 'tap1', 'acme', 0, 1000, 2000, 3000, 4000, 5000),"
                                                      " (7, " AT(-7, 0) ", 'tap1', 'acme', 0, 1, 1, 1, 1, 1), (8, " AT(
                                                          -1, 0) ", 'tap1', 'acme', 0, 1, 1, 1, 1, 1);");
    make(CALENDAR_WEEK, "2027-W01");
    assert_int_equal(sum(SUM_SENDERS), 3);
    assert_int_equal(sum(SUM_MESSAGES), 2 + 2 + 20 + 7 + 2000);
    assert_int_equal(sum(SUM_REJECTED), 3 + 3 + 30 + 3000);
    assert_int_equal(sum(SUM_BYTES), 5 + 5 + 50 + 7000 + 5000);
    assert_int_equal(sum(SUM_CONNECTIONS), 1 + 1 + 10 + 9 + 1000);
    assert_int_equal(report->past[1].sums[SUM_SENDERS], 2);
    assert_int_equal(report->past[1].sums[SUM_MESSAGES], 2);
    assert_int_equal(report->steps[0].messages, 4);
    assert_int_equal(report->steps[3].messages, 27);
    assert_int_equal(report->steps[6].messages, 2000);
    assert_int_equal(report->by_messages_count, 2);
    assert_string_equal(report->by_messages[0].node, "hv7");
    assert_int_equal(report->by_messages[0].messages, 2024);
    assert_string_equal(report->by_bytes[0].node, "hv8");
    assert_int_equal(report->by_bytes_count, 2);
    assert_int_equal(report->customers[0].messages, 2024);
    assert_int_equal(report->nodes[1].senders, 2);
    assert_int_equal(report->nodes[0].recipients, 4 + 4 + 40 + 4000);
}

/* Sums of sums: as many as would run over. */
static void a_node_that_lies_makes_no_sum_run_over(void **unused)
{
    (void)unused;
    put("INSERT INTO hours (node, time, sender, customer, seen, connections, messages, rejected, recipients, bytes) "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100) SELECT 7, " AT(
            3, 5) ", 'tap' || i, 'acme', 0, 9000000000000000, 9000000000000000, 9000000000000000, 9000000000000000, "
                  "9000000000000000 FROM n;" COMPLAINT("a1", AT(0, 0), "acme", "tap1", "open", "abuse", "0"));
    make(CALENDAR_WEEK, "2027-W01");
    assert_int_equal(sum(SUM_MESSAGES), INT64_C(9000000000000000));
    assert_int_equal(sum(SUM_BYTES), INT64_C(9000000000000000));
    assert_int_equal(report->nodes[0].messages, INT64_C(9000000000000000));
    assert_int_equal(report->customers[0].messages, INT64_C(9000000000000000));
    assert_int_equal(report->steps[3].messages, INT64_C(9000000000000000));
}

/* Names are strangers' words: they are mailed as text, and read on terminals. */
static void names_read_in_their_order(void **unused)
{
    (void)unused;
    put(COMPLAINT("a1", AT(0, 0), "shop\u202emoc\u202c\u2066 ", "", "open", "abuse", "0")
            COMPLAINT("a2", AT(0, 1), "\u202e", "", "open", "a\x1b[31m", "0"));
    make(CALENDAR_WEEK, "2027-W01");
    assert_int_equal(report->customer_count, 2);
    assert_string_equal(report->customers[0].name, "shopmoc");
    assert_string_equal(report->customers[1].name, "?");
    assert_string_equal(report->types[0].name, "a?[31m");
}

#define STOPPED(number, when, line)                                                                                    \
    "INSERT INTO records (node, life, sequence, received, time, kind, sender, customer, line) VALUES (7, 1, " number   \
    ", " when " + 1000, " when ", 'stopped', '', '', '" line "');"

/* By relays, at our word; a node's word of more than there is in the world is none. */
static void messages_stopped_at_relays(void **unused)
{
    (void)unused;
    put(STOPPED("1", AT(0, 0), "{\"refused\":12,\"deferred\":5,\"diverted\":3}")
            STOPPED("2", AT(6, 23), "{\"refused\":30}") STOPPED("3", AT(7, 0), "{\"refused\":500}")
                STOPPED("4", AT(-1, 23), "{\"refused\":7}") STOPPED("5", AT(1, 0), "{\"refused\":-4}")
                    STOPPED("6", AT(1, 0), "{\"refused\":9000000000000000000}") STOPPED("7", AT(1, 0), "broken")
                        STOPPED("8", AT(1, 0), "{\"diverted\":3}"));
    make(CALENDAR_WEEK, "2027-W01");
    assert_int_equal(sum(SUM_STOPPED), 42);
    assert_int_equal(report->past[1].sums[SUM_STOPPED], 7);
    make(CALENDAR_DAY, "2027-01-10");
    assert_int_equal(sum(SUM_STOPPED), 30);
}

static void samples_rules_listings_and_alerts(void **unused)
{
    (void)unused;
    put("INSERT INTO messages (name, node, life, number, received, time, sender, customer, address, author, subject, "
        "envelope, "
        "size, kept, verdict, corrected, score, due, holder, held) VALUES "
        "('m1', 7, 1, 1, " AT(
            0,
            1) ", 0, '', '', '', '', '', '{\"why\":\"diverted\"}', 1, 1, 2, 0, 0, 0, 0, 0),"
               "('m2', 7, 1, 2, " AT(
                   0,
                   1) ", 0, '', '', '', '', '', '{\"why\":\"first\"}', 1, 1, 2, 1, 0, 0, 0, 0),"
                      "('m3', 7, 1, 3, " AT(
                          0,
                          1) ", 0, '', '', '', '', '', '{}', 1, 1, 3, 0, 0, 0, 0, 0),"
                             "('m4', 7, 1, 4, " AT(
                                 -1,
                                 1) ", 0, '', '', '', '', '', '{}', 1, 1, 2, 0, 0, 0, 0, 0);"
                                    "INSERT INTO opinions (name, filter, state, tries, due, holder, held, since, "
                                    "asked, answered, score, threshold, certain, "
                                    "virus, action, symbols, trouble) VALUES "
                                    "('m1', 'rspamd', 2, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, '', 'BAYES(5.00) RDNS_NONE', "
                                    "''),"
                                    "('m1', 'bulk', 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, '', 'NOT_GIVEN', ''),"
                                    "('m3', 'clamav', 2, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, '', 'Eicar-Test-Signature', "
                                    "''),"
                                    "('m4', 'rspamd', 2, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, '', 'BAYES(4.00)', '');"
                                    "INSERT INTO records (node, life, sequence, received, time, kind, sender, "
                                    "customer, line) VALUES "
                                    "(7, 1, 1, " AT(0, 2) ", " AT(
                                        0,
                                        1) ", 'evidence', 'x', '', '{\"record\":\"evidence\", \"detector\": "
                                           "\"rejects\"}'),"
                                           "(7, 1, 2, " AT(0, 2) ", " AT(
                                               0,
                                               1) ", 'evidence', 'x', '', 'broken'),"
                                                  "(7, 1, 3, " AT(7, 2) ", " AT(
                                                      6,
                                                      23) ", 'evidence', 'x', '', '{\"detector\":\"rejects\"}');"
                                                          "INSERT INTO listing_history (name, zone, since, until, "
                                                          "weight, code, node, sender, customer) VALUES "
                                                          "('192.0.2.1', 'a.example', " AT(
                                                              1,
                                                              0) ", 0, 1, '', 7, 'tap1', 'acme'),"
                                                                 "('192.0.2.2', 'a.example', " AT(-9, 0) ", " AT(
                                                                     2,
                                                                     0) ", 1, '', 7, '', ''),"
                                                                        "('192.0.2.3', 'a.example', " AT(-9, 0) ", " AT(
                                                                            8,
                                                                            0) ", 1, '', 7, '', ''),"
                                                                               "('192.0.2.4', 'a.example', " AT(-9, 0) ", " AT(
                                                                                   -8,
                                                                                   0) ", 1, '', 7, '', ''),"
                                                                                      "('192.0.2.5', 'a.example', " AT(
                                                                                          8, 0) ", 0, 1, '', 7, '', "
                                                                                                "'');"
                                                                                                "INSERT INTO alerts "
                                                                                                "(number, kind, name, "
                                                                                                "severity, node, "
                                                                                                "sender, customer, "
                                                                                                "raised, last, times, "
                                                                                                "resolved, subject, "
                                                                                                "text)"
                                                                                                " VALUES (1, 'block', "
                                                                                                "'x', 1, 0, '', "
                                                                                                "'', " AT(1, 0) ", " AT(
                                                                                                    9,
                                                                                                    0) ", 1, 0, '', "
                                                                                                       "''),"
                                                                                                       " (2, 'block', "
                                                                                                       "'x', 1, 0, '', "
                                                                                                       "'', " AT(-1, 0) ", " AT(
                                                                                                           3,
                                                                                                           0) ", 1, 0, "
                                                                                                              "'', "
                                                                                                              "'');");
    make(CALENDAR_WEEK, "2027-W01");
    assert_int_equal(sum(SUM_SAMPLES), 3);
    assert_int_equal(sum(SUM_SPAM), 1);
    assert_int_equal(sum(SUM_VIRUSES), 1);
    assert_int_equal(sum(SUM_DIVERTED), 1);
    assert_int_equal(report->past[1].sums[SUM_SPAM], 1);
    assert_int_equal(report->symbol_count, 2);
    assert_string_equal(report->symbols[0].name, "BAYES");
    assert_int_equal(report->symbols[0].before, 1);
    assert_int_equal(report->virus_count, 1);
    assert_string_equal(report->viruses[0].name, "Eicar-Test-Signature");
    assert_int_equal(report->detector_count, 1);
    assert_int_equal(report->detectors[0].count, 2);
    assert_int_equal(sum(SUM_OPENED), 1);
    assert_int_equal(sum(SUM_CLOSED), 1);
    assert_int_equal(sum(SUM_LISTED), 2);
    assert_int_equal(report->listing_count, 3);
    assert_string_equal(report->listings[0].name, "192.0.2.1");
    assert_string_equal(report->listings[1].name, "192.0.2.2");
    assert_true(report->listings[1].until > 0);
    assert_string_equal(report->listings[2].name, "192.0.2.3");
    assert_int_equal(report->listings[2].until, 0); /* as it was then */
    assert_int_equal(report->steps[1].opened, 1);
    assert_int_equal(sum(SUM_ALERTS), 1);
}

static char kept[65536];

static void take(void *context, struct text numbers)
{
    (void)context;
    snprintf(kept, sizeof kept, "%.*s", (int)numbers.length, numbers.bytes);
}

static int row_count;

static void see(void *context, const struct store_report_row *row)
{
    (void)context;
    assert_true(text_equals(row->kind, TEXT("week")));
    assert_true(text_equals(row->zone, TEXT("UTC")));
    row_count++;
}

static void what_is_kept_stays(void **unused)
{
    struct buffer json;
    (void)unused;
    buffer_init(&json, NUMBERS_JSON_MOST);
    put(COMPLAINT("c1", AT(-1, 23), "acme", "tap1", "open", "abuse", "0"));
    make(CALENDAR_WEEK, "2026-W53");
    assert_true(numbers_json_write(report, &json));
    assert_int_equal(store_report_find(store, CALENDAR_WEEK, "2026-W53", "UTC", take, NULL, &failed), 0);
    assert_int_equal(store_report_keep(store, report, buffer_text(&json), &failed), 1);
    assert_int_equal(store_report_keep(store, report, TEXT("{}"), &failed), 0);
    assert_int_equal(store_report_find(store, CALENDAR_WEEK, "2026-W53", "UTC", take, NULL, &failed), 1);
    assert_true(text_equals(text_of(kept), buffer_text(&json)));
    assert_int_equal(store_report_find(store, CALENDAR_WEEK, "2026-W53", "Europe/Berlin", take, NULL, &failed), 0);
    /* The week after takes it from there, though the complaint is gone by now. */
    put("DELETE FROM complaints");
    make(CALENDAR_WEEK, "2027-W01");
    assert_int_equal(report->past[1].sums[SUM_COMPLAINTS], 1);
    assert_true(report->past[1].is_known);
    well(store_reports(store, 10, see, NULL, &failed));
    assert_int_equal(row_count % 2, 1);
    buffer_clear(&json);
    row_count = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MAKER(nothing_is_nothing),
        MAKER(complaints_count_once_and_where_they_came),
        MAKER(what_was_done_is_the_first_that_holds),
        MAKER(traffic_is_summed_over_all_that_it_is_kept_as),
        MAKER(messages_stopped_at_relays),
        MAKER(names_read_in_their_order),
        MAKER(a_node_that_lies_makes_no_sum_run_over),
        MAKER(samples_rules_listings_and_alerts),
        MAKER(what_is_kept_stays),
    };
    return ENGINES_RUN(tests);
}
