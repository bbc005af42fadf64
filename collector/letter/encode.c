/* See encode.h. */
#include "collector/letter/encode.h"

#include <sodium.h>
#include "common/cleanup.h"

#define LINE       76
#define PIECE      57 /* bytes whose base64 is a line */
#define WORD_MOST  63 /* bytes that stay within 75 with "=?utf-8?Q?" and "?=", RFC 2047 2 */
#define WORD_LEAST 24 /* where there is less room, it begins in the next line */

static bool is_kept(unsigned char byte)
{
    return byte == '\t' || (byte >= 0x20 && byte < 0x7f);
}

/* A line of a single dot ends a dialogue that forgets to double it, "From " begins a message in an mbox, blanks at the
 * end are lost on the way. */
static bool line_is_plain(struct text line)
{
    if (line.length > LINE || (line.length >= 5 && memcmp(line.bytes, "From ", 5) == 0))
        return false;
    if (line.length > 0 && (line.bytes[0] == '.' || strchr(" \t", line.bytes[line.length - 1])))
        return false;
    for (size_t i = 0; i < line.length; i++)
        if (!is_kept((unsigned char)line.bytes[i]))
            return false;
    return true;
}

bool encode_is_plain(struct text text)
{
    while (text.length > 0)
        if (!line_is_plain(text_split(&text, '\n')))
            return false;
    return true;
}

bool encode_lines(struct text text, struct buffer *result)
{
    while (text.length > 0) {
        struct text line = text_split(&text, '\n');
        if (line.length > 0 && line.bytes[line.length - 1] == '\r')
            line.length--;
        if (!buffer_append(result, line) || !buffer_append(result, TEXT("\r\n")))
            return false;
    }
    return true;
}

static bool must_be_quoted(struct text line, size_t at)
{
    unsigned char byte = (unsigned char)line.bytes[at];
    bool is_blank = byte == ' ' || byte == '\t';
    if (byte == '=' || !is_kept(byte) || (is_blank && at + 1 == line.length))
        return true;
    return at == 0 && (byte == '.' || (line.length >= 5 && memcmp(line.bytes, "From ", 5) == 0));
}

static bool quote_line(struct text line, struct buffer *result)
{
    size_t column = 0;
    for (size_t i = 0; i < line.length; i++) {
        bool is_quoted = must_be_quoted(line, i);
        size_t width = is_quoted ? 3 : 1;
        if (column + width > LINE - 1) { /* room for the '=' that goes on */
            if (!buffer_append(result, TEXT("=\r\n")))
                return false;
            column = 0;
        }
        column += width;
        if (is_quoted ? !buffer_printf(result, "=%02X", (unsigned char)line.bytes[i])
                      : !buffer_append_byte(result, line.bytes[i]))
            return false;
    }
    return buffer_append(result, TEXT("\r\n"));
}

bool encode_quoted(struct text text, struct buffer *result)
{
    while (text.length > 0)
        if (!quote_line(text_split(&text, '\n'), result))
            return false;
    return true;
}

bool encode_base64(struct text text, struct buffer *result)
{
    while (text.length > 0) {
        char line[LINE + 1];
        struct text piece = {text.bytes, text.length < PIECE ? text.length : PIECE};
        sodium_bin2base64(line, sizeof line, (const unsigned char *)piece.bytes, piece.length,
                          sodium_base64_VARIANT_ORIGINAL);
        if (!buffer_append(result, text_of(line)) || !buffer_append(result, TEXT("\r\n")))
            return false;
        text.bytes += piece.length;
        text.length -= piece.length;
    }
    return true;
}

/* As it stands in an encoded word of a phrase, the strictest place: RFC 2047 5 (3). */
static bool is_kept_in_word(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           (byte && strchr("!*+-/ ", byte));
}

/* The most whole characters whose form has at most `most` bytes: one is never in two words, RFC 2047 5. */
static struct text take_word(struct text *rest, size_t most)
{
    struct text word = {rest->bytes, 0};
    size_t width = 0;
    while (rest->length > 0) {
        size_t length = text_utf8_sequence(*rest);
        length += length == 0;
        width += is_kept_in_word((unsigned char)rest->bytes[0]) ? 1 : 3 * length;
        if (width > most)
            break;
        word.length += length;
        rest->bytes += length;
        rest->length -= length;
    }
    return word;
}

static bool put_word(struct text word, struct buffer *result)
{
    bool is_whole = buffer_append(result, TEXT("=?utf-8?Q?"));
    for (size_t i = 0; i < word.length && is_whole; i++) {
        unsigned char byte = (unsigned char)word.bytes[i];
        is_whole = byte == ' '             ? buffer_append_byte(result, '_')
                   : is_kept_in_word(byte) ? buffer_append_byte(result, word.bytes[i])
                                           : buffer_printf(result, "=%02X", byte);
    }
    return is_whole && buffer_append(result, TEXT("?="));
}

bool encode_words(struct text text, size_t column, struct buffer *result)
{
    size_t most = column + WORD_LEAST < WORD_MOST ? WORD_MOST - column : WORD_MOST;
    if (most == WORD_MOST && column > 1 && !buffer_append(result, TEXT("\r\n ")))
        return false;
    for (bool is_first = true; text.length > 0; is_first = false) {
        if ((!is_first && !buffer_append(result, TEXT("\r\n "))) || !put_word(take_word(&text, most), result))
            return false;
        most = WORD_MOST;
    }
    return true;
}
