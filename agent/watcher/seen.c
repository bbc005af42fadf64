/* See seen.h. */
#include "agent/watcher/seen.h"

#include <string.h>

/* FNV-1a: two senders with one digest and one text within seconds are not worth more. */
static uint64_t digest_of(struct text text)
{
    uint64_t result = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.length; i++)
        result = (result ^ (unsigned char)text.bytes[i]) * UINT64_C(0x100000001b3);
    return result;
}

void seen_note(struct seen *seen, const struct observation *message)
{
    struct seen_message *place = &seen->messages[seen->next++ % SEEN_MOST];
    *place = (struct seen_message){
        .time = message->time, .sender = digest_of(message->message.from), .likeness = message->message.likeness};
    memcpy(place->digest, message->message.digest, sizeof place->digest);
}

static struct seen_message *find(struct seen *seen, const struct observation *message, bool same_bytes)
{
    uint64_t sender = digest_of(message->message.from);
    const struct likeness *likeness = &message->message.likeness;
    for (uint32_t i = 0; i < SEEN_MOST; i++) {
        struct seen_message *one = &seen->messages[i];
        if (one->time == 0 || message->time - one->time > SEEN_LONGEST)
            continue;
        if (same_bytes ? memcmp(one->digest, message->message.digest, sizeof one->digest) == 0
                       : one->sender == sender && likeness_is_known(likeness) &&
                             memcmp(&one->likeness, likeness, sizeof *likeness) == 0)
            return one;
    }
    return NULL;
}

bool seen_take(struct seen *seen, const struct observation *message)
{
    struct seen_message *found = find(seen, message, true);
    if (found == NULL)
        found = find(seen, message, false);
    if (found != NULL)
        found->time = 0;
    return found != NULL;
}
