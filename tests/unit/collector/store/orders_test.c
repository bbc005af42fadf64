/* Orders in force, as nodes tell of them: one a sender and node, the latest, until it ends or is released. */
#include "tests/unit/collector/store/stocked.h"

static struct store_record order(int64_t sequence, const char *sender, const char *deed, moment until)
{
    return (struct store_record){
        .sequence = sequence,
        .time = NOW + sequence,
        .kind = TEXT("order"),
        .sender = text_of(sender),
        .line = TEXT("{}"),
        .said = STORE_ORDER,
        .order = {text_of(deed), TEXT("person"), TEXT("asked to; DROP TABLE orders"), until, 30}};
}

struct shown {
    char text[400];
    size_t count;
};

static void show(void *context, const struct store_order *order)
{
    struct shown *shown = context;
    size_t length = strlen(shown->text);
    snprintf(shown->text + length, sizeof shown->text - length, "%.*s %.*s %.*s %d;", (int)order->node_name.length,
             order->node_name.bytes, (int)order->deed.length, order->deed.bytes, (int)order->sender.length,
             order->sender.bytes, (int)order->rate);
    shown->count++;
}

static const char *in_force(int64_t node, moment now)
{
    static struct shown shown;
    shown = (struct shown){0};
    well(store_orders(store, node, 10, now, show, &shown, &failed));
    return shown.text;
}

static void the_latest_of_each_sender_stands_until_it_ends(void **unused)
{
    (void)unused;
    const struct store_record seven[] = {order(1, "192.0.2.1", "throttle", NOW + HOUR),
                                         order(2, "192.0.2.2", "block", NOW + 3 * HOUR),
                                         order(3, "192.0.2.1", "block", NOW + 2 * HOUR)};
    const struct store_record eight = order(1, "192.0.2.1", "allow", NOW + 4 * HOUR);
    well(store_deliver(store, NODE, 9, 3, seven, 3, NOW, &failed));
    well(store_deliver(store, OTHER, 9, 1, &eight, 1, NOW, &failed));
    assert_string_equal(in_force(0, NOW), "hv8 allow 192.0.2.1 30;hv7 block 192.0.2.2 30;hv7 block 192.0.2.1 30;");
    assert_string_equal(in_force(NODE, NOW), "hv7 block 192.0.2.2 30;hv7 block 192.0.2.1 30;");
    assert_string_equal(in_force(0, NOW + 2 * HOUR), "hv8 allow 192.0.2.1 30;hv7 block 192.0.2.2 30;");
    assert_string_equal(in_force(0, NOW + 4 * HOUR), "");
}

static void a_release_ends_it_on_that_node_alone(void **unused)
{
    (void)unused;
    const struct store_record block = order(1, "192.0.2.1", "block", NOW + HOUR);
    const struct store_record release = order(2, "192.0.2.1", "release", 0);
    well(store_deliver(store, NODE, 9, 1, &block, 1, NOW, &failed));
    well(store_deliver(store, OTHER, 9, 1, &block, 1, NOW, &failed));
    well(store_deliver(store, NODE, 9, 2, &release, 1, NOW, &failed));
    assert_string_equal(in_force(0, NOW), "hv8 block 192.0.2.1 30;");
    const struct store_record again[] = {
        order(3, "192.0.2.1", "release", 0), order(4, "192.0.2.1", "divert", NOW + HOUR),
        order(5, "192.0.2.9", "block", NOW + HOUR), order(6, "192.0.2.9", "release", 0)};
    well(store_deliver(store, NODE, 9, 6, again, 4, NOW, &failed));
    assert_string_equal(in_force(NODE, NOW), "hv7 divert 192.0.2.1 30;");
}

static void what_a_node_tells_anew_stands_alone(void **unused)
{
    (void)unused;
    const struct store_record first[] = {order(1, "192.0.2.1", "block", NOW + HOUR),
                                         order(2, "192.0.2.2", "block", NOW + HOUR)};
    const struct store_record anew[] = {
        order(1, "192.0.2.3", "block", NOW + HOUR),
        {.sequence = 2, .kind = TEXT("orders"), .line = TEXT("{}"), .said = STORE_ORDERS},
        order(3, "192.0.2.2", "block", NOW + HOUR)};
    well(store_deliver(store, NODE, 9, 2, first, 2, NOW, &failed));
    well(store_deliver(store, OTHER, 9, 2, first, 2, NOW, &failed));
    well(store_deliver(store, NODE, 10, 3, anew, 3, NOW, &failed));
    assert_string_equal(in_force(NODE, NOW), "hv7 block 192.0.2.2 30;");
    assert_int_equal(ask("SELECT COUNT(*) FROM orders WHERE node = 8"), 2);
    const struct store_record none = {.sequence = 4, .kind = TEXT("orders"), .line = TEXT("{}"), .said = STORE_ORDERS};
    well(store_deliver(store, NODE, 10, 4, &none, 1, NOW, &failed));
    assert_string_equal(in_force(NODE, NOW), "");
}

static void what_has_ended_leaves_the_table(void **unused)
{
    (void)unused;
    const struct store_retention keep = {.records = DAY, .minutes = HOUR, .hours = 2 * DAY, .days = 3 * DAY, .audit = 3 * DAY};
    const struct store_record block[] = {order(1, "192.0.2.1", "block", NOW - 25 * HOUR),
                                         order(2, "192.0.2.2", "block", NOW + HOUR)};
    well(store_deliver(store, NODE, 9, 2, block, 2, NOW, &failed));
    well(store_tidy(store, &keep, NOW, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM orders"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOCKED(the_latest_of_each_sender_stands_until_it_ends),
        STOCKED(a_release_ends_it_on_that_node_alone),
        STOCKED(what_a_node_tells_anew_stands_alone),
        STOCKED(what_has_ended_leaves_the_table),
    };
    return ENGINES_RUN(tests);
}
