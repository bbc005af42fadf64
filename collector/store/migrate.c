/* The schema, brought up to date one step at a time. A step and the number that says it is done are one transaction:
 * of two collectors that start at once, one makes the step and the other, told to run its transaction again, finds it
 * made. A schema that is newer than this program is refused, never guessed at. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "collector/store/store_own.h"
#include "common/buffer.h"
#include "common/cleanup.h"

#define ATTEMPTS    20
#define SCHEMA_MOST (1U << 20)

#define EMBED(name, path)                                                                                              \
    __asm__(".pushsection .rodata\n"                                                                                   \
            "schema_" #name ":\n"                                                                                      \
            ".incbin \"collector/store/schema/" path "\"\n"                                                            \
            ".byte 0\n"                                                                                                \
            ".popsection\n");                                                                                          \
    extern const char schema_##name[];

EMBED(begin, "001-begin.sql")
EMBED(keep, "002-keep.sql")
EMBED(settings, "003-settings.sql")
EMBED(ask, "004-ask.sql")
EMBED(fleet, "005-fleet.sql")
EMBED(asked, "006-asked.sql")
EMBED(messages, "007-messages.sql")
EMBED(reputation, "008-reputation.sql")
EMBED(watch, "009-watch.sql")

static const char *const steps[] = {schema_begin, schema_keep,     schema_settings,   schema_ask,  schema_fleet,
                                    schema_asked, schema_messages, schema_reputation, schema_watch};
#define NEWEST ((int64_t)(sizeof steps / sizeof steps[0]))

/* A word in braces is the engine's own to say. NULL: it is none. */
static const char *word_of(const struct engine *engine, const char *at, size_t *length)
{
    static const char clustered[] = "{CLUSTERED}", bytes[] = "{BYTES}";
    bool is_clustered = strncmp(at, clustered, sizeof clustered - 1) == 0;
    bool is_bytes = strncmp(at, bytes, sizeof bytes - 1) == 0;
    *length = is_clustered ? sizeof clustered - 1 : sizeof bytes - 1;
    return is_clustered ? engine_clustered(engine) : is_bytes ? engine_bytes(engine) : NULL;
}

static int run_step(struct engine *engine, const char *step, struct error *error)
{
    struct buffer sql CLEANUP(buffer_clear);
    buffer_init(&sql, SCHEMA_MOST);
    bool whole = true;
    for (const char *at = step; whole && *at;) {
        size_t length, plain = strcspn(at, "{");
        /* The first line of a step names the words in a comment: they are put in there too, and harm nothing. */
        const char *word = word_of(engine, at, &length);
        if (word == NULL)
            length = plain ? plain : 1;
        whole = buffer_append(&sql, word ? text_of(word) : (struct text){at, length});
        at += length;
    }
    if (!whole || !buffer_append_byte(&sql, '\0'))
        return error_set(error, ENOMEM, "no memory for the schema");
    return engine_script(engine, sql.bytes, error);
}

static int read_version(struct engine *engine, int64_t *version, struct error *error)
{
    *version = 0;
    int rows = engine_run(engine, "SELECT COALESCE(MAX(version), 0) FROM schema_version", NULL, 0, store_row_integer,
                          version, error);
    return rows < 0 ? rows : 0;
}

/* 1: one step was made; 0: none was missing. */
static int make_one_step(struct engine *engine, int64_t wanted, struct error *error)
{
    int64_t version;
    int failure =
        engine_script(engine, "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY)", error);
    if (failure == -EEXIST) /* another collector makes the same table now */
        failure = error_set(error, EAGAIN, "another collector makes the schema");
    if (failure == 0)
        failure = read_version(engine, &version, error);
    if (failure < 0)
        return failure;
    if (version > NEWEST)
        return error_set(error, EPROTO, "the store's schema is %lld, this program knows %lld: a newer one made it",
                         (long long)version, (long long)NEWEST);
    if (version >= wanted)
        return 0;
    /* The number first: it is the row for which two collectors meet. */
    const struct value next = VALUE_INTEGER(version + 1);
    int rows = engine_run(engine, "INSERT INTO schema_version (version) VALUES ($1)", &next, 1, NULL, NULL, error);
    if (rows < 0)
        return rows == -EEXIST ? -EAGAIN : rows;
    failure = run_step(engine, steps[version], error);
    return failure < 0 ? failure : 1;
}

int64_t store_schema_newest(void)
{
    return NEWEST;
}

/* SQLite does not let two wait for each other's lock: one is told at once, and the other needs a moment. */
static void pause_before(int attempt)
{
    const struct timespec time = {0, (long)attempt * 10 * 1000 * 1000};
    nanosleep(&time, NULL);
}

int store_migrate(struct engine *engine, int64_t wanted, struct error *error)
{
    int attempts = 0, made;
    do {
        pause_before(attempts);
        made = engine_begin(engine, error);
        if (made == 0)
            made = make_one_step(engine, wanted, error);
        if (made >= 0) {
            int failure = engine_commit(engine, error);
            made = failure < 0 ? failure : made;
        }
        if (made < 0)
            engine_rollback(engine);
    } while (made > 0 || ((made == -EAGAIN || made == -EBUSY) && ++attempts < ATTEMPTS));
    return made < 0 ? error_wrap(error, "the store's schema") : 0;
}
