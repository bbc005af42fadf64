/* The heap of the dialogues: counted, and bounded in all. */
#ifndef AGENT_PACKET_SMTP_MEMORY_H
#define AGENT_PACKET_SMTP_MEMORY_H

#include <stddef.h>
#include "agent/packet/smtp.h"

/* Grow `bytes` (may be NULL) from `from` to `to` bytes. NULL: refused and counted; the old ones are as they were. */
void *smtp_memory_grow(const struct smtp_listener *, void *bytes, size_t from, size_t to);
void *smtp_memory_aligned(const struct smtp_listener *, size_t alignment, size_t size);
void smtp_memory_free(struct smtp_counters *, void *bytes, size_t size);

/* A text of at most 65,535 bytes that knows its length. */
struct smtp_string {
    uint16_t length;
    char bytes[];
};
/* `old` (may be NULL) is freed; where memory is refused the result is NULL. */
struct smtp_string *smtp_string_replace(const struct smtp_listener *, struct smtp_string *old, struct text,
                                        size_t most);
void smtp_string_free(struct smtp_counters *, struct smtp_string *);
struct text smtp_string_text(const struct smtp_string *); /* empty for NULL */

#endif
