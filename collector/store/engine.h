/* What the store needs of a database, and no more: transactions, prepared statements, rows, and bulk insertion. Which
 * engine is behind a store is decided once, by where it is opened.
 *
 * SQL is written for SQLite and PostgreSQL: parameters are $1, $2, ...; values are 64-bit integers, texts and bytes. A
 * NUL or broken UTF-8 in a text becomes U+FFFD before the engine sees it, so that no engine refuses what another takes;
 * bytes stay as they are.
 * Every call that fails says why; -EAGAIN means that the whole transaction is to be rolled back and run again (a
 * serialisation failure, a busy file), -EEXIST that a key is taken, -ENOTCONN that the server is gone and engine_open()
 * must succeed first. */
#ifndef COLLECTOR_STORE_ENGINE_H
#define COLLECTOR_STORE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"

enum value_kind { VALUE_NULL, VALUE_INTEGER, VALUE_TEXT, VALUE_BYTES };
struct value {
    enum value_kind kind;
    int64_t integer;
    struct text text; /* or the bytes. Borrowed: a parameter's for the call, a row's until the next row */
};
#define VALUE_INTEGER(number) ((struct value){.kind = VALUE_INTEGER, .integer = (number)})
#define VALUE_TEXT(words)     ((struct value){.kind = VALUE_TEXT, .text = (words)})
#define VALUE_BYTES(string)   ((struct value){.kind = VALUE_BYTES, .text = (string)})
#define VALUE_NONE            ((struct value){.kind = VALUE_NULL})

struct engine; /* one connection; used by one thread */

/* `where`: "sqlite:PATH" or "postgresql://...". -ENOTCONN: the server does not answer now, another time may do;
 * any other failure wants a person. No sentence holds the password. */
int engine_open(const char *where, struct engine **result, struct error *) MUST_CHECK;
void engine_close(struct engine **);
/* Can `where` be read? Nothing is opened. */
int engine_check(const char *where, struct error *) MUST_CHECK;
#define ENGINE_WHERE 320
/* Where it is, for people: without a password. */
void engine_describe(const char *where, char result[ENGINE_WHERE]);
/* Whether others may write to it at the same time, from other machines. */
bool engine_is_shared(const struct engine *);
/* Only where it is shared: the clock of the server, which all who write there share; inside a transaction that from
 * here on is known to be one that writes. */
int engine_clock(struct engine *, moment *result, struct error *) MUST_CHECK;
/* The same, outside of any transaction: whatever a transaction that begins later finds missing will be stamped, by
 * engine_clock(), with this moment or a later one, if it is ever there. */
int engine_settled(struct engine *, moment *result, struct error *) MUST_CHECK;
const char *engine_clustered(const struct engine *); /* the schema's word for a table in the order of its key */
const char *engine_bytes(const struct engine *);     /* and its type of bytes */

/* A transaction that may write: where one engine lets only one write, it waits here, for some seconds, for its turn.
 * -EBUSY: others did not let it. */
int engine_begin(struct engine *, struct error *) MUST_CHECK;
/* One that only looks, and waits for nobody. */
int engine_begin_reading(struct engine *, struct error *) MUST_CHECK;
int engine_commit(struct engine *, struct error *) MUST_CHECK;
void engine_rollback(struct engine *);

/* Run one statement. `sql` is a literal: its address is the name under which it stays prepared. `each` (may be NULL) is
 * called for every row and returns false for "enough". Returns the number of rows that were given or changed. */
typedef bool engine_row(void *context, const struct value *columns, size_t count);
int engine_run(struct engine *, const char *sql, const struct value *parameters, size_t count, engine_row *each,
               void *context, struct error *) MUST_CHECK;
/* The same for a statement whose rows and whose count nobody wants. An engine behind a network does not wait for it: it
 * goes out with what follows, at the latest with the commit, and a failure may be told only by a later call of the same
 * transaction, in this statement's name. */
int engine_queue(struct engine *, const char *sql, const struct value *parameters, size_t count,
                 struct error *) MUST_CHECK;
/* Statements without parameters, several in one text: migrations. */
int engine_script(struct engine *, const char *sql, struct error *) MUST_CHECK;

/* Insert many rows into `table` (columns as listed, "node, sequence, line"): COPY in PostgreSQL, a prepared statement
 * in SQLite. Inside a transaction; a row that conflicts fails it whole. */
int engine_bulk_begin(struct engine *, const char *table, const char *columns, size_t count, struct error *) MUST_CHECK;
int engine_bulk_row(struct engine *, const struct value *values, struct error *) MUST_CHECK;
int engine_bulk_end(struct engine *, struct error *) MUST_CHECK;

#endif
