/* What can be looked up, under which names; and name servers' addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "collector/blacklist/resolver.h"
#include "collector/blacklist/subject.h"

#define COUNT_OF(rows) (sizeof(rows) / sizeof(rows)[0])

static void names_are_those_of_rfc5782(void **state)
{
    (void)state;
    static const struct {
        const char *subject, *name;
    } rows[] = {
        {"192.0.2.99", "99.2.0.192.bad.example.com"},
        {"0.10.200.255", "255.200.10.0.bad.example.com"},
        {"2001:db8:1:2:3:4:567:89ab",
         "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bad.example.com"},
        {"Invalid.EXAMPLE.net.", "invalid.example.net.bad.example.com"},
        {"_dmarc.example.net", "_dmarc.example.net.bad.example.com"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct subject subject;
        char name[SUBJECT_NAME];
        assert_true(subject_parse(text_of(rows[i].subject), &subject));
        assert_true(subject_name(&subject, TEXT("bad.example.com"), name));
        assert_string_equal(name, rows[i].name);
    }
}

static void what_is_nothing_to_look_up_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {"",
                                       ".",
                                       "example",
                                       "a..b",
                                       ".example.org",
                                       "192.0.2.0/24",
                                       "2001:db8::/32",
                                       "192.0.2.300",
                                       "1.2.3",
                                       "ex ample.org",
                                       "exa/mple.org",
                                       "b\xc3\xbc.example",
                                       "-",
                                       "user@example.org",
                                       "a1234567890123456789012345678901234567890123456789012345678901234.example"};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct subject subject;
        if (subject_parse(text_of(rows[i]), &subject))
            fail_msg("'%s' is taken", rows[i]);
    }
}

static void what_is_printed_is_read_again(void **state)
{
    (void)state;
    static const char *const rows[] = {"192.0.2.99", "2001:db8::7", "mail.example.org"};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct subject subject;
        char text[SUBJECT_TEXT];
        assert_true(subject_parse(text_of(rows[i]), &subject));
        assert_string_equal(subject_print(&subject, text), rows[i]);
    }
}

static void a_name_has_253_characters_at_the_most(void **state)
{
    (void)state;
    char zone[200], name[SUBJECT_NAME];
    struct subject subject;
    memset(zone, 'z', sizeof zone);
    assert_true(subject_parse(TEXT("2001:db8::7"), &subject)); /* 64 characters in front */
    assert_true(subject_name(&subject, (struct text){zone, 253 - 64}, name));
    assert_int_equal(strlen(name), 253);
    assert_false(subject_name(&subject, (struct text){zone, 254 - 64}, name));
}

static void resolvers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *address; /* NULL: refused */
        uint16_t port;
    } rows[] = {{"192.0.2.53", "192.0.2.53", 53},
                {"192.0.2.53:5353", "192.0.2.53", 5353},
                {"2001:db8::53", "2001:db8::53", 53},
                {"[2001:db8::53]:5353", "2001:db8::53", 5353},
                {"192.0.2.53:0", NULL, 0},
                {"192.0.2.53:65536", NULL, 0},
                {"[192.0.2.53]:53", NULL, 0},
                {"192.0.2.0/24", NULL, 0},
                {"resolver.example:53", NULL, 0},
                {"", NULL, 0},
                {":53", NULL, 0}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct address address;
        uint16_t port;
        char text[ADDRESS_TEXT];
        bool is_read = resolver_parse(text_of(rows[i].text), &address, &port);
        if (is_read != (rows[i].address != NULL))
            fail_msg("'%s'", rows[i].text);
        if (!is_read)
            continue;
        assert_string_equal(address_print(&address, text), rows[i].address);
        assert_int_equal(port, rows[i].port);
    }
}

static void resolv_conf(void **state)
{
    (void)state;
    struct address found[2];
    char text[ADDRESS_TEXT];
    static const char content[] =
        "# nameserver 192.0.2.1\nsearch example.org\n nameserver\t192.0.2.53 # ours\r\n"
        "nameserver fe80::1%eth0\nnameserver 2001:db8::53\nnameserver 192.0.2.54\nnameservers 1.1.1.1";
    assert_int_equal(resolver_read(TEXT(content), found, 2), 2);
    assert_string_equal(address_print(&found[0], text), "192.0.2.53");
    assert_string_equal(address_print(&found[1], text), "2001:db8::53");
    assert_int_equal(resolver_read(TEXT(""), found, 2), 0);
}

static void public_resolvers_are_known(void **state)
{
    (void)state;
    struct address address;
    assert_true(address_parse(TEXT("8.8.8.8"), &address));
    assert_string_equal(resolver_public(&address), "Google Public DNS");
    assert_true(address_parse(TEXT("2606:4700:4700::1111"), &address));
    assert_string_equal(resolver_public(&address), "Cloudflare");
    assert_true(address_parse(TEXT("127.0.0.1"), &address));
    assert_null(resolver_public(&address));
    assert_true(address_parse(TEXT("8.8.8.9"), &address));
    assert_null(resolver_public(&address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_rfc5782),
        cmocka_unit_test(what_is_nothing_to_look_up_is_refused),
        cmocka_unit_test(what_is_printed_is_read_again),
        cmocka_unit_test(a_name_has_253_characters_at_the_most),
        cmocka_unit_test(resolvers),
        cmocka_unit_test(resolv_conf),
        cmocka_unit_test(public_resolvers_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
