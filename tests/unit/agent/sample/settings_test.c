/* [samples]: what it takes and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include "agent/sample/settings.h"

/* What is wrong; empty: nothing. */
static const char *read_lines(const char *lines, struct samples_settings *settings)
{
    static struct error error;
    char text[256];
    const struct option_binding bindings[] = {samples_settings_bind(settings), {.options = NULL}};
    error = (struct error){0};
    snprintf(text, sizeof text, "[samples]\n%s\n", lines);
    (void)!options_read(bindings, text_of(text), "test", &error);
    return error.text;
}

static void what_stands_without_a_word(void **state)
{
    struct samples_settings settings;
    (void)state;
    assert_string_equal(read_lines("", &settings), "");
    assert_int_equal(settings.enabled, SAMPLES_AUTO);
    assert_int_equal(settings.size, 256 * 1024);
    assert_int_equal(settings.memory, 32 << 20);
    assert_int_equal(settings.first, 3);
    assert_int_equal(settings.trickle, 1000);
    assert_int_equal(settings.score, DECIBANS(10));
}

static void a_message_has_a_part_of_the_memory(void **state)
{
    struct samples_settings settings;
    (void)state;
    assert_string_equal(read_lines("memory = 1M\nsize = 256K", &settings), "");
    assert_string_equal(read_lines("memory = 1M\nsize = 257K", &settings),
                        "test:3: [samples] size: too much for one message; a quarter of what memory says is allowed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_without_a_word),
        cmocka_unit_test(a_message_has_a_part_of_the_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
