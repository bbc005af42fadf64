#include "common/io/tail_find.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io/tail_name.h"
#include "common/io/tail_pattern.h"
#include "common/io/tail_source.h"

enum {
    SOURCES_PRESET = 256,
    LISTINGS_AGAIN = 4,
};
#define WATCHED_LISTING   (5 * SECOND)
#define UNWATCHED_LISTING SECOND

int tail_find_create(const struct tail_find_settings *settings, struct tail_find **result, struct error *error)
{
    CLEANUP(tail_find_destroy) struct tail_find *find = calloc(1, sizeof *find);
    size_t count = 0;
    while (settings->patterns[count])
        count++;
    if (!find)
        return error_set(error, ENOMEM, "out of memory");
    find->inotify = -1;
    find->since = settings->since;
    find->sources_most = settings->sources ? settings->sources : SOURCES_PRESET;
    find->patterns = calloc(count + 1, sizeof *find->patterns);
    find->sources = calloc(find->sources_most, sizeof *find->sources);
    if (!find->patterns || !find->sources)
        return error_set(error, ENOMEM, "out of memory");
    for (; find->pattern_count < count; find->pattern_count++) {
        int status =
            tail_pattern_read(settings->patterns[find->pattern_count], &find->patterns[find->pattern_count], error);
        if (status < 0)
            return status;
    }
    find->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC); /* without one, all is polled */
    *result = TAKE(find);
    return 0;
}

void tail_find_destroy(struct tail_find **pointer)
{
    struct tail_find *find = *pointer;
    if (!find)
        return;
    for (; find->news_at < find->news_count; find->news_at++)
        if (find->news[find->news_at].descriptor >= 0)
            close(find->news[find->news_at].descriptor);
    for (size_t i = 0; i < find->source_count; i++)
        tail_source_destroy(find->sources[i]);
    for (size_t i = 0; i < find->folder_count; i++) {
        tail_folder_clear(find->folders[i], find->inotify);
        free(find->folders[i]);
    }
    if (find->inotify >= 0)
        close(find->inotify);
    free(find->news);
    free(find->sources);
    free(find->patterns);
    free(find);
    *pointer = NULL;
}

int tail_find_descriptor(const struct tail_find *find)
{
    return find->inotify;
}

struct tail_find_counters tail_find_counters(const struct tail_find *find)
{
    struct tail_find_counters counters = find->counters;
    counters.sources = find->source_count;
    counters.unreadable = counters.unwatched_folders = 0;
    for (size_t i = 0; i < find->source_count; i++)
        counters.unreadable += find->sources[i]->trouble[0] != '\0' && !find->sources[i]->has_live;
    for (size_t i = 0; i < find->folder_count; i++)
        counters.unwatched_folders += find->folders[i]->watch < 0;
    return counters;
}

/* ---- folders ---- */

static void want_folder(struct tail_find *find, const char *path)
{
    for (size_t i = 0; i < find->folder_count; i++)
        if (strcmp(find->folders[i]->path, path) == 0) {
            find->folders[i]->wanted = true;
            return;
        }
    struct tail_folder *folder = NULL;
    if (find->folder_count < TAIL_FOLDERS_MOST && strlen(path) < TAIL_NAME)
        folder = malloc(sizeof *folder);
    if (!folder) {
        find->counters.refused_sources++;
        return;
    }
    tail_folder_init(folder, path);
    folder->wanted = true;
    find->folders[find->folder_count++] = folder;
}

/* Which folders the patterns lead to now. */
static void read_patterns(struct tail_find *find, moment now)
{
    find->patterns_read = now;
    for (size_t i = 0; i < find->folder_count; i++)
        find->folders[i]->wanted = false;
    for (size_t i = 0; i < find->pattern_count; i++) {
        const struct tail_pattern *pattern = &find->patterns[i];
        glob_t found = {.gl_pathc = 0};
        if (!pattern->folder_is_glob)
            want_folder(find, pattern->folder);
        else if (glob(pattern->folder, GLOB_NOSORT, NULL, &found) == 0)
            for (size_t k = 0; k < found.gl_pathc; k++)
                want_folder(find, found.gl_pathv[k]);
        globfree(&found);
    }
    /* One that is gone is listed once more: that says that its files are gone. */
    for (size_t i = 0; i < find->folder_count; i++)
        find->folders[i]->due |= !find->folders[i]->wanted;
}

/* The pattern that takes in a name in a folder; NULL: none does. */
static const struct tail_pattern *pattern_of(const struct tail_find *find, const struct tail_folder *folder,
                                             const char *name)
{
    for (size_t i = 0; i < find->pattern_count; i++)
        if (tail_pattern_takes(&find->patterns[i], folder->path, name))
            return &find->patterns[i];
    return NULL;
}

static bool is_of_interest(const struct tail_find *find, const struct tail_folder *folder, const char *name)
{
    for (size_t i = 0; i < find->source_count; i++)
        if (find->sources[i]->folder == folder && tail_name_is_sibling(name, find->sources[i]->base))
            return true;
    return pattern_of(find, folder, name) != NULL;
}

static void hear(struct tail_find *find, const struct inotify_event *event)
{
    for (size_t i = 0; i < find->folder_count; i++) {
        struct tail_folder *folder = find->folders[i];
        if (event->mask & IN_Q_OVERFLOW)
            folder->due = true;
        if (folder->watch != event->wd)
            continue;
        if (event->mask & IN_IGNORED)
            folder->watch = -1;
        folder->due |= event->len == 0 || is_of_interest(find, folder, event->name);
    }
}

static void hear_all(struct tail_find *find)
{
    char room[16 * 1024] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t got;
    while (find->inotify >= 0 && (got = read(find->inotify, room, sizeof room)) > 0)
        for (char *at = room; at < room + got; at += sizeof(struct inotify_event) + ((struct inotify_event *)at)->len)
            hear(find, (const struct inotify_event *)at);
}

/* ---- sources ---- */

static void add_source(struct tail_find *find, struct tail_folder *folder, const char *name, bool by_glob)
{
    struct tail_source *source = find->source_count < find->sources_most ? calloc(1, sizeof *source) : NULL;
    int length = -1;
    if (source && !strpbrk(name, "\n\r"))
        length = snprintf(source->path, sizeof source->path, "%s/%s", folder->path[1] ? folder->path : "", name);
    if (length < 0 || (size_t)length >= sizeof source->path) {
        find->counters.refused_sources++;
        free(source);
        return;
    }
    source->base = strrchr(source->path, '/') + 1;
    source->folder = folder;
    source->by_glob = by_glob;
    find->sources[find->source_count++] = source;
}

static void drop_empty_sources(struct tail_find *find, const struct tail_folder *folder)
{
    size_t kept = 0;
    for (size_t i = 0; i < find->source_count; i++) {
        struct tail_source *source = find->sources[i];
        if (source->folder == folder && source->by_glob && source->checked && !source->has_live &&
            source->known_count == 0)
            tail_source_destroy(source);
        else
            find->sources[kept++] = source;
    }
    find->source_count = kept;
}

/* Read the names of a folder until nothing happened meanwhile, and make sources of those that a pattern takes in. */
static void list_folder(struct tail_find *find, struct tail_folder *folder, moment now)
{
    struct error error = {.code = 0};
    uint64_t refused = find->counters.refused_sources;
    for (int again = 0; again < LISTINGS_AGAIN && (again == 0 || folder->due); again++) {
        folder->due = false;
        find->counters.listings++;
        error.text[0] = '\0';
        if (tail_folder_list(folder, find->inotify, &error) < 0)
            break;
        hear_all(find);
    }
    folder->listed = now;
    if (folder->cut)
        error_set(&error, E2BIG, "%s: too many files, some are left out", folder->path);
    drop_empty_sources(find, folder);
    for (size_t i = 0; i < find->pattern_count; i++)
        if (!find->patterns[i].base_is_glob && !find->patterns[i].folder_is_glob &&
            strcmp(find->patterns[i].folder, folder->path) == 0 &&
            !tail_source_find(find, folder, find->patterns[i].base))
            add_source(find, folder, find->patterns[i].base, false);
    for (const char *name = NULL; (name = tail_folder_next(folder, name)) != NULL;)
        if (pattern_of(find, folder, name) && !tail_source_find(find, folder, name))
            add_source(find, folder, name, true);
    if (find->counters.refused_sources > refused)
        error_set(&error, E2BIG, "%s: there are more than %zu log files; the rest is not followed", folder->path,
                  find->sources_most);
    find->counters.refused_sources -= refused;
    tail_source_say(find, folder->trouble, folder->path, error.text);
    for (size_t i = 0; i < find->source_count; i++)
        if (find->sources[i]->folder == folder)
            find->sources[i]->checked = false;
}

/* ---- news ---- */

static struct tail_source *unchecked_source(const struct tail_find *find)
{
    for (size_t i = 0; find->current && i < find->source_count; i++)
        if (find->sources[i]->folder == find->current && !find->sources[i]->checked)
            return find->sources[i];
    return NULL;
}

static void drop_unwanted_folders(struct tail_find *find)
{
    size_t kept = 0;
    for (size_t i = 0; i < find->folder_count; i++) {
        struct tail_folder *folder = find->folders[i];
        bool used = folder->wanted;
        for (size_t k = 0; !used && k < find->source_count; k++)
            used = find->sources[k]->folder == folder;
        if (used) {
            find->folders[kept++] = folder;
            continue;
        }
        if (find->current == folder)
            find->current = NULL;
        tail_folder_clear(folder, find->inotify);
        free(folder);
    }
    find->folder_count = kept;
}

static struct tail_folder *due_folder(struct tail_find *find, moment now)
{
    for (size_t i = 0; i < find->folder_count; i++) {
        struct tail_folder *folder = find->folders[i];
        duration pause = folder->watch < 0 ? UNWATCHED_LISTING : WATCHED_LISTING;
        if (folder->due || now < folder->listed || now - folder->listed >= pause)
            return folder;
    }
    return NULL;
}

/* One step towards news: false when there is nothing to do now. */
static bool look_further(struct tail_find *find, moment now)
{
    struct tail_source *source = unchecked_source(find);
    if (source) {
        tail_source_look_at(find, source);
        return true;
    }
    hear_all(find);
    if (now < find->patterns_read || now - find->patterns_read >= UNWATCHED_LISTING || find->patterns_read == 0) {
        drop_unwanted_folders(find);
        read_patterns(find, now);
    }
    find->current = due_folder(find, now);
    if (find->current) {
        list_folder(find, find->current, now);
        return true;
    }
    if (!find->ready) {
        tail_source_tell(find, TAIL_READY, NULL);
        find->ready = true;
        return true;
    }
    return false;
}

bool tail_find_next(struct tail_find *find, moment now, struct tail_found *result)
{
    /* A folder in which something happens all the time must not keep the caller here. */
    enum { STEPS = 4 * SOURCES_PRESET };
    for (int step = 0; find->news_at == find->news_count; step++) {
        find->news_at = find->news_count = 0;
        if (step == STEPS || !look_further(find, now))
            return false;
    }
    *result = find->news[find->news_at++];
    return true;
}
