/* The same digest with 32 bytes at a time, for processors that can: what most mail is spent on. The result is the same
 * to the bit (XXH3 is defined by its result, not by its steps). A file of its own, because the choice of instructions
 * holds for a whole file. */
#include "agent/packet/smtp_digest_wide.h"

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#include <immintrin.h>
#define XXH_INLINE_ALL
#define XXH_VECTOR 2 /* XXH_AVX2 */
#include <xxhash.h>

void smtp_digest_add_wide(void *state, const char *bytes, size_t length)
{
    XXH3_128bits_update(state, bytes, length);
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

bool smtp_digest_can_be_wide(void)
{
    return __builtin_cpu_supports("avx2");
}

#else

void smtp_digest_add_wide(void *state, const char *bytes, size_t length)
{
    (void)state, (void)bytes, (void)length;
}

bool smtp_digest_can_be_wide(void)
{
    return false;
}

#endif
