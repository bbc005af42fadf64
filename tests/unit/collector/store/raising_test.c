/* What is looked for: each cause gives one alert, which ends with it, whoever was away meanwhile. */
#include "collector/store/raising.h"

#include "common/io/clock.h"
#include "tests/unit/collector/store/stocked.h"

static const struct store_raising raising = {.begun = NOW - HOUR, .lost = 5 * MINUTE, .quiet = DAY};

static int look(moment now)
{
    int result = store_raise(store, &raising, now, &failed);
    well(result);
    return result;
}

static int begin(void **unused)
{
    int status = stocked_begin(unused);
    put("UPDATE nodes SET seen = 1800000000000000000");
    return status;
}

static void judge(const char *sender, const char *verdict, moment when)
{
    int rows = STORE_RUN(store,
                         "INSERT INTO senders (node, sender, customer, verdict, score, changed, address) VALUES "
                         "(7, $1, 'acme', $2, 1420, $3, '') ON CONFLICT (node, sender) DO UPDATE SET "
                         "verdict = excluded.verdict, changed = excluded.changed",
                         NULL, NULL, &failed, STRING(sender), STRING(verdict), INTEGER(when));
    well(rows);
}

static char texts[2000];

static void see(void *context, const struct store_alert_row *row)
{
    size_t length = strlen(texts);
    (void)context;
    snprintf(texts + length, sizeof texts - length, "%.*s [%s] %.*s|%.*s\n", (int)row->kind.length, row->kind.bytes,
             store_severity_name(row->severity), (int)row->subject.length, row->subject.bytes, (int)row->text.length,
             row->text.bytes);
}

static const char *standing(void)
{
    texts[0] = '\0';
    well(store_alerts(store, 0, 100, see, NULL, &failed));
    return texts;
}

static void test_verdicts(void **unused)
{
    (void)unused;
    judge("tap7i0", "block", NOW);
    judge("tap8i0", "throttle", NOW);
    judge("tap9i0", "alert", NOW);
    put("INSERT INTO orders (node, sender, customer, deed, author, reason, rate, since, until, address, standing) "
        "VALUES (7, 'tap7i0', 'acme', 'block', 'judge', 'many refused', 0, 1, 1800003600000000000, '', '')");
    assert_int_equal(look(NOW), 2);
    assert_int_equal(look(NOW + 1), 0);
    assert_string_equal(standing(), "throttle [warning] tap8i0 on hv7 (customer acme): throttle|Score 14.20. No order "
                                    "stands: the node only watches.\n"
                                    "block [trouble] tap7i0 on hv7 (customer acme): block|Score 14.20; until "
                                    "2027-01-15T09:00:00.000000Z. many refused\n");
    judge("tap8i0", "block", NOW + 2); /* one trouble ends, a worse one begins */
    assert_int_equal(look(NOW + 2), 2);
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts WHERE resolved = 0 AND kind = 'block'"), 2);
    judge("tap7i0", "clear", NOW + 3);
    assert_int_equal(look(NOW + 3), 1);
    put("UPDATE nodes SET revoked = 1 WHERE node = 7");
    assert_int_equal(look(NOW + 4), 1);
    assert_string_equal(standing(), "");
}

static void test_a_verdict_of_long_ago_says_nothing(void **unused)
{
    (void)unused;
    put("UPDATE nodes SET seen = 4000000000000000000");
    judge("tap7i0", "block", NOW - 8 * DAY);
    judge("tap8i0", "block", NOW - 6 * DAY);
    assert_int_equal(look(NOW), 1);
    assert_int_equal(look(NOW + 2 * DAY), 1);
    assert_string_equal(standing(), "");
}

static void test_nodes(void **unused)
{
    struct store_raising away = raising;
    (void)unused;
    away.begun = NOW + 10 * MINUTE;
    assert_int_equal(look(NOW + 5 * MINUTE), 0);
    well(store_node_heard(store, OTHER, NOW + 4 * MINUTE, &failed));
    well(store_node_heard(store, OTHER, NOW + 3 * MINUTE, &failed));            /* late; it was heard of later */
    assert_int_equal(store_raise(store, &away, NOW + 11 * MINUTE, &failed), 0); /* we were away ourselves */
    assert_int_equal(look(NOW + 6 * MINUTE), 1);
    assert_string_equal(standing(), "node [trouble] node hv7 is lost|Nothing was heard of it since "
                                    "2027-01-15T08:00:00.000000Z.\n");
    assert_int_equal(look(NOW + 7 * MINUTE), 0);
    well(store_node_heard(store, NODE, NOW + 7 * MINUTE, &failed));
    assert_int_equal(look(NOW + 8 * MINUTE), 1);
    assert_string_equal(standing(), "");
}

static void message(const char *name, int64_t number, int verdict, int corrected, moment received)
{
    int rows = STORE_RUN(store,
                         "INSERT INTO messages (name, node, life, number, received, time, sender, customer, address, "
                         "author, subject, envelope, size, kept, verdict, corrected, score, due, holder, held) VALUES "
                         "($1, 7, 1, $2, $3, $3, 'tap7i0', 'acme', '', '', '', '', 1, 1, $4, $5, 0, 0, 0, 0)",
                         NULL, NULL, &failed, STRING(name), INTEGER(number), INTEGER(received), INTEGER(verdict),
                         INTEGER(corrected));
    well(rows);
}

static void test_viruses(void **unused)
{
    (void)unused;
    put("UPDATE nodes SET seen = 4000000000000000000");
    message("a", 1, 2, 0, NOW); /* spam */
    message("b", 2, 3, 1, NOW); /* a virus, but a person says ham */
    assert_int_equal(look(NOW), 0);
    message("c", 3, 3, 0, NOW);
    message("d", 4, 3, 0, NOW + HOUR);
    assert_int_equal(look(NOW + HOUR), 1);
    assert_string_equal(standing(), "virus [trouble] tap7i0 on hv7 (customer acme) sent a virus|Messages with one: "
                                    "2.\n");
    assert_int_equal(look(NOW + DAY), 0);
    assert_int_equal(look(NOW + DAY + HOUR), 1);
    assert_string_equal(standing(), "");
}

static void complaint(const char *id, const char *customer)
{
    int rows = STORE_RUN(store,
                         "INSERT INTO complaints (id, arrival, received, time, source, format, type, reporter, "
                         "address, sender, customer, node, message_id, subject, recipient, message, tied, state, "
                         "times, incidents, closed, person, reason, note, likeness, fields) VALUES ($1, $1, 1, 1, '', "
                         "'', '', '', '', '', $2, 0, '', '', '', '', '', 'open', 1, 1, 0, '', '', '', '', '')",
                         NULL, NULL, &failed, STRING(id), STRING(customer));
    well(rows);
}

static void test_complaints(void **unused)
{
    (void)unused;
    complaint("1", "acme");
    complaint("2", "acme");
    complaint("3", "");
    assert_int_equal(look(NOW), 2);
    assert_string_equal(standing(),
                        "complaint [warning] complaints about customer acme|Open: 2. postern complaints shows them.\n"
                        "complaint [warning] complaints about nobody that is known here|Open: 1. postern complaints "
                        "shows them.\n");
    put("UPDATE complaints SET state = 'done' WHERE id = '1'");
    assert_int_equal(look(NOW + 1), 0);
    put("UPDATE complaints SET state = 'done'");
    assert_int_equal(look(NOW + 2), 2);
    assert_string_equal(standing(), "");
}

/* Each alert is held against its own customer's complaints, not against all that are open: for that nobody could write
 * for minutes. The limit is a generous one. */
static void test_thousands_of_complaints_hold_up_nobody(void **unused)
{
    (void)unused;
    put("WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO "
        "complaints (id, arrival, received, time, source, format, type, reporter, address, sender, customer, node, "
        "message_id, subject, recipient, message, tied, state, times, incidents, closed, person, reason, note, "
        "likeness, fields) SELECT 'c' || i, '', i, i, 'http', 'arf', 'abuse', '', '', '', 'vm' || i, 0, '', '', '', "
        "'', "
        "'', 'open', 1, 1, 0, '', '', '', '', '' FROM n");
    put("INSERT INTO alerts (number, kind, name, severity, node, sender, customer, raised, last, times, resolved, "
        "subject, text) SELECT received, 'complaint', customer, 1, 0, '', customer, 1, 1, 1, 0, '', '' FROM complaints "
        "WHERE received > 18000");
    duration begun = clock_steady();
    assert_int_equal(store_raise_wanted(store, &raising, NOW, &failed), 1);
    assert_true(clock_steady() - begun < 4 * SECOND);
}

static void test_hostile_names(void **unused)
{
    char sender[600];
    (void)unused;
    memset(sender, 'x', sizeof sender - 1);
    sender[sizeof sender - 1] = '\0';
    judge("\x1b[2J\n", "block", NOW);
    assert_int_equal(look(NOW), 1);
    assert_int_equal(look(NOW + 1), 0);
    assert_null(strchr(standing(), '\x1b'));
    judge(sender, "block", NOW); /* nobody is called so */
    assert_int_equal(look(NOW + 2), 0);
    memset(sender, 0, sizeof sender);
    for (int i = 0; i < 250; i++)
        memcpy(sender + 2 * i, "\xc3\xa4", 2);
    judge(sender, "block", NOW);
    assert_int_equal(look(NOW + 3), 1);
    assert_int_equal(look(NOW + 4), 0);
    judge(sender, "clear", NOW + 5);
    assert_int_equal(look(NOW + 5), 1);
}

#define RAISED(name) cmocka_unit_test_setup_teardown(name, begin, stocked_end)

int main(void)
{
    const struct CMUnitTest tests[] = {RAISED(test_verdicts),     RAISED(test_a_verdict_of_long_ago_says_nothing),
                                       RAISED(test_nodes),        RAISED(test_viruses),
                                       RAISED(test_complaints),   RAISED(test_thousands_of_complaints_hold_up_nobody),
                                       RAISED(test_hostile_names)};
    return ENGINES_RUN(tests);
}
