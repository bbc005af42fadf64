/* What the watcher is told of other nodes: each piece once, again after it was started anew, and never more than there
 * is room for. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/courier/fleet.h"

#define NOW (1000 * HOUR)

static struct fleet_news campaign(uint32_t number, uint32_t senders, moment until)
{
    struct fleet_news news = {.number = 1, .kind = FLEET_NEWS_CAMPAIGN};
    news.campaign = (struct fleet_campaign){
        .customers = 2, .senders = senders, .nodes = 2, .recipients = 90, .first = NOW, .until = until};
    news.campaign.likeness.parts[0] = (uint16_t)number;
    news.campaign.likeness.parts[1] = (uint16_t)(number >> 16 | 1);
    return news;
}

static struct fleet_news customer(uint32_t number, int32_t held, uint32_t senders, moment until)
{
    struct fleet_news news = {.number = 1, .kind = FLEET_NEWS_CUSTOMER};
    news.customer =
        (struct fleet_customer){.points = held, .senders = senders, .nodes = senders ? 1 : 0, .until = until};
    snprintf(news.customer.name, sizeof news.customer.name, "c%" PRIu32, number);
    return news;
}

/* How many messages there are to say, all sound; the last is left in `message`. */
static uint32_t told(struct fleet *fleet, moment now, union message *message)
{
    uint32_t count = 0;
    for (; fleet_next(fleet, message); count++) {
        assert_true(message_is_sound(message));
        fleet_told(fleet, now);
    }
    return count;
}

static void what_the_centre_counts_does_not_stand_in_place_of_a_campaign(void **state)
{
    (void)state;
    union message message;
    struct fleet *fleet = fleet_create();
    struct fleet_news one = campaign(1, 3, NOW + HOUR), same = one;
    same.campaign.counted = 1;
    fleet_take(fleet, &one, NOW);
    fleet_take(fleet, &same, NOW);
    assert_int_equal(fleet_counters(fleet, NOW).campaigns, 2);
    assert_int_equal(told(fleet, NOW, &message), 2);
    assert_int_equal(message.campaign.campaign.counted, 1);
    fleet_begin(fleet);
    assert_int_equal(told(fleet, NOW, &message), 2);
    same.campaign.until = NOW; /* over */
    fleet_take(fleet, &same, NOW);
    assert_int_equal(told(fleet, NOW, &message), 1);
    assert_int_equal(fleet_counters(fleet, NOW).campaigns, 1);
    fleet_destroy(&fleet);
}

static void each_is_told_once_and_a_new_watcher_all(void **state)
{
    (void)state;
    union message message;
    struct fleet *fleet = fleet_create();
    assert_non_null(fleet);
    struct fleet_news one = campaign(1, 3, NOW + HOUR), two = campaign(2, 4, NOW + MINUTE),
                      acme = customer(1, 1840, 2, NOW + HOUR);
    assert_int_equal(told(fleet, NOW, &message), 0);
    fleet_take(fleet, &one, NOW);
    fleet_take(fleet, &two, NOW);
    fleet_take(fleet, &acme, NOW);
    assert_int_equal(told(fleet, NOW, &message), 3);
    assert_int_equal(message.head.kind, MESSAGE_CUSTOMER);
    assert_int_equal(message.customer.customer.points, 1840);
    assert_int_equal(told(fleet, NOW, &message), 0);

    one = campaign(1, 9, NOW + HOUR); /* told anew */
    fleet_take(fleet, &one, NOW);
    assert_int_equal(told(fleet, NOW, &message), 1);
    fleet_begin(fleet);
    assert_int_equal(told(fleet, NOW, &message), 3);
    fleet_begin(fleet);
    assert_int_equal(told(fleet, NOW + HOUR, &message), 3); /* what is over is told once more, and forgotten */
    fleet_begin(fleet);
    assert_int_equal(told(fleet, NOW + HOUR, &message), 0);
    fleet_destroy(&fleet);
}

/* The watcher is behind: the message that could not be sent is the next again. */
static void what_was_not_sent_comes_again(void **state)
{
    (void)state;
    union message message, again;
    struct fleet *fleet = fleet_create();
    struct fleet_news one = campaign(1, 3, NOW + HOUR);
    fleet_take(fleet, &one, NOW);
    assert_true(fleet_next(fleet, &message));
    assert_true(fleet_next(fleet, &again));
    assert_memory_equal(&message, &again, message.head.size);
    fleet_told(fleet, NOW);
    fleet_told(fleet, NOW);
    assert_false(fleet_next(fleet, &message));
    fleet_destroy(&fleet);
}

static void what_ends_is_told_and_forgotten(void **state)
{
    (void)state;
    union message message;
    struct fleet *fleet = fleet_create();
    struct fleet_news acme = customer(1, 1840, 2, NOW + HOUR), none = customer(1, 0, 0, NOW + HOUR),
                      over = campaign(1, 3, NOW - 1), never = customer(2, 0, 0, NOW + HOUR);
    fleet_take(fleet, &over, NOW); /* nobody was told that it began */
    fleet_take(fleet, &never, NOW);
    assert_int_equal(told(fleet, NOW, &message), 0);
    fleet_take(fleet, &acme, NOW);
    assert_int_equal(told(fleet, NOW, &message), 1);
    fleet_take(fleet, &none, NOW);
    assert_int_equal(told(fleet, NOW, &message), 1);
    assert_int_equal(message.customer.customer.points, 0);
    fleet_begin(fleet);
    assert_int_equal(told(fleet, NOW, &message), 0);
    fleet_destroy(&fleet);
}

static void a_million_campaigns(void **state)
{
    (void)state;
    union message message;
    struct fleet *fleet = fleet_create();
    for (uint32_t i = 0; i < 1000000; i++) {
        struct fleet_news one = campaign(i, 3, NOW + HOUR), two = customer(i, 1000, 2, NOW + HOUR);
        fleet_take(fleet, &one, NOW);
        fleet_take(fleet, &two, NOW);
        if (i % 1000 == 0 && fleet_next(fleet, &message))
            fleet_told(fleet, NOW);
    }
    struct fleet_counters counters = fleet_counters(fleet, NOW);
    assert_int_equal(counters.campaigns, FLEET_CAMPAIGNS_MOST);
    assert_int_equal(counters.customers, FLEET_CUSTOMERS_MOST);
    uint32_t left = told(fleet, NOW, &message);
    assert_true(left >= FLEET_CAMPAIGNS_MOST + FLEET_CUSTOMERS_MOST - 10);
    assert_true(left <= FLEET_CAMPAIGNS_MOST + FLEET_CUSTOMERS_MOST);
    assert_int_equal(told(fleet, NOW, &message), 0);
    fleet_destroy(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_told_once_and_a_new_watcher_all),
        cmocka_unit_test(what_the_centre_counts_does_not_stand_in_place_of_a_campaign),
        cmocka_unit_test(what_was_not_sent_comes_again),
        cmocka_unit_test(what_ends_is_told_and_forgotten),
        cmocka_unit_test(a_million_campaigns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
