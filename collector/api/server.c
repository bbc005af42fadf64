/* A request's way: its head is read and, where a body follows, its secret looked at before a byte of that is taken;
 * then the body, which is read by the threads; then a thread with a store answers it, or it waits for news. Meanwhile
 * its connection is suspended. A connection that keeps others waiting has a deadline for each step, which a client that
 * trickles cannot move. */
#include "collector/api/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "collector/api/connections.h"
#include "collector/api/daemon.h"
#include "collector/api/endpoint.h"
#include "collector/api/heard.h"
#include "collector/api/means.h"
#include "collector/api/metrics.h"
#include "collector/api/pulse.h"
#include "collector/api/reckoner.h"
#include "collector/api/request.h"
#include "collector/api/waiting.h"
#include "collector/api/worker.h"
#include "collector/sorter/sorter.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/http_loop.h"
#include "common/io/listen.h"
#include "common/json.h"

#define WAITING_MOST  20000
#define TICK          (200 * MILLISECOND)
#define PREPARED_MOST ((size_t)96 * 1024 * 1024) /* bytes of bodies that were read and wait for the writer */

struct server {
    struct MHD_Daemon *daemon;
    struct http_loop *loop;
    sd_event *event; /* borrowed */
    sd_event_source *tick, *finished_source, *news_source, *sorted_source;
    struct server_settings settings;
    struct log log;
    struct finished *finished;
    struct worker *door, *reader, *scholar, *writer;
    struct heard *heard;
    struct reckoner *reckoner;
    struct connections connections;
    struct waiting waiting;
    struct pulse pulse;
    struct exchange *unprepared, **last_unprepared; /* bodies that there is no room to read yet */
    size_t bodies, prepared;                        /* bytes that requests hold */
    struct metrics metrics;
    duration begun;
    int64_t under_way; /* with a worker */
    int store_trouble; /* of the last request; 0: none */
    bool ending;
    uint16_t port;
};

static void expect(struct request *request, duration deadline)
{
    if (request->connection)
        request->connection->deadline = deadline;
}

/* --- to the threads and back --- */

static void give(struct server *server, struct worker *worker, struct request *request)
{
    server->under_way++;
    worker_add(worker, &request->exchange);
}

/* A body may become much larger when it is read: it is read when there is room for the worst. */
static void prepare_more(struct server *server)
{
    while (server->unprepared) {
        struct request *request = server->unprepared->owner;
        size_t most = request->exchange.endpoint->prepared_most;
        if (server->prepared > 0 && server->prepared + most > PREPARED_MOST)
            return;
        server->unprepared = request->exchange.next;
        request->prepared = most;
        server->prepared += most;
        give(server, server->door, request);
    }
}

static void submit(struct server *server, struct request *request)
{
    struct exchange *exchange = &request->exchange;
    if (exchange->step == STEP_ADMIT) {
        give(server, server->door, request);
    } else if (exchange->step == STEP_ANSWER) {
        exchange->generation = server->waiting.generation[waiting_for(request)];
        exchange->trouble = (struct error){0};
        give(server,
             exchange->endpoint->worker == ASK_WRITER    ? server->writer
             : exchange->endpoint->worker == ASK_SCHOLAR ? server->scholar
                                                         : server->reader,
             request);
    } else if (exchange->step == STEP_KEEP) {
        give(server, server->writer, request);
    } else {
        if (server->unprepared == NULL)
            server->last_unprepared = &server->unprepared;
        exchange->next = NULL;
        *server->last_unprepared = exchange;
        server->last_unprepared = &exchange->next;
        prepare_more(server);
    }
}

static void release(struct server *server, struct request *request)
{
    struct exchange *exchange = &request->exchange;
    server->bodies -= request->body;
    server->prepared -= request->prepared;
    request->body = request->prepared = 0;
    buffer_clear(&exchange->body);
    if (exchange->endpoint && exchange->endpoint->forget)
        exchange->endpoint->forget(exchange);
    prepare_more(server);
}

static void resume(struct server *server, struct request *request)
{
    release(server, request);
    request->done = true;
    request->suspended = false;
    MHD_resume_connection(request->way);
}

static void count(struct server *server, const struct exchange *exchange)
{
    struct metrics *metrics = &server->metrics;
    int before = server->store_trouble;
    if (exchange->step == STEP_PREPARE && exchange->trouble.code == 0) /* nobody asked the store */
        return;
    server->store_trouble = exchange->trouble.code;
    if (exchange->trouble.code != 0)
        metrics->store_failures++;
    if (exchange->trouble.code != 0 && exchange->trouble.code != before) /* once, not for each who asks meanwhile */
        log_write(&server->log, LOG_TROUBLE, "%s %s: %s", exchange->endpoint->method, exchange->endpoint->path,
                  exchange->trouble.text);
    else if (exchange->trouble.code == 0 && before != 0)
        log_write(&server->log, LOG_NEWS, "the store does its work again");
    if (exchange->endpoint->handle != records_handle || exchange->step != STEP_ANSWER)
        return;
    metrics->records += (uint64_t)exchange->records;
    metrics->duplicates += (uint64_t)exchange->duplicates;
    metrics->batches += exchange->status == 200;
    metrics->holes += exchange->status == 409;
}

/* Whether it waits for news, or was asked again because some came while a thread was looking. */
static bool is_put_off(struct server *server, struct request *request)
{
    struct exchange *exchange = &request->exchange;
    bool away = request->until != 0 && exchange->trouble.code == ENOTCONN; /* woken while the store is: it waits on */
    if ((!exchange->nothing && !away) || exchange->patience <= 0 || server->ending)
        return false;
    server->pulse.missed |= away;
    if (request->until == 0)
        request->until = exchange->begun + exchange->patience;
    if (exchange->generation != server->waiting.generation[waiting_for(request)]) {
        submit(server, request);
        return true;
    }
    if (request->until <= clock_steady() || waiting_count(&server->waiting) >= WAITING_MOST)
        return false;
    waiting_add(&server->waiting, request);
    return true;
}

/* A thread has done with it: it goes on to the next step, waits, or is answered. */
static void settle(struct server *server, struct request *request)
{
    struct exchange *exchange = &request->exchange;
    count(server, exchange);
    if (request->connection && exchange->endpoint->permission != MAY_ANYBODY && exchange->status != 401 &&
        exchange->status != 403 && exchange->trouble.code == 0)
        connections_know(&server->connections, request->connection);
    if (exchange->step == STEP_PREPARE) {
        server->prepared -= request->prepared;
        request->prepared = exchange->prepared_size;
        server->prepared += request->prepared;
        if (exchange->status == 0) {
            exchange->step = STEP_ANSWER;
            submit(server, request);
            prepare_more(server);
            return;
        }
    }
    if (exchange->step == STEP_ANSWER && exchange->keeps && exchange->trouble.code == 0) {
        exchange->step = STEP_KEEP;
        submit(server, request);
        return;
    }
    if (exchange->step != STEP_ANSWER || !is_put_off(server, request))
        resume(server, request);
}

static void ask_again(void *context, struct request *request)
{
    submit(context, request);
}

static struct sorter *sorter_of(const struct server *server)
{
    return server->settings.means ? server->settings.means->sorter : NULL;
}

/* On a shared store what is committed here may not be settled yet: then the pulse tells people of it as well. */
static void note_told(struct server *server, const struct exchange *exchange, bool told[TOLD_KINDS])
{
    told[exchange->told] |= exchange->told != TOLD_PEOPLE || !server->pulse.shared;
    pulse_know(&server->pulse, exchange->revision);
    server->metrics.messages += (uint64_t)exchange->messages;
    if (exchange->messages > 0 && sorter_of(server))
        sorter_wake(sorter_of(server));
}

static void settle_all(struct server *server)
{
    bool told[TOLD_KINDS] = {false};
    for (struct exchange *exchange = finished_take(server->finished), *next; exchange; exchange = next) {
        next = exchange->next;
        server->under_way--;
        if (exchange == &server->pulse.exchange) {
            count(server, exchange);
            pulse_take(&server->pulse, told);
            continue;
        }
        note_told(server, exchange, told);
        settle(server, exchange->owner);
    }
    for (enum told kind = TOLD_NODES; kind < TOLD_KINDS; kind++)
        if (told[kind])
            waiting_wake(&server->waiting, kind, ask_again, server);
}

/* --- a request --- */

static void answer_alone(struct server *server, struct exchange *exchange)
{
    if (exchange->endpoint->permission != MAY_ANYBODY) {
        server->metrics.commits = worker_commits(server->writer);
        server->metrics.waiting = waiting_count(&server->waiting);
        if (sorter_of(server))
            metrics_take_sorting(&server->metrics, sorter_of(server));
        if (server->settings.means && server->settings.means->returning)
            metrics_take_returning(&server->metrics, server->settings.means->returning);
        if (server->settings.means && server->settings.means->watch)
            metrics_take_watch(&server->metrics, server->settings.means->watch);
        if (server->settings.means && server->settings.means->post)
            metrics_take_post(&server->metrics, server->settings.means->post);
        server->metrics.uptime = (double)(clock_steady() - server->begun) / SECOND;
        exchange->plain = true;
        exchange->status = metrics_print(&server->metrics, &exchange->answer) ? 200 : 503;
        return;
    }
    struct json json = json_begin(&exchange->answer);
    json_string(&json, "health", server->store_trouble ? "the store fails" : "good");
    json_string(&json, "version", POSTERN_VERSION);
    exchange->status = json_end(&json) && !server->store_trouble ? 200 : 503;
}

static enum MHD_Result finish(struct server *server, struct request *request)
{
    struct exchange *exchange = &request->exchange;
    if (exchange->status == 0)
        answer_alone(server, exchange);
    expect(request, clock_steady() + server->settings.body);
    int class = exchange->status / 100;
    server->metrics.answers[class > 0 && class < METRICS_CLASSES ? class : 0]++;
    return request_send(request);
}

static enum MHD_Result suspend(struct server *server, struct request *request)
{
    if (server->ending) {
        exchange_refuse(&request->exchange, 503, "the collector is ending");
        return finish(server, request);
    }
    request->suspended = true;
    expect(request, 0);
    MHD_suspend_connection(request->way);
    submit(server, request);
    return MHD_YES;
}

static enum MHD_Result begin(struct server *server, struct request *request)
{
    struct exchange *exchange = &request->exchange;
    expect(request, exchange->begun + server->settings.body);
    if (exchange->status != 0)
        return finish(server, request);
    if (exchange->endpoint->body_most == 0) {
        exchange->step = STEP_ANSWER;
        return MHD_YES;
    }
    return suspend(server, request);
}

/* Its secret is good: the body may come, if there is room for it. */
static enum MHD_Result take_body(struct server *server, struct request *request)
{
    struct exchange *exchange = &request->exchange;
    size_t most = request_body_most(request);
    if (exchange->status != 0)
        return finish(server, request);
    if (server->bodies > 0 && server->bodies + most > server->settings.bodies) {
        exchange_refuse(exchange, 503, "too many bodies at once; ask again");
        return finish(server, request);
    }
    request->body = most;
    server->bodies += most;
    request->done = false;
    exchange->step = exchange->endpoint->prepare ? STEP_PREPARE : STEP_ANSWER;
    expect(request, clock_steady() + server->settings.body);
    return MHD_YES;
}

static enum MHD_Result take(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                            const char *version, const char *bytes, size_t *length, void **own)
{
    struct server *server = context;
    struct request *request = *own;
    (void)version;
    if (request == NULL) {
        request = *own =
            request_begin(connection, method, url, server->settings.means, server->settings.authority != NULL);
        return request ? begin(server, request) : MHD_NO;
    }
    if (*length > 0) {
        bool fits = buffer_append(&request->exchange.body, (struct text){bytes, *length});
        server->metrics.body_bytes += *length;
        *length = 0;
        return fits ? MHD_YES : MHD_NO; /* no length was told, and it is too long: hang up */
    }
    if (request->done && request->exchange.step == STEP_ADMIT)
        return take_body(server, request);
    if (request->done || request->exchange.endpoint->worker == ASK_LOOP)
        return finish(server, request);
    return request->suspended ? MHD_YES : suspend(server, request);
}

static void completed(void *context, struct MHD_Connection *connection, void **own, enum MHD_RequestTerminationCode why)
{
    struct server *server = context;
    struct request *request = *own;
    (void)connection;
    (void)why;
    if (request == NULL)
        return;
    expect(request, clock_steady() + server->settings.idle);
    waiting_remove(&server->waiting, request);
    release(server, request);
    request_free(request);
    *own = NULL;
}

static void connected(void *context, struct MHD_Connection *connection, void **own,
                      enum MHD_ConnectionNotificationCode what)
{
    struct server *server = context;
    uint32_t ended = 0;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info)
            *own =
                connections_add(&server->connections, info->connect_fd, clock_steady() + server->settings.head, &ended);
    } else if (*own) {
        connections_remove(&server->connections, *own);
        *own = NULL;
    }
    server->metrics.dropped += ended;
    server->metrics.connections = server->connections.count;
}

/* --- the loop --- */

static int on_finished(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    struct server *server = context;
    (void)source;
    (void)events;
    (void)descriptor;
    settle_all(server);
    http_loop_turn(server->loop);
    return 0;
}

static void look_for_others(struct server *server)
{
    struct exchange *look = pulse_ask(&server->pulse, waiting_count(&server->waiting) > 0, server->store_trouble != 0);
    if (look == NULL)
        return;
    server->under_way++;
    worker_add(server->reader, look);
}

static int on_news(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    struct server *server = context;
    (void)source;
    (void)events;
    (void)descriptor;
    reckoner_taken(server->reckoner);
    waiting_wake(&server->waiting, TOLD_NODES, ask_again, server);
    return 0;
}

static int on_sorted(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    struct server *server = context;
    int64_t nodes[SORTER_TOLD_MOST];
    size_t count = sorter_told(sorter_of(server), nodes);
    (void)source;
    (void)events;
    (void)descriptor;
    if (count > SORTER_TOLD_MOST)
        waiting_wake(&server->waiting, TOLD_NODES, ask_again, server);
    else if (count > 0)
        waiting_wake_nodes(&server->waiting, nodes, count, ask_again, server);
    return 0;
}

static int on_tick(sd_event_source *source, uint64_t time, void *context)
{
    struct server *server = context;
    duration now = clock_steady();
    (void)time;
    server->metrics.dropped += connections_end_late(&server->connections, now);
    for (struct request *request = server->waiting.first, *next; request; request = next) {
        next = request->next_waiting;
        if (request->until > now)
            continue;
        waiting_remove(&server->waiting, request);
        resume(server, request);
    }
    look_for_others(server);
    http_loop_turn(server->loop);
    sd_event_source_set_time_relative(source, TICK / MICROSECOND);
    sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    return 0;
}

static int watch(struct server *server, struct error *error)
{
    int status = http_loop_create(server->event, server->daemon, &server->loop, error);
    if (status < 0)
        return status;
    status = sd_event_add_io(server->event, &server->finished_source, finished_descriptor(server->finished), EPOLLIN,
                             on_finished, server);
    if (status >= 0)
        status = sd_event_add_io(server->event, &server->news_source, reckoner_descriptor(server->reckoner), EPOLLIN,
                                 on_news, server);
    if (status >= 0 && sorter_of(server))
        status = sd_event_add_io(server->event, &server->sorted_source, sorter_descriptor(sorter_of(server)), EPOLLIN,
                                 on_sorted, server);
    if (status >= 0)
        status = sd_event_add_time_relative(server->event, &server->tick, CLOCK_MONOTONIC, TICK / MICROSECOND, 10000,
                                            on_tick, server);
    return status < 0 ? error_set(error, -status, "cannot watch the server: %s", strerror(-status)) : 0;
}

/* --- its life --- */

int server_create(sd_event *event, const struct server_settings *settings, const struct log *log,
                  struct server **result, struct error *error)
{
    CLEANUP(server_destroy) struct server *server = calloc(1, sizeof *server);
    const struct daemon_calls calls = {server, take, completed, connected};
    int listening = -1, status;
    if (server == NULL)
        return error_set(error, ENOMEM, "no memory for the server");
    server->settings = *settings;
    server->event = event;
    server->log = *log;
    server->begun = clock_steady();
    connections_init(&server->connections, settings->connections);
    pulse_begin(&server->pulse);
    server->heard = heard_create();
    status =
        server->heard ? finished_create(&server->finished, error) : error_set(error, ENOMEM, "no memory for nodes");
    if (status == 0)
        status =
            worker_create(settings->store, &settings->keep, server->heard, server->finished, &server->writer, error);
    if (status == 1) {
        server->store_trouble = error->code;
        log_write(&server->log, LOG_TROUBLE, "the store does not answer yet: %s", error->text);
    }
    if (status >= 0)
        status = worker_create(settings->store, NULL, server->heard, server->finished, &server->door, error);
    if (status >= 0)
        status = worker_create(settings->store, NULL, server->heard, server->finished, &server->reader, error);
    if (status >= 0)
        status = worker_create(settings->store, NULL, server->heard, server->finished, &server->scholar, error);
    if (status >= 0)
        status = reckoner_create(settings->store, &server->reckoner, error);
    if (status >= 0)
        status = listen_open(settings->address, &listening, &server->port, error);
    if (status == 0)
        status = daemon_start(settings, listening, &calls, &server->daemon, error);
    if (status == 0)
        status = watch(server, error);
    if (status < 0)
        return status;
    *result = TAKE(server);
    return 0;
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}

/* Everybody who waits gets an answer, and a second to fetch it. */
static void let_go(struct server *server)
{
    int listening = MHD_quiesce_daemon(server->daemon);
    if (listening >= 0)
        close(listening);
    while (server->under_way > 0) {
        struct pollfd finished = {finished_descriptor(server->finished), POLLIN, 0};
        poll(&finished, 1, 1000);
        settle_all(server);
    }
    while (server->waiting.first) {
        struct request *request = server->waiting.first;
        waiting_remove(&server->waiting, request);
        resume(server, request);
    }
    duration end = clock_steady() + SECOND;
    for (bool busy = true; busy && clock_steady() < end;) {
        MHD_run_wait(server->daemon, 20);
        busy = connections_busy(&server->connections, clock_steady() + server->settings.idle - SECOND);
    }
    MHD_stop_daemon(server->daemon);
}

void server_destroy(struct server **server)
{
    if (*server == NULL)
        return;
    (*server)->ending = true;
    http_loop_destroy(&(*server)->loop);
    sd_event_source_disable_unref((*server)->tick);
    sd_event_source_disable_unref((*server)->finished_source);
    sd_event_source_disable_unref((*server)->news_source);
    sd_event_source_disable_unref((*server)->sorted_source);
    reckoner_destroy(&(*server)->reckoner);
    if ((*server)->daemon)
        let_go(*server);
    worker_destroy(&(*server)->door);
    worker_destroy(&(*server)->writer);
    worker_destroy(&(*server)->reader);
    worker_destroy(&(*server)->scholar);
    heard_destroy(&(*server)->heard);
    finished_destroy(&(*server)->finished);
    free(*server);
    *server = NULL;
}
