/* SQLite, opened the way a daemon needs it: write-ahead log, durable commits, a busy time-out, and a damaged file moved
 * aside instead of a crash in a loop. Statements themselves are SQLite's own interface; there is nothing to hide. */
#ifndef COMMON_IO_DATABASE_H
#define COMMON_IO_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include "common/error.h"

/* Open or make the database at `path` and run `schema` (statements that may be run again). A file that is damaged or no
 * database is renamed to PATH.damaged-N and a new one begun: `*moved_aside` tells. */
int database_open(const char *path, const char *schema, sqlite3 **result, bool *moved_aside, struct error *) MUST_CHECK;
void database_close(sqlite3 **);

/* Turn SQLite's latest failure on this connection into our error: -ENOSPC for a full disk, -EIO for the rest. */
int database_error(sqlite3 *, struct error *, const char *what);

/* Whether its latest failure says that the file is damaged: closed and opened again, it is moved aside. */
bool database_is_damaged(sqlite3 *);

/* Prepare a statement that lives as long as the connection. */
int database_prepare(sqlite3 *, const char *sql, sqlite3_stmt **result, struct error *) MUST_CHECK;

#endif
