/* A reset as bytes: addresses and ports turned the right way, the sequence number that its receiver waits for,
 * checksums that add up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/warden/resets.h"

static struct message_reset given(uint8_t family, uint16_t vlan)
{
    struct message_reset reset = {.family = family,
                                  .client_port = 40000,
                                  .server_port = 25,
                                  .vlan = vlan,
                                  .client_mac = {2, 0, 0, 0, 0, 0x11},
                                  .server_mac = {2, 0, 0, 0, 0, 0xfe},
                                  .to_client_sequence = 0x01020304,
                                  .to_server_sequence = 0xfffffffe};
    static const uint8_t client4[] = {203, 0, 113, 11}, server4[] = {198, 51, 100, 25};
    static const uint8_t client6[16] = {0x20, 1, 0xd, 0xb8, [15] = 0x11},
                         server6[16] = {0x20, 1, 0xd, 0xb8, [15] = 0x25};
    memcpy(reset.client, family == 4 ? client4 : client6, family == 4 ? 4 : 16);
    memcpy(reset.server, family == 4 ? server4 : server6, family == 4 ? 4 : 16);
    return reset;
}

static uint32_t sum(const uint8_t *bytes, size_t length, uint32_t start)
{
    for (size_t i = 0; i < length; i++)
        start += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
    return start;
}

static uint16_t folded(uint32_t value)
{
    while (value >> 16)
        value = (value & 0xffff) + (value >> 16);
    return (uint16_t)value;
}

/* RFC 1071: with the checksum in its place the sum is all ones. */
static void check_sums(const uint8_t *ip, uint8_t family)
{
    const uint8_t *tcp = ip + (family == 4 ? 20 : 40);
    size_t addresses = family == 4 ? 8 : 32;
    if (family == 4)
        assert_int_equal(folded(sum(ip, 20, 0)), 0xffff);
    assert_int_equal(folded(sum(tcp, 20, sum(tcp - addresses, addresses, 6 + 20))), 0xffff);
}

static uint32_t load32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void test_both_ends(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
        for (int tagged = 0; tagged <= 1; tagged++) {
            for (int end = RESET_TO_CLIENT; end <= RESET_TO_SERVER; end++) {
                struct message_reset reset = given(family, tagged ? 77 : 0);
                uint8_t frame[RESET_FRAME_MOST], bare[RESET_FRAME_MOST];
                size_t length = reset_build(&reset, (enum reset_end)end, true, frame);
                size_t ethernet = tagged ? 18 : 14, network = family == 4 ? 20 : 40, address = family == 4 ? 4 : 16;
                bool client = end == RESET_TO_CLIENT;
                const uint8_t *ip = frame + ethernet, *tcp = ip + network;
                assert_int_equal(length, ethernet + network + 20);
                assert_memory_equal(frame, client ? reset.client_mac : reset.server_mac, 6);
                assert_memory_equal(frame + 6, client ? reset.server_mac : reset.client_mac, 6);
                if (tagged)
                    assert_memory_equal(frame + 12, "\x81\x00\x00\x4d", 4);
                assert_memory_equal(ip - 2, family == 4 ? "\x08\x00" : "\x86\xdd", 2);
                assert_memory_equal(tcp - 2 * address, client ? reset.server : reset.client, address);
                assert_memory_equal(tcp - address, client ? reset.client : reset.server, address);
                assert_memory_equal(tcp, client ? "\x00\x19\x9c\x40" : "\x9c\x40\x00\x19", 4);
                assert_int_equal(load32(tcp + 4), client ? 0x01020304 : 0xfffffffe);
                assert_int_equal(tcp[12], 0x50);
                assert_int_equal(tcp[13] & 0x04, 0x04);
                check_sums(ip, family);
                assert_int_equal(reset_build(&reset, (enum reset_end)end, false, bare), network + 20);
                assert_memory_equal(bare, ip, network + 20);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_both_ends)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
