/* A whole file in memory, bounded. */
#ifndef COMMON_IO_FILE_H
#define COMMON_IO_FILE_H

#include <stddef.h>
#include "common/error.h"

/* The caller frees `*result`, which has `*length` bytes and a NUL behind them. Larger than `most`: EFBIG. */
int file_read(const char *path, size_t most, char **result, size_t *length, struct error *) MUST_CHECK;

#endif
