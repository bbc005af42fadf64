/* The file's first line is "revision N"; behind it stands the text as it came. It is written beside its place and moved
 * there, so it is whole or not there. */
#include "agent/central.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "agent/message/sealed.h"
#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/io/file.h"

#define NAME      "settings"
#define NEW_NAME  "settings.new"
#define WORD      "revision "
#define HEAD_MOST 64
#define PATH_MOST 4096

static void close_descriptor(const int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
}

static void free_bytes(char **bytes)
{
    free(*bytes);
    *bytes = NULL;
}

void central_clear(struct central *central)
{
    free(central->bytes);
    *central = (struct central){0};
}

static int take(struct text text, int64_t revision, struct central *result, struct error *error)
{
    char *bytes = malloc(text.length + 1);
    if (bytes == NULL)
        return error_set(error, ENOMEM, "no memory for " CENTRAL_NAME);
    memcpy(bytes, text.bytes, text.length);
    bytes[text.length] = '\0';
    *result = (struct central){revision, bytes, text.length};
    return 0;
}

int central_read(const char *state, struct central *result, struct error *error)
{
    char path[PATH_MOST];
    CLEANUP(free_bytes) char *bytes = NULL;
    size_t length = 0;
    uint64_t revision = 0;
    *result = (struct central){0};
    snprintf(path, sizeof path, "%s/" NAME, state);
    int code = file_read(path, CENTRAL_MOST + HEAD_MOST, &bytes, &length, error);
    if (code == -ENOENT) {
        *error = (struct error){0};
        return 0;
    }
    if (code < 0)
        return code;
    struct text rest = {bytes, length};
    bool ended = memchr(bytes, '\n', length) != NULL;
    struct text head = text_split(&rest, '\n');
    bool whole = ended && text_starts_nocase(head, TEXT(WORD)) &&
                 text_number((struct text){head.bytes + strlen(WORD), head.length - strlen(WORD)}, &revision) &&
                 revision > 0 && revision <= INT64_MAX;
    if (!whole) {
        error_set(error, EILSEQ, "%s is not what this program wrote: there are no " CENTRAL_NAME, path);
        return 0;
    }
    return take(rest, (int64_t)revision, result, error);
}

static bool write_all(int file, struct text text)
{
    for (size_t done = 0; done < text.length;) {
        ssize_t written = write(file, text.bytes + done, text.length - done);
        if (written <= 0)
            return false;
        done += (size_t)written;
    }
    return true;
}

int central_keep(const char *state, const struct central *central, struct error *error)
{
    char head[HEAD_MOST];
    int length = snprintf(head, sizeof head, WORD "%" PRId64 "\n", central->revision);
    CLEANUP(close_descriptor) int directory = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return error_set(error, errno, CENTRAL_NAME " cannot be kept in %s: %s", state, strerror(errno));
    CLEANUP(close_descriptor)
    int file = openat(directory, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool fine = file >= 0 && write_all(file, (struct text){head, (size_t)length}) &&
                write_all(file, (struct text){central->bytes, central->length}) && fsync(file) == 0 &&
                renameat(directory, NEW_NAME, directory, NAME) == 0 && fsync(directory) == 0;
    return fine ? 0 : error_set(error, errno, CENTRAL_NAME " cannot be kept in %s: %s", state, strerror(errno));
}

int central_receive(int descriptor, int64_t revision, struct central *result, struct error *error)
{
    struct central came = {.revision = revision};
    int code = revision > 0 ? sealed_read(descriptor, CENTRAL_MOST, &came.bytes, &came.length, error)
                            : error_set(error, EPROTO, "without a revision");
    if (code < 0)
        return error_wrap(error, CENTRAL_NAME);
    *result = came;
    return 0;
}

struct option_layer central_layer(const struct central *central)
{
    return (struct option_layer){{central->bytes ? central->bytes : "", central->length}, CENTRAL_NAME, true};
}
