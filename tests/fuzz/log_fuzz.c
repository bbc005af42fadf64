/* Logs from arbitrary bytes, in pieces: every byte is used or given again within the bound, and each text of an
 * observation lies within its own length. The shipped pattern files are the patterns, so that what a stranger's line
 * makes of them is tried as well. The first byte chooses the pieces. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "agent/log/log_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { FILES = 4 };
static char contents[FILES][65536];
static struct log_file files[FILES + 1];

static void read_files(void)
{
    static const char *const paths[] = {"conf/logs/postfix.conf", "conf/logs/exim.conf", "conf/logs/sendmail.conf",
                                        "conf/logs/qmail.conf"};
    for (int i = 0; i < FILES; i++) {
        FILE *file = fopen(paths[i], "r");
        if (file == NULL)
            abort();
        files[i] = (struct log_file){paths[i], {contents[i], fread(contents[i], 1, sizeof contents[i], file)}};
        fclose(file);
    }
}

static void on_observation(void *context, const struct observation *given)
{
    uint64_t *sum = context;
    struct observation observation = *given;
    struct text *texts[OBSERVATION_TEXTS];
    size_t count = observation_texts(&observation, texts);
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < texts[i]->length; at++)
            *sum += (uint8_t)texts[i]->bytes[at];
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct log_path *path;
    static uint64_t sum;
    if (path == NULL) {
        struct error error;
        read_files();
        const struct log_settings settings = {.transactions = 16, .idle = DAY, .files = files};
        const struct log_listener listener = {&sum, on_observation, NULL, NULL};
        if ((path = log_path_create(&settings, &listener, &error)) == NULL || log_path_open_source(path, "a", 0) != 1)
            abort();
    }
    if (size == 0)
        return 0;
    size_t piece = bytes[0] == 0 ? size : bytes[0], used = 1;
    for (size_t end = 1; end < size;) {
        end = size - end > piece ? end + piece : size;
        used += log_path_add(path, 1, (struct text){(const char *)bytes + used, end - used}, end == size);
        if (used > end || (end == size && used != size) || end - used > LOG_LINE_MOST)
            abort();
    }
    return 0;
}
