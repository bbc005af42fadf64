/* What people are told of an order on a customer: what it holds here, what it does not, and why. Pure. */
#ifndef AGENT_WARDEN_HELD_SENTENCE_H
#define AGENT_WARDEN_HELD_SENTENCE_H

#include "agent/warden/holdings.h"

#define HELD_SENTENCE 240

struct held_report {
    struct holdings_sum sum;
    bool host;
    bool enforcing;
};
/* "holds 2 ports and 14 addresses here", "nobody of that customer is here now; ..." Returns `text`. */
const char *held_sentence(const struct held_report *, char text[HELD_SENTENCE]);
const char *released_sentence(bool stood); /* `stood`: there was an order to be released */

#endif
