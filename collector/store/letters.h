/* Letters to customers: who was written to of what, and when, so that nobody is written to again at once; and who is to
 * be. What is in one becomes a sending (sendings.h). Inside of a transaction of the caller's. */
#ifndef COLLECTOR_STORE_LETTERS_H
#define COLLECTOR_STORE_LETTERS_H

#include "collector/store/store.h"

struct store_letter {
    struct text customer;
    const char *cause;   /* "block", "throttle", "complaint", "listing", "verdict", "note" */
    const char *sending; /* its id; empty: there was nobody to send it to */
    const char *language;
    const char *person; /* empty: it was written by itself */
};
/* It is written now, unless another one about that cause went out at `before` or later. 1: noted; 0: one did, at *last.
 */
int store_letter_take(struct store *, const struct store_letter *, moment now, moment before, moment *last,
                      struct error *) MUST_CHECK;

/* Customers with a block in force that is `settled` or older but began after `since`, and after their last letter about
 * a block, which was before `before`. By name, at most `most`. How many. */
int store_letters_wanted(struct store *, moment now, moment since, moment settled, moment before, uint32_t most,
                         void (*each)(void *, struct text customer), void *context, struct error *) MUST_CHECK;
/* Alerts that a customer has no address are over where nothing is in force against it any more. */
int store_letters_settle(struct store *, moment now, struct error *) MUST_CHECK;
/* Which were written before then is forgotten; they are of no more use when no letter waits for them. */
int store_letters_tidy(struct store *, moment before, struct error *) MUST_CHECK;

#endif
