/* Settings from the collector as a machine keeps them: what was kept is read again, to the byte, and nothing else is.
 */
#include "agent/central.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent/message/sealed.h"

static char folder[40], path[60];

static int begin(void **unused)
{
    (void)unused;
    snprintf(folder, sizeof folder, "/tmp/postern-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/settings", folder);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    unlink(path);
    return rmdir(folder);
}

static void put(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void keep(int64_t revision, const char *text)
{
    struct error error = {0};
    const struct central central = {revision, (char *)(uintptr_t)text, strlen(text)};
    assert_int_equal(central_keep(folder, &central, &error), 0);
}

static void what_was_kept_is_read_again(void **unused)
{
    static const char *const texts[] = {"[policy]\nblock = 30\n", "", "\n\nrevision 9\n", "no end of line"};
    (void)unused;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct central central;
        struct error error = {0};
        keep((int64_t)i + 7, texts[i]); /* in place of the one before */
        assert_int_equal(central_read(folder, &central, &error), 0);
        assert_int_equal(central.revision, i + 7);
        assert_int_equal(central.length, strlen(texts[i]));
        assert_memory_equal(central.bytes, texts[i], central.length);
        const struct option_layer layer = central_layer(&central);
        assert_true(layer.central);
        assert_ptr_equal(layer.text.bytes, central.bytes);
        central_clear(&central);
    }
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void nothing_is_no_failure(void **unused)
{
    (void)unused;
    struct central central = {.revision = 3};
    struct error error = {0};
    assert_int_equal(central_read(folder, &central, &error), 0);
    assert_int_equal(central.revision, 0);
    assert_int_equal(error.code, 0);
}

static void what_this_program_did_not_write_is_as_none_and_said(void **unused)
{
    static const char *const wrong[] = {"",
                                        "[policy]\n",
                                        "revision 7",
                                        "revision \n",
                                        "revision 0\n",
                                        "revision -1\n",
                                        "revision 99999999999999999999\n"};
    (void)unused;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct central central;
        struct error error = {0};
        put(wrong[i]);
        assert_int_equal(central_read(folder, &central, &error), 0);
        assert_int_equal(central.revision, 0);
        assert_non_null(strstr(error.text, "is not what this program wrote"));
    }
}

static void a_folder_that_cannot_be_written_is_said(void **unused)
{
    (void)unused;
    struct error error = {0};
    const struct central central = {1, NULL, 0};
    assert_int_equal(central_keep("/nowhere/at/all", &central, &error), -ENOENT);
    assert_non_null(strstr(error.text, "cannot be kept in /nowhere/at/all"));
}

static void what_comes_is_bounded(void **unused)
{
    (void)unused;
    static char large[CENTRAL_MOST + 1];
    struct central central = {0};
    struct error error = {0};
    int whole, fits;
    memset(large, '#', sizeof large);
    assert_int_equal(sealed_make("a test", (struct text){large, sizeof large}, &whole, &error), 0);
    assert_int_equal(sealed_make("a test", (struct text){large, CENTRAL_MOST}, &fits, &error), 0);
    assert_int_equal(central_receive(whole, 4, &central, &error), -EFBIG);
    assert_null(central.bytes);
    assert_int_equal(central_receive(fits, 0, &central, &error), -EPROTO);
    assert_int_equal(central_receive(fits, 4, &central, &error), 0);
    assert_int_equal(central.length, CENTRAL_MOST);
    central_clear(&central);
    close(whole);
    close(fits);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(what_was_kept_is_read_again),
        TEST(nothing_is_no_failure),
        TEST(what_this_program_did_not_write_is_as_none_and_said),
        TEST(a_folder_that_cannot_be_written_is_said),
        TEST(what_comes_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
