/* The last few different texts, by their hash: has this one been here a moment ago?
 *
 * Hashes have no secret key: state lasts over restarts and replay must agree everywhere. Whoever aims collisions at
 * them gains that two of his names count as one. */
#ifndef DETECTORS_RECENT_H
#define DETECTORS_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/address.h"
#include "common/text.h"

/* Never 0, which marks a free place. ASCII letters without regard to case; at most 320 bytes are looked at. */
uint32_t recent_hash(struct text);
uint32_t recent_hash_address(const struct address *);
/* Of the network that the address lies in, /24 or /48: as a rule one operator's, who may have many servers there. */
uint32_t recent_hash_network(const struct address *);

/* True where the hash was not among the places; then it replaces the oldest. `next` goes round. */
bool recent_add(uint32_t *places, size_t count, uint8_t *next, uint32_t hash);
bool recent_has(const uint32_t *places, size_t count, uint32_t hash);

/* What stands behind the last '@', without a dot at its end; empty where there is none. */
struct text recent_domain(struct text address);

/* A text's part of a reason: length and bytes for "%.*s", not longer than an example needs to be. */
#define SHOWN(text) (int)((text).length < 64 ? (text).length : 64), (text).bytes

#endif
