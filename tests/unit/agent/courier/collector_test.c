/* What may stand at [collector]. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "agent/courier/collector.h"

static int read_urls(const char *urls, struct error *error)
{
    static struct collector_settings settings;
    const struct option_binding bindings[] = {collector_settings_bind(&settings), {.options = NULL}};
    char text[256];
    snprintf(text, sizeof text, "[collector]\nurls = %s\n", urls);
    return options_read(bindings, text_of(text), "test.conf", error);
}

static void an_address_is_one_of_http(void **state)
{
    (void)state;
    struct error error = {0};
    assert_int_equal(read_urls("https://collector.example:8443", &error), 0);
    assert_int_equal(read_urls("https://[2001:db8::1]:8443 http://192.0.2.1:8025", &error), 0);
    assert_true(read_urls("ftp://collector.example", &error) < 0);
    assert_true(read_urls("https://collector.example/?a=b", &error) < 0);
}

static void a_password_in_an_address_is_refused_and_not_shown(void **state)
{
    (void)state;
    struct error error = {0};
    assert_true(read_urls("https://node:hunter2@collector.example:8443", &error) < 0);
    assert_null(strstr(error.text, "hunter2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_one_of_http),
        cmocka_unit_test(a_password_in_an_address_is_refused_and_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
