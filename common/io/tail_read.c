#include "common/io/tail_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io/tail_generation.h"

enum {
    FILL = 128 * 1024,
    STEP_BYTES = 1024 * 1024, /* of one generation in one step */
    FILES_PRESET = 512,
    DONE_OF_A_SOURCE = 16, /* remembered: as many rotations later a file may still be compressed */
    DONE_MOST = 4096,
    SHORT_HEAD = 16, /* fewer first bytes than that are no sign; device and inode must be the same then */
};
#define SETTLED SECOND /* a file that is being copied grows faster than that */

struct tail_read {
    struct tail_read_settings settings;
    struct tail_listener listener;
    struct generation **all; /* of each source in the order in which they came to be */
    size_t count, room;
    uint64_t numbers;
    moment beginning; /* of what is to be read: the first start, or when the record was written */
    bool imported, ready, refusal_said;
    struct tail_counters counters;
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

static void say(struct tail_read *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct tail_read *reader, const char *format, ...)
{
    char sentence[TAIL_NAME + 240];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (reader->listener.say)
        reader->listener.say(reader->listener.context, sentence);
}

/* ---- the list ---- */

static void insert(struct tail_read *reader, size_t at, struct generation *generation)
{
    if (reader->count == reader->room) {
        size_t room = reader->room ? reader->room * 2 : 16;
        struct generation **all = realloc(reader->all, room * sizeof *all);
        if (!all)
            abort(); /* a generation that is left out would be lost or read twice */
        reader->all = all;
        reader->room = room;
    }
    memmove(reader->all + at + 1, reader->all + at, (reader->count - at) * sizeof *reader->all);
    reader->all[at] = generation;
    reader->count++;
}

static struct generation *new_generation(struct tail_read *reader, size_t at, const char *source, int descriptor,
                                         enum generation_state state, moment now)
{
    struct generation *generation = generation_create(source, descriptor, state, now);
    if (!generation)
        abort();
    generation->number = ++reader->numbers;
    insert(reader, at, generation);
    return generation;
}

static size_t index_of(const struct tail_read *reader, const struct generation *generation)
{
    size_t i = 0;
    while (reader->all[i] != generation)
        i++;
    return i;
}

static void drop(struct tail_read *reader, struct generation *generation)
{
    size_t at = index_of(reader, generation);
    memmove(reader->all + at, reader->all + at + 1, (reader->count - at - 1) * sizeof *reader->all);
    reader->count--;
    generation_destroy(&generation);
}

static bool is_of(const struct generation *generation, const char *source)
{
    return strcmp(generation->at.source, source) == 0;
}

static uint64_t open_files(const struct tail_read *reader)
{
    uint64_t count = 0;
    for (size_t i = 0; i < reader->count; i++)
        count += reader->all[i]->descriptor >= 0;
    return count;
}

struct tail_counters tail_read_counters(const struct tail_read *reader)
{
    struct tail_counters counters = reader->counters;
    counters.open_files = open_files(reader);
    return counters;
}

/* Forget what was read to its end long ago. The youngest of a source stays: it tells since when files are of interest.
 */
static void forget(struct tail_read *reader, const char *source)
{
    size_t of_source = 0, all = 0;
    for (size_t i = reader->count; i-- > 0;) {
        struct generation *generation = reader->all[i];
        if (generation->state != GENERATION_DONE)
            continue;
        all++;
        of_source += is_of(generation, source);
        if (all > DONE_MOST || (is_of(generation, source) && of_source > DONE_OF_A_SOURCE))
            drop(reader, generation);
    }
}

/* ---- the record ---- */

moment tail_read_since(const struct tail_read *reader)
{
    moment since = reader->beginning;
    for (size_t i = 0; i < reader->count; i++) {
        const struct generation *generation = reader->all[i];
        moment own = generation->at.changed;
        /* The youngest that is done tells what is of interest; older ones do not. */
        bool younger = false;
        for (size_t k = 0; generation->state == GENERATION_DONE && k < reader->count && !younger; k++)
            younger = reader->all[k]->state == GENERATION_DONE && reader->all[k]->at.changed > own &&
                      is_of(reader->all[k], generation->at.source);
        if (!younger && own < since)
            since = own;
    }
    return since;
}

bool tail_read_export(const struct tail_read *reader, moment now, struct buffer *buffer)
{
    return tail_read_export_ahead(reader, 0, 0, now, buffer);
}

bool tail_read_export_ahead(const struct tail_read *reader, uint64_t generation, size_t used, moment now,
                            struct buffer *buffer)
{
    size_t before = buffer->length;
    bool fits = buffer_printf(buffer, "tail 1 %" PRId64 "\n", now);
    for (size_t i = 0; fits && i < reader->count; i++) {
        if (reader->all[i]->state == GENERATION_CANDIDATE)
            continue;
        struct tail_position at = reader->all[i]->at;
        at.done = reader->all[i]->state == GENERATION_DONE;
        if (reader->all[i]->number == generation)
            at.offset += used;
        fits = tail_position_print(&at, buffer);
    }
    if (!fits)
        buffer->length = before;
    return fits;
}

int tail_read_import(struct tail_read *reader, struct text record, moment now, struct error *error)
{
    struct text rest = record;
    struct text head = text_split(&rest, '\n');
    uint64_t written;
    if (!text_equals(text_split(&head, ' '), TEXT("tail")) || !text_equals(text_split(&head, ' '), TEXT("1")) ||
        !text_number(head, &written) || written > INT64_MAX)
        return error_set(error, EBADMSG, "this is no record of positions");
    struct tail_position at;
    for (struct text lines = rest; lines.length > 0;)
        if (!tail_position_parse(text_split(&lines, '\n'), &at))
            return error_set(error, EBADMSG, "the record of positions is damaged");
    while (rest.length > 0) {
        if (!tail_position_parse(text_split(&rest, '\n'), &at))
            break;
        struct generation *generation =
            new_generation(reader, reader->count, at.source, -1, at.done ? GENERATION_DONE : GENERATION_SOUGHT, now);
        generation->at = at;
    }
    reader->beginning = (moment)written;
    reader->imported = true;
    return 0;
}

/* ---- recognition ---- */

struct look {
    uint64_t device, inode, size;
    moment changed;
    bool linked, packed;
    char head[TAIL_HEAD];
    size_t length;
};

static int look_at(int descriptor, const char *source, struct look *look, struct error *error)
{
    struct stat status;
    if (fstat(descriptor, &status) < 0)
        return error_set(error, errno, "cannot look at a file of %s", source);
    look->device = status.st_dev;
    look->inode = status.st_ino;
    look->size = (uint64_t)status.st_size;
    look->linked = status.st_nlink > 0;
    look->changed = status.st_mtim.tv_sec * SECOND + status.st_mtim.tv_nsec;
    ssize_t length = generation_head(descriptor, source, look->head, &look->packed, error);
    if (length < 0)
        return (int)length;
    look->length = (size_t)length;
    return 0;
}

static bool is_inode(const struct generation *generation, const struct look *look)
{
    return !look->packed && generation->at.inode == look->inode && generation->at.device == look->device;
}

/* The generation that a file is, by inode and beginning or else by its beginning alone, the youngest first. */
static struct generation *recognise(const struct tail_read *reader, const char *source, const struct look *look)
{
    struct generation *alike = NULL;
    for (size_t i = reader->count; i-- > 0;) {
        struct generation *generation = reader->all[i];
        if (generation->state == GENERATION_CANDIDATE || !is_of(generation, source))
            continue;
        bool begins = generation_begins_with(generation, look->head, look->length);
        if (is_inode(generation, look) && (begins || generation->at.head == 0))
            return generation;
        if (!alike && begins && generation->at.head >= SHORT_HEAD)
            alike = generation;
    }
    return alike;
}

/* Files beside the source that were last written to before the youngest that was read to its end are history: they were
 * read, or were there before we were. Those after it that are not known came and went while nobody looked. */
static moment horizon(const struct tail_read *reader, const char *source)
{
    moment horizon = 0;
    bool any = false;
    for (size_t i = 0; i < reader->count; i++) {
        const struct generation *generation = reader->all[i];
        if (generation->state != GENERATION_DONE || !is_of(generation, source))
            continue;
        any = true;
        if (generation->at.changed > horizon)
            horizon = generation->at.changed;
    }
    return any ? horizon : reader->beginning;
}

/* ---- handing on ---- */

/* Hand on what the window holds. `last`: nothing comes behind it. */
static void hand_on(struct tail_read *reader, struct generation *generation, bool last)
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

/* Whether a file that we have open still stands somewhere, under whatever name. */
static bool has_name(const struct generation *generation)
{
    struct stat status;
    return generation->descriptor >= 0 && fstat(generation->descriptor, &status) == 0 && status.st_nlink > 0;
}

/* A file without a name stays open: nobody could hand it out again if its writer goes on. */
static void finish(struct tail_read *reader, struct generation *generation)
{
    hand_on(reader, generation, true);
    if (generation->packed || has_name(generation))
        generation_close(generation);
    generation->state = GENERATION_DONE;
    char source[TAIL_NAME];
    memcpy(source, generation->at.source, sizeof source);
    forget(reader, source);
}

/* What was looked for is nowhere. */
static void give_up(struct tail_read *reader, struct generation *generation)
{
    uint64_t reached = generation->at.offset + generation->length;
    uint64_t lost = generation->at.size > reached ? generation->at.size - reached : 0;
    reader->counters.missing++;
    reader->counters.lost_bytes += lost;
    say(reader,
        "%s: was cut or replaced, and no copy of what it held before was found; %" PRIu64
        " bytes of it that are known to be unread are lost",
        generation->at.source, lost);
    finish(reader, generation);
}

/* ---- cutting ---- */

/* The file was cut and begins anew. What was not read of it before is looked for. */
static void begin_anew(struct tail_read *reader, struct generation *generation, moment now)
{
    reader->counters.truncated++;
    generation->seen_change = 0;
    if (generation->at.head > 0) {
        size_t place = index_of(reader, generation);
        struct generation *before = new_generation(reader, place, generation->at.source, -1, GENERATION_SOUGHT, now);
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
    say(reader, "%s: was made shorter, from %" PRIu64 " to %" PRIu64 " bytes", generation->at.source, before, size);
    generation->seen_change = 0;
    if (size < generation->at.offset) {
        generation_use(generation, generation->length);
        generation->at.offset = size;
    } else if (size < reached) {
        generation->length = (size_t)(size - generation->at.offset);
    }
    generation->at.size = size;
}

static void heed(struct tail_read *reader, struct generation *generation, enum generation_look look, moment now)
{
    if (look == GENERATION_SAME)
        return;
    generation->since = now;
    if (look == GENERATION_SHORTENED)
        step_back(reader, generation);
    else
        begin_anew(reader, generation, now);
}

/* ---- what comes in ---- */

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
        if (reader->all[i]->state != GENERATION_CANDIDATE && is_of(reader->all[i], source))
            return true;
    return false;
}

static void begin_generation(struct tail_read *reader, const struct tail_found *found, const struct look *look,
                             moment now)
{
    bool first = !has_any(reader, found->source);
    bool old = found->initial && first && (!reader->imported || (found->born != 0 && found->born < reader->beginning));
    if (first) {
        /* Stands for all that there was before. */
        struct generation *past = new_generation(reader, reader->count, found->source, -1, GENERATION_DONE, now);
        past->at.changed = reader->imported ? reader->beginning : now;
    }
    struct generation *generation =
        new_generation(reader, reader->count, found->source, found->descriptor, GENERATION_READING, now);
    generation->at.device = look->device;
    generation->at.inode = look->inode;
    if (old && !reader->settings.from_beginning)
        generation->at.offset = end_of_lines(found->descriptor, look->size);
    generation_look(generation);
}

/* Another source's name for the same file, through a link: reading it twice would double each line. */
static struct generation *twin(const struct tail_read *reader, const char *source, const struct look *look)
{
    for (size_t i = 0; i < reader->count; i++)
        if (reader->all[i]->state == GENERATION_READING && is_inode(reader->all[i], look) &&
            !is_of(reader->all[i], source))
            return reader->all[i];
    return NULL;
}

/* What another source has lost now stands under this name. */
static struct generation *recognise_elsewhere(const struct tail_read *reader, const struct look *look)
{
    for (size_t i = 0; i < reader->count; i++) {
        struct generation *generation = reader->all[i];
        if ((generation->state == GENERATION_SOUGHT || generation->state == GENERATION_ENDING) &&
            is_inode(generation, look) && generation_begins_with(generation, look->head, look->length))
            return generation;
    }
    return NULL;
}

static void look_at_living(struct tail_read *reader, moment now)
{
    for (size_t i = 0; i < reader->count; i++) {
        struct generation *generation = reader->all[i];
        if (generation->state != GENERATION_READING)
            continue;
        heed(reader, generation, generation_look(generation), now);
        i = index_of(reader, generation);
    }
}

static void add_live(struct tail_read *reader, const struct tail_found *found, moment now)
{
    struct error error = {.code = 0};
    struct look look = {.device = 0};
    int status = look_at(found->descriptor, found->source, &look, &error);
    if (status < 0 && !look.packed) {
        say(reader, "%s", error.text);
        close(found->descriptor);
        return;
    }
    look.packed = false; /* under the name of a log the bytes are what they are */
    struct generation *same = twin(reader, found->source, &look);
    if (same) {
        say(reader, "%s is the same file as %s: read once, as the latter", found->source, same->at.source);
        memcpy(same->twin, found->source, TAIL_NAME);
        close(found->descriptor);
        return;
    }
    look_at_living(reader, now); /* what a file begins with may be all of what we knew of another */
    struct generation *known = recognise(reader, found->source, &look);
    /* Another that begins alike is not what became of a file that has a name: some logs open with the same lines. */
    if (known && !is_inode(known, &look) && has_name(known))
        known = NULL;
    if (!known && (known = recognise_elsewhere(reader, &look)) != NULL)
        memcpy(known->at.source, found->source, TAIL_NAME);
    for (size_t i = 0; i < reader->count; i++)
        if (reader->all[i]->state == GENERATION_READING && reader->all[i] != known &&
            is_of(reader->all[i], found->source)) {
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
    size_t place = index_of(reader, known); /* the youngest of its source stands last */
    memmove(reader->all + place, reader->all + place + 1, (reader->count - place - 1) * sizeof *reader->all);
    reader->all[reader->count - 1] = known;
    heed(reader, known, generation_look(known), now);
}

static void add_sibling(struct tail_read *reader, const struct tail_found *found, moment now)
{
    struct generation *candidate =
        new_generation(reader, reader->count, found->source, found->descriptor, GENERATION_CANDIDATE, now);
    candidate->at.device = found->device;
    candidate->at.inode = found->inode;
    candidate->horizon = horizon(reader, found->source);
}

static void end_live(struct tail_read *reader, const struct tail_found *found, moment now)
{
    for (size_t i = 0; i < reader->count; i++) {
        struct generation *generation = reader->all[i];
        if (generation->state != GENERATION_READING || generation->at.inode != found->inode ||
            generation->at.device != found->device)
            continue;
        if (is_of(generation, found->source) && generation->twin[0] != '\0') {
            memcpy(generation->at.source, generation->twin, TAIL_NAME);
            generation->twin[0] = '\0';
        } else if (is_of(generation, found->source)) {
            generation->state = GENERATION_ENDING;
            generation->since = now;
        } else if (strcmp(generation->twin, found->source) == 0) {
            generation->twin[0] = '\0';
        }
    }
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
    if ((live || sibling) && open_files(reader) >= reader->settings.files)
        close_a_deleted(reader);
    if ((live || sibling) && open_files(reader) >= reader->settings.files) {
        reader->counters.refused_files++;
        if (!reader->refusal_said)
            say(reader, "%s and others are not read: %" PRIu32 " files are open already", found->source,
                reader->settings.files);
        reader->refusal_said = true;
        close(found->descriptor);
    } else if (live) {
        add_live(reader, found, now);
    } else if (sibling) {
        add_sibling(reader, found, now);
    } else if (found->news == TAIL_GONE) {
        end_live(reader, found, now);
    } else if (found->news == TAIL_READY) {
        reader->ready = true;
        for (size_t i = 0; i < reader->count; i++)
            if (reader->all[i]->state == GENERATION_SOUGHT)
                reader->all[i]->since = now;
            else if (reader->all[i]->state == GENERATION_CANDIDATE)
                reader->all[i]->horizon = horizon(reader, reader->all[i]->at.source);
    } else if (found->news == TAIL_TROUBLE) {
        say(reader, "%s", found->sentence);
    }
}

/* ---- files beside a source ---- */

/* The candidate holds what is left of `sought`. */
static void adopt(struct tail_read *reader, struct generation *sought, struct generation *candidate,
                  const struct look *look, moment now)
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
    drop(reader, candidate);
}

/* Nothing that we know: read it whole if it is younger than what we know, else it is history. */
static void judge_unknown(struct tail_read *reader, struct generation *candidate, const struct look *look, moment now)
{
    moment changed = look->changed;
    if (changed % SECOND == 0)
        changed += SECOND - 1; /* packers may keep whole seconds only */
    if (look->size == 0 || changed < candidate->horizon) {
        drop(reader, candidate);
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

static void give_up_candidate(struct tail_read *reader, struct generation *candidate, const struct look *look,
                              const struct error *error, moment now)
{
    duration age = now - candidate->since;
    if (candidate->at.size != look->size) {
        candidate->at.size = look->size; /* still being written */
        candidate->since = now;
    } else if (age >= reader->settings.patience || age < 0) {
        reader->counters.damaged_files++;
        say(reader, "%s: a file beside it cannot be read: %s", candidate->at.source, error->text);
        drop(reader, candidate);
    }
}

/* A copy of what stands under the name: kept for the moment when that is cut. The youngest is enough. */
static void keep_copy(struct tail_read *reader, struct generation *copy)
{
    for (size_t i = reader->count; i-- > 0;)
        if (reader->all[i]->is_copy && reader->all[i] != copy && reader->all[i]->number < copy->number &&
            is_of(reader->all[i], copy->at.source))
            drop(reader, reader->all[i]);
    copy->is_copy = true;
}

static void examine(struct tail_read *reader, struct generation *candidate, moment now)
{
    struct error error = {.code = 0};
    struct look look = {.device = 0};
    if (look_at(candidate->descriptor, candidate->at.source, &look, &error) < 0) {
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
    struct generation *known = recognise(reader, candidate->at.source, &look);
    if (!known) {
        if (look.length == TAIL_HEAD || settled)
            judge_unknown(reader, candidate, &look, now);
        return;
    }
    bool more = known->state == GENERATION_DONE && !look.packed && look.size > known->at.offset;
    if (known->state == GENERATION_SOUGHT || more)
        adopt(reader, known, candidate, &look, now);
    else if (known->state != GENERATION_READING || !look.linked || is_inode(known, &look))
        drop(reader, candidate);
    else
        keep_copy(reader, candidate);
}

/* ---- the step ---- */

/* A compressed file ends in damage, or is still being written. It becomes a candidate again. */
static void unpacking_failed(struct tail_read *reader, struct generation *generation, moment now)
{
    struct stat status = {.st_size = 0};
    size_t place = index_of(reader, generation);
    input_close(&generation->input);
    if (fstat(generation->descriptor, &status) < 0)
        status.st_size = 0;
    struct generation *candidate =
        new_generation(reader, place + 1, generation->at.source, generation->descriptor, GENERATION_CANDIDATE, now);
    candidate->tried = (uint64_t)status.st_size + 1;
    candidate->at.size = (uint64_t)status.st_size;
    generation->descriptor = -1;
    generation->state = GENERATION_SOUGHT;
    generation->since = now;
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
            unpacking_failed(reader, generation, now);
            return false;
        }
        if (got == 0) {
            heed(reader, generation, look, now);
            break;
        }
        generation->since = now;
        hand_on(reader, generation, false);
        if (reader->counters.bytes - begun >= STEP_BYTES)
            return true;
    }
    duration quiet = now - generation->since;
    bool ended = generation->packed ? generation->packed_ended : quiet >= reader->settings.quiet;
    if (generation->state == GENERATION_ENDING && ended)
        finish(reader, generation);
    return false;
}

/* A file without a name that was read to its end: its writer may go on. */
static void attend_deleted(struct tail_read *reader, struct generation *generation, moment now)
{
    enum generation_look look = generation_look(generation);
    if (look != GENERATION_SAME || generation->at.size > generation->at.offset) {
        generation->state = GENERATION_ENDING;
        heed(reader, generation, look, now);
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
    look_at_living(reader, now);
    for (size_t i = 0; reader->ready && i < reader->count;) {
        struct generation *candidate = reader->all[i];
        if (candidate->state == GENERATION_CANDIDATE)
            examine(reader, candidate, now);
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
            give_up(reader, generation);
    }
    return more;
}
