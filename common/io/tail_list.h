/* What a reader of log files knows: the generations of all sources. Used by the parts of tail_read alone.
 *
 * Those of one source stand in the order in which they came to be, and are read so. */
#ifndef COMMON_IO_TAIL_LIST_H
#define COMMON_IO_TAIL_LIST_H

#include "common/io/tail_generation.h"
#include "common/io/tail_read.h"

struct tail_read {
    struct tail_read_settings settings;
    struct tail_listener listener;
    struct generation **all; /* of each source in the order in which they came to be */
    size_t count, room;
    uint64_t numbers;
    moment beginning; /* of what is to be read: the first start, or when the record was written */
    bool imported, ready, refusal_said;
    struct tail_counters counters;
};

/* Tell whoever runs this. */
void tail_list_say(struct tail_read *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A new generation at that place of the list. Aborts without memory: one that is left out would be lost or read twice.
 */
struct generation *tail_list_add(struct tail_read *reader, size_t at, const char *source, int descriptor,
                                 enum generation_state state, moment now);
size_t tail_list_index(const struct tail_read *reader, const struct generation *generation);
void tail_list_drop(struct tail_read *reader, struct generation *generation);
bool tail_list_is_of(const struct generation *generation, const char *source);
uint64_t tail_list_open_files(const struct tail_read *reader);

/* Forget what was read to its end long ago. The youngest of a source stays: it tells since when files are of interest.
 */
void tail_list_forget(struct tail_read *reader, const char *source);

#endif
