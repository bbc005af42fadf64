/* Replies tell more than their order: 354 can only follow DATA, 334 and 235 only AUTH, 221 QUIT. That is what finds the
 * pairing again after a gap. */
#include "agent/packet/smtp_reply.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One number of an enhanced code, capped; returns the digits it took. */
static size_t parse_part(struct text text, size_t at, unsigned most, unsigned *result)
{
    size_t digits = 0;
    unsigned value = 0;
    while (at + digits < text.length && digits < 3 && is_digit(text.bytes[at + digits]))
        value = value * 10 + (unsigned)(text.bytes[at + digits++] - '0');
    *result = value < most ? value : most;
    return digits;
}

/* "5.1.1 no such user": class 2, 4 or 5. Returns its length, 0: none. */
static size_t parse_enhanced(struct text text, uint16_t *result)
{
    unsigned class = 0, subject = 0, detail = 0;
    const char *b = text.bytes;
    if (text.length < 5 || b[1] != '.')
        return 0;
    if (is_digit(b[2]) && b[3] == '.' && is_digit(b[4]) && (text.length == 5 || !is_digit(b[5]))) { /* nearly all */
        if (b[0] != '2' && b[0] != '4' && b[0] != '5')
            return 0;
        *result = (uint16_t)((b[0] - '0') * 10000 + (b[2] - '0') * 100 + (b[4] - '0'));
        return 5;
    }
    parse_part(text, 0, 9, &class);
    if (class != 2 && class != 4 && class != 5)
        return 0;
    size_t subject_digits = parse_part(text, 2, 99, &subject);
    size_t dot = 2 + subject_digits;
    if (subject_digits == 0 || dot >= text.length || text.bytes[dot] != '.')
        return 0;
    size_t detail_digits = parse_part(text, dot + 1, 99, &detail);
    size_t end = dot + 1 + detail_digits;
    if (detail_digits == 0 || (end < text.length && is_digit(text.bytes[end])))
        return 0;
    *result = (uint16_t)(class * 10000 + subject * 100 + detail);
    return end;
}

bool smtp_reply_parse(struct text line, struct smtp_reply_line *result)
{
    const char *b = line.bytes;
    if (line.length < 3 || b[0] < '2' || b[0] > '5' || b[1] < '0' || b[1] > '5' || !is_digit(b[2]))
        return false;
    if (line.length > 3 && b[3] != ' ' && b[3] != '-')
        return false;
    *result = (struct smtp_reply_line){
        .code = (uint16_t)((b[0] - '0') * 100 + (b[1] - '0') * 10 + (b[2] - '0')),
        .last = line.length == 3 || b[3] == ' ',
    };
    size_t at = line.length > 3 ? 4 : 3;
    struct text phrase = {b + at, line.length - at};
    size_t taken = parse_enhanced(phrase, &result->enhanced);
    result->phrase = text_trim((struct text){phrase.bytes + taken, phrase.length - taken});
    return true;
}

bool smtp_reply_is_exclusive(enum smtp_awaited awaited, uint16_t code)
{
    switch (code) {
    case 354:
        return awaited == AWAITED_DATA;
    case 334:
    case 235:
        return awaited == AWAITED_AUTH;
    case 221:
        return awaited == AWAITED_QUIT;
    case 220:
        return awaited == AWAITED_STARTTLS || awaited == AWAITED_GREETING;
    default:
        return false;
    }
}

bool smtp_reply_suits(enum smtp_awaited awaited, uint16_t code)
{
    if (smtp_reply_is_exclusive(awaited, code))
        return true;
    bool refused = code >= 400;
    /* 235, 334 and 354 answer nothing but their own command; 220 and 221 hardly anything else. */
    bool plain = code >= 200 && code < 300 && code != 220 && code != 221 && code != 235;
    switch (awaited) {
    case AWAITED_GREETING:
    case AWAITED_DATA:
    case AWAITED_AUTH:
    case AWAITED_STARTTLS:
    case AWAITED_BAD_CHUNK:
    case AWAITED_UNKNOWN:
        return refused;
    case AWAITED_QUIT:
        return refused || plain;
    case AWAITED_OTHER:
        return refused || plain || code == 220; /* XCLIENT is answered by a new greeting */
    case AWAITED_IMPLICIT:
    case AWAITED_GAP:
        return false;
    default:
        return refused || plain;
    }
}

bool smtp_reply_is_ignorance(uint16_t code)
{
    return code == 500 || code == 502;
}

bool smtp_reply_is_extension(const struct smtp_reply_line *line)
{
    static const struct text keywords[] = {
        {"PIPELINING", 10}, {"SIZE", 4},     {"8BITMIME", 8}, {"STARTTLS", 8}, {"AUTH", 4}, {"ENHANCEDSTATUSCODES", 19},
        {"DSN", 3},         {"CHUNKING", 8}, {"SMTPUTF8", 8}, {"ETRN", 4},     {"VRFY", 4}, {"EXPN", 4},
    };
    if (line->code != 250)
        return false;
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
        size_t length = keywords[i].length;
        if (text_starts_nocase(line->phrase, keywords[i]) &&
            (line->phrase.length == length || line->phrase.bytes[length] == ' ' || line->phrase.bytes[length] == '='))
            return true;
    }
    return false;
}
