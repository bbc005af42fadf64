/* SpamAssassin's daemon, as far as it can be read and written without a socket. */
#ifndef COLLECTOR_FILTER_SPAMD_H
#define COLLECTOR_FILTER_SPAMD_H

#include "collector/filter/filter.h"
#include "common/buffer.h"
#include "common/moment.h"

/* The answer to REPORT, whole: half an answer is none, by its Content-length. 0: read; 1: its verdict is, but the
 * report has no table of the rules: they are to be asked for by SYMBOLS. */
int spamd_read_report_opinion(const struct filter_settings *, struct text answer, struct opinion *result,
                              struct error *) MUST_CHECK;
/* The answer to SYMBOLS, as whole. */
int spamd_read_opinion(const struct filter_settings *, struct text answer, struct opinion *result,
                       struct error *) MUST_CHECK;
/* The answer to TELL. 0: learned, or forgotten; 1: there was nothing to do. */
int spamd_read_lesson(const struct filter_settings *, struct text answer, struct error *) MUST_CHECK;

/* What a mail server would have put on top of the message, from which SpamAssassin reads who sent it: the envelope's
 * sender, and a Received line with the client's address and its HELO. False: no memory. */
bool spamd_write_trace(const struct filter_message *, moment now, struct buffer *result);

#endif
