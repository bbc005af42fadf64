/* Several collectors on one store agree on the order in which records came, and see what the others commit. */
#include "tests/unit/collector/store/stocked.h"

static struct store *second;

static int two_begin(void **unused)
{
    if (stocked_begin(unused) != 0)
        return -1;
    well(store_commit(store, &failed));
    well(store_open(stocked_where, &second, &failed));
    return 0;
}

static int two_end(void **unused)
{
    store_rollback(second);
    store_close(&second);
    return stocked_end(unused);
}

static void deliver(struct store *by, int64_t node, int64_t sequence, moment clock)
{
    const struct store_record record = {.sequence = sequence, .kind = TEXT("event"), .line = TEXT("{}")};
    moment now = 0;
    well(store_now(by, clock, &now, &failed));
    well(store_deliver(by, node, 1, sequence, &record, 1, now, &failed));
}

struct seen {
    struct store_event_filter cursor;
    char text[100];
};

static void add(void *context, const struct store_event *event)
{
    struct seen *seen = context;
    size_t length = strlen(seen->text);
    snprintf(seen->text + length, sizeof seen->text - length, "%d.%d ", (int)event->node, (int)event->sequence);
    seen->cursor.received = event->received;
    seen->cursor.node_after = event->node;
    seen->cursor.sequence_after = event->sequence;
}

static const char *follow(struct seen *seen)
{
    seen->text[0] = '\0';
    seen->cursor.most = 100;
    well(store_settle(store, &failed));
    well(store_begin_reading(store, &failed));
    seen->cursor.before = store_settled(store);
    const struct store_event_filter filter = seen->cursor;
    well(store_events(store, &filter, add, seen, &failed));
    well(store_commit(store, &failed));
    return seen->text;
}

static void the_clock_is_the_servers_where_it_is_shared(void **unused)
{
    (void)unused;
    moment one = 0, two = 0, three = 0;
    well(store_begin(store, &failed));
    well(store_now(store, NOW, &one, &failed));
    well(store_now(store, NOW - HOUR, &two, &failed));
    well(store_commit(store, &failed));
    well(store_begin(second, &failed));
    well(store_now(second, NOW + HOUR, &three, &failed));
    well(store_commit(second, &failed));
    if (!store_is_shared(store)) {
        assert_int_equal(one, NOW);
        assert_int_equal(three, NOW + HOUR);
        return;
    }
    assert_int_equal(one, two); /* one transaction has one */
    assert_in_range(three - one, 0, MINUTE);
}

/* The first has stamped its record before the second, whose clock is an hour behind, and commits it after. */
static void who_follows_misses_nothing_that_is_committed_late(void **unused)
{
    (void)unused;
    struct seen seen = {.text = ""};
    struct store *third = NULL;
    if (!store_is_shared(store))
        return;
    well(store_open(stocked_where, &third, &failed));
    well(store_begin(third, &failed));
    deliver(third, NODE, 1, NOW);
    well(store_begin(second, &failed));
    deliver(second, OTHER, 1, NOW - HOUR);
    well(store_commit(second, &failed));
    assert_string_equal(follow(&seen), ""); /* the second's stands behind the first's */
    well(store_commit(third, &failed));
    assert_string_equal(follow(&seen), "7.1 8.1 ");
    store_rollback(third);
    store_close(&third);
    well(store_begin(second, &failed));
    deliver(second, NODE, 2, NOW - 2 * HOUR);
    well(store_commit(second, &failed));
    assert_string_equal(follow(&seen), "7.2 ");
}

static void what_comes_after_a_lost_connection_stands_behind_what_is_there(void **unused)
{
    (void)unused;
    struct seen seen = {.text = ""};
    if (!store_is_shared(store))
        return;
    well(store_begin(second, &failed));
    deliver(second, NODE, 1, NOW);
    well(engine_script(second->engine, "UPDATE records SET received = received + 1800000000000",
                       &failed)); /* by a clock ahead */
    well(store_commit(second, &failed));
    store_close(&second);
    well(store_open(stocked_where, &second, &failed));
    well(store_begin(second, &failed));
    deliver(second, NODE, 2, NOW);
    well(store_commit(second, &failed));
    well(store_begin_reading(store, &failed));
    well(store_events(store, &(struct store_event_filter){.most = 10}, add, &seen, &failed));
    well(store_commit(store, &failed));
    assert_string_equal(seen.text, "7.1 7.2 ");
}

static struct store_pulse pulse_of(struct store *by)
{
    struct store_pulse pulse = {0};
    well(store_settle(by, &failed));
    well(store_begin_reading(by, &failed));
    well(store_pulse(by, &pulse, &failed));
    well(store_commit(by, &failed));
    return pulse;
}

static void what_another_commits_is_noticed(void **unused)
{
    (void)unused;
    const struct store_directive order = {.deed = TEXT("block"), .sender = TEXT("a")};
    int64_t revision = 0;
    struct store_pulse before = pulse_of(store), after;
    well(store_begin(second, &failed));
    well(store_directive_add(second, &order, &revision, &failed));
    well(store_commit(second, &failed));
    after = pulse_of(store);
    assert_int_equal(after.revision, before.revision + 1);
    assert_int_equal(after.received, before.received);
    well(store_begin(second, &failed));
    deliver(second, NODE, 1, NOW);
    well(store_commit(second, &failed));
    assert_true(pulse_of(store).received > before.received);
    well(store_begin(second, &failed));
    assert_int_equal(store_node_revoke(second, NODE, NOW, &failed), 1);
    well(store_commit(second, &failed));
    assert_int_equal(pulse_of(store).revision, before.revision + 2);
}

#define TWO(name) cmocka_unit_test_setup_teardown(name, two_begin, two_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TWO(the_clock_is_the_servers_where_it_is_shared),
        TWO(who_follows_misses_nothing_that_is_committed_late),
        TWO(what_comes_after_a_lost_connection_stands_behind_what_is_there),
        TWO(what_another_commits_is_noticed),
    };
    return ENGINES_RUN(tests);
}
