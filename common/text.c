/* Borrowed bytes: comparing, trimming, splitting, and making them fit to be shown. ASCII rules, whatever the locale. */
#include "common/text.h"

/* Capitals of a word's eight bytes made small, whatever their order in it. A byte's top bit becomes one in `from_a`
 * where the byte is 'A' or more, in `beyond_z` where it is more than 'Z'; bytes above 0x7f stay as they are. */
static inline uint64_t fold_eight(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    uint64_t low = word & ~tops, from_a = low + ones * (0x80 - 'A'), beyond_z = low + ones * (0x7f - 'Z');
    return word | ((from_a ^ beyond_z) & ~word & tops) >> 2;
}

static inline uint64_t load_eight(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline unsigned char fold_one(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool bytes_equal_nocase(const char *a, const char *b, size_t length)
{
    for (; length >= 8; a += 8, b += 8, length -= 8)
        if (fold_eight(load_eight(a)) != fold_eight(load_eight(b)))
            return false;
    for (size_t i = 0; i < length; i++)
        if (fold_one(a[i]) != fold_one(b[i]))
            return false;
    return true;
}

void text_fold(struct text text, char *result)
{
    size_t at = 0;
    while (text.length >= 8) {
        uint64_t word = fold_eight(load_eight(text.bytes + at));
        memcpy(result + at, &word, sizeof word);
        if (at == text.length - 8)
            return;
        at = at + 16 <= text.length ? at + 8 : text.length - 8; /* the last word may have some bytes again */
    }
    for (; at < text.length; at++)
        result[at] = (char)fold_one(text.bytes[at]);
}

bool text_equals_nocase(struct text a, struct text b)
{
    return a.length == b.length && bytes_equal_nocase(a.bytes, b.bytes, a.length);
}

bool text_starts_nocase(struct text whole, struct text start)
{
    return whole.length >= start.length && bytes_equal_nocase(whole.bytes, start.bytes, start.length);
}

bool text_ends_nocase(struct text whole, struct text end)
{
    return whole.length >= end.length &&
           (end.length == 0 || bytes_equal_nocase(whole.bytes + whole.length - end.length, end.bytes, end.length));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct text text_trim(struct text text)
{
    while (text.length > 0 && is_blank(text.bytes[0])) {
        text.bytes++;
        text.length--;
    }
    while (text.length > 0 && is_blank(text.bytes[text.length - 1]))
        text.length--;
    return text;
}

struct text text_split(struct text *rest, char separator)
{
    const char *found = rest->length > 0 ? memchr(rest->bytes, separator, rest->length) : NULL;
    if (!found) {
        struct text all = *rest;
        *rest = (struct text){"", 0};
        return all;
    }
    struct text first = {rest->bytes, (size_t)(found - rest->bytes)};
    *rest = (struct text){found + 1, rest->length - first.length - 1};
    return first;
}

bool text_number(struct text text, uint64_t *result)
{
    if (text.length < 1 || text.length > 19)
        return false;
    uint64_t number = 0; /* 19 digits fit */
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(text.bytes[i] - '0');
    }
    *result = number;
    return true;
}

/* Table 3-7 of the Unicode Standard: no over-long forms, no surrogates, nothing above U+10FFFF. */
size_t text_utf8_sequence(struct text text)
{
    if (text.length == 0)
        return 0;
    const unsigned char *b = (const unsigned char *)text.bytes;
    if (b[0] < 0x80)
        return 1;
    size_t length = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
    if (b[0] < 0xc2 || b[0] > 0xf4 || text.length < length)
        return 0;
    unsigned char least = b[0] == 0xe0 ? 0xa0 : b[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char most = b[0] == 0xed ? 0x9f : b[0] == 0xf4 ? 0x8f : 0xbf;
    if (b[1] < least || b[1] > most)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((b[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

size_t text_copy_printable(struct text text, char *result, size_t size)
{
    if (size == 0)
        return 0;
    size_t written = 0;
    while (text.length > 0) {
        struct text piece = {text.bytes, text_utf8_sequence(text)};
        size_t taken = piece.length ? piece.length : 1;
        unsigned char first = (unsigned char)text.bytes[0];
        if (piece.length == 0)
            piece = TEXT(TEXT_REPLACEMENT);
        else if (first < 0x20 || first == 0x7f)
            piece = TEXT("?");
        else if (first == 0xc2 && (unsigned char)text.bytes[1] < 0xa0) /* C1: some terminals obey them */
            piece = TEXT("?");
        if (piece.length > size - 1 - written)
            break;
        memcpy(result + written, piece.bytes, piece.length);
        written += piece.length;
        text.bytes += taken;
        text.length -= taken;
    }
    result[written] = '\0';
    return written;
}
