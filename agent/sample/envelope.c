/* See envelope.h. The sender is known last: a log may tell whose the mail is, a few seconds behind the packets. */
#include "agent/sample/envelope.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "common/json.h"

#define QUEUE_MOST 64
#define REST_MOST  16384U /* bytes of all but the recipients */

static bool is_queue_byte(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           byte == '-' || byte == '.';
}

static struct text word_at(struct text phrase, size_t at)
{
    struct text word = {phrase.bytes + at, 0};
    while (at + word.length < phrase.length && is_queue_byte(word.bytes[word.length]))
        word.length++;
    while (word.length > 0 && word.bytes[word.length - 1] == '.') /* a sentence's end */
        word.length--;
    return word.length <= QUEUE_MOST ? word : TEXT("");
}

static bool find_behind(struct text phrase, const char *words, struct text *result)
{
    const char *at = phrase.length > 0 ? memmem(phrase.bytes, phrase.length, words, strlen(words)) : NULL;
    if (!at)
        return false;
    *result = word_at(phrase, (size_t)(at - phrase.bytes) + strlen(words));
    return true;
}

struct text envelope_queue(struct text phrase)
{
    struct text result;
    if (find_behind(phrase, "queued as ", &result) || find_behind(phrase, " id=", &result))
        return result;
    if (find_behind(phrase, " Message accepted for delivery", &result))
        return word_at(phrase, 0);
    return TEXT("");
}

/* What was never said has no bytes at all. */
static struct text said(struct text text)
{
    return text.bytes ? text : TEXT("");
}

static void write_recipients(struct json *json, const struct envelope *envelope)
{
    uint32_t count = 0, left_out = envelope->recipients_left_out;
    size_t most = json->start + ENVELOPE_MOST - REST_MOST;
    struct text address;
    json_array_open(json, "recipients");
    while (envelope->recipient && envelope->recipient(envelope->context, &address)) {
        if (json->out->length < most && count++ < ENVELOPE_RECIPIENTS_MOST)
            json_text(json, NULL, address);
        else
            left_out++;
    }
    json_array_close(json);
    json_unsigned(json, "recipients_left_out", left_out);
}

bool envelope_members(const struct envelope *envelope, struct buffer *out)
{
    char digest[33], likeness[LIKENESS_TEXT];
    size_t start = out->length;
    struct json json = json_begin(out);
    snprintf(digest, sizeof digest, "%016" PRIx64 "%016" PRIx64, envelope->digest[1], envelope->digest[0]);
    json_moment(&json, "time", envelope->time);
    json_address(&json, "address", &envelope->client);
    json_unsigned(&json, "client_port", envelope->client_port);
    json_text(&json, "helo", said(envelope->helo));
    json_text(&json, "user", said(envelope->user));
    json_text(&json, "queue", envelope_queue(envelope->phrase));
    json_text(&json, "from", said(envelope->from));
    write_recipients(&json, envelope);
    json_string(&json, "why", sample_why_name(envelope->why));
    json_bool(&json, "complete", envelope->complete);
    json_unsigned(&json, "code", envelope->code);
    json_unsigned(&json, "bytes", envelope->bytes);
    json_string(&json, "digest", digest);
    json_string(&json, "likeness",
                likeness_is_known(&envelope->likeness) ? likeness_print(&envelope->likeness, likeness) : "");
    json_address(&json, "server", &envelope->server);
    json_unsigned(&json, "node_message", envelope->number);
    if (!json_end(&json))
        return false;
    out->length -= 3; /* its two braces and the line's end */
    memmove(out->bytes + start, out->bytes + start + 1, out->length - start);
    return true;
}

bool envelope_line(struct text members, const char *sender, const char *customer, struct buffer *out)
{
    struct json json = json_begin(out);
    json_string(&json, "record", "message");
    json_string(&json, "sender", sender);
    json_string(&json, "customer", customer);
    json_put(&json, TEXT(","));
    json_put(&json, members);
    return json_end(&json);
}
