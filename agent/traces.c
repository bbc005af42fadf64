/* A merge by time. Captures are long runs of frames from one file, so the file at hand goes on without asking the
 * others until its time passes theirs. */
#include "agent/traces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "agent/log/log_path.h"
#include "agent/log/timestamp.h"
#include "agent/packet/capture_file.h"
#include "common/cleanup.h"
#include "common/io/input.h"

struct trace {
    struct input *input;
    struct capture_file *file;     /* NULL: a log */
    struct timestamp_state stamps; /* of a log */
    struct text window;
    size_t used; /* of the window */
    bool last, ended;
    struct frame frame; /* the one at its head, unless it has ended */
};

struct traces {
    struct trace *items;
    size_t count;
    struct trace *current; /* whose frame was given last */
    moment others;         /* the earliest time at the head of all others */
    size_t others_index;   /* and whose: among equals the first goes first */
    struct error *trouble;
    size_t trouble_count;
};

static void note_trouble(struct traces *traces, const struct error *error)
{
    if (traces->trouble_count < traces->count)
        traces->trouble[traces->trouble_count++] = *error;
}

static void end(struct trace *trace)
{
    trace->ended = true;
    capture_file_destroy(&trace->file);
}

/* The time of a log's first line that has one; false: it is no log. */
static bool find_first_stamp(struct text bytes, struct timestamp_state stamps, moment *result)
{
    for (int i = 0; i < 100 && bytes.length > 0; i++) {
        struct text line = text_split(&bytes, '\n');
        if (timestamp_read(&line, &stamps, result))
            return true;
    }
    return false;
}

/* A line as a frame: of a line that is longer than is looked at, pieces. */
static enum capture_outcome next_line(struct trace *trace, struct text rest, size_t *consumed)
{
    const char *end = rest.length > 0 ? memchr(rest.bytes, '\n', rest.length) : NULL;
    if (rest.length == 0 || (end == NULL && rest.length <= LOG_LINE_MOST && !trace->last))
        return trace->last ? CAPTURE_END : CAPTURE_MORE;
    size_t length = end != NULL ? (size_t)(end - rest.bytes) + 1 : rest.length;
    struct text line = {rest.bytes, length};
    moment time = trace->frame.time;
    (void)timestamp_read(&line, &trace->stamps, &time);
    trace->frame.time = time;
    trace->frame.bytes = (const uint8_t *)rest.bytes;
    trace->frame.captured = trace->frame.length = (uint32_t)length;
    *consumed = length;
    return CAPTURE_FRAME;
}

/* Put the next frame at the head. False: the file has to be read on for it, which would void the frames of its window,
 * and the caller still needs them. */
static bool advance(struct traces *traces, struct trace *trace, bool may_read)
{
    for (;;) {
        struct error error;
        error.code = 0; /* the text behind it is not worth wiping for each frame */
        size_t consumed = 0;
        struct text rest = {trace->window.bytes + trace->used, trace->window.length - trace->used};
        enum capture_outcome outcome =
            trace->file == NULL ? next_line(trace, rest, &consumed)
                                : capture_file_next(trace->file, rest, trace->last, &consumed, &trace->frame, &error);
        trace->used += consumed;
        if (outcome == CAPTURE_FRAME)
            return true;
        if (outcome == CAPTURE_MORE && !trace->last) {
            if (!may_read)
                return false;
            int status = input_more(trace->input, trace->used, &trace->window, &trace->last, &error);
            trace->used = 0;
            if (status == 0)
                continue;
        }
        if (error.code != 0)
            note_trouble(traces, &error);
        end(trace);
        return true;
    }
}

static int begin_log(struct traces *traces, struct trace *trace, const char *path, struct error *error)
{
    struct stat about;
    if (stat(path, &about) == 0)
        trace->stamps.hint = (moment)about.st_mtim.tv_sec * SECOND;
    trace->frame = (struct frame){.link = TRACE_LOG, .port = (uint32_t)(trace - traces->items) + 1};
    while (!find_first_stamp(trace->window, trace->stamps, &trace->frame.time)) {
        if (trace->last || trace->window.length > LOG_LINE_MOST)
            return error_set(error, EINVAL,
                             "%s is no capture and no log: pcap, pcapng and logs of mail servers with time stamps are "
                             "read, also compressed with gzip or zstd",
                             input_name(trace->input));
        int status = input_more(trace->input, 0, &trace->window, &trace->last, error);
        if (status < 0)
            return status;
    }
    return 0;
}

static int begin(struct traces *traces, struct trace *trace, const char *path, struct error *error)
{
    int status = input_open(path, &trace->input, error);
    if (status < 0)
        return status;
    do {
        status = input_more(trace->input, 0, &trace->window, &trace->last, error);
        if (status < 0)
            return status;
    } while (trace->window.length < 4 && !trace->last);

    const char *name = input_name(trace->input);
    if (trace->window.length == 0)
        return error_set(error, EINVAL, "%s is empty", name);
    if (!capture_file_is(trace->window)) {
        int outcome = begin_log(traces, trace, path, error);
        if (outcome < 0)
            return outcome;
    } else if ((trace->file = capture_file_create(name)) == NULL) {
        return error_set(error, ENOMEM, "no memory to read %s", name);
    }
    advance(traces, trace, true);
    return 0;
}

int traces_open(char *const *paths, size_t count, struct traces **result, struct error *error)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files); /* hundreds of hourly captures are read at once */
    }
    CLEANUP(traces_close) struct traces *traces = calloc(1, sizeof *traces);
    if (traces == NULL)
        return error_set(error, ENOMEM, "no memory for %zu files", count);
    traces->items = calloc(count, sizeof *traces->items);
    traces->trouble = calloc(count, sizeof *traces->trouble);
    if (traces->items == NULL || traces->trouble == NULL)
        return error_set(error, ENOMEM, "no memory for %zu files", count);
    for (traces->count = 0; traces->count < count;) {
        struct trace *trace = &traces->items[traces->count++];
        int status = begin(traces, trace, paths[traces->count - 1], error);
        if (status < 0)
            return status;
    }
    *result = TAKE(traces);
    return 0;
}

void traces_close(struct traces **pointer)
{
    struct traces *traces = *pointer;
    if (traces == NULL)
        return;
    for (size_t i = 0; i < traces->count; i++) {
        capture_file_destroy(&traces->items[i].file);
        input_close(&traces->items[i].input);
    }
    free(traces->items);
    free(traces->trouble);
    free(traces);
    *pointer = NULL;
}

static bool stands_first(const struct traces *traces)
{
    const struct trace *trace = traces->current;
    if (trace == NULL || trace->ended)
        return false;
    return trace->frame.time < traces->others ||
           (trace->frame.time == traces->others && (size_t)(trace - traces->items) < traces->others_index);
}

static void choose(struct traces *traces)
{
    struct trace *first = NULL, *second = NULL;
    for (struct trace *trace = traces->items; trace < traces->items + traces->count; trace++) {
        if (trace->ended)
            continue;
        if (first == NULL || trace->frame.time < first->frame.time) {
            second = first;
            first = trace;
        } else if (second == NULL || trace->frame.time < second->frame.time) {
            second = trace;
        }
    }
    traces->current = first;
    traces->others = second ? second->frame.time : INT64_MAX;
    traces->others_index = second ? (size_t)(second - traces->items) : SIZE_MAX;
}

size_t traces_next(struct traces *traces, struct frame *result, size_t most)
{
    size_t count = 0;
    while (count < most) {
        if (traces->current != NULL && !advance(traces, traces->current, count == 0))
            break;
        if (!stands_first(traces))
            choose(traces);
        if (traces->current == NULL)
            break;
        result[count++] = traces->current->frame;
    }
    return count;
}

const struct error *traces_trouble(const struct traces *traces, size_t index)
{
    return index < traces->trouble_count ? &traces->trouble[index] : NULL;
}

bool traces_hold_log(const struct traces *traces)
{
    for (size_t i = 0; i < traces->count; i++)
        if (traces->items[i].frame.link == TRACE_LOG)
            return true;
    return false;
}

uint64_t traces_bytes_read(const struct traces *traces)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < traces->count; i++)
        sum += input_bytes_read(traces->items[i].input);
    return sum;
}

uint64_t traces_bytes_total(const struct traces *traces)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < traces->count; i++) {
        uint64_t total = input_bytes_total(traces->items[i].input);
        if (total == 0)
            return 0;
        sum += total;
    }
    return sum;
}
