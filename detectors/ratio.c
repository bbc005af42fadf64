/* The binary logarithm digit by digit: squaring a number in [1, 2) doubles its logarithm, and where the square passes 2
 * the next binary digit is one. 24 digits are far finer than the hundredth that is asked for. */
#include "detectors/ratio.h"

#define DIGITS 24

static int64_t binary_logarithm(uint64_t number)
{
    if (number == 0)
        number = 1;
    int whole = 63 - __builtin_clzll(number);
    uint64_t rest = number << (63 - whole) >> 32; /* in [1, 2), the point behind bit 31 */
    int64_t result = whole;
    for (int i = 0; i < DIGITS; i++) {
        rest = rest * rest >> 31;
        uint64_t digit = rest >> 32; /* no branch: nobody can guess digits */
        rest >>= digit;
        result = 2 * result + (int64_t)digit;
    }
    return result;
}

points ratio_points(uint64_t more, uint64_t less)
{
    /* 1000 * log10(2) is 301.03 for each binary digit before the point. */
    int64_t scaled = (binary_logarithm(more) - binary_logarithm(less)) * 30103;
    int64_t one = INT64_C(100) << DIGITS;
    return (points)((scaled >= 0 ? scaled + one / 2 : scaled - one / 2) / one);
}
