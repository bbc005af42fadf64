/* Campaigns of other nodes: a message belongs to one as bodies of one node are one; nothing that is told takes more
 * memory than there is, and what is over is as if it had never been told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "agent/judge/campaigns.h"

#define NOON (INT64_C(1764331200) * SECOND)

/* Text number `text`, with the first `changed` of sixteen parts another's. */
static struct likeness likeness_of(uint32_t text, uint32_t changed)
{
    struct likeness likeness;
    for (uint32_t i = 0; i < LIKENESS_PARTS; i++)
        likeness.parts[i] = (uint16_t)((text * 7919 + i * 104729 + (i < changed ? 31337 : 0)) * 2654435761U >> 16 | 1);
    return likeness;
}

static struct fleet_campaign campaign_of(uint32_t text, uint32_t senders)
{
    return (struct fleet_campaign){.likeness = likeness_of(text, 0),
                                   .customers = 2,
                                   .senders = senders,
                                   .nodes = 2,
                                   .recipients = 30 * senders,
                                   .first = NOON,
                                   .until = NOON + HOUR};
}

static struct alike find(const struct campaigns *campaigns, uint32_t text, uint32_t changed, moment now, moment begun)
{
    struct alike alike = {.begun = begun};
    struct likeness likeness = likeness_of(text, changed);
    campaigns_find(campaigns, &likeness, now, &alike);
    return alike;
}

static void near_ones_belong_to_it(void **state)
{
    (void)state;
    static const struct {
        uint32_t text, changed, senders;
    } rows[] = {{1, 0, 5}, {1, 1, 5}, {1, 4, 5}, {1, 8, 5}, {1, 9, 0}, {1, 16, 0}, {2, 0, 7}, {3, 0, 0}};
    struct campaigns *campaigns = campaigns_create();
    assert_int_equal(find(campaigns, 1, 0, NOON, NOON).fleet_senders, 0);
    struct fleet_campaign one = campaign_of(1, 5), two = campaign_of(2, 7);
    campaigns_take(campaigns, &one, NOON);
    campaigns_take(campaigns, &two, NOON);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct alike alike = find(campaigns, rows[i].text, rows[i].changed, NOON, NOON);
        if (alike.fleet_senders != rows[i].senders || alike.fleet_recipients != 30 * rows[i].senders)
            fail_msg("text %u changed %u: %u", rows[i].text, rows[i].changed, alike.fleet_senders);
    }
    campaigns_destroy(&campaigns);
}

static void what_the_centre_counts_is_told_apart(void **state)
{
    (void)state;
    struct campaigns *campaigns = campaigns_create();
    struct fleet_campaign one = campaign_of(1, 5);
    one.counted = 1;
    campaigns_take(campaigns, &one, NOON);
    struct alike alike = find(campaigns, 1, 4, NOON, NOON + 1);
    assert_int_equal(alike.fleet_senders, 0);
    assert_int_equal(alike.counted_recipients, 150);
    assert_int_equal(alike.counted_customers, 2);
    assert_int_equal(alike.counted_nodes, 2);
    assert_false(alike.counted_later);
    assert_true(find(campaigns, 1, 4, NOON, NOON).counted_later);
    campaigns_destroy(&campaigns);
}

static void who_was_first(void **state)
{
    (void)state;
    struct campaigns *campaigns = campaigns_create();
    struct fleet_campaign one = campaign_of(1, 5);
    campaigns_take(campaigns, &one, NOON);
    assert_true(find(campaigns, 1, 0, NOON + MINUTE, NOON - DAY).fleet_later);
    assert_true(find(campaigns, 1, 0, NOON + MINUTE, NOON).fleet_later);
    assert_false(find(campaigns, 1, 0, NOON + MINUTE, NOON + 1).fleet_later);
    campaigns_destroy(&campaigns);
}

static void a_later_one_replaces_an_earlier_one_and_all_end(void **state)
{
    (void)state;
    struct campaigns *campaigns = campaigns_create();
    struct fleet_campaign one = campaign_of(1, 5);
    campaigns_take(campaigns, &one, NOON);
    one.senders = 9;
    campaigns_take(campaigns, &one, NOON);
    assert_int_equal(campaigns_number(campaigns), 1);
    assert_int_equal(find(campaigns, 1, 0, NOON, NOON).fleet_senders, 9);
    assert_int_equal(find(campaigns, 1, 0, NOON + HOUR - 1, NOON).fleet_senders, 9);
    assert_int_equal(find(campaigns, 1, 0, NOON + HOUR, NOON).fleet_senders, 0);
    one.until = NOON - 1;
    campaigns_take(campaigns, &one, NOON);
    assert_int_equal(campaigns_number(campaigns), 0);
    campaigns_take(campaigns, &one, NOON);
    assert_int_equal(find(campaigns, 1, 0, NOON, NOON).fleet_senders, 0);
    campaigns_destroy(&campaigns);
}

static void a_million_leave_the_latest(void **state)
{
    (void)state;
    struct campaigns *campaigns = campaigns_create();
    for (uint32_t i = 0; i < 1000000; i++) {
        struct fleet_campaign one = campaign_of(i, 5);
        campaigns_take(campaigns, &one, NOON);
    }
    assert_int_equal(campaigns_number(campaigns), CAMPAIGNS_MOST);
    uint32_t found = 0;
    for (uint32_t i = 0; i < CAMPAIGNS_MOST; i++)
        found += find(campaigns, 999999 - i, 0, NOON, NOON).fleet_senders == 5;
    assert_true(found > CAMPAIGNS_MOST * 99 / 100);
    campaigns_destroy(&campaigns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_ones_belong_to_it),
        cmocka_unit_test(what_the_centre_counts_is_told_apart),
        cmocka_unit_test(who_was_first),
        cmocka_unit_test(a_later_one_replaces_an_earlier_one_and_all_end),
        cmocka_unit_test(a_million_leave_the_latest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
