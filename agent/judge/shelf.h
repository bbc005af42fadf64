/* The shelf where observations from packets wait for the log, in bundles: what belongs to one transaction on the wire.
 * A fixed number of places; all of it is found by index. Marks are keyed digests under which an observation that still
 * waits can be found, the oldest first. */
#ifndef AGENT_JUDGE_SHELF_H
#define AGENT_JUDGE_SHELF_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"
#include "common/siphash.h"
#include "common/words/observation.h"

#define SHELF_SLOTS   4096
#define SHELF_BUNDLES 2048
#define SHELF_TEXTS   704 /* from, recipient and the reply's phrase, as long as RFC 5321 lets them be */
#define SHELF_MARKS   2
#define SHELF_NONE    UINT32_MAX

struct slot {
    struct observation observation; /* its texts stand behind it */
    uint32_t bundle, next;          /* the one behind it in its bundle */
    bool claimed;                   /* the log has told of it */
    char texts[SHELF_TEXTS];
};

struct bundle {
    moment since;           /* begun, or ended */
    bool ended;             /* nothing comes to it any more */
    uint32_t first, last;   /* slots */
    uint32_t all, claimed;  /* slots with marks; of these, claimed */
    uint32_t before, after; /* by age, among those that are open or those that have ended */
};

struct shelf;
struct shelf *shelf_create(const struct siphash_key *, struct error *);
void shelf_destroy(struct shelf **);

bool shelf_is_full(const struct shelf *); /* no slot or no bundle is free */
uint32_t shelf_waiting(const struct shelf *);
struct bundle *shelf_bundle(struct shelf *, uint32_t number);
struct slot *shelf_slot(struct shelf *, uint32_t number);
uint32_t shelf_oldest(const struct shelf *, bool ended); /* bundle; SHELF_NONE: there is none */

/* The bundle that is open for the connection of that observation. */
uint32_t shelf_open_bundle(struct shelf *, const struct observation *);
uint32_t shelf_begin(struct shelf *, const struct observation *); /* a new one; the shelf must not be full */
void shelf_end(struct shelf *, uint32_t bundle, moment);
/* A copy behind the others of the bundle; marks that are 0 are none. False: its texts are too long. */
bool shelf_add(struct shelf *, uint32_t bundle, const struct observation *, const uint64_t marks[SHELF_MARKS]);
/* The oldest that waits under that mark, which is found no more; SHELF_NONE: there is none. */
uint32_t shelf_claim(struct shelf *, uint64_t mark);
void shelf_claim_slot(struct shelf *, uint32_t slot);
void shelf_drop(struct shelf *, uint32_t bundle);

#endif
