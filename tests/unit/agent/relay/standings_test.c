/* What stands against senders: found, replaced, over, forgotten; a million in bounded memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/relay/standings.h"

#define NOW (1700000000 * SECOND)

static const struct siphash_key key = {{1, 2}};

static struct standings begin(uint32_t most)
{
    struct standings standings;
    struct error error = {0};
    assert_int_equal(standings_create(&standings, most, &key, &error), 0);
    return standings;
}

static struct sender numbered(uint32_t number)
{
    const uint8_t bytes[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
                              (uint8_t)number};
    const struct address address = address_from_ipv4(bytes);
    return sender_from_address(&address);
}

static void test_the_latest_word_on_a_sender_stands(void **state)
{
    struct standings standings = begin(10);
    struct relay_standing found;
    const struct sender sender = numbered(7);
    (void)state;
    assert_false(standings_find(&standings, &sender, NOW, &found));
    standings_put(&standings, &sender, DEED_THROTTLE, 5, NOW + HOUR, 11, NOW);
    assert_true(standings_find(&standings, &sender, NOW, &found));
    assert_int_equal(found.deed, DEED_THROTTLE);
    assert_int_equal(found.rate, 5);
    assert_int_equal(found.number, 11);
    standings_put(&standings, &sender, DEED_BLOCK, 0, NOW + HOUR, 12, NOW);
    assert_true(standings_find(&standings, &sender, NOW, &found));
    assert_int_equal(found.deed, DEED_BLOCK);
    assert_int_equal(standings_count(&standings), 1);
    standings_put(&standings, &sender, DEED_RELEASE, 0, 0, 13, NOW);
    assert_false(standings_find(&standings, &sender, NOW, &found));
    standings_clear(&standings);
}

static void test_it_ends_by_itself(void **state)
{
    struct standings standings = begin(10);
    struct relay_standing found;
    const struct sender sender = numbered(7);
    (void)state;
    standings_put(&standings, &sender, DEED_BLOCK, 0, NOW + HOUR, 1, NOW);
    assert_true(standings_find(&standings, &sender, NOW + HOUR - SECOND, &found));
    assert_false(standings_find(&standings, &sender, NOW + HOUR, &found));
    for (int i = 0; i < 600; i++)
        standings_tick(&standings, NOW + HOUR);
    assert_int_equal(standings_count(&standings), 0);
    standings_put(&standings, &sender, DEED_BLOCK, 0, NOW - SECOND, 2, NOW); /* over when it came */
    assert_int_equal(standings_count(&standings), 0);
    standings_clear(&standings);
}

static void test_a_million_are_told_apart(void **state)
{
    struct standings standings = begin(1000000);
    struct relay_standing found;
    (void)state;
    for (uint32_t i = 0; i < 1000000; i++) {
        const struct sender sender = numbered(i);
        standings_put(&standings, &sender, DEED_BLOCK, 0, NOW + HOUR, i, NOW);
    }
    for (uint32_t i = 0; i < 1000000; i += 997) {
        const struct sender here = numbered(i), other = numbered(i + 1000000);
        assert_true(standings_find(&standings, &here, NOW, &found));
        assert_int_equal(found.number, i);
        assert_false(standings_find(&standings, &other, NOW, &found));
    }
    const struct sender more = numbered(2000000), first = numbered(0);
    standings_put(&standings, &more, DEED_BLOCK, 0, NOW + HOUR, 1, NOW);
    assert_int_equal(standings_count(&standings), 1000000);
    assert_false(standings_find(&standings, &first, NOW, &found)); /* told longest ago */
    standings_forget(&standings);
    assert_int_equal(standings_count(&standings), 0);
    standings_clear(&standings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_latest_word_on_a_sender_stands),
        cmocka_unit_test(test_it_ends_by_itself),
        cmocka_unit_test(test_a_million_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
