/* What a fit comes to in settings, and that the agent reads what is printed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/lab/weights.h"

static void test_a_ceiling_comes_down_and_never_goes_up(void **unused)
{
    (void)unused;
    struct judge_settings *settings = judge_settings_create(NULL);
    struct lab_weights before, after;
    double fitted[DETECTORS_MOST];
    for (size_t i = 0; i < DETECTORS_MOST; i++)
        fitted[i] = 1;
    fitted[0] = 0.504;
    fitted[1] = 2.5;
    lab_weights_get(settings, &before);
    lab_weights_fit(fitted, &before, &after);
    assert_true(after.weight[0] == 0.5);
    assert_int_equal(after.most[0], before.most[0] / 2);
    assert_true(after.weight[1] == 2.5);
    assert_int_equal(after.most[1], before.most[1]);
    judge_settings_destroy(&settings);
}

static void test_the_agent_reads_what_is_printed(void **unused)
{
    (void)unused;
    struct judge_settings *settings = judge_settings_create(NULL), *other = judge_settings_create(NULL);
    struct lab_weights before, wanted, found;
    double fitted[DETECTORS_MOST];
    for (size_t i = 0; i < DETECTORS_MOST; i++)
        fitted[i] = 0.1 + 0.17 * (double)i;
    lab_weights_get(settings, &before);
    lab_weights_fit(fitted, &before, &wanted);
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    lab_weights_print(&wanted, &before, out);
    fclose(out);
    struct error error = {0};
    int status = options_read(judge_settings_bindings(other), (struct text){text, length}, "fragment", &error);
    if (status < 0)
        fail_msg("%s", error.text);
    lab_weights_get(other, &found);
    for (size_t i = 0; i < lab_weights_count(); i++) {
        assert_true(fabs(found.weight[i] - wanted.weight[i]) < 1e-9);
        assert_int_equal(found.most[i], wanted.most[i]);
    }
    lab_weights_set(settings, &wanted);
    lab_weights_get(settings, &found);
    for (size_t i = 0; i < lab_weights_count(); i++)
        assert_true(fabs(found.weight[i] - wanted.weight[i]) < 1e-9 && found.most[i] == wanted.most[i]);
    free(text);
    judge_settings_destroy(&settings);
    judge_settings_destroy(&other);
}

static void test_nothing_changed_prints_nothing(void **unused)
{
    (void)unused;
    struct judge_settings *settings = judge_settings_create(NULL);
    struct lab_weights before;
    lab_weights_get(settings, &before);
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    lab_weights_print(&before, &before, out);
    fclose(out);
    assert_int_equal(length, 0);
    free(text);
    judge_settings_destroy(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ceiling_comes_down_and_never_goes_up),
        cmocka_unit_test(test_the_agent_reads_what_is_printed),
        cmocka_unit_test(test_nothing_changed_prints_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
