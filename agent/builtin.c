/* The files of conf/maps and conf/logs, as the assembler put them here. */
#include "agent/builtin.h"

#include <stddef.h>

#define MAPS(_)                                                                                                        \
    _(sender_access, "sender_access", "conf/maps/sender_access")                                                       \
    _(recipient_access, "recipient_access", "conf/maps/recipient_access")                                              \
    _(helo_access, "helo_access", "conf/maps/helo_access")                                                             \
    _(trap_access, "trap_access", "conf/maps/trap_access")
#define LOGS(_)                                                                                                        \
    _(postfix, "logs/postfix", "conf/logs/postfix.conf")                                                               \
    _(exim, "logs/exim", "conf/logs/exim.conf")                                                                        \
    _(sendmail, "logs/sendmail", "conf/logs/sendmail.conf")                                                            \
    _(rspamd, "logs/rspamd", "conf/logs/rspamd.conf")                                                                  \
    _(mailscanner, "logs/mailscanner", "conf/logs/mailscanner.conf")                                                   \
    _(opensmtpd, "logs/opensmtpd", "conf/logs/opensmtpd.conf")                                                         \
    _(qmail, "logs/qmail", "conf/logs/qmail.conf")                                                                     \
    _(haraka, "logs/haraka", "conf/logs/haraka.conf")
#define BUILTINS(_) MAPS(_) LOGS(_)

#define EMBED(name, shown, path)                                                                                       \
    __asm__(".pushsection .rodata\n"                                                                                   \
            ".balign 16\n"                                                                                             \
            "builtin_" #name "_begin:\n"                                                                               \
            ".incbin \"" path "\"\n"                                                                                   \
            "builtin_" #name "_end:\n"                                                                                 \
            ".byte 0\n"                                                                                                \
            ".popsection\n");                                                                                          \
    extern const char builtin_##name##_begin[], builtin_##name##_end[];
BUILTINS(EMBED)

static const struct builtin {
    const char *name, *begin, *end;
} builtins[] = {
#define ROW(name, shown, path) {shown, builtin_##name##_begin, builtin_##name##_end},
    BUILTINS(ROW)};
#define COUNT (sizeof builtins / sizeof builtins[0])

bool builtin_find(struct text name, struct text *result)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (text_equals(name, text_of(builtins[i].name))) {
            *result = (struct text){builtins[i].begin, (size_t)(builtins[i].end - builtins[i].begin)};
            return true;
        }
    }
    return false;
}

const char *builtin_name(unsigned index)
{
    return index < COUNT ? builtins[index].name : NULL;
}
