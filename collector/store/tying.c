/* See tying.h. A Message-ID or a text is a claim that anybody can copy, an address less so: where the complaint names
 * one, what was sent from there comes first. A relay or a translation of addresses may stand between, so that in the
 * end a Message-ID or a text may do alone. */
#include "collector/store/tying.h"

#include <string.h>
#include "collector/store/store_own.h"
#include "common/words/sender.h"

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
    if (agreement->is_mixed)
        tie->sender[0] = tie->message[0] = '\0';
    if (agreement->on_several)
        tie->node = 0;
    if (agreement->of_several || (agreement->is_mixed && agreement->has_nobody))
        tie->customer[0] = '\0';
    tie->tied = how;
    if (rows > 0 && (tie->sender[0] || tie->customer[0]))
        return 1;
    *tie = (struct store_tie){.tied = ""};
    return rows < 0 ? rows : 0;
}

/* --- by messages --- */

#define MESSAGES "SELECT sender, customer, node, name FROM messages WHERE "
#define FROM_IT  " AND ($2 = '' OR address = $2) ORDER BY received DESC LIMIT $3"

static int by_message_id(struct store *store, const char *id, const char *address, struct store_tie *tie,
                         struct error *error)
{
    struct agreement agreement = {.tie = tie};
    int rows = STORE_RUN(store, MESSAGES "message_id = $1 AND message_id <> ''" FROM_IT, agree, &agreement, error,
                         STRING(id), STRING(address), INTEGER(LOOKED_AT));
    return settle(&agreement, rows, "message");
}

static int by_body(struct store *store, const char *body, const char *address, struct store_tie *tie,
                   struct error *error)
{
    struct agreement agreement = {.tie = tie};
    int rows = STORE_RUN(store, MESSAGES "body = $1 AND body <> ''" FROM_IT, agree, &agreement, error, STRING(body),
                         STRING(address), INTEGER(LOOKED_AT));
    return settle(&agreement, rows, "text");
}

/* `address` empty: sent from wherever. */
static int by_message(struct store *store, const struct store_trail *trail, const char *address, struct store_tie *tie,
                      struct error *error)
{
    int status = trail->message_id[0] ? by_message_id(store, trail->message_id, address, tie, error) : 0;
    return status == 0 && trail->body[0] ? by_body(store, trail->body, address, tie, error) : status;
}

/* --- by an address --- */

static int by_sent(struct store *store, const char *address, moment when, struct store_tie *tie, struct error *error)
{
    struct agreement agreement = {.tie = tie};
    int rows = STORE_RUN(store, MESSAGES "address = $1 AND time >= $2 AND time < $3 ORDER BY time DESC LIMIT $4", agree,
                         &agreement, error, STRING(address), INTEGER(when - BEFORE), INTEGER(when + BEHIND),
                         INTEGER(LOOKED_AT));
    if (rows > 0)
        tie->message[0] = '\0'; /* one from there, not the one */
    int status = settle(&agreement, rows, "address");
    return status == 0 && rows > 0 ? 2 : status; /* several had it then: who has it now is no better */
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
    return settle(&agreement, rows, "address");
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
    return settle(&agreement, rows, "address");
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
    return status == 2 ? 0 : status;
}

int store_tie(struct store *store, const struct store_trail *trail, moment now, struct store_tie *result,
              struct error *error)
{
    moment when = trail->time > 0 && trail->time < now ? trail->time : now;
    char text[ADDRESS_TEXT];
    int status = 0;
    *result = (struct store_tie){.tied = ""};
    for (size_t i = 0; i < trail->address_count && status == 0; i++)
        status = by_message(store, trail, address_print(&trail->addresses[i], text), result, error);
    if (status == 0 && !trail->is_source)
        status = by_message(store, trail, "", result, error);
    for (size_t i = 0; i < trail->address_count && status == 0; i++)
        status = by_address(store, &trail->addresses[i], when, now, result, error);
    if (status == 0 && trail->is_source)
        status = by_message(store, trail, "", result, error);
    return status;
}
