/* The abuse desk's own mailbox: a thread that listens for LMTP and SMTP and keeps what it is brought. */
#ifndef COLLECTOR_DESK_LISTENER_H
#define COLLECTOR_DESK_LISTENER_H

#include "collector/quarantine/packing.h"
#include "common/address.h"
#include "common/error.h"

struct listener;
/* `address`: "127.0.0.1:2525"; `from`: who may connect. Listens when it returns. All is borrowed. */
int listener_create(const char *address, const struct address_list *from, const char *where,
                    const struct packing_keys *, struct listener **result, struct error *) MUST_CHECK;
void listener_destroy(struct listener **);

#endif
