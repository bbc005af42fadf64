/* See complaint.h. */
#include "collector/complaint/complaint.h"

#include <stdlib.h>

const char *complaint_format_name(enum complaint_format format)
{
    static const char *const names[COMPLAINT_FORMATS] = {
        [COMPLAINT_FORMAT_NONE] = "",
        [COMPLAINT_FORMAT_ARF] = "arf",
        [COMPLAINT_FORMAT_XARF] = "xarf",
        [COMPLAINT_FORMAT_XARF_MAIL] = "x-arf",
        [COMPLAINT_FORMAT_JMRP] = "jmrp",
        [COMPLAINT_FORMAT_SPAMCOP] = "spamcop",
        [COMPLAINT_FORMAT_SPAMHAUS] = "spamhaus",
        [COMPLAINT_FORMAT_NETCRAFT] = "netcraft",
        [COMPLAINT_FORMAT_SES] = "ses",
        [COMPLAINT_FORMAT_SHADOWSERVER] = "shadowserver",
    };
    return (unsigned)format < COMPLAINT_FORMATS ? names[format] : "";
}

const char *complaint_finding_name(enum complaint_finding finding)
{
    static const char *const names[COMPLAINT_FINDINGS] = {
        [FOUND_COMPLAINTS] = "complaint", [FOUND_BOUNCE] = "bounce", [FOUND_REPLY] = "reply",
        [FOUND_OTHER] = "other",          [FOUND_BROKEN] = "broken",
    };
    return (unsigned)finding < COMPLAINT_FINDINGS ? names[finding] : "";
}

void complaints_clear(struct complaints *complaints)
{
    free(complaints->items);
    *complaints = (struct complaints){0};
}

/* --- soundness --- */

static bool is_printable(const char *text, size_t size)
{
    char printable[256];
    size_t length = strnlen(text, size);
    if (length == size || size > sizeof printable)
        return false;
    return text_copy_printable((struct text){text, length}, printable, size) == length &&
           memcmp(text, printable, length) == 0;
}

static bool is_address(const struct address *address)
{
    size_t used = address->family == 0 ? 0 : address->family == 4 ? 4 : 16;
    bool is_sound = address->family == 0   ? address->prefix == 0
                    : address->family == 4 ? address->prefix <= 32
                                           : address->family == 6 && address->prefix <= 128;
    for (size_t i = used; i < sizeof address->bytes && is_sound; i++)
        is_sound = address->bytes[i] == 0;
    return is_sound;
}

static bool are_texts_sound(const struct complaint *complaint)
{
#define SOUND(field) is_printable(complaint->field, sizeof complaint->field)
    size_t digits = strnlen(complaint->body, sizeof complaint->body);
    bool are_sound = SOUND(native) && SOUND(version) && SOUND(category) && SOUND(kind) && SOUND(reporter) &&
                     SOUND(reporter_address) && SOUND(on_behalf) && SOUND(report_id) && SOUND(agent) &&
                     SOUND(source_text) && SOUND(message_id) && SOUND(envelope_id) && SOUND(envelope_from) &&
                     SOUND(header_from) && SOUND(subject) && SOUND(recipient) && SOUND(authentic) && SOUND(authserv);
    for (size_t i = 0; i < COMPLAINT_DOMAINS; i++)
        are_sound = are_sound && SOUND(domains[i]);
    for (size_t i = 0; i < COMPLAINT_LINKS; i++)
        are_sound = are_sound && SOUND(links[i]);
    return are_sound && (digits == 0 || digits == sizeof complaint->body - 1) &&
           strspn(complaint->body, "0123456789abcdef") == digits;
#undef SOUND
}

bool complaint_is_sound(const struct complaint *complaint)
{
    bool are_addresses = is_address(&complaint->source) && is_address(&complaint->destination);
    for (size_t i = 0; i < COMPLAINT_ADDRESSES; i++)
        are_addresses = are_addresses && is_address(&complaint->addresses[i]);
    return complaint->format < COMPLAINT_FORMATS && complaint->type <= COMPLAINT_OTHER && complaint->incidents > 0 &&
           complaint->is_redacted <= 1 && complaint->has_original <= 1 &&
           complaint->address_count <= COMPLAINT_ADDRESSES && complaint->domain_count <= COMPLAINT_DOMAINS &&
           complaint->link_count <= COMPLAINT_LINKS && complaint->time >= 0 && complaint->sent >= 0 && are_addresses &&
           are_texts_sound(complaint);
}
