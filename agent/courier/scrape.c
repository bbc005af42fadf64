/* See scrape.h. */
#include "agent/courier/scrape.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/http_loop.h"

#define CONNECTION_MEMORY ((size_t)8 * 1024) /* a head has to fit */

struct line { /* a connection */
    struct line *next, **before;
    int descriptor;
    duration ends; /* 0: it was ended */
};

struct waiting { /* a request */
    struct waiting *next, **before;
    struct MHD_Connection *connection;
    struct MHD_Response *answer; /* NULL: there is none yet */
    unsigned status;
};

struct scrape {
    struct MHD_Daemon *daemon;
    struct http_loop *loop;
    struct scrape_listener listener;
    struct line *lines;
    struct waiting *waiting;
};

/* --- a request --- */

static struct MHD_Response *make_page(struct text text, enum MHD_ResponseMemoryMode mode, const char *type)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(text.length, (void *)(uintptr_t)text.bytes, mode);
    if (response) {
        MHD_add_response_header(response, "Content-Type", type);
        MHD_add_response_header(response, "Cache-Control", "no-store");
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    }
    return response;
}

static enum MHD_Result give(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response)
{
    enum MHD_Result result = response ? MHD_queue_response(connection, status, response) : MHD_NO;
    if (response)
        MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *text)
{
    return give(connection, status, make_page(text_of(text), MHD_RESPMEM_PERSISTENT, "text/plain; charset=utf-8"));
}

static void strike(struct waiting *waiting)
{
    *waiting->before = waiting->next;
    if (waiting->next)
        waiting->next->before = waiting->before;
    waiting->before = NULL;
}

static void wait_for_page(struct scrape *scrape, struct waiting *waiting)
{
    bool first = scrape->waiting == NULL;
    waiting->next = scrape->waiting;
    waiting->before = &scrape->waiting;
    if (!first)
        scrape->waiting->before = &waiting->next;
    scrape->waiting = waiting;
    MHD_suspend_connection(waiting->connection);
    if (first)
        scrape->listener.asked(scrape->listener.context);
}

static enum MHD_Result take(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                            const char *version, const char *bytes, size_t *length, void **own)
{
    struct scrape *scrape = context;
    struct waiting *waiting = *own;
    (void)version, (void)bytes;
    if (strcmp(url, "/metrics") != 0)
        return refuse(connection, MHD_HTTP_NOT_FOUND, "there is /metrics here\n");
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET /metrics\n");
    if (*length > 0)
        return MHD_NO; /* nobody asks with a body */
    if (!waiting) {
        waiting = *own = calloc(1, sizeof *waiting);
        if (!waiting)
            return MHD_NO;
        waiting->connection = connection;
        return MHD_YES;
    }
    if (waiting->answer)
        return give(connection, waiting->status, TAKE(waiting->answer));
    if (!waiting->before)
        wait_for_page(scrape, waiting);
    return MHD_YES;
}

static void completed(void *context, struct MHD_Connection *connection, void **own, enum MHD_RequestTerminationCode why)
{
    struct waiting *waiting = *own;
    (void)context, (void)connection, (void)why;
    if (!waiting)
        return;
    if (waiting->before)
        strike(waiting);
    if (waiting->answer)
        MHD_destroy_response(waiting->answer);
    free(waiting);
    *own = NULL;
}

void scrape_answer(struct scrape *scrape, struct text page)
{
    while (scrape->waiting) {
        struct waiting *waiting = scrape->waiting;
        strike(waiting);
        waiting->status = page.length > 0 ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
        waiting->answer = make_page(page, MHD_RESPMEM_MUST_COPY, "text/plain; version=0.0.4; charset=utf-8");
        MHD_resume_connection(waiting->connection);
    }
    http_loop_turn(scrape->loop);
}

/* --- connections --- */

static void connected(void *context, struct MHD_Connection *connection, void **own,
                      enum MHD_ConnectionNotificationCode what)
{
    struct scrape *scrape = context;
    struct line *line = *own;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        line = *own = calloc(1, sizeof *line);
        if (!line || !info)
            return;
        *line = (struct line){scrape->lines, &scrape->lines, info->connect_fd, clock_steady() + SCRAPE_LIFETIME};
        if (line->next)
            line->next->before = &line->next;
        scrape->lines = line;
    } else if (line) {
        if (line->before)
            *line->before = line->next;
        if (line->next)
            line->next->before = line->before;
        free(line);
        *own = NULL;
    }
}

void scrape_tick(struct scrape *scrape, duration steady)
{
    for (struct line *line = scrape->lines; line; line = line->next)
        if (line->ends && line->ends < steady) {
            line->ends = 0;
            shutdown(line->descriptor, SHUT_RDWR);
        }
    http_loop_turn(scrape->loop);
}

/* --- its life --- */

int scrape_open(sd_event *event, int listener, const struct scrape_listener *told, struct scrape **result,
                struct error *error)
{
    CLEANUP(scrape_close) struct scrape *scrape = calloc(1, sizeof *scrape);
    int own = fcntl(listener, F_DUPFD_CLOEXEC, 0); /* the daemon closes what it is given */
    if (!scrape || own < 0) {
        if (own >= 0)
            close(own);
        return error_set(error, ENOMEM, "cannot serve metrics: no memory, or no descriptor");
    }
    scrape->listener = *told;
    scrape->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, take, scrape,
                                      MHD_OPTION_LISTEN_SOCKET, own, MHD_OPTION_NOTIFY_CONNECTION, connected, scrape,
                                      MHD_OPTION_NOTIFY_COMPLETED, completed, scrape, MHD_OPTION_CONNECTION_LIMIT,
                                      (unsigned)SCRAPE_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                                      CONNECTION_MEMORY, MHD_OPTION_END);
    if (!scrape->daemon) {
        close(own);
        return error_set(error, EIO, "cannot serve metrics: libmicrohttpd does not start");
    }
    int status = http_loop_create(event, scrape->daemon, &scrape->loop, error);
    if (status == 0)
        *result = TAKE(scrape);
    return status;
}

void scrape_close(struct scrape **scrape)
{
    if (!*scrape)
        return;
    while ((*scrape)->waiting) {
        struct waiting *waiting = (*scrape)->waiting;
        strike(waiting);
        MHD_resume_connection(waiting->connection);
    }
    http_loop_destroy(&(*scrape)->loop);
    if ((*scrape)->daemon)
        MHD_stop_daemon((*scrape)->daemon);
    free(*scrape);
    *scrape = NULL;
}
