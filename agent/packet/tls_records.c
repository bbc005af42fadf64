/* See tls_records.h.
 *
 * The end of the handshake. Up to TLS 1.2 data are records of their own type, and nothing else is. In TLS 1.3 the
 * server's certificate and both sides' Finished have the type of data as well; so there the client's first such record
 * is its Finished, and what the server sent before it is no data. Session tickets come before the reply to EHLO, which
 * is not measured. Which version it is stands in the server's hello. */
#include "agent/packet/tls_records.h"

#include <string.h>

enum tls_where { NOT_FOLLOWED, FOLLOWED, LOST };
enum { RECORD_CHANGE = 20, RECORD_DATA = 23, RECORD_MOST = 16384 + 2048, HEADER = 5 };
enum { NOBODY, CLIENT, SERVER };

/* Bytes of a record that are no text: 17 in TLS 1.3, 24 with the usual ciphers of TLS 1.2. */
#define AROUND 22
/* The second turn, behind EHLO, is MAIL, with whatever the client may send together with it; a message in the same turn
 * (RFC 3030) is told from many recipients by its size. */
#define MESSAGE_LEAST        256
#define MESSAGE_LEAST_SECOND 1500
/* Shorter ones are RSET, NOOP, DATA and QUIT. */
#define COMMAND_LEAST 17
/* More than the shortest reply by so much: "250 2.1.5 Ok" and "550 5.1.1 <user@example.com>: Recipient address
 * rejected". 354 is longer as well, but then a message follows. */
#define LONGER 40

void tls_records_begin(struct tls_records *records)
{
    *records = (struct tls_records){.sides = {{.where = FOLLOWED}, {.where = FOLLOWED}}};
}

void tls_records_stop(struct tls_records *records)
{
    *records = (struct tls_records){.sides = {{.where = NOT_FOLLOWED}, {.where = NOT_FOLLOWED}}};
}

static void count(uint16_t *counter)
{
    *counter += *counter < UINT16_MAX;
}

static void add(uint32_t *sum, uint32_t more)
{
    *sum = *sum > UINT32_MAX - more ? UINT32_MAX : *sum + more;
}

/* The client's turn is over: what it was. */
static void end_turn(struct tls_records *records)
{
    if (records->speaker != CLIENT)
        return;
    records->message =
        records->turns >= 2 && records->said >= (records->turns == 2 ? MESSAGE_LEAST_SECOND : MESSAGE_LEAST);
    if (records->message)
        count(&records->messages);
    else if (records->turns >= 2 && records->said >= COMMAND_LEAST)
        count(&records->commands);
    if (records->long_reply && !records->message)
        count(&records->replies_long);
    records->long_reply = false;
}

/* The reply is complete, for the client speaks again. */
static void end_reply(struct tls_records *records)
{
    if (records->speaker != SERVER || records->turns < 2 || records->message)
        return;
    uint16_t length = records->replied < UINT16_MAX ? (uint16_t)records->replied : UINT16_MAX;
    if (records->shortest == 0 || length < records->shortest)
        records->shortest = length;
    records->long_reply = length - records->shortest >= LONGER;
}

static void take_data(struct tls_records *records, enum tls_side side, uint32_t length)
{
    if (records->newer && !records->finished) {
        records->finished = side == TLS_CLIENT;
        return;
    }
    if (side == TLS_CLIENT) {
        if (records->speaker != CLIENT) {
            end_reply(records);
            count(&records->turns);
            records->said = 0;
        }
        records->speaker = CLIENT;
        add(&records->said, length > AROUND ? length - AROUND : 0);
    } else {
        if (records->speaker != SERVER) {
            end_turn(records);
            records->replied = 0;
        }
        records->speaker = SERVER;
        add(&records->replied, length);
    }
}

static uint32_t length_of(const uint8_t header[HEADER])
{
    return (uint32_t)header[3] << 8 | header[4];
}

static bool is_header(const uint8_t header[HEADER])
{
    uint32_t length = length_of(header);
    return header[0] >= RECORD_CHANGE && header[0] <= RECORD_DATA && header[1] == 3 && header[2] <= 4 && length > 0 &&
           length <= RECORD_MOST;
}

/* "supported_versions": one, TLS 1.3. Only the server's hello has it so (RFC 8446 4.2.1). */
static bool says_newer(struct text rest)
{
    struct text hello = {rest.bytes, rest.length < 512 ? rest.length : 512};
    return hello.length > 0 && memmem(hello.bytes, hello.length, "\x00\x2b\x00\x02\x03\x04", 6) != NULL;
}

/* A header is whole; `rest` stands behind it. */
static void take_header(struct tls_records *records, enum tls_side side, struct text rest)
{
    struct tls_direction *own = &records->sides[side];
    own->have = 0;
    if (!is_header(own->header)) {
        own->where = NOT_FOLLOWED;
        return;
    }
    own->left = length_of(own->header);
    if (!own->met && side == TLS_SERVER)
        records->newer = says_newer(rest);
    own->met = true;
    if (own->header[0] == RECORD_DATA)
        take_data(records, side, own->left);
}

static struct text behind(struct text text, size_t length)
{
    return (struct text){text.bytes + length, text.length - length};
}

/* Where the place in the records was lost, data is data all the same, and a segment may begin with a record. */
static bool finds_again(struct tls_records *records, enum tls_side side, struct text bytes)
{
    struct tls_direction *own = &records->sides[side];
    if (bytes.length >= HEADER && memcmp(bytes.bytes, "\x17\x03\x03", 3) == 0 &&
        is_header((const uint8_t *)bytes.bytes)) {
        own->where = FOLLOWED;
        own->left = 0;
        own->have = 0;
        return true;
    }
    if (side == TLS_CLIENT && records->speaker == CLIENT)
        add(&records->said, (uint32_t)bytes.length);
    return false;
}

void tls_records_add(struct tls_records *records, enum tls_side side, struct text bytes)
{
    struct tls_direction *own = &records->sides[side];
    if (own->where == LOST && !finds_again(records, side, bytes))
        return;
    while (bytes.length > 0 && own->where == FOLLOWED) {
        if (own->left > 0) {
            size_t used = own->left < bytes.length ? own->left : bytes.length;
            own->left -= (uint32_t)used;
            bytes = behind(bytes, used);
            continue;
        }
        size_t used = HEADER - own->have < (int)bytes.length ? (size_t)(HEADER - own->have) : bytes.length;
        memcpy(own->header + own->have, bytes.bytes, used);
        own->have = (uint8_t)(own->have + used);
        bytes = behind(bytes, used);
        if (own->have == HEADER)
            take_header(records, side, bytes);
    }
}

void tls_records_skip(struct tls_records *records, enum tls_side side, uint32_t length)
{
    struct tls_direction *own = &records->sides[side];
    if (own->where == FOLLOWED && length <= own->left) {
        own->left -= length;
    } else if (own->where != NOT_FOLLOWED) {
        own->where = LOST;
        if (side == TLS_CLIENT && records->speaker == CLIENT)
            add(&records->said, length);
    }
}

void tls_records_finish(struct tls_records *records)
{
    if (records->speaker == CLIENT)
        end_turn(records);
    records->speaker = NOBODY;
}
