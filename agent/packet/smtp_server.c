/* The server's side: replies, and what each of them answers.
 *
 * Replies come in the order of the commands (RFC 5321 4.2), so the next reply belongs to the command that has waited
 * longest. Where bytes were lost that order is in doubt; then codes that only one command can get say where it stands,
 * and a reply that could belong to several commands is passed over rather than given to the wrong one. */
#include "agent/packet/smtp_dialogue.h"

/* A reply seen before its command comes from directions that reached us out of step: by no more than this. */
#define EARLY_MOST (2 * SECOND)

static const struct reply no_reply;

static bool nothing_waits(const struct smtp *smtp)
{
    return smtp->waiting.count == 0;
}

static void answer_first(const struct smtp_call *call, const struct reply *reply)
{
    struct smtp_waiting *waiting = &call->smtp->waiting;
    enum smtp_awaited awaited = smtp_waiting_first(waiting);
    smtp_waiting_pop(waiting, call->smtp->counters);
    smtp_answer(call, awaited, reply);
    while (waiting->count > 0 && smtp_waiting_first(waiting) == AWAITED_IMPLICIT) {
        smtp_waiting_pop(waiting, call->smtp->counters);
        smtp_answer(call, AWAITED_IMPLICIT, &no_reply);
    }
}

void smtp_give_up_waiting(const struct smtp_call *call)
{
    while (call->smtp->waiting.count > 0)
        answer_first(call, &no_reply);
}

/* ---- Which command a reply answers. ---- */

/* Everything before `index` was answered by replies that we did not see. */
static void skip_to(const struct smtp_call *call, uint32_t index)
{
    uint32_t left = call->smtp->waiting.count - index;
    while (call->smtp->waiting.count > left)
        answer_first(call, &no_reply);
    call->smtp->counters->resynchronised++;
}

struct only {
    uint16_t code;
    bool extensions;
};

static bool is_only_owner(uint8_t kind, const void *context)
{
    const struct only *only = context;
    enum smtp_awaited awaited = (enum smtp_awaited)(kind & ~SMTP_DOUBTED);
    return smtp_reply_is_exclusive(awaited, only->code) || (only->extensions && awaited == AWAITED_HELO);
}

/* The command that alone can get this reply; -1: none waits. */
static int32_t only_owner(struct smtp *smtp, uint16_t code)
{
    const struct only only = {code, smtp->extensions};
    return smtp_waiting_find(&smtp->waiting, is_only_owner, &only);
}

static bool is_undoubted(uint8_t kind, const void *unused)
{
    (void)unused;
    return !(kind & SMTP_DOUBTED);
}

/* Commands that begin a group that a client sends at once: those before have been answered. */
static bool begins_group(enum smtp_awaited awaited)
{
    return awaited == AWAITED_HELO || awaited == AWAITED_MAIL || awaited == AWAITED_RSET || awaited == AWAITED_AUTH ||
           awaited == AWAITED_IMPLICIT || awaited == AWAITED_OTHER || awaited == AWAITED_STARTTLS;
}

/* Commands or replies were lost, so the next reply may not be the first command's. */
static bool is_in_doubt(const struct smtp *smtp)
{
    const struct smtp_waiting *waiting = &smtp->waiting;
    return waiting->count > 0 && (smtp_waiting_first_is_doubted(waiting) || smtp_waiting_first(waiting) == AWAITED_GAP);
}

/* Our view of the first waiting command is in doubt. -1: nobody can say whose the reply is. */
static int32_t owner_in_doubt(struct smtp *smtp, uint16_t code)
{
    struct smtp_waiting *waiting = &smtp->waiting;
    int32_t owner = only_owner(smtp, code);
    if (owner >= 0)
        return owner;
    if (smtp_waiting_first(waiting) == AWAITED_GAP) {
        if (waiting->count == 1)
            return -1;
        return waiting->count == 2 || begins_group(smtp_waiting_second(waiting)) ? 1 : -1;
    }
    /* Replies were lost. What was sent after that was sent by a client that had seen them all. */
    owner = smtp_waiting_last_is_doubted(waiting) ? -1 : smtp_waiting_find(waiting, is_undoubted, NULL);
    if (owner >= 0)
        return owner;
    return waiting->count == 1 ? 0 : -1;
}

/* The order is not in doubt, but the reply cannot answer the first. */
static int32_t owner_out_of_order(struct smtp *smtp, uint16_t code)
{
    int32_t owner = only_owner(smtp, code);
    if (owner >= 0)
        return owner;
    if (smtp->waiting.count < 2)
        return -1;
    enum smtp_awaited first = smtp_waiting_first(&smtp->waiting);
    /* Lines that are no commands are often ignored; content that was taken needs no 354. */
    bool unanswered =
        first == AWAITED_UNKNOWN || (first == AWAITED_DATA && smtp_waiting_second(&smtp->waiting) == AWAITED_CONTENT);
    return unanswered ? 1 : -1;
}

struct smtp_rare *smtp_rare(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    if (!smtp->rare) {
        smtp->rare = smtp_memory_grow(call->listener, NULL, 0, sizeof *smtp->rare);
        if (smtp->rare)
            memset(smtp->rare, 0, sizeof *smtp->rare);
    }
    return smtp->rare;
}

void smtp_forget_early(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    if (!smtp->rare)
        return;
    smtp->counters->unpaired_replies += smtp->rare->early_count;
    smtp->rare->early_count = 0;
}

struct reply smtp_take_early(struct smtp *smtp)
{
    struct reply reply = {0};
    if (!smtp->rare || smtp->rare->early_count == 0)
        return reply;
    reply.code = smtp->rare->early[0].code;
    reply.enhanced = smtp->rare->early[0].enhanced;
    smtp->rare->early_count--;
    memmove(smtp->rare->early, smtp->rare->early + 1, smtp->rare->early_count * sizeof smtp->rare->early[0]);
    return reply;
}

static void keep_early(const struct smtp_call *call, const struct reply *reply)
{
    struct smtp_rare *rare = smtp_rare(call);
    if (!rare || rare->early_count == SMTP_EARLY_MOST) {
        call->smtp->counters->unpaired_replies++;
        smtp_note_unclear(call, reply);
        return;
    }
    rare->early[rare->early_count++] = (struct smtp_early){reply->code, reply->enhanced};
    rare->early_since = call->time;
}

/* The server does not know BDAT: what we took for a chunk were commands to it. */
static void take_back_chunk(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    smtp_content_drop(&smtp->content, smtp->counters);
    smtp->content = (struct smtp_content){0};
    smtp->chunks_open = false;
    smtp->gapped = true;
    smtp->client_state = CLIENT_LOST;
    smtp->counters->resynchronised++;
    smtp_await(call, AWAITED_GAP);
}

/* 354, and nothing was lost, but no DATA was read: it was said in other bytes than we saw. */
static bool is_hidden_content(const struct smtp *smtp, const struct reply *reply)
{
    bool in_clear = smtp->client_state != CLIENT_ENCRYPTED && smtp->client_state != CLIENT_HELLO;
    bool said = !nothing_waits(smtp) || !smtp_pending_is_empty(&smtp->client) || smtp->client_state == CLIENT_CHUNK;
    return reply->code == 354 && !is_in_doubt(smtp) && in_clear && said && smtp->client_state != CLIENT_CONTENT;
}

static void note_early_unclear(const struct smtp_call *call)
{
    struct smtp_rare *rare = call->smtp->rare;
    while (rare && rare->early_count > 0) {
        struct reply reply = smtp_take_early(call->smtp);
        call->smtp->counters->unpaired_replies++;
        smtp_note_unclear(call, &reply);
    }
}

static void begin_hidden_content(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    smtp_give_up_waiting(call);
    note_early_unclear(call);
    smtp->counters->resynchronised++;
    smtp->gap_while_waiting = true;
    smtp_content_begin(call);
    smtp_settle_unclear(call, false);
}

/* The server has taken the content, whose end we did not see, and now answers something else. */
static bool content_ended_unseen(const struct smtp *smtp)
{
    return smtp->client_state == CLIENT_CONTENT && smtp->rare && smtp->rare->early_count > 0 &&
           smtp->rare->early[0].code >= 200 && smtp->rare->early[0].code < 300;
}

static void end_hidden_content(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    struct reply reply = smtp_take_early(smtp);
    smtp->counters->resynchronised++;
    smtp->client_state = CLIENT_LOST;
    smtp->gapped = true;
    smtp->content.incomplete = true;
    smtp_content_close(call, false);
    smtp_answer(call, AWAITED_CONTENT, &reply);
    note_early_unclear(call);
    if (nothing_waits(smtp))
        smtp_await(call, AWAITED_GAP);
}

/* Nothing waits for a reply, but one came. */
static void reply_unexpected(const struct smtp_call *call, const struct reply *reply)
{
    struct smtp *smtp = call->smtp;
    bool in_content = smtp->client_state == CLIENT_CONTENT || smtp->client_state == CLIENT_CHUNK;
    if (smtp->client_state == CLIENT_LOST && reply->code == 354) { /* DATA was in the gap */
        smtp_give_up_waiting(call);
        smtp->gap_while_waiting = true;
        smtp_content_begin(call);
        smtp_settle_unclear(call, true);
    } else if (is_hidden_content(smtp, reply)) {
        begin_hidden_content(call);
    } else if (content_ended_unseen(smtp)) {
        end_hidden_content(call);
        reply_unexpected(call, reply);
    } else if (smtp->client_state == CLIENT_CONTENT && smtp->content.incomplete && reply->code != 354) {
        /* The end was in the gap. */
        smtp->client_state = CLIENT_LOST;
        smtp_content_end_in_gap(&smtp->content);
        smtp_content_close(call, false);
        smtp_answer(call, AWAITED_CONTENT, reply);
    } else if (smtp->client_state == CLIENT_CHUNK && nothing_waits(smtp) && smtp_reply_is_ignorance(reply->code)) {
        take_back_chunk(call);
    } else if (in_content || (smtp->client_state == CLIENT_COMMAND && nothing_waits(smtp) && reply->code != 421)) {
        keep_early(call, reply);
    } else {
        smtp->counters->unpaired_replies++;
        smtp_note_unclear(call, reply);
    }
}

static void challenge(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    if (smtp->client_state == CLIENT_WAIT && smtp->waiting.count == 1)
        smtp->client_state = CLIENT_RESPONSE;
    else if (smtp->challenges < UINT8_MAX)
        smtp->challenges++;
}

static void pair(const struct smtp_call *call, const struct reply *reply)
{
    struct smtp *smtp = call->smtp;
    if (smtp->waiting.count == 0) {
        reply_unexpected(call, reply);
        return;
    }
    enum smtp_awaited first = smtp_waiting_first(&smtp->waiting);
    int32_t owner = 0;
    if (is_in_doubt(smtp))
        owner = owner_in_doubt(smtp, reply->code);
    else if (!smtp_reply_suits(first, reply->code))
        owner = owner_out_of_order(smtp, reply->code);
    if (owner < 0 && first == AWAITED_GAP && smtp->waiting.count == 1) {
        reply_unexpected(call, reply);
        return;
    }
    if (owner > 0)
        skip_to(call, (uint32_t)owner);
    if (owner < 0 || smtp->waiting.count == 0 || !smtp_reply_suits(smtp_waiting_first(&smtp->waiting), reply->code)) {
        if (is_hidden_content(smtp, reply)) {
            begin_hidden_content(call);
            return;
        }
        smtp->counters->unpaired_replies++;
        smtp_note_unclear(call, reply);
        return;
    }
    if (reply->code == 334)
        challenge(call);
    else
        answer_first(call, reply);
}

/* Replies that came before their commands: now their commands come. */
static void pair_early(const struct smtp_call *call, enum smtp_awaited awaited)
{
    struct smtp *smtp = call->smtp;
    bool content = awaited == AWAITED_CONTENT || awaited == AWAITED_CHUNK || awaited == AWAITED_LAST_CHUNK;
    if (!content && call->time - smtp->rare->early_since > EARLY_MOST)
        smtp_forget_early(call);
    while (smtp->rare->early_count > 0 && smtp->waiting.count > 0) {
        struct reply reply = smtp_take_early(smtp);
        pair(call, &reply);
    }
}

void smtp_await(const struct smtp_call *call, enum smtp_awaited awaited)
{
    struct smtp *smtp = call->smtp;
    if (awaited == AWAITED_IMPLICIT && nothing_waits(smtp)) {
        smtp_answer(call, awaited, &no_reply);
        return;
    }
    if (!smtp_waiting_push(&smtp->waiting, call->listener, awaited)) {
        smtp->counters->resynchronised++;
        smtp_give_up_waiting(call);
        if (!smtp_waiting_push(&smtp->waiting, call->listener, AWAITED_GAP) ||
            !smtp_waiting_push(&smtp->waiting, call->listener, awaited))
            return; /* an empty queue holds two without memory */
    }
    if (smtp->rare && smtp->rare->early_count > 0)
        pair_early(call, awaited);
}

/* ---- Lines. ---- */

/* What allows a client to send commands before it has the replies. */
static void note_offer(struct smtp *smtp, struct text phrase)
{
    if (text_starts_nocase(phrase, TEXT("PIPELINING")))
        smtp->pipelining = true;
    else if (text_starts_nocase(phrase, TEXT("PIPECONNECT")) || text_starts_nocase(phrase, TEXT("PIPE_CONNECT")) ||
             text_starts_nocase(phrase, TEXT("X_PIPE_CONNECT")))
        smtp->early_agreed = true;
}

static void take_line(const struct smtp_call *call, struct text line)
{
    struct smtp *smtp = call->smtp;
    if (line.length > 0 && line.bytes[line.length - 1] == '\r')
        line.length--;
    if (line.length > SMTP_LINE_MOST)
        line.length = SMTP_LINE_MOST;
    struct smtp_reply_line parsed;
    if (!smtp_reply_parse(line, &parsed))
        return;
    if (parsed.code == 250 && !smtp->pipelining)
        note_offer(smtp, parsed.phrase);
    if (!smtp->multi_line)
        smtp->extensions = false;
    if (is_in_doubt(smtp) && smtp_reply_is_extension(&parsed))
        smtp->extensions = true;
    smtp->multi_line = parsed.last ? 0 : parsed.code;
    if (!parsed.last)
        return;
    smtp->counters->replies++;
    if (smtp->replies_to_skip > 0) {
        smtp->replies_to_skip--;
        return;
    }
    struct reply reply = {.code = parsed.code, .enhanced = parsed.enhanced, .phrase = parsed.phrase};
    pair(call, &reply);
    if (!smtp_is_holding(smtp) && !smtp_pending_is_empty(&smtp->client))
        smtp_client_process_pending(call);
}

static bool is_record_type(char byte)
{
    return byte >= 0x14 && byte <= 0x17;
}

/* Three digits and what stands behind them: a record in whose middle we joined hardly begins so. */
static bool begins_with_reply(struct text input)
{
    for (size_t i = 0; i < 3; i++)
        if (input.bytes[i] < '0' || input.bytes[i] > '9')
            return false;
    return input.bytes[3] == ' ' || input.bytes[3] == '-';
}

/* The first bytes tell whether the server speaks in the clear, and with it the client that seemed to begin TLS. */
static void decide(const struct smtp_call *call, struct text *input)
{
    enum { REPLY_HEAD = 4 };
    struct smtp *smtp = call->smtp;
    bool in_doubt = smtp->client_state == CLIENT_ENCRYPTED || smtp->client_state == CLIENT_HELLO;
    bool agreed = smtp->starttls || smtp->implicit_tls, record;
    if (in_doubt && !agreed && smtp->joined) {
        smtp_pending_add(&smtp->server, call->listener, input, REPLY_HEAD);
        if (smtp->server.length < REPLY_HEAD)
            return;
        record = !begins_with_reply(smtp_pending_text(&smtp->server));
        if (record)
            smtp_pending_clear(&smtp->server, smtp->counters);
    } else {
        record = is_record_type(input->bytes[0]);
    }
    smtp->server_state = record ? SERVER_ENCRYPTED : SERVER_REPLIES;
    if (in_doubt && !agreed && !record)
        smtp_not_encrypted(call);
}

void smtp_server_bytes(struct smtp *smtp, const struct smtp_listener *listener, struct text input, moment time)
{
    const struct smtp_call call = {smtp, listener, time};
    smtp->counters = listener->counters;
    while (input.length > 0 && smtp->server_state != SERVER_ENCRYPTED) {
        if (smtp->server_state == SERVER_UNDECIDED) {
            decide(&call, &input);
            continue;
        }
        const char *end = memchr(input.bytes, '\n', input.length);
        if (end && smtp_pending_is_empty(&smtp->server)) {
            struct text line = {input.bytes, (size_t)(end - input.bytes)};
            input = (struct text){end + 1, input.length - line.length - 1};
            take_line(&call, line);
            continue;
        }
        smtp_pending_add_line(&smtp->server, listener, &input, SMTP_LINE_MOST);
        if (!end)
            continue;
        struct text line = smtp_pending_text(&smtp->server);
        if (line.length > 0) /* without its LF */
            line.length--;
        take_line(&call, line);
        smtp_pending_clear(&smtp->server, listener->counters);
    }
    if (input.length > 0 && smtp_records(smtp))
        tls_records_add(smtp_records(smtp), TLS_SERVER, input);
}
