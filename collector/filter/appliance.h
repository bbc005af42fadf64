/* Any appliance that speaks SMTP: what is said to it, and what its answers mean, as far as that needs no socket.
 *
 * The message goes to NAME.FILTER@MAILBOX, a domain whose next hop, for the appliance, is our own listener
 * (returned.h). There its headers are read. It may also refuse the message, which is a verdict where the refusal is one
 * of the content.
 *
 * A spammer may write a filter's headers himself. So the headers that the filter's patterns look at are taken out of
 * what is sent: those that come back are the appliance's own. */
#ifndef COLLECTOR_FILTER_APPLIANCE_H
#define COLLECTOR_FILTER_APPLIANCE_H

#include <stdbool.h>
#include "collector/filter/filter.h"
#include "collector/filter/headers.h"
#include "common/buffer.h"
#include "common/moment.h"

#define APPLIANCE_MAILBOX_MOST 320
#define APPLIANCE_NAME_MOST    16 /* of a message, with its end */

/* "0DC5B48D4.A739D.assp@filter.firm.example". */
void appliance_write_mailbox(const struct filter_settings *, const struct filter_message *,
                             char result[APPLIANCE_MAILBOX_MOST]);

struct appliance_mailbox {
    char message[APPLIANCE_NAME_MOST]; /* in capitals, as names are written */
    char filter[FILTER_NAME_MOST];     /* as it came: some servers write small letters */
    struct text domain;                /* borrowed */
};
/* False: no mailbox of ours. */
bool appliance_read_mailbox(struct text, struct appliance_mailbox *result);

/* The message as it is sent behind DATA, with the dot at its end: under a trace (trace.h), without the headers that the
 * patterns look at, lines ended by CRLF. A bare CR, which some servers take for a line's end, becomes a space in the
 * head, as a NUL does, and is one in the body. False: no memory, or longer than the buffer may be. */
bool appliance_write_message(const struct headers *, const struct filter_message *, moment now, struct buffer *result)
    __attribute__((warn_unused_result));

/* It refused the content for good. A matter of policy (5.7.x, or no enhanced code) is a verdict: spam, or a virus where
 * it says so. Anything else (too large, too many hops, a bad line) is none, and asking again would not help. */
void appliance_read_refusal(const struct filter_settings *, int code, struct text reply, struct opinion *result);

#endif
