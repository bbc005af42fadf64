/* Who sends what, over all nodes: the latest verdict of each sender and what it did in the last day. */
#include "collector/store/store_own.h"

#define SENDERS                                                                                                        \
    "SELECT s.node, n.name, s.sender, s.customer, s.verdict, s.score, s.changed, COALESCE(m.seen, 0),"                 \
    " COALESCE(m.connections, 0), COALESCE(m.messages, 0), COALESCE(m.rejected, 0), COALESCE(m.recipients, 0),"        \
    " COALESCE(m.bytes, 0) FROM senders s JOIN nodes n ON n.node = s.node LEFT JOIN"                                   \
    " (SELECT node, sender, MAX(time) AS seen, SUM(connections) AS connections, SUM(messages) AS messages,"            \
    " SUM(rejected) AS rejected, SUM(recipients) AS recipients, SUM(bytes) AS bytes FROM minutes WHERE time >= $1"     \
    " GROUP BY node, sender) m ON m.node = s.node AND m.sender = s.sender"                                             \
    " WHERE ($2 = 0 OR s.node = $2) AND ($3 = '' OR s.sender = $3)"                                                    \
    " ORDER BY s.score DESC, s.sender, s.node LIMIT $4"

struct senders_listener {
    void (*each)(void *, const struct store_sender *);
    void *context;
};

static bool sender_row(void *context, const struct value *columns, size_t count)
{
    const struct senders_listener *listener = context;
    const struct store_sender sender = {.node = columns[0].integer,
                                        .node_name = columns[1].text,
                                        .sender = columns[2].text,
                                        .customer = columns[3].text,
                                        .verdict = columns[4].text,
                                        .score = columns[5].integer,
                                        .changed = columns[6].integer,
                                        .seen = columns[7].integer,
                                        .connections = columns[8].integer,
                                        .messages = columns[9].integer,
                                        .rejected = columns[10].integer,
                                        .recipients = columns[11].integer,
                                        .bytes = columns[12].integer};
    (void)count;
    listener->each(listener->context, &sender);
    return true;
}

int store_senders(struct store *store, int64_t node, const char *sender, uint32_t most, moment now,
                  void (*each)(void *, const struct store_sender *), void *context, struct error *error)
{
    struct senders_listener listener = {each, context};
    int rows = STORE_RUN(store, SENDERS, sender_row, &listener, error, INTEGER(now - DAY), INTEGER(node),
                         STRING(sender ? sender : ""), INTEGER(most));
    return rows < 0 ? rows : 0;
}

#define CUSTOMERS                                                                                                      \
    "SELECT customer, COUNT(DISTINCT sender), COUNT(DISTINCT node), SUM(messages), SUM(rejected), SUM(recipients)"     \
    " FROM minutes WHERE time >= $1 AND customer <> '' GROUP BY customer ORDER BY 4 DESC, customer LIMIT $2"

struct customers_listener {
    void (*each)(void *, const struct store_customer *);
    void *context;
};

static bool customer_row(void *context, const struct value *columns, size_t count)
{
    const struct customers_listener *listener = context;
    const struct store_customer customer = {.customer = columns[0].text,
                                            .senders = columns[1].integer,
                                            .nodes = columns[2].integer,
                                            .messages = columns[3].integer,
                                            .rejected = columns[4].integer,
                                            .recipients = columns[5].integer};
    (void)count;
    listener->each(listener->context, &customer);
    return true;
}

int store_customers(struct store *store, uint32_t most, moment now, void (*each)(void *, const struct store_customer *),
                    void *context, struct error *error)
{
    struct customers_listener listener = {each, context};
    int rows = STORE_RUN(store, CUSTOMERS, customer_row, &listener, error, INTEGER(now - DAY), INTEGER(most));
    return rows < 0 ? rows : 0;
}
