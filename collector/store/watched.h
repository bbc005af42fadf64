/* Which names are watched on blacklists, and in whose hand they are. Several collectors may ask for the names of one
 * store: whoever takes one in hand is its holder for a while (`due` moved on), and another takes it if he is not heard
 * of by then.
 *
 * All functions run inside of a transaction of the caller's; `now` is store_now()'s. */
#ifndef COLLECTOR_STORE_WATCHED_H
#define COLLECTOR_STORE_WATCHED_H

#include "collector/store/store.h"

#define STORE_WATCHED_NAME 256

struct store_watched {
    const char *name, *origin; /* "own", "node", "sender" */
    bool is_domain;
    moment seen, until; /* heard of as something that sends, 0: never; watched until then at least */
};
/* What is new is due at once; what sends again is due at the latest `every` after it was asked last. */
int store_watch(struct store *, const struct store_watched *, duration every, moment now, struct error *) MUST_CHECK;
/* A person wants to know now, whoever has it in hand. */
int store_watch_want(struct store *, const char *name, bool is_domain, moment until, moment now,
                     struct error *) MUST_CHECK;

/* Addresses that sent something from a node since then, as their senders' records tell; accounts' addresses, which may
 * be anybody's, are told as such. At most `most`, the latest first. */
struct store_sending {
    struct text address;
    bool is_account;
    moment seen;
};
int store_watch_sending(struct store *, int64_t node, moment since, uint32_t most,
                        void (*each)(void *, const struct store_sending *), void *context, struct error *) MUST_CHECK;
/* The node behind this one, by id, with the address from where it spoke last and when; 1: there is one. */
struct store_watched_node {
    int64_t id;
    char address[64];
    moment seen;
};
int store_watch_node(struct store *, int64_t behind, struct store_watched_node *result, struct error *) MUST_CHECK;

struct store_claim {
    char name[STORE_WATCHED_NAME];
    bool is_domain;
    char origin[16];
    moment seen, wanted; /* wanted: since when a person waits; below 0: nobody does, and it is to be asked anew */
};
/* 1: something is due. Looks only. */
int store_watch_waits(struct store *, moment now, struct error *) MUST_CHECK;
/* Take up to `most` of what is due in hand until `held`; how many. */
int store_watch_claim(struct store *, int64_t holder, moment now, moment held, uint32_t most, struct store_claim *,
                      struct error *) MUST_CHECK;
/* The holder is there still. */
int store_watch_hold(struct store *, int64_t holder, moment held, struct error *) MUST_CHECK;
/* Give back one, or (NULL) all that he has, due at `now`. Holder 0: all that anybody has, for who is alone with the
 * store and begins: whoever had something was the one before. */
int store_watch_give_back(struct store *, int64_t holder, const char *name, moment now, struct error *) MUST_CHECK;
/* What came of it. `is_lost`: not all that was said could be kept. It is asked for anew, whatever is remembered (a
 * claim's `wanted` is not 0), and a person who waits goes on waiting. */
struct store_watch_end {
    moment due;
    uint32_t clean, unknown;
    bool is_lost;
};
/* All lists were asked, or could not be. 1: done; 0: it is another's by now, or a person has asked for it since. */
int store_watch_done(struct store *, int64_t holder, const struct store_claim *, const struct store_watch_end *,
                     moment now, struct error *) MUST_CHECK;

/* Whose time is over, and which no list has: watched no more. How many went. */
int store_watch_forget(struct store *, uint32_t most, moment now, struct error *) MUST_CHECK;

struct store_watched_row {
    struct text name, kind, origin;
    moment seen, asked, due, wanted;
    int64_t clean, unknown;
    bool is_held; /* it is being asked for */
};
/* 1: it is watched. */
int store_watched_find(struct store *, const char *name, void (*each)(void *, const struct store_watched_row *),
                       void *context, struct error *) MUST_CHECK;

struct store_watched_counts {
    int64_t names, listed; /* `listed`: of names and lists */
};
int store_watched_counts(struct store *, struct store_watched_counts *result, struct error *) MUST_CHECK;

#endif
