/* See write.h. */
#include "collector/complaint/write.h"

#include "common/json.h"

static void write_text(struct json *json, const char *key, const char *text)
{
    if (text[0] != '\0')
        json_string(json, key, text);
}

static void write_number(struct json *json, const char *key, uint64_t number)
{
    if (number > 0)
        json_unsigned(json, key, number);
}

static void write_time(struct json *json, const char *key, moment when)
{
    if (when > 0)
        json_moment(json, key, when);
}

static void write_address(struct json *json, const char *key, const struct address *address)
{
    if (address->family != 0)
        json_address(json, key, address);
}

static void write_lists(struct json *json, const struct complaint *complaint)
{
    if (complaint->address_count > 0) {
        json_array_open(json, "addresses");
        for (uint8_t i = 0; i < complaint->address_count; i++)
            json_address(json, NULL, &complaint->addresses[i]);
        json_array_close(json);
    }
    if (complaint->domain_count > 0) {
        json_array_open(json, "domains");
        for (uint8_t i = 0; i < complaint->domain_count; i++)
            json_string(json, NULL, complaint->domains[i]);
        json_array_close(json);
    }
    if (complaint->link_count > 0) {
        json_array_open(json, "links");
        for (uint8_t i = 0; i < complaint->link_count; i++)
            json_string(json, NULL, complaint->links[i]);
        json_array_close(json);
    }
}

static void write_message(struct json *json, const struct complaint *complaint)
{
    write_text(json, "message_id", complaint->message_id);
    write_text(json, "envelope_id", complaint->envelope_id);
    write_text(json, "envelope_from", complaint->envelope_from);
    write_text(json, "from", complaint->header_from);
    write_text(json, "subject", complaint->subject);
    write_text(json, "recipient", complaint->recipient);
    json_bool(json, "redacted", complaint->is_redacted);
    json_bool(json, "original", complaint->has_original);
    write_text(json, "body", complaint->body);
    write_number(json, "words", complaint->words);
}

bool complaint_write(const struct complaint *complaint, struct buffer *out)
{
    struct json json = json_begin(out);
    write_text(&json, "format", complaint_format_name((enum complaint_format)complaint->format));
    write_text(&json, "version", complaint->version);
    json_string(&json, "type", complaint_type_name((enum complaint_type)complaint->type));
    write_text(&json, "native", complaint->native);
    write_text(&json, "category", complaint->category);
    write_text(&json, "kind", complaint->kind);
    write_number(&json, "incidents", complaint->incidents);
    write_time(&json, "time", complaint->time);
    write_time(&json, "sent", complaint->sent);
    write_address(&json, "source", &complaint->source);
    write_text(&json, "source_text", complaint->source_text);
    write_number(&json, "source_port", complaint->source_port);
    write_address(&json, "destination", &complaint->destination);
    write_number(&json, "destination_port", complaint->destination_port);
    write_text(&json, "reporter", complaint->reporter);
    write_text(&json, "reporter_address", complaint->reporter_address);
    write_text(&json, "on_behalf", complaint->on_behalf);
    write_text(&json, "report_id", complaint->report_id);
    write_text(&json, "agent", complaint->agent);
    write_message(&json, complaint);
    write_lists(&json, complaint);
    return json_end(&json);
}
