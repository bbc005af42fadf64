/* See policy_request.h. */
#include "agent/courier/policy_request.h"

#include <assert.h>
#include <errno.h>

static const char *const kinds[] = {[POLICY_ACCESS] = "smtpd_access_policy", [POLICY_CONTENT] = "postern_content"};
static_assert(sizeof kinds / sizeof kinds[0] == POLICY_KINDS, "each kind has a name");

#define ATTRIBUTE(name, member)                                                                                        \
    {                                                                                                                  \
        name, sizeof(name) - 1, offsetof(struct policy_request, member)                                                \
    }

static const struct {
    const char *name;
    size_t length;
    size_t offset; /* of a struct text */
} attributes[] = {
    ATTRIBUTE("sasl_username", account),
    ATTRIBUTE("instance", instance),
    ATTRIBUTE("protocol_state", state),
    ATTRIBUTE("client_address", client),
    ATTRIBUTE("client_name", client_name),
    ATTRIBUTE("helo_name", helo),
    ATTRIBUTE("sender", sender),
    ATTRIBUTE("recipient", recipient),
    ATTRIBUTE("recipient_count", recipient_count),
    ATTRIBUTE("queue_id", queue_id),
    ATTRIBUTE("size", size),
    ATTRIBUTE("encryption_protocol", encryption),
    ATTRIBUTE("recipients", recipients),
    ATTRIBUTE("digest", digest),
    ATTRIBUTE("likeness", likeness),
};

#define ATTRIBUTES (sizeof attributes / sizeof attributes[0])

const char *policy_kind_name(enum policy_kind kind)
{
    return kinds[kind];
}

static struct text without_return(struct text line)
{
    if (line.length > 0 && line.bytes[line.length - 1] == '\r')
        line.length--;
    return line;
}

static struct text *text_at(struct policy_request *request, size_t attribute)
{
    return (struct text *)(void *)((char *)request + attributes[attribute].offset);
}

static void keep_first(struct text *place, struct text value)
{
    if (!place->bytes)
        *place = value;
}

/* False: no attribute. */
static bool read_line(struct text line, struct policy_request *request, struct text *kind)
{
    struct text value = line;
    if (line.length == 0 || !memchr(line.bytes, '=', line.length) || memchr(line.bytes, '\0', line.length))
        return false;
    struct text name = text_split(&value, '=');
    if (text_equals(name, TEXT("request"))) {
        keep_first(kind, value);
        return true;
    }
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (name.length == attributes[i].length && memcmp(name.bytes, attributes[i].name, name.length) == 0) {
            keep_first(text_at(request, i), value);
            break;
        }
    return true;
}

static bool find_kind(struct text name, enum policy_kind *result)
{
    for (int kind = 0; kind < POLICY_KINDS; kind++)
        if (text_equals(name, text_of(kinds[kind]))) {
            *result = (enum policy_kind)kind;
            return true;
        }
    return false;
}

int policy_request_parse(struct text bytes, struct policy_request *result, struct error *error)
{
    struct policy_request request = {0};
    struct text rest = bytes, kind = {0};
    for (;;) {
        if (rest.length == 0 || bytes.length - rest.length > POLICY_REQUEST_MOST ||
            !memchr(rest.bytes, '\n', rest.length))
            return bytes.length > POLICY_REQUEST_MOST
                       ? error_set(error, EPROTO, "the request is longer than %d bytes", POLICY_REQUEST_MOST)
                       : 0;
        struct text line = without_return(text_split(&rest, '\n'));
        if (line.length == 0)
            break;
        if (!read_line(line, &request, &kind))
            return error_set(error, EPROTO, "a line of the request is no \"name=value\"");
    }
    if (!find_kind(kind, &request.kind))
        return error_set(error, EPROTO, "the request does not say request=smtpd_access_policy");
    for (size_t i = 0; i < ATTRIBUTES; i++)
        keep_first(text_at(&request, i), TEXT(""));
    *result = request;
    return (int)(bytes.length - rest.length);
}
