/* conf/blacklists.conf, as the assembler put it here. */
#include "collector/blacklist/zones.h"

__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        "blacklists_begin:\n"
        ".incbin \"conf/blacklists.conf\"\n"
        "blacklists_end:\n"
        ".byte 0\n"
        ".popsection\n");
extern const char blacklists_begin[], blacklists_end[];

struct text zones_builtin(void)
{
    return (struct text){blacklists_begin, (size_t)(blacklists_end - blacklists_begin)};
}
