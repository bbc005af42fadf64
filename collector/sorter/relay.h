/* A message from the quarantine handed to the site's mail server for those whom it was for (RFC 5321). It blocks, up to
 * its patience. */
#ifndef COLLECTOR_SORTER_RELAY_H
#define COLLECTOR_SORTER_RELAY_H

#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"

struct relay_message {
    const char *name; /* in the quarantine */
    struct text from; /* empty: the null sender */
    const struct text *recipients;
    uint32_t recipient_count, recipients_left_out; /* left out: for whom it was too, who are not known */
    struct text content;
};
enum relayed {
    RELAYED,           /* by all recipients, or some; `answer` names who was refused */
    RELAY_REFUSED,     /* for good */
    RELAY_LATER,       /* it does not answer, or says: not now. Nothing was sent */
    RELAY_NOBODY_KNOWS /* the content was sent and no answer came */
};
#define RELAY_ANSWER 400
/* `answer`: what the relay said, or what went wrong, printable. */
enum relayed relay_send(const char *address, const char *helo, duration patience, const struct relay_message *,
                        char answer[RELAY_ANSWER]);

#endif
