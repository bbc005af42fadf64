/* Who sent near-identical bodies: near ones are one, far ones are not, and what is old is forgotten in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "agent/judge/bodies.h"

#define NOON (INT64_C(1764331200) * SECOND)

static struct sender sender_of(uint32_t number)
{
    char name[16];
    snprintf(name, sizeof name, "vnet%u", number);
    return sender_from_port(name);
}

/* Text number `text`, with the first `changed` of sixteen parts another's. */
static struct likeness likeness_of(uint32_t text, uint32_t changed)
{
    struct likeness likeness;
    for (uint32_t i = 0; i < LIKENESS_PARTS; i++)
        likeness.parts[i] = (uint16_t)((text * 7919 + i * 104729 + (i < changed ? 31337 : 0)) * 2654435761U >> 16 | 1);
    return likeness;
}

static struct alike send_from(struct bodies *bodies, moment time, uint32_t number, const struct likeness *likeness,
                              uint32_t recipients, const char *from)
{
    struct observation seen = {.kind = OBSERVATION_MESSAGE, .time = time};
    seen.message.likeness = *likeness;
    seen.message.recipients = recipients;
    seen.message.from = text_of(from);
    seen.message.reply.code = 250;
    struct sender sender = sender_of(number);
    struct alike alike;
    assert_true(bodies_count(bodies, &seen, &sender, &alike));
    return alike;
}

static void near_ones_are_one(void **state)
{
    (void)state;
    static const struct {
        uint32_t text, changed, senders;
    } rows[] = {{1, 0, 2}, {1, 1, 2}, {1, 4, 2}, {1, 8, 2}, {1, 9, 1}, {1, 16, 1}, {2, 0, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bodies *bodies = bodies_create();
        struct likeness one = likeness_of(1, 0), other = likeness_of(rows[i].text, rows[i].changed);
        send_from(bodies, NOON, 1, &one, 1, "a@one.museum");
        struct alike alike = send_from(bodies, NOON + SECOND, 2, &other, 1, "b@two.museum");
        if (alike.senders != rows[i].senders)
            fail_msg("text %u changed %u: %u", rows[i].text, rows[i].changed, alike.senders);
        bodies_destroy(&bodies);
    }
}

/* Who was first with a body stays its author, whoever sends more of it. */
static void its_author(void **state)
{
    (void)state;
    struct bodies *bodies = bodies_create();
    struct likeness one = likeness_of(1, 0), near = likeness_of(1, 4), other = likeness_of(2, 0);
    assert_true(send_from(bodies, NOON, 1, &one, 1, "a@one.museum").author);
    assert_false(send_from(bodies, NOON + SECOND, 2, &near, 50, "b@two.museum").author);
    for (uint32_t i = 3; i < 12; i++)
        assert_false(send_from(bodies, NOON + i * SECOND, i, &one, 50, "c@three.museum").author);
    assert_true(send_from(bodies, NOON + 5 * HOUR, 1, &near, 1, "a@one.museum").author);
    assert_true(send_from(bodies, NOON + 5 * HOUR, 2, &other, 1, "b@two.museum").author);
    bodies_destroy(&bodies);
}

static void what_is_told(void **state)
{
    (void)state;
    struct bodies *bodies = bodies_create();
    struct likeness body = likeness_of(1, 0);
    send_from(bodies, NOON, 1, &body, 5, "a@one.museum");
    send_from(bodies, NOON, 2, &body, 30, "a@TWO.museum");
    send_from(bodies, NOON, 3, &body, 7, "");
    struct alike alike = send_from(bodies, NOON + MINUTE, 1, &body, 5, "z@one.museum");
    assert_int_equal(alike.own, 10);
    assert_int_equal(alike.own_domains, 1);
    assert_int_equal(alike.senders, 3);
    assert_int_equal(alike.domains, 3);
    const uint32_t recipients[ALIKE_SENDERS] = {30, 10, 7};
    assert_memory_equal(alike.recipients, recipients, sizeof recipients);
    assert_false(alike.known);
    assert_false(alike.watched);
    bodies_destroy(&bodies);
}

/* Where MAIL was lost nobody knows the domain: it is none, and not that of the null sender. */
static void a_sender_that_was_not_seen(void **state)
{
    (void)state;
    struct bodies *bodies = bodies_create();
    struct likeness body = likeness_of(1, 0);
    struct observation seen = {.kind = OBSERVATION_MESSAGE, .time = NOON};
    seen.message.likeness = body;
    seen.message.recipients = 10;
    seen.message.reply.code = 250;
    struct sender sender = sender_of(1);
    struct alike alike;
    assert_true(bodies_count(bodies, &seen, &sender, &alike));
    assert_int_equal(alike.own, 10);
    assert_int_equal(alike.domains, 0);
    alike = send_from(bodies, NOON, 2, &body, 30, "a@one.museum");
    assert_int_equal(alike.senders, 2);
    assert_int_equal(alike.domains, 1);
    bodies_destroy(&bodies);
}

/* Refused ones are told of and not counted, unknown ones are neither. */
static void only_what_was_accepted_counts(void **state)
{
    (void)state;
    struct bodies *bodies = bodies_create();
    struct observation seen = {.kind = OBSERVATION_MESSAGE, .time = NOON};
    struct sender sender = sender_of(9);
    struct alike alike;
    assert_false(bodies_count(bodies, &seen, &sender, &alike));
    struct likeness body = likeness_of(1, 0);
    send_from(bodies, NOON, 1, &body, 20, "a@one.museum");
    seen.message.likeness = body;
    seen.message.from = TEXT("");
    seen.message.recipients = 10;
    seen.message.reply.code = 554;
    assert_true(bodies_count(bodies, &seen, &sender, &alike));
    assert_int_equal(alike.own, 0);
    assert_int_equal(alike.senders, 1);
    bodies_destroy(&bodies);
}

static void an_hour_later_it_is_over(void **state)
{
    (void)state;
    struct bodies *bodies = bodies_create();
    struct likeness body = likeness_of(1, 0);
    for (uint32_t i = 1; i <= 5; i++)
        send_from(bodies, NOON, i, &body, 20, "a@one.museum");
    assert_int_equal(send_from(bodies, NOON + 29 * MINUTE, 6, &body, 1, "a@one.museum").senders, 6);
    assert_int_equal(send_from(bodies, NOON + 59 * MINUTE, 6, &body, 1, "a@one.museum").senders, 6);
    struct alike later = send_from(bodies, NOON + 60 * MINUTE, 6, &body, 1, "a@one.museum");
    assert_int_equal(later.senders, 1);
    assert_int_equal(later.own, 2);
    bodies_destroy(&bodies);
}

/* A text is known a day after it first came, however many other letters were sent meanwhile, as long as it came again
 * now and then. One that came once is forgotten. */
static void templates_are_known_after_a_day(void **state)
{
    (void)state;
    struct bodies *bodies = bodies_create();
    struct likeness template = likeness_of(1, 0), once = likeness_of(2, 0);
    send_from(bodies, NOON, 1, &once, 1, "a@one.museum");
    uint32_t letters = 10;
    for (int hour = 0; hour < 24; hour++) {
        struct alike alike = send_from(bodies, NOON + hour * HOUR, 1, &template, 1, "a@one.museum");
        assert_false(alike.known);
        for (int i = 0; i < BODIES_MOST / 4; i++) {
            struct likeness letter = likeness_of(letters++, 0);
            send_from(bodies, NOON + hour * HOUR, 1, &letter, 1, "a@one.museum");
        }
    }
    assert_true(send_from(bodies, NOON + DAY, 2, &template, 1, "a@two.museum").known);
    struct alike again = send_from(bodies, NOON + DAY, 2, &once, 1, "a@two.museum");
    assert_false(again.known);
    assert_true(again.watched);
    bodies_destroy(&bodies);
}

/* Nine senders and more of one body: eight are told, and a quiet one makes room. */
static void eight_are_told_apart(void **state)
{
    (void)state;
    struct bodies *bodies = bodies_create();
    struct likeness body = likeness_of(1, 0);
    for (uint32_t i = 0; i < 8; i++)
        send_from(bodies, NOON, i, &body, 20, "a@one.museum");
    struct alike ninth = send_from(bodies, NOON, 8, &body, 20, "a@one.museum");
    assert_int_equal(ninth.senders, 8);
    assert_int_equal(ninth.own, 0);
    assert_int_equal(send_from(bodies, NOON + 2 * HOUR, 8, &body, 20, "a@one.museum").own, 20);
    bodies_destroy(&bodies);
}

/* The clock goes back a day: what was counted in this hour is not lost, nor is it there for a day longer. */
static void the_clock_is_set_back(void **state)
{
    (void)state;
    struct bodies *bodies = bodies_create();
    struct likeness body = likeness_of(1, 0);
    send_from(bodies, NOON, 1, &body, 20, "a@one.museum");
    bodies_shift(bodies, DAY);
    assert_int_equal(send_from(bodies, NOON - DAY, 2, &body, 1, "a@one.museum").senders, 2);
    assert_int_equal(send_from(bodies, NOON - DAY + HOUR, 2, &body, 1, "a@one.museum").senders, 1);
    bodies_destroy(&bodies);
}

/* What other nodes may want to know: when it is many, at each doubling, and anew in the next half hour. */
static void what_other_nodes_are_told(void **state)
{
    (void)state;
    struct bodies *bodies = bodies_create();
    struct likeness one = likeness_of(1, 0), near = likeness_of(1, 3);
    struct bodies_news news;
    uint32_t told = 0;
    assert_false(bodies_tell(bodies, 10, &news));
    for (uint32_t i = 1; i <= 50; i++) {
        send_from(bodies, NOON + i * SECOND, 1, i % 2 ? &one : &near, 1, i % 3 ? "a@one.museum" : "b@two.museum");
        if (!bodies_tell(bodies, 10, &news))
            continue;
        told++;
        assert_true(i == 10 || i == 20 || i == 40);
        assert_int_equal(news.recipients, i);
        assert_int_equal(news.messages, i);
        assert_int_equal(news.domains, 2);
        assert_false(news.known);
        assert_memory_equal(&news.likeness, &one, sizeof one); /* the first one's, whatever came since */
        assert_false(bodies_tell(bodies, 10, &news));
    }
    assert_int_equal(told, 3);
    send_from(bodies, NOON + MINUTE, 2, &one, 9, "c@three.museum");
    assert_false(bodies_tell(bodies, 10, &news));
    send_from(bodies, NOON + 31 * MINUTE, 1, &one, 2, "a@one.museum");
    assert_true(bodies_tell(bodies, 10, &news));
    assert_int_equal(news.recipients, 52);
    assert_int_equal(news.messages, 51);
    send_from(bodies, NOON + 31 * MINUTE, 1, &one, 2, "a@one.museum");
    assert_false(bodies_tell(bodies, 10, &news));
    send_from(bodies, NOON + 2 * DAY, 1, &one, 10, "a@one.museum");
    assert_true(bodies_tell(bodies, 10, &news));
    assert_true(news.known);
    bodies_destroy(&bodies);
}

/* Of nine senders the ninth is not told apart: nothing is known of what it sent. */
static void a_ninth_is_not_told_of(void **state)
{
    (void)state;
    struct bodies *bodies = bodies_create();
    struct likeness one = likeness_of(1, 0);
    struct bodies_news news;
    for (uint32_t i = 1; i <= 9; i++) {
        send_from(bodies, NOON, i, &one, 100, "a@one.museum");
        assert_int_equal(bodies_tell(bodies, 10, &news), i < 9);
    }
    bodies_shift(bodies, HOUR);
    assert_false(bodies_tell(bodies, 10, &news));
    bodies_destroy(&bodies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_ones_are_one),
        cmocka_unit_test(its_author),
        cmocka_unit_test(what_is_told),
        cmocka_unit_test(a_sender_that_was_not_seen),
        cmocka_unit_test(only_what_was_accepted_counts),
        cmocka_unit_test(an_hour_later_it_is_over),
        cmocka_unit_test(templates_are_known_after_a_day),
        cmocka_unit_test(eight_are_told_apart),
        cmocka_unit_test(the_clock_is_set_back),
        cmocka_unit_test(what_other_nodes_are_told),
        cmocka_unit_test(a_ninth_is_not_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
