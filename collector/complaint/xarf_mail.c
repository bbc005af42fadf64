/* X-ARF 0.1 and 0.2, as blocklist.de, Netcraft and fail2ban send it: a text part of "Name: value" lines beside one for
 * people. See forms.h. */
#include "collector/complaint/forms.h"
#include "collector/complaint/kinds.h"
#include "collector/complaint/original.h"
#include "collector/complaint/taking.h"

/* Values may stand in quotes, as YAML allows. */
static struct text plain(struct text value)
{
    char quote = value.length >= 2 ? value.bytes[0] : '\0';
    bool is_quoted = (quote == '\'' || quote == '"') && value.bytes[value.length - 1] == quote;
    return is_quoted ? (struct text){value.bytes + 1, value.length - 2} : value;
}

static void take_source(struct complaint *complaint, struct text source)
{
    TAKE_LINE(source, complaint->source_text);
    if (address_at(source, &complaint->source))
        return;
    if (link_in(source).length > 0)
        complaint_add_link(complaint, source);
    else
        complaint_add_domain(complaint, source);
}

static void take_lines(struct complaint *complaint, struct text lines)
{
    struct field field;
    struct text category = TEXT(""), kind = TEXT("");
    while (field_next(&lines, &field)) {
        struct text value = plain(field.value);
        if (text_equals_nocase(field.name, TEXT("Category")))
            category = value;
        else if (text_equals_nocase(field.name, TEXT("Report-Type")))
            kind = value;
        else if (text_equals_nocase(field.name, TEXT("Source")))
            take_source(complaint, value);
        else if (text_equals_nocase(field.name, TEXT("Source-Port")))
            complaint->source_port = port_of(value);
        else if (text_equals_nocase(field.name, TEXT("Port")) ||
                 text_equals_nocase(field.name, TEXT("Destination-Port")))
            complaint->destination_port = port_of(value);
        else if (text_equals_nocase(field.name, TEXT("Destination")))
            address_at(value, &complaint->destination);
        else if (text_equals_nocase(field.name, TEXT("Date")))
            complaint->time = date_of(value);
        else if (text_equals_nocase(field.name, TEXT("Report-ID")))
            TAKE_LINE(value, complaint->report_id);
        else if (text_equals_nocase(field.name, TEXT("Reported-From")))
            TAKE_MAIL(value, complaint->reporter_address);
        else if (text_equals_nocase(field.name, TEXT("User-Agent")))
            TAKE_LINE(value, complaint->agent);
        else if (text_equals_nocase(field.name, TEXT("Version")))
            TAKE_LINE(value, complaint->version);
        else if (text_equals_nocase(field.name, TEXT("Domain")))
            complaint_add_domain(complaint, value);
    }
    if (!kind_take_legacy(complaint, kind))
        kind_take_feedback(complaint, category);
    TAKE_LINE(kind.length > 0 ? kind : category, complaint->native);
    take_domain_of(complaint->reporter_address, complaint->reporter, sizeof complaint->reporter);
}

static bool are_lines(struct text text)
{
    return text_find_nocase(text, TEXT("Report-Type:")) != NULL && field_find(text, "Report-Type").length > 0 &&
           field_find(text, "Source").length > 0;
}

bool xarf_mail_read_lines(struct text lines, struct complaints *complaints)
{
    if (!are_lines(lines))
        return false;
    struct complaint *complaint = complaints_add(complaints);
    if (complaint == NULL)
        return true;
    complaint->format = COMPLAINT_FORMAT_XARF_MAIL;
    complaint->is_redacted = 1;
    take_lines(complaint, lines);
    complaints->found = FOUND_COMPLAINTS;
    return true;
}

bool xarf_mail_read(const struct mail *mail, struct complaints *complaints)
{
    const struct mail_part *original = mail_find_original(mail);
    uint32_t before = complaints->count;
    bool is_called = field_find(mail->head, "X-ARF").length > 0 || field_find(mail->head, "X-XARF").length > 0;
    for (size_t i = is_called ? 0 : 1; i < mail->count; i++)
        if (strncmp(mail->parts[i].type, "text/", 5) == 0)
            xarf_mail_read_lines(mail->parts[i].bytes, complaints);
    for (uint32_t i = before; i < complaints->count; i++) {
        if (original)
            original_take(&complaints->items[i], original->bytes);
        envelope_take(mail, &complaints->items[i]);
    }
    return complaints->count > before;
}
