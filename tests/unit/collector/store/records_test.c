/* What happened is found by sender, kind and node, alone and together, in the order in which it came. */
#include "tests/unit/collector/store/stocked.h"

struct found {
    char text[200];
};

static void add(void *context, const struct store_event *event)
{
    struct found *found = context;
    size_t length = strlen(found->text);
    snprintf(found->text + length, sizeof found->text - length, "%d.%d ", (int)event->node, (int)event->sequence);
}

static const char *found_by(struct store_event_filter filter)
{
    static struct found found;
    found = (struct found){0};
    filter.most = filter.most ? filter.most : 100;
    well(store_events(store, &filter, add, &found, &failed));
    return found.text;
}

static void deliver(int64_t node, int64_t sequence, const char *kind, const char *sender, moment now)
{
    const struct store_record record = {
        .sequence = sequence, .time = now, .kind = text_of(kind), .sender = text_of(sender), .line = TEXT("{}")};
    well(store_deliver(store, node, 1, sequence, &record, 1, now, &failed));
}

static void each_filter_alone_and_all_together(void **unused)
{
    (void)unused;
    deliver(NODE, 1, "verdict", "a", NOW);
    deliver(OTHER, 1, "verdict", "a", NOW + 1);
    deliver(NODE, 2, "event", "", NOW + 2);
    deliver(NODE, 3, "verdict", "b", NOW + 3);
    deliver(OTHER, 2, "event", "a", NOW + 4);
    assert_string_equal(found_by((struct store_event_filter){0}), "7.1 8.1 7.2 7.3 8.2 ");
    assert_string_equal(found_by((struct store_event_filter){.kind = ""}), "7.1 8.1 7.2 7.3 8.2 ");
    assert_string_equal(found_by((struct store_event_filter){.kind = "verdict"}), "7.1 8.1 7.3 ");
    assert_string_equal(found_by((struct store_event_filter){.node = OTHER}), "8.1 8.2 ");
    assert_string_equal(found_by((struct store_event_filter){.sender = "a"}), "7.1 8.1 8.2 ");
    assert_string_equal(found_by((struct store_event_filter){.sender = "a", .kind = "event"}), "8.2 ");
    assert_string_equal(found_by((struct store_event_filter){.kind = "verdict", .node = NODE}), "7.1 7.3 ");
    assert_string_equal(found_by((struct store_event_filter){.sender = "a", .kind = "verdict", .node = OTHER}), "8.1 ");
    assert_string_equal(found_by((struct store_event_filter){.kind = "verdict", .newest = true, .most = 2}),
                        "8.1 7.3 ");
    assert_string_equal(found_by((struct store_event_filter){.node = NODE, .newest = true, .most = 2}), "7.2 7.3 ");
}

static void behind_a_cursor(void **unused)
{
    (void)unused;
    deliver(NODE, 1, "verdict", "a", NOW);
    deliver(OTHER, 1, "verdict", "a", NOW + 1);
    deliver(OTHER, 2, "event", "a", NOW + 2);
    const struct store_event_filter behind = {.received = NOW + 1, .node_after = OTHER, .sequence_after = 0};
    assert_string_equal(found_by(behind), "8.1 8.2 ");
    struct store_event_filter filter = {.received = NOW + 1, .node_after = OTHER, .sequence_after = 1};
    assert_string_equal(found_by(filter), "8.2 ");
    filter.kind = "verdict";
    assert_string_equal(found_by(filter), "");
    filter.kind = NULL;
    filter.node = OTHER;
    assert_string_equal(found_by(filter), "8.2 ");
}

static void note(int64_t node, moment now)
{
    well(store_event_add(store, node, "listing", TEXT("a"), TEXT(""), TEXT("{}"), now, &failed));
}

/* The collector's own stand among those of nodes, also those that are about none. */
static void own_records(void **unused)
{
    (void)unused;
    deliver(NODE, 1, "verdict", "a", NOW);
    note(NODE, NOW + SECOND);
    note(0, NOW + SECOND);
    note(0, NOW + 2 * SECOND);
    assert_string_equal(found_by((struct store_event_filter){0}), "7.1 7.1 0.1 0.2 ");
    assert_string_equal(found_by((struct store_event_filter){.kind = "listing", .sender = "a"}), "7.1 0.1 0.2 ");
    assert_string_equal(found_by((struct store_event_filter){.since = NOW + 2 * SECOND}), "0.2 ");
}

/* What came before an own record was written may be stored behind it: who reads on has to find it all the same. */
static void nobody_reads_past_what_is_still_to_be_stored(void **unused)
{
    (void)unused;
    if (store_is_shared(store))
        return; /* there nothing is told before all that is older is there */
    deliver(NODE, 1, "verdict", "a", NOW);
    note(0, NOW + HOUR);
    moment told = ask("SELECT MAX(received) FROM records WHERE node = 0");
    assert_true(told > NOW);
    deliver(NODE, 2, "verdict", "a", NOW + HOUR - MINUTE);
    assert_string_equal(found_by((struct store_event_filter){.received = told, .sequence_after = 1}), "7.2 ");
    note(0, NOW + HOUR);
    assert_string_equal(found_by((struct store_event_filter){0}), "7.1 0.1 7.2 0.2 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOCKED(each_filter_alone_and_all_together),
        STOCKED(behind_a_cursor),
        STOCKED(own_records),
        STOCKED(nobody_reads_past_what_is_still_to_be_stored),
    };
    return ENGINES_RUN(tests);
}
