/* Whatever the bytes lie in, the same bytes come out; what is damaged is said after what was sound. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>
#include "common/io/input.h"

enum { SIZE = 3 * 1024 * 1024 + 17 };

static char folder[] = "/tmp/postern-input-XXXXXX", path[128];

/* Text that compresses somewhat, different everywhere. */
static char *make_content(void)
{
    char *content = malloc(SIZE);
    uint32_t random = 1;
    assert_non_null(content);
    for (size_t i = 0; i < SIZE; i++) {
        random = random * 1103515245 + 12345;
        content[i] = (char)('a' + (random >> 16) % 20);
    }
    return content;
}

struct bytes {
    char *at;
    size_t length;
};

static struct bytes gzip_of(const char *content, size_t length)
{
    struct bytes packed = {malloc(length + 4096), 0};
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)content;
    stream.avail_in = (uInt)length;
    stream.next_out = (Bytef *)packed.at;
    stream.avail_out = (uInt)(length + 4096);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.length = stream.total_out;
    deflateEnd(&stream);
    return packed;
}

static struct bytes zstd_of(const char *content, size_t length)
{
    struct bytes packed = {malloc(ZSTD_compressBound(length)), 0};
    packed.length = ZSTD_compress(packed.at, ZSTD_compressBound(length), content, length, 1);
    assert_false(ZSTD_isError(packed.length));
    return packed;
}

static void append(const char *bytes, size_t length)
{
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, length), length);
    close(file);
}

static void append_packed(struct bytes (*pack)(const char *, size_t), const char *content, size_t length)
{
    struct bytes packed = pack(content, length);
    append(packed.at, packed.length);
    free(packed.at);
}

/* Read all, taking `portion` bytes of each window (0: all). The bytes must be those of `want`. */
static int read_all(const char *name, size_t portion, const char *want, size_t want_length, struct error *error)
{
    struct input *input = NULL;
    struct text window = {NULL, 0};
    size_t used = 0, at = 0;
    bool last = false;
    assert_int_equal(input_open(name, &input, error), 0);
    for (;;) {
        size_t kept = window.length - used;
        int status = input_more(input, used, &window, &last, error);
        if (status < 0) {
            assert_int_equal(at + kept, want_length);
            input_close(&input);
            return status;
        }
        assert_true(last || window.length > kept);
        assert_true(at + window.length <= want_length);
        assert_memory_equal(window.bytes, want + at, window.length);
        used = portion == 0 || portion > window.length ? window.length : portion;
        at += used;
        if (last && used == window.length)
            break;
    }
    assert_int_equal(at, want_length);
    if (strcmp(name, "-") != 0)
        assert_int_equal(input_bytes_read(input), input_bytes_total(input));
    input_close(&input);
    assert_null(input);
    return 0;
}

static void expect(const char *want, size_t length)
{
    struct error error = {0};
    assert_int_equal(read_all(path, 0, want, length, &error), 0);
    assert_int_equal(read_all(path, 200 * 1000, want, length, &error), 0);
}

static int clean(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static void plain_files(void **state)
{
    (void)state;
    char *content = make_content();
    append("", 0);
    expect(content, 0);
    append(content, 1);
    expect(content, 1);
    append(content + 1, SIZE - 1);
    expect(content, SIZE);
    free(content);
}

static void compressed_files_of_one_and_of_several_members(void **state)
{
    struct bytes (*const packers[])(const char *, size_t) = {gzip_of, zstd_of};
    (void)state;
    char *content = make_content();
    for (size_t i = 0; i < 2; i++) {
        unlink(path);
        append_packed(packers[i], content, 1000);
        expect(content, 1000);
        append_packed(packers[i], content + 1000, 0);
        append_packed(packers[i], content + 1000, SIZE - 2000);
        expect(content, SIZE - 1000);
        append_packed(packers[i], content + SIZE - 1000, 1000);
        expect(content, SIZE);
    }
    free(content);
}

static void a_tape_s_zeros_behind_gzip_are_no_damage(void **state)
{
    static const char zeros[1000];
    (void)state;
    append_packed(gzip_of, "hello", 5);
    append(zeros, sizeof zeros);
    expect("hello", 5);
    append_packed(gzip_of, " world", 6);
    expect("hello world", 11);
}

static void zstd_frames_to_be_passed_over(void **state)
{
    (void)state;
    append("\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
    append_packed(zstd_of, "hello", 5);
    expect("hello", 5);
}

/* A compressed megabyte of zeros is small: the window must stay small as well. */
static void windows_stay_small_however_much_is_packed(void **state)
{
    (void)state;
    char *zeros = calloc(1, 64 * 1024 * 1024);
    append_packed(zstd_of, zeros, 64 * 1024 * 1024);
    free(zeros);
    struct input *input = NULL;
    struct error error = {0};
    struct text window;
    bool last = false;
    size_t used = 0, all = 0;
    assert_int_equal(input_open(path, &input, &error), 0);
    while (!last) {
        assert_int_equal(input_more(input, used, &window, &last, &error), 0);
        assert_true(window.length <= INPUT_WINDOW);
        all += used = window.length;
    }
    assert_int_equal(all, 64 * 1024 * 1024);
    input_close(&input);
}

static void what_is_cut_or_damaged_is_named(void **state)
{
    static const struct {
        struct bytes (*pack)(const char *, size_t);
        const char *want_cut, *want_damaged;
    } kinds[] = {
        {gzip_of, "the compressed data end too early", "the gzip data are damaged"},
        {zstd_of, "the compressed data end too early", "the zstd data are damaged"},
    };
    (void)state;
    char *content = make_content();
    for (size_t i = 0; i < 2; i++) {
        struct error error = {0};
        struct bytes packed = kinds[i].pack(content, SIZE);
        struct input *input = NULL;
        struct text window;
        bool last = false;
        size_t used = 0, at = 0;

        for (unsigned damaged = 0; damaged < 2; damaged++) {
            int status;
            unlink(path);
            if (damaged)
                memset(packed.at + packed.length / 2, 0xff, 600);
            append(packed.at, damaged ? packed.length : packed.length - 5);
            assert_int_equal(input_open(path, &input, &error), 0);
            for (at = used = 0; (status = input_more(input, used, &window, &last, &error)) == 0; at += used) {
                used = window.length;
                assert_false(last);
                if (!damaged)
                    assert_memory_equal(window.bytes, content + at, used);
            }
            assert_int_equal(status, -EBADMSG);
            assert_true(at > SIZE / 4);
            assert_non_null(strstr(error.text, path));
            assert_non_null(strstr(error.text, damaged ? kinds[i].want_damaged : kinds[i].want_cut));
            assert_int_equal(input_more(input, used, &window, &last, &error), -EBADMSG); /* and stays so */
            input_close(&input);
        }
        free(packed.at);
    }
    free(content);
}

static void garbage_behind_gzip_is_damage(void **state)
{
    struct error error = {0};
    (void)state;
    append_packed(gzip_of, "hello", 5);
    append("garbage", 7);
    assert_int_equal(read_all(path, 0, "hello", 5, &error), -EBADMSG);
}

static void other_packings_are_refused_by_name(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *want;
    } foreign[] = {
        {"\xfd"
         "7zXZ\0abc",
         9, "packed with xz; plain, gzip and zstd are understood"},
        {"BZh91AY", 7, "packed with bzip2; plain, gzip and zstd are understood"},
        {"PK\x03\x04....", 8, "packed with zip; plain, gzip and zstd are understood"},
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct error error = {0};
        unlink(path);
        append(foreign[i].bytes, foreign[i].length);
        assert_int_equal(read_all(path, 0, "", 0, &error), -ENOTSUP);
        assert_non_null(strstr(error.text, foreign[i].want));
    }
}

static void what_cannot_be_opened(void **state)
{
    (void)state;
    struct input *input = NULL;
    struct error error = {0};
    assert_int_equal(input_open("/nowhere/at all", &input, &error), -ENOENT);
    assert_string_equal(error.text, "cannot open /nowhere/at all: No such file or directory");
    assert_int_equal(input_open("/tmp", &input, &error), -EISDIR);
    assert_string_equal(error.text, "cannot open /tmp: it is a directory");
    assert_null(input);
}

static void a_window_grows_for_who_consumes_nothing_up_to_its_bound(void **state)
{
    (void)state;
    char *content = calloc(1, INPUT_WINDOW_MOST + 5);
    append(content, INPUT_WINDOW_MOST + 5);
    free(content);
    struct input *input = NULL;
    struct error error = {0};
    struct text window = {NULL, 0};
    bool last = false;
    int status;
    size_t before = 0;
    assert_int_equal(input_open(path, &input, &error), 0);
    while ((status = input_more(input, 0, &window, &last, &error)) == 0) {
        assert_true(window.length > before);
        before = window.length;
    }
    assert_int_equal(status, -EMSGSIZE);
    assert_int_equal(before, INPUT_WINDOW_MOST);
    assert_int_equal(input_more(input, before, &window, &last, &error), 0); /* nothing was lost */
    assert_int_equal(window.length, 5);
    input_close(&input);
}

static void a_file_that_shrinks_ends_early(void **state)
{
    (void)state;
    char *content = make_content();
    append(content, SIZE);
    struct input *input = NULL;
    struct error error = {0};
    struct text window;
    bool last = false;
    size_t all = 0;
    assert_int_equal(input_open(path, &input, &error), 0);
    for (size_t used = 0; !last; all += used) {
        assert_int_equal(input_more(input, used, &window, &last, &error), 0);
        used = window.length;
        assert_int_equal(truncate(path, 1000), 0);
    }
    assert_int_equal(all, INPUT_WINDOW);
    input_close(&input);
    free(content);
}

struct writer {
    int descriptor;
    const char *bytes;
    size_t length, step;
};

static void *write_slowly(void *context)
{
    struct writer *writer = context;
    for (size_t at = 0; at < writer->length; at += writer->step) {
        size_t left = writer->length - at, now = left < writer->step ? left : writer->step;
        if (write(writer->descriptor, writer->bytes + at, now) != (ssize_t)now)
            break;
    }
    close(writer->descriptor);
    return NULL;
}

/* Standard input as a pipe, also one that gives a byte at a time, also one that does not block. */
static void a_pipe_plain_and_packed(void **state)
{
    struct bytes (*const packers[])(const char *, size_t) = {NULL, gzip_of, zstd_of};
    (void)state;
    char *content = make_content();
    int kept = dup(STDIN_FILENO);
    for (size_t i = 0; i < 6; i++) {
        size_t length = i < 3 ? SIZE : 2000;
        struct bytes packed = {content, length};
        if (packers[i % 3])
            packed = packers[i % 3](content, length);
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
        close(ends[0]);
        if (i >= 3)
            assert_int_equal(fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK), 0);
        struct writer writer = {ends[1], packed.at, packed.length, i < 3 ? 50000 : 1};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, write_slowly, &writer), 0);
        struct error error = {0};
        assert_int_equal(read_all("-", 0, content, length, &error), 0);
        pthread_join(thread, NULL);
        if (packed.at != content)
            free(packed.at);
    }
    dup2(kept, STDIN_FILENO);
    close(kept);
    free(content);
}

static void an_input_knows_its_name(void **state)
{
    (void)state;
    struct input *input = NULL;
    struct error error = {0};
    assert_int_equal(input_open("-", &input, &error), 0);
    assert_string_equal(input_name(input), "standard input");
    input_close(&input);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0); /* not ours to close */
    append("abc", 3);
    assert_int_equal(input_open(path, &input, &error), 0);
    assert_string_equal(input_name(input), path);
    assert_int_equal(input_bytes_total(input), 3);
    assert_int_equal(input_bytes_read(input), 0);
    input_close(&input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(plain_files, clean),
        cmocka_unit_test_teardown(compressed_files_of_one_and_of_several_members, clean),
        cmocka_unit_test_teardown(a_tape_s_zeros_behind_gzip_are_no_damage, clean),
        cmocka_unit_test_teardown(zstd_frames_to_be_passed_over, clean),
        cmocka_unit_test_teardown(windows_stay_small_however_much_is_packed, clean),
        cmocka_unit_test_teardown(what_is_cut_or_damaged_is_named, clean),
        cmocka_unit_test_teardown(garbage_behind_gzip_is_damage, clean),
        cmocka_unit_test_teardown(other_packings_are_refused_by_name, clean),
        cmocka_unit_test_teardown(what_cannot_be_opened, clean),
        cmocka_unit_test_teardown(a_window_grows_for_who_consumes_nothing_up_to_its_bound, clean),
        cmocka_unit_test_teardown(a_file_that_shrinks_ends_early, clean),
        cmocka_unit_test_teardown(a_pipe_plain_and_packed, clean),
        cmocka_unit_test_teardown(an_input_knows_its_name, clean),
    };
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/input", folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
