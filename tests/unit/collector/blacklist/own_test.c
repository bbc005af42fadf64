/* Own names: prefixes of IPv4 are taken apart, those of IPv6 are not, and what is wrong is said with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "collector/blacklist/own.h"

static struct own own;
static struct error failed;

static int end(void **unused)
{
    (void)unused;
    own_clear(&own);
    return 0;
}

static void is_at(size_t index, const char *wanted)
{
    struct subject subject;
    char name[SUBJECT_TEXT];
    assert_true(own_at(&own, index, &subject));
    assert_string_equal(subject_print(&subject, name), wanted);
}

static void test_names(void **unused)
{
    (void)unused;
    assert_int_equal(own_read(&own,
                              TEXT("# ours\n198.51.100.4/30\n198.51.100.6\nExample.org # shop\r\n\n"
                                   "2001:db8::/32\n2001:db9::7\n203.0.113.9"),
                              "names", &failed),
                     0);
    assert_int_equal(own_count(&own), 1 + 4 + 1 + 1);
    is_at(0, "example.org");
    is_at(1, "198.51.100.4");
    is_at(4, "198.51.100.7");
    is_at(5, "203.0.113.9");
    is_at(6, "2001:db9::7");
    struct subject none;
    assert_false(own_at(&own, 7, &none));
}

static void test_what_is_in(void **unused)
{
    struct address address;
    (void)unused;
    assert_int_equal(own_add(&own, TEXT("2001:db8::/32"), &failed), 0);
    assert_true(address_parse(TEXT("2001:db8::5"), &address));
    assert_true(own_has(&own, &address));
    assert_true(address_parse(TEXT("2001:db9::5"), &address));
    assert_false(own_has(&own, &address));
}

static void test_what_will_not_do(void **unused)
{
    static const char *const words[] = {"127.0.0.1", "0.0.0.0/0", "10.0.0.0/7", "10.0.0.0/14",
                                        "cheese",    "a b.c",     "::1"};
    (void)unused;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_int_equal(own_add(&own, text_of(words[i]), &failed), -EINVAL);
        own_clear(&own);
    }
    assert_int_equal(own_read(&own, TEXT("192.0.2.1\n\ncheese"), "/n", &failed), -EINVAL);
    assert_string_equal(failed.text, "/n:3: cheese: no address, prefix or domain");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(test_names, end),
                                       cmocka_unit_test_teardown(test_what_is_in, end),
                                       cmocka_unit_test_teardown(test_what_will_not_do, end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
