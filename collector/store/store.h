/* The store: what the centre knows, durable. One interface over two engines (engine.h).
 *
 * A store is one connection, used by one thread. Every function runs inside a transaction that the caller opened with
 * store_begin(): so the writer can put the work of many requests into one commit, and a request that is refused leaves
 * nothing behind. A negative return with -EAGAIN means: roll back and do it all again.
 *
 * Identities are 64 random bits, kept signed; secrets are kept as the hex of their BLAKE2b-256 hash. Texts in rows are
 * borrowed for the length of the callback. */
#ifndef COLLECTOR_STORE_STORE_H
#define COLLECTOR_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"
#include "common/moment.h"
#include "common/text.h"

#define STORE_NAME 64 /* bytes of a node's or a person's name, with its end */
#define STORE_HASH 65 /* hex of a hash, with its end */

struct store;

/* `where`: "sqlite:PATH" or "postgresql://...". Brings the schema up to date; a schema newer than this program is an
 * error. */
int store_open(const char *where, struct store **result, struct error *) MUST_CHECK;
void store_close(struct store **);
int store_begin(struct store *, struct error *) MUST_CHECK;
/* It only looks: it waits for none that writes. */
int store_begin_reading(struct store *, struct error *) MUST_CHECK;
int store_commit(struct store *, struct error *) MUST_CHECK;
void store_rollback(struct store *);

/* --- one store, several collectors: shared.c --- */

/* Whether other collectors may write to it too. */
bool store_is_shared(const struct store *);
/* The moment at which something came: where the store is shared its server's clock says so, else `arrived` is given. */
int store_now(struct store *, moment arrived, moment *result, struct error *) MUST_CHECK;
/* Before store_begin_reading(): looks up to which moment all that came is there or never will be; store_settled() has
 * it until the next time. */
int store_settle(struct store *, struct error *) MUST_CHECK;
moment store_settled(const struct store *);

/* What rises when others have committed something that concerns who waits here. */
struct store_pulse {
    int64_t revision, news;
    moment received;  /* of the last record that is settled */
    int64_t filtered; /* the highest number of what nodes are told of their messages */
};
int store_pulse(struct store *, struct store_pulse *result, struct error *) MUST_CHECK;

/* --- who may talk to us: identity.c --- */

struct store_node {
    int64_t id;
    char name[STORE_NAME], version[32];
    moment enrolled, seen, revoked; /* 0: never */
    int64_t spooled;                /* records that wait on it, as it said last */
    int64_t acknowledged;           /* the revision up to which it has carried out what it was told */
};
/* May: a set of bits. */
enum { STORE_MAY_READ = 1, STORE_MAY_ORDER = 2, STORE_MAY_ADMIN = 4, STORE_MAY_CONTENT = 8 };
struct store_person {
    int64_t id;
    char name[STORE_NAME];
    unsigned may;
};

/* 1: it is there now; 0: it was. `name`: what its node will be called, whatever that calls itself; empty: as it calls
 * itself. */
int store_token_add(struct store *, const char *hash, const char *name, moment until, struct error *) MUST_CHECK;
/* 1: there is such a token, used or not; 0: none. */
int store_token_known(struct store *, const char *hash, struct error *) MUST_CHECK;
/* Use a token: the node it gave before if `key` is the same, else a new one. -EACCES: no such token, used by another,
 * too late; the sentence says which. */
int store_enrol(struct store *, const char *token, const char *key, const char *name, const char *version, moment now,
                struct store_node *result, bool *known, struct error *) MUST_CHECK;
/* By the hash of the secret. 1: found, and not revoked; 0: not. */
int store_node_by_key(struct store *, int64_t id, const char *key, struct store_node *result,
                      struct error *) MUST_CHECK;
int store_person_by_key(struct store *, int64_t id, const char *key, struct store_person *, struct error *) MUST_CHECK;
/* The same. `result->id`: the one it is to have; 0: a new one. */
int store_person_add(struct store *, const char *key, const char *name, unsigned may, moment now,
                     struct store_person *result, struct error *) MUST_CHECK;
int store_person_revoke(struct store *, int64_t id, struct error *) MUST_CHECK; /* 1: done; 0: no such person */
int store_persons(struct store *, void (*each)(void *context, const struct store_person *), void *context,
                  struct error *) MUST_CHECK;
int store_node_revoke(struct store *, int64_t id, moment now, struct error *) MUST_CHECK; /* 1: done; 0: no such node */
int store_node_is_known(struct store *, int64_t id, struct error *) MUST_CHECK; /* 1: enrolled and not revoked */
/* `address`: from where it speaks. */
int store_node_seen(struct store *, int64_t id, const char *version, int64_t spooled, const char *address, moment now,
                    struct error *) MUST_CHECK;
/* It asked for something, then; nothing where it was heard of later. */
int store_node_heard(struct store *, int64_t id, moment, struct error *) MUST_CHECK;
int store_nodes(struct store *, void (*each)(void *context, const struct store_node *), void *context,
                struct error *) MUST_CHECK;

/* --- what nodes deliver: delivery.c --- */

#define STORE_POINTS_MOST 10000 /* hundredths: more does no sender, and no customer on a node, count for elsewhere */
#define STORE_COUNT_MOST  ((int64_t)1 << 48) /* where every count stops: more is not what a node can have counted */

/* What the store looks into, by the record's kind; STORE_KEPT: it is only kept. */
enum store_said {
    STORE_KEPT,
    STORE_TRAFFIC,
    STORE_VERDICT,
    STORE_ORDERS,
    STORE_ORDER,
    STORE_ACKNOWLEDGEMENT,
    STORE_BODY,
    STORE_POINTS
};
struct store_record {
    int64_t sequence;
    moment time;
    struct text kind, sender, customer; /* empty where it is about none */
    struct text line;                   /* the JSON object, without a newline */
    struct text address; /* of verdicts, orders and traffic: that the sender used last; empty: not told */
    enum store_said said;
    union {
        struct {
            int64_t connections, messages, rejected, recipients, bytes; /* 0 to STORE_COUNT_MOST */
        } traffic;                                                      /* of the minute in which `time` is */
        struct {
            struct text word;
            int64_t score; /* hundredths */
        } verdict;
        struct {
            struct text deed, by, reason; /* deed "release": there is none any more */
            moment until;
            int64_t rate;
        } order; /* STORE_ORDERS says nothing more: all orders that stand on the node follow it */
        struct {
            int64_t revision;
            bool done;
            struct text text;
        } acknowledgement;
        struct {
            moment told;          /* when, by the node's own clock */
            struct text likeness; /* sixteen numbers of four hexadecimal digits */
            int64_t domains, recipients, messages;
            bool known; /* the text has a past on that node */
        } body;
        struct {
            moment told;
            int64_t points, score; /* hundredths; points 0 to STORE_POINTS_MOST */
        } points;
    };
};
/* What a batch is checked against: 0 where the life is new. */
int store_delivered(struct store *, int64_t node, int64_t life, int64_t *result, struct error *) MUST_CHECK;
/* Keep them (sequences rising, all above what is delivered) and note that the life is delivered up to `last`. Also
 * keeps up what is asked often: a sender's latest verdict, orders in force, counts by minute, acknowledgements. */
int store_deliver(struct store *, int64_t node, int64_t life, int64_t last, const struct store_record *, size_t count,
                  moment now, struct error *) MUST_CHECK;
/* What the collector itself has to say, among what nodes told; node 0: it is about none. `line`: a JSON object. */
int store_event_add(struct store *, int64_t node, const char *kind, struct text sender, struct text customer,
                    struct text line, moment now, struct error *) MUST_CHECK;

/* --- what people ask: records.c, senders.c --- */

struct store_event {
    int64_t node, life, sequence;
    moment received;
    struct text node_name, line;
};
struct store_event_filter {
    moment received;                    /* after this one ... */
    int64_t node_after, sequence_after; /* ... or of this moment and behind these: the cursor */
    moment since;                       /* by the record's own time; 0: all */
    moment before;                      /* before this one; 0: all */
    const char *kind, *sender;          /* NULL: all */
    int64_t node;                       /* 0: all */
    uint32_t most;
    bool newest; /* the newest `most`, oldest of them first */
};
int store_events(struct store *, const struct store_event_filter *, void (*each)(void *, const struct store_event *),
                 void *context, struct error *) MUST_CHECK;

struct store_sender {
    int64_t node;
    struct text node_name, sender, customer, verdict;
    int64_t score; /* hundredths */
    moment changed, seen;
    int64_t connections, messages, rejected, recipients, bytes; /* of the last 24 hours */
};
int store_senders(struct store *, int64_t node, const char *sender, uint32_t most, moment now,
                  void (*each)(void *, const struct store_sender *), void *context, struct error *) MUST_CHECK;

/* --- what nodes are told: directive.c --- */

struct store_directive {
    int64_t revision, node; /* node 0: all */
    moment time, until;     /* until 0: the node's own default */
    int64_t rate;           /* throttle: connections a minute; 0: the node's */
    struct text deed, sender, reason, person;
    int64_t done, failed; /* how many nodes said so; by store_directives_list() */
};
/* Gives it the next revision; writes it to *revision. */
int store_directive_add(struct store *, const struct store_directive *, int64_t *revision, struct error *) MUST_CHECK;
/* Those for this node above `after`, by revision. */
int store_directives(struct store *, int64_t node, int64_t after, uint32_t most,
                     void (*each)(void *, const struct store_directive *), void *context, struct error *) MUST_CHECK;
int store_revision(struct store *, int64_t *result, struct error *) MUST_CHECK; /* the highest given so far */
int store_directives_list(struct store *, moment since, uint32_t most,
                          void (*each)(void *, const struct store_directive *), void *context,
                          struct error *) MUST_CHECK;

/* What was asked for, once: asked.c. */
struct store_asked {
    int64_t person; /* who asked */
    const char *name, *digest;
    moment time;
    int64_t revision; /* what it was given */
    bool same;        /* by store_asked_before(): the digest was this one */
};
/* By person and name. 1: found; 0: not. */
int store_asked_before(struct store *, struct store_asked *, struct error *) MUST_CHECK;
int store_asked_add(struct store *, const struct store_asked *, struct error *) MUST_CHECK;

/* Orders in force on nodes, as nodes told of them. */
struct store_order {
    int64_t node;
    struct text node_name, sender, customer, deed, by, reason, address;
    moment since, until;
    int64_t rate; /* throttle: connections a minute */
};
int store_orders(struct store *, int64_t node, uint32_t most, moment now,
                 void (*each)(void *, const struct store_order *), void *context, struct error *) MUST_CHECK;
/* On a customer, and on what it has. */
int store_orders_of(struct store *, const char *customer, uint32_t most, moment now,
                    void (*each)(void *, const struct store_order *), void *context, struct error *) MUST_CHECK;

/* What the reckoning (reckon.h) tells nodes: news.c. Numbers rise through all news; 0: none yet. The highest is one row
 * by its key, `reckoning`.news, which changes with the transaction that writes news: where it has risen, nodes that
 * wait have something to fetch, whichever collector wrote it. */
int store_news_highest(struct store *, int64_t *result, struct error *) MUST_CHECK;
struct store_news {
    int64_t number;
    struct text text; /* the members of a JSON object, without its braces */
};
/* Those above `after`, by number; `standings`: with what relays refuse by. */
int store_news(struct store *, int64_t after, bool standings, uint32_t most,
               void (*each)(void *, const struct store_news *), void *context, struct error *) MUST_CHECK;

/* --- who did what: audit.c --- */

struct store_deed {
    moment time;
    struct text person, deed, target, reason, from; /* `from`: the address it came from */
};
int store_audit_add(struct store *, const struct store_deed *, struct error *) MUST_CHECK;
int store_audit(struct store *, moment since, uint32_t most, void (*each)(void *, const struct store_deed *),
                void *context, struct error *) MUST_CHECK;

/* --- keeping it small: retention.c --- */

struct bulk_settings;
struct store_retention {
    duration records, minutes, hours, days, audit; /* how long each is kept */
    const struct bulk_settings *bulk;              /* NULL: nothing is counted */
    duration messages;                             /* how long a message is kept; 0: for ever */
    uint64_t message_bytes;                        /* and the most of all; 0: there is no bound */
    duration reports;                              /* how long the numbers of reports are kept; 0: for ever */
    duration complaints;                           /* how long one that is done with is kept; 0: for ever */
};
/* What is too old as minutes goes up into hours, and hours into days; what is too old of the rest is dropped. A bounded
 * amount; 1: there is more. Who calls it every minute or so has `now` believed at once; a clock that is an hour or more
 * ahead of the last call is believed when it has gone on for a day, and until then nothing is done. */
int store_tidy(struct store *, const struct store_retention *, moment now, struct error *) MUST_CHECK;

#endif
