/* Who is written to, and not again at once, on both engines. */
#include "collector/store/letters.h"
#include "collector/store/alerts.h"
#include "tests/unit/collector/store/stocked.h"

static char seen[200];

static void see(void *context, struct text customer)
{
    size_t length = strlen(seen);
    (void)context;
    snprintf(seen + length, sizeof seen - length, "%.*s ", (int)customer.length, customer.bytes);
}

static int take(const char *customer, const char *cause, const char *sending, moment now, moment *last)
{
    const struct store_letter letter = {text_of(customer), cause, sending, "de", "anna"};
    int status = store_letter_take(store, &letter, now, now - DAY, last, &failed);
    well(status);
    return status;
}

static void once_a_day_for_a_cause(void **unused)
{
    moment last = 0;
    (void)unused;
    assert_int_equal(take("acme", "block", "s1", NOW, &last), 1);
    assert_int_equal(take("acme", "block", "s2", NOW + HOUR, &last), 0);
    assert_int_equal(last, NOW);
    assert_int_equal(take("acme", "block", "s1", NOW, &last), 1); /* asked for again, as who got no answer does */
    assert_int_equal(take("acme", "complaint", "s3", NOW + HOUR, &last), 1);
    assert_int_equal(take("bolt", "block", "s4", NOW + HOUR, &last), 1);
    assert_int_equal(take("acme", "block", "s5", NOW + DAY, &last), 0);
    assert_int_equal(take("acme", "block", "s5", NOW + DAY + 1, &last), 1);
    assert_int_equal(ask("SELECT times FROM letters WHERE customer = 'acme' AND cause = 'block'"), 3);
    well(store_letters_tidy(store, NOW + DAY, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM letters"), 1);
}

static void one_that_went_nowhere_holds_up_none(void **unused)
{
    moment last = 0;
    (void)unused;
    assert_int_equal(take("acme", "block", "", NOW, &last), 1);
    assert_int_equal(take("acme", "block", "s1", NOW + 1, &last), 1);
    assert_int_equal(take("acme", "block", "s2", NOW + 2, &last), 0);
}

static void order(const char *sender, const char *customer, const char *deed, moment since, moment until)
{
    char sql[400];
    snprintf(sql, sizeof sql,
             "INSERT INTO orders (node, sender, customer, deed, author, reason, rate, since, until, address, standing) "
             "VALUES (7, '%s', '%s', '%s', 'policy', '', 0, %lld, %lld, '', '')",
             sender, customer, deed, (long long)since, (long long)until);
    put(sql);
}

static const char *wanted(moment now, uint32_t most)
{
    seen[0] = '\0';
    well(store_letters_wanted(store, now, now - DAY, now - 5 * MINUTE, now - DAY, most, see, NULL, &failed));
    return seen;
}

static void who_is_blocked_is_to_be_told(void **unused)
{
    moment last = 0;
    (void)unused;
    order("port:tap1", "acme", "block", NOW, NOW + 3 * DAY);
    order("port:tap2", "acme", "block", NOW, NOW + DAY);
    order("port:tap3", "bolt", "throttle", NOW, NOW + DAY);
    order("port:tap4", "", "block", NOW, NOW + DAY);
    order("port:tap5", "core", "block", NOW - 2 * DAY, NOW + DAY);
    order("port:tap6", "dine", "block", NOW, NOW + MINUTE);
    order("port:tap7", "echo", "block", NOW, NOW + DAY);
    assert_string_equal(wanted(NOW + 4 * MINUTE, 10), "");
    assert_string_equal(wanted(NOW + 5 * MINUTE, 10), "acme echo ");
    assert_string_equal(wanted(NOW + 5 * MINUTE, 1), "acme ");
    assert_int_equal(take("acme", "block", "s1", NOW + 5 * MINUTE, &last), 1);
    assert_string_equal(wanted(NOW + 6 * MINUTE, 10), "echo ");
    seen[0] = '\0'; /* nor an hour later, where letters may be an hour apart */
    moment later = NOW + 2 * HOUR;
    well(store_letters_wanted(store, later, NOW - DAY, later, later - HOUR, 10, see, NULL, &failed));
    assert_string_equal(seen, "echo ");
    /* The same block is no news the next day; another one is. */
    order("port:tap8", "acme", "block", NOW + 6 * MINUTE, NOW + 3 * DAY);
    assert_string_equal(wanted(NOW + DAY, 10), "");
    order("port:tap9", "acme", "block", NOW + DAY, NOW + 3 * DAY);
    assert_string_equal(wanted(NOW + DAY + 6 * MINUTE, 10), "acme ");
}

static void that_there_is_no_address_matters_while_something_stands(void **unused)
{
    (void)unused;
    const struct store_alert alert = {.kind = "letter",
                                      .name = "acme",
                                      .sender = TEXT(""),
                                      .customer = TEXT("acme"),
                                      .subject = TEXT("s"),
                                      .text = TEXT("t")};
    order("port:tap1", "acme", "block", NOW, NOW + HOUR);
    assert_int_equal(store_alert_raise(store, &alert, NOW, &failed), 1);
    well(store_letters_settle(store, NOW + MINUTE, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts WHERE resolved = 0"), 1);
    well(store_letters_settle(store, NOW + HOUR, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts WHERE resolved = 0"), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, stocked_begin, stocked_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(once_a_day_for_a_cause),
        TEST(one_that_went_nowhere_holds_up_none),
        TEST(who_is_blocked_is_to_be_told),
        TEST(that_there_is_no_address_matters_while_something_stands),
    };
    return ENGINES_RUN(tests);
}
