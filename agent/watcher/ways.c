/* See ways.h. One row in the order of time: what is seen again goes to its front. */
#include "agent/watcher/ways.h"

#include <string.h>

static bool is_senders(const struct way *way, const struct sender *sender)
{
    return memcmp(&way->sender, sender, sizeof *sender) == 0;
}

/* The place that the new one takes: that of the same way, else of its sender's oldest where it has enough, else the
 * end's. */
static uint32_t find_place(const struct ways *ways, const struct way *way, size_t same)
{
    uint32_t own = 0, last = 0;
    for (uint32_t i = 0; i < ways->count; i++) {
        const struct way *other = &ways->items[i];
        if (!is_senders(other, &way->sender))
            continue;
        if (other->kind == way->kind && strncmp(other->text, way->text, same) == 0)
            return i;
        own++;
        last = i;
    }
    if (own >= WAYS_PER_SENDER)
        return last;
    return ways->count < WAYS_MOST ? ways->count : WAYS_MOST - 1;
}

void ways_add(struct ways *ways, const struct way *way, size_t same)
{
    struct way added = {.sender = way->sender, .time = way->time, .kind = way->kind};
    text_copy_printable(text_of(way->text), added.text, sizeof added.text);
    text_copy_printable(text_of(way->command), added.command, sizeof added.command);
    uint32_t place = find_place(ways, &added, same);
    if (place == ways->count)
        ways->count++;
    memmove(ways->items + 1, ways->items, place * sizeof ways->items[0]);
    ways->items[0] = added;
}

const struct way *ways_of(const struct ways *ways, const struct sender *sender, uint32_t number)
{
    for (uint32_t i = 0; i < ways->count; i++)
        if (is_senders(&ways->items[i], sender) && number-- == 0)
            return &ways->items[i];
    return NULL;
}
