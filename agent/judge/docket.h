/* The docket: observations that were heard and wait to be judged.
 *
 * Packet path and judge each fill the processor's first cache with their own instructions. Taking turns at every
 * observation they push each other out, and a sender's record is asked for only when it is needed. So what one batch of
 * packets brings is written down here, with copies of its texts, and judged in one go. */
#ifndef AGENT_JUDGE_DOCKET_H
#define AGENT_JUDGE_DOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include "common/words/observation.h"
#include "common/words/sender.h"

#define DOCKET_MOST  64
#define DOCKET_TEXTS 16384

struct docket {
    size_t count, used; /* entries; bytes of `texts` */
    struct docket_entry {
        struct observation observation;
        struct sender sender; /* whom it is about, for the caller to fill in, and */
        uint32_t note;        /* where that sender is noted */
    } entries[DOCKET_MOST];
    char texts[DOCKET_TEXTS];
};

/* The new entry, its texts copied; NULL where there is no room for it. */
struct docket_entry *docket_add(struct docket *, const struct observation *);
void docket_clear(struct docket *);

#endif
