/* [relay]: what a mail relay that asks is told beyond the orders on senders, and who may ask over TCP. */
#ifndef AGENT_RELAY_SETTINGS_H
#define AGENT_RELAY_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/relay/greylist.h"
#include "agent/relay/rates.h"
#include "common/option.h"

#define RELAY_LISTENERS 4

/* By what a rate is counted. */
enum relay_rate { RELAY_BY_CLIENT, RELAY_BY_ACCOUNT, RELAY_BY_DOMAIN, RELAY_BY_CUSTOMER, RELAY_RATES };

struct relay_settings {
    struct option_words listen;  /* TCP addresses; at most RELAY_LISTENERS */
    struct address_list clients; /* who may ask over TCP */
    bool follow;                 /* the fleet's standings */
    uint32_t senders;            /* most of them */
    char divert[OPTION_TEXT_SIZE];
    struct address_list exempt; /* neither rates nor greylist */
    bool greylist;
    duration greylist_delay, greylist_window, greylist_kept;
    uint32_t greylist_passes;
    uint32_t greylist_known; /* most */
    uint32_t rate_senders;   /* most */
    struct rate_limits rates[RELAY_RATES];
};

struct option_binding relay_settings_bind(struct relay_settings *);

/* What stands behind "action=" for a message that is diverted, written from `divert`. */
#define RELAY_DIVERT_TEXT 160
void relay_settings_divert(const struct relay_settings *, char result[RELAY_DIVERT_TEXT]);

#endif
