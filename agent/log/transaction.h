/* What is known of one queue id, and the table of them. */
#ifndef AGENT_LOG_TRANSACTION_H
#define AGENT_LOG_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/address.h"
#include "common/error.h"
#include "common/moment.h"
#include "common/siphash.h"
#include "common/text.h"
#include "common/words/observation.h"

#define TRANSACTION_FROM    256 /* RFC 5321, 4.5.3.1.3: a path has up to 256 octets */
#define TRANSACTION_ACCOUNT 128

struct transaction {
    moment spoken; /* when a line spoke of it last */
    struct address client, server;
    uint64_t bytes;
    uint32_t user, expected, answered, accepted, here; /* recipients: by the envelope, outside, of those 2xx, local */
    uint16_t client_port, code, enhanced;              /* of the answer that stands for the message */
    bool user_known, sender_known, told, put_off;      /* put_off: a recipient, for now */
    uint8_t account_length;
    uint16_t from_length;
    char account[TRANSACTION_ACCOUNT], from[TRANSACTION_FROM];
};

struct transactions;
struct transactions *transactions_create(uint32_t places, const struct siphash_key *, struct error *);
void transactions_destroy(struct transactions **);

/* A queue id of up to 48 bytes; a longer one is nobody's, and NULL. */
struct transaction *transactions_find(struct transactions *, uint32_t source, struct text queue);
struct transaction *transactions_add(struct transactions *, uint32_t source, struct text queue, moment);
void transactions_remove(struct transactions *, struct transaction *);
/* Remove those that no line spoke of since `before`. */
void transactions_expire(struct transactions *, moment before);
uint64_t transactions_let_go(const struct transactions *);

void transaction_set_from(struct transaction *, struct text);
void transaction_set_account(struct transaction *, struct text);
/* Who sent it, for an observation; the account's text is borrowed from the transaction. */
struct origin transaction_origin(const struct transaction *);

#endif
