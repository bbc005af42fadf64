/* Bytes that will not come: what is still known, and where reading starts again. */
#include "agent/packet/smtp_dialogue.h"
#include "agent/packet/smtp_digest.h"

static void lose_commands(const struct smtp_call *call)
{
    struct smtp *smtp = call->smtp;
    smtp->client_state = CLIENT_LOST;
    smtp->gapped = true;
    smtp_forget_early(call);
    const struct smtp_waiting *waiting = &smtp->waiting;
    if (waiting->count == 0 || smtp_waiting_last(waiting) != AWAITED_GAP)
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
    smtp_digest_gap(content->digest);
    if (content->chunk_left > 0)
        return;
    smtp_chunk_ends(call);
    if (lost < length)
        lose_commands(call);
}

/* A 354 that reached us before its DATA: the gap holds DATA. */
static bool early_is_for_data(const struct smtp *smtp)
{
    return smtp->rare && smtp->rare->early_count > 0 && smtp->rare->early[smtp->rare->early_count - 1].code == 354;
}

static void client_gapped(const struct smtp_call *call, uint32_t length)
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
        smtp_client_guess(call);
        lose_commands(call);
        break;
    case CLIENT_HELLO:
        smtp_encrypt(call);
        break;
    case CLIENT_ENCRYPTED:
        if (smtp->rare)
            tls_records_skip(&smtp->rare->records, TLS_CLIENT, length);
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
    client_gapped(&call, length);
}

void smtp_server_gap(struct smtp *smtp, const struct smtp_listener *listener, uint32_t length, moment time)
{
    const struct smtp_call call = {smtp, listener, time};
    smtp->counters = listener->counters;
    smtp->pipelining = true; /* it may have been offered */
    if (smtp->server_state == SERVER_ENCRYPTED) {
        if (smtp_records(smtp))
            tls_records_skip(smtp_records(smtp), TLS_SERVER, length);
        return;
    }
    smtp_pending_clear(&smtp->server, listener->counters);
    smtp->multi_line = 0;
    smtp->replies_to_skip = 0;
    smtp_forget_early(&call);
    smtp_waiting_doubt(&smtp->waiting);
    listener->counters->resynchronised++;
    if (!smtp_pending_is_empty(&smtp->client))
        smtp_client_process_pending(&call);
}
