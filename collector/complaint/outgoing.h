/* A complaint of our own about one message, as the mail that takes it to another abuse desk: in the Abuse Reporting
 * Format (RFC 5965, 6650) or as XARF 4 in JSON. Only what is known is said. The same outgoing complaint gives the same
 * bytes. */
#ifndef COLLECTOR_COMPLAINT_OUTGOING_H
#define COLLECTOR_COMPLAINT_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/letter/compose.h"
#include "common/address.h"
#include "common/buffer.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/words/observation.h"

enum outgoing_format { OUTGOING_ARF, OUTGOING_XARF, OUTGOING_FORMATS };
const char *outgoing_format_name(enum outgoing_format); /* "arf", "xarf" */

#define OUTGOING_MOST       ((size_t)14 * 1024 * 1024) /* bytes of such a mail */
#define OUTGOING_WHOLE      ((size_t)8 * 1024 * 1024)  /* of a longer message only the head goes along */
#define OUTGOING_XARF_WHOLE ((size_t)5 * 1024 * 1024)  /* in XARF: the most that one piece of evidence may have */
#define OUTGOING_RECIPIENTS 20                         /* so many are named */
#define OUTGOING_NOTE       900                        /* bytes */

#define OUTGOING_ID 33 /* 32 hexadecimal digits and the end */

/* Texts are borrowed. */
struct outgoing {
    const char *id; /* 32 hexadecimal digits: of its Message-ID and its report */
    enum outgoing_format format;
    enum complaint_type type;  /* outgoing_takes() */
    struct draft_address from; /* who complains: "Example Hosting <abuse@example.net>" */
    struct text to;            /* an address without a name */
    moment now, time;      /* time: when the message was sent; 0: not known, `now` then for XARF, which must have one */
    struct address source; /* that it was sent from */
    uint16_t source_port;  /* 0: not known */
    struct text envelope_from; /* empty: the null sender, or not known */
    const struct text *recipients;
    uint32_t recipient_count;
    struct text message; /* with any line ends */
    struct text subject; /* decoded; empty: as it stands in the message */
    struct text note;    /* a person's own words, UTF-8; empty: none */
    bool is_cut;         /* the message is not all there */
    bool is_redacted;    /* whoever received it is not named: redact.h */
    bool is_filtered;    /* programs took it for abuse; else somebody says so */
};

/* ARF has abuse, fraud, virus, not-spam and other. XARF 4 has one word for mail, spam, so there it is abuse alone.
 * Failed authentication is nobody's here to report: nothing of it is checked. */
bool outgoing_takes(enum outgoing_format, enum complaint_type);

/* A digest of what is said to whom: the same message complained of in the same way has the same, whoever does it, and
 * whatever the note says. */
void outgoing_identify(const struct outgoing *, char result[OUTGOING_ID]);

/* Appends the mail, lines ended by CRLF; its bound should be OUTGOING_MOST. -EINVAL: it cannot be said, and the
 * sentence says why; -ENOSPC: no room. */
int outgoing_compose(const struct outgoing *, struct buffer *result, struct error *) MUST_CHECK;

#endif
