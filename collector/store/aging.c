/* Messages go when they are too old, or too many: the oldest first, with what filters said of them. What was taught
 * from one stays on record. Complaints go when they are old and somebody was done with all that came in one letter. A
 * bounded number at a time, for deliveries wait for it. */
#include "collector/store/store_own.h"

#define AT_ONCE 200
#define ROW     1024      /* bytes that a message takes beside its content, about */
#define TOLD    (7 * DAY) /* how long a node may be away and still be told what filters say */

#define OLDEST "name IN (SELECT name FROM messages WHERE (received, name) <= ($1, $2) ORDER BY received, name LIMIT $3)"

/* Those up to this place in the index. How many went. */
static int drop_until(struct store *store, moment received, const char *name, struct error *error)
{
    const struct value bounds[] = {INTEGER(received), STRING(name), INTEGER(AT_ONCE)};
    int rows = engine_queue(store->engine, "DELETE FROM contents WHERE " OLDEST, bounds, 3, error);
    if (rows >= 0)
        rows = engine_queue(store->engine, "DELETE FROM opinions WHERE " OLDEST, bounds, 3, error);
    if (rows >= 0)
        rows = engine_run(store->engine, "DELETE FROM messages WHERE " OLDEST, bounds, 3, NULL, NULL, error);
    return rows;
}

/* Of an index alone: no message is looked at for it. */
static int bytes_kept(struct store *store, int64_t *result, struct error *error)
{
    *result = 0;
    int rows = STORE_RUN(store, "SELECT COALESCE(SUM(kept), 0) + COUNT(*) * $1 FROM messages", store_row_integer,
                         result, error, INTEGER(ROW));
    return rows < 0 ? rows : 0;
}

struct excess {
    int64_t bytes;
    moment received;
    char name[64];
};

static bool take_off(void *context, const struct value *columns, size_t count)
{
    struct excess *excess = context;
    (void)count;
    excess->received = columns[0].integer;
    store_copy(columns[1].text, excess->name, sizeof excess->name);
    excess->bytes -= columns[2].integer + ROW;
    return excess->bytes > 0;
}

static int drop_excess(struct store *store, int64_t bytes, struct error *error)
{
    struct excess excess = {.bytes = bytes};
    int rows = STORE_RUN(store, "SELECT received, name, kept FROM messages ORDER BY received, name LIMIT $1", take_off,
                         &excess, error, INTEGER(AT_ONCE));
    return rows <= 0 ? rows : drop_until(store, excess.received, excess.name, error);
}

static int drop_filtered(struct store *store, moment end, struct error *error)
{
    return STORE_RUN(store,
                     "DELETE FROM filtered WHERE (node, number) IN (SELECT node, number FROM filtered WHERE kept < $1 "
                     "ORDER BY kept, node, number LIMIT $2)",
                     NULL, NULL, error, INTEGER(end), INTEGER(10 * AT_ONCE));
}

/* The letters of one state, all of whose complaints are done with for so long. */
#define OLD_LETTERS                                                                                                    \
    "(SELECT c.arrival FROM complaints c WHERE c.state = $2 AND c.id = c.arrival AND c.received < $1 AND "             \
    "c.closed < $1 AND NOT EXISTS (SELECT 1 FROM complaints o WHERE o.arrival = c.arrival AND (o.closed >= $1 OR "     \
    "o.state NOT IN ('done', 'double'))) ORDER BY c.received, c.id LIMIT $3)"

static int drop_letters(struct store *store, const char *state, moment end, struct error *error)
{
    const struct value bounds[] = {INTEGER(end), STRING(state), INTEGER(AT_ONCE)};
    int rows = engine_run(store->engine, "DELETE FROM complaint_contents WHERE id IN " OLD_LETTERS, bounds, 3, NULL,
                          NULL, error);
    int letters = rows;
    if (rows > 0)
        rows = engine_run(store->engine, "DELETE FROM complaints WHERE arrival IN " OLD_LETTERS, bounds, 3, NULL, NULL,
                          error);
    return rows < 0 ? rows : letters >= AT_ONCE;
}

int store_age_complaints(struct store *store, duration keep, moment now, struct error *error)
{
    int more = keep ? drop_letters(store, "done", now - keep, error) : 0;
    int doubles = keep && more >= 0 ? drop_letters(store, "double", now - keep, error) : 0;
    return more < 0 ? more : doubles < 0 ? doubles : more | doubles;
}

int store_age_messages(struct store *store, const struct store_retention *keep, moment now, struct error *error)
{
    int64_t bytes = 0;
    int dropped = keep->messages ? drop_until(store, now - keep->messages, "", error) : 0;
    bool more = dropped >= AT_ONCE;
    if (dropped >= 0 && keep->message_bytes > 0)
        dropped = bytes_kept(store, &bytes, error);
    if (dropped >= 0 && keep->message_bytes > 0 && (uint64_t)bytes > keep->message_bytes) {
        dropped = drop_excess(store, bytes - (int64_t)keep->message_bytes, error);
        more = more || dropped >= AT_ONCE;
    }
    if (dropped >= 0)
        dropped = drop_filtered(store, now - TOLD, error);
    return dropped < 0 ? dropped : more || dropped >= 10 * AT_ONCE;
}
