/* The numbers of a report: all that its text, HTML, charts and CSV are drawn from, and all that is kept of it. Filled
 * from the store (collector/store/reporting.h) or read from what is kept (numbers_json.h).
 *
 * Every list is in the order in which it is shown and bounded; where something was left out, the count beside it says
 * of how many it is a part. Names are as nodes and reporters gave them, printable, cut to their size. */
#ifndef COLLECTOR_REPORT_REPORT_H
#define COLLECTOR_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "collector/report/calendar.h"
#include "common/moment.h"
#include "common/text.h"

#define REPORT_PAST      14  /* periods: the report's own, the one before, the twelve before that */
#define REPORT_STEPS     32  /* parts of the period: hours of a day (up to 26), days of a week or month */
#define REPORT_NAME      256 /* bytes with the end */
#define REPORT_CUSTOMERS 50
#define REPORT_REPEATERS 20
#define REPORT_COUNTS    12
#define REPORT_LISTINGS  50
#define REPORT_SENDERS   20
#define REPORT_NODES     200

/* What is counted over a whole period. Each has a name (for JSON and CSV) and a title (for people) in report.c. */
enum report_sum {
    /* Complaints; what told the same once more counts as none. */
    SUM_COMPLAINTS,
    SUM_INCIDENTS, /* that they tell of: one report may be about many */
    SUM_UNTIED,    /* of the complaints: nobody's here */
    SUM_CUSTOMERS, /* complained of */
    SUM_ACTED,     /* of the complaints: something was done */
    SUM_WAITED,    /* seconds from a complaint to what was done, the median of those acted on; 0: of none */
    SUM_OPEN,      /* of the complaints: open when the report was made, or not understood */
    /* What nodes did: as often as a sender came to be held so. */
    SUM_BLOCKS,
    SUM_THROTTLES,
    SUM_DIVERTS,
    SUM_HELD,    /* senders of which any of these is true */
    SUM_STOPPED, /* messages that mail servers were told to refuse; what the kernel stops has no messages yet */
    /* Mail, as nodes saw it. */
    SUM_SENDERS,
    SUM_CONNECTIONS,
    SUM_MESSAGES, /* taken by the servers that they were for */
    SUM_REJECTED, /* refused by these, not by us */
    SUM_RECIPIENTS,
    SUM_BYTES,
    /* Messages that were sent in to be looked at, and what filters say of them. */
    SUM_SAMPLES,
    SUM_SPAM,
    SUM_VIRUSES,
    SUM_DIVERTED, /* of the messages sent in: those that were held up at a relay */
    /* Blacklists. */
    SUM_OPENED,
    SUM_CLOSED,
    SUM_LISTED, /* at the period's end */
    /* What went out. */
    SUM_ALERTS, /* raised */
    SUM_LETTERS,
    SUM_SENT, /* complaints of our own */
    REPORT_SUMS
};
const char *report_sum_name(enum report_sum);  /* "complaints" */
const char *report_sum_title(enum report_sum); /* "Complaints" */

struct report_past {
    char name[CALENDAR_PERIOD];
    moment begin, end;
    bool is_known; /* false: nothing was kept of that time; its sums are 0 and say nothing */
    int64_t sums[REPORT_SUMS];
};

struct report_step {
    moment begin; /* the hour's or the day's; it ends where the next begins */
    int64_t complaints, blocks, throttles, messages, rejected, recipients, opened;
};

struct report_customer {
    char name[REPORT_NAME];
    int64_t complaints, before; /* in the period; in the one before */
    int64_t total;              /* in all periods that are compared */
    int64_t periods;            /* in how many of these there were any */
    int64_t incidents, acted, open;
    int64_t waited;                         /* seconds, median; of those acted on */
    int64_t blocks, throttles;              /* of its senders */
    int64_t messages, rejected, recipients; /* that it sent */
};

struct report_count {
    char name[REPORT_NAME];
    int64_t count, before; /* in the period; in the one before */
};

struct report_listing {
    char name[REPORT_NAME], zone[REPORT_NAME], sender[REPORT_NAME], customer[REPORT_NAME];
    moment since, until; /* until 0: it is listed still */
};

struct report_sender {
    char node[REPORT_NAME], sender[REPORT_NAME], customer[REPORT_NAME]; /* node: its name for people */
    int64_t connections, messages, rejected, recipients, bytes;
};

struct report_node {
    char name[REPORT_NAME];
    int64_t senders, messages, rejected, recipients, blocks, throttles, complaints;
    moment seen; /* heard of last, before the report was made; 0: never */
};

/* Time from a complaint to what was done about it. */
enum report_wait {
    WAIT_BEFORE /* it was held when the complaint came */,
    WAIT_HOUR,
    WAIT_4_HOURS,
    WAIT_DAY,
    WAIT_3_DAYS,
    WAIT_LONGER,
    WAIT_NOT_YET,
    REPORT_WAITS
};
const char *report_wait_name(enum report_wait);  /* "before", "1h", "4h", "1d", "3d", "longer", "none" */
const char *report_wait_title(enum report_wait); /* "held already", "within an hour", ... */

struct report {
    struct calendar_period period;
    char zone[CALENDAR_ZONE];
    moment made;  /* or, of what is kept, when it was */
    bool is_over; /* false: the period goes on, and these are its numbers up to `made` */
    bool is_cut;  /* there was more than is looked at: some numbers are lower than they should be */
    struct report_past past[REPORT_PAST]; /* [0]: the report's own; [1]: the one before; ... */
    struct report_step steps[REPORT_STEPS];
    size_t step_count;

    struct report_customer customers[REPORT_CUSTOMERS]; /* most complaints first; [0 .. customer_count] */
    size_t customer_count;                              /* SUM_CUSTOMERS of past[0] says of how many */
    struct report_customer repeaters[REPORT_REPEATERS]; /* complained of before as well, in most periods first */
    size_t repeater_count;
    int64_t repeaters_all;
    struct report_count sources[REPORT_COUNTS], types[REPORT_COUNTS], reporters[REPORT_COUNTS];
    size_t source_count, type_count, reporter_count;
    int64_t waits[REPORT_WAITS];
    int64_t waited_most; /* seconds: nine of ten of those acted on took no longer */

    struct report_listing listings[REPORT_LISTINGS]; /* opened or closed in the period, then those that stand */
    size_t listing_count;
    struct report_sender by_messages[REPORT_SENDERS], by_bytes[REPORT_SENDERS];
    size_t by_messages_count, by_bytes_count;
    struct report_count detectors[REPORT_COUNTS], symbols[REPORT_COUNTS], viruses[REPORT_COUNTS];
    size_t detector_count, symbol_count, virus_count;
    struct report_node nodes[REPORT_NODES]; /* most messages first */
    size_t node_count;
    int64_t nodes_all;
};
/* A stranger's word as a name in a report: one line that reads in the order in which it stands, cut where it is long;
 * "?" where nothing of it can be shown. An empty one stays empty. */
void report_name(struct text, char result[REPORT_NAME]);
/* Some 400 kB: made by numbers_create(), which sets all to 0. NULL: no memory. */
struct report *numbers_create(void);
void numbers_destroy(struct report **);

#endif
