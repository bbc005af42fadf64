/* Nodes, the tokens by which they come, and persons. Secrets are here only as hashes, and are compared in a time that
 * tells nothing of where they differ. */
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include "collector/store/store_own.h"

#define NODE_COLUMNS "node, name, version, key_hash, enrolled, seen, revoked, spooled, acknowledged"

static int64_t random_id(void)
{
    int64_t id;
    do
        randombytes_buf(&id, sizeof id);
    while (id == 0); /* 0 is every node */
    return id;
}

static bool same_hash(const char *a, struct text b)
{
    return strlen(a) == b.length && b.length > 0 && sodium_memcmp(a, b.bytes, b.length) == 0;
}

static void read_node(const struct value *columns, struct store_node *node)
{
    *node = (struct store_node){.id = columns[0].integer,
                                .enrolled = columns[4].integer,
                                .seen = columns[5].integer,
                                .revoked = columns[6].integer,
                                .spooled = columns[7].integer,
                                .acknowledged = columns[8].integer};
    store_copy(columns[1].text, node->name, sizeof node->name);
    store_copy(columns[2].text, node->version, sizeof node->version);
}

int store_token_add(struct store *store, const char *hash, const char *name, moment until, struct error *error)
{
    return STORE_RUN(store, "INSERT INTO tokens (hash, name, until) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING",
                     NULL, NULL, error, STRING(hash), STRING(name), INTEGER(until));
}

struct token {
    bool found, used;
    moment until;
    int64_t node;
    char key[STORE_HASH], name[STORE_NAME];
};

static bool token_row(void *context, const struct value *columns, size_t count)
{
    struct token *token = context;
    (void)count;
    token->found = true;
    token->until = columns[0].integer;
    token->used = columns[1].kind == VALUE_INTEGER;
    token->node = columns[1].integer;
    store_copy(columns[2].text, token->key, sizeof token->key);
    store_copy(columns[3].text, token->name, sizeof token->name);
    return false;
}

struct found {
    const char *key;
    bool same;
    struct store_node *node;
};

static bool node_row(void *context, const struct value *columns, size_t count)
{
    struct found *found = context;
    (void)count;
    read_node(columns, found->node);
    found->same = same_hash(found->key, columns[3].text);
    return false;
}

int store_node_by_key(struct store *store, int64_t id, const char *key, struct store_node *result, struct error *error)
{
    struct found found = {.key = key, .node = result};
    int rows =
        STORE_RUN(store, "SELECT " NODE_COLUMNS " FROM nodes WHERE node = $1", node_row, &found, error, INTEGER(id));
    return rows < 0 ? rows : rows > 0 && found.same && result->revoked == 0;
}

static int add_node(struct store *store, const char *token, const char *key, struct store_node *node,
                    struct error *error)
{
    int rows = STORE_RUN(store, "INSERT INTO nodes (" NODE_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $5, 0, 0, 0)", NULL,
                         NULL, error, INTEGER(node->id), STRING(node->name), STRING(node->version), STRING(key),
                         INTEGER(node->enrolled));
    if (rows >= 0)
        rows = STORE_RUN(store, "UPDATE tokens SET node = $2, key_hash = $3 WHERE hash = $1 AND node IS NULL", NULL,
                         NULL, error, STRING(token), INTEGER(node->id), STRING(key));
    if (rows == 0)
        return error_set(error, EAGAIN, "the token was used meanwhile");
    return rows < 0 ? rows : 0;
}

static int find_token(struct store *store, const char *hash, struct token *result, struct error *error)
{
    return STORE_RUN(store, "SELECT until, node, key_hash, name FROM tokens WHERE hash = $1", token_row, result, error,
                     STRING(hash));
}

int store_token_known(struct store *store, const char *hash, struct error *error)
{
    struct token found = {0};
    int rows = find_token(store, hash, &found, error);
    return rows < 0 ? rows : found.found;
}

int store_enrol(struct store *store, const char *token, const char *key, const char *name, const char *version,
                moment now, struct store_node *result, bool *known, struct error *error)
{
    struct token found = {0};
    *known = false;
    int rows = find_token(store, token, &found, error);
    if (rows < 0)
        return rows;
    if (!found.found)
        return error_set(error, EACCES, "there is no such token");
    if (found.used) {
        if (!same_hash(key, text_of(found.key)))
            return error_set(error, EACCES, "the token was used by another node");
        *known = true;
        int same = store_node_by_key(store, found.node, key, result, error);
        return same < 0 ? same : same ? 0 : error_set(error, EACCES, "the token's node was revoked");
    }
    if (found.until < now)
        return error_set(error, EACCES, "the token is too old");
    *result = (struct store_node){.id = random_id(), .enrolled = now, .seen = now};
    store_copy(text_of(found.name[0] ? found.name : name), result->name, sizeof result->name);
    store_copy(text_of(version), result->version, sizeof result->version);
    return add_node(store, token, key, result, error);
}

/* By it those hear of a secret that was taken back who wait with it at another collector. */
static int take_revision(struct store *store, struct error *error)
{
    int64_t revision;
    int failure = store_revision_next(store, &revision, error);
    return failure < 0 ? failure : 1;
}

int store_node_revoke(struct store *store, int64_t id, moment now, struct error *error)
{
    int rows = STORE_RUN(store, "UPDATE nodes SET revoked = $2 WHERE node = $1 AND revoked = 0", NULL, NULL, error,
                         INTEGER(id), INTEGER(now));
    int failure = rows > 0 ? store_heard_revoked(store, id, now, error) : 0;
    if (failure < 0)
        return failure;
    return rows > 0 ? take_revision(store, error) : rows;
}

int store_node_is_known(struct store *store, int64_t id, struct error *error)
{
    int64_t found = 0;
    int rows = STORE_RUN(store, "SELECT COUNT(*) FROM nodes WHERE node = $1 AND revoked = 0", store_row_integer, &found,
                         error, INTEGER(id));
    return rows < 0 ? rows : found > 0;
}

int store_node_seen(struct store *store, int64_t id, const char *version, int64_t spooled, const char *address,
                    moment now, struct error *error)
{
    return STORE_QUEUE(store, "UPDATE nodes SET version = $2, spooled = $3, seen = $4, address = $5 WHERE node = $1",
                       error, INTEGER(id), STRING(version), INTEGER(spooled), INTEGER(now), STRING(address));
}

int store_node_heard(struct store *store, int64_t id, moment when, struct error *error)
{
    return STORE_QUEUE(store, "UPDATE nodes SET seen = $2 WHERE node = $1 AND seen < $2", error, INTEGER(id),
                       INTEGER(when));
}

struct nodes_listener {
    void (*each)(void *, const struct store_node *);
    void *context;
};

static bool nodes_row(void *context, const struct value *columns, size_t count)
{
    const struct nodes_listener *listener = context;
    struct store_node node;
    (void)count;
    read_node(columns, &node);
    listener->each(listener->context, &node);
    return true;
}

int store_nodes(struct store *store, void (*each)(void *context, const struct store_node *), void *context,
                struct error *error)
{
    struct nodes_listener listener = {each, context};
    int rows = engine_run(store->engine, "SELECT " NODE_COLUMNS " FROM nodes ORDER BY name, node", NULL, 0, nodes_row,
                          &listener, error);
    return rows < 0 ? rows : 0;
}

struct found_person {
    const char *key;
    bool same;
    struct store_person *person;
};

static bool person_row(void *context, const struct value *columns, size_t count)
{
    struct found_person *found = context;
    (void)count;
    found->person->id = columns[0].integer;
    store_copy(columns[1].text, found->person->name, sizeof found->person->name);
    found->same = same_hash(found->key, columns[2].text);
    found->person->may = (unsigned)columns[3].integer;
    return false;
}

int store_person_by_key(struct store *store, int64_t id, const char *key, struct store_person *result,
                        struct error *error)
{
    struct found_person found = {.key = key, .person = result};
    int rows = STORE_RUN(store, "SELECT person, name, key_hash, may FROM persons WHERE person = $1", person_row, &found,
                         error, INTEGER(id));
    return rows < 0 ? rows : rows > 0 && found.same;
}

int store_person_add(struct store *store, const char *key, const char *name, unsigned may, moment now,
                     struct store_person *result, struct error *error)
{
    *result = (struct store_person){.id = result->id ? result->id : random_id(), .may = may};
    store_copy(text_of(name), result->name, sizeof result->name);
    return STORE_RUN(store,
                     "INSERT INTO persons (person, name, key_hash, may, added) VALUES ($1, $2, $3, $4, $5) "
                     "ON CONFLICT (person) DO NOTHING",
                     NULL, NULL, error, INTEGER(result->id), STRING(result->name), STRING(key), INTEGER(may),
                     INTEGER(now));
}

int store_person_revoke(struct store *store, int64_t id, struct error *error)
{
    int rows = STORE_RUN(store, "DELETE FROM persons WHERE person = $1", NULL, NULL, error, INTEGER(id));
    return rows > 0 ? take_revision(store, error) : rows;
}

struct persons_listener {
    void (*each)(void *, const struct store_person *);
    void *context;
};

static bool persons_row(void *context, const struct value *columns, size_t count)
{
    const struct persons_listener *listener = context;
    struct store_person person = {.id = columns[0].integer, .may = (unsigned)columns[2].integer};
    (void)count;
    store_copy(columns[1].text, person.name, sizeof person.name);
    listener->each(listener->context, &person);
    return true;
}

int store_persons(struct store *store, void (*each)(void *context, const struct store_person *), void *context,
                  struct error *error)
{
    struct persons_listener listener = {each, context};
    int rows = engine_run(store->engine, "SELECT person, name, may FROM persons ORDER BY name, person", NULL, 0,
                          persons_row, &listener, error);
    return rows < 0 ? rows : 0;
}
