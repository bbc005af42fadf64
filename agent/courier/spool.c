/* See spool.h. Records wait in a list in memory and go into the file in one transaction, which also keeps the bounds:
 * so what was dropped and the count of it never part. */
#include "agent/courier/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/courier/spool_state.h"
#include "common/cleanup.h"
#include "common/io/database.h"
#include "common/json.h"

#define TELL_EVERY MINUTE /* losses are told in records that take room themselves */
#define STEP_MOST  SECOND /* how far the spool's clock goes on between two commits */

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS record(sequence INTEGER PRIMARY KEY, worth INTEGER NOT NULL, time INTEGER NOT NULL,"
    " born INTEGER NOT NULL, line BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS record_by_worth ON record(worth, sequence);"
    "CREATE TABLE IF NOT EXISTS aside(id INTEGER PRIMARY KEY AUTOINCREMENT, life INTEGER NOT NULL,"
    " sequence INTEGER NOT NULL, why TEXT NOT NULL, line BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS value(number INTEGER PRIMARY KEY, value INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS identity(one INTEGER PRIMARY KEY CHECK(one = 1), node TEXT NOT NULL,"
    " secret TEXT NOT NULL);";

static const char *const sql[SPOOL_STATEMENTS] = {
    [SPOOL_INSERT] = "INSERT INTO record(sequence, worth, time, born, line) VALUES(?1, ?2, ?3, ?4, ?5)",
    [SPOOL_PUT] = "INSERT OR REPLACE INTO value(number, value) VALUES(?1, ?2)",
    [SPOOL_LEAST] = "SELECT sequence, worth, length(line) FROM record ORDER BY worth, sequence LIMIT 1",
    [SPOOL_FIRST] = "SELECT sequence, worth, length(line), time, born FROM record ORDER BY sequence LIMIT 1",
    [SPOOL_DELETE] = "DELETE FROM record WHERE sequence = ?1",
    [SPOOL_SUM] = "SELECT count(*), ifnull(sum(length(line)), 0) FROM record WHERE sequence <= ?1",
    [SPOOL_FORGET] = "DELETE FROM record WHERE sequence <= ?1",
    [SPOOL_READ] = "SELECT sequence, line FROM record WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
    [SPOOL_PUT_ASIDE] = ("INSERT INTO aside(life, sequence, why, line) SELECT ?1, sequence, ?3, line FROM record"
                         " WHERE sequence = ?2"),
    [SPOOL_PRUNE_ASIDE] = "DELETE FROM aside WHERE id <= (SELECT max(id) FROM aside) - 1000",
    [SPOOL_GET_IDENTITY] = "SELECT node, secret FROM identity WHERE one = 1",
    [SPOOL_PUT_IDENTITY] = "INSERT OR REPLACE INTO identity(one, node, secret) VALUES(1, ?1, ?2)",
};

/* --- beginning and end ---------------------------------------------------------------------------------------------
 */

int spool_create(const char *path, const struct spool_settings *settings, struct spool **result, struct error *error)
{
    struct spool *spool = calloc(1, sizeof *spool);
    if (!spool)
        return error_set(error, ENOMEM, "no memory for the spool");
    snprintf(spool->path, sizeof spool->path, "%s", path);
    spool->settings = *settings;
    spool->last = &spool->first;
    *result = spool;
    return 0;
}

int64_t spool_new_life(void)
{
    int64_t life = 0;
    while (life == 0)
        if (getrandom(&life, sizeof life, 0) != sizeof life)
            life = 0;
    return life;
}

int spool_is_closed(struct error *error)
{
    return error_set(error, EIO, "the spool is not open");
}

bool spool_is_open(const struct spool *spool)
{
    return spool->database != NULL;
}

static void close_file(struct spool *spool)
{
    for (size_t i = 0; i < SPOOL_STATEMENTS; i++)
        sqlite3_finalize(TAKE(spool->statements[i]));
    database_close(&spool->database);
}

void spool_close(struct spool **owner)
{
    struct spool *spool = *owner;
    *owner = NULL;
    if (!spool)
        return;
    close_file(spool);
    while (spool->first) {
        struct spool_waiting *next = spool->first->next;
        free(spool->first);
        spool->first = next;
    }
    free(spool);
}

/* The oldest record's times, after records went. */
static int look_at_oldest(struct spool *spool)
{
    sqlite3_stmt *first = spool->statements[SPOOL_FIRST];
    int code = sqlite3_step(first);
    spool->oldest = code == SQLITE_ROW ? sqlite3_column_int64(first, 3) : 0;
    spool->oldest_born = code == SQLITE_ROW ? sqlite3_column_int64(first, 4) : 0;
    sqlite3_reset(first);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static int load(struct spool *spool)
{
    sqlite3_stmt *values = NULL, *sum = spool->statements[SPOOL_SUM];
    memset(&spool->now, 0, sizeof spool->now);
    int code = sqlite3_prepare_v2(spool->database, "SELECT number, value FROM value", -1, &values, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(values);
        int number = code == SQLITE_ROW ? sqlite3_column_int(values, 0) : -1;
        if (number >= 0 && number < SPOOL_VALUES)
            spool->now.values[number] = sqlite3_column_int64(values, 1);
    }
    sqlite3_finalize(values);
    if (code != SQLITE_DONE)
        return code;
    sqlite3_bind_int64(sum, 1, INT64_MAX);
    code = sqlite3_step(sum);
    if (code == SQLITE_ROW) {
        spool->now.records = (uint64_t)sqlite3_column_int64(sum, 0);
        spool->now.bytes = (uint64_t)sqlite3_column_int64(sum, 1) + spool->now.records * SPOOL_OVERHEAD;
    }
    sqlite3_reset(sum);
    return code == SQLITE_ROW ? look_at_oldest(spool) : code;
}

static int begin_life(struct spool *spool, struct error *error)
{
    int code = spool_begin(spool);
    spool->next.values[SPOOL_LIFE] = spool_new_life();
    return spool_end(spool, code, error);
}

int spool_open(struct spool *spool, bool *moved_aside, struct error *error)
{
    *moved_aside = false;
    if (spool->database)
        return 0;
    int failure = database_open(spool->path, schema, &spool->database, moved_aside, error);
    for (size_t i = 0; failure == 0 && i < SPOOL_STATEMENTS; i++)
        failure = database_prepare(spool->database, sql[i], &spool->statements[i], error);
    if (failure == 0 && load(spool) != SQLITE_OK)
        failure = database_error(spool->database, error, "cannot read the spool");
    if (failure == 0 && spool->now.values[SPOOL_LIFE] == 0)
        failure = begin_life(spool, error);
    if (failure < 0) {
        close_file(spool);
        return error_wrap(error, "cannot open the spool");
    }
    if (spool->revision < spool->now.values[SPOOL_REVISION])
        spool->revision = spool->now.values[SPOOL_REVISION];
    spool->filtered = spool->now.values[SPOOL_FILTERED];
    return 0;
}

/* --- transactions --------------------------------------------------------------------------------------------------
 */

int spool_run(sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int spool_begin(struct spool *spool)
{
    spool->next = spool->now;
    return sqlite3_exec(spool->database, "BEGIN IMMEDIATE", NULL, NULL, NULL);
}

int spool_end(struct spool *spool, int code, struct error *error)
{
    sqlite3_stmt *put = spool->statements[SPOOL_PUT];
    for (int i = 0; code == SQLITE_OK && i < SPOOL_VALUES; i++) {
        if (spool->next.values[i] == spool->now.values[i])
            continue;
        sqlite3_bind_int(put, 1, i);
        sqlite3_bind_int64(put, 2, spool->next.values[i]);
        code = spool_run(put);
    }
    if (code == SQLITE_OK)
        code = sqlite3_exec(spool->database, "COMMIT", NULL, NULL, NULL);
    if (code == SQLITE_OK) {
        spool->now = spool->next;
        (void)look_at_oldest(spool); /* for people, and for when to look at ages again */
        return 0;
    }
    int failure = database_error(spool->database, error, "cannot write the spool");
    bool damaged = database_is_damaged(spool->database);
    sqlite3_exec(spool->database, "ROLLBACK", NULL, NULL, NULL);
    if (damaged)
        close_file(spool); /* who opens it again finds out, and begins a new one */
    return failure;
}

int spool_insert(struct spool *spool, enum spool_worth worth, moment time, struct text line)
{
    sqlite3_stmt *insert = spool->statements[SPOOL_INSERT];
    sqlite3_bind_int64(insert, 1, ++spool->next.values[SPOOL_NEWEST]);
    sqlite3_bind_int(insert, 2, (int)worth);
    sqlite3_bind_int64(insert, 3, time);
    sqlite3_bind_int64(insert, 4, spool->next.values[SPOOL_LIVED]);
    sqlite3_bind_blob(insert, 5, line.bytes, (int)line.length, SQLITE_STATIC);
    spool->next.records++;
    spool->next.bytes += line.length + SPOOL_OVERHEAD;
    return spool_run(insert);
}

int spool_drop(struct spool *spool, int64_t sequence, int64_t bytes)
{
    sqlite3_stmt *drop = spool->statements[SPOOL_DELETE];
    sqlite3_bind_int64(drop, 1, sequence);
    spool->next.records--;
    spool->next.bytes -= (uint64_t)bytes + SPOOL_OVERHEAD;
    return spool_run(drop);
}

/* --- adding --------------------------------------------------------------------------------------------------------
 */

static struct text without_newline(struct text line)
{
    while (line.length > 0 && (line.bytes[line.length - 1] == '\n' || line.bytes[line.length - 1] == '\r'))
        line.length--;
    return line;
}

static bool has_room(const struct spool *spool, enum spool_worth worth, size_t length)
{
    static const uint8_t eighths[SPOOL_WORTHS] = {
        [SPOOL_COUNTS] = 4, [SPOOL_EVIDENCE] = 6, [SPOOL_EVENT] = 7, [SPOOL_VERDICT] = 8, [SPOOL_ORDER] = 16};
    return spool->waiting < SPOOL_WAITING_MOST / 8 * eighths[worth] &&
           spool->waiting_bytes + length <= SPOOL_WAITING_BYTES / 8 * eighths[worth];
}

bool spool_is_behind(const struct spool *spool)
{
    return !has_room(spool, SPOOL_COUNTS, 0);
}

void spool_add(struct spool *spool, enum spool_worth worth, moment time, struct text line)
{
    line = without_newline(line);
    bool fits = line.length > 2 && line.length <= SPOOL_RECORD_MOST && line.bytes[0] == '{';
    struct spool_waiting *waiting =
        fits && has_room(spool, worth, line.length) ? malloc(sizeof *waiting + line.length) : NULL;
    if (!waiting) {
        spool->lost[worth]++;
        return;
    }
    *waiting = (struct spool_waiting){.worth = worth, .time = time, .length = line.length};
    memcpy(waiting->line, line.bytes, line.length);
    *spool->last = waiting;
    spool->last = &waiting->next;
    spool->waiting++;
    spool->waiting_bytes += line.length;
}

int spool_insert_waiting(struct spool *spool, moment now)
{
    int code = SQLITE_OK;
    int64_t step = spool->seen ? now - spool->seen : 0;
    spool->next.values[SPOOL_LIVED] += step < 0 ? 0 : step > STEP_MOST ? STEP_MOST : step;
    for (int i = 0; i < SPOOL_WORTHS; i++) {
        spool->next.values[SPOOL_DROPPED + i] += (int64_t)spool->lost[i];
        spool->next.values[SPOOL_UNSAID + i] += (int64_t)spool->lost[i];
    }
    for (struct spool_waiting *w = spool->first; code == SQLITE_OK && w; w = w->next)
        code = spool_insert(spool, w->worth, w->time, (struct text){w->line, w->length});
    spool->next.values[SPOOL_REVISION] = spool->revision;
    spool->next.values[SPOOL_FILTERED] = spool->filtered;
    return code;
}

void spool_settle(struct spool *spool)
{
    while (spool->first) {
        struct spool_waiting *next = spool->first->next;
        free(spool->first);
        spool->first = next;
    }
    spool->last = &spool->first;
    spool->waiting = 0;
    spool->waiting_bytes = 0;
    memset(spool->lost, 0, sizeof spool->lost);
}

/* --- bounds --------------------------------------------------------------------------------------------------------
 */

/* Drop the record that `statement` chooses, counted. SQLITE_DONE: there is none, or it may stay. */
static int drop_chosen(struct spool *spool, enum spool_statement statement, int64_t born_before)
{
    sqlite3_stmt *choose = spool->statements[statement];
    int code = sqlite3_step(choose);
    if (code != SQLITE_ROW) {
        sqlite3_reset(choose);
        return code;
    }
    int64_t sequence = sqlite3_column_int64(choose, 0), bytes = sqlite3_column_int64(choose, 2);
    int worth = sqlite3_column_int(choose, 1);
    bool stays = statement == SPOOL_FIRST && sqlite3_column_int64(choose, 4) >= born_before;
    sqlite3_reset(choose);
    if (stays || worth < 0 || worth >= SPOOL_WORTHS)
        return SQLITE_DONE;
    spool->next.values[SPOOL_DROPPED + worth]++;
    spool->next.values[SPOOL_UNSAID + worth]++;
    return spool_drop(spool, sequence, bytes);
}

static int keep_bounds(struct spool *spool)
{
    int code = SQLITE_OK;
    int64_t oldest = spool->next.values[SPOOL_LIVED] - spool->settings.age;
    while (code == SQLITE_OK && spool->next.bytes > spool->settings.size)
        code = drop_chosen(spool, SPOOL_LEAST, 0);
    if (code == SQLITE_DONE)
        code = SQLITE_OK;
    while (code == SQLITE_OK && spool->next.records > 0)
        code = drop_chosen(spool, SPOOL_FIRST, oldest);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static bool has_unsaid(const struct spool_state *state)
{
    for (int i = 0; i < SPOOL_WORTHS; i++)
        if (state->values[SPOOL_UNSAID + i] > 0)
            return true;
    return false;
}

static bool may_tell(const struct spool *spool, moment now)
{
    return !spool->told || now < spool->told || now - spool->told >= TELL_EVERY;
}

static int tell_losses(struct spool *spool, moment now)
{
    static const char *const names[SPOOL_WORTHS] = {"traffic", "evidence", "event", "verdict", "order"};
    int code = SQLITE_OK;
    for (int i = 0; code == SQLITE_OK && i < SPOOL_WORTHS; i++) {
        CLEANUP(buffer_clear) struct buffer line;
        buffer_init(&line, 512);
        if (spool->next.values[SPOOL_UNSAID + i] == 0)
            continue;
        struct json json = json_begin(&line);
        json_string(&json, "record", "lost");
        json_moment(&json, "time", now);
        json_string(&json, "kind", names[i]);
        json_integer(&json, "count", spool->next.values[SPOOL_UNSAID + i]);
        if (!json_end(&json))
            return SQLITE_NOMEM;
        spool->next.values[SPOOL_UNSAID + i] = 0;
        code = spool_insert(spool, SPOOL_ORDER, now, without_newline(buffer_text(&line)));
    }
    return code;
}

static bool is_too_old(const struct spool *spool)
{
    return spool->now.records > 0 && spool->oldest_born < spool->now.values[SPOOL_LIVED] - spool->settings.age;
}

/* What must be done at a commit, though nothing was added. */
static bool is_due(const struct spool *spool, moment now)
{
    for (int i = 0; i < SPOOL_WORTHS; i++)
        if (spool->lost[i])
            return true;
    return spool->first || spool->revision != spool->now.values[SPOOL_REVISION] ||
           spool->filtered != spool->now.values[SPOOL_FILTERED] || is_too_old(spool) ||
           (has_unsaid(&spool->now) && may_tell(spool, now));
}

int spool_commit(struct spool *spool, moment now, struct error *error)
{
    if (!spool->database)
        return spool->first ? spool_is_closed(error) : 0;
    if (!is_due(spool, now)) { /* the clock goes on in memory and is written with the next record */
        int64_t step = spool->seen ? now - spool->seen : 0;
        spool->now.values[SPOOL_LIVED] += step < 0 ? 0 : step > STEP_MOST ? STEP_MOST : step;
        spool->seen = now;
        return 0;
    }
    int code = spool_begin(spool);
    if (code == SQLITE_OK)
        code = spool_insert_waiting(spool, now);
    if (code == SQLITE_OK)
        code = keep_bounds(spool);
    bool tells = has_unsaid(&spool->next) && may_tell(spool, now);
    if (code == SQLITE_OK && tells)
        code = tell_losses(spool, now);
    int failure = spool_end(spool, code, error);
    if (failure < 0)
        return failure;
    spool_settle(spool);
    spool->seen = now;
    if (tells)
        spool->told = now;
    return 0;
}

struct spool_counters spool_counters(const struct spool *spool)
{
    struct spool_counters counters = {
        .records = spool->now.records,
        .bytes = spool->now.bytes,
        .set_aside = (uint64_t)spool->now.values[SPOOL_ASIDE],
        .oldest = spool->oldest,
        .delivered = spool->now.values[SPOOL_DELIVERED],
        .newest = spool->now.values[SPOOL_NEWEST],
        .waiting = spool->waiting,
    };
    for (int i = 0; i < SPOOL_WORTHS; i++)
        counters.dropped[i] = (uint64_t)spool->now.values[SPOOL_DROPPED + i] + spool->lost[i];
    return counters;
}
