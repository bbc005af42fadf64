/* What the other senders of a customer have against them: the customer may have rented them all, or somebody may have
 * his keys. Firm evidence alone, of senders with some weight against them (FLEET_POINTS_LEAST). */
#ifndef COMMON_WORDS_KIN_H
#define COMMON_WORDS_KIN_H

#include <stdint.h>
#include "common/words/points.h"

struct kin {
    const char *customer;            /* the name; borrowed */
    uint32_t here, elsewhere;        /* senders: on this node, on others */
    uint32_t nodes;                  /* so many others */
    points points, points_elsewhere; /* the sums */
};

#endif
