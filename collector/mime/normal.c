/* See normal.h. */
#include "collector/mime/normal.h"

#include <sodium.h>

#define WORD_MOST  48 /* bytes: longer ones are made of random letters */
#define NAMES_MOST 32

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

/* What stands between two spaces. */
static struct text next_piece(struct text *rest)
{
    size_t begin = 0;
    while (begin < rest->length && is_space(rest->bytes[begin]))
        begin++;
    size_t end = begin;
    while (end < rest->length && !is_space(rest->bytes[end]))
        end++;
    struct text piece = {rest->bytes + begin, end - begin};
    *rest = (struct text){rest->bytes + end, rest->length - end};
    return piece;
}

/* An address, a link, or something with a number: another in each copy. */
static bool is_personal(struct text piece)
{
    for (size_t i = 0; i < piece.length; i++) {
        char c = piece.bytes[i];
        if ((c >= '0' && c <= '9') || c == '@' || c == '/' || c == '_' || c == '=')
            return true;
        if (c == '.' && i > 0 && i + 1 < piece.length && is_letter(piece.bytes[i - 1]) && is_letter(piece.bytes[i + 1]))
            return true;
    }
    return false;
}

static struct text next_word(struct text *piece)
{
    size_t begin = 0;
    while (begin < piece->length && !is_letter(piece->bytes[begin]))
        begin++;
    size_t end = begin;
    while (end < piece->length && is_letter(piece->bytes[end]))
        end++;
    struct text word = {piece->bytes + begin, end - begin};
    *piece = (struct text){piece->bytes + end, piece->length - end};
    return word;
}

static uint32_t split_names(struct text names, struct text result[NAMES_MOST])
{
    uint32_t count = 0;
    while (names.length > 0 && count < NAMES_MOST) {
        struct text word = next_word(&names);
        if (word.length > 1)
            result[count++] = word;
    }
    return count;
}

static bool is_among(struct text word, const struct text *names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (text_equals_nocase(word, names[i]))
            return true;
    return false;
}

uint32_t normal_form(struct text text, struct text names, struct buffer *result)
{
    struct text known[NAMES_MOST];
    uint32_t known_count = split_names(names, known), count = 0, seen = 0;
    while (text.length > 0) {
        struct text piece = next_piece(&text);
        if (is_personal(piece))
            continue;
        while (piece.length > 0) {
            struct text word = next_word(&piece);
            char small[WORD_MOST];
            if (word.length == 0 || word.length > WORD_MOST)
                continue;
            if (seen++ < NORMAL_GREETING && is_among(word, known, known_count))
                continue;
            text_fold(word, small);
            if ((count > 0 && !buffer_append_byte(result, ' ')) ||
                !buffer_append(result, (struct text){small, word.length}))
                return count;
            count++;
        }
    }
    return count;
}

void normal_digest(struct text normal, char result[33])
{
    unsigned char digest[16];
    crypto_generichash(digest, sizeof digest, (const unsigned char *)normal.bytes, normal.length, NULL, 0);
    sodium_bin2hex(result, 33, digest, sizeof digest);
}
