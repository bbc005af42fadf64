/* From an IP header to a TCP segment. A packet is written as a row of headers; the payload is the alphabet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/packet/ip.h"
#include "common/words/observation.h"

#define PAYLOAD "abcdefghijklmnopqrstuvwxyz"

enum { V4 = 0x10000, V6 = 0x20000 };

struct packet {
    uint8_t bytes[80 * 1024];
    uint32_t length;
};

static void put(struct packet *packet, const void *bytes, size_t length)
{
    memcpy(packet->bytes + packet->length, bytes, length);
    packet->length += (uint32_t)length;
}

#define PUT(packet, ...) put(packet, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void put_ipv4(struct packet *packet, uint16_t length, uint16_t fragment, uint8_t protocol, uint8_t options)
{
    PUT(packet, (uint8_t)(0x45 + options / 4), 0, (uint8_t)(length >> 8), (uint8_t)length, 0, 9, //
        (uint8_t)(fragment >> 8), (uint8_t)fragment, 63, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2);
    for (unsigned i = 0; i < options; i++)
        PUT(packet, 1);
}

static void put_ipv6(struct packet *packet, uint16_t length, uint8_t next)
{
    PUT(packet, 0x60, 0, 0, 0, (uint8_t)(length >> 8), (uint8_t)length, next, 63);
    PUT(packet, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
}

static void put_tcp(struct packet *packet, uint8_t words)
{
    PUT(packet, 0x12, 0x34, 0, 25, 1, 2, 3, 4, 5, 6, 7, 8, (uint8_t)(words << 4), 0x18, 0x20, 0x00, 0, 0, 0, 0);
    for (unsigned i = 5; i < words; i++)
        PUT(packet, 1, 1, 1, 1);
}

static enum ip_outcome decode(struct fragments *fragments, const struct packet *packet, uint32_t captured,
                              struct segment *segment, uint8_t **kept)
{
    struct link_layer link;
    uint8_t *bytes = malloc(captured ? captured : 1); /* ends where the capture ends: the sanitizer watches */
    memcpy(bytes, packet->bytes, captured);
    struct frame frame = {
        .time = SECOND, .bytes = bytes, .captured = captured, .length = packet->length, .port = 3, .link = LINK_RAW};
    enum ip_outcome outcome = IP_OTHER;
    if (link_decode(&frame, &link))
        outcome = ip_decode(&frame, &link, fragments, segment);
    segment->source_mac = NULL;
    *kept = bytes;
    return outcome;
}

/* One header of a packet as a letter in a row:
 *   4 6     IPv4, IPv6              h d r   hop-by-hop, destination options, routing header
 *   A       authentication header   a       atomic fragment header
 *   T       TCP and the payload     u       UDP instead */
static uint8_t number_of(char letter)
{
    switch (letter) {
    case 'h':
        return 0;
    case 'd':
        return 60;
    case 'r':
        return 43;
    case 'A':
        return 51;
    case 'a':
        return 44;
    case 'T':
        return 6;
    default:
        return 17;
    }
}

static void make(struct packet *packet, const char *headers)
{
    packet->length = 0;
    if (headers[0] == '4')
        put_ipv4(packet, 0, 0, number_of(headers[1]), 0);
    else
        put_ipv6(packet, 0, number_of(headers[1]));
    for (headers++; *headers; headers++) {
        uint8_t next = number_of(headers[1]);
        if (*headers == 'T') {
            put_tcp(packet, 5);
            put(packet, PAYLOAD, sizeof PAYLOAD - 1);
        } else if (*headers == 'A') {
            PUT(packet, next, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
        } else if (*headers == 'r') {
            PUT(packet, next, 2, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
        } else if (*headers == 'a') {
            PUT(packet, next, 0, 0, 0, 0, 0, 0, 7);
        } else {
            PUT(packet, next, 0, 1, 4, 0, 0, 0, 0);
        }
    }
    uint16_t length = (uint16_t)packet->length;
    if (packet->bytes[0] >> 4 == 6)
        length -= 40;
    unsigned at = packet->bytes[0] >> 4 == 6 ? 4 : 2;
    packet->bytes[at] = (uint8_t)(length >> 8);
    packet->bytes[at + 1] = (uint8_t)length;
}

static const struct row {
    const char *name, *headers;
    enum ip_outcome want;
    uint8_t want_odd; /* no mail server sends that */
} rows[] = {
    {"IPv4", "4T", IP_SEGMENT, 0},
    {"IPv4, UDP", "4u", IP_OTHER, 0},
    {"IPv4 with authentication header", "4AT", IP_SEGMENT, 0},
    {"IPv4 knows no destination options", "4dT", IP_OTHER, 0},
    {"IPv6", "6T", IP_SEGMENT, 0},
    {"IPv6, UDP", "6u", IP_OTHER, 0},
    {"hop-by-hop", "6hT", IP_SEGMENT, ODD_OPTIONS},
    {"hop-by-hop stands first or not at all", "6dhT", IP_MALFORMED, 0},
    {"destination options", "6dT", IP_SEGMENT, ODD_OPTIONS},
    {"routing", "6rT", IP_SEGMENT, ODD_OPTIONS},
    {"atomic fragment", "6aT", IP_SEGMENT, ODD_OPTIONS},
    {"options in the atomic fragment", "6hdradT", IP_SEGMENT, ODD_OPTIONS},
    {"two fragment headers", "6aaT", IP_MALFORMED, 0},
    {"authentication header", "6AT", IP_SEGMENT, 0},
    {"all of them", "6hdrdaAdT", IP_SEGMENT, ODD_OPTIONS},
    {"UDP behind them", "6hdu", IP_OTHER, 0},
};

static void expect_segment(const struct segment *segment, const struct packet *packet, size_t captured_payload)
{
    static const uint8_t source6[16] = {0xfd, [15] = 1}, target6[16] = {0xfd, [15] = 2};
    static const uint8_t source4[4] = {10, 0, 0, 1}, target4[4] = {10, 0, 0, 2};
    bool four = packet->bytes[0] >> 4 == 4;
    assert_int_equal(segment->family, four ? 4 : 6);
    assert_memory_equal(segment->source, four ? source4 : source6, four ? 4 : 16);
    assert_memory_equal(segment->target, four ? target4 : target6, four ? 4 : 16);
    assert_int_equal(segment->time, SECOND);
    assert_int_equal(segment->source_port, 0x1234);
    assert_int_equal(segment->target_port, 25);
    assert_int_equal(segment->sequence, 0x01020304);
    assert_int_equal(segment->acknowledged, 0x05060708);
    assert_int_equal(segment->window, 0x2000);
    assert_int_equal(segment->flags, SEGMENT_ACK | SEGMENT_PSH);
    assert_int_equal(segment->time_to_live, 63);
    assert_int_equal(segment->port, 3);
    assert_int_equal(segment->payload.length, captured_payload);
    assert_memory_equal(segment->payload.bytes, PAYLOAD, captured_payload);
    assert_int_equal(segment->missing, sizeof PAYLOAD - 1 - captured_payload);
}

static void headers_are_followed_to_tcp(void **state)
{
    static struct packet packet;
    (void)state;
    struct siphash_key key = {{1, 2}};
    struct fragments *fragments = fragments_create(4, &key);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct segment segment;
        uint8_t *bytes;
        print_message("  %s\n", rows[i].name);
        make(&packet, rows[i].headers);
        assert_int_equal(decode(fragments, &packet, packet.length, &segment, &bytes), rows[i].want);
        if (rows[i].want == IP_SEGMENT) {
            expect_segment(&segment, &packet, sizeof PAYLOAD - 1);
            assert_int_equal(segment.odd, rows[i].want_odd);
        }
        free(bytes);
    }
    fragments_destroy(&fragments);
}

/* The law of the snap length: wherever it cuts, either the segment is told with the right number of missing bytes or
 * nothing is; nothing is read behind the cut. */
static void a_cut_is_counted_wherever_it_falls(void **state)
{
    static struct packet packet;
    (void)state;
    struct siphash_key key = {{1, 2}};
    struct fragments *fragments = fragments_create(4, &key);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].want != IP_SEGMENT)
            continue;
        make(&packet, rows[i].headers);
        for (uint32_t captured = 1; captured <= packet.length; captured++) {
            struct segment segment;
            uint8_t *bytes;
            uint32_t payload_at = packet.length - (uint32_t)(sizeof PAYLOAD - 1);
            enum ip_outcome outcome = decode(fragments, &packet, captured, &segment, &bytes);
            assert_int_equal(outcome, captured < payload_at ? IP_MALFORMED : IP_SEGMENT);
            if (outcome == IP_SEGMENT)
                expect_segment(&segment, &packet, captured - payload_at);
            free(bytes);
        }
    }
    fragments_destroy(&fragments);
}

static const struct length_row {
    const char *name;
    int claimed; /* IPv4: total length; IPv6: payload length */
    int family;
    uint8_t ip_options, tcp_words;
    uint32_t payload, behind; /* bytes of payload, bytes of padding behind the packet */
    enum ip_outcome want;
    uint32_t want_payload;
} length_rows[] = {
    {"padding is cut", 46, V4, 0, 5, 6, 14, IP_SEGMENT, 6},
    {"padding alone is no payload", 40, V4, 0, 5, 0, 6, IP_SEGMENT, 0},
    {"IPv6 padding is cut", 26, V6, 0, 5, 6, 14, IP_SEGMENT, 6},
    {"IPv4 options", 20 + 8 + 20 + 6, V4, 8, 5, 6, 0, IP_SEGMENT, 6},
    {"forty bytes of options and TCP options", 20 + 40 + 60 + 6, V4, 40, 15, 6, 0, IP_SEGMENT, 6},
    {"TCP options", 20 + 32 + 6, V4, 0, 8, 6, 0, IP_SEGMENT, 6},
    {"TCP options to the end", 20 + 32, V4, 0, 8, 0, 3, IP_SEGMENT, 0},
    {"TCP header shorter than itself", 20 + 20 + 6, V4, 0, 4, 6, 0, IP_MALFORMED, 0},
    {"TCP header longer than the packet", 20 + 20 + 6, V4, 0, 15, 6, 0, IP_MALFORMED, 0},
    {"packet shorter than a TCP header", 20 + 19, V4, 0, 5, 6, 0, IP_MALFORMED, 0},
    {"packet shorter than its IP header", 27, V4, 8, 5, 6, 0, IP_MALFORMED, 0},
    {"claims more than was on the wire", 20 + 20 + 7, V4, 0, 5, 6, 0, IP_MALFORMED, 0},
    {"IPv6 claims more than was on the wire", 20 + 7, V6, 0, 5, 6, 0, IP_MALFORMED, 0},
    {"a super-segment without a length", 0, V4, 0, 5, 64 * 1024, 0, IP_SEGMENT, 64 * 1024},
    {"a super-segment with options and no length", 0, V4, 4, 8, 3000, 0, IP_SEGMENT, 3000},
    {"an IPv6 super-segment without a length", 0, V6, 0, 8, 70 * 1024, 0, IP_SEGMENT, 70 * 1024},
    {"the largest that has a length", 65535, V4, 0, 5, 65495, 0, IP_SEGMENT, 65495},
};

static void lengths_are_believed_as_a_receiver_would(void **state)
{
    static struct packet packet;
    (void)state;
    struct siphash_key key = {{1, 2}};
    struct fragments *fragments = fragments_create(4, &key);
    for (size_t i = 0; i < sizeof length_rows / sizeof *length_rows; i++) {
        const struct length_row *row = &length_rows[i];
        struct segment segment;
        uint8_t *bytes;
        print_message("  %s\n", row->name);
        memset(&packet, 0, sizeof packet);
        if (row->family == V4)
            put_ipv4(&packet, (uint16_t)row->claimed, 0, 6, row->ip_options);
        else
            put_ipv6(&packet, (uint16_t)row->claimed, 6);
        put_tcp(&packet, row->tcp_words);
        packet.length += row->payload + row->behind;
        assert_int_equal(decode(fragments, &packet, packet.length, &segment, &bytes), row->want);
        if (row->want == IP_SEGMENT) {
            assert_int_equal(segment.payload.length, row->want_payload);
            assert_int_equal(segment.odd, row->ip_options != 0 ? ODD_OPTIONS : 0);
            assert_int_equal(segment.missing, 0);
        }
        free(bytes);
    }
    fragments_destroy(&fragments);
}

static void a_jumbogram_says_its_length_in_an_option(void **state)
{
    static struct packet packet;
    (void)state;
    static const struct {
        uint16_t length;
        uint32_t jumbo, payload, padding;
        enum ip_outcome want;
    } jumbos[] = {
        {0, 28 + 70000, 70000, 0, IP_SEGMENT},
        {0, 28 + 70000, 70000, 9, IP_SEGMENT},
        {0, 28 + 70001, 70000, 0, IP_MALFORMED},        /* more than was there */
        {0, 65535, 70000, 0, IP_MALFORMED},             /* would not need the option */
        {28 + 100, 28 + 70000, 70000, 0, IP_MALFORMED}, /* two lengths */
    };
    struct siphash_key key = {{1, 2}};
    struct fragments *fragments = fragments_create(4, &key);
    for (size_t i = 0; i < sizeof jumbos / sizeof *jumbos; i++) {
        struct segment segment;
        uint8_t *bytes;
        uint32_t jumbo = jumbos[i].jumbo;
        packet.length = 0;
        put_ipv6(&packet, jumbos[i].length, 0);
        PUT(&packet, 6, 0, 0xc2, 4, (uint8_t)(jumbo >> 24), (uint8_t)(jumbo >> 16), (uint8_t)(jumbo >> 8),
            (uint8_t)jumbo);
        put_tcp(&packet, 5);
        packet.length += jumbos[i].payload + jumbos[i].padding;
        assert_int_equal(decode(fragments, &packet, packet.length, &segment, &bytes), jumbos[i].want);
        if (jumbos[i].want == IP_SEGMENT) {
            assert_int_equal(segment.payload.length, jumbos[i].payload);
            assert_int_equal(segment.odd, 0); /* the machine's own super-segments have it */
        }
        free(bytes);
    }
    fragments_destroy(&fragments);
}

/* Extension headers without number are no place to hide: what fits into a packet is followed. */
static void many_headers_are_followed_endless_ones_are_not(void **state)
{
    static struct packet packet;
    (void)state;
    struct siphash_key key = {{1, 2}};
    struct fragments *fragments = fragments_create(4, &key);
    for (unsigned count = 1; count <= 400; count++) {
        struct segment segment;
        uint8_t *bytes;
        packet.length = 0;
        put_ipv6(&packet, (uint16_t)(count * 8 + 20), 60);
        for (unsigned i = 1; i <= count; i++)
            PUT(&packet, i == count ? 6 : 60, 0, 1, 4, 0, 0, 0, 0);
        put_tcp(&packet, 5);
        enum ip_outcome outcome = decode(fragments, &packet, packet.length, &segment, &bytes);
        if (packet.length <= 1500)
            assert_int_equal(outcome, IP_SEGMENT);
        if (count == 400)
            assert_int_equal(outcome, IP_MALFORMED);
        free(bytes);
    }
    fragments_destroy(&fragments);
}

/* TCP header and payload in fragments of 8 bytes, both families, the second time backwards. */
static void fragments_become_a_segment(void **state)
{
    static struct packet packet, tcp;
    (void)state;
    struct siphash_key key = {{1, 2}};
    struct fragments *fragments = fragments_create(4, &key);
    tcp.length = 0;
    put_tcp(&tcp, 5);
    put(&tcp, PAYLOAD, sizeof PAYLOAD - 1);
    unsigned pieces = (tcp.length + 7) / 8;
    for (unsigned variant = 0; variant < 4; variant++) {
        for (unsigned i = 0; i < pieces; i++) {
            unsigned piece = variant & 1 ? pieces - 1 - i : i;
            uint32_t left = tcp.length - piece * 8, size = left < 8 ? left : 8;
            bool more = piece + 1 < pieces;
            packet.length = 0;
            if (variant & 2) {
                put_ipv6(&packet, (uint16_t)(8 + size), 44);
                PUT(&packet, 6, 0, 0, (uint8_t)(piece * 8 | more), 0, 0, 0, (uint8_t)variant);
            } else {
                put_ipv4(&packet, (uint16_t)(20 + size), (uint16_t)(piece | (more ? 0x2000 : 0)), 6, 0);
            }
            put(&packet, tcp.bytes + piece * 8, size);
            PUT(&packet, 0xff, 0xff); /* padding is no part of the fragment */
            struct segment segment;
            uint8_t *bytes;
            enum ip_outcome outcome = decode(fragments, &packet, packet.length, &segment, &bytes);
            assert_int_equal(outcome, i + 1 == pieces ? IP_SEGMENT : IP_FRAGMENT);
            if (outcome == IP_SEGMENT) {
                expect_segment(&segment, &packet, sizeof PAYLOAD - 1);
                assert_int_equal(segment.odd, ODD_FRAGMENTS);
            }
            free(bytes);
        }
    }
    assert_int_equal(fragments_counters(fragments).whole, 4);
    fragments_destroy(&fragments);
}

static void fragments_of_others_are_not_kept(void **state)
{
    static struct packet packet;
    (void)state;
    struct siphash_key key = {{1, 2}};
    struct fragments *fragments = fragments_create(4, &key);
    struct segment segment;
    uint8_t *bytes;
    packet.length = 0;
    put_ipv4(&packet, 28, 0x2000, 17, 0);
    PUT(&packet, 0, 1, 2, 3, 4, 5, 6, 7);
    assert_int_equal(decode(fragments, &packet, packet.length, &segment, &bytes), IP_OTHER);
    assert_int_equal(fragments_counters(fragments).fragments, 0);
    free(bytes);
    fragments_destroy(&fragments);
}

static void a_cut_fragment_is_counted(void **state)
{
    static struct packet packet;
    (void)state;
    struct siphash_key key = {{1, 2}};
    struct fragments *fragments = fragments_create(4, &key);
    struct segment segment;
    uint8_t *bytes;
    packet.length = 0;
    put_ipv4(&packet, 36, 0x2000, 6, 0);
    PUT(&packet, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    assert_int_equal(decode(fragments, &packet, packet.length - 4, &segment, &bytes), IP_FRAGMENT);
    assert_int_equal(fragments_counters(fragments).cut, 1);
    free(bytes);
    fragments_destroy(&fragments);
}

static void the_frame_says_where_it_was_seen(void **state)
{
    static struct packet packet;
    (void)state;
    struct siphash_key key = {{1, 2}};
    struct fragments *fragments = fragments_create(4, &key);
    struct link_layer link;
    struct segment segment;
    packet.length = 0;
    PUT(&packet, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 42, 8, 0);
    put_ipv4(&packet, 40, 0, 6, 0);
    put_tcp(&packet, 5);
    struct frame frame = {.bytes = packet.bytes,
                          .captured = packet.length,
                          .length = packet.length,
                          .port = 9,
                          .link = LINK_ETHERNET,
                          .direction = FRAME_FROM_GUEST};
    assert_true(link_decode(&frame, &link));
    assert_int_equal(ip_decode(&frame, &link, fragments, &segment), IP_SEGMENT);
    assert_int_equal(segment.vlan, 42);
    assert_int_equal(segment.port, 9);
    assert_int_equal(segment.direction, FRAME_FROM_GUEST);
    assert_memory_equal(segment.source_mac, packet.bytes + 6, 6);

    memset(packet.bytes, 0, 12); /* the loopback interface calls itself Ethernet, without addresses */
    assert_true(link_decode(&frame, &link));
    assert_int_equal(ip_decode(&frame, &link, fragments, &segment), IP_SEGMENT);
    assert_null(segment.source_mac);
    fragments_destroy(&fragments);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_followed_to_tcp),
        cmocka_unit_test(a_cut_is_counted_wherever_it_falls),
        cmocka_unit_test(lengths_are_believed_as_a_receiver_would),
        cmocka_unit_test(a_jumbogram_says_its_length_in_an_option),
        cmocka_unit_test(many_headers_are_followed_endless_ones_are_not),
        cmocka_unit_test(fragments_become_a_segment),
        cmocka_unit_test(fragments_of_others_are_not_kept),
        cmocka_unit_test(a_cut_fragment_is_counted),
        cmocka_unit_test(the_frame_says_where_it_was_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
