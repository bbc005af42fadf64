/* The table of senders: whom an observation is about, found by guest's port, account, local user or address; the
 * records in one piece of memory, the oldest giving way. */
#include "agent/sender/block.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LINE   64 /* records begin on a line of the cache of their own */
#define CHANCE 64 /* senders with an order in force that are passed over in search of one to give way */

static bool add_up(size_t *sum, size_t size)
{
    size_t rounded = (size + LINE - 1) & ~(size_t)(LINE - 1);
    return rounded >= size && !__builtin_add_overflow(*sum, rounded, sum);
}

bool senders_lay_out(const struct senders_shape *shape, struct senders_layout *result)
{
    struct senders_layout layout = {0};
    size_t end = 0, records, details;
    layout.index = (struct table_shape){shape->senders, sizeof(struct sender), sizeof(uint64_t), shape->key};

    bool fits = shape->senders > 0 && shape->sketches <= COUNT_POOL_MOST && add_up(&end, sizeof(struct senders_block));
    layout.records = end;
    fits = fits && add_up(&layout.record_stride, sizeof(struct sender_record) + (size_t)shape->judge_bytes) &&
           !__builtin_mul_overflow(layout.record_stride, (size_t)shape->senders, &records) && add_up(&end, records);
    layout.table = end;
    fits = fits && add_up(&end, table_memory(&layout.index));
    layout.links = end;
    fits = fits && add_up(&end, (size_t)shape->details * sizeof(struct details_link));
    layout.pool = end;
    fits = fits && add_up(&end, count_pool_memory(shape->sketches));
    layout.details = end;
    fits = fits && add_up(&layout.details_stride, shape->details_bytes) &&
           !__builtin_mul_overflow(layout.details_stride, (size_t)shape->details, &details) && add_up(&end, details);
    layout.size = end;
    if (fits)
        *result = layout;
    return fits;
}

size_t senders_memory(const struct senders_shape *shape)
{
    struct senders_layout layout;
    return senders_lay_out(shape, &layout) ? layout.size : SIZE_MAX;
}

size_t senders_place_bytes(const struct senders_shape *shape)
{
    struct senders_layout layout;
    return senders_lay_out(shape, &layout) ? layout.record_stride : SIZE_MAX;
}

struct senders *senders_place(void *memory, const struct senders_shape *shape, struct error *error)
{
    struct senders *senders = calloc(1, sizeof *senders);
    if (senders == NULL || !senders_lay_out(shape, &senders->layout)) {
        free(senders);
        error_set(error, ENOMEM, "no memory for a table of %u senders", shape->senders);
        return NULL;
    }
    senders->block = memory;
    *senders->block = (struct senders_block){
        .magic = SENDERS_MAGIC,
        .fingerprint = shape->fingerprint,
        .senders = shape->senders,
        .sketches = shape->sketches,
        .judge_bytes = shape->judge_bytes,
        .record_bytes = sizeof(struct sender_record),
        .details = shape->details,
        .details_bytes = shape->details_bytes,
        .key = shape->key,
    };
    senders->table = table_place((char *)memory + senders->layout.table, &senders->layout.index);
    senders->pool = count_pool_place((char *)memory + senders->layout.pool, shape->sketches);
    senders->details.links = (struct details_link *)(void *)((char *)memory + senders->layout.links);
    return senders;
}

void senders_release(struct senders **senders)
{
    if (*senders != NULL)
        free((*senders)->ports.items);
    free(*senders);
    *senders = NULL;
}

/* --- attribution --- */

static size_t port_position(const struct port_list *ports, uint32_t number)
{
    size_t low = 0, high = ports->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (ports->items[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool port_stands_at(const struct port_list *ports, size_t position, uint32_t number)
{
    return position < ports->count && ports->items[position].number == number;
}

bool senders_set_port(struct senders *senders, const struct senders_port *port)
{
    struct port_list *ports = &senders->ports;
    size_t at = port_position(ports, port->number);
    if (port_stands_at(ports, at, port->number)) {
        ports->items[at] = *port;
        return true;
    }
    if (ports->count == ports->room) {
        size_t room = ports->room ? ports->room * 2 : 16;
        struct senders_port *items = reallocarray(ports->items, room, sizeof *items);
        if (items == NULL)
            return false;
        ports->items = items;
        ports->room = room;
    }
    memmove(ports->items + at + 1, ports->items + at, (ports->count - at) * sizeof *ports->items);
    ports->items[at] = *port;
    ports->count++;
    return true;
}

void senders_drop_port(struct senders *senders, uint32_t number)
{
    struct port_list *ports = &senders->ports;
    size_t at = port_position(ports, number);
    if (!port_stands_at(ports, at, number))
        return;
    ports->count--;
    memmove(ports->items + at, ports->items + at + 1, (ports->count - at) * sizeof *ports->items);
}

bool senders_has_port(const struct senders *senders, const struct sender *sender)
{
    for (size_t i = 0; i < senders->ports.count; i++) {
        struct sender port = sender_from_port(senders->ports.items[i].interface);
        if (sender_equals(&port, sender))
            return true;
    }
    return false;
}

/* A guest can write any address into its packets, but it cannot leave its port. */
struct sender senders_attribute(const struct senders *senders, const struct origin *origin)
{
    if (origin->port != 0) {
        size_t at = port_position(&senders->ports, origin->port);
        if (port_stands_at(&senders->ports, at, origin->port))
            return sender_from_port(senders->ports.items[at].interface);
    }
    if (origin->account.length > 0)
        return sender_from_account(origin->account);
    if (origin->user_known)
        return sender_from_user(origin->user);
    return sender_from_address(&origin->address);
}

/* --- records --- */

void sender_record_open(struct sender_record *record)
{
    record->busy |= 1;
    atomic_signal_fence(memory_order_seq_cst);
}

void sender_record_close(struct sender_record *record)
{
    atomic_signal_fence(memory_order_seq_cst);
    record->busy = (uint8_t)((record->busy | 1) + 1);
}

static struct sender_record *record_of(const struct senders *senders, const void *value)
{
    return value ? senders_record_at(senders, table_index(senders->table, value)) : NULL;
}

static void *value_of(const struct senders *senders, const struct sender_record *record)
{
    return table_at(senders->table, senders_number_of(senders, record));
}

static void wipe(struct senders *senders, struct sender_record *record)
{
    senders_drop_details(senders, record);
    sender_record_open(record);
    count_clear(senders->pool, &record->distinct_recipients);
    count_clear(senders->pool, &record->distinct_senders);
    count_clear(senders->pool, &record->distinct_helos);
    count_clear(senders->pool, &record->distinct_servers);
    memset(record + 1, 0, senders->layout.record_stride - sizeof *record);
    *record = (struct sender_record){.busy = 1};
    sender_record_close(record);
}

/* The oldest gives way. One with an order in force gets another chance, within bounds: its order stays in the kernel
 * until its time-out all the same, but its evidence would be forgotten. */
static void make_room(struct senders *senders)
{
    for (int tries = 0; tries < CHANCE && record_of(senders, table_oldest(senders->table))->held; tries++)
        table_touch(senders->table, table_oldest(senders->table));
    void *oldest = table_oldest(senders->table);
    struct sender_record *record = record_of(senders, oldest);
    if (senders->leaving)
        senders->leaving(senders->context, record);
    wipe(senders, record);
    table_remove(senders->table, oldest);
}

static struct sender_record *add_record(struct senders *senders, const struct sender *sender, moment time)
{
    if (table_count(senders->table) == senders->block->senders)
        make_room(senders);
    bool added;
    void *value = table_add(senders->table, sender, &added, NULL, NULL);
    uint32_t number = table_index(senders->table, value);
    struct sender_record *record = senders_record_at(senders, number);
    if (number >= senders->block->high_water) {
        memset(record, 0,
               senders->layout.record_stride); /* it is zero, unless the memory that was adopted is damaged */
        senders->block->high_water = number + 1;
    }
    sender_record_open(record);
    record->sender = *sender;
    record->first = record->last = time;
    whose_find(&record->whose, senders->customers, sender);
    sender_record_close(record);
    return record;
}

static uint32_t guess_place(const struct sender *sender)
{
    uint64_t words[6];
    memcpy(words, sender, sizeof words);
    static_assert(sizeof *sender == sizeof words, "all of it counts");
    words[1] ^= words[3] * UINT64_C(0x94d049bb133111eb);
    words[2] ^= words[4] ^ words[5] * UINT64_C(0xd6e8feb86659fd93);
    uint64_t hash = (words[0] ^ words[1] * UINT64_C(0xbf58476d1ce4e5b9) ^ words[2] * UINT64_C(0xff51afd7ed558ccd)) *
                    UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)((hash ^ hash >> 32) >> 16 & (SENDERS_GUESSES - 1));
}

uint32_t senders_fetch_note(const struct senders *senders, const struct sender *sender)
{
    uint32_t place = guess_place(sender);
    __builtin_prefetch(&senders->guesses[place]);
    return place;
}

const char *senders_fetch(const struct senders *senders, uint32_t note)
{
    struct guess guess = senders->guesses[note];
    if (guess.record == 0)
        return NULL;
    const char *record = (const char *)senders_record_at(senders, guess.record - 1);
    for (size_t at = 0; at < sizeof(struct sender_record); at += LINE)
        __builtin_prefetch(record + at, 1);
    return guess.details ? senders_details_at(senders, guess.details - 1) : NULL;
}

static struct sender_record *find_record(struct senders *senders, const struct sender *sender)
{
    struct guess *guess = &senders->guesses[guess_place(sender)];
    if (guess->record != 0) {
        struct sender_record *record = senders_record_at(senders, guess->record - 1);
        for (size_t at = 0; at < sizeof *record; at += LINE)
            __builtin_prefetch((char *)record + at, 1); /* they come together, while the first is waited for */
        if (sender_equals(&record->sender, sender)) {
            guess->details = record->details;
            return record;
        }
    }
    void *value = table_find(senders->table, sender);
    if (value == NULL)
        return NULL;
    uint32_t number = table_index(senders->table, value);
    struct sender_record *record = senders_record_at(senders, number);
    *guess = (struct guess){number + 1, record->details};
    return record;
}

#define AGE_STEP (10 * SECOND)

/* Its place in the order of age is kept in steps: to set it with every observation would cost three looks into far
 * memory, and tell nobody more. */
struct sender_record *senders_record(struct senders *senders, const struct sender *sender, moment time)
{
    struct sender_record *record = find_record(senders, sender);
    if (record == NULL)
        return add_record(senders, sender, time);
    if (time <= record->last && time >= record->first)
        return record;

    if (time / AGE_STEP > record->last / AGE_STEP) {
        table_touch(senders->table, value_of(senders, record));
        details_touch(senders, record);
    }
    sender_record_open(record);
    if (time > record->last)
        record->last = time;
    if (time < record->first)
        record->first = time;
    sender_record_close(record);
    return record;
}

struct sender_record *senders_find(struct senders *senders, const struct sender *sender)
{
    return find_record(senders, sender);
}

void senders_forget(struct senders *senders, const struct sender *sender)
{
    void *value = table_find(senders->table, sender);
    if (value == NULL)
        return;
    wipe(senders, record_of(senders, value));
    table_remove(senders->table, value);
}

void senders_on_leaving(struct senders *senders, void (*leaving)(void *context, struct sender_record *), void *context)
{
    senders->leaving = leaving;
    senders->context = context;
}

void *senders_judge_bytes(struct senders *senders, struct sender_record *record)
{
    (void)senders;
    return record + 1;
}

struct sender_record *senders_oldest(struct senders *senders)
{
    return record_of(senders, table_oldest(senders->table));
}

struct sender_record *senders_younger(struct senders *senders, const struct sender_record *record)
{
    return record_of(senders, table_younger(senders->table, value_of(senders, record)));
}

uint32_t senders_number(const struct senders *senders)
{
    return table_count(senders->table);
}

uint64_t senders_distinct(const struct senders *senders, const struct count *count)
{
    return count_value(senders->pool, count);
}
