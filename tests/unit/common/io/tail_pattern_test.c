/* Which names a pattern takes in, and which paths are none. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "common/io/tail_pattern.h"

static bool takes(const char *path, const char *folder, const char *name)
{
    struct tail_pattern pattern;
    struct error error = {.code = 0};
    assert_int_equal(tail_pattern_read(path, &pattern, &error), 0);
    return tail_pattern_takes(&pattern, folder, name);
}

static void a_path_takes_in_itself(void **state)
{
    (void)state;
    assert_true(takes("/var/log/mail.log", "/var/log", "mail.log"));
    assert_false(takes("/var/log/mail.log", "/var/log", "mail.err"));
    assert_false(takes("/var/log/mail.log", "/var/log/old", "mail.log"));
    assert_true(takes("/mail.log", "/", "mail.log"));
    assert_true(takes("/var/log/mail.log.1", "/var/log", "mail.log.1")); /* whoever names it wants it */
}

static void a_glob_takes_in_living_logs(void **state)
{
    (void)state;
    assert_true(takes("/var/log/*", "/var/log", "mail.log"));
    assert_true(takes("/var/log/mail-[ab].log", "/var/log", "mail-a.log"));
    assert_false(takes("/var/log/mail-?.log", "/var/log", "mail-ab.log"));
    assert_false(takes("/var/log/*", "/var/log", ".mail.log"));
    assert_false(takes("/var/log/*", "/var/log", "mail.log.1"));
    assert_false(takes("/var/log/*", "/var/log", "mail.log.2.gz"));
    assert_false(takes("/var/log/*", "/var/log/old", "mail.log"));
}

static void a_glob_of_folders_crosses_no_slash(void **state)
{
    (void)state;
    assert_true(takes("/home/*/logs/mail.log", "/home/alice/logs", "mail.log"));
    assert_false(takes("/home/*/logs/mail.log", "/home/alice/old/logs", "mail.log"));
    assert_true(takes("/home/*/*.log", "/home/alice", "a.log"));
}

static void what_is_no_absolute_path_of_a_file_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "mail.log", "./mail.log", "/", "/var/log/"};
    struct tail_pattern pattern;
    struct error error = {.code = 0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(tail_pattern_read(wrong[i], &pattern, &error), -EINVAL);
    char name[TAIL_NAME + 1] = "/";
    memset(name + 1, 'x', TAIL_NAME - 1);
    assert_int_equal(tail_pattern_read(name, &pattern, &error), -ENAMETOOLONG);
    name[TAIL_NAME - 1] = '\0';
    assert_int_equal(tail_pattern_read(name, &pattern, &error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_takes_in_itself),
        cmocka_unit_test(a_glob_takes_in_living_logs),
        cmocka_unit_test(a_glob_of_folders_crosses_no_slash),
        cmocka_unit_test(what_is_no_absolute_path_of_a_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
