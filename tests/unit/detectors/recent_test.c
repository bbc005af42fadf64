/* The last few different texts, and the domain of an address. */
#include "tests/unit/detectors/recorder.h"
#include "detectors/recent.h"

static void hashes(void **state)
{
    (void)state;
    assert_int_equal(recent_hash(TEXT("Bob@Example.NET")), recent_hash(TEXT("bob@example.net")));
    assert_int_not_equal(recent_hash(TEXT("bob@example.net")), recent_hash(TEXT("rob@example.net")));
    assert_int_not_equal(recent_hash(TEXT("")), 0);
    /* It stands in state that outlives the program: the same everywhere, always. */
    assert_int_equal(recent_hash(TEXT("bob@example.net")), UINT32_C(731310671));
}

static uint32_t network_of(const char *text)
{
    struct address address;
    assert_true(address_parse(text_of(text), &address));
    return recent_hash_network(&address);
}

static void networks(void **state)
{
    (void)state;
    assert_int_equal(network_of("192.0.2.1"), network_of("192.0.2.255"));
    assert_int_not_equal(network_of("192.0.2.1"), network_of("192.0.3.1"));
    assert_int_equal(network_of("2001:db8:1::25"), network_of("2001:db8:1:ffff::1"));
    assert_int_not_equal(network_of("2001:db8:1::25"), network_of("2001:db8:2::25"));
}

static void ring(void **state)
{
    (void)state;
    uint32_t places[3] = {0};
    uint8_t next = 0;
    for (uint32_t hash = 1; hash <= 3; hash++)
        assert_true(recent_add(places, 3, &next, hash));
    for (uint32_t hash = 1; hash <= 3; hash++)
        assert_false(recent_add(places, 3, &next, hash));
    assert_true(recent_add(places, 3, &next, 4)); /* 1 gives way */
    assert_false(recent_has(places, 3, 1));
    assert_true(recent_has(places, 3, 2));
}

static void domains(void **state)
{
    (void)state;
    static const struct {
        const char *given, *want;
    } rows[] = {{"bob@example.net", "example.net"},
                {"bob@example.net.", "example.net"},
                {"\"a@b\"@example.net", "example.net"},
                {"bob", ""},
                {"bob@", ""},
                {"@", ""},
                {"", ""},
                {"bob@[192.0.2.1]", "[192.0.2.1]"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!text_equals(recent_domain(text_of(rows[i].given)), text_of(rows[i].want)))
            fail_msg("%s", rows[i].given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hashes), cmocka_unit_test(networks), cmocka_unit_test(ring),
                                       cmocka_unit_test(domains)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
