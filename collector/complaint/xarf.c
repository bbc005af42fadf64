/* XARF in JSON: version 4, and versions 1 to 3, whose words become those of 4. Taken is what can be understood: a
 * report that its schema would refuse for a detail still says who did what. See forms.h. */
#include <jansson.h>
#include "collector/complaint/forms.h"
#include "collector/complaint/kinds.h"
#include "collector/complaint/original.h"
#include "collector/complaint/taking.h"
#include "common/json_measure.h"

#define LENGTH_MOST ((size_t)24 * 1024 * 1024)
#define DEPTH_MOST  32
#define VALUES_MOST 200000
#define EVIDENCE    50 /* as many as version 4 allows */

static struct text text_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? (struct text){json_string_value(value), json_string_length(value)} : TEXT("");
}

static struct text text_of_either(const json_t *object, const char *key, const char *other)
{
    struct text text = text_at(object, key);
    return text.length > 0 ? text : text_at(object, other);
}

static uint64_t number_at(const json_t *object, const char *key, uint64_t most)
{
    const json_t *value = json_object_get(object, key);
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : 0;
    return number <= 0 ? 0 : (uint64_t)number < most ? (uint64_t)number : most;
}

static uint16_t port_at(const json_t *object, const char *key)
{
    uint64_t number = number_at(object, key, UINT32_MAX);
    return number <= UINT16_MAX ? (uint16_t)number : 0;
}

/* An address, a name, or a link. */
static void take_source(struct complaint *complaint, struct text source)
{
    TAKE_LINE(source, complaint->source_text);
    if (complaint->source.family == 0 && address_at(source, &complaint->source))
        return;
    if (link_in(source).length > 0)
        complaint_add_link(complaint, source);
    else if (source.length > 0 && memchr(source.bytes, ' ', source.length) == NULL)
        complaint_add_domain(complaint, source);
}

static void take_evidence(struct complaint *complaint, const json_t *evidence)
{
    for (size_t i = 0; i < json_array_size(evidence) && i < EVIDENCE && !complaint->has_original; i++) {
        const json_t *item = json_array_get(evidence, i);
        struct text type = text_of_either(item, "content_type", "ContentType");
        struct text payload = text_of_either(item, "payload", "Payload");
        const json_t *is_encoded = json_object_get(item, "Base64Encoded");
        if (payload.length == 0)
            payload = text_at(item, "Data");
        if (!text_starts_nocase(type, TEXT("message/")) && !text_starts_nocase(type, TEXT("text/rfc822")))
            continue;
        if (json_is_false(is_encoded)) {
            original_take(complaint, payload);
            continue;
        }
        gsize length;
        guchar *bytes = g_base64_decode(payload.bytes, &length);
        original_take(complaint, (struct text){(const char *)bytes, length});
        g_free(bytes);
    }
}

/* --- version 4 --- */

static void take_reporter(struct complaint *complaint, const json_t *reporter)
{
    struct text domain = text_at(reporter, "domain");
    TAKE_MAIL(text_at(reporter, "contact"), complaint->reporter_address);
    TAKE_LINE(domain, complaint->reporter);
    take_domain_of(complaint->reporter_address, complaint->reporter, sizeof complaint->reporter);
    TAKE_LINE(text_at(reporter, "org"), complaint->reporter);
    text_fold(text_of(complaint->reporter), complaint->reporter);
}

static void take_four(struct complaints *complaints, struct complaint *complaint, const json_t *report)
{
    struct text category = text_of_either(report, "category", "class"), kind = text_at(report, "type");
    bool is_known = kind_take(complaint, category, kind);
    snprintf(complaint->native, sizeof complaint->native, "%s/%s", complaint->category, complaint->kind);
    take_reporter(complaint, json_object_get(report, "reporter"));
    if (json_object_get(report, "sender"))
        TAKE_LINE(text_at(json_object_get(report, "sender"), "org"), complaint->agent);
    take_source(complaint, text_at(report, "source_identifier"));
    complaint->source_port = port_at(report, "source_port");
    address_at(text_at(report, "destination_ip"), &complaint->destination);
    complaint->destination_port = port_at(report, "destination_port");
    complaint->sent = date_of(text_at(report, "timestamp"));
    complaint->time = date_of(text_of_either(report, "first_seen", "timestamp"));
    TAKE_LINE(text_at(report, "report_id"), complaint->report_id);
    take_message_id(text_at(report, "message_id"), complaint->message_id, sizeof complaint->message_id);
    TAKE_LINE(text_at(report, "subject"), complaint->subject);
    TAKE_MAIL(text_at(report, "smtp_from"), complaint->envelope_from);
    TAKE_MAIL(text_of_either(report, "smtp_to", "recipient"), complaint->recipient);
    complaint_add_link(complaint, text_at(report, "url"));
    take_evidence(complaint, json_object_get(report, "evidence"));
    if (!is_known || kind.length == 0)
        complaints_say(complaints, "XARF 4 without a category or a type that is known");
    else if (complaint->source_text[0] == '\0')
        complaints_say(complaints, "XARF 4 without a source_identifier");
}

/* --- versions 1 to 3 --- */

static void take_legacy_reporter(struct complaint *complaint, const json_t *reporter, const json_t *behalf)
{
    TAKE_MAIL(text_of_either(reporter, "ReporterContactEmail", "ReporterOrgEmail"), complaint->reporter_address);
    TAKE_LINE(text_at(reporter, "ReporterOrgDomain"), complaint->reporter);
    take_domain_of(complaint->reporter_address, complaint->reporter, sizeof complaint->reporter);
    TAKE_LINE(text_of_either(reporter, "ReporterOrg", "ReporterContactName"), complaint->reporter);
    text_fold(text_of(complaint->reporter), complaint->reporter);
    TAKE_LINE(text_of_either(behalf, "ComplainantOrg", "ComplainantContactName"), complaint->on_behalf);
}

static void take_legacy_source(struct complaint *complaint, const json_t *report)
{
    const json_t *source = json_object_get(report, "Source");
    take_source(complaint, text_at(report, "SourceIp"));
    take_source(complaint, text_at(source, "IP"));
    complaint->source_port = port_at(report, "SourcePort");
    if (complaint->source_port == 0)
        complaint->source_port = port_at(source, "Port");
    complaint_add_link(complaint, text_of_either(report, "SourceUrl", "Url"));
    complaint_add_link(complaint, text_at(source, "URL"));
    if (complaint->link_count > 0)
        TAKE_LINE(text_of(complaint->links[0]), complaint->source_text);
    address_at(text_at(report, "DestinationIp"), &complaint->destination);
    complaint->destination_port = port_at(report, "DestinationPort");
}

static void take_legacy(struct complaints *complaints, struct complaint *complaint, const json_t *whole)
{
    const json_t *report = json_object_get(whole, "Report");
    struct text class = text_at(report, "ReportClass"), kind = text_at(report, "ReportType");
    char name[23] = "", type[40] = ""; /* with a stroke between they fit, and none is cut inside of a character */
    TAKE_LINE(class, name);
    TAKE_LINE(kind, type);
    snprintf(complaint->native, sizeof complaint->native, "%s/%s", name, type);
    bool is_known = kind_take_legacy(complaint, kind);
    take_legacy_reporter(complaint, json_object_get(whole, "ReporterInfo"), json_object_get(whole, "OnBehalfOf"));
    take_legacy_source(complaint, report);
    complaint->time = date_of(text_of_either(report, "Date", "FirstSeen"));
    complaint->incidents = (uint32_t)number_at(report, "NumberOfIncidents", UINT32_MAX);
    if (complaint->incidents == 0)
        complaint->incidents = 1;
    TAKE_LINE(text_at(report, "ReportID"), complaint->report_id);
    TAKE_LINE(text_at(report, "Subject"), complaint->subject);
    TAKE_MAIL(text_of_either(report, "SmtpMailFromAddress", "From"), complaint->envelope_from);
    TAKE_LINE(text_at(report, "SmtpMessageSubject"), complaint->subject);
    TAKE_MAIL(text_at(report, "SmtpRcptToAddress"), complaint->recipient);
    take_evidence(complaint, json_object_get(report, "Samples"));
    take_evidence(complaint, json_object_get(report, "Attachment"));
    if (class.length == 0 || kind.length == 0)
        complaints_say(complaints, "XARF without ReportClass and ReportType");
    else if (!is_known)
        complaints_say(complaints, "XARF of a ReportType that is not known");
}

/* --- the whole --- */

static void take_report(struct complaints *complaints, const json_t *report)
{
    bool is_four = json_object_get(report, "xarf_version") || json_object_get(report, "source_identifier") ||
                   json_object_get(report, "category");
    if (!is_four && !json_is_object(json_object_get(report, "Report"))) {
        complaints_say(complaints, "JSON, but not XARF: neither xarf_version nor Report");
        return;
    }
    struct complaint *complaint = complaints_add(complaints);
    if (complaint == NULL)
        return;
    complaint->format = COMPLAINT_FORMAT_XARF;
    TAKE_LINE(text_of_either(report, "xarf_version", "Version"), complaint->version);
    if (is_four)
        take_four(complaints, complaint, report);
    else
        take_legacy(complaints, complaint, report);
    complaint->is_redacted = complaint->recipient[0] == '\0';
}

bool xarf_read(struct text content, struct complaints *complaints)
{
    content = text_trim(content);
    if (content.length == 0 || (content.bytes[0] != '{' && content.bytes[0] != '['))
        return false;
    struct json_measure measure = json_measure(content);
    if (content.length > LENGTH_MOST || measure.depth > DEPTH_MOST || measure.values > VALUES_MOST) {
        complaints_say(complaints, "JSON that is larger or deeper than any report");
        return true;
    }
    json_error_t wrong;
    json_t *whole = json_loadb(content.bytes, content.length, 0, &wrong);
    uint32_t before = complaints->count;
    if (whole == NULL)
        complaints_say(complaints, "JSON that cannot be read");
    else if (json_is_object(whole))
        take_report(complaints, whole);
    for (size_t i = 0; i < json_array_size(whole); i++)
        take_report(complaints, json_array_get(whole, i));
    if (complaints->found != FOUND_BROKEN && complaints->count > before)
        complaints->found = FOUND_COMPLAINTS;
    else if (complaints->found != FOUND_BROKEN)
        complaints_say(complaints, "an empty list of reports");
    json_decref(whole);
    return true;
}

bool xarf_mail_read_json(const struct mail *mail, struct complaints *complaints)
{
    bool is_any = false;
    for (size_t i = 0; i < mail->count; i++) {
        const struct mail_part *part = &mail->parts[i];
        struct text file = text_of(part->name);
        bool is_json = strcmp(part->type, "application/json") == 0 || strcmp(part->type, "text/json") == 0 ||
                       text_ends_nocase(file, TEXT(".json")) || strcmp(part->type, "application/xarf+json") == 0;
        if (is_json && (memmem(part->bytes.bytes, part->bytes.length, "xarf_version", 12) != NULL ||
                        memmem(part->bytes.bytes, part->bytes.length, "ReportClass", 11) != NULL))
            is_any = xarf_read(part->bytes, complaints) || is_any;
    }
    for (uint32_t i = 0; is_any && i < complaints->count; i++)
        envelope_take(mail, &complaints->items[i]);
    return is_any;
}
