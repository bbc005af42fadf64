/* ClamAV's daemon, as far as it can be read without a socket. */
#ifndef COLLECTOR_FILTER_CLAMD_H
#define COLLECTOR_FILTER_CLAMD_H

#include "collector/filter/filter.h"

/* What it says to INSTREAM, without the NUL at its end: "stream: OK", "stream: NAME FOUND", "... ERROR". OK is no
 * verdict: it knows viruses, and says nothing of the rest. */
int clamd_read_answer(const struct filter_settings *, struct text answer, struct opinion *result,
                      struct error *) MUST_CHECK;

#endif
