/* Customers of whom some sender has weight against it, here or elsewhere: by these their other senders are judged.
 *
 * Of each customer up to eight senders of this node are remembered by name; what they have is read where it stands, so
 * that it fades as theirs does. What other nodes' have comes from a collector and ends at its own time. Memory is
 * fixed: the customer that was heard of longest ago gives way. Nothing is kept over a start; it is made anew from what
 * senders have and what the collector tells. */
#ifndef AGENT_JUDGE_KIN_H
#define AGENT_JUDGE_KIN_H

#include <stdbool.h>
#include "common/moment.h"
#include "common/words/fleet.h"
#include "common/words/kin.h"

#define KIN_CUSTOMERS 2048
#define KIN_SENDERS   8

struct judge;
struct sender_record;
struct kinships;                        /* 0.9 megabytes */
struct kinships *kinships_create(void); /* NULL: no memory */
void kinships_destroy(struct kinships **);

/* Evidence against that sender came. */
void kin_note(struct judge *, struct sender_record *, moment);
/* In place of what was told of the customer's senders elsewhere. */
void kin_tell(struct kinships *, const struct fleet_customer *, moment now);
/* What that sender's customer's others have. False: nothing, or it is not known whose it is. */
bool kin_find(const struct judge *, const struct sender_record *, moment, struct kin *result);

#endif
