/* What people are told of an order on a customer. */
#include "agent/warden/held_sentence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void what_is_held_and_what_is_not(void **state)
{
    static const struct {
        struct held_report report;
        const char *text;
    } rows[] = {
        {{{.ports = 2, .addresses = 14, .members = 3}, false, true}, "holds 2 ports and 14 addresses here"},
        {{{.ports = 1, .macs = 1, .addresses = 1, .accounts = 2, .members = 5}, false, true},
         "holds 1 port, 1 MAC, 1 address and 2 lines of accounts here"},
        {{{.users = 1, .members = 1}, true, true}, "holds 1 user here"},
        {{{.macs = 1, .members = 1}, false, true}, "holds 1 MAC here; none of its guests' ports is open"},
        {{{.members = 1}, false, true}, "nobody of that customer is here now; whoever comes is held"},
        {{{0}, false, true}, "nobody of that customer is here now; whoever comes is held; the map has no line of it"},
        {{{.ports = 1}, false, true}, "holds 1 port here"}, /* known by the number in its name */
        {{{.ports = 1, .addresses = 4096, .members = 2, .beyond = 61440, .narrow = 1, .refused = 2}, false, true},
         "holds 1 port and 4096 addresses here; not held: 61440 addresses or /64s beyond the bound, 1 IPv6 prefix "
         "longer "
         "than a /64 and 2 that are this machine's own"},
        {{{.ports = 1, .members = 1}, false, false}, "holds 1 port here; enforcement is off"},
    };
    char text[HELD_SENTENCE];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(held_sentence(&rows[i].report, text), rows[i].text);
}

static void it_ends_within_its_room_whatever_is_counted(void **state)
{
    struct held_report report;
    char text[HELD_SENTENCE + 1];
    (void)state;
    memset(&report, 0xff, sizeof report);
    report.host = report.enforcing = false;
    text[HELD_SENTENCE] = '!';
    held_sentence(&report, text);
    assert_true(strlen(text) < HELD_SENTENCE);
    assert_int_equal(text[HELD_SENTENCE], '!');
}

static void a_release_says_whether_there_was_anything(void **state)
{
    (void)state;
    assert_non_null(strstr(released_sentence(true), "released"));
    assert_string_equal(released_sentence(false), "no order stood on it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_and_what_is_not),
        cmocka_unit_test(it_ends_within_its_room_whatever_is_counted),
        cmocka_unit_test(a_release_says_whether_there_was_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
