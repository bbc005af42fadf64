#include "common/io/tail_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WATCHED = IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
              IN_ONLYDIR | IN_EXCL_UNLINK
};

void tail_folder_init(struct tail_folder *folder, const char *path)
{
    *folder = (struct tail_folder){.descriptor = -1, .watch = -1, .due = true};
    strncpy(folder->path, path, sizeof folder->path - 1);
    buffer_init(&folder->names, TAIL_FOLDER_NAMES);
}

static void forget(struct tail_folder *folder, int inotify)
{
    if (folder->watch >= 0)
        inotify_rm_watch(inotify, folder->watch);
    if (folder->descriptor >= 0)
        close(folder->descriptor);
    folder->watch = folder->descriptor = -1;
}

void tail_folder_clear(struct tail_folder *folder, int inotify)
{
    forget(folder, inotify);
    buffer_clear(&folder->names);
}

/* The path may lead to another folder than before; descriptor and watch belong to the old one. */
static int open_folder(struct tail_folder *folder, int inotify, struct error *error)
{
    struct stat status;
    if (stat(folder->path, &status) < 0) {
        int code = errno;
        forget(folder, inotify);
        return error_set(error, code, "cannot list %s: %s", folder->path, strerror(code));
    }
    if (folder->descriptor >= 0 && (status.st_dev != folder->device || status.st_ino != folder->inode))
        forget(folder, inotify);
    if (folder->descriptor < 0) {
        folder->descriptor = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder->descriptor < 0 || fstat(folder->descriptor, &status) < 0) {
            int code = errno;
            forget(folder, inotify);
            return error_set(error, code, "cannot list %s: %s", folder->path, strerror(code));
        }
        folder->device = status.st_dev;
        folder->inode = status.st_ino;
    }
    /* By its number the watch is on the folder that was opened, whatever the path leads to by now. */
    if (folder->watch < 0 && inotify >= 0) {
        char self[40];
        snprintf(self, sizeof self, "/proc/self/fd/%d", folder->descriptor);
        folder->watch = inotify_add_watch(inotify, self, WATCHED);
        if (folder->watch < 0 && errno == ENOENT)
            folder->watch = inotify_add_watch(inotify, folder->path, WATCHED);
    }
    return 0;
}

int tail_folder_list(struct tail_folder *folder, int inotify, struct error *error)
{
    folder->names.length = 0;
    folder->cut = false;
    int status = open_folder(folder, inotify, error);
    if (status < 0)
        return status;
    int copy = openat(folder->descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);
    if (!list) {
        int code = errno;
        if (copy >= 0)
            close(copy);
        return error_set(error, code, "cannot list %s: %s", folder->path, strerror(code));
    }
    for (const struct dirent *entry; (entry = readdir(list)) != NULL;) {
        struct text name = {entry->d_name, strlen(entry->d_name) + 1};
        if (!buffer_append(&folder->names, name)) {
            folder->cut = true;
            break;
        }
    }
    closedir(list);
    return 0;
}

const char *tail_folder_next(const struct tail_folder *folder, const char *name)
{
    const char *end = folder->names.bytes + folder->names.length;
    const char *next = name ? name + strlen(name) + 1 : folder->names.bytes;
    return folder->names.length == 0 || next >= end ? NULL : next;
}
