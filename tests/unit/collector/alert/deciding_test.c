/* What a channel is told of an alert, and from when on. */
#include "collector/alert/deciding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define NOW (1800000000 * SECOND)

static const struct channel channel = {
    .wait = MINUTE, .pause = 10 * MINUTE, .settle = 5 * MINUTE, .repeat = DAY, .over = true};

static struct alert standing(moment raised)
{
    return (struct alert){.number = 1, .kind = TEXT("block"), .severity = 1, .raised = raised, .last = raised};
}

static void test_what_there_is_to_tell(void **unused)
{
    struct alert alert = standing(NOW);
    struct alert_told told = {.said = 0};
    (void)unused;
    assert_int_equal(alert_news(&channel, &alert, &told, NOW), NEWS_BEGUN);
    alert.resolved = NOW + 59 * SECOND;
    assert_int_equal(alert_news(&channel, &alert, &told, NOW + HOUR), NEWS_NONE);
    alert.resolved = NOW + MINUTE;
    assert_int_equal(alert_news(&channel, &alert, &told, NOW + HOUR), NEWS_BEGUN);
    told = (struct alert_told){.said = NOW + MINUTE, .severity = 1};
    assert_int_equal(alert_news(&channel, &alert, &told, NOW + HOUR), NEWS_OVER);
    told.over = true;
    assert_int_equal(alert_news(&channel, &alert, &told, NOW + HOUR), NEWS_NONE);
    alert.resolved = 0;
    told.over = false;
    assert_int_equal(alert_news(&channel, &alert, &told, NOW + DAY), NEWS_NONE);
    assert_int_equal(alert_news(&channel, &alert, &told, NOW + DAY + MINUTE), NEWS_STILL);
    alert.severity = 2;
    assert_int_equal(alert_news(&channel, &alert, &told, NOW + HOUR), NEWS_WORSE);
}

static void test_never_again(void **unused)
{
    const struct alert alert = standing(NOW);
    const struct alert_told told = {.said = NOW, .severity = 1};
    struct channel once = channel;
    (void)unused;
    once.repeat = 0;
    assert_int_equal(alert_news(&once, &alert, &told, NOW + 400 * DAY), NEWS_NONE);
}

static void test_when(void **unused)
{
    struct alert alert = standing(NOW);
    struct alert_told told = {.said = 0};
    (void)unused;
    assert_true(alert_due(&channel, &alert, &told, NEWS_BEGUN, 0) == NOW + MINUTE);
    assert_true(alert_due(&channel, &alert, &told, NEWS_BEGUN, NOW - MINUTE) == NOW + 9 * MINUTE);
    assert_true(alert_due(&channel, &alert, &told, NEWS_BEGUN, NOW - HOUR) == NOW + MINUTE);
    told.said = NOW + MINUTE;
    assert_true(alert_due(&channel, &alert, &told, NEWS_STILL, NOW + MINUTE) == NOW + MINUTE + DAY);
    alert.resolved = NOW + HOUR;
    assert_true(alert_due(&channel, &alert, &told, NEWS_OVER, NOW + MINUTE) == NOW + HOUR + 5 * MINUTE);
}

static bool fits(const char *kind, const char *name, const char *customer, const char *node)
{
    const struct alert alert = {.kind = TEXT("block"),
                                .name = TEXT("tap7i0 0000000000000007"),
                                .sender = TEXT("tap7i0"),
                                .customer = TEXT("acme"),
                                .node = TEXT("hv7")};
    const struct alert_pattern pattern = {text_of(kind), text_of(name), text_of(customer), text_of(node)};
    return alert_fits(&alert, &pattern);
}

static void test_patterns(void **unused)
{
    char longest[500];
    (void)unused;
    assert_true(fits("", "", "", ""));
    assert_true(fits("block", "tap7i0", "acme", "hv7"));
    assert_true(fits("b*", "tap?i0*", "*", "hv*"));
    assert_false(fits("node", "", "", ""));
    assert_false(fits("", "tap8*", "", ""));
    assert_false(fits("", "", "bolt", ""));
    assert_false(fits("", "", "", "hv8"));
    memset(longest, '*', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_false(fits("", longest, "", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_there_is_to_tell), cmocka_unit_test(test_never_again),
                                       cmocka_unit_test(test_when), cmocka_unit_test(test_patterns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
