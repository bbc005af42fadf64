#include "common/io/tail_cut.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include "common/cleanup.h"
#include "common/io/tail_look.h"

void tail_cut_hand_on(struct tail_read *reader, struct generation *generation, bool last)
{
    if (generation->length == 0)
        return;
    bool full = generation->length >= TAIL_WINDOW_MOST;
    struct tail_bytes bytes = {
        .source = generation->at.source,
        .generation = generation->number,
        .bytes = {generation->window, generation->length},
        .last = last,
        .changed = generation->at.changed,
    };
    size_t used = reader->listener.take(reader->listener.context, &bytes);
    if (used == 0 && full && !last) {
        reader->counters.long_lines++;
        bytes.last = true;
        reader->listener.take(reader->listener.context, &bytes);
        used = generation->length;
    }
    if (last || used > generation->length)
        used = generation->length;
    reader->counters.bytes += used;
    generation_use(generation, used);
}

void tail_cut_finish(struct tail_read *reader, struct generation *generation)
{
    tail_cut_hand_on(reader, generation, true);
    if (generation->packed || generation_has_name(generation))
        generation_close(generation);
    generation->state = GENERATION_DONE;
    char source[TAIL_NAME];
    memcpy(source, generation->at.source, sizeof source);
    tail_list_forget(reader, source);
}

void tail_cut_give_up(struct tail_read *reader, struct generation *generation)
{
    uint64_t reached = generation->at.offset + generation->length;
    uint64_t lost = generation->at.size > reached ? generation->at.size - reached : 0;
    reader->counters.missing++;
    reader->counters.lost_bytes += lost;
    tail_list_say(reader,
                  "%s: was cut or replaced, and no copy of what it held before was found; %" PRIu64
                  " bytes of it that are known to be unread are lost",
                  generation->at.source, lost);
    tail_cut_finish(reader, generation);
}

/* The file was cut and begins anew. What was not read of it before is looked for. */
static void begin_anew(struct tail_read *reader, struct generation *generation, moment now)
{
    reader->counters.truncated++;
    generation->seen_change = 0;
    if (generation->at.head > 0) {
        size_t place = tail_list_index(reader, generation);
        struct generation *before = tail_list_add(reader, place, generation->at.source, -1, GENERATION_SOUGHT, now);
        before->at = generation->at;
        before->at.device = before->at.inode = 0;
        before->window = TAKE(generation->window);
        before->length = generation->length;
        before->room = generation->room;
        uint64_t number = before->number;
        before->number = generation->number;
        generation->number = number;
    }
    generation->at.offset = generation->at.size = generation->at.digest = generation->at.head = 0;
    generation->length = generation->room = 0;
    /* Under a name of its own nobody logs: what is put into it may be a copy of what is read elsewhere. */
    if (generation->state == GENERATION_ENDING) {
        generation->state = GENERATION_CANDIDATE;
        generation->since = now;
        generation->horizon = tail_look_horizon(reader, generation->at.source);
    }
}

/* It was made shorter and begins as before: what is written now comes behind what is left. */
static void step_back(struct tail_read *reader, struct generation *generation)
{
    struct stat status;
    uint64_t reached = generation->at.offset + generation->length, before = generation->at.size;
    uint64_t size = fstat(generation->descriptor, &status) == 0 ? (uint64_t)status.st_size : 0;
    uint64_t kept = size > generation->at.offset ? size : generation->at.offset;
    reader->counters.truncated++;
    if (before > kept)
        reader->counters.lost_bytes += before - kept;
    tail_list_say(reader, "%s: was made shorter, from %" PRIu64 " to %" PRIu64 " bytes", generation->at.source, before,
                  size);
    generation->seen_change = 0;
    if (size < generation->at.offset) {
        generation_use(generation, generation->length);
        generation->at.offset = size;
    } else if (size < reached) {
        generation->length = (size_t)(size - generation->at.offset);
    }
    generation->at.size = size;
}

void tail_cut_heed(struct tail_read *reader, struct generation *generation, enum generation_look look, moment now)
{
    if (look == GENERATION_SAME)
        return;
    generation->since = now;
    if (look == GENERATION_SHORTENED)
        step_back(reader, generation);
    else
        begin_anew(reader, generation, now);
}

void tail_cut_look_round(struct tail_read *reader, moment now)
{
    for (size_t i = 0; i < reader->count; i++) {
        struct generation *generation = reader->all[i];
        if (generation->state != GENERATION_READING)
            continue;
        tail_cut_heed(reader, generation, generation_look(generation), now);
        i = tail_list_index(reader, generation);
    }
}
