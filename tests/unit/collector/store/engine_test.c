/* What engine.h promises, held against each engine. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "collector/store/engine.h"
#include "common/buffer.h"
#include "common/cleanup.h"
#include "tests/unit/collector/store/engines.h"

#define NUMBER(number) VALUE_INTEGER(number)
#define WORDS(literal) VALUE_TEXT(TEXT(literal))
#define RUN(engine, sql, each, context, ...)                                                                           \
    engine_run(engine, sql, (const struct value[]){__VA_ARGS__},                                                       \
               sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value), each, context, &failed)
#define QUEUE(engine, sql, ...)                                                                                        \
    engine_queue(engine, sql, (const struct value[]){__VA_ARGS__},                                                     \
                 sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value), &failed)

static char where[160];
static struct engine *engine, *other;
static struct error failed;

static void well(int result)
{
    if (result < 0)
        fail_msg("%s", failed.text);
}

static int setup(void **unused)
{
    (void)unused;
    assert_true(engines_make(where));
    well(engine_open(where, &engine, &failed));
    well(engine_open(where, &other, &failed));
    well(engine_script(engine, "CREATE TABLE things (id BIGINT NOT NULL PRIMARY KEY, much BIGINT, words TEXT)",
                       &failed));
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    engine_rollback(other);
    engine_rollback(engine);
    engine_close(&other);
    engine_close(&engine);
    engines_drop();
    return 0;
}

struct seen {
    struct value value;
    char words[256];
    int rows, most;
};

static bool see(void *context, const struct value *columns, size_t count)
{
    struct seen *seen = context;
    assert_true(count > 0);
    seen->value = columns[0];
    if (columns[0].kind == VALUE_TEXT) {
        assert_true(columns[0].text.length < sizeof seen->words);
        memcpy(seen->words, columns[0].text.bytes, columns[0].text.length);
        seen->value.text.bytes = seen->words;
    }
    return ++seen->rows != seen->most;
}

static int64_t number_of(struct engine *from, const char *sql)
{
    struct seen seen = {0};
    well(engine_run(from, sql, NULL, 0, see, &seen, &failed));
    assert_int_equal(seen.value.kind, VALUE_INTEGER);
    return seen.value.integer;
}

static void test_values_come_back_as_they_went(void **unused)
{
    (void)unused;
    static const int64_t numbers[] = {0, -1, 1, INT64_MIN, INT64_MAX, (int64_t)1 << 32};
    well(engine_begin(engine, &failed));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct seen seen = {0};
        assert_int_equal(RUN(engine, "INSERT INTO things (id, much) VALUES ($1, $2)", NULL, NULL, NUMBER((int64_t)i),
                             NUMBER(numbers[i])),
                         1);
        assert_int_equal(RUN(engine, "SELECT much FROM things WHERE id = $1", see, &seen, NUMBER((int64_t)i)), 1);
        assert_true(seen.value.kind == VALUE_INTEGER && seen.value.integer == numbers[i]);
    }
    struct seen seen = {0};
    well(RUN(engine, "INSERT INTO things (id, words) VALUES ($1, $2)", NULL, NULL, NUMBER(100),
             VALUE_TEXT((struct text){0})));
    well(RUN(engine, "SELECT words FROM things WHERE id = $1", see, &seen, NUMBER(100)));
    assert_true(seen.value.kind == VALUE_TEXT && seen.value.text.length == 0);
    well(RUN(engine, "SELECT much FROM things WHERE id = $1", see, &seen, NUMBER(100)));
    assert_int_equal(seen.value.kind, VALUE_NULL);
}

static bool see_bytes(void *context, const struct value *columns, size_t count)
{
    struct buffer *seen = context;
    assert_true(count == 3 && columns[0].kind == VALUE_BYTES && columns[1].kind == VALUE_TEXT);
    assert_true(columns[2].kind == VALUE_BYTES || columns[2].kind == VALUE_NULL);
    assert_true(buffer_append(seen, columns[0].text) && buffer_append_byte(seen, '|') &&
                buffer_append(seen, columns[1].text) && buffer_append_byte(seen, '|'));
    assert_true(columns[2].kind == VALUE_NULL || buffer_append(seen, columns[2].text));
    return true;
}

/* Every byte there is, among them those that no text may hold; nothing; and more than a socket holds. */
static void test_bytes_stay_as_they_are(void **unused)
{
    (void)unused;
    char table[160], all[256];
    static char large[3 << 20];
    const struct text given[] = {{all, sizeof all}, {all, 0}, {NULL, 0}, {large, sizeof large}};
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)(i * 7 + i / 256);
    snprintf(table, sizeof table, "CREATE TABLE heaps (id BIGINT NOT NULL PRIMARY KEY, b %s, t TEXT, c %s)",
             engine_bytes(engine), engine_bytes(engine));
    well(engine_script(engine, table, &failed));
    for (size_t i = 0; i < 4; i++) {
        struct buffer seen CLEANUP(buffer_clear), wanted CLEANUP(buffer_clear);
        buffer_init(&seen, 8 << 20);
        buffer_init(&wanted, 8 << 20);
        const struct value row[] = {NUMBER((int64_t)i), VALUE_BYTES(given[i]), WORDS("\\x41"),
                                    i == 1 ? VALUE_NONE : VALUE_BYTES(TEXT("\\x\0\xff'"))};
        well(engine_begin(engine, &failed));
        if (i % 2 == 0) {
            assert_int_equal(engine_run(engine, "INSERT INTO heaps (id, b, t, c) VALUES ($1, $2, $3, $4)", row, 4, NULL,
                                        NULL, &failed),
                             1);
        } else {
            well(engine_bulk_begin(engine, "heaps", "id, b, t, c", 4, &failed));
            well(engine_bulk_row(engine, row, &failed));
            well(engine_bulk_end(engine, &failed));
        }
        well(engine_commit(engine, &failed));
        assert_int_equal(RUN(other, "SELECT b, t, c FROM heaps WHERE id = $1", see_bytes, &seen, row[0]), 1);
        assert_true(buffer_append(&wanted, given[i]) && buffer_append(&wanted, TEXT("|\\x41|")) &&
                    (i == 1 || buffer_append(&wanted, TEXT("\\x\0\xff'"))));
        assert_int_equal(seen.length, wanted.length);
        assert_memory_equal(seen.bytes, wanted.bytes, wanted.length);
    }
}

/* A statement is prepared once, and what it is given may differ from one time to the next. */
static void test_a_parameter_may_be_of_another_kind_the_next_time(void **unused)
{
    (void)unused;
    static const char sql[] = "INSERT INTO things (id, much, words) VALUES ($1, $2, $3)";
    well(RUN(engine, sql, NULL, NULL, NUMBER(1), VALUE_NONE, VALUE_NONE));
    well(RUN(engine, sql, NULL, NULL, NUMBER(2), NUMBER(INT64_MAX), WORDS("x")));
    well(RUN(engine, sql, NULL, NULL, NUMBER(3), VALUE_NONE, WORDS("x")));
    assert_int_equal(number_of(engine, "SELECT COUNT(*) FROM things WHERE much IS NULL"), 2);
    static const char test[] = "SELECT id FROM things WHERE ($1 = 0 OR id = 1)";
    assert_int_equal(RUN(engine, test, NULL, NULL, VALUE_NONE), 1);
    assert_int_equal(RUN(engine, test, NULL, NULL, NUMBER(0)), 3);
}

/* `$1 = 0` could make $1 a number of 32 bits. */
static void test_a_parameter_has_64_bits_whatever_it_is_compared_with(void **unused)
{
    (void)unused;
    struct seen seen = {0};
    well(RUN(engine, "INSERT INTO things (id) VALUES ($1)", NULL, NULL, NUMBER(INT64_MIN)));
    assert_int_equal(RUN(engine, "SELECT id FROM things WHERE ($1 = 0 OR id = $1) AND ($2 = '' OR words = $2)", see,
                         &seen, NUMBER(INT64_MIN), WORDS("")),
                     1);
    assert_true(seen.value.integer == INT64_MIN);
}

static void test_sums_are_integers(void **unused)
{
    (void)unused;
    for (int i = 0; i < 3; i++)
        well(RUN(engine, "INSERT INTO things (id, much) VALUES ($1, $2)", NULL, NULL, NUMBER(i),
                 NUMBER((int64_t)1 << 40)));
    assert_true(number_of(engine, "SELECT SUM(much) FROM things") == (int64_t)3 << 40);
    assert_int_equal(number_of(engine, "SELECT COUNT(*) FROM things"), 3);
    assert_int_equal(number_of(engine, "SELECT MAX(id) = 2 FROM things"), 1);
}

static void test_texts_in_the_order_of_their_bytes(void **unused)
{
    (void)unused;
    struct seen seen = {.most = 1};
    well(RUN(engine, "INSERT INTO things (id, words) VALUES ($1, $2)", NULL, NULL, NUMBER(1), WORDS("b")));
    well(RUN(engine, "INSERT INTO things (id, words) VALUES ($1, $2)", NULL, NULL, NUMBER(2), WORDS("B")));
    well(engine_run(engine, "SELECT words FROM things ORDER BY words", NULL, 0, see, &seen, &failed));
    assert_true(text_equals(seen.value.text, TEXT("B")));
}

static void test_who_has_enough_gets_no_more_rows(void **unused)
{
    (void)unused;
    struct seen seen = {.most = 2};
    for (int i = 0; i < 5; i++)
        well(RUN(engine, "INSERT INTO things (id) VALUES ($1)", NULL, NULL, NUMBER(i)));
    assert_int_equal(engine_run(engine, "SELECT id FROM things ORDER BY id", NULL, 0, see, &seen, &failed), 2);
    assert_int_equal(seen.rows, 2);
    assert_int_equal(engine_run(engine, "SELECT id FROM things", NULL, 0, NULL, NULL, &failed), 5);
    assert_int_equal(RUN(engine, "UPDATE things SET much = 1 WHERE id >= $1", NULL, NULL, NUMBER(2)), 3);
    assert_int_equal(RUN(engine, "UPDATE things SET much = 1 WHERE id > $1", NULL, NULL, NUMBER(9)), 0);
}

/* Whatever a spammer writes: each engine keeps the same. */
static void test_hostile_texts(void **unused)
{
    (void)unused;
    static const struct {
        struct text given, kept;
    } cases[] = {
        {TEXT("a\0b"), TEXT("a" TEXT_REPLACEMENT "b")},
        {TEXT("\0"), TEXT(TEXT_REPLACEMENT)},
        {TEXT("\xff\xfe"), TEXT(TEXT_REPLACEMENT TEXT_REPLACEMENT)},
        {TEXT("\xc3"), TEXT(TEXT_REPLACEMENT)},
        {TEXT("\xc0\x80"), TEXT(TEXT_REPLACEMENT TEXT_REPLACEMENT)},
        {TEXT("\xed\xa0\x80"), TEXT(TEXT_REPLACEMENT TEXT_REPLACEMENT TEXT_REPLACEMENT)},
        {TEXT("\xf4\x90\x80\x80"), TEXT(TEXT_REPLACEMENT TEXT_REPLACEMENT TEXT_REPLACEMENT TEXT_REPLACEMENT)},
        {TEXT("'; DROP TABLE things; --"), TEXT("'; DROP TABLE things; --")},
        {TEXT("\\'$1$$?\"`%s\\.\\N"), TEXT("\\'$1$$?\"`%s\\.\\N")},
        {TEXT("\\.\n\\N\t\r\n\x01\x7f"), TEXT("\\.\n\\N\t\r\n\x01\x7f")},
        {TEXT("\xf0\x9f\x92\xa9\xef\xbf\xbf\xe2\x80\xae"), TEXT("\xf0\x9f\x92\xa9\xef\xbf\xbf\xe2\x80\xae")},
        {TEXT("PGCOPY\n\377\r\n"), TEXT("PGCOPY\n" TEXT_REPLACEMENT "\r\n")},
    };
    const size_t count = sizeof cases / sizeof cases[0];
    well(engine_begin(engine, &failed));
    for (size_t i = 0; i < count; i++)
        well(RUN(engine, "INSERT INTO things (id, words) VALUES ($1, $2)", NULL, NULL, NUMBER((int64_t)i),
                 VALUE_TEXT(cases[i].given)));
    well(engine_bulk_begin(engine, "things", "id, much, words", 3, &failed));
    for (size_t i = 0; i < count; i++)
        well(engine_bulk_row(
            engine, (const struct value[]){NUMBER(100 + (int64_t)i), VALUE_NONE, VALUE_TEXT(cases[i].given)}, &failed));
    well(engine_bulk_end(engine, &failed));
    well(engine_commit(engine, &failed));
    for (size_t i = 0; i < 2 * count; i++) {
        struct seen seen = {0};
        int64_t id = i < count ? (int64_t)i : 100 + (int64_t)(i - count);
        assert_int_equal(RUN(other, "SELECT words FROM things WHERE id = $1", see, &seen, NUMBER(id)), 1);
        if (!text_equals(seen.value.text, cases[i % count].kept))
            fail_msg("text %zu is kept as \"%.*s\"", i, (int)seen.value.text.length, seen.value.text.bytes);
        /* It is found by what it was: a parameter is mended as well. */
        assert_int_equal(RUN(other, "SELECT id FROM things WHERE words = $1 AND id = $2", NULL, NULL,
                             VALUE_TEXT(cases[i % count].given), NUMBER(id)),
                         1);
    }
}

static void test_a_key_that_is_taken(void **unused)
{
    (void)unused;
    well(engine_begin(engine, &failed));
    well(RUN(engine, "INSERT INTO things (id, words) VALUES ($1, $2)", NULL, NULL, NUMBER(1), WORDS("secret")));
    assert_int_equal(
        RUN(engine, "INSERT INTO things (id, words) VALUES ($1, $2)", NULL, NULL, NUMBER(1), WORDS("secret")), -EEXIST);
    assert_non_null(strstr(failed.text, "INSERT INTO things"));
    assert_null(strstr(failed.text, "secret"));
    engine_rollback(engine);
    well(engine_begin(engine, &failed)); /* and can be used at once */
    assert_int_equal(number_of(engine, "SELECT COUNT(*) FROM things"), 0);
}

static void test_what_is_queued_is_done_in_order(void **unused)
{
    (void)unused;
    well(engine_begin(engine, &failed));
    for (int i = 0; i < 1000; i++) /* more than can be under way at once */
        well(QUEUE(engine, "INSERT INTO things (id, much) VALUES ($1, $2)", NUMBER(i), NUMBER(i)));
    well(QUEUE(engine, "UPDATE things SET much = much + $1", NUMBER(1)));
    assert_int_equal(number_of(engine, "SELECT MAX(much) FROM things"), 1000);
    well(QUEUE(engine, "UPDATE things SET much = much + $1", NUMBER(1)));
    well(engine_commit(engine, &failed));
    assert_int_equal(number_of(other, "SELECT MAX(much) FROM things"), 1001);
    assert_int_equal(number_of(other, "SELECT COUNT(*) FROM things"), 1000);
}

/* One of these fails; which call tells it is the engine's choice. */
static int queue_and_commit(bool ask)
{
    int status = engine_begin(engine, &failed);
    for (int i = 0; i < 3 && status >= 0; i++)
        status = QUEUE(engine, "INSERT INTO things (id) VALUES ($1)", NUMBER(i % 2));
    if (status >= 0)
        status = QUEUE(engine, "INSERT INTO things (id, much) VALUES ($1, 5)", NUMBER(7));
    if (status >= 0 && ask)
        status = engine_run(engine, "SELECT id FROM things", NULL, 0, NULL, NULL, &failed);
    if (status >= 0)
        status = engine_commit(engine, &failed);
    if (status < 0)
        engine_rollback(engine);
    return status;
}

static void test_a_failure_of_what_is_queued_is_told_in_its_name_and_nothing_stays(void **unused)
{
    (void)unused;
    for (int ask = 0; ask < 4; ask++) {
        failed = (struct error){0};
        assert_int_equal(queue_and_commit(ask % 2), -EEXIST);
        assert_non_null(strstr(failed.text, "INSERT INTO things (id) VALUES"));
        assert_int_equal(number_of(other, "SELECT COUNT(*) FROM things"), 0);
    }
    well(engine_begin(engine, &failed)); /* what was prepared, or was not for the failure, can be run */
    well(QUEUE(engine, "INSERT INTO things (id) VALUES ($1)", NUMBER(1)));
    well(QUEUE(engine, "INSERT INTO things (id, much) VALUES ($1, 5)", NUMBER(7)));
    well(engine_commit(engine, &failed));
    assert_int_equal(number_of(other, "SELECT COUNT(*) FROM things"), 2);
}

static void test_what_is_no_sql_is_told_each_time(void **unused)
{
    (void)unused;
    static const char nonsense[] = "SELECT nothing FROM nowhere WHERE id = $1";
    for (int i = 0; i < 2; i++) {
        well(engine_begin(engine, &failed));
        assert_true(RUN(engine, nonsense, NULL, NULL, NUMBER(1)) < 0);
        assert_non_null(strstr(failed.text, "nowhere"));
        engine_rollback(engine);
    }
    assert_int_equal(number_of(engine, "SELECT COUNT(*) FROM things"), 0);
}

static void test_many_rows(void **unused)
{
    (void)unused;
    enum { ROWS = 5000 };
    static char long_text[3000];
    memset(long_text, 'x', sizeof long_text);
    well(engine_begin(engine, &failed));
    well(QUEUE(engine, "INSERT INTO things (id) VALUES ($1)", NUMBER(-1)));
    well(engine_bulk_begin(engine, "things", "id, words, much", 3, &failed));
    for (int i = 0; i < ROWS; i++)
        well(engine_bulk_row(
            engine,
            (const struct value[]){NUMBER(i), VALUE_TEXT(((struct text){long_text, sizeof long_text})), NUMBER(-i)},
            &failed));
    well(engine_bulk_end(engine, &failed));
    well(engine_bulk_begin(engine, "things", "id", 1, &failed)); /* and a second that holds nothing */
    well(engine_bulk_end(engine, &failed));
    well(engine_commit(engine, &failed));
    assert_int_equal(number_of(other, "SELECT COUNT(*) FROM things"), ROWS + 1);
    assert_int_equal(number_of(other, "SELECT MIN(LENGTH(words)) FROM things WHERE id >= 0"), sizeof long_text);
    assert_int_equal(number_of(other, "SELECT SUM(much) FROM things"), -(int64_t)ROWS * (ROWS - 1) / 2);
}

static int bulk_of(const int64_t *ids, size_t count)
{
    int status = engine_bulk_begin(engine, "things", "id", 1, &failed);
    for (size_t i = 0; i < count && status == 0; i++)
        status = engine_bulk_row(engine, &NUMBER(ids[i]), &failed);
    return status < 0 ? status : engine_bulk_end(engine, &failed);
}

static void test_a_bulk_with_a_key_that_is_taken_leaves_nothing(void **unused)
{
    (void)unused;
    well(engine_begin(engine, &failed));
    assert_int_equal(bulk_of((const int64_t[]){1, 2, 1}, 3), -EEXIST);
    assert_non_null(strstr(failed.text, engines_on_postgresql() ? "things" : "a row"));
    engine_rollback(engine);
    well(engine_begin(engine, &failed));
    well(bulk_of((const int64_t[]){1, 2}, 2));
    well(engine_commit(engine, &failed));
    assert_int_equal(number_of(other, "SELECT COUNT(*) FROM things"), 2);
}

static void test_a_bulk_that_is_left_half_done(void **unused)
{
    (void)unused;
    well(engine_begin(engine, &failed));
    well(engine_bulk_begin(engine, "things", "id", 1, &failed));
    well(engine_bulk_row(engine, &NUMBER(1), &failed));
    engine_rollback(engine);
    well(engine_begin(engine, &failed));
    well(bulk_of((const int64_t[]){2}, 1));
    well(engine_commit(engine, &failed));
    assert_int_equal(number_of(other, "SELECT SUM(id) FROM things"), 2);
}

/* Two read the same number and raise it: one is told to do it again, and then both are counted. */
static int raise_number(struct engine *by, int64_t seen)
{
    int status = RUN(by, "UPDATE things SET much = $1 WHERE id = 1", NULL, NULL, NUMBER(seen + 1));
    if (status >= 0)
        status = engine_commit(by, &failed);
    if (status < 0)
        engine_rollback(by);
    return status;
}

static void test_of_two_that_change_a_row_one_does_it_again(void **unused)
{
    (void)unused;
    static const char ask[] = "SELECT much FROM things WHERE id = 1";
    if (!engines_on_postgresql()) /* there one waits for the other instead */
        skip();
    well(RUN(engine, "INSERT INTO things (id, much) VALUES (1, $1)", NULL, NULL, NUMBER(0)));
    well(engine_begin(engine, &failed));
    well(engine_begin(other, &failed));
    int64_t first = number_of(engine, ask), second = number_of(other, ask);
    well(raise_number(engine, first));
    assert_int_equal(raise_number(other, second), -EAGAIN);
    well(engine_begin(other, &failed));
    well(raise_number(other, number_of(other, ask)));
    assert_int_equal(number_of(engine, ask), 2);
}

static void test_a_transaction_sees_no_half_of_another(void **unused)
{
    (void)unused;
    well(engine_begin_reading(other, &failed));
    assert_int_equal(number_of(other, "SELECT COUNT(*) FROM things"), 0);
    well(RUN(engine, "INSERT INTO things (id) VALUES ($1)", NULL, NULL, NUMBER(1)));
    assert_int_equal(number_of(other, "SELECT COUNT(*) FROM things"), 0);
    well(engine_commit(other, &failed));
    assert_int_equal(number_of(other, "SELECT COUNT(*) FROM things"), 1);
}

struct holder {
    struct engine *engine;
    int status;
};

static void *hold_for_a_second(void *context)
{
    struct holder *holder = context;
    struct error error = {0};
    usleep(1000 * 1000);
    holder->status = engine_commit(holder->engine, &error);
    return NULL;
}

static void test_who_writes_waits_for_another_that_takes_its_time(void **unused)
{
    (void)unused;
    pthread_t thread;
    struct holder holder = {other, -1};
    well(RUN(engine, "INSERT INTO things (id, much) VALUES (1, $1)", NULL, NULL, NUMBER(0)));
    well(engine_begin(other, &failed));
    well(RUN(other, "UPDATE things SET much = much + $1", NULL, NULL, NUMBER(1)));
    assert_int_equal(pthread_create(&thread, NULL, hold_for_a_second, &holder), 0);
    well(engine_begin(engine, &failed));
    int status = RUN(engine, "INSERT INTO things (id, much) VALUES (2, $1)", NULL, NULL, NUMBER(5));
    pthread_join(thread, NULL);
    well(status);
    well(engine_commit(engine, &failed));
    assert_int_equal(holder.status, 0);
    assert_int_equal(number_of(engine, "SELECT SUM(much) FROM things"), 6);
}

static void test_who_only_looks_waits_for_nobody(void **unused)
{
    (void)unused;
    well(engine_begin(engine, &failed));
    well(RUN(engine, "INSERT INTO things (id) VALUES ($1)", NULL, NULL, NUMBER(1)));
    well(engine_begin_reading(other, &failed));
    assert_int_equal(number_of(other, "SELECT COUNT(*) FROM things"), 0);
    well(engine_commit(other, &failed));
    well(engine_commit(engine, &failed));
}

/* A reader who goes on behind the last that it was given must find whatever is committed late. */
static void test_nothing_is_settled_that_a_writer_may_still_bring(void **unused)
{
    (void)unused;
    moment settled = 0, first = 0, second = 0;
    assert_int_equal(engine_is_shared(engine), engines_on_postgresql());
    if (!engine_is_shared(engine))
        return;
    well(engine_settled(engine, &settled, &failed));
    well(engine_begin(other, &failed));
    well(engine_clock(other, &first, &failed)); /* it has written nothing yet */
    assert_true(first >= settled);
    usleep(20 * 1000);
    well(engine_settled(engine, &settled, &failed));
    assert_true(settled <= first);
    well(engine_commit(other, &failed));
    well(engine_settled(engine, &settled, &failed));
    assert_true(settled > first);
    well(engine_begin(other, &failed));
    well(engine_clock(other, &second, &failed));
    assert_true(second >= settled);
    well(engine_commit(other, &failed));
}

static void test_transactions_that_do_nothing(void **unused)
{
    (void)unused;
    well(engine_begin(engine, &failed));
    well(engine_commit(engine, &failed));
    well(engine_begin(engine, &failed));
    engine_rollback(engine);
    engine_rollback(engine);
    well(engine_begin(engine, &failed));
    assert_int_equal(number_of(engine, "SELECT COUNT(*) FROM things"), 0);
    well(engine_commit(engine, &failed));
}

static void test_more_parameters_than_there_may_be(void **unused)
{
    (void)unused;
    const struct value many[29] = {{0}};
    assert_int_equal(engine_run(engine, "SELECT 1", many, 29, NULL, NULL, &failed), -EINVAL);
    assert_int_equal(engine_queue(engine, "SELECT 1", many, 29, &failed), -EINVAL);
    assert_int_equal(engine_bulk_begin(engine, "things", "id", 29, &failed), -EINVAL);
}

static void test_what_is_no_place(void **unused)
{
    (void)unused;
    static const char *const places[] = {"",
                                         "sqlite:",
                                         "mysql://u:hidden@h/d",
                                         "postgresql",
                                         "postgresql://u:hidden%zz@h/d",
                                         "postgresql://u:hidden@[h",
                                         "postgresql://h/d?password=hidden&colour=1"};
    struct engine *none = NULL;
    char said[ENGINE_WHERE];
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        assert_int_equal(engine_check(places[i], &failed), -EINVAL);
        assert_null(strstr(failed.text, "hidden"));
        assert_int_equal(engine_open(places[i], &none, &failed), -EINVAL);
        assert_null(strstr(failed.text, "hidden"));
        assert_null(none);
        engine_describe(places[i], said);
        assert_null(strstr(said, "hidden"));
    }
    engine_describe("postgresql://u:hidden@h:17/d?sslmode=require", said);
    assert_string_equal(said, "postgresql://u@h:17/d");
    engine_describe("postgresql://u:hidden@h,i/d", said);
    assert_string_equal(said, "postgresql://u@h,i/d");
    engine_describe("sqlite:/var/lib/x.db", said);
    assert_string_equal(said, "sqlite:/var/lib/x.db");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_values_come_back_as_they_went),
        TEST(test_bytes_stay_as_they_are),
        TEST(test_a_parameter_may_be_of_another_kind_the_next_time),
        TEST(test_a_parameter_has_64_bits_whatever_it_is_compared_with),
        TEST(test_sums_are_integers),
        TEST(test_texts_in_the_order_of_their_bytes),
        TEST(test_who_has_enough_gets_no_more_rows),
        TEST(test_hostile_texts),
        TEST(test_a_key_that_is_taken),
        TEST(test_what_is_queued_is_done_in_order),
        TEST(test_a_failure_of_what_is_queued_is_told_in_its_name_and_nothing_stays),
        TEST(test_what_is_no_sql_is_told_each_time),
        TEST(test_many_rows),
        TEST(test_a_bulk_with_a_key_that_is_taken_leaves_nothing),
        TEST(test_a_bulk_that_is_left_half_done),
        TEST(test_of_two_that_change_a_row_one_does_it_again),
        TEST(test_a_transaction_sees_no_half_of_another),
        TEST(test_who_writes_waits_for_another_that_takes_its_time),
        TEST(test_who_only_looks_waits_for_nobody),
        TEST(test_nothing_is_settled_that_a_writer_may_still_bring),
        TEST(test_transactions_that_do_nothing),
        TEST(test_more_parameters_than_there_may_be),
        TEST(test_what_is_no_place),
    };
    return ENGINES_RUN(tests);
}
