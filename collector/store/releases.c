/* See releases.h. */
#include "collector/store/releases.h"

#include "collector/store/store_own.h"

const char *store_release_name(enum store_release_state state)
{
    static const char *const names[RELEASE_STATES] = {"waiting", "sending", "sent", "failed", "in doubt"};
    return state < RELEASE_STATES ? names[state] : "in doubt";
}

int store_release_add(struct store *store, const char *name, const char *person, bool again, moment now,
                      struct error *error)
{
    int64_t state = -1;
    int found =
        STORE_RUN(store, "SELECT state FROM releases WHERE name = $1", store_row_integer, &state, error, STRING(name));
    if (found < 0)
        return found;
    if (found > 0 && state != RELEASE_FAILED && !(again && state == RELEASE_IN_DOUBT))
        return 0;
    int rows = STORE_RUN(store,
                         "INSERT INTO releases (name, person, asked, state, tries, due, done, answer) "
                         "VALUES ($1, $2, $3, 0, 0, $3, 0, '') ON CONFLICT (name) DO UPDATE SET "
                         "person = $2, asked = $3, state = 0, tries = 0, due = $3, done = 0, answer = ''",
                         NULL, NULL, error, STRING(name), STRING(person), INTEGER(now));
    return rows < 0 ? rows : 1;
}

struct listener {
    void (*each)(void *, const struct store_release *);
    void *context;
};

static bool release_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    struct store_release release = {.person = columns[1].text,
                                    .answer = columns[2].text,
                                    .state = (enum store_release_state)columns[3].integer,
                                    .asked = columns[4].integer,
                                    .due = columns[5].integer,
                                    .done = columns[6].integer,
                                    .tries = columns[7].integer};
    (void)count;
    store_copy(columns[0].text, release.name, sizeof release.name);
    listener->each(listener->context, &release);
    return true;
}

int store_release_find(struct store *store, const char *name, void (*each)(void *, const struct store_release *),
                       void *context, struct error *error)
{
    struct listener listener = {each, context};
    return STORE_RUN(store, "SELECT name, person, answer, state, asked, due, done, tries FROM releases WHERE name = $1",
                     release_row, &listener, error, STRING(name));
}

int store_releases_unclaim(struct store *store, moment now, struct error *error)
{
    return STORE_QUEUE(store, "UPDATE releases SET due = $1 WHERE state = 1 AND due > $1", error, INTEGER(now));
}

int store_release_wanted(struct store *store, moment now, struct error *error)
{
    return STORE_RUN(store, "SELECT 1 FROM releases WHERE due > 0 AND due <= $1 LIMIT 1", NULL, NULL, error,
                     INTEGER(now));
}

struct claim {
    char *name;
    int64_t tries, due;
};

static bool claim_row(void *context, const struct value *columns, size_t count)
{
    struct claim *claim = context;
    (void)count;
    store_copy(columns[0].text, claim->name, STORE_MESSAGE_NAME);
    claim->tries = columns[1].integer;
    claim->due = columns[2].integer;
    return false;
}

int store_release_claim(struct store *store, moment now, moment until, char name[STORE_MESSAGE_NAME], int64_t *tries,
                        struct error *error)
{
    struct claim claim = {.name = name};
    int found = STORE_RUN(store,
                          "UPDATE releases SET state = 4, due = 0, done = $1, answer = 'the collector ended while it "
                          "was sent: it may have arrived or not' WHERE due > 0 AND due <= $1 AND state = 1",
                          NULL, NULL, error, INTEGER(now));
    if (found >= 0)
        found = STORE_RUN(store,
                          "SELECT name, tries, due FROM releases WHERE due > 0 AND due <= $1 AND state = 0 "
                          "ORDER BY due, name LIMIT 1",
                          claim_row, &claim, error, INTEGER(now));
    if (found <= 0)
        return found;
    *tries = claim.tries;
    return STORE_RUN(store, "UPDATE releases SET state = 1, due = $3, tries = tries + 1 WHERE name = $1 AND due = $2",
                     NULL, NULL, error, STRING(name), INTEGER(claim.due), INTEGER(until));
}

int store_release_ended(struct store *store, const char *name, enum store_release_state state, const char *answer,
                        moment now, moment due, struct error *error)
{
    return STORE_QUEUE(store,
                       "UPDATE releases SET state = $2, answer = $3, done = $4, due = $5 WHERE name = $1 AND state = 1",
                       error, STRING(name), INTEGER(state), STRING(answer), INTEGER(now), INTEGER(due));
}

int store_releases_tidy(struct store *store, moment before, struct error *error)
{
    return STORE_QUEUE(store, "DELETE FROM releases WHERE asked < $1 AND due = 0", error, INTEGER(before));
}
