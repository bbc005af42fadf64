/* A mark: 64 keyed bits that stand for a longer name in the relay's tables. The names themselves (addresses, senders
 * and recipients of mail) need not be kept then: a million take little memory, and a file of marks tells nobody who
 * wrote to whom. The key is secret, so nobody can look for two names with one mark; that two of a million meet by
 * chance happens once in some thirty million tables. */
#ifndef AGENT_RELAY_MARK_H
#define AGENT_RELAY_MARK_H

#include <stdint.h>
#include "common/siphash.h"
#include "common/text.h"
#include "common/words/sender.h"

/* What is marked: names of two kinds never meet. */
enum mark_kind { MARK_SENDER, MARK_MESSAGE, MARK_CLIENT, MARK_DOMAIN, MARK_NET, MARK_TRIPLET, MARK_ORDER, MARK_KINDS };

uint64_t mark_text(const struct siphash_key *, enum mark_kind, struct text);
uint64_t mark_sender(const struct siphash_key *, enum mark_kind, const struct sender *);
/* Of a mark and names, four at most: "ab" and "c" are not "a" and "bc"; capitals are small ones. What is beyond 1,024
 * bytes of one does not count. */
uint64_t mark_parts(const struct siphash_key *, enum mark_kind, uint64_t mark, const struct text *parts, size_t count);

#endif
