/* Deliveries under way, for logs that give an attempt a number when it starts and tell its outcome by that number alone
 * (qmail). Numbers are used again: the one that started last is meant. */
#ifndef AGENT_LOG_ATTEMPT_H
#define AGENT_LOG_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"
#include "common/siphash.h"
#include "common/text.h"

#define ATTEMPT_QUEUE 48
#define ATTEMPT_TO    256 /* RFC 5321, 4.5.3.1.3 */

struct attempt {
    uint16_t queue_length, to_length;
    bool here; /* it does not leave the machine */
    char queue[ATTEMPT_QUEUE], to[ATTEMPT_TO];
};

struct attempts;
struct attempts *attempts_create(uint32_t places, const struct siphash_key *, struct error *);
void attempts_destroy(struct attempts **);

/* Texts are copied, cut where they are longer; an attempt under the same number is forgotten. When all places are taken
 * the one that started first gives way. */
void attempts_start(struct attempts *, uint32_t source, struct text number, struct text queue, struct text to,
                    bool here);
/* What was started under that number, and forget it; false: nothing. */
bool attempts_end(struct attempts *, uint32_t source, struct text number, struct attempt *result);

#endif
