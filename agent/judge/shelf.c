/* Slots, bundles and marks in one piece of memory. Free places are lists; a bundle's slots are a list; what waits under
 * equal marks is a list by age, found through buckets. */
#include "agent/judge/shelf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/table.h"

#define BUCKETS 8192 /* a power of two */

struct key { /* no padding: it is compared and hashed as it stands */
    uint8_t client[16], server[16];
    uint16_t client_port, server_port;
    uint32_t family;
};

struct mark { /* of one slot, its first or second */
    uint64_t value;
    uint32_t before, after; /* in the bucket */
};

struct list {
    uint32_t first, last;
};

struct shelf {
    struct table *connections; /* with an open bundle: its number and one */
    uint32_t free_slot, free_bundle, used;
    struct list ages[2];
    struct list buckets[BUCKETS];
    struct mark marks[SHELF_SLOTS * SHELF_MARKS];
    struct key keys[SHELF_BUNDLES];
    struct bundle bundles[SHELF_BUNDLES];
    struct slot slots[SHELF_SLOTS];
};

struct shelf *shelf_create(const struct siphash_key *key, struct error *error)
{
    const struct table_shape shape = {SHELF_BUNDLES, sizeof(struct key), sizeof(uint32_t), *key};
    CLEANUP(shelf_destroy) struct shelf *shelf = calloc(1, sizeof *shelf);
    void *memory = shelf ? calloc(1, table_memory(&shape)) : NULL;
    if (memory == NULL) {
        error_set(error, ENOMEM, "no memory to pair logs and packets");
        return NULL;
    }
    shelf->connections = table_place(memory, &shape);
    for (uint32_t i = 0; i < SHELF_SLOTS; i++)
        shelf->slots[i].next = i + 1 < SHELF_SLOTS ? i + 1 : SHELF_NONE;
    for (uint32_t i = 0; i < SHELF_BUNDLES; i++)
        shelf->bundles[i].after = i + 1 < SHELF_BUNDLES ? i + 1 : SHELF_NONE;
    for (uint32_t i = 0; i < BUCKETS; i++)
        shelf->buckets[i] = (struct list){SHELF_NONE, SHELF_NONE};
    shelf->ages[0] = shelf->ages[1] = (struct list){SHELF_NONE, SHELF_NONE};
    return TAKE(shelf);
}

void shelf_destroy(struct shelf **shelf)
{
    if (*shelf != NULL)
        free((*shelf)->connections);
    free(*shelf);
    *shelf = NULL;
}

bool shelf_is_full(const struct shelf *shelf)
{
    return shelf->free_slot == SHELF_NONE || shelf->free_bundle == SHELF_NONE;
}

uint32_t shelf_waiting(const struct shelf *shelf)
{
    return shelf->used;
}

struct bundle *shelf_bundle(struct shelf *shelf, uint32_t number)
{
    return &shelf->bundles[number];
}

struct slot *shelf_slot(struct shelf *shelf, uint32_t number)
{
    return &shelf->slots[number];
}

uint32_t shelf_oldest(const struct shelf *shelf, bool ended)
{
    return shelf->ages[ended].first;
}

/* --- bundles --- */

static struct key key_of(const struct observation *o)
{
    struct key key = {.client_port = o->origin.client_port, .server_port = o->server_port, .family = o->server.family};
    memcpy(key.client, o->origin.address.bytes, sizeof key.client);
    memcpy(key.server, o->server.bytes, sizeof key.server);
    return key;
}

static void append_age(struct shelf *shelf, uint32_t number)
{
    struct bundle *bundle = &shelf->bundles[number];
    struct list *list = &shelf->ages[bundle->ended];
    bundle->before = list->last;
    bundle->after = SHELF_NONE;
    *(list->last == SHELF_NONE ? &list->first : &shelf->bundles[list->last].after) = number;
    list->last = number;
}

static void remove_age(struct shelf *shelf, uint32_t number)
{
    const struct bundle *bundle = &shelf->bundles[number];
    struct list *list = &shelf->ages[bundle->ended];
    *(bundle->before == SHELF_NONE ? &list->first : &shelf->bundles[bundle->before].after) = bundle->after;
    *(bundle->after == SHELF_NONE ? &list->last : &shelf->bundles[bundle->after].before) = bundle->before;
}

uint32_t shelf_open_bundle(struct shelf *shelf, const struct observation *observation)
{
    const struct key key = key_of(observation);
    const uint32_t *found = table_find(shelf->connections, &key);
    return found != NULL ? *found : SHELF_NONE;
}

uint32_t shelf_begin(struct shelf *shelf, const struct observation *observation)
{
    uint32_t number = shelf->free_bundle;
    bool added;
    shelf->free_bundle = shelf->bundles[number].after;
    shelf->bundles[number] = (struct bundle){.since = observation->time, .first = SHELF_NONE, .last = SHELF_NONE};
    shelf->keys[number] = key_of(observation);
    append_age(shelf, number);
    *(uint32_t *)table_add(shelf->connections, &shelf->keys[number], &added, NULL, NULL) = number;
    return number;
}

static void disconnect(struct shelf *shelf, uint32_t number)
{
    uint32_t *found = table_find(shelf->connections, &shelf->keys[number]);
    if (found != NULL && *found == number)
        table_remove(shelf->connections, found);
}

void shelf_end(struct shelf *shelf, uint32_t number, moment time)
{
    struct bundle *bundle = &shelf->bundles[number];
    if (bundle->ended)
        return;
    disconnect(shelf, number);
    remove_age(shelf, number);
    bundle->ended = true;
    bundle->since = time;
    append_age(shelf, number);
}

/* --- marks --- */

static void append_mark(struct shelf *shelf, uint32_t number, uint64_t value)
{
    struct mark *mark = &shelf->marks[number];
    struct list *list = &shelf->buckets[value % BUCKETS];
    *mark = (struct mark){value, list->last, SHELF_NONE};
    *(list->last == SHELF_NONE ? &list->first : &shelf->marks[list->last].after) = number;
    list->last = number;
}

static void remove_mark(struct shelf *shelf, uint32_t number)
{
    struct mark *mark = &shelf->marks[number];
    struct list *list = &shelf->buckets[mark->value % BUCKETS];
    if (mark->value == 0)
        return;
    *(mark->before == SHELF_NONE ? &list->first : &shelf->marks[mark->before].after) = mark->after;
    *(mark->after == SHELF_NONE ? &list->last : &shelf->marks[mark->after].before) = mark->before;
    mark->value = 0;
}

/* --- slots --- */

static bool copy_texts(struct slot *slot)
{
    struct text *texts[OBSERVATION_TEXTS];
    size_t count = observation_texts(&slot->observation, texts), used = 0;
    for (size_t i = 0; i < count; i++) {
        size_t length = texts[i]->length;
        if (length > sizeof slot->texts - used)
            return false;
        if (length > 0)
            memcpy(slot->texts + used, texts[i]->bytes, length);
        if (texts[i]->bytes != NULL) /* else it was not seen, which is not the same as empty */
            texts[i]->bytes = slot->texts + used;
        used += length;
    }
    return true;
}

bool shelf_add(struct shelf *shelf, uint32_t number, const struct observation *observation,
               const uint64_t marks[SHELF_MARKS])
{
    uint32_t place = shelf->free_slot;
    struct slot *slot = &shelf->slots[place];
    struct bundle *bundle = &shelf->bundles[number];
    slot->observation = *observation;
    if (!copy_texts(slot))
        return false;
    shelf->free_slot = slot->next;
    shelf->used++;
    slot->bundle = number;
    slot->next = SHELF_NONE;
    slot->claimed = false;
    *(bundle->last == SHELF_NONE ? &bundle->first : &shelf->slots[bundle->last].next) = place;
    bundle->last = place;
    bool marked = false;
    for (uint32_t i = 0; i < SHELF_MARKS; i++) {
        if (marks[i] != 0)
            append_mark(shelf, place * SHELF_MARKS + i, marks[i]);
        marked = marked || marks[i] != 0;
    }
    bundle->all += marked;
    return true;
}

static void remove_marks(struct shelf *shelf, uint32_t place)
{
    for (uint32_t i = 0; i < SHELF_MARKS; i++)
        remove_mark(shelf, place * SHELF_MARKS + i);
}

void shelf_claim_slot(struct shelf *shelf, uint32_t place)
{
    struct slot *slot = &shelf->slots[place];
    remove_marks(shelf, place);
    slot->claimed = true;
    shelf->bundles[slot->bundle].claimed++;
}

uint32_t shelf_claim(struct shelf *shelf, uint64_t mark)
{
    uint32_t number = shelf->buckets[mark % BUCKETS].first;
    while (number != SHELF_NONE && shelf->marks[number].value != mark)
        number = shelf->marks[number].after;
    if (number == SHELF_NONE)
        return SHELF_NONE;
    shelf_claim_slot(shelf, number / SHELF_MARKS);
    return number / SHELF_MARKS;
}

void shelf_drop(struct shelf *shelf, uint32_t number)
{
    struct bundle *bundle = &shelf->bundles[number];
    for (uint32_t place = bundle->first; place != SHELF_NONE;) {
        uint32_t next = shelf->slots[place].next;
        remove_marks(shelf, place);
        shelf->slots[place].next = shelf->free_slot;
        shelf->free_slot = place;
        shelf->used--;
        place = next;
    }
    disconnect(shelf, number);
    remove_age(shelf, number);
    bundle->after = shelf->free_bundle;
    shelf->free_bundle = number;
}
