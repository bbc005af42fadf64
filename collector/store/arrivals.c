/* See arrivals.h. An arrival is a row of complaints whose state is "arrived"; `closed` is until when it is claimed. */
#include "collector/store/arrivals.h"

#include <sodium.h>
#include <string.h>
#include "collector/store/alerts.h"
#include "collector/store/store_own.h"

void store_complaint_id(struct text content, uint32_t number, char result[STORE_COMPLAINT_ID])
{
    unsigned char digest[crypto_generichash_BYTES_MIN];
    const unsigned char counted[4] = {(unsigned char)(number >> 24), (unsigned char)(number >> 16),
                                      (unsigned char)(number >> 8), (unsigned char)number};
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof digest);
    crypto_generichash_update(&state, (const unsigned char *)content.bytes, content.length);
    if (number > 0)
        crypto_generichash_update(&state, counted, sizeof counted);
    crypto_generichash_final(&state, digest, sizeof digest);
    sodium_bin2hex(result, STORE_COMPLAINT_ID, digest, (STORE_COMPLAINT_ID - 1) / 2);
}

/* --- arrivals --- */

#define TRIES 3 /* counted in `times`, which means something else once it is read */

#define INSERT                                                                                                         \
    "INSERT INTO complaints (id, received, time, source, format, type, reporter, address, sender, customer, node, "    \
    "message_id, subject, recipient, message, tied, state, times, incidents, acted, closed, person, note, fields) "

int store_arrival_keep(struct store *store, const char *id, const char *source, moment now, enum store_packing packing,
                       struct text packed, struct error *error)
{
    int rows = STORE_RUN(store, "SELECT 1 FROM complaints WHERE id = $1", NULL, NULL, error, STRING(id));
    if (rows != 0)
        return rows < 0 ? rows : 0;
    rows = STORE_RUN(store,
                     INSERT "VALUES ($1, $2, 0, $3, '', '', '', '', '', '', 0, '', '', '', '', '', 'arrived', 1, 1, 0, "
                            "0, '', '', '{}')",
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
    void (*each)(void *, enum store_packing, struct text);
    void *context;
};

static bool content_row(void *context, const struct value *columns, size_t count)
{
    const struct content *content = context;
    (void)count;
    content->each(content->context, (enum store_packing)columns[0].integer, columns[1].text);
    return false;
}

int store_complaint_content(struct store *store, const char *id, void (*each)(void *, enum store_packing, struct text),
                            void *context, struct error *error)
{
    struct content content = {each, context};
    return STORE_RUN(store, "SELECT packing, bytes FROM complaint_contents WHERE id = $1", content_row, &content, error,
                     STRING(id));
}

/* --- what was read --- */

int store_arrival_read(struct store *store, const struct store_complaint *read, struct error *error)
{
    bool is_first = strcmp(read->id, read->arrival) == 0;
    int rows;
    if (is_first)
        rows = STORE_RUN(
            store,
            "UPDATE complaints SET time = $2, format = $3, type = $4, reporter = $5, address = $6, "
            "message_id = $7, subject = $8, recipient = $9, state = $10, incidents = $11, closed = 0, times = 1, "
            "note = $12, fields = $13 WHERE id = $1 AND state = 'arrived'",
            NULL, NULL, error, STRING(read->id), INTEGER(read->time), STRING(read->format), STRING(read->type),
            STRING(read->reporter), STRING(read->address), STRING(read->message_id), STRING(read->subject),
            STRING(read->recipient), STRING(read->state), INTEGER(read->incidents), STRING(read->note),
            VALUE_TEXT(read->fields));
    else
        rows = STORE_RUN(store,
                         INSERT "SELECT $2, received, $3, source, $4, $5, $6, $7, '', '', 0, $8, $9, $10, '', '', $11, "
                                "1, $12, 0, 0, '', $13, $14 FROM complaints WHERE id = $1 AND state = 'arrived'",
                         NULL, NULL, error, STRING(read->arrival), STRING(read->id), INTEGER(read->time),
                         STRING(read->format), STRING(read->type), STRING(read->reporter), STRING(read->address),
                         STRING(read->message_id), STRING(read->subject), STRING(read->recipient), STRING(read->state),
                         INTEGER(read->incidents), STRING(read->note), VALUE_TEXT(read->fields));
    return rows < 0 ? rows : rows > 0;
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
                  "END, read = $3, trouble = $4",
                  NULL, NULL, error, STRING(source), STRING(place ? place : ""), INTEGER(now), STRING(trouble),
                  INTEGER(place != NULL));
    return rows < 0 ? rows : tell(store, source, trouble, now, error);
}
