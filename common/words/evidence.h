/* Evidence: what one detector has made of a sender so far: its points and a sentence that a person can read. */
#ifndef COMMON_WORDS_EVIDENCE_H
#define COMMON_WORDS_EVIDENCE_H

#include "common/moment.h"
#include "common/words/points.h"

#define EVIDENCE_REASON 160

struct evidence {
    moment time; /* when it was last added to */
    points points;
    char detector[16];
    char reason[EVIDENCE_REASON]; /* printable UTF-8, NUL-terminated; names examples seen */
};

#endif
