/* A few rows of numbers as a picture: PNG, drawn by cairo with the letters that cairo has in itself, so that no file of
 * the machine is opened and the same numbers give the same bytes.
 *
 * It is drawn twice as large as it is shown, on white with a rim of its own: a mail program in the dark shows it as a
 * card. The colours are told apart by people who do not see all of them, and by a form (filled, hollow, dashed) as
 * well. */
#ifndef COLLECTOR_REPORT_CHART_H
#define COLLECTOR_REPORT_CHART_H

#include <stdint.h>
#include "common/buffer.h"

#define CHART_SERIES_MOST 3
#define CHART_POINTS_MOST 32
#define CHART_NOTHING     INT64_C(-1) /* a value that is not known: nothing is drawn */
#define CHART_SCALE       2           /* pixels of the picture for one that is shown */
#define CHART_BYTES_MOST  ((size_t)256 << 10)

enum chart_form {
    CHART_BARS, /* of several series: beside each other */
    CHART_LINES
};

struct chart_series {
    const char *name;
    int64_t values[CHART_POINTS_MOST]; /* from 0, or CHART_NOTHING */
};

struct chart {
    enum chart_form form;
    const char *title;      /* ASCII, as every text here: the letters have no others */
    uint32_t width, height; /* as it is shown; at least 200 by 100, at most 1000 by 500 */
    uint32_t points, series_count;
    char labels[CHART_POINTS_MOST][8]; /* below each point; those that find no room are left out */
    struct chart_series series[CHART_SERIES_MOST];
    uint32_t marked; /* the point that it is about, 0 being the first; CHART_POINTS_MOST: none */
    int64_t usual;   /* a dashed line across, with the figure; CHART_NOTHING: none */
};

/* Append the PNG. False: out of the bounds above, the buffer's bound, or memory. */
bool chart_draw(const struct chart *, struct buffer *png) __attribute__((warn_unused_result));

#define CHART_NUMBER_TEXT 24
/* As short as a chart has room for: "0", "999", "1.2k", "38k", "4.5M". Returns `result`. */
const char *chart_number(int64_t, char result[CHART_NUMBER_TEXT]);

#endif
