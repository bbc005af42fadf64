/* Captures as files: written here in every form, read back in pieces of every size. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/packet/capture_file.h"
#include "agent/packet/link.h"

/* A file being written, in either byte order. */
struct file {
    uint8_t bytes[8192];
    size_t length;
    bool big;
};

static void put8(struct file *file, uint8_t value)
{
    assert_true(file->length < sizeof file->bytes);
    file->bytes[file->length++] = value;
}

static void put16(struct file *file, uint16_t value)
{
    put8(file, (uint8_t)(file->big ? value >> 8 : value));
    put8(file, (uint8_t)(file->big ? value : value >> 8));
}

static void put32(struct file *file, uint32_t value)
{
    put16(file, (uint16_t)(file->big ? value >> 16 : value));
    put16(file, (uint16_t)(file->big ? value : value >> 16));
}

static void put64(struct file *file, uint64_t value)
{
    put32(file, (uint32_t)(file->big ? value >> 32 : value));
    put32(file, (uint32_t)(file->big ? value : value >> 32));
}

static void put_text(struct file *file, const char *text)
{
    for (; *text; text++)
        put8(file, (uint8_t)*text);
}

static void pcap_header(struct file *file, uint32_t magic, uint16_t minor, uint32_t snap_length, uint32_t link)
{
    put32(file, magic);
    put16(file, 2);
    put16(file, minor);
    put64(file, 0);
    put32(file, snap_length);
    put32(file, link);
}

static void pcap_record(struct file *file, uint32_t seconds, uint32_t fraction, uint32_t length, const char *text)
{
    put32(file, seconds);
    put32(file, fraction);
    put32(file, (uint32_t)strlen(text));
    put32(file, length);
    put_text(file, text);
}

/* A pcapng block is begun, filled and ended; its length is written at both ends. */
static size_t block_begin(struct file *file, uint32_t type)
{
    size_t at = file->length;
    put32(file, type);
    put32(file, 0);
    return at;
}

static void block_end(struct file *file, size_t at)
{
    while (file->length % 4 != at % 4)
        put8(file, 0);
    uint32_t length = (uint32_t)(file->length + 4 - at);
    put32(file, length);
    size_t end = file->length;
    file->length = at + 4;
    put32(file, length);
    file->length = end;
}

static void section(struct file *file)
{
    size_t at = block_begin(file, 0x0a0d0d0a);
    put32(file, 0x1a2b3c4d);
    put16(file, 1);
    put16(file, 0);
    put64(file, UINT64_MAX);
    put16(file, 4); /* the writer's name */
    put16(file, 5);
    put_text(file, "tests");
    block_end(file, at);
}

static void interface(struct file *file, uint16_t link, uint32_t snap_length, int resolution, int64_t offset)
{
    size_t at = block_begin(file, 1);
    put16(file, link);
    put16(file, 0);
    put32(file, snap_length);
    put16(file, 2); /* a name that is passed over */
    put16(file, 5);
    put_text(file, "eth00");
    put16(file, 0), put8(file, 0);
    if (resolution >= 0) {
        put16(file, 9), put16(file, 1);
        put8(file, (uint8_t)resolution), put8(file, 0), put16(file, 0);
    }
    if (offset != 0) {
        put16(file, 14), put16(file, 8);
        put64(file, (uint64_t)offset);
    }
    put32(file, 0);
    block_end(file, at);
}

static void packet(struct file *file, uint32_t number, uint64_t time, uint32_t length, const char *text)
{
    size_t at = block_begin(file, 6);
    put32(file, number);
    put32(file, (uint32_t)(time >> 32));
    put32(file, (uint32_t)time);
    put32(file, (uint32_t)strlen(text));
    put32(file, length);
    put_text(file, text);
    block_end(file, at);
}

static void packet_old(struct file *file, uint16_t number, uint64_t time, uint32_t length, const char *text)
{
    size_t at = block_begin(file, 2);
    put16(file, number);
    put16(file, 77); /* drops */
    put32(file, (uint32_t)(time >> 32));
    put32(file, (uint32_t)time);
    put32(file, (uint32_t)strlen(text));
    put32(file, length);
    put_text(file, text);
    block_end(file, at);
}

static void packet_simple(struct file *file, uint32_t length, const char *text)
{
    size_t at = block_begin(file, 3);
    put32(file, length);
    put_text(file, text);
    block_end(file, at);
}

static void unknown_block(struct file *file, const char *text)
{
    size_t at = block_begin(file, 0xbad);
    put_text(file, text);
    block_end(file, at);
}

/* Read all in pieces of `step` new bytes; each frame becomes a line "time link captured/length text". Every piece is
 * handed over in memory of its own, so that the sanitizer sees a byte too many. */
static int read_back(const struct file *file, size_t step, char *result, size_t room, struct error *error)
{
    struct capture_file *capture = capture_file_create("x.pcap");
    size_t done = 0, given = 0, length = 0;
    *result = '\0';
    assert_non_null(capture);
    *error = (struct error){0};
    for (;;) {
        given = file->length - given < step ? file->length : given + step;
        size_t size = given - done;
        char *bytes = malloc(size ? size : 1);
        memcpy(bytes, file->bytes + done, size);
        size_t used = 0;
        enum capture_outcome outcome;
        struct frame frame;
        while ((outcome = capture_file_next(capture, (struct text){bytes + used, size - used}, given == file->length,
                                            &used, &frame, error)) == CAPTURE_FRAME) {
            assert_true(length < room);
            length += (size_t)snprintf(result + length, room - length, "%lld %u %u/%u %.*s\n", (long long)frame.time,
                                       frame.link, frame.captured, frame.length, (int)frame.captured,
                                       (const char *)frame.bytes);
        }
        done += used;
        assert_int_equal(capture_file_position(capture), done);
        free(bytes);
        if (outcome == CAPTURE_END)
            break;
        assert_true(given < file->length);
    }
    int code = error->code;
    struct error again = {0};
    size_t used = 0;
    struct frame frame;
    assert_int_equal(capture_file_next(capture, TEXT("more"), true, &used, &frame, &again), CAPTURE_END);
    assert_int_equal(again.code, 0);
    assert_int_equal(used, 0);
    capture_file_destroy(&capture);
    assert_null(capture);
    return code;
}

static void expect(const struct file *file, const char *want, int want_code, const char *want_error)
{
    static const size_t steps[] = {1, 2, 3, 7, 16, 61, 200, 100000};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        char got[4096];
        struct error error;
        assert_int_equal(read_back(file, steps[i], got, sizeof got, &error), want_code);
        assert_string_equal(got, want);
        if (want_error)
            assert_string_equal(error.text, want_error);
    }
}

static void pcap_in_both_orders_and_units(void **state)
{
    static const struct {
        uint32_t magic;
        const char *want;
    } kinds[] = {
        {0xa1b2c3d4, "1000000123456000 1 4/4 abcd\n4294967295999999000 1 0/9 \n"},
        {0xa1b23c4d, "1000000000123456 1 4/4 abcd\n4294967295000999999 1 0/9 \n"},
    };
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct file file = {.big = i & 1};
        pcap_header(&file, kinds[i / 2].magic, 4, 65535, LINK_ETHERNET);
        pcap_record(&file, 1000000, 123456, 4, "abcd");
        pcap_record(&file, UINT32_MAX, 999999, 9, "");
        expect(&file, kinds[i / 2].want, 0, NULL);
    }
}

static void modified_pcap_has_longer_records(void **state)
{
    (void)state;
    for (size_t big = 0; big < 2; big++) {
        struct file file = {.big = big};
        pcap_header(&file, 0xa1b2cd34, 4, 65535, LINK_RAW);
        for (unsigned i = 0; i < 2; i++) {
            put32(&file, 5), put32(&file, i), put32(&file, 3), put32(&file, 3);
            put64(&file, 0x0102030405060708);
            put_text(&file, "abc");
        }
        expect(&file, "5000000000 101 3/3 abc\n5000001000 101 3/3 abc\n", 0, NULL);
    }
}

static void lengths_were_once_exchanged(void **state)
{
    (void)state;
    struct file file = {0};
    pcap_header(&file, 0xa1b2c3d4, 3, 65535, LINK_ETHERNET);
    put32(&file, 5), put32(&file, 0), put32(&file, 9), put32(&file, 3);
    put_text(&file, "abc");
    expect(&file, "5000000000 1 3/9 abc\n", 0, NULL);
}

static void a_frame_is_at_least_as_long_as_captured(void **state)
{
    (void)state;
    struct file file = {0};
    pcap_header(&file, 0xa1b2c3d4, 4, 65535, LINK_ETHERNET);
    pcap_record(&file, 5, 0, 1, "abc");
    expect(&file, "5000000000 1 3/3 abc\n", 0, NULL);
}

static void the_upper_half_of_the_link_type_is_about_checksums(void **state)
{
    (void)state;
    struct file file = {0};
    pcap_header(&file, 0xa1b2c3d4, 4, 65535, 0x24000001);
    pcap_record(&file, 5, 0, 3, "abc");
    expect(&file, "5000000000 1 3/3 abc\n", 0, NULL);
}

static void pcapng_with_every_block(void **state)
{
    (void)state;
    for (size_t big = 0; big < 2; big++) {
        struct file file = {.big = big};
        section(&file);
        interface(&file, LINK_ETHERNET, 3, -1, 0);
        unknown_block(&file, "passed over");
        interface(&file, LINK_RAW, 0, 9, 0);
        packet(&file, 0, 5000001, 7, "abcde");
        packet(&file, 1, 6000000001, 2, "fg");
        packet_old(&file, 1, 7000000001, 9, "hij");
        packet_simple(&file, 5, "klm"); /* the first interface's snap length; the last frame's time */
        expect(&file, "5000001000 1 5/7 abcde\n6000000001 101 2/2 fg\n7000000001 101 3/9 hij\n7000000001 1 3/5 klm\n",
               0, NULL);
    }
}

static const struct {
    const char *name;
    int resolution;
    int64_t offset;
    uint64_t units;
    const char *want;
} times[] = {
    {"microseconds unless it says otherwise", -1, 0, 1500000, "1500000000"},
    {"seconds", 0, 0, 12, "12000000000"},
    {"milliseconds", 3, 0, 1234, "1234000000"},
    {"nanoseconds", 9, 0, 1234, "1234"},
    {"picoseconds", 12, 0, 1234567, "1234"},
    {"finer than any clock", 127, 0, UINT64_MAX, "0"},
    {"binary", 0x80 | 10, 0, 1536, "1500000000"},
    {"binary, 2^-32", 0x80 | 32, 0, (UINT64_C(7) << 32) + (1u << 31), "7500000000"},
    {"binary, finer than 64 bits", 0xff, 0, UINT64_MAX, "0"},
    {"offset", 6, 1000, 1, "1000000001000"},
    {"offset before", 6, -1, 2500000, "1500000000"},
    {"beyond what we count", 0, 0, UINT64_MAX, "9223372036854775807"},
    {"an absurd offset", 6, INT64_MAX, 1, "9223372036854775807"},
    {"an absurd offset before", 6, INT64_MIN, 0, "-9223372036854775808"},
};

static void times_have_any_resolution_and_offset(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof times / sizeof *times; i++) {
        struct file file = {.big = i & 1};
        char want[64];
        print_message("  %s\n", times[i / 2].name);
        section(&file);
        interface(&file, LINK_ETHERNET, 0, times[i / 2].resolution, times[i / 2].offset);
        packet(&file, 0, times[i / 2].units, 1, "a");
        snprintf(want, sizeof want, "%s 1 1/1 a\n", times[i / 2].want);
        expect(&file, want, 0, NULL);
    }
}

static void each_section_has_its_own_order_and_interfaces(void **state)
{
    (void)state;
    struct file file = {0};
    section(&file);
    interface(&file, LINK_ETHERNET, 0, -1, 0);
    packet(&file, 0, 1000000, 1, "a");
    file.big = true;
    section(&file);
    interface(&file, LINK_LINUX_SLL, 0, 3, 0);
    packet(&file, 0, 2000, 1, "b");
    file.big = false;
    section(&file);
    packet(&file, 0, 3, 1, "c");
    expect(&file, "1000000000 1 1/1 a\n2000000000 113 1/1 b\n", EBADMSG,
           "x.pcap: byte 272: a packet block names an interface that was not described");
}

static void unknown_links_are_passed_over_and_said_once(void **state)
{
    (void)state;
    struct file file = {0};
    section(&file);
    interface(&file, 105, 0, -1, 0);
    interface(&file, LINK_ETHERNET, 0, -1, 0);
    packet(&file, 0, 1000000, 1, "a");
    packet(&file, 1, 1000000, 1, "b");
    packet(&file, 0, 1000000, 1, "c");
    expect(&file, "1000000000 1 1/1 b\n", EPROTONOSUPPORT,
           "x.pcap: 2 frames passed over: link type 105 is none of Ethernet, raw IP, Linux cooked, loopback");

    struct file pcap = {0};
    pcap_header(&pcap, 0xa1b2c3d4, 4, 65535, 127);
    pcap_record(&pcap, 5, 0, 3, "abc");
    expect(&pcap, "", EPROTONOSUPPORT,
           "x.pcap: 1 frames passed over: link type 127 is none of Ethernet, raw IP, Linux cooked, loopback");
}

/* All frames before the damage, then the place. */
static void damage_is_named_with_its_place(void **state)
{
    (void)state;
    struct file file = {0};
    pcap_header(&file, 0xa1b2c3d4, 4, 65535, LINK_ETHERNET);
    pcap_record(&file, 5, 0, 3, "abc");
    size_t whole = file.length;
    pcap_record(&file, 6, 0, 3, "def");
    for (file.length--; file.length > whole; file.length--)
        expect(&file, "5000000000 1 3/3 abc\n", EBADMSG, "x.pcap: byte 43: the file ends inside a record");
    put32(&file, 6), put32(&file, 0), put32(&file, 0x7fffffff), put32(&file, 3);
    expect(&file, "5000000000 1 3/3 abc\n", EBADMSG, "x.pcap: byte 43: a frame's length is larger than any frame");

    struct file empty = {0}, text = {0};
    expect(&empty, "", 0, NULL);
    put_text(&text, "Nov 23 08:00:00 mail postfix/smtp[1]: sent\n");
    expect(&text, "", EBADMSG, "x.pcap: byte 0: neither pcap nor pcapng");
}

static void damaged_blocks(void **state)
{
    static const struct {
        const char *name;
        size_t at; /* where a byte is changed, behind the first packet */
        uint8_t value;
        const char *want;
    } damages[] = {
        {"length too small", 4, 8, "x.pcap: byte 112: a block has an impossible length"},
        {"length not of words", 4, 37, "x.pcap: byte 112: a block has an impossible length"},
        {"length too large", 7, 0x7f, "x.pcap: byte 112: a block has an impossible length"},
        {"two lengths", 32, 33, "x.pcap: byte 112: a block's two lengths differ"},
        {"frame longer than its block", 20, 40, "x.pcap: byte 112: a packet block is shorter than its frame"},
        {"interface", 8, 9, "x.pcap: byte 112: a packet block names an interface that was not described"},
        {"no section", 0, 6, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct file file = {0};
        print_message("  %s\n", damages[i].name);
        section(&file);
        interface(&file, LINK_ETHERNET, 0, -1, 0);
        packet(&file, 0, 1000000, 3, "abc");
        size_t at = file.length;
        packet(&file, 0, 1000000, 3, "def");
        file.bytes[at + damages[i].at] = damages[i].value;
        if (damages[i].want)
            expect(&file, "1000000000 1 3/3 abc\n", EBADMSG, damages[i].want);
        else
            expect(&file, "1000000000 1 3/3 abc\n1000000000 1 3/3 def\n", 0, NULL);
    }
}

/* A block of hundreds of megabytes is passed over without anybody holding it. */
static void oversize_blocks_are_passed_over(void **state)
{
    (void)state;
    struct file start = {0}, end = {0};
    section(&start);
    interface(&start, LINK_ETHERNET, 0, -1, 0);
    put32(&start, 6);
    put32(&start, 300 * 1024 * 1024);
    packet(&end, 0, 1000000, 3, "abc");

    struct capture_file *capture = capture_file_create("x.pcap");
    struct frame frame;
    struct error error = {0};
    size_t used = 0;
    struct text bytes = {(const char *)start.bytes, start.length};
    assert_int_equal(capture_file_next(capture, bytes, false, &used, &frame, &error), CAPTURE_MORE);
    /* The first words of the block are wanted again until its framing is there. */
    uint64_t left = 300 * 1024 * 1024 - (start.length - used);
    static uint8_t zeros[1024 * 1024];
    memcpy(zeros, start.bytes + used, start.length - used);
    size_t kept = start.length - used;
    while (left > 0) {
        size_t now = left < sizeof zeros - kept ? (size_t)left : sizeof zeros - kept;
        used = 0;
        bytes = (struct text){(const char *)zeros, now + kept};
        assert_int_equal(capture_file_next(capture, bytes, false, &used, &frame, &error), CAPTURE_MORE);
        assert_int_equal(used, now + kept);
        left -= now;
        kept = 0;
        memset(zeros, 0, 16);
    }
    assert_int_equal(capture_file_passed(capture), 1);
    used = 0;
    bytes = (struct text){(const char *)end.bytes, end.length};
    assert_int_equal(capture_file_next(capture, bytes, true, &used, &frame, &error), CAPTURE_FRAME);
    assert_int_equal(frame.captured, 3);
    capture_file_destroy(&capture);
}

static void captures_are_told_by_four_bytes(void **state)
{
    (void)state;
    assert_true(capture_file_is(TEXT("\xd4\xc3\xb2\xa1")));
    assert_true(capture_file_is(TEXT("\xa1\xb2\xc3\xd4")));
    assert_true(capture_file_is(TEXT("\x4d\x3c\xb2\xa1")));
    assert_true(capture_file_is(TEXT("\xa1\xb2\xcd\x34")));
    assert_true(capture_file_is(TEXT("\x0a\x0d\x0d\x0a")));
    assert_false(capture_file_is(TEXT("\x0a\x0d\x0d")));
    assert_false(capture_file_is(TEXT("Nov 23")));
    assert_false(capture_file_is(TEXT("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pcap_in_both_orders_and_units),
        cmocka_unit_test(modified_pcap_has_longer_records),
        cmocka_unit_test(lengths_were_once_exchanged),
        cmocka_unit_test(a_frame_is_at_least_as_long_as_captured),
        cmocka_unit_test(the_upper_half_of_the_link_type_is_about_checksums),
        cmocka_unit_test(pcapng_with_every_block),
        cmocka_unit_test(times_have_any_resolution_and_offset),
        cmocka_unit_test(each_section_has_its_own_order_and_interfaces),
        cmocka_unit_test(unknown_links_are_passed_over_and_said_once),
        cmocka_unit_test(damage_is_named_with_its_place),
        cmocka_unit_test(damaged_blocks),
        cmocka_unit_test(oversize_blocks_are_passed_over),
        cmocka_unit_test(captures_are_told_by_four_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
