/* What the server's replies say where the client's commands say nothing: they were hidden from us, or lost.
 *
 * A client can make us read what it never said, but not the server's replies. 354 is given to DATA alone, and only
 * where a recipient was accepted; so the replies before it that no command of ours explains were those to MAIL and
 * RCPT. They are counted, and become recipients without address when 354 comes. Where replies have enhanced codes (RFC
 * 3463) those say it outright: X.1.5 is about a recipient that is valid, X.1.1 about one that is not. */
#include "agent/packet/smtp_dialogue.h"

enum { ENHANCED_VALID = 20105, SUBJECT_ADDRESS = 1 };

/* X.1.1 to X.1.3, X.1.6, X.1.10: the recipient's address. */
static bool is_about_recipient(const struct reply *reply)
{
    unsigned subject = reply->enhanced / 100 % 100, detail = reply->enhanced % 100;
    return subject == SUBJECT_ADDRESS && ((detail >= 1 && detail <= 3) || detail == 6 || detail == 10);
}

/* A refusal, and not one of a command that the server did not understand. */
static bool may_refuse_recipient(const struct reply *reply)
{
    return (reply->code >= 550 && reply->code <= 553) || (reply->code >= 450 && reply->code <= 452);
}

void smtp_note_unclear(const struct smtp_call *call, const struct reply *reply)
{
    if (reply->code >= 400 && is_about_recipient(reply)) {
        smtp_observe_unseen_recipient(call, reply);
        return;
    }
    bool accepted = reply->code == 250 || reply->code == 251;
    if (!accepted && !may_refuse_recipient(reply))
        return;
    struct smtp_rare *rare = smtp_rare(call);
    if (!rare)
        return;
    if (accepted && reply->enhanced == ENHANCED_VALID)
        rare->unclear_valid++;
    else if (accepted)
        rare->unclear_accepted++;
    else if (reply->code >= 500)
        rare->unclear_refused++;
    else
        rare->unclear_deferred++;
}

void smtp_forget_unclear(struct smtp *smtp)
{
    if (smtp->rare)
        smtp->rare->unclear_valid = smtp->rare->unclear_accepted = smtp->rare->unclear_refused =
            smtp->rare->unclear_deferred = 0;
}

static void observe_unseen_recipients(const struct smtp_call *call, uint32_t count, uint16_t code)
{
    const struct reply reply = {.code = code, .phrase = TEXT("")};
    for (uint32_t i = 0; i < count; i++)
        smtp_observe_unseen_recipient(call, &reply);
}

void smtp_settle_unclear(const struct smtp_call *call, bool explained)
{
    struct smtp *smtp = call->smtp;
    struct smtp_open_transaction *transaction = smtp_record_answering(&smtp->record);
    if (!transaction || (!smtp->rare && transaction->accepted > 0))
        return;
    const struct smtp_rare none = {0};
    const struct smtp_rare *rare = smtp->rare ? smtp->rare : &none;
    uint32_t accepted = rare->unclear_valid, refused = rare->unclear_refused, deferred = rare->unclear_deferred;
    if (accepted == 0 && transaction->accepted == 0) {
        bool mail_was_seen = transaction->entry.flags & ENTRY_ACCEPTED;
        accepted = rare->unclear_accepted - (rare->unclear_accepted > 0 && !mail_was_seen);
        bool known = (mail_was_seen || transaction->entry.flags & ENTRY_UNLISTED) && !smtp->gapped;
        if (accepted == 0 && (!explained || known))
            accepted = 1;
    }
    smtp_forget_unclear(smtp);
    observe_unseen_recipients(call, refused, 550);
    observe_unseen_recipients(call, deferred, 450);
    observe_unseen_recipients(call, accepted, 250);
}
