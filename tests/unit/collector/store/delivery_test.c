/* What is drawn from records when they come: the latest verdict of each sender, what it did, what nodes have done. */
#include "tests/unit/collector/store/stocked.h"

static struct store_record record(int64_t sequence, moment time, const char *sender, enum store_said said)
{
    return (struct store_record){.sequence = sequence,
                                 .time = time,
                                 .kind = TEXT("k"),
                                 .sender = text_of(sender),
                                 .customer = TEXT("c1"),
                                 .line = TEXT("{}"),
                                 .said = said};
}

static struct store_record verdict(int64_t sequence, moment time, const char *sender, int64_t score)
{
    struct store_record made = record(sequence, time, sender, STORE_VERDICT);
    made.verdict.word = TEXT("abuse");
    made.verdict.score = score;
    return made;
}

static void the_latest_verdict_of_each_sender_stands(void **unused)
{
    (void)unused;
    const struct store_record batch[] = {
        verdict(1, NOW, "b", 1),          verdict(2, NOW + SECOND, "a", 2), verdict(3, NOW, "b", 3),
        verdict(4, NOW - SECOND, "b", 4), verdict(5, NOW, "", 5),
    };
    well(store_deliver(store, NODE, 9, 5, batch, 5, NOW, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM senders"), 2);
    assert_int_equal(ask("SELECT score FROM senders WHERE sender = 'a'"), 2);
    assert_int_equal(ask("SELECT score FROM senders WHERE sender = 'b'"), 3);
    const struct store_record late[] = {verdict(6, NOW, "a", 6), verdict(7, NOW, "b", 7)};
    well(store_deliver(store, NODE, 9, 7, late, 2, NOW, &failed));
    assert_int_equal(ask("SELECT score FROM senders WHERE sender = 'a'"), 2);
    assert_int_equal(ask("SELECT score FROM senders WHERE sender = 'b'"), 7);
}

static void what_a_minute_holds_is_added(void **unused)
{
    (void)unused;
    struct store_record batch[] = {record(1, NOW + SECOND, "a", STORE_TRAFFIC), record(2, NOW, "a", STORE_TRAFFIC),
                                   record(3, NOW, "", STORE_TRAFFIC)};
    batch[0].traffic.messages = 3;
    batch[0].traffic.bytes = -5;
    batch[1].traffic.messages = INT64_MAX;
    well(store_deliver(store, NODE, 9, 3, batch, 3, NOW, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM minutes"), 2);
    assert_int_equal(ask("SELECT MIN(time) FROM minutes"), NOW);
    assert_int_equal(ask("SELECT MAX(time) FROM minutes"), NOW);
    assert_int_equal(ask("SELECT CAST(SUM(messages) AS BIGINT) FROM minutes"), 3 + STORE_COUNT_MOST);
    assert_int_equal(ask("SELECT MIN(bytes) FROM minutes"), 0);
}

static void only_what_was_told_is_acknowledged(void **unused)
{
    (void)unused;
    const struct store_directive directive = {.time = NOW, .deed = TEXT("block"), .sender = TEXT("192.0.2.1")};
    int64_t revision;
    well(store_directive_add(store, &directive, &revision, &failed));
    struct store_record batch[] = {record(1, NOW, "", STORE_ACKNOWLEDGEMENT), record(2, NOW, "", STORE_ACKNOWLEDGEMENT),
                                   record(3, NOW, "", STORE_ACKNOWLEDGEMENT)};
    batch[0].acknowledgement.revision = 99;
    batch[1].acknowledgement.revision = 1;
    batch[1].acknowledgement.done = true;
    batch[2].acknowledgement.revision = -1;
    well(store_deliver(store, NODE, 9, 3, batch, 3, NOW, &failed));
    assert_int_equal(ask("SELECT COUNT(*) FROM acknowledgements"), 1);
    assert_int_equal(ask("SELECT revision + done * 10 FROM acknowledgements"), 11);
    assert_int_equal(ask("SELECT acknowledged FROM nodes WHERE node = 7"), 1);
}

/* Readers go on behind a moment: it may not come again, nor an earlier one after it. */
static void what_comes_later_stands_behind(void **unused)
{
    const struct store_record one = {.sequence = 1, .time = NOW, .kind = TEXT("event"), .line = TEXT("{}")};
    (void)unused;
    well(store_deliver(store, OTHER, 1, 1, &one, 1, NOW, &failed));
    well(store_deliver(store, NODE, 2, 1, &one, 1, NOW, &failed));
    well(store_deliver(store, NODE, 3, 1, &one, 1, NOW - MINUTE, &failed)); /* the clock was set back a little */
    assert_int_equal(ask("SELECT received FROM records WHERE life = 1"), NOW);
    assert_int_equal(ask("SELECT received FROM records WHERE life = 2"), NOW + 1);
    assert_int_equal(ask("SELECT received FROM records WHERE life = 3"), NOW + 2);
    well(store_deliver(store, NODE, 4, 1, &one, 1, NOW - DAY, &failed)); /* it had been wrong */
    assert_int_equal(ask("SELECT received FROM records WHERE life = 4"), NOW - DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOCKED(the_latest_verdict_of_each_sender_stands),
        STOCKED(what_a_minute_holds_is_added),
        STOCKED(only_what_was_told_is_acknowledged),
        STOCKED(what_comes_later_stands_behind),
    };
    return ENGINES_RUN(tests);
}
