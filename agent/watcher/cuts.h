/* Cutting the connections of a sender that was blocked: resets at once, again after 200 ms (a transfer in full flight
 * makes the first miss: its sequence numbers were stale when they arrived), and once more after a second. Only those
 * that were seen with answers on that very port: a guest that forges frames gets nobody else's connections cut. */
#ifndef AGENT_WATCHER_CUTS_H
#define AGENT_WATCHER_CUTS_H

#include <stdbool.h>
#include "agent/message/message.h"
#include "agent/packet/stream.h"
#include "agent/sender/senders.h"

struct cuts;
struct cuts_listener {
    void *context;
    void (*reset)(void *context, const union message *);
    /* Fill in what is known of the owner of a connection of our own; NULL: nothing is. */
    void (*own)(void *context, struct origin *, const struct address *server, uint16_t server_port);
};
struct cuts *cuts_create(const struct cuts_listener *, struct error *);
void cuts_destroy(struct cuts **);

/* Remember the sender: the first round is due at once. Nothing is sent here, for the verdict may have come from the
 * middle of a packet. Where too many are remembered the oldest gives way. */
void cuts_begin(struct cuts *, const struct sender *, duration steady);
void cuts_forget(struct cuts *, const struct sender *); /* it was released meanwhile */
/* Send what is due. Returns the time at which to come back, 0: nothing waits. */
duration cuts_due(struct cuts *, struct streams *, const struct senders *, duration steady);

#endif
