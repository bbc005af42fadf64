/* Orders to the kernel: checks each once more, keeps the book, makes the table, mends it when others broke it. */
#ifndef AGENT_WARDEN_ENFORCEMENT_H
#define AGENT_WARDEN_ENFORCEMENT_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/message/message.h"
#include "common/address.h"
#include "common/error.h"
#include "nft/nft.h"

struct enforcement;

struct enforcement_listener {
    void *context;
    void (*event)(void *context, uint8_t severity, const char *what, const char *text);
};

int enforcement_open(const struct nft_plan *, const struct enforcement_listener *, struct enforcement **,
                     struct error *) MUST_CHECK;
void enforcement_close(struct enforcement **); /* the kernel's side stays as it is */

/* Another plan; while enforcement is on the table is made anew, in one transaction. The plan's address list is borrowed
 * until the next plan. `own`: the machine's own addresses, borrowed as well: a hypervisor never blocks itself. */
int enforcement_plan(struct enforcement *, const struct nft_plan *, const struct address_list *own,
                     struct error *) MUST_CHECK;

int enforcement_switch(struct enforcement *, bool on, moment now, struct error *) MUST_CHECK;
bool enforcement_is_on(const struct enforcement *);

/* A guest's port or an uplink is here, or gone. `mac` NULL: it has none. */
int enforcement_device(struct enforcement *, const char *name, bool uplink, const uint8_t *mac, moment now,
                       struct error *) MUST_CHECK;
void enforcement_device_gone(struct enforcement *, const char *name);

/* Carry out, or refuse with a reason. While enforcement is off it is only written down. */
int enforcement_order(struct enforcement *, const struct order *, moment now, struct error *) MUST_CHECK;
/* An order of a former run that the kernel does not hold, on a mail account: as if found in force. */
void enforcement_adopt(struct enforcement *, const struct order *, moment now);
/* Whether that sender's connections may be cut: it is blocked and enforcement is on. */
bool enforcement_blocks(struct enforcement *, const struct sender *);

/* Once a second: what ran out is struck out, what could not be mended is tried again. */
void enforcement_tick(struct enforcement *, moment now);

/* The guard's descriptor (-1 while off) and what to do when it can be read. The descriptor changes with every switch.
 */
int enforcement_guard(const struct enforcement *);
void enforcement_mend(struct enforcement *, moment now);

/* All orders, with what they stopped so far where they stand in the kernel. */
int enforcement_list(struct enforcement *,
                     void (*each)(void *context, const struct order *, uint64_t packets, uint64_t bytes), void *context,
                     moment now, struct error *) MUST_CHECK;

/* What stands on that sender; NULL: nothing. Until the next call. */
const struct order *enforcement_standing(struct enforcement *, const struct sender *);
void enforcement_each(struct enforcement *, void (*each)(void *context, const struct order *), void *context);

struct enforcement_counters {
    uint32_t orders, repairs, refused;
    uint32_t in_force[DEEDS]; /* of the orders, by deed */
    bool table, reject;
};
struct enforcement_counters enforcement_counters(const struct enforcement *);

#endif
