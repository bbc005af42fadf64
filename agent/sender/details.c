/* The details of those senders that were heard of lately: places of one size from a bounded pool. A machine that sends
 * a mail a day needs none between; so the memory for all of them is that of the few that are at work.
 *
 * A record names its place before anything is written there, and lets go of it before another one can name it. Whoever
 * gives a place back zeroes it, so what one sender did is never read as another's. */
#include <string.h>
#include "agent/sender/block.h"

#define LOOKS 64 /* at senders worth keeping, in search of one that is not */

static struct details_link *link_at(const struct senders *senders, uint32_t place)
{
    return &senders->details.links[place - 1];
}

static void take_out(struct senders *senders, uint32_t place)
{
    struct details_pool *pool = &senders->details;
    struct details_link *link = link_at(senders, place);
    if (link->older != 0)
        link_at(senders, link->older)->younger = link->younger;
    else if (pool->oldest == place)
        pool->oldest = link->younger;
    if (link->younger != 0)
        link_at(senders, link->younger)->older = link->older;
    else if (pool->youngest == place)
        pool->youngest = link->older;
    link->older = link->younger = 0;
}

static void make_youngest(struct senders *senders, uint32_t place)
{
    struct details_pool *pool = &senders->details;
    if (pool->youngest == place)
        return;
    take_out(senders, place);
    link_at(senders, place)->older = pool->youngest;
    if (pool->youngest != 0)
        link_at(senders, pool->youngest)->younger = place;
    else
        pool->oldest = place;
    pool->youngest = place;
}

static struct sender_record *owner_of(const struct senders *senders, uint32_t place)
{
    return senders_record_at(senders, link_at(senders, place)->owner - 1);
}

static void make_free(struct senders *senders, uint32_t place)
{
    memset(senders_details_at(senders, place - 1), 0, senders->layout.details_stride);
    *link_at(senders, place) = (struct details_link){.younger = senders->details.free};
    senders->details.free = place;
}

static void let_go(struct sender_record *record)
{
    sender_record_open(record);
    record->details = 0;
    sender_record_close(record);
}

void senders_drop_details(struct senders *senders, struct sender_record *record)
{
    uint32_t place = record->details;
    if (place == 0)
        return;
    let_go(record);
    take_out(senders, place);
    make_free(senders, place);
    senders->details.used--;
}

/* Who is worth keeping gets another chance, as in the table: where nobody else is left, the oldest gives way. */
static void make_room(struct senders *senders)
{
    struct details_pool *pool = &senders->details;
    uint32_t oldest = pool->oldest, found = 0;
    for (int looks = 0; found == 0 && looks < LOOKS && pool->is_worth_keeping; looks++) {
        uint32_t place = pool->oldest;
        if (!pool->is_worth_keeping(pool->context, owner_of(senders, place)))
            found = place;
        else
            make_youngest(senders, place);
    }
    senders_drop_details(senders, owner_of(senders, found ? found : oldest));
    senders->block->details_let_go++;
}

static uint32_t find_place(struct senders *senders)
{
    struct senders_block *block = senders->block;
    if (block->details == 0)
        return 0;
    if (senders->details.free == 0 && block->details_high_water < block->details)
        return ++block->details_high_water; /* never used, hence zero */
    if (senders->details.free == 0)
        make_room(senders);
    uint32_t place = senders->details.free;
    senders->details.free = link_at(senders, place)->younger;
    link_at(senders, place)->younger = 0;
    return place;
}

void *senders_details(const struct senders *senders, const struct sender_record *record)
{
    return record->details ? senders_details_at(senders, record->details - 1) : NULL;
}

void *senders_take_details(struct senders *senders, struct sender_record *record)
{
    if (record->details != 0)
        return senders_details_at(senders, record->details - 1);
    uint32_t place = find_place(senders);
    if (place == 0)
        return NULL;
    link_at(senders, place)->owner = senders_number_of(senders, record) + 1;
    make_youngest(senders, place);
    senders->details.used++;
    sender_record_open(record);
    record->details = place;
    sender_record_close(record);
    return senders_details_at(senders, place - 1);
}

void senders_on_crowding(struct senders *senders, bool (*is_worth_keeping)(void *context, struct sender_record *),
                         void *context)
{
    senders->details.is_worth_keeping = is_worth_keeping;
    senders->details.context = context;
}

uint32_t senders_detailed(const struct senders *senders)
{
    return senders->details.used;
}

uint64_t senders_details_let_go(const struct senders *senders)
{
    return senders->block->details_let_go;
}

void details_touch(struct senders *senders, const struct sender_record *record)
{
    if (record->details != 0)
        make_youngest(senders, record->details);
}

static void claim(struct senders *senders, uint32_t number)
{
    struct sender_record *record = senders_record_at(senders, number);
    if (record->details == 0)
        return;
    if (record->details > senders->block->details_high_water) {
        let_go(record);
        return;
    }
    struct details_link *link = link_at(senders, record->details);
    if (link->owner == 0) {
        link->owner = number + 1;
        return;
    }
    let_go(senders_record_at(senders, link->owner - 1));
    let_go(record);
}

void details_adopt(struct senders *senders)
{
    for (uint32_t i = 0; i < senders->block->high_water; i++)
        claim(senders, i);
    for (uint32_t place = senders->block->details_high_water; place > 0; place--) {
        if (link_at(senders, place)->owner == 0 || owner_of(senders, place)->details != place)
            make_free(senders, place);
        else
            senders->details.used++;
    }
}
