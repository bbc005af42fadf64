/* Alerts: one trouble is one row until it is over, and those that stand are counted by how bad they are. */
#include "collector/store/alerts.h"

#include "tests/unit/collector/store/stocked.h"

static int raise_one(const char *name, enum store_severity severity)
{
    const struct store_alert alert = {
        .kind = "node", .name = name, .severity = severity, .subject = TEXT("a node"), .text = TEXT("is silent")};
    int status = store_alert_raise(store, &alert, NOW, &failed);
    well(status);
    return status;
}

static void test_raised_again_it_is_the_same_until_it_is_over(void **unused)
{
    (void)unused;
    assert_int_equal(raise_one("hv1", SEVERITY_WARNING), 1);
    assert_int_equal(raise_one("hv1", SEVERITY_TROUBLE), 0);
    assert_int_equal(ask("SELECT times FROM alerts"), 2);
    assert_int_equal(store_alert_resolve(store, "node", "hv1", NOW + SECOND, &failed), 1);
    assert_int_equal(store_alert_resolve(store, "node", "hv1", NOW + SECOND, &failed), 0);
    assert_int_equal(raise_one("hv1", SEVERITY_WARNING), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts"), 2);
}

static void test_those_that_stand_are_counted(void **unused)
{
    int64_t counts[SEVERITIES] = {7, 7, 7};
    (void)unused;
    well(store_alerts_count(store, counts, &failed));
    assert_int_equal(counts[SEVERITY_NEWS] + counts[SEVERITY_WARNING] + counts[SEVERITY_TROUBLE], 0);
    raise_one("hv1", SEVERITY_TROUBLE);
    raise_one("hv2", SEVERITY_TROUBLE);
    raise_one("hv3", SEVERITY_NEWS);
    raise_one("hv4", SEVERITY_WARNING);
    well(store_alert_resolve(store, "node", "hv4", NOW, &failed));
    well(store_alerts_count(store, counts, &failed));
    assert_int_equal(counts[SEVERITY_NEWS], 1);
    assert_int_equal(counts[SEVERITY_WARNING], 0);
    assert_int_equal(counts[SEVERITY_TROUBLE], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {STOCKED(test_raised_again_it_is_the_same_until_it_is_over),
                                       STOCKED(test_those_that_stand_are_counted)};
    return ENGINES_RUN(tests);
}
