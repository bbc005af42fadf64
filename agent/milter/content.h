/* What was in a message, as the wire would have it: a mail server gives a milter headers and body in pieces, with dots
 * unstuffed and lines of folded headers ended by LF. Put back, the same message has the same digest and likeness as in
 * the packet path (agent/packet/smtp_content.h). Nothing of it is kept. Pure. */
#ifndef AGENT_MILTER_CONTENT_H
#define AGENT_MILTER_CONTENT_H

#include <stdbool.h>
#include "agent/packet/smtp_content.h"

struct milter_content {
    struct smtp_content content;
    struct smtp_counters counters;
    bool middle; /* of a line */
};

/* Zeroed at first. `spaced`: the value has the spaces that stood behind the colon; else one is put there. */
void milter_content_header(struct milter_content *, struct text name, struct text value, bool spaced);
void milter_content_body_begins(struct milter_content *);
void milter_content_body(struct milter_content *, struct text bytes); /* cut anywhere */

/* Its length on the wire, its digest and likeness; it is zeroed again. False: memory was refused, and nothing is known.
 */
bool milter_content_finish(struct milter_content *, uint64_t *bytes, uint64_t digest[2], struct likeness *);

#endif
