/* The clock was set back: live, by whoever sets clocks; in replay, where a trace says so.
 *
 * Ticks would stand still until the clock has caught up, and with them fading, holds and the end of a person's orders:
 * who was to be blocked for an hour would be blocked for an hour and a day. So every moment that the judge keeps goes
 * back by as much as the clock did, and what was left of everything is what it was. The detectors' states are their
 * own: they begin anew where they meet an earlier time (standing.h). */
#include "agent/judge/court.h"

/* 0 is no moment and stays so; nor does anything become 0. */
static void move(moment *time, duration by)
{
    if (*time != 0)
        *time = *time > by ? *time - by : 1;
}

static void move_record(struct judge *judge, struct sender_record *record, duration by)
{
    struct judgement *judgement = judgement_of(judge, record);
    moment *times[] = {&record->first,         &record->last,         &judgement->verdict_since, &judgement->hold_begun,
                       &judgement->hold_until, &judgement->held_last, &judgement->person_until,  &judgement->due};
    sender_record_open(record);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        move(times[i], by);
    for (uint32_t i = 0; i < judge->detectors; i++)
        move(&accounts_of(judgement)[i].added, by);
    sender_record_close(record);
}

void judge_shift(struct judge *judge, moment now)
{
    duration by = judge->ticked - now;
    struct storm *storm = &judge->storm;
    for (struct sender_record *r = senders_oldest(judge->senders); r != NULL; r = senders_younger(judge->senders, r))
        move_record(judge, r, by);
    for (size_t i = 0; i < judge->agenda.count; i++) /* by the same time each: the heap stays one */
        move(&judge->agenda.entries[i].due, by);
    struct storm_ring *rings[] = {&storm->apart, &storm->joint};
    for (int r = 0; r < 2; r++)
        for (uint32_t i = 0; i < rings[r]->count; i++)
            move(&rings[r]->ordered[(rings[r]->first + i) % POLICY_STORM_MOST], by);
    move(&storm->counted, by);
    bodies_shift(judge->bodies, by);
    move(&judge->latest, by);
    judge->ticked = now;
    judge_repeat_orders(judge, now); /* their ends were told by the old clock */
}
