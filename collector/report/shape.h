/* A report as data: its lists and their columns, by which JSON and CSV are written and read alike. */
#ifndef COLLECTOR_REPORT_SHAPE_H
#define COLLECTOR_REPORT_SHAPE_H

#include "collector/report/report.h"

enum shape_type { SHAPE_NUMBER /* int64_t */, SHAPE_MOMENT, SHAPE_WORDS /* an array of char */, SHAPE_TRUTH };

struct shape_column {
    const char *name; /* NULL ends the row */
    enum shape_type type;
    size_t offset, size; /* in the row; bytes, of words */
};

struct shape_list {
    const char *name;
    size_t rows, count; /* where they stand in struct report */
    size_t most, size;  /* rows; bytes of one */
    const struct shape_column *columns;
};

/* "customers", "listings", ...; past periods and their sums are none of them. */
extern const struct shape_list shape_lists[];
extern const size_t shape_list_count;

static inline size_t shape_count(const struct report *report, const struct shape_list *list)
{
    return *(const size_t *)(const void *)((const char *)report + list->count);
}
static inline const void *shape_row(const struct report *report, const struct shape_list *list, size_t i)
{
    return (const char *)report + list->rows + i * list->size;
}

#endif
