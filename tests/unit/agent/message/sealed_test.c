/* A text in sealed memory: what was put in comes out, nobody changes it on the way, and what is something else is not
 * read at all. */
#include "agent/message/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

static int seal(struct text text)
{
    struct error error = {0};
    int descriptor = -1;
    assert_int_equal(sealed_make("a test", text, &descriptor, &error), 0);
    return descriptor;
}

static int read_it(int descriptor, size_t most, char **bytes, size_t *length)
{
    struct error error = {0};
    return sealed_read(descriptor, most, bytes, length, &error);
}

static void what_was_put_in_comes_out(void **unused)
{
    static const struct text texts[] = {TEXT(""), TEXT("[policy]\n"), TEXT("with a \0 in it")};
    (void)unused;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char *bytes = NULL;
        size_t length = 99;
        int descriptor = seal(texts[i]);
        assert_int_equal(read_it(descriptor, 20, &bytes, &length), 0);
        assert_int_equal(length, texts[i].length);
        assert_memory_equal(bytes, texts[i].bytes, length);
        assert_int_equal(bytes[length], 0);
        free(bytes);
        close(descriptor);
    }
}

static void many_texts_stand_one_behind_the_other(void **unused)
{
    enum { COUNT = 1000 };
    static struct text texts[COUNT];
    static char digits[COUNT][4];
    struct error error = {0};
    char *bytes = NULL;
    size_t length = 0, at = 0;
    int descriptor = -1;
    (void)unused;
    for (int i = 0; i < COUNT; i++)
        texts[i] = (struct text){digits[i], (size_t)snprintf(digits[i], sizeof digits[i], "%d", i)};
    assert_int_equal(sealed_make_many("a test", texts, COUNT, &descriptor, &error), 0);
    assert_int_equal(read_it(descriptor, 10000, &bytes, &length), 0);
    for (int i = 0; i < COUNT; at += texts[i++].length)
        assert_memory_equal(bytes + at, texts[i].bytes, texts[i].length);
    assert_int_equal(length, at);
    free(bytes);
    close(descriptor);
}

static void nobody_changes_it_any_more(void **unused)
{
    (void)unused;
    int descriptor = seal(TEXT("text"));
    assert_int_equal(pwrite(descriptor, "x", 1, 0), -1);
    assert_int_equal(ftruncate(descriptor, 1), -1);
    assert_int_equal(ftruncate(descriptor, 9), -1);
    assert_int_equal(fcntl(descriptor, F_ADD_SEALS, F_SEAL_WRITE), -1);
    close(descriptor);
}

static void what_is_too_large_is_refused(void **unused)
{
    (void)unused;
    char *bytes = NULL;
    size_t length = 0;
    int descriptor = seal(TEXT("12345"));
    assert_int_equal(read_it(descriptor, 4, &bytes, &length), -EFBIG);
    assert_int_equal(read_it(descriptor, 5, &bytes, &length), 0);
    free(bytes);
    close(descriptor);
}

/* A pipe would have the reader wait for ever, memory that is not sealed could change under it. */
static void what_is_no_sealed_memory_is_not_read(void **unused)
{
    (void)unused;
    char *bytes = NULL;
    size_t length = 0;
    int ends[2], memory = memfd_create("a test", MFD_ALLOW_SEALING), file = open("/proc/self/exe", O_RDONLY);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0); /* it can be written to */
    const int wrong[] = {ends[0], memory, file, -1};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(read_it(wrong[i], 1 << 20, &bytes, &length), -EPROTO);
    assert_null(bytes);
    close(ends[0]);
    close(ends[1]);
    close(memory);
    close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_in_comes_out),
        cmocka_unit_test(many_texts_stand_one_behind_the_other),
        cmocka_unit_test(nobody_changes_it_any_more),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(what_is_no_sealed_memory_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
