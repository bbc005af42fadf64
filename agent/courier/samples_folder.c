/* See samples_folder.h. */
#include "agent/courier/samples_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

#define PATH_MOST 800 /* the folder's own, and two names below it */
#define ASIDE     "aside"
#define HALF      ".new" /* behind the name of what is being written */

static void close_descriptor(const int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
}

static void close_folder(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

/* --- names ---------------------------------------------------------------------------------------------------------
 */

bool sample_name_equals(const struct sample_name *a, const struct sample_name *b)
{
    return a->life == b->life && a->number == b->number;
}

const char *sample_name_print(const struct sample_name *name, char result[SAMPLE_NAME_TEXT])
{
    snprintf(result, SAMPLE_NAME_TEXT, "%016" PRIx64 "-%" PRId64 "-%u.zst", name->life, name->number, name->worth);
    return result;
}

bool sample_name_read(const char *text, struct sample_name *result)
{
    char *end, again[SAMPLE_NAME_TEXT];
    struct sample_name name = {.life = strtoull(text, &end, 16)};
    if (*end != '-')
        return false;
    name.number = strtoll(end + 1, &end, 10);
    unsigned long worth = *end == '-' ? strtoul(end + 1, &end, 10) : 256;
    name.worth = (uint8_t)worth;
    /* Whatever else these functions take for a number is not how we write it. */
    if (worth > 255 || name.life == 0 || name.number <= 0 || strcmp(sample_name_print(&name, again), text) != 0)
        return false;
    *result = name;
    return true;
}

static const char *path_of(const char *folder, const struct sample_name *name, char result[PATH_MOST])
{
    char text[SAMPLE_NAME_TEXT];
    snprintf(result, PATH_MOST, "%s/%s", folder, sample_name_print(name, text));
    return result;
}

/* --- the folder ----------------------------------------------------------------------------------------------------
 */

int samples_folder_make(const char *folder, struct error *error)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return error_set(error, errno, "cannot make %s: %s", folder, strerror(errno));
    return 0;
}

static void clear_half(const char *folder, const char *name)
{
    char path[PATH_MOST];
    size_t length = strlen(name), end = strlen(HALF);
    if (length <= end || strcmp(name + length - end, HALF) != 0)
        return;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) < sizeof path)
        unlink(path);
}

int samples_folder_list(const char *folder,
                        void (*each)(void *context, const struct sample_name *, uint64_t bytes, moment written),
                        void *context, struct error *error)
{
    CLEANUP(close_folder) DIR *opened = opendir(folder);
    if (!opened)
        return error_set(error, errno, "cannot read %s: %s", folder, strerror(errno));
    for (const struct dirent *entry; (entry = readdir(opened));) {
        struct sample_name name;
        struct stat status;
        if (!sample_name_read(entry->d_name, &name))
            clear_half(folder, entry->d_name);
        else if (fstatat(dirfd(opened), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode))
            each(context, &name, (uint64_t)status.st_size,
                 (moment)status.st_mtim.tv_sec * SECOND + status.st_mtim.tv_nsec);
    }
    return 0;
}

/* --- files ---------------------------------------------------------------------------------------------------------
 */

static int write_all(int file, struct text bytes)
{
    for (size_t done = 0; done < bytes.length;) {
        ssize_t written = write(file, bytes.bytes + done, bytes.length - done);
        if (written <= 0)
            return written < 0 ? errno : ENOSPC;
        done += (size_t)written;
    }
    return 0;
}

int samples_folder_write(const char *folder, const struct sample_name *name, struct text bytes, struct error *error)
{
    char path[PATH_MOST], half[PATH_MOST + sizeof HALF];
    path_of(folder, name, path);
    snprintf(half, sizeof half, "%s" HALF, path);
    int file = open(half, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int code = file < 0 ? errno : write_all(file, bytes);
    if (file >= 0 && close(file) != 0 && code == 0)
        code = errno;
    if (code == 0 && rename(half, path) != 0)
        code = errno;
    if (code == 0)
        return 0;
    unlink(half);
    return error_set(error, code, "cannot write %s: %s", path, strerror(code));
}

static int sync_path(const char *path, int flags, struct error *error)
{
    CLEANUP(close_descriptor) int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags);
    if (file < 0 || fsync(file) != 0)
        return error_set(error, errno, "cannot bring %s to the disk: %s", path, strerror(errno));
    return 0;
}

int samples_folder_sync(const char *folder, const struct sample_name *names, uint32_t count, struct error *error)
{
    char path[PATH_MOST];
    int code = 0;
    for (uint32_t i = 0; i < count && code == 0; i++)
        code = sync_path(path_of(folder, &names[i], path), 0, error);
    return code < 0 ? code : sync_path(folder, O_DIRECTORY, error);
}

int samples_folder_read(const char *folder, const struct sample_name *name, struct buffer *out, struct error *error)
{
    char path[PATH_MOST];
    struct stat status;
    CLEANUP(close_descriptor) int file = open(path_of(folder, name, path), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0)
        return error_set(error, errno, "cannot read %s: %s", path, strerror(errno));
    size_t size = (size_t)status.st_size;
    if (size == 0 || !buffer_reserve(out, size))
        return error_set(error, size ? EFBIG : ENODATA, "cannot read %s: it has %zu bytes", path, size);
    for (size_t done = 0; done < size;) {
        ssize_t got = read(file, out->bytes + out->length, size - done);
        if (got <= 0)
            return error_set(error, EIO, "cannot read %s: %s", path, got < 0 ? strerror(errno) : "it ends early");
        out->length += (size_t)got;
        done += (size_t)got;
    }
    return 0;
}

void samples_folder_drop(const char *folder, const struct sample_name *name)
{
    char path[PATH_MOST];
    unlink(path_of(folder, name, path));
}

/* --- aside ---------------------------------------------------------------------------------------------------------
 */

struct oldest {
    struct sample_name name;
    moment written;
    uint32_t count;
};

static void look_for_oldest(void *context, const struct sample_name *name, uint64_t bytes, moment written)
{
    struct oldest *oldest = context;
    (void)bytes;
    if (oldest->count++ == 0 || written < oldest->written) {
        oldest->name = *name;
        oldest->written = written;
    }
}

int samples_folder_put_aside(const char *folder, const struct sample_name *name, struct error *error)
{
    char from[PATH_MOST], to[PATH_MOST], aside[PATH_MOST - SAMPLE_NAME_TEXT - 1];
    struct oldest oldest = {.count = 0};
    snprintf(aside, sizeof aside, "%s/" ASIDE, folder);
    int code = samples_folder_make(aside, error);
    if (code == 0)
        code = samples_folder_list(aside, look_for_oldest, &oldest, error);
    if (code < 0)
        return code;
    if (oldest.count >= SAMPLES_ASIDE_MOST)
        samples_folder_drop(aside, &oldest.name);
    if (rename(path_of(folder, name, from), path_of(aside, name, to)) != 0)
        return error_set(error, errno, "cannot set %s aside: %s", from, strerror(errno));
    return 0;
}
