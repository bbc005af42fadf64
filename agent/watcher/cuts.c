/* A list of a few senders; each round walks the streams that are open then, with the sequence numbers of then. */
#include "agent/watcher/cuts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CUTS_MOST 256

static const duration rounds[] = {0, 200 * MILLISECOND, SECOND};
#define ROUNDS (sizeof(rounds) / sizeof(rounds[0]))

struct cut {
    struct sender sender;
    duration began;
    uint32_t round; /* the next of `rounds` */
};

struct cuts {
    struct cuts_listener listener;
    struct cut items[CUTS_MOST];
    size_t count;
};

struct cuts *cuts_create(const struct cuts_listener *listener, struct error *error)
{
    struct cuts *cuts = calloc(1, sizeof(*cuts));
    if (cuts)
        cuts->listener = *listener;
    else
        error_set(error, ENOMEM, "no memory for cutting connections");
    return cuts;
}

void cuts_destroy(struct cuts **owner)
{
    free(*owner);
    *owner = NULL;
}

struct round {
    struct cuts *cuts;
    const struct senders *senders;
    const struct sender *sender;
    bool again; /* not the first */
};

/* Both ends have spoken on the sender's own port. A guest can put anything into the frames that it sends, but the
 * answers come to the port of whoever really has the connection: one with no answer here is perhaps another guest's,
 * whose reset it would like us to send. */
static bool is_its_own(const struct stream_ends *ends)
{
    return ends->client_seen && ends->server_seen;
}

/* The sender as it is judged, or as a person named it: by address or MAC although the guest's port is known. */
static bool is_of(void *context, const struct stream_ends *ends)
{
    const struct round *round = context;
    struct sender sender;
    if (!is_its_own(ends))
        return false;
    switch (round->sender->kind) {
    case SENDER_IPV4:
    case SENDER_IPV6:
        sender = sender_from_address(&ends->origin.address);
        break;
    case SENDER_MAC:
        sender = sender_from_mac(ends->origin.mac);
        break;
    default: {
        struct origin origin = ends->origin;
        const struct cuts_listener *listener = &round->cuts->listener;
        if (listener->own)
            listener->own(listener->context, &origin, &ends->server, ends->server_port);
        sender = senders_attribute(round->senders, &origin);
    }
    }
    return sender_equals(&sender, round->sender);
}

static bool is_known(const uint8_t mac[6])
{
    static const uint8_t none[6];
    return memcmp(mac, none, 6) != 0;
}

static void cut_stream(void *context, const struct stream_position *position)
{
    const struct round *round = context;
    const struct stream_ends *ends = &position->ends;
    union message message;
    struct message_reset *reset = &message.reset;
    message_prepare(&message, MESSAGE_RESET, 0);
    reset->port = ends->origin.port;
    reset->family = ends->origin.address.family;
    reset->client_mac_known = is_known(ends->origin.mac);
    reset->server_mac_known = is_known(ends->server_mac);
    reset->again = round->again;
    memcpy(reset->client, ends->origin.address.bytes, 16);
    memcpy(reset->server, ends->server.bytes, 16);
    reset->client_port = ends->origin.client_port;
    reset->server_port = ends->server_port;
    reset->vlan = ends->origin.vlan;
    memcpy(reset->client_mac, ends->origin.mac, 6);
    memcpy(reset->server_mac, ends->server_mac, 6);
    reset->to_client_sequence = position->client_expects;
    reset->to_server_sequence = position->server_expects;
    round->cuts->listener.reset(round->cuts->listener.context, &message);
}

static void send_round(struct cuts *cuts, struct streams *streams, const struct senders *senders,
                       const struct sender *sender, uint32_t number)
{
    struct round round = {cuts, senders, sender, number > 0};
    streams_visit(streams, number + 1 < ROUNDS, is_of, cut_stream, &round);
}

static void drop(struct cuts *cuts, size_t at)
{
    memmove(&cuts->items[at], &cuts->items[at + 1], (cuts->count - at - 1) * sizeof(cuts->items[0]));
    cuts->count--;
}

void cuts_forget(struct cuts *cuts, const struct sender *sender)
{
    for (size_t i = cuts->count; i-- > 0;)
        if (sender_equals(&cuts->items[i].sender, sender))
            drop(cuts, i);
}

void cuts_begin(struct cuts *cuts, const struct sender *sender, duration steady)
{
    cuts_forget(cuts, sender);
    if (cuts->count == CUTS_MOST)
        drop(cuts, 0);
    cuts->items[cuts->count++] = (struct cut){*sender, steady, 0};
}

duration cuts_due(struct cuts *cuts, struct streams *streams, const struct senders *senders, duration steady)
{
    duration next = 0;
    for (size_t i = 0; i < cuts->count;) {
        struct cut *cut = &cuts->items[i];
        if (steady >= cut->began + rounds[cut->round]) {
            send_round(cuts, streams, senders, &cut->sender, cut->round);
            cut->round++;
        }
        if (cut->round == ROUNDS) {
            drop(cuts, i);
            continue;
        }
        duration due = cut->began + rounds[cut->round];
        if (!next || due < next)
            next = due;
        i++;
    }
    return next;
}
