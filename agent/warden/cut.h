/* Which way the resets of a connection go: to the guest out of its own port, to the mail server the way the guest's own
 * packets take. Checks what the watcher asks for: only mail connections of senders that are blocked, under
 * names that are not known to be another's. */
#ifndef AGENT_WARDEN_CUT_H
#define AGENT_WARDEN_CUT_H

#include "agent/message/message.h"
#include "agent/warden/enforcement.h"
#include "agent/warden/links.h"
#include "agent/warden/positions.h"

struct cut;

/* All borrowed. */
struct cut_means {
    struct positions *positions;
    struct links *links;
    struct enforcement *enforcement;
    const struct address_list *own; /* this machine's addresses */
};

int cut_open(const struct cut_means *, struct cut **, struct error *) MUST_CHECK;
void cut_close(struct cut **);
void cut_ports(struct cut *, const uint16_t ports[16]);
/* -EPERM: it may not be cut; -EAGAIN: too many in this second. */
int cut_connection(struct cut *, const struct message_reset *, struct error *) MUST_CHECK;
void cut_tick(struct cut *); /* a second has gone by */
uint32_t cut_sent(const struct cut *);

#endif
