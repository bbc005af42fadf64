/* A TCP socket on which a daemon listens. */
#ifndef COMMON_IO_LISTEN_H
#define COMMON_IO_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include "common/error.h"

/* "192.0.2.1:8025", "[2001:db8::1]:8025"; port 0: one that the kernel chooses. `*port` is the one it has. */
int listen_open(const char *address, int *descriptor, uint16_t *port, struct error *) MUST_CHECK;
bool listen_is_address(const char *); /* listen_open() would understand it */

#endif
