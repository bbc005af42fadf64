/* What a place has said, what a day leaves of it, and who gives way to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "detectors/place.h"

static void counting(void **state)
{
    (void)state;
    struct places places = {0};
    assert_int_equal(places_refusals(&places, 7), 0);
    for (uint8_t before = 0; before < 5; before++)
        assert_int_equal(places_refuse(&places, 7), before);
    assert_int_equal(places_refuse(&places, 8), 0); /* another is another */
    assert_int_equal(places_refusals(&places, 7), 5);
    assert_int_equal(places_refusals(&places, 7), 5); /* to ask is not to refuse */
    assert_int_equal(places_note(&places, 7), 1);
    assert_int_equal(places_note(&places, 7), 2);
    assert_int_equal(places_refusals(&places, 7), 5);
    for (int i = 0; i < 70000; i++) {
        places_refuse(&places, 7);
        places_note(&places, 7);
    }
    assert_int_equal(places_refuse(&places, 7), 255);
    assert_int_equal(places_note(&places, 7), 65535);
}

static void ageing(void **state)
{
    (void)state;
    static const struct {
        uint32_t days;
        uint8_t left;
    } rows[] = {{0, 200}, {1, 100}, {2, 50}, {7, 1}, {8, 0}, {UINT32_MAX, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct places places = {0};
        for (int k = 0; k < 200; k++)
            places_refuse(&places, 7);
        places_note(&places, 7);
        places_age(&places, rows[i].days);
        assert_int_equal(places_refusals(&places, 7), rows[i].left);
        assert_int_equal(places_note(&places, 7), 1); /* what was noted lasts for its hour */
    }
}

/* Who has said the most stays; who asks only takes nobody's place. */
static void giving_way(void **state)
{
    (void)state;
    struct places places = {0};
    for (uint32_t hash = 1; hash <= PLACES; hash++)
        for (uint32_t k = 0; k < hash; k++)
            places_refuse(&places, hash);
    assert_int_equal(places_refusals(&places, 99), 0);
    assert_int_equal(places_refusals(&places, 1), 1);
    places_note(&places, 1); /* what is noted counts as well: now the second has the least */
    places_note(&places, 1);
    assert_int_equal(places_refuse(&places, 99), 0);
    assert_int_equal(places_refusals(&places, 2), 0);
    assert_int_equal(places_refusals(&places, 1), 1);
    for (uint32_t hash = 3; hash <= PLACES; hash++)
        assert_int_equal(places_refusals(&places, hash), hash);
}

/* A server and its domain come in turns, after eight others that refused once: both are remembered. */
static void in_turns(void **state)
{
    (void)state;
    struct places places = {0};
    for (uint32_t hash = 1; hash <= PLACES; hash++)
        places_refuse(&places, hash);
    for (uint8_t before = 0; before < 10; before++) {
        assert_int_equal(places_refuse(&places, 100), before);
        assert_int_equal(places_refuse(&places, 200), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting),
        cmocka_unit_test(ageing),
        cmocka_unit_test(giving_way),
        cmocka_unit_test(in_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
