/* How often each text and each picture was seen, over all nodes and customers: as DCC counts, of our own.
 *
 * A text counts by the digest of its normal form, a picture by its perceptual hash, near ones as one. Counted are
 * recipients within the window. What one customer sends alone is a newsletter, and what most of its customers have sent
 * for a week and longer is what their panels and programs write: neither is bulk. (Such texts may come once a month,
 * so they are remembered for longer than they are counted.) A node may lie: a message counts for
 * 100 recipients at most, customers of a node are told apart up to 16, and of one that was turned out nothing counts.
 */
#ifndef COLLECTOR_STORE_BULK_H
#define COLLECTOR_STORE_BULK_H

#include "collector/store/store.h"
#include "common/option.h"

#define BULK_PICTURES_MOST 8
#define BULK_STEPS_MOST    16

/* [bulk] */
struct bulk_settings {
    bool enabled;
    struct option_numbers steps; /* recipients, rising; from the first on it is bulk */
    uint32_t customers;          /* of how many customers it must come for that */
    duration window;             /* within which recipients are counted */
    duration remembered;         /* forgotten when it was not seen for so long */
    uint32_t most;               /* texts and pictures known at once, but for those of the last minute */
};
extern const struct option bulk_options[];
bool bulk_settings_check(const void *, struct error *);

/* One message. */
struct bulk_message {
    int64_t node;
    struct text sender, customer; /* customer may be empty: then the sender stands for it */
    uint32_t recipients;
    const char *body;         /* digest, in hexadecimal digits; empty: none */
    struct text likeness;     /* as the node gave it, by which nodes know such a text again; may be empty */
    const uint64_t *pictures; /* their hashes */
    uint32_t picture_count;
};

#define BULK_DIGEST 33 /* bytes, with its end */

/* What a text or picture comes to, this message included. */
struct bulk_count {
    int64_t recipients, messages, customers, nodes;
    uint32_t steps;           /* reached, of the settings'; 0: it is no bulk */
    uint32_t step;            /* the highest of them, in recipients */
    char digest[BULK_DIGEST]; /* by which it is known */
};
struct bulk_counts {
    struct bulk_count body, picture; /* of pictures the one that was seen most; 0: none, or no place for it */
};

/* Count one message, once: the caller's transaction has the message's own row too. */
int store_bulk_count(struct store *, const struct bulk_settings *, const struct bulk_message *, moment now,
                     struct bulk_counts *result, struct error *) MUST_CHECK;

struct bulk_row {
    struct text kind, digest; /* "body", "picture"; hexadecimal digits */
    moment first, seen;
    struct bulk_count count;
};
/* Those with most recipients first. `kind` NULL: both. */
int store_bulk_list(struct store *, const struct bulk_settings *, const char *kind, uint32_t most, moment now,
                    void (*each)(void *, const struct bulk_row *), void *context, struct error *) MUST_CHECK;
/* Forget what was not seen for as long as it is remembered, and what is beyond `most`: some hundred rows at a time. 1:
 * some went. */
int store_bulk_tidy(struct store *, const struct bulk_settings *, moment now, struct error *) MUST_CHECK;

#endif
