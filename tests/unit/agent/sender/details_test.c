/* The details of senders: who has some, who lets go of them for another, and that nothing of the one before is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/sender/senders.h"

#define BYTES 100

struct room {
    void *memory;
    struct senders *senders;
};

static struct room make_room(uint32_t places, uint32_t details)
{
    struct error error = {0};
    struct senders_shape shape = {.senders = places, .sketches = 4, .details = details, .details_bytes = BYTES};
    struct room room = {0};
    size_t size = senders_memory(&shape);
    room.memory = aligned_alloc(64, (size + 63) / 64 * 64);
    assert_non_null(room.memory);
    memset(room.memory, 0, size);
    room.senders = senders_place(room.memory, &shape, &error);
    assert_non_null(room.senders);
    return room;
}

static void clear_room(struct room *room)
{
    senders_release(&room->senders);
    free(room->memory);
}

static struct sender_record *user(struct room *room, uint32_t number, double seconds)
{
    struct sender sender = sender_from_user(number);
    return senders_record(room->senders, &sender, (moment)(seconds * (double)SECOND));
}

/* It is heard of; what it finds in new details must be nothing. */
static void hear(struct room *room, uint32_t number, double seconds)
{
    struct sender_record *record = user(room, number, seconds);
    bool had_some = record->details != 0;
    uint8_t *details = senders_take_details(room->senders, record);
    assert_non_null(details);
    for (uint32_t i = 0; i < BYTES; i++)
        assert_int_equal(details[i], had_some ? number : 0);
    memset(details, (int)number, BYTES);
    assert_int_equal(record->busy & 1, 0);
}

/* Who of the first nine has details. */
static void expect(struct room *room, const char *want)
{
    char got[16] = "", *at = got;
    for (uint32_t i = 1; i < 10; i++) {
        struct sender sender = sender_from_user(i);
        struct sender_record *record = senders_find(room->senders, &sender);
        if (record && senders_details(room->senders, record) != NULL)
            *at++ = (char)('0' + i);
    }
    assert_string_equal(got, want);
}

static void test_only_who_is_heard_of_has_details(void **unused)
{
    (void)unused;
    struct room room = make_room(16, 3);
    user(&room, 1, 10);
    hear(&room, 2, 10);
    user(&room, 3, 10);
    expect(&room, "2");
    hear(&room, 2, 20); /* and keeps them */
    hear(&room, 1, 20);
    expect(&room, "12");
    assert_int_equal(senders_detailed(room.senders), 2);
    clear_room(&room);
}

static void test_the_one_quiet_longest_lets_go(void **unused)
{
    (void)unused;
    struct room room = make_room(16, 3);
    hear(&room, 1, 10);
    hear(&room, 2, 20);
    hear(&room, 3, 30);
    hear(&room, 1, 40);
    hear(&room, 4, 50);
    expect(&room, "134");
    assert_int_equal(senders_details_let_go(room.senders), 1);
    user(&room, 3, 60); /* whatever it was seen with */
    hear(&room, 2, 70);
    expect(&room, "234");
    assert_int_equal(senders_details_let_go(room.senders), 2);
    assert_int_equal(senders_number(room.senders), 4); /* nobody is forgotten */
    clear_room(&room);
}

static bool is_worth_keeping(void *context, struct sender_record *record)
{
    const bool *worth = context;
    return worth[record->sender.bytes[3]];
}

static void test_who_is_worth_keeping_is_passed_over(void **unused)
{
    (void)unused;
    struct room room = make_room(16, 3);
    bool worth[256] = {false, true, false, true};
    senders_on_crowding(room.senders, is_worth_keeping, worth);
    hear(&room, 1, 10);
    hear(&room, 2, 20);
    hear(&room, 3, 30);
    hear(&room, 4, 40);
    expect(&room, "134");
    hear(&room, 5, 50);
    expect(&room, "135");
    worth[5] = true; /* all are: then the oldest after all */
    hear(&room, 6, 60);
    assert_int_equal(senders_detailed(room.senders), 3);
    assert_int_equal(senders_details_let_go(room.senders), 3);
    struct sender newest = sender_from_user(6);
    assert_non_null(senders_details(room.senders, senders_find(room.senders, &newest)));
    clear_room(&room);
}

static uint32_t looks;

static bool count_looks(void *context, struct sender_record *record)
{
    (void)context;
    (void)record;
    looks++;
    return true;
}

/* However many are worth keeping, a new one looks at so many of them only. */
static void test_looking_is_bounded(void **unused)
{
    (void)unused;
    struct room room = make_room(1000, 500);
    senders_on_crowding(room.senders, count_looks, NULL);
    for (uint32_t i = 1; i <= 501; i++) {
        struct sender_record *record = user(&room, i, i * 10.0);
        senders_take_details(room.senders, record);
    }
    assert_int_equal(looks, 64);
    expect(&room, "23456789"); /* the very oldest let go */
    clear_room(&room);
}

static void test_details_are_given_back(void **unused)
{
    (void)unused;
    struct room room = make_room(3, 3);
    hear(&room, 1, 10);
    hear(&room, 2, 20);
    hear(&room, 3, 30);
    struct sender sender = sender_from_user(2);
    senders_forget(room.senders, &sender);
    expect(&room, "13");
    assert_int_equal(senders_detailed(room.senders), 2);
    senders_drop_details(room.senders, user(&room, 3, 30));
    senders_drop_details(room.senders, user(&room, 3, 30)); /* has none: nothing happens */
    expect(&room, "1");
    hear(&room, 4, 40);
    hear(&room, 3, 50);
    expect(&room, "134");
    hear(&room, 5, 60); /* the table is full: one gives way with all it has */
    expect(&room, "345");
    assert_int_equal(senders_details_let_go(room.senders), 0); /* nobody had to */
    clear_room(&room);
}

/* Thousands of senders, in no order: never more than there are places, and everyone finds its own. */
static void test_many(void **unused)
{
    (void)unused;
    struct room room = make_room(60, 20);
    bool worth[256] = {[7] = true, [8] = true};
    senders_on_crowding(room.senders, is_worth_keeping, worth);
    uint64_t seed = 3;
    for (int i = 0; i < 20000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
        uint32_t number = 1 + (uint32_t)(seed >> 40) % 100;
        if (i % 50 == 0)
            senders_drop_details(room.senders, user(&room, number, i * 3.0));
        else
            hear(&room, number, i * 3.0);
        assert_true(senders_detailed(room.senders) <= 20);
    }
    assert_true(senders_details_let_go(room.senders) > 1000);
    clear_room(&room);
}

static void test_no_places_no_details(void **unused)
{
    (void)unused;
    struct room room = make_room(4, 0);
    assert_null(senders_take_details(room.senders, user(&room, 1, 10)));
    expect(&room, "");
    clear_room(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_who_is_heard_of_has_details),
        cmocka_unit_test(test_the_one_quiet_longest_lets_go),
        cmocka_unit_test(test_who_is_worth_keeping_is_passed_over),
        cmocka_unit_test(test_looking_is_bounded),
        cmocka_unit_test(test_details_are_given_back),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_no_places_no_details),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
