/* A folder is listed as it is now, whatever stood at its path before; a change in it wakes who watches. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/io/tail_folder.h"

static char top[] = "/tmp/postern-folder-XXXXXX";
static char logs[64], moved[64];
static int inotify = -1;

static int begin(void **state)
{
    (void)state;
    memcpy(top + strlen(top) - 6, "XXXXXX", 6);
    if (!mkdtemp(top))
        return -1;
    snprintf(logs, sizeof logs, "%s/logs", top);
    snprintf(moved, sizeof moved, "%s/moved", top);
    inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return inotify < 0 ? -1 : 0;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    close(inotify);
    snprintf(command, sizeof command, "rm -rf '%s'", top);
    return system(command);
}

static void make_file(const char *place, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", place, name);
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    close(file);
}

static bool holds(const struct tail_folder *folder, const char *name)
{
    for (const char *at = NULL; (at = tail_folder_next(folder, at)) != NULL;)
        if (strcmp(at, name) == 0)
            return true;
    return false;
}

static bool something_happened(void)
{
    char events[4096];
    bool any = false;
    while (read(inotify, events, sizeof events) > 0)
        any = true;
    return any;
}

static void names_are_those_that_are_there(void **state)
{
    (void)state;
    struct tail_folder folder;
    struct error error = {.code = 0};
    assert_int_equal(mkdir(logs, 0700), 0);
    make_file(logs, "mail.log");
    make_file(logs, "mail.log.1");
    tail_folder_init(&folder, logs);
    assert_true(folder.due);
    assert_null(tail_folder_next(&folder, NULL));
    assert_int_equal(tail_folder_list(&folder, inotify, &error), 0);
    assert_true(holds(&folder, "mail.log") && holds(&folder, "mail.log.1") && !holds(&folder, "mail.err"));
    assert_false(folder.cut);
    make_file(logs, "mail.err");
    assert_int_equal(tail_folder_list(&folder, inotify, &error), 0);
    assert_true(holds(&folder, "mail.log") && holds(&folder, "mail.err"));
    tail_folder_clear(&folder, inotify);
}

static void a_change_of_names_wakes_and_writing_does_not(void **state)
{
    (void)state;
    struct tail_folder folder;
    struct error error = {.code = 0};
    assert_int_equal(mkdir(logs, 0700), 0);
    tail_folder_init(&folder, logs);
    assert_int_equal(tail_folder_list(&folder, inotify, &error), 0);
    assert_true(folder.watch >= 0);
    something_happened();
    make_file(logs, "mail.log");
    assert_true(something_happened());
    char path[128];
    snprintf(path, sizeof path, "%s/mail.log", logs);
    int file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(file, "line\n", 5), 5);
    assert_false(something_happened());
    close(file);
    assert_int_equal(unlink(path), 0);
    assert_true(something_happened());
    tail_folder_clear(&folder, inotify);
}

static void without_inotify_it_is_listed_all_the_same(void **state)
{
    (void)state;
    struct tail_folder folder;
    struct error error = {.code = 0};
    assert_int_equal(mkdir(logs, 0700), 0);
    make_file(logs, "mail.log");
    tail_folder_init(&folder, logs);
    assert_int_equal(tail_folder_list(&folder, -1, &error), 0);
    assert_int_equal(folder.watch, -1);
    assert_true(holds(&folder, "mail.log"));
    tail_folder_clear(&folder, -1);
}

static void a_folder_that_is_not_there_has_no_names_and_may_come(void **state)
{
    (void)state;
    struct tail_folder folder;
    struct error error = {.code = 0};
    tail_folder_init(&folder, logs);
    assert_int_equal(tail_folder_list(&folder, inotify, &error), -ENOENT);
    assert_non_null(strstr(error.text, logs));
    assert_null(tail_folder_next(&folder, NULL));
    assert_int_equal(mkdir(logs, 0700), 0);
    make_file(logs, "mail.log");
    assert_int_equal(tail_folder_list(&folder, inotify, &error), 0);
    assert_true(holds(&folder, "mail.log"));
    tail_folder_clear(&folder, inotify);
}

static void another_folder_under_the_path_is_listed_and_watched_instead(void **state)
{
    (void)state;
    struct tail_folder folder;
    struct error error = {.code = 0};
    assert_int_equal(mkdir(logs, 0700), 0);
    make_file(logs, "old.log");
    tail_folder_init(&folder, logs);
    assert_int_equal(tail_folder_list(&folder, inotify, &error), 0);
    assert_int_equal(rename(logs, moved), 0);
    assert_int_equal(mkdir(logs, 0700), 0);
    make_file(logs, "new.log");
    assert_int_equal(tail_folder_list(&folder, inotify, &error), 0);
    assert_true(holds(&folder, "new.log") && !holds(&folder, "old.log"));
    something_happened();
    make_file(moved, "other.log");
    assert_false(something_happened());
    make_file(logs, "other.log");
    assert_true(something_happened());
    tail_folder_clear(&folder, inotify);
}

static void what_is_no_folder_is_refused(void **state)
{
    (void)state;
    struct tail_folder folder;
    struct error error = {.code = 0};
    make_file(top, "logs");
    tail_folder_init(&folder, logs);
    assert_int_equal(tail_folder_list(&folder, inotify, &error), -ENOTDIR);
    assert_null(tail_folder_next(&folder, NULL));
    tail_folder_clear(&folder, inotify);
}

static void names_beyond_the_bound_are_left_out_and_that_is_said(void **state)
{
    (void)state;
    struct tail_folder folder;
    struct error error = {.code = 0};
    char name[32];
    assert_int_equal(mkdir(logs, 0700), 0);
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "number-%d.log", i);
        make_file(logs, name);
    }
    tail_folder_init(&folder, logs);
    folder.names.most = 256;
    assert_int_equal(tail_folder_list(&folder, inotify, &error), 0);
    assert_true(folder.cut);
    assert_true(folder.names.length <= 256 && folder.names.length > 200);
    assert_non_null(tail_folder_next(&folder, NULL));
    tail_folder_clear(&folder, inotify);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_those_that_are_there),
        TEST(a_change_of_names_wakes_and_writing_does_not),
        TEST(without_inotify_it_is_listed_all_the_same),
        TEST(a_folder_that_is_not_there_has_no_names_and_may_come),
        TEST(another_folder_under_the_path_is_listed_and_watched_instead),
        TEST(what_is_no_folder_is_refused),
        TEST(names_beyond_the_bound_are_left_out_and_that_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
