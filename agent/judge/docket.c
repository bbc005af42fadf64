/* See docket.h. */
#include "agent/judge/docket.h"

#include <string.h>

struct docket_entry *docket_add(struct docket *docket, const struct observation *observation)
{
    if (docket->count == DOCKET_MOST)
        return NULL;
    struct docket_entry *entry = &docket->entries[docket->count];
    entry->observation = *observation;
    struct text *texts[OBSERVATION_TEXTS];
    size_t count = observation_texts(&entry->observation, texts), used = docket->used;
    for (size_t i = 0; i < count; i++) {
        size_t length = texts[i]->length;
        if (length > DOCKET_TEXTS - used)
            return NULL;
        if (length > 0)
            memcpy(docket->texts + used, texts[i]->bytes, length);
        if (texts[i]->bytes != NULL) /* else it was not seen, which is not the same as empty */
            texts[i]->bytes = docket->texts + used;
        used += length;
    }
    docket->used = used;
    docket->count++;
    return entry;
}

void docket_clear(struct docket *docket)
{
    docket->count = docket->used = 0;
}
