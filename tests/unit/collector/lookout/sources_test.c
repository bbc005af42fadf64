/* Where own names come from: the configuration, what nodes speak from, what senders were seen at, and nobody else. */
#include "collector/lookout/sources.h"
#include "collector/store/watched.h"
#include "tests/unit/collector/store/stocked.h"

static struct own own;
static struct watch_settings settings;
static struct sources sources;

static int begin(void **state)
{
    settings = (struct watch_settings){.nodes = true, .senders = true, .quiet = 30 * DAY, .every = HOUR};
    sources_begin(&sources, &settings, &own);
    return stocked_begin(state);
}

static int end(void **state)
{
    own_clear(&own);
    return stocked_end(state);
}

static void tell(int64_t node, const char *sender, const char *address, moment time)
{
    static int64_t sequence;
    const struct store_record record = {.sequence = ++sequence,
                                        .time = time,
                                        .kind = TEXT("traffic"),
                                        .sender = text_of(sender),
                                        .customer = TEXT(""),
                                        .line = TEXT("{}"),
                                        .address = text_of(address),
                                        .said = STORE_TRAFFIC};
    well(store_deliver(store, node, 5, sequence, &record, 1, time, &failed));
}

/* Until there is nothing to do. */
static int walk(moment now)
{
    int steps = 0;
    for (; sources_is_due(&sources, now) && steps < 100; steps++)
        well(sources_step(&sources, store, now, &failed));
    return steps;
}

static int64_t watched(const char *origin)
{
    int64_t count = 0;
    const struct value values[] = {STRING(origin)};
    well(engine_run(store->engine, "SELECT COUNT(*) FROM watched WHERE origin = $1", values, 1, store_row_integer,
                    &count, &failed));
    return count;
}

static void test_own_names_a_few_at_a_time(void **unused)
{
    (void)unused;
    settings.nodes = settings.senders = false;
    well(own_add(&own, TEXT("198.51.100.0/22"), &failed));
    well(own_add(&own, TEXT("example.org"), &failed));
    well(own_add(&own, TEXT("2001:db8::/32"), &failed));
    assert_int_equal(walk(NOW), 3);
    assert_int_equal(watched("own"), 1025);
    assert_int_equal(ask("SELECT COUNT(*) FROM watched WHERE kind = 'domain' AND name = 'example.org'"), 1);
    assert_int_equal(walk(NOW + MINUTE), 0);
    assert_int_equal(walk(NOW + 12 * HOUR), 3);
    assert_true(ask("SELECT MIN(until) FROM watched") > NOW + 12 * HOUR + DAY);
}

static void test_senders_and_nodes(void **unused)
{
    (void)unused;
    well(own_add(&own, TEXT("2001:db8::/32"), &failed));
    well(store_node_seen(store, NODE, "0.1.0", 0, "192.0.2.70", NOW, &failed));
    well(store_node_seen(store, OTHER, "0.1.0", 0, "10.0.0.8", NOW, &failed));
    tell(NODE, "port:tap1", "203.0.113.1", NOW);
    tell(NODE, "port:tap2", "10.0.0.9", NOW);
    tell(NODE, "port:tap3", "192.168.7.9", NOW);
    tell(NODE, "port:tap4", "100.64.7.9", NOW);
    tell(NODE, "port:tap5", "fd00::7", NOW);
    tell(NODE, "port:tap6", "2001:db8:5::/64", NOW);
    tell(NODE, "account:bob", "203.0.113.9", NOW); /* at home */
    tell(NODE, "account:eve", "2001:db8::9", NOW); /* here */
    tell(OTHER, "port:tap1", "203.0.113.2", NOW - 3 * HOUR);
    assert_true(walk(NOW + MINUTE) > 0);
    assert_int_equal(watched("node"), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM watched WHERE name IN ('192.0.2.70', '203.0.113.1', '2001:db8::9')"), 3);
    assert_int_equal(ask("SELECT COUNT(*) FROM watched"), 3);
    /* What comes later is found by the next walk. */
    tell(OTHER, "port:tap1", "203.0.113.3", NOW + MINUTE);
    assert_int_equal(walk(NOW + MINUTE + SECOND), 0);
    assert_true(walk(NOW + 2 * MINUTE + SECOND) > 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM watched WHERE name = '203.0.113.3' AND origin = 'sender'"), 1);
}

static void test_what_is_not_wanted(void **unused)
{
    (void)unused;
    settings.nodes = false;
    well(store_node_seen(store, NODE, "0.1.0", 0, "192.0.2.70", NOW, &failed));
    tell(NODE, "port:tap1", "203.0.113.1", NOW);
    walk(NOW + MINUTE);
    assert_int_equal(watched("node"), 0);
    assert_int_equal(watched("sender"), 1);
    settings.senders = false;
    assert_false(sources_is_due(&sources, NOW + HOUR));
}

#define SOURCES(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {SOURCES(test_own_names_a_few_at_a_time), SOURCES(test_senders_and_nodes),
                                       SOURCES(test_what_is_not_wanted)};
    return ENGINES_RUN(tests);
}
