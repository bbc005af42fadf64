/* From a line that was understood to observations. */
#ifndef AGENT_LOG_MEANING_H
#define AGENT_LOG_MEANING_H

#include "agent/log/attempt.h"
#include "agent/log/content.h"
#include "agent/log/hint.h"
#include "agent/log/log_path.h"
#include "agent/log/transaction.h"

struct meaning_context {
    struct transactions *transactions;
    struct attempts *attempts;
    struct hints *hints;
    struct contents *contents; /* NULL: nobody says what is in mail */
    const struct log_listener *listener;
    uint32_t source;
    moment time;
};

void meaning_take(const struct meaning_context *, const struct log_rule *, const struct log_fields *);

#endif
