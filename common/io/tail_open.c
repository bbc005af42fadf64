#include "common/io/tail_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include "common/cleanup.h"

enum { READING = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, LINKS_MOST = 8 };

static void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

static const char *kind_of(mode_t mode)
{
    return S_ISFIFO(mode)                   ? "a FIFO"
           : S_ISDIR(mode)                  ? "a folder"
           : S_ISSOCK(mode)                 ? "a socket"
           : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
                                            : "no regular file";
}

static int failed(struct error *error, const char *name)
{
    int code = errno;
    return error_set(error, code, "cannot open %s: %s", name, strerror(code));
}

/* A descriptor for reading of the file that `look` told of, if the name still bears it. */
static int open_same(int folder, const char *name, const struct stat *look, struct stat *status, struct error *error)
{
    CLEANUP(close_descriptor) int file = openat(folder, name, READING);
    struct stat opened;
    if (file < 0)
        return errno == ELOOP ? error_set(error, EAGAIN, "%s was exchanged while it was opened", name)
                              : failed(error, name);
    if (fstat(file, &opened) < 0)
        return failed(error, name);
    if (opened.st_dev != look->st_dev || opened.st_ino != look->st_ino || !S_ISREG(opened.st_mode))
        return error_set(error, EAGAIN, "%s was exchanged while it was opened", name);
    *status = opened;
    int result = file;
    file = -1;
    return result;
}

/* Where a link leads: folder and name, in `target`. Returns the folder's descriptor. */
static int follow(int folder, const char *name, int link, char target[PATH_MAX], const char **end, struct error *error)
{
    ssize_t length = readlinkat(link, "", target, PATH_MAX - 1);
    if (length < 0)
        return failed(error, name);
    target[length] = '\0';
    char *slash = strrchr(target, '/');
    *end = slash ? slash + 1 : target;
    if (slash)
        *slash = '\0';
    const char *way = !slash ? "." : slash == target ? "/" : target;
    int next = openat(folder, way, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return next < 0 ? failed(error, name) : next;
}

/* `owner`: whose the file at the end must be, since a link of that user led here; none: anyone's. */
static int open_at(int folder, const char *name, const uid_t *owner, int links, struct stat *status,
                   struct error *error)
{
    CLEANUP(close_descriptor) int place = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat look;
    if (place < 0 || fstat(place, &look) < 0)
        return failed(error, name);
    if (!S_ISLNK(look.st_mode) && !S_ISREG(look.st_mode))
        return error_set(error, EINVAL, "%s is %s, not a log file", name, kind_of(look.st_mode));
    if (owner && look.st_uid != *owner)
        return error_set(error, EPERM, "%s: reached by a link of user %u, but not that user's: not followed", name,
                         (unsigned)*owner);
    if (S_ISREG(look.st_mode))
        return open_same(folder, name, &look, status, error);
    if (links == LINKS_MOST)
        return error_set(error, ELOOP, "cannot open %s: %s", name, strerror(ELOOP));

    char target[PATH_MAX];
    const char *end = NULL;
    bool trusted = look.st_uid == 0 || look.st_uid == geteuid();
    CLEANUP(close_descriptor) int next = follow(folder, name, place, target, &end, error);
    if (next < 0)
        return next;
    return open_at(next, end, owner || trusted ? owner : &look.st_uid, links + 1, status, error);
}

int tail_open(int folder, const char *name, struct stat *status, struct error *error)
{
    return open_at(folder, name, NULL, 0, status, error);
}
