/* The socket on which the collector listens. */
#ifndef COLLECTOR_API_LISTEN_H
#define COLLECTOR_API_LISTEN_H

#include <stdint.h>
#include "common/error.h"

/* "192.0.2.1:8025", "[2001:db8::1]:8025"; port 0: one that the kernel chooses. `*port` is the one it has. */
int listen_open(const char *address, int *descriptor, uint16_t *port, struct error *) MUST_CHECK;

#endif
