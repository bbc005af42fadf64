/* What the files of the PostgreSQL engine share: a connection and what is under way on it. */
#ifndef COLLECTOR_STORE_ENGINE_POSTGRESQL_H
#define COLLECTOR_STORE_ENGINE_POSTGRESQL_H

#include <libpq-fe.h>
#include "collector/store/engine_driver.h"

#define POSTGRESQL_STATEMENTS 256
#define POSTGRESQL_UNANSWERED 256 /* their answers fit what a socket holds, so neither side waits for the other */

struct prepared {
    const char *sql; /* a literal: its address is its name; NULL: the place is free */
    size_t count;
    unsigned char kinds[ENGINE_PARAMETERS]; /* enum value_kind of each parameter: they decide its types */
};

struct postgresql {
    struct engine base;
    PGconn *connection;
    bool lost;         /* only closing is left ... */
    bool silent;       /* ... because nothing came any more */
    duration patience; /* with an answer */
    struct prepared prepared[POSTGRESQL_STATEMENTS];
    struct {
        const char *what;
        struct prepared *made; /* which statement this prepares; NULL: none */
    } unanswered[POSTGRESQL_UNANSWERED];
    size_t unanswered_count;
    char table[64];
    bool copying;
    struct buffer rows;  /* of the copy: not sent yet */
    struct buffer bytes; /* of the row that is given: they come as digits */
};

static inline struct postgresql *postgresql_of(struct engine *engine)
{
    return (struct postgresql *)engine;
}

/* A connection of a URI; the sentence says why there is none, and never holds the password. -ENOTCONN: the server does
 * not answer. `patience`: how long an answer may take before the server is given up. */
int postgresql_connect(const char *uri, PGconn **result, duration *patience, struct error *) MUST_CHECK;

/* engine_postgresql_wait.c: send what is to be sent, and the next answer; false and NULL also where the server has said
 * nothing for too long, and then it is lost. */
bool postgresql_flush(struct postgresql *);
PGresult *postgresql_result(struct postgresql *, duration patience);

/* Set `error` for what `result` (may be NULL) and the connection say, with the code that engine.h promises. */
int postgresql_fail(struct postgresql *, const PGresult *result, const char *what, struct error *);
/* Wait for all that was sent. `last` (may be NULL) is given the answer of the last statement; clear it with PQclear().
 * The first failure is told. */
int postgresql_settle(struct postgresql *, PGresult **last, struct error *) MUST_CHECK;
/* Settle, and be ready for what cannot be sent ahead. */
int postgresql_stand(struct postgresql *, struct error *) MUST_CHECK;
/* Run words without parameters and wait; `expected` is the answer that is none of a failure. */
int postgresql_execute(struct postgresql *, const char *sql, const char *what, ExecStatusType expected,
                       struct error *) MUST_CHECK;

/* engine_postgresql_copy.c */
int postgresql_copy_begin(struct engine *, const char *table, const char *columns, size_t count, struct error *);
int postgresql_copy_row(struct engine *, const struct value *, struct error *);
int postgresql_copy_end(struct engine *, struct error *);
void postgresql_copy_abandon(struct postgresql *); /* nothing of it stays */

#endif
