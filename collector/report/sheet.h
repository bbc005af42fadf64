/* The tables of a report, whoever shows them: which there are, what stands in their columns, and their rows as people
 * read them. Text and HTML lay them out. */
#ifndef COLLECTOR_REPORT_SHEET_H
#define COLLECTOR_REPORT_SHEET_H

#include "collector/report/report.h"

#define SHEET_COLUMNS 8

struct sheet_column {
    char title[32];
    bool is_number; /* set to the right */
};

/* What a row says of itself: how it is coloured. */
enum sheet_mark { MARK_PLAIN, MARK_GOOD, MARK_BAD };

struct sheet {
    const char *name; /* "customers": an anchor */
    char title[64];
    char about[128];   /* what is counted; empty: it is plain */
    const char *empty; /* what is said where there are no rows; NULL: then the table is not shown */
    char more[96];     /* that some are left out; empty: none are */
    struct sheet_column columns[SHEET_COLUMNS];
    size_t column_count;
};

size_t sheet_count(void);
/* The table `which` of the report, from 0. */
void sheet_head(const struct report *, size_t which, struct sheet *result);
/* Its rows, in order. The cells, as many as there are columns, are borrowed for the length of the call; they may hold
 * strangers' words, printable. */
typedef void sheet_row(void *context, const char *const *cells, enum sheet_mark);
void sheet_rows(const struct report *, const struct calendar_zone *, size_t which, sheet_row *, void *context);

#endif
