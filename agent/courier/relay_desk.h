/* The desk for mail relays: what agent/relay decides, with its file, the fleet's standings, and what people are told of
 * it. Settings come with the configuration; until then those of the presets count, and nobody is held back. */
#ifndef AGENT_COURIER_RELAY_DESK_H
#define AGENT_COURIER_RELAY_DESK_H

#include "agent/courier/news.h"
#include "agent/courier/policy_request.h"
#include "agent/courier/standings_feed.h"
#include "agent/relay/decision.h"
#include "common/buffer.h"
#include "common/io/log.h"

struct relay_desk;
/* `file`: where what is known is kept. What cannot be opened is told, and then nothing outlasts this process. */
int relay_desk_create(const char *file, struct news *, struct relay_desk **result, struct error *) MUST_CHECK;
void relay_desk_destroy(struct relay_desk **);

/* `bundle`: the descriptor of a configuration (agent/message/bundle.h), borrowed. Where it cannot be read, what was in
 * force stays. */
int relay_desk_configure(struct relay_desk *, int bundle, struct error *) MUST_CHECK;
/* Read a piece of what the file holds and the settings want, some ten milliseconds' worth. True: there is more, and who
 * is answered meanwhile is answered as if that were not. Call it behind relay_desk_configure() until it says false. */
bool relay_desk_load(struct relay_desk *);
void relay_desk_enforce(struct relay_desk *, bool on);
void relay_desk_order(struct relay_desk *, const struct order *);
/* Answers questions of POLICY_ACCESS: a policy_answerer. */
void relay_desk_answer(void *desk, const struct policy_request *, char action[RELAY_ACTION]);
bool relay_desk_may_ask(void *desk, const struct address *); /* over TCP */
void relay_desk_tick(struct relay_desk *);                   /* once a second */
struct standings_feed *relay_desk_feed(struct relay_desk *);

const struct act *relay_desk_act(struct relay_desk *, const struct sender *); /* NULL: nothing is known */
struct relay_counters relay_desk_counters(const struct relay_desk *);
struct answer_policy;
void relay_desk_count(struct relay_desk *, struct answer_policy *); /* its part of `postern status` */
/* Its part of `postern explain`; nothing where there is nothing to say of that sender. */
bool relay_desk_answer_explain(struct relay_desk *, const struct sender *, struct buffer *);

#endif
