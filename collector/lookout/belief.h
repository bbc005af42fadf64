/* How lists are, for people: which of them are believed and why others are not, and how many questions each was asked
 * on this day by all collectors, so that its limit is kept. */
#ifndef COLLECTOR_LOOKOUT_BELIEF_H
#define COLLECTOR_LOOKOUT_BELIEF_H

#include "collector/blacklist/inquiry.h"
#include "collector/store/store.h"
#include "common/error.h"
#include "common/moment.h"

struct belief_counts {
    uint32_t believed, disbelieved; /* of those that are asked and were tested */
};

struct beliefs {
    struct {
        int64_t day;
        uint64_t asked;   /* that the store knows */
        bool is_raised;   /* as an alert */
        bool is_resolved; /* there is none, as far as we know */
    } zones[ZONES_MOST];
    bool all_raised, all_resolved;
    struct belief_counts counts;
};

/* When it begins: what was asked before counts on. */
int beliefs_resume(struct beliefs *, struct store *, struct inquiry *, const struct zones *, moment now,
                   struct error *) MUST_CHECK;
/* Write what has changed. An alert is raised for a list that is not believed for as long as `apart`; where none is, for
 * all of them together. beliefs_settle() is to be called when the transaction is for good. */
int beliefs_write(struct beliefs *, struct store *, struct inquiry *, const struct zones *, duration apart, moment now,
                  struct error *) MUST_CHECK;
void beliefs_settle(const struct beliefs *, struct inquiry *, const struct zones *);

#endif
