/* See redact.h. A name can be written in more ways than are known here, so what is not needed is left out rather than
 * searched: other fields, and the content. */
#include "collector/complaint/redact.h"

#include "collector/complaint/taking.h"

#define REDACTED     TEXT("redacted")
#define ENCODED      TEXT("[encoded]")
#define RECEIVERS    1024 /* addresses that are looked for */
#define NAME_MOST    128  /* bytes of a name before an "@" */
#define ENCODED_MOST 998

static const char *const kept[] = {"Received",
                                   "Return-Path",
                                   "From",
                                   "Sender",
                                   "Reply-To",
                                   "Subject",
                                   "Date",
                                   "Message-ID",
                                   "MIME-Version",
                                   "Content-Type",
                                   "User-Agent",
                                   "X-Mailer",
                                   "X-Originating-IP",
                                   "X-PHP-Originating-Script",
                                   "X-PHP-Script",
                                   "Authentication-Results",
                                   "List-ID",
                                   "Precedence",
                                   "Auto-Submitted"};
static const char *const receiving[] = {"To",
                                        "Cc",
                                        "Bcc",
                                        "Resent-To",
                                        "Resent-Cc",
                                        "Resent-Bcc",
                                        "Envelope-To",
                                        "Delivered-To",
                                        "X-Original-To",
                                        "X-Envelope-To",
                                        "X-Delivered-To",
                                        "Apparently-To",
                                        "X-Forwarded-To"};

static bool is_among(struct text name, const char *const *names, size_t count)
{
    bool found = false;
    for (size_t i = 0; i < count && !found; i++)
        found = text_equals_nocase(name, text_of(names[i]));
    return found;
}
#define IS_AMONG(name, names) is_among((name), (names), sizeof(names) / sizeof(names)[0])

/* What an address is made of where it is not quoted. */
static bool is_atom(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           (byte != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", byte) != NULL) || (unsigned char)byte >= 0x80;
}

/* --- who received it --- */

struct receivers {
    struct text addresses[RECEIVERS];
    size_t count;
};

static void add(struct receivers *receivers, struct text address)
{
    const char *at = address.length > 0 ? memrchr(address.bytes, '@', address.length) : NULL;
    if (at && at > address.bytes && at + 1 < address.bytes + address.length && receivers->count < RECEIVERS)
        receivers->addresses[receivers->count++] = address;
}

static void add_all(struct receivers *receivers, struct text value)
{
    size_t end = 0;
    for (size_t begin = 0; begin < value.length; begin = end + 1) {
        end = begin;
        while (end < value.length && (is_atom(value.bytes[end]) || value.bytes[end] == '@'))
            end++;
        add(receivers, (struct text){value.bytes + begin, end - begin});
    }
}

static void find_receivers(struct text head, const struct text *recipients, size_t count, struct receivers *result)
{
    struct field field;
    result->count = 0;
    for (size_t i = 0; i < count; i++)
        add(result, recipients[i]);
    while (field_next(&head, &field))
        if (IS_AMONG(field.name, receiving))
            add_all(result, field.value);
}

/* --- one field --- */

/* How many bytes stand between a name and its domain here: "@", "=", "%40"; 0: none. */
static size_t separator_at(struct text rest)
{
    if (rest.length >= 3 && rest.bytes[0] == '%' && rest.bytes[1] == '4' && rest.bytes[2] == '0')
        return 3;
    return rest.length > 0 && (rest.bytes[0] == '@' || rest.bytes[0] == '=');
}

/* How many bytes before `at` are the name of a receiver whose domain stands behind the separator; 0: none. */
static size_t name_before(const struct receivers *receivers, struct text value, size_t at, size_t separator)
{
    struct text before = {value.bytes, at};
    struct text behind = {value.bytes + at + separator, value.length - at - separator};
    size_t longest = 0;
    for (size_t i = 0; i < receivers->count; i++) {
        struct text domain = receivers->addresses[i];
        const char *sign = memrchr(domain.bytes, '@', domain.length);
        struct text name = {domain.bytes, (size_t)(sign - domain.bytes)};
        domain = (struct text){sign + 1, domain.length - name.length - 1};
        if (name.length > longest && text_starts_nocase(behind, domain) && text_ends_nocase(before, name))
            longest = name.length;
    }
    return longest;
}

static size_t any_name_before(struct text value, size_t at)
{
    size_t length = 0;
    while (length < at && length < NAME_MOST && is_atom(value.bytes[at - length - 1]))
        length++;
    return length;
}

/* The length of an encoded word that begins here; 0: none does. */
static size_t encoded_at(struct text rest)
{
    if (!text_starts_nocase(rest, TEXT("=?")))
        return 0;
    size_t most = rest.length < ENCODED_MOST ? rest.length : ENCODED_MOST, marks = 0;
    for (size_t i = 2; i + 1 < most; i++) {
        marks += rest.bytes[i] == '?';
        if (marks >= 3 && rest.bytes[i] == '?' && rest.bytes[i + 1] == '=')
            return i + 2;
    }
    return 0;
}

static bool write_value(const struct receivers *receivers, struct text value, bool all, struct buffer *out)
{
    bool fits = true;
    size_t from = 0; /* what stands before it is written */
    for (size_t at = 0; at < value.length && fits; at++) {
        struct text rest = {value.bytes + at, value.length - at};
        size_t encoded = encoded_at(rest), separator = separator_at(rest), name = 0;
        if (separator > 0 && encoded == 0)
            name =
                all && rest.bytes[0] == '@' ? any_name_before(value, at) : name_before(receivers, value, at, separator);
        if (encoded == 0 && (name == 0 || name > at - from))
            continue;
        fits = buffer_append(out, (struct text){value.bytes + from, at - name - from}) &&
               buffer_append(out, encoded ? ENCODED : REDACTED);
        from = at + encoded;
        at += encoded ? encoded - 1 : 0;
    }
    return fits && buffer_append(out, (struct text){value.bytes + from, value.length - from});
}

bool redact_head(struct text head, const struct text *recipients, size_t count, struct buffer *out)
{
    struct receivers receivers;
    struct field field;
    bool fits = true;
    if (head.length > REDACT_HEAD_MOST)
        head.length = REDACT_HEAD_MOST;
    find_receivers(head, recipients, count, &receivers);
    while (fits && field_next(&head, &field))
        if (IS_AMONG(field.name, kept))
            fits = buffer_append(out, field.name) && buffer_append(out, TEXT(": ")) &&
                   write_value(&receivers, field.value, text_equals_nocase(field.name, TEXT("Received")), out) &&
                   buffer_append(out, TEXT("\r\n"));
    return fits;
}

bool redact_path(struct text head, const struct text *recipients, size_t count, struct text path, struct buffer *out)
{
    struct receivers receivers;
    if (head.length > REDACT_HEAD_MOST)
        head.length = REDACT_HEAD_MOST;
    find_receivers(head, recipients, count, &receivers);
    return write_value(&receivers, path, false, out);
}

bool redact_address(struct text address, struct buffer *out)
{
    const char *at = address.length > 0 ? memrchr(address.bytes, '@', address.length) : NULL;
    return buffer_append(out, REDACTED) &&
           (at == NULL || buffer_append(out, (struct text){at, (size_t)(address.bytes + address.length - at)}));
}
