/* See lines.h. */
#include "collector/api/lines.h"

#include <string.h>

struct lines lines_begin(struct exchange *exchange)
{
    exchange->lines = true;
    return (struct lines){.exchange = exchange};
}

struct json lines_record(struct lines *lines, const char *kind)
{
    struct json json = json_begin(&lines->exchange->answer);
    json_string(&json, "record", kind);
    return json;
}

void lines_add(struct lines *lines, struct json *json)
{
    lines->failed |= !json_end(json);
}

int lines_end(struct lines *lines, const char *next)
{
    struct json json = lines_record(lines, "end");
    json_bool(&json, "ok", true);
    if (next)
        json_string(&json, "next", next);
    lines_add(lines, &json);
    if (lines->failed)
        return exchange_refuse(lines->exchange, 413, "the answer is too long; ask for fewer");
    lines->exchange->status = 200;
    return 0;
}

bool lines_most(const struct exchange *exchange, const char *name, uint32_t *result)
{
    int64_t number = *result;
    if (!exchange_number(exchange, name, &number) || number < 1 || number > LINES_MOST)
        return false;
    *result = (uint32_t)number;
    return true;
}

bool lines_node(const struct exchange *exchange, int64_t *result)
{
    const char *value = exchange_parameter(exchange, "node");
    *result = 0;
    return !value || !*value || secret_parse_id(text_of(value), result);
}

bool lines_since(const struct exchange *exchange, moment *result)
{
    const char *value = exchange_parameter(exchange, "since");
    *result = 0;
    return !value || !*value || moment_parse(text_of(value), result);
}

void lines_node_of(struct json *json, int64_t id, struct text name)
{
    char text[SECRET_ID];
    json_string(json, "node", secret_print_id(id, text));
    json_text(json, "node_name", name);
}
