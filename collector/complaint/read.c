/* Which form it is. See complaint.h.
 *
 * What says of itself what it is comes before what is known by its looks; a bounce before what is inside of it: that
 * came from here and is nobody's complaint. A complaint that somebody forwards as a whole is read as if it had come
 * itself. */
#include <stdlib.h>
#include "collector/complaint/forms.h"
#include "collector/complaint/original.h"
#include "collector/complaint/taking.h"

/* Line ends of old Macs are none to MIME. NULL: there are others, or no memory. */
static char *mend_lines(struct text content)
{
    if (content.length == 0 || memchr(content.bytes, '\n', content.length) ||
        memchr(content.bytes, '\r', content.length) == NULL)
        return NULL;
    char *mended = malloc(content.length);
    for (size_t i = 0; mended && i < content.length; i++)
        mended[i] = content.bytes[i] == '\r' ? '\n' : content.bytes[i];
    return mended;
}

/* A byte order mark, empty lines, and the line that an mbox puts before a message. */
static struct text skip_before(struct text content)
{
    if (content.length >= 3 && memcmp(content.bytes, "\xef\xbb\xbf", 3) == 0)
        content.bytes += 3, content.length -= 3;
    for (bool again = true; again && content.length > 0;) {
        const char *end = memchr(content.bytes, '\n', content.length);
        struct text line = {content.bytes, end ? (size_t)(end - content.bytes) : content.length};
        again = end && (text_trim(line).length == 0 || text_starts_nocase(line, TEXT("From ")) ||
                        text_starts_nocase(line, TEXT(">From ")));
        if (again)
            content = (struct text){end + 1, content.length - line.length - 1};
    }
    return content;
}

static bool read_forms(const struct mail *mail, struct complaints *complaints)
{
    static bool (*const forms[])(const struct mail *, struct complaints *) = {
        arf_read, xarf_mail_read_json, xarf_mail_read, shadowserver_read_mail, desks_read, ses_read, bounce_read,
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (forms[i](mail, complaints))
            return true;
    return false;
}

/* Somebody's own words: for a person, who is shown the source that the subject names, and the message, if any. */
static void take_other(const struct mail *mail, struct complaints *complaints)
{
    struct complaint *complaint = complaints_add(complaints);
    const struct mail_part *original = mail_find_original(mail);
    struct text subject = field_find(mail->head, "Subject");
    complaints->found = FOUND_OTHER;
    if (complaint == NULL)
        return;
    address_in(subject, &complaint->source, NULL);
    if (original)
        original_take(complaint, original->bytes);
    TAKE_LINE(subject, complaint->subject);
    complaint->is_redacted = complaint->recipient[0] == '\0';
    envelope_take(mail, complaint);
}

/* The complaint that is attached to somebody's mail. */
static bool read_inside(const struct mail *mail, struct complaints *complaints)
{
    const struct mail_part *part = mail_find_part(mail, "message/rfc822");
    if (part == NULL)
        return false;
    struct mail *inner = malloc(sizeof *inner);
    if (inner == NULL)
        return false;
    mail_open(part->bytes, inner);
    bool is_one = read_forms(inner, complaints) && complaints->found == FOUND_COMPLAINTS;
    mail_close(inner);
    free(inner);
    if (!is_one)
        complaints_clear(complaints);
    return is_one;
}

static void read_mail(struct text content, struct complaints *complaints)
{
    struct mail *mail = malloc(sizeof *mail);
    if (mail == NULL) {
        complaints_say(complaints, "no memory to read it");
        return;
    }
    mail_open(content, mail);
    if (read_forms(mail, complaints))
        for (uint32_t i = 0; i < complaints->count; i++)
            authentic_take(mail, &complaints->items[i]);
    else if (!read_inside(mail, complaints))
        take_other(mail, complaints);
    mail_close(mail);
    free(mail);
}

void complaints_read(struct text content, struct complaints *result)
{
    *result = (struct complaints){.found = FOUND_OTHER};
    char *mended = mend_lines(content);
    struct text whole = skip_before(mended ? (struct text){mended, content.length} : content);
    bool is_mail =
        field_find(head_of(whole, NULL), "From").length > 0 || field_find(head_of(whole, NULL), "Received").length > 0;
    if (is_mail || !(xarf_read(whole, result) || shadowserver_read(whole, TEXT(""), result) ||
                     xarf_mail_read_lines(whole, result)))
        read_mail(whole, result);
    if (result->found == FOUND_COMPLAINTS && result->count == 0)
        complaints_say(result, "no memory to read it");
    free(mended);
}
