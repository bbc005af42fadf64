/* How the spool lies in memory and in its file: for spool.c, which fills it, and spool_deliver.c, which empties it. */
#ifndef AGENT_COURIER_SPOOL_STATE_H
#define AGENT_COURIER_SPOOL_STATE_H

#include <sqlite3.h>
#include "agent/courier/spool.h"

/* The numbers that change together with the records, in one transaction. */
enum spool_value {
    SPOOL_LIFE,
    SPOOL_NEWEST,
    SPOOL_DELIVERED,
    SPOOL_REVISION,
    SPOOL_LIVED, /* the spool's own clock */
    SPOOL_ASIDE,
    SPOOL_DROPPED,                               /* one for each worth: in all */
    SPOOL_UNSAID = SPOOL_DROPPED + SPOOL_WORTHS, /* and of these, not yet told by a record */
    SPOOL_FILTERED = SPOOL_UNSAID + SPOOL_WORTHS,
    SPOOL_VALUES
};

struct spool_state {
    int64_t values[SPOOL_VALUES];
    uint64_t records, bytes;
};

enum spool_statement {
    SPOOL_INSERT,
    SPOOL_PUT,
    SPOOL_LEAST,  /* the record that is worth least */
    SPOOL_FIRST,  /* the oldest record */
    SPOOL_DELETE, /* one record */
    SPOOL_SUM,    /* count and bytes of the records up to a sequence */
    SPOOL_FORGET, /* the records up to a sequence */
    SPOOL_READ,
    SPOOL_PUT_ASIDE,
    SPOOL_PRUNE_ASIDE,
    SPOOL_GET_IDENTITY,
    SPOOL_PUT_IDENTITY,
    SPOOL_STATEMENTS
};

struct spool_waiting {
    struct spool_waiting *next;
    enum spool_worth worth;
    moment time;
    size_t length;
    char line[];
};

struct spool {
    char path[512];
    struct spool_settings settings;
    sqlite3 *database; /* NULL: its file is not open */
    sqlite3_stmt *statements[SPOOL_STATEMENTS];
    struct spool_state now, next; /* committed; and what the transaction under way makes of it */
    struct spool_waiting *first, **last;
    uint32_t waiting;
    size_t waiting_bytes;
    uint64_t lost[SPOOL_WORTHS]; /* dropped before any commit, since the last one */
    int64_t revision;            /* what the next commit shall say; acknowledgements up to it are among the waiting */
    int64_t filtered;            /* the same of opinions */
    moment seen;                 /* the time of the last commit, by which the spool's clock goes on */
    moment oldest;               /* of the oldest record */
    int64_t oldest_born;         /* the same on the spool's clock */
    moment told;                 /* when losses were told last; 0: not yet */
};

/* A transaction: begin, do, end. `code` is SQLite's; what is not SQLITE_OK rolls back. spool_end() returns 0 or a
 * negative errno, and `now` is what stands in the file. */
int spool_begin(struct spool *);
int spool_end(struct spool *, int code, struct error *);
int spool_run(sqlite3_stmt *); /* a statement without rows, once; its parameters are bound */
int spool_drop(struct spool *, int64_t sequence, int64_t bytes);
int spool_insert(struct spool *, enum spool_worth, moment, struct text line);
/* All records that wait. Then spool_settle() once the transaction stands. */
int spool_insert_waiting(struct spool *, moment now);
void spool_settle(struct spool *);
int spool_is_closed(struct error *);
int64_t spool_new_life(void);

#endif
