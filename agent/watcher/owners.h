/* Whose are the connections of this machine itself? The warden is asked when a connection begins; what is observed of
 * it waits, with everything behind it, until the answer is here or OWNER_PATIENCE is over. Later answers hold for what
 * is observed later. All of it is bounded: where there is no more room, what waited longest goes on without an answer.
 */
#ifndef AGENT_WATCHER_OWNERS_H
#define AGENT_WATCHER_OWNERS_H

#include <stdbool.h>
#include "agent/message/message.h"
#include "common/siphash.h"
#include "common/words/observation.h"

#define OWNER_PATIENCE (20 * MILLISECOND)

struct owners_listener {
    void *context;
    void (*ask)(void *context, const union message *question);
    void (*observe)(void *context, const struct observation *, enum owned);
};

struct owners;
struct owners *owners_create(const struct owners_listener *, const struct siphash_key *, struct error *);
void owners_destroy(struct owners **); /* what waits is not observed any more */

void owners_begin(struct owners *, const struct origin *, const struct address *server, uint16_t server_port);
void owners_hear(struct owners *, const struct observation *); /* observed now or a little later, in their order */
void owners_answer(struct owners *, const struct message_owner *);
/* The time is `steady` now; what waited for too long goes on. Whether anything waits still. */
bool owners_tick(struct owners *, duration steady);
/* Fill in the user of a connection, where it is known. */
void owners_fill(struct owners *, struct origin *, const struct address *server, uint16_t server_port);

#endif
