/* The form of settings, for who hands them on without knowing what may stand in them: what has it
 * passes, and what has it not is said with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "common/option.h"

static void what_can_be_settings_passes(void **unused)
{
    static const char *const texts[] = {
        "",
        "\n\n",
        "\xef\xbb\xbf[policy]\nblock = 3\n",
        "# a comment\n; another\n  # and one that is indented\n",
        "[policy]\nblock = 3\n",
        "[policy]\r\nblock=3\r\n",
        "[plan a] # why\nsenders = a b\n  c d\n\n  e\n[policy]\nallow =\n",
        "[policy]\nallow_senders = uid:7 ; w\xc3\xb6rter",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error error = {0};
        if (options_check_form(text_of(texts[i]), "settings", &error) != 0)
            fail_msg("%s: %s", texts[i], error.text);
    }
}

static void what_cannot_is_said_with_its_line(void **unused)
{
    static const struct {
        struct text text;
        const char *sentence;
    } rows[] = {
        {TEXT("block = 3\n"), "settings:1: a key stands before any section"},
        {TEXT("[policy]\n\nblock\n"), "settings:3: it is no section, key or comment; allowed are \"[section]\", "
                                      "\"key = value\" and \"# comment\""},
        {TEXT("[policy\nblock = 3\n"), "settings:1: a section without its end; \"[section]\""},
        {TEXT("[policy]\n block = 3\n"),
         "settings:2: it is indented but nothing stands above it; keys begin at the line's start"},
        {TEXT("[policy]\nblock = 3\n[x]\n block = 3\n"),
         "settings:4: it is indented but nothing stands above it; keys begin at the line's start"},
        {TEXT("[policy]\nallow = \x1b[2J\n"), "settings:2: a control character stands in it"},
        {TEXT("[policy]\nallow = \0\n"), "settings:2: a control character stands in it"},
        {TEXT("# \xff\n"), "settings:1: it is not UTF-8"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error error = {0};
        assert_int_equal(options_check_form(rows[i].text, "settings", &error), -22);
        assert_string_equal(error.text, rows[i].sentence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_settings_passes),
        cmocka_unit_test(what_cannot_is_said_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
