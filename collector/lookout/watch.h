/* The watch: a thread that asks blacklists about own names, again and again, and writes what has changed. Own names are
 * what the configuration names, what nodes speak from, and what senders were seen at. */
#ifndef COLLECTOR_LOOKOUT_WATCH_H
#define COLLECTOR_LOOKOUT_WATCH_H

#include "collector/blacklist/zones.h"
#include "common/address.h"
#include "common/error.h"
#include "common/option.h"

/* [blacklists] */
struct watch_settings {
    bool enabled;
    struct option_words resolvers; /* empty: those of /etc/resolv.conf */
    char zones[OPTION_TEXT_SIZE];  /* files, or builtin: */
    char keys[OPTION_TEXT_SIZE];   /* "spamhaus=/etc/postern/spamhaus.key" */
    struct option_words lists;     /* patterns; empty: the zones file says */
    struct address_list own;       /* prefixes */
    struct option_words domains;   /* own ones */
    char names[OPTION_TEXT_SIZE];  /* a file of more of both; empty: none */
    bool nodes, senders;           /* whether theirs are watched */
    duration quiet;                /* a sender's address is watched so long behind what it sent last */
    duration every, idle, apart;   /* between two askings: of what sends, of the rest, to confirm */
    duration spread;               /* over which one list's questions are spread */
    uint32_t rate, in_flight;      /* questions a second to one resolver; at once */
    duration patience;
    duration keep; /* the history */
};
extern const struct option watch_options[];
bool watch_settings_check(const void *, struct error *);

struct watch_counts {
    uint64_t questions, listed, clean, unknown; /* asked; told */
    uint64_t names, standing;                   /* watched; listings that stand */
    uint64_t believed, disbelieved;             /* lists */
};

struct watch;
/* Reads the zones files and finds the resolvers; nothing is asked yet. `where`: the store's place; copied. */
int watch_create(const char *where, const struct watch_settings *, struct watch **result, struct error *) MUST_CHECK;
int watch_begin(struct watch *, struct error *) MUST_CHECK;
void watch_destroy(struct watch **);
const struct zones *watch_zones(const struct watch *); /* read-only from watch_create() on */
struct watch_counts watch_counts(struct watch *);

#endif
