/* Reading a batch. jansson decides what is JSON; what it would follow without end is bounded before it is asked. */
#include "collector/api/batch.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/count.h"
#include "common/json_measure.h"

#define SEQUENCE "{\"sequence\":"

/* The words of all records one behind the other. While it grows, texts are offsets: it may move. */
struct words {
    char *bytes;
    size_t length, room;
};

struct reading {
    moment now;
    size_t line; /* from 1 */
    struct batch batch;
    struct words words;
    size_t room;
};

static int bad(const struct reading *reading, struct error *error, const char *what)
{
    return error_set(error, EBADMSG, "line %zu: %s", reading->line, what);
}

static void drop(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

static int read_object(const struct reading *reading, struct text line, json_t **result, struct error *error)
{
    if (line.length > BATCH_LINE_MOST)
        return bad(reading, error, "longer than 64 kB");
    if (json_measure(line).depth > BATCH_DEPTH_MOST)
        return bad(reading, error, "brackets in brackets, more than 16 deep");
    json_error_t why;
    json_t *json = json_loadb(line.bytes, line.length, JSON_REJECT_DUPLICATES, &why);
    if (json == NULL)
        return bad(reading, error, "not JSON in UTF-8, or a key stands twice");
    if (!json_is_object(json)) {
        json_decref(json);
        return bad(reading, error, "not an object");
    }
    *result = json;
    return 0;
}

static bool read_hex(const char *string, int64_t *result)
{
    if (string == NULL || strlen(string) != 16 || strspn(string, "0123456789abcdef") != 16)
        return false;
    uint64_t number = strtoull(string, NULL, 16);
    memcpy(result, &number, sizeof number);
    return true;
}

static bool count_of(json_t *object, const char *key, int64_t *result)
{
    json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *result = json_integer_value(value);
    return true;
}

static int read_head(struct reading *reading, struct text line, struct error *error)
{
    CLEANUP(drop) json_t *object = NULL;
    struct batch *batch = &reading->batch;
    int status = read_object(reading, line, &object, error);
    if (status < 0)
        return status;
    if (!read_hex(json_string_value(json_object_get(object, "life")), &batch->life))
        return bad(reading, error, "life: sixteen hexadecimal digits");
    if (!count_of(object, "after", &batch->after) || !count_of(object, "last", &batch->last) ||
        batch->last < batch->after)
        return bad(reading, error, "after, last: numbers from 0, the last not below");
    if (json_object_get(object, "spooled") != NULL && !count_of(object, "spooled", &batch->spooled))
        return bad(reading, error, "spooled: a number from 0");
    json_t *version = json_object_get(object, "version");
    if (version != NULL && !json_is_string(version))
        return bad(reading, error, "version: a text");
    if (version != NULL)
        text_copy_printable(text_of(json_string_value(version)), batch->version, sizeof batch->version);
    return 0;
}

/* Takes `{"sequence":N,` off the line: what is left begins with the bracket put over the comma. */
static int take_sequence(struct reading *reading, char *line, size_t length, struct store_record *record,
                         struct error *error)
{
    size_t at = sizeof SEQUENCE - 1, digits = 0;
    uint64_t number;
    if (length < at || memcmp(line, SEQUENCE, at) != 0)
        return bad(reading, error, "a record begins with its sequence");
    while (at + digits < length && line[at + digits] >= '0' && line[at + digits] <= '9')
        digits++;
    if (!text_number((struct text){line + at, digits}, &number) || number > INT64_MAX)
        return bad(reading, error, "sequence: a number from 1");
    at += digits;
    if (at >= length || line[at] != ',')
        return bad(reading, error, "behind the sequence stands a comma and what the record says");
    int64_t before =
        reading->batch.count ? reading->batch.records[reading->batch.count - 1].sequence : reading->batch.after;
    record->sequence = (int64_t)number;
    if (record->sequence <= before || record->sequence > reading->batch.last)
        return bad(reading, error, "sequences rise, from above `after` to `last`");
    line[at] = '{';
    record->line = (struct text){line + at, length - at};
    return 0;
}

/* Leaves an offset in `result->bytes`, to be made a pointer when all words are there. */
static bool keep_word(struct words *words, struct text word, struct text *result)
{
    if (words->room - words->length < word.length) {
        size_t room = (words->room + word.length) * 2;
        char *more = realloc(words->bytes, room);
        if (more == NULL)
            return false;
        words->bytes = more;
        words->room = room;
    }
    if (word.length)
        memcpy(words->bytes + words->length, word.bytes, word.length);
    *result = (struct text){(const char *)(uintptr_t)words->length, word.length};
    words->length += word.length;
    return true;
}

static int read_word(struct reading *reading, json_t *object, const char *key, size_t most, struct text *result,
                     struct error *error)
{
    json_t *value = json_object_get(object, key);
    char number[24];
    struct text word = {"", 0};
    if (json_is_string(value))
        word = (struct text){json_string_value(value), json_string_length(value)};
    else if (json_is_integer(value))
        word = (struct text){
            number, (size_t)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value))};
    else if (value != NULL && !json_is_null(value))
        return error_set(error, EBADMSG, "line %zu: %s: a text", reading->line, key);
    if (word.length > most)
        return error_set(error, EBADMSG, "line %zu: %s: longer than %zu bytes", reading->line, key, most);
    return keep_word(&reading->words, word, result) ? 0 : error_set(error, ENOMEM, "no memory for a batch");
}

static int read_time(struct reading *reading, json_t *object, moment *result, struct error *error)
{
    json_t *value = json_object_get(object, "time");
    *result = reading->now;
    if (value == NULL || json_is_null(value))
        return 0;
    if (!json_is_string(value) || !moment_parse(text_of(json_string_value(value)), result))
        return bad(reading, error, "time: a moment such as 2026-11-23T08:00:00Z");
    if (*result > reading->now + BATCH_AHEAD)
        *result = reading->now;
    return 0;
}

/* The words of our own answers, in which records stand: a node that says them could end an answer, or speak of a sender
 * as if it were us. */
static bool is_ours(const char *kind)
{
    return strcmp(kind, "end") == 0 || strcmp(kind, "sender") == 0 || strcmp(kind, "submission") == 0;
}

static bool is_kind(const char *kind)
{
    return kind != NULL && kind[0] && strlen(kind) <= BATCH_KIND_MOST &&
           strspn(kind, "abcdefghijklmnopqrstuvwxyz_") == strlen(kind);
}

/* --- what the store looks into --- */

static int64_t amount_in(const json_t *object, const char *key)
{
    int64_t number = json_integer_value(json_object_get(object, key));
    return number < 0 ? 0 : number > STORE_COUNT_MOST ? STORE_COUNT_MOST : number;
}

/* A long one is cut: the whole stands in the line. */
static bool keep_said(struct reading *reading, const json_t *object, const char *key, struct text *result)
{
    const json_t *value = json_object_get(object, key);
    struct text word = {"", 0};
    if (json_is_string(value))
        word = (struct text){json_string_value(value), json_string_length(value)};
    if (word.length > BATCH_WORD_MOST) {
        word.length = BATCH_WORD_MOST;
        while ((word.bytes[word.length] & 0xc0) == 0x80) /* no half of a character: it would be no text any more */
            word.length--;
    }
    return keep_word(&reading->words, word, result);
}

/* When, as the node says: one that is far from now is not made now, for what it says is not to count. */
static moment told_in(const json_t *object)
{
    const char *time = json_string_value(json_object_get(object, "time"));
    moment result = 0;
    return time && moment_parse(text_of(time), &result) ? result : 0;
}

static int64_t hundredths_in(const json_t *object, const char *key)
{
    double points = json_number_value(json_object_get(object, key));
    return points > -1e9 && points < 1e9 ? llround(points * 100) : 0;
}

static bool read_body(struct reading *reading, const json_t *object, struct store_record *record)
{
    const char *likeness = json_string_value(json_object_get(object, "likeness"));
    if (likeness == NULL || strlen(likeness) != 64 || strspn(likeness, "0123456789abcdef") != 64)
        return true;
    record->said = STORE_BODY;
    record->body.told = told_in(object);
    record->body.domains = amount_in(object, "domains");
    record->body.recipients = amount_in(object, "recipients");
    record->body.messages = amount_in(object, "messages");
    record->body.known = json_is_true(json_object_get(object, "known"));
    return keep_said(reading, object, "likeness", &record->body.likeness);
}

static bool read_points(struct reading *reading, const json_t *object, struct store_record *record)
{
    int64_t points = hundredths_in(object, "points");
    (void)reading;
    record->said = STORE_POINTS;
    record->points.told = told_in(object);
    record->points.points = points < 0 ? 0 : points > STORE_POINTS_MOST ? STORE_POINTS_MOST : points;
    record->points.score = hundredths_in(object, "score");
    return true;
}

static bool read_traffic(struct reading *reading, const json_t *object, struct store_record *record)
{
    record->said = STORE_TRAFFIC;
    record->traffic.connections = amount_in(object, "connections");
    record->traffic.messages = amount_in(object, "messages");
    record->traffic.rejected = amount_in(object, "messages_rejected");
    record->traffic.recipients = amount_in(object, "recipients");
    record->traffic.bytes = amount_in(object, "bytes");
    return keep_said(reading, object, "address", &record->address);
}

static bool read_verdict(struct reading *reading, const json_t *object, struct store_record *record)
{
    if (!json_is_string(json_object_get(object, "verdict")))
        return true;
    record->said = STORE_VERDICT;
    record->verdict.score = hundredths_in(object, "score");
    return keep_said(reading, object, "address", &record->address) &&
           keep_said(reading, object, "verdict", &record->verdict.word);
}

static bool read_acknowledgement(struct reading *reading, const json_t *object, struct store_record *record)
{
    record->said = STORE_ACKNOWLEDGEMENT;
    record->acknowledgement.revision = json_integer_value(json_object_get(object, "revision"));
    record->acknowledgement.done = json_is_true(json_object_get(object, "done"));
    return keep_said(reading, object, "text", &record->acknowledgement.text);
}

static bool read_orders(struct reading *reading, const json_t *object, struct store_record *record)
{
    (void)reading;
    (void)object;
    record->said = STORE_ORDERS;
    return true;
}

static bool read_order(struct reading *reading, const json_t *object, struct store_record *record)
{
    const char *deed = json_string_value(json_object_get(object, "deed"));
    const char *until = json_string_value(json_object_get(object, "until"));
    moment end = 0;
    bool ends = until != NULL && moment_parse(text_of(until), &end);
    if (deed == NULL || (!ends && strcmp(deed, "release") != 0))
        return true;
    record->said = STORE_ORDER;
    record->order.until = end;
    record->order.rate = amount_in(object, "rate");
    return keep_said(reading, object, "address", &record->address) &&
           keep_said(reading, object, "deed", &record->order.deed) &&
           keep_said(reading, object, "by", &record->order.by) &&
           keep_said(reading, object, "why", &record->order.reason);
}

/* What a record of these kinds lacks does not make it wrong: then it is only kept, as those of all others are. */
static bool read_said(struct reading *reading, const json_t *object, struct store_record *record)
{
    static const struct {
        const char *kind;
        bool (*read)(struct reading *, const json_t *, struct store_record *);
    } kinds[] = {{"traffic", read_traffic},
                 {"verdict", read_verdict},
                 {"orders", read_orders},
                 {"order", read_order},
                 {"acknowledgement", read_acknowledgement},
                 {"body", read_body},
                 {"points", read_points}};
    const char *kind = json_string_value(json_object_get(object, "record"));
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kind, kinds[i].kind) == 0)
            return kinds[i].read(reading, object, record);
    return true;
}

static int read_record(struct reading *reading, char *line, size_t length, struct error *error)
{
    CLEANUP(drop) json_t *object = NULL;
    struct store_record record = {0};
    if (reading->batch.count == BATCH_RECORDS_MOST)
        return error_set(error, EMSGSIZE, "more than 10,000 records; send less at once");
    int status = read_object(reading, (struct text){line, length}, &object, error);
    if (status == 0 && !is_kind(json_string_value(json_object_get(object, "record"))))
        status = bad(reading, error, "record: its kind, at most 32 small letters and _");
    if (status == 0 && is_ours(json_string_value(json_object_get(object, "record"))))
        status = bad(reading, error, "record: a word of the collector's own answers");
    if (status == 0 && json_object_get(object, "node") != NULL) /* it is told with the node's name put before it */
        status = bad(reading, error, "node: whose a record is says the secret alone");
    if (status == 0)
        status = read_time(reading, object, &record.time, error);
    if (status == 0)
        status = read_word(reading, object, "record", BATCH_KIND_MOST, &record.kind, error);
    if (status == 0)
        status = read_word(reading, object, "sender", BATCH_WORD_MOST, &record.sender, error);
    if (status == 0)
        status = read_word(reading, object, "customer", BATCH_WORD_MOST, &record.customer, error);
    if (status == 0 && !read_said(reading, object, &record))
        status = error_set(error, ENOMEM, "no memory for a batch");
    if (status == 0)
        status = take_sequence(reading, line, length, &record, error);
    if (status < 0)
        return status;
    if (reading->batch.count == reading->room) {
        size_t room = reading->room ? reading->room * 2 : 64;
        struct store_record *more = reallocarray(reading->batch.records, room, sizeof *more);
        if (more == NULL)
            return error_set(error, ENOMEM, "no memory for a batch");
        reading->batch.records = more;
        reading->room = room;
    }
    reading->batch.records[reading->batch.count++] = record;
    return 0;
}

static void settle(struct words *words, struct text *text)
{
    text->bytes = text->length ? words->bytes + (uintptr_t)text->bytes : "";
}

static void settle_record(struct words *words, struct store_record *record)
{
    settle(words, &record->kind);
    settle(words, &record->sender);
    settle(words, &record->customer);
    if (record->said == STORE_TRAFFIC || record->said == STORE_VERDICT || record->said == STORE_ORDER)
        settle(words, &record->address);
    if (record->said == STORE_BODY)
        settle(words, &record->body.likeness);
    if (record->said == STORE_VERDICT)
        settle(words, &record->verdict.word);
    if (record->said == STORE_ACKNOWLEDGEMENT)
        settle(words, &record->acknowledgement.text);
    if (record->said == STORE_ORDER) {
        settle(words, &record->order.deed);
        settle(words, &record->order.by);
        settle(words, &record->order.reason);
    }
}

int batch_parse(char *bytes, size_t length, moment now, struct batch *result, struct error *error)
{
    struct reading reading = {.now = now};
    int status = 0;
    for (size_t at = 0; at < length && status == 0;) {
        char *end = memchr(bytes + at, '\n', length - at);
        size_t line = end ? (size_t)(end - bytes) - at : length - at;
        if (reading.line++ == 0)
            status = read_head(&reading, (struct text){bytes + at, line}, error);
        else
            status = read_record(&reading, bytes + at, line, error);
        at += line + 1;
    }
    if (status == 0 && reading.line == 0)
        status = error_set(error, EBADMSG, "line 1: the batch is empty");
    reading.batch.words = reading.words.bytes;
    if (status < 0) {
        batch_release(&reading.batch);
        return status;
    }
    for (size_t i = 0; i < reading.batch.count; i++)
        settle_record(&reading.words, &reading.batch.records[i]);
    *result = reading.batch;
    return 0;
}

void batch_release(struct batch *batch)
{
    free(batch->records);
    free(batch->words);
    memset(batch, 0, sizeof *batch);
}
