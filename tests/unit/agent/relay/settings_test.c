/* [relay]: what it takes and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/relay/settings.h"

/* What is wrong; empty: nothing. */
static const char *read_lines(const char *lines, struct relay_settings *settings, char divert[RELAY_DIVERT_TEXT])
{
    static struct error error;
    char text[512];
    struct relay_settings in_force;
    const struct option_binding bindings[] = {relay_settings_bind(&in_force), {.options = NULL}};
    error = (struct error){0};
    snprintf(text, sizeof text, "[relay]\n%s\n", lines);
    if (options_read(bindings, text_of(text), "test", &error) == 0)
        relay_settings_divert(&in_force, divert);
    *settings = in_force; /* all but its lists */
    options_clear(bindings);
    return error.text;
}

static void test_without_a_word_nobody_is_held_back(void **state)
{
    struct relay_settings settings;
    char divert[RELAY_DIVERT_TEXT];
    (void)state;
    assert_string_equal(read_lines("", &settings, divert), "");
    assert_false(settings.greylist);
    assert_false(settings.follow);
    for (int by = 0; by < RELAY_RATES; by++)
        assert_false(rates_are_limited(&settings.rates[by]));
    assert_string_equal(divert, "DUNNO");
    assert_int_equal(settings.listen.count, 0);
}

static void test_each_rate_has_its_place(void **state)
{
    struct relay_settings settings;
    char divert[RELAY_DIVERT_TEXT];
    (void)state;
    assert_string_equal(read_lines("client_messages_minute = 1\naccount_messages_hour = 2\n"
                                   "domain_recipients_minute = 3\ncustomer_recipients_hour = 4",
                                   &settings, divert),
                        "");
    assert_int_equal(settings.rates[RELAY_BY_CLIENT].messages_minute, 1);
    assert_int_equal(settings.rates[RELAY_BY_ACCOUNT].messages_hour, 2);
    assert_int_equal(settings.rates[RELAY_BY_DOMAIN].recipients_minute, 3);
    assert_int_equal(settings.rates[RELAY_BY_CUSTOMER].recipients_hour, 4);
}

static void test_divert_becomes_postfixs_word(void **state)
{
    static const char *const rows[][2] = {
        {"divert = hold", "HOLD diverted for abuse"},
        {"divert = filter smtp:[192.0.2.1]:10025", "FILTER smtp:[192.0.2.1]:10025"},
        {"divert = redirect abuse@example.com", "REDIRECT abuse@example.com"},
        {"divert = none", "DUNNO"},
    };
    struct relay_settings settings;
    char divert[RELAY_DIVERT_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(read_lines(rows[i][0], &settings, divert), "");
        assert_string_equal(divert, rows[i][1]);
    }
}

static void test_what_will_not_do_is_said(void **state)
{
    static const char *const rows[] = {
        "divert = holds",
        "divert = filter",
        "divert = filter smtp:a b",
        "divert = redirect nobody",
        "divert = hold now",
        "listen = 10040",
        "listen = localhost:10040",
        "listen = ::1:10040",
        "listen = 127.0.0.1:70000",
        "listen = 127.0.0.1:1 127.0.0.1:2 127.0.0.1:3 127.0.0.1:4 127.0.0.1:5",
        "greylist_delay = 10m\ngreylist_window = 10m",
    };
    struct relay_settings settings;
    char divert[RELAY_DIVERT_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_non_null(strstr(read_lines(rows[i], &settings, divert), "[relay] "));
    assert_string_equal(read_lines("listen = 127.0.0.1:10040 [::1]:10040", &settings, divert), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_word_nobody_is_held_back),
        cmocka_unit_test(test_each_rate_has_its_place),
        cmocka_unit_test(test_divert_becomes_postfixs_word),
        cmocka_unit_test(test_what_will_not_do_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
