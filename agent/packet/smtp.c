/* A dialogue's birth, end and summary. Its two sides stand in smtp_client.c and smtp_server.c. */
#include "agent/packet/smtp_dialogue.h"

void smtp_begin(struct smtp *smtp, bool implicit_tls, bool from_the_start)
{
    memset(smtp, 0, sizeof *smtp);
    smtp->implicit_tls = implicit_tls;
    smtp->joined = !from_the_start;
    smtp->gapped = smtp->joined;
    smtp->client_state = implicit_tls ? CLIENT_HELLO : from_the_start ? CLIENT_COMMAND : CLIENT_LOST;
    smtp->server_state = SERVER_UNDECIDED;
    /* The greeting is a reply without a command. */
    smtp->waiting.few[0] = from_the_start ? AWAITED_GREETING : AWAITED_GAP;
    smtp->waiting.count = 1;
}

bool smtp_reads_content(const struct smtp *smtp)
{
    return smtp->client_state == CLIENT_CONTENT || smtp->client_state == CLIENT_CHUNK ||
           smtp->client_state == CLIENT_ENCRYPTED;
}

void smtp_fetch(const struct smtp *smtp)
{
    if (smtp->client_state == CLIENT_CONTENT) {
        if (smtp->content.digest)
            __builtin_prefetch(smtp->content.digest, 1);
        return;
    }
    if (smtp->record.bytes) {
        __builtin_prefetch(smtp->record.bytes, 1);
        __builtin_prefetch(smtp->record.bytes + smtp->record.next, 1);
    }
    if (smtp->helo)
        __builtin_prefetch(smtp->helo);
}

/* Content that never ended, though the server may have answered. */
static void end_open_content(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    bool open = smtp->client_state == CLIENT_CONTENT || smtp->client_state == CLIENT_CHUNK || smtp->chunks_open;
    struct smtp_open_transaction *transaction = smtp_record_current(&smtp->record);
    if (!open || !transaction)
        return;
    bool sent = smtp->content.bytes > 0 && !smtp->content_refused;
    smtp_content_close(call, false);
    struct reply reply = smtp_take_early(smtp);
    if (transaction->entry.flags & ENTRY_OBSERVED)
        return;
    if (sent)
        smtp_observe_message(call, transaction, &reply);
}

void smtp_finish(struct smtp *smtp, const struct smtp_listener *listener, moment time, struct smtp_summary *result)
{
    const struct smtp_call call = {smtp, listener, time};
    smtp->counters = listener->counters;
    while (smtp_is_holding(smtp)) {
        smtp_client_guess(&call);
        if (!smtp_pending_is_empty(&smtp->client))
            smtp_client_process_pending(&call);
    }
    smtp_give_up_waiting(&call);
    end_open_content(&call);
    *result = (struct smtp_summary){
        .helo = smtp_string_text(smtp->helo),
        .user = smtp_string_text(smtp->rare ? smtp->rare->user : NULL),
        .server_name = smtp_string_text(smtp->rare ? smtp->rare->server_name : NULL),
        .tls = (enum tls_use)smtp->tls,
        .auth = (enum auth_outcome)smtp->auth,
        .fingerprint = smtp->rare ? smtp->rare->fingerprint : 0,
        .quit = smtp->quit,
        .spoke_first = smtp->spoke_first,
        .early_agreed = smtp->early_agreed,
        .unasked = smtp->early_agreed ? 0 : smtp->unasked,
        .commands = smtp->commands,
    };
    if (smtp_records(smtp)) {
        struct tls_records *records = smtp_records(smtp);
        tls_records_finish(records);
        result->tls_commands = records->commands;
        result->tls_messages = records->messages;
        result->tls_replies_long = records->replies_long;
    }
    if (listener->transactions_unwanted)
        return;
    size_t size = 0;
    smtp_memory_free(smtp->counters, smtp->summary, smtp->summary_size);
    smtp->summary = smtp_record_summarise(&smtp->record, listener, result, &size);
    smtp->summary_size = (uint32_t)size;
}

void smtp_end(struct smtp *smtp)
{
    struct smtp_counters *counters = smtp->counters;
    if (!counters)
        return; /* no byte was ever seen */
    smtp_pending_clear(&smtp->client, counters);
    smtp_pending_clear(&smtp->server, counters);
    smtp_waiting_clear(&smtp->waiting, counters);
    smtp_record_clear(&smtp->record, counters);
    smtp_content_drop(&smtp->content, counters);
    smtp_string_free(counters, smtp->helo);
    if (smtp->rare) {
        smtp_string_free(counters, smtp->rare->user);
        smtp_string_free(counters, smtp->rare->server_name);
        smtp_memory_free(counters, smtp->rare, sizeof *smtp->rare);
    }
    smtp_memory_free(counters, smtp->summary, smtp->summary_size);
    *smtp = (struct smtp){0};
}
