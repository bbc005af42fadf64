/* See tying.h. A Message-ID or a text is a claim that anybody can copy, an address less so: where the complaint names
 * one, what was sent from there comes first. A relay or a translation of addresses may stand between, so that in the
 * end a Message-ID or a text may do alone. */
#include "collector/store/tying.h"

#include <string.h>
#include "collector/store/store_own.h"
#include "common/words/sender.h"

#define SEARCHED  "500"     /* messages of one text or Message-ID, for those of an address */
#define LOOKED_AT 200       /* messages of one text or Message-ID; the latest */
#define BEFORE    (2 * DAY) /* so long a message may have been on its way until it was complained of */
#define BEHIND    HOUR      /* so far another's clock may be wrong */
#define STANDS    (7 * DAY) /* so long who has an address now is held for who had it then */

/* --- several rows, one sender --- */

struct agreement {
    struct store_tie *tie;
    bool has_rows, is_mixed; /* it has seen several senders */
    bool of_several;         /* customers */
    bool has_nobody;         /* a row without a customer */
    bool on_several;         /* nodes */
};

/* Rows of sender, customer, node and, of messages, name. */
static bool agree(void *context, const struct value *columns, size_t count)
{
    struct agreement *agreement = context;
    struct store_tie *tie = agreement->tie;
    char sender[STORE_TIE_TEXT], customer[STORE_TIE_TEXT];
    store_copy(columns[0].text, sender, sizeof sender);
    store_copy(columns[1].text, customer, sizeof customer);
    if (!agreement->has_rows) {
        strcpy(tie->sender, sender);
        tie->node = columns[2].integer;
        if (count > 3)
            store_copy(columns[3].text, tie->message, sizeof tie->message);
    }
    agreement->has_rows = true;
    agreement->is_mixed = agreement->is_mixed || strcmp(tie->sender, sender) != 0;
    agreement->on_several = agreement->on_several || tie->node != columns[2].integer;
    if (customer[0] && tie->customer[0] == '\0')
        strcpy(tie->customer, customer);
    agreement->has_nobody = agreement->has_nobody || customer[0] == '\0';
    agreement->of_several = agreement->of_several || (customer[0] && strcmp(tie->customer, customer) != 0);
    return true;
}

/* 1: they lead to somebody. */
static int settle(const struct agreement *agreement, int rows, const char *how)
{
    struct store_tie *tie = agreement->tie;
    /* A name such as "port:tap7" is another's on another node, unless one customer has them all. */
    bool is_mixed = agreement->is_mixed ||
                    (agreement->on_several && (agreement->of_several || (agreement->has_nobody && tie->customer[0])));
    if (is_mixed)
        tie->sender[0] = tie->message[0] = '\0';
    if (agreement->on_several)
        tie->node = 0;
    if (agreement->of_several || (is_mixed && agreement->has_nobody))
        tie->customer[0] = '\0';
    tie->tied = how;
    if (rows > 0 && (tie->sender[0] || tie->customer[0]))
        return 1;
    *tie = (struct store_tie){.tied = ""};
    return rows < 0 ? rows : 0;
}

/* --- by messages --- */

/* Of more than can be looked at the first are looked at as well as the last: who sent much of late is not alone. */
#define LATEST(by) " ORDER BY " by " DESC LIMIT $1"
#define FIRST(by)  " ORDER BY " by " LIMIT $1"

static int look(struct store *store, const char *const queries[2], const struct value *values, size_t count,
                struct agreement *agreement, struct error *error)
{
    int rows = engine_run(store->engine, queries[0], values, count, agree, agreement, error);
    if (rows < LOOKED_AT)
        return rows;
    int more = engine_run(store->engine, queries[1], values, count, agree, agreement, error);
    return more < 0 ? more : rows;
}

static int by_copied(struct store *store, const char *const queries[2], const char *what, const char *address,
                     const char *how, struct store_tie *tie, struct error *error)
{
    struct agreement agreement = {.tie = tie};
    const struct value values[] = {INTEGER(LOOKED_AT), STRING(what), STRING(address)};
    return settle(&agreement, look(store, queries, values, 3, &agreement, error), how);
}

/* `address` empty: sent from wherever. */
static int by_message(struct store *store, const struct store_trail *trail, const char *address, struct store_tie *tie,
                      struct error *error)
{
    /* In an outbreak a million are alike: those of an address are looked for among some of them. */
#define ALIKE(what, order)                                                                                             \
    "SELECT sender, customer, node, name FROM (SELECT sender, customer, node, name, address, received FROM messages "  \
    "WHERE " what " = $2 AND " what " <> '' ORDER BY received" order " LIMIT " SEARCHED ") AS alike "                  \
    "WHERE $3 = '' OR address = $3"
    static const char *const of_id[] = {ALIKE("message_id", " DESC") LATEST("received"),
                                        ALIKE("message_id", "") FIRST("received")};
    static const char *const of_body[] = {ALIKE("body", " DESC") LATEST("received"),
                                          ALIKE("body", "") FIRST("received")};
    int status = trail->message_id[0] ? by_copied(store, of_id, trail->message_id, address, "message", tie, error) : 0;
    return status == 0 && trail->body[0] ? by_copied(store, of_body, trail->body, address, "text", tie, error) : status;
}

/* --- by an address --- */

#define SEVERAL 2 /* it is known, and not one customer's */

/* What rows of an address lead to. */
static int settle_address(const struct agreement *agreement, int rows)
{
    int status = settle(agreement, rows, "address");
    return status == 0 && rows > 0 ? SEVERAL : status;
}

/* A host's users and accounts share its address, and of few of them messages were looked at. */
static bool has_others_beside(const char *sender)
{
    return text_starts_nocase(text_of(sender), TEXT("uid:")) || text_starts_nocase(text_of(sender), TEXT("account:"));
}

static int by_sent(struct store *store, const char *address, moment when, struct store_tie *tie, struct error *error)
{
    static const char beside[] = "SELECT sender, customer, node, '' FROM senders WHERE address = $2 AND address <> '' "
                                 "AND (sender LIKE 'uid:%' OR sender LIKE 'account:%') LIMIT $1";
#define OF_ADDRESS "SELECT sender, customer, node, name FROM messages WHERE address = $2 AND time >= $3 AND time < $4"
    static const char *const queries[] = {OF_ADDRESS LATEST("time"), OF_ADDRESS FIRST("time")};
    struct agreement agreement = {.tie = tie};
    const struct value values[] = {INTEGER(LOOKED_AT), STRING(address), INTEGER(when - BEFORE), INTEGER(when + BEHIND)};
    int rows = look(store, queries, values, 4, &agreement, error);
    if (rows > 0 && has_others_beside(tie->sender)) {
        int more = engine_run(store->engine, beside, values, 2, agree, &agreement, error);
        rows = more < 0 ? more : rows;
    }
    tie->message[0] = '\0'; /* one from there, not the one */
    return settle_address(&agreement, rows);
}

static int by_senders(struct store *store, const struct address *address, const char *text, struct store_tie *tie,
                      struct error *error)
{
    struct agreement agreement = {.tie = tie};
    struct sender sender = sender_from_address(address);
    char name[SENDER_TEXT];
    int rows =
        STORE_RUN(store,
                  "SELECT sender, customer, node FROM senders WHERE (address = $1 AND address <> '') OR "
                  "sender = $2 LIMIT $3",
                  agree, &agreement, error, STRING(text), STRING(sender_print(&sender, name)), INTEGER(LOOKED_AT));
    return settle_address(&agreement, rows);
}

static int by_orders(struct store *store, const struct address *address, moment when, struct store_tie *tie,
                     struct error *error)
{
    struct agreement agreement = {.tie = tie};
    struct sender sender = sender_from_address(address);
    char name[SENDER_TEXT];
    int rows =
        STORE_RUN(store, "SELECT sender, customer, node FROM orders WHERE standing = $1 AND until > $2 LIMIT $3", agree,
                  &agreement, error, STRING(sender_print(&sender, name)), INTEGER(when), INTEGER(LOOKED_AT));
    return settle_address(&agreement, rows);
}

static int by_address(struct store *store, const struct address *address, moment when, moment now,
                      struct store_tie *tie, struct error *error)
{
    char text[ADDRESS_TEXT];
    address_print(address, text);
    int status = by_sent(store, text, when, tie, error);
    bool is_now = when > now - STANDS && address->prefix >= (address->family == 4 ? 32 : 64); /* and one customer's */
    if (status == 0 && is_now)
        status = by_senders(store, address, text, tie, error);
    if (status == 0 && is_now)
        status = by_orders(store, address, when, tie, error);
    return status;
}

int store_tie(struct store *store, const struct store_trail *trail, moment now, struct store_tie *result,
              struct error *error)
{
    moment when = trail->time > 0 && trail->time < now ? trail->time : now;
    char text[ADDRESS_TEXT];
    int status = 0;
    *result = (struct store_tie){.tied = ""};
    for (size_t i = 0; i < trail->address_count && status == 0; i++)
        if (!address_is_special(&trail->addresses[i])) {
            status = by_message(store, trail, address_print(&trail->addresses[i], text), result, error);
            result->at = status > 0 ? i + 1 : 0;
        }
    if (status == 0 && !trail->is_source)
        status = by_message(store, trail, "", result, error);
    for (size_t i = 0; i < trail->address_count && status == 0; i++)
        if (!address_is_special(&trail->addresses[i])) /* 127.0.0.1 is everybody's */
            status = by_address(store, &trail->addresses[i], when, now, result, error);
    if (status == 0 && trail->is_source)
        status = by_message(store, trail, "", result, error);
    return status == SEVERAL ? 0 : status;
}
