/* What endpoints need beside the store and the request: settled when the collector starts, the same for all threads,
 * changed by none. */
#ifndef COLLECTOR_API_MEANS_H
#define COLLECTOR_API_MEANS_H

#include <stddef.h>
#include "collector/filter/filter.h"
#include "collector/quarantine/packing.h"
#include "collector/quarantine/quarantine.h"
#include "collector/store/bulk.h"

struct sorter;
struct returning;
struct mail_settings;
struct post;
struct alert_settings;
struct letters;
struct watch;
struct zones;
struct report_settings;
struct calendar_zone;
struct means {
    const struct packing_keys *keys; /* NULL: nothing is sealed */
    const struct quarantine_settings *quarantine;
    const struct bulk_settings *bulk;
    const struct mail_settings *mail;
    const struct alert_settings *alerts;
    const struct report_settings *reports;
    const struct calendar_zone *zone; /* of reports */
    struct letters *letters;
    const struct filter_settings *filters;
    size_t filter_count;
    struct sorter *sorter;       /* NULL: none */
    struct returning *returning; /* NULL: none; set once the server is there, and read by its loop alone */
    struct post *post;           /* NULL: none; set once the server is there, and read by its loop alone */
    struct watch *watch;         /* NULL: blacklists are not watched */
    const struct zones *zones;   /* NULL: the same */
    uint32_t held_back;          /* one in so many messages is not taught but shows what teaching does; 0: none */
};

#endif
