/* See request.h. Each command is a row: its name, what it is, which fields it takes; a field that a command does not
 * take is refused, so that a typing error never changes what is done. */
#include "agent/courier/request.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

enum field {
    FIELD_SENDER = 1,
    FIELD_FOR = 2,
    FIELD_REASON = 4,
    FIELD_RATE = 8,
    FIELD_TOP = 16,
    FIELD_SINCE = 32,
    FIELD_FOLLOW = 64,
    FIELD_ON = 128
};

struct command {
    const char *name;
    enum request_kind kind;
    enum deed deed;
    unsigned needs, takes;
};

static const struct command commands[] = {
    {"status", REQUEST_STATUS, DEED_RELEASE, 0, 0},
    {"senders", REQUEST_SENDERS, DEED_RELEASE, 0, FIELD_TOP},
    {"customers", REQUEST_CUSTOMERS, DEED_RELEASE, 0, FIELD_TOP},
    {"explain", REQUEST_EXPLAIN, DEED_RELEASE, FIELD_SENDER, 0},
    {"events", REQUEST_EVENTS, DEED_RELEASE, 0, FIELD_SINCE | FIELD_FOLLOW},
    {"orders", REQUEST_ORDERS, DEED_RELEASE, 0, 0},
    {"block", REQUEST_COMMAND, DEED_BLOCK, FIELD_SENDER | FIELD_REASON, FIELD_FOR},
    {"throttle", REQUEST_COMMAND, DEED_THROTTLE, FIELD_SENDER | FIELD_REASON, FIELD_FOR | FIELD_RATE},
    {"divert", REQUEST_COMMAND, DEED_DIVERT, FIELD_SENDER | FIELD_REASON, FIELD_FOR},
    {"allow", REQUEST_COMMAND, DEED_ALLOW, FIELD_SENDER | FIELD_REASON, FIELD_FOR},
    {"release", REQUEST_COMMAND, DEED_RELEASE, FIELD_SENDER | FIELD_REASON, 0},
    {"enforce", REQUEST_ENFORCE, DEED_RELEASE, FIELD_ON, FIELD_REASON},
};

struct field_name {
    const char *name;
    enum field field;
};

static const struct field_name field_names[] = {
    {"sender", FIELD_SENDER}, {"for", FIELD_FOR},     {"reason", FIELD_REASON}, {"rate", FIELD_RATE},
    {"top", FIELD_TOP},       {"since", FIELD_SINCE}, {"follow", FIELD_FOLLOW}, {"on", FIELD_ON},
};
#define FIELDS (sizeof field_names / sizeof field_names[0])

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static struct text text_in(const json_t *value)
{
    return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)} : TEXT("");
}

static int read_reason(const json_t *value, struct request *request, struct error *error)
{
    struct text reason = text_trim(text_in(value));
    if (reason.length == 0)
        return error_set(error, EINVAL, "a reason is needed; it is kept on record: say in a few words why");
    if (reason.length >= sizeof request->why)
        return error_set(error, EINVAL, "the reason is too long; at most %zu bytes", sizeof request->why - 1);
    text_copy_printable(reason, request->why, sizeof request->why);
    return 0;
}

static int read_number(const json_t *value, uint32_t least, uint32_t most, const char *name, uint32_t *result,
                       struct error *error)
{
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    if (number < least || number > most)
        return error_set(error, EINVAL, "%s: not understood; a number from %u to %u", name, least, most);
    *result = (uint32_t)number;
    return 0;
}

static int read_field(enum field field, const json_t *value, struct request *request, struct error *error)
{
    switch (field) {
    case FIELD_SENDER:
        if (!sender_parse(text_in(value), &request->sender))
            return error_set(error, EINVAL,
                             "that is no sender; an address, a /64, a MAC, uid:NUMBER, account:NAME, customer:NAME or "
                             "a port's name");
        return 0;
    case FIELD_FOR:
        if (!duration_parse(text_in(value), &request->length) || request->length < SECOND ||
            request->length > ORDER_LONGEST)
            return error_set(error, EINVAL, "for: not understood; a duration from 1s to 400d such as 30m, 12h, 7d");
        return 0;
    case FIELD_REASON:
        return read_reason(value, request, error);
    case FIELD_RATE:
        return read_number(value, 1, 60000, "rate", &request->rate, error);
    case FIELD_TOP:
        return read_number(value, 1, REQUEST_ROWS_MOST, "top", &request->most, error);
    case FIELD_SINCE:
        if (!moment_parse(text_in(value), &request->since))
            return error_set(error, EINVAL, "since: not understood; a time such as 2026-11-23T08:00:00Z");
        return 0;
    case FIELD_FOLLOW:
        request->follow = json_is_true(value);
        return 0;
    case FIELD_ON:
        if (!json_is_boolean(value))
            return error_set(error, EINVAL, "on: not understood; true or false");
        request->on = json_is_true(value);
        return 0;
    }
    return error_set(error, EINVAL, "unknown field");
}

static int read_fields(const json_t *object, const struct command *command, struct request *request,
                       struct error *error)
{
    unsigned seen = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        if (strcmp(key, "command") == 0)
            continue;
        size_t i = 0;
        while (i < FIELDS && strcmp(field_names[i].name, key) != 0)
            i++;
        if (i == FIELDS || !((command->needs | command->takes) & field_names[i].field))
            return error_set(error, EINVAL, "'%s' does not take '%.32s'", command->name, key);
        int failure = read_field(field_names[i].field, value, request, error);
        if (failure < 0)
            return failure;
        seen |= field_names[i].field;
    }
    for (size_t i = 0; i < FIELDS; i++)
        if ((command->needs & ~seen) & field_names[i].field)
            return error_set(error, EINVAL, "'%s' needs '%s'", command->name, field_names[i].name);
    return 0;
}

int request_parse(struct text line, struct request *result, struct error *error)
{
    json_error_t wrong;
    json_t *object = json_loadb(line.bytes, line.length, JSON_REJECT_DUPLICATES, &wrong);
    if (!json_is_object(object)) {
        json_decref(object);
        return error_set(error, EINVAL, "the request is no JSON object: %.100s", object ? "another value" : wrong.text);
    }
    struct request request = {.most = 20};
    const char *name = json_string_value(json_object_get(object, "command"));
    const struct command *command = name ? find_command(name) : NULL;
    int failure = 0;
    if (!command)
        failure = error_set(error, EINVAL, "unknown command '%.32s'", name ? name : "");
    if (command) {
        request.kind = command->kind;
        request.deed = command->deed;
        failure = read_fields(object, command, &request, error);
    }
    json_decref(object);
    if (failure < 0)
        return failure;
    *result = request;
    return 0;
}
