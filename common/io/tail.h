/* Following log files without losing or doubling a line: the words that its two halves share.
 *
 *     tail_find   paths, globs, inotify, open(): hands out descriptors. May run with rights; reads no byte of a file.
 *     tail_read   bytes, positions, recognition, unpacking: has no path and opens nothing. May run without any right.
 *
 * tail_find says what stands where (struct tail_found), in the order in which it became so; nothing goes the other way
 * but the one moment before which rotated files are of no interest. Whether a file is one that is known already, and
 * from which byte it is to be read, is decided by tail_read: to recognise a file takes its bytes, and of a compressed
 * one takes an unpacker, and neither belongs where the rights are.
 *
 * A *source* is a name that is followed ("/var/log/mail.log"). What stood under that name one after the other are its
 * *generations*. A generation is known by device, inode and a digest of its first bytes: inodes are used again, and a
 * copy or a compressed file has another. How a generation fares:
 *
 *     renamed           read on under its descriptor until it was quiet for some time; the new one from 0 meanwhile
 *     written to late   by a program that was not told of the rotation: handed out again and read on from where we were
 *     copied, cut       its size or its first bytes tell; what was not read yet is read from the copy, which the first
 *                       bytes tell. Without a copy the bytes known to be unread are counted as lost
 *     compressed        it was open and is read to its end; or, after a restart, it is unpacked from where we were
 *     unknown, rotated  it came and went while nobody looked: read whole, if it was written to after what is known
 */
#ifndef COMMON_IO_TAIL_H
#define COMMON_IO_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/buffer.h"
#include "common/moment.h"
#include "common/text.h"

#define TAIL_NAME 256  /* room for a source's name and its NUL; longer ones are refused */
#define TAIL_HEAD 1024 /* at most so many first bytes are digested */

enum tail_news {
    TAIL_LIVE,    /* stands under the source's name now; with a descriptor */
    TAIL_SIBLING, /* beside it, under a name of a rotated or compressed file; with a descriptor */
    TAIL_GONE,    /* what stood under the name, of that device and inode, does so no more */
    TAIL_READY,   /* all that was there at the start has been said */
    TAIL_TROUBLE, /* `sentence` is for whoever runs this; said once until it changes */
};

/* One piece of news from tail_find. Of a fixed size, so that it can be a message between processes. */
struct tail_found {
    enum tail_news news;
    int descriptor; /* whoever gets the news owns it; -1: none. Of a regular file, opened for reading */
    uint64_t device, inode;
    moment changed, born; /* its last change; its creation, 0 where the file system does not know */
    bool initial;         /* it was there when tail_find began */
    char source[TAIL_NAME];
    char sentence[240];
};

/* Where reading goes on in one generation. */
struct tail_position {
    uint64_t device, inode; /* 0, 0: known by its first bytes alone */
    uint64_t offset;        /* of the first byte that was not used yet */
    uint64_t size;          /* as it was seen last; of unpacked bytes */
    uint64_t digest;        /* of its first `head` bytes */
    uint32_t head;          /* 0 to TAIL_HEAD */
    bool done;              /* read to its end: remembered so that it is not read again */
    moment changed;         /* when it was last written to, as far as we saw */
    char source[TAIL_NAME];
};

uint64_t tail_digest(const void *bytes, size_t length);

/* A position as one line of text, ended by a newline. False: the buffer's bound. */
bool tail_position_print(const struct tail_position *, struct buffer *) __attribute__((warn_unused_result));
/* Read such a line (without its newline). False: it is none; `result` unchanged. */
bool tail_position_parse(struct text, struct tail_position *result);

#endif
