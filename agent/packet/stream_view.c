/* What is known of streams, for those who ask: ends, counts, and where each side stands, for cutting. */
#include "agent/packet/stream_state.h"

#include <string.h>

/* As address_from_ipv4() and address_from_ipv6() make it, from bytes that are zero behind an IPv4 address. */
static inline struct address address_of(const struct stream *stream, const uint8_t bytes[16])
{
    struct address address = {.family = stream->family, .prefix = stream->family == 4 ? 32 : 128};
    memcpy(address.bytes, bytes, sizeof address.bytes);
    return address;
}

uint16_t stream_server_port(const struct stream *stream)
{
    return stream->server_port;
}

void stream_origin(const struct stream *stream, struct origin *client, struct address *server, uint16_t *server_port)
{
    client->port = stream->port;
    client->vlan = stream->vlan;
    memcpy(client->mac, stream->client_mac, sizeof client->mac);
    client->address = address_of(stream, stream->client);
    client->client_port = stream->client_port;
    client->odd = stream->odd;
    client->user_known = false; /* packets do not say */
    client->user = 0;
    client->account = (struct text){0};
    *server = address_of(stream, stream->server);
    *server_port = stream->server_port;
}

bool stream_has_syn(const struct stream *stream)
{
    return stream->flags & STREAM_SYN_SEEN;
}

void stream_ends(const struct stream *stream, struct stream_ends *result)
{
    const struct side *client = &stream->sides[STREAM_CLIENT], *server = &stream->sides[STREAM_SERVER];
    memset(result, 0, sizeof *result);
    stream_origin(stream, &result->origin, &result->server, &result->server_port);
    memcpy(result->server_mac, stream->server_mac, sizeof result->server_mac);
    result->begun = stream->begun;
    result->last = stream->last;
    result->syn_seen = stream->flags & STREAM_SYN_SEEN;
    result->opened = stream->flags & STREAM_OPENED;
    result->refused = stream->flags & STREAM_REFUSED;
    result->gapped = stream->flags & STREAM_GAPPED;
    result->client_seen = client->flags & SIDE_SEEN;
    result->server_seen = server->flags & SIDE_SEEN;
    result->conflicts = stream->conflicts;
    result->doubted = stream->doubted;
    result->client_ttl_least = stream->ttl_least;
    result->client_ttl_most = stream->ttl_most;
    result->client_bytes = client->bytes;
    result->server_bytes = server->bytes;
}

bool stream_is_hearsay(const struct stream *stream)
{
    return (stream->flags & STREAM_GUEST) && !(stream->sides[STREAM_CLIENT].flags & SIDE_SEEN);
}

struct stream_counters streams_counters(const struct streams *s)
{
    struct stream_counters counters = s->counters;
    counters.open_now = (uint64_t)s->unconfirmed.count + s->confirmed.count;
    return counters;
}

/* What the receiver of that side's bytes waits for: what it acknowledged last. */
static uint32_t expected(const struct side *side)
{
    return side->flags & SIDE_ACKED ? side->acked : side->next;
}

size_t streams_visit(struct streams *s, bool again, bool (*wanted)(void *context, const struct stream_ends *),
                     void (*visit)(void *context, const struct stream_position *), void *context)
{
    const struct stream_list *lists[] = {&s->unconfirmed, &s->confirmed};
    size_t count = 0;
    for (int i = 0; i < 2; i++) {
        for (uint32_t place = lists[i]->oldest; place != 0; place = stream_at(s, place)->younger) {
            struct stream *stream = stream_at(s, place);
            struct stream_position position;
            stream_ends(stream, &position.ends);
            if (!wanted(context, &position.ends)) {
                continue;
            }
            position.client_expects = expected(&stream->sides[STREAM_SERVER]);
            position.server_expects = expected(&stream->sides[STREAM_CLIENT]);
            position.last = stream->last;
            stream->being_cut = again;
            visit(context, &position);
            count++;
        }
    }
    return count;
}
