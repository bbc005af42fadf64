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

const char *likeness_print(const struct likeness *likeness, char result[LIKENESS_TEXT])
{
    for (int i = 0; i < LIKENESS_PARTS; i++)
        for (int digit = 0; digit < 4; digit++)
            result[4 * i + digit] = "0123456789abcdef"[likeness->parts[i] >> (12 - 4 * digit) & 15];
    result[LIKENESS_TEXT - 1] = 0;
    return result;
}

/* -1: it is no digit. */
static int digit_of(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

bool likeness_parse(struct text text, struct likeness *result)
{
    struct likeness read = {0};
    if (text.length != LIKENESS_TEXT - 1)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        int digit = digit_of(text.bytes[i]);
        if (digit < 0)
            return false;
        read.parts[i / 4] = (uint16_t)(read.parts[i / 4] << 4 | digit);
    }
    *result = read;
    return true;
}
