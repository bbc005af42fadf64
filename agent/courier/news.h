/* News: what the watcher and the warden say unasked, made into entries of the journal. */
#ifndef AGENT_COURIER_NEWS_H
#define AGENT_COURIER_NEWS_H

#include "agent/courier/journal.h"
#include "agent/courier/spool.h"
#include "agent/message/message.h"
#include "agent/relay/decision.h"
#include "common/buffer.h"
#include "common/words/verdict.h"

struct news;
/* Both are borrowed; every entry of the journal goes into the spool too. `spool` NULL: there is no collector. */
int news_create(struct journal *, struct spool *spool, struct news **result, struct error *) MUST_CHECK;
void news_destroy(struct news **);

/* A verdict comes in pieces (the verdict, its evidence, an end) and is entered when it is whole. Evidence of one
 * detector against one sender is entered once a second at most: the journal is read by people. */
void news_take(struct news *, const union message *);
void news_forget_half(struct news *); /* whoever was telling a verdict died over it: enter what is known */
/* The courier's own. `severity`: 0 news, 1 warning, 2 trouble. */
void news_event(struct news *, uint8_t severity, const char *what, const char *text);
void news_about(struct news *, const struct sender *, uint8_t severity, const char *what, const char *text);
/* What mail servers were told from `begin` on, for so many seconds: for the collector. */
void news_stopped(struct news *, moment begin, uint32_t seconds, const struct relay_counters *);
/* An order that stands now or was released: for the collector, which is told all of them anew at our start. */
void news_order(struct news *, const struct order *);
void news_command(struct news *, const char *deed, const char *sender, const char *length, const char *person,
                  const char *why);
/* Since the courier was started. */
struct news_counters {
    uint64_t verdicts[VERDICTS], evidence;
};
struct news_counters news_counters(const struct news *);

/* The courier's line of `postern status`. */
/* `trouble`: what is wrong with the journal; empty: nothing. */
bool news_answer_status(const struct news *, const char *trouble, struct buffer *);

#endif
