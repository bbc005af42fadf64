/* The policy: which score is which verdict, how long an order holds, who is never stopped. */
#ifndef AGENT_JUDGE_POLICY_H
#define AGENT_JUDGE_POLICY_H

#include <stdbool.h>
#include "common/option.h"
#include "common/words/order.h"
#include "common/words/points.h"
#include "common/words/sender.h"
#include "common/words/verdict.h"

struct policy {
    duration half_life;
    int32_t alert, throttle, divert, block; /* points; divert 0: not in use */
    int32_t release;                        /* millionths of a verdict's threshold */
    struct option_durations holds;
    duration forget;
    uint32_t throttle_rate;
    uint32_t storm_least, storm_most; /* senders given orders within an hour */
    int32_t storm_share;              /* millionths of the senders seen within that hour */
    struct address_list allow;
    struct option_words allow_senders;
};

#define POLICY_STORM_MOST 10000

extern const struct option policy_options[];
bool policy_check(const void *policy, struct error *); /* as a binding wants it */

points policy_threshold(const struct policy *, enum verdict); /* 0: clear, or not in use */
points policy_release(const struct policy *, enum verdict);   /* below it, the verdict is over */
enum verdict policy_verdict(const struct policy *, points score);
duration policy_hold(const struct policy *, uint32_t repeats);
/* Whether a sender is among those that a configuration names: by address or prefix; by port, MAC or user, where a "*"
 * at the end stands for any end. A named address names the /64 that it lies in, since that is the sender. */
bool policy_names(const struct address_list *, const struct option_words *, const struct sender *);
bool policy_allows(const struct policy *, const struct sender *);

static inline bool verdict_brings_order(enum verdict verdict)
{
    return verdict >= VERDICT_THROTTLE;
}

#endif
