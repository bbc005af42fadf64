/* JSON records, one a line (RFC 8259). Written here by hand because a record is written for every session and the
 * output must be the same to the byte everywhere; read with jansson where it is read at all. */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include "common/address.h"
#include "common/buffer.h"
#include "common/moment.h"

/* Writing latches: after the buffer's bound is met nothing more is written, and json_end() takes back what stands of
 * the record. A `key` of NULL is an array's element. */
struct json {
    struct buffer *out;
    size_t start; /* where the record begins in the buffer */
    bool comma, failed;
};

/* jansson has functions of these two names. Ours have others behind them, so that both libraries can stand in one
 * program; a file that needs both includes jansson's header first. */
#define json_string  json_write_string
#define json_integer json_write_integer

struct json json_begin(struct buffer *out); /* opens the record's object */
bool json_end(struct json *);               /* closes it and adds a newline; false where writing failed */

/* The values, without what stands before them. */
void json_put(struct json *, struct text); /* as it stands: a bracket, a word */
void json_put_text(struct json *, struct text);
void json_put_integer(struct json *, int64_t);
void json_put_unsigned(struct json *, uint64_t);
void json_put_hundredths(struct json *, int64_t hundredths);
void json_put_moment(struct json *, moment);
void json_put_address(struct json *, const struct address *);

/* What stands before every value: the comma, and the key where there is one. Keys are our own words, nothing in them
 * needs an escape; mostly they are literals, whose length and copying the compiler then knows. */
static inline void json_key(struct json *json, const char *key)
{
    size_t length = key ? strlen(key) : 0;
    struct buffer *out = json->out;
    if (json->failed || (out->room - out->length < length + 4 && !buffer_reserve(out, length + 4))) {
        json->failed = true;
        return;
    }
    char *at = out->bytes + out->length;
    *at = ',';
    at += json->comma;
    json->comma = true;
    if (key) {
        *at++ = '"';
        memcpy(at, key, length);
        at += length;
        *at++ = '"';
        *at++ = ':';
    }
    out->length = (size_t)(at - out->bytes);
}

static inline void json_object_open(struct json *json, const char *key)
{
    json_key(json, key);
    json_put(json, TEXT("{"));
    json->comma = false;
}
static inline void json_object_close(struct json *json)
{
    json_put(json, TEXT("}"));
    json->comma = true;
}
static inline void json_array_open(struct json *json, const char *key)
{
    json_key(json, key);
    json_put(json, TEXT("["));
    json->comma = false;
}
static inline void json_array_close(struct json *json)
{
    json_put(json, TEXT("]"));
    json->comma = true;
}
static inline void json_text(struct json *json, const char *key, struct text text) /* bad UTF-8 becomes U+FFFD */
{
    json_key(json, key);
    json_put_text(json, text);
}
static inline void json_string(struct json *json, const char *key, const char *string) /* NULL is written as null */
{
    json_key(json, key);
    if (string)
        json_put_text(json, text_of(string));
    else
        json_put(json, TEXT("null"));
}
static inline void json_integer(struct json *json, const char *key, int64_t number)
{
    json_key(json, key);
    json_put_integer(json, number);
}
static inline void json_unsigned(struct json *json, const char *key, uint64_t number)
{
    json_key(json, key);
    json_put_unsigned(json, number);
}
static inline void json_hundredths(struct json *json, const char *key, int64_t hundredths) /* 1234 as 12.34 */
{
    json_key(json, key);
    json_put_hundredths(json, hundredths);
}
static inline void json_bool(struct json *json, const char *key, bool value)
{
    json_key(json, key);
    json_put(json, value ? TEXT("true") : TEXT("false"));
}
static inline void json_moment(struct json *json, const char *key, moment when) /* 0, never, is written as null */
{
    json_key(json, key);
    json_put_moment(json, when);
}
static inline void json_address(struct json *json, const char *key, const struct address *address) /* none: null */
{
    json_key(json, key);
    json_put_address(json, address);
}

#endif
