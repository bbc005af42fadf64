/* Journal files and folders, read from first to last. */
#include <stdio.h>
#include <string.h>
#include "common/io/journal_read.h"
#include "tests/unit/common/io/journal_files.h"

/* How many lines `path` gives, each of them of mail. */
static unsigned lines_of(const char *path)
{
    static const char *const programs[] = {"rspamd", NULL};
    struct journal_read *read = NULL;
    struct error error = {0};
    struct text line;
    unsigned count = 0, number = 0;
    int more;
    if (journal_read_open(path, programs, &read, &error) != 0)
        fail_msg("%s", error.text);
    for (; (more = journal_read_next(read, &line, &error)) > 0; count++) {
        char copy[1024], *words;
        assert_in_range(line.length, 10, sizeof copy - 1);
        memcpy(copy, line.bytes, line.length);
        copy[line.length] = 0;
        words = strstr(copy, " postfix/smtp[7]: number ");
        assert_non_null(words);
        unsigned found = (unsigned)strtoul(words + strlen(" postfix/smtp[7]: number "), NULL, 10);
        assert_true(found > number); /* in order */
        number = found;
    }
    assert_int_equal(more, 0);
    journal_read_close(&read);
    return count;
}

static void a_file_or_all_of_a_folder(void **state)
{
    char path[200];
    (void)state;
    log_entries("a", 1, 30, MAIL);
    log_entries("b", 31, 12, MAIL);
    snprintf(path, sizeof path, "%s/b.journal", folder);
    assert_true(journal_read_is(folder));
    assert_true(journal_read_is(path));
    assert_int_equal(lines_of(folder), 42);
    assert_int_equal(lines_of(path), 12);
}

static void mail_of_system_users_only(void **state)
{
    (void)state;
    log_entries("a", 1, 2, MAIL);
    log_entries("b", 3, 4, "SYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=cron\n_UID=0\n");
    log_entries("c", 7, 8, "SYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=postfix/smtp\n_UID=1001\n");
    assert_int_equal(lines_of(folder), 2);
}

static void what_is_no_journal_is_told(void **state)
{
    char path[200];
    struct journal_read *read = NULL;
    struct error error = {0};
    (void)state;
    snprintf(path, sizeof path, "%s/mail.log", folder);
    assert_false(journal_read_is(path)); /* not there */
    FILE *file = fopen(path, "w");
    fputs("LPK", file);
    assert_int_equal(fclose(file), 0);
    assert_false(journal_read_is(path));
    assert_true(journal_read_open(path, NULL, &read, &error) < 0);
    assert_non_null(strstr(error.text, path));
    assert_true(journal_read_open(folder, NULL, &read, &error) < 0); /* without journal files */
    assert_non_null(strstr(error.text, folder));
    assert_null(read);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, journal_files_begin, journal_files_end)
    const struct CMUnitTest tests[] = {
        TEST(a_file_or_all_of_a_folder),
        TEST(mail_of_system_users_only),
        TEST(what_is_no_journal_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
