#include "common/io/tail_beside.h"

#include <errno.h>
#include <sys/stat.h>
#include "common/io/tail_look.h"

#define SETTLED SECOND /* a file that is being copied grows faster than that */

void tail_beside_add(struct tail_read *reader, const struct tail_found *found, moment now)
{
    struct generation *candidate =
        tail_list_add(reader, reader->count, found->source, found->descriptor, GENERATION_CANDIDATE, now);
    candidate->at.device = found->device;
    candidate->at.inode = found->inode;
    candidate->horizon = tail_look_horizon(reader, found->source);
}

/* The candidate holds what is left of `sought`. */
static void adopt(struct tail_read *reader, struct generation *sought, struct generation *candidate,
                  const struct tail_look *look, moment now)
{
    generation_close(sought);
    sought->descriptor = candidate->descriptor;
    candidate->descriptor = -1;
    sought->state = GENERATION_ENDING;
    sought->packed = look->packed;
    sought->packed_ended = false;
    sought->since = now;
    sought->seen_change = 0;
    if (!look->packed) {
        if (sought->at.size > look->size) /* it may still be being copied: that is no cut */
            sought->at.size = look->size;
        sought->at.device = look->device;
        sought->at.inode = look->inode;
    }
    reader->counters.recovered++;
    tail_list_drop(reader, candidate);
}

/* Nothing that we know: read it whole if it is younger than what we know, else it is history. */
static void judge_unknown(struct tail_read *reader, struct generation *candidate, const struct tail_look *look,
                          moment now)
{
    moment changed = look->changed;
    if (changed % SECOND == 0)
        changed += SECOND - 1; /* packers may keep whole seconds only */
    if (look->size == 0 || changed < candidate->horizon) {
        tail_list_drop(reader, candidate);
        return;
    }
    candidate->state = GENERATION_ENDING;
    candidate->is_copy = false;
    candidate->packed = look->packed;
    candidate->since = now;
    candidate->at.head = (uint32_t)look->length;
    candidate->at.digest = tail_digest(look->head, look->length);
    candidate->at.changed = look->changed;
    if (look->packed) {
        candidate->at.device = candidate->at.inode = 0;
        candidate->at.size = look->length;
    }
    reader->counters.recovered++;
}

static void give_up_candidate(struct tail_read *reader, struct generation *candidate, const struct tail_look *look,
                              const struct error *error, moment now)
{
    duration age = now - candidate->since;
    if (candidate->at.size != look->size) {
        candidate->at.size = look->size; /* still being written */
        candidate->since = now;
    } else if (age >= reader->settings.patience || age < 0) {
        reader->counters.damaged_files++;
        tail_list_say(reader, "%s: a file beside it cannot be read: %s", candidate->at.source, error->text);
        tail_list_drop(reader, candidate);
    }
}

/* A copy of what stands under the name: kept for the moment when that is cut. The youngest is enough. */
static void keep_copy(struct tail_read *reader, struct generation *copy)
{
    for (size_t i = reader->count; i-- > 0;)
        if (reader->all[i]->is_copy && reader->all[i] != copy && reader->all[i]->number < copy->number &&
            tail_list_is_of(reader->all[i], copy->at.source))
            tail_list_drop(reader, reader->all[i]);
    copy->is_copy = true;
}

void tail_beside_examine(struct tail_read *reader, struct generation *candidate, moment now)
{
    struct error error = {.code = 0};
    struct tail_look look = {.device = 0};
    if (tail_look_at(candidate->descriptor, candidate->at.source, &look, &error) < 0) {
        give_up_candidate(reader, candidate, &look, &error, now);
        return;
    }
    if (candidate->tried == look.size + 1) { /* it could not be unpacked to the end, and is as it was */
        error_set(&error, EBADMSG, "it cannot be unpacked to its end");
        candidate->at.size = look.size;
        give_up_candidate(reader, candidate, &look, &error, now);
        return;
    }
    bool settled = now - look.changed >= SETTLED || now - candidate->since >= reader->settings.patience;
    if (candidate->tried && !settled)
        return;
    struct generation *known = tail_look_recognise(reader, candidate->at.source, &look);
    if (!known) {
        if (look.length == TAIL_HEAD || settled)
            judge_unknown(reader, candidate, &look, now);
        return;
    }
    bool more = known->state == GENERATION_DONE && !look.packed && look.size > known->at.offset;
    if (known->state == GENERATION_SOUGHT || more)
        adopt(reader, known, candidate, &look, now);
    else if (known->state != GENERATION_READING || !look.linked || tail_look_is_inode(known, &look))
        tail_list_drop(reader, candidate);
    else
        keep_copy(reader, candidate);
}

void tail_beside_give_back(struct tail_read *reader, struct generation *generation, moment now)
{
    struct stat status = {.st_size = 0};
    size_t place = tail_list_index(reader, generation);
    input_close(&generation->input);
    if (fstat(generation->descriptor, &status) < 0)
        status.st_size = 0;
    struct generation *candidate =
        tail_list_add(reader, place + 1, generation->at.source, generation->descriptor, GENERATION_CANDIDATE, now);
    candidate->tried = (uint64_t)status.st_size + 1;
    candidate->at.size = (uint64_t)status.st_size;
    generation->descriptor = -1;
    generation->state = GENERATION_SOUGHT;
    generation->since = now;
}
