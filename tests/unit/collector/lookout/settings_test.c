/* [blacklists]: what is wrong is said with the option that it is wrong in, before anything is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "collector/lookout/settings.h"

static struct watch_settings settings;
static const struct option_binding bindings[] = {
    {.options = watch_options, .settings = &settings, .check = watch_settings_check}, {.options = NULL}};

/* The error, or "good". */
static const char *read_them(const char *text)
{
    static struct error error;
    int status = options_read(bindings, text_of(text), "f", &error);
    return status < 0 ? error.text : "good";
}

static int clear(void **unused)
{
    (void)unused;
    options_clear(bindings);
    return 0;
}

static void test_good(void **unused)
{
    struct own own = {0};
    struct zones *zones = NULL;
    struct error error;
    (void)unused;
    assert_string_equal(read_them("[blacklists]\nenabled = yes\nresolvers = 192.0.2.53 [2001:db8::53]:5353\n"
                                  "own = 198.51.100.0/30\ndomains = example.org\nlists = *.uceprotect.net\n"),
                        "good");
    assert_int_equal(watch_settings_own(&settings, &own, &error), 0);
    assert_int_equal(own_count(&own), 5);
    own_clear(&own);
    assert_int_equal(watch_settings_zones(&settings, &zones, &error), 0);
    assert_true(zones_find(zones, TEXT("dnsbl-1.uceprotect.net"))->asked);
    assert_false(zones_find(zones, TEXT("bl.spamcop.net"))->asked);
    zones_destroy(&zones);
}

static void test_off_nothing_is_read(void **unused)
{
    (void)unused;
    assert_string_equal(read_them(""), "good");
    assert_false(settings.enabled);
    clear(NULL);
    assert_string_equal(read_them("[blacklists]\nzones = /nowhere\n"), "good");
}

static void test_wrong(void **unused)
{
    static const struct {
        const char *line, *part;
    } wrong[] = {{"zones = /nowhere", "zones: cannot read /nowhere"},
                 {"keys = spamhaus", "keys: key spamhaus: NAME=FILE"},
                 {"lists = three.example", "lists: three.example: no such zone"},
                 {"lists = dnsbl.sorbs.net", "lists: dnsbl.sorbs.net is no blacklist any more"},
                 {"own = 10.0.0.0/7", "own, domains: 10.0.0.0/7"},
                 {"names = /nowhere", "names: cannot read /nowhere"},
                 {"names = nowhere", "names: \"nowhere\" will not do"},
                 {"domains = cheese", "domains: \"cheese\" will not do"},
                 {"resolvers = ns.example", "resolvers: \"ns.example\" will not do"},
                 {"idle = 1m", "idle: shorter than every"}};
    (void)unused;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "[blacklists]\nenabled = yes\n%s\n", wrong[i].line);
        const char *said = read_them(text);
        if (strstr(said, wrong[i].part) == NULL)
            fail_msg("%s: %s", wrong[i].line, said);
        clear(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(test_good, clear),
                                       cmocka_unit_test_teardown(test_off_nothing_is_read, clear),
                                       cmocka_unit_test(test_wrong)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
