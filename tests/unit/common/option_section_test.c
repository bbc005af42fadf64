/* Sections that a site names itself: found before there is a table for them, told with their line where they are wrong,
 * and given a table of their own each. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/option.h"

static char found[200];

static int add(void *context, struct text name, struct error *error)
{
    (void)context;
    size_t length = strlen(found);
    snprintf(found + length, sizeof found - length, "%.*s;", (int)name.length, name.bytes);
    return options_check_name("guest", name, 8, "own", error);
}

static int find(const char *configuration, struct error *error)
{
    found[0] = '\0';
    return options_named(text_of(configuration), "a.conf", "guest ", add, NULL, error);
}

static void each_name_is_told_as_often_as_it_stands_there(void **unused)
{
    (void)unused;
    struct error error = {0};
    assert_int_equal(find("[guest tom]\nx = 1\n[other a]\n[guest]\n[guests b]\n[guest a-1.b_2]\n[guest tom]\n", &error),
                     0);
    assert_string_equal(found, "tom;a-1.b_2;tom;");
    assert_int_equal(find("", &error), 0);
    assert_string_equal(found, "");
}

static void a_wrong_name_ends_it_with_its_line(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {"", "OWN", "two words", "eightish", "a/b", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char configuration[100];
        struct error error = {0};
        snprintf(configuration, sizeof configuration, "# a comment\n[guest %s]\n[guest tom]\n", wrong[i]);
        assert_int_equal(find(configuration, &error), -EINVAL);
        assert_string_equal(error.text, "a.conf:2: the guest's name is wrong; letters, digits, \"-\", \"_\" and \".\" "
                                        "are allowed, up to 7, and not \"own\"");
        assert_null(strstr(found, "tom"));
    }
}

struct guest {
    uint32_t rooms;
};

static void each_has_a_table_of_its_own(void **unused)
{
    (void)unused;
    static const struct option table[] = {
        COUNT_OPTION("guest NAME", struct guest, rooms, "1", .least = "1", .most = "9"), {.key = NULL}};
    struct option tom[2], ann[2];
    struct guest guests[2];
    struct error error = {0};
    options_copy(table, "guest tom", tom);
    options_copy(table, "guest ann", ann);
    const struct option_binding bindings[] = {
        {.options = tom, .settings = &guests[0]}, {.options = ann, .settings = &guests[1]}, {.options = NULL}};
    assert_int_equal(options_read(bindings, TEXT("[guest ann]\nrooms = 3\n"), "a.conf", &error), 0);
    assert_int_equal(guests[0].rooms, 1);
    assert_int_equal(guests[1].rooms, 3);
    options_clear(bindings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_is_told_as_often_as_it_stands_there),
        cmocka_unit_test(a_wrong_name_ends_it_with_its_line),
        cmocka_unit_test(each_has_a_table_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
