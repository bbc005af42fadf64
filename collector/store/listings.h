/* What blacklists say of own names, and said before: one row a name and list, and one of history each time. Who decides
 * that a word is believed is collector/lookout. Inside of a transaction of the caller's. */
#ifndef COLLECTOR_STORE_LISTINGS_H
#define COLLECTOR_STORE_LISTINGS_H

#include "collector/store/store.h"

#define STORE_LISTING_ZONE 128
#define STORE_LISTING_TEXT 256

struct store_listing {
    char name[STORE_LISTING_TEXT], zone[STORE_LISTING_ZONE];
    moment since;            /* 0: it is not listed */
    moment checked, doubted; /* `doubted`: something else was said then, once; 0: nothing was */
    moment first;            /* 0: it never was listed */
    int64_t times;           /* that it was */
    duration total;          /* of the times that are over */
    int64_t weight;          /* enum listing_weight */
    char code[STORE_LISTING_TEXT], means[STORE_LISTING_TEXT], reason[STORE_LISTING_TEXT];
    int64_t node; /* whose it was when it was listed last; 0, empty: not known */
    char sender[300], customer[300];
    char node_name[STORE_NAME]; /* by lists alone */
};
/* 1: there is a row; 0: there is none, `result` has name and zone alone. */
int store_listing_get(struct store *, const char *name, const char *zone, struct store_listing *result,
                      struct error *) MUST_CHECK;
int store_listing_put(struct store *, const struct store_listing *, struct error *) MUST_CHECK;
/* It was never listed after all. */
int store_listing_drop(struct store *, const char *name, const char *zone, struct error *) MUST_CHECK;
/* The zones that have rows of a name. */
int store_listing_zones(struct store *, const char *name, void (*each)(void *, struct text zone, bool is_doubted),
                        void *context, struct error *) MUST_CHECK;

/* It begins, as the row says (`since`), or ends. */
int store_listing_begin(struct store *, const struct store_listing *, struct error *) MUST_CHECK;
int store_listing_end(struct store *, const struct store_listing *, moment until, struct error *) MUST_CHECK;

/* The zones on which something is listed. */
int store_listing_zones_standing(struct store *, void (*each)(void *, struct text zone, bool), void *context,
                                 struct error *) MUST_CHECK;

struct store_listing_query {
    const char *name, *customer; /* NULL: all */
    bool all;                    /* those that are over or were said once as well */
    uint32_t most;
    const char *zone; /* NULL: all; where no name is given, of those that stand */
};
/* Those that stand, the latest first. */
int store_listing_list(struct store *, const struct store_listing_query *,
                       void (*each)(void *, const struct store_listing *), void *context, struct error *) MUST_CHECK;

struct store_listing_time {
    struct text name, zone, code, sender, customer, node_name;
    moment since, until; /* until 0: it stands */
    int64_t weight, node;
};
/* The times that stand now or began or ended since then, the latest begun first. */
int store_listing_times(struct store *, const struct store_listing_query *, moment since,
                        void (*each)(void *, const struct store_listing_time *), void *context,
                        struct error *) MUST_CHECK;
/* Those that ended before then are forgotten; how many went. */
int store_listing_forget(struct store *, moment before, uint32_t most, struct error *) MUST_CHECK;

/* --- how lists are --- */

struct store_zone {
    char zone[STORE_LISTING_ZONE], state[32], trouble[STORE_LISTING_TEXT];
    moment since, checked;
    int64_t day, asked;
};
int store_zone_get(struct store *, const char *zone, struct store_zone *result, struct error *) MUST_CHECK;
int store_zone_put(struct store *, const struct store_zone *, struct error *) MUST_CHECK;
/* So many more questions on that day; *result: how many they are by all collectors. */
int store_zone_asked(struct store *, const char *zone, int64_t day, int64_t more, int64_t *result,
                     struct error *) MUST_CHECK;
int store_zones(struct store *, void (*each)(void *, const struct store_zone *), void *context,
                struct error *) MUST_CHECK;

#endif
