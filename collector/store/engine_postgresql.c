/* PostgreSQL as an engine. Statements go out in pipeline mode: what nobody waits for travels with what follows it, so
 * that a transaction of many statements costs a few round trips. A statement is prepared when it is first run.
 *
 * Transactions are REPEATABLE READ: two that would write the same row cannot both succeed, the later is told -EAGAIN.
 * That is all the store needs, since whatever two collectors could disagree on meets in one row (a life's number, a
 * token, the number of revisions); SERIALIZABLE would let a reader's long look at many rows fail a writer's commit. */
#include "collector/store/engine_postgresql.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"

/* The numbers under which PostgreSQL knows its own types: they never change. */
enum {
    TYPE_BOOLEAN = 16,
    TYPE_BYTES = 17,
    TYPE_BIGINT = 20,
    TYPE_SMALLINT = 21,
    TYPE_INTEGER = 23,
    TYPE_TEXT = 25,
    TYPE_NUMERIC = 1700
};

#define BYTES_MOST      ((size_t)1 << 30)
#define SCRIPT_PATIENCE 60 /* times as long as a statement's: an index of a big table is made in one */

static int gone(const struct postgresql *self, struct error *error)
{
    return error_set(error, ENOTCONN,
                     self->silent ? "the database server has said nothing for %d s" : "the database server is gone",
                     (int)(self->patience / SECOND));
}

/* --- failures --- */

static int code_of(const char *state)
{
    static const struct {
        const char *state; /* or how it begins */
        int code;
    } codes[] = {
        {"40", EAGAIN},      /* serialisation failure, deadlock */
        {"55P03", EAGAIN},   /* a lock that others hold */
        {"23505", EEXIST},   /* unique violation */
        {"53100", ENOSPC},   /* disk full */
        {"53200", ENOMEM},   /* out of memory */
        {"08", ENOTCONN},    /* connection exceptions */
        {"57P", ENOTCONN},   /* shut down, crashed, starting */
        {"25P03", ENOTCONN}, /* ended while idle */
        {"25006", ENOTCONN}, /* read-only: another server has become the first */
        {"26000", ENOTCONN}, /* prepared statements forgotten: something between us gave us another session */
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strncmp(state, codes[i].state, strlen(codes[i].state)) == 0)
            return codes[i].code;
    return EIO;
}

int postgresql_fail(struct postgresql *self, const PGresult *result, const char *what, struct error *error)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    /* Not the detail: it quotes the rows. */
    const char *sentence = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    /* What fails without a state has failed on this side: the connection is not what it was. */
    bool answered =
        result && PQresultStatus(result) != PGRES_FATAL_ERROR && PQresultStatus(result) != PGRES_BAD_RESPONSE;
    int code = state ? code_of(state) : answered ? EIO : ENOTCONN;
    if (PQstatus(self->connection) == CONNECTION_BAD)
        code = ENOTCONN;
    if (code == ENOTCONN)
        self->lost = true;
    if (!sentence)
        sentence = PQerrorMessage(self->connection);
    return error_set(error, code, "%.60s: %.*s%s%s", what, (int)strcspn(sentence, "\n"), sentence, state ? ", " : "",
                     state ? state : "");
}

/* --- the pipeline --- */

static bool is_failure(ExecStatusType status)
{
    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE || status == PGRES_PIPELINE_ABORTED;
}

/* All answers of the statement at `index`; the last sound one to *last. */
static int take_answers(struct postgresql *self, size_t index, PGresult **last, int failure, struct error *error)
{
    for (PGresult *result; !self->lost && (result = postgresql_result(self, self->patience));) {
        bool failed = is_failure(PQresultStatus(result));
        if (failed && failure == 0)
            failure = postgresql_fail(self, result, self->unanswered[index].what, error);
        if (failed && self->unanswered[index].made)
            self->unanswered[index].made->sql = NULL;
        if (last && !failed) {
            PQclear(*last);
            *last = result;
        } else {
            PQclear(result);
        }
    }
    return failure;
}

int postgresql_settle(struct postgresql *self, PGresult **last, struct error *error)
{
    size_t count = self->unanswered_count;
    int failure = 0;
    if (self->lost)
        return gone(self, error);
    if (count == 0)
        return 0;
    self->unanswered_count = 0;
    if (!PQpipelineSync(self->connection))
        return postgresql_fail(self, NULL, "sending", error);
    for (size_t i = 0; i < count && !self->lost; i++)
        failure = take_answers(self, i, i + 1 == count ? last : NULL, failure, error);
    if (self->lost)
        return failure < 0 ? failure : gone(self, error);
    PGresult *end = postgresql_result(self, self->patience);
    if (self->lost)
        return failure < 0 ? failure : gone(self, error);
    if (PQresultStatus(end) != PGRES_PIPELINE_SYNC && failure == 0)
        failure = postgresql_fail(self, end, "the end of what was sent", error);
    PQclear(end);
    return failure;
}

int postgresql_stand(struct postgresql *self, struct error *error)
{
    int failure = postgresql_settle(self, NULL, error);
    if (failure == 0 && !PQexitPipelineMode(self->connection))
        failure = postgresql_fail(self, NULL, "waiting", error);
    return failure;
}

/* Room for a statement and its preparation. */
static int make_room(struct postgresql *self, struct error *error)
{
    int failure = 0;
    if (self->lost)
        return gone(self, error);
    if (self->copying)
        return error_set(error, EINVAL, "a bulk has not ended");
    if (self->unanswered_count + 2 > POSTGRESQL_UNANSWERED)
        failure = postgresql_settle(self, NULL, error);
    if (failure == 0 && !PQenterPipelineMode(self->connection))
        failure = postgresql_fail(self, NULL, "sending", error);
    return failure;
}

static void expect_answer(struct postgresql *self, const char *what, struct prepared *made)
{
    self->unanswered[self->unanswered_count].what = what;
    self->unanswered[self->unanswered_count++].made = made;
}

static int send_plain(struct postgresql *self, const char *sql, struct error *error)
{
    int failure = make_room(self, error);
    if (failure == 0 && !PQsendQueryParams(self->connection, sql, 0, NULL, NULL, NULL, NULL, 0))
        failure = postgresql_fail(self, NULL, sql, error);
    if (failure == 0)
        expect_answer(self, sql, NULL);
    return failure;
}

int postgresql_execute(struct postgresql *self, const char *sql, const char *what, ExecStatusType expected,
                       struct error *error)
{
    int failure = postgresql_stand(self, error);
    if (failure < 0)
        return failure;
    if (!PQsendQuery(self->connection, sql))
        return postgresql_fail(self, NULL, what, error);
    bool copying = false;
    /* To begin a bulk is a statement like others. */
    duration patience = (expected == PGRES_COPY_IN ? 1 : SCRIPT_PATIENCE) * self->patience;
    for (PGresult *result; !copying && !self->lost && (result = postgresql_result(self, patience));) {
        copying = PQresultStatus(result) == PGRES_COPY_IN;
        if (PQresultStatus(result) != expected && failure == 0)
            failure = postgresql_fail(self, result, what, error);
        PQclear(result);
    }
    return failure == 0 && self->lost ? gone(self, error) : failure;
}

/* --- statements --- */

static bool is_same(const struct prepared *prepared, const char *sql, const struct value *parameters, size_t count)
{
    bool same = prepared->sql == sql && prepared->count == count;
    for (size_t i = 0; same && i < count; i++)
        same = prepared->kinds[i] == (unsigned char)parameters[i].kind;
    return same;
}

/* Its name holds for this connection, and a new connection has a new engine. */
static void name_statement(const struct postgresql *self, const struct prepared *prepared, char name[16])
{
    snprintf(name, 16, "s%zu", (size_t)(prepared - self->prepared));
}

static int prepare(struct postgresql *self, const char *sql, const struct value *parameters, size_t count,
                   struct prepared **result, struct error *error)
{
    struct prepared *free_place = NULL;
    char name[16];
    Oid types[ENGINE_PARAMETERS];
    for (size_t i = 0; i < POSTGRESQL_STATEMENTS; i++) {
        if (is_same(&self->prepared[i], sql, parameters, count)) {
            *result = &self->prepared[i];
            return 0;
        }
        if (!free_place && !self->prepared[i].sql)
            free_place = &self->prepared[i];
    }
    if (!free_place)
        return error_set(error, ENOSPC, "more than %d statements", POSTGRESQL_STATEMENTS);
    /* Types are said, or `$1 = 0` would make a 32-bit number of it. */
    static const Oid type_of[] = {[VALUE_INTEGER] = TYPE_BIGINT, [VALUE_TEXT] = TYPE_TEXT, [VALUE_BYTES] = TYPE_BYTES};
    for (size_t i = 0; i < count; i++) {
        types[i] = type_of[parameters[i].kind];
        free_place->kinds[i] = (unsigned char)parameters[i].kind;
    }
    name_statement(self, free_place, name);
    if (!PQsendPrepare(self->connection, name, sql, (int)count, types))
        return postgresql_fail(self, NULL, sql, error);
    free_place->sql = sql;
    free_place->count = count;
    expect_answer(self, sql, free_place);
    *result = free_place;
    return 0;
}

/* In PostgreSQL's binary form: a text needs no end, a number no digits. */
static int send_statement(struct postgresql *self, const char *sql, const struct value *parameters, size_t count,
                          struct error *error)
{
    struct prepared *prepared = NULL;
    const char *values[ENGINE_PARAMETERS];
    int lengths[ENGINE_PARAMETERS], formats[ENGINE_PARAMETERS];
    uint64_t numbers[ENGINE_PARAMETERS];
    char name[16];
    int failure = make_room(self, error);
    if (failure == 0)
        failure = prepare(self, sql, parameters, count, &prepared, error);
    if (failure < 0)
        return failure;
    for (size_t i = 0; i < count; i++) {
        bool number = parameters[i].kind == VALUE_INTEGER,
             text = parameters[i].kind == VALUE_TEXT || parameters[i].kind == VALUE_BYTES;
        numbers[i] = htobe64((uint64_t)parameters[i].integer);
        values[i] = number                     ? (const char *)&numbers[i]
                    : !text                    ? NULL
                    : parameters[i].text.bytes ? parameters[i].text.bytes
                                               : "";
        lengths[i] = number ? (int)sizeof numbers[i] : text ? (int)parameters[i].text.length : 0;
        formats[i] = 1;
    }
    name_statement(self, prepared, name);
    if (!PQsendQueryPrepared(self->connection, name, (int)count, values, lengths, formats, 0))
        return postgresql_fail(self, NULL, sql, error);
    expect_answer(self, sql, NULL);
    return 0;
}

static unsigned digit(char byte)
{
    return byte <= '9' ? (unsigned)(byte - '0') : (unsigned)(byte - 'a' + 10);
}

/* Bytes come as "\\x" and two digits each. Room was reserved: what was read of this row stays where it is. */
static struct value read_bytes(struct buffer *out, struct text digits)
{
    char *to = out->bytes + out->length;
    size_t length = digits.length / 2 - 1;
    for (size_t i = 0; i < length; i++)
        to[i] = (char)(digit(digits.bytes[2 * i + 2]) << 4 | digit(digits.bytes[2 * i + 3]));
    out->length += length;
    return VALUE_BYTES(((struct text){to, length}));
}

/* False: no memory. */
static bool make_room_for_bytes(struct buffer *out, const PGresult *result, int row, int columns)
{
    size_t digits = 0;
    for (int i = 0; i < columns; i++)
        digits += PQftype(result, i) == TYPE_BYTES ? (size_t)PQgetlength(result, row, i) : 0;
    out->length = 0;
    return digits == 0 || buffer_reserve(out, digits / 2);
}

static struct value read_value(struct buffer *room, const PGresult *result, int row, int column)
{
    const char *bytes = PQgetvalue(result, row, column);
    if (PQgetisnull(result, row, column))
        return VALUE_NONE;
    switch (PQftype(result, column)) {
    case TYPE_BYTES:
        return read_bytes(room, (struct text){bytes, (size_t)PQgetlength(result, row, column)});
    case TYPE_BOOLEAN:
        return VALUE_INTEGER(bytes[0] == 't');
    case TYPE_NUMERIC: /* a sum of 64-bit integers is one */
        if (strpbrk(bytes, ".aN"))
            break;
        __attribute__((fallthrough));
    case TYPE_BIGINT:
    case TYPE_INTEGER:
    case TYPE_SMALLINT:
        return VALUE_INTEGER(strtoll(bytes, NULL, 10));
    }
    return VALUE_TEXT(((struct text){bytes, (size_t)PQgetlength(result, row, column)}));
}

static int give_rows(struct postgresql *self, const PGresult *result, engine_row *each, void *context,
                     struct error *error)
{
    int columns = PQnfields(result), rows = PQntuples(result);
    if (columns > ENGINE_PARAMETERS)
        columns = ENGINE_PARAMETERS;
    for (int row = 0; each && row < rows; row++) {
        struct value values[ENGINE_PARAMETERS];
        if (!make_room_for_bytes(&self->bytes, result, row, columns))
            return error_set(error, ENOMEM, "no memory for the bytes of a row");
        for (int i = 0; i < columns; i++)
            values[i] = read_value(&self->bytes, result, row, i);
        if (!each(context, values, (size_t)columns))
            return row + 1;
    }
    return rows;
}

static int run(struct engine *engine, const char *sql, const struct value *parameters, size_t count, engine_row *each,
               void *context, struct error *error)
{
    struct postgresql *self = postgresql_of(engine);
    PGresult *result = NULL;
    int rows = send_statement(self, sql, parameters, count, error);
    if (rows == 0)
        rows = postgresql_settle(self, &result, error);
    if (rows == 0)
        rows = PQresultStatus(result) == PGRES_TUPLES_OK ? give_rows(self, result, each, context, error)
                                                         : atoi(PQcmdTuples(result));
    PQclear(result);
    buffer_clear(&self->bytes);
    return rows;
}

static int queue(struct engine *engine, const char *sql, const struct value *parameters, size_t count,
                 struct error *error)
{
    return send_statement(postgresql_of(engine), sql, parameters, count, error);
}

static int script(struct engine *engine, const char *sql, struct error *error)
{
    return postgresql_execute(postgresql_of(engine), sql, sql, PGRES_COMMAND_OK, error);
}

/* --- transactions --- */

static int begin(struct engine *engine, struct error *error)
{
    return send_plain(postgresql_of(engine), "BEGIN ISOLATION LEVEL REPEATABLE READ", error);
}

static int begin_reading(struct engine *engine, struct error *error)
{
    return send_plain(postgresql_of(engine), "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", error);
}

static int commit(struct engine *engine, struct error *error)
{
    struct postgresql *self = postgresql_of(engine);
    PGresult *result = NULL;
    int failure = send_plain(self, "COMMIT", error);
    if (failure == 0)
        failure = postgresql_settle(self, &result, error);
    /* A transaction in which something failed is rolled back by COMMIT, which calls that a success. */
    if (failure == 0 && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        failure = error_set(error, EIO, "the transaction had failed, and was rolled back");
    PQclear(result);
    return failure;
}

static void rollback(struct engine *engine)
{
    struct postgresql *self = postgresql_of(engine);
    struct error ignored;
    postgresql_copy_abandon(self);
    /* What fails here has failed with its transaction. */
    int failure = postgresql_settle(self, NULL, &ignored);
    if (!self->lost)
        failure = postgresql_stand(self, &ignored);
    if (!self->lost && failure == 0 && PQtransactionStatus(self->connection) != PQTRANS_IDLE)
        failure = postgresql_execute(self, "ROLLBACK", "ROLLBACK", PGRES_COMMAND_OK, &ignored);
    if (failure < 0 || PQtransactionStatus(self->connection) != PQTRANS_IDLE)
        self->lost = true;
}

/* --- what all who write agree on --- */

static bool moment_row(void *context, const struct value *columns, size_t count)
{
    if (count > 0 && columns[0].kind == VALUE_INTEGER)
        *(moment *)context = columns[0].integer * MICROSECOND;
    return true;
}

#define MICROSECONDS(time) "CAST(EXTRACT(EPOCH FROM " time ") * 1000000 AS BIGINT)"

/* First the transaction is given its number, by which settled() sees that it writes; then it looks at the clock. */
static int server_clock(struct engine *engine, moment *result, struct error *error)
{
    static const char sql[] =
        "SELECT CASE WHEN pg_current_xact_id() IS NULL THEN 0 ELSE " MICROSECONDS("clock_timestamp()") " END";
    int rows = run(engine, sql, NULL, 0, moment_row, result, error);
    return rows < 0 ? rows : 0;
}

/* A transaction that writes has a number until what it wrote can be seen, also while its commit waits for a standby.
 * None has looked at the clock before it began. */
static int settled(struct engine *engine, moment *result, struct error *error)
{
    static const char sql[] = "SELECT LEAST(" MICROSECONDS("statement_timestamp()") ", MIN(" MICROSECONDS(
        "xact_start") ")) "
                      "FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user "
                      "AND backend_xid IS NOT NULL";
    int rows = run(engine, sql, NULL, 0, moment_row, result, error);
    return rows < 0 ? rows : 0;
}

/* --- its life --- */

static void close_engine(struct engine *engine)
{
    struct postgresql *self = postgresql_of(engine);
    buffer_clear(&self->rows);
    buffer_clear(&self->bytes);
    PQfinish(self->connection);
    free(self);
}

static const struct engine_driver driver = {
    .close = close_engine,
    .begin = begin,
    .begin_reading = begin_reading,
    .commit = commit,
    .rollback = rollback,
    .run = run,
    .queue = queue,
    .script = script,
    .bulk_begin = postgresql_copy_begin,
    .bulk_row = postgresql_copy_row,
    .bulk_end = postgresql_copy_end,
    .clock = server_clock,
    .settled = settled,
    .clustered = "",
    .bytes = "BYTEA",
};

int engine_postgresql_open(const char *uri, struct engine **result, struct error *error)
{
    struct postgresql *self = calloc(1, sizeof *self);
    if (!self)
        return error_set(error, ENOMEM, "no memory for a store");
    self->base.driver = &driver;
    buffer_init(&self->bytes, BYTES_MOST);
    int failure = postgresql_connect(uri, &self->connection, &self->patience, error);
    if (failure < 0) {
        close_engine(&self->base);
        return failure;
    }
    *result = &self->base;
    return 0;
}
