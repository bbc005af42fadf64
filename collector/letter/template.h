/* The text of a letter in one language, as a person writes it; docs/letters.md has the form for people:
 *
 *     Whatever stands before the first line with an @ is for people who read the file.
 *     @subject
 *     Mail from {customer} is blocked
 *     @text
 *     Hello,
 *     @if blocked
 *     Your mail is blocked until {until}.
 *     @else
 *     ...
 *     @end
 *     @each held
 *     - {held.who}
 *     @end
 *     @word amount
 *     Much more mail was sent than usual.
 *
 * It is read once and checked whole, so that no letter fails for it; and it is followed without recursion. */
#ifndef COLLECTOR_LETTER_TEMPLATE_H
#define COLLECTOR_LETTER_TEMPLATE_H

#include "collector/letter/facts.h"
#include "common/buffer.h"
#include "common/error.h"
#include "common/text.h"

#define TEMPLATE_MOST     ((size_t)64 * 1024) /* bytes of a file */
#define TEMPLATE_LANGUAGE 16                  /* bytes of a language's name, with its end: "de", "pt-br" */
#define TEMPLATE_WIDTH    72                  /* columns beyond which a line is broken at a space */
#define TEMPLATE_VALUE    300                 /* bytes of a value that are shown */

struct template;
/* The error says FILE:LINE, what is wrong and what is allowed. `name`: the file's. */
int template_read(struct text, const char *name, struct template **result, struct error *) MUST_CHECK;
void template_destroy(struct template **);

/* Appends subject (one line) and text (UTF-8, lines end with LF). A word that the template does not have is taken from
 * `other`, which may be NULL. Values stand as one harmless line each. False: a buffer's bound. */
bool template_write(const struct template *, const struct template *other, const struct letter_facts *,
                    struct buffer *subject, struct buffer *text) __attribute__((warn_unused_result));

/* Whether a language may be called so: small letters, then perhaps '-' and small letters or digits. */
bool template_is_language(struct text);
/* The shipped files: their languages one by one, from 0; NULL: no more. */
const char *template_builtin_language(unsigned index);
/* False: there is none of that language. */
bool template_builtin(struct text language, struct text *result);

#endif
