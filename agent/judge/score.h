/* Points that fade: what a detector holds against a sender is halved in each half-life. In integers alone, so that the
 * same observations give the same score on every machine. */
#ifndef AGENT_JUDGE_SCORE_H
#define AGENT_JUDGE_SCORE_H

#include <stdint.h>
#include "common/moment.h"
#include "common/words/evidence.h"
#include "common/words/points.h"

/* Points in parts of 65,536: what fades is not rounded at every step. */
typedef int64_t weight;
#define WEIGHT_ONE 65536

/* amount * 2^(-elapsed/half_life), to within one part; `elapsed` below 0 counts as 0. `amount` from 0 to 2^30. */
weight weight_fade(weight amount, duration elapsed, duration half_life);
points weight_points(weight);

/* What one detector has said of one sender, in points. Everyone has one for each detector: so it is small, and the
 * reason stands elsewhere. */
struct account {
    weight amount; /* at `added` */
    moment added;  /* when it was last added to; 0: never */
};

weight account_at(const struct account *, moment, duration half_life);
/* Add points, multiplied by millionths; the account stays between 0 and `most`. Returns by how much it changed, not
 * counting what had faded. */
points account_add(struct account *, points, int32_t millionths, points most, moment, duration half_life);

#endif
