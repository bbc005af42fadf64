/* What the lists of a zones file said of some names, and how that is printed: as tables for a person, or one JSON
 * object a line. What could not be asked or believed is told like the rest. */
#ifndef COLLECTOR_FINDINGS_H
#define COLLECTOR_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include "collector/blacklist/answer.h"
#include "collector/blacklist/subject.h"
#include "collector/blacklist/zones.h"

struct findings {
    const struct zones *zones; /* borrowed; chosen */
    const struct subject *subjects;
    size_t count;
    struct answer *answers; /* a row for each subject, in it one for each zone; of zones not asked: not set */
    const bool *meant;      /* of each zone: whether it is spoken of; borrowed */
};

struct findings_count {
    size_t listed, clean, unknown, unasked;
};

struct answer *findings_at(const struct findings *, size_t subject, uint32_t zone);
struct findings_count findings_count(const struct findings *, size_t subject);

/* To stdout; 0, or -1 where that cannot be written. For people only printable ASCII is written, whatever lists say; in
 * JSON all else is escaped. */
int findings_print(const struct findings *);
int findings_print_json(const struct findings *);

#endif
