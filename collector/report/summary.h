/* What a report comes to, in plain words: what got better or worse, who has to be looked at. It stands before all
 * figures, and says nothing that they do not. */
#ifndef COLLECTOR_REPORT_SUMMARY_H
#define COLLECTOR_REPORT_SUMMARY_H

#include "collector/report/sheet.h"

#define SUMMARY_LINES   16
#define SUMMARY_LINE    640
#define SUMMARY_SUBJECT 200

struct summary_line {
    enum sheet_mark mark;
    char text[SUMMARY_LINE]; /* a sentence or two */
};

struct summary {
    char headline[SUMMARY_LINE]; /* the one sentence to read when there is time for one */
    enum sheet_mark mark;
    struct summary_line lines[SUMMARY_LINES];
    size_t count;
};

void report_summarize(const struct report *, const struct calendar_zone *, struct summary *result);
/* For the subject of a mail: "Week 47 of 2026: 31 complaints (19 before), look at acme and hostess". */
const char *report_subject(const struct report *, const struct calendar_zone *, char result[SUMMARY_SUBJECT]);

#endif
