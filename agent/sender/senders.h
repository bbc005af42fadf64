/* The sender table: whom observations are about, what each has sent, and the place where the judge and the detectors
 * keep what they know of it. Bounded: the sender that was quiet longest gives way. It lives in one piece of memory that
 * the caller owns, without pointers, so that a process that is started anew finds it as it was.
 *
 * Everyone has a record, with the judge's bytes behind it. The details of a sender are several times as large, and only
 * those that were heard of lately have any: they come from a bounded pool. */
#ifndef AGENT_SENDER_SENDERS_H
#define AGENT_SENDER_SENDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/count.h"
#include "common/error.h"
#include "common/siphash.h"
#include "common/words/observation.h"
#include "common/words/sender.h"
#include "common/words/whose.h"

/* What a sender has done; the `sender` record. */
struct sender_record {
    struct sender sender;
    uint8_t busy; /* odd while it is being changed: a process that died then leaves a record not to be trusted */
    uint8_t held; /* the judge's: an order is in force, so it gives way after all that are not */
    uint8_t zero[2];
    uint32_t details; /* 1 + the number of the place that its details have; 0: it has none */
    moment first, last;
    uint64_t connections, connect_failed, messages, messages_rejected, recipients, recipients_rejected,
        recipients_deferred, bytes, tls_sessions;
    struct count distinct_recipients, distinct_senders, distinct_helos, distinct_servers;
    uint64_t recent[3];  /* hashes counted last, see tally.c */
    uint64_t told_bytes; /* what senders_take_traffic() has given out, the rest modulo 2^32 */
    uint32_t told[8];
    struct whose whose; /* see senders_set_customers() */
    uint64_t zero_too;  /* so that the judge's bytes behind it stand on a multiple of 16 */
};

/* What a sender did since the last look. */
struct sender_traffic {
    uint32_t connections, connect_failed, messages, messages_rejected, recipients, recipients_rejected,
        recipients_deferred;
    uint64_t bytes;
};

struct senders;
struct senders_shape {
    uint32_t senders;       /* places */
    uint32_t sketches;      /* places for counts beyond three values, 2 KB each */
    uint32_t judge_bytes;   /* the judge's share of each place, zeroed when a sender is new */
    uint32_t details;       /* places for details */
    uint32_t details_bytes; /* of each, zeroed when it is taken */
    uint64_t fingerprint;   /* of the layout of judge_bytes and details: another one is not adopted */
    struct siphash_key key;
};

size_t senders_memory(const struct senders_shape *);
size_t senders_place_bytes(const struct senders_shape *); /* of one sender's place, without details */
struct senders *senders_place(void *memory, const struct senders_shape *, struct error *);
/* NULL (and nothing changed) where the memory holds no table of that shape. Else its records are found again, whatever
 * the process that died was doing; senders left half-changed are dropped and counted in `*dropped`. The key is the one
 * found in memory. */
struct senders *senders_adopt(void *memory, size_t size, const struct senders_shape *, uint32_t *dropped);
void senders_release(struct senders **); /* the handle, not the memory */

/* Attribution: a capture position that is a guest's port is the sender; else the account that the mail was submitted
 * under, the local user that sent it, the client's address. */
struct senders_port {
    uint32_t number;
    char interface[16];
};
bool senders_set_port(struct senders *, const struct senders_port *) __attribute__((warn_unused_result));
void senders_drop_port(struct senders *, uint32_t number);
bool senders_has_port(const struct senders *, const struct sender *); /* by its name */
struct sender senders_attribute(const struct senders *, const struct origin *);

/* Whose each sender is, from now on: looked up for all that are known, and for each as it comes or uses another
 * address. The map is borrowed until the next call; NULL, as at first: nobody is known. */
void senders_set_customers(struct senders *, const struct customers *);

/* The record of that sender, made where it was not there; it is now the youngest. The pointer is good until the next
 * call for another sender. */
struct sender_record *senders_record(struct senders *, const struct sender *, moment);
/* Ask the memory, in two steps that other work should lie between, for what senders_record() will touch: where the
 * sender's record is noted, then by the note the record itself. Returns its details, for the judge to ask for what it
 * needs of them, or NULL where none are noted. All of it is a guess. */
uint32_t senders_fetch_note(const struct senders *, const struct sender *);
const char *senders_fetch(const struct senders *, uint32_t note);
struct sender_record *senders_find(struct senders *, const struct sender *);
void senders_forget(struct senders *, const struct sender *);
/* Called with a record that gives way, before it is gone. */
void senders_on_leaving(struct senders *, void (*leaving)(void *context, struct sender_record *), void *context);

/* Count an observation into its record (judge_observe() does it). What is counted how:
 *  - connections: opened; connect_failed: refused or unanswered
 *  - messages: content answered 2xx; messages_rejected: 4xx or 5xx; bytes: of all content sent, answered or not
 *  - recipients: RCPT answered 2xx; _rejected: 5xx; _deferred: 4xx
 *  - distinct_servers: talked to; distinct_recipients, _senders, _helos: named, whatever the answer (the null sender is
 *    one). HELO names and the domains of addresses compare without regard to case. */
void senders_count(struct senders *, struct sender_record *, const struct observation *);
/* What was counted since it was taken last. */
struct sender_traffic senders_traffic(const struct sender_record *);
void senders_take_traffic(struct sender_record *);
uint64_t senders_distinct(const struct senders *, const struct count *);
void *senders_judge_bytes(struct senders *, struct sender_record *);
struct sender_record *senders_oldest(struct senders *);
struct sender_record *senders_younger(struct senders *, const struct sender_record *);
uint32_t senders_number(const struct senders *);

/* The details of a sender; NULL: it has none. Good until those of another sender are taken. */
void *senders_details(const struct senders *, const struct sender_record *);
/* Those that it has, else zeroed ones. Where all places are taken, the sender that was quiet longest lets go of its
 * own; but one that is worth keeping is passed over, within bounds. NULL only where the shape has no places. */
void *senders_take_details(struct senders *, struct sender_record *);
void senders_drop_details(struct senders *, struct sender_record *); /* gives the place back, zeroed */
void senders_on_crowding(struct senders *, bool (*is_worth_keeping)(void *context, struct sender_record *),
                         void *context);
uint32_t senders_detailed(const struct senders *);       /* how many have details */
uint64_t senders_details_let_go(const struct senders *); /* how often they were taken from one for another */

/* Mark a record as being changed, and as whole again. For the judge's bytes; the functions here do it themselves. The
 * two do not nest. */
void sender_record_open(struct sender_record *);
void sender_record_close(struct sender_record *);

#endif
