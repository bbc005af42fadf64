/* What a milter said was in messages, until the log tells of them: by queue id. The log's message then has the digest
 * and the likeness that no log knows. Of which no log tells within CONTENT_PATIENCE is a message of its own.
 *
 * Bounded: the one that came first gives way. */
#ifndef AGENT_LOG_CONTENT_H
#define AGENT_LOG_CONTENT_H

#include "common/address.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/siphash.h"
#include "common/text.h"
#include "common/words/observation.h"

#define CONTENT_PATIENCE (10 * SECOND)
#define CONTENT_LONGEST  DAY /* that a log which has spoken of it is waited for */
#define CONTENTS_MOST    4096

struct content {
    struct text queue; /* up to 48 bytes; a longer one is nobody's */
    struct address client;
    struct text account, sender, helo;
    uint32_t recipients;
    uint64_t bytes, digest[2];
    struct likeness likeness;
};

struct contents_listener {
    void *context;
    /* Whether a log speaks of that queue id. */
    bool (*is_logged)(void *context, struct text queue);
    /* Whether that message was observed otherwise. */
    bool (*is_seen)(void *context, const struct observation *message);
    /* Of which no log speaks: a transaction and a message. */
    void (*observe)(void *context, const struct observation *);
};

struct contents;
struct contents *contents_create(const struct siphash_key *, const struct contents_listener *, struct error *);
void contents_destroy(struct contents **);

void contents_add(struct contents *, const struct content *, moment now);
/* Fill in what is known of a message that the log tells of now: digest, likeness, HELO and, where the log does not know
 * it, length. The text lives until the next call. */
void contents_fill(struct contents *, struct text queue, struct observation *message);
/* The queue id is done: what comes later under it was told already. `now`: as the log has it. */
void contents_forget(struct contents *, struct text queue, moment now);
/* A message goes on under another queue id: a filter gave it back. */
void contents_follow(struct contents *, struct text from, struct text to);
void contents_tick(struct contents *, moment now);

#endif
