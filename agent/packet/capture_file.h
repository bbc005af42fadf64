/* Captures as files: pcap (both byte orders, micro- and nanoseconds, "modified") and pcapng (several sections and
 * interfaces, any resolution). Pure: bytes in, frames out; whoever owns the descriptor feeds the bytes. */
#ifndef AGENT_PACKET_CAPTURE_FILE_H
#define AGENT_PACKET_CAPTURE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/packet/frame.h"
#include "common/error.h"
#include "common/text.h"

struct capture_file;

enum capture_outcome {
    CAPTURE_FRAME, /* *frame is the next; it borrows from the bytes given */
    CAPTURE_MORE,  /* the bytes end inside a record: give them again, with more behind them */
    CAPTURE_END,   /* no more bytes can make a frame; with `error` set: the file is damaged there */
};

bool capture_file_is(struct text first_bytes); /* 4 bytes or more tell */
struct capture_file *capture_file_create(const char *name /* for errors; copied */);
void capture_file_destroy(struct capture_file **);

/* Read on in `bytes`, which begins where *consumed left off the last time; adds what it used to *consumed. `last`:
 * nothing comes behind these bytes. After CAPTURE_MORE whatever *consumed did not cover is wanted again; that is never
 * more than about a megabyte, larger records are passed over piece by piece.
 *
 * A damaged file gives all frames before the damage, then CAPTURE_END with an error that names the file and the byte
 * (EBADMSG). Frames of a link type that we do not know are passed over, and where the file ends otherwise sound, its
 * CAPTURE_END says so, once, in an error with the code EPROTONOSUPPORT. Further calls give CAPTURE_END alone. */
enum capture_outcome capture_file_next(struct capture_file *, struct text bytes, bool last, size_t *consumed,
                                       struct frame *, struct error *);
uint64_t capture_file_position(const struct capture_file *); /* bytes consumed from the beginning */
uint64_t capture_file_passed(const struct capture_file *);   /* frames passed over: unknown link type, or oversize */

#endif
