/* `postern-collector blacklist`: what blacklists say of some addresses and domains at this moment. It needs no store,
 * no configuration and no collector that runs. */
#ifndef COLLECTOR_BLACKLISTS_H
#define COLLECTOR_BLACKLISTS_H

#include <stdbool.h>
#include <stddef.h>

#define BLACKLISTS_NAMES 256 /* names that may be asked for at once */
#define BLACKLISTS_WORDS 16  /* how often an option may be given */

struct blacklists_words {
    const char *at[BLACKLISTS_WORDS];
    size_t count;
};

struct blacklists_wish {
    const char *const *names;
    size_t name_count;
    struct blacklists_words resolvers; /* none: those of /etc/resolv.conf */
    struct blacklists_words zones;     /* files, or "builtin:"; none: that one */
    struct blacklists_words lists;     /* zones by name or pattern, "all"; none: those of `use = yes` or with a key */
    struct blacklists_words keys;      /* NAME=FILE */
    bool json;
};

/* Ask and print. The exit status: 0: of each name some list was heard, and none lists it; 1: one is listed, or of one
 * no list could be heard, or it failed; 2: wrong usage, which includes a zones file that is not good. */
int blacklists_ask(const struct blacklists_wish *);

#endif
