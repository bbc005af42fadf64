/* What a mail relay is told that asks whether it may take a message. What stands against the address, the account and
 * the customer decides first; then whether the greylist knows it; then how much has come from there. An order of this
 * node on a sender stands over the fleet's on the same; of address, account and customer the hardest counts, but that
 * an allowed address or account is not stopped for its customer, nor, unless a person said so, a member of an allowed
 * customer. No descriptor, no clock; bounded. */
#ifndef AGENT_RELAY_DECISION_H
#define AGENT_RELAY_DECISION_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/relay/acts.h"
#include "agent/relay/settings.h"
#include "agent/relay/standings.h"
#include "common/error.h"
#include "common/text.h"
#include "common/words/order.h"

#define RELAY_ACTION   240    /* room for an answer */
#define RELAY_OWN_MOST 131072 /* senders with an order of this node */

/* How far the message is. */
enum relay_stage { RELAY_BEFORE, RELAY_AT_RECIPIENT, RELAY_AT_CONTENT };

/* Any bytes, borrowed; empty: not said. */
struct relay_question {
    enum relay_stage stage;
    struct text account;   /* that logged in */
    struct text client;    /* an address as text */
    struct text customer;  /* whose the client or the account is */
    struct text instance;  /* the same for all questions about one message; empty: each is a message of its own */
    struct text sender;    /* of the envelope */
    struct text recipient; /* at AT_RECIPIENT */
    uint32_t recipients;   /* at AT_CONTENT */
};

enum relay_answer {
    RELAY_PASSES,
    RELAY_DIVERTED,
    RELAY_GREYLISTED,
    RELAY_LIMITED,  /* by a rate of [relay] */
    RELAY_DEFERRED, /* by the rate of an order */
    RELAY_REFUSED,
    RELAY_ANSWERS
};
const char *relay_answer_name(enum relay_answer); /* "passes", "diverted", "greylisted", "limited", "deferred", ... */

struct relay_outcome {
    enum relay_answer answer;
    struct sender about; /* whom it is for; SENDER_NONE where it passes and nothing stands */
    struct act *act;     /* what is counted of it; NULL: nothing. Borrowed until the next question or order */
    bool fleet;          /* the fleet's standing, not an order of this node */
};

struct relay_counters {
    uint64_t asked;                  /* all questions */
    uint64_t answers[RELAY_ANSWERS]; /* messages, of GREYLISTED recipients; PASSES is not counted */
    uint64_t withheld;               /* would have been held back, but we only observe */
    moment asked_last;               /* 0: no mail server has asked */
};

struct relay;
/* `settings`: how much there is room for; borrowed, as with relay_configure(), until the next are given. */
int relay_create(const struct relay_settings *settings, const struct siphash_key *, struct relay **result,
                 struct error *) MUST_CHECK;
void relay_destroy(struct relay **);
void relay_configure(struct relay *, const struct relay_settings *);
void relay_enforce(struct relay *, bool on); /* off, as at the beginning: all passes */

/* An order that the warden has checked; it takes the place of an earlier one on that sender. Those on ports, MACs and
 * users are passed over: no question names one. */
void relay_order(struct relay *, const struct order *, moment now);
/* Whether a sender of that kind can be asked about. */
bool relay_can_ask_about(const struct sender *);

/* `action` is what stands behind "action=": one line of plain characters. */
struct relay_outcome relay_answer(struct relay *, const struct relay_question *, moment now, char action[RELAY_ACTION]);
void relay_tick(struct relay *, moment now); /* once a second */

struct standings *relay_fleet(struct relay *); /* for whoever is told of it */
struct greylist *relay_greylist(struct relay *);
/* Whether anything stands against it, and whose word that is. */
bool relay_stands(struct relay *, const struct sender *, moment now, struct relay_standing *result, bool *fleet);
/* NULL: nothing was ever held against it, or it was forgotten. Borrowed until the next question or order. */
const struct act *relay_act(struct relay *, const struct sender *);
struct relay_counters relay_counters(const struct relay *);
uint32_t relay_orders(const struct relay *); /* of this node, that stand */

#endif
