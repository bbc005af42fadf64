/* What the agent counts, as Prometheus reads it. Labels have few and fixed values: never a sender, never an address. */
#ifndef AGENT_COURIER_METRICS_PAGE_H
#define AGENT_COURIER_METRICS_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/courier/opinions.h"
#include "agent/courier/samples.h"
#include "agent/courier/spool.h"
#include "agent/message/report.h"
#include "common/buffer.h"
#include "common/words/verdict.h"

/* What the courier counts itself. */
struct metrics_courier {
    double uptime; /* seconds */
    uint8_t up[3]; /* warden, watcher, courier: it answered */
    uint64_t verdicts[VERDICTS];
    uint64_t evidence, journal_lost, policy_asked, policy_refused, policy_deferred, policy_greylisted, policy_malformed;
    uint32_t journal_waiting, policy_clients;
};

struct metrics_spool {
    struct spool_counters spool;
    struct samples_counters samples;
    struct opinions_counters opinions;
    uint8_t connected;
    double oldest; /* seconds since 1970; 0: it is empty */
};

/* NULL: there is nothing to say of that. */
struct metrics_page {
    const struct metrics_courier *courier;
    const struct message_status_watcher *watcher;
    const struct message_status_warden *warden;
    const struct metrics_spool *spool;
};

/* False: the buffer's bound was met. */
bool metrics_page_print(const struct metrics_page *, struct buffer *) __attribute__((warn_unused_result));

#endif
