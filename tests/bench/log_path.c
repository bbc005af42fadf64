/* The log reader's speed, over a file in memory. For log_bench.py.
 *
 *     log_path FILE            a log; conf/logs is read from the current folder
 *
 * Prints lines, lines not understood, observations, and the nanoseconds of this process's own time that it took. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "agent/log/log_path.h"

static char *read_all(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        return NULL;
    *length = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*length + 1);
    if (bytes != NULL && fread(bytes, 1, *length, file) != *length)
        *length = 0;
    fclose(file);
    return bytes;
}

static void count_one(void *context, const struct observation *observation)
{
    (void)observation;
    ++*(uint64_t *)context;
}

int main(int count, char **words)
{
    size_t length = 0, rules = 0;
    char *bytes = count > 1 ? read_all(words[1], &length) : NULL, *content = read_all("conf/logs/postfix.conf", &rules);
    if (bytes == NULL || content == NULL)
        return 2;
    uint64_t observations = 0;
    struct error error;
    const struct log_file files[] = {{"postfix", {content, rules}}, {0}};
    const struct log_settings settings = {.transactions = 65536, .idle = DAY, .files = files};
    const struct log_listener listener = {&observations, count_one, NULL, NULL};
    struct log_path *path = log_path_create(&settings, &listener, &error);
    if (path == NULL || log_path_open_source(path, words[1], 0) != 1)
        return 1;
    struct timespec begun, ended;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begun);
    log_path_add(path, 1, (struct text){bytes, length}, true);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
    int64_t spent = (ended.tv_sec - begun.tv_sec) * SECOND + ended.tv_nsec - begun.tv_nsec;
    struct log_counters counters = log_path_counters(path);
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 "\n", counters.lines, counters.unparsed, observations, spent);
    log_path_destroy(&path);
    free(bytes);
    free(content);
    return 0;
}
