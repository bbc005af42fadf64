/* Which generation a file is that was handed in: by device and inode, and by its first bytes. Part of tail_read. */
#ifndef COMMON_IO_TAIL_LOOK_H
#define COMMON_IO_TAIL_LOOK_H

#include "common/io/tail_list.h"

struct tail_look {
    uint64_t device, inode, size;
    moment changed;
    bool linked, packed;
    char head[TAIL_HEAD];
    size_t length;
};

/* Look at a file of `source`. Negative: what its first bytes are cannot be said (yet). */
int tail_look_at(int descriptor, const char *source, struct tail_look *look, struct error *error);
bool tail_look_is_inode(const struct generation *generation, const struct tail_look *look);

/* The generation that a file is, by inode and beginning or else by its beginning alone, the youngest first. */
struct generation *tail_look_recognise(const struct tail_read *reader, const char *source,
                                       const struct tail_look *look);

/* What another source has lost now stands under this name. */
struct generation *tail_look_elsewhere(const struct tail_read *reader, const struct tail_look *look);

/* Another source's name for the same file, through a link: reading it twice would double each line. */
struct generation *tail_look_twin(const struct tail_read *reader, const char *source, const struct tail_look *look);

/* Files beside the source that were last written to before the youngest that was read to its end are history: they were
 * read, or were there before we were. Those after it that are not known came and went while nobody looked. */
moment tail_look_horizon(const struct tail_read *reader, const char *source);

#endif
