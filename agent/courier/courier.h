/* The courier as its own parts see it: courier.c, which holds it together, and desk.c, where people's questions are
 * asked and answered. */
#ifndef AGENT_COURIER_COURIER_H
#define AGENT_COURIER_COURIER_H

#include <systemd/sd-event.h>

#include "agent/courier/control.h"
#include "agent/courier/fleet.h"
#include "agent/courier/journal.h"
#include "agent/courier/keeper.h"
#include "agent/courier/news.h"
#include "agent/courier/opinions.h"
#include "agent/courier/policy.h"
#include "agent/courier/question.h"
#include "agent/courier/relay_desk.h"
#include "agent/courier/samples.h"
#include "agent/courier/uplink.h"
#include "agent/message/role.h"
#include "common/io/log.h"

struct exporter;

struct courier {
    sd_event *event;
    struct log log;
    struct channel warden, watcher;
    sd_event_source *warden_source, *watcher_source, *commit_timer, *alive_timer, *relay_loading;
    struct control *control;
    struct journal *journal;
    struct news *news;
    struct keeper keeper;
    struct relay_desk *relay;
    uid_t milter;                /* whose word on content is believed */
    struct policy *policy;       /* NULL: mail servers have no place to ask, or none yet */
    int policy_listener, relays; /* where they will ask, as in struct role_start */
    struct collector collector;
    struct spool *spool; /* this and the next NULL: there is no collector */
    struct uplink *uplink;
    struct fleet *fleet; /* this and the next two: NULL: there is no collector */
    struct samples *samples;
    struct opinions *opinions;
    struct exporter *exporter; /* NULL: nobody is to read metrics */
    duration begun;            /* on the steady clock */
    bool ready;
    struct questions questions;
};

#endif
