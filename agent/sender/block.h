/* How the sender table lies in its memory: for senders.c, and for adopt.c, which finds it again. */
#ifndef AGENT_SENDER_BLOCK_H
#define AGENT_SENDER_BLOCK_H

#include "agent/sender/senders.h"
#include "common/table.h"

#define SENDERS_MAGIC UINT64_C(0x506f7374726e5331)

/*   block | records, each with the judge's bytes behind it | table: sender -> number of its record | pool of sketches
 *
 * The records alone say what is known; table and order of age are made anew from them when the memory is adopted. So a
 * process may die at any instruction: what it can leave half-done is one record, which says so itself (`busy`). */
struct senders_block {
    uint64_t magic, fingerprint;
    uint32_t senders, sketches, judge_bytes, record_bytes;
    uint32_t high_water; /* records from here on were never used */
    uint32_t reserved;
    struct siphash_key key;
};

struct senders_layout {
    size_t record_stride, records, table, pool, size;
    struct table_shape index;
};

struct port_list {
    struct senders_port *items; /* by number */
    size_t count, room;
};

/* The way to a record without the table: two waits for memory instead of four. What it says is a guess, which the
 * record itself confirms: it knows whose it is. A twentieth of replay's time on trace A of the benchmarks. */
#define SENDERS_GUESSES 65536

struct senders {
    struct senders_block *block; /* the caller's memory */
    struct senders_layout layout;
    struct table *table;
    struct count_pool *pool;
    struct port_list ports;
    void (*leaving)(void *context, struct sender_record *);
    void *context;
    uint32_t guesses[SENDERS_GUESSES]; /* by a hash of the sender: 1 + number of its record; 0: none */
};

bool senders_lay_out(const struct senders_shape *, struct senders_layout *result); /* false: no memory is that large */

static inline struct sender_record *senders_record_at(const struct senders *senders, uint32_t number)
{
    char *first = (char *)senders->block + senders->layout.records;
    return (struct sender_record *)(void *)(first + (size_t)number * senders->layout.record_stride);
}

#endif
