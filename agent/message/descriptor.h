/* Bytes and at most one descriptor over a Unix socket, without waiting: what both kinds of conversation stand on. */
#ifndef AGENT_MESSAGE_DESCRIPTOR_H
#define AGENT_MESSAGE_DESCRIPTOR_H

#include <stddef.h>
#include "common/error.h"

/* 0; -EAGAIN: no room; -ECONNRESET: the other side is gone. */
int descriptor_send(int socket, const void *bytes, size_t length, int descriptor, struct error *) MUST_CHECK;
/* Bytes received (at most `room`); 0: none wait; -ECONNRESET; -EPROTO: longer than `room`, or more than one descriptor.
 * A descriptor that came is the caller's; -1: none. */
int descriptor_receive(int socket, void *bytes, size_t room, int *descriptor, struct error *) MUST_CHECK;

#endif
