/* Content that is kept while it streams by, for those messages that somebody wants to look at: the only place where any
 * is. Bounded in all; where there is no more room the oldest gives way, so that whoever begins messages and never ends
 * them holds nobody else's place.
 *
 * A sample is known by a number, which says nothing any more once the sample is gone: who still has it holds nothing.
 */
#ifndef AGENT_PACKET_SMTP_SAMPLES_H
#define AGENT_PACKET_SMTP_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/moment.h"
#include "common/text.h"

#define SAMPLES_AT_ONCE 4095
#define SAMPLE_LONGEST  (15 * MINUTE) /* from the first byte of the content to the answer */

struct smtp_samples;

struct smtp_samples_counters {
    uint64_t begun, crowded; /* crowded: gave way */
    uint64_t copied;         /* bytes, in all */
    uint64_t bytes_held;
};

/* `memory`: bytes of content at most. NULL: there is no memory. */
struct smtp_samples *smtp_samples_create(uint64_t memory);
void smtp_samples_destroy(struct smtp_samples **);

/* At most `most` bytes are kept; `note` is the caller's; `stuffed`: it comes as DATA sends it. The number is never 0.
 */
struct smtp_sample_beginning {
    moment time;
    uint32_t most;
    uint8_t note;
    bool stuffed;
};
uint32_t smtp_samples_begin(struct smtp_samples *, const struct smtp_sample_beginning *);
void smtp_samples_add(struct smtp_samples *, uint32_t sample, const char *bytes, size_t length);
void smtp_samples_stop(struct smtp_samples *, uint32_t sample); /* bytes are missing: nothing more is kept */
void smtp_samples_release(struct smtp_samples *, uint32_t sample);
void smtp_samples_tick(struct smtp_samples *, moment now); /* those that last for too long are let go */

/* All of it is here: the dots that DATA put before the dots at lines' beginnings (RFC 5321 4.5.2) are taken out. A line
 * begins behind a LF, with or without a CR, as with most servers. */
void smtp_samples_unstuff(struct smtp_samples *, uint32_t sample);

struct smtp_sample_state {
    uint32_t bytes; /* that are kept */
    uint8_t note;
    bool cut; /* there was more, or bytes are missing */
};
bool smtp_samples_state(const struct smtp_samples *, uint32_t sample, struct smtp_sample_state *); /* false: gone */
/* Its pieces in their order: *at is NULL at first. Borrowed until the next call but this one. */
bool smtp_samples_piece(const struct smtp_samples *, uint32_t sample, const void **at, struct text *piece);
struct smtp_samples_counters smtp_samples_counters(const struct smtp_samples *);

#endif
