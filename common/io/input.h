/* A capture or a log as consecutive windows of bytes, whatever it lies in: a file, a pipe or "-" for standard input,
 * plain or compressed with gzip or zstd, which its first bytes tell and its name does not. Several compressed members
 * one behind the other are one input. Memory is bounded, and a file that shrinks while it is read ends early instead of
 * killing the reader.
 *
 *     size_t used = 0;
 *     do {
 *         status = input_more(input, used, &window, &last, error);
 *         if (status < 0)
 *             return error_wrap(...);             the sentence names the file already
 *         used = parse(window, last);             as many bytes of the window as were whole records
 *     } while (!last);
 */
#ifndef COMMON_IO_INPUT_H
#define COMMON_IO_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/error.h"
#include "common/text.h"

struct input;

/* How much a window holds; less where the input ends or trickles through a pipe. */
#define INPUT_WINDOW (UINT32_C(512) * 1024)
/* The most that it grows to for a caller that needs more than one window to understand its record. */
#define INPUT_WINDOW_MOST (UINT32_C(16) * 1024 * 1024)

/* Open `path`, or standard input for "-". Nothing is read yet; directories are refused. */
int input_open(const char *path, struct input **result, struct error *) MUST_CHECK;
/* The same of an open file, from its first byte, whatever was read of it before. The descriptor stays the caller's; it
 * must be open for as long as the input. `name` is for sentences. */
int input_open_descriptor(int descriptor, const char *name, struct input **result, struct error *) MUST_CHECK;
void input_close(struct input **);

/* Give back the first `consumed` bytes of the last window (0 the first time) and get the next: what was left of it with
 * more behind. Without `*last` there is always at least one new byte, so a caller that consumes nothing gets a longer
 * window each time; EMSGSIZE when it would pass INPUT_WINDOW_MOST. With `*last` nothing comes behind the window (it may
 * be empty); asking again then gives what is left once more. Every pointer into an earlier window is void afterwards.
 *
 * Damage in compressed bytes is an error that names the file and the place (EBADMSG), but not before everything in
 * front of it was handed out. A read error likewise. The outputs are unchanged on failure. */
int input_more(struct input *, size_t consumed, struct text *window, bool *last, struct error *) MUST_CHECK;

const char *input_name(const struct input *);     /* the path, or "standard input" */
uint64_t input_bytes_read(const struct input *);  /* of the file as it lies on the disk: for progress */
uint64_t input_bytes_total(const struct input *); /* its size when it was opened; 0: a pipe, nobody knows */

#endif
