/* A mail taken apart as far as complaints need it: its head, and its parts decoded, without those of messages inside.
 */
#ifndef COLLECTOR_COMPLAINT_MAIL_H
#define COLLECTOR_COMPLAINT_MAIL_H

#include <gmime/gmime.h>
#include "common/text.h"

#define MAIL_PARTS 64

struct mail_part {
    char type[64];       /* "text/plain", in small letters */
    char name[128];      /* of a file, as it says; empty: none */
    struct text bytes;   /* decoded from base64 and the like; of a message all of it */
    GMimeStream *memory; /* holds them */
};

struct mail {
    struct text head;                   /* of the bytes that were given */
    char report_type[32];               /* of multipart/report, in small letters */
    struct mail_part parts[MAIL_PARTS]; /* in their order; those too many or too deep are left out */
    size_t count;
};

/* `content` must outlive it. */
void mail_open(struct text content, struct mail *result);
void mail_close(struct mail *);

const struct mail_part *mail_find_part(const struct mail *, const char *type); /* the first; NULL: none */
/* The message in it, or a message's head: message/rfc822, text/rfc822-headers and what they are called by mistake. */
const struct mail_part *mail_find_original(const struct mail *);
struct text mail_text(const struct mail *); /* its first text/plain part, else its first text part */

#endif
