/* What sorters need of the store (collector/sorter): who has which message in hand, what a filter said, and what nodes
 * are told of it. Several collectors may sort from one store: whoever takes something in hand writes himself down as
 * its holder, for a while; if he is not heard of by then, another takes it.
 *
 * All functions run inside of a transaction of the caller's; `now` is store_now()'s. */
#ifndef COLLECTOR_STORE_SORTING_H
#define COLLECTOR_STORE_SORTING_H

#include "collector/store/messages.h"

#define STORE_FILTER_NAME 32

/* What is due: new messages, or (`filter` not NULL) messages that this filter is to be asked about. `asked`: also those
 * about which it was asked last before this moment; 0: none of them. 1: there is something; 0: nothing. Looks only. */
int store_sorting_waits(struct store *, const char *filter, moment asked, moment now, struct error *) MUST_CHECK;

/* Take up to `most` of them in hand, until `held`; how many, with their names in `names`. */
int store_sorting_take(struct store *, const char *filter, int64_t holder, moment asked, moment now, moment held,
                       uint32_t most, char (*names)[STORE_MESSAGE_NAME], struct error *) MUST_CHECK;
/* Give one back, to whoever is next. */
int store_sorting_give_back(struct store *, const char *filter, int64_t holder, const char *name,
                            struct error *) MUST_CHECK;
/* Whatever `holder` has in hand, it has no more; 0: nobody has anything. That is right where nobody else writes to the
 * store, when this collector begins: who had something was the one before. */
int store_sorting_release(struct store *, int64_t holder, struct error *) MUST_CHECK;

/* Where others write to the store too. `holder` will be heard of again before `until`; what those have in hand that
 * were not, is everybody's again. */
int store_sorting_alive(struct store *, int64_t holder, moment until, moment now, struct error *) MUST_CHECK;
/* 1: there are such. */
int store_sorting_dead(struct store *, moment now, struct error *) MUST_CHECK;

/* What the reader made of a message; empty: nothing. */
struct store_read {
    const char *subject, *message_id, *body; /* body: the digest of its text's normal form */
};
/* A new message was taken apart: it is `holder`'s no more. 1: done; 0: it is another's by now, or was forgotten. */
int store_sorting_apart(struct store *, int64_t holder, const char *name, const struct store_read *,
                        struct error *) MUST_CHECK;

/* A filter's row of a message, at first. */
struct store_asking {
    const char *name, *filter;
    moment due; /* 0: not before filters of a lower order have said something */
    int64_t holder;
    moment held; /* 0: nobody is asking yet */
    const char *trouble;
};
int store_opinion_open(struct store *, const struct store_asking *, moment now, struct error *) MUST_CHECK;
/* It was waiting for others: it is due. */
int store_opinion_due(struct store *, const char *name, const char *filter, moment now, struct error *) MUST_CHECK;

/* What came of asking. 1: it is written; 0: there is such an opinion already, or no such message or filter. */
/* `opinion`: its filter, action, symbols, score, threshold, certain, virus count. */
int store_opinion_give(struct store *, const char *name, const struct store_opinion *opinion, moment asked, moment now,
                       struct error *) MUST_CHECK;
/* No answer: again after a pause, the first one after the first time, the last one from then on. Only while `holder`
 * has it. */
#define STORE_PAUSES 5
int store_opinion_fail(struct store *, const char *name, const char *filter, int64_t holder,
                       const duration pauses[STORE_PAUSES], const char *trouble, moment now, struct error *) MUST_CHECK;
/* An appliance has it, and is waited for until `due`. */
int store_opinion_send_out(struct store *, const char *name, const char *filter, moment due, moment now,
                           struct error *) MUST_CHECK;
/* There will be none. */
int store_opinion_give_up(struct store *, const char *name, const char *filter, const char *trouble, moment now,
                          struct error *) MUST_CHECK;
/* There is a row for that filter and message, whatever it says. */
int store_opinion_is_there(struct store *, const char *name, const char *filter, struct error *) MUST_CHECK;

/* Nobody was here to take what comes back: what is out at that filter is waited for anew, for `back` and for as long as
 * it is out already, since who brings it again waits the longer the older it is. */
int store_opinions_wait_anew(struct store *, const char *filter, duration back, moment now, struct error *) MUST_CHECK;
/* The message is kept, and nobody has taken it apart yet. */
int store_sorting_is_new(struct store *, const char *name, struct error *) MUST_CHECK;

/* Opinions that nobody need wait for any more: waiting since before `since`, or out until before `now`. */
struct store_overdue {
    char name[STORE_MESSAGE_NAME], filter[STORE_FILTER_NAME];
    bool out;
};
/* How many. */
int store_opinions_overdue(struct store *, moment since, moment now, uint32_t most, struct store_overdue *,
                           struct error *) MUST_CHECK;
/* How many messages wait to be taken apart, or for this filter, or are out at it; up to 1,000,000. */
int store_sorting_waiting(struct store *, const char *filter, int64_t *result, struct error *) MUST_CHECK;

/* What they say together. 1: the verdict is another now. */
int store_message_sort(struct store *, const char *name, enum store_sorted verdict, int64_t score,
                       struct error *) MUST_CHECK;

/* --- what nodes are told of their messages --- */

/* The numbers of the next `count`, the first of them to *first; this transaction's alone until it commits. */
int store_filtered_next(struct store *, int64_t count, moment now, int64_t *first, struct error *) MUST_CHECK;
/* `text`: the members of a JSON object, without its braces. */
int store_filtered_add(struct store *, int64_t node, int64_t number, moment now, struct text text,
                       struct error *) MUST_CHECK;
struct store_filtered {
    int64_t number;
    struct text text;
};
/* Those of this node above `after`, by number. */
int store_filtered(struct store *, int64_t node, int64_t after, uint32_t most,
                   void (*each)(void *, const struct store_filtered *), void *context, struct error *) MUST_CHECK;
int store_filtered_highest(struct store *, int64_t *result, struct error *) MUST_CHECK;

#endif
