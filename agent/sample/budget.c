/* Limits are buckets that fill with time. Of the common ones, each class of messages may take until a share of its own
 * is left, so that what is worth less cannot take all of it. */
#include "agent/sample/budget.h"

#include <errno.h>
#include <stdlib.h>
#include "agent/sample/repeats.h"
#include "common/cleanup.h"

enum { PLACES = 8192, BURST = 2 /* seconds of the rate */, COPIED_PART = 8 /* of the memory, in a second */ };
#define MILLION 1000000

struct bucket {
    moment filled;
    int64_t level; /* parts: a unit has as many as there are nanoseconds in the span of its rate */
};

/* A sender's own limit, found by a keyed hash; another one in its place begins anew. */
struct place {
    uint64_t mark;
    uint64_t digest;          /* of the one that was sent in last */
    uint64_t messages, asked; /* it had sent so many when it was asked last, and that often since it had */
    struct bucket bucket;
};

struct budget {
    struct samples_settings settings;
    struct siphash_key key;
    uint64_t random, copied;
    struct bucket asking, candidates, copying, sending;
    struct repeats *repeats;
    struct place places[PLACES];
};

const char *sample_why_name(enum sample_why why)
{
    static const char *const names[SAMPLE_WHYS] = {"not", "trickle", "digest", "first", "score", "diverted"};
    return names[why < SAMPLE_WHYS ? why : SAMPLE_NOT];
}

struct budget *budget_create(const struct samples_settings *settings, const struct siphash_key *key,
                             struct error *error)
{
    CLEANUP(budget_destroy) struct budget *budget = calloc(1, sizeof *budget);
    if (budget)
        budget->repeats = repeats_create();
    if (!budget || !budget->repeats) {
        error_set(error, ENOMEM, "no memory for the budget of samples");
        return NULL;
    }
    budget->settings = *settings;
    budget->key = *key;
    budget->random = siphash(key, "samples", 7) | 1;
    return TAKE(budget);
}

void budget_destroy(struct budget **budget)
{
    if (*budget)
        repeats_destroy(&(*budget)->repeats);
    free(*budget);
    *budget = NULL;
}

void budget_reload(struct budget *budget, const struct samples_settings *settings)
{
    budget->settings = *settings;
}

/* --- limits --- */

/* `rate` units a `span`, at most `most` at once. A bucket that was never filled is full. */
static void fill(struct bucket *bucket, moment now, uint64_t rate, duration span, uint64_t most)
{
    int64_t full = (int64_t)most * span;
    duration passed = now - bucket->filled, enough = full / (int64_t)rate + 1;
    if (bucket->filled == 0 || passed >= enough || passed < -MINUTE)
        bucket->level = full;
    else if (passed > 0 && (bucket->level += passed * (int64_t)rate) > full)
        bucket->level = full;
    if (passed > 0 || passed < -MINUTE || bucket->filled == 0)
        bucket->filled = now;
}

/* What must be left in a common bucket, in quarters of what it holds when it is full. */
static int64_t reserve_of(enum sample_why why)
{
    static const uint8_t quarters[SAMPLE_WHYS] = {
        [SAMPLE_TRICKLE] = 3, [SAMPLE_DIGEST] = 2, [SAMPLE_SCORE] = 2, [SAMPLE_DIVERTED] = 1};
    return quarters[why];
}

static bool may_copy(struct budget *budget, enum sample_why why, const struct budget_question *question)
{
    uint64_t most = budget->settings.memory / COPIED_PART;
    struct bucket *bucket = &budget->copying;
    fill(bucket, question->now, most, SECOND, most);
    bucket->level -= (int64_t)(question->copied - budget->copied) * SECOND;
    budget->copied = question->copied;
    return bucket->level > (int64_t)most * SECOND / 4 * reserve_of(why);
}

static bool take_one(struct bucket *bucket, moment now, uint64_t rate, int64_t reserve)
{
    fill(bucket, now, rate, SECOND, rate * BURST);
    if (bucket->level - SECOND < (int64_t)(rate * BURST) * SECOND / 4 * reserve)
        return false;
    bucket->level -= SECOND;
    return true;
}

bool budget_may_ask(struct budget *budget, moment now)
{
    return take_one(&budget->asking, now, BUDGET_ASKED, 0);
}

static bool take_common(struct budget *budget, enum sample_why why, moment now)
{
    return take_one(&budget->sending, now, budget->settings.rate, reserve_of(why));
}

/* It is not sent in after all. One that is never answered gives nothing back: whoever begins messages and does not end
 * them uses up its own limit, nobody else's. */
static void give_back(struct budget *budget, enum sample_why why, struct place *place)
{
    if (why != SAMPLE_DIVERTED)
        place->bucket.level += HOUR;
    if (why != SAMPLE_DIGEST)
        budget->sending.level += SECOND;
}

static struct place *place_of(struct budget *budget, const struct sender *sender)
{
    uint64_t mark = siphash(&budget->key, sender, sizeof *sender);
    struct place *place = &budget->places[mark % PLACES];
    if (place->mark != mark)
        *place = (struct place){.mark = mark};
    return place;
}

static bool take_own(struct budget *budget, enum sample_why why, const struct sender *sender, moment now)
{
    uint64_t rate = budget->settings.sender_rate;
    struct place *place = place_of(budget, sender);
    if (why == SAMPLE_DIVERTED)
        return true;
    fill(&place->bucket, now, rate, HOUR, rate);
    if (place->bucket.level < HOUR)
        return false;
    place->bucket.level -= HOUR;
    return true;
}

/* --- what is worth a look --- */

/* Marsaglia, "Xorshift RNGs", 2003: fair enough to choose by, and nobody can foretell it who does not know the key. */
static bool happens(struct budget *budget, int32_t millionths)
{
    budget->random ^= budget->random << 13;
    budget->random ^= budget->random >> 7;
    budget->random ^= budget->random << 17;
    return (int32_t)((budget->random >> 24) % MILLION) < millionths;
}

/* A share in the ratio of its score to the one from which on all are. */
static bool is_suspect(struct budget *budget, points score)
{
    points all = budget->settings.score;
    if (score <= 0)
        return false;
    return score >= all || happens(budget, (int32_t)((int64_t)score * MILLION / all));
}

/* Messages are counted when a batch of packets was judged: those that began meanwhile count as well. */
static bool is_new(struct budget *budget, const struct budget_question *question)
{
    if (question->messages >= budget->settings.first)
        return false;
    struct place *place = place_of(budget, question->sender);
    place->asked = place->messages == question->messages ? place->asked : 0;
    place->messages = question->messages;
    return question->messages + place->asked++ < budget->settings.first;
}

static enum sample_why worth_of(struct budget *budget, const struct budget_question *question)
{
    if (question->diverted)
        return SAMPLE_DIVERTED;
    if (is_new(budget, question))
        return SAMPLE_FIRST;
    if (is_suspect(budget, question->score))
        return SAMPLE_SCORE;
    return happens(budget, budget->settings.trickle) ? SAMPLE_TRICKLE : SAMPLE_DIGEST;
}

enum sample_why budget_wants(struct budget *budget, const struct budget_question *question)
{
    enum sample_why why = worth_of(budget, question);
    moment now = question->now;
    if (!may_copy(budget, why, question))
        return SAMPLE_NOT;
    if (why == SAMPLE_DIGEST && !take_one(&budget->candidates, now, BUDGET_CANDIDATES, 0))
        return SAMPLE_NOT;
    if (!take_own(budget, why, question->sender, now))
        return SAMPLE_NOT;
    return why == SAMPLE_DIGEST || take_common(budget, why, now) ? why : SAMPLE_NOT;
}

/* Of a body that was seen whole: whether a look at it, again or at all, tells anything new. */
static bool is_news(struct budget *budget, enum sample_why why, const struct place *place,
                    const struct budget_message *message)
{
    if (message->digest[0] == 0 && message->digest[1] == 0)
        return why != SAMPLE_DIGEST;
    enum repeat repeat = repeats_note(budget->repeats, message->digest, &message->likeness, message->now);
    if (why == SAMPLE_DIVERTED)
        return true;
    if (why == SAMPLE_FIRST || why == SAMPLE_SCORE)
        return place->digest != message->digest[0];
    return why == SAMPLE_DIGEST ? repeat == REPEAT_AGAIN : repeat != REPEAT_SENT;
}

enum sample_why budget_keeps(struct budget *budget, enum sample_why why, const struct budget_message *message)
{
    struct place *place = place_of(budget, message->sender);
    bool seen_whole = message->digest[0] != 0 || message->digest[1] != 0;
    bool kept =
        is_news(budget, why, place, message) && (why != SAMPLE_DIGEST || take_common(budget, why, message->now));
    if (!kept) {
        give_back(budget, why, place);
        return SAMPLE_NOT;
    }
    place->digest = message->digest[0];
    if (seen_whole)
        repeats_sent(budget->repeats, message->now);
    return why;
}
