/* How many distinct values, in integers alone, so that every machine prints the same number.
 *
 * Three values stand in the struct; up to 48 in a small place, up to 256 in a large one: hash tables that grow with
 * them, so that to add one is to touch one line of the cache, and a count of few values keeps to few lines. The next
 * one turns the large place into 2,048 registers of a HyperLogLog. The estimate is Ertl's ("New cardinality estimation
 * algorithms for HyperLogLog sketches", 2017), which needs no empirical correction between its ranges:
 *
 *     m^2 / (2 ln 2)  /  ( m * sigma(zero registers / m)  +  sum over other registers of 2^-register )
 *
 * Both numbers below the line are kept in the struct and changed with each register, so that adding costs the same
 * however much has been counted, and reading costs nothing. */
#include <assert.h>
#include <string.h>
#include "common/count.h"

#define MAGIC      UINT64_C(0x506f7374726e4332)
#define EXACT      256
#define FEW        3
#define REGISTERS  2048
#define INDEX_BITS 11
#define RANK_MOST  53 /* 64 bits less the index */

/* Places of two sizes: most senders have dozens of servers and recipients, few have hundreds. */
enum size { SMALL, LARGE, SIZES };
#define SMALL_BITS 6 /* 2^6 slots */
#define LARGE_BITS 8
#define SMALL_LINK (UINT32_C(1) << 31) /* in a count's `place` */

/* Fixed point: 53 bits behind the point hold every 2^-rank. */
#define ONE (UINT64_C(1) << 53)
__extension__ typedef unsigned __int128 wide;

/* Stirred values, each at its home or behind it, the end leading to the beginning; 0: free. Of a place that was given
 * back the first word is the link to the next such, counted from 1. */
struct small_place {
    uint64_t exact[1 << SMALL_BITS];
};
union place {
    uint64_t exact[EXACT];
    uint8_t registers[REGISTERS];
};
static_assert(EXACT == 1 << LARGE_BITS && sizeof(union place) == 4 * sizeof(struct small_place),
              "four small ones in one");

struct shelf {
    uint32_t places, high_water;
    uint32_t free, freed; /* chain of places given back, and its length */
};

struct count_pool {
    uint64_t magic, refused;
    struct shelf shelves[SIZES];
    union place place[]; /* first what is cut into small ones, then the large ones */
};

/* What `few` holds once the count is sketched. */
enum { SUM, ZEROS, ESTIMATE };

/* A quarter of the memory is for small places: as many as all. */
static uint32_t cut_up(uint32_t places)
{
    return places / 4;
}

size_t count_pool_memory(uint32_t places)
{
    return places <= COUNT_POOL_MOST ? sizeof(struct count_pool) + (size_t)places * sizeof(union place) : SIZE_MAX;
}

struct count_pool *count_pool_place(void *memory, uint32_t places)
{
    struct count_pool *pool = memory;
    *pool = (struct count_pool){.magic = MAGIC};
    pool->shelves[SMALL].places = cut_up(places) * 4;
    pool->shelves[LARGE].places = places - cut_up(places);
    return pool;
}

/* The first word of a place, by its link without SMALL_LINK. */
static uint64_t *slots_at(const struct count_pool *pool, enum size size, uint32_t link)
{
    const union place *large = pool->place + pool->shelves[SMALL].places / 4;
    const struct small_place *small = (const struct small_place *)(const void *)pool->place;
    return (uint64_t *)(size == SMALL ? small[link - 1].exact : large[link - 1].exact);
}

static bool is_sound(const struct count_pool *pool, enum size size)
{
    const struct shelf *shelf = &pool->shelves[size];
    if (shelf->high_water > shelf->places || shelf->freed > shelf->high_water)
        return false;
    uint32_t steps = 0;
    for (uint64_t link = shelf->free; link; steps++) {
        if (link > shelf->high_water || steps == shelf->freed)
            return false;
        link = *slots_at(pool, size, (uint32_t)link);
    }
    return steps == shelf->freed;
}

struct count_pool *count_pool_adopt(void *memory, size_t size, uint32_t places)
{
    struct count_pool *pool = memory;
    if (size < sizeof *pool || size < count_pool_memory(places) || pool->magic != MAGIC ||
        pool->shelves[SMALL].places != cut_up(places) * 4 || pool->shelves[LARGE].places != places - cut_up(places))
        return NULL;
    return is_sound(pool, SMALL) && is_sound(pool, LARGE) ? pool : NULL;
}

static uint32_t free_places(const struct shelf *shelf)
{
    return shelf->places - shelf->high_water + shelf->freed;
}

uint32_t count_pool_free(const struct count_pool *pool)
{
    return free_places(&pool->shelves[SMALL]) / 4 + free_places(&pool->shelves[LARGE]);
}

uint64_t count_pool_refused(const struct count_pool *pool)
{
    return pool->refused;
}

/* Link of an empty place, as a count keeps it, or 0. A chain that another hand has bent ends where it leaves the
 * pool. */
static uint32_t take_place(struct count_pool *pool, enum size size)
{
    struct shelf *shelf = &pool->shelves[size];
    uint32_t link = shelf->free;
    if (link && shelf->freed) {
        uint64_t next = *slots_at(pool, size, link);
        shelf->free = next <= shelf->high_water ? (uint32_t)next : 0;
        shelf->freed = shelf->free ? shelf->freed - 1 : 0;
    } else if (shelf->high_water < shelf->places) {
        link = ++shelf->high_water;
    } else {
        return 0;
    }
    memset(slots_at(pool, size, link), 0, size == SMALL ? sizeof(struct small_place) : sizeof(union place));
    return size == SMALL ? link | SMALL_LINK : link;
}

static void give_back(struct count_pool *pool, uint32_t place)
{
    enum size size = place & SMALL_LINK ? SMALL : LARGE;
    struct shelf *shelf = &pool->shelves[size];
    *slots_at(pool, size, place & ~SMALL_LINK) = shelf->free;
    shelf->free = place & ~SMALL_LINK;
    shelf->freed++;
}

/* The count's place; NULL where it names none of this pool. */
static uint64_t *slots_of(const struct count_pool *pool, const struct count *count)
{
    enum size size = count->place & SMALL_LINK ? SMALL : LARGE;
    uint32_t link = count->place & ~SMALL_LINK;
    return link == 0 || link > pool->shelves[size].high_water ? NULL : slots_at(pool, size, link);
}

/* x + sum over k >= 1 of x^(2^k) * 2^(k-1), for x below 1; the terms vanish after at most 17 steps. */
static wide sigma(uint64_t x)
{
    wide sum = x;
    uint64_t power = x;
    for (int k = 0; power != 0; k++) {
        power = (uint64_t)((wide)power * power >> 53);
        sum += (wide)power << k;
    }
    return sum;
}

static uint64_t estimate(uint64_t sum, uint64_t zeros)
{
    const uint64_t numerator = UINT64_C(3172519945584); /* 2048^2 / (2 ln 2), 20 bits behind the point */
    if (zeros >= REGISTERS)
        zeros = REGISTERS - 1; /* cannot be, unless another hand was in this memory: the series must end */
    wide below = sigma(zeros * (ONE / REGISTERS)) * REGISTERS + sum;
    if (below == 0)
        return UINT64_MAX;
    return (uint64_t)((((wide)numerator << 53) / below + (UINT64_C(1) << 19)) >> 20);
}

/* Values ought to be good hashes; a stir that keeps different ones apart makes sure that a weak one skews neither slots
 * nor registers. */
static uint64_t stir(uint64_t hash)
{
    hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
    hash ^= hash >> 31;
    return hash ? hash : UINT64_MAX; /* 0 marks what is free */
}

bool count_is_sound(const struct count_pool *pool, const struct count *count, uint32_t *from, uint32_t *quarters)
{
    bool small = (count->place & SMALL_LINK) != 0;
    *from = *quarters = 0;
    if (count->place == 0)
        return count->number <= FEW;
    if (!slots_of(pool, count))
        return false;
    uint32_t index = (count->place & ~SMALL_LINK) - 1;
    *from = small ? index : pool->shelves[SMALL].places + index * 4;
    *quarters = small ? 1 : 4;
    return small ? count->number <= UINT32_C(1) << SMALL_BITS
                 : count->number <= EXACT || count->number == COUNT_SKETCHED;
}

static bool sketch(union place *place, struct count *count, uint64_t stirred)
{
    uint64_t rest = stirred << INDEX_BITS;
    uint8_t *reg = &place->registers[stirred >> (64 - INDEX_BITS)];
    unsigned rank = rest ? (unsigned)__builtin_clzll(rest) + 1 : RANK_MOST;
    if (rank <= *reg)
        return false;
    if (*reg == 0)
        count->few[ZEROS]--;
    else
        count->few[SUM] -= ONE >> *reg;
    count->few[SUM] += ONE >> rank;
    *reg = (uint8_t)rank;
    return true;
}

static void convert(union place *place, struct count *count)
{
    union place exact = *place;
    memset(place, 0, sizeof *place);
    *count = (struct count){.number = COUNT_SKETCHED, .place = count->place, .few = {[ZEROS] = REGISTERS}};
    for (int i = 0; i < EXACT; i++)
        sketch(place, count, exact.exact[i]);
    count->few[ESTIMATE] = estimate(count->few[SUM], count->few[ZEROS]);
}

static void add_to_sketch(union place *place, struct count *count, uint64_t stirred)
{
    if (sketch(place, count, stirred))
        count->few[ESTIMATE] = estimate(count->few[SUM], count->few[ZEROS]);
}

/* Of a table with so many values: 2 to the power of this many slots, at most three quarters of them taken while it can
 * still grow. */
static unsigned slot_bits(uint32_t number, unsigned most)
{
    unsigned bits = 3;
    while (bits < most && number * 4 > (UINT32_C(3) << bits))
        bits++;
    return bits;
}

/* Where the value stands, or the free slot that it belongs into; the table's size where it is full of others. */
static uint32_t slot_of(const uint64_t *slots, unsigned bits, uint64_t stirred)
{
    uint32_t size = UINT32_C(1) << bits, home = (uint32_t)(stirred >> (64 - bits));
    for (uint32_t i = 0; i < size; i++) {
        uint32_t at = (home + i) & (size - 1);
        if (slots[at] == stirred || slots[at] == 0)
            return at;
    }
    return size;
}

/* From a table of 2^from slots into one of 2^to, whose slots beyond the first of the two sizes are free. */
static void rehash(const uint64_t *before, unsigned from, uint64_t *slots, unsigned to)
{
    uint64_t copy[EXACT / 2];
    size_t size = (size_t)1 << from;
    memcpy(copy, before, size * sizeof copy[0]);
    memset(slots, 0, size * sizeof slots[0]);
    for (size_t i = 0; i < size; i++)
        if (copy[i] != 0)
            slots[slot_of(slots, to, copy[i])] = copy[i];
}

/* From the small place into a large one, where there is any. */
static uint64_t *move_up(struct count_pool *pool, struct count *count, const uint64_t *small)
{
    uint32_t place = take_place(pool, LARGE);
    if (!place)
        return NULL;
    uint64_t *slots = slots_at(pool, LARGE, place);
    rehash(small, SMALL_BITS, slots, SMALL_BITS + 1);
    give_back(pool, count->place);
    count->place = place;
    return slots;
}

static void add_exact(struct count_pool *pool, struct count *count, uint64_t *slots, uint64_t stirred)
{
    unsigned most = count->place & SMALL_LINK ? SMALL_BITS : LARGE_BITS;
    uint32_t number = count->number <= UINT32_C(1) << most ? count->number : UINT32_C(1) << most;
    unsigned bits = slot_bits(number, most), after = slot_bits(number + 1, LARGE_BITS);
    uint32_t at = slot_of(slots, bits, stirred);
    if (at < UINT32_C(1) << bits && slots[at] == stirred)
        return;
    if (number == EXACT) {
        convert((union place *)(void *)slots, count);
        add_to_sketch((union place *)(void *)slots, count, stirred);
        return;
    }
    if (after > most) {
        uint64_t *large = move_up(pool, count, slots);
        if (large) {
            slots = large;
            at = slot_of(slots, after, stirred);
        }
    } else if (after > bits) {
        memset(slots + (UINT32_C(1) << bits), 0, sizeof slots[0] << bits);
        rehash(slots, bits, slots, after);
        at = slot_of(slots, after, stirred);
    }
    if (at == UINT32_C(1) << most) { /* full, and no large place for it; or another hand was in this memory */
        pool->refused++;
        return;
    }
    slots[at] = stirred;
    count->number = number + 1;
}

static void add_few(struct count_pool *pool, struct count *count, uint64_t hash)
{
    for (uint32_t i = 0; i < count->number && i < FEW; i++)
        if (count->few[i] == hash)
            return;
    if (count->number < FEW) {
        count->few[count->number++] = hash;
        return;
    }
    count->place = take_place(pool, SMALL);
    if (!count->place)
        count->place = take_place(pool, LARGE);
    if (!count->place) {
        pool->refused++;
        return;
    }
    count->number = 0;
    uint64_t *slots = slots_of(pool, count);
    for (int i = 0; i < FEW; i++)
        add_exact(pool, count, slots, stir(count->few[i]));
    add_exact(pool, count, slots, stir(hash));
}

void count_add(struct count_pool *pool, struct count *count, uint64_t hash)
{
    if (count->place == 0 && count->number <= FEW) {
        add_few(pool, count, hash);
        return;
    }
    uint64_t *slots = slots_of(pool, count);
    bool sketched = count->number == COUNT_SKETCHED;
    if (!slots || (sketched && count->place & SMALL_LINK))
        pool->refused++;
    else if (sketched)
        add_to_sketch((union place *)(void *)slots, count, stir(hash));
    else
        add_exact(pool, count, slots, stir(hash));
}

uint64_t count_value(const struct count_pool *pool, const struct count *count)
{
    (void)pool; /* what is asked stands in the struct; the place only remembers which */
    return count->number == COUNT_SKETCHED ? count->few[ESTIMATE] : count->number;
}

void count_clear(struct count_pool *pool, struct count *count)
{
    if (slots_of(pool, count))
        give_back(pool, count->place);
    *count = (struct count){0};
}
