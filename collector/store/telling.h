/* What a node is told of a sender of its own that came to light at the centre: a blacklist lists its address, somebody
 * has complained. It goes the way of filters' opinions (sorting.h, `filtered`), and becomes evidence there.
 *
 * Inside of a transaction of the caller's, and late in it: what nodes are told has one row of numbers, which is this
 * transaction's alone from here on until it commits. 1: the node will be told; 0: there is nobody to tell it of, for no
 * node or no one sender is known. */
#ifndef COLLECTOR_STORE_TELLING_H
#define COLLECTOR_STORE_TELLING_H

#include "collector/store/store.h"

/* Told for each change, and daily while it stands, for what a listing says fades (detectors/listed.c): each call is one
 * fact more. */
struct store_told_listing {
    struct text sender, customer; /* as the node calls them; empty customer: none */
    struct text address, zone, code;
    uint32_t weight; /* enum listing_weight */
    bool is_listed;  /* false: no longer */
    moment since;    /* 0: not known */
};
int store_tell_listing(struct store *, int64_t node, const struct store_told_listing *, moment now,
                       struct error *) MUST_CHECK;

/* One complaint is one fact, whoever tells it again; that it is taken back is another. */
struct store_told_complaint {
    struct text sender, customer;
    struct text address, reporter;
    uint32_t type;     /* enum complaint_type */
    uint32_t count;    /* how many it counts for, from 1 */
    bool is_confirmed; /* tied by the very message, or its text: more than somebody's word */
    bool is_known;     /* the reporter is who it says */
    bool is_withdrawn; /* it was none after all, and what it said is taken back */
    struct text id;    /* the complaint's: told twice it counts once */
};
int store_tell_complaint(struct store *, int64_t node, const struct store_told_complaint *, moment now,
                         struct error *) MUST_CHECK;

#endif
