/* Content that somebody wants to look at: whether it is wanted is asked when it begins; it is kept beside the digest,
 * then with its transaction, and handed over when that is answered. Where it is not, nothing is done for any byte. */
#include "agent/packet/smtp_dialogue.h"

void smtp_sample_begin(const struct smtp_call *call, bool stuffed)
{
    const struct smtp_sampler *sampler = call->listener->sampler;
    struct smtp *smtp = call->smtp;
    struct smtp_sample_beginning beginning = {.time = call->time, .stuffed = stuffed};
    if (!sampler || smtp->content.incomplete)
        return;
    bool logged_in = smtp->auth == AUTH_ACCEPTED && smtp->rare;
    struct text account = smtp_string_text(logged_in ? smtp->rare->user : NULL);
    beginning.most = sampler->wanted(sampler->context, account, call->time, &beginning.note);
    if (beginning.most > 0)
        smtp_content_keep(&smtp->content, call->listener, smtp_samples_begin(sampler->samples, &beginning));
}

void smtp_sample_note(const struct smtp_call *call, struct smtp_open_transaction *transaction, uint32_t sample)
{
    if (sample == 0)
        return;
    struct smtp_samples *samples = call->listener->sampler->samples;
    if (!transaction || call->smtp->content_refused || transaction->entry.flags & ENTRY_OBSERVED) {
        smtp_samples_release(samples, sample);
        return;
    }
    smtp_samples_release(samples, transaction->sample);
    transaction->sample = sample;
}

bool smtp_sampled_recipient(const struct smtp_sampled *sampled, uint32_t *at, struct smtp_recipient *result)
{
    return smtp_record_recipient(sampled->record, sampled->transaction, at, result);
}

void smtp_sample_take(const struct smtp_call *call, struct smtp_open_transaction *transaction,
                      struct observation *message)
{
    const struct smtp_sampler *sampler = call->listener->sampler;
    const struct smtp *smtp = call->smtp;
    if (transaction->sample == 0)
        return;
    struct smtp_sampled sampled = {
        .sample = transaction->sample,
        .user = smtp_string_text(smtp->auth == AUTH_ACCEPTED && smtp->rare ? smtp->rare->user : NULL),
        .recipients_left_out = transaction->left_out,
        .record = &smtp->record,
        .transaction = transaction,
    };
    transaction->sample = 0;
    message->time = call->time;
    if (smtp_samples_state(sampler->samples, sampled.sample, &sampled.state))
        message->message.sample = sampler->taken(sampler->context, &sampled, message);
    if (message->message.sample == 0)
        smtp_samples_release(sampler->samples, sampled.sample);
}
