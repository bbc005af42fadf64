/* The half of tail that has paths: which files are there, under which names, and a descriptor of each. See tail.h.
 *
 * The folders of all patterns are watched by inotify and listed anew when a name of interest changes; besides, all are
 * listed every few seconds, and every second where the kernel gives no watch. Writing is not watched: at twenty
 * thousand lines a second it would be as many wake-ups, while tail_read asks each file for its size in a microsecond.
 *
 * A listing that runs while files are renamed may miss one. So it is done again until nothing happened meanwhile (a few
 * times at most), and what it missed is found by the next.
 *
 * Memory and descriptors are bounded: SOURCES_MOST sources, SIBLINGS_MOST rotated files of each that are remembered;
 * what is beyond is counted and said once. */
#ifndef COMMON_IO_TAIL_FIND_H
#define COMMON_IO_TAIL_FIND_H

#include <stddef.h>
#include "common/error.h"
#include "common/io/tail.h"

struct tail_find_settings {
    const char *const *patterns; /* absolute paths, also with * ? [] in any part; ended by NULL; copied */
    moment since;                /* rotated files last written to before it are not handed out: tail_read_since() */
    uint32_t sources;            /* at most so many are followed; 0: 256 */
};

struct tail_find_counters {
    uint64_t sources, refused_sources; /* followed now; beyond the bound, in the last listing */
    uint64_t unreadable;               /* names that cannot be opened, in the last listing */
    uint64_t unwatched_folders;        /* without inotify: polled */
    uint64_t listings;
};

struct tail_find;

int tail_find_create(const struct tail_find_settings *, struct tail_find **result, struct error *) MUST_CHECK;
void tail_find_destroy(struct tail_find **);

/* Becomes readable when tail_find_next has something to do. It wants to be called once a second besides. */
int tail_find_descriptor(const struct tail_find *);

/* The next piece of news; false: none now. `now` need only go on; it decides when folders are listed without cause. The
 * caller owns `result->descriptor`. Siblings come before the file that stands under the name, the older first. */
bool tail_find_next(struct tail_find *, moment now, struct tail_found *result);

struct tail_find_counters tail_find_counters(const struct tail_find *);

#endif
