/* What the receiver of an order checks, whoever sent it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "common/words/order.h"

#define NOW (1795420800 * SECOND)

static struct order good_order(void)
{
    uint8_t bytes[4] = {203, 0, 113, 7};
    struct address address = address_from_ipv4(bytes);
    return (struct order){.id = 7,
                          .until = NOW + HOUR,
                          .target = sender_from_address(&address),
                          .deed = DEED_BLOCK,
                          .author = ORDER_BY_PERSON};
}

static void assert_refused(const struct order *order, const char *why)
{
    struct error error = {0};
    assert_int_equal(order_check(order, NOW, &error), -EINVAL);
    if (!strstr(error.text, why))
        fail_msg("%s does not say %s", error.text, why);
}

static void assert_accepted(const struct order *order)
{
    struct error error = {0};
    if (order_check(order, NOW, &error) != 0)
        fail_msg("%s", error.text);
}

static void deeds_and_authors_are_known(void **state)
{
    (void)state;
    struct order order = good_order();
    order.rate = 10;
    for (uint8_t deed = 0; deed < DEEDS; deed++) {
        order.deed = deed;
        assert_accepted(&order);
    }
    order.deed = DEEDS;
    assert_refused(&order, "no deed");
    order.deed = 255;
    assert_refused(&order, "no deed");
    order = good_order();
    order.author = ORDER_AUTHORS;
    assert_refused(&order, "no author");
}

static void the_end_is_in_the_future_and_not_too_far(void **state)
{
    (void)state;
    static const struct {
        moment until;
        bool want;
    } rows[] = {
        {NOW + 1, true},    {NOW + ORDER_LONGEST, true},
        {NOW, false},       {NOW - 1, false},
        {0, false},         {-1, false},
        {INT64_MIN, false}, {NOW + ORDER_LONGEST + 1, false},
        {INT64_MAX, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct order order = good_order();
        order.until = rows[i].until;
        if (rows[i].want)
            assert_accepted(&order);
        else
            assert_refused(&order, "its end is");
    }
    struct order order = good_order();
    order.until = INT64_MAX;
    assert_int_equal(order_check(&order, INT64_MIN, NULL), -EINVAL); /* an absurd clock overflows nothing */
}

static void a_release_needs_no_end(void **state)
{
    (void)state;
    struct order order = good_order();
    order.deed = DEED_RELEASE;
    order.until = 0;
    assert_accepted(&order);
    order.until = NOW - 1;
    assert_refused(&order, "its end is");
}

static void a_throttle_has_a_rate(void **state)
{
    (void)state;
    struct order order = good_order();
    order.deed = DEED_THROTTLE;
    assert_refused(&order, "rate 0");
    order.rate = 1;
    assert_accepted(&order);
    order.rate = 60000;
    assert_accepted(&order);
    order.rate = 60001;
    assert_refused(&order, "rate 60001");
    order.deed = DEED_BLOCK;
    assert_refused(&order, "rate 60001");
}

static void the_target_is_sound_and_nothing_is_hidden(void **state)
{
    (void)state;
    struct order order = good_order();
    order.target.bytes[5] = 1;
    assert_refused(&order, "no sound sender");
    order = good_order();
    order.target.kind = SENDER_NONE;
    assert_refused(&order, "no sound sender");
    for (size_t i = 0; i < sizeof order.reserved; i++) {
        order = good_order();
        order.reserved[i] = 1;
        assert_refused(&order, "reserved");
    }
}

static void deeds_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {"release", "throttle", "divert", "block", "allow", "unknown"};
    for (int i = 0; i <= DEEDS; i++)
        assert_string_equal(deed_name((enum deed)i), names[i]);
}

static void the_harder_of_a_members_and_its_customers_stands(void **state)
{
    static const struct {
        const char *name;
        enum deed own, customers;
        enum order_author author; /* of the member's own */
        duration own_length, customers_length;
        uint32_t own_rate, customers_rate;
        bool customers_stands;
    } rows[] = {
        {"a block over a throttle", DEED_BLOCK, DEED_THROTTLE, ORDER_BY_POLICY, HOUR, DAY, 0, 20, false},
        {"a customer's block over a throttle", DEED_THROTTLE, DEED_BLOCK, ORDER_BY_PERSON, DAY, HOUR, 20, 0, true},
        {"of two rates the lower", DEED_THROTTLE, DEED_THROTTLE, ORDER_BY_POLICY, DAY, HOUR, 20, 5, true},
        {"of two blocks the longer", DEED_BLOCK, DEED_BLOCK, ORDER_BY_POLICY, HOUR, DAY, 0, 0, true},
        {"of two blocks its own", DEED_BLOCK, DEED_BLOCK, ORDER_BY_POLICY, HOUR, HOUR, 0, 0, false},
        {"an allowed member over all", DEED_ALLOW, DEED_BLOCK, ORDER_BY_PERSON, HOUR, DAY, 0, 0, false},
        {"an allowed customer over the policy", DEED_BLOCK, DEED_ALLOW, ORDER_BY_POLICY, HOUR, HOUR, 0, 0, true},
        {"but not over a person's word on one", DEED_BLOCK, DEED_ALLOW, ORDER_BY_PERSON, HOUR, HOUR, 0, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct order own = {.deed = (uint8_t)rows[i].own,
                            .author = (uint8_t)rows[i].author,
                            .until = NOW + rows[i].own_length,
                            .rate = rows[i].own_rate};
        struct order customers = {.deed = (uint8_t)rows[i].customers,
                                  .author = ORDER_BY_PERSON,
                                  .until = NOW + rows[i].customers_length,
                                  .rate = rows[i].customers_rate};
        if (order_prevailing(&own, &customers) != (rows[i].customers_stands ? &customers : &own))
            fail_msg("%s", rows[i].name);
        assert_ptr_equal(order_prevailing(&own, NULL), &own);
        assert_ptr_equal(order_prevailing(NULL, &customers), &customers);
    }
    assert_null(order_prevailing(NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deeds_and_authors_are_known),
        cmocka_unit_test(the_end_is_in_the_future_and_not_too_far),
        cmocka_unit_test(a_release_needs_no_end),
        cmocka_unit_test(a_throttle_has_a_rate),
        cmocka_unit_test(the_target_is_sound_and_nothing_is_hidden),
        cmocka_unit_test(deeds_have_names),
        cmocka_unit_test(the_harder_of_a_members_and_its_customers_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
