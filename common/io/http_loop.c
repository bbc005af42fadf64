/* See http_loop.h. */
#include "common/io/http_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include "common/cleanup.h"

#define SLACK 1000 /* microseconds that a timer may be late, so that timers fire together */

struct http_loop {
    struct MHD_Daemon *daemon;
    sd_event_source *run, *timer;
};

void http_loop_turn(struct http_loop *loop)
{
    MHD_UNSIGNED_LONG_LONG wait;
    MHD_run(loop->daemon);
    if (MHD_get_timeout(loop->daemon, &wait) == MHD_YES) {
        sd_event_source_set_time_relative(loop->timer, wait * 1000);
        sd_event_source_set_enabled(loop->timer, SD_EVENT_ONESHOT);
    }
}

static int on_ready(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    (void)source, (void)descriptor, (void)events;
    http_loop_turn(context);
    return 0;
}

static int on_timer(sd_event_source *source, uint64_t time, void *context)
{
    (void)source, (void)time;
    http_loop_turn(context);
    return 0;
}

int http_loop_create(sd_event *event, struct MHD_Daemon *daemon, struct http_loop **result, struct error *error)
{
    CLEANUP(http_loop_destroy) struct http_loop *loop = calloc(1, sizeof *loop);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!loop)
        return error_set(error, ENOMEM, "no memory for the server");
    loop->daemon = daemon;
    int status = info ? sd_event_add_io(event, &loop->run, info->epoll_fd, EPOLLIN, on_ready, loop) : -EIO;
    if (status >= 0)
        status = sd_event_add_time_relative(event, &loop->timer, CLOCK_MONOTONIC, 0, SLACK, on_timer, loop);
    if (status < 0)
        return error_set(error, -status, "cannot watch the server: %s", strerror(-status));
    *result = TAKE(loop);
    return 0;
}

void http_loop_destroy(struct http_loop **loop)
{
    if (!*loop)
        return;
    sd_event_source_disable_unref((*loop)->run);
    sd_event_source_disable_unref((*loop)->timer);
    free(*loop);
    *loop = NULL;
}
