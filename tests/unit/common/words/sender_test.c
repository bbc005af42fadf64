/* Senders as text and bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/words/sender.h"

#define COUNT_OF(rows) (sizeof(rows) / sizeof(rows)[0])

static void reads_and_prints(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        enum sender_kind kind; /* SENDER_NONE: refused */
        const char *want;
    } rows[] = {
        {"203.0.113.7", SENDER_IPV4, "203.0.113.7"},
        {"203.0.113.7/32", SENDER_IPV4, "203.0.113.7"},
        {"203.0.113.0/24", SENDER_NONE, NULL}, /* more than one sender */
        {"2001:db8:1:2::/64", SENDER_IPV6, "2001:db8:1:2::/64"},
        {"2001:DB8:1:2:3:4:5:6", SENDER_IPV6, "2001:db8:1:2::/64"},
        {"2001:db8::/32", SENDER_NONE, NULL},
        {"2001:db8::/65", SENDER_NONE, NULL},
        {"::1", SENDER_IPV6, "::/64"},
        {"52:54:00:12:34:56", SENDER_MAC, "52:54:00:12:34:56"},
        {"52:54:00:AB:cd:EF", SENDER_MAC, "52:54:00:ab:cd:ef"},
        {"52:54:00:12:34:5g", SENDER_NONE, NULL},
        {"52-54-00-12-34-56", SENDER_NONE, NULL},
        {"52:54:00:12:34", SENDER_NONE, NULL},
        {"uid:33", SENDER_USER, "uid:33"},
        {"uid:0", SENDER_USER, "uid:0"},
        {"uid:4294967295", SENDER_USER, "uid:4294967295"},
        {"uid:4294967296", SENDER_NONE, NULL},
        {"uid:", SENDER_NONE, NULL},
        {"uid:www", SENDER_NONE, NULL},
        {"port:vnet3", SENDER_PORT, "port:vnet3"},
        {"vnet3", SENDER_PORT, "port:vnet3"},
        {"tap100i0", SENDER_PORT, "port:tap100i0"},
        {"port:abcdefghijklmno", SENDER_PORT, "port:abcdefghijklmno"},
        {"abcdefghijklmnop", SENDER_NONE, NULL}, /* 16 */
        {"port:", SENDER_NONE, NULL},
        {"", SENDER_NONE, NULL},
        {"a b", SENDER_NONE, NULL},
        {"a/b", SENDER_NONE, NULL},
        {"a:b", SENDER_NONE, NULL},
        {".", SENDER_NONE, NULL},
        {"port:..", SENDER_NONE, NULL},
        {"a\x1b", SENDER_NONE, NULL},
        {"customer:Acme GmbH", SENDER_NONE, NULL}, /* as account.h writes it: */
        {"customer:acme%20gmbh", SENDER_CUSTOMER, "customer:acme%20gmbh"},
        {"customer:VM100", SENDER_CUSTOMER, "customer:vm100"},
        {"customer:", SENDER_NONE, NULL},
        {"port:10.0.0.1", SENDER_PORT, "port:10.0.0.1"}, /* said to be one */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct sender sender = {0};
        char text[SENDER_TEXT];
        bool good = sender_parse(text_of(rows[i].given), &sender);
        if (good != (rows[i].want != NULL) || sender.kind != rows[i].kind)
            fail_msg("%s: %d, kind %d", rows[i].given, good, sender.kind);
        if (!good)
            continue;
        assert_string_equal(sender_print(&sender, text), rows[i].want);
        assert_true(sender_is_sound(&sender));
        struct sender back;
        assert_true(sender_parse(text_of(text), &back));
        assert_true(sender_equals(&back, &sender));
    }
}

static void is_made_of_what_was_seen(void **state)
{
    (void)state;
    uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    char text[SENDER_TEXT];
    struct address address = address_from_ipv6(bytes), back;
    struct sender sender = sender_from_address(&address);
    assert_string_equal(sender_print(&sender, text), "2001:db8:1:2::/64");
    assert_true(sender_address(&sender, &back));
    assert_int_equal(back.prefix, 64);
    assert_true(address_contains(&back, &address));

    address = address_from_ipv4(bytes);
    sender = sender_from_address(&address);
    assert_true(sender_address(&sender, &back));
    assert_true(address_equals(&address, &back));

    sender = sender_from_mac(bytes);
    assert_string_equal(sender_print(&sender, text), "20:01:0d:b8:00:01");
    assert_false(sender_address(&sender, &back));
    sender = sender_from_user(0x01020304);
    assert_memory_equal(sender.bytes, "\1\2\3\4", 4); /* big-endian */
    assert_false(sender_address(&sender, &back));
    sender = sender_from_port("a-name-far-too-long-for-linux");
    assert_string_equal(sender_print(&sender, text), "port:a-name-far-too-");
    assert_true(sender_is_sound(&sender));

    address = (struct address){0};
    sender = sender_from_address(&address);
    assert_int_equal(sender.kind, SENDER_NONE);
    assert_string_equal(sender_print(&sender, text), "none");
    assert_false(sender_is_sound(&sender));
}

static void soundness_is_what_a_receiver_checks(void **state)
{
    (void)state;
    static const struct {
        struct sender given;
        bool want;
    } rows[] = {
        {{SENDER_NONE, 0, {0}}, false},
        {{SENDER_KINDS, 0, {0}}, false},
        {{255, 0, {0}}, false},
        {{SENDER_IPV4, 32, {1, 2, 3, 4}}, true},
        {{SENDER_IPV4, 24, {1, 2, 3, 0}}, false},
        {{SENDER_IPV4, 32, {1, 2, 3, 4, 5}}, false},
        {{SENDER_IPV6, 64, {1, 2, 3, 4, 5, 6, 7, 8}}, true},
        {{SENDER_IPV6, 64, {1, 2, 3, 4, 5, 6, 7, 8, 9}}, false},
        {{SENDER_IPV6, 128, {1}}, false},
        {{SENDER_MAC, 0, {1, 2, 3, 4, 5, 6}}, true},
        {{SENDER_MAC, 0, {1, 2, 3, 4, 5, 6, 7}}, false},
        {{SENDER_MAC, 48, {1, 2, 3, 4, 5, 6}}, false},
        {{SENDER_USER, 0, {0, 0, 0, 33}}, true},
        {{SENDER_USER, 0, {0, 0, 0, 33, 1}}, false},
        {{SENDER_ACCOUNT, 0, "alice@example.com"}, true},
        {{SENDER_ACCOUNT, 32, "alice@example.com"}, false},
        {{SENDER_ACCOUNT, 0, ""}, false},
        {{SENDER_ACCOUNT, 0, "Alice"}, false},
        {{SENDER_ACCOUNT, 0, "a b"}, false},
        {{SENDER_ACCOUNT, 0, "alice\0x"}, false},
        {{SENDER_CUSTOMER, 0, "acme"}, true},
        {{SENDER_CUSTOMER, 0, "Acme"}, false},
        {{SENDER_PORT, 0, "vnet3"}, true},
        {{SENDER_PORT, 0, ""}, false},
        {{SENDER_PORT, 0, "vnet3\0x"}, false},
        {{SENDER_PORT, 0, "a/b"}, false},
        {{SENDER_PORT, 0, "abcdefghijklmno"}, true},
        {{SENDER_PORT, 0, {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p'}}, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (sender_is_sound(&rows[i].given) != rows[i].want)
            fail_msg("row %zu", i);
}

static void accounts_are_whoever_logs_in(void **state)
{
    (void)state;
    char text[SENDER_TEXT];
    struct sender alice = sender_from_account(TEXT("Alice@Example.COM")), back;
    assert_string_equal(sender_print(&alice, text), "account:alice@example.com");
    assert_true(sender_parse(TEXT("Account:ALICE@example.com"), &back));
    assert_true(sender_equals(&alice, &back));
    assert_true(sender_is_sound(&alice));
    assert_false(sender_address(&alice, &(struct address){0}));
    assert_false(sender_parse(TEXT("account:"), &back));
    assert_false(sender_parse(TEXT("account:a b"), &back));
    assert_int_equal(sender_from_account((struct text){0}).kind, SENDER_NONE);
}

static void any_bytes_can_be_printed(void **state)
{
    (void)state;
    srandom(9);
    for (int round = 0; round < 100000; round++) {
        struct sender sender;
        uint8_t *bytes = (uint8_t *)&sender;
        for (size_t i = 0; i < sizeof sender; i++)
            bytes[i] = (uint8_t)random();
        if (round % 2)
            sender.kind = (uint8_t)(random() % SENDER_KINDS);
        char text[SENDER_TEXT];
        assert_true(strlen(sender_print(&sender, text)) < sizeof text);
        if (sender_is_sound(&sender)) {
            struct sender back;
            assert_true(sender_parse(text_of(text), &back));
            assert_true(sender_equals(&sender, &back));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_are_whoever_logs_in), cmocka_unit_test(reads_and_prints),
        cmocka_unit_test(is_made_of_what_was_seen),     cmocka_unit_test(soundness_is_what_a_receiver_checks),
        cmocka_unit_test(any_bytes_can_be_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
