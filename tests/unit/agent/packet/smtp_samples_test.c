/* Content that is kept while it streams by: what is put in comes out, nothing more than was asked for, and memory is
 * bounded whoever begins messages and never ends them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include "agent/packet/smtp_samples.h"

#define MEGABYTE (UINT64_C(1) << 20)

static struct smtp_samples *samples;

static int begin(void **unused)
{
    (void)unused;
    samples = smtp_samples_create(MEGABYTE);
    return samples ? 0 : -1;
}

static int end(void **unused)
{
    (void)unused;
    smtp_samples_destroy(&samples);
    return 0;
}

static uint32_t start(size_t most, uint8_t note)
{
    return smtp_samples_begin(samples, &(struct smtp_sample_beginning){SECOND, (uint32_t)most, note, true});
}

static size_t read_all(uint32_t sample, char *room, size_t most)
{
    size_t length = 0;
    struct text piece;
    for (const void *at = NULL; smtp_samples_piece(samples, sample, &at, &piece);) {
        assert_true(length + piece.length <= most);
        memcpy(room + length, piece.bytes, piece.length);
        length += piece.length;
    }
    return length;
}

static uint32_t keep(const char *content, uint32_t most)
{
    uint32_t sample = start(most, 0);
    smtp_samples_add(samples, sample, content, strlen(content));
    return sample;
}

static void what_is_put_in_comes_out(void **unused)
{
    enum { SIZE = 100000 };
    char *content = malloc(SIZE), *read = malloc(SIZE);
    (void)unused;
    assert_true(content && read);
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (char)(i * 7 + i / 251);
    uint32_t sample = start(SIZE, 5);
    for (size_t at = 0, length = 1; at < SIZE; at += length, length = length * 3 % 1461 + 1)
        smtp_samples_add(samples, sample, content + at, length < SIZE - at ? length : SIZE - at);
    struct smtp_sample_state state;
    assert_true(smtp_samples_state(samples, sample, &state));
    assert_int_equal(state.bytes, SIZE);
    assert_int_equal(state.note, 5);
    assert_false(state.cut);
    assert_int_equal(read_all(sample, read, SIZE), SIZE);
    assert_memory_equal(read, content, SIZE);
    free(content);
    free(read);
}

static void what_is_longer_is_cut_there(void **unused)
{
    char read[8];
    struct smtp_sample_state state;
    (void)unused;
    uint32_t sample = keep("12345", 5);
    assert_true(smtp_samples_state(samples, sample, &state));
    assert_false(state.cut);
    smtp_samples_add(samples, sample, "6", 1);
    assert_true(smtp_samples_state(samples, sample, &state));
    assert_true(state.cut);
    assert_int_equal(read_all(sample, read, sizeof read), 5);
    assert_memory_equal(read, "12345", 5);
}

static void behind_a_gap_nothing_is_kept(void **unused)
{
    char read[8];
    struct smtp_sample_state state;
    (void)unused;
    uint32_t sample = keep("123", 8);
    smtp_samples_stop(samples, sample);
    smtp_samples_add(samples, sample, "6", 1);
    assert_true(smtp_samples_state(samples, sample, &state));
    assert_true(state.cut);
    assert_int_equal(read_all(sample, read, sizeof read), 3);
}

/* RFC 5321, 4.5.2; and most servers end lines at a bare LF too. */
static void dots_that_were_put_in_are_taken_out(void **unused)
{
    static const struct {
        const char *sent, *said;
    } rows[] = {
        {"", ""},
        {"no dots", "no dots"},
        {"..first\r\n", ".first\r\n"},
        {"a\r\n..\r\nb\r\n", "a\r\n.\r\nb\r\n"},
        {"a\r\n...\r\n", "a\r\n..\r\n"},
        {"..\r\n..\r\n..", ".\r\n.\r\n."},
        {"a..b\r\nc.\r\n", "a..b\r\nc.\r\n"},
        {"a\n..b\n", "a\n.b\n"},
        {"a\r..b", "a\r..b"},
        {"a\r\n.", "a\r\n"},
        {"a\r\n.x", "a\r\nx"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char read[64] = "";
        uint32_t sample = keep(rows[i].sent, sizeof read);
        smtp_samples_unstuff(samples, sample);
        smtp_samples_unstuff(samples, sample); /* once and no more */
        size_t length = read_all(sample, read, sizeof read);
        assert_int_equal(length, strlen(rows[i].said));
        assert_memory_equal(read, rows[i].said, length);
        smtp_samples_release(samples, sample);
    }
    assert_int_equal(smtp_samples_counters(samples).bytes_held, 0);
}

/* Against the plain way, with lines that end where pieces of the memory end. */
static void dots_are_found_wherever_pieces_end(void **unused)
{
    enum { SIZE = 60000 };
    static const char alphabet[] = "\n\r...x";
    char *sent = malloc(SIZE), *want = malloc(SIZE), *read = malloc(SIZE);
    uint32_t random = 3;
    (void)unused;
    assert_true(sent && want && read);
    for (unsigned run = 0; run < 200; run++) {
        size_t size = 1 + (random >> 8) % SIZE, length = 0;
        unsigned plain = run % 4 * 33;
        for (size_t i = 0; i < size; i++) {
            random = random * 1103515245u + 12345u;
            sent[i] = (random >> 20) % 100 < plain ? 'z' : alphabet[(random >> 16) % (sizeof alphabet - 1)];
            if (!(sent[i] == '.' && (i == 0 || sent[i - 1] == '\n')))
                want[length++] = sent[i];
        }
        uint32_t sample = start(SIZE, 0);
        smtp_samples_add(samples, sample, sent, size);
        smtp_samples_unstuff(samples, sample);
        assert_int_equal(read_all(sample, read, SIZE), length);
        assert_memory_equal(read, want, length);
        smtp_samples_release(samples, sample);
    }
    free(sent);
    free(want);
    free(read);
}

static void the_oldest_gives_way(void **unused)
{
    static char content[300000];
    struct smtp_sample_state state;
    (void)unused;
    uint32_t some[5];
    for (size_t i = 0; i < 5; i++) {
        some[i] = start(sizeof content, 0);
        smtp_samples_add(samples, some[i], content, sizeof content);
        assert_true(smtp_samples_counters(samples).bytes_held <= MEGABYTE);
    }
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(smtp_samples_state(samples, some[i], &state), i >= 2);
    assert_int_equal(smtp_samples_counters(samples).crowded, 2);
    /* Who still has the number holds nothing, and hurts nobody. */
    smtp_samples_add(samples, some[0], "x", 1);
    smtp_samples_unstuff(samples, some[0]);
    smtp_samples_release(samples, some[0]);
    assert_true(smtp_samples_state(samples, some[2], &state));
    assert_int_equal(state.bytes, sizeof content);
}

static void one_alone_is_cut_where_memory_ends(void **unused)
{
    static char content[2 * 1024 * 1024];
    struct smtp_sample_state state;
    (void)unused;
    uint32_t sample = start(sizeof content, 0);
    smtp_samples_add(samples, sample, content, sizeof content);
    assert_true(smtp_samples_state(samples, sample, &state));
    assert_true(state.cut);
    assert_true(state.bytes > MEGABYTE / 2 && state.bytes <= MEGABYTE);
}

static void a_flood_of_beginnings_holds_nothing(void **unused)
{
    struct smtp_sample_state state;
    uint32_t last = 0;
    (void)unused;
    for (unsigned i = 0; i < 3 * SAMPLES_AT_ONCE; i++) {
        last = start(10, 0);
        assert_int_not_equal(last, 0);
    }
    assert_true(smtp_samples_state(samples, last, &state));
    smtp_samples_tick(samples, SECOND + SAMPLE_LONGEST - 1);
    assert_true(smtp_samples_state(samples, last, &state));
    smtp_samples_tick(samples, SECOND + SAMPLE_LONGEST);
    assert_false(smtp_samples_state(samples, last, &state));
}

static void a_number_never_comes_back(void **unused)
{
    struct smtp_sample_state state;
    (void)unused;
    uint32_t first = keep("first", 10);
    smtp_samples_release(samples, first);
    for (unsigned i = 0; i < 10000; i++) {
        uint32_t next = keep("next", 10);
        assert_int_not_equal(next, first);
        assert_false(smtp_samples_state(samples, first, &state));
        smtp_samples_release(samples, next);
    }
    assert_false(smtp_samples_state(samples, 0, &state));
    assert_false(smtp_samples_state(samples, UINT32_MAX, &state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_put_in_comes_out, begin, end),
        cmocka_unit_test_setup_teardown(what_is_longer_is_cut_there, begin, end),
        cmocka_unit_test_setup_teardown(behind_a_gap_nothing_is_kept, begin, end),
        cmocka_unit_test_setup_teardown(dots_that_were_put_in_are_taken_out, begin, end),
        cmocka_unit_test_setup_teardown(dots_are_found_wherever_pieces_end, begin, end),
        cmocka_unit_test_setup_teardown(the_oldest_gives_way, begin, end),
        cmocka_unit_test_setup_teardown(one_alone_is_cut_where_memory_ends, begin, end),
        cmocka_unit_test_setup_teardown(a_flood_of_beginnings_holds_nothing, begin, end),
        cmocka_unit_test_setup_teardown(a_number_never_comes_back, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
