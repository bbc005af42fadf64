/* How many records a second the store takes, or the bare engine the rows that the store makes of them: the same tables,
 * indexes and transactions, by nothing but the engine's own fastest calls. Prints records and nanoseconds.
 *
 *   store_speed store|bare WHERE RECORDS
 */
#include <libpq-fe.h>
#include <sqlite3.h>
#include <time.h>
#include "tests/bench/store_rows.h"

#define BATCHES(records) (((records) + ROWS_BATCH - 1) / ROWS_BATCH)

static int64_t steady(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "store_speed: %s\n", what);
    exit(1);
}

/* --- the store --- */

static void put_in_store(void *context, const struct rows *rows)
{
    struct store *store = context;
    struct error error = {0};
    must(store_begin(store, &error) == 0 &&
             store_deliver(store, rows->node, rows->life, rows->last, rows->records, ROWS_BATCH, rows->now, &error) ==
                 0 &&
             store_commit(store, &error) == 0,
         error.text);
}

/* --- SQLite --- */

enum { RECORD, MINUTES, SENDER, LIFE, STATEMENTS };
static const char *const words[STATEMENTS] = {
    "INSERT INTO records (node, life, sequence, received, time, kind, sender, customer, line) VALUES "
    "(?,?,?,?,?,?,?,?,?)",
    "INSERT INTO minutes (node, time, sender, life, sequence, customer, connections, messages, rejected, recipients, "
    "bytes) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
    "INSERT INTO senders (node, sender, customer, verdict, score, changed) VALUES (?,?,?,?,?,?) ON CONFLICT (node, "
    "sender) "
    "DO UPDATE SET customer = excluded.customer, verdict = excluded.verdict, score = excluded.score, changed = "
    "excluded.changed WHERE excluded.changed >= senders.changed",
    "INSERT INTO lives (node, life, delivered, seen) VALUES (?,?,?,?) ON CONFLICT (node, life) DO UPDATE SET delivered "
    "= "
    "excluded.delivered, seen = excluded.seen",
};

struct sqlite {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
};

static void number(sqlite3_stmt *statement, int place, int64_t value)
{
    sqlite3_bind_int64(statement, place, value);
}

static void word(sqlite3_stmt *statement, int place, struct text text)
{
    sqlite3_bind_text(statement, place, text.bytes, (int)text.length, SQLITE_STATIC);
}

static void step(struct sqlite *sqlite, int which)
{
    must(sqlite3_step(sqlite->statements[which]) == SQLITE_DONE, sqlite3_errmsg(sqlite->database));
    sqlite3_reset(sqlite->statements[which]);
}

static void put_record(struct sqlite *sqlite, const struct rows *rows, const struct store_record *record)
{
    sqlite3_stmt *statement = sqlite->statements[RECORD];
    number(statement, 1, rows->node);
    number(statement, 2, rows->life);
    number(statement, 3, record->sequence);
    number(statement, 4, rows->now);
    number(statement, 5, record->time);
    word(statement, 6, record->kind);
    word(statement, 7, record->sender);
    word(statement, 8, record->customer);
    word(statement, 9, record->line);
    step(sqlite, RECORD);
}

static void put_minute(struct sqlite *sqlite, const struct rows *rows, const struct store_record *record)
{
    sqlite3_stmt *statement = sqlite->statements[MINUTES];
    number(statement, 1, rows->node);
    number(statement, 2, record->time);
    word(statement, 3, record->sender);
    number(statement, 4, rows->life);
    number(statement, 5, record->sequence);
    word(statement, 6, record->customer);
    number(statement, 7, record->traffic.connections);
    number(statement, 8, record->traffic.messages);
    number(statement, 9, record->traffic.rejected);
    number(statement, 10, record->traffic.recipients);
    number(statement, 11, record->traffic.bytes);
    step(sqlite, MINUTES);
}

static void put_sender(struct sqlite *sqlite, const struct rows *rows, const struct store_record *record)
{
    sqlite3_stmt *statement = sqlite->statements[SENDER];
    number(statement, 1, rows->node);
    word(statement, 2, record->sender);
    word(statement, 3, record->customer);
    word(statement, 4, record->verdict.word);
    number(statement, 5, record->verdict.score);
    number(statement, 6, record->time);
    step(sqlite, SENDER);
}

static void put_in_sqlite(void *context, const struct rows *rows)
{
    struct sqlite *sqlite = context;
    sqlite3_exec(sqlite->database, "BEGIN", NULL, NULL, NULL);
    for (size_t i = 0; i < ROWS_BATCH; i++)
        put_record(sqlite, rows, &rows->records[i]);
    for (size_t i = 0; i < ROWS_BATCH; i++)
        if (rows->records[i].said == STORE_TRAFFIC)
            put_minute(sqlite, rows, &rows->records[i]);
        else if (rows->records[i].said == STORE_VERDICT)
            put_sender(sqlite, rows, &rows->records[i]);
    sqlite3_stmt *life = sqlite->statements[LIFE];
    number(life, 1, rows->node);
    number(life, 2, rows->life);
    number(life, 3, rows->last);
    number(life, 4, rows->now);
    step(sqlite, LIFE);
    must(sqlite3_exec(sqlite->database, "COMMIT", NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(sqlite->database));
}

static void open_sqlite(const char *path, struct sqlite *result)
{
    must(sqlite3_open(path, &result->database) == SQLITE_OK, "cannot open the file");
    sqlite3_exec(result->database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=FAST", NULL,
                 NULL, NULL);
    for (int i = 0; i < STATEMENTS; i++)
        must(sqlite3_prepare_v3(result->database, words[i], -1, SQLITE_PREPARE_PERSISTENT, &result->statements[i],
                                NULL) == SQLITE_OK,
             sqlite3_errmsg(result->database));
}

/* --- PostgreSQL --- */

#define COPY_MOST ((size_t)ROWS_BATCH * (ROWS_LINE + 300))

struct postgresql {
    PGconn *connection;
    char *copy;
};

static void run(struct postgresql *postgresql, const char *sql, ExecStatusType expected)
{
    PGresult *result = PQexec(postgresql->connection, sql);
    must(PQresultStatus(result) == expected, PQerrorMessage(postgresql->connection));
    PQclear(result);
}

static void copy(struct postgresql *postgresql, const char *sql, size_t length)
{
    run(postgresql, sql, PGRES_COPY_IN);
    must(PQputCopyData(postgresql->connection, postgresql->copy, (int)length) == 1 &&
             PQputCopyEnd(postgresql->connection, NULL) == 1,
         PQerrorMessage(postgresql->connection));
    for (PGresult *result; (result = PQgetResult(postgresql->connection)); PQclear(result))
        must(PQresultStatus(result) == PGRES_COMMAND_OK, PQerrorMessage(postgresql->connection));
}

#define TEXT_ARGUMENTS(text) (int)(text).length, (text).bytes

/* Nothing here needs an escape. */
static void copy_batch(struct postgresql *postgresql, const struct rows *rows)
{
    size_t length = 0;
    for (size_t i = 0; i < ROWS_BATCH; i++) {
        const struct store_record *r = &rows->records[i];
        length += (size_t)sprintf(postgresql->copy + length, "%lld\t%lld\t%lld\t%lld\t%lld\t%.*s\t%.*s\t%.*s\t%.*s\n",
                                  (long long)rows->node, (long long)rows->life, (long long)r->sequence,
                                  (long long)rows->now, (long long)r->time, TEXT_ARGUMENTS(r->kind),
                                  TEXT_ARGUMENTS(r->sender), TEXT_ARGUMENTS(r->customer), TEXT_ARGUMENTS(r->line));
    }
    copy(postgresql, "COPY records (node, life, sequence, received, time, kind, sender, customer, line) FROM STDIN",
         length);
    length = 0;
    for (size_t i = 0; i < ROWS_BATCH; i++) {
        const struct store_record *r = &rows->records[i];
        if (r->said == STORE_TRAFFIC)
            length += (size_t)sprintf(
                postgresql->copy + length, "%lld\t%lld\t%.*s\t%lld\t%lld\t%.*s\t%lld\t%lld\t%lld\t%lld\t%lld\n",
                (long long)rows->node, (long long)r->time, TEXT_ARGUMENTS(r->sender), (long long)rows->life,
                (long long)r->sequence, TEXT_ARGUMENTS(r->customer), (long long)r->traffic.connections,
                (long long)r->traffic.messages, (long long)r->traffic.rejected, (long long)r->traffic.recipients,
                (long long)r->traffic.bytes);
    }
    copy(postgresql,
         "COPY minutes (node, time, sender, life, sequence, customer, connections, messages, rejected, recipients, "
         "bytes) "
         "FROM STDIN",
         length);
}

/* Those of the last of each sender, in one statement. */
static void upsert_batch(struct postgresql *postgresql, const struct rows *rows)
{
    size_t length = (size_t)sprintf(postgresql->copy, "INSERT INTO senders (node, sender, customer, verdict, score, "
                                                      "changed) VALUES ");
    size_t first = length;
    for (size_t i = 0; i < ROWS_BATCH; i++) {
        const struct store_record *r = &rows->records[i];
        bool later = false;
        for (size_t k = i + 1; k < ROWS_BATCH && !later; k++)
            later = rows->records[k].said == STORE_VERDICT && text_equals(rows->records[k].sender, r->sender);
        if (r->said == STORE_VERDICT && !later)
            length += (size_t)sprintf(postgresql->copy + length, "%s(%lld,'%.*s','%.*s','%.*s',%lld,%lld)",
                                      length > first ? "," : "", (long long)rows->node, TEXT_ARGUMENTS(r->sender),
                                      TEXT_ARGUMENTS(r->customer), TEXT_ARGUMENTS(r->verdict.word),
                                      (long long)r->verdict.score, (long long)r->time);
    }
    sprintf(postgresql->copy + length,
            " ON CONFLICT (node, sender) DO UPDATE SET customer = excluded.customer, verdict = "
            "excluded.verdict, score = excluded.score, changed = excluded.changed");
    run(postgresql, postgresql->copy, PGRES_COMMAND_OK);
    sprintf(postgresql->copy,
            "INSERT INTO lives (node, life, delivered, seen) VALUES (%lld,%lld,%lld,%lld) ON CONFLICT (node, life) DO "
            "UPDATE SET delivered = excluded.delivered, seen = excluded.seen",
            (long long)rows->node, (long long)rows->life, (long long)rows->last, (long long)rows->now);
    run(postgresql, postgresql->copy, PGRES_COMMAND_OK);
}

static void put_in_postgresql(void *context, const struct rows *rows)
{
    struct postgresql *postgresql = context;
    run(postgresql, "BEGIN", PGRES_COMMAND_OK);
    copy_batch(postgresql, rows);
    upsert_batch(postgresql, rows);
    run(postgresql, "COMMIT", PGRES_COMMAND_OK);
}

/* --- both --- */

static int64_t measure(void (*put)(void *, const struct rows *), void *context, size_t batches)
{
    static struct rows rows;
    int64_t spent = 0;
    for (size_t i = 0; i < batches; i++) {
        rows_make(&rows, i); /* what agents do is not measured */
        int64_t begun = steady();
        put(context, &rows);
        spent += steady() - begun;
    }
    return spent;
}

int main(int count, char **arguments)
{
    must(count == 4, "store|bare WHERE RECORDS");
    struct store *store = NULL;
    struct error error = {0};
    struct sqlite sqlite = {0};
    struct postgresql postgresql = {0};
    bool bare = strcmp(arguments[1], "bare") == 0, file = strncmp(arguments[2], "sqlite:", 7) == 0;
    size_t batches = BATCHES(strtoul(arguments[3], NULL, 10));
    int64_t spent;
    must(store_open(arguments[2], &store, &error) == 0, error.text); /* makes the schema */
    if (!bare) {
        spent = measure(put_in_store, store, batches);
    } else if (file) {
        open_sqlite(arguments[2] + 7, &sqlite);
        spent = measure(put_in_sqlite, &sqlite, batches);
    } else {
        postgresql.connection = PQconnectdb(arguments[2]);
        postgresql.copy = malloc(COPY_MOST);
        must(PQstatus(postgresql.connection) == CONNECTION_OK && postgresql.copy, "no connection");
        spent = measure(put_in_postgresql, &postgresql, batches);
    }
    store_close(&store);
    printf("%zu %lld\n", batches * ROWS_BATCH, (long long)spent);
    return 0;
}
