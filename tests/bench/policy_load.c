/* A load of questions as Postfix asks them: so many connections, each waits for its answer and asks again, about so
 * many senders drawn evenly. Prints answers a second and how long one takes. And the bare limit: a server that reads up
 * to the empty line and answers "action=dunno".
 *
 *     policy_load ask PORT CONNECTIONS QUESTIONS SENDERS [FIRST]     127.0.0.1; FIRST: all senders once, in order, from
 * it policy_load echo PORT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MOST 1000
#define ROOM             65536

struct connection {
    int descriptor;
    uint64_t asked; /* nanoseconds */
    size_t length;
    char bytes[1024];
};

static struct connection connections[CONNECTIONS_MOST];
static uint32_t *took; /* of each answer, in units of 100 ns */
static uint64_t asked, answered, passed, state = 88172645463325252u;
static uint64_t questions, senders;
static bool in_order;
static uint64_t first;

static void stop(const char *what)
{
    fprintf(stderr, "policy_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static struct sockaddr_in loopback(const char *port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

/* All that Postfix 3.7 sends. Every sender has a net of its own, so that each is one for a greylist too. */
static void ask(struct connection *connection)
{
    char question[1024];
    uint64_t n = in_order ? first + asked : draw() % senders;
    int length = snprintf(question, sizeof question,
                          "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"
                          "client_address=%u.%u.%u.7\nclient_name=host%" PRIu64 ".example.net\n"
                          "client_port=41234\nreverse_client_name=host%" PRIu64 ".example.net\n"
                          "server_address=127.0.0.1\nserver_port=25\nhelo_name=host%" PRIu64 ".example.net\n"
                          "sender=s%c%c@example.com\nrecipient=r@example.org\nrecipient_count=0\nqueue_id=\n"
                          "instance=%" PRIx64 ".%" PRIx64 ".0\nsize=4321\netrn_domain=\nstress=\nsasl_method=\n"
                          "sasl_username=\nsasl_sender=\nccert_subject=\nccert_issuer=\nccert_fingerprint=\n"
                          "ccert_pubkey_fingerprint=\nencryption_protocol=\nencryption_cipher=\nencryption_keysize=0\n"
                          "policy_context=\n\n",
                          (unsigned)(11 + (n >> 16)), (unsigned)(n >> 8 & 255), (unsigned)(n & 255), n, n, n,
                          'a' + (int)(n % 26), 'a' + (int)(n / 26 % 26), asked, nanoseconds());
    asked++;
    connection->asked = nanoseconds();
    if (send(connection->descriptor, question, (size_t)length, MSG_NOSIGNAL) != length)
        stop("cannot ask");
}

static void take(struct connection *connection)
{
    ssize_t got = recv(connection->descriptor, connection->bytes + connection->length,
                       sizeof connection->bytes - connection->length, 0);
    if (got <= 0)
        stop("no answer");
    connection->length += (size_t)got;
    if (connection->length < 2 || memcmp(connection->bytes + connection->length - 2, "\n\n", 2) != 0)
        return;
    uint64_t time = (nanoseconds() - connection->asked) / 100;
    took[answered++] = time > UINT32_MAX ? UINT32_MAX : (uint32_t)time;
    passed += strncasecmp(connection->bytes, "action=dunno", 12) == 0 ||
              strncasecmp(connection->bytes, "action=prepend", 14) == 0;
    connection->length = 0;
    if (asked < questions)
        ask(connection);
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static int run_ask(const char *port, int count)
{
    struct epoll_event events[64];
    struct sockaddr_in address = loopback(port);
    int loop = epoll_create1(0), on = 1;
    took = calloc(questions, sizeof *took);
    if (!took || count < 1 || count > CONNECTIONS_MOST)
        return 2;
    for (int i = 0; i < count; i++) {
        connections[i].descriptor = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(connections[i].descriptor, (struct sockaddr *)&address, sizeof address) != 0)
            stop("cannot connect");
        setsockopt(connections[i].descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = (uint32_t)i}};
        epoll_ctl(loop, EPOLL_CTL_ADD, connections[i].descriptor, &event);
    }
    uint64_t begun = nanoseconds();
    for (int i = 0; i < count && asked < questions; i++)
        ask(&connections[i]);
    while (answered < questions) {
        int ready = epoll_wait(loop, events, 64, 60000);
        if (ready <= 0)
            stop("no answer within a minute");
        for (int i = 0; i < ready; i++)
            take(&connections[events[i].data.u32]);
    }
    double seconds = (double)(nanoseconds() - begun) / 1e9;
    qsort(took, answered, sizeof *took, compare);
    printf("{\"answers\":%" PRIu64 ",\"passed\":%" PRIu64 ",\"rate\":%.0f,\"p50\":%.1f,\"p99\":%.1f,\"most\":%.1f}\n",
           answered, passed, (double)answered / seconds, took[answered / 2] / 10.0, took[answered * 99 / 100] / 10.0,
           took[answered - 1] / 10.0);
    free(took);
    return 0;
}

static void echo(int descriptor)
{
    static const char answer[] = "action=dunno\n\n";
    char bytes[ROOM];
    ssize_t got = recv(descriptor, bytes, sizeof bytes, 0);
    if (got <= 0)
        close(descriptor);
    else if (got > 1 && memcmp(bytes + got - 2, "\n\n", 2) == 0 &&
             send(descriptor, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0)
        close(descriptor);
}

static _Noreturn void run_echo(const char *port)
{
    struct epoll_event events[64];
    struct sockaddr_in address = loopback(port);
    int listener = socket(AF_INET, SOCK_STREAM, 0), loop = epoll_create1(0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1000) != 0)
        stop("cannot listen");
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = listener}};
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(loop, events, 64, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd != listener) {
                echo(events[i].data.fd);
                continue;
            }
            int came = accept(listener, NULL, NULL);
            setsockopt(came, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            struct epoll_event more = {.events = EPOLLIN, .data = {.fd = came}};
            epoll_ctl(loop, EPOLL_CTL_ADD, came, &more);
        }
    }
}

int main(int count, char **words)
{
    if (count == 3 && strcmp(words[1], "echo") == 0)
        run_echo(words[2]);
    if (count < 6 || strcmp(words[1], "ask") != 0) {
        fprintf(stderr, "usage: policy_load ask PORT CONNECTIONS QUESTIONS SENDERS [FIRST] | echo PORT\n");
        return 2;
    }
    questions = strtoull(words[4], NULL, 10);
    senders = strtoull(words[5], NULL, 10);
    in_order = count > 6;
    first = in_order ? strtoull(words[6], NULL, 10) : 0;
    if (questions == 0 || senders == 0)
        return 2;
    return run_ask(words[2], (int)strtol(words[3], NULL, 10));
}
