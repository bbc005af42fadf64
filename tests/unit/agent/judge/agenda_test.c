/* The agenda: entries come out by time, those of one moment by their sender's bytes, however they went in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/judge/agenda.h"

static void test_order_of_any_input(void **unused)
{
    (void)unused;
    struct agenda agenda = {0};
    uint64_t seed = 1;
    moment due;
    assert_false(agenda_next(&agenda, &due));
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 500; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1;
            struct sender sender = sender_from_user((uint32_t)(seed >> 40));
            assert_true(agenda_add(&agenda, (moment)(seed >> 33) % 50, &sender));
        }
        struct agenda_entry before = {.due = -1};
        for (int i = 0; i < 500 - round; i++) {
            assert_true(agenda_next(&agenda, &due));
            struct agenda_entry entry = agenda_take(&agenda);
            assert_int_equal(entry.due, due);
            assert_true(entry.due > before.due ||
                        (entry.due == before.due && memcmp(&entry.sender, &before.sender, sizeof entry.sender) >= 0));
            before = entry;
        }
    }
    assert_int_equal(agenda.count, 190);
    agenda_clear(&agenda);
    assert_false(agenda_next(&agenda, &due));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_any_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
