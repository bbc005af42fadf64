/* One request and its answer, from the loop to a thread with a store and back. What an endpoint needs of HTTP stands
 * here as plain texts; nothing below the server knows the library that speaks it. */
#ifndef COLLECTOR_API_EXCHANGE_H
#define COLLECTOR_API_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/api/secret.h"
#include "collector/store/store.h"
#include "common/buffer.h"
#include "common/moment.h"

#define EXCHANGE_PARAMETERS  12
#define EXCHANGE_NAME        65 /* bytes of a name, with its end */
#define EXCHANGE_ANSWER_MOST (32U * 1024 * 1024)

struct endpoint;
struct exchange;
struct means;

/* Whom what was stored may concern. */
enum told { TOLD_NOBODY, TOLD_NODES, TOLD_PEOPLE, TOLD_KINDS };

/* What is to be done next: look at the secret before the body is read; read the body; answer. Most need the last
 * alone. What takes long to find out and is then to be kept, a reader finds out and the writer writes down, before it
 * is answered. */
enum step { STEP_ADMIT, STEP_PREPARE, STEP_ANSWER, STEP_KEEP };

struct exchange {
    struct exchange *next; /* in a queue */
    void *owner;           /* the server's */
    const struct endpoint *endpoint;
    const struct means *means; /* means.h */
    enum step step;
    struct text target; /* what stands in the path's braces */
    struct {
        const char *name, *value; /* as many as the endpoint has; value NULL: not given */
    } parameters[EXCHANGE_PARAMETERS];
    char from[64];            /* the client's address */
    char name[EXCHANGE_NAME]; /* by which it is known again when it is asked anew: once.h */
    bool packed;              /* the body is zstd */
    struct buffer body;
    void *prepared;       /* what the endpoint made of the body, to be forgotten by the endpoint */
    size_t prepared_size; /* bytes, about */
    moment arrived;       /* where others write to the store as well: by its server's clock */
    duration begun;       /* steady */

    struct secret secret;
    struct store_node node;     /* who asks, where a node may */
    struct store_person person; /* or a person */

    struct {
        char word[SECRET_WORD + 1], hash[STORE_HASH];
        int64_t id;
    } made; /* a secret, and a person's id: the same when the handler is run again */

    int status;
    struct buffer answer;
    bool lines;       /* the answer is lines of JSON */
    bool plain;       /* it is text */
    const char *type; /* it is a file of this type, for programs that store it; NULL: it is not */
    bool keeps;       /* by STEP_ANSWER: STEP_KEEP is to follow, with what is `prepared` */
    bool nothing;     /* there is nothing yet: it may be asked again until `patience` is over */
    duration patience;
    int64_t revision;            /* that was given in it; 0: none */
    enum told told;              /* after the commit these may have something to fetch */
    uint64_t generation;         /* of what can be waited for, when it was last asked */
    int64_t records, duplicates; /* stored, and already there */
    int64_t messages;            /* stored, to be sorted */
    struct error trouble;        /* why the store failed: for the log */
};

/* Forget an answer: before it is worked out once more. */
void exchange_reset(struct exchange *);
/* The body as it is, or what it is packed of, of `most` bytes; it is the caller's now, also after a failure. -EBADMSG,
 * -EMSGSIZE: as of unpack_zstd(). */
int exchange_take_body(struct exchange *, size_t most, struct buffer *plain, struct error *) MUST_CHECK;
/* Answer {"error":SENTENCE}. Returns 0, so that `return exchange_refuse(...)` ends a handler. */
int exchange_refuse(struct exchange *, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* NULL: not given. */
const char *exchange_parameter(const struct exchange *, const char *name);
/* A number from 0; false where something else stands there. Unchanged where it is not given. */
bool exchange_number(const struct exchange *, const char *name, int64_t *result);

#endif
