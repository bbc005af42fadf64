/* See original.h. */
#include "collector/complaint/original.h"

#include <stdlib.h>

#include "collector/complaint/taking.h"
#include "collector/mime/walk.h"

#define RECEIVED_MOST 32

static void take_received(struct complaint *complaint, struct text value)
{
    struct address address;
    /* What the host calls itself stands before its address, which stands in brackets. */
    const char *from = text_find_nocase(value, TEXT("by "));
    struct text rest = from && text_starts_nocase(value, TEXT("from"))
                           ? (struct text){value.bytes, (size_t)(from - value.bytes)}
                           : value;
    for (const char *open; rest.length > 0 && (open = memchr(rest.bytes, '[', rest.length)) != NULL;) {
        rest.length -= (size_t)(open + 1 - rest.bytes);
        rest.bytes = open + 1;
        if (address_at(rest, &address) && !address_is_special(&address)) {
            complaint_add_address(complaint, &address);
            return;
        }
    }
    rest = from && text_starts_nocase(value, TEXT("from")) ? (struct text){value.bytes, (size_t)(from - value.bytes)}
                                                           : value;
    if (address_in(rest, &address, NULL))
        complaint_add_address(complaint, &address);
}

static void take_head(struct complaint *complaint, struct text head)
{
    struct field field;
    struct address address;
    uint32_t received = 0;
    moment date = 0;
    char hidden[sizeof complaint->recipient] = "", to[sizeof complaint->recipient] = "";
    while (field_next(&head, &field)) {
        if (text_equals_nocase(field.name, TEXT("Message-ID"))) {
            take_message_id(field.value, complaint->message_id, sizeof complaint->message_id);
        } else if (text_equals_nocase(field.name, TEXT("Subject"))) {
            TAKE_LINE(field.value, complaint->subject);
        } else if (text_equals_nocase(field.name, TEXT("From"))) {
            TAKE_LINE(field.value, complaint->header_from);
        } else if (text_equals_nocase(field.name, TEXT("Return-Path"))) {
            TAKE_MAIL(field.value, complaint->envelope_from);
        } else if (text_equals_nocase(field.name, TEXT("X-HmXmrOriginalRecipient"))) {
            TAKE_MAIL(field.value, hidden);
        } else if (text_equals_nocase(field.name, TEXT("To"))) {
            TAKE_MAIL(field.value, to);
        } else if (text_equals_nocase(field.name, TEXT("Date"))) {
            date = date ? date : date_of(field.value);
        } else if (text_equals_nocase(field.name, TEXT("Received"))) {
            if (received++ < RECEIVED_MOST)
                take_received(complaint, field.value);
        } else if (text_equals_nocase(field.name, TEXT("X-Originating-IP"))) {
            if (address_at(field.value, &address) && !address_is_special(&address))
                complaint_add_address(complaint, &address);
        }
    }
    TAKE_LINE(text_of(hidden), complaint->recipient);
    TAKE_LINE(text_of(to), complaint->recipient);
    complaint->time = complaint->time ? complaint->time : date;
}

void original_take(struct complaint *complaint, struct text message)
{
    static const struct walk_limits limits = {0};
    struct message_facts *facts = malloc(sizeof *facts);
    struct text body;
    while (message.length > 0 && (message.bytes[0] == '\r' || message.bytes[0] == '\n'))
        message.bytes++, message.length--;
    struct text head = head_of(message, &body);
    complaint->has_original = head.length > 0;
    take_head(complaint, head);
    if (facts && text_trim(body).length > 0) {
        walk_message(message, &limits, facts);
        memcpy(complaint->body, facts->body, sizeof complaint->body);
        complaint->words = facts->words;
    }
    free(facts);
}
