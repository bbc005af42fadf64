/* Answers kept for their TTL. */
#include "collector/blacklist/inquiry_own.h"

#include <errno.h>
#include <stdlib.h>

#define TTL_MOST (24 * 3600) /* seconds: longer is not believed */

struct key {
    uint64_t mark[2]; /* of zone and subject: 128 bits, so that no two are taken for each other */
};

struct remembered {
    moment time, until;
    struct answer answer;
};

static struct key key_of(const struct inquiry *inquiry, const struct zone_state *state, const struct subject *subject)
{
    struct {
        uint32_t zone, kind;
        uint8_t bytes[16];
        char domain[SUBJECT_DOMAIN_MOST + 1];
    } whole;
    struct key key;
    memset(&whole, 0, sizeof whole);
    whole.zone = state->index;
    whole.kind = subject->kind;
    memcpy(whole.bytes, subject->bytes, sizeof whole.bytes);
    size_t length = strlen(subject->domain);
    memcpy(whole.domain, subject->domain, length);
    struct siphash_key other = inquiry->settings.key;
    other.words[0] = ~other.words[0];
    size_t size = (size_t)(whole.domain - (char *)&whole) + length;
    key.mark[0] = siphash(&inquiry->settings.key, &whole, size);
    key.mark[1] = siphash(&other, &whole, size);
    return key;
}

int inquiry_memory_create(struct inquiry *inquiry, struct error *error)
{
    if (inquiry->settings.remembered == 0)
        return 0;
    struct table_shape shape = {.places = inquiry->settings.remembered,
                                .key_size = sizeof(struct key),
                                .value_size = sizeof(struct remembered),
                                .key = inquiry->settings.key};
    size_t size = table_memory(&shape);
    void *memory = size == SIZE_MAX ? NULL : calloc(1, size);
    if (memory == NULL)
        return error_set(error, ENOMEM, "no memory for %u answers", shape.places);
    inquiry->memory = table_place(memory, &shape);
    return 0;
}

moment inquiry_good_until(const struct answer *answer, moment time)
{
    if (answer->state == ANSWER_UNKNOWN)
        return 0;
    return time + (answer->ttl < TTL_MOST ? answer->ttl : TTL_MOST) * SECOND;
}

bool inquiry_recall(struct inquiry *inquiry, const struct zone_state *state, const struct subject *subject, moment now,
                    struct answer *result, moment *time)
{
    if (inquiry->memory == NULL)
        return false;
    struct key key = key_of(inquiry, state, subject);
    struct remembered *found = table_find(inquiry->memory, &key);
    if (found == NULL)
        return false;
    if (found->until <= now || found->time > now) {
        table_remove(inquiry->memory, found);
        return false;
    }
    *result = found->answer;
    *time = found->time;
    return true;
}

void inquiry_remember(struct inquiry *inquiry, const struct zone_state *state, const struct subject *subject,
                      const struct answer *answer, moment time)
{
    if (inquiry->memory == NULL)
        return;
    struct key key = key_of(inquiry, state, subject);
    if (answer->state == ANSWER_UNKNOWN || answer->ttl == 0)
        return; /* what was remembered holds for as long as it was said to */
    bool added;
    struct remembered *kept = table_add(inquiry->memory, &key, &added, NULL, NULL);
    *kept = (struct remembered){.time = time, .until = inquiry_good_until(answer, time), .answer = *answer};
}
