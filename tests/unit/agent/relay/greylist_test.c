/* Greylisting: who is new waits once, who came back is known, who came back often is let in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "agent/relay/greylist.h"

#define NOW (1700000000 * SECOND)

static struct greylist *greylist;
static struct greylist_settings settings;
static const struct siphash_key key = {{1, 2}};
static uint32_t wait;

static int begin(void **state)
{
    struct error error = {0};
    (void)state;
    settings = (struct greylist_settings){5 * MINUTE, 2 * DAY, 35 * DAY, 3};
    return greylist_create(100, &key, &greylist, &error);
}

static int end(void **state)
{
    (void)state;
    greylist_destroy(&greylist);
    return 0;
}

static bool passes(const char *client, const char *sender, const char *recipient, moment now)
{
    struct address address;
    assert_true(address_parse(text_of(client), &address));
    return greylist_ask(greylist, &settings, &address, text_of(sender), text_of(recipient), now, &wait) ==
           GREYLIST_PASSES;
}

static bool plainly(moment now)
{
    return passes("203.0.113.7", "a@example.com", "b@example.org", now);
}

static void test_who_comes_again_in_time_is_let_in(void **state)
{
    (void)state;
    assert_false(plainly(NOW));
    assert_int_equal(wait, 300);
    assert_false(plainly(NOW + 299 * SECOND));
    assert_int_equal(wait, 1);
    assert_true(plainly(NOW + 300 * SECOND));
    assert_true(plainly(NOW + 301 * SECOND));
    assert_true(plainly(NOW + 30 * DAY));
}

static void test_who_comes_too_late_is_new(void **state)
{
    (void)state;
    assert_false(plainly(NOW));
    assert_false(plainly(NOW + 2 * DAY + MINUTE));
    assert_true(plainly(NOW + 2 * DAY + 6 * MINUTE));
    assert_false(plainly(NOW + 40 * DAY)); /* was not seen for 35 days and more */
}

static void test_each_part_of_the_three_counts(void **state)
{
    (void)state;
    assert_false(plainly(NOW));
    moment later = NOW + 10 * MINUTE;
    assert_false(passes("203.0.114.7", "a@example.com", "b@example.org", later));
    assert_false(passes("203.0.113.7", "c@example.com", "b@example.org", later));
    assert_false(passes("203.0.113.7", "a@example.com", "c@example.org", later));
    assert_false(passes("203.0.113.7", "", "b@example.org", later));
    assert_true(passes("203.0.113.99", "A@Example.COM", "B@example.org", later));
}

static void test_addresses_are_no_letters(void **state)
{
    (void)state;
    assert_false(passes("65.65.65.1", "a@example.com", "b@example.org", NOW)); /* "AAA" */
    assert_false(passes("97.97.97.1", "a@example.com", "b@example.org", NOW + 10 * MINUTE));
}

static void test_of_ipv6_the_first_half_counts(void **state)
{
    (void)state;
    assert_false(passes("2001:db8:1:2::1", "a@example.com", "b@example.org", NOW));
    assert_true(passes("2001:db8:1:2:ffff::9", "a@example.com", "b@example.org", NOW + 10 * MINUTE));
    assert_false(passes("2001:db8:1:3::1", "a@example.com", "b@example.org", NOW + 10 * MINUTE));
}

static void test_a_lists_own_senders_are_one(void **state)
{
    (void)state;
    assert_false(passes("203.0.113.7", "list-bounces+b=example.org@lists.test", "b@example.org", NOW));
    assert_true(passes("203.0.113.7", "list-bounces+c=example.org@lists.test", "b@example.org", NOW + 10 * MINUTE));
    assert_false(passes("203.0.113.7", "bounce-1234-5@news.test", "b@example.org", NOW));
    assert_true(passes("203.0.113.7", "bounce-98-76543@news.test", "b@example.org", NOW + 10 * MINUTE));
    assert_false(passes("203.0.113.7", "bounce-98-76543@news2.test", "b@example.org", NOW + 10 * MINUTE));
}

static void test_a_net_that_came_back_often_is_not_asked(void **state)
{
    char recipient[32];
    (void)state;
    for (int i = 0; i < 3; i++) {
        snprintf(recipient, sizeof recipient, "b%d@example.org", i);
        assert_false(passes("203.0.113.7", "a@example.com", recipient, NOW + i * HOUR));
        assert_true(passes("203.0.113.7", "a@example.com", recipient, NOW + i * HOUR + 10 * MINUTE));
    }
    assert_true(passes("203.0.113.8", "new@example.net", "new@example.org", NOW + 3 * HOUR));
    assert_false(passes("203.0.114.8", "new@example.net", "new@example.org", NOW + 3 * HOUR));
}

static void test_one_letter_to_many_is_one_pass(void **state)
{
    char recipient[32];
    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 20; i++) {
            snprintf(recipient, sizeof recipient, "b%d@example.org", i);
            assert_int_equal(passes("203.0.113.7", "a@example.com", recipient, NOW + round * 10 * MINUTE), round);
        }
    assert_false(passes("203.0.113.7", "a@example.com", "another@example.org", NOW + 20 * MINUTE));
}

static void test_what_is_known_can_be_written_and_read(void **state)
{
    struct greylist *other;
    struct error error = {0};
    uint32_t count;
    (void)state;
    plainly(NOW);
    plainly(NOW + 10 * MINUTE);
    const struct greylist_entry *entries = greylist_changes(greylist, &count);
    assert_int_equal(count, 3); /* new, known, its net's first pass */
    assert_int_equal(greylist_create(100, &key, &other, &error), 0);
    for (uint32_t i = 0; i < count; i++)
        greylist_restore(other, &entries[i]);
    greylist_changes_done(greylist);
    (void)greylist_changes(greylist, &count);
    assert_int_equal(count, 0);
    greylist_destroy(&greylist);
    greylist = other;
    assert_true(plainly(NOW + 20 * MINUTE));
    assert_int_equal(greylist_count(greylist), 2);
}

static void test_all_can_be_listed(void **state)
{
    struct greylist_entry entries[4];
    uint32_t from = 0, all = 0, count;
    char recipient[32];
    (void)state;
    for (int i = 0; i < 10; i++) {
        snprintf(recipient, sizeof recipient, "%c@example.org", 'a' + i);
        passes("203.0.113.7", "a@example.com", recipient, NOW);
    }
    while ((count = greylist_list(greylist, &from, entries, 4)) > 0)
        all += count;
    assert_int_equal(all, 10);
}

static void test_what_is_over_gives_its_place_back(void **state)
{
    (void)state;
    plainly(NOW);
    for (int i = 0; i < 600; i++)
        greylist_tick(greylist, &settings, NOW + DAY);
    assert_int_equal(greylist_count(greylist), 1);
    for (int i = 0; i < 600; i++)
        greylist_tick(greylist, &settings, NOW + 3 * DAY);
    assert_int_equal(greylist_count(greylist), 0);
}

static void test_places_and_changes_are_bounded(void **state)
{
    char recipient[32];
    uint32_t count;
    (void)state;
    for (int i = 0; i < GREYLIST_CHANGES_MOST + 10; i++) {
        snprintf(recipient, sizeof recipient, "b%d@example.org", i);
        passes("203.0.113.7", "a@example.com", recipient, NOW);
    }
    assert_int_equal(greylist_count(greylist), 100);
    (void)greylist_changes(greylist, &count);
    assert_int_equal(count, GREYLIST_CHANGES_MOST);
    assert_int_equal(greylist_changes_lost(greylist), 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_comes_again_in_time_is_let_in),       TEST(who_comes_too_late_is_new),
        TEST(each_part_of_the_three_counts),           TEST(addresses_are_no_letters),
        TEST(of_ipv6_the_first_half_counts),           TEST(a_lists_own_senders_are_one),
        TEST(a_net_that_came_back_often_is_not_asked), TEST(one_letter_to_many_is_one_pass),
        TEST(what_is_known_can_be_written_and_read),   TEST(all_can_be_listed),
        TEST(what_is_over_gives_its_place_back),       TEST(places_and_changes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
