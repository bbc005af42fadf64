/* Looking names up in blacklists: the pure inquiry (collector/blacklist/inquiry.h), which knows what to ask when and
 * what answers are worth, over DNS (common/io/dns.h). One thread calls all of this. */
#ifndef COLLECTOR_LOOKOUT_LOOKUP_H
#define COLLECTOR_LOOKOUT_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/blacklist/inquiry.h"
#include "common/error.h"
#include "common/io/dns.h"
#include "common/moment.h"

struct lookup_settings {
    struct inquiry_settings inquiry; /* `resolvers` and `key` are filled in here */
    struct dns_settings dns;
};

struct lookup;
/* The zones are borrowed and must be chosen (zones_choose()). `told` is called for each subject and zone asked for,
 * from lookup_turn() and lookup_destroy(). It may ask for more. */
int lookup_create(const struct lookup_settings *, const struct zones *, inquiry_told *told, void *context,
                  struct lookup **result, struct error *) MUST_CHECK;
void lookup_destroy(struct lookup **); /* what is still waiting is told as unknown (DOUBT_STOPPED) */

struct inquiry *lookup_inquiry(struct lookup *); /* to ask (inquiry_ask()), and to see how zones and resolvers are */

/* Send what may be sent now, wait at most so long for answers, tell what they mean. Call it in a loop. */
int lookup_turn(struct lookup *, duration wait, struct error *) MUST_CHECK;

#endif
