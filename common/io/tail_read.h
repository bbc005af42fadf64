/* The half of tail that reads: descriptors come in, bytes of log files go out, each byte once. See tail.h.
 *
 * It has no path, opens nothing and asks no clock. System calls: pread, read, lseek, fstat, close.
 *
 *     tail_read_create, tail_read_import(what the last process left)
 *     tail_find_create(.since = tail_read_since())
 *     loop:  tail_find_next -> tail_read_add, until there is no more news
 *            tail_read_step                     calls `take` with bytes; again at once while it says that more waits,
 *                                               else some 50 to 200 ms later: files are asked for their size, since
 *                                               watching writes would cost a wake-up each
 *            keep what was taken and tail_read_export() in one transaction
 *
 * If the process dies anywhere in this loop, the next goes on exactly behind what was kept.
 *
 * Generations of a source are read in the order in which they came to be. One that was renamed is read on beside the
 * new one until it was quiet for `quiet`: waiting with the new one would make us deaf for so long at each rotation, so
 * lines that a program writes to the old file while another writes to the new one already may come out of order. It is
 * not asked whether a writer still has it open: the only way, a lease, can disturb him.
 *
 * Bytes come from the file as they were when nothing had been cut: what was read counts only if afterwards the file is
 * long enough and begins as before. NULs in front of a line are passed over: a writer without O_APPEND leaves them
 * after a cut. A file that was deleted is held open for `deleted`, since nobody could hand it out again; when room for
 * descriptors is short, such a file goes first.
 *
 * What no reader can know:
 *   - whether a writer still holds a deleted file. One that is silent for longer than `deleted`, that went on after a
 *     restart of ours, or after its file was renamed, finished, and only then deleted, writes unseen.
 *   - what was written and cut between two looks. `lost_bytes` counts what was seen to be there.
 *   - of a file of less than TAIL_HEAD bytes that is made shorter, but not empty, whether what is left is old: it is
 * read as a new one.
 *   - which of two copies is whose, if both begin with TAIL_HEAD NULs (a hole). */
#ifndef COMMON_IO_TAIL_READ_H
#define COMMON_IO_TAIL_READ_H

#include "common/error.h"
#include "common/io/tail.h"
#include "common/io/tail_record.h"

/* At most so many bytes are recalled. */
#define TAIL_RECALL_MOST (UINT32_C(1) * 1024 * 1024)

/* A line that is longer than this is handed on in parts. */
#define TAIL_WINDOW_MOST (UINT32_C(2) * 1024 * 1024)

struct tail_bytes {
    const char *source; /* borrowed for the call, as the bytes are */
    uint64_t generation;
    struct text bytes;
    bool last;      /* nothing comes behind: what is left is used as it is */
    moment changed; /* when the file was last written to: for time stamps without a year */
};

struct tail_listener {
    void *context;
    /* Returns how many bytes were used: whole lines; the rest is given again with more behind. Must not call back. */
    size_t (*take)(void *context, const struct tail_bytes *);
    /* Lines in front of where reading begins, which were taken before: for what later ones refer to. NULL: not wanted.
     */
    void (*recall)(void *context, const struct tail_bytes *);
    void (*say)(void *context, const char *sentence); /* for whoever runs this: something was lost or left out */
};

struct tail_read_settings {
    duration quiet;      /* a renamed file is finished when nothing came for so long; 0: 10 s */
    duration patience;   /* how long the rest of a file that vanished is looked for; 0: 10 s */
    duration deleted;    /* a file without a name is held so long after its last byte; 0: 10 min */
    uint32_t files;      /* at most so many descriptors are held; 0: 512 */
    bool from_beginning; /* what was there before the very first start is read as well */
};

struct tail_counters {
    uint64_t bytes, open_files;
    uint64_t truncated;     /* files that were cut (copytruncate or otherwise) */
    uint64_t recovered;     /* rests that were found in a copy or a compressed file */
    uint64_t missing;       /* rests that were looked for in vain */
    uint64_t lost_bytes;    /* of those: bytes known to have been there unread. There may have been more */
    uint64_t passed_bytes;  /* holes of sparse files, not handed on */
    uint64_t long_lines;    /* handed on in parts or dropped where the listener used nothing of a full window */
    uint64_t refused_files; /* beyond the bound */
    uint64_t damaged_files; /* compressed, cannot be unpacked to the end */
};

struct tail_read *tail_read_create(const struct tail_read_settings *, const struct tail_listener *, moment now);
void tail_read_destroy(struct tail_read **);

/* News from tail_find. Takes the descriptor. */
void tail_read_add(struct tail_read *, const struct tail_found *, moment now);

/* Read what there is, a bounded amount. True: more waits. */
bool tail_read_step(struct tail_read *, moment now);

struct tail_counters tail_read_counters(const struct tail_read *);

#endif
