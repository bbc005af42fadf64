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

struct observation listed_observation(const struct message_listed *message, moment now)
{
    return (struct observation){.kind = OBSERVATION_LISTING,
                                .time = now,
                                .origin = {.address = message->address},
                                .listing = {.zone = text_of(message->zone),
                                            .code = message->code,
                                            .weight = (enum listing_weight)message->weight,
                                            .listed = message->listed,
                                            .since = message->since}};
}

struct observation complained_observation(const struct message_complained *message, moment now)
{
    return (struct observation){.kind = OBSERVATION_COMPLAINT,
                                .time = now,
                                .origin = {.address = message->address},
                                .complaint = {.reporter = text_of(message->reporter),
                                              .type = (enum complaint_type)message->type,
                                              .count = message->count,
                                              .verified = message->confirmed,
                                              .claimed = !message->known,
                                              .withdrawn = message->withdrawn}};
}
