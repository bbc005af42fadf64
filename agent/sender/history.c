/* See history.h. */
#include "agent/sender/history.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(struct past) <= 96, "it is kept for every sender");

#define PAST_SPOILED 1 /* a verdict: not to be learned */
#define PAST_STAINED 2 /* not clean */
#define PAST_MAILED  4

#define LEVEL_MOST   15
#define HOUR_FALLS   4   /* days for each level */
#define WEEKDAY_RISE 4   /* levels a week */
#define GAP_MOST     112 /* days; after so many silent ones nothing is left */
#define LATEST       (UINT32_MAX / 24)

static uint8_t level_of(uint32_t count)
{
    uint8_t level = 0;
    for (; count != 0 && level < LEVEL_MOST; count >>= 1)
        level++;
    return level;
}

static uint8_t level_in(uint8_t pair, enum history_thing thing)
{
    return thing == HISTORY_CONNECTIONS ? pair >> 4 : pair & 15;
}

static uint8_t pair_of(uint8_t connections, uint8_t messages)
{
    return (uint8_t)(connections << 4 | messages);
}

static uint8_t greater(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

static uint8_t pair_greater(uint8_t a, uint8_t b)
{
    return pair_of(greater(a >> 4, b >> 4), greater(a & 15, b & 15));
}

/* One step from what was usual towards what was seen. */
static uint8_t step(uint8_t usual, uint8_t seen, uint8_t rise, uint8_t fall)
{
    if (seen > usual)
        return seen - usual < rise ? seen : usual + rise;
    return usual - seen < fall ? seen : usual - fall;
}

static uint8_t pair_step(uint8_t usual, uint8_t seen, uint8_t rise, uint8_t fall)
{
    return pair_of(step(usual >> 4, seen >> 4, rise, fall), step(usual & 15, seen & 15, rise, fall));
}

/* 1970 began on a Thursday. */
static uint32_t weekday_of(uint32_t day)
{
    return (day % 7 + 3) % 7;
}

static void end_hour(struct past *past)
{
    uint8_t *hour = &past->today[past->hour % 24];
    *hour = pair_greater(*hour, pair_of(level_of(past->connections), level_of(past->messages)));
    past->connections = past->messages = 0;
}

static void learn(struct past *past)
{
    uint8_t busiest = 0, *weekday = &past->weekdays[weekday_of(past->day)];
    for (int hour = 0; hour < 24; hour++) {
        busiest = pair_greater(busiest, past->today[hour]);
        past->hours[hour] = pair_step(past->hours[hour], past->today[hour], 1, past->day % HOUR_FALLS == 0);
    }
    *weekday = pair_step(*weekday, busiest, WEEKDAY_RISE, 1);
    if (past->seen < UINT8_MAX)
        past->seen++;
}

static void end_day(struct past *past)
{
    if ((past->flags & PAST_SPOILED) == 0)
        learn(past);
    if (past->flags == PAST_MAILED && past->clean_days < UINT16_MAX)
        past->clean_days++;
    memset(past->today, 0, sizeof past->today);
    past->flags = 0;
    past->day++;
}

static void begin_day(struct past *past, uint32_t day)
{
    past->day = day;
    past->flags = 0;
    past->connections = past->messages = 0;
    memset(past->today, 0, sizeof past->today);
}

/* Where the clock was set back by more than a day, what was counted of this one is dropped; what is usual stays. */
static void go_to(struct past *past, uint32_t day, uint8_t hour)
{
    if (past->day == 0 || past->day > day + 1 || past->day > LATEST)
        begin_day(past, day);
    if (past->day < day) {
        end_hour(past);
        for (int gap = 0; past->day < day && gap < GAP_MOST; gap++)
            end_day(past);
        if (past->day < day) { /* a machine that comes back after months is like a new one */
            *past = (struct past){0};
            begin_day(past, day);
        }
    } else if (past->hour != hour) {
        end_hour(past);
    }
    past->hour = hour;
}

void history_count(struct past *past, enum history_thing thing, moment now, bool verdict)
{
    uint64_t hours = now > 0 ? (uint64_t)(now / HOUR) : 0;
    go_to(past, (uint32_t)(hours / 24), (uint8_t)(hours % 24));
    uint32_t *count = thing == HISTORY_CONNECTIONS ? &past->connections : &past->messages;
    if (*count < UINT32_MAX)
        ++*count;
    past->flags |= PAST_MAILED;
    if (verdict)
        history_spoil(past);
}

void history_stain(struct past *past)
{
    past->flags |= PAST_STAINED;
    past->clean_days = 0;
}

void history_spoil(struct past *past)
{
    past->flags |= PAST_SPOILED;
    history_stain(past);
}

uint32_t history_usual(const struct past *past, enum history_thing thing, moment now)
{
    if (past->seen < HISTORY_KNOWN || now < 0)
        return 0;
    uint64_t hours = (uint64_t)(now / HOUR);
    uint8_t level = greater(level_in(past->hours[hours % 24], thing),
                            level_in(past->weekdays[weekday_of((uint32_t)(hours / 24))], thing));
    return level == 0 ? 1 : (UINT32_C(1) << level) - 1;
}
