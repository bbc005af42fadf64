/* Which filters there are: [filters], and a section [filter NAME] for each. */
#ifndef COLLECTOR_FILTER_SETTINGS_H
#define COLLECTOR_FILTER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/filter/filter.h"
#include "common/option.h"

#define FILTER_OPTIONS 24 /* with the end of the table */

struct filters_settings {
    duration give_up; /* how long a filter that does not answer is asked about a message */
    uint32_t openers; /* messages that are taken apart at a time */
    uint32_t count;
    struct filter_settings items[FILTERS_MOST];
    /* The table of each: the same entries under another section. */
    char sections[FILTERS_MOST][FILTER_NAME_MOST + 8];
    struct option options[FILTERS_MOST][FILTER_OPTIONS];
};

#define FILTERS_BINDINGS (1 + FILTERS_MOST)
/* Which filters the configuration has, before it can be read: fills names and count. `source` stands in errors. */
int filters_settings_find(struct filters_settings *, struct text configuration, const char *source,
                          struct error *) MUST_CHECK;
/* [filters] and every filter's section, in the order of the file; how many. */
size_t filters_settings_bind(struct filters_settings *, struct option_binding result[FILTERS_BINDINGS]);

/* What stands in every filter's section, for the example file and the manual page. */
struct option_binding filters_settings_describe(struct filter_settings *);

#endif
