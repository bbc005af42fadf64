/* See complaints.h. */
#include "collector/store/complaints.h"

#include <string.h>
#include "collector/store/store_own.h"

struct listener {
    void (*each)(void *, const struct store_complaint_row *);
    void *context;
};

static bool complaint_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    struct store_complaint_row row = {.id = columns[0].text,
                                      .arrival = columns[1].text,
                                      .received = columns[2].integer,
                                      .time = columns[3].integer,
                                      .source = columns[4].text,
                                      .format = columns[5].text,
                                      .type = columns[6].text,
                                      .reporter = columns[7].text,
                                      .address = columns[8].text,
                                      .sender = columns[9].text,
                                      .customer = columns[10].text,
                                      .message = columns[11].text,
                                      .tied = columns[12].text,
                                      .node = columns[13].integer,
                                      .node_name = columns[14].text,
                                      .message_id = columns[15].text,
                                      .subject = columns[16].text,
                                      .recipient = columns[17].text,
                                      .state = columns[18].text,
                                      .note = columns[19].text,
                                      .times = columns[20].integer,
                                      .incidents = columns[21].integer,
                                      .closed = columns[22].integer,
                                      .person = columns[23].text,
                                      .reason = columns[24].text};
    if (count > 25)
        row.fields = columns[25].text;
    /* Of one that was not read, it is until when somebody reads it. */
    if (text_equals(row.state, TEXT("arrived")))
        row.closed = 0;
    listener->each(listener->context, &row);
    return true;
}

#define COLUMNS                                                                                                        \
    "SELECT c.id, c.arrival, c.received, c.time, c.source, c.format, c.type, c.reporter, c.address, c.sender, "        \
    "c.customer, c.message, c.tied, c.node, COALESCE(n.name, ''), c.message_id, c.subject, c.recipient, c.state, "     \
    "c.note, c.times, c.incidents, c.closed, c.person, c.reason"
#define TABLES " FROM complaints c LEFT JOIN nodes n ON n.node = c.node "
#define LATEST " ORDER BY c.received DESC, c.id DESC LIMIT $2"

/* $3: the state, where one is asked for. */
#define SHAPES(which)                                                                                                  \
    {                                                                                                                  \
        COLUMNS TABLES "WHERE c.received >= $1 AND $3 = '' AND c.state IN ('open', 'unread', 'arrived')" which LATEST, \
            COLUMNS TABLES "WHERE c.received >= $1 AND $3 = ''" which LATEST,                                          \
            COLUMNS TABLES "WHERE c.received >= $1 AND c.state = $3" which LATEST                                      \
    }

int store_complaint_list(struct store *store, const struct store_complaint_query *query,
                         void (*each)(void *, const struct store_complaint_row *), void *context, struct error *error)
{
    static const char *const of_all[] = SHAPES(""), *const of_customer[] = SHAPES(" AND c.customer = $4");
    struct listener listener = {each, context};
    size_t shape = query->state == NULL ? 0 : strcmp(query->state, "all") == 0 ? 1 : 2;
    const struct value parameters[] = {INTEGER(query->since), INTEGER(query->most),
                                       STRING(shape == 2 ? query->state : ""),
                                       STRING(query->customer ? query->customer : "")};
    int rows = engine_run(store->engine, query->customer ? of_customer[shape] : of_all[shape], parameters,
                          query->customer ? 4 : 3, complaint_row, &listener, error);
    return rows < 0 ? rows : 0;
}

int store_complaint_find(struct store *store, const char *id, void (*each)(void *, const struct store_complaint_row *),
                         void *context, struct error *error)
{
    struct listener listener = {each, context};
    return STORE_RUN(store, COLUMNS ", c.fields" TABLES "WHERE c.id = $1", complaint_row, &listener, error, STRING(id));
}

int store_complaint_done(struct store *store, const char *id, const char *person, const char *reason, moment now,
                         struct error *error)
{
    int rows = STORE_RUN(store,
                         "UPDATE complaints SET state = 'done', person = $2, reason = $3, closed = $4 WHERE id = $1 "
                         "AND state IN ('open', 'unread')",
                         NULL, NULL, error, STRING(id), STRING(person), STRING(reason), INTEGER(now));
    return rows < 0 ? rows : rows > 0;
}
