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
    uint64_t size; /* bytes of records, at most */
    duration age;  /* older records go */
};

struct spool_counters {
    uint64_t records, bytes, dropped[SPOOL_WORTHS], set_aside;
    moment oldest;
    int64_t delivered, newest; /* sequences */
};

struct spool;
int spool_create(const char *path, const struct spool_settings *, struct spool **result, struct error *) MUST_CHECK;
int spool_open(struct spool *, bool *moved_aside, struct error *) MUST_CHECK; /* may be called until it succeeds */
void spool_close(struct spool **);

/* `line` is a JSON object, with or without its newline. Durable once spool_commit() has returned 0. */
void spool_add(struct spool *, enum spool_worth, moment, struct text line);
int spool_commit(struct spool *, moment now, struct error *) MUST_CHECK;

/* The next batch, uncompressed, as POST /v1/records takes it: header line and records, up to about `bytes` and at most
 * 10,000 records. Returns how many records; *last is the batch's. 0: nothing waits. */
int spool_batch(struct spool *, size_t bytes, const char *version, struct buffer *out, int64_t *last,
                struct error *) MUST_CHECK;
/* The centre has everything up to there, by its own word. Beyond the newest sequence: begin a new life. */
int spool_delivered(struct spool *, int64_t sequence, struct error *) MUST_CHECK;
/* The centre will not take the batch that begins behind `after`: keep the record out of the way, counted. */
int spool_set_aside(struct spool *, int64_t sequence, const char *why, struct error *) MUST_CHECK;

/* The revision up to which directives were carried out, and its acknowledgement, in one commit. */
int64_t spool_revision(const struct spool *);
int spool_acknowledge(struct spool *, int64_t revision, bool done, const char *text, moment now,
                      struct error *) MUST_CHECK;

/* What the node is called at the centre; empty before it enrolled. */
int spool_identity(struct spool *, char node[17], char secret[96], struct error *) MUST_CHECK;
int spool_set_identity(struct spool *, const char *node, const char *secret, struct error *) MUST_CHECK;

struct spool_counters spool_counters(const struct spool *);

#endif
