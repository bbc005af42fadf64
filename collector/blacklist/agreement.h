/* When two checks agree: a zone's word about a name changes only where two answers in a row, a good while apart, say
 * so. An answer that says nothing leaves all as it was. */
#ifndef COLLECTOR_BLACKLIST_AGREEMENT_H
#define COLLECTOR_BLACKLIST_AGREEMENT_H

#include <stdbool.h>
#include "collector/blacklist/answer.h"
#include "common/moment.h"

struct agreement {
    bool listed;    /* as it was agreed last; false for what was never asked */
    moment since;   /* when that began: the first of the two answers; 0: never asked */
    moment doubted; /* when something else was first said since; 0: it was not */
};

enum agreement_step {
    AGREEMENT_NONE,      /* nothing was said: the answer is unknown */
    AGREEMENT_SAME,      /* as it was */
    AGREEMENT_DOUBTED,   /* something else: ask anew (INQUIRY_ANEW) when `apart` has passed */
    AGREEMENT_LISTED,    /* now it is listed, since `since` */
    AGREEMENT_NOT_LISTED /* no longer */
};

/* `apart`: how long at least between the two answers that change it. */
enum agreement_step agreement_take(struct agreement *, enum answer_state, moment time, duration apart);

#endif
