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
void json_object_open(struct json *, const char *key);
void json_object_close(struct json *);
void json_array_open(struct json *, const char *key);
void json_array_close(struct json *);
void json_text(struct json *, const char *key, struct text);    /* invalid UTF-8 becomes U+FFFD */
void json_string(struct json *, const char *key, const char *); /* NULL is written as null */
void json_integer(struct json *, const char *key, int64_t);
void json_unsigned(struct json *, const char *key, uint64_t);
void json_hundredths(struct json *, const char *key, int64_t hundredths); /* 1234 is written as 12.34 */
void json_bool(struct json *, const char *key, bool);
void json_moment(struct json *, const char *key, moment);                  /* 0, never, is written as null */
void json_address(struct json *, const char *key, const struct address *); /* none is written as null */

#endif
