/* Bulk counting, over either engine: what copies of one text and one picture over nodes and customers come to. */
#include "tests/unit/collector/store/stocked.h"

#include "collector/store/bulk.h"
#include "collector/store/reckon.h"

static const struct bulk_settings settings = {.enabled = true,
                                              .steps = {.items = {6, 20}, .count = 2},
                                              .customers = 2,
                                              .window = DAY,
                                              .remembered = 30 * DAY,
                                              .most = 1000};

#define BODY       "0123456789abcdef0123456789abcdef"
#define OTHER_BODY "ffffffffffffffffffffffffffffffff"
#define PICTURE    UINT64_C(0xc3a5f00f12345678)

static struct bulk_counts counts;

static void count_message(struct bulk_message message, moment now)
{
    well(store_bulk_count(store, &settings, &message, now, &counts, &failed));
}

static void body_of(int64_t node, const char *customer, uint32_t recipients, moment now)
{
    count_message((struct bulk_message){.node = node,
                                        .sender = TEXT("mac:02:00:00:00:00:01"),
                                        .customer = text_of(customer),
                                        .recipients = recipients,
                                        .body = BODY},
                  now);
}

static void picture_of(int64_t node, const char *customer, uint64_t hash, uint32_t recipients)
{
    count_message((struct bulk_message){.node = node,
                                        .customer = text_of(customer),
                                        .recipients = recipients,
                                        .body = "",
                                        .pictures = &hash,
                                        .picture_count = 1},
                  NOW);
}

static void test_recipients_add_up_over_nodes_and_customers(void **unused)
{
    (void)unused;
    body_of(NODE, "anna", 2, NOW);
    assert_int_equal(counts.body.recipients, 2);
    assert_int_equal(counts.body.steps, 0);
    body_of(OTHER, "bert", 3, NOW + 1);
    assert_int_equal(counts.body.recipients, 5);
    assert_int_equal(counts.body.steps, 0);
    body_of(NODE, "anna", 1, NOW + 2);
    assert_int_equal(counts.body.recipients, 6);
    assert_int_equal(counts.body.messages, 3);
    assert_int_equal(counts.body.customers, 2);
    assert_int_equal(counts.body.nodes, 2);
    assert_int_equal(counts.body.steps, 1);
    assert_int_equal(counts.body.step, 6);
    assert_string_equal(counts.body.digest, BODY);
    body_of(OTHER, "bert", 14, NOW + 3);
    assert_int_equal(counts.body.steps, 2);
    assert_int_equal(counts.body.step, 20);
    assert_int_equal(counts.picture.recipients, 0);
}

static void test_what_one_customer_sends_is_a_newsletter(void **unused)
{
    (void)unused;
    for (int i = 0; i < 50; i++)
        body_of(i % 2 ? NODE : OTHER, "anna", 10, NOW + i);
    assert_int_equal(counts.body.recipients, 500);
    assert_int_equal(counts.body.customers, 1);
    assert_int_equal(counts.body.steps, 0);
}

static void test_who_has_no_customer_counts_as_one_of_its_own(void **unused)
{
    (void)unused;
    struct bulk_message message = {.node = NODE, .sender = TEXT("anna"), .recipients = 4, .body = BODY};
    count_message(message, NOW);
    body_of(NODE, "anna", 4, NOW); /* called as the sender is */
    assert_int_equal(counts.body.customers, 2);
    assert_int_equal(counts.body.steps, 1);
}

static void test_another_text_counts_for_itself(void **unused)
{
    (void)unused;
    body_of(NODE, "anna", 5, NOW);
    struct bulk_message message = {.node = OTHER, .customer = TEXT("bert"), .recipients = 5, .body = OTHER_BODY};
    count_message(message, NOW);
    assert_int_equal(counts.body.recipients, 5);
    assert_int_equal(counts.body.customers, 1);
}

static void test_one_message_counts_for_a_hundred_at_most(void **unused)
{
    (void)unused;
    body_of(NODE, "anna", UINT32_MAX, NOW);
    body_of(OTHER, "bert", 0, NOW);
    assert_int_equal(counts.body.recipients, 101);
}

static void test_what_was_sent_a_window_ago_counts_no_more(void **unused)
{
    (void)unused;
    body_of(NODE, "anna", 10, NOW);
    body_of(OTHER, "bert", 1, NOW + 11 * HOUR);
    assert_int_equal(counts.body.recipients, 11);
    body_of(OTHER, "bert", 1, NOW + 25 * HOUR);
    assert_int_equal(counts.body.recipients, 2);
    assert_int_equal(counts.body.customers, 1);
    assert_int_equal(counts.body.messages, 3);
    body_of(OTHER, "bert", 1, NOW + 60 * HOUR);
    assert_int_equal(counts.body.recipients, 1);
    assert_int_equal(counts.body.messages, 1);
}

/* Clocks of collectors differ by a little. */
static void test_a_moment_of_the_half_window_before_is_none_of_its_own(void **unused)
{
    moment begin = NOW - NOW % (DAY / 2);
    (void)unused;
    body_of(NODE, "anna", 4, begin + 1);
    body_of(NODE, "anna", 4, begin - 1);
    assert_int_equal(counts.body.recipients, 8);
    body_of(NODE, "anna", 4, begin + 2);
    assert_int_equal(counts.body.recipients, 12);
}

static void test_what_most_have_sent_for_a_week_is_no_bulk(void **unused)
{
    (void)unused;
    for (int hour = 0; hour < 24 * 8; hour += 6) {
        body_of(NODE, "anna", 4, NOW + hour * HOUR);
        body_of(OTHER, "bert", 4, NOW + hour * HOUR);
        if (hour == 24)
            assert_true(counts.body.steps > 0);
    }
    assert_int_equal(counts.body.steps, 0);
    for (int i = 0; i < 3; i++) { /* more who are new to it than not */
        char customer[8];
        snprintf(customer, sizeof customer, "new%d", i);
        body_of(NODE, customer, 4, NOW + 24 * 8 * HOUR);
    }
    assert_true(counts.body.steps > 0);
}

static void test_what_programs_write_once_a_month_is_none_either(void **unused)
{
    (void)unused;
    for (int month = 0; month < 2; month++)
        for (int i = 0; i < 5; i++) {
            char customer[8];
            snprintf(customer, sizeof customer, "shop%d", i);
            body_of(i % 2 ? NODE : OTHER, customer, 2, NOW + month * 28 * DAY);
            assert_int_equal(counts.body.recipients, 2 * (i + 1));
        }
    assert_int_equal(counts.body.customers, 5);
    assert_int_equal(counts.body.steps, 0);
}

static void test_customers_of_a_node_are_told_apart_up_to_sixteen(void **unused)
{
    (void)unused;
    for (int i = 0; i < 40; i++) {
        char customer[16];
        snprintf(customer, sizeof customer, "made-up%d", i);
        body_of(NODE, customer, 1, NOW + i);
    }
    assert_int_equal(counts.body.customers, 16);
    assert_int_equal(counts.body.recipients, 40);
    assert_int_equal(ask("SELECT COUNT(*) FROM bulk_senders"), 17);
}

static void test_of_a_node_that_was_turned_out_nothing_counts(void **unused)
{
    (void)unused;
    body_of(NODE, "anna", 100, NOW);
    put("UPDATE nodes SET revoked = 5 WHERE node = 7");
    body_of(OTHER, "bert", 1, NOW);
    assert_int_equal(counts.body.recipients, 1);
    assert_int_equal(counts.body.steps, 0);
}

static void test_near_pictures_are_one(void **unused)
{
    (void)unused;
    picture_of(NODE, "anna", PICTURE, 2);
    picture_of(OTHER, "bert", PICTURE ^ UINT64_C(0x0101010101010000), 2); /* six bits, each in another byte */
    picture_of(OTHER, "carl", PICTURE ^ UINT64_C(0x3f), 2);
    assert_int_equal(counts.picture.recipients, 6);
    assert_int_equal(counts.picture.customers, 3);
    assert_int_equal(counts.picture.nodes, 2);
    assert_int_equal(counts.picture.steps, 1);
    assert_string_equal(counts.picture.digest, "c3a5f00f12345678"); /* the first one's */
    assert_int_equal(ask("SELECT COUNT(*) FROM bulk"), 1);
    picture_of(OTHER, "dora", PICTURE ^ UINT64_C(0x7f), 2); /* seven bits: another */
    assert_int_equal(counts.picture.recipients, 2);
    assert_int_equal(ask("SELECT COUNT(*) FROM bulk"), 2);
}

static void test_of_several_pictures_the_one_seen_most_counts(void **unused)
{
    static const uint64_t both[] = {UINT64_C(0x00ff00ff00ff00ff), PICTURE};
    (void)unused;
    picture_of(NODE, "anna", PICTURE, 5);
    struct bulk_message message = {
        .node = OTHER, .customer = TEXT("bert"), .recipients = 2, .body = BODY, .pictures = both, .picture_count = 2};
    count_message(message, NOW);
    assert_int_equal(counts.picture.recipients, 7);
    assert_int_equal(counts.picture.steps, 1);
    assert_int_equal(counts.body.recipients, 2);
}

static void test_nothing_is_counted_where_it_is_off(void **unused)
{
    struct bulk_settings off = settings;
    struct bulk_message message = {.node = NODE, .customer = TEXT("anna"), .recipients = 2, .body = BODY};
    (void)unused;
    off.enabled = false;
    well(store_bulk_count(store, &off, &message, NOW, &counts, &failed));
    assert_int_equal(counts.body.recipients, 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM bulk"), 0);
}

/* --- what nodes are told --- */

#define LIKENESS "00010002000300040005000600070008000900100011001200130014001500ab"

static char news[2][400];
static int64_t news_count;

static void hear_news(void *context, const struct store_news *item)
{
    (void)context;
    store_copy(item->text, news[news_count % 2], sizeof news[0]);
    news_count++;
}

/* The news that a round makes; "": none. */
static const char *reckon(moment now)
{
    struct store_reckoner reckoner = {.holder = 3, .node = INT64_MIN};
    static int64_t number;
    news_count = 0;
    news[0][0] = '\0';
    well(store_reckon(store, &reckoner, now, &failed));
    well(store_news(store, number, false, 10, hear_news, NULL, &failed));
    well(store_news_highest(store, &number, &failed));
    return news[0];
}

static void likely_body_of(int64_t node, const char *customer, uint32_t recipients, moment now)
{
    count_message((struct bulk_message){.node = node,
                                        .customer = text_of(customer),
                                        .recipients = recipients,
                                        .body = BODY,
                                        .likeness = TEXT(LIKENESS)},
                  now);
}

static void test_nodes_are_told_of_each_step_once_two_of_them_sent_it(void **unused)
{
    (void)unused;
    likely_body_of(NODE, "anna", 5, NOW);
    likely_body_of(NODE, "bert", 5, NOW + 1); /* bulk, by the word of one node */
    assert_int_equal(counts.body.steps, 1);
    assert_string_equal(reckon(NOW + 2), "");
    likely_body_of(OTHER, "carl", 1, NOW + SECOND);
    const char *text = reckon(NOW + SECOND + 1);
    assert_non_null(strstr(text, "\"kind\":\"counted\",\"likeness\":\"" LIKENESS "\""));
    assert_non_null(strstr(text, "\"customers\":3,\"nodes\":2,\"recipients\":11,\"first\":\"2027-01-15T08:00:00."));
    likely_body_of(OTHER, "carl", 1, NOW + 2 * SECOND);
    assert_string_equal(reckon(NOW + 2 * SECOND + 1), "");
    likely_body_of(OTHER, "carl", 10, NOW + 3 * SECOND);
    assert_non_null(strstr(reckon(NOW + 3 * SECOND + 1), "\"recipients\":22,"));
    body_of(OTHER, "carl", 100, NOW + 4 * SECOND); /* without a likeness nobody could know it again */
    assert_string_equal(reckon(NOW + 4 * SECOND + 1), "");
}

static void test_a_likeness_that_is_none_is_told_to_nobody(void **unused)
{
    (void)unused;
    for (int i = 0; i < 2; i++)
        count_message(
            (struct bulk_message){.node = i ? NODE : OTHER,
                                  .customer = i ? TEXT("anna") : TEXT("bert"),
                                  .recipients = 5,
                                  .body = BODY,
                                  .likeness = TEXT("zzzz0002000300040005000600070008000900100011001200130014001500ab")},
            NOW + i);
    assert_int_equal(counts.body.steps, 1);
    assert_string_equal(reckon(NOW + 2), "");
    assert_int_equal(ask("SELECT COUNT(*) FROM heard"), 0);
}

struct seen {
    uint32_t rows;
    char kinds[8][16];
    struct bulk_count counts[8];
};

static void see(void *context, const struct bulk_row *row)
{
    struct seen *seen = context;
    store_copy(row->kind, seen->kinds[seen->rows], sizeof seen->kinds[0]);
    seen->counts[seen->rows++] = row->count;
}

static void test_the_list_has_the_most_first(void **unused)
{
    struct seen seen = {0};
    (void)unused;
    body_of(NODE, "anna", 3, NOW);
    picture_of(NODE, "anna", PICTURE, 5);
    picture_of(OTHER, "bert", PICTURE, 5);
    well(store_bulk_list(store, &settings, NULL, 8, NOW + 1, see, &seen, &failed));
    assert_int_equal(seen.rows, 2);
    assert_string_equal(seen.kinds[0], "picture");
    assert_int_equal(seen.counts[0].recipients, 10);
    assert_int_equal(seen.counts[0].messages, 2);
    assert_int_equal(seen.counts[0].steps, 1);
    assert_int_equal(seen.counts[1].recipients, 3);
    seen.rows = 0;
    well(store_bulk_list(store, &settings, "body", 8, NOW + 1, see, &seen, &failed));
    assert_int_equal(seen.rows, 1);
    seen.rows = 0;
    well(store_bulk_list(store, &settings, NULL, 8, NOW + DAY, see, &seen, &failed));
    assert_int_equal(seen.rows, 0);
}

static int64_t rows(void)
{
    return ask("SELECT (SELECT COUNT(*) FROM bulk) + (SELECT COUNT(*) FROM bulk_senders) + (SELECT COUNT(*) FROM "
               "bulk_parts)");
}

static void test_what_was_not_seen_for_a_month_is_forgotten(void **unused)
{
    (void)unused;
    body_of(NODE, "anna", 3, NOW);
    picture_of(NODE, "anna", PICTURE, 5);
    well(store_bulk_tidy(store, &settings, NOW + 30 * DAY, &failed));
    assert_int_equal(rows(), 2 + 2 + 8);
    well(store_bulk_tidy(store, &settings, NOW + 30 * DAY + 1, &failed));
    assert_int_equal(rows(), 0);
}

static void test_more_than_there_may_be_go_the_oldest_first(void **unused)
{
    struct bulk_settings small = settings;
    (void)unused;
    small.most = 100;
    for (int i = 0; i < 450; i++) {
        char body[33];
        snprintf(body, sizeof body, "%032x", (unsigned)i);
        struct bulk_message message = {.node = NODE, .customer = TEXT("anna"), .recipients = 1, .body = body};
        well(store_bulk_count(store, &settings, &message, NOW + i, &counts, &failed));
    }
    assert_int_equal(store_bulk_tidy(store, &small, NOW + 450, &failed), 1);
    assert_int_equal(store_bulk_tidy(store, &small, NOW + 450, &failed), 0);
    assert_int_equal(ask("SELECT COUNT(*) FROM bulk"), 100);
    assert_int_equal(ask("SELECT COUNT(*) FROM bulk_senders"), 100);
    assert_int_equal(ask("SELECT MIN(seen) FROM bulk") - NOW, 350);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOCKED(test_recipients_add_up_over_nodes_and_customers),
        STOCKED(test_what_one_customer_sends_is_a_newsletter),
        STOCKED(test_who_has_no_customer_counts_as_one_of_its_own),
        STOCKED(test_another_text_counts_for_itself),
        STOCKED(test_one_message_counts_for_a_hundred_at_most),
        STOCKED(test_what_was_sent_a_window_ago_counts_no_more),
        STOCKED(test_a_moment_of_the_half_window_before_is_none_of_its_own),
        STOCKED(test_what_most_have_sent_for_a_week_is_no_bulk),
        STOCKED(test_what_programs_write_once_a_month_is_none_either),
        STOCKED(test_customers_of_a_node_are_told_apart_up_to_sixteen),
        STOCKED(test_of_a_node_that_was_turned_out_nothing_counts),
        STOCKED(test_near_pictures_are_one),
        STOCKED(test_of_several_pictures_the_one_seen_most_counts),
        STOCKED(test_nothing_is_counted_where_it_is_off),
        STOCKED(test_nodes_are_told_of_each_step_once_two_of_them_sent_it),
        STOCKED(test_a_likeness_that_is_none_is_told_to_nobody),
        STOCKED(test_the_list_has_the_most_first),
        STOCKED(test_what_was_not_seen_for_a_month_is_forgotten),
        STOCKED(test_more_than_there_may_be_go_the_oldest_first),
    };
    return ENGINES_RUN(tests);
}
