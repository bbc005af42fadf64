/* What the files that make a report share. Each looks at one kind of thing, in one pass over its rows, and adds to the
 * report what it finds; complaints come first, since what others find of customers is added to those complained of. */
#ifndef COLLECTOR_STORE_REPORTING_OWN_H
#define COLLECTOR_STORE_REPORTING_OWN_H

#include "collector/report/report.h"
#include "collector/report/tally.h"
#include "collector/store/reporting.h"
#include "collector/store/store_own.h"

/* Rows that are looked at, at most. */
#define REPORTING_COMPLAINTS 300000
#define REPORTING_VERDICTS   300000
#define REPORTING_STOPPED    300000
#define REPORTING_EVIDENCE   200000
#define REPORTING_OPINIONS   200000
#define REPORTING_NAMES      65536

/* What was sent from $1 up to $2. Counts stand by the minute, the hour and the day (retention.c), each under the moment
 * at which that begins: where a place's day begins within one, it counts for the day before. */
#define REPORTING_ROWS_IN(table)                                                                                       \
    "SELECT t.node, t.time, t.sender, t.customer, t.connections, t.messages, t.rejected, t.recipients, t.bytes FROM "  \
    "nodes n CROSS JOIN " table " t WHERE t.node = n.node AND t.time >= $1 AND t.time < $2"
#define REPORTING_ROWS                                                                                                 \
    "(" REPORTING_ROWS_IN("minutes") " UNION ALL " REPORTING_ROWS_IN("hours") " UNION ALL " REPORTING_ROWS_IN(         \
        "days") ") AS counts"

/* Columns of `customers`. */
enum customer_column {
    CUSTOMER_NOW,
    CUSTOMER_BEFORE,
    CUSTOMER_TOTAL,
    CUSTOMER_PERIODS, /* a bit each */
    CUSTOMER_REPEATS, /* in how many, of those complained of in this one and before */
    CUSTOMER_INCIDENTS,
    CUSTOMER_ACTED,
    CUSTOMER_OPEN,
    CUSTOMER_BLOCKS,
    CUSTOMER_THROTTLES,
    CUSTOMER_MESSAGES,
    CUSTOMER_REJECTED,
    CUSTOMER_RECIPIENTS,
    CUSTOMER_FIRST /* of `waiting`, and one */
};

/* Columns of `senders`: places in `waiting`, and one; the newest complaint about it first. */
enum sender_column {
    SENDER_FIRST,
    SENDER_LAST,
    SENDER_NEXT, /* of which it is not known yet what was done */
    SENDER_HELD  /* when it came to be held, by the oldest verdict that was looked at; 0: not */
};

/* A complaint, until something was done. */
struct waiting {
    uint8_t period; /* index in `past` */
    size_t customer, next_of_customer, next_of_sender;
    moment received, acted; /* 0: nothing was */
    bool is_before;         /* the sender was held when it came */
};

struct reporting_node {
    int64_t id;
    struct report_node row;
};

struct reporting {
    struct store *store;
    const struct calendar_zone *zone;
    struct report *report;
    moment now;
    bool is_kept[REPORT_PAST]; /* its sums are from what was kept */
    struct siphash_key key;
    struct tally *customers, *senders, *held, *types, *sources, *reporters, *detectors, *symbols, *viruses;
    struct waiting *waiting;
    size_t waiting_count, waiting_room;
    struct reporting_node *nodes; /* by id */
    size_t node_count;
    bool has_failed; /* no memory */
};

/* The index in `past` of the period in which that is; REPORT_PAST: none. */
size_t reporting_period(const struct reporting *, moment);
/* NULL: none of the report's own period. */
struct report_step *reporting_step(struct reporting *, moment);
struct reporting_node *reporting_node(struct reporting *, int64_t id); /* NULL: not known */
/* What a sender is called in `senders` and `held`: one of a name may be on several nodes. */
#define REPORTING_KEY (REPORT_NAME + 32)
struct text reporting_key(int64_t node, struct text sender, char result[REPORTING_KEY]);
void reporting_copy(struct text, char result[REPORT_NAME]);
/* The first moment of the oldest period whose sums are not kept, or of the one before the report's own. */
moment reporting_oldest(const struct reporting *);

int reporting_complaints(struct reporting *, struct error *) MUST_CHECK; /* reporting_complaints.c */
int reporting_actions(struct reporting *, struct error *) MUST_CHECK;    /* reporting_actions.c */
int reporting_traffic(struct reporting *, struct error *) MUST_CHECK;    /* reporting_traffic.c */
int reporting_samples(struct reporting *, struct error *) MUST_CHECK;    /* reporting_samples.c */
int reporting_others(struct reporting *, struct error *) MUST_CHECK;     /* reporting_others.c */
/* When all is known: who waited how long, and the lists. */
void reporting_wait(struct reporting *);

#endif
