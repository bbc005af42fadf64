/* The likeness of a message (common/words/likeness.h) from content that streams by. */
#ifndef AGENT_PACKET_SMTP_LIKENESS_H
#define AGENT_PACKET_SMTP_LIKENESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/words/likeness.h"

#define SMTP_LIKENESS_WORDS 48    /* so many words of the text are read */
#define SMTP_LIKENESS_BYTES 16384 /* ... out of so many bytes at most, header, tags and all */
#define SMTP_LIKENESS_LEAST 12    /* words; a shorter text has no likeness */

/* Zeroed at first. */
struct smtp_likeness {
    struct likeness likeness;
    uint64_t word;        /* the first letters of the word that runs */
    uint64_t word_before; /* in a header */
    uint32_t hash_before; /* in the text */
    uint32_t bits;        /* base64: not yet decoded */
    uint16_t words, bytes, tag_bytes;
    uint8_t letters;     /* of the word that runs; stays at 255 */
    uint8_t line;        /* bytes of this line so far: 0, 1 or more; CR does not count */
    uint8_t place;       /* enum place, see the source */
    uint8_t tag, escape; /* enum tag, enum escape */
    uint8_t bit_count;
    bool body : 1, done : 1, base64 : 1, passed_by : 1, hidden : 1, closing : 1, content_line : 1, dash : 1;
};

/* The next bytes of the content, header and all, cut anywhere. */
void smtp_likeness_add(struct smtp_likeness *, const char *bytes, size_t length);
/* Bytes are missing: what was read until here is all there is. */
void smtp_likeness_stop(struct smtp_likeness *);
/* Not known (all 0) where the text was too short. */
void smtp_likeness_finish(struct smtp_likeness *, struct likeness *result);

#endif
