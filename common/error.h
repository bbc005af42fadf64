/* What went wrong on our side, as a code and a sentence that grows on its way up.
 *
 * Only our own failures are errors: a file that cannot be opened, a bad configuration. What others send us, however
 * malformed, is an outcome and a counter. Every level adds its context; only main, the loop's callbacks and the control
 * socket's edge report, once. */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

struct error {
    int code; /* a positive errno value; 0: nothing went wrong */
    char text[240];
};

/* Write code and sentence. `error` may be NULL. Returns -code, so that `return error_set(...)` is the usual exit. */
int error_set(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Put the formatted context and ": " before the sentence that came up. Returns -error->code (-EIO when NULL). */
int error_wrap(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
