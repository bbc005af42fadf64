/* See likeness.h. All parts are compared at once: the judge asks this several times a message. */
#include "common/words/likeness.h"

#include <assert.h>
#include <string.h>

typedef uint16_t eight __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));

static_assert(LIKENESS_PARTS == 16, "two vectors of eight");

static uint32_t sum_of(eight counts)
{
    halves sums = (halves)counts;
    return (uint32_t)((sums[0] + sums[1]) * UINT64_C(0x0001000100010001) >> 48);
}

bool likeness_is_known(const struct likeness *likeness)
{
    uint16_t any = 0;
    for (int i = 0; i < LIKENESS_PARTS; i++)
        any |= likeness->parts[i];
    return any != 0;
}

uint32_t likeness_share(const struct likeness *a, const struct likeness *b)
{
    eight filled = {0}, equal = {0};
    for (int i = 0; i < LIKENESS_PARTS; i += 8) {
        eight one, other;
        memcpy(&one, a->parts + i, sizeof one);
        memcpy(&other, b->parts + i, sizeof other);
        filled += (eight)((one | other) != 0) & 1;
        equal += (eight)((one == other) & (one != 0)) & 1;
    }
    uint32_t all = sum_of(filled);
    return all ? sum_of(equal) * 100 / all : 0;
}
