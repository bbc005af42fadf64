/* What the collector counts, as Prometheus reads it. */
#ifndef COLLECTOR_API_METRICS_H
#define COLLECTOR_API_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/buffer.h"

#define METRICS_CLASSES 6 /* answers by the first digit of their status */

struct metrics {
    uint64_t answers[METRICS_CLASSES];
    uint64_t batches, records, duplicates, holes, body_bytes, store_failures, dropped, refused_connections;
    uint64_t commits; /* of the writer */
    uint32_t connections, waiting;
    double uptime; /* seconds */
};

bool metrics_print(const struct metrics *, struct buffer *) __attribute__((warn_unused_result));

#endif
