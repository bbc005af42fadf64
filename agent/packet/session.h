/* A session: one mail connection from its SYN to its end. Sits between the streams and the dialogue, gives each
 * observation its ends, and sums the session up when it is over. */
#ifndef AGENT_PACKET_SESSION_H
#define AGENT_PACKET_SESSION_H

#include "agent/packet/frame.h"
#include "agent/packet/smtp.h"
#include "agent/packet/fragment.h"
#include "agent/packet/stream.h"

struct session_summary {
    moment start, end;
    struct stream_ends ends;
    enum close_reason closed;
    struct smtp_summary dialogue;
    bool gapped;
};

/* Everything the packet path has to say. */
struct packet_listener {
    void *context;
    void (*observe)(void *context, const struct observation *);
    void (*session)(void *context, const struct session_summary *); /* borrowed; NULL: not wanted */
    /* A connection begins: its SYN was seen, or it was joined. NULL: not wanted. */
    void (*begun)(void *context, const struct origin *, const struct address *server, uint16_t server_port);
    /* Who wants to look at messages, as struct smtp_sampler has it. NULL: nobody, and none are kept. */
    uint32_t (*sample_wanted)(void *context, struct origin *, const struct address *server, uint16_t server_port,
                              moment, uint8_t *note);
    uint32_t (*sample_taken)(void *context, const struct smtp_sampled *, const struct observation *message);
};

struct packet_settings {
    struct stream_settings streams;
    uint32_t fragmented_datagrams;
    uint64_t samples_memory;   /* bytes of messages that are kept; 0: none are */
    struct address_list local; /* empty: whoever opens the connection is the sender; else only clients in it are */
};

struct packet_counters {
    uint64_t frames, bytes, not_ip, not_tcp, malformed, cut_short, sessions, sessions_gapped, observations;
    struct fragment_counters datagrams;
    struct stream_counters streams;
    struct smtp_counters smtp;
};

/* The whole path, frame to observation: what the live watcher and replay both call. */
struct packet_path;
struct packet_path *packet_path_create(const struct packet_settings *, const struct packet_listener *, struct error *);
void packet_path_destroy(struct packet_path **);
void packet_path_add(struct packet_path *, const struct frame *);
/* Several in their order, all borrowed for the length of the call: faster where there are many connections, for what
 * the next needs is fetched while one is worked on. PACKETS_AT_ONCE is as many as is useful. */
#define PACKETS_AT_ONCE STREAMS_AT_ONCE
void packet_path_add_many(struct packet_path *, const struct frame *, size_t count);
void packet_path_tick(struct packet_path *, moment now);
void packet_path_finish(struct packet_path *, moment now); /* closes every open stream as CLOSE_OPEN */
struct packet_counters packet_path_counters(const struct packet_path *);
struct streams *packet_path_streams(struct packet_path *);      /* for cutting connections */
struct smtp_samples *packet_path_samples(struct packet_path *); /* NULL: none are kept */

#endif
