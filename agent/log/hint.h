/* What a log says of where a message comes from before it says which message: Exim writes the directory it was called
 * in under the number of its process, and an ACL may write a script under an id that has not arrived yet. Kept for a
 * moment, in a table of fixed size; the oldest gives way. */
#ifndef AGENT_LOG_HINT_H
#define AGENT_LOG_HINT_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/siphash.h"
#include "common/text.h"

#define HINT_TEXT 120
#define HINT_AGE  MINUTE /* numbers of processes are used again */

struct hint {
    moment time;
    uint8_t script_length, directory_length;
    char script[HINT_TEXT], directory[HINT_TEXT];
};

struct hints;
struct hints *hints_create(uint32_t places, const struct siphash_key *, struct error *);
void hints_destroy(struct hints **);

/* `word`: a process, or a queue id of up to 48 bytes. Of texts that are longer the end is kept. */
void hints_add(struct hints *, uint32_t source, struct text word, moment, struct text script, struct text directory);
/* What was said under that word in the last HINT_AGE, and forget it. */
bool hints_take(struct hints *, uint32_t source, struct text word, moment, struct hint *result);

#endif
