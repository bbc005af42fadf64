/* How the sender table lies in its memory: for senders.c, for details.c, and for adopt.c, which finds it again. */
#ifndef AGENT_SENDER_BLOCK_H
#define AGENT_SENDER_BLOCK_H

#include "agent/sender/senders.h"
#include "common/table.h"

#define SENDERS_MAGIC UINT64_C(0x506f7374726e5332)

/*   block | records, each with the judge's bytes behind it | table: sender -> number of its record | links of the
 *   details | pool of sketches | details
 *
 * The records alone say what is known, and whose details stand where; table, links and orders of age are made anew from
 * them when the memory is adopted. So a process may die at any instruction: what it can leave half-done is one record,
 * which says so itself (`busy`), and a place for details that no record names. */
struct senders_block {
    uint64_t magic, fingerprint;
    uint32_t senders, sketches, judge_bytes, record_bytes;
    uint32_t high_water; /* records from here on were never used */
    uint32_t details, details_bytes;
    uint32_t details_high_water; /* as with records */
    uint64_t details_let_go;
    struct siphash_key key;
};

/* Whose details stand in a place, and its neighbours in the order of age. All count from 1; 0: none. A free place has
 * no owner, and `younger` is the next free one. */
struct details_link {
    uint32_t owner, older, younger;
};

struct details_pool {
    struct details_link *links; /* in the caller's memory */
    uint32_t oldest, youngest, free, used;
    bool (*is_worth_keeping)(void *context, struct sender_record *);
    void *context;
};

struct senders_layout {
    size_t record_stride, records, table, links, pool, details_stride, details, size;
    struct table_shape index;
};

struct port_list {
    struct senders_port *items; /* by number */
    size_t count, room;
};

/* The way to a record without the table: two waits for memory instead of four. What it says is a guess, which the
 * record itself confirms: it knows whose it is. A twentieth of replay's time on trace A of the benchmarks. */
#define SENDERS_GUESSES 65536
struct guess {
    uint32_t record, details; /* 1 + number; 0: none */
};

struct senders {
    struct senders_block *block; /* the caller's memory */
    struct senders_layout layout;
    struct table *table;
    struct count_pool *pool;
    struct details_pool details;
    struct port_list ports;
    const struct customers *customers; /* borrowed; NULL: none are known */
    void (*leaving)(void *context, struct sender_record *);
    void *context;
    struct guess guesses[SENDERS_GUESSES]; /* by a hash of the sender */
};

bool senders_lay_out(const struct senders_shape *, struct senders_layout *result); /* false: no memory is that large */

static inline struct sender_record *senders_record_at(const struct senders *senders, uint32_t number)
{
    char *first = (char *)senders->block + senders->layout.records;
    return (struct sender_record *)(void *)(first + (size_t)number * senders->layout.record_stride);
}

static inline uint32_t senders_number_of(const struct senders *senders, const struct sender_record *record)
{
    size_t distance = (size_t)((const char *)record - (const char *)senders_record_at(senders, 0));
    return (uint32_t)(distance / senders->layout.record_stride);
}

static inline char *senders_details_at(const struct senders *senders, uint32_t number)
{
    return (char *)senders->block + senders->layout.details + (size_t)number * senders->layout.details_stride;
}

/* The address that it uses now, where the observation says one, and whose it is by that; the record is open. */
void senders_note_whose(const struct senders *, struct sender_record *, const struct observation *);

void details_touch(struct senders *, const struct sender_record *); /* now the youngest of those that have some */
/* From what the records say, with links all zero; then the caller touches them in the order of their age. Details that
 * two records name are neither's, and those that none names are zeroed. */
void details_adopt(struct senders *);

#endif
