/* Which pattern files are asked, and in what order: a site's own before those in the program, whose names they may
 * take. */
#include "agent/log_formats.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const char *const shipped[] = {"exim",    "haraka", "mailscanner", "opensmtpd",
                                      "postfix", "qmail",  "rspamd",      "sendmail"};
#define SHIPPED (sizeof shipped / sizeof shipped[0])

static char directory[] = "/tmp/postern-log-formats-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static const char *place(const char *name, char result[100])
{
    snprintf(result, 100, "%s/%s", directory, name);
    return result;
}

static void write_file(const char *path, const char *content)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static size_t count(const struct log_file *files)
{
    size_t result = 0;
    while (files[result].name != NULL)
        result++;
    return result;
}

static bool has(const struct log_file *files, const char *name)
{
    while (files->name != NULL && strcmp(files->name, name) != 0)
        files++;
    return files->name != NULL;
}

/* What the program brings can be read, and stands in it whole. */
static void those_in_the_program_are_all_there(void **unused)
{
    (void)unused;
    struct log_file files[LOG_FORMATS_MOST];
    struct error error = {0};
    log_formats_list(files);
    assert_int_equal(count(files), SHIPPED);
    struct log_patterns *patterns = log_patterns_create(&error);
    for (size_t i = 0; i < SHIPPED; i++)
        assert_true(has(files, shipped[i]));
    for (size_t i = 0; i < SHIPPED; i++)
        if (log_patterns_read(patterns, files[i].content, files[i].name, &error) < 0)
            fail_msg("%s", error.text);
    log_patterns_destroy(&patterns);
}

static void without_files_of_the_site_s_they_are_asked(void **unused)
{
    (void)unused;
    struct log_formats formats;
    struct error error = {0};
    assert_int_equal(log_formats_load(NULL, 0, &formats, &error), 0);
    assert_int_equal(count(formats.files), SHIPPED);
    log_formats_clear(&formats);
}

static void the_site_s_come_first_in_their_order(void **unused)
{
    (void)unused;
    char b[100], a[100];
    struct log_formats formats;
    struct error error = {0};
    const char *const paths[] = {place("b.conf", b), place("a.conf", a)};
    write_file(b, "# b\n");
    write_file(a, "# a\n");
    assert_int_equal(log_formats_load(paths, 2, &formats, &error), 0);
    assert_int_equal(count(formats.files), SHIPPED + 2);
    assert_string_equal(formats.files[0].name, b);
    assert_true(text_equals(formats.files[0].content, TEXT("# b\n")));
    assert_string_equal(formats.files[1].name, a);
    assert_true(text_equals(formats.files[1].content, TEXT("# a\n")));
    log_formats_clear(&formats);
    unlink(a);
    unlink(b);
}

static void a_file_takes_the_place_of_its_name(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        bool takes;
    } rows[] = {{"postfix.conf", true}, {"postfix", true}, {"postfix.conf.old", false}, {"my-postfix.conf", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[100];
        struct log_formats formats;
        struct error error = {0};
        const char *const paths[] = {place(rows[i].name, path)};
        write_file(path, "# mine\n");
        assert_int_equal(log_formats_load(paths, 1, &formats, &error), 0);
        assert_int_equal(has(formats.files, "postfix"), !rows[i].takes);
        assert_int_equal(count(formats.files), SHIPPED + !rows[i].takes);
        log_formats_clear(&formats);
        unlink(path);
    }
}

static void what_cannot_be_read_is_said(void **unused)
{
    (void)unused;
    char path[100];
    struct log_formats formats;
    struct error error = {0};
    const char *many[LOG_FORMATS_MOST];
    many[0] = place("none.conf", path);
    assert_true(log_formats_load(many, 1, &formats, &error) < 0);
    assert_non_null(strstr(error.text, path));
    log_formats_clear(&formats);

    write_file(path, "");
    for (size_t i = 0; i < LOG_FORMATS_MOST; i++)
        many[i] = path;
    assert_int_equal(log_formats_load(many, LOG_FORMATS_MOST, &formats, &error), -E2BIG);
    log_formats_clear(&formats);

    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 256 * 1024 + 1; i++)
        fputc('#', file);
    fclose(file);
    assert_int_equal(log_formats_load(many, 1, &formats, &error), -EFBIG);
    assert_non_null(strstr(error.text, path));
    log_formats_clear(&formats);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_in_the_program_are_all_there),
        cmocka_unit_test(without_files_of_the_site_s_they_are_asked),
        cmocka_unit_test(the_site_s_come_first_in_their_order),
        cmocka_unit_test(a_file_takes_the_place_of_its_name),
        cmocka_unit_test(what_cannot_be_read_is_said),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
