/* The copy of the journal, over real journal files that systemd-journal-remote makes of the export format. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/io/journal_copy.h"
#include "tests/unit/common/io/journal_files.h"

static struct journal_copy *open_copy(uint64_t size)
{
    static const char *const programs[] = {"rspamd", NULL};
    const struct journal_copy_settings settings = {folder, programs, size};
    struct journal_copy *copy = NULL;
    struct error error = {0};
    int into = open(copies, O_RDONLY | O_DIRECTORY);
    if (journal_copy_open(&settings, into, &copy, &error) != 0)
        fail_msg("%s", error.text);
    return copy;
}

static void copy_all(struct journal_copy *copy)
{
    struct error error = {0};
    int more;
    while ((more = journal_copy_step(copy, &error)) > 0)
        ;
    if (more < 0)
        fail_msg("%s", error.text);
}

static size_t read_copy(const char *name, char *bytes, size_t room)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", copies, name);
    int file = open(path, O_RDONLY);
    ssize_t got = file < 0 ? 0 : read(file, bytes, room - 1);
    if (file >= 0)
        close(file);
    assert_true(got >= 0);
    bytes[got] = 0;
    return (size_t)got;
}

static void an_entry_is_a_line_with_its_cursor(void **state)
{
    static char bytes[1 << 16];
    (void)state;
    log_entries("a", 1, 2, MAIL);
    struct journal_copy *copy = open_copy(1 << 20);
    copy_all(copy);
    assert_int_equal(read_copy("journal.log", bytes, sizeof bytes), 0); /* what was there before is nobody's news */
    log_entries("b", 3, 1, MAIL);
    copy_all(copy);
    read_copy("journal.log", bytes, sizeof bytes);
    assert_non_null(strstr(bytes, "2026-11-18T"));
    assert_non_null(strstr(bytes, "Z s="));
    assert_non_null(strstr(bytes, " postfix/smtp[7]: number 3\n"));
    assert_int_equal(occurrences(bytes, "\n"), 1);
    journal_copy_close(&copy);
}

static void only_mail_and_named_programs_of_system_users(void **state)
{
    static char bytes[1 << 16];
    (void)state;
    log_entries("a", 0, 1, MAIL);
    struct journal_copy *copy = open_copy(1 << 20);
    log_entries("b", 1, 1, "SYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=cron\n_UID=0\n");
    log_entries("c", 2, 1, "SYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=rspamd\n_UID=110\n");
    log_entries("d", 3, 1, "SYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=postfix/smtp\n_UID=1000\n");
    log_entries("e", 4, 1, "SYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=a b[1]: c\n_UID=0\n");
    copy_all(copy);
    read_copy("journal.log", bytes, sizeof bytes);
    assert_null(strstr(bytes, "number 1\n"));
    assert_non_null(strstr(bytes, " rspamd[7]: number 2\n"));
    assert_null(strstr(bytes, "number 3\n"));
    assert_non_null(strstr(bytes, " unknown[7]: number 4\n"));
    assert_int_equal(journal_copy_counters(copy).left_out, 1);
    assert_int_equal(journal_copy_counters(copy).copied, 2);
    journal_copy_close(&copy);
}

/* Killed at any byte of a line: the rest is written, nothing twice. */
static void a_line_that_was_cut_short_is_completed(void **state)
{
    static char whole[1 << 16], bytes[1 << 16];
    char path[200];
    (void)state;
    log_entries("a", 1, 1, MAIL);
    struct journal_copy *copy = open_copy(1 << 20);
    log_entries("b", 2, 3, MAIL);
    copy_all(copy);
    journal_copy_close(&copy);
    size_t length = read_copy("journal.log", whole, sizeof whole);
    assert_int_equal(occurrences(whole, "\n"), 3);
    size_t first = (size_t)(strchr(whole, '\n') - whole) + 1;
    snprintf(path, sizeof path, "%s/journal.log", copies);
    for (size_t cut = first; cut <= length; cut++) {
        assert_int_equal(truncate(path, (off_t)cut), 0);
        copy = open_copy(1 << 20);
        copy_all(copy);
        journal_copy_close(&copy);
        read_copy("journal.log", bytes, sizeof bytes);
        assert_string_equal(bytes, whole);
    }
}

static void a_full_file_is_renamed_and_the_oldest_dropped(void **state)
{
    static char bytes[1 << 16];
    (void)state;
    log_entries("a", 1, 1, MAIL);
    struct journal_copy *copy = open_copy(1000);
    log_entries("b", 100, 60, MAIL);
    copy_all(copy);
    journal_copy_close(&copy);
    copy = open_copy(1000); /* the new file may be empty: the one before says where to go on */
    copy_all(copy);
    journal_copy_close(&copy);
    assert_true(read_copy("journal.log.1", bytes, sizeof bytes) >= 1000);
    unsigned last = occurrences(bytes, "number 159\n");
    read_copy("journal.log", bytes, sizeof bytes);
    assert_int_equal(last + occurrences(bytes, "number 159\n"), 1);
    assert_true(read_copy("journal.log.3", bytes, sizeof bytes) >= 1000);
    assert_int_equal(read_copy("journal.log.4", bytes, sizeof bytes), 0);
}

static void a_full_disk_loses_nothing(void **state)
{
    static char bytes[1 << 16];
    struct rlimit before, small;
    struct error error = {0};
    (void)state;
    log_entries("a", 1, 1, MAIL);
    struct journal_copy *copy = open_copy(1 << 20);
    log_entries("b", 100, 20, MAIL);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1500;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int code;
    while ((code = journal_copy_step(copy, &error)) > 0)
        ;
    assert_true(code < 0);
    assert_true(journal_copy_step(copy, &error) < 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    copy_all(copy);
    read_copy("journal.log", bytes, sizeof bytes);
    assert_int_equal(occurrences(bytes, "\n"), 20);
    assert_int_equal(occurrences(bytes, ": number 1"), 20);
    journal_copy_close(&copy);
}

static void where_the_next_entry_is_gone_the_one_behind_follows(void **state)
{
    static char bytes[1 << 16];
    char path[200];
    (void)state;
    log_entries("a", 1, 1, MAIL);
    struct journal_copy *copy = open_copy(1 << 20);
    log_entries("b", 2, 1, MAIL);
    copy_all(copy);
    journal_copy_close(&copy);
    log_entries("c", 3, 1, MAIL);
    snprintf(path, sizeof path, "%s/b.journal", folder);
    assert_int_equal(unlink(path), 0);
    copy = open_copy(1 << 20);
    copy_all(copy);
    read_copy("journal.log", bytes, sizeof bytes);
    assert_int_equal(occurrences(bytes, "number 2\n"), 1);
    assert_int_equal(occurrences(bytes, "number 3\n"), 1);
    assert_int_equal(occurrences(bytes, "number 1\n"), 0);
    assert_int_equal(journal_copy_counters(copy).missed, 1);
    journal_copy_close(&copy);
}

/* The beginning of a line stands there, and the journal has dropped its entry: what comes is not put behind it. */
static void the_rest_of_a_line_is_of_the_same_entry(void **state)
{
    static char bytes[1 << 16];
    char path[200];
    (void)state;
    log_entries("a", 1, 1, MAIL);
    struct journal_copy *copy = open_copy(1 << 20);
    log_entries("b", 2, 1, MAIL);
    log_entries("c", 3, 1, MAIL);
    copy_all(copy);
    journal_copy_close(&copy);
    size_t length = read_copy("journal.log", bytes, sizeof bytes);
    snprintf(path, sizeof path, "%s/journal.log", copies);
    assert_int_equal(truncate(path, (off_t)length - 12), 0);
    snprintf(path, sizeof path, "%s/c.journal", folder);
    assert_int_equal(unlink(path), 0);
    log_entries("d", 4, 1, MAIL);
    copy = open_copy(1 << 20);
    copy_all(copy);
    journal_copy_close(&copy);
    read_copy("journal.log", bytes, sizeof bytes);
    assert_int_equal(occurrences(bytes, "\n"), 3);
    const char *last = strrchr(bytes, ' ') - strlen("postfix/smtp[7]: number");
    assert_memory_equal(last, "postfix/smtp[7]: number 4\n", strlen("postfix/smtp[7]: number 4\n"));
    while (last > bytes && last[-1] != '\n')
        last--;
    assert_memory_equal(last, "2026-", 5);
    assert_int_equal(occurrences(last, "s="), 1);
}

/* A disk's damage in the copy does not end the copying. */
static void a_line_that_names_no_place_is_passed_over(void **state)
{
    static char bytes[1 << 16];
    char path[200];
    (void)state;
    log_entries("a", 1, 1, MAIL);
    snprintf(path, sizeof path, "%s/journal.log", copies);
    FILE *file = fopen(path, "w");
    fputs("2026-11-18T00:00:00Z s=not;a=cursor postfix/smtp[7]: number 0\n", file);
    assert_int_equal(fclose(file), 0);
    struct journal_copy *copy = open_copy(1 << 20);
    log_entries("b", 2, 1, MAIL);
    copy_all(copy);
    read_copy("journal.log", bytes, sizeof bytes);
    assert_int_equal(occurrences(bytes, "number 1\n"), 0);
    assert_int_equal(occurrences(bytes, "number 2\n"), 1);
    assert_int_equal(journal_copy_counters(copy).missed, 1);
    journal_copy_close(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_entry_is_a_line_with_its_cursor, journal_files_begin, journal_files_end),
        cmocka_unit_test_setup_teardown(only_mail_and_named_programs_of_system_users, journal_files_begin,
                                        journal_files_end),
        cmocka_unit_test_setup_teardown(a_line_that_was_cut_short_is_completed, journal_files_begin, journal_files_end),
        cmocka_unit_test_setup_teardown(a_full_file_is_renamed_and_the_oldest_dropped, journal_files_begin,
                                        journal_files_end),
        cmocka_unit_test_setup_teardown(a_full_disk_loses_nothing, journal_files_begin, journal_files_end),
        cmocka_unit_test_setup_teardown(where_the_next_entry_is_gone_the_one_behind_follows, journal_files_begin,
                                        journal_files_end),
        cmocka_unit_test_setup_teardown(the_rest_of_a_line_is_of_the_same_entry, journal_files_begin,
                                        journal_files_end),
        cmocka_unit_test_setup_teardown(a_line_that_names_no_place_is_passed_over, journal_files_begin,
                                        journal_files_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
