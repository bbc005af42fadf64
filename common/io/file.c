/* See file.h. Read to its end instead of by its size: what stands in /proc or comes through a pipe has none. */
#include "common/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/cleanup.h"

static void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

static void free_bytes(char **bytes)
{
    free(*bytes);
    *bytes = NULL;
}

int file_read(const char *path, size_t most, char **result, size_t *length_out, struct error *error)
{
    CLEANUP(close_descriptor) int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat status;
    if (descriptor < 0 || fstat(descriptor, &status) < 0)
        return error_set(error, errno, "cannot read %s: %s", path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return error_set(error, EISDIR, "cannot read %s: it is a directory", path);
    CLEANUP(free_bytes) char *bytes = NULL;
    size_t length = 0, room = 0;
    for (ssize_t got = 1; got > 0; length += (size_t)got) {
        if (length + 1 >= room) {
            room = room ? room * 2 : (size_t)64 * 1024;
            char *more = length <= most ? realloc(bytes, room) : NULL;
            if (more == NULL)
                return error_set(error, EFBIG, "cannot read %s: it is larger than %zu kB", path, most / 1024);
            bytes = more;
        }
        got = read(descriptor, bytes + length, room - length - 1);
        if (got < 0)
            return error_set(error, errno, "cannot read %s: %s", path, strerror(errno));
    }
    if (length > most)
        return error_set(error, EFBIG, "cannot read %s: it is larger than %zu kB", path, most / 1024);
    bytes[length] = '\0';
    *length_out = length;
    *result = TAKE(bytes);
    return 0;
}
