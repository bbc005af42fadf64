/* An IMAP mailbox (RFC 9051, by libcurl) as a source. Messages stay where they are; which were taken is known by the
 * mailbox's UIDVALIDITY and the highest UID, and where the mailbox was made anew, all are brought again. */
#ifndef COLLECTOR_DESK_IMAP_H
#define COLLECTOR_DESK_IMAP_H

#include "collector/desk/brought.h"
#include "common/moment.h"

struct imap_settings {
    const char *server;  /* "imaps://mail.example.com", "imap://127.0.0.1:143": without TLS only on this machine */
    const char *mailbox; /* "INBOX" */
    const char *user, *password;
    const char *authority; /* a file of certificates, PEM; empty: the system's */
    duration patience;     /* for each step: connecting, a search, a message */
};

/* How many were taken. `place`: as it was last brought; empty: the mailbox is new. A message that is too long or is no
 * longer there is passed over. One that is too long is fetched once; while it is in the mailbox, the latest if there
 * are several, it is said by -EMSGSIZE, after all others were taken. */
int imap_read(const struct imap_settings *, int most, const char *place, const struct taker *,
              struct error *) MUST_CHECK;

#endif
