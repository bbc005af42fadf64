/* Queue ids in a table of fixed size. */
#include "agent/log/transaction.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/table.h"

#define QUEUE_MOST 48 /* Haraka's: a UUID and a number */

struct key {
    uint32_t source, length;
    char queue[QUEUE_MOST];
};

struct transactions {
    void *memory;
    struct table *table;
    uint64_t let_go;
};

struct transactions *transactions_create(uint32_t places, const struct siphash_key *key, struct error *error)
{
    const struct table_shape shape = {places, sizeof(struct key), sizeof(struct transaction), *key};
    CLEANUP(transactions_destroy) struct transactions *result = calloc(1, sizeof *result);
    size_t size = table_memory(&shape);
    if (result == NULL || size == SIZE_MAX || (result->memory = calloc(1, size)) == NULL) {
        error_set(error, ENOMEM, "no memory for %u queue ids", places);
        return NULL;
    }
    result->table = table_place(result->memory, &shape);
    return TAKE(result);
}

void transactions_destroy(struct transactions **transactions)
{
    if (*transactions == NULL)
        return;
    free((*transactions)->memory);
    free(*transactions);
    *transactions = NULL;
}

static bool make_key(struct key *key, uint32_t source, struct text queue)
{
    if (queue.length == 0 || queue.length > QUEUE_MOST)
        return false;
    *key = (struct key){.source = source, .length = (uint32_t)queue.length};
    memcpy(key->queue, queue.bytes, queue.length);
    return true;
}

struct transaction *transactions_find(struct transactions *transactions, uint32_t source, struct text queue)
{
    struct key key;
    return make_key(&key, source, queue) ? table_find(transactions->table, &key) : NULL;
}

static void on_leaving(void *context, const void *key, void *value)
{
    (void)key;
    (void)value;
    struct transactions *transactions = context;
    transactions->let_go++;
}

struct transaction *transactions_add(struct transactions *transactions, uint32_t source, struct text queue, moment time)
{
    struct key key;
    bool added;
    if (!make_key(&key, source, queue))
        return NULL;
    struct transaction *result = table_add(transactions->table, &key, &added, on_leaving, transactions);
    result->spoken = time;
    return result;
}

void transactions_remove(struct transactions *transactions, struct transaction *transaction)
{
    table_remove(transactions->table, transaction);
}

void transactions_expire(struct transactions *transactions, moment before)
{
    struct transaction *oldest;
    while ((oldest = table_oldest(transactions->table)) != NULL && oldest->spoken < before) {
        table_remove(transactions->table, oldest);
        transactions->let_go++;
    }
}

uint64_t transactions_let_go(const struct transactions *transactions)
{
    return transactions->let_go;
}

void transaction_set_from(struct transaction *transaction, struct text from)
{
    size_t length = from.length < sizeof transaction->from ? from.length : sizeof transaction->from;
    if (length > 0)
        memcpy(transaction->from, from.bytes, length);
    transaction->from_length = (uint16_t)length;
    transaction->sender_known = true;
}

void transaction_set_account(struct transaction *transaction, struct text account)
{
    size_t length = account.length < sizeof transaction->account ? account.length : sizeof transaction->account;
    if (length > 0)
        memcpy(transaction->account, account.bytes, length);
    transaction->account_length = (uint8_t)length;
}

struct origin transaction_origin(const struct transaction *transaction)
{
    return (struct origin){
        .address = transaction->client,
        .client_port = transaction->client_port,
        .user_known = transaction->user_known,
        .user = transaction->user,
        .account = {transaction->account, transaction->account_length},
    };
}
