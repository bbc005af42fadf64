/* Words as a field of CSV (RFC 4180), which a spreadsheet is to show and not to work out: many open a file of commas as
 * if it were one of semicolons or tabs, by the country that they are set to, and then a cell begins behind each. */
#ifndef COMMON_CSV_FIELD_H
#define COMMON_CSV_FIELD_H

#include <stdbool.h>
#include "common/buffer.h"
#include "common/text.h"

/* Append them, in quotes where that is needed. What would begin a formula, at the beginning or behind a semicolon or
 * tab, has a ' before it. False: the buffer's bound. */
bool csv_field_put(struct buffer *, struct text words) __attribute__((warn_unused_result));

#endif
