/* The transactions of a session, one after the other in one piece of memory: each its sender, then its recipients.
 *
 *     [ transaction | recipient | recipient ] [ transaction | recipient ] ...
 *                               ^ next: whose reply comes next      ^ the client adds here
 *
 * Commands and replies both come in order, so the client's side adds at the end while the server's side walks behind
 * it; what lies between has been sent and not yet answered. */
#ifndef AGENT_PACKET_SMTP_RECORD_H
#define AGENT_PACKET_SMTP_RECORD_H

#include "agent/packet/smtp_memory.h"
#include "common/words/likeness.h"

struct smtp_entry {
    uint16_t size; /* of the whole entry, a multiple of 8 */
    uint8_t kind;  /* private */
    uint8_t flags;
    uint16_t code;
    uint16_t length; /* of the text behind it */
};

enum smtp_entry_flag {
    ENTRY_IMPLICIT = 1,  /* MAIL was not seen: `from` is not known */
    ENTRY_UNLISTED = 2,  /* MAIL was never sent: not in the summary */
    ENTRY_CONTENT = 4,   /* content was begun */
    ENTRY_COMPLETE = 8,  /* ... and seen whole */
    ENTRY_OBSERVED = 16, /* ... and observed as a message */
    ENTRY_ACCEPTED = 32, /* MAIL was answered 2xx */
    ENTRY_INSIDE = 64,   /* MAIL was sent while the transaction before it was open */
    ENTRY_REFUSED = 128, /* ... and refused for that: recipients behind it are the earlier one's */
};

struct smtp_open_transaction {
    struct smtp_entry entry;
    uint64_t bytes, digest[2];
    struct likeness likeness;
    uint32_t accepted, kept, left_out;
    uint32_t sample; /* what is kept of the content (smtp_samples.h); 0: nothing */
    char from[];
};

struct smtp_record {
    char *bytes;
    uint32_t length, room;
    uint32_t current;   /* 1 + offset of the transaction that the client is in; 0: none */
    uint32_t answering; /* 1 + offset of the transaction that the server is in; 0: none */
    uint32_t before;    /* 1 + offset of the transaction that the server was in before; 0: none */
    uint32_t next;      /* offset of the entry whose reply comes next */
    uint32_t kept_end;  /* set once the summary is full: what stands before it is kept */
    uint32_t left_out;
    uint16_t begun; /* transactions kept until the summary was full */
    bool full;
};

/* The client's side. `all_answered`: no reply is awaited. False: memory is refused, or too many wait. */
bool smtp_record_begin(struct smtp_record *, const struct smtp_listener *, struct text from, uint8_t flags,
                       bool all_answered) __attribute__((warn_unused_result));
bool smtp_record_add_recipient(struct smtp_record *, const struct smtp_listener *, struct text address)
    __attribute__((warn_unused_result));
struct smtp_open_transaction *smtp_record_current(struct smtp_record *); /* NULL: none */
void smtp_record_close(struct smtp_record *);                            /* the client is in none any more */

/* The server's side: step to the next transaction; the transaction it is in; the next recipient's address, whose code
 * is then set. Borrowed until the next change. */
struct smtp_open_transaction *smtp_record_step(struct smtp_record *);
struct smtp_open_transaction *smtp_record_answering(struct smtp_record *);
bool smtp_record_next_recipient(const struct smtp_record *, struct text *address);
void smtp_record_answer_recipient(struct smtp_record *, uint16_t code);

/* MAIL inside of a transaction was refused: client and server are in the transaction before it again. */
void smtp_record_go_back(struct smtp_record *);

/* What the client was taken to have said since is no part of the transaction that the server is in. */
void smtp_record_take_back(struct smtp_record *);

/* The recipients of a transaction, those that are kept, in their order: *at is 0 at first. Borrowed until the next
 * change. */
bool smtp_record_recipient(const struct smtp_record *, const struct smtp_open_transaction *, uint32_t *at,
                           struct smtp_recipient *result);

struct text smtp_record_from(const struct smtp_open_transaction *);

/* The summary's tables in one piece of memory of *size bytes, to be freed with smtp_memory_free(); NULL where there is
 * nothing to list. Texts borrow from the record. */
void *smtp_record_summarise(const struct smtp_record *, const struct smtp_listener *, struct smtp_summary *,
                            size_t *size);
void smtp_record_clear(struct smtp_record *, struct smtp_counters *);

#endif
