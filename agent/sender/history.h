/* A sender's own past: what it usually sends, by the hour of the day and the day of the week, and for how many days it
 * has been clean.
 *
 * What is much for one customer is a Tuesday for another. Counts are kept as levels, each twice the one before, so that
 * a past takes 72 bytes. It is learned a day at a time, when the day is over, and in small steps, so that an outbreak
 * does not teach that outbreaks are usual:
 *  - a day with a verdict (alert or more) is not learned at all;
 *  - an hour of the day rises by one level a day at most (twice as much as was usual), so that who creeps up on it
 * takes ten clean days for a thousandfold;
 *  - a day of the week, of which the busiest hour is kept, rises by four levels a week at most: a weekly newsletter is
 *    known after its fourth issue;
 *  - an hour falls by one level in four days at most, a day of the week by one a week: weekends and a week without an
 *    issue are not forgotten over, months of silence are.
 *
 * Hours and days are those of UTC. No pointers, and nothing in it is believed: whatever bytes stand there, every
 * function keeps to its ranges. */
#ifndef AGENT_SENDER_HISTORY_H
#define AGENT_SENDER_HISTORY_H

#include <stdbool.h>
#include <stdint.h>
#include "common/moment.h"

#define HISTORY_KNOWN 7 /* days, before which nothing is said of what is usual */

/* All zeroes: nothing is known yet. A level stands in four bits: 0 nothing, 1 one, 2 two or three, ... 15 16,384 and
 * more. Connections in the upper four, messages in the lower. */
struct past {
    uint32_t day;                   /* the number, from the epoch, of the day that is being counted; 0: none yet */
    uint32_t connections, messages; /* in `hour` of it */
    uint16_t clean_days;            /* with mail and without a verdict, since the last that was not */
    uint8_t hour, seen;             /* seen: days learned since the first mail, silent ones too; up to 255 */
    uint8_t flags;                  /* PAST_... of this day */
    uint8_t weekdays[7];            /* of the busiest hour; Monday first */
    uint8_t hours[24], today[24];
};

enum history_thing { HISTORY_CONNECTIONS, HISTORY_MESSAGES };

/* Count one at that time; `verdict`: one stands against the sender. */
void history_count(struct past *, enum history_thing, moment, bool verdict);
/* A verdict: this day is not learned, and the clean days begin anew. */
void history_spoil(struct past *);
/* Hard evidence: the clean days begin anew, tomorrow at the earliest. */
void history_stain(struct past *);
/* How many are usual within such an hour, 1 to 32,767; 0: it is not known yet. */
uint32_t history_usual(const struct past *, enum history_thing, moment);

#endif
