/* `postern-agent log-test`: the live log reader over files, saying of every line what it became. A site that writes a
 * pattern file of its own sees here whether it is right. */
#include "agent/log_test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/log/log_path.h"
#include "agent/log_formats.h"
#include "agent/message/settings.h"
#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/io/input.h"
#include "common/io/journal_read.h"
#include "common/json.h"

#define TRANSACTIONS 65536
#define OUTPUT_MOST  (1 << 20)
#define FLUSH_AT     65536

static const char *const field_names[LOG_FIELDS] = {
#define NAME(name) #name,
    LOG_FIELDS_OF(NAME)
#undef NAME
};
static const char *const outcomes[] = {
    [LOG_LINE_READ] = "read", [LOG_LINE_IGNORED] = "ignored", [LOG_LINE_UNPARSED] = "unparsed"};

struct log_test {
    struct log_path *path;
    struct buffer out;
    const char *file;
    bool json, failed;
    uint64_t observations;
};

static void flush(struct log_test *test)
{
    if (test->out.length > 0 && fwrite(test->out.bytes, 1, test->out.length, stdout) != test->out.length)
        test->failed = true;
    test->out.length = 0;
}

static void write_json(struct log_test *test, const struct log_line *line)
{
    struct json json = json_begin(&test->out);
    json_key(&json, "record");
    json_put_text(&json, TEXT("line"));
    json_key(&json, "file");
    json_put_text(&json, text_of(test->file));
    if (line->time != 0) {
        json_key(&json, "time");
        json_put_moment(&json, line->time);
    }
    json_key(&json, "outcome");
    json_put_text(&json, text_of(outcomes[line->outcome]));
    if (line->rule != NULL) {
        json_key(&json, "format");
        json_put_text(&json, text_of(line->rule->file));
        json_key(&json, "rule");
        json_put_text(&json, text_of(line->rule->name));
        json_key(&json, "means");
        json_put_text(&json, text_of(log_meaning_name(line->rule->means)));
    } else {
        json_key(&json, "line");
        json_put_text(&json, line->whole);
    }
    for (int i = 0; i < LOG_FIELDS; i++) {
        if (line->fields->at[i].bytes != NULL) {
            json_key(&json, field_names[i]);
            json_put_text(&json, line->fields->at[i]);
        }
    }
    test->failed |= !json_end(&json);
}

static void write_columns(struct log_test *test, const struct log_line *line)
{
    char time[MOMENT_TEXT] = "-", text[512];
    if (line->time != 0)
        moment_print(line->time, time);
    bool good =
        buffer_printf(&test->out, "%-27s  %-9s %-16s ", time, line->rule ? log_meaning_name(line->rule->means) : "?",
                      line->rule ? line->rule->name : "");
    if (line->outcome == LOG_LINE_READ) {
        for (int i = 0; i < LOG_FIELDS; i++) {
            if (line->fields->at[i].bytes == NULL)
                continue;
            text_copy_printable(line->fields->at[i], text, sizeof text);
            good = good && buffer_printf(&test->out, " %s=%s", field_names[i], text);
        }
    } else {
        text_copy_printable(line->outcome == LOG_LINE_UNPARSED ? line->whole : line->text, text, sizeof text);
        good = good && buffer_printf(&test->out, " %s", text);
    }
    test->failed |= !(good && buffer_append_byte(&test->out, '\n'));
}

static void on_line(void *context, const struct log_line *line)
{
    struct log_test *test = context;
    if (test->json)
        write_json(test, line);
    else
        write_columns(test, line);
    if (test->out.length > FLUSH_AT)
        flush(test);
}

static void on_observation(void *context, const struct observation *observation)
{
    (void)observation;
    struct log_test *test = context;
    test->observations++;
}

static int make_path(struct log_test *test, const char *const *patterns, size_t count, struct error *error)
{
    CLEANUP(log_formats_clear) struct log_formats formats = {0};
    int status = log_formats_load(patterns, count, &formats, error);
    if (status < 0)
        return status;
    const struct log_settings settings = {.transactions = TRANSACTIONS, .idle = DAY, .files = formats.files};
    const struct log_listener listener = {test, on_observation, on_line, NULL};
    test->path = log_path_create(&settings, &listener, error);
    return test->path ? 0 : -error->code;
}

static int open_source(struct log_test *test, const char *path, uint32_t *source, struct error *error)
{
    struct stat about;
    moment hint = stat(path, &about) == 0 ? (moment)about.st_mtim.tv_sec * SECOND : 0;
    *source = log_path_open_source(test->path, path, hint);
    return *source ? 0 : error_set(error, EMFILE, "%s: too many files; up to %d at a time", path, LOG_SOURCES_MOST);
}

/* Of the systemd journal: what the live agent reads of it, unless it is configured otherwise. */
static int read_journal(struct log_test *test, const char *path, struct error *error)
{
    CLEANUP(journal_read_close) struct journal_read *read = NULL;
    struct process_settings settings = {0};
    struct option_binding bindings[PROCESS_BINDINGS + 1];
    const struct option_words *named = &settings.logs.journal_programs;
    const char *programs[sizeof(named->items) / sizeof(named->items[0]) + 1] = {NULL};
    struct text line;
    uint32_t source = 0;
    process_settings_bind(&settings, bindings);
    int status = options_read(bindings, TEXT(""), "", error);
    for (uint32_t i = 0; i < named->count && status == 0; i++)
        programs[i] = named->items[i];
    if (status == 0)
        status = journal_read_open(path, programs, &read, error);
    if (status == 0)
        status = open_source(test, path, &source, error);
    test->file = path;
    int more = status == 0 ? journal_read_next(read, &line, error) : status;
    for (; more > 0; more = journal_read_next(read, &line, error))
        (void)log_path_add(test->path, source, line, true);
    options_clear(bindings);
    return more;
}

static int read_file(struct log_test *test, const char *path, struct error *error)
{
    CLEANUP(input_close) struct input *input = NULL;
    uint32_t source = 0;
    if (journal_read_is(path))
        return read_journal(test, path, error);
    int status = input_open(path, &input, error);
    if (status == 0)
        status = open_source(test, path, &source, error);
    if (status < 0)
        return status;
    test->file = input_name(input);
    struct text window;
    bool last = false;
    size_t used = 0;
    while (!last) {
        status = input_more(input, used, &window, &last, error);
        if (status < 0)
            return status;
        used = log_path_add(test->path, source, window, last);
    }
    return 0;
}

static void write_summary(struct log_test *test, size_t files)
{
    struct log_counters counters = log_path_counters(test->path);
    if (test->json) {
        struct json json = json_begin(&test->out);
        const struct {
            const char *key;
            uint64_t value;
        } rows[] = {{"files", files},
                    {"lines", counters.lines},
                    {"lines_ignored", counters.ignored},
                    {"lines_unparsed", counters.unparsed},
                    {"lines_cut", counters.cut},
                    {"observations", test->observations}};
        json_key(&json, "record");
        json_put_text(&json, TEXT("summary"));
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            json_key(&json, rows[i].key);
            json_put_unsigned(&json, rows[i].value);
        }
        test->failed |= !json_end(&json);
        return;
    }
    test->failed |= !buffer_printf(&test->out,
                                   "\n%" PRIu64 " lines: %" PRIu64 " read, %" PRIu64 " ignored, %" PRIu64
                                   " not understood, %" PRIu64 " cut; %" PRIu64 " observations\n",
                                   counters.lines, counters.lines - counters.ignored - counters.unparsed,
                                   counters.ignored, counters.unparsed, counters.cut, test->observations);
}

static void clear(struct log_test *test)
{
    log_path_destroy(&test->path);
    buffer_clear(&test->out);
}

int log_test_run(char *const *paths, size_t count, bool json, const char *const *patterns, size_t pattern_count)
{
    CLEANUP(clear) struct log_test test = {.json = json};
    struct error error = {0};
    buffer_init(&test.out, OUTPUT_MOST);
    int status = make_path(&test, patterns, pattern_count, &error);
    for (size_t i = 0; i < count && status == 0; i++)
        status = read_file(&test, paths[i], &error);
    if (status < 0) {
        flush(&test);
        fprintf(stderr, "postern-agent: %s\n", error.text);
        return 1;
    }
    write_summary(&test, count);
    flush(&test);
    if (fflush(stdout) != 0 || test.failed) {
        fprintf(stderr, "postern-agent: cannot write what the lines became: %s\n", strerror(errno));
        return 1;
    }
    return 0;
}
