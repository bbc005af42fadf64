/* What the milter asks and tells at the policy socket: the attributes that Postfix would send, one a line. Pure. */
#ifndef AGENT_MILTER_QUESTION_H
#define AGENT_MILTER_QUESTION_H

#include "common/buffer.h"
#include "common/words/likeness.h"

#define MILTER_QUESTION_MOST 8192

/* What is known of a message so far. Each text ends with NUL; empty: not known. */
struct milter_letter {
    char client_address[64], client_name[256], helo[256];
    char sender[322], account[256];
    char queue[64];
    char instance[64]; /* the same for all questions about one message */
    uint32_t recipients;
};

/* Copy a text of the mail server's; what is longer is cut. NULL: nothing. */
void milter_letter_set(char *place, size_t size, const char *text);
/* The same of a path, "<a@b>", without its brackets. */
void milter_letter_set_path(char *place, size_t size, const char *path);

/* `recipient` at RCPT; NULL at the end of the message, with its `size`. False: there is no room. */
bool milter_question_write(const struct milter_letter *, const char *recipient, uint64_t size, struct buffer *result);
bool milter_content_write(const struct milter_letter *, uint64_t size, const uint64_t digest[2],
                          const struct likeness *, struct buffer *result);

#endif
