/* See account.h. A written name is
 *
 *     plain characters and %xx, up to 46 of them             alice@example.com   j%c3%b6rg@example.com
 *     the first 29 of those at most, '~', 16 digits in hex   a-very-long-name-that-somebod~0123456789abcdef
 */
#include "common/words/account.h"

#include <string.h>
#include "common/siphash.h"

#define DIGITS 16 /* of the digest */
#define START  (ACCOUNT_MOST - 1 - DIGITS)

static unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : c;
}

static bool is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr(".-_+@=/:", c) != NULL);
}

/* Digits as we write them; -1: none. */
static int digit_of(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A name that is being written, one character or escape at a time. The digest has no secret, for it must be the same in
 * every process and in the journal; it goes over the whole in steps, each keyed by the one before it. */
struct writing {
    uint8_t *result;
    size_t length, start; /* of the whole; of what fits before a digest */
    unsigned char step[64];
    uint64_t digest;
};

static void write_unit(struct writing *w, const char *unit, size_t size)
{
    if (w->length + size <= START)
        w->start = w->length + size;
    for (size_t i = 0; i < size; i++) {
        if (w->length < ACCOUNT_MOST)
            w->result[w->length] = (uint8_t)unit[i];
        w->step[w->length++ % sizeof w->step] = (unsigned char)unit[i];
        if (w->length % sizeof w->step == 0)
            w->digest = siphash(&(struct siphash_key){{w->digest, w->length}}, w->step, sizeof w->step);
    }
}

static size_t end_writing(struct writing *w)
{
    if (w->length <= ACCOUNT_MOST)
        return w->length;
    uint64_t digest = siphash(&(struct siphash_key){{w->digest, w->length}}, w->step, w->length % sizeof w->step);
    size_t length = w->start;
    w->result[length++] = '~';
    for (int i = DIGITS - 1; i >= 0; i--)
        w->result[length++] = (uint8_t) "0123456789abcdef"[digest >> (4 * i) & 15];
    memset(w->result + length, 0, ACCOUNT_MOST - length);
    return length;
}

size_t account_write(struct text name, uint8_t result[ACCOUNT_MOST])
{
    struct writing writing = {.result = result};
    memset(result, 0, ACCOUNT_MOST);
    for (size_t i = 0; i < name.length; i++) {
        unsigned char c = lower((unsigned char)name.bytes[i]);
        char unit[3] = {(char)c, "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};
        if (!is_plain(c))
            unit[0] = '%';
        write_unit(&writing, unit, is_plain(c) ? 1 : 3);
    }
    return end_writing(&writing);
}

/* The length of what begins there: 1: a plain character, 3: an escape of what needs one, 0: neither. */
static size_t unit_at(const uint8_t *at, size_t left)
{
    if (is_plain(at[0]))
        return 1;
    if (at[0] != '%' || left < 3 || digit_of(at[1]) < 0 || digit_of(at[2]) < 0)
        return 0;
    unsigned char c = (unsigned char)(digit_of(at[1]) << 4 | digit_of(at[2]));
    return is_plain(c) || lower(c) != c ? 0 : 3;
}

/* An escape of three is never cut, so up to two of the start's places may be unused. */
static bool is_digest(const uint8_t *at, size_t left, size_t start)
{
    if (left != 1 + DIGITS || at[0] != '~' || start > START || start + 2 < START)
        return false;
    for (size_t i = 1; i < left; i++)
        if (digit_of(at[i]) < 0)
            return false;
    return true;
}

bool account_is_sound(const uint8_t *name, size_t length)
{
    size_t at = 0, unit;
    if (length == 0 || length > ACCOUNT_MOST)
        return false;
    while (at < length && (unit = unit_at(name + at, length - at)) > 0)
        at += unit;
    return at == length || is_digest(name + at, length - at, at);
}

size_t account_read(struct text written, uint8_t result[ACCOUNT_MOST])
{
    struct writing writing = {.result = result};
    uint8_t shortened[ACCOUNT_MOST];
    memset(result, 0, ACCOUNT_MOST);
    for (size_t i = 0; i < written.length && i < ACCOUNT_MOST; i++)
        shortened[i] = lower((unsigned char)written.bytes[i]);
    if (written.length <= ACCOUNT_MOST && account_is_sound(shortened, written.length)) {
        memcpy(result, shortened, written.length);
        return written.length;
    }
    for (size_t at = 0, unit; at < written.length; at += unit) {
        size_t left = written.length - at < 3 ? written.length - at : 3;
        uint8_t next[3] = {0};
        for (size_t i = 0; i < left; i++)
            next[i] = lower((unsigned char)written.bytes[at + i]);
        unit = unit_at(next, left);
        if (unit == 0)
            return 0;
        write_unit(&writing, (const char *)next, unit);
    }
    return end_writing(&writing);
}
