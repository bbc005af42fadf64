/* Which files a site wants to have followed: an absolute path, with * ? [] in its folder, its name, or both. Pure. */
#ifndef COMMON_IO_TAIL_PATTERN_H
#define COMMON_IO_TAIL_PATTERN_H

#include <stdbool.h>
#include "common/error.h"
#include "common/io/tail.h"

struct tail_pattern {
    char whole[TAIL_NAME];
    char folder[TAIL_NAME];
    const char *base; /* in `whole`: a pattern must not be moved */
    bool folder_is_glob, base_is_glob;
};

/* Errors: EINVAL, not the absolute path of a file; ENAMETOOLONG. */
int tail_pattern_read(const char *path, struct tail_pattern *result, struct error *) MUST_CHECK;

/* Whether the pattern takes in a name in that folder. A glob takes in no hidden name and none that rotation gave: such
 * a file is another state of a log, not a log of its own. */
bool tail_pattern_takes(const struct tail_pattern *, const char *folder, const char *name);

#endif
