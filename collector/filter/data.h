/* The content of a message as SMTP carries it behind DATA (RFC 5321 4.5.2): for appliances and for the relay. */
#ifndef COLLECTOR_FILTER_DATA_H
#define COLLECTOR_FILTER_DATA_H

#include <stdbool.h>
#include "common/buffer.h"
#include "common/text.h"

/* Bytes that `length` bytes become at most. */
#define DATA_MOST(length) (2 * (length) + 4)

/* Appends it with lines ended by CRLF and another dot before each that begins with one; the dot that ends it is the
 * caller's. LF and CR alone end a line as well: some servers take each for a line's end, and what stands behind a dot
 * between two of them would be commands to these. False: no room. */
bool data_write(struct text content, struct buffer *out) __attribute__((warn_unused_result));

#endif
