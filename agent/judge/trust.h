/* Trust: it grows with clean age and is lost at once.
 *
 * Detectors that see shape and volume only (`soft` in their entry) mistake a customer's good week for an outbreak. Of a
 * customer that has sent mail on many days and never had a verdict their evidence says less, so it is lessened: from 7
 * clean days on, in proportion to these, by half from 30 on. Not by more: with half, what haste alone is worth where it
 * contradicts the sender's own past (see burst) is still a throttle, and a stolen machine is not let go for its owner's
 * merits.
 *
 * Any verdict, and any finding of 2 points or more of a detector that is not soft, ends it: what comes after weighs in
 * full, and the clean days begin anew. So the first real evidence against a good customer who turns bad takes his
 * merits away before the second one is weighed. */
#ifndef AGENT_JUDGE_TRUST_H
#define AGENT_JUDGE_TRUST_H

#include <stdbool.h>
#include <stdint.h>
#include "common/words/points.h"

#define TRUST_FROM 7  /* clean days */
#define TRUST_FULL 30 /* from here on it grows no more */

/* What soft evidence is worth with so many clean days. What takes points back is not lessened. */
points trust_lessen(points added, uint32_t clean_days);
/* Whether a finding ends it. */
bool trust_ends(points added, bool soft);

#endif
