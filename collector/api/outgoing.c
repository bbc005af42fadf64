/* A complaint of our own about a message, to another abuse desk: the message is one in the quarantine, or comes with
 * the request. It is composed here, and the post takes it there. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/api/endpoint.h"
#include "collector/api/means.h"
#include "collector/api/person.h"
#include "collector/complaint/outgoing.h"
#include "collector/complaint/taking.h"
#include "collector/message/message_file.h"
#include "collector/post/settings.h"
#include "collector/quarantine/content.h"
#include "collector/store/sendings.h"
#include "common/cleanup.h"
#include "common/json.h"

struct outgoing_body {
    struct buffer plain; /* a message; empty: it is one in the quarantine */
};

int outgoing_prepare(struct exchange *exchange, struct error *error)
{
    struct outgoing_body *body = calloc(1, sizeof *body);
    struct error why = {0};
    if (body == NULL)
        return error_set(error, ENOMEM, "no memory for a complaint");
    exchange->prepared = body;
    buffer_init(&body->plain, INTAKE_PLAIN_MOST);
    int status = exchange->body.length ? exchange_take_body(exchange, INTAKE_PLAIN_MOST, &body->plain, &why) : 0;
    exchange->prepared_size = sizeof *body + body->plain.room;
    if (status == -EBADMSG || status == -EMSGSIZE)
        return exchange_refuse(exchange, status == -EBADMSG ? 400 : 413, "%s", why.text);
    return status < 0 ? error_set(error, -status, "%s", why.text) : 0;
}

void outgoing_forget(struct exchange *exchange)
{
    struct outgoing_body *body = TAKE(exchange->prepared);
    if (body)
        buffer_clear(&body->plain);
    free(body);
}

/* --- what is asked --- */

static const char *given(const struct exchange *exchange, const char *name)
{
    const char *value = exchange_parameter(exchange, name);
    return value && *value ? value : NULL;
}

static bool is_yes(const struct exchange *exchange, const char *name)
{
    const char *value = given(exchange, name);
    return value && strcmp(value, "yes") == 0;
}

static bool read_kind(const struct exchange *exchange, struct outgoing *outgoing)
{
    static const enum complaint_type types[] = {COMPLAINT_ABUSE, COMPLAINT_FRAUD, COMPLAINT_VIRUS, COMPLAINT_NOT_SPAM,
                                                COMPLAINT_OTHER};
    const char *type = given(exchange, "type"), *format = given(exchange, "format");
    bool is_type = type == NULL, is_format = format == NULL;
    outgoing->type = COMPLAINT_ABUSE;
    outgoing->format = OUTGOING_ARF;
    for (size_t i = 0; i < sizeof types / sizeof types[0] && !is_type; i++) {
        is_type = strcmp(type, complaint_type_name(types[i])) == 0;
        outgoing->type = types[i];
    }
    for (int i = 0; i < OUTGOING_FORMATS && !is_format; i++) {
        is_format = strcmp(format, outgoing_format_name((enum outgoing_format)i)) == 0;
        outgoing->format = (enum outgoing_format)i;
    }
    return is_type && is_format;
}

/* True: it can be said; else it was refused. */
static bool read_request(struct exchange *exchange, struct outgoing *outgoing)
{
    const char *to = given(exchange, "to"), *source = given(exchange, "source"), *note = given(exchange, "note");
    int64_t port = 0;
    outgoing->now = exchange->arrived;
    outgoing->to = text_of(to ? to : "");
    outgoing->note = text_of(note ? note : "");
    outgoing->is_redacted = is_yes(exchange, "redact");
    if (!read_kind(exchange, outgoing))
        exchange_refuse(exchange, 400, "type: abuse, fraud, virus, not-spam or other; format: arf or xarf");
    else if (!outgoing_takes(outgoing->format, outgoing->type))
        exchange_refuse(exchange, 400, "XARF 4 knows spam alone of what mail can be: type abuse; else format arf");
    else if (!compose_is_address(outgoing->to))
        exchange_refuse(exchange, 400, "to: a mail address, the abuse desk's");
    else if ((source && !address_parse(text_of(source), &outgoing->source)) ||
             !exchange_number(exchange, "port", &port) || port > UINT16_MAX)
        exchange_refuse(exchange, 400, "source: an address; port: a number up to 65535");
    else if (outgoing->note.length > OUTGOING_NOTE)
        exchange_refuse(exchange, 400, "note: at most %d bytes", OUTGOING_NOTE);
    else if (!compose_read_address(text_of(exchange->means->mail->from), &outgoing->from))
        exchange_refuse(exchange, 409, "nobody is there to complain: [mail] from names no address");
    else
        outgoing->source_port = (uint16_t)port;
    return exchange->status == 0;
}

/* --- the message --- */

struct found {
    struct buffer envelope, content, subject, customer;
    struct message_file *file;
    char name[STORE_MESSAGE_NAME]; /* empty: it came with the request */
    bool fits;
};

static void found_init(struct found *found)
{
    *found = (struct found){.fits = true};
    buffer_init(&found->envelope, MESSAGE_ENVELOPE_MOST);
    buffer_init(&found->content, PACKING_PLAIN_MOST);
    buffer_init(&found->subject, MESSAGE_ENVELOPE_MOST);
    buffer_init(&found->customer, MESSAGE_ENVELOPE_MOST);
}

static void found_clear(struct found *found)
{
    message_file_destroy(&found->file);
    buffer_clear(&found->envelope);
    buffer_clear(&found->content);
    buffer_clear(&found->subject);
    buffer_clear(&found->customer);
}

static void take_message(void *context, const struct store_message *message)
{
    struct found *found = context;
    found->fits = buffer_append(&found->envelope, message->envelope) &&
                  buffer_append(&found->subject, message->subject) &&
                  buffer_append(&found->customer, message->customer);
}

/* 1: the message is there, with what the node said of it; 0: refused. */
static int find_kept(struct store *store, struct exchange *exchange, struct found *found, struct outgoing *outgoing,
                     struct error *error)
{
    struct text name = text_of(given(exchange, "message"));
    struct error why = {0};
    const char *slash = memrchr(name.bytes, '/', name.length);
    if (slash)
        name = text_of(slash + 1);
    if (!store_message_is_name(name))
        return exchange_refuse(exchange, 400, "message: 0DC5B48D4.A739D, with 20261123/spam/ before it or without");
    snprintf(found->name, sizeof found->name, "%.*s", (int)name.length, name.bytes);
    int status = store_message_find(store, found->name, take_message, found, error);
    if (status > 0)
        status = content_open(store, exchange->means->keys, found->name, &found->content, &why);
    if (status == 0)
        return exchange_refuse(exchange, 404, "there is no such message, any more");
    if (status == -ENOKEY || status == -EBADMSG)
        return exchange_refuse(exchange, 409, "%s", why.text);
    if (status < 0)
        return error->code ? status : error_set(error, -status, "%s", why.text);
    if (!found->fits ||
        message_file_join(buffer_text(&found->envelope), buffer_text(&found->content), &found->file, &why) < 0)
        return exchange_refuse(exchange, 409, "what the node said of this message cannot be read: %s", why.text);
    const struct message_file *file = found->file;
    struct address seen = {0};
    if (outgoing->source.family == 0 && address_parse(file->address, &seen))
        outgoing->source = seen;
    if (outgoing->source_port == 0 && address_equals(&outgoing->source, &seen))
        outgoing->source_port = file->client_port;
    outgoing->message = file->content;
    outgoing->subject = buffer_text(&found->subject);
    outgoing->time = file->time;
    outgoing->envelope_from = file->from;
    outgoing->recipients = file->recipients;
    outgoing->recipient_count = file->recipient_count;
    outgoing->is_cut = !file->complete;
    outgoing->is_filtered = true;
    return 1;
}

/* The first line of the last mail server's that took it: whoever hands it in has it from there. Where there is none it
 * is the sender's word, and 0 where it cannot be. */
static moment time_of(struct text head, moment now)
{
    struct text received = field_find(head, "Received"), date;
    char text[64];
    const char *sign = received.length > 0 ? memrchr(received.bytes, ';', received.length) : NULL;
    date = sign ? (struct text){sign + 1, (size_t)(received.bytes + received.length - sign - 1)}
                : field_find(head, "Date");
    snprintf(text, sizeof text, "%.*s", (int)(date.length < sizeof text ? date.length : 0), date.bytes);
    time_t seconds = curl_getdate(text, NULL);
    return seconds > 0 && seconds <= now / SECOND ? (moment)seconds * SECOND : 0;
}

static int find_brought(struct exchange *exchange, struct outgoing *outgoing)
{
    const struct outgoing_body *body = exchange->prepared;
    outgoing->message = buffer_text(&body->plain);
    if (text_trim(outgoing->message).length == 0)
        return exchange_refuse(exchange, 400, "about what? message=NAME, or a message as the body");
    if (outgoing->source.family == 0)
        return exchange_refuse(exchange, 400,
                               "source: the address that it came from. Only you know which of its Received lines are "
                               "your own servers'");
    struct text head = head_of(outgoing->message, NULL), from = field_find(head, "Return-Path");
    if (from.length > 2 && from.bytes[0] == '<' && from.bytes[from.length - 1] == '>')
        outgoing->envelope_from = (struct text){from.bytes + 1, from.length - 2};
    outgoing->time = time_of(head, outgoing->now);
    return 1;
}

/* --- what becomes of it --- */

static int note(struct store *store, struct exchange *exchange, const struct outgoing *outgoing, const char *deed,
                const char *name, struct error *error)
{
    char why[OUTGOING_NOTE + COMPOSE_ADDRESS_MOST + 16];
    snprintf(why, sizeof why, "to %.*s%s%.*s", (int)outgoing->to.length, outgoing->to.bytes,
             outgoing->note.length ? ": " : "", (int)outgoing->note.length, outgoing->note.bytes);
    return audit_note(store, exchange, deed, name[0] ? name : outgoing->id, why, error);
}

static int send_it(struct store *store, struct exchange *exchange, const struct outgoing *outgoing,
                   const struct found *found, struct text mail, struct error *error)
{
    char subject[64 + ADDRESS_TEXT], source[ADDRESS_TEXT];
    snprintf(subject, sizeof subject, "complaint about mail from %s", address_print(&outgoing->source, source));
    const struct store_sending sending = {.id = outgoing->id,
                                          .channel = STORE_SENDING_MAIL,
                                          .purpose = "complaint",
                                          .recipients = outgoing->to,
                                          .subject = text_of(subject),
                                          .customer = buffer_text(&found->customer),
                                          .bytes = mail};
    if (exchange->means->mail->server[0] == '\0')
        return exchange_refuse(exchange, 409, "nothing can be sent: [mail] server names no mail server");
    int status = store_sending_make(store, &sending, exchange->arrived, exchange->arrived, error);
    if (status == -EMSGSIZE)
        return exchange_refuse(exchange, 413, "%s", error->text);
    bool is_new = status > 0;
    if (is_new)
        status = note(store, exchange, outgoing, "send complaint", found->name, error);
    if (status < 0)
        return status;
    struct json json = json_begin(&exchange->answer);
    json_string(&json, "sending", outgoing->id);
    json_bool(&json, "new", is_new);
    exchange->status = json_end(&json) ? (is_new ? 202 : 200) : 503;
    return 0;
}

static int make(struct store *store, struct exchange *exchange, struct outgoing *outgoing, const struct found *found,
                struct error *error)
{
    CLEANUP(buffer_clear) struct buffer mail;
    char said[OUTGOING_ID], id[STORE_SENDING_ID];
    struct error why = {0};
    buffer_init(&mail, OUTGOING_MOST);
    outgoing_identify(outgoing, said);
    store_sending_id("complaint", STORE_SENDING_MAIL, text_of(said), id);
    outgoing->id = id;
    int status = outgoing_compose(outgoing, &mail, &why);
    if (status == -EINVAL)
        return exchange_refuse(exchange, 409, "%s", why.text);
    if (status == -ENOSPC)
        return exchange_refuse(exchange, 413, "%s", why.text);
    if (status < 0)
        return error_set(error, -status, "%s", why.text);
    if (!is_yes(exchange, "preview"))
        return send_it(store, exchange, outgoing, found, buffer_text(&mail), error);
    status = note(store, exchange, outgoing, "preview complaint", found->name, error);
    if (status < 0)
        return status;
    exchange->type = "message/rfc822";
    exchange->status = buffer_append(&exchange->answer, buffer_text(&mail)) ? 200 : 503;
    return 0;
}

int outgoing_handle(struct store *store, struct exchange *exchange, struct error *error)
{
    CLEANUP(found_clear) struct found found;
    struct outgoing outgoing = {.envelope_from = TEXT(""), .subject = TEXT(""), .message = TEXT(""), .note = TEXT("")};
    found_init(&found);
    if (!read_request(exchange, &outgoing))
        return 0;
    if (!(exchange->person.may & STORE_MAY_ORDER))
        return exchange_refuse(exchange, 403, "it takes the right `order` beside `content`");
    int status = given(exchange, "message") ? find_kept(store, exchange, &found, &outgoing, error)
                                            : find_brought(exchange, &outgoing);
    return status <= 0 ? status : make(store, exchange, &outgoing, &found, error);
}
