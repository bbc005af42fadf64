/* Who sends what, over all nodes: the latest verdict of each sender and what it did in the last day. The day is read
 * from two places, which count nothing twice: the hours that are over, and of the last one or two the minutes. */
#include "collector/store/store_own.h"

#define SUM(column) STORE_SUM(column)
#define COUNTS(table)                                                                                                  \
    table ".connections, " table ".messages, " table ".rejected, " table ".recipients, " table ".bytes"

/* `which`: the senders that are shown, the highest score first. */
#define SENDERS(which)                                                                                                                                  \
    "WITH shown AS (SELECT s.node, s.sender, s.customer, COALESCE(NULLIF(s.verdict, ''), 'clear') AS verdict, "                                         \
    "s.score, s.changed FROM senders s WHERE " which " ORDER BY s.score DESC, s.sender, s.node LIMIT $2),"                                              \
    " counts AS (SELECT h.node, h.sender, h.seen, " COUNTS(                                                                                             \
        "h") " FROM shown s JOIN hours h ON h.node = s.node"                                                                                            \
             " AND h.time >= $1 AND h.sender = s.sender UNION ALL SELECT m.node, m.sender, m.time, " COUNTS(                                            \
                 "m") " FROM shown s JOIN minutes m ON m.node = s.node AND m.time >= $1 AND m.sender = s.sender),"                                      \
                      " sums AS (SELECT node, sender, MAX(seen) AS seen, " SUM("connections") " AS connections, " SUM("messages") " AS messages, " SUM( \
                          "rejected") " AS rejected, " SUM("recipients") " AS recipients, " SUM("bytes") " AS bytes "                                   \
                                                                                                         "FROM "                                        \
                                                                                                         "counts "                                      \
                                                                                                         "GROUP BY "                                    \
                                                                                                         "node, "                                       \
                                                                                                         "sender)"                                      \
                                                                                                         " SELECT "                                     \
                                                                                                         "s.node, "                                     \
                                                                                                         "n.name, "                                     \
                                                                                                         "s.sender, "                                   \
                                                                                                         "s.customer,"                                  \
                                                                                                         " s.verdict,"                                  \
                                                                                                         " s.score, "                                   \
                                                                                                         "s.changed, "                                  \
                                                                                                         "COALESCE(c."                                  \
                                                                                                         "seen, 0),"                                    \
                                                                                                         " COALESCE("                                   \
                                                                                                         "c."                                           \
                                                                                                         "connections"                                  \
                                                                                                         ", 0), "                                       \
                                                                                                         "COALESCE(c."                                  \
                                                                                                         "messages, "                                   \
                                                                                                         "0), "                                         \
                                                                                                         "COALESCE(c."                                  \
                                                                                                         "rejected, "                                   \
                                                                                                         "0), "                                         \
                                                                                                         "COALESCE(c."                                  \
                                                                                                         "recipients,"                                  \
                                                                                                         " 0),"                                         \
                                                                                                         " COALESCE("                                   \
                                                                                                         "c.bytes, "                                    \
                                                                                                         "0) FROM "                                     \
                                                                                                         "shown s "                                     \
                                                                                                         "JOIN nodes "                                  \
                                                                                                         "n ON "                                        \
                                                                                                         "n.node = "                                    \
                                                                                                         "s.node"                                       \
                                                                                                         " LEFT JOIN "                                  \
                                                                                                         "sums c ON "                                   \
                                                                                                         "c.node = "                                    \
                                                                                                         "s.node AND "                                  \
                                                                                                         "c.sender = "                                  \
                                                                                                         "s.sender "                                    \
                                                                                                         "ORDER BY "                                    \
                                                                                                         "s.score "                                     \
                                                                                                         "DESC, "                                       \
                                                                                                         "s.sender, "                                   \
                                                                                                         "s.node"

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
    const struct value parameters[] = {INTEGER(store_day_before(now)), INTEGER(most), INTEGER(node),
                                       STRING(sender ? sender : "")};
    /* Each its own, so that each goes by an index. */
    static const char of_all[] = SENDERS("1 = 1"), of_node[] = SENDERS("s.node = $3"),
                      of_sender[] = SENDERS("($3 = 0 OR s.node = $3) AND s.sender = $4");
    const char *statement = sender ? of_sender : node ? of_node : of_all;
    int rows = engine_run(store->engine, statement, parameters,
                          sender ? 4
                          : node ? 3
                                 : 2,
                          sender_row, &listener, error);
    return rows < 0 ? rows : 0;
}
