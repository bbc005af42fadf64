/* The running sum takes 704 bytes and exists only while content runs. The hash is compiled in, not called: most pieces
 * are a packet's length, too short to pay for more. */
#include "agent/packet/smtp_digest.h"

#include "agent/packet/smtp_digest_wide.h"
#include "agent/packet/smtp_likeness.h"
#include "agent/packet/smtp_samples.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct smtp_digest {
    XXH3_state_t state;
    struct smtp_likeness likeness;
    struct smtp_samples *samples;
    uint32_t sample; /* what is kept of it; 0: nothing */
};

static bool begin(struct smtp_digest **digest, const struct smtp_listener *listener)
{
    *digest = smtp_memory_aligned(listener, 64, sizeof(struct smtp_digest));
    if (!*digest)
        return false;
    XXH3_128bits_reset(&(*digest)->state);
    (*digest)->likeness = (struct smtp_likeness){0};
    (*digest)->sample = 0;
    return true;
}

bool smtp_digest_begin(struct smtp_digest **digest, const struct smtp_listener *listener, uint32_t sample)
{
    if (*digest || !begin(digest, listener))
        return false;
    (*digest)->samples = listener->sampler->samples;
    (*digest)->sample = sample;
    return true;
}

bool smtp_digest_add(struct smtp_digest **digest, const struct smtp_listener *listener, const char *bytes,
                     size_t length)
{
    if (!*digest && !begin(digest, listener))
        return false;
    if ((*digest)->sample)
        smtp_samples_add((*digest)->samples, (*digest)->sample, bytes, length);
    if (!(*digest)->likeness.done)
        smtp_likeness_add(&(*digest)->likeness, bytes, length);
    if (smtp_digest_can_be_wide())
        smtp_digest_add_wide(&(*digest)->state, bytes, length);
    else
        XXH3_128bits_update(&(*digest)->state, bytes, length);
    return true;
}

void smtp_digest_gap(struct smtp_digest *digest)
{
    if (!digest)
        return;
    smtp_likeness_stop(&digest->likeness);
    if (digest->sample)
        smtp_samples_stop(digest->samples, digest->sample);
}

void smtp_digest_finish(struct smtp_digest **digest, struct smtp_counters *counters, uint64_t result[2],
                        struct likeness *likeness, uint32_t *sample)
{
    *likeness = (struct likeness){0};
    if (*digest)
        smtp_likeness_finish(&(*digest)->likeness, likeness);
    XXH128_hash_t hash = *digest ? XXH3_128bits_digest(&(*digest)->state) : XXH3_128bits("", 0);
    result[0] = hash.low64;
    result[1] = hash.high64;
    if (sample)
        *sample = *digest ? (*digest)->sample : 0;
    else if (*digest && (*digest)->sample)
        smtp_samples_release((*digest)->samples, (*digest)->sample);
    smtp_memory_free(counters, *digest, sizeof(struct smtp_digest));
    *digest = NULL;
}
