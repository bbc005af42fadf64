/* A request's way: begin() routes it, receive() takes its body, submit() gives it to a worker with its connection
 * suspended, settle() finds it answered or lets it wait for news, finish() sends. A connection that keeps others
 * waiting has a deadline for each step, which a client that trickles cannot move. */
#include "collector/api/server.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "collector/api/endpoint.h"
#include "collector/api/listen.h"
#include "collector/api/metrics.h"
#include "collector/api/worker.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/json.h"

#define CONNECTION_MEMORY ((size_t)6 * 1024) /* a head has to fit */
#define WAITING_MOST      20000
#define TICK              (250 * MILLISECOND)

struct line { /* a connection */
    struct line *next, **before;
    int descriptor;
    duration deadline; /* 0: it waits for us */
};

struct request {
    struct exchange exchange;
    struct MHD_Connection *connection;
    struct line *line;
    struct request *next_waiting, **before_waiting;
    duration until; /* how long it waits for news */
    bool suspended, done;
};

struct server {
    struct MHD_Daemon *daemon;
    sd_event *event; /* borrowed */
    sd_event_source *run, *timer, *tick, *finished_source;
    struct server_settings settings;
    struct log log;
    struct finished *finished;
    struct worker *reader, *writer;
    struct line *lines;
    struct request *waiting;
    uint64_t generation[TOLD_KINDS];
    struct metrics metrics;
    duration begun;
    int64_t under_way; /* with a worker */
    int store_trouble; /* of the last request; 0: none */
    bool ending;
    uint16_t port;
};

/* --- waiting for news --- */

static void wait_begin(struct server *server, struct request *request)
{
    request->next_waiting = server->waiting;
    request->before_waiting = &server->waiting;
    if (server->waiting)
        server->waiting->before_waiting = &request->next_waiting;
    server->waiting = request;
    server->metrics.waiting++;
}

static void wait_end(struct server *server, struct request *request)
{
    *request->before_waiting = request->next_waiting;
    if (request->next_waiting)
        request->next_waiting->before_waiting = request->before_waiting;
    request->before_waiting = NULL;
    server->metrics.waiting--;
}

static enum told news_for(const struct request *request)
{
    return request->exchange.endpoint->permission == MAY_NODE ? TOLD_NODES : TOLD_PEOPLE;
}

static void submit(struct server *server, struct request *request)
{
    request->exchange.generation = server->generation[news_for(request)];
    server->under_way++;
    worker_add(request->exchange.endpoint->worker == ASK_WRITER ? server->writer : server->reader, &request->exchange);
}

static void resume(struct request *request)
{
    request->done = true;
    request->suspended = false;
    MHD_resume_connection(request->connection);
}

static void count(struct server *server, const struct exchange *exchange)
{
    struct metrics *metrics = &server->metrics;
    int before = server->store_trouble;
    server->store_trouble = exchange->trouble.code;
    if (exchange->trouble.code != 0)
        metrics->store_failures++;
    if (exchange->trouble.code != 0 && exchange->trouble.code != before) /* once, not for each who asks meanwhile */
        log_write(&server->log, LOG_TROUBLE, "%s %s: %s", exchange->endpoint->method, exchange->endpoint->path,
                  exchange->trouble.text);
    else if (exchange->trouble.code == 0 && before != 0)
        log_write(&server->log, LOG_NEWS, "the store does its work again");
    if (exchange->endpoint->handle != records_handle)
        return;
    metrics->records += (uint64_t)exchange->records;
    metrics->duplicates += (uint64_t)exchange->duplicates;
    metrics->batches += exchange->status == 200;
    metrics->holes += exchange->status == 409;
}

/* A worker has done with it: it is answered, or there is nothing yet and it waits. */
static void settle(struct server *server, struct request *request)
{
    struct exchange *exchange = &request->exchange;
    count(server, exchange);
    if (exchange->nothing && exchange->patience > 0 && !server->ending) {
        if (request->until == 0)
            request->until = exchange->begun + exchange->patience;
        if (exchange->generation != server->generation[news_for(request)]) {
            submit(server, request); /* it came while this one was looking */
            return;
        }
        if (request->until > clock_steady() && server->metrics.waiting < WAITING_MOST) {
            wait_begin(server, request);
            return;
        }
    }
    resume(request);
}

static void wake(struct server *server, enum told told)
{
    server->generation[told]++;
    for (struct request *request = server->waiting, *next; request; request = next) {
        next = request->next_waiting;
        if (news_for(request) != told)
            continue;
        wait_end(server, request);
        submit(server, request);
    }
}

static void settle_all(struct server *server)
{
    bool told[TOLD_KINDS] = {false};
    for (struct exchange *exchange = finished_take(server->finished), *next; exchange; exchange = next) {
        next = exchange->next;
        told[exchange->told] = true;
        server->under_way--;
        settle(server, exchange->owner);
    }
    for (enum told kind = TOLD_NODES; kind < TOLD_KINDS; kind++)
        if (told[kind])
            wake(server, kind);
}

/* --- a request --- */

static void request_free(struct request *request)
{
    buffer_clear(&request->exchange.body);
    buffer_clear(&request->exchange.answer);
    for (int i = 0; i < EXCHANGE_PARAMETERS; i++)
        free((char *)(uintptr_t)request->exchange.parameters[i].name);
    free((char *)(uintptr_t)request->exchange.target.bytes);
    free(request);
}

static void print_client(struct MHD_Connection *connection, char result[64])
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    result[0] = '\0';
    if (info == NULL || info->client_addr == NULL)
        return;
    if (info->client_addr->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)info->client_addr)->sin_addr, result, 64);
    else
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr, result, 64);
}

/* A node brings a certificate where the settings name who signs them; a person and a token need none. */
static bool certificate_is_good(struct server *server, struct MHD_Connection *connection)
{
    unsigned verdict = 1;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (server->settings.authority == NULL)
        return true;
    return info && info->tls_session &&
           gnutls_certificate_verify_peers2((gnutls_session_t)info->tls_session, &verdict) == GNUTLS_E_SUCCESS &&
           verdict == 0;
}

/* The parameters the endpoint knows, "name=value" in one piece of memory each. */
static bool take_parameters(struct MHD_Connection *connection, struct exchange *exchange)
{
    for (int i = 0; exchange->endpoint->parameters[i]; i++) {
        const char *said = exchange->endpoint->parameters[i];
        size_t length = strcspn(said, ":");
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)length, said);
        const char *value = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
        char *copy = NULL;
        if (asprintf(&copy, "%s=%s", name, value ? value : "") < 0)
            return false;
        copy[length] = '\0';
        exchange->parameters[i].name = copy;
        exchange->parameters[i].value = value ? copy + length + 1 : NULL;
    }
    return true;
}

static void examine(struct server *server, struct request *request, const char *method, const char *url)
{
    struct exchange *exchange = &request->exchange;
    struct text target = {0};
    bool known;
    exchange->endpoint = endpoint_find(method, url, &target, &known);
    if (exchange->endpoint == NULL) {
        exchange_refuse(exchange, known ? 405 : 404, known ? "not with this method" : "there is nothing here");
        return;
    }
    const char *secret = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Authorization");
    const char *coding = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Content-Encoding");
    const char *length = MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Content-Length");
    if (exchange->endpoint->permission != MAY_ANYBODY &&
        (secret == NULL || !secret_parse(text_of(secret), &exchange->secret))) {
        exchange_refuse(exchange, 401, "a secret is needed: Authorization: Bearer ...");
        return;
    }
    exchange->packed = coding && strcasecmp(coding, "zstd") == 0;
    if (coding && !exchange->packed) {
        exchange_refuse(exchange, 415, "Content-Encoding: zstd or none");
        return;
    }
    if (length && strtoull(length, NULL, 10) > exchange->endpoint->body_most) {
        exchange_refuse(exchange, 413, "at most %zu bytes", exchange->endpoint->body_most);
        return;
    }
    if (exchange->endpoint->permission == MAY_NODE && !certificate_is_good(server, request->connection)) {
        server->metrics.refused_connections++;
        exchange_refuse(exchange, 403, "a node needs a certificate that this collector's authority has signed");
        return;
    }
    if (target.length)
        exchange->target = (struct text){strndup(target.bytes, target.length), target.length};
    if (!take_parameters(request->connection, exchange) || (target.length && exchange->target.bytes == NULL))
        exchange_refuse(exchange, 503, "no memory");
    buffer_init(&exchange->body, exchange->endpoint->body_most);
}

static struct request *begin(struct server *server, struct MHD_Connection *connection, const char *method,
                             const char *url)
{
    struct request *request = calloc(1, sizeof *request);
    if (request == NULL)
        return NULL;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    request->line = info ? info->socket_context : NULL;
    request->connection = connection;
    request->exchange.owner = request;
    request->exchange.arrived = clock_now();
    request->exchange.begun = clock_steady();
    buffer_init(&request->exchange.answer, EXCHANGE_ANSWER_MOST);
    print_client(connection, request->exchange.from);
    if (request->line)
        request->line->deadline = request->exchange.begun + server->settings.body;
    examine(server, request, method, url);
    return request;
}

static void answer_alone(struct server *server, struct exchange *exchange)
{
    if (exchange->endpoint->permission != MAY_ANYBODY) {
        server->metrics.commits = worker_commits(server->writer);
        server->metrics.uptime = (double)(clock_steady() - server->begun) / SECOND;
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
    bool plain = false;
    if (exchange->status == 0) {
        answer_alone(server, exchange);
        plain = exchange->endpoint->permission != MAY_ANYBODY;
    }
    size_t length = exchange->answer.length;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, TAKE(exchange->answer.bytes), MHD_RESPMEM_MUST_FREE);
    buffer_init(&exchange->answer, EXCHANGE_ANSWER_MOST);
    if (response == NULL)
        return MHD_NO;
    if (length)
        MHD_add_response_header(response, "Content-Type",
                                plain             ? "text/plain; version=0.0.4; charset=utf-8"
                                : exchange->lines ? "application/x-ndjson"
                                                  : "application/json");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (exchange->status == 401)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    if (request->line)
        request->line->deadline = clock_steady() + server->settings.body;
    int class = exchange->status / 100;
    server->metrics.answers[class > 0 && class < METRICS_CLASSES ? class : 0]++;
    enum MHD_Result result = MHD_queue_response(request->connection, (unsigned)exchange->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result take(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                            const char *version, const char *bytes, size_t *length, void **own)
{
    struct server *server = context;
    struct request *request = *own;
    (void)version;
    if (request == NULL) {
        request = *own = begin(server, connection, method, url);
        if (request == NULL)
            return MHD_NO;
        return request->exchange.status ? finish(server, request) : MHD_YES;
    }
    if (*length > 0) {
        bool fits = buffer_append(&request->exchange.body, (struct text){bytes, *length});
        server->metrics.body_bytes += *length;
        *length = 0;
        return fits ? MHD_YES : MHD_NO; /* no length was told, and it is too long: hang up */
    }
    if (request->done || request->exchange.endpoint->worker == ASK_LOOP)
        return finish(server, request);
    if (!request->suspended) {
        request->suspended = true;
        if (request->line)
            request->line->deadline = 0;
        MHD_suspend_connection(connection);
        submit(server, request);
    }
    return MHD_YES;
}

static void completed(void *context, struct MHD_Connection *connection, void **own, enum MHD_RequestTerminationCode why)
{
    struct server *server = context;
    struct request *request = *own;
    (void)connection;
    (void)why;
    if (request == NULL)
        return;
    if (request->line)
        request->line->deadline = clock_steady() + server->settings.idle;
    if (request->before_waiting)
        wait_end(server, request);
    request_free(request);
    *own = NULL;
}

/* --- connections --- */

static void connected(void *context, struct MHD_Connection *connection, void **own,
                      enum MHD_ConnectionNotificationCode what)
{
    struct server *server = context;
    struct line *line = *own;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        line = *own = calloc(1, sizeof *line);
        if (line == NULL || info == NULL)
            return;
        line->descriptor = info->connect_fd;
        line->deadline = clock_steady() + server->settings.head;
        line->next = server->lines;
        line->before = &server->lines;
        if (server->lines)
            server->lines->before = &line->next;
        server->lines = line;
        server->metrics.connections++;
    } else if (line) {
        *line->before = line->next;
        if (line->next)
            line->next->before = line->before;
        free(line);
        *own = NULL;
        server->metrics.connections--;
    }
}

/* --- the loop --- */

static void turn(struct server *server)
{
    MHD_UNSIGNED_LONG_LONG wait;
    MHD_run(server->daemon);
    if (server->timer && MHD_get_timeout(server->daemon, &wait) == MHD_YES) {
        sd_event_source_set_time_relative(server->timer, wait * 1000);
        sd_event_source_set_enabled(server->timer, SD_EVENT_ONESHOT);
    }
}

static int on_ready(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    struct server *server = context;
    (void)events;
    (void)descriptor;
    if (source == server->finished_source)
        settle_all(server);
    turn(server);
    return 0;
}

static int on_timer(sd_event_source *source, uint64_t time, void *context)
{
    (void)source;
    (void)time;
    turn(context);
    return 0;
}

static int on_tick(sd_event_source *source, uint64_t time, void *context)
{
    struct server *server = context;
    duration now = clock_steady();
    (void)time;
    for (struct line *line = server->lines; line; line = line->next)
        if (line->deadline && line->deadline < now) {
            line->deadline = 0;
            server->metrics.dropped++;
            shutdown(line->descriptor, SHUT_RDWR);
        }
    for (struct request *request = server->waiting, *next; request; request = next) {
        next = request->next_waiting;
        if (request->until > now)
            continue;
        wait_end(server, request);
        resume(request);
    }
    turn(server);
    sd_event_source_set_time_relative(source, TICK / MICROSECOND);
    sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    return 0;
}

static int watch(struct server *server, struct error *error)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    int status = info ? 0 : -EIO;
    if (status >= 0)
        status = sd_event_add_io(server->event, &server->run, info->epoll_fd, EPOLLIN, on_ready, server);
    if (status >= 0)
        status = sd_event_add_io(server->event, &server->finished_source, finished_descriptor(server->finished),
                                 EPOLLIN, on_ready, server);
    if (status >= 0)
        status = sd_event_add_time_relative(server->event, &server->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, server);
    if (status >= 0)
        status = sd_event_add_time_relative(server->event, &server->tick, CLOCK_MONOTONIC, TICK / MICROSECOND, 10000,
                                            on_tick, server);
    return status < 0 ? error_set(error, -status, "cannot watch the server: %s", strerror(-status)) : 0;
}

/* --- its life --- */

static int start(struct server *server, int listening, struct error *error)
{
    const struct server_settings *settings = &server->settings;
    struct MHD_OptionItem options[8];
    int count_ = 0;
    if (settings->certificate) {
        options[count_++] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (char *)(uintptr_t)settings->certificate};
        options[count_++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (char *)(uintptr_t)settings->key};
    }
    if (settings->authority)
        options[count_++] =
            (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0, (char *)(uintptr_t)settings->authority};
    options[count_] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (settings->certificate ? MHD_USE_TLS : 0U);
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, take, server, MHD_OPTION_LISTEN_SOCKET, listening, MHD_OPTION_NOTIFY_CONNECTION,
        connected, server, MHD_OPTION_NOTIFY_COMPLETED, completed, server, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT, settings->connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        settings->connections_per_address, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (server->daemon == NULL) {
        close(listening);
        return error_set(error, EIO, "cannot start the server%s",
                         settings->certificate ? "; are certificate and key a pair, in PEM?" : "");
    }
    return 0;
}

int server_create(sd_event *event, const struct server_settings *settings, const struct log *log,
                  struct server **result, struct error *error)
{
    CLEANUP(server_destroy) struct server *server = calloc(1, sizeof *server);
    int listening = -1, status;
    if (server == NULL)
        return error_set(error, ENOMEM, "no memory for the server");
    server->settings = *settings;
    server->event = event;
    server->log = *log;
    server->begun = clock_steady();
    status = finished_create(&server->finished, error);
    if (status == 0)
        status = worker_create(settings->store, &settings->keep, server->finished, &server->writer, error);
    if (status == 1) {
        server->store_trouble = error->code;
        log_write(&server->log, LOG_TROUBLE, "the store does not answer yet: %s", error->text);
    }
    if (status >= 0)
        status = worker_create(settings->store, NULL, server->finished, &server->reader, error);
    if (status >= 0)
        status = listen_open(settings->address, &listening, &server->port, error);
    if (status == 0)
        status = start(server, listening, error);
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
    worker_destroy(&server->writer);
    worker_destroy(&server->reader);
    settle_all(server);
    while (server->waiting) {
        struct request *request = server->waiting;
        wait_end(server, request);
        resume(request);
    }
    duration end = clock_steady() + SECOND;
    for (bool busy = true; busy && clock_steady() < end;) {
        busy = false;
        MHD_run_wait(server->daemon, 20);
        for (struct line *line = server->lines; line; line = line->next)
            busy |= line->deadline == 0 || line->deadline < clock_steady() + server->settings.idle - SECOND;
    }
    MHD_stop_daemon(server->daemon);
}

void server_destroy(struct server **server)
{
    if (*server == NULL)
        return;
    (*server)->ending = true;
    sd_event_source_disable_unref((*server)->run);
    sd_event_source_disable_unref((*server)->timer);
    sd_event_source_disable_unref((*server)->tick);
    sd_event_source_disable_unref((*server)->finished_source);
    (*server)->timer = NULL;
    if ((*server)->daemon)
        let_go(*server);
    worker_destroy(&(*server)->writer);
    worker_destroy(&(*server)->reader);
    finished_destroy(&(*server)->finished);
    free(*server);
    *server = NULL;
}
