/* The client's side: commands, content, a login's responses, the beginning of TLS.
 *
 * Bytes are read where they lie. What cannot be read yet, the beginning of a line or what waits for a reply, is kept
 * (smtp_pending.c) and read from there once more has come. */
#include "agent/packet/smtp_command.h"
#include "agent/packet/smtp_dialogue.h"
#include "agent/packet/tls_hello.h"

enum { HELLO_MOST = 16384 + 5 * 64, RECORD_HANDSHAKE = 0x16 };

static struct text behind(struct text text, size_t length)
{
    return (struct text){text.bytes + length, text.length - length};
}

static void observe(const struct smtp_call *call, struct observation *observation)
{
    observation->time = call->time;
    call->listener->observe(call->listener->context, observation);
}

/* ---- Transactions and their content. ---- */

static void close_transaction(const struct smtp_call *call)
{
    if (call->smtp->chunks_open)
        smtp_content_close(call, false);
    smtp_record_close(&call->smtp->record);
}

static bool begin_transaction(const struct smtp_call *call, struct text from, uint8_t flags)
{
    struct smtp *smtp = call->smtp;
    return smtp_record_begin(&smtp->record, call->listener, from, flags, smtp->waiting.count == 0);
}

/* RCPT or content without MAIL: it was lost, or the client never said it. */
static bool need_transaction(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    if (smtp_record_current(&smtp->record))
        return true;
    bool lost = smtp->gapped;
    if (!begin_transaction(call, TEXT(""), lost ? ENTRY_IMPLICIT : ENTRY_IMPLICIT | ENTRY_UNLISTED))
        return false;
    smtp_await(call, AWAITED_IMPLICIT);
    return true;
}

void smtp_content_begin(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    need_transaction(call);
    smtp_content_finish(&smtp->content, smtp->counters, (uint64_t[2]){0});
    smtp->content = (struct smtp_content){
        .place = CONTENT_LINE_START, .incomplete = smtp->gap_while_waiting, .bare = smtp->gap_while_waiting};
    smtp->gap_while_waiting = false;
    smtp->content_refused = false;
    smtp->chunks_open = false;
    smtp->client_state = CLIENT_CONTENT;
}

void smtp_content_close(const struct smtp_call *call, bool complete)
{
    struct smtp *smtp = call->smtp;
    struct smtp_open_transaction *transaction = smtp_record_current(&smtp->record);
    uint64_t digest[2];
    smtp_content_finish(&smtp->content, smtp->counters, digest);
    if (transaction && !smtp->content_refused) {
        transaction->bytes = smtp->content.bytes;
        transaction->digest[0] = digest[0];
        transaction->digest[1] = digest[1];
        transaction->entry.flags |= ENTRY_CONTENT;
        if (complete && !smtp->content.incomplete)
            transaction->entry.flags |= ENTRY_COMPLETE;
    }
    smtp->content = (struct smtp_content){0};
    smtp->chunks_open = false;
    smtp_record_close(&smtp->record);
}

static void take_content(const struct smtp_call *call, struct text *rest)
{
    struct smtp *smtp = call->smtp;
    enum smtp_content_end end = smtp_content_take(&smtp->content, call->listener, rest);
    if (end == CONTENT_GOES_ON)
        return;
    if (end == CONTENT_ENDED || smtp->bare_lines || smtp->content_refused) {
        enum smtp_awaited awaited = smtp->content_refused ? AWAITED_GAP : AWAITED_CONTENT;
        smtp->client_state = CLIENT_COMMAND;
        smtp_content_close(call, true);
        smtp_await(call, awaited);
        return;
    }
    smtp->client_state = CLIENT_DOT;
    smtp->content_end = (uint8_t)end;
    smtp_await(call, AWAITED_CONTENT);
}

static void chunk_ends(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    smtp->client_state = CLIENT_COMMAND;
    if (smtp->last_chunk)
        smtp_content_close(call, true);
    else
        smtp->chunks_open = true;
    smtp_await(call, smtp->last_chunk ? AWAITED_LAST_CHUNK : AWAITED_CHUNK);
}

static void take_chunk(const struct smtp_call *call, struct text *rest)
{
    struct smtp_content *content = &call->smtp->content;
    size_t length = content->chunk_left < rest->length ? (size_t)content->chunk_left : rest->length;
    smtp_content_add(content, call->listener, (struct text){rest->bytes, length});
    content->chunk_left -= length;
    *rest = behind(*rest, length);
    if (content->chunk_left == 0)
        chunk_ends(call);
}

/* ---- Commands. ---- */

static void take_helo(const struct smtp_call *call, const struct smtp_command *command)
{
    struct smtp *smtp = call->smtp;
    smtp->helo = smtp_string_replace(call->listener, smtp->helo, command->argument, SMTP_HELO_MOST);
    smtp->lmtp = command->verb == VERB_LHLO;
    close_transaction(call);
    struct observation observation = {
        .kind = OBSERVATION_HELO,
        .helo = {.name = smtp_string_text(smtp->helo), .extended = command->verb != VERB_HELO},
    };
    observe(call, &observation);
    smtp_await(call, AWAITED_HELO);
}

static void take_mail(const struct smtp_call *call, const struct smtp_command *command)
{
    bool inside = smtp_record_current(&call->smtp->record) != NULL && !call->smtp->chunks_open;
    close_transaction(call);
    bool begun = begin_transaction(call, command->address, inside ? ENTRY_INSIDE : 0);
    call->smtp->gapped = false;
    smtp_await(call, begun ? AWAITED_MAIL : AWAITED_OTHER);
}

static void take_rcpt(const struct smtp_call *call, const struct smtp_command *command)
{
    struct smtp *smtp = call->smtp;
    bool added = need_transaction(call) && smtp_record_add_recipient(&smtp->record, call->listener, command->address);
    smtp_await(call, added ? AWAITED_RCPT : AWAITED_OTHER);
}

static void wait_for(const struct smtp_call *call, enum smtp_awaited awaited)
{
    struct smtp *smtp = call->smtp;
    smtp->client_state = CLIENT_WAIT;
    smtp->awaited = (uint8_t)awaited;
    smtp->gap_while_waiting = false;
    smtp_await(call, awaited);
}

static void take_bdat(const struct smtp_call *call, const struct smtp_command *command)
{
    struct smtp *smtp = call->smtp;
    need_transaction(call);
    if (!command->sized) {
        smtp_await(call, AWAITED_BAD_CHUNK);
        return;
    }
    if (!smtp->chunks_open) {
        smtp_content_finish(&smtp->content, smtp->counters, (uint64_t[2]){0});
        smtp->content = (struct smtp_content){0};
        smtp->content_refused = false;
    }
    smtp->content.chunk_left = command->size;
    smtp->last_chunk = command->last;
    smtp->client_state = CLIENT_CHUNK;
    if (command->size == 0)
        chunk_ends(call);
}

static void note_user(const struct smtp_call *call, struct text response)
{
    struct smtp *smtp = call->smtp;
    char user[SMTP_USER_MOST];
    size_t length = smtp_auth_user((enum smtp_mechanism)smtp->mechanism, smtp->auth_step, response, user);
    if (smtp->auth_step < UINT8_MAX)
        smtp->auth_step++;
    struct smtp_rare *rare = length > 0 ? smtp_rare(call) : NULL;
    if (rare)
        rare->user = smtp_string_replace(call->listener, rare->user, (struct text){user, length}, SMTP_USER_MOST);
}

static void take_auth(const struct smtp_call *call, const struct smtp_command *command)
{
    struct smtp *smtp = call->smtp;
    smtp->mechanism = (uint8_t)smtp_mechanism_of(command->mechanism);
    smtp->auth_step = 0;
    smtp->challenges = 0;
    if (smtp->auth == AUTH_NONE)
        smtp->auth = AUTH_TRIED;
    if (smtp->rare) { /* this login's user is not known yet */
        smtp_string_free(smtp->counters, smtp->rare->user);
        smtp->rare->user = NULL;
    }
    if (command->argument.length > 0) /* "=": an empty response */
        note_user(call, command->argument);
    wait_for(call, AWAITED_AUTH);
}

static void take_command(const struct smtp_call *call, const struct smtp_command *command)
{
    struct smtp *smtp = call->smtp;
    switch (command->verb) {
    case VERB_HELO:
    case VERB_EHLO:
    case VERB_LHLO:
        take_helo(call, command);
        break;
    case VERB_MAIL:
        take_mail(call, command);
        break;
    case VERB_RCPT:
        take_rcpt(call, command);
        break;
    case VERB_DATA:
        need_transaction(call);
        wait_for(call, AWAITED_DATA);
        break;
    case VERB_BDAT:
        take_bdat(call, command);
        break;
    case VERB_RSET:
        close_transaction(call);
        smtp_await(call, AWAITED_RSET);
        break;
    case VERB_AUTH:
        take_auth(call, command);
        break;
    case VERB_STARTTLS:
        wait_for(call, AWAITED_STARTTLS);
        break;
    case VERB_QUIT:
        smtp->quit = true;
        close_transaction(call);
        smtp_await(call, AWAITED_QUIT);
        break;
    case VERB_OTHER:
        smtp_await(call, AWAITED_OTHER);
        break;
    case VERB_PROXY:
        break;
    default:
        smtp->counters->unknown_commands++;
        smtp_await(call, AWAITED_UNKNOWN);
        break;
    }
}

static bool is_binary(struct text line)
{
    for (size_t i = 0; i < line.length; i++)
        if ((unsigned char)line.bytes[i] < ' ' && line.bytes[i] != '\t')
            return true;
    return false;
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
    take_command(call, &command);
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
        note_user(call, line);
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

static void encrypt(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    smtp_give_up_waiting(call);
    close_transaction(call);
    smtp->tls = (uint8_t)tls_kind(smtp);
    smtp->client_state = CLIENT_ENCRYPTED;
    smtp->server_state = SERVER_ENCRYPTED;
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
    observe(call, &observation);
}

/* False: more bytes are needed. */
static bool take_hello(const struct smtp_call *call, struct text *rest)
{
    struct smtp *smtp = call->smtp;
    unsigned char first = (unsigned char)rest->bytes[0];
    if (first != RECORD_HANDSHAKE) {
        if (smtp->joined && first >= 0x14 && first <= 0x17)
            encrypt(call);
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
    encrypt(call);
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

static void guess(const struct smtp_call *call, struct text held)
{
    struct smtp *smtp = call->smtp;
    bool command = text_trim(held).length == 0 || first_line_is_command(held);
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
        guess(call, smtp_pending_text(&call->smtp->client));
}

/* The reply was lost with others: one line is enough to guess by. False: it is still to come. */
static bool guess_without_reply(const struct smtp_call *call, struct text held)
{
    const struct smtp_waiting *waiting = &call->smtp->waiting;
    if (waiting->count > 0 && !smtp_waiting_is_doubted(waiting, waiting->count - 1u))
        return false;
    bool whole = memchr(held.bytes, '\n', held.length) || held.bytes[0] == RECORD_HANDSHAKE;
    if (whole)
        guess(call, held);
    return whole;
}

/* ---- Bytes as they come. ---- */

/* Read on as far as it goes; returns how many bytes were used. */
static size_t process(const struct smtp_call *call, struct text bytes)
{
    struct smtp *smtp = call->smtp;
    struct text rest = bytes;
    bool goes_on = true;
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
            take_content(call, &rest);
            break;
        case CLIENT_CHUNK:
            take_chunk(call, &rest);
            break;
        case CLIENT_HELLO:
            goes_on = take_hello(call, &rest);
            break;
        case CLIENT_ENCRYPTED:
            rest = behind(rest, rest.length);
            break;
        }
    }
    return bytes.length - rest.length;
}

void smtp_client_process_pending(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
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
    bool greeting_waits = smtp->waiting.count > 0 && smtp_waiting_at(&smtp->waiting, 0) == AWAITED_GREETING;
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

/* ---- Gaps. ---- */

static void lose_commands(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    smtp->client_state = CLIENT_LOST;
    smtp->gapped = true;
    smtp_forget_early(call);
    const struct smtp_waiting *waiting = &smtp->waiting;
    if (waiting->count == 0 || smtp_waiting_at(waiting, waiting->count - 1u) != AWAITED_GAP)
        smtp_await(call, AWAITED_GAP);
    smtp->counters->resynchronised++;
}

static void lose_of_chunk(const struct smtp_call *call, uint32_t length)
{
    struct smtp_content *content = &call->smtp->content;
    uint64_t lost = length < content->chunk_left ? length : content->chunk_left;
    content->bytes += lost;
    content->chunk_left -= lost;
    content->incomplete = true;
    if (content->chunk_left > 0)
        return;
    chunk_ends(call);
    if (lost < length)
        lose_commands(call);
}

/* A 354 that reached us before its DATA: the gap holds DATA. */
static bool early_is_for_data(const struct smtp *smtp)
{
    return smtp->rare && smtp->rare->early_count > 0 && smtp->rare->early[smtp->rare->early_count - 1].code == 354;
}

void smtp_client_gapped(const struct smtp_call *call, uint32_t length)
{
    struct smtp *smtp = call->smtp;
    bool data = false;
    switch ((enum smtp_client_state)smtp->client_state) {
    case CLIENT_CONTENT:
        smtp_content_gap(&smtp->content, length);
        break;
    case CLIENT_CHUNK:
        lose_of_chunk(call, length);
        break;
    case CLIENT_WAIT:
        smtp->gap_while_waiting = true;
        break;
    case CLIENT_DOT:
        guess(call, (struct text){"", 0});
        lose_commands(call);
        break;
    case CLIENT_HELLO:
        encrypt(call);
        break;
    case CLIENT_ENCRYPTED:
        break;
    case CLIENT_COMMAND:
    case CLIENT_RESPONSE:
    case CLIENT_LOST:
        data = early_is_for_data(smtp);
        lose_commands(call);
        if (data) {
            smtp->gap_while_waiting = true;
            smtp_content_begin(call);
        }
        break;
    }
}

void smtp_client_gap(struct smtp *smtp, const struct smtp_listener *listener, uint32_t length, moment time)
{
    const struct smtp_call call = {smtp, listener, time};
    smtp->counters = listener->counters;
    smtp->began = true;
    while (smtp_is_holding(smtp) && !smtp_pending_is_empty(&smtp->client)) {
        smtp_client_guess(&call);
        smtp_client_process_pending(&call);
    }
    smtp_pending_clear(&smtp->client, listener->counters);
    smtp_client_gapped(&call, length);
}
