/* One c-ares channel for each server and way: a channel chooses among its servers by itself, and has one patience. */
#include "common/io/dns.h"

#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io/clock.h"

#define EVENTS       64
#define TICK         (20 * MILLISECOND) /* how often it is looked who has waited too long */
#define RECEIVE_ROOM (4 << 20)          /* bytes of answers that may wait in the kernel */
#define EDNS_SIZE    1232               /* bytes of a datagram that passes everywhere unbroken */
#define QUICK_PART   4

struct channel {
    struct dns *dns;
    ares_channel ares;
    uint32_t index;
    uint32_t under_way;
};

/* One of them may be asked inside the call that ends another. */
struct question {
    struct channel *channel;
    uint32_t number;
    enum dns_type type;
};

struct dns {
    void (*answered)(void *context, uint32_t number, const struct dns_reply *);
    void *context;
    struct channel channels[DNS_SERVERS_MOST * DNS_WAYS]; /* at the server's index times DNS_WAYS, plus the way */
    uint32_t channel_count, under_way;
    int epoll;
    bool has_library;
    moment looked; /* by the steady clock: when it was last looked who has waited too long */
};

/* --- life --- */

static void watch(void *context, ares_socket_t descriptor, int readable, int writable)
{
    const struct channel *channel = context;
    struct epoll_event event = {
        .events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U),
        .data.u64 = (uint64_t)channel->index << 32 | (uint32_t)descriptor,
    };
    if (event.events == 0)
        epoll_ctl(channel->dns->epoll, EPOLL_CTL_DEL, descriptor, NULL);
    else if (epoll_ctl(channel->dns->epoll, EPOLL_CTL_MOD, descriptor, &event) < 0)
        epoll_ctl(channel->dns->epoll, EPOLL_CTL_ADD, descriptor, &event); /* failing that, the question times out */
}

static int open_channel(struct dns *dns, const struct dns_settings *settings, const struct dns_server *server,
                        enum dns_way way, struct error *error)
{
    struct channel *channel = &dns->channels[dns->channel_count];
    duration patience = settings->patience / (way == DNS_QUICK ? QUICK_PART : 1);
    struct ares_options options = {
        .flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_IGNTC | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS |
                 (way == DNS_STREAM ? ARES_FLAG_USEVC : 0),
        .timeout = (int)((patience + MILLISECOND - 1) / MILLISECOND),
        .tries = 1,
        .ednspsz = EDNS_SIZE,
        .socket_receive_buffer_size = RECEIVE_ROOM,
        .lookups = (char[]){"b"},
        .sock_state_cb = watch,
        .sock_state_cb_data = channel,
    };
    struct ares_addr_port_node node = {.udp_port = server->port, .tcp_port = server->port};
    channel->dns = dns;
    channel->index = dns->channel_count;
    int status =
        ares_init_options(&channel->ares, &options,
                          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
                              ARES_OPT_SOCK_RCVBUF | ARES_OPT_LOOKUPS | ARES_OPT_DOMAINS | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS)
        return error_set(error, ENOMEM, "c-ares: %s", ares_strerror(status));
    dns->channel_count++;
    node.family = server->address.family == 6 ? AF_INET6 : AF_INET;
    memcpy(&node.addr, server->address.bytes, server->address.family == 6 ? 16 : 4);
    status = ares_set_servers_ports(channel->ares, &node);
    return status == ARES_SUCCESS ? 0 : error_set(error, EINVAL, "c-ares: %s", ares_strerror(status));
}

int dns_create(const struct dns_settings *settings,
               void (*answered)(void *context, uint32_t number, const struct dns_reply *), void *context,
               struct dns **result, struct error *error)
{
    if (settings->server_count == 0 || settings->server_count > DNS_SERVERS_MOST || settings->patience < MILLISECOND ||
        settings->patience > MINUTE)
        return error_set(error, EINVAL, "%u name servers; 1 to %d, and up to a minute for an answer",
                         settings->server_count, DNS_SERVERS_MOST);
    CLEANUP(dns_destroy) struct dns *dns = calloc(1, sizeof *dns);
    if (dns == NULL)
        return error_set(error, ENOMEM, "no memory for DNS");
    dns->answered = answered;
    dns->context = context;
    dns->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (dns->epoll < 0)
        return error_set(error, errno, "epoll: %s", strerror(errno));
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (status != ARES_SUCCESS)
        return error_set(error, ENOMEM, "c-ares: %s", ares_strerror(status));
    dns->has_library = true;
    for (uint32_t i = 0; i < settings->server_count; i++)
        for (int way = 0; way < DNS_WAYS; way++)
            if ((status = open_channel(dns, settings, &settings->servers[i], (enum dns_way)way, error)) < 0)
                return status;
    *result = TAKE(dns);
    return 0;
}

void dns_destroy(struct dns **handle)
{
    struct dns *dns = *handle;
    if (dns == NULL)
        return;
    for (uint32_t i = 0; i < dns->channel_count; i++)
        ares_destroy(dns->channels[i].ares);
    if (dns->has_library)
        ares_library_cleanup();
    if (dns->epoll >= 0)
        close(dns->epoll);
    free(dns);
    *handle = NULL;
}

/* --- questions --- */

static enum dns_outcome outcome_of(int status)
{
    switch (status) {
    case ARES_ETIMEOUT:
        return DNS_TIMEOUT;
    case ARES_ECONNREFUSED:
        return DNS_UNREACHABLE;
    case ARES_EDESTRUCTION:
    case ARES_ECANCELLED:
        return DNS_STOPPED;
    case ARES_EREFUSED:
    case ARES_ENOTIMP:
        return DNS_REFUSED;
    case ARES_EBADRESP:
        return DNS_MALFORMED;
    default:
        return DNS_FAILED;
    }
}

static void take_answer(void *argument, int status, int timeouts, unsigned char *bytes, int length)
{
    struct question *question = argument;
    struct dns *dns = question->channel->dns;
    struct dns_reply reply;
    (void)timeouts;
    if (bytes && length > 0)
        dns_reply_read((struct text){(const char *)bytes, (size_t)length}, question->type, &reply);
    else
        dns_reply_none(outcome_of(status), &reply);
    dns->under_way--;
    question->channel->under_way--;
    uint32_t number = question->number;
    free(question);
    dns->answered(dns->context, number, &reply);
}

void dns_ask(struct dns *dns, uint32_t server, const char *name, enum dns_type type, enum dns_way way, uint32_t number)
{
    struct channel *channel = &dns->channels[DNS_WAYS * server + way];
    struct question *question = malloc(sizeof *question);
    if (question == NULL) {
        struct dns_reply reply;
        dns_reply_none(DNS_FAILED, &reply);
        dns->answered(dns->context, number, &reply);
        return;
    }
    *question = (struct question){channel, number, type};
    dns->under_way++;
    channel->under_way++;
    ares_query(channel->ares, name, 1, (int)type, take_answer, question);
}

int dns_descriptor(const struct dns *dns)
{
    return dns->epoll;
}

uint32_t dns_under_way(const struct dns *dns)
{
    return dns->under_way;
}

static void take_events(struct dns *dns, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        struct channel *channel = &dns->channels[events[i].data.u64 >> 32];
        ares_socket_t descriptor = (ares_socket_t)(uint32_t)events[i].data.u64;
        bool readable = events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP), writable = events[i].events & EPOLLOUT;
        ares_process_fd(channel->ares, readable ? descriptor : ARES_SOCKET_BAD,
                        writable ? descriptor : ARES_SOCKET_BAD);
    }
}

int dns_turn(struct dns *dns, duration wait, struct error *error)
{
    struct epoll_event events[EVENTS];
    if (dns->under_way > 0 && wait > TICK)
        wait = TICK;
    int count = epoll_wait(dns->epoll, events, EVENTS, (int)((wait + MILLISECOND - 1) / MILLISECOND));
    if (count < 0 && errno != EINTR)
        return error_set(error, errno, "epoll: %s", strerror(errno));
    take_events(dns, events, count);
    moment now = clock_steady();
    if (now - dns->looked < TICK)
        return 0;
    dns->looked = now;
    for (uint32_t i = 0; i < dns->channel_count; i++)
        if (dns->channels[i].under_way > 0)
            ares_process_fd(dns->channels[i].ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    return 0;
}
