/* The SMTP dialogue of one connection, from the bytes of both directions: RFC 5321 with 1870 (SIZE), 2920 (pipelining),
 * 3030 (CHUNKING), 3207 (STARTTLS), 4954 (AUTH), 6531 (SMTPUTF8).
 *
 * Pure: bytes in, observations out. Commands in any case and split anywhere; multi-line replies; replies matched to
 * pipelined commands; content digested while it streams by, and kept
 * only where a sampler wants to look at it (smtp_samples.h). Lines are looked at where they lie and
 * copied only when a segment ends inside one. After a gap the next plausible command or reply line is waited for and
 * the pairing starts anew there: replies whose command is unknown are passed over rather than given to the wrong one.
 *
 * What is observed when: HELO when it is said; TLS when the client's hello is whole; MAIL, RCPT, AUTH and content when
 * they are answered, or with code 0 when the answer was lost or never came. A refused DATA is no message: its code
 * stands in the summary. Recipients whose MAIL was lost are observed with a sender that is empty and has no address
 * (`from.bytes` is NULL), which tells it from the null sender.
 *
 * The state is small (an idle dialogue must fit, with its stream, in 512 bytes): what only a running transaction needs
 * is allocated when it begins and freed when the session ends. */
#ifndef AGENT_PACKET_SMTP_H
#define AGENT_PACKET_SMTP_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/moment.h"
#include "agent/packet/smtp_samples.h"
#include "common/words/observation.h"

/* Limits, each the protocol's own (RFC 5321 4.5.3.1) or a little above; beyond them bytes are passed over, counted. */
#define SMTP_LINE_MOST         4096 /* of a command or reply line is kept; the rest of the line is skipped */
#define SMTP_ADDRESS_MOST      320  /* of an address, 64 + 1 + 255 */
#define SMTP_HELO_MOST         255
#define SMTP_PIPELINE_MOST     1024 /* runs of like commands waiting for a reply; beyond: it is resynchronised */
#define SMTP_RECIPIENTS_MOST   4096 /* kept in one transaction's summary; all are observed */
#define SMTP_TRANSACTIONS_MOST 1024 /* kept in one session's summary; all are observed */
#define SMTP_SUMMARY_MOST      (UINT32_C(1) << 20) /* bytes of them; beyond, transactions are left out */
/* Bytes of the client that wait for a reply to say what they are: content or commands after DATA, a password or
 * commands after AUTH, a TLS hello or commands after STARTTLS. Beyond, their first line decides. */
#define SMTP_HELD_MOST 4096
/* Heap of all dialogues of one listener, unless it says otherwise; beyond, recipients and lines are refused, counted.
 */
#define SMTP_MEMORY_MOST (UINT64_C(1) << 30)

struct smtp; /* at most SMTP_SIZE bytes, placed by the caller in zeroed memory */
#define SMTP_SIZE 192
static_assert(SMTP_SIZE % 8 == 0, "aligned");

struct smtp_counters {
    uint64_t commands, replies, unpaired_replies, unknown_commands, long_lines, resynchronised, binary, memory_refused;
    uint64_t bytes_held; /* heap of all dialogues now */
};

/* Of the `session` record (see session.h): what the dialogue came to. Borrowed until smtp_end(). */
struct smtp_recipient {
    struct text address;
    uint16_t code;
};
struct smtp_transaction {
    struct text from;
    const struct smtp_recipient *recipients;
    uint32_t recipient_count, recipients_left_out;
    uint16_t code; /* of the content; 0: not seen */
    bool content, complete;
    uint64_t bytes, digest[2];
};
struct smtp_summary {
    struct text helo, user, server_name;
    enum tls_use tls;
    enum auth_outcome auth;
    uint64_t fingerprint;
    bool quit, spoke_first;
    bool early_agreed; /* the server offers to take commands before its greeting */
    uint8_t unasked;   /* as in the observation of the end */
    uint16_t tls_commands, tls_messages, tls_replies_long;
    uint32_t commands;
    const struct smtp_transaction *transactions;
    uint32_t transaction_count, transactions_left_out;
};

/* A message that was kept and is now answered. Borrowed for the length of the call. */
struct smtp_record;
struct smtp_open_transaction;
struct smtp_sampled {
    uint32_t sample;                /* in `samples`; let go after the call, unless a number was given to it */
    struct smtp_sample_state state; /* before smtp_samples_unstuff() */
    struct text user;               /* whose login was accepted; empty: none */
    uint32_t recipients_left_out;
    const struct smtp_record *record; /* private, as is the next */
    const struct smtp_open_transaction *transaction;
};
/* Its recipients, with the server's answers: *at is 0 at first; false: there are no more. */
bool smtp_sampled_recipient(const struct smtp_sampled *, uint32_t *at, struct smtp_recipient *result);

/* Who wants to look at messages. */
struct smtp_sampler {
    struct smtp_samples *samples;
    void *context;
    /* Content begins: how many bytes of it are to be kept; 0: none. `account`: as in observations. `note` is handed
     * back with it. */
    uint32_t (*wanted)(void *context, struct text account, moment, uint8_t *note);
    /* It was answered, and is observed next: the number for that observation's `sample`; 0: it is not wanted any more.
     */
    uint32_t (*taken)(void *context, const struct smtp_sampled *, const struct observation *message);
};

/* Where observations go. The dialogue fills kind, time, the union and, of the origin, the account whose login was
 * accepted; the ends are for the listener to fill. */
struct smtp_listener {
    void *context;
    void (*observe)(void *context, struct observation *);
    struct smtp_counters *counters;     /* shared by all dialogues of one listener; must outlive them */
    uint64_t bytes_most;                /* bound of counters->bytes_held; 0: SMTP_MEMORY_MOST */
    const struct smtp_sampler *sampler; /* NULL: no content is kept */
    bool transactions_unwanted;         /* the summary shall list none: they are forgotten once answered */
};

void smtp_begin(struct smtp *, bool implicit_tls, bool from_the_start);
/* The client's next bytes are content, or encrypted: none that it matters to read right. */
bool smtp_reads_content(const struct smtp *);
/* Bytes will come soon: what the next line will look up is asked of the memory, which costs nothing now. */
void smtp_fetch(const struct smtp *);
void smtp_client_bytes(struct smtp *, const struct smtp_listener *, struct text, moment);
void smtp_server_bytes(struct smtp *, const struct smtp_listener *, struct text, moment);
void smtp_client_gap(struct smtp *, const struct smtp_listener *, uint32_t length, moment);
void smtp_server_gap(struct smtp *, const struct smtp_listener *, uint32_t length, moment);
/* The connection has ended: content without an answer is observed with code 0. The summary stays valid until
 * smtp_end(). */
void smtp_finish(struct smtp *, const struct smtp_listener *, moment, struct smtp_summary *result);
void smtp_end(struct smtp *); /* frees what it holds */

#endif
