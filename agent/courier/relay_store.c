/* See relay_store.h. */
#include "agent/courier/relay_store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/cleanup.h"
#include "common/io/database.h"

#define PIECE     16384 /* entries of the log that are written anew at once: 400 kB */
#define LOG_LEAST 65536 /* entries; a shorter log is not worth writing anew */
#define GONE_ONCE 16    /* old rows that go at once */
#define READ_ONCE 10000 /* standings */
#define LOOK_ONCE 1000
#define OVER_KEPT DAY /* for people who ask what stood */

static_assert(sizeof(struct greylist_entry) == 24, "entries stand in the file as they are");

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS value(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS greylist(id INTEGER PRIMARY KEY AUTOINCREMENT, entries BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS standing(sender TEXT PRIMARY KEY, deed INTEGER NOT NULL, rate INTEGER NOT NULL,"
    " until INTEGER NOT NULL, news INTEGER NOT NULL, customer TEXT NOT NULL, reason TEXT NOT NULL, by TEXT NOT NULL,"
    " node TEXT NOT NULL) WITHOUT ROWID;";

enum {
    GET_VALUE,
    PUT_VALUE,
    PUT_ENTRIES,
    NEXT_ENTRIES,
    LAST_ENTRIES,
    DROP_ENTRIES,
    PUT_STANDING,
    FIND_STANDING,
    NEXT_STANDINGS,
    LOOK_STANDINGS,
    PRUNE_STANDINGS,
    END_STANDING,
    STATEMENTS
};

static const char *const sql[STATEMENTS] = {
    [GET_VALUE] = "SELECT value FROM value WHERE name = ?1",
    [PUT_VALUE] = "INSERT OR REPLACE INTO value(name, value) VALUES(?1, ?2)",
    [PUT_ENTRIES] = "INSERT INTO greylist(entries) VALUES(?1)",
    [NEXT_ENTRIES] = "SELECT id, entries FROM greylist WHERE id > ?1 ORDER BY id LIMIT 1",
    [LAST_ENTRIES] = "SELECT ifnull(max(id), 0) FROM greylist",
    [DROP_ENTRIES] = "DELETE FROM greylist WHERE id <= ?1 AND id IN (SELECT id FROM greylist ORDER BY id LIMIT ?2)",
    [PUT_STANDING] = "INSERT OR REPLACE INTO standing(sender, deed, rate, until, news, customer, reason, by, node)"
                     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [FIND_STANDING] = "SELECT deed, rate, until, news, customer, reason, by, node FROM standing WHERE sender = ?1",
    [NEXT_STANDINGS] =
        "SELECT sender, deed, rate, until, news, by FROM standing WHERE sender > ?1 ORDER BY sender LIMIT ?2",
    [LOOK_STANDINGS] = "SELECT max(sender), ifnull(min(until), 0) FROM (SELECT sender, until FROM standing WHERE"
                       " sender > ?1 ORDER BY sender LIMIT ?2)",
    [PRUNE_STANDINGS] = "DELETE FROM standing WHERE sender > ?1 AND sender <= ?2 AND until < ?3",
    [END_STANDING] = "DELETE FROM standing WHERE sender = ?1",
};

struct relay_store {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
    struct siphash_key key;
    int64_t after;
    bool damaged, within; /* within: a transaction has begun */
    /* the greylist's log */
    uint64_t logged; /* entries in it, about */
    int64_t old_to;  /* rows up to this are old; 0: none */
    uint32_t from;   /* of what is known, the next place to be written anew */
    uint64_t anew;   /* entries written anew */
    bool writing_anew;
    int64_t loaded_to;          /* the last row of the log that was read */
    char standing[SENDER_TEXT]; /* the last sender that was read */
    char pruned[SENDER_TEXT];   /* and the last that was looked at for being over */
    struct greylist_entry piece[PIECE];
};

/* --- beginning and end --- */

static int fail(struct relay_store *store, const char *what, struct error *error)
{
    return database_error(store->database, error, what);
}

/* Runs a statement that gives no row. */
static int run(struct relay_store *store, int which, struct error *error)
{
    sqlite3_stmt *statement = store->statements[which];
    int code = sqlite3_step(statement);
    int failure =
        code == SQLITE_DONE || code == SQLITE_ROW ? 0 : fail(store, "cannot write what the relay knows", error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return failure;
}

static int put_value(struct relay_store *store, const char *name, const void *blob, size_t size, int64_t number,
                     struct error *error)
{
    sqlite3_stmt *put = store->statements[PUT_VALUE];
    sqlite3_bind_text(put, 1, name, -1, SQLITE_STATIC);
    if (blob)
        sqlite3_bind_blob(put, 2, blob, (int)size, SQLITE_STATIC);
    else
        sqlite3_bind_int64(put, 2, number);
    return run(store, PUT_VALUE, error);
}

static int find_key(struct relay_store *store, struct error *error)
{
    sqlite3_stmt *get = store->statements[GET_VALUE];
    bool found = false;
    sqlite3_bind_text(get, 1, "key", -1, SQLITE_STATIC);
    if (sqlite3_step(get) == SQLITE_ROW && sqlite3_column_bytes(get, 0) == sizeof store->key) {
        memcpy(&store->key, sqlite3_column_blob(get, 0), sizeof store->key);
        found = true;
    }
    sqlite3_reset(get);
    if (found)
        return 0;
    if (getrandom(&store->key, sizeof store->key, 0) != sizeof store->key)
        return error_set(error, errno, "cannot get random bytes: %m");
    return put_value(store, "key", &store->key, sizeof store->key, 0, error);
}

static void find_after(struct relay_store *store)
{
    sqlite3_stmt *get = store->statements[GET_VALUE];
    sqlite3_bind_text(get, 1, "after", -1, SQLITE_STATIC);
    if (sqlite3_step(get) == SQLITE_ROW)
        store->after = sqlite3_column_int64(get, 0);
    sqlite3_reset(get);
}

int relay_store_open(const char *path, struct relay_store **result, struct error *error)
{
    CLEANUP(relay_store_close) struct relay_store *store = calloc(1, sizeof *store);
    if (!store)
        return error_set(error, ENOMEM, "no memory for the relay's file");
    int code = database_open(path, schema, &store->database, &store->damaged, error);
    for (int i = 0; i < STATEMENTS && code == 0; i++)
        code = database_prepare(store->database, sql[i], &store->statements[i], error);
    if (code == 0 && sqlite3_exec(store->database, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL) != SQLITE_OK)
        code = fail(store, path, error);
    if (code == 0)
        code = find_key(store, error);
    if (code < 0)
        return code;
    find_after(store);
    *result = TAKE(store);
    return 0;
}

void relay_store_close(struct relay_store **owner)
{
    struct relay_store *store = *owner;
    *owner = NULL;
    if (!store)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(store->statements[i]);
    database_close(&store->database);
    free(store);
}

const struct siphash_key *relay_store_key(const struct relay_store *store)
{
    return &store->key;
}

bool relay_store_was_damaged(const struct relay_store *store)
{
    return store->damaged;
}

/* --- the greylist --- */

int relay_store_load_greylist(struct relay_store *store, struct greylist *greylist, struct error *error)
{
    sqlite3_stmt *next = store->statements[NEXT_ENTRIES];
    struct greylist_entry entry;
    sqlite3_bind_int64(next, 1, store->loaded_to);
    int code = sqlite3_step(next);
    if (code == SQLITE_ROW) {
        const char *bytes = sqlite3_column_blob(next, 1);
        size_t size = (size_t)sqlite3_column_bytes(next, 1);
        store->loaded_to = sqlite3_column_int64(next, 0);
        for (size_t at = 0; at + sizeof entry <= size; at += sizeof entry) {
            memcpy(&entry, bytes + at, sizeof entry);
            greylist_restore(greylist, &entry);
            store->logged++;
        }
    }
    int failure = code == SQLITE_ROW || code == SQLITE_DONE ? code == SQLITE_ROW
                                                            : fail(store, "cannot read what the greylist knows", error);
    sqlite3_reset(next);
    return failure;
}

static int put_entries(struct relay_store *store, const struct greylist_entry *entries, uint32_t count,
                       struct error *error)
{
    sqlite3_bind_blob(store->statements[PUT_ENTRIES], 1, entries, (int)(count * sizeof *entries), SQLITE_STATIC);
    int failure = run(store, PUT_ENTRIES, error);
    if (failure == 0)
        store->logged += count;
    return failure;
}

static int begin_anew(struct relay_store *store, struct error *error)
{
    sqlite3_stmt *last = store->statements[LAST_ENTRIES];
    if (sqlite3_step(last) == SQLITE_ROW)
        store->old_to = sqlite3_column_int64(last, 0);
    int failure = sqlite3_reset(last) == SQLITE_OK ? 0 : fail(store, "cannot read the greylist's file", error);
    store->from = 0;
    store->anew = 0;
    store->writing_anew = failure == 0;
    return failure;
}

/* A piece is what is known now, so it holds whatever was written before it; what changes later is written later. */
static int write_piece(struct relay_store *store, struct greylist *greylist, struct error *error)
{
    uint32_t from = store->from, count = greylist_list(greylist, &from, store->piece, PIECE);
    int failure = count ? put_entries(store, store->piece, count, error) : 0;
    if (failure < 0)
        return failure;
    store->from = from;
    store->anew += count;
    if (count == 0) {
        store->writing_anew = false;
        store->logged = store->anew;
    }
    return 0;
}

static int drop_old(struct relay_store *store, struct error *error)
{
    sqlite3_bind_int64(store->statements[DROP_ENTRIES], 1, store->old_to);
    sqlite3_bind_int64(store->statements[DROP_ENTRIES], 2, GONE_ONCE);
    int failure = run(store, DROP_ENTRIES, error);
    if (failure == 0 && sqlite3_changes(store->database) < GONE_ONCE)
        store->old_to = 0;
    return failure;
}

int relay_store_keep_greylist(struct relay_store *store, struct greylist *greylist, struct error *error)
{
    uint32_t count;
    const struct greylist_entry *changes = greylist_changes(greylist, &count);
    if (count > 0) {
        int failure = put_entries(store, changes, count, error);
        if (failure < 0)
            return failure;
        greylist_changes_done(greylist);
    }
    if (store->writing_anew)
        return write_piece(store, greylist, error);
    if (store->old_to > 0)
        return drop_old(store, error);
    if (store->logged > LOG_LEAST && store->logged > 2 * (uint64_t)greylist_count(greylist))
        return begin_anew(store, error);
    return 0;
}

/* --- standings --- */

static void copy_column(sqlite3_stmt *row, int column, char *result, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    snprintf(result, size, "%s", text ? text : "");
}

/* The columns from `first` on: deed, rate, until, news. */
static void read_deed(sqlite3_stmt *row, int first, struct stored_standing *result)
{
    int deed = sqlite3_column_int(row, first);
    result->deed = deed > 0 && deed < DEEDS ? (enum deed)deed : DEED_RELEASE;
    result->rate = (uint32_t)sqlite3_column_int64(row, first + 1);
    result->until = sqlite3_column_int64(row, first + 2);
    result->news = sqlite3_column_int64(row, first + 3);
}

bool relay_store_find_standing(struct relay_store *store, const struct sender *sender, struct stored_standing *result)
{
    sqlite3_stmt *find = store->statements[FIND_STANDING];
    char name[SENDER_TEXT];
    sqlite3_bind_text(find, 1, sender_print(sender, name), -1, SQLITE_STATIC);
    bool found = sqlite3_step(find) == SQLITE_ROW;
    if (found) {
        read_deed(find, 0, result);
        copy_column(find, 4, result->customer, sizeof result->customer);
        copy_column(find, 5, result->reason, sizeof result->reason);
        copy_column(find, 6, result->by, sizeof result->by);
        copy_column(find, 7, result->node, sizeof result->node);
    }
    sqlite3_reset(find);
    sqlite3_clear_bindings(find);
    return found;
}

int relay_store_load_standings(struct relay_store *store,
                               void (*each)(void *context, const struct sender *, const struct stored_standing *),
                               void *context, struct error *error)
{
    sqlite3_stmt *next = store->statements[NEXT_STANDINGS];
    struct stored_standing standing = {0};
    struct sender sender;
    int code, count = 0;
    sqlite3_bind_text(next, 1, store->standing, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(next, 2, READ_ONCE);
    while ((code = sqlite3_step(next)) == SQLITE_ROW) {
        copy_column(next, 0, store->standing, sizeof store->standing);
        read_deed(next, 1, &standing);
        copy_column(next, 5, standing.by, sizeof standing.by);
        if (sender_parse(text_of(store->standing), &sender))
            each(context, &sender, &standing);
        count++;
    }
    int failure = code == SQLITE_DONE ? count == READ_ONCE : fail(store, "cannot read the fleet's standings", error);
    sqlite3_reset(next);
    sqlite3_clear_bindings(next);
    return failure;
}

static int begin(struct relay_store *store, struct error *error)
{
    if (store->within)
        return 0;
    if (sqlite3_exec(store->database, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return fail(store, "cannot write the fleet's standings", error);
    store->within = true;
    return 0;
}

static void roll_back(struct relay_store *store)
{
    if (store->within)
        sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    store->within = false;
}

static void bind_words(sqlite3_stmt *statement, int place, struct text words, size_t most, char *room)
{
    text_copy_printable(words, room, most);
    sqlite3_bind_text(statement, place, room, -1, SQLITE_TRANSIENT);
}

int relay_store_put_standing(struct relay_store *store, int64_t number, const struct fleet_standing *standing,
                             struct error *error)
{
    bool ends = standing->deed == DEED_RELEASE;
    int which = ends ? END_STANDING : PUT_STANDING;
    sqlite3_stmt *statement = store->statements[which];
    struct stored_standing room;
    char name[SENDER_TEXT];
    int failure = begin(store, error);
    if (failure < 0)
        return failure;
    sqlite3_bind_text(statement, 1, sender_print(&standing->sender, name), -1, SQLITE_STATIC);
    if (!ends) {
        sqlite3_bind_int(statement, 2, standing->deed);
        sqlite3_bind_int64(statement, 3, standing->rate);
        sqlite3_bind_int64(statement, 4, standing->until);
        sqlite3_bind_int64(statement, 5, number);
        bind_words(statement, 6, text_of(standing->customer), sizeof room.customer, room.customer);
        bind_words(statement, 7, text_of(standing->reason), sizeof room.reason, room.reason);
        bind_words(statement, 8, text_of(standing->by), sizeof room.by, room.by);
        bind_words(statement, 9, text_of(standing->node), sizeof room.node, room.node);
    }
    failure = run(store, which, error);
    if (failure < 0)
        roll_back(store);
    return failure;
}

int relay_store_commit(struct relay_store *store, int64_t after, struct error *error)
{
    if (!store->within && after == store->after)
        return 0;
    int failure = begin(store, error);
    if (failure == 0)
        failure = put_value(store, "after", NULL, 0, after, error);
    if (failure == 0 && sqlite3_exec(store->database, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        failure = fail(store, "cannot write the fleet's standings", error);
    if (failure < 0) {
        roll_back(store);
        return failure;
    }
    store->within = false;
    store->after = after;
    return 0;
}

int64_t relay_store_after(const struct relay_store *store)
{
    return store->after;
}

int relay_store_prune_standings(struct relay_store *store, moment now, struct error *error)
{
    sqlite3_stmt *look = store->statements[LOOK_STANDINGS], *prune = store->statements[PRUNE_STANDINGS];
    char last[SENDER_TEXT] = "";
    bool any = false;
    sqlite3_bind_text(look, 1, store->pruned, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(look, 2, LOOK_ONCE);
    if (sqlite3_step(look) == SQLITE_ROW && sqlite3_column_type(look, 0) == SQLITE_TEXT) {
        copy_column(look, 0, last, sizeof last);
        any = sqlite3_column_int64(look, 1) < now - OVER_KEPT;
    }
    if (sqlite3_reset(look) != SQLITE_OK)
        return fail(store, "cannot read the fleet's standings", error);
    int failure = 0;
    if (any) {
        sqlite3_bind_text(prune, 1, store->pruned, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(prune, 2, last, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(prune, 3, now - OVER_KEPT);
        failure = run(store, PRUNE_STANDINGS, error);
    }
    memcpy(store->pruned, last, sizeof last); /* "": from the beginning again */
    return failure;
}

int relay_store_forget_standings(struct relay_store *store, struct error *error)
{
    int failure = begin(store, error);
    if (failure == 0 && sqlite3_exec(store->database, "DELETE FROM standing", NULL, NULL, NULL) != SQLITE_OK)
        failure = fail(store, "cannot forget the fleet's standings", error);
    if (failure < 0) {
        roll_back(store);
        return failure;
    }
    return relay_store_commit(store, 0, error);
}
