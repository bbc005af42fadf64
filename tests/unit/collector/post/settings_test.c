/* [mail]: what is allowed, and who a message says that it is from. And for how long what fails is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "collector/post/lane.h"

static struct mail_settings settings;
static struct error failed;

static int read_lines(const char *lines)
{
    char text[1024];
    const struct option_binding bindings[] = {
        {.options = mail_options, .settings = &settings, .check = mail_settings_check}, {.options = NULL}};
    snprintf(text, sizeof text, "[mail]\n%s", lines);
    return options_read(bindings, text_of(text), "test", &failed);
}

static void assert_sender(const char *lines, const char *wanted)
{
    assert_int_equal(read_lines(lines), 0);
    assert_true(text_equals(mail_settings_sender(&settings), text_of(wanted)));
}

static void a_sender_is_a_bare_address(void **state)
{
    (void)state;
    assert_sender("server = smtp://mail.example.com:587\nfrom = Abuse desk <abuse@example.com>\n", "abuse@example.com");
    assert_sender("server = smtps://[2001:db8::1]\nfrom = abuse@example.com\nsender = bounces@example.com\n",
                  "bounces@example.com");
    assert_sender("server = smtp://127.0.0.1\nfrom = abuse@example.com\nsender = <>\n", "");
    assert_sender("", "");
}

static void what_will_not_do_is_refused(void **state)
{
    static const char *const lines[][2] = {
        {"server = mail.example.com\nfrom = a@b.example\n", "smtp://HOST"},
        {"server = smtp://mail/path\nfrom = a@b.example\n", "smtp://HOST"},
        {"server = smtp://ann:secret@mail\nfrom = a@b.example\n", "smtp://HOST"},
        {"server = smtp://\nfrom = a@b.example\n", "smtp://HOST"},
        {"server = smtp://mail\n", "from: "},
        {"server = smtp://mail\nfrom = nobody\n", "from: "},
        {"server = smtp://mail\nfrom = a@b.example\nsender = x\n", "sender: "},
        {"server = smtp://mail\nfrom = a@b.example\nuser = ann\n", "password: "},
        {"server = smtp://mail\nfrom = a@b.example\nuser = ann\npassword = /x\ntls = tried\n", "tls: "},
        {"server = smtp://127.0.0.1.example\nfrom = a@b.example\nuser = ann\npassword = /x\ntls = none\n", "tls: "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_true(read_lines(lines[i][0]) < 0);
        if (strstr(failed.text, lines[i][1]) == NULL)
            fail_msg("%s: %s", lines[i][0], failed.text);
    }
    assert_int_equal(
        read_lines("server = smtp://[::1]:25\nfrom = a@b.example\nuser = ann\npassword = /x\ntls = none\n"), 0);
}

static void near_is_this_machine_alone(void **state)
{
    (void)state;
    assert_true(mail_server_is_near("smtp://127.0.0.1:25"));
    assert_true(mail_server_is_near("smtp://[::1]"));
    assert_true(mail_server_is_near("smtps://LOCALHOST:465"));
    assert_false(mail_server_is_near("smtp://127.0.0.1.example.com"));
    assert_false(mail_server_is_near("smtp://localhost.example.com:25"));
    assert_false(mail_server_is_near(""));
}

static void pauses_grow_up_to_some_hours(void **state)
{
    duration all = 0;
    (void)state;
    assert_int_equal(lane_pause(0), 10 * SECOND);
    assert_int_equal(lane_pause(1), 10 * SECOND);
    for (int tries = 2; tries < 40; tries++)
        assert_true(lane_pause(tries) >= lane_pause(tries - 1));
    assert_int_equal(lane_pause(1000), 4 * HOUR);
    for (int tries = 1; tries < 12; tries++)
        all += lane_pause(tries);
    assert_true(all < DAY); /* so often it is tried within a day */
    assert_int_equal(lane_rest(0), 0);
    assert_int_equal(lane_rest(1), SECOND);
    assert_int_equal(lane_rest(3), 4 * SECOND);
    for (uint32_t fails = 2; fails < 40; fails++)
        assert_true(lane_rest(fails) >= lane_rest(fails - 1));
    assert_int_equal(lane_rest(UINT32_MAX), 5 * MINUTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sender_is_a_bare_address),
        cmocka_unit_test(what_will_not_do_is_refused),
        cmocka_unit_test(near_is_this_machine_alone),
        cmocka_unit_test(pauses_grow_up_to_some_hours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
