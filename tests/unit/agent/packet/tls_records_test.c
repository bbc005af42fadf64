/* What the lengths of TLS records tell: commands, messages and long replies, however the bytes are cut, and what
 * becomes of it where bytes are lost or were no TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/packet/tls_records.h"

/* Rows leave off what is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* A record: who sends it, its type, and the length of what is in it. */
struct record {
    char from; /* 'c', 's'; 0: the end */
    uint8_t type;
    uint16_t length;
};

enum { CHANGE = 20, ALERT = 21, HANDSHAKE = 22, DATA = 23, AROUND_12 = 24, AROUND_13 = 17 };

#define SAYS_12(who, length)                                                                                           \
    {                                                                                                                  \
        who, DATA, AROUND_12 + (length)                                                                                \
    }
#define SAYS_13(who, length)                                                                                           \
    {                                                                                                                  \
        who, DATA, AROUND_13 + (length)                                                                                \
    }
#define HANDSHAKE_12                                                                                                   \
    {'c', HANDSHAKE, 300}, {'s', HANDSHAKE, 90}, {'s', HANDSHAKE, 2800}, {'c', HANDSHAKE, 70}, {'c', CHANGE, 1},       \
        {'c', HANDSHAKE, 40}, {'s', CHANGE, 1},                                                                        \
    {                                                                                                                  \
        's', HANDSHAKE, 40                                                                                             \
    }
/* The server's hello of TLS 1.3 is made by play(): it is the first record of 122 bytes. */
#define HANDSHAKE_13                                                                                                   \
    {'c', HANDSHAKE, 300}, {'s', HANDSHAKE, 122}, {'s', CHANGE, 1}, {'s', DATA, 40}, {'s', DATA, 2900},                \
        {'s', DATA, 53}, {'c', CHANGE, 1},                                                                             \
    {                                                                                                                  \
        'c', DATA, 53                                                                                                  \
    }

static const struct row {
    const char *name;
    struct record records[40];
    uint16_t commands, messages, replies_long;
} rows[] = {
    {"nothing", {{0}}},
    {"a hello that nobody answers", {{'c', HANDSHAKE, 300}}},
    {"the handshake alone, 1.2", {HANDSHAKE_12}},
    {"the handshake alone, 1.3, with two tickets", {HANDSHAKE_13, {'s', DATA, 250}, {'s', DATA, 250}}},
    {"one message, 1.2",
     {HANDSHAKE_12, SAYS_12('c', 20), SAYS_12('s', 180), SAYS_12('c', 36), SAYS_12('s', 14), SAYS_12('c', 34),
      SAYS_12('s', 14), SAYS_12('c', 6), SAYS_12('s', 37), SAYS_12('c', 900), SAYS_12('s', 60), SAYS_12('c', 6),
      SAYS_12('s', 40)},
     2,
     1,
     0},
    {"one message, 1.3, tickets before the reply to EHLO",
     {HANDSHAKE_13,
      SAYS_13('c', 20),
      {'s', DATA, 250},
      {'s', DATA, 250},
      SAYS_13('s', 180),
      SAYS_13('c', 36),
      SAYS_13('s', 14),
      SAYS_13('c', 34),
      SAYS_13('s', 14),
      SAYS_13('c', 6),
      SAYS_13('s', 60),
      SAYS_13('c', 900),
      SAYS_13('s', 60),
      SAYS_13('c', 6),
      SAYS_13('s', 60)},
     2,
     1,
     0},
    {"by TLS from the first byte: the greeting comes first",
     {HANDSHAKE_13,
      {'s', DATA, 250},
      SAYS_13('s', 30),
      SAYS_13('c', 20),
      SAYS_13('s', 180),
      SAYS_13('c', 60),
      SAYS_13('s', 37),
      SAYS_13('c', 36),
      SAYS_13('s', 14),
      SAYS_13('c', 34),
      SAYS_13('s', 14),
      SAYS_13('c', 6),
      SAYS_13('s', 37),
      SAYS_13('c', 600),
      SAYS_13('s', 36)},
     3,
     1,
     0},
    {"the recipient is refused",
     {HANDSHAKE_13, SAYS_13('c', 20), SAYS_13('s', 180), SAYS_13('c', 36), SAYS_13('s', 14), SAYS_13('c', 34),
      SAYS_13('s', 95), SAYS_13('c', 6), SAYS_13('s', 15)},
     2,
     0,
     1},
    {"three refused, one taken",
     {HANDSHAKE_12, SAYS_12('c', 20), SAYS_12('s', 180), SAYS_12('c', 36), SAYS_12('s', 14), SAYS_12('c', 34),
      SAYS_12('s', 95), SAYS_12('c', 34), SAYS_12('s', 96), SAYS_12('c', 34), SAYS_12('s', 99), SAYS_12('c', 34),
      SAYS_12('s', 14), SAYS_12('c', 6), SAYS_12('s', 60), SAYS_12('c', 4000), SAYS_12('c', 3000), SAYS_12('s', 40)},
     5,
     1,
     3},
    {"pipelined",
     {HANDSHAKE_13, SAYS_13('c', 20), SAYS_13('s', 180), SAYS_13('c', 160), SAYS_13('s', 65), SAYS_13('c', 700),
      SAYS_13('s', 60)},
     1,
     1,
     0},
    {"a chunk together with its envelope",
     {HANDSHAKE_13, SAYS_13('c', 20), SAYS_13('s', 180), SAYS_13('c', 160), SAYS_13('c', 4000), SAYS_13('s', 65)},
     0,
     1,
     0},
    {"EHLO and QUIT: no transaction",
     {HANDSHAKE_13, SAYS_13('c', 20), SAYS_13('s', 180), SAYS_13('c', 6), SAYS_13('s', 60), {'c', ALERT, 19}}},
    {"no TLS", {HANDSHAKE_12, SAYS_12('c', 20), SAYS_12('s', 180), {'c', 'Q', 30}, SAYS_12('c', 36), SAYS_12('s', 14)}},
};

struct stream {
    char bytes[65536];
    size_t length;
};

static void put_record(struct stream *stream, const struct record *record)
{
    static const char newer[] = {0, 0x2b, 0, 2, 3, 4};
    char *at = stream->bytes + stream->length;
    at[0] = (char)record->type;
    at[1] = at[2] = 3;
    at[3] = (char)(record->length >> 8);
    at[4] = (char)record->length;
    memset(at + 5, 'x', record->length);
    if (record->from == 's' && record->type == HANDSHAKE && record->length == 122)
        memcpy(at + 90, newer, sizeof newer);
    stream->length += 5u + record->length;
}

/* Each direction's records up to where the other one speaks, in pieces; 0: all at once. */
static void play(struct tls_records *records, const struct record *list, size_t piece)
{
    tls_records_begin(records);
    while (list->from) {
        static struct stream stream;
        stream.length = 0;
        char from = list->from;
        for (; list->from == from; list++)
            put_record(&stream, list);
        for (size_t at = 0; at < stream.length;) {
            /* the server's hello in one piece, as servers send it */
            size_t length = piece == 0 || (from == 's' && at == 0) ? stream.length : piece;
            length = length < stream.length - at ? length : stream.length - at;
            tls_records_add(records, from == 's' ? TLS_SERVER : TLS_CLIENT, (struct text){stream.bytes + at, length});
            at += length;
        }
    }
    tls_records_finish(records);
}

static void lengths_tell(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t piece = 0; piece < 8; piece++) {
            struct tls_records records;
            play(&records, rows[i].records, piece);
            if (records.commands != rows[i].commands || records.messages != rows[i].messages ||
                records.replies_long != rows[i].replies_long)
                fail_msg("%s, pieces of %zu: %u commands, %u messages, %u long", rows[i].name, piece, records.commands,
                         records.messages, records.replies_long);
        }
    }
}

static void add_record(struct tls_records *records, char from, uint16_t length)
{
    static struct stream stream;
    stream.length = 0;
    put_record(&stream, &(struct record){from, DATA, length});
    tls_records_add(records, from == 's' ? TLS_SERVER : TLS_CLIENT, (struct text){stream.bytes, stream.length});
}

static void begin_transaction(struct tls_records *records)
{
    tls_records_begin(records);
    static const uint16_t talk[] = {44, 204, 60, 38, 58, 38, 30, 61};
    for (size_t i = 0; i < sizeof talk / sizeof talk[0]; i++)
        add_record(records, i % 2 ? 's' : 'c', talk[i]);
}

/* The snap length cuts large segments of content: inside a record, and over several. */
static void content_may_be_lost(void **state)
{
    (void)state;
    static const uint32_t lost[] = {1000, 50000};
    for (int i = 0; i < 2; i++) {
        struct tls_records records;
        begin_transaction(&records);
        static const char head[] = "\x17\x03\x03\x08\x00 beginning";
        tls_records_add(&records, TLS_CLIENT, (struct text){head, sizeof head - 1});
        tls_records_skip(&records, TLS_CLIENT, lost[i]);
        if (i == 0) /* the rest of the record, known by its length */
            tls_records_skip(&records, TLS_CLIENT, 2048 - (sizeof head - 1 - 5) - 1000);
        else /* somewhere in a record, which cannot be told */
            tls_records_add(&records, TLS_CLIENT, TEXT("the rest of a record"));
        add_record(&records, 's', 60);
        add_record(&records, 'c', 60);
        add_record(&records, 's', 38);
        tls_records_finish(&records);
        assert_int_equal(records.messages, 1);
        assert_int_equal(records.commands, 3);
        assert_int_equal(records.replies_long, 0);
    }
}

static void what_was_no_tls_is_forgotten(void **state)
{
    (void)state;
    struct tls_records records;
    begin_transaction(&records);
    tls_records_stop(&records);
    add_record(&records, 'c', 3000);
    add_record(&records, 's', 60);
    tls_records_finish(&records);
    assert_int_equal(records.messages + records.commands + records.replies_long, 0);
}

/* A session of any length stays within its counters. */
static void counters_stop_at_their_most(void **state)
{
    (void)state;
    struct tls_records records;
    begin_transaction(&records);
    for (uint32_t i = 0; i < 140000; i++)
        add_record(&records, i % 2 ? 's' : 'c', 600);
    tls_records_finish(&records);
    assert_int_equal(records.messages, UINT16_MAX);
}

static void any_bytes(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (int round = 0; round < 2000; round++) {
        struct tls_records records;
        tls_records_begin(&records);
        for (int i = 0; i < 40; i++) {
            char *bytes = malloc(64);
            for (int k = 0; k < 64; k++) {
                random = random * 1103515245u + 12345u;
                bytes[k] = (char)(random >> 16 & (k < 5 ? 0x17 : 0xff));
            }
            size_t length = 1 + random % 64;
            enum tls_side side = random >> 20 & 1 ? TLS_CLIENT : TLS_SERVER;
            if (random >> 24 & 1)
                memcpy(bytes, "\x17\x03\x03", 3);
            if (i % 7 == 3)
                tls_records_skip(&records, side, random);
            else
                tls_records_add(&records, side, (struct text){bytes, length});
            free(bytes);
        }
        tls_records_finish(&records);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lengths_tell), cmocka_unit_test(content_may_be_lost),
                                       cmocka_unit_test(what_was_no_tls_is_forgotten),
                                       cmocka_unit_test(counters_stop_at_their_most), cmocka_unit_test(any_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
