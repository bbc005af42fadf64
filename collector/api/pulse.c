/* See pulse.h. */
#include "collector/api/pulse.h"

#include "collector/api/endpoint.h"
#include "common/io/clock.h"

#define EVERY    (200 * MILLISECOND)
#define ALONE    (2 * SECOND) /* the same where nobody else writes to the store: threads of ours do */
#define WHETHER  SECOND       /* it is back */
#define FILTERED SECOND       /* nodes are woken so often for what filters say of the messages of some of them */

static int look(struct store *store, struct exchange *exchange, struct error *error)
{
    struct pulse *pulse = exchange->owner;
    int failure = store_pulse(store, &pulse->found, error);
    pulse->found_shared = store_is_shared(store);
    exchange->status = 204;
    return failure;
}

static const struct endpoint endpoint = {
    .method = "LOOK", .path = "for what others commit", .worker = ASK_READER, .settled = true, .handle = look};

void pulse_begin(struct pulse *pulse)
{
    *pulse = (struct pulse){.shared = true}; /* until it is known that it is not */
    pulse->exchange.owner = pulse;
    pulse->exchange.endpoint = &endpoint;
    pulse->exchange.step = STEP_ANSWER;
    buffer_init(&pulse->exchange.answer, EXCHANGE_ANSWER_MOST);
}

struct exchange *pulse_ask(struct pulse *pulse, bool somebody_waits, bool store_fails)
{
    duration now = clock_steady();
    if (pulse->under_way || now < pulse->due || !(store_fails || somebody_waits))
        return NULL;
    pulse->under_way = true;
    pulse->due = now + (store_fails ? WHETHER : pulse->shared ? EVERY : ALONE);
    pulse->found = pulse->seen;
    pulse->exchange.trouble = (struct error){0};
    return &pulse->exchange;
}

void pulse_take(struct pulse *pulse, bool told[TOLD_KINDS])
{
    const struct store_pulse *found = &pulse->found;
    buffer_clear(&pulse->exchange.answer);
    pulse->under_way = false;
    if (pulse->exchange.trouble.code != 0)
        return;
    if (pulse->missed)
        told[TOLD_NODES] = told[TOLD_PEOPLE] = true;
    pulse->missed = false;
    /* Who waits with a secret that was taken back, a node or a person, hears it by the revision that this took. */
    told[TOLD_NODES] |= found->revision != pulse->seen.revision || found->news != pulse->seen.news;
    if (found->filtered != pulse->filtered && clock_steady() >= pulse->filtered_due) {
        told[TOLD_NODES] = true;
        pulse->filtered_due = clock_steady() + FILTERED;
        pulse->filtered = found->filtered;
    }
    told[TOLD_PEOPLE] |= found->received != pulse->seen.received || found->revision != pulse->seen.revision;
    pulse->seen = *found;
    pulse->shared = pulse->found_shared;
}

void pulse_know(struct pulse *pulse, int64_t revision)
{
    if (revision > pulse->seen.revision)
        pulse->seen.revision = revision;
}
