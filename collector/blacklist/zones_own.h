/* The inside of zones.h, for its reader. */
#ifndef COLLECTOR_BLACKLIST_ZONES_OWN_H
#define COLLECTOR_BLACKLIST_ZONES_OWN_H

#include "collector/blacklist/zones.h"

#define DEAD_MOST 256

struct dead {
    char name[ZONE_NAME]; /* without "*." */
    bool below;           /* all names below it as well */
    char text[ZONE_WORDS];
};

struct zones {
    struct zone *items;         /* room for ZONES_MOST */
    uint32_t texts[ZONES_MOST]; /* the text that each comes from */
    uint32_t count, read;       /* `read`: texts so far */
    struct dead dead[DEAD_MOST];
    uint32_t dead_count;
};

/* "{name}." at the front of a zone's name: the key's name; empty: it needs none. `rest`: what stands behind. */
struct text zone_key(struct text name, struct text *rest);

#endif
