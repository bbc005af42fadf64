/* See plain.h. */
#include "collector/letter/plain.h"

/* U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069, U+061C: of the bidirectional algorithm, UAX #9. */
static bool turns_direction(struct text piece)
{
    const unsigned char *b = (const unsigned char *)piece.bytes;
    if (piece.length == 2)
        return b[0] == 0xd8 && b[1] == 0x9c;
    if (piece.length != 3 || b[0] != 0xe2)
        return false;
    return (b[1] == 0x80 && (b[2] == 0x8e || b[2] == 0x8f || (b[2] >= 0xaa && b[2] <= 0xae))) ||
           (b[1] == 0x81 && b[2] >= 0xa6 && b[2] <= 0xa9);
}

/* U+2028 and U+2029 end a line, for those who know them. */
static bool ends_line(struct text piece)
{
    const unsigned char *b = (const unsigned char *)piece.bytes;
    return (piece.length == 1 && (b[0] == '\n' || b[0] == '\r')) ||
           (piece.length == 3 && b[0] == 0xe2 && b[1] == 0x80 && (b[2] == 0xa8 || b[2] == 0xa9));
}

static bool is_control(struct text piece)
{
    const unsigned char *b = (const unsigned char *)piece.bytes;
    return (piece.length == 1 && (b[0] < 0x20 || b[0] == 0x7f)) || (piece.length == 2 && b[0] == 0xc2 && b[1] < 0xa0);
}

/* The next character, harmless but for line ends and tabs; empty: it is left out. */
static struct text take_character(struct text *rest)
{
    struct text piece = {rest->bytes, text_utf8_sequence(*rest)};
    size_t taken = piece.length ? piece.length : 1;
    rest->bytes += taken;
    rest->length -= taken;
    if (piece.length == 0)
        return TEXT(TEXT_REPLACEMENT);
    if (ends_line(piece)) {
        if (piece.bytes[0] == '\r' && rest->length > 0 && rest->bytes[0] == '\n')
            return TEXT("");
        return TEXT("\n");
    }
    if (piece.bytes[0] == '\t')
        return piece;
    if (is_control(piece))
        return TEXT("?");
    return turns_direction(piece) ? TEXT("") : piece;
}

bool plain_lines(struct text text, struct buffer *result)
{
    while (text.length > 0)
        if (!buffer_append(result, take_character(&text)))
            return false;
    return true;
}

bool plain_line(struct text text, struct buffer *result)
{
    bool is_begun = false, is_apart = false;
    while (text.length > 0) {
        struct text piece = take_character(&text);
        if (piece.length == 0)
            continue;
        if (piece.length == 1 && strchr(" \t\n", piece.bytes[0])) {
            is_apart = is_begun;
            continue;
        }
        if ((is_apart && !buffer_append_byte(result, ' ')) || !buffer_append(result, piece))
            return false;
        is_begun = true;
        is_apart = false;
    }
    return true;
}
