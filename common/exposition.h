/* Prometheus' text format (0.0.4), written from a table: one row a metric, over a struct of counts. What is counted is
 * declared once, and name, kind and sentence cannot go apart. */
#ifndef COMMON_EXPOSITION_H
#define COMMON_EXPOSITION_H

#include <stddef.h>
#include <stdint.h>
#include "common/buffer.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE }; /* a counter only rises, and begins anew with its process */
enum metric_kind { METRIC_U64, METRIC_U32, METRIC_U8, METRIC_REAL, METRIC_ONE /* always 1: for what labels say */ };

/* A table of these ends with one whose name is NULL. */
struct metric {
    const char *name, *help; /* help: a sentence without backslashes and newlines */
    enum metric_type type;
    enum metric_kind kind;
    size_t offset; /* into the struct of counts */
    /* Not NULL: the counts are an array, one for each of these values, which end with NULL. Few, and fixed. */
    const char *label;
    const char *const *label_values;
};

#define METRIC_KIND_OF(place)                                                                                          \
    _Generic((place), uint64_t : METRIC_U64, uint32_t : METRIC_U32, uint8_t : METRIC_U8, double : METRIC_REAL)
#define METRIC(type_, counts, member, name_, help_)                                                                    \
    {                                                                                                                  \
        .name = name_, .help = help_, .type = type_, .kind = METRIC_KIND_OF(((counts *)0)->member),                    \
        .offset = offsetof(counts, member)                                                                             \
    }
/* `first`: the array's element that stands for the first value. */
#define METRIC_BY(type_, counts, first, name_, label_, values_, help_)                                                 \
    {                                                                                                                  \
        .name = name_, .help = help_, .type = type_, .kind = METRIC_KIND_OF(((counts *)0)->first),                     \
        .offset = offsetof(counts, first), .label = label_, .label_values = values_                                    \
    }

/* False: the buffer's bound was met. */
bool exposition_write(const struct metric *table, const void *counts, struct buffer *)
    __attribute__((warn_unused_result));

#endif
