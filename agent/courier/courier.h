/* The courier as its own parts see it: courier.c, which holds it together, and desk.c, where people's questions are
 * asked and answered. */
#ifndef AGENT_COURIER_COURIER_H
#define AGENT_COURIER_COURIER_H

#include <systemd/sd-event.h>

#include "agent/courier/accounts.h"
#include "agent/courier/control.h"
#include "agent/courier/journal.h"
#include "agent/courier/keeper.h"
#include "agent/courier/news.h"
#include "agent/courier/policy.h"
#include "agent/courier/question.h"
#include "agent/courier/uplink.h"
#include "agent/message/role.h"
#include "common/io/log.h"

struct exporter;

struct courier {
    sd_event *event;
    struct log log;
    struct channel warden, watcher;
    sd_event_source *warden_source, *watcher_source, *commit_timer, *alive_timer;
    struct control *control;
    struct journal *journal;
    struct news *news;
    struct keeper keeper;
    struct accounts *accounts;
    struct customers *customers; /* whose they are; NULL: nobody is known */
    struct policy *policy;       /* NULL: mail servers have no place to ask */
    struct collector collector;
    struct spool *spool; /* this and the next NULL: there is no collector */
    struct uplink *uplink;
    struct exporter *exporter; /* NULL: nobody is to read metrics */
    duration begun;            /* on the steady clock */
    bool ready;
    struct questions questions;
};

#endif
