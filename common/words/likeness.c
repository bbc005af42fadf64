/* See likeness.h. */
#include "common/words/likeness.h"

bool likeness_is_known(const struct likeness *likeness)
{
    uint16_t any = 0;
    for (int i = 0; i < LIKENESS_PARTS; i++)
        any |= likeness->parts[i];
    return any != 0;
}

uint32_t likeness_share(const struct likeness *a, const struct likeness *b)
{
    uint32_t equal = 0, filled = 0;
    for (int i = 0; i < LIKENESS_PARTS; i++) {
        filled += (a->parts[i] | b->parts[i]) != 0;
        equal += a->parts[i] == b->parts[i] && a->parts[i] != 0;
    }
    return filled ? equal * 100 / filled : 0;
}
