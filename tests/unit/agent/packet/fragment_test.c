/* A datagram is whole when all of it came, in whatever order; what a receiver would refuse is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "agent/packet/fragment.h"

enum { MORE = 1, LAST = 0, TCP = 6 };

static const struct siphash_key key = {{1, 2}};
static const struct fragment_key v4 = {
    .family = 4, .protocol = TCP, .identification = 7, .source = {10}, .target = {11}};
static const struct fragment_key v6 = {.family = 6, .identification = 7, .source = {0xfd}, .target = {0xfe}};

/* The text "come so far, taken at `offset`" in rows: letters stand for 8 bytes each. */
static void spell(const char *letters, char *bytes)
{
    for (size_t i = 0; letters[i]; i++)
        memset(bytes + i * 8, letters[i], 8);
}

static bool add(struct fragments *fragments, const struct fragment_key *of, moment time, uint32_t block, bool more,
                const char *letters, char *result)
{
    char bytes[64 * 8];
    struct text whole;
    uint8_t protocol = 0;
    spell(letters, bytes);
    struct fragment fragment = {time, block * 8, more, TCP, {bytes, strlen(letters) * 8}};
    if (!fragments_add(fragments, of, &fragment, &whole, &protocol))
        return false;
    assert_int_equal(protocol, TCP);
    assert_int_equal(whole.length % 8, 0);
    for (size_t i = 0; i < whole.length; i++)
        assert_int_equal(whole.bytes[i], whole.bytes[i / 8 * 8]);
    for (size_t i = 0; i < whole.length / 8; i++)
        *result++ = whole.bytes[i * 8];
    *result = '\0';
    assert_int_equal(fragments_overlapped(fragments), fragments_counters(fragments).overlapping > 0);
    return true;
}

struct piece {
    uint32_t block;
    bool more;
    const char *letters;
};

static const struct row {
    const char *name;
    struct piece pieces[6];
    const char *want4, *want6; /* NULL: never whole */
    uint64_t want_overlapping, want_malformed;
} rows[] = {
    {"in order", {{0, MORE, "ab"}, {2, MORE, "cd"}, {4, LAST, "e"}}, "abcde", "abcde", 0, 0},
    {"last first", {{4, LAST, "e"}, {2, MORE, "cd"}, {0, MORE, "ab"}}, "abcde", "abcde", 0, 0},
    {"one missing", {{0, MORE, "ab"}, {4, LAST, "e"}}, NULL, NULL, 0, 0},
    {"repeated", {{0, MORE, "ab"}, {0, MORE, "ab"}, {2, LAST, "c"}}, "abc", "abc", 0, 0},
    {"repeated with other content: the first copy",
     {{0, MORE, "ab"}, {0, MORE, "xy"}, {2, LAST, "c"}},
     "abc",
     "abc",
     1,
     0},
    {"a smaller repetition inside", {{0, MORE, "abcd"}, {1, MORE, "bc"}, {4, LAST, "e"}}, "abcde", "abcde", 0, 0},
    {"overlap: the first copy, or nothing", {{0, MORE, "abc"}, {2, MORE, "Xd"}, {4, LAST, "e"}}, "abcde", NULL, 1, 0},
    {"overlap in front", {{2, MORE, "cd"}, {0, MORE, "abX"}, {4, LAST, "e"}}, "abcde", NULL, 1, 0},
    {"after an overlap nothing of it is used",
     {{0, MORE, "abc"}, {2, MORE, "Xd"}, {0, MORE, "abcd"}, {4, LAST, "e"}},
     "abcde",
     NULL,
     1,
     0},
    {"two ends", {{0, MORE, "a"}, {3, LAST, "d"}, {2, LAST, "c"}, {1, MORE, "bc"}}, "abcd", "abcd", 0, 1},
    {"beyond the end", {{0, MORE, "a"}, {3, LAST, "d"}, {4, MORE, "e"}, {1, MORE, "bc"}}, "abcd", "abcd", 0, 1},
    {"an end before what came",
     {{2, MORE, "c"}, {1, LAST, "b"}, {0, MORE, "ab"}, {3, LAST, "d"}},
     "abcd",
     "abcd",
     0,
     1},
    {"an empty fragment", {{0, MORE, "a"}, {1, MORE, ""}, {1, LAST, "b"}}, "ab", "ab", 0, 1},
};

static void run_row(const struct row *row, const struct fragment_key *of, const char *want)
{
    struct fragments *fragments = fragments_create(8, &key);
    char got[64] = "";
    bool whole = false;
    assert_non_null(fragments);
    for (size_t i = 0; i < 6 && row->pieces[i].letters; i++) {
        const struct piece *piece = &row->pieces[i];
        assert_false(whole);
        whole = add(fragments, of, SECOND, piece->block, piece->more, piece->letters, got);
    }
    assert_int_equal(whole, want != NULL);
    if (want)
        assert_string_equal(got, want);
    struct fragment_counters counters = fragments_counters(fragments);
    assert_int_equal(counters.whole, want != NULL);
    assert_int_equal(counters.malformed, row->want_malformed);
    assert_int_equal(counters.overlapping, row->want_overlapping);
    fragments_destroy(&fragments);
    assert_null(fragments);
}

static void pieces_become_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("  %s\n", rows[i].name);
        run_row(&rows[i], &v4, rows[i].want4);
        run_row(&rows[i], &v6, rows[i].want6);
    }
}

/* The law: whatever the cuts and the order, the datagram comes out once and as it went in. */
static void any_order_gives_the_datagram(void **state)
{
    (void)state;
    srandom(3);
    struct fragments *fragments = fragments_create(4, &key);
    static char datagram[65535];
    for (size_t i = 0; i < sizeof datagram; i++)
        datagram[i] = (char)random();

    for (unsigned round = 0; round < 300; round++) {
        uint32_t length = round == 0 ? 65535 : 1 + (uint32_t)random() % 5000, cuts[8192], count = 0, come = 0;
        for (uint32_t at = 0; at < length; at += 8 * (1 + (uint32_t)random() % (round == 0 ? 300 : 40)))
            cuts[count++] = at;
        cuts[count] = length;
        uint32_t order[8192];
        for (uint32_t i = 0; i < count; i++) {
            uint32_t other = (uint32_t)random() % (i + 1);
            order[i] = order[other];
            order[other] = i;
        }
        struct fragment_key of = round % 2 ? v4 : v6;
        of.identification = round;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t at = cuts[order[i]], end = cuts[order[i] + 1];
            struct fragment fragment = {SECOND, at, end < length, TCP, {datagram + at, end - at}};
            struct text whole;
            uint8_t protocol;
            bool done = fragments_add(fragments, &of, &fragment, &whole, &protocol);
            assert_int_equal(done, ++come == count);
            if (done) {
                assert_int_equal(whole.length, length);
                assert_memory_equal(whole.bytes, datagram, length);
            }
        }
    }
    assert_int_equal(fragments_counters(fragments).whole, 300);
    fragments_destroy(&fragments);
}

static void datagrams_are_told_apart(void **state)
{
    (void)state;
    struct fragments *fragments = fragments_create(8, &key);
    struct fragment_key other = v4, forged = v4;
    char got[64];
    other.identification = 8;
    forged.port = 2; /* the same addresses, written by a guest on another port */
    assert_false(add(fragments, &v4, SECOND, 0, MORE, "a", got));
    assert_false(add(fragments, &forged, SECOND, 1, LAST, "z", got));
    assert_false(add(fragments, &other, SECOND, 1, LAST, "y", got));
    assert_true(add(fragments, &v4, SECOND, 1, LAST, "b", got));
    assert_string_equal(got, "ab");
    assert_true(add(fragments, &other, SECOND, 0, MORE, "x", got));
    assert_string_equal(got, "xy");
    fragments_destroy(&fragments);
}

/* RFC 8200 4.5: what the others say of the next header does not count. */
static void the_first_fragment_names_the_protocol(void **state)
{
    (void)state;
    struct fragments *fragments = fragments_create(8, &key);
    struct text whole;
    uint8_t protocol;
    struct fragment last = {SECOND, 8, LAST, 17, TEXT("last")}, first = {SECOND, 0, MORE, TCP, TEXT("first 8b")};
    assert_false(fragments_add(fragments, &v6, &last, &whole, &protocol));
    assert_true(fragments_add(fragments, &v6, &first, &whole, &protocol));
    assert_int_equal(protocol, TCP);
    assert_true(text_equals(whole, TEXT("first 8blast")));
    fragments_destroy(&fragments);
}

static void odd_lengths_are_cut_or_refused(void **state)
{
    (void)state;
    struct fragments *fragments = fragments_create(8, &key);
    struct text whole;
    uint8_t protocol;
    struct fragment odd = {SECOND, 0, MORE, TCP, TEXT("first 8b+++")}, last = {SECOND, 8, LAST, TCP, TEXT("last")};
    assert_false(fragments_add(fragments, &v4, &odd, &whole, &protocol));
    assert_true(fragments_add(fragments, &v4, &last, &whole, &protocol));
    assert_true(text_equals(whole, TEXT("first 8blast")));
    assert_false(fragments_add(fragments, &v6, &odd, &whole, &protocol));
    assert_false(fragments_add(fragments, &v6, &last, &whole, &protocol));
    assert_int_equal(fragments_counters(fragments).malformed, 1);

    struct fragment far = {SECOND, 65528, LAST, TCP, TEXT("12345678")},
                    end = {SECOND, 65528, LAST, TCP, TEXT("1234567")};
    assert_false(fragments_add(fragments, &v4, &far, &whole, &protocol));
    assert_int_equal(fragments_counters(fragments).malformed, 2);
    assert_false(fragments_add(fragments, &v4, &end, &whole, &protocol));
    assert_int_equal(fragments_counters(fragments).malformed, 2);
    fragments_destroy(&fragments);
}

static void after_thirty_seconds_it_is_given_up(void **state)
{
    (void)state;
    struct fragments *fragments = fragments_create(8, &key);
    char got[64];
    assert_false(add(fragments, &v4, 100 * SECOND, 0, MORE, "a", got));
    assert_false(add(fragments, &v4, 129 * SECOND, 1, MORE, "b", got)); /* does not make it younger */
    assert_false(add(fragments, &v4, 131 * SECOND, 2, LAST, "c", got));
    assert_int_equal(fragments_counters(fragments).expired, 1);
    assert_false(add(fragments, &v4, 131 * SECOND, 0, MORE, "A", got));
    assert_true(add(fragments, &v4, 131 * SECOND, 1, MORE, "B", got));
    assert_string_equal(got, "ABc");
    fragments_destroy(&fragments);
}

static void the_oldest_gives_way(void **state)
{
    (void)state;
    struct fragments *fragments = fragments_create(2, &key);
    struct fragment_key of = v4;
    char got[64];
    for (of.identification = 1; of.identification <= 3; of.identification++)
        assert_false(add(fragments, &of, SECOND, 0, MORE, "a", got));
    assert_int_equal(fragments_counters(fragments).evicted, 1);
    of.identification = 3;
    assert_true(add(fragments, &of, SECOND, 1, LAST, "b", got));
    of.identification = 2;
    assert_true(add(fragments, &of, SECOND, 1, LAST, "b", got));
    of.identification = 1;
    assert_false(add(fragments, &of, SECOND, 1, LAST, "b", got));
    fragments_destroy(&fragments);
}

/* No link cuts so small: whoever does hides what a filter looks for. */
static void tiny_ones_are_noticed(void **state)
{
    (void)state;
    static const struct {
        uint32_t first, second;
        bool want;
    } sizes[] = {{8, 600, true}, {120, 600, true}, {128, 8, false}, {560, 3, false}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        static const char bytes[1024];
        struct fragments *fragments = fragments_create(4, &key);
        struct text whole;
        uint8_t protocol;
        struct fragment first = {SECOND, 0, true, TCP, {bytes, sizes[i].first}};
        struct fragment second = {SECOND, sizes[i].first, false, TCP, {bytes, sizes[i].second}};
        assert_false(fragments_add(fragments, &v4, &first, &whole, &protocol));
        assert_true(fragments_add(fragments, &v4, &second, &whole, &protocol));
        assert_int_equal(fragments_tiny(fragments), sizes[i].want);
        fragments_destroy(&fragments);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_become_whole),
        cmocka_unit_test(any_order_gives_the_datagram),
        cmocka_unit_test(datagrams_are_told_apart),
        cmocka_unit_test(the_first_fragment_names_the_protocol),
        cmocka_unit_test(odd_lengths_are_cut_or_refused),
        cmocka_unit_test(tiny_ones_are_noticed),
        cmocka_unit_test(after_thirty_seconds_it_is_given_up),
        cmocka_unit_test(the_oldest_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
