/* [filters] and a section for each filter, as a site writes them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "collector/filter/settings.h"
#include "common/buffer.h"
#include "common/cleanup.h"

static struct filters_settings settings;
static struct error failed;

static int read_words(const char *words)
{
    struct option_binding bindings[FILTERS_BINDINGS + 1];
    settings = (struct filters_settings){0};
    failed = (struct error){0};
    int status = filters_settings_find(&settings, text_of(words), "test", &failed);
    if (status < 0)
        return status;
    bindings[filters_settings_bind(&settings, bindings)] = (struct option_binding){.options = NULL};
    return options_read(bindings, text_of(words), "test", &failed);
}

static void test_each_section_is_a_filter_in_its_order(void **unused)
{
    (void)unused;
    assert_int_equal(
        read_words("[filters]\ngive_up = 2h\n[filter Second-one]\nkind = clamd\naddress = unix:/run/c\n"
                   "[filter b]\naddress = [::1]:11333\norder = 3\npatience = 1s\nsize = 1M\ncertain = A B*\n"
                   "[filter Second-one]\norder = 1\n"),
        0);
    assert_int_equal(settings.give_up, 2 * HOUR);
    assert_int_equal(settings.count, 2);
    assert_string_equal(settings.items[0].name, "Second-one");
    assert_string_equal(filter_kind_names[settings.items[0].kind], "clamd");
    assert_int_equal(settings.items[0].order, 1);
    assert_string_equal(filter_kind_names[settings.items[1].kind], "rspamd");
    assert_int_equal(settings.items[1].order, 3);
    assert_int_equal(settings.items[1].patience, SECOND);
    assert_int_equal(settings.items[1].size_most, 1 << 20);
    assert_int_equal(settings.items[1].certain.count, 2);
}

static void test_without_any_there_are_none(void **unused)
{
    (void)unused;
    assert_int_equal(read_words("[filters]\n"), 0);
    assert_int_equal(settings.count, 0);
    assert_int_equal(settings.give_up, DAY);
}

static void test_presets(void **unused)
{
    (void)unused;
    assert_int_equal(read_words("[filter a]\naddress = 127.0.0.1:1\n"), 0);
    const struct filter_settings *filter = &settings.items[0];
    assert_true(filter->virus_is_certain && !filter->learns && !filter->reports);
    assert_string_equal(filter->certain.items[0], "GTUBE");
    assert_int_equal(filter->threshold, 600);
    assert_int_equal(filter->lost, LOST_NOTHING);
    assert_int_equal(filter->at_once, 4);
}

static void test_what_is_wrong_is_said_with_its_line(void **unused)
{
    (void)unused;
    static const struct {
        const char *words, *said;
    } wrong[] = {
        {"[filter bulk]\naddress = 127.0.0.1:1\n", "test:1: the filter's name is wrong"},
        {"\n[filter a b]\n", "test:2: the filter's name is wrong"},
        {"[filter ]\n", "test:1: the filter's name is wrong"},
        {"[filter a]\n", "[filter a] address: \"\" is none"},
        {"[filter a]\naddress = mail.example.net:783\n",
         "test:2: [filter a] address: \"mail.example.net:783\" is none"},
        {"[filter a]\naddress = 127.0.0.1:1\ncontroller = x\n", "controller: \"x\" is no address"},
        {"[filter a]\naddress = 127.0.0.1:1\nkind = smtp\n", "mailbox: an appliance is given mail for it"},
        {"[filter a]\naddress = 127.0.0.1:1\nkind = milter\n", "kind:"},
        {"[filter a]\naddress = 127.0.0.1:1\nordr = 1\n", "order"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_true(read_words(wrong[i].words) < 0);
        if (!strstr(failed.text, wrong[i].said))
            fail_msg("case %zu: %s", i, failed.text);
    }
}

static void test_no_more_than_there_may_be(void **unused)
{
    (void)unused;
    CLEANUP(buffer_clear) struct buffer words;
    buffer_init(&words, 10000);
    for (int i = 0; i <= FILTERS_MOST; i++)
        assert_true(buffer_printf(&words, "[filter f%d]\naddress = 127.0.0.1:1\n", i));
    assert_true(buffer_append_byte(&words, '\0'));
    assert_true(read_words(words.bytes) < 0);
    assert_non_null(strstr(failed.text, "test:17: more filters than 8"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_section_is_a_filter_in_its_order),
        cmocka_unit_test(test_without_any_there_are_none),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(test_no_more_than_there_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
