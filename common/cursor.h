/* Checked reading of hostile bytes. A cursor latches: after the first read beyond its end every read gives zero or an
 * empty text and cursor_failed() says so, so that a parser may read a whole header and ask once. Pointer arithmetic on
 * wire bytes stands here and nowhere else. */
#ifndef COMMON_CURSOR_H
#define COMMON_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/text.h"

struct cursor {
    const uint8_t *at, *end;
    bool failed;
};

static inline struct cursor cursor_of(const void *bytes, size_t length)
{
    return (struct cursor){(const uint8_t *)bytes, (const uint8_t *)bytes + length, false};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return (size_t)(c->end - c->at);
}

static inline bool cursor_failed(const struct cursor *c)
{
    return c->failed;
}

/* The next `length` bytes, passed over; NULL (and failed) where there are fewer. */
static inline const uint8_t *cursor_bytes(struct cursor *c, size_t length)
{
    if (c->failed || cursor_left(c) < length) {
        c->failed = true;
        c->at = c->end;
        return NULL;
    }
    const uint8_t *bytes = c->at;
    c->at += length;
    return bytes;
}

static inline bool cursor_skip(struct cursor *c, size_t length)
{
    return cursor_bytes(c, length) != NULL;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *b = cursor_bytes(c, 1);
    return b ? b[0] : 0;
}

/* Network byte order. */
static inline uint16_t cursor_u16(struct cursor *c)
{
    const uint8_t *b = cursor_bytes(c, 2);
    return b ? (uint16_t)(b[0] << 8 | b[1]) : 0;
}

static inline uint32_t cursor_u24(struct cursor *c)
{
    const uint8_t *b = cursor_bytes(c, 3);
    return b ? (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2] : 0;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    const uint8_t *b = cursor_bytes(c, 4);
    return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

/* The next `length` bytes as a cursor of their own; both fail where there are fewer. */
static inline struct cursor cursor_cut(struct cursor *c, size_t length)
{
    const uint8_t *b = cursor_bytes(c, length);
    return b ? cursor_of(b, length) : (struct cursor){c->end, c->end, true};
}

/* At most `length` of what is left, without failing. */
static inline struct cursor cursor_cut_most(struct cursor *c, size_t length)
{
    return cursor_cut(c, length < cursor_left(c) ? length : cursor_left(c));
}

static inline struct text cursor_text(struct cursor *c, size_t length)
{
    const uint8_t *b = cursor_bytes(c, length);
    return b ? (struct text){(const char *)b, length} : (struct text){"", 0};
}

static inline struct text cursor_rest(const struct cursor *c)
{
    return (struct text){(const char *)c->at, cursor_left(c)};
}

#endif
