/* Emptying the spool: batches, what the centre says that it has, what it refuses; and what the node keeps of the centre
 * beside its records. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/courier/spool_state.h"
#include "common/cleanup.h"
#include "common/io/database.h"
#include "common/json.h"

static struct text column(sqlite3_stmt *statement, int number)
{
    const char *bytes = sqlite3_column_blob(statement, number);
    return bytes ? (struct text){bytes, (size_t)sqlite3_column_bytes(statement, number)} : TEXT("");
}

/* Each record with its sequence as the first key. */
static bool write_record(struct buffer *out, int64_t sequence, struct text line)
{
    return buffer_printf(out, "{\"sequence\":%" PRId64 ",", sequence) &&
           buffer_append(out, (struct text){line.bytes + 1, line.length - 1}) && buffer_append_byte(out, '\n');
}

static int read_records(struct spool *spool, size_t bytes, uint32_t most, struct buffer *records, int64_t *last)
{
    sqlite3_stmt *read = spool->statements[SPOOL_READ];
    int code = SQLITE_DONE, count = 0;
    sqlite3_bind_int64(read, 1, spool->now.values[SPOOL_DELIVERED]);
    sqlite3_bind_int64(read, 2, most < SPOOL_BATCH_MOST ? most : SPOOL_BATCH_MOST);
    while ((count == 0 || records->length < bytes) && (code = sqlite3_step(read)) == SQLITE_ROW) {
        if (!write_record(records, sqlite3_column_int64(read, 0), column(read, 1)))
            break;
        *last = sqlite3_column_int64(read, 0);
        count++;
    }
    sqlite3_reset(read);
    return code == SQLITE_ROW || code == SQLITE_DONE ? count : -EIO;
}

int spool_batch(struct spool *spool, size_t bytes, uint32_t most, const char *version, struct buffer *out,
                int64_t *last, struct error *error)
{
    CLEANUP(buffer_clear) struct buffer records;
    buffer_init(&records, bytes + 2 * SPOOL_RECORD_MOST);
    if (!spool->database)
        return spool_is_closed(error);
    int count = read_records(spool, bytes, most, &records, last);
    if (count < 0)
        return database_error(spool->database, error, "cannot read the spool");
    if (count == 0)
        return 0;
    char life[17];
    snprintf(life, sizeof life, "%016" PRIx64, (uint64_t)spool->now.values[SPOOL_LIFE]);
    struct json json = json_begin(out);
    json_string(&json, "life", life);
    json_integer(&json, "after", spool->now.values[SPOOL_DELIVERED]);
    json_integer(&json, "last", *last);
    json_unsigned(&json, "spooled", spool->now.records);
    json_string(&json, "version", version);
    if (!json_end(&json) || !buffer_append(out, buffer_text(&records)))
        return error_set(error, ENOMEM, "no memory for a batch");
    return count;
}

/* Records up to there go. */
static int forget(struct spool *spool, int64_t sequence)
{
    sqlite3_stmt *sum = spool->statements[SPOOL_SUM], *delete = spool->statements[SPOOL_FORGET];
    sqlite3_bind_int64(sum, 1, sequence);
    int code = sqlite3_step(sum);
    uint64_t count = code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(sum, 0) : 0;
    uint64_t bytes = code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(sum, 1) : 0;
    sqlite3_reset(sum);
    if (code != SQLITE_ROW)
        return code;
    sqlite3_bind_int64(delete, 1, sequence);
    spool->next.records -= count;
    spool->next.bytes -= bytes + count * SPOOL_OVERHEAD;
    return spool_run(delete);
}

static int tell_gone(struct spool *spool, int64_t count)
{
    char line[160], now[MOMENT_TEXT];
    snprintf(line, sizeof line, "{\"record\":\"lost\",\"time\":\"%s\",\"kind\":\"delivered\",\"count\":%" PRId64 "}",
             moment_print(spool->seen, now), count);
    return spool_insert(spool, SPOOL_ORDER, spool->seen, text_of(line));
}

int spool_delivered(struct spool *spool, int64_t sequence, struct error *error)
{
    if (!spool->database)
        return spool_is_closed(error);
    int64_t before = spool->now.values[SPOOL_DELIVERED];
    if (sequence == before)
        return 0;
    int code = spool_begin(spool);
    if (sequence > spool->now.values[SPOOL_NEWEST]) {
        spool->next.values[SPOOL_LIFE] = spool_new_life();
        spool->next.values[SPOOL_DELIVERED] = 0;
    } else {
        spool->next.values[SPOOL_DELIVERED] = sequence;
        if (code == SQLITE_OK)
            code = sequence > before ? forget(spool, sequence) : tell_gone(spool, before - sequence);
    }
    return spool_end(spool, code, error);
}

int spool_set_aside(struct spool *spool, int64_t sequence, const char *why, struct error *error)
{
    if (!spool->database)
        return spool_is_closed(error);
    sqlite3_stmt *put = spool->statements[SPOOL_PUT_ASIDE], *read = spool->statements[SPOOL_READ];
    sqlite3_bind_int64(read, 1, sequence - 1);
    sqlite3_bind_int64(read, 2, 1);
    bool there = sqlite3_step(read) == SQLITE_ROW && sqlite3_column_int64(read, 0) == sequence;
    int64_t bytes = there ? (int64_t)column(read, 1).length : 0;
    sqlite3_reset(read);
    if (!there)
        return 0;
    int code = spool_begin(spool);
    sqlite3_bind_int64(put, 1, spool->now.values[SPOOL_LIFE]);
    sqlite3_bind_int64(put, 2, sequence);
    sqlite3_bind_text(put, 3, why, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = spool_run(put);
    if (code == SQLITE_OK)
        code = spool_drop(spool, sequence, bytes);
    if (code == SQLITE_OK)
        code = spool_run(spool->statements[SPOOL_PRUNE_ASIDE]);
    spool->next.values[SPOOL_ASIDE]++;
    return spool_end(spool, code, error);
}

/* --- what is kept of the centre ------------------------------------------------------------------------------------
 */

int64_t spool_revision(const struct spool *spool)
{
    return spool->now.values[SPOOL_REVISION];
}

void spool_set_back_revision(struct spool *spool, int64_t revision)
{
    if (revision < spool->revision)
        spool->revision = revision;
}

int64_t spool_filtered(const struct spool *spool)
{
    return spool->filtered;
}

void spool_set_filtered(struct spool *spool, int64_t number)
{
    spool->filtered = number;
}

int spool_acknowledge_later(struct spool *spool, int64_t revision, bool done, const char *text, moment now,
                            struct error *error)
{
    CLEANUP(buffer_clear) struct buffer line;
    buffer_init(&line, 2048);
    struct json json = json_begin(&line);
    json_string(&json, "record", "acknowledgement");
    json_moment(&json, "time", now);
    json_integer(&json, "revision", revision);
    json_bool(&json, "done", done);
    json_string(&json, "text", text);
    if (!json_end(&json))
        return error_set(error, ENOMEM, "no memory for an acknowledgement");
    spool_add(spool, SPOOL_ORDER, now, buffer_text(&line));
    if (revision > spool->revision)
        spool->revision = revision;
    return 0;
}

int spool_acknowledge(struct spool *spool, int64_t revision, bool done, const char *text, moment now,
                      struct error *error)
{
    int failure = spool_acknowledge_later(spool, revision, done, text, now, error);
    return failure < 0 ? failure : spool_commit(spool, now, error);
}

int spool_identity(struct spool *spool, char node[SPOOL_NODE], char secret[SPOOL_SECRET], struct error *error)
{
    node[0] = secret[0] = 0;
    if (!spool->database)
        return spool_is_closed(error);
    sqlite3_stmt *get = spool->statements[SPOOL_GET_IDENTITY];
    int code = sqlite3_step(get);
    if (code == SQLITE_ROW) {
        text_copy_printable(column(get, 0), node, SPOOL_NODE);
        text_copy_printable(column(get, 1), secret, SPOOL_SECRET);
    }
    sqlite3_reset(get);
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0
                                                     : database_error(spool->database, error, "cannot read the spool");
}

int spool_set_identity(struct spool *spool, const char *node, const char *secret, struct error *error)
{
    if (!spool->database)
        return spool_is_closed(error);
    sqlite3_stmt *put = spool->statements[SPOOL_PUT_IDENTITY];
    int code = spool_begin(spool);
    sqlite3_bind_text(put, 1, node, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 2, secret, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = spool_run(put);
    return spool_end(spool, code, error);
}
