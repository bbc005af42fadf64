/* See message_file.h. A node may lie and its messages are strangers': the first line is measured before jansson is
 * asked, and what would not fit the store's indexes is refused here, with a sentence, rather than there again and
 * again. */
#include <jansson.h> /* before our own writer of JSON */

#include "collector/message/message_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/cleanup.h"
#include "common/json_measure.h"

#define DEPTH_MOST  4
#define VALUES_MOST (MESSAGE_RECIPIENTS_MOST + 100)
#define NAME_MOST   255  /* bytes of a sender, a customer: they stand in indexes */
#define WORD_MOST   2048 /* of any other text; what is longer is cut */

static void drop(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

static struct text text_in(const json_t *value)
{
    return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)}
                                 : (struct text){"", 0};
}

static struct text cut(struct text text)
{
    if (text.length > WORD_MOST)
        text.length = WORD_MOST;
    return text;
}

static int read_words(struct message_file *file, const json_t *object, struct error *error)
{
    const struct {
        const char *key;
        struct text *result;
    } words[] = {
        {"sender", &file->sender}, {"customer", &file->customer}, {"address", &file->address},   {"helo", &file->helo},
        {"user", &file->user},     {"queue", &file->queue},       {"from", &file->from},         {"why", &file->why},
        {"server", &file->server}, {"digest", &file->digest},     {"likeness", &file->likeness},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const json_t *value = json_object_get(object, words[i].key);
        if (value && !json_is_null(value) && !json_is_string(value))
            return error_set(error, EINVAL, "%s: a text", words[i].key);
        *words[i].result = cut(text_in(value));
    }
    if (file->sender.length == 0 || file->sender.length > NAME_MOST || file->customer.length > NAME_MOST)
        return error_set(error, EINVAL, "sender: 1 to %d bytes; customer: as many or none", NAME_MOST);
    return 0;
}

static int read_recipients(struct message_file *file, const json_t *object, struct error *error)
{
    const json_t *list = json_object_get(object, "recipients");
    size_t count = json_array_size(list);
    if (list && !json_is_array(list))
        return error_set(error, EINVAL, "recipients: a list of texts");
    if (count > MESSAGE_RECIPIENTS_MOST)
        return error_set(error, EINVAL, "recipients: at most %d", MESSAGE_RECIPIENTS_MOST);
    for (size_t i = 0; i < count; i++) {
        if (!json_is_string(json_array_get(list, i)))
            return error_set(error, EINVAL, "recipients: a list of texts");
        file->recipients[i] = cut(text_in(json_array_get(list, i)));
    }
    file->recipient_count = (uint32_t)count;
    return 0;
}

/* Within 0 to `most`; what is not there is 0. */
static int read_number(const json_t *object, const char *key, json_int_t most, json_int_t *result, struct error *error)
{
    const json_t *value = json_object_get(object, key);
    *result = json_integer_value(value);
    if ((value && !json_is_null(value) && !json_is_integer(value)) || *result < 0 || *result > most)
        return error_set(error, EINVAL, "%s: a number from 0 to %lld", key, (long long)most);
    return 0;
}

static int read_numbers(struct message_file *file, const json_t *object, struct error *error)
{
    json_int_t code = 0, port = 0, left_out = 0, bytes = 0;
    const json_t *time = json_object_get(object, "time");
    int failure = read_number(object, "code", 999, &code, error);
    if (failure == 0)
        failure = read_number(object, "client_port", UINT16_MAX, &port, error);
    if (failure == 0)
        failure = read_number(object, "recipients_left_out", UINT32_MAX, &left_out, error);
    if (failure == 0)
        failure = read_number(object, "bytes", INT64_MAX, &bytes, error);
    if (failure < 0)
        return failure;
    if (!json_is_string(time) || !moment_parse(text_in(time), &file->time))
        return error_set(error, EINVAL, "time: a moment such as 2026-11-23T08:00:00Z");
    if (json_object_get(object, "bytes") && (size_t)bytes != file->content.length)
        return error_set(error, EINVAL, "bytes: it says %lld, and %zu follow", (long long)bytes, file->content.length);
    file->code = (uint16_t)code;
    file->client_port = (uint16_t)port;
    file->recipients_left_out = (uint32_t)left_out;
    file->complete = !json_is_false(json_object_get(object, "complete"));
    return 0;
}

static int read_envelope(struct message_file *file, struct error *error)
{
    struct json_measure measure = json_measure(file->envelope);
    if (measure.depth > DEPTH_MOST || measure.values > VALUES_MOST)
        return error_set(error, EINVAL, "the first line holds more than an envelope does");
    /* A client may have said a NUL where an address stands. */
    json_t *object =
        json_loadb(file->envelope.bytes, file->envelope.length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    file->json = object;
    if (!json_is_object(object))
        return error_set(error, EINVAL, "the first line is no JSON object in UTF-8, or a key stands twice");
    if (!text_equals(text_in(json_object_get(object, "record")), TEXT("message")))
        return error_set(error, EINVAL, "record: \"message\" is what it has to be");
    int failure = read_words(file, object, error);
    if (failure == 0)
        failure = read_recipients(file, object, error);
    return failure < 0 ? failure : read_numbers(file, object, error);
}

int message_file_join(struct text envelope, struct text content, struct message_file **result, struct error *error)
{
    CLEANUP(message_file_destroy) struct message_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return error_set(error, ENOMEM, "no memory for a message");
    file->envelope = envelope;
    file->content = content;
    int failure = read_envelope(file, error);
    if (failure == 0)
        *result = TAKE(file);
    return failure;
}

int message_file_read(struct text bytes, struct message_file **result, struct error *error)
{
    size_t most = bytes.length < MESSAGE_ENVELOPE_MOST ? bytes.length : MESSAGE_ENVELOPE_MOST;
    const char *end = most ? memchr(bytes.bytes, '\n', most) : NULL;
    if (end == NULL)
        return error_set(error, EINVAL, "it does not begin with a line of at most %u bytes", MESSAGE_ENVELOPE_MOST);
    struct text envelope = {bytes.bytes, (size_t)(end - bytes.bytes)};
    return message_file_join(envelope, (struct text){end + 1, bytes.length - envelope.length - 1}, result, error);
}

void message_file_destroy(struct message_file **file)
{
    if (*file == NULL)
        return;
    json_t *json = (*file)->json;
    drop(&json);
    free(*file);
    *file = NULL;
}
