/* Which messages are worth a look by the centre's filters: a budget, never a flood. The first of each new sender, more
 * of those whose score rises, all of those diverted, one of each body that comes more than once, a trickle of the rest.
 *
 * It is asked twice. When content begins, whether it is to be kept while it streams by; the limits of samples a second
 * and for each sender count from here on, so that little is copied in vain. When it was answered, whether it is sent
 * in: then it is known whether such a body was sent in before. Where limits bind, those that are worth less go without
 * first. Pure: time is handed in, chance comes from a seed. */
#ifndef AGENT_SAMPLE_BUDGET_H
#define AGENT_SAMPLE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/sample/settings.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/siphash.h"
#include "common/words/likeness.h"
#include "common/words/sender.h"

/* Why a message is sent in, in the order of its worth to those who must drop some. */
enum sample_why {
    SAMPLE_NOT,
    SAMPLE_TRICKLE,
    SAMPLE_DIGEST, /* when it begins: it may be one */
    SAMPLE_FIRST,
    SAMPLE_SCORE,
    SAMPLE_DIVERTED,
    SAMPLE_WHYS
};
const char *sample_why_name(enum sample_why); /* "not", "trickle", "digest", "first", "score", "diverted" */

struct budget;
struct budget *budget_create(const struct samples_settings *, const struct siphash_key *, struct error *);
void budget_destroy(struct budget **);
void budget_reload(struct budget *, const struct samples_settings *);

/* How many messages a second are looked at so closely: beyond, they go by, and looking at packets stays as fast as it
 * is. Of those that are kept only because such a body may have come before, fewer still. */
#define BUDGET_ASKED      4000
#define BUDGET_CANDIDATES 64

/* Content begins. False: it goes by, whosever it is. */
bool budget_may_ask(struct budget *, moment now);
struct budget_question {
    moment now;
    const struct sender *sender;
    uint64_t copied;   /* bytes of content that were kept so far, in all */
    uint64_t messages; /* of this sender, before this one */
    points score;
    bool diverted;
};
enum sample_why budget_wants(struct budget *, const struct budget_question *);

/* The same message was answered; `why` is what was said then. */
struct budget_message {
    moment now;
    const struct sender *sender;
    uint64_t digest[2]; /* of the content; both 0: it was not seen whole */
    struct likeness likeness;
};
enum sample_why budget_keeps(struct budget *, enum sample_why, const struct budget_message *);

#endif
