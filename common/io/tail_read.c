#include "common/io/tail_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/io/tail_beside.h"
#include "common/io/tail_cut.h"
#include "common/io/tail_list.h"
#include "common/io/tail_live.h"
#include "common/io/tail_look.h"

enum {
    FILL = 128 * 1024,
    STEP_BYTES = 1024 * 1024, /* of one generation in one step */
    FILES_PRESET = 512,
};

struct tail_read *tail_read_create(const struct tail_read_settings *settings, const struct tail_listener *listener,
                                   moment now)
{
    struct tail_read *reader = calloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    reader->settings = *settings;
    if (reader->settings.quiet == 0)
        reader->settings.quiet = 10 * SECOND;
    if (reader->settings.patience == 0)
        reader->settings.patience = 10 * SECOND;
    if (reader->settings.deleted == 0)
        reader->settings.deleted = 10 * MINUTE;
    if (reader->settings.files == 0)
        reader->settings.files = FILES_PRESET;
    reader->listener = *listener;
    reader->beginning = now;
    return reader;
}

void tail_read_destroy(struct tail_read **pointer)
{
    struct tail_read *reader = *pointer;
    if (!reader)
        return;
    for (size_t i = 0; i < reader->count; i++)
        generation_destroy(&reader->all[i]);
    free(reader->all);
    free(reader);
    *pointer = NULL;
}

struct tail_counters tail_read_counters(const struct tail_read *reader)
{
    struct tail_counters counters = reader->counters;
    counters.open_files = tail_list_open_files(reader);
    return counters;
}

/* A file that has a name goes before those that have none. */
static void close_a_deleted(struct tail_read *reader)
{
    for (size_t i = 0; i < reader->count; i++)
        if (reader->all[i]->state == GENERATION_DONE && reader->all[i]->descriptor >= 0) {
            generation_close(reader->all[i]);
            return;
        }
}

void tail_read_add(struct tail_read *reader, const struct tail_found *found, moment now)
{
    bool live = found->news == TAIL_LIVE, sibling = found->news == TAIL_SIBLING;
    if ((live || sibling) && tail_list_open_files(reader) >= reader->settings.files)
        close_a_deleted(reader);
    if ((live || sibling) && tail_list_open_files(reader) >= reader->settings.files) {
        reader->counters.refused_files++;
        if (!reader->refusal_said)
            tail_list_say(reader, "%s and others are not read: %" PRIu32 " files are open already", found->source,
                          reader->settings.files);
        reader->refusal_said = true;
        close(found->descriptor);
    } else if (live) {
        tail_live_add(reader, found, now);
    } else if (sibling) {
        tail_beside_add(reader, found, now);
    } else if (found->news == TAIL_GONE) {
        tail_live_end(reader, found, now);
    } else if (found->news == TAIL_READY) {
        reader->ready = true;
        for (size_t i = 0; i < reader->count; i++)
            if (reader->all[i]->state == GENERATION_SOUGHT)
                reader->all[i]->since = now;
            else if (reader->all[i]->state == GENERATION_CANDIDATE)
                reader->all[i]->horizon = tail_look_horizon(reader, reader->all[i]->at.source);
    } else if (found->news == TAIL_TROUBLE) {
        tail_list_say(reader, "%s", found->sentence);
    }
}

static void recall(struct tail_read *reader, struct generation *generation)
{
    struct tail_bytes bytes = {.source = generation->at.source,
                               .generation = generation->number,
                               .last = true,
                               .changed = generation->at.changed};
    generation->recalled = true;
    char *kept = reader->listener.recall ? generation_before(generation, TAIL_RECALL_MOST, &bytes.bytes) : NULL;
    if (kept && bytes.bytes.length > 0)
        reader->listener.recall(reader->listener.context, &bytes);
    free(kept);
}

/* True: more waits. */
static bool pump(struct tail_read *reader, struct generation *generation, moment now)
{
    uint64_t begun = reader->counters.bytes;
    if (!generation->recalled)
        recall(reader, generation);
    for (;;) {
        struct error error = {.code = 0};
        enum generation_look look;
        size_t room = generation->length < TAIL_WINDOW_MOST ? TAIL_WINDOW_MOST - generation->length : 0;
        ssize_t got =
            generation_fill(generation, room < FILL ? room : FILL, &look, &reader->counters.passed_bytes, &error);
        if (got < 0) {
            tail_beside_give_back(reader, generation, now);
            return false;
        }
        if (got == 0) {
            tail_cut_heed(reader, generation, look, now);
            break;
        }
        generation->since = now;
        tail_cut_hand_on(reader, generation, false);
        if (reader->counters.bytes - begun >= STEP_BYTES)
            return true;
    }
    duration quiet = now - generation->since;
    bool ended = generation->packed ? generation->packed_ended : quiet >= reader->settings.quiet;
    if (generation->state == GENERATION_ENDING && ended)
        tail_cut_finish(reader, generation);
    return false;
}

/* A file without a name that was read to its end: its writer may go on. */
static void attend_deleted(struct tail_read *reader, struct generation *generation, moment now)
{
    enum generation_look look = generation_look(generation);
    if (look != GENERATION_SAME || generation->at.size > generation->at.offset) {
        generation->state = GENERATION_ENDING;
        tail_cut_heed(reader, generation, look, now);
        generation->since = now;
    } else if (now - generation->since >= reader->settings.deleted) {
        generation_close(generation);
    }
}

bool tail_read_step(struct tail_read *reader, moment now)
{
    bool more = false;
    for (size_t i = 0; i < reader->count; i++)
        if (reader->all[i]->since > now) /* the clock was set back */
            reader->all[i]->since = now;
    /* First of all: what is known of the files under the names, so that a copy of them is not taken for another. */
    tail_cut_look_round(reader, now);
    for (size_t i = 0; reader->ready && i < reader->count;) {
        struct generation *candidate = reader->all[i];
        if (candidate->state == GENERATION_CANDIDATE)
            tail_beside_examine(reader, candidate, now);
        i += i < reader->count && reader->all[i] == candidate;
    }
    for (size_t i = 0; i < reader->count; i++) {
        struct generation *generation = reader->all[i];
        if (generation->descriptor >= 0 && generation->state == GENERATION_DONE)
            attend_deleted(reader, generation, now);
        if (generation->descriptor >= 0 && generation->state <= GENERATION_ENDING)
            more |= pump(reader, generation, now);
        else if (generation->state == GENERATION_SOUGHT && reader->ready &&
                 now - generation->since >= reader->settings.patience)
            tail_cut_give_up(reader, generation);
    }
    return more;
}
