/* The record of where we are in the logs: what was kept last whole is what is read, however its writer ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>
#include "agent/watcher/log_record.h"

static int new_file(void)
{
    char name[] = "/tmp/postern-log-record-XXXXXX";
    int file = mkstemp(name);
    assert_true(file >= 0);
    unlink(name);
    return file;
}

static void keep(struct log_record *record, const char *text)
{
    struct error error = {0};
    assert_int_equal(log_record_keep(record, text_of(text), &error), 0);
}

static void expect(int file, const char *want)
{
    struct log_record record;
    struct buffer text;
    log_record_open(&record, dup(file), &text);
    assert_int_equal(text.length, strlen(want));
    assert_memory_equal(text.length ? text.bytes : "", want, text.length);
    buffer_clear(&text);
    log_record_close(&record);
}

static void test_the_last_is_read(void **state)
{
    (void)state;
    int file = new_file();
    struct log_record record;
    struct buffer text;
    log_record_open(&record, dup(file), &text);
    assert_int_equal(text.length, 0);
    buffer_clear(&text);
    expect(file, "");
    static const char *const texts[] = {"one", "two, which is longer", "", "four"};
    for (size_t i = 0; i < 4; i++) {
        keep(&record, texts[i]);
        expect(file, texts[i]);
    }
    log_record_close(&record);

    log_record_open(&record, dup(file), &text); /* the next writer */
    buffer_clear(&text);
    keep(&record, "five");
    expect(file, "five");
    log_record_close(&record);
    close(file);
}

/* Any byte of the last text or its head spoilt: the one before it stands. */
static void test_a_torn_one_is_not_read(void **state)
{
    (void)state;
    int file = new_file();
    struct log_record record;
    struct buffer text;
    log_record_open(&record, dup(file), &text);
    buffer_clear(&text);
    keep(&record, "before"); /* the first number is 1: the second place */
    keep(&record, "last");
    for (off_t at = 0; at < 24 + 4; at++) {
        char byte, spoilt;
        assert_int_equal(pread(file, &byte, 1, at), 1);
        spoilt = (char)(byte ^ 0x10);
        assert_int_equal(pwrite(file, &spoilt, 1, at), 1);
        expect(file, "before");
        assert_int_equal(pwrite(file, &byte, 1, at), 1);
    }
    expect(file, "last");
    log_record_close(&record);
    close(file);
}

static void test_what_cannot_be_kept(void **state)
{
    (void)state;
    struct error error = {0};
    struct log_record record;
    struct buffer text;
    log_record_open(&record, -1, &text);
    keep(&record, "no file: nothing is kept, and nothing is wrong");
    log_record_close(&record);

    int file = new_file();
    log_record_open(&record, dup(file), &text);
    keep(&record, "fits");
    char *much = calloc(1, LOG_RECORD_MOST + 1);
    assert_non_null(much);
    assert_int_equal(log_record_keep(&record, (struct text){much, LOG_RECORD_MOST + 1}, &error), -E2BIG);
    assert_int_equal(log_record_keep(&record, (struct text){much, LOG_RECORD_MOST}, &error), 0);
    free(much);
    log_record_close(&record);
    log_record_open(&record, open("/dev/full", O_RDWR), &text);
    assert_int_equal(log_record_keep(&record, TEXT("x"), &error), -ENOSPC);
    assert_true(error.text[0] != '\0');
    log_record_close(&record);
    close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_is_read),
        cmocka_unit_test(test_a_torn_one_is_not_read),
        cmocka_unit_test(test_what_cannot_be_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
