/* Bodies that came lately, near-identical ones as one, and whether one of each was sent in. Of bounded size: what came
 * longest ago is forgotten. */
#ifndef AGENT_SAMPLE_REPEATS_H
#define AGENT_SAMPLE_REPEATS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/moment.h"
#include "common/words/likeness.h"

#define REPEATS_MOST        2048
#define REPEATS_LEAST_SHARE 70 /* what two texts have in common to be one body (likeness_share()) */

enum repeat { REPEAT_NEW, REPEAT_AGAIN /* and none was sent in within REPEATS_SPAN */, REPEAT_SENT };
#define REPEATS_SPAN HOUR

struct repeats;
struct repeats *repeats_create(void); /* NULL: there is no memory */
void repeats_destroy(struct repeats **);
enum repeat repeats_note(struct repeats *, const uint64_t digest[2], const struct likeness *, moment now);
void repeats_sent(struct repeats *, moment now); /* the one that was noted last was sent in */

#endif
