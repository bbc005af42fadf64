/* Reassembly of IP datagrams. Who sends fragments wants to be seen by the other end only: what the other end would
 * refuse must not become text here, and what it would take must. A bit for each 8 bytes says what has come. */
#include "agent/packet/fragment.h"

#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/table.h"

enum {
    DATAGRAM_MOST = 65535,
    BLOCK = 8,  /* the unit of offsets */
    TINY = 128, /* bytes of a fragment that is not the last */
    BLOCKS = (DATAGRAM_MOST + BLOCK - 1) / BLOCK,
};

#define DATAGRAM_LIFE (30 * SECOND)

/* What has come of one datagram, on the heap: most places of the table are empty most of the time. */
struct parts {
    uint64_t come[(BLOCKS + 63) / 64];
    uint32_t room; /* of `bytes` */
    uint8_t bytes[];
};

struct datagram {
    moment first;
    struct parts *parts;  /* NULL with `refused`: only remembered, so that its rest is not taken for a new one */
    uint32_t blocks_come; /* bits set in parts->come */
    uint32_t furthest;    /* end of what has come */
    uint32_t length;      /* 0: the last fragment has not come */
    uint8_t protocol;
    bool refused, overlapped, tiny;
};

struct fragments {
    struct table *table;
    void *memory;
    struct parts *whole;   /* lent until the next call */
    bool overlapped, tiny; /* ... and how it came */
    struct fragment_counters counters;
};

struct fragments *fragments_create(uint32_t datagrams, const struct siphash_key *key)
{
    struct table_shape shape = {
        .places = datagrams ? datagrams : 1,
        .key_size = sizeof(struct fragment_key),
        .value_size = sizeof(struct datagram),
        .key = *key,
    };
    CLEANUP(fragments_destroy) struct fragments *fragments = calloc(1, sizeof *fragments);
    if (!fragments)
        return NULL;
    fragments->memory = calloc(1, table_memory(&shape));
    if (!fragments->memory)
        return NULL;
    fragments->table = table_place(fragments->memory, &shape);
    return TAKE(fragments);
}

void fragments_destroy(struct fragments **fragments)
{
    if (!*fragments)
        return;
    if ((*fragments)->table)
        for (struct datagram *d = table_oldest((*fragments)->table); d; d = table_younger((*fragments)->table, d))
            free(d->parts);
    free((*fragments)->whole);
    free((*fragments)->memory);
    free(*fragments);
    *fragments = NULL;
}

static void drop_parts(struct datagram *datagram)
{
    free(datagram->parts);
    datagram->parts = NULL;
}

static void evict(void *context, const void *key, void *value)
{
    struct fragments *fragments = context;
    (void)key;
    drop_parts(value);
    fragments->counters.evicted++;
}

static void remove_datagram(struct fragments *fragments, struct datagram *datagram)
{
    drop_parts(datagram);
    table_remove(fragments->table, datagram);
}

/* Datagrams are never touched once they stand in the table, so its order of age is that of their first fragments. */
static void expire(struct fragments *fragments, moment now)
{
    struct datagram *oldest;
    while ((oldest = table_oldest(fragments->table)) &&
           (now - oldest->first > DATAGRAM_LIFE || oldest->first - now > DATAGRAM_LIFE)) { /* the clock was set back */
        fragments->counters.expired += !oldest->refused;
        remove_datagram(fragments, oldest);
    }
}

static bool make_room(struct datagram *datagram, uint32_t end)
{
    if (datagram->parts && datagram->parts->room >= end)
        return true;
    uint32_t room = datagram->parts ? datagram->parts->room : 2048;
    while (room < end)
        room *= 2;
    struct parts *parts = realloc(datagram->parts, sizeof *parts + room);
    if (!parts)
        return false;
    if (!datagram->parts)
        memset(parts->come, 0, sizeof parts->come);
    parts->room = room;
    datagram->parts = parts;
    return true;
}

static bool block_has_come(const struct parts *parts, uint32_t block)
{
    return parts->come[block / 64] >> block % 64 & 1;
}

/* Does it fit what is known of the datagram's length? */
static bool fits(const struct datagram *datagram, uint32_t end, bool more)
{
    if (datagram->length != 0 && (more ? end > datagram->length : end != datagram->length))
        return false;
    return more || end >= datagram->furthest;
}

/* Take the blocks that have not come yet. True: there was a conflict, blocks had come already and some of the fragment
 * was new, or their content differs. */
static bool take_blocks(struct datagram *datagram, uint32_t offset, struct text bytes)
{
    struct parts *parts = datagram->parts;
    bool repeated = false, fresh = false, differs = false;

    for (uint32_t at = 0; at < bytes.length; at += BLOCK) {
        uint32_t block = (offset + at) / BLOCK;
        size_t size = bytes.length - at < BLOCK ? bytes.length - at : BLOCK;
        if (block_has_come(parts, block)) {
            repeated = true;
            differs |= memcmp(parts->bytes + offset + at, bytes.bytes + at, size) != 0;
        } else {
            fresh = true;
            memcpy(parts->bytes + offset + at, bytes.bytes + at, size);
            parts->come[block / 64] |= UINT64_C(1) << block % 64;
            datagram->blocks_come++;
        }
    }
    return (repeated && fresh) || differs;
}

/* True: a datagram can have such a fragment. IPv4 receivers shorten a length that is no multiple of 8, IPv6 receivers
 * refuse it. */
static bool trim(uint8_t family, const struct fragment *fragment, struct text *bytes)
{
    if (fragment->more && bytes->length % BLOCK != 0) {
        if (family == 6)
            return false;
        bytes->length -= bytes->length % BLOCK;
    }
    return bytes->length != 0 && fragment->offset % BLOCK == 0 && fragment->offset <= DATAGRAM_MOST &&
           bytes->length <= DATAGRAM_MOST - fragment->offset;
}

static struct datagram *find_datagram(struct fragments *fragments, const struct fragment_key *key, moment time)
{
    struct datagram *datagram = table_find(fragments->table, key);
    if (!datagram) {
        bool added;
        datagram = table_add(fragments->table, key, &added, evict, fragments);
        datagram->first = time;
        datagram->protocol = key->protocol;
    }
    return datagram;
}

/* RFC 5722: nothing of the datagram may be used, whatever still comes. */
static void refuse(struct datagram *datagram)
{
    drop_parts(datagram);
    datagram->refused = true;
}

bool fragments_add(struct fragments *fragments, const struct fragment_key *key, const struct fragment *fragment,
                   struct text *whole, uint8_t *protocol)
{
    struct text bytes = fragment->bytes;
    free(fragments->whole);
    fragments->whole = NULL;
    fragments->counters.fragments++;
    expire(fragments, fragment->time);
    if (!trim(key->family, fragment, &bytes)) {
        fragments->counters.malformed++;
        return false;
    }

    struct datagram *datagram = find_datagram(fragments, key, fragment->time);
    uint32_t end = fragment->offset + (uint32_t)bytes.length;
    if (datagram->refused)
        return false;
    if (!fits(datagram, end, fragment->more)) {
        fragments->counters.malformed++;
        return false;
    }
    if (!make_room(datagram, end)) {
        fragments->counters.evicted++;
        remove_datagram(fragments, datagram);
        return false;
    }

    uint32_t come_before = datagram->blocks_come;
    if (take_blocks(datagram, fragment->offset, bytes)) {
        fragments->counters.overlapping++;
        datagram->overlapped = true;
        if (key->family == 6 && datagram->blocks_come != come_before) {
            refuse(datagram);
            return false;
        }
    }
    if (fragment->offset == 0 && datagram->blocks_come != come_before)
        datagram->protocol = fragment->protocol;
    if (end > datagram->furthest)
        datagram->furthest = end;
    if (!fragment->more)
        datagram->length = end;
    else if (bytes.length < TINY)
        datagram->tiny = true;
    if (datagram->length == 0 || datagram->blocks_come != (datagram->length + BLOCK - 1) / BLOCK)
        return false;

    fragments->counters.whole++;
    fragments->whole = TAKE(datagram->parts);
    *whole = (struct text){(const char *)fragments->whole->bytes, datagram->length};
    fragments->overlapped = datagram->overlapped;
    fragments->tiny = datagram->tiny;
    *protocol = datagram->protocol;
    remove_datagram(fragments, datagram);
    return true;
}

bool fragments_overlapped(const struct fragments *fragments)
{
    return fragments->overlapped;
}

bool fragments_tiny(const struct fragments *fragments)
{
    return fragments->tiny;
}

void fragments_count_cut(struct fragments *fragments)
{
    fragments->counters.fragments++;
    fragments->counters.cut++;
}

struct fragment_counters fragments_counters(const struct fragments *fragments)
{
    return fragments->counters;
}
