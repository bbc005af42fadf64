#include "agent/watcher/log_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "agent/message/bundle.h"
#include "agent/watcher/log_record.h"
#include "common/cleanup.h"
#include "common/io/tail_read.h"

#define IDLE       DAY    /* queue ids that wait for another try are spoken of more often than that */
#define KEPT_EVERY SECOND /* where nothing was read */

struct log_reader {
    struct log_reader_listener listener;
    struct log_path *path;
    struct tail_read *tail;
    struct log_record record;
    struct buffer text;
    char sources[LOG_SOURCES_MOST][TAIL_NAME]; /* by their numbers in `path`, less one */
    uint32_t source_count;
    bool sources_said, record_said, recalling;
    moment now, kept;
    duration east;
    uint64_t late;
    struct log_counters recalled; /* lines that were counted before */
};

static void say(struct log_reader *reader, bool *said, const char *sentence)
{
    if (!*said)
        reader->listener.say(reader->listener.context, sentence);
    *said = true;
}

static void on_observation(void *context, const struct observation *observation)
{
    struct log_reader *reader = context;
    struct observation copy = *observation;
    if (reader->recalling)
        return;
    if (copy.time < reader->now - LOG_LATE) {
        reader->late++;
        return;
    }
    if (copy.time > reader->now) /* the writer's clock, or a zone that is not ours */
        copy.time = reader->now;
    reader->listener.observe(reader->listener.context, &copy);
}

static void on_trace(void *context, const struct log_trace *trace)
{
    struct log_reader *reader = context;
    struct log_trace copy = *trace;
    if (reader->recalling || !reader->listener.trace || copy.time < reader->now - LOG_LATE)
        return;
    if (copy.time > reader->now)
        copy.time = reader->now;
    reader->listener.trace(reader->listener.context, &copy);
}

/* --- the record ----------------------------------------------------------------------------------------------------
 */

static void keep(struct log_reader *reader, uint64_t generation, size_t used)
{
    struct error error = {0};
    reader->text.length = 0;
    reader->kept = reader->now;
    int code = tail_read_export_ahead(reader->tail, generation, used, reader->now, &reader->text)
                   ? log_record_keep(&reader->record, buffer_text(&reader->text), &error)
                   : error_set(&error, E2BIG, "where we are in the logs is not kept: there are too many files");
    if (code < 0)
        say(reader, &reader->record_said, error.text);
    else
        reader->record_said = false;
}

moment log_reader_resume(struct log_reader *reader, int record, moment now)
{
    struct buffer text;
    struct error error = {0};
    bool said = false;
    log_record_close(&reader->record);
    log_record_open(&reader->record, record, &text);
    if (text.length > 0 && tail_read_import(reader->tail, buffer_text(&text), now, &error) < 0)
        say(reader, &said, error.text);
    buffer_clear(&text);
    return tail_read_since(reader->tail);
}

/* --- lines ---------------------------------------------------------------------------------------------------------
 */

static uint32_t source_of(struct log_reader *reader, const struct tail_bytes *given)
{
    for (uint32_t i = 0; i < reader->source_count; i++)
        if (strcmp(reader->sources[i], given->source) == 0)
            return i + 1;
    uint32_t number = log_path_open_source(reader->path, given->source, given->changed);
    if (number == 0) {
        say(reader, &reader->sources_said, "there are too many logs; what is beyond is not read");
        return 0;
    }
    snprintf(reader->sources[number - 1], TAIL_NAME, "%s", given->source);
    reader->source_count = number;
    return number;
}

/* Whole lines of up to LOG_PIECE bytes, or one line that is longer. */
static struct text piece_of(struct text bytes)
{
    const char *end = NULL;
    if (bytes.length > LOG_PIECE)
        end = memrchr(bytes.bytes, '\n', LOG_PIECE);
    if (bytes.length > LOG_PIECE && !end)
        end = memchr(bytes.bytes + LOG_PIECE, '\n', bytes.length - LOG_PIECE);
    return end ? (struct text){bytes.bytes, (size_t)(end - bytes.bytes) + 1} : bytes;
}

static size_t take(void *context, const struct tail_bytes *given)
{
    struct log_reader *reader = context;
    uint32_t source = source_of(reader, given);
    size_t used = 0, taken = 1;
    while (used < given->bytes.length && taken > 0) {
        struct text piece = piece_of((struct text){given->bytes.bytes + used, given->bytes.length - used});
        bool last = given->last && used + piece.length == given->bytes.length;
        taken = log_path_add(reader->path, source, piece, last);
        used += taken;
        if (taken == 0)
            break;
        reader->listener.settle(reader->listener.context);
        keep(reader, given->generation, used);
    }
    return used;
}

/* A message under way has lines on both sides of where an earlier reader stopped. */
static void on_recall(void *context, const struct tail_bytes *given)
{
    struct log_reader *reader = context;
    struct log_counters before = log_path_counters(reader->path);
    reader->recalling = true;
    (void)log_path_add(reader->path, source_of(reader, given), given->bytes, true);
    reader->recalling = false;
    struct log_counters after = log_path_counters(reader->path);
    reader->recalled.lines += after.lines - before.lines;
    reader->recalled.unparsed += after.unparsed - before.unparsed;
}

static void on_sentence(void *context, const char *sentence)
{
    struct log_reader *reader = context;
    reader->listener.say(reader->listener.context, sentence);
}

/* --- from outside --------------------------------------------------------------------------------------------------
 */

static int make_path(struct log_reader *reader, const struct log_reader_settings *settings, struct error *error)
{
    const struct option_words *names = &settings->logs->patterns;
    struct log_file files[sizeof(names->items) / sizeof(names->items[0]) + 1] = {{.name = NULL}};
    for (uint32_t i = 0; i < names->count; i++) {
        files[i].name = names->items[i];
        if (!bundle_find(settings->bundle, text_of(names->items[i]), &files[i].content))
            return error_set(error, ENOENT, "the configuration was handed over without \"%s\"", names->items[i]);
    }
    const struct log_settings path = {.transactions = settings->logs->transactions,
                                      .idle = IDLE,
                                      .key = settings->key,
                                      .contents = settings->contents,
                                      .files = files};
    const struct log_listener listener = {reader, on_observation, NULL, on_trace};
    reader->path = log_path_create(&path, &listener, error);
    return reader->path ? 0 : -ENOMEM;
}

int log_reader_create(const struct log_reader_settings *settings, const struct log_reader_listener *listener,
                      moment now, struct log_reader **result, struct error *error)
{
    CLEANUP(log_reader_destroy) struct log_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return error_set(error, ENOMEM, "no memory for the logs");
    reader->listener = *listener;
    reader->now = now;
    reader->record.file = -1;
    buffer_init(&reader->text, LOG_RECORD_MOST);
    const struct tail_listener tail = {reader, take, on_recall, on_sentence};
    reader->tail = tail_read_create(&(struct tail_read_settings){0}, &tail, now);
    if (!reader->tail)
        return error_set(error, ENOMEM, "no memory for the logs");
    int code = make_path(reader, settings, error);
    if (code == 0)
        *result = TAKE(reader);
    return code;
}

void log_reader_destroy(struct log_reader **owner)
{
    struct log_reader *reader = *owner;
    *owner = NULL;
    if (!reader)
        return;
    tail_read_destroy(&reader->tail);
    log_path_destroy(&reader->path);
    log_record_close(&reader->record);
    buffer_clear(&reader->text);
    free(reader);
}

void log_reader_hear(struct log_reader *reader, const struct message_log *message, int descriptor, moment now)
{
    struct tail_found found = {
        .news = (enum tail_news)message->news,
        .descriptor = descriptor,
        .device = message->device,
        .inode = message->inode,
        .changed = message->changed,
        .born = message->born,
        .initial = message->initial,
    };
    _Static_assert(sizeof(found.source) == sizeof(message->source), "a name fits");
    _Static_assert(sizeof(found.sentence) == sizeof(message->sentence), "a sentence fits");
    memcpy(found.source, message->source, sizeof(found.source));
    memcpy(found.sentence, message->sentence, sizeof(found.sentence));
    tail_read_add(reader->tail, &found, now);
}

bool log_reader_step(struct log_reader *reader, moment now, duration east)
{
    if (east != reader->east)
        log_path_set_east(reader->path, east);
    reader->east = east;
    reader->now = now;
    bool more = tail_read_step(reader->tail, now);
    log_path_tick(reader->path, now);
    if (now - reader->kept >= KEPT_EVERY || now < reader->kept)
        keep(reader, 0, 0);
    return more;
}

struct log_reader_counters log_reader_counters(const struct log_reader *reader)
{
    struct log_counters lines = log_path_counters(reader->path);
    struct tail_counters files = tail_read_counters(reader->tail);
    return (struct log_reader_counters){
        .files = (uint32_t)files.open_files,
        .lines = lines.lines - reader->recalled.lines,
        .unparsed = lines.unparsed - reader->recalled.unparsed,
        .late = reader->late,
        .lost_bytes = files.lost_bytes,
    };
}

bool log_reader_knows(const struct log_reader *reader, struct text queue)
{
    return log_path_knows(reader->path, queue);
}
