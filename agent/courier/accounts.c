/* See accounts.h. */
#include "agent/courier/accounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "common/cleanup.h"
#include "common/table.h"

struct accounts {
    bool on;
    const struct customers *map;
    struct table *table; /* of struct account, by struct sender */
    void *memory;
    struct accounts_counters counters;
    struct siphash_key key;
};

int accounts_create(uint32_t most, struct accounts **result, struct error *error)
{
    CLEANUP(accounts_destroy) struct accounts *accounts = calloc(1, sizeof *accounts);
    struct table_shape shape = {
        .places = most, .key_size = sizeof(struct sender), .value_size = sizeof(struct account)};
    if (getrandom(&shape.key, sizeof shape.key, 0) != sizeof shape.key)
        return error_set(error, errno, "cannot get random bytes: %m");
    if (accounts)
        accounts->memory = calloc(1, table_memory(&shape));
    if (!accounts || !accounts->memory)
        return error_set(error, ENOMEM, "no memory for orders on accounts");
    accounts->key = shape.key;
    accounts->table = table_place(accounts->memory, &shape);
    *result = TAKE(accounts);
    return 0;
}

void accounts_destroy(struct accounts **owner)
{
    if (*owner)
        free((*owner)->memory);
    free(*owner);
    *owner = NULL;
}

void accounts_customers(struct accounts *accounts, const struct customers *map)
{
    accounts->map = map;
}

void accounts_order(struct accounts *accounts, const struct order *order, moment now)
{
    bool added;
    struct account *account = table_find(accounts->table, &order->target);
    uint8_t kind = order->target.kind;
    if ((kind != SENDER_ACCOUNT && kind != SENDER_CUSTOMER) || (!account && order->deed == DEED_RELEASE))
        return;
    account = table_add(accounts->table, &order->target, &added, NULL, NULL);
    /* What was counted under an order that is over is not this one's. */
    if (added || (order->deed != DEED_RELEASE && (account->order.deed == DEED_RELEASE || account->order.until <= now)))
        *account = (struct account){.since = now};
    account->order = *order;
}

void accounts_enforce(struct accounts *accounts, bool on)
{
    accounts->on = on;
}

/* Several questions are asked about one message, a recipient each; what has no name is a message of its own. */
static bool is_same_message(struct accounts *accounts, struct account *account, struct text instance)
{
    uint32_t digest = (uint32_t)siphash(&accounts->key, instance.bytes, instance.length) | 1;
    bool same = instance.length > 0 && account->instance == digest;
    account->instance = instance.length > 0 ? digest : 0;
    return same;
}

static enum account_answer decide(struct account *account, moment now)
{
    if (account->order.deed == DEED_BLOCK)
        return ACCOUNT_REFUSED;
    if (account->minute != now / MINUTE) {
        account->minute = now / MINUTE;
        account->passed = 0;
    }
    if (account->passed >= account->order.rate)
        return ACCOUNT_DEFERRED;
    account->passed++;
    return ACCOUNT_PASSES;
}

static enum account_answer answer(struct accounts *accounts, struct account *account, struct text instance, moment now)
{
    bool same = is_same_message(accounts, account, instance);
    /* A block counts from the next recipient on; a message that was let through at a limited rate stays so. */
    if (same && (account->order.deed != DEED_BLOCK || account->answered == ACCOUNT_REFUSED))
        return account->answered;
    enum account_answer given = decide(account, now);
    account->answered = (uint8_t)given;
    account->refused += given == ACCOUNT_REFUSED;
    accounts->counters.refused += given == ACCOUNT_REFUSED;
    account->deferred += given == ACCOUNT_DEFERRED;
    accounts->counters.deferred += given == ACCOUNT_DEFERRED;
    return given;
}

static bool is_held_back(const struct account *account, moment now)
{
    return account->order.until > now && (account->order.deed == DEED_BLOCK || account->order.deed == DEED_THROTTLE);
}

static struct account *customers_row(struct accounts *accounts, const struct sender *account)
{
    const struct customer_question question = {.sender = account};
    char name[CUSTOMER_TEXT];
    struct sender customer = {.kind = SENDER_CUSTOMER};
    if (customers_find(accounts->map, &question, name) == CUSTOMER_UNKNOWN)
        return NULL;
    memcpy(customer.bytes, name, strnlen(name, sizeof customer.bytes));
    return table_find(accounts->table, &customer);
}

static const struct order *standing(const struct account *row, moment now)
{
    return row && row->order.deed != DEED_RELEASE && row->order.until > now ? &row->order : NULL;
}

/* The row whose order stands on that account: its own or its customer's; NULL: none. */
static struct account *find_row(struct accounts *accounts, const struct sender *sender, moment now)
{
    struct account *own = table_find(accounts->table, sender), *customers = customers_row(accounts, sender);
    const struct order *order = order_prevailing(standing(own, now), standing(customers, now));
    return !order ? NULL : own && order == &own->order ? own : customers;
}

enum account_answer accounts_answer(struct accounts *accounts, const struct policy_request *request, moment now,
                                    char action[ACCOUNTS_ACTION])
{
    struct sender sender = sender_from_account(request->account);
    struct account *account = sender.kind == SENDER_ACCOUNT ? find_row(accounts, &sender, now) : NULL;
    enum account_answer given = ACCOUNT_PASSES;
    char name[SENDER_TEXT];
    accounts->counters.asked++;
    accounts->counters.asked_last = now;
    if (account && is_held_back(account, now)) { /* to be asked while we only observe says that it would be stopped */
        account->asked++;
        account->asked_last = now;
        given = accounts->on ? answer(accounts, account, request->instance, now) : ACCOUNT_PASSES;
    }
    sender_print(&sender, name);
    if (given == ACCOUNT_REFUSED)
        snprintf(
            action, ACCOUNTS_ACTION,
            "554 5.7.1 Mail from this account is stopped for abuse. Your provider's support finds the reasons under "
            "%s",
            name);
    else if (given == ACCOUNT_DEFERRED)
        snprintf(
            action, ACCOUNTS_ACTION,
            "defer_if_permit 4.7.1 Mail from this account is slowed down, try again later. Your provider's support "
            "finds the reasons under %s",
            name);
    else
        snprintf(action, ACCOUNTS_ACTION, "DUNNO");
    return given;
}

const struct account *accounts_find(struct accounts *accounts, const struct sender *sender)
{
    return table_find(accounts->table, sender);
}

struct accounts_counters accounts_counters(const struct accounts *accounts)
{
    return accounts->counters;
}
