/* What the kernel's filter takes: frames as senders of mail make them, and as those do who hope to pass unseen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <pcap/pcap.h>
#include "agent/warden/capture.h"
#include "agent/warden/filter.h"

#define MOST 256

struct frame_bytes {
    uint8_t bytes[MOST];
    size_t length;
};

static void put(struct frame_bytes *frame, const char *hex)
{
    for (; hex[0]; hex += 2) {
        while (*hex == ' ')
            hex++;
        unsigned byte;
        if (sscanf(hex, "%2x", &byte) != 1)
            return;
        frame->bytes[frame->length++] = (uint8_t)byte;
    }
}

#define MACS      "020000000001 020000000002"
#define IP4       "4500 0028 0000 4000 40 06 0000 cb00710b c6336419"
#define TO_MAIL   "8000 0019 00000001 00000000 5002 ffff 0000 0000"
#define OF_MAIL   "0019 8000 00000001 00000000 5012 ffff 0000 0000"
#define TO_WEB    "8000 01bb 00000001 00000000 5002 ffff 0000 0000"
#define IP6(next) "60000000 0014 " next " 40 20010db8000100000000000000000011 20010db8002500000000000000000025"

static const struct {
    const char *name;
    bool want;
    const char *hex;
} rows[] = {
    {"mail over IPv4", true, MACS "0800" IP4 TO_MAIL},
    {"a mail server's answer", true, MACS "0800" IP4 OF_MAIL},
    {"mail over IPv6", true, MACS "86dd" IP6("06") TO_MAIL},
    {"the web", false, MACS "0800" IP4 TO_WEB},
    {"the web over IPv6", false, MACS "86dd" IP6("06") TO_WEB},
    {"the same ports over UDP", false, MACS "0800 4500 0028 0000 4000 40 11 0000 cb00710b c6336419" TO_MAIL},
    {"ARP", false, MACS "0806 0001080006040001 020000000001 cb00710b 000000000000 cb007101"},
    {"IPv4 with options", true, MACS "0800 4600 002c 0000 4000 40 06 0000 cb00710b c6336419 01010101" TO_MAIL},
    {"an IPv4 fragment without ports", true, MACS "0800 4500 0028 0000 0003 40 06 0000 cb00710b c6336419 00000000"},
    {"the first IPv4 fragment", true, MACS "0800 4500 0028 0000 2000 40 06 0000 cb00710b c6336419" TO_MAIL},
    {"a fragment of UDP", false, MACS "0800 4500 0028 0000 0003 40 11 0000 cb00710b c6336419 00000000"},
    {"hop-by-hop options before TCP", true, MACS "86dd" IP6("00") "0600010400000000" TO_MAIL},
    {"a routing header", true, MACS "86dd" IP6("2b") "0600040000000000" TO_MAIL},
    {"an atomic fragment", true, MACS "86dd" IP6("2c") "0600000000000000" TO_MAIL},
    {"target options", true, MACS "86dd" IP6("3c") "0600010400000000" TO_MAIL},
    {"a tag behind the one that the kernel took off", true, MACS "8100 0000 0800" IP4 TO_MAIL},
    {"a service tag", true, MACS "88a8 0000 8100 0000 0800" IP4 TO_MAIL},
};

static bool passes(const struct sock_fprog *program, const struct frame_bytes *frame)
{
    /* the kernel's and libpcap's instructions are the same eight bytes */
    return bpf_filter((const struct bpf_insn *)(const void *)program->filter, frame->bytes, (u_int)frame->length,
                      (u_int)frame->length) > 0;
}

static void test_what_passes(void **state)
{
    static const uint16_t ports[] = {25, 465, 587, 0};
    struct sock_fprog ethernet, raw;
    struct error error = {0};
    (void)state;
    assert_int_equal(filter_compile(ports, true, &ethernet, &error), 0);
    assert_int_equal(filter_compile(ports, false, &raw, &error), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct frame_bytes frame = {.length = 0};
        put(&frame, rows[i].hex);
        if (passes(&ethernet, &frame) != rows[i].want)
            fail_msg("%s", rows[i].name);
        bool ip = frame.bytes[12] == 0x08 ? frame.bytes[13] == 0 : frame.bytes[12] == 0x86;
        if (!ip)
            continue;
        frame.length -= 14; /* the same without Ethernet */
        memmove(frame.bytes, frame.bytes + 14, frame.length);
        if (passes(&raw, &frame) != rows[i].want)
            fail_msg("%s, bare", rows[i].name);
    }
    free(ethernet.filter);
    free(raw.filter);
}

static void test_the_text(void **state)
{
    static const uint16_t ports[] = {25, 587, 0};
    char text[FILTER_TEXT];
    (void)state;
    assert_string_equal(filter_print(ports, true, text),
                        "(tcp port 25 or tcp port 587) or "
                        "(ip6 and (ip6[6]=0 or ip6[6]=43 or ip6[6]=44 or ip6[6]=60)) or "
                        "(ip and ip[6:2]&0x3fff!=0 and ip[9]=6) or ether proto 0x8100 or ether proto 0x88a8");
    assert_null(strstr(filter_print(ports, false, text), "ether"));
}

static void test_the_most_ports_fit(void **state)
{
    uint16_t ports[16] = {0};
    struct sock_fprog program;
    struct error error = {0};
    (void)state;
    for (uint16_t i = 0; i < 15; i++)
        ports[i] = (uint16_t)(65500 + i);
    assert_int_equal(filter_compile(ports, true, &program, &error), 0);
    free(program.filter);
}

/* A super-segment fits into a block whole; many positions do not take gigabytes; a few get the large rings. */
static void test_rings(void **state)
{
    (void)state;
    uint64_t before = UINT64_MAX;
    for (uint32_t positions = 1; positions <= 5000; positions++) {
        struct capture_shape shape = capture_shape_for(positions, 0);
        uint64_t bytes = (uint64_t)shape.block_size * shape.blocks;
        assert_true(shape.block_size >= 65536 + 4096 && shape.blocks >= 2);
        assert_true(bytes >= 256 * 1024 && bytes <= 8 << 20 && bytes <= before);
        assert_true(shape.retire_milliseconds >= 1 && shape.retire_milliseconds <= (positions > 256 ? 64 : 8));
        if (positions <= 2048) /* timers that fire in a second, in all */
            assert_true(positions * 1000 / shape.retire_milliseconds <= 33000);
        if (positions >= 257)
            assert_int_equal(bytes, 256 * 1024);
        before = bytes;
    }
    assert_int_equal(capture_shape_for(1, 0).blocks * capture_shape_for(1, 0).block_size, 8 << 20);
    assert_int_equal(capture_shape_for(1000, 4 << 20).blocks * capture_shape_for(1, 0).block_size, 4 << 20);
    assert_int_equal(capture_shape_for(1, 1).blocks, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_passes), cmocka_unit_test(test_the_text),
                                       cmocka_unit_test(test_the_most_ports_fit), cmocka_unit_test(test_rings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
