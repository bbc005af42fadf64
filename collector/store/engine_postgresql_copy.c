/* Many rows into one table: COPY in PostgreSQL's binary form, in which a text is its bytes and nothing is escaped. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "collector/store/engine_postgresql.h"
#include "common/cleanup.h"

#define ROWS_MOST  ((size_t)64 << 20)
#define SEND_ABOVE ((size_t)64 << 10)

static bool put_16(struct buffer *buffer, int16_t number)
{
    uint16_t bytes = htobe16((uint16_t)number);
    return buffer_append(buffer, (struct text){(const char *)&bytes, sizeof bytes});
}

static bool put_32(struct buffer *buffer, int32_t number)
{
    uint32_t bytes = htobe32((uint32_t)number);
    return buffer_append(buffer, (struct text){(const char *)&bytes, sizeof bytes});
}

static bool put_value(struct buffer *buffer, const struct value *value)
{
    if (value->kind == VALUE_NULL)
        return put_32(buffer, -1);
    if (value->kind == VALUE_TEXT || value->kind == VALUE_BYTES)
        return put_32(buffer, (int32_t)value->text.length) && buffer_append(buffer, value->text);
    uint64_t bytes = htobe64((uint64_t)value->integer);
    return put_32(buffer, sizeof bytes) && buffer_append(buffer, (struct text){(const char *)&bytes, sizeof bytes});
}

static int send_rows(struct postgresql *self, struct error *error)
{
    if (self->lost || PQputCopyData(self->connection, self->rows.bytes, (int)self->rows.length) != 1)
        return postgresql_fail(self, NULL, self->table, error);
    self->rows.length = 0;
    if (!postgresql_flush(self))
        return error_set(error, ENOTCONN, "%s: the database server takes nothing any more", self->table);
    return 0;
}

int postgresql_copy_begin(struct engine *engine, const char *table, const char *columns, size_t count,
                          struct error *error)
{
    struct postgresql *self = postgresql_of(engine);
    CLEANUP(buffer_clear) struct buffer sql;
    buffer_init(&sql, 4096);
    (void)count;
    if (self->copying)
        return error_set(error, EINVAL, "a bulk has not ended");
    buffer_clear(&self->rows);
    buffer_init(&self->rows, ROWS_MOST);
    /* The old way to say it is the one that all engines of its kind read. */
    if (!buffer_printf(&sql, "COPY %s (%s) FROM STDIN WITH BINARY", table, columns) ||
        !buffer_append_byte(&sql, '\0') || !buffer_append(&self->rows, TEXT("PGCOPY\n\377\r\n\0")) ||
        !put_32(&self->rows, 0) || !put_32(&self->rows, 0))
        return error_set(error, ENOMEM, "no memory for the rows of %s", table);
    snprintf(self->table, sizeof self->table, "%s", table);
    int failure = postgresql_execute(self, sql.bytes, self->table, PGRES_COPY_IN, error);
    self->copying = failure == 0;
    return failure;
}

int postgresql_copy_row(struct engine *engine, const struct value *values, struct error *error)
{
    struct postgresql *self = postgresql_of(engine);
    bool whole = put_16(&self->rows, (int16_t)engine->bulk_columns);
    for (size_t i = 0; i < engine->bulk_columns; i++)
        whole = whole && put_value(&self->rows, &values[i]);
    if (!whole)
        return error_set(error, ENOMEM, "no memory for the rows of %s", self->table);
    return self->rows.length > SEND_ABOVE ? send_rows(self, error) : 0;
}

/* `why`: NULL where the rows are to stay. */
static int end_copy(struct postgresql *self, const char *why, struct error *error)
{
    int failure = 0;
    self->copying = false;
    if (self->lost || PQputCopyEnd(self->connection, why) != 1)
        return postgresql_fail(self, NULL, self->table, error);
    for (PGresult *result; !self->lost && (result = postgresql_result(self, self->patience));) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK && failure == 0)
            failure = postgresql_fail(self, result, self->table, error);
        PQclear(result);
    }
    if (self->lost && failure == 0)
        failure = error_set(error, ENOTCONN, "%s: the database server is gone", self->table);
    return failure;
}

int postgresql_copy_end(struct engine *engine, struct error *error)
{
    struct postgresql *self = postgresql_of(engine);
    if (!put_16(&self->rows, -1))
        return error_set(error, ENOMEM, "no memory for the rows of %s", self->table);
    int failure = send_rows(self, error);
    return failure < 0 ? failure : end_copy(self, NULL, error);
}

void postgresql_copy_abandon(struct postgresql *self)
{
    struct error ignored;
    if (self->copying && !self->lost)
        end_copy(self, "the transaction is rolled back", &ignored);
    self->copying = false;
    self->rows.length = 0;
}
