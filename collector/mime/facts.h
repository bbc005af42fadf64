/* What is read out of one message: few, bounded, harmless facts in place of hostile bytes. The reader makes them and
 * says them over a socket as one struct, which the collector checks as strictly as anything from outside. */
#ifndef COLLECTOR_MIME_FACTS_H
#define COLLECTOR_MIME_FACTS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/text.h"

#define FACTS_SUBJECT      256
#define FACTS_MESSAGE_ID   256
#define FACTS_BODY         33 /* 32 hexadecimal digits and the end */
#define FACTS_PICTURES     8
#define FACTS_PICTURE_TEXT 4096

struct picture_facts {
    uint64_t hash;          /* perceptual: near pictures differ in few bits. collector/picture/hash.h */
    uint32_t width, height; /* pixels */
};

struct message_facts {
    char subject[FACTS_SUBJECT];       /* decoded, UTF-8, printable; empty: there is none */
    char message_id[FACTS_MESSAGE_ID]; /* without brackets, printable; empty: there is none */
    char body[FACTS_BODY];             /* digest of the visible text's normal form; empty: it has too few words */
    uint32_t words;                    /* of the normal form */
    uint32_t parts;                    /* MIME parts looked at */
    uint32_t picture_count;            /* in `pictures`: those worth to be counted, each hash once */
    uint32_t pictures_passed_over;     /* too many, too large, too plain, or broken */
    struct picture_facts pictures[FACTS_PICTURES];
    char picture_text[FACTS_PICTURE_TEXT]; /* read in pictures: printable, one line; empty: none, or not wanted */
    uint32_t cut;                          /* 1: bounds were met, parts or bytes were left out */
};

/* Whether these are facts at all: counts within their ranges, texts ended and printable, a digest or none. They come as
 * bytes from a process that hostile mail may have taken over. */
bool facts_are_sound(const struct message_facts *);

#endif
