/* See database.h. Durability: synchronous=FULL in WAL mode means that a commit has reached the disk when it returns. */
#include "common/io/database.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MILLISECONDS 2000
#define ASIDE_MOST        1000
/* The write-ahead log is small against a small disk, and gives back what one large commit took. */
#define LOG_PAGES "256"
#define LOG_BYTES "1048576"

int database_error(sqlite3 *database, struct error *error, const char *what)
{
    int code = database ? sqlite3_errcode(database) : SQLITE_NOMEM;
    const char *text = database ? sqlite3_errmsg(database) : "out of memory";
    return error_set(error, code == SQLITE_FULL ? ENOSPC : EIO, "%s: %s", what, text);
}

int database_prepare(sqlite3 *database, const char *sql, sqlite3_stmt **result, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
        return database_error(database, error, sql);
    *result = statement;
    return 0;
}

void database_close(sqlite3 **database)
{
    if (*database)
        sqlite3_close(*database);
    *database = NULL;
}

static bool is_damage(int code)
{
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

bool database_is_damaged(sqlite3 *database)
{
    return database && is_damage(sqlite3_errcode(database) & 0xff);
}

static int check_quickly(sqlite3 *database)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database, "PRAGMA quick_check(1)", -1, &statement, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW) {
            const unsigned char *text = sqlite3_column_text(statement, 0);
            code = text && strcmp((const char *)text, "ok") == 0 ? SQLITE_OK : SQLITE_CORRUPT;
        }
    }
    sqlite3_finalize(statement);
    return code;
}

/* SQLite's code; the connection is made even where it fails, as SQLite does. */
static int open_and_prepare(const char *path, const char *schema, sqlite3 **database)
{
    int code = sqlite3_open_v2(path, database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        return code;
    sqlite3_extended_result_codes(*database, 0);
    sqlite3_busy_timeout(*database, BUSY_MILLISECONDS);
    if (sqlite3_db_readonly(*database, "main") == 1) /* a write-protected file is opened all the same */
        return SQLITE_READONLY;
    code = check_quickly(*database);
    if (code == SQLITE_OK)
        code = sqlite3_exec(*database,
                            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=FAST;"
                            "PRAGMA wal_autocheckpoint=" LOG_PAGES "; PRAGMA journal_size_limit=" LOG_BYTES ";",
                            NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(*database, schema, NULL, NULL, NULL);
    return code;
}

/* The write-ahead log belongs to the damaged file and goes with it. */
static int move_aside(const char *path, struct error *error)
{
    char target[1100], log[1100], memory[1100];
    for (int n = 1; n < ASIDE_MOST; n++) {
        snprintf(target, sizeof target, "%.1000s.damaged-%d", path, n);
        if (access(target, F_OK) == 0)
            continue;
        if (rename(path, target) < 0)
            break;
        snprintf(log, sizeof log, "%.1000s-wal", path);
        snprintf(memory, sizeof memory, "%.1000s-shm", path);
        snprintf(target, sizeof target, "%.1000s.damaged-%d-wal", path, n);
        if (rename(log, target) < 0 && errno != ENOENT)
            break;
        unlink(memory);
        return 0;
    }
    return error_set(error, errno, "%s is damaged and cannot be moved aside: %s", path, strerror(errno));
}

int database_open(const char *path, const char *schema, sqlite3 **result, bool *moved_aside, struct error *error)
{
    *moved_aside = false;
    for (int attempt = 0;; attempt++) {
        sqlite3 *database = NULL;
        int code = open_and_prepare(path, schema, &database);
        if (code == SQLITE_OK) {
            *result = database;
            return 0;
        }
        int failure = code == SQLITE_READONLY ? error_set(error, EACCES, "%s: it may not be written", path)
                                              : database_error(database, error, path);
        database_close(&database);
        if (!is_damage(code) || attempt > 0)
            return failure;
        failure = move_aside(path, error);
        if (failure < 0)
            return failure;
        *moved_aside = true;
    }
}
