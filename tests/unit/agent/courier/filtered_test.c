/* What content filters say: each opinion is held to its ranges and left out where it cannot be true; numbers only rise,
 * or begin anew. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/courier/filtered.h"
#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/words/observation.h"

#define NOW (INT64_C(1795420800) * SECOND) /* 2026-11-23T08:00:00Z */
#define OPINION(number)                                                                                                \
    "{\"number\":" #number ",\"message\":\"0DC5B48D4.A739D\",\"time\":\"2026-11-23T08:00:00Z\","                       \
    "\"sender\":\"port:vnet3\",\"address\":\"192.0.2.7\",\"filter\":\"rspamd\",\"score\":15.25,\"threshold\":6.00,"    \
    "\"action\":\"reject\",\"symbols\":\"GTUBE R_BAD\",\"certain\":true}"

static struct filtered_list read_answer(const char *filtered, const char *more, int64_t after)
{
    struct filtered_list list = {0};
    struct error error = {0};
    CLEANUP(buffer_clear) struct buffer answer;
    buffer_init(&answer, 1 << 22);
    assert_true(buffer_printf(&answer, "{\"revision\":1,\"directives\":[],\"filtered\":[%s]%s}", filtered, more));
    if (filtered_read(buffer_text(&answer), after, &list, &error) < 0)
        fail_msg("%s", error.text);
    return list;
}

static void an_opinion_is_read(void **state)
{
    (void)state;
    struct filtered_list list = read_answer(OPINION(7), ",\"filtered_after\":7", 3);
    char sender[SENDER_TEXT], address[ADDRESS_TEXT];
    assert_true(list.count == 1 && list.unsound == 0 && list.some && list.number == 7);
    assert_int_equal(list.items[0].number, 7);
    const struct message_filtered *said = &list.items[0].said;
    assert_string_equal(sender_print(&said->sender, sender), "port:vnet3");
    assert_string_equal(address_print(&said->address, address), "192.0.2.7");
    assert_string_equal(said->filter, "rspamd");
    assert_string_equal(said->action, "reject");
    assert_string_equal(said->symbols, "GTUBE R_BAD");
    assert_true(said->score == 1525 && said->threshold == 600 && said->certain == 1 && said->time == NOW);
    filtered_clear(&list);
}

/* It is the same opinion by message and filter, whatever its number and its words are. */
static void an_opinion_has_a_mark(void **state)
{
    (void)state;
    struct filtered_list list =
        read_answer(OPINION(1) "," OPINION(2) ",{\"number\":3,\"message\":\"0DC5B48D4.A739D\",\"time\":"
                                              "\"2026-11-23T08:00:00Z\",\"sender\":\"vnet3\",\"filter\":\"spamd\","
                                              "\"score\":1,\"threshold\":5},"
                                              "{\"number\":4,\"message\":\"0DC5B48D4.A739E\",\"time\":"
                                              "\"2026-11-23T08:00:00Z\",\"sender\":\"vnet3\",\"filter\":\"rspamd\","
                                              "\"score\":-1.01,\"threshold\":0}",
                    "", 0);
    assert_int_equal(list.count, 4);
    assert_int_equal(list.items[3].said.score, -101);
    assert_int_equal(list.items[3].said.certain, 0);
    assert_true(list.items[0].said.mark == list.items[1].said.mark);
    for (int i = 1; i < 4; i++)
        for (int k = i + 1; k < 4; k++)
            assert_true(list.items[i].said.mark != list.items[k].said.mark);
    filtered_clear(&list);
}

static void an_answer_without_opinions_is_well(void **state)
{
    (void)state;
    struct filtered_list list = {0};
    struct error error = {0};
    static const char *const none[] = {"{\"revision\":1,\"directives\":[]}", "{\"filtered\":[],\"filtered_after\":7}",
                                       "{\"filtered\":null}", "{\"filtered\":{\"number\":9}}", "[]"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_int_equal(filtered_read(text_of(none[i]), 7, &list, &error), 0);
        assert_true(!list.some && list.number == 7 && list.count == 0);
    }
    assert_int_equal(filtered_read(TEXT("<html>"), 7, &list, &error), -EPROTO);
}

static void what_cannot_be_is_left_out_alone(void **state)
{
    (void)state;
    static const struct {
        const char *right, *wrong;
    } rows[] = {
        {"\"0DC5B48D4.A739D\"", "\"\""},
        {"\"0DC5B48D4.A739D\"", "7"},
        {"2026-11-23T08:00:00Z", "soon"},
        {"port:vnet3", "no/name"},
        {"port:vnet3", "customer:acme"}, /* no message is all of a customer's */
        {"port:vnet3", ""},
        {"192.0.2.7", "192.0.2"},
        {"\"rspamd\"", "\"\""},
        {"\"rspamd\"", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""},
        {"15.25", "\"15.25\""},
        {"15.25", "null"},
        {"6.00", "-1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[2048];
        const char *whole = OPINION(5), *at = strstr(whole, rows[i].right);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s," OPINION(6), (int)(at - whole), whole, rows[i].wrong,
                 at + strlen(rows[i].right));
        struct filtered_list list = read_answer(text, "", 0);
        if (list.count != 1 || list.unsound != 1 || list.items[0].number != 6 || list.number != 6)
            fail_msg("%zu: %u, %u: %s", i, list.count, list.unsound, text);
        filtered_clear(&list);
    }
}

static void what_is_too_much_is_cut(void **state)
{
    (void)state;
    char text[2048] = "", symbols[700] = "";
    for (int i = 0; i < 60; i++)
        strcat(symbols, i ? " SYMBOL_X10" : "SYMBOL_X10");
    snprintf(text, sizeof text,
             "{\"number\":1,\"message\":\"a\",\"time\":\"2026-11-23T08:00:00Z\",\"sender\":\"vnet3\",\"filter\":"
             "\"f\\u001b\",\"score\":1e300,\"threshold\":5,\"action\":\"a\\nb\",\"symbols\":\"%s\"}",
             symbols);
    struct filtered_list list = read_answer(text, "", 0);
    assert_int_equal(list.count, 1);
    const struct message_filtered *said = &list.items[0].said;
    assert_int_equal(said->score, 1000000);
    assert_string_equal(said->filter, "f?");
    assert_string_equal(said->action, "a?b");
    assert_true(strlen(said->symbols) < sizeof said->symbols && strlen(said->symbols) > 200);
    assert_string_equal(strrchr(said->symbols, ' '), " SYMBOL_X10");
    filtered_clear(&list);
}

static void numbers_rise_or_begin_anew(void **state)
{
    (void)state;
    struct filtered_list list = read_answer(OPINION(5) "," OPINION(3) "," OPINION(9), "", 4);
    assert_true(list.count == 2 && list.number == 9);
    filtered_clear(&list);
    list = read_answer(OPINION(3), "", 9); /* told before */
    assert_true(list.count == 0 && list.number == 9 && list.some);
    filtered_clear(&list);
    list = read_answer(OPINION(3), ",\"filtered_after\":3", 9); /* a centre from a backup */
    assert_true(list.count == 1 && list.number == 3);
    filtered_clear(&list);
    list = read_answer("", ",\"filtered_after\":0", 9);
    assert_true(list.count == 0 && list.number == 0 && list.some);
    filtered_clear(&list);
    list = read_answer(OPINION(12), ",\"filtered_after\":40", 9);
    assert_true(list.count == 1 && list.number == 40);
    filtered_clear(&list);
}

static void a_flood_is_taken_in_pieces(void **state)
{
    (void)state;
    CLEANUP(buffer_clear) struct buffer text;
    buffer_init(&text, 1 << 20);
    for (int i = 1; i <= FILTERED_MOST + 50; i++)
        assert_true(buffer_printf(&text,
                                  "%s{\"number\":%d,\"message\":\"m%d\",\"time\":\"2026-11-23T08:00:00Z\","
                                  "\"sender\":\"vnet3\",\"filter\":\"f\",\"score\":1,\"threshold\":5}",
                                  i > 1 ? "," : "", i, i));
    assert_true(buffer_append_byte(&text, 0));
    struct filtered_list list = read_answer(text.bytes, ",\"filtered_after\":250", 0);
    assert_true(list.count == FILTERED_MOST && list.number == FILTERED_MOST);
    filtered_clear(&list);
}

#define LISTING(number, more)                                                                                          \
    "{\"number\":" #number ",\"kind\":\"listing\",\"sender\":\"port:vnet3\",\"address\":\"192.0.2.7\","                \
    "\"zone\":\"zen.example\",\"code\":\"127.0.0.2\"," more "}"
#define COMPLAINT(number, more)                                                                                        \
    "{\"number\":" #number ",\"kind\":\"complaint\",\"id\":\"0011223344556677\",\"sender\":\"port:vnet3\","            \
    "\"reporter\":\"loop.example\"," more "}"

static void a_listing_is_read(void **state)
{
    (void)state;
    char address[ADDRESS_TEXT];
    struct filtered_list list =
        read_answer(LISTING(7, "\"weight\":\"high\",\"listed\":true,\"since\":\"2026-11-23T08:00:00Z\"") "," LISTING(
                        8, "\"weight\":\"critical\",\"listed\":false,\"since\":null"),
                    "", 3);
    assert_true(list.count == 2 && list.unsound == 0 && list.number == 8);
    assert_true(list.items[0].kind == MESSAGE_LISTED && list.items[1].kind == MESSAGE_LISTED);
    const struct message_listed *first = &list.items[0].listed, *second = &list.items[1].listed;
    assert_string_equal(first->zone, "zen.example");
    assert_string_equal(address_print(&first->address, address), "192.0.2.7");
    assert_string_equal(address_print(&first->code, address), "127.0.0.2");
    assert_true(first->weight == LISTING_HIGH && first->listed == 1 && first->since == NOW);
    assert_true(second->weight == LISTING_CRITICAL && second->listed == 0 && second->since == 0);
    assert_true(first->mark != second->mark); /* each telling is one */
    filtered_clear(&list);
    list = read_answer(LISTING(9, "\"weight\":\"grave\",\"listed\":true") "," LISTING(
                           10, "\"weight\":\"low\"") ","
                                                     "{\"number\":11,\"kind\":\"portent\",\"sender\":\"port:vnet3\"}",
                       "", 3);
    assert_true(list.count == 0 && list.unsound == 3 && list.number == 11);
    filtered_clear(&list);
}

/* It is the same by its id, unless it is withdrawn. */
static void a_complaint_is_read(void **state)
{
    (void)state;
    struct filtered_list list = read_answer(
        COMPLAINT(
            7,
            "\"type\":\"fraud\",\"count\":3,\"confirmed\":true,\"known\":true,\"withdrawn\":"
            "false") "," COMPLAINT(8,
                                   "\"type\":\"abuse\",\"count\":-5") "," COMPLAINT(9,
                                                                                    "\"type\":\"other\",\"withdrawn\":"
                                                                                    "true") "," COMPLAINT(10,
                                                                                                          "\"type\":"
                                                                                                          "\"grudge\""),
        "", 3);
    assert_true(list.count == 3 && list.unsound == 1 && list.items[0].kind == MESSAGE_COMPLAINED);
    const struct message_complained *first = &list.items[0].complained, *second = &list.items[1].complained,
                                    *third = &list.items[2].complained;
    assert_string_equal(first->reporter, "loop.example");
    assert_true(first->type == COMPLAINT_FRAUD && first->count == 3 && first->confirmed && first->known);
    assert_true(second->type == COMPLAINT_ABUSE && second->count == 1 && !second->confirmed && !second->known);
    assert_true(third->type == COMPLAINT_OTHER && third->withdrawn && first->mark == second->mark &&
                third->mark != first->mark);
    filtered_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_opinion_is_read),
        cmocka_unit_test(an_opinion_has_a_mark),
        cmocka_unit_test(an_answer_without_opinions_is_well),
        cmocka_unit_test(what_cannot_be_is_left_out_alone),
        cmocka_unit_test(what_is_too_much_is_cut),
        cmocka_unit_test(numbers_rise_or_begin_anew),
        cmocka_unit_test(a_listing_is_read),
        cmocka_unit_test(a_complaint_is_read),
        cmocka_unit_test(a_flood_is_taken_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
