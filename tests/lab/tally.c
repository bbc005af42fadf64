/* Counting senders. A verdict of block is one of throttle as well: the first action is whatever came to that height. */
#include "tests/lab/tally.h"

#include <string.h>

bool tally_is_missed(const struct lab_sender *sender)
{
    return sender->abuser && sender->throttle.time == 0 && sender->block.time == 0;
}

bool tally_is_wronged(const struct lab_sender *sender)
{
    return sender->false_throttles > 0 || sender->false_blocks > 0;
}

static bool add_out(struct tally_out *out, const struct lab_sender *sender, const struct lab_reached *reached)
{
    bool came = reached->time != 0;
    out->reached += came;
    return figures_add(&out->messages, came ? reached->messages : sender->messages) &&
           figures_add(&out->recipients, came ? reached->recipients : sender->recipients);
}

static bool add_abuser(struct tally *tally, const struct lab_sender *sender)
{
    const struct lab_reached *first = &sender->throttle;
    uint64_t messages = first->time != 0 ? first->messages : sender->messages;
    tally->abusers++;
    tally->missed += tally_is_missed(sender);
    for (size_t i = 0; first->decided != NULL && detector_table[i] != NULL && i < DETECTORS_MOST; i++)
        tally->decided[i] += strcmp(detector_table[i]->name, first->decided) == 0;
    if (sender->burst && !figures_add(&tally->bursts, messages))
        return false;
    if (!sender->burst && sender->visible && !figures_add(&tally->others, messages))
        return false;
    if (!sender->burst && sender->visible && !sender->slow && !figures_add(&tally->others_not_slow, messages))
        return false;
    return add_out(&tally->throttle, sender, first) && add_out(&tally->block, sender, &sender->block);
}

bool tally_add(struct tally *tally, const struct lab_sender *sender)
{
    bool wronged = tally_is_wronged(sender), wrong = wronged || tally_is_missed(sender);
    tally->right += !wrong;
    tally->wrong += wrong;
    tally->false_alerts += sender->false_alerts;
    tally->false_throttles += sender->false_throttles;
    tally->false_blocks += sender->false_blocks;
    tally->blocked_honest += sender->false_blocks > 0;
    tally->honest_days += sender->honest_days;
    tally->honest += !sender->abuser;
    return !sender->abuser || add_abuser(tally, sender);
}

void tally_clear(struct tally *tally)
{
    figures_clear(&tally->throttle.messages);
    figures_clear(&tally->throttle.recipients);
    figures_clear(&tally->block.messages);
    figures_clear(&tally->block.recipients);
    figures_clear(&tally->bursts);
    figures_clear(&tally->others);
    figures_clear(&tally->others_not_slow);
    *tally = (struct tally){0};
}
