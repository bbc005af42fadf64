/* SQLite as an engine: write-ahead log, and a commit has reached the disk when it returns.
 *
 * A damaged file is an error here, and not moved aside as an agent's journal is: with it would go the keys of every
 * node, and a centre that begins anew by itself looks like one that was taken over. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/store/engine_driver.h"
#include "common/cleanup.h"

#define STATEMENTS        256
#define BUSY_MILLISECONDS 5000

struct statement {
    const char *sql; /* a literal: its address is its name */
    sqlite3_stmt *prepared;
    int place[ENGINE_PARAMETERS]; /* of $1, $2, ...: SQLite numbers them as they appear */
};

struct sqlite_engine {
    struct engine base;
    sqlite3 *database;
    struct statement statements[STATEMENTS];
    size_t count;
    sqlite3_stmt *bulk;
};

static struct sqlite_engine *own(struct engine *engine)
{
    return (struct sqlite_engine *)engine;
}

static int fail(sqlite3 *database, const char *what, struct error *error)
{
    int code = database ? sqlite3_errcode(database) & 0xff : SQLITE_NOMEM;
    int number = code == SQLITE_BUSY || code == SQLITE_LOCKED ? EAGAIN
                 : code == SQLITE_FULL                        ? ENOSPC
                 : code == SQLITE_NOMEM                       ? ENOMEM
                 : code == SQLITE_CONSTRAINT                  ? EEXIST
                                                              : EIO;
    return error_set(error, number, "%.60s: %s", what, database ? sqlite3_errmsg(database) : "no memory");
}

static int script(struct engine *engine, const char *sql, struct error *error)
{
    struct sqlite_engine *self = own(engine);
    return sqlite3_exec(self->database, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(self->database, sql, error);
}

/* Who takes the lock when it first writes is refused at once where another wrote meanwhile; who takes it here waits. */
static int begin(struct engine *engine, struct error *error)
{
    int failure = script(engine, "BEGIN IMMEDIATE", error);
    return failure == -EAGAIN ? error_set(error, EBUSY, "another program has held the store's file locked for %d s",
                                          BUSY_MILLISECONDS / 1000)
                              : failure;
}

static int begin_reading(struct engine *engine, struct error *error)
{
    return script(engine, "BEGIN", error);
}

static int commit(struct engine *engine, struct error *error)
{
    return script(engine, "COMMIT", error);
}

static void end_bulk(struct sqlite_engine *self)
{
    sqlite3_finalize(TAKE(self->bulk));
}

static void rollback(struct engine *engine)
{
    struct sqlite_engine *self = own(engine);
    end_bulk(self);
    if (!sqlite3_get_autocommit(self->database)) /* SQLite may have done it by itself, on a full disk */
        sqlite3_exec(self->database, "ROLLBACK", NULL, NULL, NULL);
}

static void close_engine(struct engine *engine)
{
    struct sqlite_engine *self = own(engine);
    end_bulk(self);
    for (size_t i = 0; i < self->count; i++)
        sqlite3_finalize(self->statements[i].prepared);
    sqlite3_close(self->database);
    free(self);
}

static int prepare(struct sqlite_engine *self, const char *sql, struct statement **result, struct error *error)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->statements[i].sql == sql) {
            *result = &self->statements[i];
            return 0;
        }
    }
    if (self->count == STATEMENTS)
        return error_set(error, ENOSPC, "more than %d statements", STATEMENTS);
    struct statement *next = &self->statements[self->count];
    if (sqlite3_prepare_v3(self->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &next->prepared, NULL) != SQLITE_OK)
        return fail(self->database, sql, error);
    next->sql = sql;
    for (int i = 0; i < ENGINE_PARAMETERS; i++) {
        char name[8];
        snprintf(name, sizeof name, "$%d", i + 1);
        next->place[i] = sqlite3_bind_parameter_index(next->prepared, name);
    }
    self->count++;
    *result = next;
    return 0;
}

/* A place of 0: the statement does not use it. */
static bool bind(sqlite3_stmt *statement, int place, const struct value *value)
{
    int code = SQLITE_OK;
    if (place == 0)
        return true;
    if (value->kind == VALUE_INTEGER)
        code = sqlite3_bind_int64(statement, place, value->integer);
    else if (value->kind == VALUE_TEXT)
        code = sqlite3_bind_text64(statement, place, value->text.bytes ? value->text.bytes : "", value->text.length,
                                   SQLITE_STATIC, SQLITE_UTF8);
    else if (value->kind == VALUE_BYTES)
        code = sqlite3_bind_blob64(statement, place, value->text.bytes ? value->text.bytes : "", value->text.length,
                                   SQLITE_STATIC);
    else
        code = sqlite3_bind_null(statement, place);
    return code == SQLITE_OK;
}

static size_t read_row(sqlite3_stmt *statement, struct value *row)
{
    int count = sqlite3_column_count(statement);
    if (count > ENGINE_PARAMETERS)
        count = ENGINE_PARAMETERS;
    for (int i = 0; i < count; i++) {
        int type = sqlite3_column_type(statement, i);
        if (type == SQLITE_NULL) {
            row[i] = VALUE_NONE;
        } else if (type == SQLITE_INTEGER) {
            row[i] = VALUE_INTEGER(sqlite3_column_int64(statement, i));
        } else if (type == SQLITE_BLOB) {
            const char *bytes = sqlite3_column_blob(statement, i);
            row[i] = VALUE_BYTES(((struct text){bytes ? bytes : "", (size_t)sqlite3_column_bytes(statement, i)}));
        } else {
            const char *bytes = (const char *)sqlite3_column_text(statement, i);
            row[i] = VALUE_TEXT(((struct text){bytes ? bytes : "", (size_t)sqlite3_column_bytes(statement, i)}));
        }
    }
    return (size_t)count;
}

static int run(struct engine *engine, const char *sql, const struct value *parameters, size_t count, engine_row *each,
               void *context, struct error *error)
{
    struct sqlite_engine *self = own(engine);
    struct statement *statement = NULL;
    int failure = prepare(self, sql, &statement, error), rows = 0, code = SQLITE_OK;
    if (failure < 0)
        return failure;
    for (size_t i = 0; i < count && code == SQLITE_OK; i++)
        code = bind(statement->prepared, statement->place[i], &parameters[i]) ? SQLITE_OK : SQLITE_NOMEM;
    bool gives = sqlite3_column_count(statement->prepared) > 0, more = code == SQLITE_OK;
    while (more && (code = sqlite3_step(statement->prepared)) == SQLITE_ROW) {
        struct value row[ENGINE_PARAMETERS];
        size_t columns = read_row(statement->prepared, row);
        rows++;
        more = !each || each(context, row, columns);
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        failure = fail(self->database, sql, error);
    sqlite3_reset(statement->prepared);
    sqlite3_clear_bindings(statement->prepared);
    return failure < 0 ? failure : gives ? rows : sqlite3_changes(self->database);
}

static int queue(struct engine *engine, const char *sql, const struct value *parameters, size_t count,
                 struct error *error)
{
    int rows = run(engine, sql, parameters, count, NULL, NULL, error);
    return rows < 0 ? rows : 0;
}

static int bulk_begin(struct engine *engine, const char *table, const char *columns, size_t count, struct error *error)
{
    struct sqlite_engine *self = own(engine);
    struct buffer sql CLEANUP(buffer_clear);
    buffer_init(&sql, 4096);
    bool whole = buffer_printf(&sql, "INSERT INTO %s (%s) VALUES (?", table, columns);
    for (size_t i = 1; i < count; i++)
        whole = whole && buffer_append(&sql, TEXT(", ?"));
    if (!whole || !buffer_append(&sql, (struct text){")", 2}))
        return error_set(error, ENOMEM, "no memory for the rows of %s", table);
    end_bulk(self);
    if (sqlite3_prepare_v2(self->database, sql.bytes, -1, &self->bulk, NULL) != SQLITE_OK)
        return fail(self->database, table, error);
    return 0;
}

static int bulk_row(struct engine *engine, const struct value *values, struct error *error)
{
    struct sqlite_engine *self = own(engine);
    bool bound = true;
    for (size_t i = 0; i < engine->bulk_columns; i++)
        bound = bound && bind(self->bulk, (int)i + 1, &values[i]);
    int failure = bound && sqlite3_step(self->bulk) == SQLITE_DONE ? 0 : fail(self->database, "a row", error);
    sqlite3_reset(self->bulk);
    return failure;
}

static int bulk_end(struct engine *engine, struct error *error)
{
    (void)error;
    end_bulk(own(engine));
    return 0;
}

static const struct engine_driver driver = {.close = close_engine,
                                            .begin = begin,
                                            .begin_reading = begin_reading,
                                            .commit = commit,
                                            .rollback = rollback,
                                            .run = run,
                                            .queue = queue,
                                            .script = script,
                                            .bulk_begin = bulk_begin,
                                            .bulk_row = bulk_row,
                                            .bulk_end = bulk_end,
                                            .clustered = "WITHOUT ROWID",
                                            .bytes = "BLOB"};

int engine_sqlite_open(const char *path, struct engine **result, struct error *error)
{
    struct sqlite_engine *self = calloc(1, sizeof *self);
    if (!self)
        return error_set(error, ENOMEM, "no memory for a store");
    self->base.driver = &driver;
    int failure = 0;
    if (sqlite3_open_v2(path, &self->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        failure = fail(self->database, path, error);
    if (failure == 0) {
        sqlite3_busy_timeout(self->database, BUSY_MILLISECONDS);
        failure =
            script(&self->base, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=FAST;", error);
    }
    if (failure < 0) {
        error_wrap(error, "%s", path);
        close_engine(&self->base);
        return failure;
    }
    *result = &self->base;
    return 0;
}
