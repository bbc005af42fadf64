/* Greylisting (RFC 6647): who brings mail from an unknown net, sender and recipient together is asked to come again, as
 * a mail server does and most bots do not. A net whose mail came again often enough is not asked any more. A net is an
 * IPv4 /24 or an IPv6 /64, since big senders try again from the machine beside. Marks alone are kept (mark.h). Bounded:
 * what was not seen for longest gives way. Pure; the journal of changes is what whoever owns a file writes into it. */
#ifndef AGENT_RELAY_GREYLIST_H
#define AGENT_RELAY_GREYLIST_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/relay/places.h"
#include "common/address.h"
#include "common/moment.h"
#include "common/text.h"

struct greylist_settings {
    duration delay;  /* how long mail has to wait */
    duration window; /* and how long it may: later it is new again */
    duration kept;   /* who is known is forgotten when it was not seen for so long */
    uint32_t passes; /* of a net, an hour apart, until all of its mail passes; 0: never */
};

/* One of what is known, as a file holds it. */
struct greylist_entry {
    uint64_t mark;
    uint32_t first, last; /* seconds since 1970 */
    uint32_t passed;      /* a triplet's: whether; a net's: how often */
    uint32_t net;         /* 1: a net; 0: a triplet */
};

#define GREYLIST_CHANGES_MOST 16384 /* between two that take them; more are not written down */

struct greylist;
int greylist_create(uint32_t most, const struct siphash_key *, struct greylist **result, struct error *) MUST_CHECK;
void greylist_destroy(struct greylist **);

enum greylist_answer { GREYLIST_PASSES, GREYLIST_WAITS };
/* `wait`: seconds until it may come again. */
enum greylist_answer greylist_ask(struct greylist *, const struct greylist_settings *, const struct address *client,
                                  struct text sender, struct text recipient, moment now, uint32_t *wait);

/* What changed since it was asked last; borrowed until greylist_ask() is called next. */
const struct greylist_entry *greylist_changes(struct greylist *, uint32_t *count);
void greylist_changes_done(struct greylist *);
uint64_t greylist_changes_lost(const struct greylist *);
/* From the file, in the order of their writing: later ones stand. */
void greylist_restore(struct greylist *, const struct greylist_entry *);
/* All that is known from place `*from` on, at most `most` of them; `*from` is moved on. 0: that was all. */
uint32_t greylist_list(struct greylist *, uint32_t *from, struct greylist_entry *result, uint32_t most);
/* Once a second: what is over gives its place back. */
void greylist_tick(struct greylist *, const struct greylist_settings *, moment now);
uint32_t greylist_count(const struct greylist *);

#endif
