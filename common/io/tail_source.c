#include "common/io/tail_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "common/io/tail_name.h"
#include "common/io/tail_open.h"

enum {
    SIBLINGS_MOST = 1024, /* rotated files of one source that are remembered */
    FRESH_MOST = 32,      /* and that are handed out at once */
};
#define MTIME_SLACK (2 * SECOND) /* packers may keep whole seconds only */

struct tail_found *tail_source_tell(struct tail_find *find, enum tail_news news, const char *source)
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

void tail_source_say(struct tail_find *find, char said[static 240], const char *source, const char *sentence)
{
    if (strcmp(said, sentence) == 0)
        return;
    snprintf(said, 240, "%s", sentence);
    if (*sentence)
        snprintf(tail_source_tell(find, TAIL_TROUBLE, source)->sentence, 240, "%s", sentence);
}

void tail_source_destroy(struct tail_source *source)
{
    free(source->known);
    free(source);
}

struct tail_source *tail_source_find(const struct tail_find *find, const struct tail_folder *folder, const char *name)
{
    for (size_t i = 0; i < find->source_count; i++)
        if (find->sources[i]->folder == folder && strcmp(find->sources[i]->base, name) == 0)
            return find->sources[i];
    return NULL;
}

static moment moment_of(struct statx_timestamp time)
{
    return time.tv_sec * SECOND + time.tv_nsec;
}

/* False: it is not there. Of a link: what it leads to, if `follow`. */
static bool look(const struct tail_source *source, const char *name, bool follow, struct tail_file_key *key,
                 bool *regular)
{
    struct statx status;
    if (source->folder->descriptor < 0 || statx(source->folder->descriptor, name, follow ? 0 : AT_SYMLINK_NOFOLLOW,
                                                STATX_BASIC_STATS | STATX_BTIME, &status) < 0)
        return false;
    *regular = S_ISREG(status.stx_mode);
    *key = (struct tail_file_key){
        .device = makedev(status.stx_dev_major, status.stx_dev_minor),
        .inode = status.stx_ino,
        .born = status.stx_mask & STATX_BTIME ? moment_of(status.stx_btime) : 0,
        .changed = moment_of(status.stx_mtime),
    };
    return true;
}

static bool same_file(const struct tail_file_key *a, const struct tail_file_key *b)
{
    return a->device == b->device && a->inode == b->inode && a->born == b->born;
}

static struct tail_known *find_known(struct tail_source *source, const struct tail_file_key *key)
{
    for (size_t i = 0; i < source->known_count; i++)
        if (same_file(&source->known[i].key, key))
            return &source->known[i];
    return NULL;
}

static void add_known(struct tail_source *source, const struct tail_file_key *key)
{
    struct tail_known *known = find_known(source, key);
    if (known) {
        *known = (struct tail_known){*key, true};
        return;
    }
    if (source->known_count == source->known_room) {
        size_t room = source->known_room ? source->known_room * 2 : 8;
        struct tail_known *more = room <= SIBLINGS_MOST ? realloc(source->known, room * sizeof *more) : NULL;
        if (!more)
            return; /* it is handed out once more with the next listing, and known to who reads it */
        source->known = more;
        source->known_room = room;
    }
    source->known[source->known_count++] = (struct tail_known){*key, true};
}

static void hand_out(struct tail_find *find, const struct tail_source *source, enum tail_news news, int descriptor,
                     const struct tail_file_key *key)
{
    struct tail_found *found = tail_source_tell(find, news, source->path);
    found->descriptor = descriptor;
    found->device = key->device;
    found->inode = key->inode;
    found->born = key->born;
    found->changed = key->changed;
}

/* Open and hand out. What the name bears may have changed since it was looked at: then its folder is listed again. */
static bool open_and_hand_out(struct tail_find *find, struct tail_source *source, const char *name, enum tail_news news,
                              const struct tail_file_key *key)
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
        tail_source_say(find, source->trouble, source->path, whole.text);
    }
    return false;
}

struct fresh {
    const char *name;
    struct tail_file_key key;
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
static bool look_at_siblings(struct tail_find *find, struct tail_source *source)
{
    struct fresh fresh[FRESH_MOST];
    size_t count = 0;
    bool readable = true, more = false;
    for (const char *name = NULL; (name = tail_folder_next(source->folder, name)) != NULL;) {
        struct tail_file_key key;
        bool regular;
        if (!tail_name_is_sibling(name, source->base) || tail_source_find(find, source->folder, name) ||
            !look(source, name, false, &key, &regular) || !regular)
            continue;
        struct tail_known *known = find_known(source, &key);
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

void tail_source_look_at(struct tail_find *find, struct tail_source *source)
{
    source->checked = true;
    for (size_t i = 0; i < source->known_count; i++)
        source->known[i].here = false;
    bool readable = look_at_siblings(find, source);

    struct tail_file_key key;
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
