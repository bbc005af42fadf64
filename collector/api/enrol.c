/* A node becomes known: with a token that is good once. */
#include <jansson.h>

#include <errno.h>
#include <string.h>
#include "collector/api/endpoint.h"
#include "common/cleanup.h"
#include "common/json.h"

static void drop(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

static bool is_hash(const char *hash)
{
    return hash && strlen(hash) == STORE_HASH - 1 && strspn(hash, "0123456789abcdef") == STORE_HASH - 1;
}

int enrol_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(drop)
    json_t *asked = json_loadb(exchange->body.length ? exchange->body.bytes : "", exchange->body.length,
                               JSON_REJECT_DUPLICATES, NULL);
    const char *name = json_string_value(json_object_get(asked, "name"));
    const char *version = json_string_value(json_object_get(asked, "version"));
    const char *hash = json_string_value(json_object_get(asked, "key_hash"));
    char given[STORE_NAME], release[32];
    if (name == NULL || name[0] == '\0' || strlen(name) >= STORE_NAME)
        return exchange_refuse(exchange, 400, "name: a text of 1 to %d bytes", STORE_NAME - 1);
    if (!is_hash(hash))
        return exchange_refuse(exchange, 400, "key_hash: 64 hexadecimal digits");
    text_copy_printable(text_of(name), given, sizeof given);
    text_copy_printable(text_of(version ? version : ""), release, sizeof release);
    struct store_node node;
    bool known = false;
    struct error why = {0};
    int status =
        store_enrol(store, exchange->secret.hash, hash, given, release, exchange->arrived, &node, &known, &why);
    if (status == -EACCES)
        return exchange_refuse(exchange, 403, "%s", why.text);
    if (status < 0)
        return error_set(error, -status, "%s", why.text);
    char id[SECRET_ID];
    struct json json = json_begin(&exchange->answer);
    json_string(&json, "node", secret_print_id(node.id, id));
    json_string(&json, "name", node.name);
    exchange->status = json_end(&json) ? known ? 200 : 201 : 500;
    return 0;
}
