/* TCP streams: both directions of each mail connection put in order (RFC 9293).
 *
 * Out of order, retransmitted and overlapping segments (of two copies the one counts that Linux takes; what a server
 * may well ignore waits for its acknowledgement), sequence numbers that wrap, connections joined in the middle. What
 * was lost becomes a gap that the dialogue is told of, never a stream given up. The table is keyed with SipHash,
 * bounded in streams and in bytes held; the oldest idle stream gives way first. In order, bytes are passed on from the
 * packet itself, without a copy. */
#ifndef AGENT_PACKET_STREAM_H
#define AGENT_PACKET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "agent/packet/segment.h"
#include "common/error.h"
#include "common/siphash.h"
#include "common/words/observation.h"

enum stream_side { STREAM_CLIENT, STREAM_SERVER };

struct stream; /* one connection */

/* Whom the streams talk to: the SMTP dialogue (session.h), or a test. `room` bytes, zeroed, stand at the listener's
 * disposal in each stream. */
struct stream_listener {
    size_t room;
    void *context;
    /* The SYN was seen, or data of a connection whose SYN was not. */
    void (*begun)(void *context, struct stream *, void *room);
    /* SYN and SYN-ACK were seen (never called for a stream joined in the middle). */
    void (*opened)(void *context, struct stream *, void *room, moment);
    void (*bytes)(void *context, struct stream *, void *room, enum stream_side, struct text, moment);
    /* `length` bytes will not come: lost, or cut off by the snap length. */
    void (*gap)(void *context, struct stream *, void *room, enum stream_side, uint32_t length, moment);
    /* The end; the room is not used again. CLOSE_FIN: both sides or the client said FIN. Whether it was ever opened, or
     * refused, or not even answered, stream_ends() tells. */
    void (*closed)(void *context, struct stream *, void *room, enum close_reason, moment);
    /* Bytes will be passed on soon: time to ask the memory for what the room points to. NULL: for nothing. */
    void (*fetch)(const void *room);
    /* Whether the client's next bytes are none that a dialogue depends on, so that their checksum need not be looked
     * at. NULL: they never are. */
    bool (*careless)(const void *room);
    /* Whether connections of that client are to be followed; those of others are counted as incoming. NULL: all. */
    bool (*wanted)(void *context, const struct address *client);
};

struct stream_settings {
    /* Most connections at once. A quarter of them is for those where not both sides have spoken yet: a flood of SYNs
     * pushes out other SYNs, never an established connection. */
    uint32_t streams;
    uint64_t bytes_held;       /* out-of-order bytes held, in all */
    uint32_t bytes_per_stream; /* and for one stream */
    duration opening;          /* a SYN without answer is given up after */
    duration idle;             /* a connection without packets is given up after */
    uint16_t ports[16];        /* the mail ports, ended by 0: the server's side */
    struct siphash_key key;
};

struct stream_counters {
    uint64_t segments, opened, joined, refused, unanswered, evicted, timed_out;
    uint64_t retransmitted, overlapping, conflicting /* overlap with other bytes */, out_of_order;
    uint64_t doubted; /* segments that their receiver may well ignore */
    uint64_t gaps, bytes_lost, bytes_dropped /* by our own bounds */, not_mail, incoming /* SYNs of those */;
    uint64_t late /* of connections that are over */, resets_ignored /* sequence number out of the window */;
    uint64_t open_now, bytes_held_now;
};

struct streams;
struct streams *streams_create(const struct stream_settings *, const struct stream_listener *, struct error *);
void streams_destroy(struct streams **); /* closes none: call streams_finish() first where the end matters */
/* Forget every stream without closing it; `drop` is called for each, so that what its room holds can be freed. */
void streams_drop(struct streams *, void (*drop)(void *context, struct stream *, void *room));

void streams_add(struct streams *, const struct segment *);
/* The same for several in their order, faster where there are many streams: while one is worked on, what the next will
 * touch is on its way from memory. STREAMS_AT_ONCE is as many as is useful. */
#define STREAMS_AT_ONCE 32
void streams_add_many(struct streams *, const struct segment *, size_t count);
/* Time has come to `now`: give up what is too old. Cheap; call once a second. More than a minute before the last call:
 * the clock was set back, and ages are counted from the new time. */
void streams_tick(struct streams *, moment now);
/* Close every stream as CLOSE_OPEN, in order of age. */
void streams_finish(struct streams *, moment now);
struct stream_counters streams_counters(const struct streams *);

/* What is known of a stream. On a guest's port, a stream that the other side opened is incoming: it is counted and its
 * bytes are passed over. */
struct stream_ends {
    struct origin origin; /* the client: MAC, VLAN and capture position of its packets */
    struct address server;
    uint16_t server_port;
    uint8_t server_mac[6];
    moment begun, last;    /* first and latest packet */
    bool syn_seen, opened; /* SYN (or the SYN-ACK that answers it); SYN-ACK (or the ACK that answers that) */
    bool refused;          /* the server answered the SYN with a reset */
    bool client_seen, server_seen;
    bool gapped;        /* bytes were lost; what the snap length cut off does not count */
    uint16_t conflicts; /* copies of sent bytes that differ from the first */
    uint8_t doubted;    /* the client's segments that the server may well ignore, up to 255 */
    uint8_t client_ttl_least, client_ttl_most;
    uint64_t client_bytes, server_bytes; /* payload passed on, gaps included */
};
void stream_ends(const struct stream *, struct stream_ends *result);
/* On a guest's port, a dialogue of which the guest sent nothing, but for resets: others answer to what somebody else
 * sent in its name. Where the direction is not known, never: there one side alone may be captured. A guest whose
 * packets take a way that is not watched is not seen either, but then nor is what it says. */
bool stream_is_hearsay(const struct stream *);
bool stream_has_syn(const struct stream *);
uint16_t stream_server_port(const struct stream *);
/* The part of it that each observation carries. */
void stream_origin(const struct stream *, struct origin *client, struct address *server, uint16_t *server_port);

/* For cutting: the connections of a client that are open now. Sequence numbers as the receiver of a reset expects them
 * (its own latest acknowledgement; RFC 5961). Calls back for each; returns how many.
 *
 * `again`: it will be tried again, with the numbers of then. Until it is tried for the last time no reset ends such a
 * connection: it is our own, or the kernel's to one end, or a guest's that did not get through; and either may have
 * missed. */
struct stream_position {
    struct stream_ends ends;
    uint32_t client_expects, server_expects; /* next sequence number each side waits for */
    moment last;                             /* latest packet */
};
size_t streams_visit(struct streams *, bool again, bool (*wanted)(void *context, const struct stream_ends *),
                     void (*visit)(void *context, const struct stream_position *), void *context);

#endif
