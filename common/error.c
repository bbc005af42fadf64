/* A code and a sentence that grows on its way up. Nothing here allocates: errors must work where memory has run out. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "common/error.h"

int error_set(struct error *error, int code, const char *format, ...)
{
    if (code < 0)
        code = -code; /* callers pass on what a library returned, of either sign */
    if (code == 0)
        code = EIO; /* an error without a code must not look like success */
    if (!error)
        return -code;
    /* By way of a second buffer: the arguments may point into the text that is being replaced. */
    char text[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(error->text, text, strlen(text) + 1);
    error->code = code;
    return -code;
}

int error_wrap(struct error *error, const char *format, ...)
{
    if (!error)
        return -EIO;
    char text[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size_t length = strlen(text);
    if (error->text[0] != '\0' && length + 3 < sizeof text) {
        size_t below = strnlen(error->text, sizeof text - length - 3);
        memcpy(text + length, ": ", 2);
        memcpy(text + length + 2, error->text, below);
        text[length + 2 + below] = '\0';
    }
    memcpy(error->text, text, strlen(text) + 1);
    if (error->code == 0)
        error->code = EIO;
    return -error->code;
}
