/* What is in force on which node, as nodes tell it: an order when it begins, when it is changed and when it is
 * released. That it has run out nobody needs to tell: its end is known. When a node's agent starts, it tells all of
 * them anew. */
#include "collector/store/store_own.h"
#include "common/words/sender.h"

/* What others can know its sender by: the account, the customer, or the address that it used. "" where there is none:
 * a port's name or a user's number says nothing elsewhere. */
static const char *standing_of(const struct store_record *record, char result[SENDER_TEXT])
{
    struct sender sender;
    struct address address;
    result[0] = '\0';
    if (!sender_parse(record->sender, &sender))
        return result;
    bool known = sender.kind == SENDER_ACCOUNT || sender.kind == SENDER_CUSTOMER || sender_address(&sender, &address);
    if (!known && address_parse(record->address, &address)) {
        sender = sender_from_address(&address);
        known = true;
    }
    return known ? sender_print(&sender, result) : result;
}

#define MARK(which)                                                                                                    \
    "INSERT INTO heard (node, life, sequence, kind, name, sender, customer, recipients, messages, domains, known, "    \
    "points, score) SELECT DISTINCT $1, $2, $3, 'order', standing, '', '', 0, 0, 0, 0, 0, 0 FROM orders "              \
    "WHERE node = $1 AND standing <> '' " which

int store_order_told(struct store *store, int64_t node, int64_t life, const struct store_record *record,
                     struct error *error)
{
    char standing[SENDER_TEXT];
    int rows = 0;
    if (text_equals(record->order.deed, TEXT("release"))) {
        rows = STORE_QUEUE(store, MARK("AND sender = $4"), error, INTEGER(node), INTEGER(life),
                           INTEGER(record->sequence), VALUE_TEXT(record->sender));
        if (rows >= 0)
            rows = STORE_QUEUE(store, "DELETE FROM orders WHERE node = $1 AND sender = $2", error, INTEGER(node),
                               VALUE_TEXT(record->sender));
        return rows < 0 ? rows : 0;
    }
    standing_of(record, standing);
    /* Where it stood for another address before. */
    rows = STORE_QUEUE(store, MARK("AND sender = $4 AND standing <> $5"), error, INTEGER(node), INTEGER(life),
                       INTEGER(record->sequence), VALUE_TEXT(record->sender), STRING(standing));
    if (rows >= 0)
        rows = STORE_QUEUE(store,
                           "INSERT INTO orders (node, sender, customer, deed, author, reason, rate, since, until, "
                           "address, standing) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
                           "ON CONFLICT (node, sender) DO UPDATE SET customer = excluded.customer, "
                           "deed = excluded.deed, author = excluded.author, reason = excluded.reason, "
                           "rate = excluded.rate, since = excluded.since, until = excluded.until, "
                           "address = excluded.address, standing = excluded.standing",
                           error, INTEGER(node), VALUE_TEXT(record->sender), VALUE_TEXT(record->customer),
                           VALUE_TEXT(record->order.deed), VALUE_TEXT(record->order.by),
                           VALUE_TEXT(record->order.reason), INTEGER(record->order.rate), INTEGER(record->time),
                           INTEGER(record->order.until), VALUE_TEXT(record->address), STRING(standing));
    if (rows >= 0)
        rows = STORE_QUEUE(store, MARK("AND sender = $4"), error, INTEGER(node), INTEGER(life),
                           INTEGER(record->sequence), VALUE_TEXT(record->sender));
    return rows < 0 ? rows : 0;
}

int store_orders_forget(struct store *store, int64_t node, int64_t life, int64_t sequence, struct error *error)
{
    int rows = STORE_QUEUE(store, MARK(""), error, INTEGER(node), INTEGER(life), INTEGER(sequence));
    return rows < 0 ? rows : STORE_QUEUE(store, "DELETE FROM orders WHERE node = $1", error, INTEGER(node));
}

struct listener {
    void (*each)(void *, const struct store_order *);
    void *context;
};

static bool order_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    const struct store_order order = {.node = columns[0].integer,
                                      .node_name = columns[1].text,
                                      .sender = columns[2].text,
                                      .customer = columns[3].text,
                                      .deed = columns[4].text,
                                      .by = columns[5].text,
                                      .reason = columns[6].text,
                                      .rate = columns[7].integer,
                                      .since = columns[8].integer,
                                      .until = columns[9].integer,
                                      .address = columns[10].text};
    (void)count;
    listener->each(listener->context, &order);
    return true;
}

#define COLUMNS                                                                                                        \
    "SELECT o.node, n.name, o.sender, o.customer, o.deed, o.author, o.reason, o.rate, o.since, o.until, o.address "    \
    "FROM orders o "                                                                                                   \
    "JOIN nodes n ON n.node = o.node WHERE o.until > $1 "
#define LATEST "ORDER BY o.until DESC, o.node, o.sender LIMIT $2"

int store_orders(struct store *store, int64_t node, uint32_t most, moment now,
                 void (*each)(void *, const struct store_order *), void *context, struct error *error)
{
    struct listener listener = {each, context};
    int rows = node ? STORE_RUN(store, COLUMNS "AND o.node = $3 " LATEST, order_row, &listener, error, INTEGER(now),
                                INTEGER(most), INTEGER(node))
                    : STORE_RUN(store, COLUMNS LATEST, order_row, &listener, error, INTEGER(now), INTEGER(most));
    return rows < 0 ? rows : 0;
}

int store_orders_of(struct store *store, const char *customer, uint32_t most, moment now,
                    void (*each)(void *, const struct store_order *), void *context, struct error *error)
{
    struct listener listener = {each, context};
    char name[300];
    snprintf(name, sizeof name, "customer:%s", customer);
    int rows = STORE_RUN(store, COLUMNS "AND (o.customer = $3 OR o.sender = $4) " LATEST, order_row, &listener, error,
                         INTEGER(now), INTEGER(most), STRING(customer), STRING(name));
    return rows < 0 ? rows : 0;
}
