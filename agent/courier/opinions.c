/* See opinions.h. A row of opinions, of which the first `told` were told and wait for their answers, which come in the
 * same order. */
#include "agent/courier/opinions.h"

#include <stdlib.h>
#include <string.h>

#include "agent/courier/question.h"

struct opinions {
    struct filtered items[OPINIONS_MOST]; /* the number: what the centre need not be asked for again after it */
    uint32_t count, told;
    uint64_t judged, unsound;
};

struct opinions *opinions_create(void)
{
    return calloc(1, sizeof(struct opinions));
}

void opinions_destroy(struct opinions **opinions)
{
    free(*opinions);
    *opinions = NULL;
}

bool opinions_has_room(const struct opinions *opinions)
{
    return opinions->count + FILTERED_MOST <= OPINIONS_MOST;
}

bool opinions_take(struct opinions *opinions, const struct filtered_list *list)
{
    if (opinions->count + list->count > OPINIONS_MOST)
        return false;
    if (list->count > 0)
        memcpy(opinions->items + opinions->count, list->items, list->count * sizeof *list->items);
    opinions->count += list->count;
    opinions->unsound += list->unsound;
    if (opinions->count > 0) /* what was left out at the end need not be asked for again either */
        opinions->items[opinions->count - 1].number = list->number;
    return true;
}

void opinions_begin(struct opinions *opinions)
{
    opinions->told = 0;
}

bool opinions_next(const struct opinions *opinions, union message *message)
{
    if (opinions->told == opinions->count)
        return false;
    const struct filtered *item = &opinions->items[opinions->told];
    message_prepare(message, item->kind, QUESTION_OF_OPINIONS);
    struct message_head head = message->head;
    if (item->kind == MESSAGE_LISTED)
        message->listed = item->listed;
    else if (item->kind == MESSAGE_COMPLAINED)
        message->complained = item->complained;
    else
        message->filtered = item->said;
    message->head = head;
    return true;
}

void opinions_told(struct opinions *opinions)
{
    opinions->told++;
}

bool opinions_answered(struct opinions *opinions, const union message *message, int64_t *number)
{
    bool ours = message->head.kind == MESSAGE_DONE && message->head.question == QUESTION_OF_OPINIONS;
    if (!ours || opinions->told == 0)
        return false;
    *number = opinions->items[0].number;
    opinions->judged++;
    opinions->count--;
    opinions->told--;
    memmove(opinions->items, opinions->items + 1, opinions->count * sizeof *opinions->items);
    return true;
}

struct opinions_counters opinions_counters(const struct opinions *opinions)
{
    return (struct opinions_counters){opinions->count, opinions->judged, opinions->unsound};
}
