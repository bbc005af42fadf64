/* Content: where it ends, how long it is, and that its digest is the digest of its bytes, held against a reader that
 * looks at one byte after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>
#include "agent/packet/smtp_content.h"

static struct smtp_counters counters;
static const struct smtp_listener listener = {.counters = &counters};

static const struct {
    const char *sent;
    enum smtp_content_end end;
    size_t bytes;
} contents[] = {
    {"hello\r\n.\r\nQUIT", CONTENT_ENDED, 7},
    {".\r\n", CONTENT_ENDED, 0},
    {".\n", CONTENT_ENDED_LF, 0},
    {"hello\n.\n", CONTENT_ENDED_LF, 6},
    {"hello\r\n.\n", CONTENT_ENDED_LF, 7},
    {"hello\n.\r\n", CONTENT_ENDED_ODD, 6},
    {"\r\n.\r\n", CONTENT_ENDED, 2},
    {"\n.\r\n", CONTENT_ENDED_ODD, 1},
    {"..\r\n.\r\n", CONTENT_ENDED, 4},
    {".x\r\n.\r\n", CONTENT_ENDED, 4},
    {".\rx\r\n.\r\n", CONTENT_ENDED, 5},
    {".\r\r\n.\r\n", CONTENT_ENDED, 4},
    {"x.\r\n.\r\n", CONTENT_ENDED, 4},
    {"x\r.\r\n.\r\n", CONTENT_ENDED, 5},
    {"no end\r\n.", CONTENT_GOES_ON, 8},
    {"no end\r\n.\r", CONTENT_GOES_ON, 8},
    {"no end\r\n..\r\n", CONTENT_GOES_ON, 12},
};

/* One byte after the other, as the protocol reads. */
static enum smtp_content_end read_plainly(const char *sent, size_t size, size_t *bytes, size_t *used)
{
    for (size_t line = 0; line < size;) {
        const char *lf = memchr(sent + line, '\n', size - line);
        size_t length = lf ? (size_t)(lf - sent) - line : size - line;
        bool cr = length == 2 && sent[line + 1] == '\r';
        if (lf && sent[line] == '.' && (length == 1 || cr)) {
            *bytes = line;
            *used = line + length + 1;
            bool bare = line > 0 && !(line > 1 && sent[line - 2] == '\r');
            return !cr ? CONTENT_ENDED_LF : bare ? CONTENT_ENDED_ODD : CONTENT_ENDED;
        }
        if (!lf) {
            *bytes = sent[line] == '.' && (length == 1 || cr) ? line : size;
            break;
        }
        *bytes = line += length + 1;
    }
    *used = size;
    return CONTENT_GOES_ON;
}

static void check(const char *sent, size_t size, size_t piece, enum smtp_content_end end, size_t bytes, size_t used)
{
    struct smtp_content content = {.place = CONTENT_LINE_START};
    enum smtp_content_end got = CONTENT_GOES_ON;
    size_t at = 0;
    while (at < size && got == CONTENT_GOES_ON) {
        size_t length = piece < size - at ? piece : size - at;
        char *copy = malloc(length);
        assert_non_null(copy);
        memcpy(copy, sent + at, length);
        struct text input = {copy, length};
        got = smtp_content_take(&content, &listener, &input);
        at += length - input.length;
        free(copy);
    }
    uint64_t digest[2];
    struct likeness likeness;
    uint64_t counted = content.bytes;
    smtp_content_finish(&content, &counters, digest, &likeness, NULL);
    XXH128_hash_t want = XXH3_128bits(sent, bytes);
    if (got != end || counted != bytes || at != used || digest[0] != want.low64 || digest[1] != want.high64)
        fail_msg("in pieces of %zu: end %d, %zu bytes, %zu used; want %d, %zu, %zu of: %.*s", piece, (int)got,
                 (size_t)counted, at, (int)end, bytes, used, (int)size, sent);
    assert_int_equal(counters.bytes_held, 0);
}

static void ends_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        size_t size = strlen(contents[i].sent), bytes = 0, used = 0;
        assert_int_equal(read_plainly(contents[i].sent, size, &bytes, &used), contents[i].end);
        assert_int_equal(bytes, contents[i].bytes);
        for (size_t piece = 1; piece <= size; piece++)
            check(contents[i].sent, size, piece, contents[i].end, bytes, used);
    }
}

static void random_content_is_read_as_by_the_plain_reader(void **state)
{
    (void)state;
    static const char alphabet[] = "\r\n..xy";
    static char sent[700];
    uint32_t random = 7;
    for (unsigned run = 0; run < 20000; run++) {
        random = random * 1103515245u + 12345u;
        size_t size = 1 + (random >> 16) % sizeof sent;
        /* long stretches without line ends as well: they are passed over in big steps */
        unsigned plain = (random >> 8) % 4 * 30;
        for (size_t i = 0; i < size; i++) {
            random = random * 1103515245u + 12345u;
            sent[i] = (random >> 20) % 100 < plain ? 'z' : alphabet[(random >> 16) % (sizeof alphabet - 1)];
        }
        size_t bytes = 0, used = 0;
        enum smtp_content_end end = read_plainly(sent, size, &bytes, &used);
        check(sent, size, size, end, bytes, used);
        check(sent, size, 1 + (random >> 16) % 90, end, bytes, used);
        if (run % 16 == 0)
            check(sent, size, 1, end, bytes, used);
    }
}

static void an_end_can_be_taken_back(void **state)
{
    (void)state;
    struct smtp_content content = {.place = CONTENT_LINE_START};
    struct text input = TEXT("one\n.\ntwo\r\n.\r\n");
    assert_int_equal(smtp_content_take(&content, &listener, &input), CONTENT_ENDED_LF);
    smtp_content_take_back_end(&content, &listener, CONTENT_ENDED_LF);
    assert_int_equal(smtp_content_take(&content, &listener, &input), CONTENT_ENDED);
    assert_int_equal(content.bytes, 11);
    uint64_t digest[2];
    struct likeness likeness;
    smtp_content_finish(&content, &counters, digest, &likeness, NULL);
    assert_int_equal(digest[0], XXH3_128bits("one\n.\ntwo\r\n", 11).low64);
}

static void a_gap_counts_and_makes_it_incomplete(void **state)
{
    (void)state;
    struct smtp_content content = {.place = CONTENT_LINE_START};
    struct text input = TEXT("one");
    assert_int_equal(smtp_content_take(&content, &listener, &input), CONTENT_GOES_ON);
    smtp_content_gap(&content, 100);
    assert_true(content.incomplete);
    assert_int_equal(content.bytes, 103);
    input = TEXT(".\r\n"); /* perhaps the end, perhaps a sentence's */
    assert_int_equal(smtp_content_take(&content, &listener, &input), CONTENT_ENDED_ODD);
    smtp_content_drop(&content, &counters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_are_found),
        cmocka_unit_test(random_content_is_read_as_by_the_plain_reader),
        cmocka_unit_test(an_end_can_be_taken_back),
        cmocka_unit_test(a_gap_counts_and_makes_it_incomplete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
