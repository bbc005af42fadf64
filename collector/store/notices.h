/* What each channel was told of each alert, and silences. Inside of a transaction of the caller's. */
#ifndef COLLECTOR_STORE_NOTICES_H
#define COLLECTOR_STORE_NOTICES_H

#include "collector/store/alerts.h"

/* An alert and what the channel was told of it. */
struct store_news_row {
    struct store_alert_row alert;
    moment said; /* 0: nothing */
    int64_t severity;
    bool over; /* it was told that it is over, or need not be told any more */
    moment kind_told;
};
/* Those of which there may be something to tell: those that stand and that the channel was not told of, or before they
 * were as bad, or not since `said_before`; those that are over, of which it was told and not that they are over; and
 * those that ended since `since` and had `lasted`, without its having been told of them. By kind, name and number. */
int store_notices_pending(struct store *, const char *channel, moment since, moment said_before, duration lasted,
                          void (*each)(void *, const struct store_news_row *), void *context,
                          struct error *) MUST_CHECK;
/* When the channel was here first. 0: it is new. */
int store_notices_begun(struct store *, const char *channel, moment *begun, struct error *) MUST_CHECK;
/* It is here from now on. */
int store_notices_begin(struct store *, const char *channel, moment now, struct error *) MUST_CHECK;
/* The number of the channel's next notice, this transaction's alone until it commits. */
int store_notices_next(struct store *, const char *channel, int64_t *result, struct error *) MUST_CHECK;
struct store_told {
    const char *channel;
    int64_t number;
    moment said;
    int64_t severity;
    bool over;
};
int store_notices_told(struct store *, const struct store_told *, struct error *) MUST_CHECK;
int store_notices_kind_told(struct store *, const char *channel, struct text kind, moment now,
                            struct error *) MUST_CHECK;
/* How many alerts of a kind stand of which the channel was told. */
int store_notices_standing(struct store *, const char *channel, struct text kind, int64_t *result,
                           struct error *) MUST_CHECK;
/* Alerts that were over before `end`, with what channels were told of them. A bounded number; 1: there are more. */
int store_notices_age(struct store *, moment end, struct error *) MUST_CHECK;

/* --- silences --- */

struct store_silence {
    int64_t number;
    struct text kind, name, customer, node; /* patterns; empty: any. `node`: of its name */
    moment begin, until;
    struct text person, reason;
};
/* Writes its number to *number. */
int store_silence_add(struct store *, const struct store_silence *, int64_t *number, struct error *) MUST_CHECK;
/* 1: it was in force, or was to be; 0: there is none of that number. */
int store_silence_end(struct store *, int64_t number, moment now, struct error *) MUST_CHECK;
/* Those that are not over, by number. */
int store_silences(struct store *, moment now, void (*each)(void *, const struct store_silence *), void *context,
                   struct error *) MUST_CHECK;

#endif
