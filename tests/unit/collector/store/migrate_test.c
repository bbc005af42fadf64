/* The schema from every version there was to the newest, on each engine: each row that was there is there afterwards,
 * and what comes out is what a new database has. Rows are made from the tables as they are found, so a new step is
 * tested without a word here. A step that means to drop a table or a column has to say so in `dropped`. */
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
#include "collector/store/store_own.h"
#include "common/buffer.h"
#include "common/cleanup.h"
#include "tests/unit/collector/store/engines.h"

#define COLUMNS 800
#define ROWS    3

static const char *const dropped[] = {NULL}; /* "table.column, why", ... */

struct column {
    char table[40], name[40];
    bool number, bytes;
};
struct catalog {
    struct column columns[COLUMNS];
    size_t count;
};

static char where[160];
static struct error failed;

static int setup(void **unused)
{
    (void)unused;
    return engines_make(where) ? 0 : -1;
}

static int teardown(void **unused)
{
    (void)unused;
    engines_drop();
    return 0;
}

static void well(int result)
{
    if (result < 0)
        fail_msg("%s", failed.text);
}

/* On a connection of its own: these words are no literals, by whose address a connection knows them again. */
static void ask(const char *sql, engine_row *each, void *context)
{
    struct engine *engine = NULL;
    well(engine_open(where, &engine, &failed));
    well(engine_run(engine, sql, NULL, 0, each, context, &failed));
    engine_close(&engine);
}

static void script(const char *sql)
{
    struct engine *engine = NULL;
    well(engine_open(where, &engine, &failed));
    well(engine_script(engine, sql, &failed));
    engine_close(&engine);
}

static void migrate(int64_t version)
{
    struct engine *engine = NULL;
    well(engine_open(where, &engine, &failed));
    well(store_migrate(engine, version, &failed));
    engine_close(&engine);
}

static bool column_row(void *context, const struct value *columns, size_t count)
{
    struct catalog *catalog = context;
    struct column *column = &catalog->columns[catalog->count++];
    assert_true(count == 3 && catalog->count < COLUMNS);
    store_copy(columns[0].text, column->table, sizeof column->table);
    store_copy(columns[1].text, column->name, sizeof column->name);
    column->number = text_equals_nocase(columns[2].text, TEXT("bigint"));
    column->bytes = text_equals_nocase(columns[2].text, engines_on_postgresql() ? TEXT("bytea") : TEXT("blob"));
    if (!column->number && !column->bytes && !text_equals_nocase(columns[2].text, TEXT("text")))
        fail_msg("%s.%s is of a type that not every engine has: %.*s", column->table, column->name,
                 (int)columns[2].text.length, columns[2].text.bytes);
    return true;
}

static void read_catalog(struct catalog *catalog)
{
    *catalog = (struct catalog){.count = 0};
    ask(engines_on_postgresql()
            ? "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' "
              "AND table_name <> 'schema_version' ORDER BY table_name, ordinal_position"
            : "SELECT m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c "
              "WHERE m.type = 'table' AND m.name <> 'schema_version' ORDER BY m.name, c.cid",
        column_row, catalog);
    assert_true(catalog->count > 0);
}

/* How many columns the table has whose first this is. */
static size_t table_columns(const struct catalog *catalog, size_t first)
{
    size_t count = 0;
    while (first + count < catalog->count &&
           strcmp(catalog->columns[first + count].table, catalog->columns[first].table) == 0)
        count++;
    return count;
}

static bool is_dropped(const struct column *column)
{
    char name[96];
    int length = snprintf(name, sizeof name, "%s.%s,", column->table, column->name);
    for (size_t i = 0; dropped[i]; i++)
        if (strncmp(dropped[i], name, (size_t)length) == 0)
            return true;
    return false;
}

static bool fill_one(struct buffer *sql, const struct column *column, size_t index, int row)
{
    if (column->number)
        return buffer_printf(sql, "%lld", (long long)index * 100 + row + 7);
    if (column->bytes)
        return buffer_printf(sql, engines_on_postgresql() ? "'\\x00ff27%02x%02x'" : "X'00ff27%02x%02x'",
                             (unsigned)index % 256, (unsigned)row);
    return buffer_printf(sql, "'''; -- \xc3\xa4 %zu %d'", index, row);
}

/* Every number is another, so that what is swapped shows; every text holds what breaks out of quotes. */
static void fill(const struct catalog *catalog)
{
    struct buffer sql CLEANUP(buffer_clear);
    buffer_init(&sql, 1 << 20);
    bool whole = true;
    for (size_t first = 0, count; first < catalog->count; first += count) {
        count = table_columns(catalog, first);
        for (int row = 0; row < ROWS; row++) {
            whole = whole && buffer_printf(&sql, "INSERT INTO %s VALUES (", catalog->columns[first].table);
            for (size_t i = 0; i < count; i++)
                whole = whole && buffer_append(&sql, i ? TEXT(", ") : TEXT("")) &&
                        fill_one(&sql, &catalog->columns[first + i], first + i, row);
            whole = whole && buffer_printf(&sql, ");\n");
        }
    }
    assert_true(whole && buffer_append_byte(&sql, '\0'));
    script(sql.bytes);
}

static bool digest_row(void *context, const struct value *columns, size_t count)
{
    assert_true(count == 1 && columns[0].kind == VALUE_TEXT);
    store_copy(columns[0].text, context, 4000);
    return true;
}

/* PostgreSQL knows no least of bytes. */
static void say_extreme(const char *which, const struct column *column, char *result, size_t size)
{
    if (!column->bytes)
        snprintf(result, size, "CAST(%s(%s) AS TEXT)", which, column->name);
    else if (engines_on_postgresql())
        snprintf(result, size, "%s(ENCODE(%s, 'hex'))", which, column->name);
    else
        snprintf(result, size, "%s(HEX(%s))", which, column->name);
}

/* What the rows of a table hold, in those of its columns that stay. */
static void digest(const struct catalog *catalog, size_t first, char result[4000])
{
    struct buffer sql CLEANUP(buffer_clear);
    buffer_init(&sql, 1 << 16);
    bool whole = buffer_printf(&sql, "SELECT CAST(COUNT(*) AS TEXT)");
    for (size_t i = 0; i < table_columns(catalog, first); i++) {
        const struct column *column = &catalog->columns[first + i];
        char least[120], most[120];
        say_extreme("MIN", column, least, sizeof least);
        say_extreme("MAX", column, most, sizeof most);
        if (!is_dropped(column))
            whole = whole && buffer_printf(&sql, " || ' %s ' || COALESCE(%s, '-') || '...' || COALESCE(%s, '-')",
                                           column->name, least, most);
    }
    whole = whole && buffer_printf(&sql, " FROM %s", catalog->columns[first].table);
    assert_true(whole && buffer_append_byte(&sql, '\0'));
    ask(sql.bytes, digest_row, result);
}

static void test_rows_stay_from_every_schema_to_the_newest(void **state)
{
    static struct catalog old, newest, fresh;
    static char before[COLUMNS][4000], after[4000];
    migrate(store_schema_newest());
    read_catalog(&fresh);
    for (int64_t version = 1; version <= store_schema_newest(); version++) {
        teardown(state);
        assert_int_equal(setup(state), 0);
        migrate(version);
        read_catalog(&old);
        fill(&old);
        for (size_t first = 0; first < old.count; first += table_columns(&old, first))
            digest(&old, first, before[first]);
        migrate(store_schema_newest());
        for (size_t first = 0; first < old.count; first += table_columns(&old, first)) {
            digest(&old, first, after);
            if (strcmp(before[first], after) != 0)
                fail_msg("%s, from schema %lld:\nit was %s\nit is  %s", old.columns[first].table, (long long)version,
                         before[first], after);
        }
        read_catalog(&newest);
        assert_int_equal(newest.count, fresh.count);
        assert_memory_equal(newest.columns, fresh.columns, fresh.count * sizeof fresh.columns[0]);
    }
}

static void *open_one(void *result)
{
    struct store *store = NULL;
    struct error error = {0};
    *(int *)result = store_open(where, &store, &error);
    if (store == NULL)
        fprintf(stderr, "%s\n", error.text);
    store_close(&store);
    return NULL;
}

static bool version_row(void *context, const struct value *columns, size_t count)
{
    *(int64_t *)context = columns[count - 1].integer;
    return true;
}

static void test_of_many_that_start_at_once_each_step_is_made_once(void **unused)
{
    (void)unused;
    pthread_t threads[4];
    int results[4] = {-1, -1, -1, -1};
    int64_t steps = 0;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, open_one, &results[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(results[i], 0);
    ask("SELECT COUNT(*) FROM schema_version", version_row, &steps);
    assert_int_equal(steps, store_schema_newest());
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_rows_stay_from_every_schema_to_the_newest),
        TEST(test_of_many_that_start_at_once_each_step_is_made_once),
    };
    return ENGINES_RUN(tests);
}
