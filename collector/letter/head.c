/* See head.h. */
#include "collector/letter/head.h"

#include <stdio.h>
#include "collector/letter/encode.h"
#include "collector/letter/plain.h"
#include "common/cleanup.h"

#define LINE      76
#define WORD_MOST 400 /* bytes without a blank that stand in one line; longer ones are encoded, which folds */
#define NAME_MOST 60  /* bytes of a name that is not encoded */
#define ID_MOST   250
#define FILE_MOST 120 /* bytes of a file's name */

#define ATOM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~"

static bool is_ascii(struct text text)
{
    for (size_t i = 0; i < text.length; i++)
        if ((unsigned char)text.bytes[i] < 0x20 || (unsigned char)text.bytes[i] >= 0x7f)
            return false;
    return true;
}

/* Not what a reader would decode, "=?", and of words that fit into lines. */
static bool is_plain(struct text text)
{
    size_t word = 0;
    for (size_t i = 0; i < text.length; i++) {
        word = text.bytes[i] == ' ' ? 0 : word + 1;
        if (word > WORD_MOST || (i > 0 && text.bytes[i] == '?' && text.bytes[i - 1] == '='))
            return false;
    }
    return is_ascii(text);
}

static bool fold(struct text value, size_t column, struct buffer *result)
{
    for (bool is_first = true; value.length > 0; is_first = false) {
        struct text word = text_split(&value, ' ');
        bool is_next_line = !is_first && column + 1 + word.length > LINE;
        if ((is_next_line && !buffer_append(result, TEXT("\r\n"))) || (!is_first && !buffer_append_byte(result, ' ')) ||
            !buffer_append(result, word))
            return false;
        column = (is_next_line ? 0 : column) + 1 + word.length;
    }
    return true;
}

bool head_text(const char *name, struct text value, struct buffer *result)
{
    CLEANUP(buffer_clear) struct buffer line;
    size_t column = strlen(name) + 2;
    buffer_init(&line, 3 * value.length + 1);
    if (!plain_line(value, &line) || !buffer_printf(result, "%s: ", name))
        return false;
    struct text text = buffer_text(&line);
    bool is_whole = is_plain(text) ? fold(text, column, result) : encode_words(text, column, result);
    return is_whole && buffer_append(result, TEXT("\r\n"));
}

/* --- addresses --- */

static bool put_quoted(struct text name, struct buffer *result)
{
    bool is_whole = buffer_append_byte(result, '"');
    for (size_t i = 0; i < name.length && is_whole; i++)
        is_whole = (!strchr("\"\\", name.bytes[i]) || buffer_append_byte(result, '\\')) &&
                   buffer_append_byte(result, name.bytes[i]);
    return is_whole && buffer_append_byte(result, '"');
}

static bool put_name(struct text name, size_t column, struct buffer *result)
{
    bool is_atoms = true;
    for (size_t i = 0; i < name.length && is_atoms; i++)
        is_atoms = name.bytes[i] == ' ' || (name.bytes[i] && strchr(ATOM, name.bytes[i]));
    if (!is_plain(name) || name.length > NAME_MOST)
        return encode_words(name, column, result);
    return is_atoms ? buffer_append(result, name) : put_quoted(name, result);
}

static bool put_address(const struct draft_address *address, size_t column, struct buffer *result)
{
    CLEANUP(buffer_clear) struct buffer name;
    buffer_init(&name, 3 * address->name.length + 1);
    if (!plain_line(address->name, &name))
        return false;
    if (name.length == 0)
        return buffer_append(result, address->address);
    /* The address in a line of its own where the name is long: no line passes 78 but by a long address. */
    bool is_long = name.length + address->address.length > 50;
    return put_name(buffer_text(&name), column, result) &&
           buffer_append(result, is_long ? TEXT("\r\n <") : TEXT(" <")) && buffer_append(result, address->address) &&
           buffer_append_byte(result, '>');
}

bool head_addresses(const char *name, const struct draft_address *addresses, size_t count, struct buffer *result)
{
    if (!buffer_printf(result, "%s: %s", name, count == 0 ? "undisclosed-recipients:;" : ""))
        return false;
    for (size_t i = 0; i < count; i++) {
        if ((i > 0 && !buffer_append(result, TEXT(",\r\n "))) ||
            !put_address(&addresses[i], i == 0 ? strlen(name) + 2 : 1, result))
            return false;
    }
    return buffer_append(result, TEXT("\r\n"));
}

static bool is_domain(struct text domain)
{
    bool is_literal = domain.length > 2 && domain.bytes[0] == '[' && domain.bytes[domain.length - 1] == ']';
    if (is_literal)
        domain = (struct text){domain.bytes + 1, domain.length - 2};
    for (size_t i = 0; i < domain.length; i++) {
        char c = domain.bytes[i];
        bool is_name = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        bool is_dot = c == '.' && i > 0 && i + 1 < domain.length && domain.bytes[i - 1] != '.';
        if (!is_name && !is_dot && !(is_literal && c == ':'))
            return false;
    }
    return domain.length > 0;
}

bool compose_is_address(struct text address)
{
    const char *at = address.length ? memrchr(address.bytes, '@', address.length) : NULL;
    if (at == NULL || at == address.bytes || address.length > COMPOSE_ADDRESS_MOST || at - address.bytes > 64)
        return false;
    struct text local = {address.bytes, (size_t)(at - address.bytes)};
    struct text domain = {at + 1, address.length - local.length - 1};
    for (size_t i = 0; i < local.length; i++) {
        bool is_dot = local.bytes[i] == '.' && i > 0 && i + 1 < local.length && local.bytes[i - 1] != '.';
        if (local.bytes[i] == '\0' || !(is_dot || strchr(ATOM, local.bytes[i])))
            return false;
    }
    return is_domain(domain);
}

bool compose_read_address(struct text text, struct draft_address *result)
{
    struct text whole = text_trim(text);
    const char *open = whole.length ? memrchr(whole.bytes, '<', whole.length) : NULL;
    struct draft_address read = {.name = TEXT(""), .address = whole};
    if (open && whole.bytes[whole.length - 1] == '>') {
        read.name = text_trim((struct text){whole.bytes, (size_t)(open - whole.bytes)});
        read.address = (struct text){open + 1, whole.length - (size_t)(open - whole.bytes) - 2};
        if (read.name.length >= 2 && read.name.bytes[0] == '"' && read.name.bytes[read.name.length - 1] == '"')
            read.name = (struct text){read.name.bytes + 1, read.name.length - 2};
    }
    if (!compose_is_address(read.address) || memchr(read.name.bytes, '<', read.name.length))
        return false;
    *result = read;
    return true;
}

/* --- the others --- */

/* Days since 1970 to a date: H. Hinnant's way, of eras of 400 years that begin in March. */
static void find_date(int64_t days, int *year, int *month, int *day)
{
    int64_t shifted = days + 719468, era = shifted / 146097, of_era = shifted % 146097;
    int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * years + years / 4 - years / 100), shifted_month = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * shifted_month + 2) / 5 + 1);
    *month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    *year = (int)(years + era * 400 + (*month <= 2));
}

bool head_date(moment time, int offset, struct buffer *result)
{
    static const char days[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t seconds = time / SECOND + (int64_t)offset * 60;
    int year, month, day, of_day;
    if (seconds < 0)
        seconds = 0;
    find_date(seconds / 86400, &year, &month, &day);
    of_day = (int)(seconds % 86400);
    int east = offset < 0 ? -offset : offset;
    return buffer_printf(result, "Date: %s, %d %s %04d %02d:%02d:%02d %c%02d%02d\r\n", days[seconds / 86400 % 7], day,
                         months[month - 1], year, of_day / 3600, of_day / 60 % 60, of_day % 60, offset < 0 ? '-' : '+',
                         east / 60 % 24, east % 60);
}

/* A name that a program may store: no part of a path, no dot to begin with. */
static void make_file_name(struct text given, char result[FILE_MOST])
{
    size_t length = text_copy_printable(given, result, FILE_MOST);
    for (size_t i = 0; i < length; i++)
        if (strchr("/\\:*?\"<>|", result[i]) || (i == 0 && result[i] == '.'))
            result[i] = '_';
}

bool head_disposition(const char *disposition, struct text name, struct buffer *result)
{
    char file[FILE_MOST];
    make_file_name(name, file);
    if (!buffer_printf(result, "Content-Disposition: %s", disposition))
        return false;
    if (file[0] && is_ascii(text_of(file))) {
        if (!buffer_printf(result, ";\r\n filename=\"%s\"", file))
            return false;
    } else if (file[0]) {
        if (!buffer_append(result, TEXT(";\r\n filename*=utf-8''")))
            return false;
        for (const char *c = file; *c; c++)
            if (strchr(ATOM, *c) && !strchr("*'%", *c) ? !buffer_append_byte(result, *c)
                                                       : !buffer_printf(result, "%%%02X", (unsigned char)*c))
                return false;
    }
    return buffer_append(result, TEXT("\r\n"));
}

bool head_is_free_name(const char *name)
{
    static const char *const taken[] = {"from", "to",         "reply-to",     "subject",
                                        "date", "message-id", "mime-version", "sender"};
    size_t length = strlen(name);
    struct text text = {name, length};
    bool is_free = length > 0 && length <= 64 && !text_starts_nocase(text, TEXT("content-"));
    for (size_t i = 0; i < length && is_free; i++)
        is_free = name[i] > 32 && name[i] < 127 && name[i] != ':';
    for (size_t i = 0; i < sizeof taken / sizeof taken[0] && is_free; i++)
        is_free = !text_equals_nocase(text, text_of(taken[i]));
    return is_free;
}

bool head_is_id(struct text id)
{
    size_t signs = 0;
    for (size_t i = 0; i < id.length; i++) {
        if (id.bytes[i] <= 32 || id.bytes[i] >= 127 || strchr("<>()[]\\,;:\"", id.bytes[i]))
            return false;
        signs += id.bytes[i] == '@';
    }
    return signs == 1 && id.length <= ID_MOST && id.bytes[0] != '@' && id.bytes[id.length - 1] != '@';
}
