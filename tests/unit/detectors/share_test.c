/* Large shares: who has one, who has none, and that any bytes are taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "detectors/share.h"

/* Of each hundred, so many go to one server and the others to ever new ones. How often the one was large in the end. */
static unsigned large_of(uint32_t percent, uint32_t sinks)
{
    struct share share = {0};
    unsigned large = 0;
    uint64_t random = 3;
    for (uint32_t i = 0; i < 4000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
        bool sink = (random >> 33) % 100 < percent;
        uint32_t server = sink ? 1 + (uint32_t)(random >> 50) % sinks : 1000 + i;
        uint32_t found = share_count(&share, server);
        large += sink && i >= 2000 && found > 0;
        if (!sink)
            assert_int_equal(found, 0);
    }
    return large;
}

static void shares(void **state)
{
    (void)state;
    assert_true(large_of(80, 1) > 1500); /* of 1,600 */
    assert_true(large_of(60, 1) > 800);
    assert_int_equal(large_of(10, 1), 0);
    assert_true(large_of(90, 2) > 1200);   /* two sinks */
    assert_int_equal(large_of(60, 20), 0); /* the servers of large receivers */
}

static void any_bytes(void **state)
{
    (void)state;
    struct share share;
    for (int byte = 0; byte < 256; byte++) {
        memset(&share, byte, sizeof share);
        for (uint32_t i = 0; i < 1000; i++)
            assert_true(share_count(&share, i) <= UINT8_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shares), cmocka_unit_test(any_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
