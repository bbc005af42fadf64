/* One message taken apart: MIME by GMime, bounded in parts and bytes, to the facts of it. Called where a crash does no
 * harm (collector/reader). Archives and documents are not opened. */
#ifndef COLLECTOR_MIME_WALK_H
#define COLLECTOR_MIME_WALK_H

#include "collector/mime/facts.h"
#include "collector/picture/decode.h"
#include "common/buffer.h"
#include "common/text.h"

struct walk_limits {
    uint64_t picture_size;                                                    /* bytes; 0: no picture is looked at */
    uint32_t picture_pixels;                                                  /* width times height */
    uint32_t pictures;                                                        /* of one message that are decoded */
    void (*read_text)(void *, const struct picture *, struct buffer *result); /* text in a picture; NULL: not wanted */
    void *context;                                                            /* its own */
};

/* Once, before anything else is asked of it; afterwards no file is opened, but for character sets that it does not know
 * yet. */
void walk_prepare(void);
/* Any bytes make facts: what is broken has fewer. */
void walk_message(struct text content, const struct walk_limits *, struct message_facts *result);

#endif
