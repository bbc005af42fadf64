/* What is read out of one message: few, bounded, harmless facts in place of hostile bytes. The reader makes them, the
 * collector is told them over a socket, in a form that is checked as strictly as anything from outside. */
#ifndef COLLECTOR_MIME_FACTS_H
#define COLLECTOR_MIME_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/buffer.h"
#include "common/text.h"

#define FACTS_SUBJECT      256
#define FACTS_BODY         33 /* 32 hexadecimal digits and the end */
#define FACTS_PICTURES     8
#define FACTS_PICTURE_TEXT 4096
#define FACTS_PACKED_MOST  (16U * 1024)

struct picture_facts {
    uint64_t hash;          /* perceptual: near pictures differ in few bits. collector/picture/hash.h */
    uint32_t width, height; /* pixels */
};

struct message_facts {
    char subject[FACTS_SUBJECT];   /* decoded, UTF-8, printable; empty: there is none */
    char body[FACTS_BODY];         /* digest of the visible text's normal form; empty: it has too few words */
    uint32_t words;                /* of the normal form */
    uint32_t parts;                /* MIME parts looked at */
    uint32_t picture_count;        /* in `pictures`: those worth to be counted, each hash once */
    uint32_t pictures_passed_over; /* too many, too large, too plain, or broken */
    struct picture_facts pictures[FACTS_PICTURES];
    char picture_text[FACTS_PICTURE_TEXT]; /* read in pictures: printable, one line; empty: none, or not wanted */
    bool cut;                              /* bounds were met: parts, depth or bytes were left out */
};

/* Appended; false: no memory. */
bool facts_pack(const struct message_facts *, struct buffer *) __attribute__((warn_unused_result));
/* False: these are no facts; *result is not to be used. */
bool facts_unpack(struct text, struct message_facts *result);

#endif
