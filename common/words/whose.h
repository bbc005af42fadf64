/* Whose a sender is, and by what that may be known: what is told of a sender beside its name. */
#ifndef COMMON_WORDS_WHOSE_H
#define COMMON_WORDS_WHOSE_H

#include "common/words/customers.h"

/* Bytes alone, zeroed behind the name's end: it stands in shared memory and is sent as it is. All zero: nothing is
 * known. */
struct whose {
    struct address address;       /* that it used last, in a connection that was answered; family 0: not known */
    uint8_t mac[6];               /* with it; zero: not known */
    uint8_t proof;                /* enum customer_proof */
    char customer[CUSTOMER_TEXT]; /* "": nobody's, as far as is known */
};
static_assert(sizeof(struct whose) == 72, "it is sent between processes as it stands");

void whose_find(struct whose *, const struct customers *, const struct sender *); /* the customer, by the rest */
/* The address, where the sender is not its address itself; NULL: not known. */
const struct address *whose_address(const struct whose *, const struct sender *);
bool whose_is_sound(const struct whose *); /* what a receiver checks */

#endif
