/* The folder of samples: one file a message, whose name says all that must be known of it without reading it. What
 * stands under a file's own name is whole, for it is written beside it and moved there. It holds other people's mail,
 * so nobody but its owner may read it. */
#ifndef AGENT_COURIER_SAMPLES_FOLDER_H
#define AGENT_COURIER_SAMPLES_FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include "common/buffer.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"

/* What a sample is called: by the 64 random bits of the courier that took it, and its number there, from 1. No two are
 * called the same, whatever is lost or comes from a backup. */
struct sample_name {
    uint64_t life;
    int64_t number;
    uint8_t worth; /* what gives way first when there is no room: the lowest */
};
bool sample_name_equals(const struct sample_name *, const struct sample_name *); /* life and number */

#define SAMPLE_NAME_TEXT 64
/* "00000000000000aa-17-3.zst" */
const char *sample_name_print(const struct sample_name *, char result[SAMPLE_NAME_TEXT]);
bool sample_name_read(const char *text, struct sample_name *result); /* what sample_name_print() writes, and no else */

#define SAMPLES_ASIDE_MOST 20 /* files that the collector would not take; the oldest goes */

/* Make the folder where it is not there. */
int samples_folder_make(const char *folder, struct error *) MUST_CHECK;
/* `each` of its samples, in no order: bytes on the disk, and when it was written. What was half-written goes. */
int samples_folder_list(const char *folder,
                        void (*each)(void *context, const struct sample_name *, uint64_t bytes, moment written),
                        void *context, struct error *) MUST_CHECK;
/* It outlives us from then on; and a power cut after samples_folder_sync(). */
int samples_folder_write(const char *folder, const struct sample_name *, struct text, struct error *) MUST_CHECK;
int samples_folder_sync(const char *folder, const struct sample_name *names, uint32_t count, struct error *) MUST_CHECK;
int samples_folder_read(const char *folder, const struct sample_name *, struct buffer *out, struct error *) MUST_CHECK;
void samples_folder_drop(const char *folder, const struct sample_name *);
/* Kept for a person to look at, below "aside". */
int samples_folder_put_aside(const char *folder, const struct sample_name *, struct error *) MUST_CHECK;

#endif
