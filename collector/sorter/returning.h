/* The listener to which appliances give messages back: a thread of its own with a few connections, that reads the
 * verdict from each message's head (collector/filter/headers.h) and tells it. Content is not kept. */
#ifndef COLLECTOR_SORTER_RETURNING_H
#define COLLECTOR_SORTER_RETURNING_H

#include <stdint.h>
#include "collector/filter/filter.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/option.h"

/* [returned] */
struct returned_settings {
    char listen[OPTION_TEXT_SIZE]; /* empty: there is no listener */
    struct address_list from;      /* who may connect */
    uint32_t connections;
    duration patience;
    uint64_t size; /* of a message, bytes */
};
extern const struct option returned_options[];
bool returned_settings_check(const void *settings, struct error *); /* for the binding */

struct returning_counts {
    uint64_t taken;    /* messages whose opinion was told */
    uint64_t unread;   /* of them: in which no verdict was found */
    uint64_t refused;  /* recipients that were none of ours, and clients from elsewhere */
    uint64_t deferred; /* messages that are to be brought again */
};

/* Told from the listener's thread: 0: it is kept; negative: not now, the appliance is to bring it again. The filter is
 * one of those given. */
typedef int returning_tell(void *context, const char *message, const struct filter_settings *, const struct opinion *);

struct returning;
/* Filters and settings are borrowed as long as it lives. It fails where a filter's header patterns cannot be read, or
 * the address cannot be listened on. `tell` may be called before this returns. */
int returning_create(const struct returned_settings *, const struct filter_settings *filters, uint32_t filter_count,
                     returning_tell *tell, void *context, struct returning **result, struct error *) MUST_CHECK;
void returning_destroy(
    struct returning **); /* connections end as they are; appliances bring again what was under way */

uint16_t returning_port(const struct returning *); /* that it listens on */
struct returning_counts returning_counts(struct returning *);

#endif
