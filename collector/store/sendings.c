/* See sendings.h. */
#include "collector/store/sendings.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include "collector/store/store_own.h"

#define TIDY_MOST 200

static const char *const names[SENDING_STATES] = {"waiting", "handed", "sent", "failed", "in doubt"};

const char *store_sending_state_name(enum store_sending_state state)
{
    return state < SENDING_STATES ? names[state] : names[SENDING_IN_DOUBT];
}

static enum store_sending_state state_of(struct text name)
{
    for (size_t i = 0; i < SENDING_STATES; i++)
        if (text_equals(name, text_of(names[i])))
            return (enum store_sending_state)i;
    return SENDING_IN_DOUBT;
}

void store_sending_id(const char *purpose, const char *channel, struct text what, char result[STORE_SENDING_ID])
{
    unsigned char digest[(STORE_SENDING_ID - 1) / 2];
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof digest);
    crypto_generichash_update(&state, (const unsigned char *)purpose, strlen(purpose) + 1); /* each with its end */
    crypto_generichash_update(&state, (const unsigned char *)channel, strlen(channel) + 1);
    crypto_generichash_update(&state, (const unsigned char *)what.bytes, what.length);
    crypto_generichash_final(&state, digest, sizeof digest);
    sodium_bin2hex(result, STORE_SENDING_ID, digest, sizeof digest);
}

int store_sending_make(struct store *store, const struct store_sending *sending, moment due, moment now,
                       struct error *error)
{
    if (sending->bytes.length > STORE_SENDING_MOST)
        return error_set(error, EMSGSIZE, "what is to be sent has %zu bytes, and no more than %zu can be",
                         sending->bytes.length, STORE_SENDING_MOST);
    int rows = STORE_RUN(store, "SELECT 1 FROM sendings WHERE id = $1", NULL, NULL, error, STRING(sending->id));
    if (rows != 0)
        return rows < 0 ? rows : 0;
    rows = STORE_RUN(store,
                     "INSERT INTO sendings (id, channel, purpose, made, due, tries, state, done, holder, held, "
                     "recipients, subject, customer, trouble, bytes) VALUES ($1, $2, $3, $4, $5, 0, 'waiting', 0, 0, "
                     "0, $6, $7, $8, '', $9)",
                     NULL, NULL, error, STRING(sending->id), STRING(sending->channel), STRING(sending->purpose),
                     INTEGER(now), INTEGER(due > now ? due : now), VALUE_TEXT(sending->recipients),
                     VALUE_TEXT(sending->subject), VALUE_TEXT(sending->customer), VALUE_BYTES(sending->bytes));
    return rows < 0 ? rows : 1;
}

/* --- rows --- */

#define COLUMNS "id, channel, purpose, recipients, subject, customer, trouble, state, made, due, done, tries"

struct listener {
    void (*each)(void *, const struct store_sending_row *);
    void *context;
    char id[STORE_SENDING_ID];
    moment due;
};

static bool sending_row(void *context, const struct value *columns, size_t count)
{
    struct listener *listener = context;
    const struct store_sending_row row = {.id = columns[0].text,
                                          .channel = columns[1].text,
                                          .purpose = columns[2].text,
                                          .recipients = columns[3].text,
                                          .subject = columns[4].text,
                                          .customer = columns[5].text,
                                          .trouble = columns[6].text,
                                          .state = state_of(columns[7].text),
                                          .made = columns[8].integer,
                                          .due = columns[9].integer,
                                          .done = columns[10].integer,
                                          .tries = columns[11].integer,
                                          .bytes = count > 12 ? columns[12].text : TEXT("")};
    store_copy(row.id, listener->id, sizeof listener->id);
    listener->due = row.due;
    listener->each(listener->context, &row);
    return true;
}

/* --- delivering --- */

int store_sending_wanted(struct store *store, const char *channel, moment now, struct error *error)
{
    int rows = STORE_RUN(store, "SELECT 1 FROM sendings WHERE channel = $1 AND due > 0 AND due <= $2 LIMIT 1", NULL,
                         NULL, error, STRING(channel), INTEGER(now));
    return rows < 0 ? rows : rows > 0;
}

int store_sendings_doubt(struct store *store, const char *channel, moment now, struct error *error)
{
    return STORE_RUN(
        store,
        "UPDATE sendings SET state = 'in doubt', due = 0, done = $2, holder = 0, trouble = 'the collector "
        "ended while it was sent: it may have arrived or not' WHERE channel = $1 AND due > 0 AND due <= $2 "
        "AND state = 'handed'",
        NULL, NULL, error, STRING(channel), INTEGER(now));
}

int store_sending_claim(struct store *store, const char *channel, int64_t holder, moment now, moment until,
                        void (*each)(void *, const struct store_sending_row *), void *context, struct error *error)
{
    struct listener listener = {.each = each, .context = context};
    int rows = STORE_RUN(store,
                         "SELECT " COLUMNS ", bytes FROM sendings WHERE channel = $1 AND due > 0 AND due <= $2 AND "
                         "state = 'waiting' ORDER BY due, id LIMIT 1",
                         sending_row, &listener, error, STRING(channel), INTEGER(now));
    if (rows <= 0)
        return rows;
    rows = STORE_RUN(store,
                     "UPDATE sendings SET holder = $3, held = $4, due = $4, tries = tries + 1 WHERE id = $1 AND "
                     "due = $2 AND state = 'waiting'",
                     NULL, NULL, error, STRING(listener.id), INTEGER(listener.due), INTEGER(holder), INTEGER(until));
    return rows < 0 ? rows : rows > 0;
}

int store_sending_handed(struct store *store, const char *id, int64_t holder, moment until, struct error *error)
{
    int rows = STORE_RUN(store,
                         "UPDATE sendings SET state = 'handed', held = $3, due = $3 WHERE id = $1 AND holder = $2 AND "
                         "state = 'waiting'",
                         NULL, NULL, error, STRING(id), INTEGER(holder), INTEGER(until));
    return rows < 0 ? rows : rows > 0;
}

int store_sending_ended(struct store *store, const char *id, int64_t holder, enum store_sending_state state,
                        const char *trouble, moment now, moment due, struct error *error)
{
    bool waits = state == SENDING_WAITING;
    int rows = STORE_RUN(store,
                         "UPDATE sendings SET state = $3, trouble = $4, done = $5, due = $6, holder = 0, held = 0 "
                         "WHERE id = $1 AND holder = $2",
                         NULL, NULL, error, STRING(id), INTEGER(holder), STRING(store_sending_state_name(state)),
                         STRING(trouble), INTEGER(waits ? 0 : now), INTEGER(waits ? due : 0));
    return rows < 0 ? rows : rows > 0;
}

int store_sending_split(struct store *store, const char *id, struct text recipients, moment due, struct error *error)
{
    char part[STORE_SENDING_ID];
    store_sending_id("part", id, recipients, part);
    int rows = STORE_RUN(store,
                         "INSERT INTO sendings (id, channel, purpose, made, due, tries, state, done, holder, held, "
                         "recipients, subject, customer, trouble, bytes) SELECT $2, channel, purpose, made, $4, tries, "
                         "'waiting', 0, 0, 0, $3, subject, customer, '', bytes FROM sendings WHERE id = $1",
                         NULL, NULL, error, STRING(id), STRING(part), VALUE_TEXT(recipients), INTEGER(due));
    return rows < 0 ? rows : 0;
}

int store_sendings_unclaim(struct store *store, const char *channel, moment now, struct error *error)
{
    return STORE_RUN(store, "UPDATE sendings SET due = $2, held = 0 WHERE channel = $1 AND due > 0 AND holder <> 0",
                     NULL, NULL, error, STRING(channel), INTEGER(now));
}

int store_sendings_lost(struct store *store, const char *channel, moment since, int64_t *result, struct error *error)
{
    *result = 0;
    int rows =
        STORE_RUN(store,
                  "SELECT COUNT(*) FROM sendings WHERE (state = 'failed' OR state = 'in doubt') AND channel = $1 "
                  "AND done >= $2",
                  store_row_integer, result, error, STRING(channel), INTEGER(since));
    return rows < 0 ? rows : 0;
}

struct names {
    void (*each)(void *, struct text channel);
    void *context;
};

static bool channel_row(void *context, const struct value *columns, size_t count)
{
    const struct names *listed = context;
    (void)count;
    listed->each(listed->context, columns[0].text);
    return true;
}

int store_sendings_overdue(struct store *store, moment before, void (*each)(void *, struct text channel), void *context,
                           struct error *error)
{
    struct names listed = {each, context};
    int rows = STORE_RUN(store, "SELECT DISTINCT channel FROM sendings WHERE due > 0 AND due <= $1 ORDER BY channel",
                         channel_row, &listed, error, INTEGER(before));
    return rows < 0 ? rows : 0;
}

int store_sendings_abandon(struct store *store, const char *channel, moment before, moment now, struct error *error)
{
    return STORE_RUN(
        store,
        "UPDATE sendings SET state = 'failed', due = 0, done = $3, holder = 0, trouble = 'there is no such "
        "channel any more' WHERE channel = $1 AND due > 0 AND due <= $2",
        NULL, NULL, error, STRING(channel), INTEGER(before), INTEGER(now));
}

int store_sending_again(struct store *store, const char *id, moment now, struct error *error)
{
    int rows =
        STORE_RUN(store,
                  "UPDATE sendings SET state = 'waiting', made = $2, due = $2, done = 0, tries = 0 WHERE id = $1 AND "
                  "(state = 'failed' OR state = 'in doubt')",
                  NULL, NULL, error, STRING(id), INTEGER(now));
    return rows < 0 ? rows : rows > 0;
}

/* --- looking --- */

static struct value any(const char *word)
{
    return VALUE_TEXT(text_of(word ? word : ""));
}

int store_sendings(struct store *store, const struct store_sending_query *query,
                   void (*each)(void *, const struct store_sending_row *), void *context, struct error *error)
{
    struct listener listener = {.each = each, .context = context};
    return STORE_RUN(store,
                     "SELECT " COLUMNS " FROM sendings WHERE made >= $1 AND ($2 = '' OR id = $2) AND ($3 = '' OR "
                     "channel = $3) AND ($4 = '' OR purpose = $4) AND ($5 = '' OR customer = $5) AND ($6 = '' OR "
                     "state = $6) ORDER BY made DESC, id DESC LIMIT $7",
                     sending_row, &listener, error, INTEGER(query->since), any(query->id), any(query->channel),
                     any(query->purpose), any(query->customer), any(query->state), INTEGER(query->most));
}

struct counting {
    int64_t *counts;
    moment *oldest;
};

static bool count_row(void *context, const struct value *columns, size_t count)
{
    struct counting *counting = context;
    enum store_sending_state state = state_of(columns[0].text);
    (void)count;
    counting->counts[state] += columns[1].integer;
    if (state == SENDING_WAITING)
        *counting->oldest = columns[2].integer;
    return true;
}

int store_sendings_count(struct store *store, int64_t counts[SENDING_STATES], moment *oldest, struct error *error)
{
    struct counting counting = {counts, oldest};
    memset(counts, 0, SENDING_STATES * sizeof *counts);
    *oldest = 0;
    int rows = engine_run(store->engine, "SELECT state, COUNT(*), MIN(made) FROM sendings GROUP BY state", NULL, 0,
                          count_row, &counting, error);
    return rows < 0 ? rows : 0;
}

int store_sendings_tidy(struct store *store, moment before, struct error *error)
{
    return STORE_RUN(store,
                     "DELETE FROM sendings WHERE id IN (SELECT id FROM sendings WHERE made < $1 AND due = 0 ORDER BY "
                     "made, id LIMIT $2)",
                     NULL, NULL, error, INTEGER(before), INTEGER(TIDY_MOST));
}
