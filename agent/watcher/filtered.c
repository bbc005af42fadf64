/* See filtered.h. */
#include "agent/watcher/filtered.h"

bool filtered_is_new(struct filtered_marks *marks, uint64_t mark)
{
    if (mark == 0) /* an empty place */
        mark = 1;
    for (uint32_t i = 0; i < FILTERED_REMEMBERED; i++)
        if (marks->items[i] == mark)
            return false;
    marks->items[marks->next] = mark;
    marks->next = (marks->next + 1) % FILTERED_REMEMBERED;
    return true;
}

struct observation filtered_observation(const struct message_filtered *message, moment now)
{
    return (struct observation){.kind = OBSERVATION_FILTER,
                                .time = now,
                                .origin = {.address = message->address},
                                .filter = {.filter = text_of(message->filter),
                                           .action = text_of(message->action),
                                           .symbols = text_of(message->symbols),
                                           .score = message->score,
                                           .threshold = message->threshold,
                                           .certain = message->certain}};
}
