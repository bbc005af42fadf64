/* See centre_answer.h. */
#include "agent/courier/centre_answer.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "agent/courier/node_secret.h"
#include "common/cleanup.h"

static void drop(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}

#define OBJECT_MOST 65536 /* bytes: these answers are a line or two, and take a hundred times their bytes once read */

static json_t *parse(const struct http_answer *answer)
{
    if (answer->body.length > OBJECT_MOST)
        return NULL;
    return json_loadb(answer->body.bytes ? answer->body.bytes : "", answer->body.length, JSON_REJECT_DUPLICATES, NULL);
}

const char *centre_answer_sentence(const struct http_answer *answer, char *result, size_t size)
{
    CLEANUP(drop) json_t *object = answer->status ? parse(answer) : NULL;
    const char *said = json_string_value(json_object_get(object, "error"));
    char printable[160];
    text_copy_printable(text_of(said ? said : ""), printable, sizeof printable);
    if (answer->status == 0)
        snprintf(result, size, "%s", answer->trouble ? answer->trouble : "no answer");
    else if (said)
        snprintf(result, size, "%s (%d)", printable, answer->status);
    else
        snprintf(result, size, "it answered %d", answer->status);
    return result;
}

bool centre_answer_is_about_records(const struct http_answer *answer, const char *sentence)
{
    return answer->status == 413 || (answer->status == 400 && strncmp(sentence, "line ", 5) == 0);
}

bool centre_answer_node(const struct http_answer *answer, char result[SPOOL_NODE])
{
    CLEANUP(drop) json_t *object = parse(answer);
    const char *node = json_string_value(json_object_get(object, "node"));
    if (!node_is_name(node))
        return false;
    snprintf(result, SPOOL_NODE, "%s", node);
    return true;
}

bool centre_answer_delivered(const struct http_answer *answer, int64_t after, int64_t last, int64_t *result)
{
    CLEANUP(drop) json_t *object = parse(answer);
    const json_t *delivered = json_object_get(object, "delivered");
    *result = json_integer_value(delivered);
    return json_is_integer(delivered) && (answer->status == 200 ? *result >= last : *result >= 0 && *result < after);
}

bool centre_answer_has_message(const struct http_answer *answer, uint64_t life, int64_t number)
{
    CLEANUP(drop) json_t *object = answer->status == 200 || answer->status == 201 ? parse(answer) : NULL;
    const char *said = json_string_value(json_object_get(object, "life"));
    const json_t *numbered = json_object_get(object, "number");
    char wanted[17];
    snprintf(wanted, sizeof wanted, "%016" PRIx64, life);
    return said && strcmp(said, wanted) == 0 && json_is_integer(numbered) && json_integer_value(numbered) == number;
}

bool centre_answer_revision(const struct http_answer *answer, int64_t after, int64_t *result)
{
    CLEANUP(drop) json_t *object = answer->status == 416 ? parse(answer) : NULL;
    const json_t *asked = json_object_get(object, "after"), *revision = json_object_get(object, "revision");
    *result = json_integer_value(revision);
    return json_is_integer(asked) && json_integer_value(asked) == after && json_is_integer(revision) && *result >= 0 &&
           *result < after;
}

/* A value read takes a hundred times the bytes that it has in an answer, so these are counted before. A thousand
 * directives have some ten members each, and five hundred news as many; a customer's has four more for each node, of
 * which a centre tells 64. The rest is for what newer centres add. */
#define MEMBERS_MOST 200000

static bool is_small_once_read(struct text answer)
{
    size_t members = 0;
    bool quoted = false;
    for (size_t i = 0; i < answer.length; i++) {
        char byte = answer.bytes[i];
        if (quoted && byte == '\\')
            i++;
        else if (byte == '"')
            quoted = !quoted;
        else if (!quoted && (byte == ',' || byte == '[' || byte == '{'))
            members++;
    }
    return members <= MEMBERS_MOST;
}

json_t *centre_answer_parse_list(struct text answer, struct error *error)
{
    if (!is_small_once_read(answer)) {
        error_set(error, EFBIG, "what came as directives has too many members");
        return NULL;
    }
    json_t *object = json_loadb(answer.bytes ? answer.bytes : "", answer.length, JSON_REJECT_DUPLICATES, NULL);
    if (!object)
        error_set(error, EPROTO, "what came as directives is none");
    return object;
}
