/* A text of changing length that outlives its writer, who may be killed at any moment: two places in one file, written
 * by turns, each with a number and a digest. What was written last whole is what is read. */
#ifndef AGENT_WATCHER_LOG_RECORD_H
#define AGENT_WATCHER_LOG_RECORD_H

#include <stdint.h>
#include "common/buffer.h"
#include "common/error.h"

#define LOG_RECORD_MOST (UINT32_C(512) * 1024) /* bytes of one text */

struct log_record {
    int file; /* open for reading and writing; -1: nothing is kept */
    uint64_t number;
    struct buffer room;
};

/* Takes the descriptor. `text` (cleared by the caller) is what was kept last; empty: nothing, or nothing sound. */
void log_record_open(struct log_record *, int file, struct buffer *text);
void log_record_close(struct log_record *);
int log_record_keep(struct log_record *, struct text, struct error *) MUST_CHECK;

#endif
