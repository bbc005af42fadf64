/* The content of a message that is kept: found, opened, and known again. */
#ifndef COLLECTOR_QUARANTINE_CONTENT_H
#define COLLECTOR_QUARANTINE_CONTENT_H

#include "collector/message/message_file.h"
#include "collector/quarantine/packing.h"
#include "collector/store/lessons.h"
#include "collector/store/messages.h"
#include "common/buffer.h"
#include "common/error.h"

/* By which a message is known, wherever it comes from: BLAKE2b-256 of its content, where every line ends with one LF
 * and empty lines at the end do not count. The wire, a mailbox and a file differ in these alone. */
void content_digest(struct text content, char result[STORE_DIGEST]);

/* Of a message in the quarantine. `plain` is emptied and holds it. 1: found; 0: there is none, any more. -ENOKEY,
 * -EBADMSG as packing_unpack(). */
int content_open(struct store *, const struct packing_keys *, const char *name, struct buffer *plain,
                 struct error *) MUST_CHECK;
/* What a lesson is about: of the message with that name (empty: of none) or, where that is gone, what the lesson came
 * with. 1: found. */
int content_of_lesson(struct store *, const struct packing_keys *, const char *name, const char *digest,
                      struct buffer *plain, struct error *) MUST_CHECK;
#endif
