/* What stands under the names that are followed is handed out, each file once, in the order in which it came; and what
 * lies beside them under the names of rotated files. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/io/clock.h"
#include "common/io/tail_find.h"

static char top[] = "/tmp/postern-find-XXXXXX";
static struct tail_find *finder;
static moment now;
static struct buffer news; /* one line each, with the path's last part and what the file holds */

static int begin(void **state)
{
    (void)state;
    memcpy(top + strlen(top) - 6, "XXXXXX", 6);
    if (!mkdtemp(top) || chdir(top) != 0)
        return -1;
    now = clock_now();
    buffer_init(&news, 1024 * 1024);
    return 0;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    tail_find_destroy(&finder);
    buffer_clear(&news);
    snprintf(command, sizeof command, "rm -rf '%s'", top);
    return chdir("/") != 0 || system(command) != 0;
}

static void write_text(const char *name, const char *text)
{
    int file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
}

/* Last written to so long before now. */
static void age(const char *name, int seconds)
{
    struct timespec times[2] = {{.tv_sec = now / SECOND - seconds}, {.tv_sec = now / SECOND - seconds}};
    assert_int_equal(utimensat(AT_FDCWD, name, times, 0), 0);
}

static int create_with(const char *const *names, moment since, uint32_t sources, struct error *error)
{
    static char whole[8][128];
    const char *patterns[9] = {NULL};
    for (size_t i = 0; names[i]; i++) {
        snprintf(whole[i], sizeof whole[i], "%s/%s", top, names[i]);
        patterns[i] = whole[i];
    }
    const struct tail_find_settings settings = {.patterns = patterns, .since = since, .sources = sources};
    return tail_find_create(&settings, &finder, error);
}

static void follow(const char *pattern)
{
    struct error error = {.code = 0};
    const char *const names[] = {pattern, NULL};
    assert_int_equal(create_with(names, now - HOUR, 0, &error), 0);
}

static void note(const struct tail_found *found)
{
    static const char *const words[] = {"live", "beside", "gone", "ready", "trouble"};
    char content[64] = "";
    const char *name = strncmp(found->source, top, strlen(top)) == 0 ? found->source + strlen(top) : found->source;
    bool file = found->news == TAIL_LIVE || found->news == TAIL_SIBLING;
    assert_int_equal(file, found->descriptor >= 0);
    if (file) {
        struct stat status;
        assert_true(pread(found->descriptor, content, sizeof content - 1, 0) >= 0);
        assert_int_equal(fstat(found->descriptor, &status), 0);
        assert_true(status.st_dev == found->device && status.st_ino == found->inode);
        close(found->descriptor);
    }
    assert_true(buffer_printf(&news, "%s %s %s\n", words[found->news], name + (*name == '/'),
                              file ? content : found->sentence));
}

static void gather(void)
{
    struct tail_found found;
    news.length = 0;
    while (tail_find_next(finder, now, &found))
        note(&found);
    now += 50 * MILLISECOND;
}

static void expect(const char *text)
{
    gather();
    if (!text_equals(buffer_text(&news), (struct text){text, strlen(text)}))
        fail_msg("told:\n%.*s---- instead of:\n%s", (int)news.length, news.bytes ? news.bytes : "", text);
}

static void a_file_is_handed_out_once(void **state)
{
    (void)state;
    write_text("mail.log", "one");
    follow("mail.log");
    expect("live mail.log one\nready  \n");
    expect("");
    write_text("mail.log", "two");
    now += MINUTE;
    expect("");
}

static void a_file_that_comes_later_is_found(void **state)
{
    (void)state;
    follow("mail.log");
    gather();
    write_text("mail.log", "one");
    expect("live mail.log one\n");
}

static void what_was_rotated_lately_comes_first_the_older_in_front(void **state)
{
    (void)state;
    write_text("mail.log", "now");
    write_text("mail.log.1", "last");
    write_text("mail.log.2", "before");
    write_text("mail.log.3", "long ago");
    write_text("mail.err.1", "another's");
    age("mail.log.1", 60);
    age("mail.log.2", 120);
    age("mail.log.3", 2 * 3600);
    follow("mail.log");
    expect("beside mail.log before\nbeside mail.log last\nlive mail.log now\nready  \n");
}

static void renaming_says_what_is_gone_and_what_came(void **state)
{
    (void)state;
    write_text("mail.log", "one");
    follow("mail.log");
    gather();
    assert_int_equal(rename("mail.log", "mail.log.1"), 0);
    expect("gone mail.log \n"); /* nobody hands the same file out as one beside: it is open */
    write_text("mail.log", "two");
    expect("live mail.log two\n");
}

static void two_rotations_at_once_lose_no_file_between(void **state)
{
    (void)state;
    write_text("mail.log", "one");
    follow("mail.log");
    gather();
    assert_int_equal(rename("mail.log", "mail.log.2"), 0);
    write_text("mail.log.1", "two");
    write_text("mail.log", "three");
    expect("beside mail.log two\ngone mail.log \nlive mail.log three\n");
}

static void deleting_and_writing_anew_is_another_file(void **state)
{
    (void)state;
    write_text("mail.log", "one");
    follow("mail.log");
    gather();
    assert_int_equal(unlink("mail.log"), 0);
    write_text("mail.log", "two"); /* with luck the same inode */
    expect("gone mail.log \nlive mail.log two\n");
}

static void a_rotated_file_that_is_written_to_is_handed_out_again(void **state)
{
    (void)state;
    write_text("mail.log", "one");
    write_text("mail.log.1", "before");
    age("mail.log.1", 60);
    follow("mail.log");
    expect("beside mail.log before\nlive mail.log one\nready  \n");
    write_text("mail.log.1", ", late");
    now += 6 * SECOND;
    expect("beside mail.log before, late\n");
    now += 6 * SECOND;
    expect("");
}

static void a_glob_takes_in_what_comes_and_nothing_rotated(void **state)
{
    (void)state;
    write_text("a.log", "a");
    write_text("a.log.1.gz", "packed");
    write_text(".hidden.log", "h");
    follow("*.log*");
    expect("beside a.log packed\nlive a.log a\nready  \n");
    write_text("b.log", "b");
    expect("live b.log b\n");
    assert_int_equal(unlink("b.log"), 0);
    expect("gone b.log \n");
}

static void folders_may_be_globs_and_come_later(void **state)
{
    (void)state;
    assert_int_equal(mkdir("alice", 0700), 0);
    write_text("alice/mail.log", "a");
    follow("*/mail.log");
    expect("live alice/mail.log a\nready  \n");
    assert_int_equal(mkdir("bob", 0700), 0);
    write_text("bob/mail.log", "b");
    now += 2 * SECOND;
    expect("live bob/mail.log b\n");
}

static void a_change_wakes(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/sub", top);
    assert_int_equal(mkdir(path, 0700), 0);
    follow("sub/mail.log");
    gather();
    uint64_t listings = tail_find_counters(finder).listings;
    write_text("sub/rubbish", "x"); /* of no interest: nothing is listed for it */
    gather();
    assert_true(tail_find_counters(finder).listings == listings);
    write_text("sub/mail.log", "one");
    expect("live sub/mail.log one\n");
    assert_true(tail_find_counters(finder).unwatched_folders == 0);
}

static void what_cannot_be_followed_is_said_once(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("mail.log", 0600), 0);
    follow("mail.log");
    gather();
    assert_non_null(memmem(news.bytes, news.length, "trouble mail.log", 16));
    assert_null(memmem(news.bytes, news.length, "live", 4));
    assert_true(tail_find_counters(finder).unreadable == 1);
    now += 6 * SECOND;
    expect("");
    assert_int_equal(unlink("mail.log"), 0);
    write_text("mail.log", "one");
    expect("live mail.log one\n");
    assert_true(tail_find_counters(finder).unreadable == 0);
}

static void sources_beyond_the_bound_are_counted_and_said(void **state)
{
    (void)state;
    struct error error = {.code = 0};
    static const char *const names[] = {"*.log", NULL};
    write_text("a.log", "a");
    write_text("b.log", "b");
    write_text("c.log", "c");
    assert_int_equal(create_with(names, 0, 2, &error), 0);
    gather();
    assert_true(tail_find_counters(finder).sources == 2);
    assert_true(tail_find_counters(finder).refused_sources == 1);
    assert_non_null(memmem(news.bytes, news.length, "more than 2 log files", 21));
}

static void a_pattern_that_is_no_absolute_path_is_refused(void **state)
{
    (void)state;
    struct error error = {.code = 0};
    static const char *const wrong[][2] = {{"mail.log", NULL}, {"", NULL}, {"/var/log/", NULL}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct tail_find_settings settings = {.patterns = wrong[i]};
        assert_int_equal(tail_find_create(&settings, &finder, &error), -EINVAL);
    }
    char name[TAIL_NAME + 1] = "/";
    memset(name + 1, 'x', TAIL_NAME - 1);
    const char *const longest[] = {name, NULL};
    const struct tail_find_settings settings = {.patterns = longest};
    assert_int_equal(tail_find_create(&settings, &finder, &error), -ENAMETOOLONG);
    assert_null(finder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_handed_out_once),
        TEST(a_file_that_comes_later_is_found),
        TEST(what_was_rotated_lately_comes_first_the_older_in_front),
        TEST(renaming_says_what_is_gone_and_what_came),
        TEST(two_rotations_at_once_lose_no_file_between),
        TEST(deleting_and_writing_anew_is_another_file),
        TEST(a_rotated_file_that_is_written_to_is_handed_out_again),
        TEST(a_glob_takes_in_what_comes_and_nothing_rotated),
        TEST(folders_may_be_globs_and_come_later),
        TEST(a_change_wakes),
        TEST(what_cannot_be_followed_is_said_once),
        TEST(sources_beyond_the_bound_are_counted_and_said),
        TEST(a_pattern_that_is_no_absolute_path_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
