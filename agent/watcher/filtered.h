/* What the centre tells of senders, as the watcher hears it (opinions of content filters, listings on blacklists,
 * complaints): made into observations, each once. The courier tells one again
 * where it is not sure that it was heard (it or the watcher was started anew meanwhile), so the marks of the latest are
 * remembered. */
#ifndef AGENT_WATCHER_FILTERED_H
#define AGENT_WATCHER_FILTERED_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/message/message.h"
#include "common/words/observation.h"

#define FILTERED_REMEMBERED 2048 /* twice what the courier may hold, and more */

struct filtered_marks {
    uint64_t items[FILTERED_REMEMBERED];
    uint32_t next;
};

/* True: it was not heard before; it is from now on. */
bool filtered_is_new(struct filtered_marks *, uint64_t mark);
/* Its observation, as of `now`: what a filter says today of yesterday's mail is news of today. Its texts are the
 * message's. */
struct observation filtered_observation(const struct message_filtered *, moment now);
struct observation listed_observation(const struct message_listed *, moment now);
struct observation complained_observation(const struct message_complained *, moment now);

#endif
