/* The order book: one order for each target, the latest; what has run out is struck out; a bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/warden/book.h"
#include "agent/warden/element.h"

static struct order order(uint8_t last, enum deed deed, moment until)
{
    struct address address = address_from_ipv4((const uint8_t[]){203, 0, 113, last});
    return (struct order){.deed = (uint8_t)deed, .until = until, .target = sender_from_address(&address)};
}

static void test_the_latest_stands(void **state)
{
    struct book *book;
    struct error error = {0};
    struct order first = order(1, DEED_THROTTLE, 100), second = order(1, DEED_BLOCK, 50),
                 other = order(2, DEED_BLOCK, 70);
    (void)state;
    assert_int_equal(book_create(10, &book, &error), 0);
    assert_non_null(book_write(book, &first));
    assert_non_null(book_write(book, &second));
    assert_non_null(book_write(book, &other));
    assert_int_equal(book_count(book), 2);
    assert_int_equal(book_find(book, &first.target)->order.deed, DEED_BLOCK);
    assert_int_equal(book_expire(book, 49, NULL, NULL), 0);
    assert_int_equal(book_expire(book, 50, NULL, NULL), 1);
    assert_null(book_find(book, &first.target));
    struct order release = order(2, DEED_RELEASE, 0);
    assert_null(book_write(book, &release));
    assert_int_equal(book_count(book), 0);
    assert_null(book_write(book, &release)); /* of nobody */
    book_destroy(&book);
    assert_null(book);
}

struct walk {
    struct book *book;
    uint32_t seen;
};

static void strike_odd(void *context, struct book_entry *entry)
{
    struct walk *walk = context;
    struct sender target = entry->order.target;
    walk->seen++;
    if (target.bytes[3] % 2)
        book_strike(walk->book, &target);
}

static void test_a_walk_may_strike_and_the_bound_holds(void **state)
{
    struct book *book;
    struct error error = {0};
    (void)state;
    assert_int_equal(book_create(8, &book, &error), 0);
    for (uint8_t i = 0; i < 20; i++) {
        struct order one = order(i, DEED_BLOCK, 100);
        book_write(book, &one);
    }
    assert_int_equal(book_count(book), 8);
    struct order old = order(11, DEED_BLOCK, 1), young = order(12, DEED_BLOCK, 1);
    assert_null(book_find(book, &old.target)); /* the oldest gave way */
    assert_non_null(book_find(book, &young.target));
    struct walk walk = {book, 0};
    book_each(book, strike_odd, &walk);
    assert_int_equal(walk.seen, 8);
    assert_int_equal(book_count(book), 4);
    book_destroy(&book);
}

/* Every kind of target goes to the kernel and comes back the same. */
static void test_elements_there_and_back(void **state)
{
    struct address ipv4 = address_from_ipv4((const uint8_t[]){203, 0, 113, 7});
    struct address ipv6 = address_from_ipv6((const uint8_t[16]){0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 9});
    const struct sender senders[] = {sender_from_port("vnet3"),
                                     sender_from_port("abcdefghijklmno"),
                                     sender_from_mac((const uint8_t[]){2, 0, 0, 0, 0, 1}),
                                     sender_from_address(&ipv4),
                                     sender_from_address(&ipv6),
                                     sender_from_user(0x01020304)};
    static const enum nft_key keys[] = {NFT_PORT, NFT_PORT, NFT_MAC, NFT_IPV4, NFT_IPV6, NFT_USER};
    (void)state;
    for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
        for (int deed = DEED_THROTTLE; deed < DEEDS; deed++) {
            struct order given = {.deed = (uint8_t)deed, .until = 90 * SECOND, .target = senders[i], .rate = 12};
            struct nft_element element;
            assert_true(element_from_order(&given, 30 * SECOND, &element));
            assert_int_equal(element.key, keys[i]);
            assert_int_equal(element.timeout, MINUTE);
            struct order back = element_to_order(&element, 30 * SECOND);
            assert_true(sender_equals(&back.target, &given.target));
            assert_int_equal(back.deed, given.deed);
            assert_int_equal(back.until, given.until);
            assert_int_equal(back.rate, given.rate);
        }
    }
    struct order late = {.deed = DEED_BLOCK, .until = 1, .target = senders[0]};
    struct nft_element element;
    assert_true(element_from_order(&late, MINUTE, &element));
    assert_int_equal(element.timeout, SECOND); /* the kernel has no element that is over already */
    late.deed = DEED_RELEASE;
    assert_false(element_from_order(&late, MINUTE, &element));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_latest_stands),
                                       cmocka_unit_test(test_a_walk_may_strike_and_the_bound_holds),
                                       cmocka_unit_test(test_elements_there_and_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
