/* Header patterns: which headers of a message that an appliance gave back say what it thinks of it, as data. Each rule
 * names a header and a pattern (PCRE2) whose named groups are the fields.
 *
 *     [status]
 *     header = X-Spam-Status            a name, or a shell pattern for one; case does not matter
 *     match = ^(?:(?<spam>Yes)|No), score=(?<score>-?[\d.]+) required=(?<threshold>[\d.]+)(?: tests=(?<symbols>\S+))?
 *     verdict = spam                    optional: what the match says; else the groups `spam`, `ham`, `virus` do
 *     symbol = SOME_NAME                optional: given by the match, as the groups `symbol` and `symbols` do
 *     threshold = 50                    optional: where there is no group of that name
 *     more = yes                        optional: later rules are tried on the same header as well
 *
 * A header's value is matched unfolded, in one line. The first rule that matches a header takes it. Of several scores
 * the first counts; of verdicts "virus" stands over "spam", and that over "ham". */
#ifndef COLLECTOR_FILTER_HEADERS_H
#define COLLECTOR_FILTER_HEADERS_H

#include <stdbool.h>
#include "collector/filter/filter.h"
#include "common/error.h"
#include "common/text.h"

#define HEADERS_BUILTIN "builtin:" /* before a shipped set's name */

struct headers;
int headers_create(struct headers **result, struct error *) MUST_CHECK;
void headers_destroy(struct headers **);

/* Add the rules of one text, named `name` in errors, which read "NAME:LINE: [rule] key: what is wrong; what is
 * allowed". */
int headers_read(struct headers *, struct text content, const char *name, struct error *) MUST_CHECK;
/* All sets that an option names: "builtin:mailscanner /etc/postern/headers/own.conf". */
int headers_open(const char *names, struct headers **result, struct error *) MUST_CHECK;

/* Whether any rule looks at a header of that name. */
bool headers_look_at(const struct headers *, struct text name);
/* What a message's head says, which the caller bounds. No verdict in it: the opinion has none. */
void headers_judge(struct headers *, const struct filter_settings *, struct text head, struct opinion *result);

/* The shipped sets: "spamassassin", "mailscanner", ...; NULL behind the last. */
const char *headers_builtin_name(unsigned index);
bool headers_builtin(struct text name, struct text *result);

#endif
