/* A folder whose names tail_find wants to know: listed whole, watched where the kernel can. */
#ifndef COMMON_IO_TAIL_FOLDER_H
#define COMMON_IO_TAIL_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/buffer.h"
#include "common/error.h"
#include "common/io/tail.h"

/* At most so many bytes of names, each with its NUL: some two hundred thousand files. */
#define TAIL_FOLDER_NAMES (UINT32_C(4) * 1024 * 1024)

struct tail_folder {
    char path[TAIL_NAME];
    int descriptor; /* open after a listing; -1: not there */
    int watch;      /* inotify's; -1: none */
    uint64_t device, inode;
    struct buffer names; /* of the last listing, each ended by NUL */
    bool due;            /* something happened: list it */
    bool cut;            /* there were more names than fit */
    bool wanted;         /* a pattern leads here */
    moment listed;
    char trouble[240]; /* what was said of it */
};

void tail_folder_init(struct tail_folder *, const char *path);
void tail_folder_clear(struct tail_folder *, int inotify);

/* Open the folder that stands at the path now, watch it (`inotify`: -1 for not at all) and read its names. On failure
 * it has no names. */
int tail_folder_list(struct tail_folder *, int inotify, struct error *) MUST_CHECK;

/* The name behind `name` (NULL: the first); NULL behind the last. */
const char *tail_folder_next(const struct tail_folder *, const char *name);

#endif
