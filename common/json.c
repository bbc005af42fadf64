/* JSON records by hand. Everything goes through put(), which latches; numbers and escapes are written without printf.
 */
#include <assert.h>
#include <string.h>
#include "common/json.h"

/* Room for so many bytes more, or the record has failed. The check that nearly always holds stands here, inline. */
static inline bool make_room(struct json *json, size_t length)
{
    const struct buffer *out = json->out;
    if (!json->failed && (out->room - out->length >= length || buffer_reserve(json->out, length)))
        return true;
    json->failed = true;
    return false;
}

static inline void put(struct json *json, const char *bytes, size_t length)
{
    if (!make_room(json, length))
        return;
    memcpy(json->out->bytes + json->out->length, bytes, length);
    json->out->length += length;
}

static inline void put_byte(struct json *json, char byte)
{
    if (make_room(json, 1))
        json->out->bytes[json->out->length++] = byte;
}

/* Bytes that stand in a string as they are, without being looked at twice. */
static inline bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* The same of eight bytes at once, as words do it: a byte's top bit is left where it is too small, too large, or zero
 * after the exclusive or with what is looked for. */
static inline bool eight_are_plain(const char *bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    uint64_t quotes = word ^ ones * '"', slashes = word ^ ones * '\\';
    uint64_t bad = word | (word + ones) | ((word - ones * 0x20) & ~word) | ((quotes - ones) & ~quotes) |
                   ((slashes - ones) & ~slashes);
    return (bad & tops) == 0;
}

/* A control character, a quote or a backslash. */
static void put_escape(struct json *json, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* the byte, and its letter */
    for (size_t i = 0; i + 1 < sizeof named; i += 2) {
        if ((unsigned char)named[i] == c) {
            put(json, (const char[]){'\\', named[i + 1]}, 2);
            return;
        }
    }
    put(json, (const char[]){'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]}, 6);
}

static void put_string(struct json *json, struct text text)
{
    put_byte(json, '"');
    size_t start = 0, at = 0;
    while (at < text.length) {
        while (text.length - at >= 8 && eight_are_plain(text.bytes + at))
            at += 8;
        if (text.length >= 8 && text.length - at < 8 && eight_are_plain(text.bytes + text.length - 8))
            at = text.length; /* some of its bytes were looked at again */
        if (at == text.length)
            break;
        unsigned char c = (unsigned char)text.bytes[at];
        if (is_plain(c)) {
            at++;
            continue;
        }
        size_t sequence = c < 0x80 ? 0 : text_utf8_sequence((struct text){text.bytes + at, text.length - at});
        if (sequence > 0) {
            at += sequence;
            continue;
        }
        put(json, text.bytes + start, at - start);
        if (c < 0x80)
            put_escape(json, c);
        else
            put(json, TEXT_REPLACEMENT, sizeof TEXT_REPLACEMENT - 1);
        start = ++at;
    }
    put(json, text.bytes + start, at - start);
    put_byte(json, '"');
}

static void put_unsigned(struct json *json, uint64_t number)
{
    char digits[20];
    char *end = digits + sizeof digits, *at = end;
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    put(json, at, (size_t)(end - at));
}

/* The sign is written; what is left has none. */
static uint64_t put_sign(struct json *json, int64_t number)
{
    if (number >= 0)
        return (uint64_t)number;
    put_byte(json, '-');
    return -(uint64_t)number;
}

struct json json_begin(struct buffer *out)
{
    struct json json = {.out = out, .start = out->length};
    put_byte(&json, '{');
    return json;
}

bool json_end(struct json *json)
{
    put(json, "}\n", 2);
    if (json->failed)
        json->out->length = json->start; /* half a record would spoil the line after it */
    return !json->failed;
}

void json_put(struct json *json, struct text text)
{
    put(json, text.bytes, text.length);
}

void json_put_text(struct json *json, struct text text)
{
    put_string(json, text);
}

void json_put_integer(struct json *json, int64_t number)
{
    put_unsigned(json, put_sign(json, number));
}

void json_put_unsigned(struct json *json, uint64_t number)
{
    put_unsigned(json, number);
}

void json_put_hundredths(struct json *json, int64_t hundredths)
{
    uint64_t number = put_sign(json, hundredths);
    put_unsigned(json, number / 100);
    put(json, (const char[]){'.', (char)('0' + number / 10 % 10), (char)('0' + number % 10)}, 3);
}

/* What our own functions print is shorter than this and needs no escapes. */
#define PRINTED_MOST 64
static_assert(MOMENT_TEXT < PRINTED_MOST && ADDRESS_TEXT < PRINTED_MOST, "with its quotes");

void json_put_moment(struct json *json, moment when)
{
    if (when == 0) {
        put(json, "null", 4);
    } else if (make_room(json, PRINTED_MOST)) {
        char *begin = json->out->bytes + json->out->length;
        *begin = '"';
        moment_print(when, begin + 1);
        begin[1 + MOMENT_LENGTH] = '"';
        json->out->length += MOMENT_LENGTH + 2;
    }
}

void json_put_address(struct json *json, const struct address *address)
{
    if (address->family == 0) {
        put(json, "null", 4);
    } else if (make_room(json, PRINTED_MOST)) {
        char *begin = json->out->bytes + json->out->length;
        *begin = '"';
        size_t length = strlen(address_print(address, begin + 1));
        begin[1 + length] = '"';
        json->out->length += length + 2;
    }
}
