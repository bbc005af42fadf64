/* Amazon SES tells its users of complaints and bounces by JSON, which SNS may send as a mail. See forms.h. */
#include <jansson.h>
#include <stdlib.h>
#include "collector/complaint/forms.h"
#include "collector/complaint/kinds.h"
#include "collector/complaint/taking.h"
#include "common/json_measure.h"

#define LENGTH_MOST ((size_t)256 * 1024)
#define DEPTH_MOST  32
#define VALUES_MOST 20000

static struct text text_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)} : TEXT("");
}

/* Mail programs break long lines, also within a string, where JSON allows no line end; elsewhere it means nothing. */
static json_t *load(struct text text)
{
    char *joined = malloc(text.length + 1);
    size_t length = 0;
    json_error_t wrong;
    if (joined == NULL)
        return NULL;
    for (size_t i = 0; i < text.length; i++)
        if (text.bytes[i] != '\r' && text.bytes[i] != '\n')
            joined[length++] = text.bytes[i];
    struct json_measure measure = json_measure((struct text){joined, length});
    json_t *whole = measure.depth > DEPTH_MOST || measure.values > VALUES_MOST
                        ? NULL
                        : json_loadb(joined, length, JSON_DISABLE_EOF_CHECK, &wrong);
    free(joined);
    return whole;
}

static void take_complaint(struct complaint *complaint, const json_t *whole)
{
    const json_t *said = json_object_get(whole, "complaint"), *mail = json_object_get(whole, "mail");
    const json_t *heads = json_object_get(mail, "commonHeaders");
    struct text kind = text_at(said, "complaintFeedbackType");
    complaint->format = COMPLAINT_FORMAT_SES;
    TAKE_LINE(kind.length > 0 ? kind : TEXT("abuse"), complaint->native);
    kind_take_feedback(complaint, kind.length > 0 ? kind : TEXT("abuse"));
    TAKE_LINE(text_at(said, "feedbackId"), complaint->report_id);
    TAKE_LINE(text_at(said, "userAgent"), complaint->agent);
    complaint->sent = date_of(text_at(said, "timestamp"));
    complaint->time = date_of(text_at(mail, "timestamp"));
    TAKE_MAIL(text_at(json_array_get(json_object_get(said, "complainedRecipients"), 0), "emailAddress"),
              complaint->recipient);
    TAKE_MAIL(text_at(mail, "source"), complaint->envelope_from);
    TAKE_LINE(text_at(mail, "sourceIp"), complaint->source_text);
    address_at(text_at(mail, "sourceIp"), &complaint->source);
    TAKE_LINE(text_at(mail, "messageId"), complaint->envelope_id);
    take_message_id(text_at(heads, "messageId"), complaint->message_id, sizeof complaint->message_id);
    TAKE_LINE(text_at(heads, "subject"), complaint->subject);
}

bool ses_read(const struct mail *mail, struct complaints *complaints)
{
    struct text text = text_trim(mail_text(mail));
    if (text.length == 0 || text.length > LENGTH_MOST || text.bytes[0] != '{' ||
        text_find_nocase(text, TEXT("\"notificationType\"")) == NULL)
        return false;
    json_t *whole = load(text);
    struct text kind = text_at(whole, "notificationType");
    bool is_complaint = text_equals(kind, TEXT("Complaint"));
    struct complaint *complaint = is_complaint ? complaints_add(complaints) : NULL;
    if (complaint) {
        take_complaint(complaint, whole);
        envelope_take(mail, complaint);
        complaint->is_redacted = complaint->recipient[0] == '\0';
        complaints->found = FOUND_COMPLAINTS;
    } else if (text_equals(kind, TEXT("Bounce"))) {
        complaints->found = FOUND_BOUNCE;
    } else {
        complaints_say(complaints, "a notification of Amazon SES that cannot be read");
    }
    json_decref(whole);
    return true;
}
