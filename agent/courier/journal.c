/* See journal.h. Entries wait in a list in memory and go into the database in one transaction, so that a storm of them
 * costs one write to the disk, not thousands. */
#include "agent/courier/journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/io/database.h"

#define WAITING_MOST 20000 /* entries held while the disk refuses */
#define PRUNE_EVERY  1000  /* commits' worth of entries between looks at the bound */

struct waiting {
    struct waiting *next;
    moment time;
    size_t length;
    char kind[16], sender[64];
    char line[];
};

struct journal {
    char path[512];
    sqlite3 *database; /* NULL: its file is not open */
    sqlite3_stmt *insert, *read, *read_sender, *prune, *newest;
    struct waiting *first, **last;
    uint32_t waiting;
    uint64_t entries, lost, since_prune;
};

static const char schema[] = "CREATE TABLE IF NOT EXISTS entry("
                             " id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, kind TEXT NOT NULL,"
                             " sender TEXT NOT NULL, line BLOB NOT NULL);"
                             "CREATE INDEX IF NOT EXISTS entry_by_sender ON entry(sender, id);";

static int prepare_all(struct journal *journal, struct error *error)
{
    const struct {
        const char *sql;
        sqlite3_stmt **statement;
    } statements[] = {
        {"INSERT INTO entry(time, kind, sender, line) VALUES(?1, ?2, ?3, ?4)", &journal->insert},
        {"SELECT id, time, kind, sender, line FROM entry WHERE id > ?1 AND time >= ?2 ORDER BY id LIMIT ?3",
         &journal->read},
        {"SELECT id, time, kind, sender, line FROM entry WHERE sender = ?4 AND id > ?1 AND time >= ?2 ORDER BY id"
         " LIMIT ?3",
         &journal->read_sender},
        {"DELETE FROM entry WHERE id <= (SELECT max(id) FROM entry) - ?1", &journal->prune},
        {"SELECT id FROM entry WHERE sender = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2", &journal->newest},
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        int failure = database_prepare(journal->database, statements[i].sql, statements[i].statement, error);
        if (failure < 0)
            return failure;
    }
    return 0;
}

static void close_file(struct journal *journal)
{
    sqlite3_stmt **statements[] = {&journal->insert, &journal->read, &journal->read_sender, &journal->prune,
                                   &journal->newest};
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        sqlite3_finalize(TAKE(*statements[i]));
    database_close(&journal->database);
}

void journal_close(struct journal **journal)
{
    if (!*journal)
        return;
    close_file(*journal);
    while ((*journal)->first) {
        struct waiting *next = (*journal)->first->next;
        free((*journal)->first);
        (*journal)->first = next;
    }
    free(*journal);
    *journal = NULL;
}

int journal_create(const char *path, uint64_t entries, struct journal **result, struct error *error)
{
    struct journal *journal = calloc(1, sizeof *journal);
    if (!journal)
        return error_set(error, ENOMEM, "no memory for the journal");
    snprintf(journal->path, sizeof journal->path, "%s", path);
    journal->last = &journal->first;
    journal->entries = entries;
    *result = journal;
    return 0;
}

int journal_open(struct journal *journal, bool *moved_aside, struct error *error)
{
    *moved_aside = false;
    if (journal->database)
        return 0;
    int failure = database_open(journal->path, schema, &journal->database, moved_aside, error);
    if (failure == 0)
        failure = prepare_all(journal, error);
    if (failure == 0)
        return 0;
    close_file(journal);
    return error_wrap(error, "cannot open the journal");
}

bool journal_is_open(const struct journal *journal)
{
    return journal->database != NULL;
}

void journal_add(struct journal *journal, const struct journal_entry *entry)
{
    struct waiting *waiting = journal->waiting < WAITING_MOST ? malloc(sizeof *waiting + entry->line.length) : NULL;
    if (!waiting) {
        journal->lost++;
        return;
    }
    *waiting = (struct waiting){.time = entry->time, .length = entry->line.length};
    text_copy_printable(text_of(entry->kind), waiting->kind, sizeof waiting->kind);
    text_copy_printable(text_of(entry->sender), waiting->sender, sizeof waiting->sender);
    memcpy(waiting->line, entry->line.bytes, entry->line.length);
    *journal->last = waiting;
    journal->last = &waiting->next;
    journal->waiting++;
}

static int insert_one(struct journal *journal, const struct waiting *waiting)
{
    sqlite3_stmt *insert = journal->insert;
    sqlite3_bind_int64(insert, 1, waiting->time);
    sqlite3_bind_text(insert, 2, waiting->kind, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 3, waiting->sender, -1, SQLITE_STATIC);
    sqlite3_bind_blob(insert, 4, waiting->line, (int)waiting->length, SQLITE_STATIC);
    int code = sqlite3_step(insert);
    sqlite3_reset(insert);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static void forget_waiting(struct journal *journal)
{
    while (journal->first) {
        struct waiting *next = journal->first->next;
        free(journal->first);
        journal->first = next;
    }
    journal->last = &journal->first;
    journal->since_prune += journal->waiting;
    journal->waiting = 0;
}

static void prune_when_due(struct journal *journal)
{
    if (journal->since_prune < PRUNE_EVERY)
        return;
    journal->since_prune = 0;
    sqlite3_bind_int64(journal->prune, 1, (sqlite3_int64)journal->entries);
    sqlite3_step(journal->prune);
    sqlite3_reset(journal->prune);
}

int journal_commit(struct journal *journal, struct error *error)
{
    if (!journal->first)
        return 0;
    if (!journal->database)
        return error_set(error, EIO, "the journal is not open; %u entries wait in memory", journal->waiting);
    int code = sqlite3_exec(journal->database, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (struct waiting *waiting = journal->first; code == SQLITE_OK && waiting; waiting = waiting->next)
        code = insert_one(journal, waiting);
    if (code == SQLITE_OK)
        code = sqlite3_exec(journal->database, "COMMIT", NULL, NULL, NULL);
    if (code != SQLITE_OK) {
        int failure = database_error(journal->database, error, "cannot write the journal");
        bool damaged = database_is_damaged(journal->database);
        sqlite3_exec(journal->database, "ROLLBACK", NULL, NULL, NULL);
        if (damaged)
            close_file(journal); /* who opens it again finds out, and begins a new one */
        return failure;
    }
    forget_waiting(journal);
    prune_when_due(journal);
    return 0;
}

uint64_t journal_lost(const struct journal *journal)
{
    return journal->lost;
}

bool journal_is_behind(const struct journal *journal)
{
    return journal->first != NULL;
}

static struct text column(sqlite3_stmt *statement, int number)
{
    const char *bytes = sqlite3_column_blob(statement, number);
    return bytes ? (struct text){bytes, (size_t)sqlite3_column_bytes(statement, number)} : TEXT("");
}

int journal_read(struct journal *journal, int64_t after, moment since, const char *sender, uint32_t most,
                 void (*each)(void *context, const struct journal_entry *), void *context, struct error *error)
{
    if (!journal->database)
        return error_set(error, EIO, "the journal is not open; `postern status` says why");
    sqlite3_stmt *read = sender ? journal->read_sender : journal->read;
    sqlite3_bind_int64(read, 1, after);
    sqlite3_bind_int64(read, 2, since);
    sqlite3_bind_int64(read, 3, most);
    if (sender)
        sqlite3_bind_text(read, 4, sender, -1, SQLITE_STATIC);
    int code, count = 0;
    while ((code = sqlite3_step(read)) == SQLITE_ROW) {
        struct journal_entry entry = {
            .id = sqlite3_column_int64(read, 0),
            .time = sqlite3_column_int64(read, 1),
            .kind = (const char *)sqlite3_column_text(read, 2),
            .sender = (const char *)sqlite3_column_text(read, 3),
            .line = column(read, 4),
        };
        each(context, &entry);
        count++;
    }
    int failure = code == SQLITE_DONE ? count : database_error(journal->database, error, "cannot read the journal");
    sqlite3_reset(read);
    sqlite3_clear_bindings(read);
    return failure;
}

int64_t journal_newest(struct journal *journal, const char *sender, uint32_t most)
{
    if (!journal->database)
        return 0;
    sqlite3_bind_text(journal->newest, 1, sender, -1, SQLITE_STATIC);
    sqlite3_bind_int64(journal->newest, 2, most);
    int64_t id = sqlite3_step(journal->newest) == SQLITE_ROW ? sqlite3_column_int64(journal->newest, 0) : 0;
    sqlite3_reset(journal->newest);
    sqlite3_clear_bindings(journal->newest);
    return id;
}

uint32_t journal_waiting(const struct journal *journal)
{
    return journal->waiting;
}
