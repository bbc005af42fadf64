/* What comes to the abuse desk: kept once, read once, in order, and how far each source was read. */
#include "collector/store/arrivals.h"
#include "tests/unit/collector/store/stocked.h"

static moment now;

static int begin(void **state)
{
    now = NOW;
    return stocked_begin(state);
}
#define ARRIVALS(name) cmocka_unit_test_setup_teardown(name, begin, stocked_end)

static int keep(const char *id, const char *content)
{
    int status = store_arrival_keep(store, id, "http", now++, PACKING_ZSTD, text_of(content), &failed);
    well(status);
    return status;
}

static const struct store_tie untied = {.tied = ""};

static struct store_complaint read_as(const char *id, const char *arrival)
{
    return (struct store_complaint){.id = id,
                                    .arrival = arrival,
                                    .time = NOW,
                                    .format = "arf",
                                    .type = "abuse",
                                    .reporter = "example.com",
                                    .address = "192.0.2.1",
                                    .message_id = "m@x",
                                    .subject = "s",
                                    .recipient = "",
                                    .state = "open",
                                    .note = "",
                                    .fields = TEXT("{}"),
                                    .likeness = "",
                                    .tie = &untied,
                                    .incidents = 1};
}

static void take_content(void *context, const char *arrival, enum store_packing packing, struct text content)
{
    assert_int_equal(packing, PACKING_ZSTD);
    assert_int_equal(strlen(arrival), STORE_COMPLAINT_ID - 1);
    snprintf(context, 20, "%.*s", (int)content.length, content.bytes);
}

static void test_ids(void **unused)
{
    char one[STORE_COMPLAINT_ID], other[STORE_COMPLAINT_ID];
    (void)unused;
    store_complaint_id(TEXT("a"), 0, one);
    store_complaint_id(TEXT("a"), 1, other);
    assert_int_equal(strlen(one), 16);
    assert_string_not_equal(one, other);
    store_complaint_id(TEXT("b"), 0, other);
    assert_string_not_equal(one, other);
    store_complaint_id(TEXT("a"), 1, one);
    store_complaint_id(TEXT("a\0\0\0\1"), 0, other); /* nobody makes the second of another's */
    assert_string_not_equal(one, other);
}

static void test_kept_once_and_read_in_order(void **unused)
{
    char id[STORE_COMPLAINT_ID], content[20] = "";
    (void)unused;
    assert_int_equal(store_arrival_waits(store, now, &failed), 0);
    assert_int_equal(keep("0000000000000002", "first"), 1);
    assert_int_equal(keep("0000000000000001", "second"), 1);
    assert_int_equal(keep("0000000000000002", "first"), 0);
    assert_int_equal(store_arrival_waits(store, now, &failed), 1);
    assert_int_equal(store_arrival_claim(store, now, now + MINUTE, id, &failed), 1);
    assert_string_equal(id, "0000000000000002");
    assert_int_equal(store_complaint_content(store, id, take_content, content, &failed), 1);
    assert_string_equal(content, "first");
    struct store_complaint read = read_as("00000000000000ff", id);
    assert_int_equal(store_arrival_read(store, &read, &failed), 1);
    read = read_as(id, id);
    assert_int_equal(store_arrival_read(store, &read, &failed), 1);
    assert_int_equal(store_arrival_read(store, &read, &failed), 0); /* once */
    assert_int_equal(store_complaint_content(store, "00000000000000ff", take_content, content, &failed), 1);
    assert_string_equal(content, "first"); /* they came in one */
    read = read_as("00000000000000fe", id);
    assert_int_equal(store_arrival_read(store, &read, &failed), 0);
    assert_int_equal(store_arrival_claim(store, now, now + MINUTE, id, &failed), 1);
    assert_string_equal(id, "0000000000000001");
    assert_int_equal(store_arrival_claim(store, now, now + MINUTE, id, &failed), 0); /* it is in hand */
    assert_int_equal(store_arrival_claim(store, now + 2 * MINUTE, now + 3 * MINUTE, id, &failed), 1);
    assert_int_equal(keep("0000000000000002", "first"), 0); /* read, and still known */
}

static void test_tried_three_times(void **unused)
{
    char id[STORE_COMPLAINT_ID];
    (void)unused;
    assert_int_equal(keep("0000000000000001", "first"), 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(store_arrival_claim(store, now, now + MINUTE, id, &failed), 1);
        assert_int_equal(store_arrival_later(store, id, now + 2 * MINUTE, &failed), 1);
        assert_int_equal(store_arrival_claim(store, now + 2 * MINUTE, now, id, &failed), 0);
        now += 3 * MINUTE;
    }
    assert_int_equal(store_arrival_claim(store, now, now + MINUTE, id, &failed), 1);
    assert_int_equal(store_arrival_later(store, id, now, &failed), 0);
    struct store_complaint read = read_as(id, id);
    assert_int_equal(store_arrival_read(store, &read, &failed), 1);
    assert_int_equal(ask("SELECT times FROM complaints"), 1);
}

/* Handed on by two ways, a report has two contents and is still one. */
static void test_what_tells_the_same_is_counted_at_the_first(void **unused)
{
    static const struct store_tie tied = {.tied = "message", .sender = "port:tap1", .customer = "acme", .node = NODE};
    char id[STORE_COMPLAINT_ID];
    (void)unused;
    assert_int_equal(keep("0000000000000001", "first"), 1);
    assert_int_equal(keep("0000000000000002", "second"), 1);
    assert_int_equal(keep("0000000000000003", "third"), 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(store_arrival_claim(store, now, now + MINUTE, id, &failed), 1);
        struct store_complaint read = read_as(id, id);
        read.likeness = i < 2 ? "aaaa" : "bbbb";
        read.tie = &tied;
        assert_int_equal(store_arrival_read(store, &read, &failed), i == 1 ? 2 : 1);
        assert_int_equal(store_arrival_read(store, &read, &failed), 0); /* nor counted twice */
    }
    assert_int_equal(ask("SELECT times FROM complaints WHERE id = '0000000000000001' AND state = 'open'"), 2);
    assert_int_equal(ask("SELECT COUNT(*) FROM complaints WHERE state = 'double' AND id = '0000000000000002' AND "
                         "note = 'the same as 0000000000000001'"),
                     1);
    assert_int_equal(ask("SELECT COUNT(*) FROM complaints WHERE state = 'open' AND customer = 'acme' AND node = 7 AND "
                         "sender = 'port:tap1' AND tied = 'message'"),
                     2);
}

static void test_how_far_a_source_was_read(void **unused)
{
    char place[STORE_COMPLAINT_PLACE];
    (void)unused;
    well(store_source_place(store, "imap", place, &failed));
    assert_string_equal(place, "");
    well(store_source_note(store, "imap", "7 12", "", now, &failed));
    well(store_source_note(store, "imap", NULL, "it does not answer", now, &failed));
    well(store_source_note(store, "imap", "7 12", NULL, now, &failed)); /* one was taken, and the trouble stays */
    assert_int_equal(ask("SELECT COUNT(*) FROM alerts WHERE resolved = 0"), 1);
    assert_int_equal(ask("SELECT COUNT(*) FROM complaint_sources WHERE trouble = 'it does not answer'"), 1);
    well(store_source_place(store, "imap", place, &failed));
    assert_string_equal(place, "7 12");
    well(store_source_note(store, "imap", "7 13", "", now, &failed));
    well(store_source_place(store, "imap", place, &failed));
    assert_string_equal(place, "7 13");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        ARRIVALS(test_kept_once_and_read_in_order),
        ARRIVALS(test_tried_three_times),
        ARRIVALS(test_what_tells_the_same_is_counted_at_the_first),
        ARRIVALS(test_how_far_a_source_was_read),
    };
    return ENGINES_RUN(tests);
}
