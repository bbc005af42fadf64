#include "common/io/tail_find.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io/tail_folder.h"
#include "common/io/tail_name.h"
#include "common/io/tail_open.h"
#include "common/io/tail_pattern.h"

enum {
    SOURCES_PRESET = 256,
    SIBLINGS_MOST = 1024, /* rotated files of one source that are remembered */
    FRESH_MOST = 32,      /* and that are handed out at once */
    FOLDERS_MOST = 256,
    LISTINGS_AGAIN = 4,
};
#define WATCHED_LISTING   (5 * SECOND)
#define UNWATCHED_LISTING SECOND
#define MTIME_SLACK       (2 * SECOND) /* packers may keep whole seconds only */

struct file_key {
    uint64_t device, inode;
    moment born, changed;
};

struct known {
    struct file_key key;
    bool here;
};

struct source {
    char path[TAIL_NAME];
    const char *base;
    struct tail_folder *folder;
    bool by_glob, has_live, checked;
    struct file_key live;
    struct known *known;
    size_t known_count, known_room;
    char trouble[240]; /* what was said last */
};

struct tail_find {
    struct tail_pattern *patterns;
    size_t pattern_count;
    struct tail_folder *folders[FOLDERS_MOST];
    size_t folder_count;
    struct source **sources;
    size_t source_count, sources_most;
    struct tail_folder *current; /* whose sources are being looked at */
    struct tail_found *news;
    size_t news_count, news_room, news_at;
    moment since, patterns_read;
    int inotify;
    bool ready;
    struct tail_find_counters counters;
};

static struct tail_found *add_news(struct tail_find *find, enum tail_news news, const char *source)
{
    if (find->news_count == find->news_room) {
        size_t room = find->news_room ? find->news_room * 2 : 8;
        struct tail_found *more = realloc(find->news, room * sizeof *more);
        if (!more)
            abort(); /* a piece of news that is left out is a lost file */
        find->news = more;
        find->news_room = room;
    }
    struct tail_found *found = &find->news[find->news_count++];
    *found = (struct tail_found){.news = news, .descriptor = -1, .initial = !find->ready};
    if (source)
        memcpy(found->source, source, strlen(source) + 1);
    return found;
}

/* Say it once: `said` keeps the sentence until it changes. */
static void say(struct tail_find *find, char said[static 240], const char *source, const char *sentence)
{
    if (strcmp(said, sentence) == 0)
        return;
    snprintf(said, 240, "%s", sentence);
    if (*sentence)
        snprintf(add_news(find, TAIL_TROUBLE, source)->sentence, 240, "%s", sentence);
}

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

static void destroy_source(struct source *source)
{
    free(source->known);
    free(source);
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
        destroy_source(find->sources[i]);
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
    if (find->folder_count < FOLDERS_MOST && strlen(path) < TAIL_NAME)
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

static struct source *find_source(const struct tail_find *find, const struct tail_folder *folder, const char *name)
{
    for (size_t i = 0; i < find->source_count; i++)
        if (find->sources[i]->folder == folder && strcmp(find->sources[i]->base, name) == 0)
            return find->sources[i];
    return NULL;
}

static void add_source(struct tail_find *find, struct tail_folder *folder, const char *name, bool by_glob)
{
    struct source *source = find->source_count < find->sources_most ? calloc(1, sizeof *source) : NULL;
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
        struct source *source = find->sources[i];
        if (source->folder == folder && source->by_glob && source->checked && !source->has_live &&
            source->known_count == 0)
            destroy_source(source);
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
            strcmp(find->patterns[i].folder, folder->path) == 0 && !find_source(find, folder, find->patterns[i].base))
            add_source(find, folder, find->patterns[i].base, false);
    for (const char *name = NULL; (name = tail_folder_next(folder, name)) != NULL;)
        if (pattern_of(find, folder, name) && !find_source(find, folder, name))
            add_source(find, folder, name, true);
    if (find->counters.refused_sources > refused)
        error_set(&error, E2BIG, "%s: there are more than %zu log files; the rest is not followed", folder->path,
                  find->sources_most);
    find->counters.refused_sources -= refused;
    say(find, folder->trouble, folder->path, error.text);
    for (size_t i = 0; i < find->source_count; i++)
        if (find->sources[i]->folder == folder)
            find->sources[i]->checked = false;
}

static moment moment_of(struct statx_timestamp time)
{
    return time.tv_sec * SECOND + time.tv_nsec;
}

/* False: it is not there. Of a link: what it leads to, if `follow`. */
static bool look(const struct source *source, const char *name, bool follow, struct file_key *key, bool *regular)
{
    struct statx status;
    if (source->folder->descriptor < 0 || statx(source->folder->descriptor, name, follow ? 0 : AT_SYMLINK_NOFOLLOW,
                                                STATX_BASIC_STATS | STATX_BTIME, &status) < 0)
        return false;
    *regular = S_ISREG(status.stx_mode);
    *key = (struct file_key){
        .device = makedev(status.stx_dev_major, status.stx_dev_minor),
        .inode = status.stx_ino,
        .born = status.stx_mask & STATX_BTIME ? moment_of(status.stx_btime) : 0,
        .changed = moment_of(status.stx_mtime),
    };
    return true;
}

static bool same_file(const struct file_key *a, const struct file_key *b)
{
    return a->device == b->device && a->inode == b->inode && a->born == b->born;
}

static struct known *find_known(struct source *source, const struct file_key *key)
{
    for (size_t i = 0; i < source->known_count; i++)
        if (same_file(&source->known[i].key, key))
            return &source->known[i];
    return NULL;
}

static void add_known(struct source *source, const struct file_key *key)
{
    struct known *known = find_known(source, key);
    if (known) {
        *known = (struct known){*key, true};
        return;
    }
    if (source->known_count == source->known_room) {
        size_t room = source->known_room ? source->known_room * 2 : 8;
        struct known *more = room <= SIBLINGS_MOST ? realloc(source->known, room * sizeof *more) : NULL;
        if (!more)
            return; /* it is handed out once more with the next listing, and known to who reads it */
        source->known = more;
        source->known_room = room;
    }
    source->known[source->known_count++] = (struct known){*key, true};
}

static void hand_out(struct tail_find *find, const struct source *source, enum tail_news news, int descriptor,
                     const struct file_key *key)
{
    struct tail_found *found = add_news(find, news, source->path);
    found->descriptor = descriptor;
    found->device = key->device;
    found->inode = key->inode;
    found->born = key->born;
    found->changed = key->changed;
}

/* Open and hand out. What the name bears may have changed since it was looked at: then its folder is listed again. */
static bool open_and_hand_out(struct tail_find *find, struct source *source, const char *name, enum tail_news news,
                              const struct file_key *key)
{
    struct error error = {.code = 0}, whole = {.code = 0};
    struct stat status;
    int descriptor = tail_open(source->folder->descriptor, name, &status, &error);
    if (descriptor >= 0 && (status.st_ino != key->inode || status.st_dev != key->device)) {
        close(descriptor);
        descriptor = -EAGAIN;
    }
    if (descriptor >= 0) {
        hand_out(find, source, news, descriptor, key);
        return true;
    }
    if (descriptor == -EAGAIN || descriptor == -ENOENT)
        source->folder->due = true;
    else if (descriptor == -EMFILE || descriptor == -ENFILE)
        find->counters.refused_sources++;
    if (descriptor != -EAGAIN && descriptor != -ENOENT) {
        error_set(&whole, error.code, "%s: %s", source->path, error.text);
        say(find, source->trouble, source->path, whole.text);
    }
    return false;
}

struct fresh {
    const char *name;
    struct file_key key;
};

static int older_first(const void *a, const void *b)
{
    const struct fresh *x = a, *y = b;
    return (x->key.changed > y->key.changed) - (x->key.changed < y->key.changed);
}

static struct fresh *newest(struct fresh fresh[static FRESH_MOST])
{
    struct fresh *last = fresh;
    for (size_t i = 1; i < FRESH_MOST; i++)
        if (fresh[i].key.changed > last->key.changed)
            last = &fresh[i];
    return last;
}

/* The rotated files that are not known yet, or were written to since, the older first: a program that was not told of
 * the rotation goes on writing to the old file. Those beyond FRESH_MOST wait for the next listing. False: not all could
 * be opened. */
static bool look_at_siblings(struct tail_find *find, struct source *source)
{
    struct fresh fresh[FRESH_MOST];
    size_t count = 0;
    bool readable = true, more = false;
    for (const char *name = NULL; (name = tail_folder_next(source->folder, name)) != NULL;) {
        struct file_key key;
        bool regular;
        if (!tail_name_is_sibling(name, source->base) || find_source(find, source->folder, name) ||
            !look(source, name, false, &key, &regular) || !regular)
            continue;
        struct known *known = find_known(source, &key);
        if (known && key.changed <= known->key.changed) {
            known->here = true;
            continue;
        }
        if (key.changed < find->since - MTIME_SLACK || (source->has_live && same_file(&key, &source->live)))
            continue;
        if (count < FRESH_MOST) {
            fresh[count++] = (struct fresh){name, key};
            continue;
        }
        struct fresh *last = newest(fresh);
        if (last->key.changed > key.changed)
            *last = (struct fresh){name, key};
        more = true;
    }
    qsort(fresh, count, sizeof *fresh, older_first);
    for (size_t i = 0; i < count; i++) {
        bool opened = open_and_hand_out(find, source, fresh[i].name, TAIL_SIBLING, &fresh[i].key);
        if (opened)
            add_known(source, &fresh[i].key);
        source->folder->due |= opened && more;
        readable &= opened;
    }
    return readable;
}

static void look_at(struct tail_find *find, struct source *source)
{
    source->checked = true;
    for (size_t i = 0; i < source->known_count; i++)
        source->known[i].here = false;
    bool readable = look_at_siblings(find, source);

    struct file_key key;
    bool regular, there = look(source, source->base, true, &key, &regular);
    bool same = there && source->has_live && same_file(&key, &source->live);
    if (source->has_live && !same) {
        hand_out(find, source, TAIL_GONE, -1, &source->live);
        add_known(source, &source->live); /* it may stand beside now, and was handed out */
        source->has_live = false;
    }
    if (there && !same) {
        source->has_live = open_and_hand_out(find, source, source->base, TAIL_LIVE, &key);
        source->live = key;
    }
    if (source->has_live && readable)
        source->trouble[0] = '\0';
    size_t kept = 0;
    for (size_t i = 0; i < source->known_count; i++)
        if (source->known[i].here)
            source->known[kept++] = source->known[i];
    source->known_count = kept;
}

/* ---- news ---- */

static struct source *unchecked_source(const struct tail_find *find)
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
    struct source *source = unchecked_source(find);
    if (source) {
        look_at(find, source);
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
        add_news(find, TAIL_READY, NULL);
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
