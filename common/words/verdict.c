/* The verdicts' names, written and read. */
#include <assert.h>
#include "common/words/verdict.h"

static const char *const names[] = {"clear", "alert", "throttle", "divert", "block"};
static_assert(sizeof names / sizeof names[0] == VERDICTS, "every verdict has a name");

const char *verdict_name(enum verdict verdict)
{
    return (unsigned)verdict < VERDICTS ? names[verdict] : "unknown";
}

bool verdict_parse(struct text text, enum verdict *result)
{
    for (int i = 0; i < VERDICTS; i++) {
        if (text_equals(text, text_of(names[i]))) {
            *result = (enum verdict)i;
            return true;
        }
    }
    return false;
}
