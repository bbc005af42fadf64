/* See arrivals.h. An arrival is a row of complaints whose state is "arrived"; `closed` is until when it is claimed. */
#include "collector/store/arrivals.h"

#include <sodium.h>
#include <string.h>
#include "collector/store/alerts.h"
#include "collector/store/store_own.h"

void store_complaint_id(struct text content, uint32_t number, char result[STORE_COMPLAINT_ID])
{
    unsigned char digest[crypto_generichash_BYTES_MIN];
    /* A key, and nothing behind the content: other content could end in the number, and have the same id. */
    const unsigned char key[crypto_generichash_KEYBYTES_MIN] = {(unsigned char)(number >> 24),
                                                                (unsigned char)(number >> 16),
                                                                (unsigned char)(number >> 8), (unsigned char)number};
    crypto_generichash_state state;
    crypto_generichash_init(&state, number > 0 ? key : NULL, number > 0 ? sizeof key : 0, sizeof digest);
    crypto_generichash_update(&state, (const unsigned char *)content.bytes, content.length);
    crypto_generichash_final(&state, digest, sizeof digest);
    sodium_bin2hex(result, STORE_COMPLAINT_ID, digest, (STORE_COMPLAINT_ID - 1) / 2);
}

/* --- arrivals --- */

#define TRIES 3 /* counted in `times`, which means something else once it is read */

#define INSERT                                                                                                         \
    "INSERT INTO complaints (id, arrival, received, time, source, format, type, reporter, address, sender, customer, " \
    "node, message_id, subject, recipient, message, tied, state, times, incidents, closed, person, reason, note, "     \
    "likeness, fields) "

int store_arrival_keep(struct store *store, const char *id, const char *source, moment now, enum store_packing packing,
                       struct text packed, struct error *error)
{
    int rows = STORE_RUN(store, "SELECT 1 FROM complaints WHERE id = $1", NULL, NULL, error, STRING(id));
    if (rows != 0)
        return rows < 0 ? rows : 0;
    rows = STORE_RUN(store,
                     INSERT "VALUES ($1, $1, $2, 0, $3, '', '', '', '', '', '', 0, '', '', '', '', '', 'arrived', 1, "
                            "1, 0, '', '', '', '', '{}')",
                     NULL, NULL, error, STRING(id), INTEGER(now), STRING(source));
    if (rows >= 0)
        rows = STORE_RUN(store, "INSERT INTO complaint_contents (id, packing, bytes) VALUES ($1, $2, $3)", NULL, NULL,
                         error, STRING(id), INTEGER(packing), VALUE_BYTES(packed));
    return rows < 0 ? rows : 1;
}

static bool id_row(void *context, const struct value *columns, size_t count)
{
    (void)count;
    store_copy(columns[0].text, context, STORE_COMPLAINT_ID);
    return false;
}

int store_arrival_waits(struct store *store, moment now, struct error *error)
{
    int rows = STORE_RUN(
        store, "SELECT id FROM complaints WHERE state = 'arrived' AND closed < $1 ORDER BY received, id LIMIT 1", NULL,
        NULL, error, INTEGER(now));
    return rows < 0 ? rows : rows > 0;
}

int store_arrival_claim(struct store *store, moment now, moment until, char id[STORE_COMPLAINT_ID], struct error *error)
{
    int rows = STORE_RUN(
        store, "SELECT id FROM complaints WHERE state = 'arrived' AND closed < $1 ORDER BY received, id LIMIT 1",
        id_row, id, error, INTEGER(now));
    if (rows <= 0)
        return rows;
    return STORE_RUN(store, "UPDATE complaints SET closed = $2 WHERE id = $1 AND state = 'arrived' AND closed < $3",
                     NULL, NULL, error, STRING(id), INTEGER(until), INTEGER(now));
}

int store_arrival_later(struct store *store, const char *id, moment until, struct error *error)
{
    int rows = STORE_RUN(store,
                         "UPDATE complaints SET closed = $2, times = times + 1 WHERE id = $1 AND state = 'arrived' AND "
                         "times < $3",
                         NULL, NULL, error, STRING(id), INTEGER(until), INTEGER(TRIES));
    return rows < 0 ? rows : rows > 0;
}

struct content {
    void (*each)(void *, const char *arrival, enum store_packing, struct text);
    void *context;
};

static bool content_row(void *context, const struct value *columns, size_t count)
{
    const struct content *content = context;
    char arrival[STORE_COMPLAINT_ID];
    (void)count;
    store_copy(columns[0].text, arrival, sizeof arrival);
    content->each(content->context, arrival, (enum store_packing)columns[1].integer, columns[2].text);
    return false;
}

int store_complaint_content(struct store *store, const char *id,
                            void (*each)(void *, const char *arrival, enum store_packing, struct text), void *context,
                            struct error *error)
{
    struct content content = {each, context};
    return STORE_RUN(store,
                     "SELECT k.id, k.packing, k.bytes FROM complaints c JOIN complaint_contents k ON k.id = c.arrival "
                     "WHERE c.id = $1",
                     content_row, &content, error, STRING(id));
}

/* --- what was read --- */

/* 1: there is an earlier one, whose id is written to `first`, and which counts this one. Two collectors that read two
 * of a kind in one moment each hold theirs for the first: a person sees both. */
static int count_double(struct store *store, const struct store_complaint *read, char first[STORE_COMPLAINT_ID],
                        struct error *error)
{
    if (read->likeness[0] == '\0')
        return 0;
    int rows = STORE_RUN(store,
                         "SELECT id FROM complaints WHERE likeness = $1 AND likeness <> '' AND id <> $2 AND "
                         "state <> 'double' ORDER BY received, id LIMIT 1",
                         id_row, first, error, STRING(read->likeness), STRING(read->id));
    if (rows <= 0)
        return rows;
    return STORE_RUN(store, "UPDATE complaints SET times = times + 1 WHERE id = $1", NULL, NULL, error, STRING(first));
}

static int write_row(struct store *store, const struct store_complaint *read, struct error *error)
{
    const struct store_tie *tie = read->tie;
    const struct value values[] = {
        STRING(read->id),         STRING(read->arrival),  INTEGER(read->time),     STRING(read->format),
        STRING(read->type),       STRING(read->reporter), STRING(read->address),   STRING(tie->sender),
        STRING(tie->customer),    INTEGER(tie->node),     STRING(tie->message),    STRING(tie->tied),
        STRING(read->message_id), STRING(read->subject),  STRING(read->recipient), STRING(read->state),
        INTEGER(read->incidents), STRING(read->note),     STRING(read->likeness),  VALUE_TEXT(read->fields)};
    static const char fill[] =
        "UPDATE complaints SET time = $3, format = $4, type = $5, reporter = $6, address = $7, sender = $8, "
        "customer = $9, node = $10, message = $11, tied = $12, message_id = $13, subject = $14, recipient = $15, "
        "state = $16, incidents = $17, closed = 0, times = 1, note = $18, likeness = $19, fields = $20 "
        "WHERE id = $1 AND arrival = $2 AND state = 'arrived'";
    static const char add[] = INSERT
        "SELECT $1, $2, received, $3, source, $4, $5, $6, $7, $8, $9, $10, $13, $14, $15, $11, $12, $16, 1, $17, "
        "0, '', '', $18, $19, $20 FROM complaints WHERE id = $2 AND state = 'arrived'";
    return engine_run(store->engine, strcmp(read->id, read->arrival) == 0 ? fill : add, values,
                      sizeof values / sizeof values[0], NULL, NULL, error);
}

static int is_waiting(struct store *store, const char *arrival, struct error *error)
{
    return STORE_RUN(store, "SELECT 1 FROM complaints WHERE id = $1 AND state = 'arrived'", NULL, NULL, error,
                     STRING(arrival));
}

int store_arrival_read(struct store *store, const struct store_complaint *given, struct error *error)
{
    struct store_complaint read = *given;
    char first[STORE_COMPLAINT_ID], note[64];
    int rows = is_waiting(store, read.arrival, error);
    if (rows <= 0)
        return rows;
    rows = count_double(store, &read, first, error);
    if (rows > 0) {
        snprintf(note, sizeof note, "the same as %s", first);
        read.state = "double";
        read.note = note;
    }
    bool is_double = rows > 0;
    if (rows >= 0)
        rows = write_row(store, &read, error);
    return rows < 0 ? rows : rows == 0 ? 0 : is_double ? 2 : 1;
}

/* --- sources --- */

static bool place_row(void *context, const struct value *columns, size_t count)
{
    (void)count;
    store_copy(columns[0].text, context, STORE_COMPLAINT_PLACE);
    return false;
}

int store_source_place(struct store *store, const char *source, char result[STORE_COMPLAINT_PLACE], struct error *error)
{
    result[0] = '\0';
    int rows = STORE_RUN(store, "SELECT place FROM complaint_sources WHERE source = $1", place_row, result, error,
                         STRING(source));
    return rows < 0 ? rows : 0;
}

static int tell(struct store *store, const char *source, const char *trouble, moment now, struct error *error)
{
    char subject[160];
    if (trouble[0] == '\0')
        return store_alert_resolve(store, "source", source, now, error);
    snprintf(subject, sizeof subject, "complaints cannot be taken in: %s", source);
    const struct store_alert alert = {.kind = "source",
                                      .name = source,
                                      .severity = SEVERITY_TROUBLE,
                                      .sender = TEXT(""),
                                      .customer = TEXT(""),
                                      .subject = text_of(subject),
                                      .text = text_of(trouble)};
    return store_alert_raise(store, &alert, now, error);
}

int store_source_note(struct store *store, const char *source, const char *place, const char *trouble, moment now,
                      struct error *error)
{
    int rows =
        STORE_RUN(store,
                  "INSERT INTO complaint_sources (source, place, read, trouble) VALUES ($1, $2, $3, $4) ON "
                  "CONFLICT (source) DO UPDATE SET place = CASE WHEN $5 = 1 THEN $2 ELSE complaint_sources.place "
                  "END, read = $3, trouble = CASE WHEN $6 = 1 THEN $4 ELSE complaint_sources.trouble END",
                  NULL, NULL, error, STRING(source), STRING(place ? place : ""), INTEGER(now),
                  STRING(trouble ? trouble : ""), INTEGER(place != NULL), INTEGER(trouble != NULL));
    return rows < 0 ? rows : trouble ? tell(store, source, trouble, now, error) : 0;
}
