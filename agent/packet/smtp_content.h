/* A message's content on its way by: where it ends, how long it is, its digest. Nothing of it is kept. */
#ifndef AGENT_PACKET_SMTP_CONTENT_H
#define AGENT_PACKET_SMTP_CONTENT_H

#include "agent/packet/smtp_memory.h"
#include "common/words/likeness.h"

struct smtp_digest; /* the running sum, there only while content is split over segments */

enum smtp_content_place {
    CONTENT_LINE_START, /* behind a line end, or at the very beginning */
    CONTENT_MIDDLE,
    CONTENT_DOT,    /* a dot at a line's start */
    CONTENT_DOT_CR, /* and a CR behind it */
    CONTENT_GAP,    /* behind a gap, which may have ended with a line */
};

struct smtp_content {
    struct smtp_digest *digest;
    uint64_t bytes;
    uint64_t chunk_left; /* BDAT: of the chunk that runs */
    uint8_t place;       /* enum smtp_content_place */
    bool after_cr;       /* the last byte was a CR */
    bool bare;           /* the line before ended without CR, or we do not know how */
    bool incomplete;     /* bytes are missing from the digest */
};

enum smtp_content_end {
    CONTENT_GOES_ON,
    CONTENT_ENDED,     /* CR LF . CR LF, which every server takes for the end */
    CONTENT_ENDED_LF,  /* a dot line with a bare LF behind it */
    CONTENT_ENDED_ODD, /* a dot line with CR LF behind, but not before it: some servers take it, some do not */
};

/* Content from DATA: takes bytes off the front of `input` up to the end. */
enum smtp_content_end smtp_content_take(struct smtp_content *, const struct smtp_listener *, struct text *input);
/* It was not the end after all: the dot line is content. */
void smtp_content_take_back_end(struct smtp_content *, const struct smtp_listener *, enum smtp_content_end);
/* Content from BDAT: all of `bytes` belong to it. */
void smtp_content_add(struct smtp_content *, const struct smtp_listener *, struct text bytes);
void smtp_content_gap(struct smtp_content *, uint32_t length);
/* The server has answered it: where a gap came last, that held the dot line as well. */
void smtp_content_end_in_gap(struct smtp_content *);
/* All that comes from now on is kept as well (smtp_samples.h), if there is memory. Called before the first byte. */
void smtp_content_keep(struct smtp_content *, const struct smtp_listener *, uint32_t sample);
/* The digest so far, and the likeness; the running sum is freed. `sample`: what was kept, the caller's now; 0: nothing;
 * NULL: it is let go. */
void smtp_content_finish(struct smtp_content *, struct smtp_counters *, uint64_t digest[2], struct likeness *,
                         uint32_t *sample);
void smtp_content_drop(struct smtp_content *, struct smtp_counters *); /* nobody asks */

#endif
