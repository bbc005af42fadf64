/* What happened, as nodes told it: in the order in which it came here, so that who reads on misses nothing. */
#include <stdint.h>
#include "collector/store/store_own.h"

struct listener {
    void (*each)(void *, const struct store_event *);
    void *context;
};

static bool event_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    const struct store_event event = {.node = columns[0].integer,
                                      .life = columns[1].integer,
                                      .sequence = columns[2].integer,
                                      .received = columns[3].integer,
                                      .line = columns[4].text,
                                      .node_name = columns[5].text};
    (void)count;
    listener->each(listener->context, &event);
    return true;
}

/* A sender, a kind and a node have an index each, and must stand alone to be found by it; the rest is read past. */
#define COLUMNS "SELECT r.node, r.life, r.sequence, r.received, r.line, COALESCE(n.name, '') FROM records r"
#define NODE    " LEFT JOIN nodes n ON n.node = r.node"
#define REST                                                                                                           \
    " AND r.time >= $4 AND ($5 = '' OR r.kind = $5) AND ($6 = 0 OR r.node = $6) AND ($8 = '' OR r.sender = $8)"        \
    " AND r.received < $9"
#define BEHIND  " WHERE (r.received, r.node, r.sequence) > ($1, $2, $3)"
#define FORWARD " ORDER BY r.received, r.node, r.sequence LIMIT $7"
#define BACK    " ORDER BY r.received DESC, r.node DESC, r.sequence DESC LIMIT $7"
#define TURNED  ") AS newest ORDER BY received, node, sequence"

#define READ(which)                                                                                                    \
    {                                                                                                                  \
        COLUMNS NODE BEHIND which REST FORWARD, "SELECT * FROM (" COLUMNS NODE BEHIND which REST BACK TURNED           \
    }

static const char *statement_for(const struct store_event_filter *filter)
{
    static const char *const all[] = READ(""), *const of_sender[] = READ(" AND r.sender = $8"),
                             *const of_kind[] = READ(" AND r.kind = $5"), *const of_node[] = READ(" AND r.node = $6");
    return (filter->sender                  ? of_sender
            : filter->kind && *filter->kind ? of_kind
            : filter->node                  ? of_node
                                            : all)[filter->newest];
}

int store_events(struct store *store, const struct store_event_filter *filter,
                 void (*each)(void *, const struct store_event *), void *context, struct error *error)
{
    struct listener listener = {each, context};
    /* What came more than a day before `since` is from before it: no record is from further in the future than that. */
    moment after = filter->since - DAY > filter->received ? filter->since - DAY : filter->received;
    const struct value parameters[] = {
        INTEGER(after),
        INTEGER(filter->node_after),
        INTEGER(filter->sequence_after),
        INTEGER(filter->since),
        STRING(filter->kind ? filter->kind : ""),
        INTEGER(filter->node),
        INTEGER(filter->most),
        STRING(filter->sender ? filter->sender : ""),
        INTEGER(filter->before ? filter->before : INT64_MAX),
    };
    int rows = engine_run(store->engine, statement_for(filter), parameters, sizeof parameters / sizeof parameters[0],
                          event_row, &listener, error);
    return rows < 0 ? rows : 0;
}
