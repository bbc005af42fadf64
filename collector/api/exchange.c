/* The small things every endpoint does with a request. */
#include "collector/api/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "collector/api/unpack.h"
#include "common/json.h"

void exchange_reset(struct exchange *exchange)
{
    buffer_clear(&exchange->answer);
    exchange->status = 0;
    exchange->lines = exchange->plain = exchange->keeps = exchange->nothing = false;
    exchange->type = NULL;
    exchange->told = TOLD_NOBODY;
    exchange->revision = 0;
    exchange->records = exchange->duplicates = exchange->messages = 0;
}

int exchange_take_body(struct exchange *exchange, size_t most, struct buffer *plain, struct error *error)
{
    buffer_init(plain, most);
    if (exchange->packed) {
        int status = unpack_zstd(buffer_text(&exchange->body), plain, error);
        buffer_clear(&exchange->body);
        return status;
    }
    *plain = exchange->body;
    buffer_init(&exchange->body, 0);
    return 0;
}

int exchange_refuse(struct exchange *exchange, int status, const char *format, ...)
{
    char sentence[320];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    exchange_reset(exchange);
    struct json json = json_begin(&exchange->answer);
    json_string(&json, "error", sentence);
    exchange->status = json_end(&json) ? status : 500;
    return 0;
}

const char *exchange_parameter(const struct exchange *exchange, const char *name)
{
    for (int i = 0; i < EXCHANGE_PARAMETERS && exchange->parameters[i].name; i++)
        if (strcmp(exchange->parameters[i].name, name) == 0)
            return exchange->parameters[i].value;
    return NULL;
}

bool exchange_number(const struct exchange *exchange, const char *name, int64_t *result)
{
    const char *value = exchange_parameter(exchange, name);
    uint64_t number;
    if (value == NULL)
        return true;
    if (!text_number(text_of(value), &number) || number > INT64_MAX)
        return false;
    *result = (int64_t)number;
    return true;
}
