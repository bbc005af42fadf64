/* A report as a mail: a text part worth reading on its own, the same as HTML with its charts, its figures as CSV. */
#ifndef COLLECTOR_REPORT_MAIL_H
#define COLLECTOR_REPORT_MAIL_H

#include "collector/letter/compose.h"
#include "collector/report/report.h"

#define REPORT_MAIL_MOST ((size_t)8 << 20) /* bytes that it has at most */

struct report_envelope {
    struct draft_address from;
    const struct draft_address *to;
    size_t to_count;
    const char *id; /* of the sending: its Message-ID is <ID@the domain of `from`> */
};

/* Append the whole message, dated when the report was made. The same report and envelope give the same bytes. */
int report_mail(const struct report *, const struct calendar_zone *, const struct report_envelope *,
                struct buffer *result, struct error *) MUST_CHECK;

#endif
