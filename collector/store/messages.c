/* See messages.h. A message and its content are two tables: what lists and sorters read stays small, whatever is kept
 * of the mail itself. */
#include "collector/store/messages.h"

#include <sodium.h>
#include <string.h>
#include "collector/store/store_own.h"

const char *store_sorted_name(enum store_sorted sorted)
{
    static const char *const names[SORTED_WORDS] = {"waiting", "ham", "spam", "virus", "unknown"};
    return sorted < SORTED_WORDS ? names[sorted] : "unknown";
}

void store_message_name(char result[STORE_MESSAGE_NAME])
{
    unsigned char random[7];
    char digits[15];
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(digits, sizeof digits, random, sizeof random);
    snprintf(result, STORE_MESSAGE_NAME, "%.9s.%.5s", digits, digits + 9);
    for (char *at = result; *at; at++)
        if (*at >= 'a')
            *at = (char)(*at - 'a' + 'A');
}

bool store_message_is_name(struct text name)
{
    bool is_one = name.length == STORE_MESSAGE_NAME - 1;
    for (size_t i = 0; is_one && i < name.length; i++)
        is_one = i == 9 ? name.bytes[i] == '.' : name.bytes[i] && strchr("0123456789ABCDEF", name.bytes[i]) != NULL;
    return is_one;
}

/* --- intake --- */

static bool name_row(void *context, const struct value *columns, size_t count)
{
    (void)count;
    store_copy(columns[0].text, context, STORE_MESSAGE_NAME);
    return false;
}

int store_message_by_number(struct store *store, int64_t node, int64_t life, int64_t number,
                            char result[STORE_MESSAGE_NAME], struct error *error)
{
    return STORE_RUN(store, "SELECT name FROM messages WHERE node = $1 AND life = $2 AND number = $3", name_row, result,
                     error, INTEGER(node), INTEGER(life), INTEGER(number));
}

static int add_row(struct store *store, const struct store_message *message, int64_t life, int64_t number, int64_t kept,
                   struct error *error)
{
    return STORE_QUEUE(store,
                       "INSERT INTO messages (name, node, life, number, received, time, sender, customer, address, "
                       "author, subject, envelope, size, kept, verdict, corrected, score, due, holder, held) VALUES "
                       "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, 0, 0, $5, 0, 0)",
                       error, STRING(message->name), INTEGER(message->node), INTEGER(life), INTEGER(number),
                       INTEGER(message->received), INTEGER(message->time), VALUE_TEXT(message->sender),
                       VALUE_TEXT(message->customer), VALUE_TEXT(message->address), VALUE_TEXT(message->from),
                       VALUE_TEXT(message->subject), VALUE_TEXT(message->envelope), INTEGER(message->size),
                       INTEGER(kept));
}

int store_message_add(struct store *store, const struct store_message *message, int64_t life, int64_t number,
                      struct text content, enum store_packing packing, struct error *error)
{
    char known[STORE_MESSAGE_NAME];
    int status = store_message_by_number(store, message->node, life, number, known, error);
    if (status != 0)
        return status < 0 ? status : 0;
    status = add_row(store, message, life, number, (int64_t)content.length, error);
    if (status == 0)
        status = STORE_QUEUE(store, "INSERT INTO contents (name, packing, bytes) VALUES ($1, $2, $3)", error,
                             STRING(message->name), INTEGER(packing), VALUE_BYTES(content));
    return status < 0 ? status : 1;
}

bool store_row_packed(void *context, const struct value *columns, size_t count)
{
    const struct store_packed *packed = context;
    (void)count;
    packed->each(packed->context, (enum store_packing)columns[0].integer, columns[1].text);
    return false;
}

int store_message_content(struct store *store, const char *name, void (*each)(void *, enum store_packing, struct text),
                          void *context, struct error *error)
{
    struct store_packed packed = {each, context};
    return STORE_RUN(store, "SELECT packing, bytes FROM contents WHERE name = $1", store_row_packed, &packed, error,
                     STRING(name));
}

/* --- lists --- */

struct listener {
    void (*each)(void *, const struct store_message *);
    void *context;
};

static bool message_row(void *context, const struct value *columns, size_t count)
{
    const struct listener *listener = context;
    struct store_message message = {.node = columns[1].integer,
                                    .node_name = columns[2].text,
                                    .received = columns[3].integer,
                                    .time = columns[4].integer,
                                    .sender = columns[5].text,
                                    .customer = columns[6].text,
                                    .address = columns[7].text,
                                    .from = columns[8].text,
                                    .subject = columns[9].text,
                                    .size = columns[10].integer,
                                    .kept = columns[11].integer,
                                    .verdict = (enum store_sorted)columns[12].integer,
                                    .corrected = (enum store_sorted)columns[13].integer,
                                    .score = columns[14].integer};
    store_copy(columns[0].text, message.name, sizeof message.name);
    if (count > 15)
        message.envelope = columns[15].text;
    listener->each(listener->context, &message);
    return true;
}

#define COLUMNS                                                                                                        \
    "SELECT m.name, m.node, n.name, m.received, m.time, m.sender, m.customer, m.address, m.author, m.subject, "        \
    "m.size, m.kept, m.verdict, m.corrected, m.score"
#define TABLES " FROM messages m JOIN nodes n ON n.node = m.node"

int store_message_find(struct store *store, const char *name, void (*each)(void *, const struct store_message *),
                       void *context, struct error *error)
{
    struct listener listener = {each, context};
    return STORE_RUN(store, COLUMNS ", m.envelope" TABLES " WHERE m.name = $1", message_row, &listener, error,
                     STRING(name));
}

/* A sender and a customer have an index each, and must stand alone to be found by it; the rest is read past. */
#define WHERE                                                                                                          \
    " WHERE m.received >= $1 AND m.received < $2 AND ($3 = '' OR m.sender = $3) AND ($4 = '' OR m.customer = $4) AND " \
    "($5 < 0 OR CASE WHEN m.corrected <> 0 THEN m.corrected ELSE m.verdict END = $5) AND ($6 = 0 OR m.node = $6)"
#define READ(which)                                                                                                    \
    {                                                                                                                  \
        COLUMNS TABLES WHERE which " ORDER BY m.received DESC, m.name DESC LIMIT $7",                                  \
            COLUMNS TABLES WHERE which " ORDER BY m.received, m.name LIMIT $7"                                         \
    }

int store_message_list(struct store *store, const struct store_message_query *query,
                       void (*each)(void *, const struct store_message *), void *context, struct error *error)
{
    static const char *const all[] = READ(""), *const of_sender[] = READ(" AND m.sender = $3"),
                             *const of_customer[] = READ(" AND m.customer = $4");
    struct listener listener = {each, context};
    const struct value parameters[] = {INTEGER(query->since),
                                       INTEGER(query->before ? query->before : INT64_MAX),
                                       STRING(query->sender ? query->sender : ""),
                                       STRING(query->customer ? query->customer : ""),
                                       INTEGER(query->sorted),
                                       INTEGER(query->node),
                                       INTEGER(query->most)};
    const char *const *shape = query->sender ? of_sender : query->customer ? of_customer : all;
    int rows = engine_run(store->engine, shape[query->oldest], parameters, sizeof parameters / sizeof parameters[0],
                          message_row, &listener, error);
    return rows < 0 ? rows : 0;
}

/* --- what people do --- */

int store_message_forget(struct store *store, const char *name, struct error *error)
{
    int failure = STORE_QUEUE(store, "DELETE FROM contents WHERE name = $1", error, STRING(name));
    if (failure == 0)
        failure = STORE_QUEUE(store, "DELETE FROM opinions WHERE name = $1", error, STRING(name));
    return failure < 0 ? failure
                       : STORE_RUN(store, "DELETE FROM messages WHERE name = $1", NULL, NULL, error, STRING(name));
}

int store_message_correct(struct store *store, const char *name, enum store_sorted sorted, struct error *error)
{
    return STORE_RUN(store, "UPDATE messages SET corrected = $2 WHERE name = $1", NULL, NULL, error, STRING(name),
                     INTEGER(sorted));
}

/* --- opinions --- */

struct reader {
    void (*each)(void *, const struct store_opinion *);
    void *context;
};

static bool opinion_row(void *context, const struct value *columns, size_t count)
{
    const struct reader *reader = context;
    const struct store_opinion opinion = {.filter = columns[0].text,
                                          .state = (enum store_opinion_state)columns[1].integer,
                                          .tries = columns[2].integer,
                                          .asked = columns[3].integer,
                                          .answered = columns[4].integer,
                                          .score = columns[5].integer,
                                          .threshold = columns[6].integer,
                                          .certain = columns[7].integer != 0,
                                          .virus = columns[8].integer != 0,
                                          .action = columns[9].text,
                                          .symbols = columns[10].text,
                                          .trouble = columns[11].text,
                                          .due = columns[12].integer};
    (void)count;
    reader->each(reader->context, &opinion);
    return true;
}

int store_opinions(struct store *store, const char *name, void (*each)(void *, const struct store_opinion *),
                   void *context, struct error *error)
{
    struct reader reader = {each, context};
    int rows = STORE_RUN(store,
                         "SELECT filter, state, tries, asked, answered, score, threshold, certain, virus, action, "
                         "symbols, trouble, due FROM opinions WHERE name = $1 ORDER BY filter",
                         opinion_row, &reader, error, STRING(name));
    return rows < 0 ? rows : 0;
}
