/* See policy_request.h. */
#include "agent/courier/policy_request.h"

#include <errno.h>

static struct text without_return(struct text line)
{
    if (line.length > 0 && line.bytes[line.length - 1] == '\r')
        line.length--;
    return line;
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
    if (text_equals(name, TEXT("request")))
        keep_first(kind, value);
    else if (text_equals(name, TEXT("sasl_username")))
        keep_first(&request->account, value);
    else if (text_equals(name, TEXT("instance")))
        keep_first(&request->instance, value);
    return true;
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
    if (!text_equals(kind, TEXT("smtpd_access_policy")))
        return error_set(error, EPROTO, "the request does not say request=smtpd_access_policy");
    keep_first(&request.account, TEXT(""));
    keep_first(&request.instance, TEXT(""));
    *result = request;
    return (int)(bytes.length - rest.length);
}
