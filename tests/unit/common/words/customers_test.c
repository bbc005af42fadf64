/* Whose a sender is: by the map, and by the number in a port's name. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/cleanup.h"
#include "common/words/customers.h"

static const char plain[] = "# member              customer\n"
                            "203.0.113.0/28        acme\n"
                            "203.0.113.8/31        baker\n"
                            "203.0.113.9           dave\r\n"
                            "2001:db8:1::/48       acme\n"
                            "\n"
                            "  52:54:00:12:34:56   Acme\n"
                            "port:vnet3            baker\n"
                            "port:tap7i0           acme\n"
                            "uid:1001\tbaker\n"
                            "account:@example.com  carol      # every account of that domain\n"
                            "account:dave          dave#2\n"
                            "account:eve@example.com eve";

static struct customers *read_map(struct text text, bool numbered)
{
    struct customers *map = NULL;
    struct error error = {0};
    if (customers_read(text, "customers.map", numbered, &map, &error) != 0)
        fail_msg("%s", error.text);
    return map;
}

/* "CUSTOMER PROOF" of the sender. */
static const char *whose(const struct customers *map, const char *sender, const uint8_t *mac, const char *address)
{
    static char result[CUSTOMER_TEXT + 10];
    char customer[CUSTOMER_TEXT];
    struct sender asked;
    struct address used;
    assert_true(sender_parse(text_of(sender), &asked));
    if (address)
        assert_true(address_parse(text_of(address), &used));
    const struct customer_question question = {.sender = &asked, .mac = mac, .address = address ? &used : NULL};
    enum customer_proof proof = customers_find(map, &question, customer);
    snprintf(result, sizeof result, "%s %s", customer, customer_proof_name(proof));
    return result;
}

static void the_map_knows_senders(void **state)
{
    (void)state;
    static const struct {
        const char *sender, *whose;
    } rows[] = {
        {"203.0.113.1", "acme map"},
        {"203.0.113.8", "baker map"},
        {"203.0.113.9", "dave map"},
        {"203.0.113.16", " unknown"},
        {"2001:db8:1:9::1", "acme map"},
        {"2001:db8:2::1", " unknown"},
        {"52:54:00:12:34:56", "acme map"},
        {"52:54:00:12:34:57", " unknown"},
        {"port:vnet3", "baker map"},
        {"port:vnet33", " unknown"},
        {"uid:1001", "baker map"},
        {"uid:1002", " unknown"},
        {"account:dave", "dave%232 map"},
        {"account:x@example.com", "carol map"},
        {"account:X@EXAMPLE.com", "carol map"},
        {"account:eve@example.com", "eve map"},
        {"account:x@mail.example.com", " unknown"},
        {"account:carol", " unknown"},
        {"customer:zoe", "zoe map"},
    };
    CLEANUP(customers_destroy) struct customers *map = read_map(text_of(plain), true);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(whose(map, rows[i].sender, NULL, NULL), rows[i].whose);
    assert_int_equal(customers_count(map), 11);
}

/* A long name is kept without its domain: whoever may choose his accounts' names would be nobody's with one. */
static void a_long_login_tells_its_domain(void **state)
{
    (void)state;
    static const struct {
        const char *login, *whose;
    } rows[] = {
        {"x@example.com", "carol"},
        {"a-name-of-more-characters-than-are-kept-of-one@example.com", "carol"},
        {"a-name-of-more-characters-than-are-kept-of-one@EXAMPLE.Com", "carol"},
        {"a-name-of-more-characters-than-are-kept-of-one@b@example.com", "carol"},
        {"a-name-of-more-characters-than-are-kept-of-one@example.com.au", ""},
        {"a-name-of-more-characters-than-are-kept-of-one", ""},
        {"a-name-of-more-characters-than-are-kept-of-one@", ""},
        {"x@a-domain-of-so-many-characters-that-no-map-can-name-it.example.com", ""},
    };
    CLEANUP(customers_destroy) struct customers *map = read_map(text_of(plain), true);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char customer[CUSTOMER_TEXT];
        const struct sender sender = sender_from_account(text_of(rows[i].login));
        const struct customer_question question = {.sender = &sender, .login = text_of(rows[i].login)};
        customers_find(map, &question, customer);
        assert_string_equal(customer, rows[i].whose);
    }
}

static void the_sender_goes_before_its_mac_before_its_address_before_its_number(void **state)
{
    (void)state;
    const uint8_t mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56}, other[6] = {2};
    CLEANUP(customers_destroy) struct customers *map = read_map(text_of(plain), true);
    assert_string_equal(whose(map, "port:vnet3", mac, "203.0.113.9"), "baker map");
    assert_string_equal(whose(map, "port:vnet4", mac, "203.0.113.9"), "acme map");
    assert_string_equal(whose(map, "port:vnet4", other, "203.0.113.9"), "dave map");
    assert_string_equal(whose(map, "port:vnet4", other, "198.51.100.1"), " unknown");
    assert_string_equal(whose(map, "port:tap101i0", other, "203.0.113.9"), "dave map");
    assert_string_equal(whose(map, "port:tap101i0", other, "198.51.100.1"), "vm101 number");
    assert_string_equal(whose(map, "port:tap7i0", NULL, NULL), "acme map");
}

static void ports_named_like_proxmoxs_tell_the_guest(void **state)
{
    (void)state;
    static const struct {
        const char *port, *whose;
    } rows[] = {
        {"port:tap101i0", "vm101 number"},
        {"port:veth101i12", "vm101 number"},
        {"port:tap999999999i0", "vm999999999 number"},
        {"port:tap0", " unknown"},
        {"port:tap101", " unknown"},
        {"port:tap101i", " unknown"},
        {"port:tap101i0x", " unknown"},
        {"port:tap0101i0", " unknown"},
        {"port:tapi0", " unknown"},
        {"port:vethab1i0", " unknown"},
        {"port:fwpr101p0", " unknown"},
        {"port:tap1234567890i0", " unknown"},
        {"uid:101", " unknown"},
    };
    CLEANUP(customers_destroy) struct customers *map = read_map(TEXT(""), true);
    CLEANUP(customers_destroy) struct customers *silent = read_map(TEXT(""), false);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strlen(rows[i].port) > 5 + 15)
            continue; /* Linux has no such name */
        assert_string_equal(whose(map, rows[i].port, NULL, NULL), rows[i].whose);
        assert_string_equal(whose(silent, rows[i].port, NULL, NULL), " unknown");
        assert_string_equal(whose(NULL, rows[i].port, NULL, NULL), " unknown");
    }
}

/* Of IPv6 a sender is a /64. One address of it in the map is enough, where nobody else has one there. */
static void single_addresses_of_ipv6(void **state)
{
    (void)state;
    CLEANUP(customers_destroy)
    struct customers *map = read_map(TEXT("2001:db8:0:1::5 acme\n"
                                          "2001:db8:0:1::6 acme\n"
                                          "2001:db8:0:1:8000::/72 acme\n"
                                          "2001:db8:0:2::5 acme\n"
                                          "2001:db8:0:2::6 baker\n"
                                          "2001:db8:0:3::/64 baker\n"
                                          "2001:db8:0:3::5 acme\n"),
                                     false);
    assert_string_equal(whose(map, "2001:db8:0:1::/64", NULL, NULL), "acme map");
    assert_string_equal(whose(map, "2001:db8:0:2::/64", NULL, NULL), " unknown");
    assert_string_equal(whose(map, "2001:db8:0:2::/64", NULL, "2001:db8:0:2::6"), "baker map");
    assert_string_equal(whose(map, "2001:db8:0:3::/64", NULL, "2001:db8:0:3::5"), "baker map");
    assert_string_equal(whose(map, "port:vnet1", NULL, "2001:db8:0:3::5"), "acme map");
    assert_string_equal(whose(map, "port:vnet1", NULL, "2001:db8:0:3::6"), "baker map");
    assert_string_equal(whose(map, "port:vnet1", NULL, "2001:db8:0:2::7"), " unknown");
}

static void overlapping_prefixes_the_longest_counts(void **state)
{
    (void)state;
    CLEANUP(customers_destroy)
    struct customers *map =
        read_map(TEXT("::/0 six\n0.0.0.0/0 four\n10.0.0.0/8 ten\n10.1.0.0/16 ten-one\n10.1.2.3/32 it\n"), false);
    assert_string_equal(whose(map, "203.0.113.1", NULL, NULL), "four map");
    assert_string_equal(whose(map, "2001:db8::/64", NULL, NULL), "six map");
    assert_string_equal(whose(map, "10.2.0.1", NULL, NULL), "ten map");
    assert_string_equal(whose(map, "10.1.2.2", NULL, NULL), "ten-one map");
    assert_string_equal(whose(map, "10.1.2.3", NULL, NULL), "it map");
}

static void mistakes_name_their_line(void **state)
{
    (void)state;
    static const struct {
        struct text map;
        const char *said;
    } rows[] = {
        {{"203.0.113.300 acme", sizeof("203.0.113.300 acme") - 1},
         "m:1: no member: \"203.0.113.300\"; an address, a prefix, a MAC, port:NAME, uid:N, account:NAME or "
         "account:@DOMAIN is allowed"},
        {{"# one\n\nvnet3 acme", sizeof("# one\n\nvnet3 acme") - 1},
         "m:3: no member: \"vnet3\"; an address, a prefix, a MAC, port:NAME, uid:N, account:NAME or account:@DOMAIN is "
         "allowed"},
        {{"203.0.113.1/24 acme", sizeof("203.0.113.1/24 acme") - 1},
         "m:1: no member: \"203.0.113.1/24\"; an address, a prefix, a MAC, port:NAME, uid:N, account:NAME or "
         "account:@DOMAIN is allowed"},
        {{"customer:acme acme", sizeof("customer:acme acme") - 1},
         "m:1: no member: \"customer:acme\"; an address, a prefix, a MAC, port:NAME, uid:N, account:NAME or "
         "account:@DOMAIN is allowed"},
        {{"account:@ acme", sizeof("account:@ acme") - 1},
         "m:1: no member: \"account:@\"; an address, a prefix, a MAC, port:NAME, uid:N, account:NAME or "
         "account:@DOMAIN is allowed"},
        {{"account:@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa acme",
          sizeof("account:@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa acme") - 1},
         "m:1: no member: \"account:@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"; an address, a prefix, a MAC, "
         "port:NAME, uid:N, account:NAME or account:@DOMAIN is allowed"},
        {{"uid:1 a\nuid:2", sizeof("uid:1 a\nuid:2") - 1},
         "m:2: no customer behind \"uid:2\"; a member and a customer are allowed"},
        {{"uid:1 # a\n", sizeof("uid:1 # a\n") - 1},
         "m:1: no customer behind \"uid:1\"; a member and a customer are allowed"},
        {{"uid:1 Acme Limited", sizeof("uid:1 Acme Limited") - 1},
         "m:1: more than a member and a customer: \"Limited\"; a name without spaces is allowed, and a comment behind "
         "'#'"},
        {{"uid:1 a\0b\n", sizeof("uid:1 a\0b\n") - 1},
         "m:1: no text: \"uid:1 a?b\"; a line without control characters is allowed"},
        {{"uid:1 a\ruid:2 b\n", sizeof("uid:1 a\ruid:2 b\n") - 1},
         "m:1: no text: \"uid:1 a?uid:2 b\"; a line without control characters is allowed"},
        {{"uid:1 a\nuid:2 b\nuid:1 A\nuid:1 c\nuid:2 a", sizeof("uid:1 a\nuid:2 b\nuid:1 A\nuid:1 c\nuid:2 a") - 1},
         "m:4: uid:1 is c's, and a's by line 3; one customer is allowed"},
        {{"10.0.0.0/8 a\n10.0.0.0/8 b", sizeof("10.0.0.0/8 a\n10.0.0.0/8 b") - 1},
         "m:2: 10.0.0.0/8 is b's, and a's by line 1; one customer is allowed"},
        {{"account:@X.example a\naccount:@x.example b", sizeof("account:@X.example a\naccount:@x.example b") - 1},
         "m:2: account:@x.example is b's, and a's by line 1; one customer is allowed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct customers *map = NULL;
        struct error error = {0};
        assert_int_equal(customers_read(rows[i].map, "m", true, &map, &error), -EINVAL);
        assert_string_equal(error.text, rows[i].said);
        assert_null(map);
    }
}

static void names_are_kept_as_accounts_are(void **state)
{
    (void)state;
    char *huge = malloc(1 << 20), text[CUSTOMER_TEXT + 20], again[2 * CUSTOMER_TEXT + 20];
    assert_non_null(huge);
    memset(huge, 'x', 1 << 20);
    memcpy(huge, "uid:1 ", 6);
    CLEANUP(customers_destroy) struct customers *map = read_map((struct text){huge, 1 << 20}, false);
    snprintf(text, sizeof text, "%s", whose(map, "uid:1", NULL, NULL));
    assert_int_equal(strlen(text), ACCOUNT_MOST + strlen(" map"));
    free(huge);
    /* written into a map again it is the same */
    snprintf(again, sizeof again, "uid:1 %.*s", ACCOUNT_MOST, text);
    CLEANUP(customers_destroy) struct customers *second = read_map(text_of(again), false);
    assert_string_equal(whose(second, "uid:1", NULL, NULL), text);

    CLEANUP(customers_destroy)
    struct customers *odd = read_map(TEXT("\xef\xbb\xbfuid:1 M\xc3\xbcller\nuid:2 100%\n"), false);
    assert_string_equal(whose(odd, "uid:1", NULL, NULL), "m%c3%bcller map");
    assert_string_equal(whose(odd, "uid:2", NULL, NULL), "100%25 map");
}

static void collect(void *context, const struct customer_member *member)
{
    char *all = context, text[SENDER_TEXT];
    int kinds = (member->sender.kind != SENDER_NONE) + (member->prefix.family != 0) + (member->domain.length > 0);
    assert_int_equal(kinds, 1);
    if (member->sender.kind != SENDER_NONE)
        sender_print(&member->sender, text);
    else if (member->prefix.family != 0)
        address_print(&member->prefix, text);
    else
        snprintf(text, sizeof text, "@%.*s", (int)member->domain.length, member->domain.bytes);
    strcat(strcat(all, text), " ");
}

static void members_of_a_customer(void **state)
{
    (void)state;
    CLEANUP(customers_destroy)
    struct customers *map =
        read_map(TEXT("10.0.0.1 a\n10.0.0.0/24 a\n2001:db8::/64 a\n2001:db8:1::/48 a\n2001:db8:2::1 a\n"
                      "uid:7 a\nuid:7 A\nuid:8 b\naccount:@x.example a\naccount:y a\nport:p a\n"),
                 false);
    char all[1000] = "";
    customers_members(map, TEXT("A"), collect, all);
    assert_string_equal(all, "port:p uid:7 account:y 10.0.0.0/24 10.0.0.1 2001:db8:1::/48 2001:db8::/64 2001:db8:2::1 "
                             "@x.example ");
    all[0] = '\0';
    customers_members(map, TEXT("c"), collect, all);
    customers_members(map, TEXT(""), collect, all);
    customers_members(NULL, TEXT("a"), collect, all);
    assert_string_equal(all, "");
    assert_int_equal(customers_count(NULL), 0);
}

static void a_million_members_and_no_more(void **state)
{
    (void)state;
    size_t room = (CUSTOMERS_MOST + 1) * 20, length = 0;
    char *text = malloc(room), asked[40], expected[40];
    assert_non_null(text);
    for (int i = 0; i <= CUSTOMERS_MOST; i++)
        length += (size_t)snprintf(text + length, room - length, "uid:%d c%d\n", CUSTOMERS_MOST - i, i / 3);
    struct customers *map = NULL;
    struct error error;
    assert_int_equal(customers_read((struct text){text, length}, "m", false, &map, &error), -EINVAL);
    assert_string_equal(error.text, "m:1000001: too many members; 1000000 are allowed");
    length = (size_t)((char *)memrchr(text, '\n', length - 1) - text);
    assert_int_equal(customers_read((struct text){text, length}, "m", false, &map, &error), 0);
    assert_int_equal(customers_count(map), CUSTOMERS_MOST);
    for (int i = 0; i < CUSTOMERS_MOST; i += 99999) {
        snprintf(asked, sizeof asked, "uid:%d", CUSTOMERS_MOST - i);
        snprintf(expected, sizeof expected, "c%d map", i / 3);
        assert_string_equal(whose(map, asked, NULL, NULL), expected);
    }
    customers_destroy(&map);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_map_knows_senders),
        cmocka_unit_test(a_long_login_tells_its_domain),
        cmocka_unit_test(the_sender_goes_before_its_mac_before_its_address_before_its_number),
        cmocka_unit_test(ports_named_like_proxmoxs_tell_the_guest),
        cmocka_unit_test(single_addresses_of_ipv6),
        cmocka_unit_test(overlapping_prefixes_the_longest_counts),
        cmocka_unit_test(mistakes_name_their_line),
        cmocka_unit_test(names_are_kept_as_accounts_are),
        cmocka_unit_test(members_of_a_customer),
        cmocka_unit_test(a_million_members_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
