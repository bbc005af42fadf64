/* Sessions: the packet path put together.
 *
 *     frame -> link -> IP -> streams -> dialogue -> observations
 *
 * This file owns the streams and the fragments, gives each dialogue its place in its stream, fills in who speaks with
 * whom, and says what became of a connection. A connection that never came about is one observation and no session. */
#include "agent/packet/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "agent/packet/ip.h"
#include "agent/packet/link.h"
#include "common/cleanup.h"

#define IMPLICIT_TLS_PORT 465 /* RFC 8314 */

struct packet_path {
    struct packet_listener listener;
    struct packet_counters counters;
    struct smtp_listener smtp_listener;
    struct smtp_sampler sampler;
    struct streams *streams;
    struct fragments *fragments;
    struct address_list local;
    const struct stream *current; /* whose dialogue is speaking */
};

/* ---- observations ---- */

/* Whether a machine speaks with itself. An account is its mail server's then; whoever logs in elsewhere has an account
 * that is none of ours. */
static bool is_at_home(const struct observation *observation)
{
    const struct address *client = &observation->origin.address, *server = &observation->server;
    return client->family == server->family && memcmp(client->bytes, server->bytes, sizeof client->bytes) == 0;
}

static void observe(void *context, struct observation *observation)
{
    struct packet_path *path = context;
    if (stream_is_hearsay(path->current))
        return;
    struct text account = observation->origin.account;
    stream_origin(path->current, &observation->origin, &observation->server, &observation->server_port);
    if (account.length > 0 && is_at_home(observation))
        observation->origin.account = account;
    path->counters.observations++;
    path->listener.observe(path->listener.context, observation);
}

/* ---- messages that somebody wants to look at ---- */

static void fill_ends(const struct packet_path *path, struct text account, struct observation *ends)
{
    stream_origin(path->current, &ends->origin, &ends->server, &ends->server_port);
    if (account.length > 0 && is_at_home(ends))
        ends->origin.account = account;
}

static uint32_t sample_wanted(void *context, struct text account, moment time, uint8_t *note)
{
    struct packet_path *path = context;
    struct observation ends = {0};
    if (stream_is_hearsay(path->current))
        return 0;
    fill_ends(path, account, &ends);
    return path->listener.sample_wanted(path->listener.context, &ends.origin, &ends.server, ends.server_port, time,
                                        note);
}

static uint32_t sample_taken(void *context, const struct smtp_sampled *sampled, const struct observation *message)
{
    struct packet_path *path = context;
    struct observation copy = *message;
    if (stream_is_hearsay(path->current))
        return 0;
    fill_ends(path, sampled->user, &copy);
    return path->listener.sample_taken(path->listener.context, sampled, &copy);
}

static int keep_samples(struct packet_path *path, uint64_t memory, struct error *error)
{
    if (memory == 0)
        return 0;
    path->sampler = (struct smtp_sampler){smtp_samples_create(memory), path, sample_wanted, sample_taken};
    path->smtp_listener.sampler = &path->sampler;
    return path->sampler.samples ? 0 : error_set(error, ENOMEM, "no memory for samples");
}

static void observe_connection(struct packet_path *path, enum connection_outcome outcome, moment time)
{
    struct observation observation = {.kind = OBSERVATION_CONNECTION, .time = time};
    observation.connection.outcome = outcome;
    observe(path, &observation);
}

/* ---- what the streams say ---- */

static void begun(void *context, struct stream *stream, void *room)
{
    struct packet_path *path = context;
    struct origin origin;
    struct address server;
    uint16_t server_port;
    if (path->listener.begun) {
        stream_origin(stream, &origin, &server, &server_port);
        path->listener.begun(path->listener.context, &origin, &server, server_port);
    }
    smtp_begin(room, stream_server_port(stream) == IMPLICIT_TLS_PORT, stream_has_syn(stream));
}

static void opened(void *context, struct stream *stream, void *room, moment time)
{
    (void)room;
    struct packet_path *path = context;
    path->current = stream;
    observe_connection(path, CONNECTION_OPENED, time);
}

static void bytes(void *context, struct stream *stream, void *room, enum stream_side side, struct text text,
                  moment time)
{
    struct packet_path *path = context;
    path->current = stream;
    if (side == STREAM_CLIENT) {
        smtp_client_bytes(room, &path->smtp_listener, text, time);
    } else {
        smtp_server_bytes(room, &path->smtp_listener, text, time);
    }
}

static void gap(void *context, struct stream *stream, void *room, enum stream_side side, uint32_t length, moment time)
{
    struct packet_path *path = context;
    path->current = stream;
    if (side == STREAM_CLIENT) {
        smtp_client_gap(room, &path->smtp_listener, length, time);
    } else {
        smtp_server_gap(room, &path->smtp_listener, length, time);
    }
}

static void observe_close(struct packet_path *path, const struct session_summary *summary, moment time)
{
    const struct smtp_summary *dialogue = &summary->dialogue;
    struct observation observation = {.kind = OBSERVATION_CLOSE, .time = time};
    observation.close.reason = summary->closed;
    observation.close.lasted = summary->end - summary->start;
    observation.close.commands = dialogue->commands;
    observation.close.transactions = dialogue->transaction_count + dialogue->transactions_left_out;
    observation.close.tls = dialogue->tls;
    observation.close.client_bytes = summary->ends.client_bytes;
    observation.close.server_bytes = summary->ends.server_bytes;
    observation.close.spoke_first = dialogue->spoke_first && !dialogue->early_agreed;
    observation.close.unasked = dialogue->unasked;
    observation.close.tls_commands = dialogue->tls_commands;
    observation.close.tls_messages = dialogue->tls_messages;
    observation.close.tls_replies_long = dialogue->tls_replies_long;
    observation.close.conflicts = summary->ends.conflicts;
    observation.close.doubted = summary->ends.doubted;
    observe(path, &observation);
}

static void sum_up(struct packet_path *path, void *room, struct session_summary *summary, moment time)
{
    smtp_finish(room, &path->smtp_listener, time, &summary->dialogue);
    if (summary->dialogue.quit) {
        summary->closed = CLOSE_QUIT;
    }
    /* Anybody can send packets from a mail port: where the client said nothing that is no deed of its own. */
    if (summary->ends.opened || summary->ends.client_seen) {
        observe_close(path, summary, time);
    }
    if (stream_is_hearsay(path->current)) {
        return;
    }
    path->counters.sessions++;
    path->counters.sessions_gapped += summary->gapped;
    if (path->listener.session) {
        path->listener.session(path->listener.context, summary);
    }
}

static void closed(void *context, struct stream *stream, void *room, enum close_reason reason, moment time)
{
    struct packet_path *path = context;
    path->current = stream;
    struct session_summary summary = {.closed = reason};
    stream_ends(stream, &summary.ends);
    summary.start = summary.ends.begun;
    summary.end = summary.ends.last;
    summary.gapped = summary.ends.gapped;
    if (summary.ends.syn_seen && !summary.ends.opened) {
        /* A SYN-ACK that no client answered is nobody's connection. */
        if (summary.ends.refused || !summary.ends.server_seen) {
            observe_connection(path, summary.ends.refused ? CONNECTION_REFUSED : CONNECTION_UNANSWERED, time);
        }
    } else {
        sum_up(path, room, &summary, time);
    }
    smtp_end(room);
    path->current = NULL;
}

static void fetch(const void *room)
{
    smtp_fetch(room);
}

static bool careless(const void *room)
{
    return smtp_reads_content(room);
}

/* What programs submit to their own machine's mail server comes from no address that anybody would list. */
static bool is_loopback(const struct address *client)
{
    static const uint8_t last[16] = {[15] = 1};
    return client->family == 4 ? client->bytes[0] == 127 : memcmp(client->bytes, last, sizeof last) == 0;
}

static bool wanted(void *context, const struct address *client)
{
    const struct packet_path *path = context;
    return is_loopback(client) || address_list_contains(&path->local, client);
}

/* ---- the path ---- */

struct packet_path *packet_path_create(const struct packet_settings *settings, const struct packet_listener *listener,
                                       struct error *error)
{
    CLEANUP(packet_path_destroy) struct packet_path *path = calloc(1, sizeof *path);
    if (!path) {
        error_set(error, ENOMEM, "no memory for the packet path");
        return NULL;
    }
    path->listener = *listener;
    path->smtp_listener = (struct smtp_listener){.context = path, .observe = observe, .counters = &path->counters.smtp};
    if (keep_samples(path, listener->sample_wanted ? settings->samples_memory : 0, error) != 0)
        return NULL;
    for (size_t i = 0; i < settings->local.count; i++) {
        if (!address_list_add(&path->local, &settings->local.items[i])) {
            error_set(error, ENOMEM, "no memory for the local prefixes");
            return NULL;
        }
    }
    struct stream_listener stream_listener = {.room = SMTP_SIZE,
                                              .context = path,
                                              .begun = begun,
                                              .opened = opened,
                                              .bytes = bytes,
                                              .gap = gap,
                                              .closed = closed,
                                              .fetch = fetch,
                                              .careless = careless,
                                              .wanted = path->local.count > 0 ? wanted : NULL};
    path->streams = streams_create(&settings->streams, &stream_listener, error);
    if (!path->streams) {
        return NULL;
    }
    path->fragments = fragments_create(settings->fragmented_datagrams, &settings->streams.key);
    if (!path->fragments) {
        error_set(error, ENOMEM, "no memory for %u fragmented datagrams", settings->fragmented_datagrams);
        return NULL;
    }
    return TAKE(path);
}

static void free_dialogue(void *context, struct stream *stream, void *room)
{
    (void)context, (void)stream;
    smtp_end(room);
}

void packet_path_destroy(struct packet_path **path)
{
    if (*path) {
        if ((*path)->streams) {
            streams_drop((*path)->streams, free_dialogue);
        }
        streams_destroy(&(*path)->streams);
        fragments_destroy(&(*path)->fragments);
        smtp_samples_destroy(&(*path)->sampler.samples);
        address_list_clear(&(*path)->local);
        free(*path);
        *path = NULL;
    }
}

/* The TCP segment in the frame, if there is one; else it is counted as what it is. */
static bool decode(struct packet_path *path, const struct frame *frame, struct link_layer *link,
                   struct segment *segment)
{
    path->counters.frames++;
    path->counters.bytes += frame->length;
    path->counters.cut_short += frame->captured < frame->length;
    if (!link_decode(frame, link)) {
        path->counters.not_ip++;
        return false;
    }
    switch (ip_decode(frame, link, path->fragments, segment)) {
    case IP_SEGMENT:
        return true;
    case IP_FRAGMENT:
        break;
    case IP_OTHER:
        path->counters.not_tcp++;
        break;
    case IP_MALFORMED:
    case IP_OUTCOMES:
        path->counters.malformed++;
        break;
    }
    return false;
}

void packet_path_add(struct packet_path *path, const struct frame *frame)
{
    packet_path_add_many(path, frame, 1);
}

/* A datagram that was put together from fragments lies elsewhere, and only until the next fragment. */
static bool lies_in_frame(const struct segment *segment, const struct frame *frame)
{
    uintptr_t begin = (uintptr_t)frame->bytes, at = (uintptr_t)segment->payload.bytes;
    return segment->payload.length == 0 || (at >= begin && at < begin + frame->captured);
}

void packet_path_add_many(struct packet_path *path, const struct frame *frames, size_t count)
{
    struct link_layer links[STREAMS_AT_ONCE]; /* their segments borrow from them */
    struct segment segments[STREAMS_AT_ONCE];
    size_t waiting = 0;
    for (size_t i = 0; i < count; i++) {
        bool lasting = true;
        if (decode(path, &frames[i], &links[waiting], &segments[waiting])) {
            lasting = lies_in_frame(&segments[waiting], &frames[i]);
            waiting++;
        }
        if (waiting == STREAMS_AT_ONCE || !lasting) {
            streams_add_many(path->streams, segments, waiting);
            waiting = 0;
        }
    }
    streams_add_many(path->streams, segments, waiting);
}

void packet_path_tick(struct packet_path *path, moment now)
{
    streams_tick(path->streams, now);
    if (path->sampler.samples)
        smtp_samples_tick(path->sampler.samples, now);
}

void packet_path_finish(struct packet_path *path, moment now)
{
    streams_finish(path->streams, now);
}

struct packet_counters packet_path_counters(const struct packet_path *path)
{
    struct packet_counters counters = path->counters;
    counters.streams = streams_counters(path->streams);
    counters.datagrams = fragments_counters(path->fragments);
    return counters;
}

struct streams *packet_path_streams(struct packet_path *path)
{
    return path->streams;
}

struct smtp_samples *packet_path_samples(struct packet_path *path)
{
    return path->sampler.samples;
}
