/* The aims one by one. A median over all scenarios can hide one that is bad, so the worst scenario is held to it too.
 */
#include "tests/lab/aims.h"

#include <inttypes.h>
#include <stdio.h>

#define BURST_MEDIAN    5
#define OTHER_MEDIAN    20
#define DAYS_A_THROTTLE 1000.0

static void judge_aim(struct aim *aim, bool measured, bool reached)
{
    aim->state = !measured ? AIM_NOT_MEASURED : reached ? AIM_REACHED : AIM_MISSED;
    if (!measured)
        snprintf(aim->figure, sizeof aim->figure, "nothing to measure");
}

static void all_stopped(const struct tally *all, struct aim *aim)
{
    aim->text = "every abuser is throttled or blocked, a slow one at the latest in the end";
    snprintf(aim->figure, sizeof aim->figure, "%" PRIu64 " of %" PRIu64 ", %" PRIu64 " missed",
             all->abusers - all->missed, all->abusers, all->missed);
    judge_aim(aim, all->abusers > 0, all->missed == 0);
}

static void median(struct figures *figures, uint64_t most, const char *text, struct aim *aim)
{
    uint64_t middle = figures_percentile(figures, 0.5);
    aim->text = text;
    snprintf(aim->figure, sizeof aim->figure, "%" PRIu64 ", of %zu senders", middle, figures->count);
    judge_aim(aim, figures->count > 0, middle <= most);
}

static void worst_scenario(struct tally *scenarios, size_t count, struct aim *aim)
{
    const char *worst = "";
    uint64_t worst_median = 0, worst_most = 1;
    bool measured = false, reached = true;
    for (size_t i = 0; i < count; i++) {
        struct figures *both[2] = {&scenarios[i].bursts, &scenarios[i].others_not_slow};
        static const uint64_t most[2] = {BURST_MEDIAN, OTHER_MEDIAN};
        for (int k = 0; k < 2; k++) {
            uint64_t middle = figures_percentile(both[k], 0.5);
            measured = measured || both[k]->count > 0;
            reached = reached && middle <= most[k];
            if (both[k]->count > 0 && (!worst[0] || middle * worst_most > worst_median * most[k])) {
                worst = scenarios[i].scenario;
                worst_median = middle;
                worst_most = most[k];
            }
        }
    }
    aim->text = "and so in every scenario by itself, but for slow ones";
    snprintf(aim->figure, sizeof aim->figure, "worst: %s, %" PRIu64 " where %" PRIu64 " are allowed", worst,
             worst_median, worst_most);
    judge_aim(aim, measured, reached);
}

static void none_blocked(const struct tally *all, struct aim *aim)
{
    aim->text = "no sender that does no harm is blocked";
    snprintf(aim->figure, sizeof aim->figure, "%" PRIu64 " senders blocked, %" PRIu64 " times, in %.1f sender-days",
             all->blocked_honest, all->false_blocks, all->honest_days);
    judge_aim(aim, all->honest_days > 0, all->false_blocks == 0);
}

static void few_throttled(const struct tally *all, struct aim *aim)
{
    double rate = all->honest_days > 0 ? (double)all->false_throttles * DAYS_A_THROTTLE / all->honest_days : 0;
    aim->text = "it is throttled at most once in 1,000 sender-days";
    snprintf(aim->figure, sizeof aim->figure, "%" PRIu64 " times in %.1f sender-days: %.2f in 1,000",
             all->false_throttles, all->honest_days, rate);
    judge_aim(aim, all->honest_days > 0, rate <= 1);
}

void aims_measure(struct tally *all, struct tally *scenarios, size_t count, struct aim result[AIMS])
{
    all_stopped(all, &result[0]);
    median(&all->bursts, BURST_MEDIAN, "bursts: median of messages out before the first action at most 5", &result[1]);
    median(&all->others, OTHER_MEDIAN, "others in the clear: at most 20", &result[2]);
    worst_scenario(scenarios, count, &result[3]);
    none_blocked(all, &result[4]);
    few_throttled(all, &result[5]);
}
