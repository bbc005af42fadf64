/* What an engine has to be: the calls of engine.h, behind which one of two stands. Only engines include this. */
#ifndef COLLECTOR_STORE_ENGINE_DRIVER_H
#define COLLECTOR_STORE_ENGINE_DRIVER_H

#include "collector/store/engine.h"
#include "common/buffer.h"

#define ENGINE_PARAMETERS 28 /* the most that one statement takes, and that a row has */

struct engine_driver {
    void (*close)(struct engine *);
    int (*begin)(struct engine *, struct error *);
    int (*begin_reading)(struct engine *, struct error *);
    int (*commit)(struct engine *, struct error *);
    void (*rollback)(struct engine *);
    int (*run)(struct engine *, const char *sql, const struct value *, size_t count, engine_row *, void *,
               struct error *);
    int (*queue)(struct engine *, const char *sql, const struct value *, size_t count, struct error *);
    int (*script)(struct engine *, const char *sql, struct error *);
    int (*bulk_begin)(struct engine *, const char *table, const char *columns, size_t count, struct error *);
    int (*bulk_row)(struct engine *, const struct value *, struct error *);
    int (*bulk_end)(struct engine *, struct error *);
    /* NULL where nobody shares it */
    int (*clock)(struct engine *, moment *, struct error *);
    int (*settled)(struct engine *, moment *, struct error *);
    const char *clustered; /* what stands behind a table that is kept in the order of its key */
    const char *bytes;     /* the type of bytes */
};

/* Stands first in each engine's own struct. */
struct engine {
    const struct engine_driver *driver;
    struct buffer clean; /* room for texts that had to be mended */
    size_t bulk_columns;
};

int engine_sqlite_open(const char *path, struct engine **result, struct error *) MUST_CHECK;
int engine_postgresql_open(const char *uri, struct engine **result, struct error *) MUST_CHECK;
int engine_postgresql_check(const char *uri, struct error *) MUST_CHECK;
void engine_postgresql_describe(const char *uri, char result[ENGINE_WHERE]);

#endif
