/* What [blacklists] says (watch.h): the lists, the resolvers and the own names that it leads to. */
#ifndef COLLECTOR_LOOKOUT_SETTINGS_H
#define COLLECTOR_LOOKOUT_SETTINGS_H

#include "collector/blacklist/own.h"
#include "collector/blacklist/zones.h"
#include "collector/lookout/watch.h"
#include "common/io/dns.h"

int watch_settings_zones(const struct watch_settings *, struct zones **result, struct error *) MUST_CHECK;
int watch_settings_resolvers(const struct watch_settings *, struct dns_server result[DNS_SERVERS_MOST], uint32_t *count,
                             struct error *) MUST_CHECK;
int watch_settings_own(const struct watch_settings *, struct own *result, struct error *) MUST_CHECK;

#endif
