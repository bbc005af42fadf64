/* ARF (RFC 5965), with the fields of RFC 6591, and what Yahoo, AOL and Validity write into it. See forms.h. */
#include "collector/complaint/forms.h"
#include "collector/complaint/kinds.h"
#include "collector/complaint/original.h"
#include "collector/complaint/taking.h"
#include "collector/mime/line.h"

struct arf {
    struct complaint *complaint;
    struct text feedback, failure, removal;
    bool is_redacted;
};

static bool is(struct field field, const char *name)
{
    return text_equals_nocase(field.name, text_of(name));
}

static void take_source(struct complaint *complaint, struct text value)
{
    TAKE_LINE(value, complaint->source_text);
    if (complaint->source.family == 0)
        address_at(value, &complaint->source);
}

static void take_count(struct complaint *complaint, struct text value)
{
    uint64_t number;
    if (text_number(value, &number) && number > 0)
        complaint->incidents = number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

/* Where and when it came from. */
static bool take_place(struct arf *arf, struct field field)
{
    struct complaint *complaint = arf->complaint;
    if (is(field, "Source-IP"))
        take_source(complaint, field.value);
    else if (is(field, "Source-Port"))
        complaint->source_port = port_of(field.value);
    else if (is(field, "Arrival-Date") || is(field, "Received-Date"))
        complaint->time = complaint->time ? complaint->time : date_of(field.value);
    else if (is(field, "Incidents"))
        take_count(complaint, field.value);
    else if (is(field, "Reported-Domain"))
        complaint_add_domain(complaint, field.value);
    else if (is(field, "Reported-URI"))
        complaint_add_link(complaint, field.value);
    else
        return false;
    return true;
}

static void take_field(struct arf *arf, struct field field)
{
    struct complaint *complaint = arf->complaint;
    if (take_place(arf, field))
        return;
    if (is(field, "Feedback-Type") && arf->feedback.length == 0)
        arf->feedback = field.value;
    else if (is(field, "Auth-Failure"))
        arf->failure = field.value;
    else if (is(field, "User-Agent"))
        TAKE_LINE(field.value, complaint->agent);
    else if (is(field, "Version"))
        TAKE_LINE(field.value, complaint->version);
    else if (is(field, "Original-Envelope-Id"))
        TAKE_LINE(field.value, complaint->envelope_id);
    else if (is(field, "Original-Mail-From"))
        TAKE_MAIL(field.value, complaint->envelope_from);
    else if (is(field, "Original-Rcpt-To"))
        TAKE_MAIL(field.value, complaint->recipient);
    else if (is(field, "Removal-Recipient"))
        arf->removal = field.value;
    else if (is(field, "Redacted-Address"))
        arf->is_redacted = true;
    else if (is(field, "Message-ID"))
        take_message_id(field.value, complaint->message_id, sizeof complaint->message_id);
    else if (is(field, "Source"))
        TAKE_LINE(field.value, complaint->on_behalf);
}

/* RFC 6590 has it hidden in whatever way its reporter likes: by a word, or a digest in place of the name. */
static bool looks_redacted(const char *recipient)
{
    const char *at = strchr(recipient, '@');
    size_t name = at ? (size_t)(at - recipient) : 0;
    return at == NULL || name == 0 || text_find_nocase(text_of(recipient), TEXT("redacted")) != NULL ||
           (name >= 32 && strspn(recipient, "0123456789abcdefABCDEF") >= name);
}

bool arf_read(const struct mail *mail, struct complaints *complaints)
{
    const struct mail_part *report = mail_find_part(mail, "message/feedback-report");
    for (size_t i = 0; i < mail->count && report == NULL && strcmp(mail->report_type, "feedback-report") == 0; i++)
        if (text_find_nocase(mail->parts[i].bytes, TEXT("Feedback-Type:")) != NULL)
            report = &mail->parts[i];
    if (report == NULL && strcmp(mail->report_type, "feedback-report") != 0)
        return false;
    struct arf arf = {
        .complaint = complaints_add(complaints), .feedback = TEXT(""), .failure = TEXT(""), .removal = TEXT("")};
    const struct mail_part *original = mail_find_original(mail);
    if (arf.complaint == NULL)
        return true;
    struct text lines = report ? report->bytes : TEXT("");
    for (struct field field; field_next(&lines, &field);)
        take_field(&arf, field);
    arf.complaint->format = COMPLAINT_FORMAT_ARF;
    kind_take_feedback(arf.complaint, arf.feedback);
    TAKE_LINE(arf.feedback, arf.complaint->native);
    if (arf.failure.length > 0 && strlen(arf.complaint->native) + 2 < sizeof arf.complaint->native) {
        size_t length = strlen(arf.complaint->native);
        arf.complaint->native[length] = '/';
        line_copy(arf.failure, arf.complaint->native + length + 1, sizeof arf.complaint->native - length - 1);
    }
    TAKE_MAIL(arf.removal, arf.complaint->recipient);
    if (original)
        original_take(arf.complaint, original->bytes);
    arf.complaint->is_redacted = arf.is_redacted || looks_redacted(arf.complaint->recipient);
    envelope_take(mail, arf.complaint);
    if (arf.feedback.length == 0)
        complaints_say(complaints, "a report without Feedback-Type");
    else
        complaints->found = FOUND_COMPLAINTS;
    return true;
}
