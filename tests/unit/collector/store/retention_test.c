/* Keeping the store small: whatever goes up or is dropped, no count is lost before its time and none stands twice. */
#include "collector/store/customers.h"
#include "tests/unit/collector/store/stocked.h"

static const struct store_retention keep = {
    .records = 30 * DAY, .minutes = HOUR, .hours = 60 * DAY, .days = 730 * DAY, .audit = 365 * DAY};

static int64_t sequence;
static struct {
    struct store_record records[1000];
    size_t count;
    int64_t node;
    moment received;
} waiting;

static void flush(void)
{
    if (waiting.count > 0)
        well(
            store_deliver(store, waiting.node, 9, sequence, waiting.records, waiting.count, waiting.received, &failed));
    waiting.count = 0;
}

/* Goes to the store with those around it: at the latest when it is tidied. */
static void deliver(int64_t node, moment received, struct store_record record)
{
    if (waiting.count == 1000 || waiting.node != node || waiting.received != received)
        flush();
    record.sequence = ++sequence;
    record.line = TEXT("{}");
    waiting.node = node;
    waiting.received = received;
    waiting.records[waiting.count++] = record;
}

static void traffic(int64_t node, const char *sender, moment time, int64_t messages)
{
    deliver(node, NOW,
            (struct store_record){.time = time,
                                  .kind = TEXT("traffic"),
                                  .sender = text_of(sender),
                                  .customer = TEXT("c1"),
                                  .said = STORE_TRAFFIC,
                                  .traffic = {1, messages, 2, 3, 4}});
}

static int tidy(moment now)
{
    flush();
    int more = store_tidy(store, &keep, now, &failed);
    well(more);
    return more;
}

/* How many calls it took. */
static int tidy_all(moment now)
{
    int calls = 1;
    while (tidy(now))
        assert_in_range(++calls, 1, 100);
    return calls;
}

#define EVERYWHERE(column)                                                                                             \
    ask("SELECT CAST(SUM(" column ") AS BIGINT) FROM (SELECT " column " FROM minutes UNION ALL SELECT " column         \
        " FROM hours UNION ALL SELECT " column " FROM days) AS counts")

static void minutes_go_up_into_hours_and_their_sums_stay(void **unused)
{
    (void)unused;
    for (int minute = 0; minute < 300; minute++)
        traffic(NODE, "192.0.2.1", NOW - minute * MINUTE, 10);
    for (int minute = 0; minute < 300; minute++)
        traffic(OTHER, "192.0.2.1", NOW - minute * MINUTE, 1);
    flush();
    assert_int_equal(EVERYWHERE("messages"), 3300);
    tidy_all(NOW);
    assert_int_equal(EVERYWHERE("messages"), 3300);
    assert_int_equal(EVERYWHERE("connections"), 600);
    assert_int_equal(EVERYWHERE("rejected"), 1200);
    assert_int_equal(EVERYWHERE("recipients"), 1800);
    assert_int_equal(EVERYWHERE("bytes"), 2400);
    /* From 03:01 to 08:00; those before 07:00 went up. */
    assert_int_equal(ask("SELECT COUNT(*) FROM minutes"), 2 * 61);
    assert_int_equal(ask("SELECT COUNT(*) FROM hours"), 2 * 4);
    assert_int_equal(ask("SELECT messages FROM hours WHERE node = 7 AND time = 1799992800000000000"), 600);
    assert_int_equal(ask("SELECT seen FROM hours WHERE node = 7 AND time = 1799992800000000000"), NOW - 61 * MINUTE);
    assert_int_equal(ask("SELECT messages FROM hours WHERE node = 8 ORDER BY time LIMIT 1"), 59);
}

static void to_tidy_twice_changes_nothing(void **unused)
{
    (void)unused;
    put("CREATE TABLE before_it AS SELECT * FROM hours");
    for (int hour = 0; hour < 100 * 24; hour += 7)
        traffic(NODE, "192.0.2.1", NOW - hour * HOUR, hour);
    tidy_all(NOW);
    put("INSERT INTO before_it SELECT * FROM hours");
    put("INSERT INTO before_it SELECT * FROM days");
    int64_t minutes = ask("SELECT COUNT(*) FROM minutes"), count = ask("SELECT COUNT(*) FROM before_it");
    assert_true(minutes > 0 && ask("SELECT COUNT(*) FROM hours") > 0 && ask("SELECT COUNT(*) FROM days") > 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tidy(NOW + i * SECOND), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM minutes"), minutes);
    assert_int_equal(
        ask("SELECT COUNT(*) FROM before_it b JOIN (SELECT * FROM hours UNION ALL SELECT * FROM days) h ON "
            "h.node = b.node AND h.time = b.time AND h.sender = b.sender AND h.messages = b.messages AND "
            "h.seen = b.seen AND h.bytes = b.bytes"),
        count);
    assert_int_equal(ask("SELECT COUNT(*) FROM hours") + ask("SELECT COUNT(*) FROM days"), count);
}

static void what_comes_late_is_added_to_its_hour_and_its_day(void **unused)
{
    (void)unused;
    traffic(NODE, "192.0.2.1", NOW - 5 * HOUR, 10);
    traffic(NODE, "192.0.2.1", NOW - 100 * DAY, 20);
    tidy_all(NOW);
    traffic(NODE, "192.0.2.1", NOW - 5 * HOUR + MINUTE, 1);
    traffic(NODE, "192.0.2.1", NOW - 100 * DAY + HOUR, 2);
    tidy_all(NOW + MINUTE);
    assert_int_equal(ask("SELECT COUNT(*) FROM minutes"), 0);
    assert_int_equal(ask("SELECT messages FROM hours"), 11);
    assert_int_equal(ask("SELECT seen FROM hours"), NOW - 5 * HOUR + MINUTE);
    assert_int_equal(ask("SELECT messages FROM days"), 22);
}

static void a_call_takes_a_bounded_amount(void **unused)
{
    (void)unused;
    static char senders[1500][16];
    for (int i = 0; i < 5000; i++) {
        snprintf(senders[i % 1500], sizeof senders[0], "account:a%d", i % 1500);
        traffic(NODE, senders[i % 1500], NOW - 3 * HOUR + i / 500 * MINUTE, 1);
    }
    assert_int_equal(tidy(NOW), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM minutes"), 3000);
    assert_int_equal(EVERYWHERE("messages"), 5000);
    assert_in_range(tidy_all(NOW), 2, 5);
    assert_int_equal(ask("SELECT COUNT(*) FROM minutes"), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM hours"), 1500);
    assert_int_equal(EVERYWHERE("messages"), 5000);
}

static void days_are_dropped_when_they_are_too_old(void **unused)
{
    (void)unused;
    traffic(NODE, "192.0.2.1", NOW - 732 * DAY, 1);
    traffic(NODE, "192.0.2.1", NOW - 729 * DAY, 2);
    tidy_all(NOW);
    tidy_all(NOW);
    assert_int_equal(EVERYWHERE("messages"), 2);
    assert_int_equal(ask("SELECT messages FROM days"), 2);
}

static void take_messages(void *context, const struct store_sender *sender)
{
    *(int64_t *)context += sender->messages;
}

static void take_customer(void *context, const struct store_customer *customer)
{
    *(int64_t *)context += customer->messages;
    assert_int_equal(customer->senders, 1);
    assert_int_equal(customer->nodes, 1);
}

static void verdict(int64_t node, const char *sender)
{
    deliver(node, NOW,
            (struct store_record){.time = NOW,
                                  .kind = TEXT("verdict"),
                                  .sender = text_of(sender),
                                  .said = STORE_VERDICT,
                                  .verdict = {TEXT("abuse"), 100}});
}

static int64_t messages_of_a_day(void)
{
    int64_t of_sender = 0, of_customer = 0;
    flush();
    well(store_senders(store, 0, NULL, 10, NOW, take_messages, &of_sender, &failed));
    well(store_customers(store, 10, NOW, take_customer, &of_customer, &failed));
    assert_int_equal(of_sender, of_customer);
    return of_sender;
}

static void a_day_counts_the_same_wherever_its_minutes_stand(void **unused)
{
    (void)unused;
    verdict(NODE, "192.0.2.1");
    for (int minute = 0; minute < 30 * 60; minute++)
        traffic(NODE, "192.0.2.1", NOW - minute * MINUTE, 1);
    assert_int_equal(messages_of_a_day(), 24 * 60 + 1); /* the day begins with a whole hour */
    tidy_all(NOW);
    assert_int_equal(ask("SELECT COUNT(*) FROM minutes"), 61);
    assert_int_equal(messages_of_a_day(), 24 * 60 + 1);
}

static void hostile_counts_stop_at_a_bound(void **unused)
{
    (void)unused;
    verdict(NODE, "192.0.2.1");
    for (int i = 0; i < 200; i++)
        traffic(NODE, "192.0.2.1", NOW - 2 * HOUR, INT64_MAX);
    assert_int_equal(messages_of_a_day(), INT64_C(9000000000000000));
    tidy_all(NOW);
    assert_int_equal(ask("SELECT messages FROM hours"), STORE_COUNT_MOST);
    traffic(NODE, "192.0.2.1", NOW - 2 * HOUR, INT64_MAX);
    tidy_all(NOW);
    assert_int_equal(ask("SELECT messages FROM hours"), STORE_COUNT_MOST);
    assert_int_equal(messages_of_a_day(), STORE_COUNT_MOST);
    put("UPDATE hours SET time = time - 8640000000000000");
    tidy_all(NOW);
    assert_int_equal(ask("SELECT messages FROM days"), STORE_COUNT_MOST);
}

static void event_at(moment received)
{
    deliver(NODE, received, (struct store_record){.time = received, .kind = TEXT("event")});
}

static void deed_at(moment time)
{
    const struct store_deed deed = {.time = time, .person = TEXT("ada"), .deed = TEXT("block")};
    well(store_audit_add(store, &deed, &failed));
}

static void each_thing_goes_at_its_own_age(void **unused)
{
    (void)unused;
    static const int ages[] = {400, 31, 29};
    for (int i = 0; i < 3; i++) {
        event_at(NOW - ages[i] * DAY);
        deed_at(NOW - ages[i] * DAY);
    }
    tidy_all(NOW);
    assert_int_equal(ask("SELECT COUNT(*) FROM records"), 1);
    assert_int_equal(ask("SELECT received FROM records"), NOW - 29 * DAY);
    assert_int_equal(ask("SELECT COUNT(*) FROM audit"), 2);
}

static void many_records_go_bit_by_bit(void **unused)
{
    (void)unused;
    for (int i = 0; i < 4500; i++)
        event_at(NOW - 40 * DAY + i / 3000);
    event_at(NOW);
    assert_int_equal(tidy(NOW), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM records"), 2501);
    tidy_all(NOW);
    assert_int_equal(ask("SELECT COUNT(*) FROM records"), 1);
}

static void the_life_that_a_node_is_in_stays(void **unused)
{
    (void)unused;
    well(store_deliver(store, NODE, 1, 5, NULL, 0, NOW - 500 * DAY, &failed));
    well(store_deliver(store, NODE, 2, 5, NULL, 0, NOW - 400 * DAY, &failed));
    well(store_deliver(store, OTHER, 3, 5, NULL, 0, NOW - 500 * DAY, &failed));
    well(store_deliver(store, OTHER, 4, 5, NULL, 0, NOW - 2 * DAY, &failed));
    well(store_deliver(store, OTHER, 5, 5, NULL, 0, NOW - 1 * DAY, &failed));
    tidy_all(NOW);
    assert_int_equal(ask("SELECT COUNT(*) FROM lives WHERE life IN (1, 3)"), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM lives"), 3);
}

static void told(moment time, moment until, int64_t *revision)
{
    const struct store_directive directive = {
        .time = time, .until = until, .deed = TEXT("block"), .sender = TEXT("192.0.2.1")};
    well(store_directive_add(store, &directive, revision, &failed));
    for (int64_t node = NODE; node <= OTHER; node++)
        deliver(node, NOW,
                (struct store_record){.time = time,
                                      .kind = TEXT("acknowledgement"),
                                      .said = STORE_ACKNOWLEDGEMENT,
                                      .acknowledgement = {*revision, true}});
}

static void what_nodes_said_of_orders_goes_when_these_ended_long_ago(void **unused)
{
    (void)unused;
    int64_t ancient, ended, lasting, open;
    told(NOW - 500 * DAY, NOW - 400 * DAY, &ancient);
    told(NOW - 50 * DAY, NOW - 40 * DAY, &ended);
    told(NOW - 50 * DAY, NOW + DAY, &lasting);
    told(NOW - 36 * DAY, 0, &open); /* for a week at the most: it ended 29 days ago */
    tidy_all(NOW);
    assert_int_equal(ask("SELECT COUNT(*) FROM acknowledgements"), 4);
    assert_int_equal(ask("SELECT MIN(revision) FROM acknowledgements"), lasting);
    assert_int_equal(ask("SELECT COUNT(*) FROM directives"), 3);
    assert_int_equal(ask("SELECT MIN(revision) FROM directives"), ended);
}

static void a_clock_that_jumps_ahead_loses_nothing(void **unused)
{
    (void)unused;
    event_at(NOW - DAY);
    deed_at(NOW - DAY);
    traffic(NODE, "192.0.2.1", NOW - DAY, 5);
    tidy_all(NOW);
    for (int minute = 0; minute < 23 * 60; minute += 30)
        assert_int_equal(tidy(NOW + 365 * DAY + minute * MINUTE), 0);
    tidy_all(NOW + DAY);
    assert_int_equal(ask("SELECT COUNT(*) FROM records"), 2);
    assert_int_equal(ask("SELECT COUNT(*) FROM audit"), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM hours"), 1);
}

static void a_clock_that_stays_ahead_is_believed_after_a_day(void **unused)
{
    (void)unused;
    event_at(NOW - DAY);
    tidy_all(NOW);
    for (int minute = 0; minute < 24 * 60; minute += 30)
        assert_int_equal(tidy(NOW + 365 * DAY + minute * MINUTE), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM records"), 1);
    tidy_all(NOW + 366 * DAY);
    assert_int_equal(ask("SELECT COUNT(*) FROM records"), 0);
}

static void a_clock_that_keeps_jumping_is_never_believed(void **unused)
{
    (void)unused;
    event_at(NOW - DAY);
    tidy_all(NOW);
    for (int day = 1; day < 100; day++)
        assert_int_equal(tidy(NOW + day * 10 * DAY), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM records"), 1);
}

static void a_clock_that_goes_back_loses_nothing(void **unused)
{
    (void)unused;
    event_at(NOW - DAY);
    deed_at(NOW - DAY);
    traffic(NODE, "192.0.2.1", NOW - DAY, 5);
    tidy_all(NOW);
    for (int minute = 0; minute < 100; minute += 20)
        assert_int_equal(tidy(NOW - 365 * DAY + minute * MINUTE), 0);
    for (int minute = 0; minute < 100; minute += 20)
        tidy(NOW + minute * MINUTE);
    assert_int_equal(ask("SELECT COUNT(*) FROM records"), 2);
    assert_int_equal(ask("SELECT COUNT(*) FROM audit"), 1);
    assert_int_equal(EVERYWHERE("messages"), 5);
}

static void kept_reports_go_at_their_own_age(void **unused)
{
    struct store_retention own = keep;
    (void)unused;
    put("INSERT INTO reports (kind, period, zone, made, numbers) VALUES ('week', 'old', 'UTC', 1, '{}'), "
        "('week', 'new', 'UTC', 1799999999000000000, '{}')");
    well(store_tidy(store, &own, NOW, &failed)); /* for ever */
    assert_int_equal(ask("SELECT COUNT(*) FROM reports"), 2);
    own.reports = DAY;
    well(store_tidy(store, &own, NOW, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM reports"), 1);
}

static int begin(void **state)
{
    sequence = 0;
    waiting.count = 0;
    return stocked_begin(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, stocked_end)
    const struct CMUnitTest tests[] = {
        TEST(minutes_go_up_into_hours_and_their_sums_stay),
        TEST(to_tidy_twice_changes_nothing),
        TEST(what_comes_late_is_added_to_its_hour_and_its_day),
        TEST(a_call_takes_a_bounded_amount),
        TEST(days_are_dropped_when_they_are_too_old),
        TEST(a_day_counts_the_same_wherever_its_minutes_stand),
        TEST(hostile_counts_stop_at_a_bound),
        TEST(each_thing_goes_at_its_own_age),
        TEST(many_records_go_bit_by_bit),
        TEST(the_life_that_a_node_is_in_stays),
        TEST(what_nodes_said_of_orders_goes_when_these_ended_long_ago),
        TEST(a_clock_that_jumps_ahead_loses_nothing),
        TEST(a_clock_that_stays_ahead_is_believed_after_a_day),
        TEST(a_clock_that_keeps_jumping_is_never_believed),
        TEST(a_clock_that_goes_back_loses_nothing),
        TEST(kept_reports_go_at_their_own_age),
    };
    return ENGINES_RUN(tests);
}
