/* Finding the sender table again in memory that an earlier process left, whatever it was doing when it died.
 *
 * Only the records are believed, one by one; the index, the order of age and the links of the details are made anew
 * from them, and the sketches stay where the pool that holds them is sound. */
#include <stdlib.h>
#include <string.h>
#include "agent/sender/block.h"
#include "common/cleanup.h"

#define COUNTS 4

static void free_memory(void *pointer)
{
    free(*(void **)pointer);
}

static struct count *count_of(struct sender_record *record, int which)
{
    struct count *counts[COUNTS] = {&record->distinct_recipients, &record->distinct_senders, &record->distinct_helos,
                                    &record->distinct_servers};
    return counts[which];
}

static bool block_is_ours(const struct senders_block *block, const struct senders_shape *shape)
{
    return block->magic == SENDERS_MAGIC && block->fingerprint == shape->fingerprint &&
           block->senders == shape->senders && block->sketches == shape->sketches &&
           block->judge_bytes == shape->judge_bytes && block->record_bytes == sizeof(struct sender_record) &&
           block->high_water <= block->senders && block->details == shape->details &&
           block->details_bytes == shape->details_bytes && block->details_high_water <= block->details;
}

static bool record_is_sound(const struct sender_record *record)
{
    return (record->busy & 1) == 0 && sender_is_sound(&record->sender) && record->sender.kind != SENDER_NONE;
}

static void forget_count(struct sender_record *record, int which)
{
    *count_of(record, which) = (struct count){0};
    memset(record->recent, 0, sizeof record->recent);
}

/* The quarters that the count holds of the pool, 0 where it cannot be believed or another has the same place. */
static uint32_t hold_count(struct senders *senders, struct sender_record *record, int which, uint8_t *taken)
{
    uint32_t from, quarters;
    bool sound = count_is_sound(senders->pool, count_of(record, which), &from, &quarters);
    if (!sound || (quarters > 0 && (taken[from / 8] & (1U << from % 8)) != 0)) {
        forget_count(record, which);
        return 0;
    }
    if (quarters > 0)
        taken[from / 8] |= (uint8_t)(1U << from % 8);
    return quarters;
}

static void forget_counts(struct senders *senders)
{
    for (uint32_t i = 0; i < senders->block->high_water; i++)
        for (int c = 0; c < COUNTS; c++)
            if (count_of(senders_record_at(senders, i), c)->place != 0)
                forget_count(senders_record_at(senders, i), c);
}

/* What a record that was dropped held of the pool cannot be given back safely, since it may have been given back
 * already. A few places are lost so; where it comes to many, all sketches begin anew. */
static void adopt_pool(struct senders *senders, uint8_t *taken)
{
    void *memory = (char *)senders->block + senders->layout.pool;
    uint32_t sketches = senders->block->sketches, held = 0;
    senders->pool = count_pool_adopt(memory, count_pool_memory(sketches), sketches);
    for (uint32_t i = 0; senders->pool != NULL && i < senders->block->high_water; i++)
        for (int c = 0; c < COUNTS; c++)
            held += hold_count(senders, senders_record_at(senders, i), c, taken);
    if (senders->pool != NULL && sketches - count_pool_free(senders->pool) <= held / 4 + 1 + sketches / 4)
        return;
    forget_counts(senders);
    senders->pool = count_pool_place(memory, sketches);
}

/* Drops what is not sound and moves the others together, as a fresh index numbers them. */
static uint32_t gather(struct senders *senders)
{
    size_t stride = senders->layout.record_stride;
    uint32_t dropped = 0, number = 0, end = senders->block->high_water;
    for (uint32_t i = 0; i < end; i++) {
        struct sender_record *record = senders_record_at(senders, i), *place = senders_record_at(senders, number);
        bool used = record->sender.kind != SENDER_NONE || (record->busy & 1) != 0, added = false;
        if (used && record_is_sound(record))
            table_add(senders->table, &record->sender, &added, NULL, NULL);
        dropped += used && !added;
        if (added && place != record) {
            place->busy = 1;
            memcpy((char *)place + sizeof *place, (char *)record + sizeof *record, stride - sizeof *place);
            struct sender_record moved = *record;
            moved.busy = 1;
            *place = moved;
            sender_record_close(place);
        }
        if (added && !whose_is_sound(&place->whose))
            place->whose = (struct whose){0};
        number += added;
        if (!added || place != record)
            memset(record, 0, stride);
    }
    senders->block->high_water = number;
    return dropped;
}

struct aged {
    moment last;
    uint32_t number;
};

static int by_age(const void *a, const void *b)
{
    const struct aged *x = a, *y = b;
    if (x->last != y->last)
        return x->last < y->last ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static void order_by_age(struct senders *senders, struct aged *aged)
{
    uint32_t count = senders->block->high_water;
    for (uint32_t i = 0; i < count; i++)
        aged[i] = (struct aged){senders_record_at(senders, i)->last, i};
    if (count > 0)
        qsort(aged, count, sizeof *aged, by_age);
    for (uint32_t i = 0; i < count; i++) {
        table_touch(senders->table, table_at(senders->table, aged[i].number));
        details_touch(senders, senders_record_at(senders, aged[i].number));
    }
}

struct senders *senders_adopt(void *memory, size_t size, const struct senders_shape *shape, uint32_t *dropped)
{
    struct senders_block *block = memory;
    struct senders_layout layout;
    if (!senders_lay_out(shape, &layout) || size < layout.size || !block_is_ours(block, shape))
        return NULL;
    CLEANUP(senders_release) struct senders *senders = calloc(1, sizeof *senders);
    CLEANUP(free_memory) uint8_t *taken = calloc(1, shape->sketches / 2 + 1); /* a bit for each quarter of a place */
    CLEANUP(free_memory) struct aged *aged = calloc(block->high_water + 1, sizeof *aged);
    if (senders == NULL || taken == NULL || aged == NULL)
        return NULL;

    senders->block = block;
    senders->layout = layout;
    senders->layout.index.key = block->key;
    memset((char *)memory + layout.table, 0, layout.pool - layout.table);
    senders->table = table_place((char *)memory + layout.table, &senders->layout.index);
    uint32_t lost = gather(senders);
    adopt_pool(senders, taken);
    senders->details.links = (struct details_link *)(void *)((char *)memory + layout.links);
    details_adopt(senders);
    order_by_age(senders, aged);
    *dropped = lost;
    return TAKE(senders);
}
