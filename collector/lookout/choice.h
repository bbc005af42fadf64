/* Which lists are asked, and by which resolvers: from files and words, as a command or a configuration names them. */
#ifndef COLLECTOR_LOOKOUT_CHOICE_H
#define COLLECTOR_LOOKOUT_CHOICE_H

#include <stddef.h>
#include "collector/blacklist/zones.h"
#include "common/error.h"
#include "common/io/dns.h"

#define CHOICE_BUILTIN "builtin:" /* the zones file that the program holds */

struct choice_words {
    const struct text *at;
    size_t count;
};
/* `files`: none: CHOICE_BUILTIN. `keys`: NAME=FILE, for everybody on a machine sees a command's words. `lists`: as
 * zones_choose() takes them. File names at most 255 bytes. */
int choice_zones(struct choice_words files, struct choice_words keys, struct choice_words lists, struct zones **result,
                 struct error *) MUST_CHECK;
/* None are named: those of /etc/resolv.conf. */
int choice_resolvers(struct choice_words named, struct dns_server result[DNS_SERVERS_MOST], uint32_t *count,
                     struct error *) MUST_CHECK;

#endif
