/* See safe.h. Character sets are the three that are tables of half a line; a library that knows hundreds, some with
 * states and escapes, is more than a stranger's bytes should reach here. */
#include "collector/quarantine/safe.h"

#include <strings.h>

static uint32_t decode(const unsigned char *at, size_t length)
{
    static const unsigned char heads[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t point = at[0] & heads[length];
    for (size_t i = 1; i < length; i++)
        point = point << 6 | (at[i] & 0x3fU);
    return point;
}

/* Controls, marks of direction, ends of lines and pages, what has no width, tags, private uses as fonts please. */
static bool is_hidden(uint32_t point)
{
    return (point < 0x20 && point != '\t') || (point >= 0x7f && point < 0xa0) || point == 0xad || point == 0x34f ||
           point == 0x61c || (point >= 0x180b && point <= 0x180f) || (point >= 0x200b && point <= 0x200f) ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) ||
           (point >= 0xfe00 && point <= 0xfe0f) || point == 0xfeff || (point >= 0xfff9 && point <= 0xfffb) ||
           (point >= 0xe0000 && point <= 0xe0fff);
}

bool safe_line(struct text utf8, struct buffer *out)
{
    while (utf8.length > 0) {
        size_t length = text_utf8_sequence(utf8);
        struct text one = length ? (struct text){utf8.bytes, length} : TEXT(TEXT_REPLACEMENT);
        if (length && is_hidden(decode((const unsigned char *)utf8.bytes, length)))
            one = TEXT("?");
        if (!buffer_append(out, one))
            return false;
        utf8.bytes += length ? length : 1;
        utf8.length -= length ? length : 1;
    }
    return true;
}

static bool put_point(uint32_t point, struct buffer *out)
{
    const char bytes[] = {(char)(point < 0x800 ? 0xc0 | point >> 6 : 0xe0 | point >> 12),
                          (char)(0x80 | (point < 0x800 ? point & 0x3f : point >> 6 & 0x3f)),
                          (char)(0x80 | (point & 0x3f))};
    if (point < 0x80)
        return buffer_append_byte(out, is_hidden(point) ? '?' : (char)point);
    return is_hidden(point) ? buffer_append_byte(out, '?')
                            : buffer_append(out, (struct text){bytes, point < 0x800 ? 2 : 3});
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcasecmp(name, *names) == 0)
            return true;
    return false;
}

bool safe_bytes(struct text bytes, const char *charset, struct buffer *out)
{
    static const char *const utf[] = {"utf-8", "utf8", "us-ascii", "ascii", "", NULL};
    static const char *const western[] = {"iso-8859-1", "latin1", "windows-1252", "cp1252", "iso-8859-15", NULL};
    /* What windows-1252 has where ISO 8859-1 has controls; senders call the one the other. */
    static const uint16_t between[32] = {0x20ac, 0,      0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                         0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0,      0x17d,  0,
                                         0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                         0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0,      0x17e,  0x178};
    if (!charset || is_one_of(charset, utf))
        return safe_line(bytes, out);
    bool is_western = is_one_of(charset, western);
    for (size_t i = 0; i < bytes.length; i++) {
        unsigned char byte = (unsigned char)bytes.bytes[i];
        uint32_t point = byte < 0x80 ? byte : !is_western ? 0xfffd : byte < 0xa0 ? between[byte - 0x80] : byte;
        if (!put_point(point, out))
            return false;
    }
    return true;
}
