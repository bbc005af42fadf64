/* A reader of log files that may be killed at any moment: what it took and its positions go into one transaction.
 *
 *     tail_tool DATABASE PATTERN...         until it is killed, or asked to end by SIGTERM
 *
 * Table `taken` holds the bytes in the order in which they came, `state` the record of positions and, after SIGTERM,
 * the counters. What it is told goes to standard error. Both halves of tail are in this one process. */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/clock.h"
#include "common/io/database.h"
#include "common/io/tail_find.h"
#include "common/io/tail_read.h"

static volatile sig_atomic_t ending;

struct tool {
    sqlite3 *database;
    sqlite3_stmt *add, *keep;
    struct error error;
    bool dirty;
};

static void check(int status, const struct error *error)
{
    if (status >= 0)
        return;
    fprintf(stderr, "tail_tool: %s\n", error->text);
    exit(1);
}

static void run(struct tool *tool, const char *statement)
{
    if (sqlite3_exec(tool->database, statement, NULL, NULL, NULL) != SQLITE_OK)
        check(database_error(tool->database, &tool->error, statement), &tool->error);
}

static size_t take(void *context, const struct tail_bytes *given)
{
    struct tool *tool = context;
    const char *end = memrchr(given->bytes.bytes, '\n', given->bytes.length);
    size_t used = given->last ? given->bytes.length : end ? (size_t)(end - given->bytes.bytes) + 1 : 0;
    if (used == 0)
        return 0;
    sqlite3_bind_text(tool->add, 1, given->source, -1, SQLITE_STATIC);
    sqlite3_bind_blob(tool->add, 2, given->bytes.bytes, (int)used, SQLITE_STATIC);
    if (sqlite3_step(tool->add) != SQLITE_DONE)
        check(database_error(tool->database, &tool->error, "add"), &tool->error);
    sqlite3_reset(tool->add);
    return used;
}

static void say(void *context, const char *sentence)
{
    (void)context;
    fprintf(stderr, "%s\n", sentence);
}

static void keep(struct tool *tool, const char *key, struct text value)
{
    sqlite3_bind_text(tool->keep, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_blob(tool->keep, 2, value.bytes, (int)value.length, SQLITE_STATIC);
    if (sqlite3_step(tool->keep) != SQLITE_DONE)
        check(database_error(tool->database, &tool->error, "keep"), &tool->error);
    sqlite3_reset(tool->keep);
}

static void open_database(struct tool *tool, const char *path)
{
    bool moved = false;
    check(database_open(path,
                        "CREATE TABLE IF NOT EXISTS taken (number INTEGER PRIMARY KEY, source TEXT, bytes BLOB);"
                        "CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value BLOB);",
                        &tool->database, &moved, &tool->error),
          &tool->error);
    /* A killed process loses nothing that the kernel has; the disk need not turn for each of many small steps. */
    run(tool, "PRAGMA synchronous = OFF");
    check(database_prepare(tool->database, "INSERT INTO taken (source, bytes) VALUES (?, ?)", &tool->add, &tool->error),
          &tool->error);
    check(database_prepare(tool->database, "INSERT OR REPLACE INTO state VALUES (?, ?)", &tool->keep, &tool->error),
          &tool->error);
}

static void import(struct tool *tool, struct tail_read *reader)
{
    sqlite3_stmt *find = NULL;
    check(database_prepare(tool->database, "SELECT value FROM state WHERE key = 'positions'", &find, &tool->error),
          &tool->error);
    if (sqlite3_step(find) == SQLITE_ROW) {
        struct text record = {sqlite3_column_blob(find, 0), (size_t)sqlite3_column_bytes(find, 0)};
        check(tail_read_import(reader, record, clock_now(), &tool->error), &tool->error);
    }
    sqlite3_finalize(find);
}

static void keep_counters(struct tool *tool, const struct tail_read *reader)
{
    struct tail_counters counters = tail_read_counters(reader);
    char text[400];
    int length = snprintf(text, sizeof text,
                          "{\"bytes\": %" PRIu64 ", \"open_files\": %" PRIu64 ", \"truncated\": %" PRIu64
                          ", \"recovered\": %" PRIu64 ", \"missing\": %" PRIu64 ", \"lost_bytes\": %" PRIu64
                          ", \"damaged\": %" PRIu64 ", \"refused\": %" PRIu64 "}",
                          counters.bytes, counters.open_files, counters.truncated, counters.recovered, counters.missing,
                          counters.lost_bytes, counters.damaged_files, counters.refused_files);
    keep(tool, "counters", (struct text){text, (size_t)length});
}

static bool step(struct tool *tool, struct tail_find *finder, struct tail_read *reader)
{
    struct tail_found found;
    struct buffer record;
    buffer_init(&record, 16 * 1024 * 1024);
    run(tool, "BEGIN");
    while (tail_find_next(finder, clock_now(), &found))
        tail_read_add(reader, &found, clock_now());
    bool more = tail_read_step(reader, clock_now());
    if (!tail_read_export(reader, clock_now(), &record))
        exit(1);
    keep(tool, "positions", buffer_text(&record));
    keep_counters(tool, reader);
    run(tool, "COMMIT");
    buffer_clear(&record);
    return more;
}

static void end(int signal)
{
    (void)signal;
    ending = 1;
}

int main(int count, char **words)
{
    if (count < 3)
        return 2;
    struct tool tool = {.database = NULL};
    open_database(&tool, words[1]);
    const struct tail_listener listener = {&tool, take, NULL, say};
    const struct tail_read_settings read = {.quiet = 3 * SECOND, .patience = 5 * SECOND, .from_beginning = true};
    struct tail_read *reader = tail_read_create(&read, &listener, clock_now());
    if (!reader)
        return 1;
    import(&tool, reader);
    const struct tail_find_settings find = {.patterns = (const char *const *)words + 2,
                                            .since = tail_read_since(reader)};
    struct tail_find *finder = NULL;
    check(tail_find_create(&find, &finder, &tool.error), &tool.error);
    signal(SIGTERM, end);
    while (!ending) {
        struct pollfd wait = {.fd = tail_find_descriptor(finder), .events = POLLIN};
        if (!step(&tool, finder, reader))
            poll(&wait, 1, 50);
    }
    tail_find_destroy(&finder);
    tail_read_destroy(&reader);
    sqlite3_finalize(tool.add);
    sqlite3_finalize(tool.keep);
    database_close(&tool.database);
    return 0;
}
