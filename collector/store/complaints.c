/* See complaints.h. */
#include "collector/store/complaints.h"

#include <string.h>
#include "collector/store/store_own.h"
#include "collector/store/telling.h"
#include "collector/store/tying.h"
#include "common/words/observation.h"

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
                                      .reason = columns[24].text,
                                      .told = columns[25].integer,
                                      .is_not_abuse = columns[26].integer != 0};
    if (count > 27)
        row.fields = columns[27].text;
    /* Of one that was not read, it is until when somebody reads it. */
    if (text_equals(row.state, TEXT("arrived")))
        row.closed = 0;
    listener->each(listener->context, &row);
    return true;
}

#define COLUMNS                                                                                                        \
    "SELECT c.id, c.arrival, c.received, c.time, c.source, c.format, c.type, c.reporter, c.address, c.sender, "        \
    "c.customer, c.message, c.tied, c.node, COALESCE(n.name, ''), c.message_id, c.subject, c.recipient, c.state, "     \
    "c.note, c.times, c.incidents, c.closed, c.person, c.reason, c.told, c.not_abuse"
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

/* --- what its node is told --- */

const char *store_complaint_told_name(int64_t told)
{
    static const char *const names[TOLD_DEGREES] = {"nothing", "doubtful", "confirmed", "vouched"};
    return told >= 0 && told < TOLD_DEGREES ? names[told] : names[TOLD_NOTHING];
}

struct accusation {
    char sender[STORE_TIE_TEXT], customer[STORE_TIE_TEXT], address[ADDRESS_TEXT], reporter[128], type[32];
    uint32_t count;
    int64_t node, told;
};

static bool accusation_row(void *context, const struct value *columns, size_t count)
{
    struct accusation *accusation = context;
    (void)count;
    store_copy(columns[0].text, accusation->sender, sizeof accusation->sender);
    store_copy(columns[1].text, accusation->customer, sizeof accusation->customer);
    store_copy(columns[2].text, accusation->address, sizeof accusation->address);
    store_copy(columns[3].text, accusation->reporter, sizeof accusation->reporter);
    store_copy(columns[4].text, accusation->type, sizeof accusation->type);
    int64_t incidents = columns[5].integer;
    accusation->count = incidents > 0 && incidents < UINT32_MAX ? (uint32_t)incidents : 1;
    accusation->node = columns[6].integer;
    accusation->told = columns[7].integer;
    return false;
}

static uint32_t type_of(const char *name)
{
    uint32_t type = COMPLAINT_ABUSE;
    while (type < COMPLAINT_OTHER && strcmp(name, complaint_type_name((enum complaint_type)type)) != 0)
        type++;
    return type;
}

/* `told` 0: as it was told before, and now taken back. */
static int tell(struct store *store, const char *id, enum store_complaint_told told, moment now, struct error *error)
{
    struct accusation found = {.told = 0};
    int rows = STORE_RUN(store,
                         "SELECT sender, customer, address, reporter, type, incidents, node, told FROM complaints "
                         "WHERE id = $1",
                         accusation_row, &found, error, STRING(id));
    bool is_withdrawn = told == TOLD_NOTHING;
    if (rows <= 0 || (found.told > 0) != is_withdrawn)
        return rows < 0 ? rows : 0;
    int64_t degree = is_withdrawn ? found.told : (int64_t)told;
    const struct store_told_complaint complaint = {.sender = text_of(found.sender),
                                                   .customer = text_of(found.customer),
                                                   .address = text_of(found.address),
                                                   .reporter = text_of(found.reporter),
                                                   .type = type_of(found.type),
                                                   .count = found.count,
                                                   .is_confirmed = degree >= TOLD_CONFIRMED,
                                                   .is_known = degree >= TOLD_VOUCHED,
                                                   .is_withdrawn = is_withdrawn,
                                                   .id = text_of(id)};
    int status = store_tell_complaint(store, found.node, &complaint, now, error);
    if (status > 0 && !is_withdrawn)
        rows = STORE_RUN(store, "UPDATE complaints SET told = $2 WHERE id = $1", NULL, NULL, error, STRING(id),
                         INTEGER(degree));
    return status < 0 ? status : rows < 0 ? rows : status;
}

int store_complaint_tell(struct store *store, const char *id, enum store_complaint_told told, moment now,
                         struct error *error)
{
    return told == TOLD_NOTHING ? 0 : tell(store, id, told, now, error);
}

int store_complaint_done(struct store *store, const char *id, const char *person, const char *reason, bool is_not_abuse,
                         moment now, struct error *error)
{
    int rows =
        STORE_RUN(store,
                  "UPDATE complaints SET state = 'done', person = $2, reason = $3, closed = $4, not_abuse = $5 "
                  "WHERE id = $1 AND state IN ('open', 'unread')",
                  NULL, NULL, error, STRING(id), STRING(person), STRING(reason), INTEGER(now), INTEGER(is_not_abuse));
    int status = rows > 0 && is_not_abuse ? tell(store, id, TOLD_NOTHING, now, error) : 0;
    return rows < 0 ? rows : status < 0 ? status : rows > 0;
}
