/* What commands and content do: transactions begin and end, logins and hellos are noted. */
#include "agent/packet/smtp_dialogue.h"

void smtp_observe(const struct smtp_call *call, struct observation *observation)
{
    const struct smtp *smtp = call->smtp;
    observation->time = call->time;
    if (smtp->auth == AUTH_ACCEPTED && smtp->rare)
        observation->origin.account = smtp_string_text(smtp->rare->user);
    call->listener->observe(call->listener->context, observation);
}

/* ---- Transactions and their content. ---- */

void smtp_close_transaction(const struct smtp_call *call)
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
    smtp_content_drop(&smtp->content, smtp->counters);
    smtp->content = (struct smtp_content){
        .place = CONTENT_LINE_START, .incomplete = smtp->gap_while_waiting, .bare = smtp->gap_while_waiting};
    smtp_sample_begin(call, true);
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
    struct likeness likeness;
    uint32_t sample;
    smtp_content_finish(&smtp->content, smtp->counters, digest, &likeness, &sample);
    if (transaction && !smtp->content_refused) {
        transaction->bytes = smtp->content.bytes;
        transaction->digest[0] = digest[0];
        transaction->digest[1] = digest[1];
        transaction->likeness = likeness;
        transaction->entry.flags |= ENTRY_CONTENT;
        if (complete && !smtp->content.incomplete)
            transaction->entry.flags |= ENTRY_COMPLETE;
    }
    smtp_sample_note(call, transaction, sample);
    smtp->content = (struct smtp_content){0};
    smtp->chunks_open = false;
    smtp_record_close(&smtp->record);
}

void smtp_take_content(const struct smtp_call *call, struct text *rest)
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

void smtp_chunk_ends(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    smtp->client_state = CLIENT_COMMAND;
    if (smtp->last_chunk)
        smtp_content_close(call, true);
    else
        smtp->chunks_open = true;
    smtp_await(call, smtp->last_chunk ? AWAITED_LAST_CHUNK : AWAITED_CHUNK);
}

void smtp_take_chunk(const struct smtp_call *call, struct text *rest)
{
    struct smtp_content *content = &call->smtp->content;
    size_t length = content->chunk_left < rest->length ? (size_t)content->chunk_left : rest->length;
    smtp_content_add(content, call->listener, (struct text){rest->bytes, length});
    content->chunk_left -= length;
    *rest = (struct text){rest->bytes + length, rest->length - length};
    if (content->chunk_left == 0)
        smtp_chunk_ends(call);
}

/* ---- Commands. ---- */

static void take_helo(const struct smtp_call *call, const struct smtp_command *command)
{
    struct smtp *smtp = call->smtp;
    smtp->helo = smtp_string_replace(call->listener, smtp->helo, command->argument, SMTP_HELO_MOST);
    smtp->lmtp = command->verb == VERB_LHLO;
    smtp_close_transaction(call);
    struct observation observation = {
        .kind = OBSERVATION_HELO,
        .helo = {.name = smtp_string_text(smtp->helo), .extended = command->verb != VERB_HELO},
    };
    smtp_observe(call, &observation);
    smtp_await(call, AWAITED_HELO);
}

static void take_mail(const struct smtp_call *call, const struct smtp_command *command)
{
    bool inside = smtp_record_current(&call->smtp->record) != NULL && !call->smtp->chunks_open;
    smtp_close_transaction(call);
    bool begun = begin_transaction(call, command->address, inside ? ENTRY_INSIDE : 0);
    call->smtp->gapped = false;
    smtp_await(call, begun ? AWAITED_MAIL : AWAITED_OTHER);
}

static void take_rcpt(const struct smtp_call *call, const struct smtp_command *command)
{
    struct smtp *smtp = call->smtp;
    bool added = need_transaction(call) && smtp_record_add_recipient(&smtp->record, call->listener, command->address);
    smtp_await(call, added ? AWAITED_RCPT : AWAITED_FORGOTTEN_RCPT);
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
        smtp_content_drop(&smtp->content, smtp->counters);
        smtp->content = (struct smtp_content){0};
        smtp->content_refused = false;
        smtp_sample_begin(call, false);
    }
    smtp->content.chunk_left = command->size;
    smtp->last_chunk = command->last;
    smtp->client_state = CLIENT_CHUNK;
    if (command->size == 0)
        smtp_chunk_ends(call);
}

void smtp_note_user(const struct smtp_call *call, struct text response)
{
    struct smtp *smtp = call->smtp;
    char user[SMTP_USER_MOST];
    if (smtp->auth == AUTH_ACCEPTED)
        return;
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
    /* This login's user is not known yet. Once one was accepted there is no other in the session (RFC 4954 4): a name
     * that is said behind it is somebody else's, whom what follows would be held against. */
    if (smtp->rare && smtp->auth != AUTH_ACCEPTED) {
        smtp_string_free(smtp->counters, smtp->rare->user);
        smtp->rare->user = NULL;
    }
    if (command->argument.length > 0) /* "=": an empty response */
        smtp_note_user(call, command->argument);
    wait_for(call, AWAITED_AUTH);
}

void smtp_take_command(const struct smtp_call *call, const struct smtp_command *command)
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
        smtp_close_transaction(call);
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
        smtp_close_transaction(call);
        smtp_await(call, AWAITED_QUIT);
        break;
    case VERB_OTHER:
        smtp_await(call, AWAITED_OTHER);
        break;
    case VERB_PROXY: /* a proxy's first line is not answered, but a server that expects none refuses it */
        smtp_await(call, AWAITED_UNKNOWN);
        break;
    default:
        smtp->counters->unknown_commands++;
        smtp_await(call, AWAITED_UNKNOWN);
        break;
    }
}
