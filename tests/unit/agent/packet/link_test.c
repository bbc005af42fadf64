/* What each kind of frame says before its IP header, and which frames say nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/packet/link.h"

/* Rows leave off what is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

#define TARGET 0x02, 0, 0, 0, 0, 0xbb
#define SOURCE 0x02, 0, 0, 0, 0, 0xaa
#define V4     0x45
#define V6     0x60

static const struct row {
    const char *name;
    uint16_t link, kernel_vlan;
    const uint8_t *bytes;
    uint32_t length;
    bool want;
    size_t want_ip; /* where the IP header begins */
    uint16_t want_vlan;
    uint8_t want_tags;
    bool want_mac;
    bool want_odd; /* tags stacked as nobody has reason to */
} rows[] = {
    {"Ethernet, IPv4", LINK_ETHERNET, 0, BYTES(TARGET, SOURCE, 8, 0, V4), true, 14, 0, 0, true},
    {"Ethernet, IPv6", LINK_ETHERNET, 0, BYTES(TARGET, SOURCE, 0x86, 0xdd, V6), true, 14, 0, 0, true},
    {"a tag", LINK_ETHERNET, 0, BYTES(TARGET, SOURCE, 0x81, 0, 0xa0, 7, 8, 0, V4), true, 18, 7, 1, true},
    {"a priority tag has no number", LINK_ETHERNET, 0, BYTES(TARGET, SOURCE, 0x81, 0, 0xe0, 0, 8, 0, V4), true, 18, 0,
     1, true},
    {"the kernel took the tag off", LINK_ETHERNET, 0x2064, BYTES(TARGET, SOURCE, 8, 0, V4), true, 14, 0x64, 1, true},
    {"the kernel took the outer tag off", LINK_ETHERNET, 100, BYTES(TARGET, SOURCE, 0x81, 0, 0, 7, 8, 0, V4), true, 18,
     100, 2, true},
    {"802.1ad: the outermost counts", LINK_ETHERNET, 0,
     BYTES(TARGET, SOURCE, 0x88, 0xa8, 0, 9, 0x81, 0, 0, 7, 0x86, 0xdd, V6), true, 22, 9, 2, true},
    {"QinQ of old", LINK_ETHERNET, 0, BYTES(TARGET, SOURCE, 0x91, 0, 0, 9, 0x81, 0, 0, 7, 8, 0, V4), true, 22, 9, 2,
     true},
    {"eight tags", LINK_ETHERNET, 0,
     BYTES(TARGET, SOURCE, 0x81, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 0x81, 0, 0, 4, 0x81, 0, 0, 5, 0x81, 0, 0, 6,
           0x81, 0, 0, 7, 0x81, 0, 0, 8, 8, 0, V4),
     true, 46, 1, 8, true, true},
    {"two tags, one of which says nothing", LINK_ETHERNET, 0,
     BYTES(TARGET, SOURCE, 0x81, 0, 0, 0, 0x81, 0, 0, 7, 8, 0, V4), true, 22, 0, 2, true, true},
    {"an empty one below the one that the kernel took off", LINK_ETHERNET, 100,
     BYTES(TARGET, SOURCE, 0x81, 0, 0, 0, 8, 0, V4), true, 18, 100, 2, true, true},
    {"nine tags are not followed", LINK_ETHERNET, 0,
     BYTES(TARGET, SOURCE, 0x81, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 0x81, 0, 0, 4, 0x81, 0, 0, 5, 0x81, 0, 0, 6,
           0x81, 0, 0, 7, 0x81, 0, 0, 8, 0x81, 0, 0, 9, 8, 0, V4),
     .want = false},
    {"ARP", LINK_ETHERNET, 0, BYTES(TARGET, SOURCE, 8, 6, 0), .want = false},
    {"802.3 length", LINK_ETHERNET, 0, BYTES(TARGET, SOURCE, 0, 46, V4), .want = false},
    {"type and version disagree", LINK_ETHERNET, 0, BYTES(TARGET, SOURCE, 8, 0, V6), .want = false},
    {"cut inside the header", LINK_ETHERNET, 0, BYTES(TARGET, SOURCE, 8), .want = false},
    {"cut behind the header", LINK_ETHERNET, 0, BYTES(TARGET, SOURCE, 8, 0), .want = false},
    {"cut inside a tag", LINK_ETHERNET, 0, BYTES(TARGET, SOURCE, 0x81, 0, 0, 7, 8), .want = false},

    {"cooked", LINK_LINUX_SLL, 0, BYTES(0, 0, 0, 1, 0, 6, SOURCE, 0, 0, 8, 0, V4), true, 16, 0, 0, true},
    {"cooked, tagged", LINK_LINUX_SLL, 0, BYTES(0, 0, 0, 1, 0, 6, SOURCE, 0, 0, 0x81, 0, 0, 7, 0x86, 0xdd, V6), true,
     20, 7, 1, true},
    {"cooked, no address", LINK_LINUX_SLL, 0, BYTES(0, 4, 2, 8, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0, V4), true, 16, 0, 0,
     false},
    {"cooked, cut", LINK_LINUX_SLL, 0, BYTES(0, 0, 0, 1, 0, 6, SOURCE, 0, 0, 8), .want = false},
    {"cooked v2", LINK_LINUX_SLL2, 0, BYTES(0x86, 0xdd, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, SOURCE, 0, 0, V6), true, 20, 0, 0,
     true},
    {"cooked v2, no address", LINK_LINUX_SLL2, 0, BYTES(8, 0, 0, 0, 0, 0, 0, 3, 2, 8, 0, 4, 1, 2, 3, 4, 5, 6, 0, 0, V4),
     true, 20, 0, 0, false},

    {"loopback, little end", LINK_NULL, 0, BYTES(2, 0, 0, 0, V4), true, 4, 0, 0, false},
    {"loopback, big end", LINK_NULL, 0, BYTES(0, 0, 0, 2, V4), true, 4, 0, 0, false},
    {"loopback, IPv6 of FreeBSD", LINK_NULL, 0, BYTES(28, 0, 0, 0, V6), true, 4, 0, 0, false},
    {"loopback, IPv6 of Darwin", LINK_NULL, 0, BYTES(0, 0, 0, 30, V6), true, 4, 0, 0, false},
    {"loopback of OpenBSD", LINK_LOOP, 0, BYTES(0, 0, 0, 24, V6), true, 4, 0, 0, false},
    {"loopback, AppleTalk", LINK_NULL, 0, BYTES(16, 0, 0, 0, V4), .want = false},
    {"loopback, nonsense", LINK_NULL, 0, BYTES(2, 0, 0, 2, V4), .want = false},
    {"loopback, cut", LINK_NULL, 0, BYTES(2, 0, 0), .want = false},

    {"raw IPv4", LINK_RAW, 0, BYTES(V4), true, 0, 0, 0, false},
    {"raw IPv6", LINK_RAW, 0, BYTES(V6), true, 0, 0, 0, false},
    {"raw, BSD", LINK_RAW_BSD12, 0, BYTES(V6), true, 0, 0, 0, false},
    {"raw, OpenBSD", LINK_RAW_BSD14, 0, BYTES(V4), true, 0, 0, 0, false},
    {"raw, neither", LINK_RAW, 0, BYTES(0x55), .want = false},
    {"IPv4 only", LINK_IPV4, 0, BYTES(V4), true, 0, 0, 0, false},
    {"IPv4 only, but it is not", LINK_IPV4, 0, BYTES(V6), .want = false},
    {"IPv6 only", LINK_IPV6, 0, BYTES(V6), true, 0, 0, 0, false},
    {"unknown link", 105, 0, BYTES(V4), .want = false},
    {"nothing captured", LINK_RAW, 0, (const uint8_t *)"", 0, .want = false},
};

static struct frame frame_of(const struct row *row, const uint8_t *bytes)
{
    return (struct frame){.bytes = bytes,
                          .captured = row->length,
                          .length = row->length + 5,
                          .link = row->link,
                          .vlan = row->kernel_vlan};
}

/* Each row from memory that ends where the row ends, so that the sanitizer sees a byte too many. */
static void each_frame_is_read_to_its_ip_header(void **state)
{
    static const uint8_t mac[6] = {SOURCE}, none[6];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        uint8_t *bytes = malloc(row->length ? row->length : 1);
        memcpy(bytes, row->bytes, row->length);
        struct frame frame = frame_of(row, bytes);
        struct link_layer link;
        print_message("  %s\n", row->name);
        bool got = link_decode(&frame, &link);
        assert_int_equal(got, row->want);
        if (got) {
            assert_ptr_equal(link.ip.at, bytes + row->want_ip);
            assert_ptr_equal(link.ip.end, bytes + row->length);
            assert_false(cursor_failed(&link.ip));
            assert_int_equal(link.vlan, row->want_vlan);
            assert_int_equal(link.tags, row->want_tags);
            assert_int_equal(link.odd, row->want_odd);
            assert_int_equal(link.missing, 5);
            assert_memory_equal(link.source_mac, row->want_mac ? mac : none, 6);
        }
        free(bytes);
    }
}

static void the_target_address_is_told_apart(void **state)
{
    static const uint8_t target[6] = {TARGET};
    (void)state;
    struct frame frame = frame_of(&rows[0], rows[0].bytes);
    struct link_layer link;
    assert_true(link_decode(&frame, &link));
    assert_memory_equal(link.target_mac, target, 6);
}

static void known_types_are_those_that_are_read(void **state)
{
    (void)state;
    assert_true(link_type_is_known(LINK_ETHERNET));
    assert_true(link_type_is_known(LINK_LINUX_SLL2));
    assert_true(link_type_is_known(LINK_NULL));
    assert_false(link_type_is_known(105)); /* 802.11 */
    assert_false(link_type_is_known(147));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_frame_is_read_to_its_ip_header),
        cmocka_unit_test(the_target_address_is_told_apart),
        cmocka_unit_test(known_types_are_those_that_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
