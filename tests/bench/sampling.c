/* A trace through all that the watcher does with packets, judge included, with or without messages being kept for the
 * centre's filters: what keeping them costs.
 *
 *     sampling FILE yes|no SQUEEZE          prints one line of JSON
 *
 * SQUEEZE: the trace's time goes by so many times as fast, for limits are of so much in a second. Samples are made as
 * they are for the courier, sealed memory and all, and closed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include "agent/message/bundle.h"
#include "agent/packet/capture_file.h"
#include "agent/watcher/mind.h"
#include "common/io/input.h"

struct sums {
    unsigned long long packets, samples, bytes;
};

static bool take_sample(void *context, const union message *sample, int memory)
{
    struct sums *sums = context;
    sums->samples++;
    sums->bytes += sample->sample.content;
    close(memory);
    return true;
}

static void fail(const char *what)
{
    fprintf(stderr, "sampling: %s\n", what);
    exit(1);
}

static void add_file(struct buffer *bundle, const char *name)
{
    static char content[1 << 20];
    char path[100], builtin[100];
    struct error error = {0};
    snprintf(path, sizeof path, "conf/maps/%s", name);
    snprintf(builtin, sizeof builtin, "builtin:%s", name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail("run it from the top of the tree");
    size_t length = fread(content, 1, sizeof content, file);
    fclose(file);
    if (bundle_add(bundle, text_of(builtin), (struct text){content, length}, &error) != 0)
        fail(error.text);
}

static struct mind *make_mind(struct sums *sums, const char *enabled, int *memory)
{
    static const char *const maps[] = {"sender_access", "recipient_access", "helo_access", "trap_access"};
    char process[200];
    struct buffer bundle;
    struct error error = {0};
    struct mind_memory said;
    struct mind *mind = NULL;
    snprintf(process, sizeof process, "[samples]\nenabled = %s\n[logs]\nfiles =\njournal = no\n", enabled);
    bundle_init(&bundle);
    if (bundle_add(&bundle, TEXT(BUNDLE_PROCESS), text_of(process), &error) != 0 ||
        bundle_add(&bundle, TEXT(BUNDLE_JUDGE), TEXT(""), &error) != 0)
        fail(error.text);
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
        add_file(&bundle, maps[i]);
    *memory = memfd_create("sampling", 0);
    const struct mind_beginning beginning = {.bundle = buffer_text(&bundle),
                                             .memory = *memory,
                                             .key = {{1, 2}},
                                             .fresh = true,
                                             .listener = {.context = sums},
                                             .sample = take_sample};
    if (*memory < 0 || mind_create(&beginning, &mind, &said, &error) != 0)
        fail(error.text);
    buffer_clear(&bundle);
    return mind;
}

static void squeeze(struct frame *frame, moment *begin, int by)
{
    if (*begin == 0)
        *begin = frame->time;
    frame->time = *begin + (frame->time - *begin) / by;
}

static void walk(struct input *input, struct capture_file *file, struct mind *mind, int by, struct sums *sums)
{
    struct text window = {NULL, 0};
    struct error error = {0};
    size_t used = 0;
    bool last = false;
    moment begin = 0;
    enum capture_outcome outcome = CAPTURE_MORE;
    while (outcome != CAPTURE_END) {
        if (input_more(input, used, &window, &last, &error) < 0)
            fail(error.text);
        used = 0;
        do {
            struct frame frames[PACKETS_AT_ONCE];
            size_t count = 0;
            do {
                outcome = capture_file_next(file, (struct text){window.bytes + used, window.length - used}, last, &used,
                                            &frames[count], &error);
                if (outcome == CAPTURE_FRAME)
                    squeeze(&frames[count], &begin, by);
            } while (outcome == CAPTURE_FRAME && ++count < PACKETS_AT_ONCE);
            mind_frames(mind, frames, count);
            sums->packets += count;
        } while (outcome == CAPTURE_FRAME);
    }
    if (error.code != 0)
        fail(error.text);
}

static double seconds_of(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1e-6;
}

int main(int count, char **arguments)
{
    struct sums sums = {0};
    struct error error = {0};
    struct rusage before, after;
    struct input *input = NULL;
    int memory;
    if (count != 4 || atoi(arguments[3]) < 1)
        fail("usage: sampling FILE yes|no SQUEEZE");
    struct mind *mind = make_mind(&sums, arguments[2], &memory);
    struct capture_file *file = capture_file_create(arguments[1]);
    if (!file || input_open(arguments[1], &input, &error) != 0)
        fail(error.text);
    getrusage(RUSAGE_SELF, &before);
    walk(input, file, mind, atoi(arguments[3]), &sums);
    getrusage(RUSAGE_SELF, &after);
    struct sampling_counters counters = mind_sampling(mind);
    printf("{\"packets\":%llu,\"cpu\":%.6f,\"kept\":%llu,\"samples\":%llu,\"bytes\":%llu,\"lost\":%llu}\n",
           sums.packets, seconds_of(&after) - seconds_of(&before), (unsigned long long)counters.kept, sums.samples,
           sums.bytes, (unsigned long long)counters.lost);
    input_close(&input);
    capture_file_destroy(&file);
    mind_destroy(&mind);
    close(memory);
    return 0;
}
