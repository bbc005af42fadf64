/* One generation of a followed file: its bytes in order from where we were, and whether it is still the one it was.
 * Used by tail_read alone. */
#ifndef COMMON_IO_TAIL_GENERATION_H
#define COMMON_IO_TAIL_GENERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "common/error.h"
#include "common/io/input.h"
#include "common/io/tail.h"

enum generation_state {
    GENERATION_READING,   /* stands under its source's name */
    GENERATION_ENDING,    /* does so no more; read until it was quiet */
    GENERATION_SOUGHT,    /* there is a rest to be read, but no descriptor */
    GENERATION_CANDIDATE, /* a file beside a source: what it is shows */
    GENERATION_DONE, /* read to its end; remembered. With a descriptor: it has no name any more, a writer may go on */
};

struct generation {
    struct tail_position at;
    enum generation_state state;
    uint64_t number;
    int descriptor;      /* ours; -1: none */
    bool recalled;       /* what stands in front of at.offset was shown to the listener */
    bool packed;         /* gzip or zstd */
    bool packed_ended;   /* everything is unpacked */
    struct input *input; /* of a packed one, while it is read: */
    struct text unpacked;
    uint64_t unpacked_at; /* where in all unpacked bytes these begin */
    bool unpacked_last;
    char *window; /* the bytes behind at.offset that were read and not used */
    size_t length, room;
    moment since;         /* when the state began, or when there last was something new in it */
    moment seen_change;   /* st_ctim at the last look */
    moment horizon;       /* of a candidate: what was last written to before is history */
    bool is_copy;         /* of a candidate: begins as what stands under the name */
    char twin[TAIL_NAME]; /* another source under whose name this file stands as well; "": none */
    uint64_t tried;       /* of a candidate that could not be unpacked: its size then, plus one */
};

enum generation_look {
    GENERATION_SAME,
    GENERATION_CUT,       /* begins otherwise or is shorter than what its beginning is known by */
    GENERATION_SHORTENED, /* begins as before, but is shorter than it was */
};

struct generation *generation_create(const char *source, int descriptor, enum generation_state, moment now);
void generation_destroy(struct generation **);
void generation_close(struct generation *); /* the descriptor and what hangs on it; the window stays */

/* Look at a plain file: note its size, last change, and more of its first bytes where there are more. */
enum generation_look generation_look(struct generation *);

/* Read more into the window, which has room for some. Bytes count only if the file is still the same afterwards.
 * Returns how many came; 0: nothing now. `*look` says why. Adds holes, and other NULs in front of a line, that were
 * passed over to `*passed`. Errors are of packed files alone: EBADMSG and what reading says. */
ssize_t generation_fill(struct generation *, size_t room, enum generation_look *look, uint64_t *passed, struct error *);
/* Whole lines in front of where reading goes on, at most `most` bytes; the caller frees them. NULL: there are none. */
char *generation_before(const struct generation *, size_t most, struct text *lines);
void generation_use(struct generation *, size_t bytes); /* the first bytes of the window were used */

/* The first bytes of the file behind a descriptor, unpacked where it is packed (`*packed`): at most TAIL_HEAD.
 * Negative: they cannot be had (yet). */
ssize_t generation_head(int descriptor, const char *name, char head[TAIL_HEAD], bool *packed, struct error *);

/* Whether a file that begins so may be this generation. Only one whose beginning is known can be. */
bool generation_begins_with(const struct generation *, const char *head, size_t length);

/* Whether a file that we have open still stands somewhere, under whatever name. */
bool generation_has_name(const struct generation *);

#endif
