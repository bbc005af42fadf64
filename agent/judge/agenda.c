/* A binary heap. */
#include "agent/judge/agenda.h"

#include <stdlib.h>
#include <string.h>

static bool is_before(const struct agenda_entry *a, const struct agenda_entry *b)
{
    return a->due != b->due ? a->due < b->due : memcmp(&a->sender, &b->sender, sizeof a->sender) < 0;
}

bool agenda_add(struct agenda *agenda, moment due, const struct sender *sender)
{
    if (agenda->count == agenda->room) {
        size_t room = agenda->room ? agenda->room * 2 : 64;
        struct agenda_entry *entries = reallocarray(agenda->entries, room, sizeof *entries);
        if (entries == NULL)
            return false;
        agenda->entries = entries;
        agenda->room = room;
    }
    struct agenda_entry entry = {due, *sender};
    size_t at = agenda->count++;
    for (; at > 0 && is_before(&entry, &agenda->entries[(at - 1) / 2]); at = (at - 1) / 2)
        agenda->entries[at] = agenda->entries[(at - 1) / 2];
    agenda->entries[at] = entry;
    return true;
}

bool agenda_next(const struct agenda *agenda, moment *due)
{
    if (agenda->count == 0)
        return false;
    *due = agenda->entries[0].due;
    return true;
}

struct agenda_entry agenda_take(struct agenda *agenda)
{
    struct agenda_entry first = agenda->entries[0], moved = agenda->entries[--agenda->count];
    size_t at = 0;
    for (size_t child = 1; child < agenda->count; child = 2 * at + 1) {
        if (child + 1 < agenda->count && is_before(&agenda->entries[child + 1], &agenda->entries[child]))
            child++;
        if (!is_before(&agenda->entries[child], &moved))
            break;
        agenda->entries[at] = agenda->entries[child];
        at = child;
    }
    agenda->entries[at] = moved;
    return first;
}

void agenda_clear(struct agenda *agenda)
{
    free(agenda->entries);
    *agenda = (struct agenda){0};
}
