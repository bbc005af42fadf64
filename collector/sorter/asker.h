/* Asking one filter: a few threads of its own, so that one that is slow keeps none of the others waiting. When it does
 * not answer any more it is not asked; one thread pings it, and what it has missed it is asked when it is back. */
#ifndef COLLECTOR_SORTER_ASKER_H
#define COLLECTOR_SORTER_ASKER_H

#include <stdbool.h>
#include "collector/filter/filter.h"
#include "collector/sorter/health.h"
#include "collector/sorter/letter.h"
#include "collector/sorter/outcome.h"
#include "common/error.h"

struct asker;

/* `settings` and `tools` are borrowed; `facts`: what is read out of a message is shown to the filter. Outcomes go to
 * `sink`, from any thread. */
int asker_create(const struct filter_settings *, const struct letter_tools *, bool facts, const struct outcome_sink *,
                 struct asker **result, struct error *) MUST_CHECK;
/* No thread begins anything new. */
void asker_end(struct asker *);
/* Until none does anything, or that steady time. True: none does. */
bool asker_wait(struct asker *, duration until);
/* Behind asker_end(). False: a thread still waits for the filter; it will touch nothing but what asker_create() was
 * given, and the asker must be left as it is. */
bool asker_destroy(struct asker **);

/* A place for one more message is taken; false: there is none, or the filter is down. */
bool asker_reserve(struct asker *);
/* How many places there are. 0 where the filter is down. */
uint32_t asker_room(struct asker *);
/* Into the place that was taken. The letter is held by the asker from now on. */
void asker_add(struct asker *, struct letter *);
/* The place is not needed. */
void asker_free_place(struct asker *);

bool asker_is_down(struct asker *);
/* It has come back: all that waits for it may be asked at once, whenever it is due. True until `done`. */
bool asker_is_eager(struct asker *);
void asker_not_eager(struct asker *);

struct asker_report {
    struct health health;
    uint32_t busy, queued;
};
void asker_report(struct asker *, struct asker_report *);
/* Something that came of it elsewhere: an appliance gave a message back, or did not. */
void asker_note_opinion(struct asker *, const struct opinion *);
void asker_note_lost(struct asker *);

#endif
