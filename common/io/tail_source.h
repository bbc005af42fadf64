/* One name that is followed, the files that stand under it and beside it, and the news of them. Used by tail_find
 * alone. */
#ifndef COMMON_IO_TAIL_SOURCE_H
#define COMMON_IO_TAIL_SOURCE_H

#include "common/error.h"
#include "common/io/tail_find.h"
#include "common/io/tail_folder.h"
#include "common/io/tail_pattern.h"

enum { TAIL_FOLDERS_MOST = 256 };

struct tail_file_key {
    uint64_t device, inode;
    moment born, changed;
};

struct tail_known {
    struct tail_file_key key;
    bool here;
};

struct tail_source {
    char path[TAIL_NAME];
    const char *base;
    struct tail_folder *folder;
    bool by_glob, has_live, checked;
    struct tail_file_key live;
    struct tail_known *known;
    size_t known_count, known_room;
    char trouble[240]; /* what was said last */
};

struct tail_find {
    struct tail_pattern *patterns;
    size_t pattern_count;
    struct tail_folder *folders[TAIL_FOLDERS_MOST];
    size_t folder_count;
    struct tail_source **sources;
    size_t source_count, sources_most;
    struct tail_folder *current; /* whose sources are being looked at */
    struct tail_found *news;
    size_t news_count, news_room, news_at;
    moment since, patterns_read;
    int inotify;
    bool ready;
    struct tail_find_counters counters;
};

/* One more piece of news, to be filled in. `source`: a path, NULL for none. */
struct tail_found *tail_source_tell(struct tail_find *, enum tail_news, const char *source);

/* Say it once: `said` keeps the sentence until it changes. */
void tail_source_say(struct tail_find *, char said[static 240], const char *source, const char *sentence);

/* NULL: no source has that name in that folder. */
struct tail_source *tail_source_find(const struct tail_find *, const struct tail_folder *, const char *name);

/* See what stands under its name and beside it, and hand out what is new. */
void tail_source_look_at(struct tail_find *, struct tail_source *);

void tail_source_destroy(struct tail_source *);

#endif
