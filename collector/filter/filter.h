/* A filter: one content filter of the site's, as configured. One struct a kind, one file each, one list.
 *
 * Asking blocks the thread that asks, up to the filter's own patience: the sorter has a few threads for it. */
#ifndef COLLECTOR_FILTER_FILTER_H
#define COLLECTOR_FILTER_FILTER_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/filter/opinion.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/option.h"
#include "common/text.h"

#define FILTERS_MOST     8
#define FILTER_NAME_MOST 32
#define FILTER_LATER     1 /* from ask(): it will come back by itself (an appliance), or never */

enum lesson { LESSON_SPAM, LESSON_HAM, LESSON_FORGET, LESSONS };

/* [filter NAME]. Addresses are numbers or sockets, see filter_is_address(): a name would have to be looked up first. */
struct filter_settings {
    char name[FILTER_NAME_MOST];
    int kind;                          /* index into filter_kinds[] */
    char address[OPTION_TEXT_SIZE];    /* "127.0.0.1:11333", "[::1]:783", "unix:/run/clamav/clamd.ctl" */
    char controller[OPTION_TEXT_SIZE]; /* rspamd: of its controller, for lessons; empty: none are given */
    char password[OPTION_TEXT_SIZE];   /* of it */
    char user[OPTION_TEXT_SIZE];       /* spamd: User:; empty: none */
    uint32_t order;                    /* those of a lower one are asked first; of one order all are */
    duration patience;                 /* for one message */
    uint64_t size_most;                /* bytes; longer messages are not shown to it */
    bool learns;                       /* lessons are given to it */
    int32_t threshold;                 /* rspamd: score from which mail is marked, where it does not say so itself */
    bool reports;                      /* spamd: spam lessons are reported to Pyzor, Razor, ... as well */
    uint32_t fuzzy_flag;               /* rspamd: spam lessons go to fuzzy storage under this flag; 0: not */
    struct option_words certain;       /* symbols that are no matter of opinion: "GTUBE EICAR*" */
    bool virus_is_certain;
    /* kind smtp: see appliance.h */
    char mailbox[OPTION_TEXT_SIZE]; /* domain for which the appliance's next hop is our own listener */
    char headers[OPTION_TEXT_SIZE]; /* name of a set of header patterns: "builtin:spamassassin", or a file */
    char sender[OPTION_TEXT_SIZE];  /* envelope sender it is given; empty: the message's own */
    duration back;                  /* how long it may take until the message comes back */
    int lost;                       /* and what it says of one that does not: enum filter_lost */
    uint32_t at_once;               /* messages it is asked about at a time */
};

/* What it means when an appliance does not give a message back. */
enum filter_lost { LOST_NOTHING, LOST_SPAM };

/* What of a message a filter is shown. All borrowed. */
struct filter_message {
    const char *name;    /* "0DC5B48D4.A739D": its name in the quarantine */
    struct text content; /* as sent, dot-unstuffed */
    struct text from;    /* envelope; empty: the null sender */
    const struct text *recipients;
    uint32_t recipient_count;
    struct text helo, client, user; /* client: its address as text; user: the login; empty: not known */
    struct text queue_id;
};

struct filter_kind {
    const char *name; /* "rspamd", "spamd", "clamd", "smtp" */
    /* 0: *result is filled in; FILTER_LATER; negative: it did not answer, or nothing that makes sense: ask again. */
    int (*ask)(const struct filter_settings *, const struct filter_message *, struct opinion *result, struct error *);
    /* 0: learned; 1: there was nothing to learn, it knew already; -ENOTSUP: it cannot, nor will it later; other
     * negative: not now. NULL: it cannot learn. */
    int (*learn)(const struct filter_settings *, const struct filter_message *, enum lesson, struct error *);
    /* 0: it is there and answers. */
    int (*ping)(const struct filter_settings *, struct error *);
};

#define FILTER_KINDS(_)      _(rspamd) _(spamd) _(clamd) _(smtp)
#define FILTER_DECLARE(name) extern const struct filter_kind filter_##name;
FILTER_KINDS(FILTER_DECLARE)
extern const struct filter_kind *const filter_kinds[]; /* ended by NULL */
extern const char *const filter_kind_names[];          /* the same, for the option */

/* For the option: "127.0.0.1:783", "[::1]:783", "unix:/absolute/path". */
bool filter_is_address(const char *);

/* For the kinds. A symbol that the filter gave: kept where there is room, and held against `certain` in any case. */
void filter_add_symbol(const struct filter_settings *, struct text symbol, struct opinion *);
/* It found a virus. */
void filter_add_virus(const struct filter_settings *, struct text name, struct opinion *);

#endif
