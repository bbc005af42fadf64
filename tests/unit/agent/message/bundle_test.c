/* A bundle: what was put in under a name comes out; anything else is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/message/bundle.h"

static void add(struct buffer *buffer, struct text name, struct text content)
{
    struct error error = {0};
    assert_int_equal(bundle_add(buffer, name, content, &error), 0);
}

static void make(struct buffer *buffer)
{
    bundle_init(buffer);
    add(buffer, TEXT("process.conf"), TEXT("[capture]\nports = 25\n"));
    add(buffer, TEXT("builtin:helo_access"), TEXT(""));
    add(buffer, TEXT("/etc/postern/maps/sender"), ((struct text){"a\0b\xff", 4}));
}

static void test_what_goes_in_comes_out(void **unused)
{
    (void)unused;
    struct buffer buffer;
    struct text found = {0};
    struct error error = {0};
    make(&buffer);
    assert_int_equal(bundle_check(buffer_text(&buffer), &error), 0);
    assert_true(bundle_find(buffer_text(&buffer), TEXT("process.conf"), &found));
    assert_true(text_equals(found, TEXT("[capture]\nports = 25\n")));
    assert_true(bundle_find(buffer_text(&buffer), TEXT("builtin:helo_access"), &found));
    assert_int_equal(found.length, 0);
    assert_true(bundle_find(buffer_text(&buffer), TEXT("/etc/postern/maps/sender"), &found));
    assert_int_equal(found.length, 4);
    assert_false(bundle_find(buffer_text(&buffer), TEXT("process"), &found));
    buffer_clear(&buffer);
}

static void test_names_are_given_once_and_sound(void **unused)
{
    (void)unused;
    struct buffer buffer;
    struct error error = {0};
    char long_name[BUNDLE_NAME_MOST + 1];
    memset(long_name, 'x', sizeof long_name);
    make(&buffer);
    size_t length = buffer.length;
    assert_int_equal(bundle_add(&buffer, TEXT("process.conf"), TEXT("x"), &error), -EEXIST);
    assert_int_equal(bundle_add(&buffer, TEXT(""), TEXT("x"), &error), -EINVAL);
    assert_int_equal(bundle_add(&buffer, TEXT("a\0b"), TEXT("x"), &error), -EINVAL);
    assert_int_equal(bundle_add(&buffer, (struct text){long_name, sizeof long_name}, TEXT("x"), &error), -EINVAL);
    struct text huge = {long_name, BUNDLE_MOST};
    assert_int_equal(bundle_add(&buffer, TEXT("huge"), huge, &error), -EFBIG);
    assert_int_equal(buffer.length, length); /* nothing changed */
    buffer_clear(&buffer);
}

/* Cut at any byte it is either a whole bundle of fewer texts or refused; bytes behind its end are never read. */
static void test_cut_anywhere(void **unused)
{
    (void)unused;
    struct buffer buffer;
    struct error error = {0};
    int whole = 0;
    make(&buffer);
    for (size_t length = 0; length < buffer.length; length++) {
        char *copy = malloc(length + 1); /* at the end of its allocation, for the sanitizer */
        memcpy(copy + 1, buffer.bytes, length);
        struct text found, cut = {copy + 1, length};
        whole += bundle_check(cut, &error) == 0;
        bundle_find(cut, TEXT("/etc/postern/maps/sender"), &found);
        free(copy);
    }
    assert_int_equal(whole, 3); /* none, one, two of the texts */
    buffer_clear(&buffer);
}

static void test_any_bytes(void **unused)
{
    (void)unused;
    struct buffer buffer;
    struct error error = {0};
    uint64_t seed = 3;
    make(&buffer);
    for (int round = 0; round < 20000; round++) {
        char bytes[256];
        assert_true(buffer.length <= sizeof bytes);
        memcpy(bytes, buffer.bytes, buffer.length);
        for (int i = 0; i < 4; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
            bytes[(seed >> 33) % buffer.length] = (char)(seed >> 25);
        }
        struct text found, changed = {bytes, buffer.length};
        if (bundle_check(changed, &error) == 0)
            bundle_find(changed, TEXT("x"), &found);
    }
    buffer_clear(&buffer);
}

static void test_what_is_no_bundle(void **unused)
{
    (void)unused;
    struct error error = {0};
    static const struct text rows[] = {
        {"", 0},
        {"PSTNBDL2", 8},
        {"PSTNBDL1\0", 9},
        {"PSTNBDL1\0\0\0\0\0\0\0\0", 16},                   /* an empty name */
        {"PSTNBDL1\0\0\0\1\0\0\0\0a\0\0\0\1\0\0\0\0a", 26}, /* a name twice */
        {"PSTNBDL1\xff\xff\xff\xff\xff\xff\xff\xff"
         "a",
         17}, /* lengths beyond all */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(bundle_check(rows[i], &error), -EBADMSG);
    assert_int_equal(bundle_check(TEXT("PSTNBDL1"), &error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_goes_in_comes_out), cmocka_unit_test(test_names_are_given_once_and_sound),
        cmocka_unit_test(test_cut_anywhere),           cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_what_is_no_bundle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
