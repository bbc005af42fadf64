/* Reports that are made by themselves, with a clock that is moved by hand: once for each channel, whoever looks and
 * however often, late where nobody looked, and from figures that stay as they were. */
#include "collector/post/reports.h"

#include <errno.h>
#include <stdlib.h>
#include "common/cleanup.h"
#include "tests/unit/collector/store/stocked.h"

#define SETTINGS                                                                                                       \
    "[alert desk]\ntype = mail\nkinds = -\nto = desk@example.net ann@example.net\n"                                    \
    "[alert boss]\ntype = mail\nkinds = -\nto = boss@example.net\n"                                                    \
    "[alert hook]\ntype = webhook\nurl = https://example.net/\n"
#define MONDAY_7 (NOW + 2 * DAY + 23 * HOUR) /* 2027-01-18, 07:00 */

static struct alert_settings alerts;
static struct mail_settings mail;
static struct report_settings settings;
static struct calendar_zone *zone;
static struct reports_means means = {.settings = &settings, .alerts = &alerts, .mail = &mail};
static struct reports reports;

static void send_to(struct option_words *words, const char *names)
{
    struct text left = text_of(names);
    words->count = 0;
    while (left.length > 0) {
        struct text name = text_split(&left, ' ');
        snprintf(words->items[words->count++], sizeof(words->items[0]), "%.*s", (int)name.length, name.bytes);
    }
}

static int begin(void **unused)
{
    struct option_binding bindings[ALERT_BINDINGS + 1];
    memset(&alerts, 0, sizeof(alerts));
    well(alert_settings_find(&alerts, text_of(SETTINGS), "test", &failed));
    bindings[alert_settings_bind(&alerts, bindings)] = (struct option_binding){.options = NULL};
    well(options_read(bindings, text_of(SETTINGS), "test", &failed));
    mail = (struct mail_settings){.from = "Postern <postern@example.net>"};
    settings = (struct report_settings){.hour = 7, .keep = 365 * DAY};
    send_to(&settings.weekly, "desk boss");
    well(calendar_zone_create("UTC", TEXT(""), &zone, &failed));
    means.zone = zone;
    reports = (struct reports){.again = 0};
    stocked_begin(unused);
    well(store_commit(store, &failed));
    return 0;
}

static int end(void **unused)
{
    calendar_zone_destroy(&zone);
    return stocked_end(unused);
}

#define TIMED(name) cmocka_unit_test_setup_teardown(name, begin, end)

static int round_at(moment now)
{
    if (!reports_wanted(&reports, &means, now))
        return 0;
    int made = reports_make(store, &reports, &means, now, &failed);
    well(made);
    return made;
}

static char subject[256], recipients[256], *bytes;
static size_t bytes_length;

static bool take(void *context, const struct value *columns, size_t count)
{
    (void)context;
    (void)count;
    store_copy(columns[0].text, subject, sizeof(subject));
    store_copy(columns[1].text, recipients, sizeof(recipients));
    free(bytes);
    bytes_length = columns[2].text.length;
    bytes = malloc(bytes_length + 1);
    assert_non_null(bytes);
    memcpy(bytes, columns[2].text.bytes, bytes_length);
    return true;
}

static void look(const char *channel)
{
    const struct value parameters[] = {VALUE_TEXT(text_of(channel))};
    well(engine_run(store->engine, "SELECT subject, recipients, bytes FROM sendings WHERE channel = $1 ORDER BY made",
                    parameters, 1, take, NULL, &failed));
}

static void test_a_week_is_mailed_to_each_channel_when_its_hour_has_come(void **unused)
{
    (void)unused;
    assert_int_equal(round_at(NOW), 2); /* the first time that anybody looks: the latest that is over */
    look("desk");
    assert_string_equal(subject, "Week 1 of 2027: no complaints (0 before)");
    assert_string_equal(recipients, "desk@example.net ann@example.net");
    assert_int_equal(round_at(MONDAY_7 - SECOND), 0);
    assert_int_equal(round_at(MONDAY_7), 2);
    look("boss");
    assert_string_equal(subject, "Week 2 of 2027: no complaints (0 before)");
    assert_string_equal(recipients, "boss@example.net");
    assert_int_equal(round_at(MONDAY_7 + SECOND), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM sendings WHERE purpose = 'report'"), 4);
    assert_int_equal(ask("SELECT COUNT(*) FROM reports WHERE kind = 'week'"), 2);
}

static void test_it_is_made_once_whoever_looks(void **unused)
{
    (void)unused;
    struct store *other = NULL;
    assert_int_equal(round_at(NOW), 2);
    reports = (struct reports){.again = 0}; /* started anew */
    assert_int_equal(round_at(NOW + MINUTE), 0);
    assert_false(reports_wanted(&reports, &means, NOW + MINUTE));
    struct reports others = {.again = 0};
    well(store_open(stocked_where, &other, &failed));
    assert_int_equal(reports_make(other, &others, &means, NOW + MINUTE, &failed), 0);
    store_close(&other);
    assert_int_equal(ask("SELECT COUNT(*) FROM sendings"), 2);
}

static void test_after_a_downtime_the_latest_is_made(void **unused)
{
    (void)unused;
    assert_int_equal(round_at(NOW), 2);
    assert_int_equal(round_at(MONDAY_7 + 23 * DAY), 2);
    look("desk");
    assert_string_equal(subject, "Week 5 of 2027: no complaints (0 before)");
    assert_int_equal(ask("SELECT COUNT(*) FROM sendings"), 4);
}

static void test_its_figures_stay_as_they_were(void **unused)
{
    (void)unused;
    assert_int_equal(round_at(NOW), 2);
    look("desk");
    char *before = TAKE(bytes);
    size_t length = bytes_length;
    well(store_begin(store, &failed));
    put("DELETE FROM sendings");
    put("INSERT INTO complaints (id, arrival, received, time, source, format, type, reporter, address, sender, "
        "customer, "
        "node, message_id, subject, recipient, message, tied, state, times, incidents, closed, person, reason, note, "
        "likeness, fields) VALUES ('c1', 'a', 1799200000000000000, 1, 'http', 'arf', 'abuse', 'r', 'a', '', 'acme', 0, "
        "'', '', '', '', '', 'open', 1, 1, 0, '', '', '', '', '{}')"); /* on Wednesday of that week */
    well(store_commit(store, &failed));
    reports = (struct reports){.again = 0};
    assert_int_equal(round_at(NOW + HOUR), 2);
    look("desk");
    assert_int_equal(bytes_length, length);
    assert_memory_equal(bytes, before, length);
    free(before);
}

static void test_days_and_months_go_their_own_ways(void **unused)
{
    (void)unused;
    send_to(&settings.weekly, "");
    assert_false(reports_wanted(&reports, &means, NOW));
    send_to(&settings.daily, "desk");
    send_to(&settings.monthly, "boss");
    assert_int_equal(round_at(NOW), 2);
    look("desk");
    assert_string_equal(subject, "Thu 14 January 2027: no complaints (0 before)");
    look("boss");
    assert_string_equal(subject, "December 2026: no complaints (0 before)");
    assert_int_equal(round_at(NOW + DAY), 1);
}

static void test_what_fails_is_not_tried_again_at_once(void **unused)
{
    (void)unused;
    send_to(&settings.weekly, "desk nobody");
    assert_true(reports_make(store, &reports, &means, NOW, &failed) < 0);
    assert_non_null(strstr(failed.text, "nobody"));
    assert_int_equal(ask("SELECT COUNT(*) FROM sendings"), 0); /* all or nothing */
    assert_false(reports_wanted(&reports, &means, NOW + SECOND));
    send_to(&settings.weekly, "desk");
    assert_int_equal(round_at(NOW + MINUTE), 1);
}

static void test_what_fails_does_not_hold_up_the_others(void **unused)
{
    (void)unused;
    send_to(&settings.daily, "gone");
    assert_true(reports_wanted(&reports, &means, NOW));
    assert_int_equal(reports_make(store, &reports, &means, NOW, &failed), -EINVAL);
    assert_non_null(strstr(failed.text, "there is no [alert gone]"));
    assert_int_equal(ask("SELECT COUNT(*) FROM sendings WHERE purpose = 'report'"), 2); /* the week's */
}

static void test_by_hand_it_goes_as_often_as_it_is_wanted(void **unused)
{
    (void)unused;
    char first[STORE_SENDING_ID], second[STORE_SENDING_ID];
    struct report *report = numbers_create();
    const struct channel *desk = alert_channel(&alerts, TEXT("desk"));
    assert_int_equal(round_at(NOW), 2);
    well(calendar_period_named(zone, CALENDAR_WEEK, TEXT("2027-W01"), &report->period) ? 0 : -1);
    well(store_begin(store, &failed));
    assert_int_equal(reports_send(store, &means, report, desk, TEXT("one"), NOW, first, &failed), 1);
    assert_int_equal(reports_send(store, &means, report, desk, TEXT("one"), NOW, second, &failed), 0);
    assert_string_equal(first, second);
    assert_int_equal(reports_send(store, &means, report, desk, TEXT("two"), NOW, second, &failed), 1);
    assert_int_equal(
        reports_send(store, &means, report, alert_channel(&alerts, TEXT("hook")), TEXT("x"), NOW, first, &failed),
        -EINVAL);
    well(store_commit(store, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM sendings"), 4);
    numbers_destroy(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TIMED(test_a_week_is_mailed_to_each_channel_when_its_hour_has_come),
                                       TIMED(test_it_is_made_once_whoever_looks),
                                       TIMED(test_after_a_downtime_the_latest_is_made),
                                       TIMED(test_its_figures_stay_as_they_were),
                                       TIMED(test_days_and_months_go_their_own_ways),
                                       TIMED(test_what_fails_is_not_tried_again_at_once),
                                       TIMED(test_what_fails_does_not_hold_up_the_others),
                                       TIMED(test_by_hand_it_goes_as_often_as_it_is_wanted)};
    int failures = ENGINES_RUN(tests);
    free(bytes);
    return failures;
}
