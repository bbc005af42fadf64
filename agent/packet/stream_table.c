/* Where streams lie and how they are found.
 *
 * A table of its own rather than common/table: packets are many, each finds its stream in memory that was not touched
 * for long, and so each must touch as little as can be, and what it will touch can be asked for ahead. The hash is
 * taken once for both directions and serves the farewells as well; the stream's age is noted in the cache line that was
 * touched anyway and the list of ages is put in order only now and then; the unconfirmed and the confirmed have a list
 * and a share of the places each. Places that were never used are never touched.
 *
 * The hash is SipHash with one round a word and three at the end, which its authors give for tables: half the time of
 * SipHash-2-4, keyed like it. The words have a fixed number, so their length is not hashed. */
#include "agent/packet/stream_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CACHE_LINE       64
#define LARGE_PAGE       (UINT32_C(2) << 20)
#define FAREWELLS_MOST   16384
#define FAREWELL_TIME    56 /* coarse: a minute */
#define CANDIDATES       16 /* of the old end of a list, among which the one idle longest is looked for */
#define PASSED_OVER_MOST 1024
#define HEAVY_PART       8 /* who has more than this part of all streams is heavy */

static uint32_t power_of_two_from(uint32_t least)
{
    uint32_t power = 1;
    while (power < least && power < UINT32_C(1) << 31) {
        power <<= 1;
    }
    return power;
}

/* The parts of the memory one behind the other, each from a cache line on. */
static size_t lay_out(size_t *size, size_t count, size_t item)
{
    size_t begin = *size;
    *size += (count * item + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    return begin;
}

/* One piece of memory for all, in large pages where the system has them: what is touched lies all over it. */
int stream_table_create(struct streams *s, struct error *error)
{
    s->size = sizeof(struct stream) + (s->listener.room + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    s->unconfirmed_most = s->settings.streams >= 4 ? s->settings.streams / 4 : 1;
    s->confirmed_most = s->settings.streams > s->unconfirmed_most ? s->settings.streams - s->unconfirmed_most : 1;
    uint32_t buckets = power_of_two_from(s->settings.streams);
    uint32_t farewells = s->settings.streams < FAREWELLS_MOST ? s->settings.streams : FAREWELLS_MOST;
    farewells = power_of_two_from(farewells < 2 ? 2 : farewells);
    s->bucket_mask = buckets - 1;
    s->farewell_mask = farewells - 1;
    s->touched = 1;
    size_t size = 0;
    size_t at_buckets = lay_out(&size, buckets, sizeof *s->buckets);
    size_t at_farewells = lay_out(&size, farewells, sizeof *s->farewells);
    size_t at_shares = lay_out(&size, STREAM_SHARES, sizeof *s->shares);
    /* Place 0 is none; each list may have one more than its share while another gives way. */
    size_t at_slab = lay_out(&size, (size_t)s->unconfirmed_most + s->confirmed_most + 2, s->size);
    size_t align = size >= LARGE_PAGE ? LARGE_PAGE : CACHE_LINE;
    s->memory = calloc(1, size + align);
    if (!s->memory) {
        return error_set(error, ENOMEM, "no memory for %u streams", s->settings.streams);
    }
    uint8_t *begin = (uint8_t *)s->memory + (align - (uintptr_t)s->memory % align) % align;
    if (align == LARGE_PAGE) {
        (void)madvise(begin, size, MADV_HUGEPAGE); /* a wish */
    }
    s->buckets = (uint32_t *)(void *)(begin + at_buckets);
    s->farewells = (struct farewell *)(void *)(begin + at_farewells);
    s->shares = (struct stream_share *)(void *)(begin + at_shares);
    s->slab = begin + at_slab;
    return 0;
}

void stream_table_destroy(struct streams *s)
{
    free(s->memory);
}

/* ---- finding ---- */

static inline uint64_t rotate(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

struct sip {
    uint64_t a, b, c, d;
};

static inline void sip_round(struct sip *s)
{
    s->a += s->b;
    s->c += s->d;
    s->b = rotate(s->b, 13) ^ s->a;
    s->d = rotate(s->d, 16) ^ s->c;
    s->a = rotate(s->a, 32);
    s->c += s->b;
    s->a += s->d;
    s->b = rotate(s->b, 17) ^ s->c;
    s->d = rotate(s->d, 21) ^ s->a;
    s->c = rotate(s->c, 32);
}

static inline uint64_t hash_words(const struct siphash_key *key, const uint64_t *words, size_t count)
{
    struct sip s = {key->words[0] ^ UINT64_C(0x736f6d6570736575), key->words[1] ^ UINT64_C(0x646f72616e646f6d),
                    key->words[0] ^ UINT64_C(0x6c7967656e657261), key->words[1] ^ UINT64_C(0x7465646279746573)};
    for (size_t i = 0; i < count; i++) {
        s.d ^= words[i];
        sip_round(&s);
        s.a ^= words[i];
    }
    s.c ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}

static inline uint32_t load_four(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* A function of its own, so that the shorter one keeps its words in registers. */
static __attribute__((noinline)) uint64_t hash_ipv6(const struct streams *s, const struct segment *segment)
{
    int order = memcmp(segment->source, segment->target, 16);
    bool source_first = order < 0 || (order == 0 && segment->source_port <= segment->target_port);
    uint64_t low = source_first ? segment->source_port : segment->target_port;
    uint64_t high = source_first ? segment->target_port : segment->source_port;
    uint64_t words[5];
    memcpy(words, source_first ? segment->source : segment->target, 16);
    memcpy(words + 2, source_first ? segment->target : segment->source, 16);
    words[4] = low << 48 | high << 32 | segment->port;
    return hash_words(&s->settings.key, words, 5);
}

/* The same for both directions: the two ends are put in order. What the kernel calls the VLAN is no part of it, for it
 * may differ by direction; the capture position is. */
uint64_t stream_table_hash(const struct streams *s, const struct segment *segment)
{
    if (segment->family != 4) {
        return hash_ipv6(s, segment);
    }
    uint64_t x = (uint64_t)load_four(segment->source) << 16 | segment->source_port;
    uint64_t y = (uint64_t)load_four(segment->target) << 16 | segment->target_port;
    uint64_t low = x < y ? x : y, high = x < y ? y : x;
    uint64_t words[2] = {low | high << 48, high >> 16 | (uint64_t)segment->port << 32};
    return hash_words(&s->settings.key, words, 2);
}

static bool ends_are(const struct stream *stream, const uint8_t *client, uint16_t client_port, const uint8_t *server,
                     uint16_t server_port)
{
    if (stream->client_port != client_port || stream->server_port != server_port) {
        return false;
    }
    if (stream->family == 4) {
        return load_four(stream->client) == load_four(client) && load_four(stream->server) == load_four(server);
    }
    return memcmp(stream->client, client, 16) == 0 && memcmp(stream->server, server, 16) == 0;
}

struct stream *stream_table_find(const struct streams *s, uint64_t hash, const struct segment *segment,
                                 enum stream_side *side)
{
    uint32_t place = s->buckets[hash & s->bucket_mask];
    while (place != 0) {
        struct stream *stream = stream_at(s, place);
        if (stream->tag == (uint32_t)(hash >> 32) && stream->family == segment->family &&
            stream->port == segment->port) {
            /* On a guest's port the client's packets come from the guest. Between two mail ports it could else begin a
             * connection in the server's name, and have its own taken for one to it. */
            if (segment->direction != FRAME_TO_GUEST &&
                ends_are(stream, segment->source, segment->source_port, segment->target, segment->target_port)) {
                *side = STREAM_CLIENT;
                return stream;
            }
            if (segment->direction != FRAME_FROM_GUEST &&
                ends_are(stream, segment->target, segment->target_port, segment->source, segment->source_port)) {
                *side = STREAM_SERVER;
                return stream;
            }
        }
        place = stream->chain;
    }
    return NULL;
}

void stream_table_fetch_bucket(const struct streams *s, uint64_t hash)
{
    __builtin_prefetch(&s->buckets[hash & s->bucket_mask]);
}

void stream_table_fetch(const struct streams *s, uint64_t hash, bool bytes)
{
    const uint8_t *stream = (const uint8_t *)stream_table_first(s, hash);
    if (stream) {
        const size_t most = sizeof(struct stream) + 4 * CACHE_LINE;
        size_t end = !bytes ? 2 * CACHE_LINE : s->size < most ? s->size : most;
        for (size_t at = 0; at < end; at += CACHE_LINE) {
            __builtin_prefetch(stream + at, 1);
        }
    }
}

/* ---- lists ---- */

static struct stream_list *list_of(struct streams *s, const struct stream *stream)
{
    return stream->flags & STREAM_CONFIRMED ? &s->confirmed : &s->unconfirmed;
}

static void list_append(struct streams *s, struct stream_list *list, struct stream *stream)
{
    uint32_t place = stream_place(s, stream);
    stream->younger = 0;
    stream->older = list->youngest;
    if (list->youngest != 0) {
        stream_at(s, list->youngest)->younger = place;
    } else {
        list->oldest = place;
    }
    list->youngest = place;
    list->count++;
}

static void list_unlink(struct streams *s, struct stream_list *list, struct stream *stream)
{
    if (stream->older != 0) {
        stream_at(s, stream->older)->younger = stream->younger;
    } else {
        list->oldest = stream->younger;
    }
    if (stream->younger != 0) {
        stream_at(s, stream->younger)->older = stream->older;
    } else {
        list->youngest = stream->older;
    }
    list->count--;
}

void stream_table_touch(struct streams *s, struct stream *stream, coarse_moment now)
{
    struct stream_list *list = list_of(s, stream);
    list_unlink(s, list, stream);
    stream->queued = now;
    list_append(s, list, stream);
}

void stream_table_confirm(struct streams *s, struct stream *stream)
{
    list_unlink(s, &s->unconfirmed, stream);
    stream->flags |= STREAM_CONFIRMED;
    stream->queued = coarse_of(stream->last);
    list_append(s, &s->confirmed, stream);
}

/* ---- who gives way ---- */

/* On a guest's port the guest is the client whatever address it writes; else the address is, of IPv6 the /64 that a
 * customer gets. A multiplication by secret odd numbers spreads them. */
static uint16_t share_of(const struct streams *s, const struct stream *stream)
{
    uint64_t who = 0;
    if (stream->flags & STREAM_GUEST) {
        who = stream->port;
    } else {
        memcpy(&who, stream->client, stream->family == 4 ? 4 : 8);
    }
    who = (who ^ who >> 32 ^ s->settings.key.words[0]) * (s->settings.key.words[1] | 1);
    return (uint16_t)((who ^ who >> 29) * UINT64_C(0x9e3779b97f4a7c15) >> 52);
}

static bool is_heavy(const struct streams *s, uint32_t share)
{
    uint64_t all = (uint64_t)s->unconfirmed.count + s->confirmed.count;
    return (uint64_t)s->shares[share].streams * HEAVY_PART > all;
}

/* The oldest stream of the client that has too many; those that are passed over go to the young end, so that the next
 * search need not pass them again. */
static struct stream *oldest_of_heaviest(struct streams *s, struct stream_list *list)
{
    for (uint32_t passed = 0; passed < PASSED_OVER_MOST && passed < list->count; passed++) {
        struct stream *stream = stream_at(s, list->oldest);
        if (stream->share == s->heaviest) {
            return stream;
        }
        stream_table_touch(s, stream, stream_at(s, list->youngest)->queued);
    }
    return NULL;
}

static struct stream *oldest_idle(struct streams *s, struct stream_list *list)
{
    struct stream *oldest = NULL;
    uint32_t place = list->oldest;
    for (int i = 0; i < CANDIDATES && place != 0; i++) {
        struct stream *stream = stream_at(s, place);
        if (!oldest || stream->last < oldest->last) {
            oldest = stream;
        }
        place = stream->younger;
    }
    return oldest;
}

struct stream *stream_table_crowded_out(struct streams *s, bool confirmed)
{
    struct stream_list *list = confirmed ? &s->confirmed : &s->unconfirmed;
    if (list->count < (confirmed ? s->confirmed_most : s->unconfirmed_most)) {
        return NULL;
    }
    struct stream *stream = is_heavy(s, s->heaviest) ? oldest_of_heaviest(s, list) : NULL;
    return stream ? stream : oldest_idle(s, list);
}

/* ---- coming and going ---- */

struct stream *stream_table_add(struct streams *s, uint64_t hash, const struct segment *segment, enum stream_side side)
{
    uint32_t place = s->free;
    if (place != 0) {
        s->free = stream_at(s, place)->chain;
    } else {
        place = s->touched++;
    }
    struct stream *stream = stream_at(s, place);
    memset(stream, 0, s->size);
    size_t length = segment->family == 4 ? 4 : 16;
    bool from_client = side == STREAM_CLIENT;
    memcpy(stream->client, from_client ? segment->source : segment->target, length);
    memcpy(stream->server, from_client ? segment->target : segment->source, length);
    stream->client_port = from_client ? segment->source_port : segment->target_port;
    stream->server_port = from_client ? segment->target_port : segment->source_port;
    stream->port = segment->port;
    stream->family = segment->family;
    stream->flags = segment->direction == FRAME_UNKNOWN ? 0 : STREAM_GUEST;
    stream->begun = stream->last = segment->time;
    stream->queued = coarse_of(segment->time);
    stream->hash = hash;
    stream->tag = (uint32_t)(hash >> 32);
    uint32_t *bucket = &s->buckets[hash & s->bucket_mask];
    stream->chain = *bucket;
    *bucket = place;
    list_append(s, &s->unconfirmed, stream);
    stream->share = share_of(s, stream);
    if (++s->shares[stream->share].streams > s->shares[s->heaviest].streams) {
        s->heaviest = stream->share;
    }
    return stream;
}

void stream_table_remove(struct streams *s, struct stream *stream)
{
    uint32_t place = stream_place(s, stream);
    uint32_t *link = &s->buckets[stream->hash & s->bucket_mask];
    while (*link != place) {
        link = &stream_at(s, *link)->chain;
    }
    *link = stream->chain;
    list_unlink(s, list_of(s, stream), stream);
    s->shares[stream->share].streams--;
    stream->chain = s->free;
    s->free = place;
}

/* ---- farewells ---- */

/* Two to a hash; the older gives way. */
static struct farewell *farewell_pair(struct streams *s, uint64_t hash)
{
    return &s->farewells[hash >> 8 & s->farewell_mask & ~UINT32_C(1)];
}

static bool is_fresh(const struct farewell *farewell, coarse_moment now)
{
    return farewell->kind != FAREWELL_NONE && (uint16_t)(now - farewell->time) <= FAREWELL_TIME;
}

void stream_table_remember(struct streams *s, const struct stream *stream, enum farewell_kind kind, moment time)
{
    struct farewell *pair = farewell_pair(s, stream->hash);
    coarse_moment now = coarse_of(time);
    bool second = is_fresh(&pair[0], now) && pair[0].tag != stream->tag &&
                  (!is_fresh(&pair[1], now) || pair[1].tag == stream->tag ||
                   (uint16_t)(now - pair[1].time) > (uint16_t)(now - pair[0].time));
    pair[second] = (struct farewell){.tag = stream->tag,
                                     .next = {stream->sides[0].next, stream->sides[1].next},
                                     .time = (uint16_t)now,
                                     .kind = (uint8_t)kind,
                                     .own = stream_is_own(stream)};
}

struct farewell *stream_table_farewell(struct streams *s, uint64_t hash, moment time)
{
    struct farewell *pair = farewell_pair(s, hash);
    for (uint32_t i = 0; i < 2; i++) {
        if (pair[i].tag == (uint32_t)(hash >> 32) && is_fresh(&pair[i], coarse_of(time))) {
            return &pair[i];
        }
    }
    return NULL;
}
