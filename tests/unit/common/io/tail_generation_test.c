/* One file, its bytes in order, and whether it is still the one it was: grown, made shorter or begun anew; packed files
 * give what they hold. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include <zlib.h>
#include "common/io/tail_generation.h"

static int file = -1;
static struct generation *generation;
static uint64_t passed;
static enum generation_look last_look;

static int begin(void **state)
{
    (void)state;
    file = memfd_create("log", MFD_CLOEXEC);
    generation = generation_create("/var/log/mail.log", dup(file), GENERATION_READING, 5 * SECOND);
    passed = 0;
    return file < 0 || !generation;
}

static int end(void **state)
{
    (void)state;
    generation_destroy(&generation);
    assert_null(generation);
    return close(file);
}

static void put(off_t at, const void *bytes, size_t length)
{
    assert_int_equal(pwrite(file, bytes, length, at), length);
    generation->seen_change = 0; /* within one tick of the kernel's clock a change does not show in the times */
}

static void put_text(off_t at, const char *text)
{
    put(at, text, strlen(text));
}

static void cut(off_t length)
{
    assert_int_equal(ftruncate(file, length), 0);
    generation->seen_change = 0;
}

static ssize_t fill(size_t room)
{
    struct error error = {.code = 0};
    return generation_fill(generation, room, &last_look, &passed, &error);
}

static void expect_window(const char *text)
{
    assert_int_equal(generation->length, strlen(text));
    assert_memory_equal(generation->window, text, strlen(text));
}

static void what_was_not_used_stays_in_front_of_what_comes(void **state)
{
    (void)state;
    put_text(0, "one\ntw");
    assert_int_equal(fill(100), 6);
    assert_int_equal(fill(100), 0);
    generation_use(generation, 4);
    expect_window("tw");
    assert_true(generation->at.offset == 4);
    put_text(6, "o\n");
    assert_int_equal(fill(100), 2);
    expect_window("two\n");
    generation_use(generation, 4);
    assert_true(generation->at.offset == 8 && generation->length == 0);
}

static void no_more_is_read_than_there_is_room_for(void **state)
{
    (void)state;
    put_text(0, "abcdefgh");
    assert_int_equal(fill(3), 3);
    assert_int_equal(fill(3), 3);
    assert_int_equal(fill(3), 2);
    expect_window("abcdefgh");
}

static void more_is_used_than_is_there_counts_as_all(void **state)
{
    (void)state;
    put_text(0, "one\n");
    assert_int_equal(fill(100), 4);
    generation_use(generation, 1000);
    assert_true(generation->at.offset == 4 && generation->length == 0);
}

static void the_beginning_is_known_by_ever_more_bytes_up_to_the_bound(void **state)
{
    (void)state;
    char line[TAIL_HEAD + 50];
    memset(line, 'x', sizeof line);
    assert_int_equal(generation_look(generation), GENERATION_SAME);
    assert_int_equal(generation->at.head, 0);
    put(0, line, 10);
    assert_int_equal(generation_look(generation), GENERATION_SAME);
    assert_int_equal(generation->at.head, 10);
    assert_true(generation->at.digest == tail_digest(line, 10));
    put(0, line, sizeof line);
    assert_int_equal(generation_look(generation), GENERATION_SAME);
    assert_int_equal(generation->at.head, TAIL_HEAD);
    assert_true(generation->at.size == sizeof line && generation->at.changed > 0);
}

static void a_file_that_was_cut_begins_otherwise_or_is_too_short(void **state)
{
    (void)state;
    put_text(0, "one\ntwo\n");
    assert_int_equal(fill(100), 8);
    cut(0);
    assert_int_equal(generation_look(generation), GENERATION_CUT);
    put_text(0, "three, longer than before\n"); /* grown beyond where we were before anybody looked */
    assert_int_equal(generation_look(generation), GENERATION_CUT);
    assert_int_equal(fill(100), 0);
    assert_int_equal(last_look, GENERATION_CUT);
    expect_window("one\ntwo\n");
}

static void a_file_that_was_made_shorter_begins_as_before(void **state)
{
    (void)state;
    char line[2 * TAIL_HEAD];
    memset(line, 'x', sizeof line);
    put(0, line, sizeof line);
    assert_int_equal(fill(sizeof line), sizeof line);
    cut(TAIL_HEAD + 1);
    assert_int_equal(generation_look(generation), GENERATION_SHORTENED);
}

static void nothing_changed_is_not_read(void **state)
{
    (void)state;
    put_text(0, "one\n");
    assert_int_equal(generation_look(generation), GENERATION_SAME);
    generation_close(generation);
    assert_int_equal(generation->descriptor, -1);
    assert_int_equal(generation_look(generation), GENERATION_SAME); /* nor is a file that is not open */
}

static void holes_are_passed_over_and_counted(void **state)
{
    (void)state;
    enum { HOLE = 1024 * 1024 };
    put_text(HOLE, "behind\n");
    assert_int_equal(fill(64 * 1024), 7);
    expect_window("behind\n");
    assert_true(passed == HOLE && generation->at.offset == HOLE);
}

static void nuls_within_a_line_are_bytes(void **state)
{
    (void)state;
    put(0, "a\0\0b\n", 5);
    assert_int_equal(fill(100), 5);
    assert_memory_equal(generation->window, "a\0\0b\n", 5);
    assert_true(passed == 0);
}

/* Within one block of the file system nobody can tell a hole from NULs that were written. */
static void nuls_in_front_of_a_line_are_passed_over_as_a_hole(void **state)
{
    (void)state;
    put(0, "\0\0a\n", 4);
    assert_int_equal(fill(100), 2);
    expect_window("a\n");
    assert_true(passed == 2 && generation->at.offset == 2);
}

static size_t gzip(const char *content, size_t length, char *packed, size_t room)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)content;
    stream.avail_in = (uInt)length;
    stream.next_out = (Bytef *)packed;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

static void a_packed_file_is_read_from_a_place_in_what_it_holds(void **state)
{
    (void)state;
    char packed[256];
    put(0, packed, gzip("one\ntwo\nthree\n", 14, packed, sizeof packed));
    generation->packed = true;
    generation->at.offset = 4;
    assert_int_equal(fill(5), 5);
    assert_false(generation->packed_ended);
    assert_int_equal(fill(100), 5);
    expect_window("two\nthree\n");
    assert_int_equal(fill(100), 0);
    assert_true(generation->packed_ended && generation->at.size == 14);
}

static void a_place_behind_all_that_is_packed_gives_nothing(void **state)
{
    (void)state;
    char packed[256];
    put(0, packed, gzip("one\n", 4, packed, sizeof packed));
    generation->packed = true;
    generation->at.offset = 400;
    assert_int_equal(fill(100), 0);
    assert_true(generation->packed_ended);
}

static void a_packed_file_that_ends_early_gives_what_is_sound_and_then_says_so(void **state)
{
    (void)state;
    char packed[256];
    size_t length = gzip("one\ntwo\nthree\n", 14, packed, sizeof packed);
    put(0, packed, length - 9); /* the check sum and a little more */
    generation->packed = true;
    ssize_t got;
    while ((got = fill(100)) > 0)
        ;
    assert_int_equal(got, -EBADMSG);
}

static void the_first_bytes_are_those_that_were_packed(void **state)
{
    (void)state;
    struct error error = {.code = 0};
    char packed[256], head[TAIL_HEAD];
    bool is_packed = true;
    put_text(0, "plain\n");
    assert_int_equal(generation_head(file, "log", head, &is_packed, &error), 6);
    assert_false(is_packed);
    assert_memory_equal(head, "plain\n", 6);
    cut(0);
    put(0, packed, gzip("packed\n", 7, packed, sizeof packed));
    assert_int_equal(generation_head(file, "log", head, &is_packed, &error), 7);
    assert_true(is_packed);
    assert_memory_equal(head, "packed\n", 7);
    cut(12);
    assert_true(generation_head(file, "log", head, &is_packed, &error) < 0); /* still being written */
    assert_true(is_packed);
    cut(0);
    put(0, "BZh91AY&SY", 10); /* of a packer that we have no unpacker for */
    assert_true(generation_head(file, "log", head, &is_packed, &error) < 0);
    assert_true(is_packed);
}

static void only_a_known_beginning_is_recognised(void **state)
{
    (void)state;
    assert_false(generation_begins_with(generation, "one\n", 4)); /* nothing is known yet */
    put_text(0, "one\n");
    assert_int_equal(generation_look(generation), GENERATION_SAME);
    assert_true(generation_begins_with(generation, "one\n", 4));
    assert_true(generation_begins_with(generation, "one\ntwo\n", 8));
    assert_false(generation_begins_with(generation, "one", 3));
    assert_false(generation_begins_with(generation, "two\none\n", 8));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_not_used_stays_in_front_of_what_comes),
        TEST(no_more_is_read_than_there_is_room_for),
        TEST(more_is_used_than_is_there_counts_as_all),
        TEST(the_beginning_is_known_by_ever_more_bytes_up_to_the_bound),
        TEST(a_file_that_was_cut_begins_otherwise_or_is_too_short),
        TEST(a_file_that_was_made_shorter_begins_as_before),
        TEST(nothing_changed_is_not_read),
        TEST(holes_are_passed_over_and_counted),
        TEST(nuls_within_a_line_are_bytes),
        TEST(nuls_in_front_of_a_line_are_passed_over_as_a_hole),
        TEST(a_packed_file_is_read_from_a_place_in_what_it_holds),
        TEST(a_place_behind_all_that_is_packed_gives_nothing),
        TEST(a_packed_file_that_ends_early_gives_what_is_sound_and_then_says_so),
        TEST(the_first_bytes_are_those_that_were_packed),
        TEST(only_a_known_beginning_is_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
