/* What is told of a sender beside its name: found by what is known, told where it says more, checked where it comes in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "common/cleanup.h"
#include "common/words/whose.h"

static struct whose whose_of(const char *customer, enum customer_proof proof)
{
    struct whose whose = {.proof = (uint8_t)proof};
    strncpy(whose.customer, customer, sizeof whose.customer - 1);
    return whose;
}

static void it_is_found_by_sender_mac_and_address(void **state)
{
    (void)state;
    CLEANUP(customers_destroy) struct customers *map = NULL;
    struct sender port = sender_from_port("vnet1"), named = sender_from_port("vnet2");
    struct whose whose = {0};
    assert_int_equal(
        customers_read(TEXT("port:vnet2 dave\n52:54:00:00:00:01 acme\n203.0.113.7 baker\n"), "map", true, &map, NULL),
        0);
    whose_find(&whose, map, &port);
    assert_string_equal(whose.customer, "");
    assert_int_equal(whose.proof, CUSTOMER_UNKNOWN);
    whose.address = address_from_ipv4((const uint8_t[]){203, 0, 113, 7});
    whose_find(&whose, map, &port);
    assert_string_equal(whose.customer, "baker");
    memcpy(whose.mac, (const uint8_t[]){0x52, 0x54, 0, 0, 0, 1}, 6);
    whose_find(&whose, map, &port);
    assert_string_equal(whose.customer, "acme");
    whose_find(&whose, map, &named);
    assert_string_equal(whose.customer, "dave");
    assert_int_equal(whose.proof, CUSTOMER_MAPPED);
    whose_find(&whose, NULL, &named);
    struct whose nothing = {.address = whose.address};
    memcpy(nothing.mac, whose.mac, 6);
    assert_memory_equal(&whose, &nothing, sizeof whose); /* not a byte is left of the customer before */
}

static void an_address_is_told_where_it_is_not_the_sender(void **state)
{
    (void)state;
    struct whose whose = {0};
    struct address address = address_from_ipv4((const uint8_t[]){203, 0, 113, 7});
    struct sender port = sender_from_port("vnet1"), same = sender_from_address(&address);
    assert_null(whose_address(&whose, &port));
    whose.address = address;
    assert_true(address_equals(whose_address(&whose, &port), &address));
    assert_null(whose_address(&whose, &same));
}

static void what_comes_in_is_checked(void **state)
{
    (void)state;
    struct whose whose = {0};
    assert_true(whose_is_sound(&whose));
    whose.address.family = 5;
    assert_false(whose_is_sound(&whose));
    whose.address = (struct address){.family = 6, .prefix = 129};
    assert_false(whose_is_sound(&whose));
    whose.address.prefix = 128;
    assert_true(whose_is_sound(&whose));
    static const struct {
        const char *customer;
        enum customer_proof proof;
        bool sound;
    } rows[] = {
        {"acme", CUSTOMER_MAPPED, true},  {"vm101", CUSTOMER_NUMBERED, true}, {"acme", CUSTOMER_UNKNOWN, false},
        {"", CUSTOMER_MAPPED, false},     {"Acme", CUSTOMER_MAPPED, false},   {"a\nb", CUSTOMER_MAPPED, false},
        {"acme", CUSTOMER_PROOFS, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        whose = whose_of(rows[i].customer, rows[i].proof);
        assert_int_equal(whose_is_sound(&whose), rows[i].sound);
    }
    whose.proof = CUSTOMER_MAPPED;
    memset(whose.customer, 'x', sizeof whose.customer);
    assert_false(whose_is_sound(&whose));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_found_by_sender_mac_and_address),
        cmocka_unit_test(an_address_is_told_where_it_is_not_the_sender),
        cmocka_unit_test(what_comes_in_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
