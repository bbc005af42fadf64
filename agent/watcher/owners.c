/* See owners.h. A table of connections, and a row of dockets for what waits. */
#include "agent/watcher/owners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/judge/docket.h"
#include "common/table.h"

#define CONNECTIONS 32768
#define DOCKETS     16   /* so many times DOCKET_MOST observations can wait */
#define ASKED_MOST  1024 /* questions without an answer */

struct key { /* no padding: it is compared and hashed as it stands */
    uint8_t client[16], server[16];
    uint16_t client_port, server_port;
    uint32_t family;
};

struct connection {
    duration asked;
    uint32_t user;
    enum { NOT_ASKED, ASKED, ANSWERED } state;
    enum owned owned;
};

struct owners {
    struct owners_listener listener;
    duration now;
    uint32_t asked;
    size_t first, at, last; /* the docket that is read, where in it, the one that is written */
    struct table *table;
    struct docket dockets[DOCKETS];
};

struct owners *owners_create(const struct owners_listener *listener, const struct siphash_key *key, struct error *error)
{
    const struct table_shape shape = {CONNECTIONS, sizeof(struct key), sizeof(struct connection), *key};
    struct owners *owners = calloc(1, sizeof *owners);
    void *memory = owners ? calloc(1, table_memory(&shape)) : NULL;
    if (!memory) {
        free(owners);
        error_set(error, ENOMEM, "no memory for the owners of connections");
        return NULL;
    }
    owners->listener = *listener;
    owners->table = table_place(memory, &shape);
    return owners;
}

void owners_destroy(struct owners **owner)
{
    if (*owner)
        free((*owner)->table);
    free(*owner);
    *owner = NULL;
}

static struct key key_of(const struct origin *origin, const struct address *server, uint16_t server_port)
{
    struct key key = {.client_port = origin->client_port, .server_port = server_port, .family = server->family};
    memcpy(key.client, origin->address.bytes, sizeof key.client);
    memcpy(key.server, server->bytes, sizeof key.server);
    return key;
}

static bool is_waited_for(const struct owners *owners, const struct connection *connection)
{
    return connection && connection->state == ASKED && owners->now - connection->asked < OWNER_PATIENCE;
}

static void count_answered(struct owners *owners)
{
    owners->asked -= owners->asked > 0;
}

static void ask(struct owners *owners, const struct key *key, struct connection *connection)
{
    union message question;
    struct message_owner *ends = &question.owner;
    if (owners->asked >= ASKED_MOST) {
        connection->state = ANSWERED;
        connection->owned = OWNED_UNKNOWN;
        return;
    }
    message_prepare(&question, MESSAGE_ASK_OWNER, 0);
    ends->family = (uint8_t)key->family;
    ends->client_port = key->client_port;
    ends->server_port = key->server_port;
    memcpy(ends->client, key->client, sizeof ends->client);
    memcpy(ends->server, key->server, sizeof ends->server);
    *connection = (struct connection){.asked = owners->now, .state = ASKED};
    owners->asked++;
    owners->listener.ask(owners->listener.context, &question);
}

void owners_begin(struct owners *owners, const struct origin *origin, const struct address *server,
                  uint16_t server_port)
{
    struct key key = key_of(origin, server, server_port);
    bool added;
    struct connection *connection = table_add(owners->table, &key, &added, NULL, NULL);
    if (!is_waited_for(owners, connection))
        ask(owners, &key, connection);
}

void owners_fill(struct owners *owners, struct origin *origin, const struct address *server, uint16_t server_port)
{
    struct key key = key_of(origin, server, server_port);
    const struct connection *connection = table_find(owners->table, &key);
    origin->user_known = connection && connection->owned == OWNED_BY_USER;
    origin->user = origin->user_known ? connection->user : 0;
}

/* --- what waits ----------------------------------------------------------------------------------------------------
 */

static bool is_anything_waiting(const struct owners *owners)
{
    return owners->at < owners->dockets[owners->first].count;
}

static void pass_on(struct owners *owners, struct observation observation)
{
    struct key key = key_of(&observation.origin, &observation.server, observation.server_port);
    const struct connection *connection = table_find(owners->table, &key);
    enum owned owned = connection ? connection->owned : OWNED_UNKNOWN;
    observation.origin.user_known = owned == OWNED_BY_USER;
    observation.origin.user = owned == OWNED_BY_USER ? connection->user : 0;
    owners->listener.observe(owners->listener.context, &observation, owned);
}

static void release_first(struct owners *owners)
{
    struct docket *docket = &owners->dockets[owners->first];
    pass_on(owners, docket->entries[owners->at++].observation);
    if (owners->at < docket->count)
        return;
    docket_clear(docket);
    owners->at = 0;
    if (owners->first != owners->last)
        owners->first = (owners->first + 1) % DOCKETS;
}

static void release(struct owners *owners)
{
    while (is_anything_waiting(owners)) {
        const struct observation *next = &owners->dockets[owners->first].entries[owners->at].observation;
        struct key key = key_of(&next->origin, &next->server, next->server_port);
        if (is_waited_for(owners, table_find(owners->table, &key)))
            return;
        release_first(owners);
    }
}

static void keep(struct owners *owners, const struct observation *observation)
{
    if (docket_add(&owners->dockets[owners->last], observation))
        return;
    if (owners->dockets[owners->last].count == 0) { /* more text than a docket takes */
        pass_on(owners, *observation);
        return;
    }
    size_t next = (owners->last + 1) % DOCKETS;
    while (next == owners->first && is_anything_waiting(owners))
        release_first(owners);
    owners->last = next;
    if (!docket_add(&owners->dockets[next], observation))
        pass_on(owners, *observation);
}

void owners_hear(struct owners *owners, const struct observation *observation)
{
    struct key key = key_of(&observation->origin, &observation->server, observation->server_port);
    struct connection *connection = table_find(owners->table, &key);
    if (!connection) { /* it began before we did, or was forgotten */
        owners_begin(owners, &observation->origin, &observation->server, observation->server_port);
        connection = table_find(owners->table, &key);
    }
    if (is_anything_waiting(owners) || is_waited_for(owners, connection))
        keep(owners, observation);
    else
        pass_on(owners, *observation);
}

void owners_answer(struct owners *owners, const struct message_owner *answer)
{
    struct key key = {.client_port = answer->client_port, .server_port = answer->server_port, .family = answer->family};
    memcpy(key.client, answer->client, sizeof key.client);
    memcpy(key.server, answer->server, sizeof key.server);
    struct connection *connection = table_find(owners->table, &key);
    if (!connection || connection->state != ASKED)
        return;
    count_answered(owners);
    connection->state = ANSWERED;
    connection->owned = (enum owned)answer->owned;
    connection->user = answer->user;
    release(owners);
}

bool owners_tick(struct owners *owners, duration steady)
{
    if (steady / SECOND != owners->now / SECOND)
        owners->asked = 0; /* what has no answer by now was lost */
    owners->now = steady;
    release(owners);
    return is_anything_waiting(owners);
}
