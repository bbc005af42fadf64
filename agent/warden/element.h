/* An order as an element of the kernel's sets, and back. Pure. */
#ifndef AGENT_WARDEN_ELEMENT_H
#define AGENT_WARDEN_ELEMENT_H

#include <stdbool.h>
#include "common/words/order.h"
#include "nft/nft.h"

/* False for a release, which is no element (key and bytes are filled all the same). The time-out is at least a second.
 */
bool element_from_order(const struct order *, moment now, struct nft_element *result);
/* An element found in the kernel, as the order that it carries out; its author is not known there: the policy. */
struct order element_to_order(const struct nft_element *, moment now);

#endif
