/* What the centre knows of other nodes: each piece is held to its ranges and left out where it cannot be true; nothing
 * that comes takes more than a bounded piece of memory, and directives beside it are read as ever. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/courier/directive.h"
#include "agent/courier/fleet_news.h"
#include "common/buffer.h"
#include "common/cleanup.h"

#define NOW      (INT64_C(1795420800) * SECOND) /* 2026-11-23T08:00:00Z */
#define LIKENESS "0001000200030004000500060007000800090abc0def00100011001200130014"
#define CAMPAIGN                                                                                                       \
    "{\"news\":3,\"kind\":\"campaign\",\"likeness\":\"" LIKENESS                                                       \
    "\",\"customers\":4,\"senders\":7,\"nodes\":3,\"recipients\":212,\"first\":\"2026-11-23T07:30:00Z\","              \
    "\"until\":\"2026-11-23T09:00:00Z\"}"
#define CUSTOMER                                                                                                       \
    "{\"news\":5,\"kind\":\"customer\",\"customer\":\"acme\",\"nodes\":[{\"node\":\"00000000000000aa\",\"points\":30," \
    "\"senders\":2},{\"node\":\"00000000000000bb\",\"points\":12.40,\"senders\":1},{\"node\":\"00000000000000cc\","    \
    "\"points\":16.00,\"senders\":1}],\"until\":\"2026-11-23T09:00:00Z\"}"
#define STANDING                                                                                                       \
    "{\"news\":9,\"kind\":\"standing\",\"sender\":\"203.0.113.7\",\"customer\":\"acme\",\"order\":\"throttle\","       \
    "\"rate\":17,\"until\":\"2026-12-23T08:00:00Z\",\"reason\":\"spam\\u001b[1m\",\"by\":\"anna\",\"node\":\"n1\"}"

static struct fleet_news_list read_answer(const char *news, int64_t after)
{
    struct fleet_news_list list = {0};
    struct error error = {0};
    CLEANUP(buffer_clear) struct buffer answer;
    buffer_init(&answer, 1 << 24);
    assert_true(buffer_printf(&answer, "{\"revision\":1,\"directives\":[],\"news\":[%s]}", news));
    if (fleet_news_read(buffer_text(&answer), after, "00000000000000aa", NOW, &list, &error) < 0)
        fail_msg("%s", error.text);
    return list;
}

static void each_kind_is_read(void **state)
{
    (void)state;
    struct fleet_news_list list = read_answer(CAMPAIGN "," CUSTOMER "," STANDING, 0);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.unsound, 0);
    assert_int_equal(list.number, 9);
    const struct fleet_campaign *campaign = &list.items[0].campaign;
    assert_int_equal(list.items[0].kind, FLEET_NEWS_CAMPAIGN);
    assert_int_equal(campaign->likeness.parts[9], 0xabc);
    assert_int_equal(campaign->customers, 4);
    assert_int_equal(campaign->senders, 7);
    assert_int_equal(campaign->nodes, 3);
    assert_int_equal(campaign->recipients, 212);
    assert_int_equal(campaign->first, NOW - 30 * MINUTE);
    assert_int_equal(campaign->until, NOW + HOUR);
    const struct fleet_customer *customer = &list.items[1].customer; /* what this node said itself is left out */
    assert_string_equal(customer->name, "acme");
    assert_int_equal(customer->points, 2840);
    assert_int_equal(customer->senders, 2);
    assert_int_equal(customer->nodes, 2);
    const struct fleet_standing *standing = &list.items[2].standing;
    char who[SENDER_TEXT];
    assert_string_equal(sender_print(&standing->sender, who), "203.0.113.7");
    assert_string_equal(standing->customer, "acme");
    assert_int_equal(standing->deed, DEED_THROTTLE);
    assert_int_equal(standing->rate, 17);
    assert_int_equal(standing->until, NOW + 30 * DAY);
    assert_string_equal(standing->reason, "spam?[1m");
    assert_string_equal(standing->node, "n1");
    fleet_news_clear(&list);
}

static void what_the_centre_counts_is_a_campaign_of_another_kind(void **state)
{
    (void)state;
    struct fleet_news_list list =
        read_answer("{\"news\":4,\"kind\":\"counted\",\"likeness\":\""
                    "00010002000300040005000600070008000900100011001200130014001500ab\",\"customers\":2,\"nodes\":5,"
                    "\"recipients\":20,\"first\":\"2026-11-23T07:30:00Z\",\"until\":\"2026-11-23T09:00:00Z\"}",
                    0);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].kind, FLEET_NEWS_CAMPAIGN);
    assert_int_equal(list.items[0].campaign.counted, 1);
    assert_int_equal(list.items[0].campaign.customers, 2);
    assert_int_equal(list.items[0].campaign.nodes, 5);
    assert_int_equal(list.items[0].campaign.senders, 5);
    assert_int_equal(list.items[0].campaign.recipients, 20);
    fleet_news_clear(&list);
}

static void an_answer_of_an_old_collector_has_none(void **state)
{
    (void)state;
    struct fleet_news_list list = {0};
    struct error error = {0};
    assert_int_equal(fleet_news_read(TEXT("{\"revision\":1,\"directives\":[]}"), 7, "", NOW, &list, &error), 0);
    assert_false(list.some);
    assert_int_equal(list.number, 7);
    assert_int_equal(fleet_news_read(TEXT("<html>"), 7, "", NOW, &list, &error), -EPROTO);
}

/* One word of the campaign or the customer that is right is replaced by one that is not. */
static void what_cannot_be_is_left_out_alone(void **state)
{
    (void)state;
    static const struct {
        const char *whole, *right, *wrong;
    } rows[] = {
        {CAMPAIGN, LIKENESS, "zz"},
        {CAMPAIGN, "\"" LIKENESS, "\"00g1" LIKENESS},
        {CAMPAIGN, LIKENESS, "0000000000000000000000000000000000000000000000000000000000000000"},
        {CAMPAIGN, "\"customers\":4", "\"customers\":1"}, /* one customer's newsletter */
        {CAMPAIGN, "\"customers\":4", "\"customers\":8"},
        {CAMPAIGN, "\"nodes\":3", "\"nodes\":1"},
        {CAMPAIGN, "\"senders\":7", "\"senders\":-7"},
        {CAMPAIGN, "\"senders\":7", "\"senders\":4294967299"},
        {CAMPAIGN, "\"senders\":7", "\"senders\":\"7\""},
        {CAMPAIGN, "\"recipients\":212", "\"recipients\":1e99"},
        {CAMPAIGN, "2026-11-23T09:00:00Z", "soon"},
        {CAMPAIGN, "2026-11-23T07:30:00Z", "1900-01-01T00:00:00Z"},
        {CUSTOMER, "\"acme\"", "\"ac\\u0007me\""},
        {CUSTOMER, "\"acme\"", "\"Acme Ltd\""},
        {CUSTOMER, "\"acme\"", "\"\""},
        {CUSTOMER, "\"acme\"", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""},
        {CUSTOMER, "\"nodes\":[", "\"knots\":["},
        {STANDING, "203.0.113.7", "no/name"},
        {STANDING, "\"throttle\"", "\"hang\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[2048];
        const char *at = strstr(rows[i].whole, rows[i].right);
        assert_non_null(at);
        snprintf(text, sizeof text,
                 "%.*s%s%s,{\"news\":99,\"kind\":\"customer\",\"customer\":\"good\",\"nodes\":[],"
                 "\"until\":\"2026-11-23T09:00:00Z\"}",
                 (int)(at - rows[i].whole), rows[i].whole, rows[i].wrong, at + strlen(rows[i].right));
        struct fleet_news_list list = read_answer(text, 0);
        if (list.count != 1 || list.unsound != 1 || strcmp(list.items[0].customer.name, "good") != 0)
            fail_msg("%zu: %u, %u: %s", i, list.count, list.unsound, text);
        fleet_news_clear(&list);
    }
}

/* Of a customer's nodes those that lie are left out, and those whose senders have little each. */
static void nodes_that_say_nothing(void **state)
{
    (void)state;
    static const char *const nodes[] = {
        "{\"node\":\"b\",\"points\":-5,\"senders\":1}",
        "{\"node\":\"b\",\"points\":1e300,\"senders\":1}",
        "{\"node\":\"b\",\"points\":\"19\",\"senders\":1}",
        "{\"node\":\"b\",\"points\":19,\"senders\":0}",
        "{\"node\":\"b\",\"points\":19,\"senders\":2}",
        "{\"node\":\"b\",\"points\":9.99,\"senders\":1}",
        "{\"points\":19}",
        "7",
    };
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "{\"news\":1,\"kind\":\"customer\",\"customer\":\"acme\",\"nodes\":[%s,{\"node\":\"c\",\"points\":10,"
                 "\"senders\":1}],\"until\":\"2026-11-23T09:00:00Z\"}",
                 nodes[i]);
        struct fleet_news_list list = read_answer(text, 0);
        assert_int_equal(list.count, 1);
        if (list.items[0].customer.points != 1000 || list.items[0].customer.senders != 1)
            fail_msg("%s", text);
        fleet_news_clear(&list);
    }
}

static void what_ends_in_centuries_ends_tomorrow(void **state)
{
    (void)state;
#define UNTIL(year)                                                                                                    \
    "{\"news\":1,\"kind\":\"customer\",\"customer\":\"acme\",\"nodes\":[],\"until\":\"" year "-01-01T00:00:00Z\"}"
    struct fleet_news_list list = read_answer(UNTIL("2250"), 0);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].customer.until, NOW + FLEET_LONGEST);
    fleet_news_clear(&list);
    list = read_answer(UNTIL("2500"), 0); /* later than any moment */
    assert_int_equal(list.count, 0);
    assert_int_equal(list.unsound, 1);
    fleet_news_clear(&list);
}

static void numbers_only_rise(void **state)
{
    (void)state;
    struct fleet_news_list list = read_answer(CUSTOMER "," CAMPAIGN, 0);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.number, 5);
    fleet_news_clear(&list);
    list = read_answer(CAMPAIGN "," CUSTOMER, 4);
    assert_int_equal(list.count, 1);
    fleet_news_clear(&list);
    list = read_answer(CAMPAIGN, 3);
    assert_int_equal(list.count, 0);
    assert_true(list.some);
    assert_int_equal(list.number, 3);
    fleet_news_clear(&list);
    list =
        read_answer("{\"news\":8,\"kind\":\"from_the_next_release\"},{\"kind\":\"campaign\"},{\"news\":-1},[],null", 3);
    assert_int_equal(list.count, 0);
    assert_int_equal(list.unsound, 0);
    assert_int_equal(list.number, 8);
    fleet_news_clear(&list);
}

static void news_after_is_believed_where_it_goes_on(void **state)
{
    (void)state;
    static const struct {
        const char *next;
        int64_t want;
    } rows[] = {{"12", 12}, {"3", 7}, {"-1", 7}, {"\"12\"", 7}, {"null", 7}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[128];
        struct fleet_news_list list = {0};
        struct error error = {0};
        snprintf(text, sizeof text, "{\"revision\":1,\"directives\":[],\"news_after\":%s}", rows[i].next);
        assert_int_equal(fleet_news_read(text_of(text), 7, "", NOW, &list, &error), 0);
        assert_int_equal(list.number, rows[i].want);
    }
}

/* It has told fewer news than we had from it: all that it knows is taken. */
static void a_centre_from_a_backup(void **state)
{
    (void)state;
    struct fleet_news_list list = {0};
    struct error error = {0};
    const char *const text = "{\"revision\":1,\"directives\":[],\"news\":[" CAMPAIGN "," CUSTOMER "],\"news_after\":6}";
    assert_int_equal(fleet_news_read(text_of(text), 1000, "", NOW, &list, &error), 0);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.number, 6);
    fleet_news_clear(&list);
}

/* Of more than the most, the rest is asked for again; of far too many, nothing is read. */
static void too_many(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer text;
    buffer_init(&text, 1 << 24);
    for (int i = 1; i <= 1200; i++)
        assert_true(buffer_printf(&text,
                                  "%s{\"news\":%d,\"kind\":\"customer\",\"customer\":\"c%d\",\"nodes\":[],"
                                  "\"until\":\"2026-11-23T09:00:00Z\"}",
                                  i > 1 ? "," : "", i, i));
    assert_true(buffer_append_byte(&text, 0));
    struct fleet_news_list list = read_answer(text.bytes, 0);
    assert_int_equal(list.count, FLEET_NEWS_MOST);
    assert_int_equal(list.number, FLEET_NEWS_MOST);
    fleet_news_clear(&list);

    text.length = 0;
    assert_true(buffer_printf(&text, "{\"revision\":1,\"directives\":[],\"news\":["));
    for (int i = 0; i < 220000; i++)
        assert_true(buffer_printf(&text, "{},"));
    assert_true(buffer_printf(&text, "{}]}"));
    struct error error = {0};
    struct directives directives = {0};
    assert_int_equal(fleet_news_read(buffer_text(&text), 0, "", NOW, &list, &error), -EFBIG);
    assert_int_equal(directives_read(buffer_text(&text), 0, &directives, &error), -EFBIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_read),
        cmocka_unit_test(what_the_centre_counts_is_a_campaign_of_another_kind),
        cmocka_unit_test(an_answer_of_an_old_collector_has_none),
        cmocka_unit_test(what_cannot_be_is_left_out_alone),
        cmocka_unit_test(nodes_that_say_nothing),
        cmocka_unit_test(what_ends_in_centuries_ends_tomorrow),
        cmocka_unit_test(numbers_only_rise),
        cmocka_unit_test(news_after_is_believed_where_it_goes_on),
        cmocka_unit_test(a_centre_from_a_backup),
        cmocka_unit_test(too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
