/* What the courier is told for people: the rows of an answer, and news. The kinds, and who may say them, are in
 * message.h, which includes this. */
#ifndef AGENT_MESSAGE_REPORT_H
#define AGENT_MESSAGE_REPORT_H

#include <stdint.h>
#include "common/address.h"
#include "common/moment.h"
#include "common/words/evidence.h"
#include "common/words/likeness.h"
#include "common/words/order.h"
#include "common/words/sender.h"
#include "common/words/whose.h"

/* Every message begins with it. */
struct message_head {
    uint16_t kind;
    uint16_t size;     /* of the whole struct */
    uint32_t question; /* which question this answers, 0: news */
};

struct message_done {
    struct message_head head;
    int32_t code; /* 0, or a negative errno: it was not done, `text` says why */
    uint32_t reserved;
    char text[240];
};
struct message_sender_row {
    struct message_head head;
    struct sender sender;
    struct whose whose;
    uint8_t verdict, worst, allowed, person_deed;
    int32_t score, thresholds[5];
    uint32_t repeats, clean_days;
    moment first, last, verdict_since, hold_until, person_until, clear_at;
    uint64_t connections, connect_failed, messages, messages_rejected, recipients, recipients_rejected,
        recipients_deferred, bytes, tls_sessions, distinct_recipients, distinct_senders, distinct_helos,
        distinct_servers;
    char plan[32]; /* its name; empty: none */
};
#define CUSTOMER_MEMBERS 5
struct message_customer_member {
    struct sender sender;
    struct whose whose;
    uint8_t verdict, worst, reserved[6];
};
struct message_customer_row { /* all that its senders did, as far as they are remembered */
    struct message_head head;
    uint32_t senders; /* the first of them are the members: those with the greatest scores */
    int32_t score;    /* the greatest */
    uint8_t verdict, worst, reserved[6];
    moment last;
    uint64_t connections, connect_failed, messages, messages_rejected, recipients, recipients_rejected,
        recipients_deferred, bytes;
    struct message_customer_member members[CUSTOMER_MEMBERS];
};
struct message_evidence_row {
    struct message_head head;
    struct evidence evidence;
};
struct message_evidence {
    struct message_head head;
    struct sender sender;
    struct whose whose;
    int32_t added, score;
    struct evidence evidence;
};
struct message_traffic {
    struct message_head head;
    moment time;          /* the end of the span */
    struct sender sender; /* SENDER_NONE: all that are not told one by one */
    struct whose whose;
    uint32_t seconds;
    uint32_t reserved;
    uint64_t connections, connect_failed, messages, messages_rejected, recipients, recipients_rejected,
        recipients_deferred, bytes;
};
/* A sender's messages with one body, near-identical ones as one, in the last 30 to 60 minutes. */
struct message_body {
    struct message_head head;
    moment time;
    struct sender sender;
    struct whose whose;
    struct likeness likeness;
    uint32_t domains, recipients, messages; /* domains: of the envelopes' senders, about */
    uint8_t known;                          /* the text has a past here */
    uint8_t reserved[3];
};
struct message_points {
    struct message_head head;
    moment time;
    struct sender sender;
    struct whose whose;
    int32_t points, score; /* of firm evidence; of all */
};
struct message_verdict {
    struct message_head head;
    moment time, hold_until;
    struct sender sender;
    struct whose whose;
    uint8_t verdict, before, author, reserved[5];
    int32_t score;
    uint32_t repeats;
    uint64_t messages_before, recipients_before;
    char why[160];
};
/* A message for the centre's filters. `why` it is sent in: enum sample_why (agent/sample/budget.h). */
struct message_sample {
    struct message_head head;
    moment time;
    struct sender sender;
    struct whose whose;
    struct address client, server;
    uint64_t bytes;     /* of the content as sent, before dot-unstuffing */
    uint64_t digest[2]; /* of those */
    struct likeness likeness;
    uint32_t envelope; /* the memfd begins with so many bytes of envelope, a JSON object and a line end */
    uint32_t content;  /* ... and so many bytes of content, dot-unstuffed, follow */
    uint16_t code;     /* of the server's reply to the content */
    uint8_t complete, why;
    uint8_t reserved[4];
};
struct message_event {
    struct message_head head;
    moment time;
    uint8_t severity; /* 0 news, 1 warning, 2 trouble */
    uint8_t reserved[7];
    char what[16]; /* one word: "start", "restart", "port", "drops", "repair", "enforce", "reload" */
    char text[240];
};
struct message_status_watcher {
    struct message_head head;
    moment started, now;
    uint64_t packets, bytes, dropped, connections, messages, sessions, sessions_gapped, observations, streams_open,
        bytes_held, senders, malformed, orders_sent, memory, let_go; /* let_go: see senders_details_let_go() */
    uint64_t log_lines, log_unparsed, log_late, log_lost_bytes;      /* see struct log_reader_counters */
    uint64_t paired, unpaired, unpaired_crowded, pairing_waiting;    /* see struct pairing_counters */
    uint64_t samples_kept, samples_told, samples_bytes, samples_lost, samples_crowded,
        samples_held; /* see struct sampling_counters */
    uint32_t ports, restarts, log_files, reserved;
};
struct message_status_warden {
    struct message_head head;
    moment started;
    int64_t settings; /* revision of those from the collector that are in force; 0: none */
    uint8_t enforcing, role /* enum nft_role */, reject, table; /* table: it is in the kernel */
    uint8_t layout;                                             /* 0 host, 1 bridged, 2 routed or point-to-point */
    uint8_t reserved[3];
    uint32_t ports, uplinks, watcher_restarts, courier_restarts, orders, repairs, resets_sent, refused_orders;
    uint32_t in_force[DEEDS]; /* orders by deed; RELEASE stays 0 */
    uint32_t reserved2;
};

#endif
