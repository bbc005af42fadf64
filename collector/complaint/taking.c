/* See taking.h. */
#include "collector/complaint/taking.h"

#include <gmime/gmime.h>
#include <stdlib.h>
#include "collector/mime/line.h"

#define HEADER_MOST  2048 /* bytes of one that are looked at */
#define SECONDS_MOST INT64_C(9000000000)

/* --- texts --- */

void take_line(struct text text, char *result, size_t size)
{
    char header[HEADER_MOST];
    if (result[0] != '\0' || text.length == 0)
        return;
    if (memmem(text.bytes, text.length, "=?", 2) == NULL) {
        line_copy(text, result, size);
        return;
    }
    size_t length = text.length < sizeof header ? text.length : sizeof header - 1;
    memcpy(header, text.bytes, length);
    header[length] = '\0';
    char *decoded = g_mime_utils_header_decode_text(NULL, header);
    line_copy(text_of(decoded ? decoded : header), result, size);
    g_free(decoded);
}

static bool ends_word(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '<' || c == '>' || c == '(' || c == ')' ||
           c == ',' || c == ';' || c == '"';
}

void take_mail(struct text text, char *result, size_t size)
{
    struct text found = text_trim(text);
    const char *at = text.length ? memrchr(text.bytes, '@', text.length) : NULL;
    if (at) {
        const char *begin = at, *end = at, *stop = text.bytes + text.length;
        while (begin > text.bytes && !ends_word(begin[-1]))
            begin--;
        while (end < stop && !ends_word(*end))
            end++;
        found = (struct text){begin, (size_t)(end - begin)};
    }
    while (found.length > 0 && found.bytes[0] == '<')
        found.bytes++, found.length--;
    while (found.length > 0 && found.bytes[found.length - 1] == '>')
        found.length--;
    if (result[0] == '\0')
        line_copy(found, result, size);
}

void take_message_id(struct text text, char *result, size_t size)
{
    const char *open = text.length ? memchr(text.bytes, '<', text.length) : NULL;
    if (open) {
        text.length -= (size_t)(open + 1 - text.bytes);
        text.bytes = open + 1;
        const char *close = text.length ? memchr(text.bytes, '>', text.length) : NULL;
        if (close)
            text.length = (size_t)(close - text.bytes);
    }
    if (result[0] == '\0')
        line_copy(text, result, size);
}

void take_domain_of(const char *mail, char *result, size_t size)
{
    const char *at = strrchr(mail, '@');
    if (at == NULL || at[1] == '\0' || result[0] != '\0')
        return;
    size_t length = line_copy(text_of(at + 1), result, size);
    text_fold((struct text){result, length}, result);
}

const char *text_find_nocase(struct text whole, struct text part)
{
    for (size_t i = 0; i + part.length <= whole.length; i++)
        if (strncasecmp(whole.bytes + i, part.bytes, part.length) == 0)
            return whole.bytes + i;
    return NULL;
}

/* --- numbers and times --- */

moment date_of(struct text text)
{
    char date[96];
    moment when = 0;
    text = text_trim(text);
    if (text.length == 0 || text.length >= sizeof date)
        return 0;
    memcpy(date, text.bytes, text.length);
    date[text.length] = '\0';
    bool is_dashed = text.length >= 10 && date[4] == '-' && date[7] == '-';
    if (is_dashed && text.length >= 19 && date[10] == ' ') {
        date[10] = 'T';
        if (text.length == 19)
            date[text.length++] = 'Z';
    }
    if (is_dashed && text.length == 19)
        date[text.length++] = 'Z';
    if (is_dashed)
        return moment_parse((struct text){date, text.length}, &when) && when > 0 ? when : 0;
    GDateTime *read = memchr(date, '\0', text.length) ? NULL : g_mime_utils_header_decode_date(date);
    int64_t seconds = read ? g_date_time_to_unix(read) : 0;
    if (read)
        g_date_time_unref(read);
    return seconds > 0 && seconds < SECONDS_MOST ? seconds * SECOND : 0;
}

uint16_t port_of(struct text text)
{
    uint64_t number;
    return text_number(text_trim(text), &number) && number <= UINT16_MAX ? (uint16_t)number : 0;
}

/* --- addresses --- */

static bool is_of_address(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '.' || c == ':' ||
           c == '/';
}

bool address_at(struct text text, struct address *result)
{
    text = text_trim(text);
    while (text.length > 0 && (text.bytes[0] == '[' || text.bytes[0] == '('))
        text.bytes++, text.length--;
    if (text_starts_nocase(text, TEXT("IPv6:")))
        text.bytes += 5, text.length -= 5;
    size_t length = 0;
    while (length < text.length && is_of_address(text.bytes[length]))
        length++;
    while (length > 0 && (text.bytes[length - 1] == '.' || text.bytes[length - 1] == '/'))
        length--;
    if (address_parse((struct text){text.bytes, length}, result))
        return true;
    /* A prefix with bits beyond it, or a port behind. */
    const char *end = length ? memchr(text.bytes, '/', length) : NULL;
    if (end == NULL && length && memchr(text.bytes, '.', length))
        end = memchr(text.bytes, ':', length);
    return end && address_parse((struct text){text.bytes, (size_t)(end - text.bytes)}, result);
}

/* Inside of a word, or of a name such as 1.2.3.4.example.net, it is none. */
static bool stands_alone(struct text text, size_t begin, size_t end)
{
    static const char of_words[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_@";
    return (begin == 0 || strchr(of_words, text.bytes[begin - 1]) == NULL || text.bytes[begin - 1] == '\0') &&
           (end == text.length || strchr(of_words, text.bytes[end]) == NULL || text.bytes[end] == '\0');
}

bool address_in(struct text text, struct address *result, struct text *rest)
{
    for (size_t i = 0, length; i < text.length; i += length ? length : 1) {
        struct address found;
        length = 0;
        while (i + length < text.length && is_of_address(text.bytes[i + length]))
            length++;
        if (length < 3 || !stands_alone(text, i, i + length) ||
            !address_at((struct text){text.bytes + i, length}, &found) || address_is_special(&found))
            continue;
        *result = found;
        if (rest)
            *rest = (struct text){text.bytes + i + length, text.length - i - length};
        return true;
    }
    return false;
}

void complaint_add_address(struct complaint *complaint, const struct address *address)
{
    for (uint8_t i = 0; i < complaint->address_count; i++)
        if (address_equals(&complaint->addresses[i], address))
            return;
    if (complaint->address_count < COMPLAINT_ADDRESSES && address->family != 0)
        complaint->addresses[complaint->address_count++] = *address;
}

/* --- domains and links --- */

void complaint_add_domain(struct complaint *complaint, struct text text)
{
    char domain[sizeof complaint->domains[0]] = "";
    size_t length = line_copy(text, domain, sizeof domain);
    text_fold((struct text){domain, length}, domain);
    for (uint8_t i = 0; i < complaint->domain_count; i++)
        if (strcmp(complaint->domains[i], domain) == 0)
            return;
    if (length > 0 && complaint->domain_count < COMPLAINT_DOMAINS)
        memcpy(complaint->domains[complaint->domain_count++], domain, sizeof domain);
}

void complaint_add_link(struct complaint *complaint, struct text text)
{
    char plain[sizeof complaint->links[0]], link[sizeof complaint->links[0]] = "";
    size_t length = 0;
    text = text_trim(text);
    for (size_t i = 0; i < text.length && length + 1 < sizeof plain; i++) {
        if (text.length - i >= 3 && memcmp(text.bytes + i, "[.]", 3) == 0)
            plain[length++] = '.', i += 2;
        else
            plain[length++] = text.bytes[i];
    }
    if (length >= 4 && strncasecmp(plain, "hxxp", 4) == 0)
        plain[1] = plain[2] = 't';
    length = line_copy((struct text){plain, length}, link, sizeof link);
    for (uint8_t i = 0; i < complaint->link_count; i++)
        if (strcmp(complaint->links[i], link) == 0)
            return;
    if (length > 0 && complaint->link_count < COMPLAINT_LINKS)
        memcpy(complaint->links[complaint->link_count++], link, sizeof link);
}

struct text link_in(struct text text)
{
    for (size_t i = 0; i + 8 <= text.length; i++) {
        if ((text.bytes[i] | 0x20) != 'h')
            continue;
        struct text rest = {text.bytes + i, text.length - i};
        if (!text_starts_nocase(rest, TEXT("http://")) && !text_starts_nocase(rest, TEXT("https://")) &&
            !text_starts_nocase(rest, TEXT("hxxp://")) && !text_starts_nocase(rest, TEXT("hxxps://")))
            continue;
        size_t end = 0;
        while (end < rest.length && !ends_word(rest.bytes[end]))
            end++;
        return (struct text){rest.bytes, end};
    }
    return TEXT("");
}

/* --- complaints --- */

struct complaint *complaints_add(struct complaints *complaints)
{
    bool is_full = (complaints->count & (complaints->count - 1)) == 0; /* room is the next power of two */
    size_t room = complaints->count ? (size_t)complaints->count * 2 : 1;
    if (complaints->count >= COMPLAINTS_MOST) {
        complaints->cut = 1;
        return NULL;
    }
    if (is_full) {
        struct complaint *more = realloc(complaints->items, room * sizeof *more);
        if (more == NULL) {
            complaints->cut = 1;
            return NULL;
        }
        complaints->items = more;
    }
    struct complaint *complaint = &complaints->items[complaints->count++];
    memset(complaint, 0, sizeof *complaint);
    complaint->incidents = 1;
    complaint->type = COMPLAINT_OTHER;
    return complaint;
}

void complaints_say(struct complaints *complaints, const char *trouble)
{
    complaints->found = FOUND_BROKEN;
    line_copy(text_of(trouble), complaints->trouble, sizeof complaints->trouble);
}
