/* An opinion is done with when the watcher has judged it, and not before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "agent/courier/opinions.h"
#include "agent/courier/question.h"

static struct opinions *opinions;

static int begin(void **state)
{
    (void)state;
    opinions = opinions_create();
    return opinions ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    opinions_destroy(&opinions);
    return 0;
}

static void take(int64_t first, uint32_t count, int64_t number)
{
    static struct filtered items[FILTERED_MOST];
    for (uint32_t i = 0; i < count; i++)
        items[i] = (struct filtered){.number = first + i,
                                     .kind = MESSAGE_FILTERED,
                                     .said = {.mark = (uint64_t)first + i, .sender = sender_from_port("vnet1")}};
    for (uint32_t i = 0; i < count; i++)
        strcpy(items[i].said.filter, "f");
    const struct filtered_list list = {.items = items, .count = count, .some = true, .number = number};
    assert_true(opinions_take(opinions, &list));
}

/* Tells the next, whose mark is that; 0: there is none. */
static void tell(uint64_t mark)
{
    union message message;
    bool some = opinions_next(opinions, &message);
    assert_int_equal(some, mark != 0);
    if (!some)
        return;
    assert_true(message_is_sound(&message) && message.head.kind == MESSAGE_FILTERED);
    assert_true(message.filtered.mark == mark);
    opinions_told(opinions);
}

/* The number that is done with; -1: it is no answer to us. */
static int64_t answer(enum message_kind kind, uint32_t question)
{
    union message message;
    int64_t number = -1;
    message_prepare(&message, kind, question);
    return opinions_answered(opinions, &message, &number) ? number : -1;
}

static void each_is_done_with_when_it_was_judged(void **state)
{
    (void)state;
    take(4, 2, 5);
    tell(4);
    assert_int_equal(answer(MESSAGE_DONE, 7), -1);
    assert_int_equal(answer(MESSAGE_END, QUESTION_OF_OPINIONS), -1);
    assert_int_equal(answer(MESSAGE_DONE, QUESTION_OF_OPINIONS), 4);
    assert_int_equal(answer(MESSAGE_DONE, QUESTION_OF_OPINIONS), -1); /* nothing else was told */
    tell(5);
    tell(0);
    take(6, 1, 9); /* 7 to 9 made no sense */
    tell(6);
    assert_int_equal(answer(MESSAGE_DONE, QUESTION_OF_OPINIONS), 5);
    assert_int_equal(answer(MESSAGE_DONE, QUESTION_OF_OPINIONS), 9);
    assert_int_equal(opinions_counters(opinions).waiting, 0);
    assert_int_equal(opinions_counters(opinions).judged, 3);
}

static void what_makes_no_sense_is_done_with_behind_those_before(void **state)
{
    (void)state;
    take(4, 2, 5);
    tell(4);
    take(6, 0, 8);
    tell(5);
    assert_int_equal(answer(MESSAGE_DONE, QUESTION_OF_OPINIONS), 4);
    assert_int_equal(answer(MESSAGE_DONE, QUESTION_OF_OPINIONS), 8);
}

static void a_new_watcher_is_told_what_no_watcher_answered_for(void **state)
{
    (void)state;
    take(1, 3, 3);
    tell(1);
    tell(2);
    assert_int_equal(answer(MESSAGE_DONE, QUESTION_OF_OPINIONS), 1);
    opinions_begin(opinions);
    assert_int_equal(answer(MESSAGE_DONE, QUESTION_OF_OPINIONS), -1);
    tell(2);
    tell(3);
    tell(0);
    assert_int_equal(answer(MESSAGE_DONE, QUESTION_OF_OPINIONS), 2);
    assert_int_equal(answer(MESSAGE_DONE, QUESTION_OF_OPINIONS), 3);
}

static void each_kind_is_told_as_what_it_is(void **state)
{
    (void)state;
    union message message;
    struct filtered items[2] = {{.number = 1, .kind = MESSAGE_LISTED}, {.number = 2, .kind = MESSAGE_COMPLAINED}};
    items[0].listed = (struct message_listed){.sender = sender_from_port("vnet1"), .zone = "z.example", .listed = 1};
    items[1].complained = (struct message_complained){.sender = sender_from_port("vnet2"), .count = 3};
    const struct filtered_list list = {.items = items, .count = 2, .some = true, .number = 2};
    assert_true(opinions_take(opinions, &list));
    assert_true(opinions_next(opinions, &message) && message_is_sound(&message));
    assert_int_equal(message.head.kind, MESSAGE_LISTED);
    assert_string_equal(message.listed.zone, "z.example");
    opinions_told(opinions);
    assert_true(opinions_next(opinions, &message) && message_is_sound(&message));
    assert_int_equal(message.head.kind, MESSAGE_COMPLAINED);
    assert_int_equal(message.complained.count, 3);
}

static void they_are_bounded(void **state)
{
    (void)state;
    int64_t number = 0;
    while (opinions_has_room(opinions)) {
        take(number + 1, FILTERED_MOST, number + FILTERED_MOST);
        number += FILTERED_MOST;
    }
    assert_true(opinions_counters(opinions).waiting <= OPINIONS_MOST);
    const struct filtered_list more = {.count = OPINIONS_MOST};
    assert_false(opinions_take(opinions, &more));
    for (int i = 0; i < FILTERED_MOST; i++) {
        tell((uint64_t)i + 1);
        assert_int_equal(answer(MESSAGE_DONE, QUESTION_OF_OPINIONS), i + 1);
    }
    assert_true(opinions_has_room(opinions));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_is_done_with_when_it_was_judged, begin, end),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_done_with_behind_those_before, begin, end),
        cmocka_unit_test_setup_teardown(a_new_watcher_is_told_what_no_watcher_answered_for, begin, end),
        cmocka_unit_test_setup_teardown(each_kind_is_told_as_what_it_is, begin, end),
        cmocka_unit_test_setup_teardown(they_are_bounded, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
