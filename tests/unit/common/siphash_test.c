/* SipHash-2-4 against the vector of the paper's appendix, and the properties that tables lean on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "common/siphash.h"

/* Key 00 01 .. 0f, message 00 01 .. 0e. */
static const struct siphash_key key = {{UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};

static void gives_the_published_value(void **state)
{
    (void)state;
    uint8_t message[15];
    for (uint8_t i = 0; i < sizeof message; i++)
        message[i] = i;
    assert_int_equal(siphash(&key, message, sizeof message), UINT64_C(0xa129ca6149be45e5));
}

static void every_length_and_every_byte_counts(void **state)
{
    (void)state;
    uint8_t message[65] = {0};
    uint64_t seen[65 * 2];
    size_t number = 0;
    for (size_t length = 0; length < sizeof message; length++) {
        seen[number++] = siphash(&key, message, length); /* zeros of another length */
        if (length == 0)
            continue;
        message[length - 1] ^= 0x80;
        seen[number++] = siphash(&key, message, length);
        message[length - 1] ^= 0x80;
    }
    for (size_t i = 0; i < number; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(seen[i] != seen[j]);
}

static void alignment_does_not_matter_and_the_key_does(void **state)
{
    (void)state;
    uint8_t room[40] = {0};
    for (size_t shift = 0; shift < 8; shift++) {
        memset(room, 0, sizeof room);
        memcpy(room + shift, "a key of some kind", 18);
        assert_int_equal(siphash(&key, room + shift, 18), siphash(&key, "a key of some kind", 18));
    }
    struct siphash_key other = {{key.words[0], key.words[1] ^ 1}};
    assert_true(siphash(&key, "x", 1) != siphash(&other, "x", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_published_value),
        cmocka_unit_test(every_length_and_every_byte_counts),
        cmocka_unit_test(alignment_does_not_matter_and_the_key_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
