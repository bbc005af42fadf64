/* A mail of our own, from its parts to the bytes that go out: RFC 5322 headers, MIME (RFC 2045-2047, 2231, 2387, 2392,
 * 6522). The same draft gives the same bytes, on every machine and at every try. What is said in it may be a stranger's
 * word: nothing in a text can become a header, a line of one, or a control character, and no line is longer than 998
 * bytes. What stands as HTML in `html` is the caller's care (html.h). */
#ifndef COLLECTOR_LETTER_COMPOSE_H
#define COLLECTOR_LETTER_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include "common/buffer.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"

#define COMPOSE_ADDRESS_MOST 254 /* bytes of an address, RFC 5321 4.5.3.1.3 */

/* "Abuse desk <abuse@example.net>": `name` may be empty, UTF-8. */
struct draft_address {
    struct text name, address;
};

/* A header besides those that a draft has members for. */
struct draft_header {
    const char *name;  /* "Auto-Submitted" */
    struct text value; /* folded; in encoded words where it is not plain ASCII */
};

/* A picture in the HTML, or something attached. */
struct draft_part {
    const char *type;       /* "image/png", "text/csv; charset=utf-8", "message/feedback-report" */
    struct text name;       /* the file's, UTF-8; empty: none, and it is not called an attachment */
    const char *content_id; /* of a picture, "chart1@postern": HTML says cid:chart1@postern; NULL: none */
    struct text content;    /* any bytes, in base64 */
    bool is_raw;            /* not in base64 but as it is, lines ended by CRLF: message/rfc822 and what else must not be
                               encoded (RFC 2046 5.2). It has to pass compose_is_fit_raw(). */
};

/* What is not needed is empty, NULL or 0. Everything is borrowed. */
struct draft {
    struct draft_address from, reply_to;
    const struct draft_address *to;
    size_t to_count; /* 0: "undisclosed-recipients:;" */
    struct text subject;
    moment date;
    int date_offset;        /* minutes east of UTC in which the date is written, -1439 to 1439 */
    struct text message_id; /* without brackets: "report-2026-W47@postern.example.net" */
    const struct draft_header *headers;
    size_t header_count;
    struct text text, html;          /* UTF-8; lines end with LF or CRLF. Of both, `text` is the alternative */
    const struct draft_part *images; /* shown in `html` by their content ids */
    size_t image_count;
    const struct draft_part *attachments;
    size_t attachment_count;
    const char *report_type; /* "feedback-report": the whole is a multipart/report of this type (RFC 6522), its text the
                                first part, its attachments the others in order. NULL: it is not */
};

/* Appends the message, lines ended by CRLF. -EINVAL: an address, a header's name, a Message-ID, a type or a raw part is
 * not fit to be sent, and the error says which. -ENOSPC: the buffer's bound. In both cases `result` is as it was. */
int compose_message(const struct draft *, struct buffer *result, struct error *) MUST_CHECK;

/* "Name <local@domain>" or "local@domain", as a person writes it in a configuration. False: it is neither, or not one
 * that compose_message() takes (ASCII, no quoted local part). The result lies in `text`. */
bool compose_read_address(struct text text, struct draft_address *result);
/* Whether it is one bare address: local@domain, or local@[192.0.2.1]. */
bool compose_is_address(struct text);
/* Whether bytes may stand in a message as they are: no NUL, no CR but before LF, no line over 998 bytes. */
bool compose_is_fit_raw(struct text);

#endif
