/* From a URI to a connection. libpq quotes a URI that it cannot read, and the password in it: so nothing of what it
 * says about the URI goes further. What it says about a connection holds no password. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "collector/store/engine_postgresql.h"
#include "common/cleanup.h"

#define OPTIONS_MOST 96
#define PATIENCE     (30 * SECOND)

/* What stands unless the URI says otherwise: a server that does not answer any more is given up within a minute. */
static const struct preset {
    const char *key, *value;
} presets[] = {
    {"connect_timeout", "5"},      {"tcp_user_timeout", "30000"}, {"keepalives_idle", "20"},
    {"keepalives_interval", "10"}, {"keepalives_count", "3"},     {"fallback_application_name", "postern-collector"},
};
#define PRESETS (sizeof presets / sizeof presets[0])

struct address {
    PQconninfoOption *options; /* owns the texts */
    const char *keys[OPTIONS_MOST + 1], *values[OPTIONS_MOST + 1];
    size_t count;
};

static const char *address_value(const struct address *address, const char *key)
{
    for (size_t i = 0; i < address->count; i++)
        if (strcmp(address->keys[i], key) == 0)
            return address->values[i];
    return NULL;
}

static void address_release(struct address *address)
{
    PQconninfoFree(address->options);
}

static bool address_add(struct address *address, const char *key, const char *value)
{
    if (address->count == OPTIONS_MOST)
        return false;
    address->keys[address->count] = key;
    address->values[address->count++] = value;
    return true;
}

static bool address_parse(const char *uri, struct address *address)
{
    char *sentence = NULL;
    bool whole = true;
    *address = (struct address){.options = PQconninfoParse(uri, &sentence)};
    PQfreemem(sentence);
    if (!address->options)
        return false;
    for (const PQconninfoOption *option = address->options; option->keyword; option++)
        if (option->val && strcmp(option->keyword, "client_encoding") != 0)
            whole = whole && address_add(address, option->keyword, option->val);
    for (size_t i = 0; i < PRESETS; i++)
        if (!address_value(address, presets[i].key))
            whole = whole && address_add(address, presets[i].key, presets[i].value);
    return whole && address_add(address, "client_encoding", "UTF8");
}

/* Why there is no connection: a server that answers but will not have us has been asked wrongly. */
static int code_of(struct address *address)
{
    for (size_t i = 0; i < address->count; i++)
        if (strcmp(address->keys[i], "connect_timeout") == 0)
            address->values[i] = "2";
    PGPing ping = PQpingParams(address->keys, address->values, 0);
    return ping == PQPING_OK ? EACCES : ping == PQPING_NO_ATTEMPT ? EINVAL : ENOTCONN;
}

static void be_silent(void *context, const PGresult *notice)
{
    (void)context;
    (void)notice;
}

int engine_postgresql_check(const char *uri, struct error *error)
{
    CLEANUP(address_release) struct address address;
    if (address_parse(uri, &address))
        return 0;
    return error_set(error, EINVAL, "this PostgreSQL URI cannot be read; postgresql://USER@HOST/DATABASE is one");
}

/* A server that hangs with a connection open is given up after the time that one may take that does not answer at all.
 */
static duration patience_of(const struct address *address)
{
    const char *value = address_value(address, "tcp_user_timeout");
    uint64_t milliseconds = 0;
    bool said = value && text_number(text_of(value), &milliseconds) && milliseconds > 0 && milliseconds <= INT32_MAX;
    return said ? (duration)milliseconds * MILLISECOND : PATIENCE;
}

int postgresql_connect(const char *uri, PGconn **result, duration *patience, struct error *error)
{
    CLEANUP(address_release) struct address address;
    if (!address_parse(uri, &address))
        return error_set(error, EINVAL, "the URI cannot be read");
    PGconn *connection = PQconnectdbParams(address.keys, address.values, 0);
    if (!connection)
        return error_set(error, ENOMEM, "no memory for a connection");
    int failure = 0;
    const char *encoding = PQparameterStatus(connection, "server_encoding");
    if (PQstatus(connection) != CONNECTION_OK) {
        char sentence[200];
        snprintf(sentence, sizeof sentence, "%s", PQerrorMessage(connection));
        for (char *at = sentence; (at = strpbrk(at, "\n\t"));)
            *at = at[1] ? ' ' : '\0';
        failure = error_set(error, code_of(&address), "%s", sentence);
    } else if (PQsetnonblocking(connection, 1) != 0) {
        failure = error_set(error, ENOMEM, "no memory for a connection");
    } else if (!encoding || strcmp(encoding, "UTF8") != 0) {
        failure = error_set(error, EINVAL, "the database is made for %s; it has to be made with ENCODING 'UTF8'",
                            encoding ? encoding : "an encoding that it does not say");
    }
    if (failure < 0) {
        PQfinish(connection);
        return failure;
    }
    PQsetNoticeReceiver(connection, be_silent, NULL);
    *patience = patience_of(&address);
    *result = connection;
    return 0;
}

void engine_postgresql_describe(const char *uri, char result[ENGINE_WHERE])
{
    CLEANUP(address_release) struct address address;
    if (!address_parse(uri, &address)) {
        snprintf(result, ENGINE_WHERE, "a URI that cannot be read");
        return;
    }
    const char *user = address_value(&address, "user"), *host = address_value(&address, "host"),
               *port = address_value(&address, "port"), *database = address_value(&address, "dbname");
    if (port && strspn(port, ",") == strlen(port)) /* several hosts, and no port of any */
        port = NULL;
    snprintf(result, ENGINE_WHERE, "postgresql://%s%s%s%s%s/%s", user ? user : "", user ? "@" : "", host ? host : "",
             port ? ":" : "", port ? port : "", database ? database : "");
}
