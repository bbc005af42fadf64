/* How much memory a sender takes, with the program's own detectors: known at start, and bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "agent/judge/court.h"

/* The detectors and the judge need each other: an archive that came before is not looked into again. */
struct judge *(*const judge_of_the_archive)(const struct judge_settings *, struct senders *,
                                            const struct judge_listener *, struct error *) = judge_create;

static struct senders_shape shape_of(const char *configuration)
{
    struct error error = {0};
    struct senders_shape shape = {0};
    struct judge_settings *settings = judge_settings_create(&error);
    assert_non_null(settings);
    assert_int_equal(options_read(judge_settings_bindings(settings), text_of(configuration), "test", &error), 0);
    judge_settings_shape(settings, &shape);
    judge_settings_destroy(&settings);
    return shape;
}

static void test_a_quiet_sender_takes_a_kilobyte_at_most(void **unused)
{
    (void)unused;
    struct senders_shape shape = shape_of("");
    size_t now = senders_place_bytes(&shape);
    shape.judge_bytes = sizeof(struct judgement) + 20 * sizeof(struct account);
    size_t with_twenty = senders_place_bytes(&shape);
    print_message("%zu bytes with %u detectors, %zu with 20\n", now, detector_number(), with_twenty);
    assert_true(now <= 1024);
    assert_true(with_twenty <= 1024);
}

static void test_the_details_take_seven_at_most(void **unused)
{
    (void)unused;
    struct senders_shape shape = shape_of("");
    struct judge_layout layout = judge_lay_out();
    print_message("%u bytes of details, %u of them the detectors' states\n", shape.details_bytes, layout.reasons);
    assert_true(layout.reasons <= 4096);
    assert_true(shape.details_bytes <= 7168);
    assert_true(4096 + 17 * EVIDENCE_REASON <= 7168); /* as far as detectors may grow */
}

static void test_how_many_by_default(void **unused)
{
    (void)unused;
    struct senders_shape shape = shape_of("");
    assert_int_equal(shape.senders, 65536);
    assert_int_equal(shape.details, 16384);
    assert_true(senders_memory(&shape) <= 65536 * 1024 + 16384 * 7168 + 65536 * 64 + (size_t)shape.sketches * 2304);
}

static void test_no_more_details_than_senders(void **unused)
{
    (void)unused;
    assert_int_equal(shape_of("[sender]\nsenders = 500\n").details, 500);
    assert_int_equal(shape_of("[sender]\nsenders = 500\nbusy = 400\n").details, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_quiet_sender_takes_a_kilobyte_at_most),
        cmocka_unit_test(test_the_details_take_seven_at_most),
        cmocka_unit_test(test_how_many_by_default),
        cmocka_unit_test(test_no_more_details_than_senders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
