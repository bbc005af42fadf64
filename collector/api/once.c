/* See once.h. */
#include "collector/api/once.h"

#include <sodium.h>
#include <string.h>
#include "collector/api/endpoint.h"
#include "common/json.h"

static bool is_name(const char *name)
{
    size_t length = strspn(name, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_");
    return name[length] == '\0' && length >= ONCE_LEAST && length < EXCHANGE_NAME;
}

bool once_name(struct exchange *exchange, const char *given)
{
    unsigned char random[16];
    if (given && !is_name(given))
        return false;
    if (given) {
        strcpy(exchange->name, given);
        return true;
    }
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(exchange->name, sizeof exchange->name, random, sizeof random);
    return true;
}

/* Of all by which two requests may differ. */
static void digest(const struct exchange *exchange, char result[STORE_HASH])
{
    crypto_generichash_state state;
    unsigned char hash[32];
    const char *path = exchange->endpoint->path;
    crypto_generichash_init(&state, NULL, 0, sizeof hash);
    crypto_generichash_update(&state, (const unsigned char *)path, strlen(path) + 1);
    crypto_generichash_update(&state, (const unsigned char *)exchange->target.bytes, exchange->target.length);
    crypto_generichash_update(&state, (const unsigned char *)"", 1);
    crypto_generichash_update(&state, (const unsigned char *)exchange->body.bytes, exchange->body.length);
    crypto_generichash_final(&state, hash, sizeof hash);
    sodium_bin2hex(result, STORE_HASH, hash, sizeof hash);
}

static int answer(struct exchange *exchange, int64_t revision)
{
    struct json json = json_begin(&exchange->answer);
    json_integer(&json, "revision", revision);
    exchange->status = json_end(&json) ? 201 : 503;
    exchange->told = TOLD_NODES;
    exchange->revision = revision;
    return 0;
}

int once_was_done(struct store *store, struct exchange *exchange, struct error *error)
{
    char hash[STORE_HASH];
    struct store_asked asked = {.person = exchange->person.id, .name = exchange->name, .digest = hash};
    digest(exchange, hash);
    int found = store_asked_before(store, &asked, error);
    if (found <= 0)
        return found;
    if (asked.same)
        answer(exchange, asked.revision);
    else
        exchange_refuse(exchange, 409, "something else was asked for under this Idempotency-Key");
    return 1;
}

int once_done(struct store *store, struct exchange *exchange, int64_t revision, struct error *error)
{
    char hash[STORE_HASH];
    digest(exchange, hash);
    const struct store_asked asked = {.person = exchange->person.id,
                                      .name = exchange->name,
                                      .digest = hash,
                                      .time = exchange->arrived,
                                      .revision = revision};
    int failure = store_asked_add(store, &asked, error);
    return failure < 0 ? failure : answer(exchange, revision);
}
