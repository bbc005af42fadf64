/* The campaigns that a collector knows of: bodies that senders of several customers on several nodes are sending
 * (common/words/fleet.h). A message belongs to one by the same rule by which bodies of this node are one.
 *
 * Memory is fixed: the campaign that was told of longest ago gives way. */
#ifndef AGENT_JUDGE_CAMPAIGNS_H
#define AGENT_JUDGE_CAMPAIGNS_H

#include "common/moment.h"
#include "common/words/alike.h"
#include "common/words/fleet.h"

#define CAMPAIGNS_MOST 1024

struct campaigns;                         /* 0.3 megabytes */
struct campaigns *campaigns_create(void); /* NULL: no memory */
void campaigns_destroy(struct campaigns **);

/* In place of what was told of the same likeness before; one that is over by `now` is forgotten. It must be sound. */
void campaigns_take(struct campaigns *, const struct fleet_campaign *, moment now);
/* What is known elsewhere of a message with that likeness, into the `fleet_` or the `counted_` members of `result`,
 * whose `begun` is filled in. Nothing is changed where nothing is known. */
void campaigns_find(const struct campaigns *, const struct likeness *, moment now, struct alike *result);
uint32_t campaigns_number(const struct campaigns *);

#endif
