/* The heap of the dialogues goes through here, so that a flood of long dialogues cannot take the machine's memory: what
 * is beyond the bound is refused, and the dialogue goes on without it. */
#include "agent/packet/smtp_memory.h"

#include <stdlib.h>

static bool may_take(const struct smtp_listener *listener, size_t more)
{
    uint64_t most = listener->bytes_most ? listener->bytes_most : SMTP_MEMORY_MOST;
    uint64_t held = listener->counters->bytes_held;
    return held <= most && more <= most - held;
}

static void *taken(const struct smtp_listener *listener, void *bytes, size_t more)
{
    if (bytes)
        listener->counters->bytes_held += more;
    else
        listener->counters->memory_refused++;
    return bytes;
}

void *smtp_memory_grow(const struct smtp_listener *listener, void *bytes, size_t from, size_t to)
{
    return taken(listener, may_take(listener, to - from) ? realloc(bytes, to) : NULL, to - from);
}

void *smtp_memory_aligned(const struct smtp_listener *listener, size_t alignment, size_t size)
{
    return taken(listener, may_take(listener, size) ? aligned_alloc(alignment, size) : NULL, size);
}

void smtp_memory_free(struct smtp_counters *counters, void *bytes, size_t size)
{
    if (!bytes)
        return;
    free(bytes);
    counters->bytes_held -= size;
}

struct smtp_string *smtp_string_replace(const struct smtp_listener *listener, struct smtp_string *old, struct text text,
                                        size_t most)
{
    size_t length = text.length < most ? text.length : most;
    if (old && old->length == length && memcmp(old->bytes, text.bytes, length) == 0)
        return old;
    smtp_string_free(listener->counters, old);
    struct smtp_string *string = smtp_memory_grow(listener, NULL, 0, sizeof(struct smtp_string) + length);
    if (!string)
        return NULL;
    string->length = (uint16_t)length;
    if (length > 0)
        memcpy(string->bytes, text.bytes, length);
    return string;
}

void smtp_string_free(struct smtp_counters *counters, struct smtp_string *string)
{
    if (string)
        smtp_memory_free(counters, string, sizeof(struct smtp_string) + string->length);
}

struct text smtp_string_text(const struct smtp_string *string)
{
    return string ? (struct text){string->bytes, string->length} : (struct text){"", 0};
}
