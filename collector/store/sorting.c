/* See sorting.h. Who waits is found by two small indexes, which have what is due and nothing else. */
#include "collector/store/sorting.h"

#include <string.h>
#include "collector/store/store_own.h"

/* --- taking and giving back --- */

#define NEW  "messages WHERE due > 0 AND due <= $1 AND held <= $1"
#define FREE "opinions WHERE filter = $3 AND state = 0 AND due > 0 AND (due <= $1 OR asked < $4) AND held <= $1"

int store_sorting_waits(struct store *store, const char *filter, moment asked, moment now, struct error *error)
{
    const struct value parameters[] = {INTEGER(now), INTEGER(1), STRING(filter ? filter : ""), INTEGER(asked)};
    int rows = engine_run(store->engine, filter ? "SELECT 1 FROM " FREE " LIMIT $2" : "SELECT 1 FROM " NEW " LIMIT $2",
                          parameters, filter ? 4 : 2, NULL, NULL, error);
    return rows < 0 ? rows : rows > 0;
}

struct names {
    char (*items)[STORE_MESSAGE_NAME];
    uint32_t count, most;
};

static bool name_row(void *context, const struct value *columns, size_t count)
{
    struct names *names = context;
    (void)count;
    store_copy(columns[0].text, names->items[names->count++], STORE_MESSAGE_NAME);
    return names->count < names->most;
}

static int hold(struct store *store, const char *filter, int64_t holder, moment held, const char *name,
                struct error *error)
{
    if (filter)
        return STORE_QUEUE(store, "UPDATE opinions SET holder = $1, held = $2 WHERE name = $3 AND filter = $4", error,
                           INTEGER(holder), INTEGER(held), STRING(name), STRING(filter));
    return STORE_QUEUE(store, "UPDATE messages SET holder = $1, held = $2 WHERE name = $3", error, INTEGER(holder),
                       INTEGER(held), STRING(name));
}

int store_sorting_take(struct store *store, const char *filter, int64_t holder, moment asked, moment now, moment held,
                       uint32_t most, char (*names)[STORE_MESSAGE_NAME], struct error *error)
{
    struct names found = {names, 0, most};
    const struct value parameters[] = {INTEGER(now), INTEGER(most), STRING(filter ? filter : ""), INTEGER(asked)};
    int status = engine_run(store->engine,
                            filter ? "SELECT name FROM " FREE " ORDER BY due, name LIMIT $2"
                                   : "SELECT name FROM " NEW " ORDER BY due, name LIMIT $2",
                            parameters, filter ? 4 : 2, name_row, &found, error);
    for (uint32_t i = 0; i < found.count && status >= 0; i++)
        status = hold(store, filter, holder, held, names[i], error);
    return status < 0 ? status : (int)found.count;
}

int store_sorting_give_back(struct store *store, const char *filter, int64_t holder, const char *name,
                            struct error *error)
{
    if (filter)
        return STORE_QUEUE(store, "UPDATE opinions SET held = 0 WHERE name = $1 AND filter = $2 AND holder = $3", error,
                           STRING(name), STRING(filter), INTEGER(holder));
    return STORE_QUEUE(store, "UPDATE messages SET held = 0 WHERE name = $1 AND holder = $2", error, STRING(name),
                       INTEGER(holder));
}

int store_sorting_release(struct store *store, int64_t holder, struct error *error)
{
    int rows = STORE_RUN(store, "UPDATE messages SET held = 0 WHERE due > 0 AND held > 0 AND ($1 = 0 OR holder = $1)",
                         NULL, NULL, error, INTEGER(holder));
    if (rows >= 0)
        rows = STORE_RUN(store, "UPDATE opinions SET held = 0 WHERE due > 0 AND held > 0 AND ($1 = 0 OR holder = $1)",
                         NULL, NULL, error, INTEGER(holder));
    return rows < 0 ? rows : 0;
}

#define ALIVE "holder IN (SELECT s.holder FROM sorters s)"

int store_sorting_alive(struct store *store, int64_t holder, moment until, moment now, struct error *error)
{
    int rows = STORE_RUN(store,
                         "INSERT INTO sorters (holder, until) VALUES ($1, $2) ON CONFLICT (holder) DO UPDATE SET "
                         "until = excluded.until",
                         NULL, NULL, error, INTEGER(holder), INTEGER(until));
    if (rows >= 0)
        rows = STORE_RUN(store, "DELETE FROM sorters WHERE until <= $1", NULL, NULL, error, INTEGER(now));
    if (rows <= 0)
        return rows;
    rows = engine_run(store->engine, "UPDATE messages SET held = 0 WHERE due > 0 AND held > 0 AND NOT " ALIVE, NULL, 0,
                      NULL, NULL, error);
    if (rows >= 0)
        rows = engine_run(store->engine, "UPDATE opinions SET held = 0 WHERE due > 0 AND held > 0 AND NOT " ALIVE, NULL,
                          0, NULL, NULL, error);
    return rows < 0 ? rows : 0;
}

int store_sorting_dead(struct store *store, moment now, struct error *error)
{
    int rows = STORE_RUN(store, "SELECT 1 FROM sorters WHERE until <= $1 LIMIT 1", NULL, NULL, error, INTEGER(now));
    return rows < 0 ? rows : rows > 0;
}

int store_sorting_apart(struct store *store, int64_t holder, const char *name, const struct store_read *read,
                        struct error *error)
{
    return STORE_RUN(store,
                     "UPDATE messages SET due = 0, holder = 0, held = 0, subject = $3, message_id = $4, body = $5 "
                     "WHERE name = $1 AND holder = $2 "
                     "AND due > 0",
                     NULL, NULL, error, STRING(name), INTEGER(holder), STRING(read->subject), STRING(read->message_id),
                     STRING(read->body));
}

/* --- opinions --- */

int store_opinion_open(struct store *store, const struct store_asking *asking, moment now, struct error *error)
{
    int rows = STORE_RUN(store,
                         "INSERT INTO opinions (name, filter, state, tries, due, holder, held, since, asked, answered, "
                         "score, threshold, certain, virus, action, symbols, trouble) VALUES ($1, $2, 0, 0, $3, $4, $5,"
                         " $6, 0, 0, 0, 0, 0, 0, '', '', $7) ON CONFLICT (name, filter) DO NOTHING",
                         NULL, NULL, error, STRING(asking->name), STRING(asking->filter), INTEGER(asking->due),
                         INTEGER(asking->holder), INTEGER(asking->held), INTEGER(now),
                         STRING(asking->trouble ? asking->trouble : ""));
    return rows < 0 ? rows : 0;
}

int store_opinion_due(struct store *store, const char *name, const char *filter, moment now, struct error *error)
{
    return STORE_RUN(store,
                     "UPDATE opinions SET due = $3, held = 0 WHERE name = $1 AND filter = $2 AND state = 0 AND due = 0",
                     NULL, NULL, error, STRING(name), STRING(filter), INTEGER(now));
}

int store_opinion_give(struct store *store, const char *name, const struct store_opinion *opinion, moment asked,
                       moment now, struct error *error)
{
    return STORE_RUN(store,
                     "UPDATE opinions SET state = 2, due = 0, held = 0, tries = tries + 1, asked = CASE WHEN $10 > 0 "
                     "THEN $10 ELSE asked END, answered = $11, score = $3, threshold = $4, certain = $5, virus = $6, "
                     "action = $7, symbols = $8, trouble = $9 WHERE name = $1 AND filter = $2 AND state IN (0, 1)",
                     NULL, NULL, error, STRING(name), VALUE_TEXT(opinion->filter), INTEGER(opinion->score),
                     INTEGER(opinion->threshold), INTEGER(opinion->certain), INTEGER(opinion->virus),
                     VALUE_TEXT(opinion->action), VALUE_TEXT(opinion->symbols), VALUE_TEXT(opinion->trouble),
                     INTEGER(asked), INTEGER(now));
}

int store_opinion_fail(struct store *store, const char *name, const char *filter, int64_t holder,
                       const duration pauses[STORE_PAUSES], const char *trouble, moment now, struct error *error)
{
    return STORE_RUN(store,
                     "UPDATE opinions SET tries = tries + 1, held = 0, asked = $5, trouble = $4, due = $5 + CASE "
                     "WHEN tries = 0 THEN $6 WHEN tries = 1 THEN $7 WHEN tries = 2 THEN $8 WHEN tries = 3 THEN $9 ELSE "
                     "$10 END WHERE name = $1 AND filter = $2 AND holder = $3 AND state = 0",
                     NULL, NULL, error, STRING(name), STRING(filter), INTEGER(holder), STRING(trouble), INTEGER(now),
                     INTEGER(pauses[0]), INTEGER(pauses[1]), INTEGER(pauses[2]), INTEGER(pauses[3]),
                     INTEGER(pauses[4]));
}

int store_opinion_send_out(struct store *store, const char *name, const char *filter, moment due, moment now,
                           struct error *error)
{
    return STORE_RUN(store,
                     "UPDATE opinions SET state = 1, due = $3, held = 0, tries = tries + 1, asked = $4, trouble = '' "
                     "WHERE name = $1 AND filter = $2 AND state = 0",
                     NULL, NULL, error, STRING(name), STRING(filter), INTEGER(due), INTEGER(now));
}

int store_opinion_give_up(struct store *store, const char *name, const char *filter, const char *trouble, moment now,
                          struct error *error)
{
    return STORE_RUN(store,
                     "UPDATE opinions SET state = 3, due = 0, held = 0, answered = $4, trouble = CASE WHEN $3 = '' "
                     "THEN trouble ELSE $3 END WHERE name = $1 AND filter = $2 AND state IN (0, 1)",
                     NULL, NULL, error, STRING(name), STRING(filter), STRING(trouble), INTEGER(now));
}

int store_opinion_is_there(struct store *store, const char *name, const char *filter, struct error *error)
{
    int rows = STORE_RUN(store, "SELECT 1 FROM opinions WHERE name = $1 AND filter = $2", NULL, NULL, error,
                         STRING(name), STRING(filter));
    return rows < 0 ? rows : rows > 0;
}

int store_opinions_wait_anew(struct store *store, const char *filter, duration back, moment now, struct error *error)
{
    int rows = STORE_RUN(store,
                         "UPDATE opinions SET due = $2 + $3 + ($2 - asked) WHERE filter = $1 AND state = 1 AND due > 0 "
                         "AND asked <= $2 AND due < $2 + $3 + ($2 - asked)",
                         NULL, NULL, error, STRING(filter), INTEGER(now), INTEGER(back));
    return rows < 0 ? rows : 0;
}

int store_sorting_is_new(struct store *store, const char *name, struct error *error)
{
    int rows = STORE_RUN(store, "SELECT 1 FROM messages WHERE name = $1 AND due > 0", NULL, NULL, error, STRING(name));
    return rows < 0 ? rows : rows > 0;
}

struct overdue {
    struct store_overdue *items;
    uint32_t count, most;
};

static bool overdue_row(void *context, const struct value *columns, size_t count)
{
    struct overdue *found = context;
    struct store_overdue *next = &found->items[found->count++];
    (void)count;
    store_copy(columns[0].text, next->name, sizeof next->name);
    store_copy(columns[1].text, next->filter, sizeof next->filter);
    next->out = columns[2].integer == OPINION_OUT;
    return found->count < found->most;
}

int store_opinions_overdue(struct store *store, moment since, moment now, uint32_t most, struct store_overdue *result,
                           struct error *error)
{
    struct overdue found = {result, 0, most};
    int rows = STORE_RUN(store,
                         "SELECT name, filter, state FROM opinions WHERE due > 0 AND ((state = 0 AND since < $1 AND "
                         "held <= $2) OR (state = 1 AND due <= $2)) ORDER BY since, name, filter LIMIT $3",
                         overdue_row, &found, error, INTEGER(since), INTEGER(now), INTEGER(most));
    return rows < 0 ? rows : (int)found.count;
}

#define COUNT_MOST " LIMIT 1000000) AS counted"

int store_sorting_waiting(struct store *store, const char *filter, int64_t *result, struct error *error)
{
    *result = 0;
    int rows =
        filter
            ? STORE_RUN(store, "SELECT COUNT(*) FROM (SELECT 1 FROM opinions WHERE filter = $1 AND due > 0" COUNT_MOST,
                        store_row_integer, result, error, STRING(filter))
            : engine_run(store->engine, "SELECT COUNT(*) FROM (SELECT 1 FROM messages WHERE due > 0" COUNT_MOST, NULL,
                         0, store_row_integer, result, error);
    return rows < 0 ? rows : 0;
}

int store_message_sort(struct store *store, const char *name, enum store_sorted verdict, int64_t score,
                       struct error *error)
{
    int failure = STORE_QUEUE(store, "UPDATE messages SET score = $2 WHERE name = $1 AND score <> $2", error,
                              STRING(name), INTEGER(score));
    return failure < 0 ? failure
                       : STORE_RUN(store, "UPDATE messages SET verdict = $2 WHERE name = $1 AND verdict <> $2", NULL,
                                   NULL, error, STRING(name), INTEGER(verdict));
}

/* --- what nodes are told --- */

/* Never below the milliseconds since 1970: a store from a backup gives no number twice, unless its clock went back. */
int store_filtered_next(struct store *store, int64_t count, moment now, int64_t *first, struct error *error)
{
    int64_t highest = 0;
    int rows = engine_run(store->engine, "SELECT highest FROM sorting WHERE only_one = 1", NULL, 0, store_row_integer,
                          &highest, error);
    if (rows < 0)
        return rows;
    *first = highest + 1 > now / MILLISECOND ? highest + 1 : now / MILLISECOND;
    rows = STORE_RUN(store, "UPDATE sorting SET highest = $1 WHERE only_one = 1", NULL, NULL, error,
                     INTEGER(*first + count - 1));
    return rows < 0 ? rows : 0;
}

int store_filtered_add(struct store *store, int64_t node, int64_t number, moment now, struct text text,
                       struct error *error)
{
    return STORE_QUEUE(store, "INSERT INTO filtered (node, number, kept, text) VALUES ($1, $2, $3, $4)", error,
                       INTEGER(node), INTEGER(number), INTEGER(now), VALUE_TEXT(text));
}

struct listener {
    void (*each)(void *, const struct store_filtered *);
    void *context;
};

static bool filtered_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    const struct store_filtered filtered = {columns[0].integer, columns[1].text};
    (void)count;
    listener->each(listener->context, &filtered);
    return true;
}

int store_filtered(struct store *store, int64_t node, int64_t after, uint32_t most,
                   void (*each)(void *, const struct store_filtered *), void *context, struct error *error)
{
    struct listener listener = {each, context};
    int rows =
        STORE_RUN(store, "SELECT number, text FROM filtered WHERE node = $1 AND number > $2 ORDER BY number LIMIT $3",
                  filtered_row, &listener, error, INTEGER(node), INTEGER(after), INTEGER(most));
    return rows < 0 ? rows : 0;
}

int store_filtered_highest(struct store *store, int64_t *result, struct error *error)
{
    *result = 0;
    int rows = engine_run(store->engine, "SELECT highest FROM sorting WHERE only_one = 1", NULL, 0, store_row_integer,
                          result, error);
    return rows < 0 ? rows : 0;
}
