/* The files of conf/letters, as the assembler put them here. */
#include <stddef.h>
#include "collector/letter/template.h"

#define LANGUAGES(_) _(en) _(de) _(fr) _(es) _(nl) _(pl)

#define EMBED(name)                                                                                                    \
    __asm__(".pushsection .rodata\n"                                                                                   \
            ".balign 16\n"                                                                                             \
            "letters_" #name "_begin:\n"                                                                               \
            ".incbin \"conf/letters/" #name ".txt\"\n"                                                                 \
            "letters_" #name "_end:\n"                                                                                 \
            ".byte 0\n"                                                                                                \
            ".popsection\n");                                                                                          \
    extern const char letters_##name##_begin[], letters_##name##_end[];
LANGUAGES(EMBED)

static const struct shipped {
    const char *language, *begin, *end;
} shipped[] = {
#define ROW(name) {#name, letters_##name##_begin, letters_##name##_end},
    LANGUAGES(ROW)};
#define COUNT (sizeof shipped / sizeof shipped[0])

const char *template_builtin_language(unsigned index)
{
    return index < COUNT ? shipped[index].language : NULL;
}

bool template_builtin(struct text language, struct text *result)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (text_equals(language, text_of(shipped[i].language))) {
            *result = (struct text){shipped[i].begin, (size_t)(shipped[i].end - shipped[i].begin)};
            return true;
        }
    }
    return false;
}
