/* What the collector counts, as Prometheus reads it. */
#ifndef COLLECTOR_API_METRICS_H
#define COLLECTOR_API_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/filter/filter.h"
#include "collector/store/alerts.h"
#include "collector/store/messages.h"
#include "common/buffer.h"

#define METRICS_CLASSES 6 /* answers by the first digit of their status */

struct metrics {
    uint64_t answers[METRICS_CLASSES];
    uint64_t batches, records, duplicates, holes, body_bytes, store_failures, dropped, refused_connections;
    uint64_t commits; /* of the writer */
    uint64_t messages, sorted[SORTED_WORDS], told, unread;
    uint64_t back, back_refused, back_deferred;          /* what appliances gave back */
    uint64_t list_questions, list_answers[3];            /* of blacklists; listed, clean, unknown */
    uint64_t watched, listings, lists[2];                /* names; that stand; believed and not */
    uint64_t sendings[3], tried_again, sendings_waiting; /* sent, failed, in doubt */
    double sendings_oldest;                              /* seconds */
    uint64_t alerts[SEVERITIES];                         /* that stand */
    /* of each filter, in the order of their names */
    const char *filters[FILTERS_MOST + 1]; /* ended by NULL */
    uint64_t answered[FILTERS_MOST], failed[FILTERS_MOST], spam[FILTERS_MOST], virus[FILTERS_MOST], lost[FILTERS_MOST];
    uint8_t up[FILTERS_MOST];
    double median[FILTERS_MOST]; /* seconds */
    uint32_t connections, waiting;
    double uptime; /* seconds */
};

struct sorter;
void metrics_take_sorting(struct metrics *, struct sorter *);
struct returning;
void metrics_take_returning(struct metrics *, struct returning *);
struct watch;
void metrics_take_watch(struct metrics *, struct watch *);
struct post;
void metrics_take_post(struct metrics *, struct post *);
bool metrics_print(const struct metrics *, struct buffer *) __attribute__((warn_unused_result));

#endif
