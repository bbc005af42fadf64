/* A libmicrohttpd daemon in an sd-event loop: its epoll descriptor is one event source among others, and no thread is
 * its own. */
#ifndef COMMON_IO_HTTP_LOOP_H
#define COMMON_IO_HTTP_LOOP_H

#include <microhttpd.h>
#include <systemd/sd-event.h>
#include "common/error.h"

struct http_loop;
/* The daemon was started with MHD_USE_EPOLL and without a thread; it is borrowed, and outlives this. */
int http_loop_create(sd_event *, struct MHD_Daemon *, struct http_loop **result, struct error *) MUST_CHECK;
void http_loop_destroy(struct http_loop **);
/* Let it do what it can: after a connection was resumed or shut down from outside its callbacks. */
void http_loop_turn(struct http_loop *);

#endif
