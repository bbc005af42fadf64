/* A code and a sentence that grows on its way up. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "common/cleanup.h"
#include "common/error.h"

static void sets_code_and_sentence(void **state)
{
    (void)state;
    struct error error = {0};
    assert_int_equal(error_set(&error, ENOENT, "no file %s", "a.conf"), -ENOENT);
    assert_int_equal(error.code, ENOENT);
    assert_string_equal(error.text, "no file a.conf");
}

static void a_library_code_of_either_sign_is_the_same_code(void **state)
{
    (void)state;
    struct error error = {0};
    assert_int_equal(error_set(&error, -EPERM, "not allowed"), -EPERM);
    assert_int_equal(error.code, EPERM);
    assert_int_equal(error_set(&error, 0, "no code"), -EIO);
}

static void wraps_context_before_the_sentence(void **state)
{
    (void)state;
    struct error error = {0};
    error_set(&error, ENOENT, "no such file");
    assert_int_equal(error_wrap(&error, "cannot read %s", "a.conf"), -ENOENT);
    assert_int_equal(error_wrap(&error, "at start"), -ENOENT);
    assert_string_equal(error.text, "at start: cannot read a.conf: no such file");
}

static void wrapping_nothing_is_an_error_all_the_same(void **state)
{
    (void)state;
    struct error error = {0};
    assert_int_equal(error_wrap(&error, "context"), -EIO);
    assert_string_equal(error.text, "context");
    assert_int_equal(error.code, EIO);
}

static void nobody_need_listen(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, ENOMEM, "lost"), -ENOMEM);
    assert_int_equal(error_wrap(NULL, "lost"), -EIO);
}

static void the_text_may_be_its_own_argument(void **state)
{
    (void)state;
    struct error error = {0};
    error_set(&error, EINVAL, "inner");
    error_set(&error, error.code, "[%s]", error.text);
    assert_string_equal(error.text, "[inner]");
}

static void what_is_too_long_is_cut_and_ended(void **state)
{
    (void)state;
    char long_text[1000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    struct error error = {0};
    error_set(&error, EINVAL, "%s", long_text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    for (size_t context = 230; context < 245; context++) { /* around the end of the room */
        error_set(&error, EINVAL, "inner");
        error_wrap(&error, "%.*s", (int)context, long_text);
        assert_true(strlen(error.text) < sizeof error.text);
        assert_int_equal(error.text[0], 'x');
    }
    error_set(&error, EINVAL, "%s", long_text);
    error_wrap(&error, "context");
    assert_int_equal(strncmp(error.text, "context: xxx", 12), 0);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void taking_leaves_the_owner_empty(void **state)
{
    (void)state;
    int thing = 1, *owner = &thing;
    int *taken = TAKE(owner);
    assert_ptr_equal(taken, &thing);
    assert_null(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_code_and_sentence),
        cmocka_unit_test(a_library_code_of_either_sign_is_the_same_code),
        cmocka_unit_test(wraps_context_before_the_sentence),
        cmocka_unit_test(wrapping_nothing_is_an_error_all_the_same),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(the_text_may_be_its_own_argument),
        cmocka_unit_test(what_is_too_long_is_cut_and_ended),
        cmocka_unit_test(taking_leaves_the_owner_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
