#include "common/io/tail_live.h"

#include <string.h>
#include <unistd.h>
#include "common/io/tail_cut.h"
#include "common/io/tail_look.h"

/* Where to begin in a file that was there before we were: behind its last whole line. */
static uint64_t end_of_lines(int descriptor, uint64_t size)
{
    enum { BACK = 64 * 1024 };
    char bytes[BACK];
    uint64_t from = size > BACK ? size - BACK : 0;
    ssize_t got = pread(descriptor, bytes, (size_t)(size - from), (off_t)from);
    const char *newline = got > 0 ? memrchr(bytes, '\n', (size_t)got) : NULL;
    return newline ? from + (uint64_t)(newline - bytes) + 1 : size;
}

static bool has_any(const struct tail_read *reader, const char *source)
{
    for (size_t i = 0; i < reader->count; i++)
        if (reader->all[i]->state != GENERATION_CANDIDATE && tail_list_is_of(reader->all[i], source))
            return true;
    return false;
}

static void begin_generation(struct tail_read *reader, const struct tail_found *found, const struct tail_look *look,
                             moment now)
{
    bool first = !has_any(reader, found->source);
    bool old = found->initial && first && (!reader->imported || (found->born != 0 && found->born < reader->beginning));
    if (first) {
        /* Stands for all that there was before. */
        struct generation *past = tail_list_add(reader, reader->count, found->source, -1, GENERATION_DONE, now);
        past->at.changed = reader->imported ? reader->beginning : now;
    }
    struct generation *generation =
        tail_list_add(reader, reader->count, found->source, found->descriptor, GENERATION_READING, now);
    generation->at.device = look->device;
    generation->at.inode = look->inode;
    if (old && !reader->settings.from_beginning)
        generation->at.offset = end_of_lines(found->descriptor, look->size);
    generation_look(generation);
}

void tail_live_add(struct tail_read *reader, const struct tail_found *found, moment now)
{
    struct error error = {.code = 0};
    struct tail_look look = {.device = 0};
    int status = tail_look_at(found->descriptor, found->source, &look, &error);
    if (status < 0 && !look.packed) {
        tail_list_say(reader, "%s", error.text);
        close(found->descriptor);
        return;
    }
    look.packed = false; /* under the name of a log the bytes are what they are */
    struct generation *same = tail_look_twin(reader, found->source, &look);
    if (same) {
        tail_list_say(reader, "%s is the same file as %s: read once, as the latter", found->source, same->at.source);
        memcpy(same->twin, found->source, TAIL_NAME);
        close(found->descriptor);
        return;
    }
    tail_cut_look_round(reader, now); /* what a file begins with may be all of what we knew of another */
    struct generation *known = tail_look_recognise(reader, found->source, &look);
    /* Another that begins alike is not what became of a file that has a name: some logs open with the same lines. */
    if (known && !tail_look_is_inode(known, &look) && generation_has_name(known))
        known = NULL;
    if (!known && (known = tail_look_elsewhere(reader, &look)) != NULL)
        memcpy(known->at.source, found->source, TAIL_NAME);
    for (size_t i = 0; i < reader->count; i++)
        if (reader->all[i]->state == GENERATION_READING && reader->all[i] != known &&
            tail_list_is_of(reader->all[i], found->source)) {
            reader->all[i]->state = GENERATION_ENDING;
            reader->all[i]->since = now;
        }
    if (!known) {
        begin_generation(reader, found, &look, now);
        return;
    }
    generation_close(known);
    known->descriptor = found->descriptor;
    known->state = GENERATION_READING;
    known->packed = known->packed_ended = false;
    known->at.device = look.device;
    known->at.inode = look.inode;
    known->since = now;
    known->seen_change = 0;
    size_t place = tail_list_index(reader, known); /* the youngest of its source stands last */
    memmove(reader->all + place, reader->all + place + 1, (reader->count - place - 1) * sizeof *reader->all);
    reader->all[reader->count - 1] = known;
    tail_cut_heed(reader, known, generation_look(known), now);
}

void tail_live_end(struct tail_read *reader, const struct tail_found *found, moment now)
{
    for (size_t i = 0; i < reader->count; i++) {
        struct generation *generation = reader->all[i];
        if (generation->state != GENERATION_READING || generation->at.inode != found->inode ||
            generation->at.device != found->device)
            continue;
        if (tail_list_is_of(generation, found->source) && generation->twin[0] != '\0') {
            memcpy(generation->at.source, generation->twin, TAIL_NAME);
            generation->twin[0] = '\0';
        } else if (tail_list_is_of(generation, found->source)) {
            generation->state = GENERATION_ENDING;
            generation->since = now;
        } else if (strcmp(generation->twin, found->source) == 0) {
            generation->twin[0] = '\0';
        }
    }
}
