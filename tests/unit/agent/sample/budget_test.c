/* Which messages are worth a look, and what of that is left when there are too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include "agent/sample/budget.h"

#define NOON (INT64_C(1795420800) * SECOND)

static const struct siphash_key key = {{1, 2}};
static struct samples_settings settings;
static struct budget *budget;
static uint64_t bodies; /* so many different ones were made */

static int begin(void **unused)
{
    struct error error = {0};
    (void)unused;
    settings = (struct samples_settings){.size = 1 << 18,
                                         .memory = 32 << 20,
                                         .rate = 20,
                                         .sender_rate = 60,
                                         .first = 3,
                                         .score = DECIBANS(10),
                                         .trickle = 1000};
    budget = budget_create(&settings, &key, &error);
    return budget ? 0 : -1;
}

static int end(void **unused)
{
    (void)unused;
    budget_destroy(&budget);
    return 0;
}

static struct sender sender_of(uint32_t user)
{
    return sender_from_user(user);
}

static struct budget_message another_body(const struct sender *sender, moment now)
{
    bodies++;
    return (struct budget_message){
        .now = now, .sender = sender, .digest = {bodies * UINT64_C(0x9e3779b97f4a7c15), bodies}};
}

/* A message from its beginning to its answer; its body is another than all before. */
static enum sample_why send(uint32_t user, moment now, uint64_t messages, points score, bool diverted)
{
    struct sender sender = sender_of(user);
    struct budget_question question = {
        .now = now, .sender = &sender, .messages = messages, .score = score, .diverted = diverted};
    enum sample_why why = budget_wants(budget, &question);
    struct budget_message message = another_body(&sender, now);
    return why == SAMPLE_NOT ? SAMPLE_NOT : budget_keeps(budget, why, &message);
}

static void the_first_of_a_new_sender(void **unused)
{
    (void)unused;
    settings.trickle = 0;
    budget_reload(budget, &settings);
    for (uint64_t n = 0; n < 6; n++)
        assert_int_equal(send(1, NOON, n, 0, false), n < 3 ? SAMPLE_FIRST : SAMPLE_NOT);
    assert_int_equal(send(2, NOON, 0, 0, false), SAMPLE_FIRST);
    settings.first = 0;
    budget_reload(budget, &settings);
    assert_int_equal(send(3, NOON, 0, 0, false), SAMPLE_NOT);
}

/* They come in one batch of packets, or over connections side by side: none of them was counted yet. */
static void a_burst_of_a_new_sender_is_no_more(void **unused)
{
    unsigned first = 0;
    (void)unused;
    settings.trickle = 0;
    budget_reload(budget, &settings);
    for (unsigned i = 0; i < 10; i++)
        first += send(1, NOON, 0, 0, false) == SAMPLE_FIRST;
    assert_int_equal(first, 3);
    assert_int_equal(send(1, NOON, 2, 0, false), SAMPLE_FIRST);
    assert_int_equal(send(1, NOON, 2, 0, false), SAMPLE_NOT);
}

/* How many of a thousand, a minute apart, of different senders. */
static unsigned share(points score)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < 1000; i++)
        kept += send(1000 + i, NOON + i * MINUTE, 100, score, false) == SAMPLE_SCORE;
    return kept;
}

static void more_as_the_score_rises(void **unused)
{
    (void)unused;
    assert_int_equal(share(0), 0);
    assert_in_range(share(DECIBANS(1)), 60, 140);
    assert_in_range(share(DECIBANS(5)), 440, 560);
    assert_in_range(share(DECIBANS(9)), 860, 940);
    assert_int_equal(share(DECIBANS(10)), 1000);
    assert_int_equal(share(DECIBANS(40)), 1000);
    assert_int_equal(share(-DECIBANS(40)), 0);
}

static void all_while_it_is_diverted(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 500; i++) /* far beyond one sender's limit, the same body and all */
        assert_int_equal(send(1, NOON + i * SECOND / 5, 1000, DECIBANS(30), true), SAMPLE_DIVERTED);
    struct sender sender = sender_of(1);
    struct budget_message message = another_body(&sender, NOON + DAY);
    assert_int_equal(budget_keeps(budget, SAMPLE_DIVERTED, &message), SAMPLE_DIVERTED);
    assert_int_equal(budget_keeps(budget, SAMPLE_DIVERTED, &message), SAMPLE_DIVERTED);
}

static void a_trickle_of_the_rest(void **unused)
{
    unsigned kept = 0;
    (void)unused;
    for (unsigned i = 0; i < 100000; i++)
        kept += send(1000 + i, NOON + i * SECOND, 100, 0, false) == SAMPLE_TRICKLE;
    assert_in_range(kept, 60, 140);
}

static enum sample_why send_body(uint32_t user, moment now, uint64_t number)
{
    struct sender sender = sender_of(user);
    const struct budget_message message = {.now = now, .sender = &sender, .digest = {number, 1}};
    return budget_keeps(budget, SAMPLE_DIGEST, &message);
}

static void one_of_each_body_that_comes_again(void **unused)
{
    (void)unused;
    assert_int_equal(send_body(1, NOON, 7), SAMPLE_NOT); /* a letter to one person */
    assert_int_equal(send_body(2, NOON + MINUTE, 7), SAMPLE_DIGEST);
    assert_int_equal(send_body(3, NOON + 2 * MINUTE, 7), SAMPLE_NOT);
    assert_int_equal(send_body(1, NOON + 59 * MINUTE, 7), SAMPLE_NOT);
    assert_int_equal(send_body(1, NOON + 62 * MINUTE, 7), SAMPLE_DIGEST); /* an hour later it is looked at anew */
    assert_int_equal(send_body(1, NOON + 63 * MINUTE, 8), SAMPLE_NOT);
}

static void one_sender_is_not_asked_twice_for_one_body(void **unused)
{
    (void)unused;
    struct sender one = sender_of(1), other = sender_of(2);
    struct budget_message message = another_body(&one, NOON);
    assert_int_equal(budget_keeps(budget, SAMPLE_SCORE, &message), SAMPLE_SCORE);
    assert_int_equal(budget_keeps(budget, SAMPLE_SCORE, &message), SAMPLE_NOT);
    message.sender = &other; /* it is evidence against this one as well */
    assert_int_equal(budget_keeps(budget, SAMPLE_FIRST, &message), SAMPLE_FIRST);
    assert_int_equal(budget_keeps(budget, SAMPLE_TRICKLE, &message), SAMPLE_NOT);
}

static void what_was_not_seen_whole_is_no_body(void **unused)
{
    (void)unused;
    struct sender sender = sender_of(1);
    struct budget_message message = {.now = NOON, .sender = &sender};
    assert_int_equal(budget_keeps(budget, SAMPLE_DIGEST, &message), SAMPLE_NOT);
    assert_int_equal(budget_keeps(budget, SAMPLE_DIGEST, &message), SAMPLE_NOT);
    assert_int_equal(budget_keeps(budget, SAMPLE_FIRST, &message), SAMPLE_FIRST);
}

static void each_sender_has_its_limit(void **unused)
{
    unsigned kept = 0;
    (void)unused;
    for (unsigned i = 0; i < 3600; i++)
        kept += send(1, NOON + i * SECOND, 100, DECIBANS(20), false) == SAMPLE_SCORE;
    assert_in_range(kept, 115, 125); /* 60 at once, and 60 in the hour */
    assert_int_equal(send(2, NOON + HOUR, 100, DECIBANS(20), false), SAMPLE_SCORE);
}

/* Letters that were looked at in vain count for nothing. */
static void what_is_not_sent_in_uses_up_nothing(void **unused)
{
    const struct sender sender = sender_of(1);
    const struct budget_question question = {.now = NOON + 100 * SECOND, .sender = &sender, .messages = 100};
    struct budget_message message;
    (void)unused;
    settings.trickle = 0;
    budget_reload(budget, &settings);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(send(1, NOON + i * SECOND, 100, 0, false), SAMPLE_NOT);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(budget_wants(budget, &question), SAMPLE_DIGEST);
        message = (struct budget_message){.now = question.now, .sender = &sender, .digest = {7, 7}};
        assert_int_equal(budget_keeps(budget, SAMPLE_DIGEST, &message), i == 0 ? SAMPLE_NOT : SAMPLE_DIGEST);
    }
}

/* Messages that are begun and never end: the limit of that sender is used up, and that is all. */
static void what_never_ends_takes_nobody_elses(void **unused)
{
    const struct sender sender = sender_of(1);
    struct budget_question question = {.now = NOON, .sender = &sender, .messages = 100, .score = DECIBANS(20)};
    unsigned wanted = 0;
    (void)unused;
    for (unsigned i = 0; i < 1000; i++, question.now += SECOND / 10)
        wanted += budget_wants(budget, &question) == SAMPLE_SCORE;
    assert_in_range(wanted, 60, 62);
    assert_int_equal(send(2, question.now, 100, DECIBANS(20), false), SAMPLE_SCORE);
}

/* Two hundred diverted senders at once, as fast as they can: what is taken in a second is bounded, and of that a part
 * is left for those who are new. */
static void a_flood_leaves_room_for_the_new(void **unused)
{
    unsigned diverted = 0, first = 0;
    (void)unused;
    for (unsigned i = 0; i < 100000; i++)
        diverted += send(i % 200, NOON + i * MILLISECOND / 10, 1000, 0, true) == SAMPLE_DIVERTED;
    assert_in_range(diverted, 20 * 10, 20 * 10 + 40);
    for (unsigned i = 0; i < 9; i++)
        first += send(5000 + i, NOON + 10 * SECOND, 0, 0, false) == SAMPLE_FIRST;
    assert_int_equal(first, 9);
    assert_int_equal(send(6000, NOON + 10 * SECOND, 100, DECIBANS(20), false), SAMPLE_NOT);
}

/* However many come, so many are looked at, so that looking costs no more where there is a flood. */
static void looking_has_a_limit(void **unused)
{
    unsigned asked = 0, candidates = 0;
    static struct sender senders[10000];
    struct budget_question question = {.now = NOON, .messages = 100};
    settings.trickle = 0;
    budget_reload(budget, &settings);
    (void)unused;
    for (unsigned i = 0; i < 1000000; i++)
        asked += budget_may_ask(budget, NOON + i * MICROSECOND * 10);
    assert_in_range(asked, 10 * BUDGET_ASKED, 12 * BUDGET_ASKED);
    for (unsigned i = 0; i < 10000; i++) {
        senders[i] = sender_of(i);
        question.sender = &senders[i];
        candidates += budget_wants(budget, &question) == SAMPLE_DIGEST;
    }
    assert_int_equal(candidates, 2 * BUDGET_CANDIDATES);
}

/* What was copied in the last second counts, whatever became of it. */
static void copying_has_a_limit_too(void **unused)
{
    (void)unused;
    const struct sender sender = sender_of(1);
    struct budget_question question = {.now = NOON, .sender = &sender, .messages = 100, .copied = 3 << 20};
    struct budget_question fresh = {.now = NOON, .sender = &sender, .copied = 3 << 20};
    assert_int_equal(budget_wants(budget, &question), SAMPLE_NOT);
    assert_int_equal(budget_wants(budget, &fresh), SAMPLE_FIRST);
    fresh.copied = 5 << 20;
    assert_int_equal(budget_wants(budget, &fresh), SAMPLE_NOT);
    fresh.now = question.now = NOON + SECOND;
    question.copied = fresh.copied;
    assert_int_equal(budget_wants(budget, &fresh), SAMPLE_FIRST);
    assert_int_not_equal(budget_wants(budget, &question), SAMPLE_NOT);
}

static void a_clock_that_is_set_back_stops_nothing(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 100; i++)
        (void)send(1, NOON, 100, DECIBANS(20), false);
    assert_int_equal(send(2, NOON - DAY, 0, 0, false), SAMPLE_FIRST);
    for (unsigned i = 0; i < 100; i++)
        (void)send(1, NOON - DAY, 100, DECIBANS(20), false);
    assert_int_equal(send(1, NOON - DAY + HOUR, 100, DECIBANS(20), false), SAMPLE_SCORE);
}

static void worth_rises_with_the_number(void **unused)
{
    (void)unused;
    assert_true(SAMPLE_TRICKLE < SAMPLE_DIGEST && SAMPLE_DIGEST < SAMPLE_FIRST && SAMPLE_FIRST < SAMPLE_SCORE &&
                SAMPLE_SCORE < SAMPLE_DIVERTED);
    assert_string_equal(sample_why_name(SAMPLE_DIVERTED), "diverted");
    assert_string_equal(sample_why_name(SAMPLE_TRICKLE), "trickle");
    assert_string_equal(sample_why_name(SAMPLE_WHYS), "not");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_of_a_new_sender, begin, end),
        cmocka_unit_test_setup_teardown(a_burst_of_a_new_sender_is_no_more, begin, end),
        cmocka_unit_test_setup_teardown(more_as_the_score_rises, begin, end),
        cmocka_unit_test_setup_teardown(all_while_it_is_diverted, begin, end),
        cmocka_unit_test_setup_teardown(a_trickle_of_the_rest, begin, end),
        cmocka_unit_test_setup_teardown(one_of_each_body_that_comes_again, begin, end),
        cmocka_unit_test_setup_teardown(one_sender_is_not_asked_twice_for_one_body, begin, end),
        cmocka_unit_test_setup_teardown(what_was_not_seen_whole_is_no_body, begin, end),
        cmocka_unit_test_setup_teardown(each_sender_has_its_limit, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_sent_in_uses_up_nothing, begin, end),
        cmocka_unit_test_setup_teardown(what_never_ends_takes_nobody_elses, begin, end),
        cmocka_unit_test_setup_teardown(a_flood_leaves_room_for_the_new, begin, end),
        cmocka_unit_test_setup_teardown(looking_has_a_limit, begin, end),
        cmocka_unit_test_setup_teardown(copying_has_a_limit_too, begin, end),
        cmocka_unit_test_setup_teardown(a_clock_that_is_set_back_stops_nothing, begin, end),
        cmocka_unit_test(worth_rises_with_the_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
