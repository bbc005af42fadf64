/* What is in hand: only what may change something is kept to be written, and a name whose answer could not be kept is
 * asked for again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "collector/lookout/hand.h"

static struct hand *hand;
static struct error failed;
static const struct zone zone = {.name = "a.example"};

static int begin(void **unused)
{
    (void)unused;
    return hand_create(&hand, &failed);
}

static int end(void **unused)
{
    (void)unused;
    hand_destroy(&hand);
    return 0;
}

static struct held *take(const char *name)
{
    struct store_claim claim = {.origin = "own"};
    strcpy(claim.name, name);
    return hand_take(hand, &claim, SECOND);
}

static void say(struct held *held, enum answer_state state, uint32_t index, bool fresh, bool last)
{
    const struct answer answer = {.state = state};
    const struct inquiry_result result = {.tag = hand_place(hand, held),
                                          .subject = &held->subject,
                                          .zone = &zone,
                                          .zone_index = index,
                                          .answer = &answer,
                                          .fresh = fresh,
                                          .last = last};
    hand_told(hand, &result);
}

static void test_only_news_are_kept(void **unused)
{
    (void)unused;
    struct held *held = take("192.0.2.1");
    hand_mark(held, 70);
    say(held, ANSWER_CLEAN, 0, true, false);    /* it never was anything else */
    say(held, ANSWER_UNKNOWN, 70, true, false); /* that says nothing */
    say(held, ANSWER_LISTED, 70, false, false); /* remembered: it was written */
    assert_int_equal(hand->note_count, 0);
    say(held, ANSWER_LISTED, 2, false, false); /* or was not */
    assert_true(hand->note_count == 1 && hand->notes[0].note.is_remembered);
    say(held, ANSWER_CLEAN, 70, true, false);
    say(held, ANSWER_LISTED, 3, true, true);
    assert_int_equal(hand->note_count, 3);
    assert_int_equal(held->clean * 100 + held->unknown * 10 + held->listed, 213);
    assert_int_equal(hand->listed * 100 + hand->clean * 10 + hand->unknown, 121);
    assert_true(held->is_over && hand->over_count == 1 && !held->is_lost);
    say(held, ANSWER_LISTED, 3, true, true); /* nothing comes behind the last */
    assert_int_equal(hand->note_count, 3);
}

static void test_what_cannot_be_kept(void **unused)
{
    (void)unused;
    struct held *held = take("192.0.2.1");
    for (uint32_t i = 0; i <= HAND_NOTES; i++)
        say(held, ANSWER_LISTED, 0, true, false);
    assert_int_equal(hand->note_count, HAND_NOTES);
    assert_true(held->is_lost);
}

static void test_places(void **unused)
{
    (void)unused;
    assert_null(take("no name"));
    for (uint32_t i = 0; i < HAND_NAMES; i++)
        assert_int_equal(hand_place(hand, take("192.0.2.1")), i);
    assert_null(take("192.0.2.1"));
    hand_drop(hand, &hand->names[7]);
    assert_int_equal(hand_place(hand, take("192.0.2.2")), 7);
}

#define HAND(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {HAND(test_only_news_are_kept), HAND(test_what_cannot_be_kept),
                                       HAND(test_places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
