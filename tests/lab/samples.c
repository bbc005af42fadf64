/* From snapshots to weighed samples. */
#include "tests/lab/samples.h"

#include <stdlib.h>

static bool make_room(struct samples *samples, size_t more)
{
    if (samples->count + more <= samples->room)
        return true;
    size_t room = 2 * samples->room + more;
    struct sample *items = reallocarray(samples->items, room, sizeof *items);
    if (items == NULL)
        return false;
    samples->items = items;
    samples->room = room;
    return true;
}

/* Those looks at the sender that fell on this side of its life. */
static bool add_side(struct samples *samples, const struct lab_sender *sender, bool abusive)
{
    size_t looks = 0;
    for (size_t i = 0; i < sender->snapshot_count; i++)
        looks += sender->snapshots[i].abusive == abusive;
    if (looks == 0)
        return true;
    if (!make_room(samples, looks))
        return false;
    for (size_t i = 0; i < sender->snapshot_count; i++) {
        const struct lab_snapshot *snapshot = &sender->snapshots[i];
        if (snapshot->abusive != abusive)
            continue;
        struct sample *sample = &samples->items[samples->count++];
        *sample = (struct sample){.score = (double)snapshot->score / DECIBANS(1),
                                  .weight = 1.0 / (double)looks,
                                  .sender = samples->senders,
                                  .abusive = abusive};
        for (size_t d = 0; d < DETECTORS_MOST; d++)
            sample->accounts[d] = (double)snapshot->accounts[d] / DECIBANS(1);
    }
    samples->senders++;
    return true;
}

bool samples_add(struct samples *samples, const struct lab_result *result)
{
    for (size_t i = 0; i < result->count; i++)
        if (!add_side(samples, &result->senders[i], false) || !add_side(samples, &result->senders[i], true))
            return false;
    return true;
}

void samples_balance(struct samples *samples)
{
    double sums[2] = {0, 0};
    for (size_t i = 0; i < samples->count; i++)
        sums[samples->items[i].abusive] += samples->items[i].weight;
    for (size_t i = 0; i < samples->count; i++)
        samples->items[i].weight *= (double)samples->senders / 2 / sums[samples->items[i].abusive];
}

void samples_clear(struct samples *samples)
{
    free(samples->items);
    *samples = (struct samples){0};
}
