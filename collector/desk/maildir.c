/* See maildir.h. */
#include "collector/desk/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "common/io/file.h"

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int move(const char *folder, const char *from, const char *name, struct error *error)
{
    char to[PATH_MAX];
    int length = snprintf(to, sizeof to, "%s/cur/%s%s", folder, name, strstr(name, ":2,") ? "" : ":2,S");
    if (length < 0 || (size_t)length >= sizeof to || rename(from, to) != 0)
        return error_set(error, errno, "cannot move %s to cur: %s", from, strerror(errno));
    return 0;
}

/* 1: taken; 0: it is no file, or another program took it meanwhile. */
static int take(const char *folder, const char *name, const struct taker *taker, struct error *error)
{
    char path[PATH_MAX];
    struct stat state;
    char *bytes = NULL;
    size_t length = 0;
    int named = snprintf(path, sizeof path, "%s/new/%s", folder, name);
    if (named < 0 || (size_t)named >= sizeof path || lstat(path, &state) != 0 || !S_ISREG(state.st_mode))
        return 0;
    int status = file_read(path, BROUGHT_MOST, &bytes, &length, error);
    if (status < 0)
        return status == -EFBIG    ? error_set(error, EMSGSIZE, "%s is longer than %zu bytes", path, BROUGHT_MOST)
               : status == -ENOENT ? 0
                                   : status;
    const struct brought brought = {.content = {bytes, length}};
    status = taker->take(taker->context, &brought, error);
    free(bytes);
    if (status == 0)
        status = move(folder, path, name, error);
    return status < 0 ? status : 1;
}

int maildir_read(const char *folder, int most, const struct taker *taker, struct error *error)
{
    char path[PATH_MAX];
    struct dirent **entries;
    struct error too_long = {0};
    int taken = 0, status = 0;
    snprintf(path, sizeof path, "%s/new", folder);
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0)
        return error_set(error, errno, "cannot read %s: %s", path, strerror(errno));
    for (int i = 0; i < count && taken < most && (status >= 0 || status == -EMSGSIZE); i++) {
        status = take(folder, entries[i]->d_name, taker, error);
        taken += status == 1;
        if (status == -EMSGSIZE)
            too_long = *error;
    }
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    if (status < 0 && status != -EMSGSIZE)
        return status;
    return too_long.code ? error_set(error, EMSGSIZE, "%s", too_long.text) : taken;
}
