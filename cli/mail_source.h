/* Mail as people have it: a file with a message, a mailbox (mbox), a directory of either (a Maildir among them), or
 * what comes on standard input; told apart by content. */
#ifndef CLI_MAIL_SOURCE_H
#define CLI_MAIL_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"
#include "common/text.h"

#define MAIL_SOURCE_MOST ((size_t)16 * 1024 * 1024) /* bytes of one message */

struct mail_source {
    /* A message, borrowed. `where`: its file. False: enough. */
    bool (*each)(void *context, const char *where, struct text message);
    void *context;
    uint64_t bytes;     /* read so far, of all */
    uint64_t messages;  /* given to each() */
    uint64_t too_large; /* passed over */
    uint64_t not_mail;  /* files that hold no message */
    bool enough;
};

/* All messages of `path` ("-": standard input), directories in the order of their names; hidden files, indexes of mail
 * servers and a Maildir's `tmp` are left out. Negative: it cannot be read; what was read before was given. */
int mail_source_read(struct mail_source *, const char *path, struct error *) MUST_CHECK;
/* How many bytes that is, as far as sizes tell; 0: nobody knows. */
uint64_t mail_source_size(const char *path);

#endif
