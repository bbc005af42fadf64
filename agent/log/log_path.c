/* Lines out of bytes, their heads taken off, the rest handed to the patterns. */
#include "agent/log/log_path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/log/meaning.h"
#include "agent/log/timestamp.h"
#include "agent/log/transaction.h"
#include "common/cleanup.h"

#define HINTS    1024 /* messages that are being handed over by local programs */
#define ATTEMPTS 4096 /* deliveries under way; qmail starts 500 at the most unless it was built for more */

struct source {
    struct timestamp_state stamps;
    bool skipping; /* the rest of a line that was cut */
};

struct log_path {
    struct log_settings settings;
    struct log_listener listener;
    struct log_patterns *patterns;
    struct transactions *transactions;
    struct attempts *attempts;
    struct hints *hints;
    struct source sources[LOG_SOURCES_MOST];
    uint32_t source_count;
    struct log_counters counters;
};

static void observe_nothing(void *context, const struct observation *observation)
{
    (void)context;
    (void)observation;
}

struct log_path *log_path_create(const struct log_settings *settings, const struct log_listener *listener,
                                 struct error *error)
{
    CLEANUP(log_path_destroy) struct log_path *path = calloc(1, sizeof *path);
    if (path == NULL) {
        error_set(error, ENOMEM, "no memory for a log reader");
        return NULL;
    }
    path->settings = *settings;
    path->listener = *listener;
    if (path->listener.observe == NULL)
        path->listener.observe = observe_nothing;
    if ((path->patterns = log_patterns_create(error)) == NULL ||
        (path->transactions = transactions_create(settings->transactions, &settings->key, error)) == NULL ||
        (path->attempts = attempts_create(ATTEMPTS, &settings->key, error)) == NULL ||
        (path->hints = hints_create(HINTS, &settings->key, error)) == NULL)
        return NULL;
    for (const struct log_file *file = settings->files; file != NULL && file->name != NULL; file++)
        if (log_patterns_read(path->patterns, file->content, file->name, error) < 0)
            return NULL;
    path->settings.files = NULL;
    return TAKE(path);
}

void log_path_destroy(struct log_path **handle)
{
    struct log_path *path = *handle;
    if (path == NULL)
        return;
    log_patterns_destroy(&path->patterns);
    transactions_destroy(&path->transactions);
    attempts_destroy(&path->attempts);
    hints_destroy(&path->hints);
    free(path);
    *handle = NULL;
}

uint32_t log_path_open_source(struct log_path *path, const char *name, moment hint)
{
    (void)name;
    if (path->source_count == LOG_SOURCES_MOST)
        return 0;
    path->sources[path->source_count] = (struct source){.stamps = {.hint = hint, .east = path->settings.east}};
    return ++path->source_count;
}

/* --- the head of a line --- */

static struct text word(struct text *rest)
{
    struct text result = text_split(rest, ' ');
    while (rest->length > 0 && rest->bytes[0] == ' ') {
        rest->bytes++;
        rest->length--;
    }
    return result;
}

/* "HOST PROGRAM[PID]: text", what syslog writes. False: it looks otherwise. */
static bool take_tag(struct text *rest, struct text *program, struct text *process)
{
    struct text behind = *rest;
    word(&behind);
    struct text tag = word(&behind);
    if (tag.length < 2 || tag.bytes[tag.length - 1] != ':')
        return false;
    tag.length--;
    if (tag.bytes[tag.length - 1] == ']') {
        const char *bracket = memchr(tag.bytes, '[', tag.length);
        if (bracket == NULL)
            return false;
        *process = (struct text){bracket + 1, (size_t)(tag.bytes + tag.length - 1 - (bracket + 1))};
        tag.length = (size_t)(bracket - tag.bytes);
    }
    *program = tag;
    *rest = behind;
    return tag.length > 0;
}

/* Exim's own files have no tag: behind the stamp stands a message id, or a word of Exim's; in rspamd's its process,
 * "#1001(normal)". Syslog's host is no more
 * than letters there too, but a tag follows it. */
static void take_head(struct source *source, struct log_line *line)
{
    line->text = line->whole;
    bool dated = line->text.length > 10 && line->text.bytes[10] == ' ' && line->text.bytes[4] == '-';
    bool tai = line->text.length > 0 && line->text.bytes[0] == '@';
    if (!timestamp_read(&line->text, &source->stamps, &line->time))
        line->time = 0;
    if (line->time != 0 && !dated && !tai && take_tag(&line->text, &line->program, &line->process))
        return;
    bool numbered = dated && line->text.length > 0 && line->text.bytes[0] == '#';
    line->program = numbered ? TEXT("rspamd") : dated ? TEXT("exim") : tai ? TEXT("multilog") : TEXT("-");
}

#define REPLY_MOST 512 /* RFC 5321, 4.5.3.1.5 */

static struct text as_words(struct text word, char room[static REPLY_MOST])
{
    size_t length = word.length < REPLY_MOST ? word.length : REPLY_MOST;
    for (size_t i = 0; i < length; i++)
        room[i] = word.bytes[i] == '_' || word.bytes[i] == '/' ? ' ' : word.bytes[i];
    return text_trim((struct text){room, length});
}

static void take_line(struct log_path *path, uint32_t source, struct text whole, bool cut)
{
    struct source *from = &path->sources[source - 1];
    struct log_fields fields;
    char reply[REPLY_MOST];
    while (whole.length > 0 && (whole.bytes[whole.length - 1] == '\r' || whole.bytes[whole.length - 1] == ' '))
        whole.length--;
    struct log_line line = {.source = source, .whole = whole, .cut = cut, .fields = &fields};
    path->counters.lines++;
    path->counters.cut += cut;
    take_head(from, &line);
    line.rule = log_patterns_match(path->patterns, line.program, line.text, &fields);
    if (line.rule != NULL && line.rule->session_is_process)
        fields.at[LOG_session] = line.process;
    if (line.rule != NULL && line.rule->reply_is_word && fields.at[LOG_reply].bytes != NULL)
        fields.at[LOG_reply] = as_words(fields.at[LOG_reply], reply);
    if (line.rule == NULL && whole.length > 0) {
        line.outcome = LOG_LINE_UNPARSED;
        path->counters.unparsed++;
    } else if (line.rule == NULL || line.rule->means == LOG_MEANS_IGNORE || line.rule->means == LOG_MEANS_CONNECT ||
               cut) {
        /* What was cut may have lost the end that its pattern is anchored at. */
        line.outcome = LOG_LINE_IGNORED;
        path->counters.ignored++;
    }
    if (path->listener.line != NULL)
        path->listener.line(path->listener.context, &line);
    if (line.outcome == LOG_LINE_READ && line.rule != NULL) {
        moment time = line.time != 0 ? line.time : from->stamps.last;
        const struct meaning_context context = {
            path->transactions, path->attempts, path->hints, path->settings.contents, &path->listener, source, time};
        meaning_take(&context, line.rule, &fields);
    }
}

/* --- lines --- */

size_t log_path_add(struct log_path *path, uint32_t source, struct text bytes, bool last)
{
    size_t used = 0;
    if (source == 0 || source > path->source_count)
        return bytes.length;
    struct source *from = &path->sources[source - 1];
    while (used < bytes.length) {
        const char *begin = bytes.bytes + used;
        size_t left = bytes.length - used;
        const char *end = memchr(begin, '\n', left);
        size_t length = end != NULL ? (size_t)(end - begin) : left;
        if (from->skipping) {
            from->skipping = end == NULL;
        } else if (length > LOG_LINE_MOST) {
            take_line(path, source, (struct text){begin, LOG_LINE_MOST}, true);
            from->skipping = end == NULL;
        } else if (end != NULL || last) {
            take_line(path, source, (struct text){begin, length}, false);
        } else {
            break;
        }
        used += length + (end != NULL);
    }
    return used;
}

bool log_path_knows(const struct log_path *path, struct text queue)
{
    for (uint32_t source = 1; source <= path->source_count; source++)
        if (transactions_find(path->transactions, source, queue) != NULL)
            return true;
    return false;
}

void log_path_set_east(struct log_path *path, duration east)
{
    path->settings.east = east;
    for (uint32_t i = 0; i < path->source_count; i++)
        path->sources[i].stamps.east = east;
}

void log_path_tick(struct log_path *path, moment now)
{
    transactions_expire(path->transactions, now - path->settings.idle);
}

struct log_counters log_path_counters(const struct log_path *path)
{
    struct log_counters counters = path->counters;
    counters.exhausted = log_patterns_exhausted(path->patterns);
    counters.let_go = transactions_let_go(path->transactions);
    return counters;
}
