/* Customers as people see them: their sums are the same whether they were made before or are made while one waits. */
#include "collector/store/customers.h"
#include "collector/store/reckon.h"
#include "tests/unit/collector/store/stocked.h"

static struct store_reckoner reckoner = {.holder = 1};
static int64_t sequence;
static char shown[4096];

static void deliver(int64_t node, moment now, struct store_record record)
{
    record.sequence = ++sequence;
    record.line = TEXT("{}");
    record.time = now;
    well(store_deliver(store, node, 1, sequence, &record, 1, now, &failed));
    well(store_node_seen(store, node, "0.1.0", 0, "192.0.2.9", now, &failed));
}

static void traffic(int64_t node, const char *sender, const char *customer, int64_t messages, moment now)
{
    deliver(node, now,
            (struct store_record){.kind = TEXT("traffic"),
                                  .sender = text_of(sender),
                                  .customer = text_of(customer),
                                  .address = TEXT("192.0.2.1"),
                                  .said = STORE_TRAFFIC,
                                  .traffic = {1, messages, 2, 3 * messages, 100}});
}

static void verdict(int64_t node, const char *sender, const char *customer)
{
    deliver(node, NOW,
            (struct store_record){.kind = TEXT("verdict"),
                                  .sender = text_of(sender),
                                  .customer = text_of(customer),
                                  .said = STORE_VERDICT,
                                  .verdict = {TEXT("throttle"), 1300}});
}

static void points(int64_t node, const char *sender, const char *customer, int64_t hundredths)
{
    deliver(node, NOW,
            (struct store_record){.kind = TEXT("points"),
                                  .sender = text_of(sender),
                                  .customer = text_of(customer),
                                  .said = STORE_POINTS,
                                  .points = {NOW, hundredths, hundredths}});
    well(store_reckon(store, &reckoner, NOW, &failed));
}

static void add_customer(void *context, const struct store_customer *customer)
{
    size_t length = strlen(shown);
    (void)context;
    snprintf(shown + length, sizeof shown - length, "%.*s %d %d %d %d %d %d;", (int)customer->customer.length,
             customer->customer.bytes, (int)customer->senders, (int)customer->nodes, (int)customer->messages,
             (int)customer->rejected, (int)customer->recipients, (int)customer->points);
}

static const char *customers(moment now)
{
    shown[0] = '\0';
    well(store_customers(store, 10, now, add_customer, NULL, &failed));
    return shown;
}

static void add_member(void *context, const struct store_member *member)
{
    size_t length = strlen(shown);
    (void)context;
    snprintf(shown + length, sizeof shown - length, "%.*s %.*s %.*s %.*s %d %d %d;",
             (int)member->sender.node_name.length, member->sender.node_name.bytes, (int)member->sender.sender.length,
             member->sender.sender.bytes, (int)member->address.length, member->address.bytes,
             (int)member->sender.verdict.length, member->sender.verdict.bytes, (int)member->sender.score,
             (int)member->sender.messages, (int)member->points);
}

static const char *members(const char *customer)
{
    shown[0] = '\0';
    well(store_members(store, customer, 10, NOW, add_member, NULL, &failed));
    return shown;
}

static int begin(void **unused)
{
    sequence = 0;
    return stocked_begin(unused);
}
#define CUSTOMERS_TEST(name) cmocka_unit_test_setup_teardown(name, begin, stocked_end)

static void sums_made_before_are_the_same_as_those_made_at_once(void **unused)
{
    (void)unused;
    static const char all[] = "acme 3 2 18 6 54 400;baker 1 1 5 2 15 0;";
    traffic(NODE, "tap1", "acme", 10, NOW);
    traffic(NODE, "tap2", "acme", 1, NOW);
    traffic(OTHER, "tap1", "acme", 7, NOW);
    traffic(OTHER, "tap9", "baker", 5, NOW);
    traffic(OTHER, "tap8", "", 500, NOW);
    points(NODE, "tap1", "acme", 400);
    assert_string_equal(customers(NOW), all);
    assert_int_equal(store_reckon_shares(store, &reckoner, NOW, &failed), 1);
    assert_int_equal(store_reckon_shares(store, &reckoner, NOW, &failed), 0);
    assert_string_equal(customers(NOW), all);
    put("DELETE FROM minutes"); /* it is these sums that are told */
    assert_string_equal(customers(NOW), all);
}

static void what_a_node_says_since_is_in_them(void **unused)
{
    (void)unused;
    traffic(NODE, "tap1", "acme", 10, NOW);
    assert_int_equal(store_reckon_shares(store, &reckoner, NOW, &failed), 1);
    traffic(NODE, "tap1", "acme", 5, NOW + SECOND);
    assert_string_equal(customers(NOW + SECOND), "acme 1 1 15 4 45 0;");
    assert_int_equal(store_reckon_shares(store, &reckoner, NOW + 5 * SECOND, &failed), 0); /* not all the time */
    assert_int_equal(store_reckon_shares(store, &reckoner, NOW + 11 * SECOND, &failed), 1);
    assert_string_equal(customers(NOW + SECOND), "acme 1 1 15 4 45 0;");
}

static void a_day_later_it_is_over_though_the_node_is_silent(void **unused)
{
    (void)unused;
    traffic(NODE, "tap1", "acme", 10, NOW);
    assert_int_equal(store_reckon_shares(store, &reckoner, NOW, &failed), 1);
    for (int hour = 1; hour <= 26; hour++)
        well(store_reckon_shares(store, &reckoner, NOW + hour * HOUR, &failed));
    assert_string_equal(customers(NOW + 26 * HOUR), "");
}

static void a_customer_has_senders_on_several_nodes(void **unused)
{
    (void)unused;
    static const char all[] =
        "hv7 tap1 192.0.2.1 throttle 1300 10 400;hv8 tap1 192.0.2.1 clear 0 7 0;hv8 tap3  clear 0 0 150;";
    verdict(NODE, "tap1", "acme");
    traffic(NODE, "tap1", "acme", 10, NOW);
    traffic(OTHER, "tap1", "acme", 7, NOW);
    traffic(OTHER, "tap9", "baker", 5, NOW);
    points(NODE, "tap1", "acme", 400);
    points(OTHER, "tap3", "acme", 150);
    assert_string_equal(members("acme"), all);
    assert_int_equal(store_reckon_shares(store, &reckoner, NOW, &failed), 1);
    assert_string_equal(members("acme"), all);
    assert_string_equal(members("nobody"), "");
}

static void count_order(void *context, const struct store_order *order)
{
    (void)order;
    ++*(int *)context;
}

static void orders_on_it_and_on_what_it_has(void **unused)
{
    (void)unused;
    int count = 0;
    static const char *const senders[] = {"customer:acme", "port:tap1", "port:tap2"};
    static const char *const owners[] = {"", "acme", "baker"};
    for (int i = 0; i < 3; i++)
        deliver(NODE, NOW,
                (struct store_record){.kind = TEXT("order"),
                                      .sender = text_of(senders[i]),
                                      .customer = text_of(owners[i]),
                                      .said = STORE_ORDER,
                                      .order = {TEXT("block"), TEXT("judge"), TEXT("why"), NOW + HOUR, 0}});
    well(store_orders_of(store, "acme", 10, NOW, count_order, &count, &failed));
    assert_int_equal(count, 2);
}

static void add_campaign(void *context, const struct store_campaign *campaign)
{
    (void)context;
    snprintf(shown, sizeof shown, "%d %d %d %d %.*s", (int)campaign->customers, (int)campaign->senders,
             (int)campaign->nodes, (int)campaign->recipients, (int)campaign->some.length, campaign->some.bytes);
}

static void campaigns_name_who_sends_most(void **unused)
{
    (void)unused;
    static const char *const owners[] = {"acme", "baker", ""};
    for (int i = 0; i < 3; i++)
        deliver(i ? OTHER : NODE, NOW,
                (struct store_record){.kind = TEXT("body"),
                                      .sender = TEXT("tap1"),
                                      .customer = text_of(owners[i]),
                                      .said = STORE_BODY,
                                      .body = {NOW,
                                               TEXT("0001000200030004000500060007000800090010001100120013001400150016"),
                                               3, 10 * (i + 1), 9, false}});
    shown[0] = '\0';
    well(store_reckon(store, &reckoner, NOW, &failed));
    well(store_campaigns(store, 10, NOW, add_campaign, NULL, &failed));
    assert_string_equal(shown, "2 2 2 40 tap1, acme"); /* one sender of that node is one, whoever it is today */
    shown[0] = '\0';
    well(store_campaigns(store, 10, NOW + 7 * HOUR, add_campaign, NULL, &failed));
    assert_string_equal(shown, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CUSTOMERS_TEST(sums_made_before_are_the_same_as_those_made_at_once),
        CUSTOMERS_TEST(what_a_node_says_since_is_in_them),
        CUSTOMERS_TEST(a_day_later_it_is_over_though_the_node_is_silent),
        CUSTOMERS_TEST(a_customer_has_senders_on_several_nodes),
        CUSTOMERS_TEST(orders_on_it_and_on_what_it_has),
        CUSTOMERS_TEST(campaigns_name_who_sends_most),
    };
    return ENGINES_RUN(tests);
}
