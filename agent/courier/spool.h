/* The spool: what a node has to tell the centre, durable until the centre has it. A record gets the next sequence of
 * this spool's life and stays until a delivery up to it was confirmed. Bounded by age and size: what is worth least
 * goes first, and how much went is a record of its own.
 *
 * A life is 64 random bits that begin with an empty spool, so that a centre never mistakes the sequences of a node that
 * lost its disk for those it has. */
#ifndef AGENT_COURIER_SPOOL_H
#define AGENT_COURIER_SPOOL_H

#include <stdbool.h>
#include <stdint.h>
#include "common/buffer.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"

/* What gives way first when there is no room: the lowest. */
enum spool_worth { SPOOL_COUNTS, SPOOL_EVIDENCE, SPOOL_EVENT, SPOOL_VERDICT, SPOOL_ORDER, SPOOL_WORTHS };

struct spool_settings {
    uint64_t size; /* bytes of records, at most; each counts SPOOL_OVERHEAD beyond its line */
    /* Older records go. Measured on the spool's own clock, which runs while the spool is used and which no setting of
     * the machine's clock can move by more than a second. */
    duration age;
};
#define SPOOL_OVERHEAD    64
#define SPOOL_RECORD_MOST 60000 /* bytes of a line; a longer one is dropped, and counted */
#define SPOOL_BATCH_MOST  10000 /* records */
/* What is held in memory while the disk refuses, in records and in bytes. Counts may take half of it, evidence three
 * quarters, events seven eighths, verdicts all of it and orders as much again: so what is worth least gives way. */
#define SPOOL_WAITING_MOST  20000
#define SPOOL_WAITING_BYTES ((size_t)16 << 20)
#define SPOOL_NODE          17
#define SPOOL_SECRET        96

struct spool_counters {
    uint64_t records, bytes, dropped[SPOOL_WORTHS], set_aside;
    moment oldest;             /* 0: it is empty */
    int64_t delivered, newest; /* sequences */
    uint32_t waiting;          /* records in memory that no commit has reached */
};

struct spool;
int spool_create(const char *path, const struct spool_settings *, struct spool **result, struct error *) MUST_CHECK;
int spool_open(struct spool *, bool *moved_aside, struct error *) MUST_CHECK; /* may be called until it succeeds */
bool spool_is_open(const struct spool *);
void spool_close(struct spool **);

/* `line` is a JSON object, with or without its newline. Durable once spool_commit() has returned 0; after a failure (a
 * full disk) it waits in memory, up to a bound, and is tried again with the next commit. */
void spool_add(struct spool *, enum spool_worth, moment, struct text line);
/* Also lets the spool's clock run and keeps the bounds, so it is called whether or not something was added. */
int spool_commit(struct spool *, moment now, struct error *) MUST_CHECK;

/* The next batch, uncompressed, as POST /v1/records takes it: header line and records, up to about `bytes` and at most
 * `most` records. Returns how many records; *last is the sequence of its last one. 0: nothing waits. */
int spool_batch(struct spool *, size_t bytes, uint32_t most, const char *version, struct buffer *out, int64_t *last,
                struct error *) MUST_CHECK;
/* The centre has everything up to there, by its own word. Beyond the newest sequence (a spool from a backup): a new
 * life begins with what there is. Before what was confirmed (a centre from a backup): what lies between is gone from
 * here, and said to be lost. */
int spool_delivered(struct spool *, int64_t sequence, struct error *) MUST_CHECK;
/* The centre will not take this record: keep it out of the way, counted. */
int spool_set_aside(struct spool *, int64_t sequence, const char *why, struct error *) MUST_CHECK;

/* The revision up to which directives were carried out, and its acknowledgement, in one commit. After a failure both
 * wait for the next commit. */
int64_t spool_revision(const struct spool *);
int spool_acknowledge(struct spool *, int64_t revision, bool done, const char *text, moment now,
                      struct error *) MUST_CHECK;
/* The same with the next commit: for many at once of which nothing had to be carried out. A crash before has them come
 * again. */
int spool_acknowledge_later(struct spool *, int64_t revision, bool done, const char *text, moment now,
                            struct error *) MUST_CHECK;
/* The centre knows of no revision higher than this one: with the next commit. */
void spool_set_back_revision(struct spool *, int64_t revision);
/* The number of the last of the content filters' opinions that the watcher has judged: with the next commit. */
int64_t spool_filtered(const struct spool *);
void spool_set_filtered(struct spool *, int64_t number);
/* More waits in memory than should be added to: no orders are asked for. */
bool spool_is_behind(const struct spool *);

/* What the node is called at the centre, and the secret that proves it; `node` is empty before it enrolled. */
int spool_identity(struct spool *, char node[SPOOL_NODE], char secret[SPOOL_SECRET], struct error *) MUST_CHECK;
int spool_set_identity(struct spool *, const char *node, const char *secret, struct error *) MUST_CHECK;

struct spool_counters spool_counters(const struct spool *);

#endif
