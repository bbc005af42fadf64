/* What is shown to an appliance, and what its refusals mean. */
#include "collector/filter/appliance.h"

#include <stdio.h>
#include "collector/filter/data.h"
#include "collector/filter/head.h"
#include "collector/filter/trace.h"

/* --- mailboxes --- */

void appliance_write_mailbox(const struct filter_settings *settings, const struct filter_message *message,
                             char result[APPLIANCE_MAILBOX_MOST])
{
    snprintf(result, APPLIANCE_MAILBOX_MOST, "%s.%s@%s", message->name, settings->name, settings->mailbox);
}

static bool is_digit_of_name(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static bool is_in_filter(char c)
{
    return is_digit_of_name(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

bool appliance_read_mailbox(struct text text, struct appliance_mailbox *result)
{
    struct text domain = text;
    struct text filter = text_split(&domain, '@');
    struct text first = text_split(&filter, '.'), second = text_split(&filter, '.');
    size_t length = 0;
    *result = (struct appliance_mailbox){.domain = domain};
    if (first.length == 0 || second.length == 0 || first.length + 1 + second.length >= sizeof result->message ||
        filter.length == 0 || filter.length >= sizeof result->filter || domain.length == 0)
        return false;
    for (size_t i = 0; i < first.length + 1 + second.length; i++) {
        char c = first.bytes[i]; /* both parts and the dot between them */
        if (i != first.length && !is_digit_of_name(c))
            return false;
        result->message[length++] = (char)(c >= 'a' ? c - ('a' - 'A') : c);
    }
    for (size_t i = 0; i < filter.length; i++)
        if (!is_in_filter(filter.bytes[i]))
            return false;
    memcpy(result->filter, filter.bytes, filter.length);
    return true;
}

/* --- the message --- */

/* A field with its continuations. A bare CR or a NUL in it becomes a space. */
static bool write_field(struct text field, struct buffer *result)
{
    bool written = true;
    while (field.length > 0 && written) {
        struct text line = text_split(&field, '\n');
        size_t begin = result->length;
        line.length -= line.length > 0 && line.bytes[line.length - 1] == '\r';
        written = (line.length == 0 || line.bytes[0] != '.' || buffer_append_byte(result, '.')) &&
                  buffer_append(result, line) && buffer_append(result, TEXT("\r\n"));
        for (size_t i = begin; written && i + 2 < result->length; i++)
            if (result->bytes[i] == '\r' || result->bytes[i] == 0)
                result->bytes[i] = ' ';
    }
    return written;
}

/* A field's name, or what a careless server would take for one: "X-Spam-Flag : NO". */
static struct text loose_name(const struct head_field *field)
{
    struct text whole = field->whole;
    return field->name.length > 0 ? field->name : text_trim(text_split(&whole, ':'));
}

bool appliance_write_message(const struct headers *headers, const struct filter_message *message, moment now,
                             struct buffer *result)
{
    struct text rest = message->content;
    struct head_field field;
    if (!trace_write_received(message, now, result))
        return false;
    while (head_next(&rest, &field))
        if (!headers_look_at(headers, loose_name(&field)) && !write_field(field.whole, result))
            return false;
    return data_write(rest, result) && buffer_append(result, TEXT(".\r\n"));
}

/* --- refusals --- */

static bool has_word(struct text text, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i + length <= text.length; i++)
        if (text_equals_nocase((struct text){text.bytes + i, length}, (struct text){word, length}))
            return true;
    return false;
}

static bool is_of_content(int code, struct text reply)
{
    bool enhanced = reply.length > 4 && reply.bytes[0] == '5' && reply.bytes[1] == '.' && reply.bytes[3] == '.';
    if (enhanced)
        return reply.bytes[2] == '7';
    return code == 550 || code == 554 || code == 571 || code == 573;
}

void appliance_read_refusal(const struct filter_settings *settings, int code, struct text reply, struct opinion *result)
{
    *result = (struct opinion){0};
    opinion_set_action(result, reply);
    if (!is_of_content(code, reply))
        return;
    opinion_set_verdict(result, 100, 100, true);
    if (has_word(reply, "virus") || has_word(reply, "infected") || has_word(reply, "malware"))
        filter_add_virus(settings, TEXT("REFUSED_AS_VIRUS"), result);
    else
        filter_add_symbol(settings, TEXT("REFUSED"), result);
}
