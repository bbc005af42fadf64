/* The files of conf/headers, as the assembler put them here. */
#include "collector/filter/headers.h"

#include <stddef.h>

#define SETS(_)                                                                                                        \
    _(spamassassin, "spamassassin")                                                                                    \
    _(amavis, "amavis")                                                                                                \
    _(mailscanner, "mailscanner")                                                                                      \
    _(assp, "assp")                                                                                                    \
    _(rspamd, "rspamd")                                                                                                \
    _(clamav, "clamav")                                                                                                \
    _(dcc, "dcc")                                                                                                      \
    _(authentication_results, "authentication-results")

#define EMBED(name, shown)                                                                                             \
    __asm__(".pushsection .rodata\n"                                                                                   \
            ".balign 16\n"                                                                                             \
            "headers_" #name "_begin:\n"                                                                               \
            ".incbin \"conf/headers/" shown ".conf\"\n"                                                                \
            "headers_" #name "_end:\n"                                                                                 \
            ".byte 0\n"                                                                                                \
            ".popsection\n");                                                                                          \
    extern const char headers_##name##_begin[], headers_##name##_end[];
SETS(EMBED)

static const struct set {
    const char *name, *begin, *end;
} sets[] = {
#define ROW(name, shown) {shown, headers_##name##_begin, headers_##name##_end},
    SETS(ROW)};
#define COUNT (sizeof sets / sizeof sets[0])

const char *headers_builtin_name(unsigned index)
{
    return index < COUNT ? sets[index].name : NULL;
}

bool headers_builtin(struct text name, struct text *result)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (text_equals(name, text_of(sets[i].name))) {
            *result = (struct text){sets[i].begin, (size_t)(sets[i].end - sets[i].begin)};
            return true;
        }
    }
    return false;
}
