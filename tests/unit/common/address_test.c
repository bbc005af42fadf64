/* IPv4 and IPv6 addresses, prefixes and lists of them. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/address.h"
#include "common/cleanup.h"

#define COUNT_OF(rows) (sizeof(rows) / sizeof(rows)[0])

static struct address parse(const char *text)
{
    struct address result = {0};
    if (!address_parse(text_of(text), &result))
        fail_msg("%s is refused", text);
    return result;
}

static void reads_and_prints_as_rfc5952_says(void **state)
{
    (void)state;
    static const struct {
        const char *given, *want; /* NULL: refused */
    } rows[] = {
        {"203.0.113.7", "203.0.113.7"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"203.0.113.0/24", "203.0.113.0/24"},
        {"203.0.113.7/32", "203.0.113.7"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"10.0.0.0/9", "10.0.0.0/9"},
        {"2001:DB8::1", "2001:db8::1"},
        {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* one zero group is not shortened */
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    /* the first of equal runs */
        {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},          /* the longest run */
        {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
        {"0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"},
        {"::", "::"},
        {"::1", "::1"},
        {"::/0", "::/0"},
        {"2001:db8::/32", "2001:db8::/32"},
        {"2001:db8::1/128", "2001:db8::1"},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
        {"::ffff:c000:201", "::ffff:192.0.2.1"},
        {"::ffff:0:0/96", "::ffff:0.0.0.0/96"},
        {"::192.0.2.1", "::c000:201"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"fe80::1%eth0", NULL},
        {"203.0.113.7/24", NULL}, /* bits behind the prefix */
        {"2001:db8::1/64", NULL},
        {"203.0.113.0/33", NULL},
        {"::/129", NULL},
        {"203.0.113.0/", NULL},
        {"203.0.113.0/024", NULL},
        {"203.0.113.0/-1", NULL},
        {"203.0.113", NULL},
        {"203.0.113.7.", NULL},
        {"203.0.113.256", NULL},
        {"203.0.113.07", NULL}, /* octal to some */
        {"0xcb.0.113.7", NULL},
        {" 203.0.113.7", NULL},
        {"203.0.113.7 ", NULL},
        {"localhost", NULL},
        {"[::1]", NULL},
        {":::", NULL},
        {"1:2:3:4:5:6:7", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"12345::", NULL},
        {"", NULL},
        {"/24", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct address result;
        memset(&result, 0x55, sizeof result);
        struct address before = result;
        char text[ADDRESS_TEXT];
        bool good = address_parse(text_of(rows[i].given), &result);
        if (good != (rows[i].want != NULL))
            fail_msg("%s: %d", rows[i].given, good);
        if (good)
            assert_string_equal(address_print(&result, text), rows[i].want);
        else
            assert_memory_equal(&before, &result, sizeof result);
    }
    struct address result;
    assert_false(address_parse(TEXT("1.2.3.4\0"), &result));
}

static void random_addresses_read_back_and_agree_with_the_c_library(void **state)
{
    (void)state;
    srandom(3);
    for (int round = 0; round < 50000; round++) {
        uint8_t bytes[16];
        for (int i = 0; i < 16; i += 2) { /* many zero groups, to shorten */
            bytes[i] = random() % 2 ? (uint8_t)random() : 0;
            bytes[i + 1] = random() % 2 ? (uint8_t)random() : 0;
        }
        struct address six = address_from_ipv6(bytes), four = address_from_ipv4(bytes);
        char text[ADDRESS_TEXT], want[INET6_ADDRSTRLEN];
        struct address back = parse(address_print(&six, text));
        assert_true(address_equals(&back, &six));
        /* Where it shows no IPv4 address inside, the C library prints the same. */
        inet_ntop(AF_INET6, bytes, want, sizeof want);
        if (!strchr(want, '.'))
            assert_string_equal(text, want);
        back = parse(address_print(&four, text));
        assert_true(address_equals(&back, &four));
        inet_ntop(AF_INET, bytes, want, sizeof want);
        assert_string_equal(text, want);

        uint8_t bits = (uint8_t)(random() % 129);
        struct address masked = address_mask(&six, bits);
        assert_true(address_contains(&masked, &six));
        back = parse(address_print(&masked, text));
        assert_true(address_equals(&back, &masked));
        if (bits > 0 && bits < 128) { /* with the prefix's last bit turned it lies outside */
            bytes[(bits - 1) / 8] ^= (uint8_t)(0x80 >> (bits - 1) % 8);
            struct address outside = address_from_ipv6(bytes);
            assert_false(address_contains(&masked, &outside));
        }
    }
}

static void prefixes_contain(void **state)
{
    (void)state;
    static const struct {
        const char *prefix, *address;
        bool want;
    } rows[] = {
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "10.0.0.0/9", true},
        {"10.0.0.0/9", "10.0.0.0/8", false},
        {"10.0.0.1", "10.0.0.1", true},
        {"0.0.0.0/0", "255.0.0.1", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "10.0.0.1", false},
        {"::ffff:0:0/96", "::ffff:1.2.3.4", true},
        {"2001:db8:0:4000::/50", "2001:db8:0:7fff::1", true},
        {"2001:db8:0:4000::/50", "2001:db8:0:8000::1", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct address prefix = parse(rows[i].prefix), address = parse(rows[i].address);
        if (address_contains(&prefix, &address) != rows[i].want)
            fail_msg("%s in %s", rows[i].address, rows[i].prefix);
    }
    struct address none = {0};
    assert_false(address_contains(&none, &none));
}

static void special_addresses_are_nobodys(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        bool want;
    } rows[] = {
        {"127.0.0.1", true},
        {"127.255.0.1", true},
        {"0.0.0.0", true},
        {"169.254.1.1", true},
        {"224.0.0.1", true},
        {"239.1.1.1", true},
        {"255.255.255.255", true},
        {"10.0.0.1", false},
        {"203.0.113.7", false},
        {"126.0.0.1", false},
        {"169.253.1.1", false},
        {"240.0.0.1", false},
        {"::", true},
        {"::1", true},
        {"::2", false},
        {"fe80::1", true},
        {"febf::1", true},
        {"fec0::1", false},
        {"ff02::1", true},
        {"2001:db8::1", false},
        {"::ffff:127.0.0.1", true},
        {"::ffff:10.0.0.1", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct address address = parse(rows[i].given);
        if (address_is_special(&address) != rows[i].want)
            fail_msg("%s", rows[i].given);
    }
    struct address none = {0};
    assert_true(address_is_special(&none));
    char text[ADDRESS_TEXT];
    assert_string_equal(address_print(&none, text), "none");
}

static void a_list_keeps_the_widest_in_order(void **state)
{
    (void)state;
    CLEANUP(address_list_clear) struct address_list list = {0};
    static const char *const given[] = {"2001:db8::/32", "10.1.0.0/16", "10.1.2.0/24", "192.0.2.1",
                                        "10.0.0.0/8",    "10.9.9.9",    "192.0.2.1",   "9.0.0.0/8"};
    static const char *const want[] = {"9.0.0.0/8", "10.0.0.0/8", "192.0.2.1", "2001:db8::/32"};
    struct address nothing = parse("1.2.3.4");
    assert_false(address_list_contains(&list, &nothing));
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        struct address address = parse(given[i]);
        assert_true(address_list_add(&list, &address));
    }
    assert_int_equal(list.count, COUNT_OF(want));
    for (size_t i = 0; i < COUNT_OF(want); i++) {
        char text[ADDRESS_TEXT];
        assert_string_equal(address_print(&list.items[i], text), want[i]);
    }
}

static void a_list_answers_as_a_search_through_all_would(void **state)
{
    (void)state;
    srandom(4);
    for (int round = 0; round < 300; round++) {
        CLEANUP(address_list_clear) struct address_list list = {0};
        struct address all[40];
        size_t number = 1 + (size_t)random() % COUNT_OF(all);
        for (size_t i = 0; i < number; i++) {
            uint8_t bytes[16] = {(uint8_t)(random() % 4), (uint8_t)random()};
            struct address whole = random() % 2 ? address_from_ipv4(bytes) : address_from_ipv6(bytes);
            all[i] = address_mask(&whole, (uint8_t)(4 + random() % 20));
            assert_true(address_list_add(&list, &all[i]));
        }
        for (int i = 0; i < 200; i++) {
            uint8_t bytes[16] = {(uint8_t)(random() % 4), (uint8_t)random(), (uint8_t)random()};
            struct address address = random() % 2 ? address_from_ipv4(bytes) : address_from_ipv6(bytes);
            bool want = false;
            for (size_t j = 0; j < number; j++)
                want |= address_contains(&all[j], &address);
            assert_int_equal(address_list_contains(&list, &address), want);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_prints_as_rfc5952_says),
        cmocka_unit_test(random_addresses_read_back_and_agree_with_the_c_library),
        cmocka_unit_test(prefixes_contain),
        cmocka_unit_test(special_addresses_are_nobodys),
        cmocka_unit_test(a_list_keeps_the_widest_in_order),
        cmocka_unit_test(a_list_answers_as_a_search_through_all_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
