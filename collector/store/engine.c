/* See engine.h: calls go to the engine that was opened. Here, before any engine, texts are made what every engine
 * takes: PostgreSQL refuses a NUL and broken UTF-8 where SQLite keeps them, and a spammer chooses what stands in them.
 */
#include "collector/store/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/store/engine_driver.h"

#define CLEAN_MOST (64U << 20)

static const char sqlite[] = "sqlite:";

static bool is_postgresql(const char *where)
{
    return strncmp(where, "postgresql://", 13) == 0 || strncmp(where, "postgres://", 11) == 0;
}

int engine_check(const char *where, struct error *error)
{
    if (is_postgresql(where))
        return engine_postgresql_check(where, error);
    if (strncmp(where, sqlite, sizeof sqlite - 1) == 0 && where[sizeof sqlite - 1])
        return 0;
    /* There may be a password behind the colon. */
    return error_set(error, EINVAL, "\"%.*s\" will not do; sqlite:PATH and postgresql://USER@HOST/DATABASE are allowed",
                     (int)strcspn(where, ":"), where);
}

int engine_open(const char *where, struct engine **result, struct error *error)
{
    int failure = engine_check(where, error);
    if (failure == 0)
        failure = is_postgresql(where) ? engine_postgresql_open(where, result, error)
                                       : engine_sqlite_open(where + sizeof sqlite - 1, result, error);
    if (failure == 0)
        buffer_init(&(*result)->clean, CLEAN_MOST);
    return failure;
}

void engine_describe(const char *where, char result[ENGINE_WHERE])
{
    struct error ignored;
    if (is_postgresql(where))
        engine_postgresql_describe(where, result);
    else
        snprintf(result, ENGINE_WHERE, "%s", engine_check(where, &ignored) == 0 ? where : "no engine that there is");
}

void engine_close(struct engine **engine)
{
    if (!*engine)
        return;
    buffer_clear(&(*engine)->clean);
    (*engine)->driver->close(*engine);
    *engine = NULL;
}

const char *engine_clustered(const struct engine *engine)
{
    return engine->driver->clustered;
}

const char *engine_bytes(const struct engine *engine)
{
    return engine->driver->bytes;
}

int engine_begin(struct engine *engine, struct error *error)
{
    return engine->driver->begin(engine, error);
}

int engine_begin_reading(struct engine *engine, struct error *error)
{
    return engine->driver->begin_reading(engine, error);
}

bool engine_is_shared(const struct engine *engine)
{
    return engine->driver->clock != NULL;
}

int engine_clock(struct engine *engine, moment *result, struct error *error)
{
    return engine->driver->clock(engine, result, error);
}

int engine_settled(struct engine *engine, moment *result, struct error *error)
{
    return engine->driver->settled(engine, result, error);
}

int engine_commit(struct engine *engine, struct error *error)
{
    return engine->driver->commit(engine, error);
}

void engine_rollback(struct engine *engine)
{
    engine->driver->rollback(engine);
}

/* How many bytes at the front are sound. */
static size_t sound_bytes(struct text text)
{
    size_t at = 0;
    while (at < text.length) {
        unsigned char byte = (unsigned char)text.bytes[at];
        size_t step = byte > 0 && byte < 0x80 ? 1
                      : byte == 0             ? 0
                                              : text_utf8_sequence((struct text){text.bytes + at, text.length - at});
        if (step == 0)
            break;
        at += step;
    }
    return at;
}

/* Room was reserved: three bytes for each that came. */
static bool mend(struct buffer *out, struct text text, struct text *result)
{
    size_t start = out->length;
    bool whole = true;
    while (text.length > 0 && whole) {
        size_t sound = sound_bytes(text);
        whole = buffer_append(out, (struct text){text.bytes, sound});
        text.bytes += sound;
        text.length -= sound;
        if (text.length > 0) {
            whole = whole && buffer_append(out, TEXT(TEXT_REPLACEMENT));
            text.bytes++;
            text.length--;
        }
    }
    *result = (struct text){out->bytes + start, out->length - start};
    return whole;
}

/* The values as they may go to an engine: themselves, or a copy in which broken texts are mended. NULL: no memory. */
static const struct value *clean(struct engine *engine, const struct value *values, size_t count, struct value *copy)
{
    size_t broken = 0;
    for (size_t i = 0; i < count; i++)
        if (values[i].kind == VALUE_TEXT && sound_bytes(values[i].text) < values[i].text.length)
            broken += values[i].text.length;
    if (broken == 0)
        return values;
    engine->clean.length = 0;
    if (!buffer_reserve(&engine->clean, 3 * broken + 1))
        return NULL;
    for (size_t i = 0; i < count; i++) {
        copy[i] = values[i];
        if (values[i].kind == VALUE_TEXT && sound_bytes(values[i].text) < values[i].text.length &&
            !mend(&engine->clean, values[i].text, &copy[i].text))
            return NULL;
    }
    return copy;
}

/* What may go to the engine: `copy` has room for what has to be mended. */
static int make_sound(struct engine *engine, const struct value **parameters, size_t count, struct value *copy,
                      struct error *error)
{
    if (count > ENGINE_PARAMETERS)
        return error_set(error, EINVAL, "a statement of %zu parameters", count);
    if (count > 0 && !(*parameters = clean(engine, *parameters, count, copy)))
        return error_set(error, ENOMEM, "no memory for the texts of a statement");
    return 0;
}

int engine_run(struct engine *engine, const char *sql, const struct value *parameters, size_t count, engine_row *each,
               void *context, struct error *error)
{
    struct value copy[ENGINE_PARAMETERS];
    int failure = make_sound(engine, &parameters, count, copy, error);
    return failure < 0 ? failure : engine->driver->run(engine, sql, parameters, count, each, context, error);
}

int engine_queue(struct engine *engine, const char *sql, const struct value *parameters, size_t count,
                 struct error *error)
{
    struct value copy[ENGINE_PARAMETERS];
    int failure = make_sound(engine, &parameters, count, copy, error);
    return failure < 0 ? failure : engine->driver->queue(engine, sql, parameters, count, error);
}

int engine_script(struct engine *engine, const char *sql, struct error *error)
{
    return engine->driver->script(engine, sql, error);
}

int engine_bulk_begin(struct engine *engine, const char *table, const char *columns, size_t count, struct error *error)
{
    if (count > ENGINE_PARAMETERS)
        return error_set(error, EINVAL, "a bulk of %zu columns", count);
    engine->bulk_columns = count;
    return engine->driver->bulk_begin(engine, table, columns, count, error);
}

int engine_bulk_row(struct engine *engine, const struct value *values, struct error *error)
{
    struct value copy[ENGINE_PARAMETERS];
    const struct value *sound = clean(engine, values, engine->bulk_columns, copy);
    if (!sound)
        return error_set(error, ENOMEM, "no memory for the texts of a row");
    return engine->driver->bulk_row(engine, sound, error);
}

int engine_bulk_end(struct engine *engine, struct error *error)
{
    return engine->driver->bulk_end(engine, error);
}
