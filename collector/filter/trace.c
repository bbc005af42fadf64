/* Values are strangers' words: a client says any HELO that it likes. */
#include "collector/filter/trace.h"

#include "common/address.h"

const char *trace_clean(struct text value, char result[TRACE_VALUE_MOST])
{
    size_t length = value.length < TRACE_VALUE_MOST ? value.length : TRACE_VALUE_MOST - 1;
    for (size_t i = 0; i < length; i++)
        result[i] = (value.bytes[i] >= ' ' && value.bytes[i] < 0x7f) ? value.bytes[i] : '?';
    result[length] = 0;
    return result;
}

bool trace_write_header(const char *name, struct text value, struct buffer *buffer)
{
    char clean[TRACE_VALUE_MOST];
    return buffer_printf(buffer, "%s: <%s>\r\n", name, trace_clean(value, clean));
}

/* RFC 5322 3.3, in UTC: "Thu, 26 Nov 2026 10:03:31 +0000". */
static bool write_date(moment now, struct buffer *buffer)
{
    static const char days[] = "ThuFriSatSunMonTueWed", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[MOMENT_TEXT];
    moment_print(now, text); /* 2026-11-23T08:00:00.000000Z */
    int month = (text[5] - '0') * 10 + text[6] - '0', day = now >= 0 ? (int)(now / DAY % 7) : 0;
    return buffer_printf(buffer, "%.3s, %.2s %.3s %.4s %.8s +0000", days + (size_t)day * 3, text + 8,
                         months + (size_t)(month - 1) * 3, text, text + 11);
}

/* A HELO that brings its own brackets and spaces would be read as something else. */
static const char *clean_helo(struct text helo, char result[TRACE_VALUE_MOST])
{
    trace_clean(helo, result);
    for (char *c = result; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr(".-_", *c)))
            *c = '?';
    return result[0] ? result : "unknown";
}

static bool is_name(const char *helo)
{
    size_t length = strlen(helo);
    return strchr(helo, '.') && !strchr(helo, '?') && length < 256 &&
           (helo[length - 1] < '0' || helo[length - 1] > '9');
}

bool trace_write_received(const struct filter_message *message, moment now, struct buffer *buffer)
{
    char clean[TRACE_VALUE_MOST];
    const char *helo = clean_helo(message->helo, clean);
    struct address client;
    if (!address_parse(message->client, &client))
        return true;
    return buffer_printf(buffer,
                         "Received: from %s (%s [%s%.*s])\r\n\tby postern.invalid (Postfix) with ESMTP id %s;\r\n\t",
                         helo, is_name(helo) ? helo : "unknown", client.family == 6 ? "IPv6:" : "",
                         (int)message->client.length, message->client.bytes, message->name) &&
           write_date(now, buffer) && buffer_append(buffer, TEXT("\r\n"));
}

bool trace_write_received_unlooked(const struct filter_message *message, moment now, struct buffer *buffer)
{
    char clean[TRACE_VALUE_MOST];
    struct address client;
    if (!address_parse(message->client, &client))
        return true;
    return buffer_printf(
               buffer,
               "Received: from [%s%.*s] (HELO %s)\r\n\tby postern.invalid (CommuniGate Pro SMTP) with ESMTP id "
               "%s;\r\n\t",
               client.family == 6 ? "IPv6:" : "", (int)message->client.length, message->client.bytes,
               clean_helo(message->helo, clean), message->name) &&
           write_date(now, buffer) && buffer_append(buffer, TEXT("\r\n"));
}
