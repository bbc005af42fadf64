/* See policy.h. Clients have an epoll descriptor of their own, which is one source of the loop: the loop looks round
 * before each source that it serves, and a busy relay has many clients at once. */
#include "agent/courier/policy.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/buffer.h"
#include "common/cleanup.h"
#include "common/io/clock.h"

#define HEARD_AT_ONCE 64

struct caller {
    struct caller *next;
    struct policy *policy;
    int descriptor;
    uint64_t holder; /* whose it is: a user, or an address */
    duration heard;  /* on the steady clock */
    struct buffer input;
};

struct policy {
    sd_event *event;
    int clients; /* an epoll descriptor: those who ask */
    sd_event_source *clients_source;
    sd_event_source *sources[POLICY_LISTENERS];
    size_t listeners;
    bool (*may_ask)(void *context, const struct address *);
    void *admission;
    struct {
        policy_answerer *answer;
        void *context;
    } kinds[POLICY_KINDS];
    struct caller *callers;
    uint32_t count;
    uint64_t malformed, strangers;
};

static void drop(struct caller *caller)
{
    struct caller **at = &caller->policy->callers;
    while (*at != caller)
        at = &(*at)->next;
    *at = caller->next;
    caller->policy->count--;
    close(caller->descriptor); /* which takes it out of the epoll descriptor too */
    buffer_clear(&caller->input);
    free(caller);
}

/* An answer is small against what a socket holds: where it does not fit, nobody reads. */
static bool say(struct caller *caller, const char *action)
{
    char line[POLICY_ACTION + 16];
    size_t length = (size_t)snprintf(line, sizeof line, "action=%s\n\n", action);
    return send(caller->descriptor, line, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length;
}

/* False: it is to be dropped. */
static bool serve(struct caller *caller)
{
    const struct policy *policy = caller->policy;
    struct policy_request request;
    struct error error = {0};
    char action[POLICY_ACTION];
    for (;;) {
        int taken = policy_request_parse(buffer_text(&caller->input), &request, &error);
        if (taken == 0)
            return true;
        if (taken < 0) {
            caller->policy->malformed++;
            return false;
        }
        request.user = caller->holder < (uid_t)-1 ? (uid_t)caller->holder : (uid_t)-1;
        snprintf(action, sizeof action, "DUNNO");
        if (policy->kinds[request.kind].answer)
            policy->kinds[request.kind].answer(policy->kinds[request.kind].context, &request, action);
        if (!say(caller, action))
            return false;
        buffer_drop_front(&caller->input, (size_t)taken);
    }
}

static void hear(struct caller *caller)
{
    char bytes[4096];
    ssize_t got = recv(caller->descriptor, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    size_t had = caller->input.length;
    bool fine = got > 0 && buffer_append(&caller->input, (struct text){bytes, (size_t)got}) && serve(caller);
    /* The time of a request's first bytes, so that one that comes byte by byte ends too. Where there is less than came,
     * one was answered, and what is there belongs to the next. */
    if (fine && (had == 0 || caller->input.length < had + (size_t)got))
        caller->heard = clock_steady();
    if (!fine)
        drop(caller);
}

/* Each that is ready is heard once; nobody but the one that is heard is dropped meanwhile. */
static int on_clients(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    struct epoll_event ready[HEARD_AT_ONCE];
    (void)source;
    (void)events;
    (void)context;
    int count = epoll_wait(descriptor, ready, HEARD_AT_ONCE, 0);
    for (int i = 0; i < count; i++)
        hear(ready[i].data.ptr);
    return 0;
}

static uint32_t held_by(const struct policy *policy, uint64_t holder)
{
    uint32_t count = 0;
    for (const struct caller *caller = policy->callers; caller; caller = caller->next)
        count += caller->holder == holder;
    return count;
}

static void make_room(struct policy *policy)
{
    struct caller *chosen = policy->callers;
    uint32_t most = 0;
    for (struct caller *caller = policy->callers; caller; caller = caller->next) {
        uint32_t held = held_by(policy, caller->holder);
        if (held > most || (held == most && caller->heard < chosen->heard)) {
            most = held;
            chosen = caller;
        }
    }
    drop(chosen);
}

/* The address at the other end of a TCP connection; family 0: it is none. */
static struct address peer_address(int descriptor)
{
    union {
        struct sockaddr head;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage all;
    } peer = {.head = {.sa_family = AF_UNSPEC}};
    socklen_t length = sizeof peer;
    if (getpeername(descriptor, &peer.head, &length) != 0)
        return (struct address){0};
    if (peer.head.sa_family == AF_INET)
        return address_from_ipv4((const uint8_t *)&peer.v4.sin_addr);
    if (peer.head.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&peer.v6.sin6_addr)) /* at a socket on [::] */
        return address_from_ipv4((const uint8_t *)&peer.v6.sin6_addr + 12);
    if (peer.head.sa_family == AF_INET6)
        return address_from_ipv6((const uint8_t *)&peer.v6.sin6_addr);
    return (struct address){0};
}

/* False: it may not ask. */
static bool find_holder(struct policy *policy, int descriptor, uint64_t *holder)
{
    const struct address address = peer_address(descriptor);
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t length = sizeof peer;
    if (address.family == 0) {
        if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
            peer.uid = (uid_t)-1;
        *holder = peer.uid;
        return true;
    }
    int on = 1;
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *holder = UINT64_C(14695981039346656037); /* FNV-1a: only told apart */
    for (size_t i = 0; i < sizeof address.bytes; i++)
        *holder = (*holder ^ address.bytes[i]) * UINT64_C(1099511628211);
    *holder |= UINT64_C(1) << 63;
    return policy->may_ask && policy->may_ask(policy->admission, &address);
}

static void admit(struct policy *policy, int descriptor)
{
    uint64_t holder;
    if (!find_holder(policy, descriptor, &holder)) {
        policy->strangers++;
        close(descriptor);
        return;
    }
    if (policy->count == POLICY_CLIENTS_MOST)
        make_room(policy);
    struct caller *caller = calloc(1, sizeof *caller);
    if (!caller) {
        close(descriptor);
        return;
    }
    *caller = (struct caller){
        .next = policy->callers, .policy = policy, .descriptor = descriptor, .holder = holder, .heard = clock_steady()};
    buffer_init(&caller->input, 2 * POLICY_REQUEST_MOST);
    policy->callers = caller;
    policy->count++;
    struct epoll_event wanted = {.events = EPOLLIN, .data = {.ptr = caller}};
    if (epoll_ctl(policy->clients, EPOLL_CTL_ADD, descriptor, &wanted) != 0)
        drop(caller);
}

static int on_listener(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    (void)source;
    (void)events;
    int accepted = accept4(descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted >= 0)
        admit(context, accepted);
    return 0;
}

int policy_open(sd_event *event, struct policy **result, struct error *error)
{
    struct policy *policy = calloc(1, sizeof *policy);
    if (!policy)
        return error_set(error, ENOMEM, "no memory for the policy socket");
    policy->event = event;
    policy->clients = epoll_create1(EPOLL_CLOEXEC);
    int code = policy->clients < 0
                   ? -errno
                   : sd_event_add_io(event, &policy->clients_source, policy->clients, EPOLLIN, on_clients, policy);
    if (code < 0) {
        policy_close(&policy);
        return error_set(error, -code, "cannot wait for who asks: %s", strerror(-code));
    }
    *result = policy;
    return 0;
}

int policy_listen(struct policy *policy, int listener, struct error *error)
{
    if (policy->listeners == POLICY_LISTENERS)
        return error_set(error, ENOSPC, "too many policy sockets");
    int code =
        sd_event_add_io(policy->event, &policy->sources[policy->listeners], listener, EPOLLIN, on_listener, policy);
    if (code < 0)
        return error_set(error, -code, "cannot listen on the policy socket: %s", strerror(-code));
    policy->listeners++;
    return 0;
}

void policy_admit_by(struct policy *policy, bool (*may_ask)(void *context, const struct address *), void *context)
{
    policy->may_ask = may_ask;
    policy->admission = context;
}

void policy_answer_by(struct policy *policy, enum policy_kind kind, policy_answerer *answer, void *context)
{
    policy->kinds[kind].answer = answer;
    policy->kinds[kind].context = context;
}

void policy_close(struct policy **owner)
{
    struct policy *policy = *owner;
    *owner = NULL;
    if (!policy)
        return;
    while (policy->callers)
        drop(policy->callers);
    for (size_t i = 0; i < policy->listeners; i++)
        sd_event_source_disable_unref(policy->sources[i]);
    sd_event_source_disable_unref(policy->clients_source);
    if (policy->clients >= 0)
        close(policy->clients);
    free(policy);
}

void policy_tick(struct policy *policy)
{
    duration now = clock_steady();
    for (struct caller *caller = policy->callers, *next; caller; caller = next) {
        next = caller->next;
        if (now - caller->heard > (caller->input.length ? POLICY_PATIENCE : POLICY_IDLE))
            drop(caller);
    }
}

uint32_t policy_clients(const struct policy *policy)
{
    return policy->count;
}

uint64_t policy_malformed(const struct policy *policy)
{
    return policy->malformed;
}

uint64_t policy_strangers(const struct policy *policy)
{
    return policy->strangers;
}
