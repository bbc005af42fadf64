/* What each command's answer means. The command does not wait any more when these are called. */
#include "agent/packet/smtp_dialogue.h"

static bool nothing_waits(const struct smtp *smtp)
{
    return smtp->waiting.count == 0;
}

void smtp_observe_message(const struct smtp_call *call, struct smtp_open_transaction *transaction,
                          const struct reply *reply)
{
    transaction->entry.flags |= ENTRY_OBSERVED;
    transaction->entry.code = reply->code;
    struct observation observation = {
        .kind = OBSERVATION_MESSAGE,
        .message = {.from = smtp_record_from(transaction),
                    .helo = smtp_string_text(call->smtp->helo),
                    .recipients = transaction->accepted,
                    .bytes = transaction->bytes,
                    .digest = {transaction->digest[0], transaction->digest[1]},
                    .likeness = transaction->likeness,
                    .complete = (transaction->entry.flags & ENTRY_COMPLETE) != 0,
                    .reply = *reply},
    };
    smtp_sample_take(call, transaction, &observation);
    smtp_observe(call, &observation);
}

static void answer_greeting(const struct smtp_call *call, const struct reply *reply)
{
    if (reply->code != 0 && call->smtp->before_greeting)
        call->smtp->spoke_first = true;
}

static void answer_mail(const struct smtp_call *call, const struct reply *reply)
{
    struct smtp_record *record = &call->smtp->record;
    struct smtp_open_transaction *transaction = smtp_record_step(record);
    if (!transaction)
        return;
    if (reply->code >= 200 && reply->code < 300) {
        transaction->entry.flags |= ENTRY_ACCEPTED;
        smtp_forget_unclear(call->smtp);
    }
    struct observation observation = {.kind = OBSERVATION_TRANSACTION,
                                      .transaction = {.from = smtp_record_from(transaction), .reply = *reply}};
    smtp_observe(call, &observation);
    if (reply->code == 503) /* bad sequence: the transaction before it goes on */
        smtp_record_go_back(record);
}

static void answer_recipient(const struct smtp_call *call, const struct reply *reply)
{
    struct smtp_record *record = &call->smtp->record;
    struct text address;
    if (!smtp_record_next_recipient(record, &address))
        return;
    struct observation observation = {
        .kind = OBSERVATION_RECIPIENT,
        .recipient = {.from = smtp_record_from(smtp_record_answering(record)), .address = address, .reply = *reply}};
    smtp_observe(call, &observation);
    smtp_record_answer_recipient(record, reply->code);
}

void smtp_observe_unseen_recipient(const struct smtp_call *call, const struct reply *reply)
{
    struct smtp_open_transaction *transaction = smtp_record_answering(&call->smtp->record);
    struct observation observation = {
        .kind = OBSERVATION_RECIPIENT,
        .recipient = {.from = smtp_record_from(transaction), .address = TEXT(""), .reply = *reply}};
    smtp_observe(call, &observation);
    if (!transaction)
        return;
    transaction->left_out++;
    transaction->accepted += reply->code >= 200 && reply->code < 300;
}

/* More came behind DATA than is held back, and began like a command; but 354 says that it was content. */
static void take_back_commands(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    while (!nothing_waits(smtp))
        smtp_waiting_drop_last(&smtp->waiting, smtp->counters);
    smtp_record_take_back(&smtp->record);
    smtp->counters->resynchronised++;
    if (smtp->client_state == CLIENT_ENCRYPTED)
        return;
    smtp->gap_while_waiting = true;
    smtp_content_begin(call);
}

static void data_accepted(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    if (!nothing_waits(smtp) && smtp_waiting_first(&smtp->waiting) == AWAITED_CONTENT)
        return; /* the client went on long ago */
    if (!nothing_waits(smtp)) {
        take_back_commands(call);
        return;
    }
    switch (smtp->client_state) {
    case CLIENT_WAIT:
        smtp_content_begin(call);
        break;
    case CLIENT_LOST:
    case CLIENT_COMMAND: /* what followed looked like commands, but is content */
        smtp->gap_while_waiting = true;
        smtp_content_begin(call);
        break;
    default:
        break;
    }
}

static void answer_data(const struct smtp_call *call, const struct reply *reply)
{
    struct smtp *smtp = call->smtp;
    if (reply->code == 354) {
        data_accepted(call);
        smtp_settle_unclear(call, true);
        return;
    }
    struct smtp_open_transaction *transaction = smtp_record_answering(&smtp->record);
    if (transaction && reply->code != 0)
        transaction->entry.code = reply->code;
    if (!nothing_waits(smtp))
        return;
    if (smtp->client_state == CLIENT_WAIT)
        smtp->client_state = smtp->gap_while_waiting ? CLIENT_LOST : CLIENT_COMMAND;
    else if (smtp->client_state == CLIENT_CONTENT && reply->code != 0)
        smtp->content_refused = true;
}

static void answer_content(const struct smtp_call *call, const struct reply *reply)
{
    struct smtp *smtp = call->smtp;
    if (smtp->client_state == CLIENT_DOT && nothing_waits(smtp)) { /* it was the end */
        smtp->client_state = CLIENT_COMMAND;
        smtp_content_close(call, true);
    }
    struct smtp_open_transaction *transaction = smtp_record_answering(&smtp->record);
    if (!transaction)
        return;
    smtp_observe_message(call, transaction, reply);
    smtp_forget_unclear(smtp);
    if (smtp->lmtp && reply->code != 0 && transaction->accepted > 1)
        smtp->replies_to_skip = (uint16_t)(transaction->accepted - 1);
}

static void answer_chunk(const struct smtp_call *call, const struct reply *reply, bool last)
{
    struct smtp *smtp = call->smtp;
    struct smtp_open_transaction *transaction = smtp_record_answering(&smtp->record);
    if (smtp_reply_is_ignorance(reply->code) && nothing_waits(smtp) && smtp->client_state == CLIENT_COMMAND)
        smtp_await(call, AWAITED_GAP); /* the chunk's lines are refused one by one as well */
    if (!transaction || transaction->entry.flags & ENTRY_OBSERVED || (!last && reply->code < 400))
        return;
    if (transaction == smtp_record_current(&smtp->record)) /* refused, and more chunks may come */
        transaction->bytes = smtp->content.bytes;
    smtp_observe_message(call, transaction, reply);
}

static void answer_bad_chunk(const struct smtp_call *call, const struct reply *reply)
{
    struct smtp_open_transaction *transaction = smtp_record_answering(&call->smtp->record);
    if (transaction && reply->code != 0 && !(transaction->entry.flags & ENTRY_OBSERVED))
        transaction->entry.code = reply->code;
}

static enum auth_outcome outcome_of(const struct reply *reply)
{
    if (reply->code == 235)
        return AUTH_ACCEPTED;
    bool bad_credentials = reply->code == 535 || reply->enhanced == 50708 || (reply->code >= 550 && reply->code < 560);
    return bad_credentials ? AUTH_FAILED : AUTH_TRIED;
}

static void answer_auth(const struct smtp_call *call, const struct reply *reply)
{
    struct smtp *smtp = call->smtp;
    enum auth_outcome outcome = outcome_of(reply);
    if (outcome > smtp->auth)
        smtp->auth = (uint8_t)outcome;
    smtp->challenges = 0;
    if (smtp->client_state == CLIENT_WAIT && nothing_waits(smtp))
        smtp->client_state = smtp->gap_while_waiting ? CLIENT_LOST : CLIENT_COMMAND;
    struct observation observation = {
        .kind = OBSERVATION_AUTH,
        .auth = {.user = smtp_string_text(smtp->rare ? smtp->rare->user : NULL),
                 .mechanism = smtp_mechanism_name((enum smtp_mechanism)smtp->mechanism),
                 .outcome = outcome,
                 .reply = *reply},
    };
    smtp_observe(call, &observation);
}

/* What was sent in the clear behind STARTTLS, before the server agreed: it forgets that (RFC 3207 4.2). Where its reply
 * reached us first, nothing tells what was sent before it. */
static void drop_injected(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    struct text held = smtp_pending_text(&smtp->client);
    const char *hello = held.length > 0 ? memmem(held.bytes, held.length, "\026\003", 2) : NULL;
    size_t injected = hello ? (size_t)(hello - held.bytes) : held.length;
    if (injected == 0 || smtp->reading)
        return;
    smtp->counters->resynchronised++;
    smtp_pending_drop_front(&smtp->client, smtp->counters, injected);
}

static void answer_starttls(const struct smtp_call *call, const struct reply *reply)
{
    struct smtp *smtp = call->smtp;
    if (smtp->client_state != CLIENT_WAIT || !nothing_waits(smtp))
        return;
    smtp->client_state = smtp->gap_while_waiting ? CLIENT_LOST : CLIENT_COMMAND;
    if (reply->code != 220)
        return;
    drop_injected(call);
    smtp_record_close(&smtp->record);
    smtp->starttls = true;
    smtp->client_state = CLIENT_HELLO;
    smtp->server_state = SERVER_UNDECIDED;
}

void smtp_answer(const struct smtp_call *call, enum smtp_awaited awaited, const struct reply *reply)
{
    switch (awaited) {
    case AWAITED_GREETING:
        answer_greeting(call, reply);
        break;
    case AWAITED_HELO:
        if (reply->enhanced / 100 == 201) /* about an address: another command was hidden behind this one */
            smtp_note_unclear(call, reply);
        else
            smtp_forget_unclear(call->smtp);
        if (reply->code >= 400) /* LHLO to a server that does not speak LMTP: content gets one reply */
            call->smtp->lmtp = false;
        break;
    case AWAITED_MAIL:
        answer_mail(call, reply);
        break;
    case AWAITED_RCPT:
        answer_recipient(call, reply);
        break;
    case AWAITED_FORGOTTEN_RCPT:
        smtp_observe_unseen_recipient(call, reply);
        break;
    case AWAITED_DATA:
        answer_data(call, reply);
        break;
    case AWAITED_CONTENT:
        answer_content(call, reply);
        break;
    case AWAITED_CHUNK:
    case AWAITED_LAST_CHUNK:
        answer_chunk(call, reply, awaited == AWAITED_LAST_CHUNK);
        break;
    case AWAITED_BAD_CHUNK:
        answer_bad_chunk(call, reply);
        break;
    case AWAITED_AUTH:
        answer_auth(call, reply);
        break;
    case AWAITED_STARTTLS:
        answer_starttls(call, reply);
        break;
    case AWAITED_RSET:
        smtp_forget_unclear(call->smtp);
        break;
    case AWAITED_QUIT:
        if (reply->code != 221)
            smtp_note_unclear(call, reply);
        break;
    case AWAITED_OTHER:
    case AWAITED_UNKNOWN:
        smtp_note_unclear(call, reply);
        break;
    case AWAITED_IMPLICIT:
        smtp_record_step(&call->smtp->record);
        break;
    default:
        break;
    }
}
