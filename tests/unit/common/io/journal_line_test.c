/* Entries of real journal files as lines of a log. */
#include <stdio.h>
#include <string.h>
#include "common/io/journal_line.h"
#include "tests/unit/common/io/journal_files.h"

#define HEAD                                                                                                           \
    "__REALTIME_TIMESTAMP=1795000000000000\n__MONOTONIC_TIMESTAMP=1000\n_BOOT_ID=0123456789abcdef0123456789abcdef\n"

/* An entry with these fields and a message of any bytes, which the export format gives with its length. */
static sd_journal *journal_of(const char *fields, const void *message, size_t length)
{
    char command[200];
    sd_journal *journal = NULL;
    uint64_t size = length; /* little-endian, as on every machine that we build for */
    snprintf(command, sizeof command, REMOTE " -o %s/x.journal - 2>/dev/null", folder);
    FILE *remote = popen(command, "w");
    assert_non_null(remote);
    fprintf(remote, HEAD "%sMESSAGE\n", fields);
    fwrite(&size, sizeof size, 1, remote);
    fwrite(message, 1, length, remote);
    fputs("\n\n", remote);
    assert_int_equal(pclose(remote), 0);
    assert_true(sd_journal_open_directory(&journal, folder, 0) >= 0);
    return journal;
}

/* What stands behind time and cursor. */
static const char *line_of(const char *fields, const void *message, size_t length, struct buffer *line)
{
    static const char *const programs[] = {"rspamd", NULL};
    struct error error = {0};
    sd_journal *journal = journal_of(fields, message, length);
    buffer_init(line, JOURNAL_LINE_MOST);
    assert_int_equal(journal_line_choose(journal, programs, &error), 0);
    assert_int_equal(sd_journal_next(journal), 1);
    assert_int_equal(journal_line_render(journal, line, &error), 0);
    sd_journal_close(journal);
    assert_true(buffer_append_byte(line, 0));
    assert_int_equal(strlen(line->bytes), line->length - 1); /* no NUL in it */
    assert_int_equal(occurrences(line->bytes, "\n"), 1);
    assert_memory_equal(line->bytes, "2026-11-18T", 11);
    return strchr(strchr(line->bytes, ' ') + 1, ' ') + 1;
}

static void check(const char *fields, const char *message, const char *wanted)
{
    struct buffer line;
    assert_string_equal(line_of(fields, message, strlen(message), &line), wanted);
    buffer_clear(&line);
}

static void it_reads_as_in_a_log(void **state)
{
    (void)state;
    check("SYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=postfix/smtp\n_PID=7\n", "4bX: removed",
          "postfix/smtp[7]: 4bX: removed\n");
}

static void the_number_that_the_program_gives_goes_first(void **state)
{
    (void)state;
    check("SYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=sendmail\n_PID=7\nSYSLOG_PID=8\n", "x", "sendmail[8]: x\n");
}

static void what_is_missing_is_left_out(void **state)
{
    (void)state;
    check("SYSLOG_FACILITY=2\n", "x", "unknown: x\n");
}

static void several_lines_are_one(void **state)
{
    (void)state;
    check("SYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=exim\n", "one\ntwo\r\n2026-11-18T00:00:00Z h exim: three",
          "exim: one two  2026-11-18T00:00:00Z h exim: three\n");
}

static void a_name_that_is_none_is_not_believed(void **state)
{
    (void)state;
    check("SYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=postfix/qmgr[1]: 4bX\n", "x", "unknown: x\n");
}

static void control_bytes_are_blanks(void **state)
{
    struct buffer line;
    (void)state;
    assert_string_equal(line_of("SYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=exim\n",
                                "a\0b\x1b[1m\x7f"
                                "c",
                                9, &line),
                        "exim: a b [1m c\n");
    buffer_clear(&line);
}

static void a_megabyte_is_cut(void **state)
{
    static char message[1 << 20];
    struct buffer line;
    (void)state;
    memset(message, 'x', sizeof message);
    const char *rest = line_of("SYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=exim\n", message, sizeof message, &line);
    assert_in_range(strlen(rest), JOURNAL_LINE_MESSAGE, JOURNAL_LINE_MESSAGE + 16);
    buffer_clear(&line);
}

static void whose_an_entry_is_says_the_journal(void **state)
{
    static const struct {
        const char *fields;
        bool persons;
    } rows[] = {{"_UID=0\n", false},         {"_UID=999\n", false}, {"_UID=1000\n", true},
                {"_UID=4294967294\n", true}, {"", false},           {"UID=1000\n", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        sd_journal *journal = journal_of(rows[i].fields, "x", 1);
        assert_int_equal(sd_journal_seek_tail(journal), 0);
        assert_int_equal(sd_journal_previous(journal), 1);
        assert_int_equal(journal_line_is_persons(journal), rows[i].persons);
        sd_journal_close(journal);
        assert_int_equal(journal_files_end(state), 0);
        assert_int_equal(journal_files_begin(state), 0);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, journal_files_begin, journal_files_end)
    const struct CMUnitTest tests[] = {
        TEST(it_reads_as_in_a_log),
        TEST(the_number_that_the_program_gives_goes_first),
        TEST(what_is_missing_is_left_out),
        TEST(several_lines_are_one),
        TEST(a_name_that_is_none_is_not_believed),
        TEST(control_bytes_are_blanks),
        TEST(a_megabyte_is_cut),
        TEST(whose_an_entry_is_says_the_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
