/* See samples.h. What is in the folder is known from a list in memory, the oldest first. */
#include "agent/courier/samples.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "agent/message/sealed.h"
#include "common/cleanup.h"

#define BLOCK        4096
#define COMPRESSION  3
#define STAYS        SECOND /* what is here for longer is brought to the disk */
#define SYNC_AT_ONCE 8
#define WRITE_EVERY  SECOND /* what could not be written is tried again */

struct entry {
    struct sample_name name;
    duration born;
    char *held; /* its bytes, where no file has them; else NULL */
    uint32_t size;
    bool durable;
};

struct samples {
    char folder[512];
    struct samples_bounds bounds;
    bool open;
    uint64_t life;
    int64_t last;
    struct entry *entries;
    uint32_t count;
    uint32_t held, fleeting; /* how many are in memory alone, are not on the disk for sure */
    uint64_t held_bytes;
    duration next_write;
    struct samples_counters counters;
    ZSTD_CCtx *packer;
};

/* --- beginning and end ---------------------------------------------------------------------------------------------
 */

struct samples *samples_create(const char *folder, const struct samples_bounds *bounds)
{
    struct samples *samples = calloc(1, sizeof *samples);
    if (!samples)
        return NULL;
    snprintf(samples->folder, sizeof samples->folder, "%s", folder);
    samples->bounds = *bounds;
    samples->entries = calloc(SAMPLES_NUMBER_MOST, sizeof *samples->entries);
    samples->packer = ZSTD_createCCtx();
    if (!samples->entries || !samples->packer || sodium_init() < 0) {
        samples_destroy(&samples);
        return NULL;
    }
    while (samples->life == 0)
        randombytes_buf(&samples->life, sizeof samples->life);
    return samples;
}

void samples_destroy(struct samples **owner)
{
    struct samples *samples = *owner;
    *owner = NULL;
    if (!samples)
        return;
    for (uint32_t i = 0; i < samples->count; i++)
        free(samples->entries[i].held);
    free(samples->entries);
    ZSTD_freeCCtx(samples->packer);
    free(samples);
}

bool samples_is_open(const struct samples *samples)
{
    return samples->open;
}

/* --- the list ------------------------------------------------------------------------------------------------------
 */

static uint64_t room_of(uint64_t size)
{
    return (size + BLOCK - 1) / BLOCK * BLOCK;
}

static void forget(struct samples *samples, uint32_t at)
{
    struct entry *entry = &samples->entries[at];
    samples->counters.bytes -= room_of(entry->size);
    samples->held_bytes -= entry->held ? entry->size : 0;
    samples->held -= entry->held != NULL;
    samples->fleeting -= !entry->durable;
    free(entry->held);
    memmove(entry, entry + 1, (--samples->count - at) * sizeof *entry);
}

static void drop(struct samples *samples, uint32_t at)
{
    if (!samples->entries[at].held)
        samples_folder_drop(samples->folder, &samples->entries[at].name);
    samples->counters.dropped++;
    forget(samples, at);
}

/* The oldest of those that are worth least, among those in memory alone or among all; false: there is none, or it is
 * worth more than that. */
static bool find_least(const struct samples *samples, bool held, uint8_t worth, uint32_t *result)
{
    bool found = false;
    for (uint32_t i = 0; i < samples->count; i++) {
        const struct entry *entry = &samples->entries[i];
        if ((held && !entry->held) || entry->name.worth > worth ||
            (found && entry->name.worth >= samples->entries[*result].name.worth))
            continue;
        *result = i;
        found = true;
    }
    return found;
}

/* False: all that is here is worth more, or it would not fit into an empty folder either. */
static bool make_room(struct samples *samples, uint64_t size, uint8_t worth)
{
    if (room_of(size) > samples->bounds.size)
        return false;
    while (samples->count == SAMPLES_NUMBER_MOST || samples->counters.bytes + room_of(size) > samples->bounds.size) {
        uint32_t least = 0;
        if (!find_least(samples, false, worth, &least))
            return false;
        drop(samples, least);
    }
    return true;
}

static bool make_room_in_memory(struct samples *samples, uint64_t size, uint8_t worth)
{
    if (size > SAMPLES_HELD_MOST)
        return false;
    while (samples->held_bytes + size > SAMPLES_HELD_MOST) {
        uint32_t least = 0;
        if (!find_least(samples, true, worth, &least))
            return false;
        drop(samples, least);
    }
    return true;
}

static bool find(const struct samples *samples, const struct sample_name *name, uint32_t *result)
{
    for (*result = 0; *result < samples->count; (*result)++)
        if (sample_name_equals(&samples->entries[*result].name, name))
            return true;
    return false;
}

void samples_set_bounds(struct samples *samples, const struct samples_bounds *bounds)
{
    samples->bounds = *bounds;
    (void)make_room(samples, 0, UINT8_MAX);
}

/* --- what was left by the courier before this one ------------------------------------------------------------------
 */

struct left {
    struct sample_name name;
    uint64_t size;
    moment written;
};
struct listing {
    struct left *items;
    size_t count, room;
    struct samples *samples;
};

static void note_left(void *context, const struct sample_name *name, uint64_t size, moment written)
{
    struct listing *listing = context;
    if (size == 0 || size > SAMPLE_PACKED_MOST) { /* a power cut came before it was on the disk */
        samples_folder_drop(listing->samples->folder, name);
        listing->samples->counters.dropped++;
        return;
    }
    if (name->life == listing->samples->life)
        return; /* it is in the list */
    if (listing->count == listing->room) {
        size_t room = listing->room ? 2 * listing->room : 256;
        struct left *more = realloc(listing->items, room * sizeof *more);
        if (!more)
            return; /* the next courier finds it */
        listing->items = more;
        listing->room = room;
    }
    listing->items[listing->count++] = (struct left){*name, size, written};
}

static int by_age(const void *a, const void *b)
{
    const struct left *x = a, *y = b;
    if (x->written != y->written)
        return x->written < y->written ? -1 : 1;
    return (x->name.number > y->name.number) - (x->name.number < y->name.number);
}

/* They are older than all that this courier took, so they stand before it; their age begins anew. */
static void take_up(struct samples *samples, const struct left *left, uint32_t at, duration steady)
{
    if (!make_room(samples, left->size, UINT8_MAX)) {
        samples_folder_drop(samples->folder, &left->name);
        samples->counters.dropped++;
        return;
    }
    if (at > samples->count)
        at = samples->count;
    struct entry *entry = &samples->entries[at];
    memmove(entry + 1, entry, (samples->count - at) * sizeof *entry);
    *entry = (struct entry){.name = left->name, .born = steady, .size = (uint32_t)left->size, .durable = true};
    samples->count++;
    samples->counters.bytes += room_of(left->size);
}

static int open_folder(struct samples *samples, duration steady, struct error *error)
{
    struct listing listing = {.samples = samples};
    int code = samples_folder_make(samples->folder, error);
    if (code == 0)
        code = samples_folder_list(samples->folder, note_left, &listing, error);
    if (code == 0 && listing.count > 0)
        qsort(listing.items, listing.count, sizeof *listing.items, by_age);
    for (size_t i = 0; code == 0 && i < listing.count; i++)
        take_up(samples, &listing.items[i], (uint32_t)i, steady);
    free(listing.items);
    samples->open = code == 0;
    return code;
}

/* --- taking --------------------------------------------------------------------------------------------------------
 */

/* The envelope is a line of JSON; all else is read by the centre alone. */
static bool is_as_agreed(const struct message_sample *message, struct text bytes)
{
    size_t envelope = message->envelope;
    return envelope >= 3 && envelope <= bytes.length && bytes.length - envelope == message->content &&
           bytes.bytes[0] == '{' && memchr(bytes.bytes, '\n', envelope) == bytes.bytes + envelope - 1;
}

/* With a sum of the content, by which the centre sees that it was damaged on its way or on the disk. */
static size_t pack(struct samples *samples, struct text plain, char **result)
{
    size_t room = ZSTD_compressBound(plain.length);
    *result = malloc(room);
    bool good = *result &&
                !ZSTD_isError(ZSTD_CCtx_setParameter(samples->packer, ZSTD_c_compressionLevel, COMPRESSION)) &&
                !ZSTD_isError(ZSTD_CCtx_setParameter(samples->packer, ZSTD_c_checksumFlag, 1));
    size_t length = good ? ZSTD_compress2(samples->packer, *result, room, plain.bytes, plain.length) : 0;
    if (!good || ZSTD_isError(length)) {
        free(TAKE(*result));
        return 0;
    }
    return length;
}

/* Takes `bytes`. */
static void keep(struct samples *samples, const struct sample_name *name, char *bytes, size_t size, duration steady)
{
    struct error error = {0};
    struct entry entry = {.name = *name, .born = steady, .size = (uint32_t)size};
    bool fits = bytes && make_room(samples, size, name->worth);
    bool written =
        fits && samples->open && samples_folder_write(samples->folder, name, (struct text){bytes, size}, &error) == 0;
    if (!fits || (!written && !make_room_in_memory(samples, size, name->worth))) {
        samples->counters.dropped++;
        free(bytes);
        return;
    }
    if (!written) {
        entry.held = TAKE(bytes);
        samples->held++;
        samples->held_bytes += size;
    }
    free(bytes);
    samples->fleeting++;
    samples->counters.bytes += room_of(size);
    samples->entries[samples->count++] = entry;
}

void samples_add(struct samples *samples, const struct message_sample *message, int descriptor, duration steady)
{
    char *bytes = NULL, *packed = NULL;
    size_t length = 0;
    struct error error = {0};
    if (sealed_read(descriptor, SAMPLE_MOST, &bytes, &length, &error) < 0 ||
        !is_as_agreed(message, (struct text){bytes, length})) {
        samples->counters.unsound++;
        free(bytes);
        return;
    }
    samples->counters.taken++;
    const struct sample_name name = {samples->life, ++samples->last, message->why};
    size_t size = pack(samples, (struct text){bytes, length}, &packed);
    free(bytes);
    keep(samples, &name, packed, size, steady);
}

/* --- time ----------------------------------------------------------------------------------------------------------
 */

static int write_held(struct samples *samples, duration steady, struct error *error)
{
    int code = 0;
    if (steady < samples->next_write)
        return error_set(error, EAGAIN, "%u messages for the collector could not be written", samples->held);
    samples->next_write = steady + WRITE_EVERY;
    for (uint32_t i = 0; i < samples->count && code == 0 && samples->held > 0; i++) {
        struct entry *entry = &samples->entries[i];
        if (!entry->held)
            continue;
        code = samples_folder_write(samples->folder, &entry->name, (struct text){entry->held, entry->size}, error);
        if (code == 0) {
            free(TAKE(entry->held));
            samples->held--;
            samples->held_bytes -= entry->size;
        }
    }
    return code;
}

static int bring_to_disk(struct samples *samples, duration steady, struct error *error)
{
    struct sample_name names[SYNC_AT_ONCE];
    uint32_t count = 0;
    for (uint32_t i = 0; i < samples->count && count < SYNC_AT_ONCE; i++) {
        struct entry *entry = &samples->entries[i];
        if (entry->durable || entry->held || steady - entry->born < STAYS)
            continue;
        names[count++] = entry->name;
        entry->durable = true; /* where it fails, trying it again would not say so a second time */
        samples->fleeting--;
    }
    return count > 0 ? samples_folder_sync(samples->folder, names, count, error) : 0;
}

int samples_tick(struct samples *samples, duration steady, struct error *error)
{
    while (samples->count > 0 && steady - samples->entries[0].born > samples->bounds.age)
        drop(samples, 0);
    int code = samples->open ? 0 : open_folder(samples, steady, error);
    if (code == 0 && samples->held > 0)
        code = write_held(samples, steady, error);
    if (code == 0 && samples->fleeting > samples->held)
        code = bring_to_disk(samples, steady, error);
    return code;
}

/* --- sending -------------------------------------------------------------------------------------------------------
 */

bool samples_next(const struct samples *samples, struct sample_name *result)
{
    const struct entry *best = samples->count > 0 ? &samples->entries[0] : NULL;
    for (uint32_t i = 1; i < samples->count; i++)
        if (samples->entries[i].name.worth > best->name.worth)
            best = &samples->entries[i];
    if (best)
        *result = best->name;
    return best != NULL;
}

int samples_read(struct samples *samples, const struct sample_name *name, struct buffer *out, struct error *error)
{
    uint32_t at;
    if (!find(samples, name, &at))
        return error_set(error, ENOENT, "there is no such sample");
    const struct entry *entry = &samples->entries[at];
    if (entry->held)
        return buffer_append(out, (struct text){entry->held, entry->size})
                   ? 0
                   : error_set(error, ENOMEM, "no memory for a message");
    int code = samples_folder_read(samples->folder, name, out, error);
    if (code < 0 && code != -EMFILE && code != -ENFILE && code != -EFBIG)
        drop(samples, at);
    return code;
}

void samples_sent(struct samples *samples, const struct sample_name *name)
{
    uint32_t at;
    if (!find(samples, name, &at))
        return;
    if (!samples->entries[at].held)
        samples_folder_drop(samples->folder, name);
    samples->counters.sent++;
    forget(samples, at);
}

void samples_set_aside(struct samples *samples, const struct sample_name *name)
{
    uint32_t at;
    struct error error = {0};
    if (!find(samples, name, &at))
        return;
    bool here = !samples->entries[at].held && samples_folder_put_aside(samples->folder, name, &error) < 0;
    if (here) /* a disk that will not even move it must not have it sent again and again */
        samples_folder_drop(samples->folder, name);
    samples->counters.aside++;
    forget(samples, at);
}

struct samples_counters samples_counters(const struct samples *samples)
{
    struct samples_counters counters = samples->counters;
    counters.waiting = samples->count;
    return counters;
}
