/* From alerts to sendings, with a clock that is moved by hand: an outbreak is one notice, what comes and goes is told
 * once, what stands is told again, silences and maintenance keep it quiet, and what is over is told when it lasts. */
#include "collector/post/notices.h"

#include <stdlib.h>
#include <time.h>
#include "collector/store/alerts.h"
#include "collector/store/notices.h"
#include "tests/unit/collector/store/stocked.h"

#define START NOW /* a Friday, 08:00 UTC */

static struct alert_settings settings;
static struct mail_settings mail;
static struct notices notices;
static moment now;
static char subjects[2000]; /* of what was made since the last time, oldest first */
static int made;
static char body[200000];

static void read_settings(const char *text)
{
    struct option_binding bindings[ALERT_BINDINGS + 1];
    memset(&settings, 0, sizeof settings);
    well(alert_settings_find(&settings, text_of(text), "test", &failed));
    bindings[alert_settings_bind(&settings, bindings)] = (struct option_binding){.options = NULL};
    well(options_read(bindings, text_of(text), "test", &failed));
}

static int begin(void **unused)
{
    setenv("TZ", "UTC", 1);
    tzset();
    mail = (struct mail_settings){.from = "Postern <postern@example.net>"};
    notices = (struct notices){.begun = 0};
    now = START;
    made = 0;
    return stocked_begin(unused);
}

#define TIMED(name) cmocka_unit_test_setup_teardown(name, begin, stocked_end)

static bool subject_row(void *context, const struct value *columns, size_t count)
{
    size_t length = strlen(subjects);
    (void)context;
    (void)count;
    snprintf(subjects + length, sizeof subjects - length, "%.*s: %.*s\n", (int)columns[0].text.length,
             columns[0].text.bytes, (int)columns[1].text.length, columns[1].text.bytes);
    snprintf(body, sizeof body, "%.*s", (int)columns[2].text.length, columns[2].text.bytes);
    return true;
}

/* One of which it is said that there is nothing to do has nothing to do. */
static void round_at(void)
{
    int wanted = notices_wanted(store, &notices, &settings, now, &failed);
    well(wanted);
    int64_t told = ask("SELECT COUNT(*) FROM alert_sendings WHERE finished = 1 OR said > 0");
    int result = notices_make(store, &notices, &settings, &mail, now, &failed);
    well(result);
    assert_true(wanted == 1 ||
                (result == 0 && told == ask("SELECT COUNT(*) FROM alert_sendings WHERE finished = 1 OR said > 0")));
    made += result;
}

/* Rounds as the post makes them, for a while; what was made in them. */
static const char *pass(duration time)
{
    moment end = now + time, before = now;
    for (duration step = time > 3 * HOUR      ? 10 * MINUTE
                         : time > 15 * MINUTE ? MINUTE
                                              : 20 * SECOND;
         now < end; now += step) {
        put("UPDATE nodes SET seen = 4000000000000000000"); /* they are heard */
        round_at();
    }
    const struct value from[] = {INTEGER(before)};
    subjects[0] = body[0] = '\0';
    well(engine_run(store->engine,
                    "SELECT channel, subject, bytes FROM sendings WHERE made >= $1 ORDER BY made, channel", from, 1,
                    subject_row, NULL, &failed));
    return subjects;
}

static void raise_one(const char *kind, const char *name, enum store_severity severity)
{
    char subject[200];
    snprintf(subject, sizeof subject, "%s of %s", kind, name);
    const struct store_alert alert = {.kind = kind,
                                      .name = name,
                                      .severity = severity,
                                      .node = NODE,
                                      .sender = TEXT("tap7i0"),
                                      .customer = TEXT("acme"),
                                      .subject = text_of(subject),
                                      .text = TEXT("It is so.\nLook at it.")};
    well(store_alert_raise(store, &alert, now, &failed));
}

static void end_one(const char *kind, const char *name)
{
    assert_int_equal(store_alert_resolve(store, kind, name, now, &failed), 1);
}

#define MAIL "[alert desk]\nto = desk@example.net\n"

static void test_one_alert_is_told_once_and_its_end(void **unused)
{
    (void)unused;
    read_settings(MAIL);
    raise_one("listing", "192.0.2.1 zone", SEVERITY_WARNING);
    assert_string_equal(pass(40 * SECOND), ""); /* it could be over in a moment */
    assert_string_equal(pass(10 * MINUTE), "desk: listing of 192.0.2.1 zone\n");
    assert_non_null(strstr(body, "From: Postern <postern@example.net>\r\n"));
    assert_non_null(strstr(body, "To: desk@example.net\r\n"));
    assert_non_null(strstr(body, "Auto-Submitted: auto-generated\r\n"));
    assert_non_null(strstr(body, "Subject: [postern] listing of 192.0.2.1 zone\r\n"));
    assert_non_null(strstr(body, "  warning, since 2027-01-15 08:00 +00:00\r\n  It is so.\r\n  Look at it.\r\n"));
    assert_string_equal(pass(2 * HOUR), "");
    end_one("listing", "192.0.2.1 zone");
    assert_string_equal(pass(4 * MINUTE), "");
    assert_string_equal(pass(2 * MINUTE), "desk: over: listing of 192.0.2.1 zone\n");
    assert_string_equal(pass(2 * DAY), "");
}

/* As nodes' verdicts come in; `of`: how many senders from the first on. */
static void hold(int first, int of, const char *verdict)
{
    for (int i = first; i < first + of; i++) {
        char name[32];
        snprintf(name, sizeof name, "tap%di0", i);
        int rows = STORE_RUN(store,
                             "INSERT INTO senders (node, sender, customer, verdict, score, changed, address) VALUES "
                             "($1, $2, 'acme', $3, 1420, $4, '') ON CONFLICT (node, sender) DO UPDATE SET verdict = "
                             "excluded.verdict, changed = excluded.changed",
                             NULL, NULL, &failed, INTEGER(NODE), STRING(name), STRING(verdict), INTEGER(now));
        well(rows);
    }
}

static void test_an_outbreak_is_one_notice_for_each_channel(void **unused)
{
    (void)unused;
    read_settings(MAIL "[alert hook]\ntype = webhook\nurl = https://hook.example.net/x\nlists = 3\n");
    hold(0, 1, "block");
    raise_one("listing", "192.0.2.1 zone", SEVERITY_WARNING);
    assert_string_equal(pass(20 * SECOND), "");
    hold(1, 199, "block"); /* while the first one waits */
    assert_string_equal(pass(5 * MINUTE), "desk: 200 senders blocked, 1 listing on a blacklist\n"
                                          "hook: 200 senders blocked, 1 listing on a blacklist\n");
    assert_int_equal(made, 2);
    assert_non_null(strstr(body, "\"count\":201,\"alerts\":["));
    assert_null(strstr(body, "tap103i0"));
    hold(200, 30, "block"); /* and more in the next ten minutes */
    assert_string_equal(pass(4 * MINUTE), "");
    assert_string_equal(pass(7 * MINUTE), "desk: 30 senders blocked\nhook: 30 senders blocked\n");
    hold(0, 230, "clear");
    assert_string_equal(pass(20 * MINUTE), "desk: over: 230 senders blocked\nhook: over: 230 senders blocked\n");
    assert_int_equal(made, 6);
    assert_int_equal(ask("SELECT COUNT(*) FROM sendings"), 6);
}

static void test_a_mail_lists_some_and_counts_the_rest(void **unused)
{
    (void)unused;
    read_settings(MAIL "lists = 3\n");
    hold(0, 200, "block");
    pass(5 * MINUTE);
    assert_non_null(strstr(body, "* tap0i0 on hv7 (customer acme): block\r\n"));
    assert_non_null(strstr(body, "and 197 more: `postern alerts` shows all.\r\n"));
    assert_null(strstr(body, "tap3i0 on"));
}

static void test_what_is_over_at_once_is_not_told(void **unused)
{
    (void)unused;
    read_settings(MAIL);
    raise_one("listing", "a", SEVERITY_TROUBLE);
    pass(40 * SECOND);
    end_one("listing", "a");
    assert_string_equal(pass(DAY), "");
}

static void test_what_comes_and_goes_is_told_once(void **unused)
{
    (void)unused;
    read_settings(MAIL);
    raise_one("source", "imap", SEVERITY_TROUBLE);
    assert_string_equal(pass(3 * MINUTE), "desk: source of imap\n");
    for (int i = 0; i < 50; i++) {
        end_one("source", "imap");
        assert_string_equal(pass(2 * MINUTE), "");
        raise_one("source", "imap", SEVERITY_TROUBLE);
        assert_string_equal(pass(3 * MINUTE), "");
    }
    end_one("source", "imap");
    assert_string_equal(pass(10 * MINUTE), "desk: over: source of imap\n");
    raise_one("source", "imap", SEVERITY_TROUBLE); /* later it is new */
    assert_string_equal(pass(30 * MINUTE), "desk: source of imap\n");
}

static void test_what_stands_is_told_again(void **unused)
{
    (void)unused;
    read_settings(MAIL "[alert once]\nto = a@example.net\nrepeat = 0s\n");
    raise_one("listing", "a", SEVERITY_WARNING);
    raise_one("listing", "b", SEVERITY_WARNING);
    pass(HOUR);
    assert_int_equal(made, 2);
    assert_string_equal(pass(DAY), "desk: 2 listings on blacklists\n");
    assert_non_null(strstr(body, "STILL THERE"));
    assert_string_equal(pass(DAY), "desk: 2 listings on blacklists\n");
}

static void test_what_gets_worse_is_told(void **unused)
{
    (void)unused;
    read_settings(MAIL);
    raise_one("listing", "a", SEVERITY_WARNING);
    pass(5 * MINUTE);
    raise_one("listing", "a", SEVERITY_TROUBLE);
    assert_string_equal(pass(HOUR), "desk: worse: listing of a\n");
    raise_one("listing", "a", SEVERITY_WARNING); /* better is no news */
    raise_one("listing", "a", SEVERITY_TROUBLE);
    assert_string_equal(pass(HOUR), "");
}

static void test_routes(void **unused)
{
    (void)unused;
    read_settings("[alert all]\nto = a@example.net\nseverity = news\n"
                  "[alert bad]\nto = a@example.net\nseverity = trouble\n"
                  "[alert lists]\nto = a@example.net\nkinds = list* zone\n"
                  "[alert acme]\nto = a@example.net\ncustomers = ac*\n"
                  "[alert bolt]\nto = a@example.net\ncustomers = bolt\n"
                  "[alert west]\nto = a@example.net\nnodes = hv7 hv9\n"
                  "[alert east]\nto = a@example.net\nnodes = hv8\n"
                  "[alert reports]\nto = a@example.net\nkinds = -\n");
    raise_one("listing", "a", SEVERITY_WARNING);
    assert_string_equal(pass(2 * MINUTE), "acme: listing of a\nall: listing of a\nlists: listing of a\n"
                                          "west: listing of a\n");
    raise_one("source", "b", SEVERITY_TROUBLE);
    assert_string_equal(pass(2 * MINUTE), "acme: source of b\nall: source of b\nbad: source of b\nwest: source of b\n");
    raise_one("extra", "c", SEVERITY_NEWS);
    assert_string_equal(pass(2 * MINUTE), "all: extra of c\n");
}

static int64_t silence(const char *kind, const char *name, duration time)
{
    int64_t number;
    const struct store_silence row = {.kind = text_of(kind),
                                      .name = text_of(name),
                                      .customer = TEXT(""),
                                      .node = TEXT(""),
                                      .begin = now,
                                      .until = now + time,
                                      .person = TEXT("ann"),
                                      .reason = TEXT("known")};
    well(store_silence_add(store, &row, &number, &failed));
    return number;
}

static void test_silences(void **unused)
{
    (void)unused;
    read_settings(MAIL);
    silence("listing", "192.0.2.*", HOUR);
    raise_one("listing", "192.0.2.1 zone", SEVERITY_TROUBLE);
    raise_one("listing", "192.0.2.2 zone", SEVERITY_TROUBLE);
    raise_one("listing", "198.51.100.1 zone", SEVERITY_TROUBLE);
    assert_string_equal(pass(30 * MINUTE), "desk: listing of 198.51.100.1 zone\n");
    end_one("listing", "192.0.2.2 zone");
    assert_string_equal(pass(29 * MINUTE), "");
    assert_string_equal(pass(2 * MINUTE), "desk: listing of 192.0.2.1 zone\n");
    int64_t number = silence("", "", DAY);
    raise_one("source", "imap", SEVERITY_TROUBLE);
    assert_string_equal(pass(HOUR), "");
    assert_int_equal(store_silence_end(store, number, now, &failed), 1);
    assert_int_equal(store_silence_end(store, number, now, &failed), 0);
    assert_string_equal(pass(HOUR), "desk: source of imap\n");
}

/* Thousands, quickly. */
static void raise_many(const char *kind, int count, duration stood)
{
    const struct value bounds[] = {STRING(kind), INTEGER(now), INTEGER(stood > 0 ? now + stood : 0), INTEGER(count)};
    int rows =
        engine_run(store->engine,
                   "WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < $4) "
                   "INSERT INTO alerts (number, kind, name, severity, node, sender, customer, raised, last, times, "
                   "resolved, subject, text) SELECT (SELECT highest FROM alerting) + i, $1, 'many ' || i, 2, 0, "
                   "'', 'many', $2, $2, 1, $3, $1 || ' ' || i, '' FROM n",
                   bounds, 4, NULL, NULL, &failed);
    well(rows);
    put("UPDATE alerting SET highest = (SELECT MAX(number) FROM alerts)");
}

static void test_what_came_and_went_takes_no_place(void **unused)
{
    (void)unused;
    read_settings(MAIL);
    raise_many("listing", 17000, 30 * SECOND);
    assert_string_equal(pass(5 * MINUTE), "");
    raise_one("listing", "z", SEVERITY_TROUBLE);
    assert_string_equal(pass(5 * MINUTE), "desk: listing of z\n");
}

static void test_an_end_in_silence_is_silent(void **unused)
{
    (void)unused;
    read_settings(MAIL);
    raise_one("source", "imap", SEVERITY_TROUBLE);
    pass(5 * MINUTE);
    silence("source", "", HOUR);
    end_one("source", "imap");
    assert_string_equal(pass(3 * HOUR), "");
}

static void test_maintenance(void **unused)
{
    (void)unused;
    read_settings("[alerts]\nmaintenance = Fri 08:30-09:30\n" MAIL);
    pass(35 * MINUTE);
    raise_one("filter", "rspamd", SEVERITY_TROUBLE);
    raise_one("filter", "clamd", SEVERITY_TROUBLE);
    raise_one("listing", "a", SEVERITY_TROUBLE); /* is not what is worked on */
    assert_string_equal(pass(10 * MINUTE), "desk: listing of a\n");
    end_one("filter", "clamd");
    assert_string_equal(pass(44 * MINUTE), "");
    assert_string_equal(pass(20 * MINUTE), "desk: filter of rspamd\n");
}

static void test_hours(void **unused)
{
    (void)unused;
    read_settings(MAIL "hours = Mon-Fri 08:00-18:00\n");
    now += 11 * HOUR; /* Friday, 19:00 */
    raise_one("listing", "a", SEVERITY_TROUBLE);
    raise_one("source", "b", SEVERITY_TROUBLE);
    pass(HOUR);
    end_one("source", "b"); /* it lasted, and is told, once */
    assert_string_equal(pass(2 * DAY + 11 * HOUR + 59 * MINUTE), "");
    assert_string_equal(pass(5 * MINUTE), "desk: 1 listing on a blacklist; over: 1 source of complaints failing\n");
    assert_non_null(strstr(body, "since 2027-01-15 19:00 +00:00 until 2027-01-15 20:00 +00:00"));
    assert_string_equal(pass(HOUR), "");
}

static void test_what_a_channel_does_not_hear_takes_no_place(void **unused)
{
    (void)unused;
    read_settings("[alert bad]\nto = a@example.net\nseverity = trouble\n");
    pass(MINUTE);
    put("INSERT INTO alerts (number, kind, name, severity, node, sender, customer, raised, last, times, resolved, "
        "subject, text) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT "
        "1000000 + i, 'moon', 'a', 1, 0, '', '', 1, 1, 1, 0, '', '' FROM n");
    raise_one("zone", "x", SEVERITY_TROUBLE);
    assert_string_equal(pass(5 * MINUTE), "bad: zone of x\n");
}

static void test_a_new_channel_is_told_what_stands(void **unused)
{
    (void)unused;
    read_settings("");
    raise_one("listing", "old", SEVERITY_TROUBLE);
    pass(HOUR);
    end_one("listing", "old");
    raise_one("listing", "new", SEVERITY_TROUBLE);
    pass(HOUR);
    read_settings(MAIL);
    assert_string_equal(pass(HOUR), "desk: listing of new\n");
}

static void test_pagerduty_has_an_incident_for_a_kind(void **unused)
{
    (void)unused;
    read_settings("[alert duty]\ntype = webhook\nform = pagerduty\nkey = K\nurl = https://e.example.net/v2/enqueue\n");
    hold(0, 20, "block");
    raise_one("source", "imap", SEVERITY_TROUBLE);
    pass(5 * MINUTE);
    assert_int_equal(made, 2);
    hold(0, 19, "clear");
    pass(15 * MINUTE);
    assert_int_equal(made, 3);
    assert_non_null(strstr(body, "\"event_action\":\"trigger\",\"dedup_key\":\"postern/duty/block\""));
    hold(19, 1, "clear");
    pass(15 * MINUTE);
    assert_int_equal(made, 4);
    assert_non_null(strstr(body, "\"routing_key\":\"K\",\"event_action\":\"resolve\",\"dedup_key\":\"postern/duty/"
                                 "block\""));
}

static void test_a_test_is_one(void **unused)
{
    char id[STORE_SENDING_ID], again[STORE_SENDING_ID];
    (void)unused;
    read_settings(MAIL "[alert duty]\ntype = webhook\nform = pagerduty\nkey = K\nurl = https://e.example.net/v2\n");
    for (uint32_t i = 0; i < 2; i++) {
        const struct channel *channel = &settings.channels[i];
        well(notices_test(store, &settings, &mail, channel, TEXT("ann 1"), now, id, &failed));
        well(notices_test(store, &settings, &mail, channel, TEXT("ann 1"), now, again, &failed));
        assert_string_equal(id, again);
    }
    assert_int_equal(ask("SELECT COUNT(*) FROM sendings WHERE purpose = 'test'"), 2);
    assert_int_equal(ask("SELECT COUNT(*) FROM sendings WHERE channel = 'desk' AND recipients = 'desk@example.net'"),
                     1);
}

static void test_what_is_old_goes(void **unused)
{
    (void)unused;
    read_settings("[alerts]\nkeep = 1d\n" MAIL);
    raise_one("listing", "a", SEVERITY_TROUBLE);
    pass(5 * MINUTE);
    end_one("listing", "a");
    pass(HOUR);
    assert_int_equal(ask("SELECT COUNT(*) FROM alert_sendings"), 1);
    pass(DAY);
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts"), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM alert_sendings"), 0);
}

static void test_a_node_is_lost_and_back(void **unused)
{
    (void)unused;
    read_settings(MAIL);
    notices = (struct notices){.begun = now, .latest = now};
    moment end = now + 4 * MINUTE;
    for (; now < end; now += 10 * SECOND) /* nobody could be heard before */
        round_at();
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts"), 0);
    for (end = now + 2 * MINUTE; now < end; now += 10 * SECOND)
        round_at();
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts WHERE kind = 'node' AND resolved = 0"), 2);
    assert_string_equal(pass(20 * MINUTE), "desk: over: 2 nodes lost\n");
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts WHERE resolved = 0"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TIMED(test_one_alert_is_told_once_and_its_end),
                                       TIMED(test_an_outbreak_is_one_notice_for_each_channel),
                                       TIMED(test_a_mail_lists_some_and_counts_the_rest),
                                       TIMED(test_what_is_over_at_once_is_not_told),
                                       TIMED(test_what_comes_and_goes_is_told_once),
                                       TIMED(test_what_stands_is_told_again),
                                       TIMED(test_what_gets_worse_is_told),
                                       TIMED(test_routes),
                                       TIMED(test_silences),
                                       TIMED(test_what_came_and_went_takes_no_place),
                                       TIMED(test_an_end_in_silence_is_silent),
                                       TIMED(test_maintenance),
                                       TIMED(test_hours),
                                       TIMED(test_what_a_channel_does_not_hear_takes_no_place),
                                       TIMED(test_a_new_channel_is_told_what_stands),
                                       TIMED(test_pagerduty_has_an_incident_for_a_kind),
                                       TIMED(test_a_test_is_one),
                                       TIMED(test_what_is_old_goes),
                                       TIMED(test_a_node_is_lost_and_back)};
    return ENGINES_RUN(tests);
}
