/* rspamd, as far as it can be read without a socket. */
#ifndef COLLECTOR_FILTER_RSPAMD_H
#define COLLECTOR_FILTER_RSPAMD_H

#include "collector/filter/filter.h"

/* What /checkv2 answers. The threshold is that of the mildest action by which a message is marked as spam ("add
 * header", "rewrite subject", "reject"); the action stands over the score, for a rule may force one. */
int rspamd_read_opinion(const struct filter_settings *, struct text json, struct opinion *result,
                        struct error *) MUST_CHECK;
/* What /learnspam and its like answer. 0: learned; 1: known already, or nothing in it that could be learned. */
int rspamd_read_lesson(const struct filter_settings *, unsigned status, struct text json, struct error *) MUST_CHECK;

#endif
