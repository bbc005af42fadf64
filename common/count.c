/* How many distinct values, in integers alone, so that every machine prints the same number.
 *
 * Three values stand in the struct, up to 256 in a place: a hash table of 8 to 256 slots that grows with them, so that
 * to add one is to touch one line of the cache, and a count of few values keeps to few lines. The next one turns the
 * place into 2,048 registers of a HyperLogLog. The estimate is Ertl's ("New cardinality estimation algorithms for
 * HyperLogLog sketches", 2017), which needs no empirical correction between its ranges:
 *
 *     m^2 / (2 ln 2)  /  ( m * sigma(zero registers / m)  +  sum over other registers of 2^-register )
 *
 * Both numbers below the line are kept in the struct and changed with each register, so that adding costs the same
 * however much has been counted, and reading costs nothing. */
#include <string.h>
#include "common/count.h"

#define MAGIC      UINT64_C(0x506f7374726e4331)
#define EXACT      256
#define FEW        3
#define REGISTERS  2048
#define INDEX_BITS 11
#define RANK_MOST  53 /* 64 bits less the index */

/* Fixed point: 53 bits behind the point hold every 2^-rank. */
#define ONE (UINT64_C(1) << 53)
__extension__ typedef unsigned __int128 wide;

union place {
    uint64_t
        exact[EXACT]; /* stirred values, each at its home or behind it, the end leading to the beginning; 0: free */
    uint8_t registers[REGISTERS];
    uint64_t next; /* of a place given back: link to the next such, counted from 1 */
};

struct count_pool {
    uint64_t magic;
    uint32_t places, high_water;
    uint32_t free, freed; /* chain of places given back, and its length */
    uint64_t refused;
    union place place[];
};

/* What `few` holds once the count is sketched. */
enum { SUM, ZEROS, ESTIMATE };

size_t count_pool_memory(uint32_t places)
{
    return places <= COUNT_POOL_MOST ? sizeof(struct count_pool) + (size_t)places * sizeof(union place) : SIZE_MAX;
}

struct count_pool *count_pool_place(void *memory, uint32_t places)
{
    struct count_pool *pool = memory;
    *pool = (struct count_pool){.magic = MAGIC, .places = places};
    return pool;
}

struct count_pool *count_pool_adopt(void *memory, size_t size, uint32_t places)
{
    struct count_pool *pool = memory;
    if (size < sizeof *pool || size < count_pool_memory(places) || pool->magic != MAGIC || pool->places != places ||
        pool->high_water > places || pool->freed > pool->high_water)
        return NULL;
    uint32_t steps = 0;
    for (uint64_t link = pool->free; link; steps++) {
        if (link > pool->high_water || steps == pool->freed)
            return NULL;
        link = pool->place[link - 1].next;
    }
    return steps == pool->freed ? pool : NULL;
}

uint32_t count_pool_free(const struct count_pool *pool)
{
    return pool->places - pool->high_water + pool->freed;
}

uint64_t count_pool_refused(const struct count_pool *pool)
{
    return pool->refused;
}

/* Link of a place, or 0. A chain that another hand has bent ends where it leaves the pool. */
static uint32_t take_place(struct count_pool *pool)
{
    uint32_t link = pool->free;
    if (link && pool->freed) {
        uint64_t next = pool->place[link - 1].next;
        pool->free = next <= pool->high_water ? (uint32_t)next : 0;
        pool->freed = pool->free ? pool->freed - 1 : 0;
        return link;
    }
    return pool->high_water < pool->places ? ++pool->high_water : 0;
}

/* The count's place; NULL where it names none of this pool. */
static union place *place_of(const struct count_pool *pool, const struct count *count)
{
    if (count->place == 0 || count->place > pool->high_water)
        return NULL;
    return (union place *)&pool->place[count->place - 1];
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
static unsigned slot_bits(uint32_t number)
{
    unsigned bits = 3;
    while (bits < 8 && number * 4 > (UINT32_C(3) << bits))
        bits++;
    return bits;
}

/* Where the value stands, or the free slot that it belongs into; the table's size where it is full of others. */
static uint32_t slot_of(const union place *place, unsigned bits, uint64_t stirred)
{
    uint32_t slots = UINT32_C(1) << bits, home = (uint32_t)(stirred >> (64 - bits));
    for (uint32_t i = 0; i < slots; i++) {
        uint32_t at = (home + i) & (slots - 1);
        if (place->exact[at] == stirred || place->exact[at] == 0)
            return at;
    }
    return slots;
}

static void widen(union place *place, unsigned bits)
{
    uint64_t before[EXACT / 2];
    size_t size = sizeof before[0] << bits;
    memcpy(before, place->exact, size);
    memset(place->exact, 0, size * 2);
    for (size_t i = 0; i < size / sizeof before[0]; i++)
        if (before[i] != 0)
            place->exact[slot_of(place, bits + 1, before[i])] = before[i];
}

static void add_exact(union place *place, struct count *count, uint64_t stirred)
{
    uint32_t number = count->number <= EXACT ? count->number : EXACT;
    unsigned bits = slot_bits(number);
    uint32_t at = slot_of(place, bits, stirred);
    if (at < EXACT && place->exact[at] == stirred)
        return;
    if (at == EXACT) {
        convert(place, count);
        add_to_sketch(place, count, stirred);
        return;
    }
    if (slot_bits(number + 1) > bits) {
        widen(place, bits);
        at = slot_of(place, bits + 1, stirred);
    }
    place->exact[at] = stirred;
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
    uint32_t link = take_place(pool);
    if (!link) {
        pool->refused++;
        return;
    }
    count->place = link;
    count->number = 0;
    union place *place = &pool->place[link - 1];
    memset(place->exact, 0, sizeof place->exact[0] << slot_bits(0));
    for (int i = 0; i < FEW; i++)
        add_exact(place, count, stir(count->few[i]));
    add_exact(place, count, stir(hash));
}

void count_add(struct count_pool *pool, struct count *count, uint64_t hash)
{
    if (count->place == 0 && count->number <= FEW) {
        add_few(pool, count, hash);
        return;
    }
    union place *place = place_of(pool, count);
    if (!place)
        pool->refused++;
    else if (count->number == COUNT_SKETCHED)
        add_to_sketch(place, count, stir(hash));
    else
        add_exact(place, count, stir(hash));
}

uint64_t count_value(const struct count_pool *pool, const struct count *count)
{
    (void)pool; /* what is asked stands in the struct; the place only remembers which */
    return count->number == COUNT_SKETCHED ? count->few[ESTIMATE] : count->number;
}

void count_clear(struct count_pool *pool, struct count *count)
{
    union place *place = place_of(pool, count);
    if (place) {
        place->next = pool->free;
        pool->free = count->place;
        pool->freed++;
    }
    *count = (struct count){0};
}
