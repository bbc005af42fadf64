/* Who sends most, when, and what filters say of it: tables for people who ask, over any time. What was sent is counted
 * for all mail that nodes saw; whom it was for, where it went and what rules it met only for messages that they sent in
 * to be looked at, as long as these are kept. Mail is counted from whole hour to whole hour (UTC). Inside of a
 * transaction of the caller's. */
#ifndef COLLECTOR_STORE_TOPS_H
#define COLLECTOR_STORE_TOPS_H

#include "collector/report/calendar.h"
#include "collector/store/store.h"

enum store_top {
    /* of all mail */
    TOP_SENDERS,
    TOP_CUSTOMERS,
    TOP_NODES,
    TOP_RELAYS, /* addresses that it came from, as each sender used last; its name where none is known */
    /* of messages sent in */
    TOP_AUTHORS, /* the envelope's senders */
    TOP_AUTHOR_DOMAINS,
    TOP_RECIPIENTS,
    TOP_DOMAINS, /* of recipients */
    TOP_SERVERS, /* that it was sent to */
    STORE_TOPS
};
/* "senders", "customers", "nodes", "relays", "authors", "author-domains", "recipients", "domains", "servers". */
const char *store_top_name(enum store_top);

struct store_top_query {
    enum store_top what;
    bool by_volume; /* bytes; else messages */
    moment since, before;
    uint32_t most;
};
struct store_top_row {
    struct text name, node_name, customer; /* node and customer: of senders alone */
    int64_t messages, rejected, recipients, bytes;
    int64_t spam; /* messages that filters call spam or a virus; of messages sent in alone */
};
/* The greatest first. 1: there was more than is looked at, and some numbers are too low. */
int store_top(struct store *, const struct store_top_query *, void (*each)(void *, const struct store_top_row *),
              void *context, struct error *) MUST_CHECK;

struct store_flow {
    moment begin;
    int64_t connections, messages, rejected, recipients, bytes; /* of all mail */
    int64_t samples, spam, viruses;                             /* of messages sent in */
};
#define STORE_FLOW_MOST 1600
/* By the hour or (`by_day`) by the day of that zone, oldest first, from the one in which `since` is; STORE_FLOW_MOST at
 * most. */
int store_flow(struct store *, const struct calendar_zone *, bool by_day, moment since, moment before,
               void (*each)(void *, const struct store_flow *), void *context, struct error *) MUST_CHECK;

struct store_rule {
    struct text filter, name; /* filter empty: it is a detector of the nodes' */
    int64_t hits;             /* messages; of a detector: how often it held something against a sender */
    int64_t spam, ham;        /* what became of these messages */
    int64_t points;           /* hundredths, of a detector: what it added */
};
/* What rules of filters (`viruses` alone, or all others) and detectors were met, the most first. 1: as above. */
int store_rules(struct store *, bool viruses, moment since, moment before, uint32_t most,
                void (*each)(void *, const struct store_rule *), void *context, struct error *) MUST_CHECK;

struct store_scores {
    int64_t from;                                  /* hundredths of the filter's threshold; INT64_MIN: all below 0 */
    int64_t messages, ham, spam, viruses, unknown; /* by what filters, or a person, say together */
};
#define STORE_SCORES_WIDTH 20  /* hundredths */
#define STORE_SCORES_MOST  300 /* the last one has all from here on */
/* How many messages have which score, lowest first. `filter`: NULL: the highest share that any filter gave. */
int store_scores(struct store *, const char *filter, moment since, moment before,
                 void (*each)(void *, const struct store_scores *), void *context, struct error *) MUST_CHECK;

#endif
