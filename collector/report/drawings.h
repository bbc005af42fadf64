/* The charts that a report has, drawn, and what each says in words for whom it is not shown to. */
#ifndef COLLECTOR_REPORT_DRAWINGS_H
#define COLLECTOR_REPORT_DRAWINGS_H

#include "collector/report/report.h"
#include "common/buffer.h"

#define DRAWINGS         5
#define DRAWING_ALT_SIZE 512

struct drawing {
    const char *name; /* "complaints": of its file and its content id */
    char alt[DRAWING_ALT_SIZE];
    uint32_t width, height; /* as it is shown; the PNG has twice as many pixels */
    bool is_half;           /* it stands beside the next one */
    struct buffer png;
};

struct drawings {
    struct drawing drawings[DRAWINGS];
    size_t count;
};

/* False: no memory; there is nothing to clear then. */
bool drawings_make(const struct report *, const struct calendar_zone *, struct drawings *result)
    __attribute__((warn_unused_result));
void drawings_clear(struct drawings *);

#endif
