/* Where streams lie and how they are found.
 *
 * A table of its own rather than common/table: packets are many and each must touch as little memory as can be. The
 * hash is taken once for both directions and for the farewells as well; the stream's age is noted in the cache line
 * that was touched anyway and the list of ages is put in order only now and then; the unconfirmed and the confirmed
 * have a list and a share of the places each. Places that were never used are never touched. */
#include "agent/packet/stream_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE       64
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
    /* Place 0 is none; each list may have one more than its share while another gives way. */
    size_t places = (size_t)s->unconfirmed_most + s->confirmed_most + 2;
    s->memory = calloc(1, places * s->size + CACHE_LINE);
    s->buckets = calloc(buckets, sizeof *s->buckets);
    s->shares = calloc(STREAM_SHARES, sizeof *s->shares);
    s->farewells = calloc(farewells, sizeof *s->farewells);
    if (!s->memory || !s->buckets || !s->shares || !s->farewells) {
        return error_set(error, ENOMEM, "no memory for %u streams", s->settings.streams);
    }
    s->slab = (uint8_t *)s->memory + (CACHE_LINE - (uintptr_t)s->memory % CACHE_LINE) % CACHE_LINE;
    return 0;
}

void stream_table_destroy(struct streams *s)
{
    free(s->memory);
    free(s->buckets);
    free(s->shares);
    free(s->farewells);
}

/* ---- finding ---- */

/* The same for both directions: the two ends are put in order. What the kernel calls the VLAN is no part of it, for it
 * may differ by direction; the capture position is. */
uint64_t stream_table_hash(const struct streams *s, const struct segment *segment)
{
    size_t length = segment->family == 4 ? 4 : 16;
    int order = memcmp(segment->source, segment->target, length);
    bool source_first = order < 0 || (order == 0 && segment->source_port <= segment->target_port);
    uint8_t bytes[40];
    memcpy(bytes, source_first ? segment->source : segment->target, length);
    memcpy(bytes + length, source_first ? segment->target : segment->source, length);
    uint64_t low = source_first ? segment->source_port : segment->target_port;
    uint64_t high = source_first ? segment->target_port : segment->source_port;
    uint64_t rest = low << 48 | high << 32 | segment->port;
    memcpy(bytes + 2 * length, &rest, sizeof rest);
    return siphash(&s->settings.key, bytes, 2 * length + sizeof rest);
}

static bool ends_are(const struct stream *stream, const uint8_t *client, uint16_t client_port, const uint8_t *server,
                     uint16_t server_port)
{
    size_t length = stream->family == 4 ? 4 : 16;
    return stream->client_port == client_port && stream->server_port == server_port &&
           memcmp(stream->client, client, length) == 0 && memcmp(stream->server, server, length) == 0;
}

struct stream *stream_table_find(const struct streams *s, uint64_t hash, const struct segment *segment,
                                 enum stream_side *side)
{
    uint32_t place = s->buckets[hash & s->bucket_mask];
    while (place != 0) {
        struct stream *stream = stream_at(s, place);
        if (stream->hash == (uint32_t)(hash >> 32) && stream->family == segment->family &&
            stream->port == segment->port) {
            if (ends_are(stream, segment->source, segment->source_port, segment->target, segment->target_port)) {
                *side = STREAM_CLIENT;
                return stream;
            }
            if (ends_are(stream, segment->target, segment->target_port, segment->source, segment->source_port)) {
                *side = STREAM_SERVER;
                return stream;
            }
        }
        place = stream->chain;
    }
    return NULL;
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
    stream->hash = (uint32_t)(hash >> 32);
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

/* The stream as a segment of its client, so that its hash can be taken anew. */
static uint64_t hash_of(const struct streams *s, const struct stream *stream)
{
    struct segment segment = {.family = stream->family,
                              .source = stream->client,
                              .target = stream->server,
                              .source_port = stream->client_port,
                              .target_port = stream->server_port,
                              .port = stream->port};
    return stream_table_hash(s, &segment);
}

void stream_table_remove(struct streams *s, struct stream *stream)
{
    uint32_t place = stream_place(s, stream);
    uint32_t *link = &s->buckets[hash_of(s, stream) & s->bucket_mask];
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

void stream_table_remember(struct streams *s, const struct stream *stream, enum farewell_kind kind, moment time)
{
    uint64_t hash = hash_of(s, stream);
    struct farewell *pair = farewell_pair(s, hash);
    bool second = pair[0].hash != hash && (pair[1].hash == hash || pair[1].time < pair[0].time);
    pair[second] = (struct farewell){
        .hash = hash, .next = {stream->sides[0].next, stream->sides[1].next}, .time = coarse_of(time), .kind = kind};
}

struct farewell *stream_table_farewell(struct streams *s, uint64_t hash, moment time)
{
    struct farewell *pair = farewell_pair(s, hash);
    for (uint32_t i = 0; i < 2; i++) {
        if (pair[i].hash == hash && pair[i].kind != FAREWELL_NONE && coarse_of(time) - pair[i].time <= FAREWELL_TIME) {
            return &pair[i];
        }
    }
    return NULL;
}
