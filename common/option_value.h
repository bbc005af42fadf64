/* One option's value: read from text, held against its limits, written again. The inside of option.h. */
#ifndef COMMON_OPTION_VALUE_H
#define COMMON_OPTION_VALUE_H

#include "common/option.h"

#define OPTION_ALLOWED 400 /* room for what is allowed, as a phrase */

/* May its value go on in a second, indented line? */
bool option_value_is_list(const struct option *);

/* Make the value empty without freeing what stood there. */
void option_value_init(const struct option *, void *settings);
void option_value_clear(const struct option *, void *settings);

/* Read a value into its place in the settings; `more`: behind what a list already holds. The error's text reads "what
 * is wrong; what is allowed". */
int option_value_read(const struct option *, struct text, bool more, void *settings, struct error *) MUST_CHECK;

/* "a duration such as 90s or 1h30m, from 1s to 1d". Returns `result`. */
const char *option_value_allowed(const struct option *, char result[OPTION_ALLOWED]);

/* The value as a person would write it; a long list goes on in indented lines. */
bool option_value_print(const struct option *, const void *settings, struct buffer *) MUST_CHECK;

#endif
