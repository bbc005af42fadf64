/* Samples: messages that the watcher took off the wire for the centre's content filters. Each is a message file
 * (envelope and content), packed, and waits in a folder until the centre has it. Bounded in bytes, number and age; what
 * is worth least goes first, and is counted.
 *
 * A sample outlives the courier as soon as it was taken. That it outlives a power cut takes the disk's word, for which
 * all others would have to wait; so it is asked for only where a sample is still here after a second. While the centre
 * is there, that is never. While the disk takes nothing, samples wait in memory, within a bound. */
#ifndef AGENT_COURIER_SAMPLES_H
#define AGENT_COURIER_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>
#include "agent/courier/samples_folder.h"
#include "agent/message/message.h"
#include "common/buffer.h"
#include "common/error.h"

#define SAMPLES_NUMBER_MOST 10000
#define SAMPLES_HELD_MOST   ((uint64_t)8 << 20)   /* bytes in memory while the disk refuses */
#define SAMPLE_MOST         ((size_t)16 << 20)    /* bytes, unpacked: as the centre takes it */
#define SAMPLE_PACKED_MOST  (SAMPLE_MOST + 65536) /* what cannot be made smaller becomes a little larger */

struct samples_bounds {
    uint64_t size; /* bytes on the disk; each sample counts whole blocks of 4 KB */
    duration age;  /* time in which the courier is off is none */
};

struct samples_counters {
    uint64_t waiting, bytes;                       /* now */
    uint64_t taken, sent, dropped, aside, unsound; /* since the courier was started; unsound: not as agreed */
};

struct samples;
/* In `folder`, which is made when it is needed. NULL: no memory. */
struct samples *samples_create(const char *folder, const struct samples_bounds *);
void samples_destroy(struct samples **);
void samples_set_bounds(struct samples *, const struct samples_bounds *);

/* One that the watcher handed over with this descriptor, borrowed. */
void samples_add(struct samples *, const struct message_sample *, int descriptor, duration steady);
/* Opens the folder where it is not open, writes what could not be written, brings to the disk what stays for longer,
 * drops what is too old. Call it often; an error is worth trying again. */
int samples_tick(struct samples *, duration steady, struct error *) MUST_CHECK;
bool samples_is_open(const struct samples *);

/* What is worth most, the oldest of it; false: nothing waits. */
bool samples_next(const struct samples *, struct sample_name *);
/* Its file: zstd, with a sum of its content. One whose file cannot be read is gone for good, and counted. */
int samples_read(struct samples *, const struct sample_name *, struct buffer *out, struct error *) MUST_CHECK;
/* The centre has it; the centre will not have it. One that is not here any more is well, too. */
void samples_sent(struct samples *, const struct sample_name *);
void samples_set_aside(struct samples *, const struct sample_name *);

struct samples_counters samples_counters(const struct samples *);

#endif
