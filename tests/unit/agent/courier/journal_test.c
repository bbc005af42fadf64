/* The journal keeps what was committed, in order, through damage, a full disk and its own bound. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>
#include <signal.h>

#include "agent/courier/journal.h"

static char folder[64], path[96];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/journal-test-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/agent.db", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static struct journal *open_journal(uint64_t entries, bool *moved_aside)
{
    struct journal *journal = NULL;
    struct error error = {0};
    bool moved = false;
    if (journal_create(path, entries, &journal, &error) < 0 || journal_open(journal, &moved, &error) < 0)
        fail_msg("%s", error.text);
    if (moved_aside)
        *moved_aside = moved;
    return journal;
}

static void add(struct journal *journal, int number, const char *sender)
{
    char line[64];
    snprintf(line, sizeof line, "{\"n\":%d}\n", number);
    journal_add(journal, &(struct journal_entry){0, number * SECOND, "verdict", sender, text_of(line)});
}

struct heard {
    char lines[8192];
    int count;
    int64_t last;
};

static void hear(void *context, const struct journal_entry *entry)
{
    struct heard *heard = context;
    size_t length = strlen(heard->lines);
    snprintf(heard->lines + length, sizeof heard->lines - length, "%.*s", (int)entry->line.length, entry->line.bytes);
    assert_true(entry->id > heard->last);
    heard->last = entry->id;
    heard->count++;
}

static void commit(struct journal *journal)
{
    struct error error = {0};
    if (journal_commit(journal, &error) < 0)
        fail_msg("%s", error.text);
}

static struct heard read_all(struct journal *journal, const char *sender, moment since)
{
    struct heard heard = {0};
    struct error error = {0};
    int count = journal_read(journal, 0, since, sender, 10000, hear, &heard, &error);
    assert_int_equal(count, heard.count);
    return heard;
}

static void test_entries_are_read_back_in_order(void **state)
{
    (void)state;
    struct journal *journal = open_journal(1000, NULL);
    add(journal, 1, "203.0.113.7");
    add(journal, 2, "");
    add(journal, 3, "203.0.113.7");
    assert_true(journal_is_behind(journal));
    assert_int_equal(read_all(journal, NULL, 0).count, 0); /* not committed: not shown */
    commit(journal);
    assert_false(journal_is_behind(journal));
    assert_string_equal(read_all(journal, NULL, 0).lines, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    assert_string_equal(read_all(journal, "203.0.113.7", 0).lines, "{\"n\":1}\n{\"n\":3}\n");
    assert_string_equal(read_all(journal, NULL, 2 * SECOND).lines, "{\"n\":2}\n{\"n\":3}\n");
    assert_int_equal(journal_newest(journal, "203.0.113.7", 1), 1);
    assert_int_equal(journal_newest(journal, "203.0.113.7", 2), 0);
    journal_close(&journal);
    journal = open_journal(1000, NULL);
    assert_int_equal(read_all(journal, NULL, 0).count, 3);
    journal_close(&journal);
}

static void test_the_oldest_give_way(void **state)
{
    (void)state;
    struct journal *journal = open_journal(100, NULL);
    for (int i = 0; i < 2500; i++)
        add(journal, i, "");
    commit(journal);
    struct heard heard = read_all(journal, NULL, 0);
    assert_int_equal(heard.count, 100);
    assert_non_null(strstr(heard.lines, "{\"n\":2499}"));
    assert_null(strstr(heard.lines, "{\"n\":2399}"));
    journal_close(&journal);
}

static void test_a_damaged_file_is_moved_aside(void **state)
{
    (void)state;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("this is no database ", file);
    fclose(file);
    bool moved_aside = false;
    struct journal *journal = open_journal(100, &moved_aside);
    assert_true(moved_aside);
    add(journal, 1, "");
    commit(journal);
    assert_int_equal(read_all(journal, NULL, 0).count, 1);
    journal_close(&journal);
    char aside[128];
    snprintf(aside, sizeof aside, "%s.damaged-1", path);
    assert_int_equal(access(aside, R_OK), 0);
}

/* RLIMIT_FSIZE makes writes fail as a full disk does. */
static void test_what_a_full_disk_refused_is_kept_and_tried_again(void **state)
{
    (void)state;
    struct journal *journal = open_journal(100000, NULL);
    struct rlimit before;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){64 * 1024, before.rlim_max});
    for (int i = 0; i < 5000; i++)
        add(journal, i, "203.0.113.7");
    struct error error = {0};
    assert_true(journal_commit(journal, &error) < 0);
    assert_true(journal_is_behind(journal));
    setrlimit(RLIMIT_FSIZE, &before);
    commit(journal);
    struct heard heard = {0};
    assert_int_equal(journal_read(journal, 0, 0, NULL, 10000, hear, &heard, &error), 5000);
    assert_int_equal(journal_lost(journal), 0);
    journal_close(&journal);
}

static void test_memory_is_bounded_while_nothing_can_be_written(void **state)
{
    (void)state;
    struct journal *journal = open_journal(100000, NULL);
    for (int i = 0; i < 20005; i++)
        add(journal, i, "");
    assert_int_equal(journal_waiting(journal), 20000);
    assert_int_equal(journal_lost(journal), 5);
    journal_close(&journal);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_entries_are_read_back_in_order),
        IN_FOLDER(test_the_oldest_give_way),
        IN_FOLDER(test_a_damaged_file_is_moved_aside),
        IN_FOLDER(test_what_a_full_disk_refused_is_kept_and_tried_again),
        IN_FOLDER(test_memory_is_bounded_while_nothing_can_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
