/* To end a connection is to shut its socket down: the library that owns it then sees that it is over. */
#include "collector/api/connections.h"

#include <stdlib.h>
#include <sys/socket.h>

void connections_init(struct connections *connections, uint32_t most)
{
    *connections = (struct connections){.most = most};
    connections->newest = &connections->strangers;
}

static void unlink_connection(struct connections *connections, struct connection *connection)
{
    if (!connection->known) {
        connections->stranger_count--;
        if (connections->newest == &connection->next)
            connections->newest = connection->before;
    }
    *connection->before = connection->next;
    if (connection->next)
        connection->next->before = connection->before;
    connection->next = NULL;
}

static void end(struct connection *connection)
{
    connection->deadline = 0;
    shutdown(connection->descriptor, SHUT_RDWR);
}

static struct connection *oldest_not_ended(const struct connections *connections)
{
    struct connection *oldest = connections->strangers;
    while (oldest && oldest->deadline == 0) /* ended, or we owe it an answer */
        oldest = oldest->next;
    return oldest;
}

/* One place stays free: whoever comes has to be let in for another to be put out. */
static bool strangers_are_many(const struct connections *connections)
{
    uint32_t known = connections->count - connections->stranger_count;
    uint32_t left = connections->most > known + 1 ? connections->most - known - 1 : 0;
    return connections->stranger_count >= (connections->most / 2 < left ? connections->most / 2 : left);
}

struct connection *connections_add(struct connections *connections, int descriptor, duration deadline, uint32_t *ended)
{
    struct connection *connection = calloc(1, sizeof *connection);
    *ended = 0;
    if (connection == NULL)
        return NULL;
    if (strangers_are_many(connections)) {
        struct connection *oldest = oldest_not_ended(connections);
        if (oldest) {
            end(oldest);
            *ended = 1;
        }
    }
    connection->descriptor = descriptor;
    connection->deadline = deadline;
    connection->before = connections->newest;
    *connections->newest = connection;
    connections->newest = &connection->next;
    connections->count++;
    connections->stranger_count++;
    return connection;
}

void connections_remove(struct connections *connections, struct connection *connection)
{
    unlink_connection(connections, connection);
    connections->count--;
    free(connection);
}

void connections_know(struct connections *connections, struct connection *connection)
{
    if (connection->known)
        return;
    unlink_connection(connections, connection);
    connection->known = true;
    connection->next = connections->known;
    connection->before = &connections->known;
    if (connections->known)
        connections->known->before = &connection->next;
    connections->known = connection;
}

static uint32_t end_late(struct connection *first, duration now)
{
    uint32_t count = 0;
    for (struct connection *connection = first; connection; connection = connection->next)
        if (connection->deadline && connection->deadline < now) {
            end(connection);
            count++;
        }
    return count;
}

uint32_t connections_end_late(struct connections *connections, duration now)
{
    return end_late(connections->known, now) + end_late(connections->strangers, now);
}

static bool busy(const struct connection *first, duration last)
{
    for (const struct connection *connection = first; connection; connection = connection->next)
        if (connection->deadline == 0 || connection->deadline < last)
            return true;
    return false;
}

bool connections_busy(const struct connections *connections, duration last)
{
    return busy(connections->known, last) || busy(connections->strangers, last);
}
