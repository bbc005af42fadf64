/* The client's side: lines, content and the beginning of TLS, told apart and handed on.
 *
 * Bytes are read where they lie. What cannot be read yet, the beginning of a line or what waits for a reply, is kept
 * (smtp_pending.c) and read from there once more has come. */
#include "agent/packet/smtp_dialogue.h"
#include "agent/packet/tls_hello.h"

enum { HELLO_MOST = 16384 + 5 * 64, RECORD_HANDSHAKE = 0x16 };

static struct text behind(struct text text, size_t length)
{
    return (struct text){text.bytes + length, text.length - length};
}

/* ---- Lines. ---- */

static bool is_binary(struct text line)
{
    for (size_t i = 0; i < line.length; i++)
        if ((unsigned char)line.bytes[i] < ' ' && line.bytes[i] != '\t')
            return true;
    return false;
}

/* RFC 2920 3.1: commands are sent together only to a server that said that it takes them so. What is no command is
 * ignored by many servers, so nothing is known of who waits behind it. */
static void note_unasked(struct smtp *smtp, const struct smtp_command *command)
{
    const struct smtp_waiting *waiting = &smtp->waiting;
    if (waiting->count == 0 || smtp->pipelining || smtp->joined || smtp->gapped || command->verb == VERB_UNKNOWN ||
        command->verb == VERB_PROXY)
        return;
    uint8_t first = smtp_waiting_first_kind(waiting);
    if (first == AWAITED_GAP || first == AWAITED_UNKNOWN || (first & SMTP_DOUBTED) != 0)
        return;
    bool before = waiting->count > (first == AWAITED_GREETING ? 1u : 0u);
    smtp->unasked += before && smtp->unasked < UINT8_MAX;
}

static void take_command_line(const struct smtp_call *call, struct text line)
{
    struct smtp *smtp = call->smtp;
    struct smtp_command command = smtp_command_parse(line);
    if (smtp->client_state == CLIENT_LOST) {
        bool dot = text_equals(line, TEXT(".")); /* of content whose beginning we did not see */
        if (!command.plausible && !dot)
            return;
        smtp->counters->resynchronised++;
        smtp->client_state = CLIENT_COMMAND;
        if (dot) {
            smtp_await(call, AWAITED_OTHER);
            return;
        }
    }
    if (command.verb == VERB_UNKNOWN && is_binary(line))
        smtp->counters->binary++;
    smtp->counters->commands++;
    smtp->commands++;
    note_unasked(smtp, &command);
    smtp_take_command(call, &command);
}

/* A line of a login. "*" gives it up (RFC 4954 4), which the server answers as well. */
static void take_response_line(const struct smtp_call *call, struct text line)
{
    struct smtp *smtp = call->smtp;
    if (smtp->waiting.count == 0) { /* the login's answer reached us before this line */
        smtp->client_state = CLIENT_COMMAND;
        if (smtp_command_parse(line).plausible)
            take_command_line(call, line);
        return;
    }
    if (!text_equals(line, TEXT("*")))
        smtp_note_user(call, line);
    if (smtp->challenges > 0)
        smtp->challenges--;
    else
        smtp->client_state = CLIENT_WAIT;
}

static bool take_line(const struct smtp_call *call, struct text *rest)
{
    struct smtp *smtp = call->smtp;
    const char *end = memchr(rest->bytes, '\n', rest->length);
    if (!end)
        return false;
    struct text line = {rest->bytes, (size_t)(end - rest->bytes)};
    *rest = behind(*rest, line.length + 1);
    smtp->bare_lines = true;
    if (line.length > SMTP_LINE_MOST || smtp->client.cut) {
        smtp->counters->long_lines++;
        smtp->client.cut = false;
        line.length = line.length < SMTP_LINE_MOST ? line.length : SMTP_LINE_MOST;
        smtp->bare_lines = false; /* not known */
    } else if (line.length > 0 && line.bytes[line.length - 1] == '\r') {
        line.length--;
        smtp->bare_lines = false;
    }
    if (smtp->client_state == CLIENT_RESPONSE)
        take_response_line(call, line);
    else
        take_command_line(call, line);
    return true;
}

/* ---- TLS. ---- */

static enum tls_use tls_kind(const struct smtp *smtp)
{
    return smtp->starttls || (smtp->joined && !smtp->implicit_tls) ? TLS_STARTTLS : TLS_IMPLICIT;
}

void smtp_not_encrypted(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    if (smtp->client_state == CLIENT_ENCRYPTED) {
        if (smtp->rare)
            tls_records_stop(&smtp->rare->records);
        smtp->tls = TLS_NONE;
        smtp->gapped = true;
        smtp->client_state = CLIENT_LOST;
        smtp->counters->resynchronised++;
    } else if (smtp->client_state == CLIENT_HELLO) {
        smtp->client_state = smtp->joined ? CLIENT_LOST : CLIENT_COMMAND;
        smtp_client_process_pending(call);
    }
}

void smtp_encrypt(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    smtp_give_up_waiting(call);
    smtp_close_transaction(call);
    smtp->tls = (uint8_t)tls_kind(smtp);
    smtp->client_state = CLIENT_ENCRYPTED;
    smtp_pending_clear(&smtp->server, smtp->counters);
    if (smtp->rare && !smtp->joined)
        tls_records_begin(&smtp->rare->records);
    /* The server has not agreed: anybody can send a hello to one that does not know what it is. */
    smtp->server_state = smtp->starttls || smtp->implicit_tls ? SERVER_ENCRYPTED : SERVER_UNDECIDED;
}

static void observe_hello(const struct smtp_call *call, const struct tls_hello *hello)
{
    struct smtp *smtp = call->smtp;
    struct smtp_rare *rare = smtp_rare(call);
    if (rare) {
        rare->server_name = smtp_string_replace(call->listener, rare->server_name, hello->server_name, SMTP_HELO_MOST);
        rare->fingerprint = hello->fingerprint;
    }
    struct observation observation = {
        .kind = OBSERVATION_TLS,
        .tls = {.use = tls_kind(smtp), .server_name = hello->server_name, .fingerprint = hello->fingerprint},
    };
    smtp_observe(call, &observation);
}

/* False: more bytes are needed. */
static bool take_hello(const struct smtp_call *call, struct text *rest)
{
    struct smtp *smtp = call->smtp;
    unsigned char first = (unsigned char)rest->bytes[0];
    if (first != RECORD_HANDSHAKE) {
        if (smtp->joined && first >= 0x14 && first <= 0x17)
            smtp_encrypt(call);
        else /* no TLS after all: a sender in the clear on port 465, or a capture whose TLS was taken off */
            smtp->client_state = smtp->joined && !smtp->starttls ? CLIENT_LOST : CLIENT_COMMAND;
        return true;
    }
    struct tls_hello hello;
    enum tls_hello_outcome outcome = tls_hello_decode(*rest, &hello);
    if (outcome == TLS_HELLO_PARTIAL && rest->length < HELLO_MOST)
        return false;
    if (outcome == TLS_HELLO_WHOLE)
        observe_hello(call, &hello);
    smtp_encrypt(call);
    return true;
}

/* The first bytes of a dialogue that should be in the clear: 1: a TLS record, 0: none, -1: not known yet. */
static int begins_with_record(const struct smtp *smtp, struct text bytes)
{
    unsigned char first = (unsigned char)bytes.bytes[0];
    if (first != RECORD_HANDSHAKE && !(smtp->joined && first >= 0x14 && first <= 0x17))
        return 0;
    if (bytes.length >= 2 && bytes.bytes[1] != 3)
        return 0;
    if (bytes.length < 3)
        return -1;
    return (unsigned char)bytes.bytes[2] <= 4;
}

/* ---- Bytes that a reply would explain. ---- */

static bool first_line_is_command(struct text held)
{
    const char *end = memchr(held.bytes, '\n', held.length);
    struct text line = {held.bytes, end ? (size_t)(end - held.bytes) : held.length};
    if (line.length > 0 && line.bytes[line.length - 1] == '\r')
        line.length--;
    return smtp_command_parse(line).plausible;
}

/* `all`: nothing comes behind what is held, or no more of it is waited for; else its first line is whole and decides.
 */
static void guess(const struct smtp_call *call, struct text held, bool all)
{
    struct smtp *smtp = call->smtp;
    bool command = (all && text_trim(held).length == 0) || first_line_is_command(held);
    if (smtp->client_state == CLIENT_DOT) {
        smtp->client_state = command ? CLIENT_COMMAND : CLIENT_CONTENT;
        if (command) {
            smtp_content_close(call, true);
        } else {
            if (smtp->waiting.count > 0)
                smtp_waiting_drop_last(&smtp->waiting, smtp->counters);
            smtp_content_take_back_end(&smtp->content, call->listener, (enum smtp_content_end)smtp->content_end);
        }
        return;
    }
    smtp->client_state = CLIENT_COMMAND;
    if (smtp->awaited == AWAITED_STARTTLS && held.length > 0 && held.bytes[0] == RECORD_HANDSHAKE) {
        smtp->starttls = true;
        smtp->client_state = CLIENT_HELLO;
    } else if (!command && smtp->awaited == AWAITED_DATA) {
        smtp_content_begin(call);
    } else if (!command && smtp->awaited == AWAITED_AUTH) {
        smtp->client_state = CLIENT_RESPONSE;
    }
}

void smtp_client_guess(const struct smtp_call *call)
{
    if (smtp_is_holding(call->smtp))
        guess(call, smtp_pending_text(&call->smtp->client), true);
}

/* The reply was lost with others: one line is enough to guess by. False: it is still to come. */
static bool guess_without_reply(const struct smtp_call *call, struct text held)
{
    const struct smtp_waiting *waiting = &call->smtp->waiting;
    if (waiting->count > 0 && !smtp_waiting_last_is_doubted(waiting))
        return false;
    bool whole = memchr(held.bytes, '\n', held.length) || held.bytes[0] == RECORD_HANDSHAKE;
    if (whole)
        guess(call, held, false);
    return whole;
}

/* ---- Bytes as they come. ---- */

/* Read on as far as it goes; returns how many bytes were used. */
static size_t process(const struct smtp_call *call, struct text bytes)
{
    struct smtp *smtp = call->smtp;
    struct text rest = bytes;
    bool goes_on = true;
    smtp->reading = true;
    while (rest.length > 0 && goes_on) {
        switch ((enum smtp_client_state)smtp->client_state) {
        case CLIENT_COMMAND:
        case CLIENT_RESPONSE:
        case CLIENT_LOST:
            goes_on = take_line(call, &rest);
            break;
        case CLIENT_WAIT:
        case CLIENT_DOT:
            goes_on = guess_without_reply(call, rest);
            break;
        case CLIENT_CONTENT:
            smtp_take_content(call, &rest);
            break;
        case CLIENT_CHUNK:
            smtp_take_chunk(call, &rest);
            break;
        case CLIENT_HELLO:
            goes_on = take_hello(call, &rest);
            break;
        case CLIENT_ENCRYPTED:
            if (smtp->rare)
                tls_records_add(&smtp->rare->records, TLS_CLIENT, rest);
            rest = behind(rest, rest.length);
            break;
        }
    }
    smtp->reading = false;
    return bytes.length - rest.length;
}

void smtp_client_process_pending(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    if (smtp->reading) /* whoever reads goes on by himself */
        return;
    size_t used = process(call, smtp_pending_text(&smtp->client));
    smtp_pending_drop_front(&smtp->client, smtp->counters, used);
}

static void keep(const struct smtp_call *call, struct text *input)
{
    struct smtp *smtp = call->smtp;
    if (smtp_is_holding(smtp))
        smtp_pending_add(&smtp->client, call->listener, input, SMTP_HELD_MOST);
    else if (smtp->client_state == CLIENT_HELLO)
        smtp_pending_add(&smtp->client, call->listener, input, HELLO_MOST);
    else
        smtp_pending_add_line(&smtp->client, call->listener, input, SMTP_LINE_MOST);
}

/* The very first bytes. False: it cannot be said yet what they are. */
static bool begin(const struct smtp_call *call, struct text first)
{
    struct smtp *smtp = call->smtp;
    if (smtp->began)
        return true;
    bool in_clear = smtp->client_state == CLIENT_COMMAND || smtp->client_state == CLIENT_LOST;
    if (smtp->server_state == SERVER_REPLIES && !smtp->joined)
        in_clear = false; /* it has greeted in the clear: whatever comes is a line to it */
    int record = in_clear ? begins_with_record(smtp, first) : 0;
    if (record < 0)
        return false;
    smtp->began = true;
    if (record)
        smtp->client_state = CLIENT_HELLO;
    return true;
}

static void note_first_byte(struct smtp *smtp, char first)
{
    bool greeting_waits = smtp->waiting.count > 0 && smtp_waiting_first(&smtp->waiting) == AWAITED_GREETING;
    smtp->before_greeting = greeting_waits && (unsigned char)first != RECORD_HANDSHAKE;
}

void smtp_client_bytes(struct smtp *smtp, const struct smtp_listener *listener, struct text input, moment time)
{
    const struct smtp_call call = {smtp, listener, time};
    smtp->counters = listener->counters;
    if (input.length > 0 && !smtp->began && smtp_pending_is_empty(&smtp->client))
        note_first_byte(smtp, input.bytes[0]);
    while (input.length > 0) {
        if (smtp_pending_is_empty(&smtp->client)) {
            if (begin(&call, input))
                input = behind(input, process(&call, input));
            if (input.length == 0)
                break;
        }
        keep(&call, &input);
        if (!begin(&call, smtp_pending_text(&smtp->client)))
            continue;
        smtp_client_process_pending(&call);
        if (smtp_is_holding(smtp) && smtp->client.length >= SMTP_HELD_MOST) {
            smtp_client_guess(&call);
            smtp_client_process_pending(&call);
        }
    }
}
