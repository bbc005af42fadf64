/* See mail_listener.h. */
#include "common/io/mail_listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/listen.h"

struct client {
    int descriptor;
    void *dialogue;
    struct buffer out;
    duration begun, heard; /* steady */
    bool ending;           /* when all is sent */
};

struct mail_listener {
    struct mail_dialogues dialogues;
    struct client clients[MAIL_LISTENER_MOST];
    uint32_t client_count;
    int socket, end;
    uint16_t port;
    duration paused; /* until then nobody is let in */
    pthread_t thread;
};

static void drop(struct mail_listener *listener, uint32_t index)
{
    struct client *client = &listener->clients[index];
    listener->dialogues.end(client->dialogue);
    close(client->descriptor);
    buffer_clear(&client->out);
    *client = listener->clients[--listener->client_count];
}

static bool may_connect(const struct mail_listener *listener, const struct sockaddr_storage *name)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct address address = {0};
    if (name->ss_family == AF_INET)
        address = address_from_ipv4((const uint8_t *)&((const struct sockaddr_in *)name)->sin_addr);
    if (name->ss_family == AF_INET6) {
        const uint8_t *bytes = ((const struct sockaddr_in6 *)name)->sin6_addr.s6_addr;
        bool is_mapped = memcmp(bytes, mapped, sizeof mapped) == 0;
        address = is_mapped ? address_from_ipv4(bytes + sizeof mapped) : address_from_ipv6(bytes);
    }
    return address_list_contains(listener->dialogues.from, &address);
}

/* Who may come is to come again: for good, his mail would be returned to whoever wrote it (RFC 5321, 3.1). */
static void send_away(struct mail_listener *listener, int descriptor, bool may)
{
    const struct text no = may ? TEXT("421 4.3.2 not now\r\n") : TEXT("554 5.7.1 not from here\r\n");
    if (!may && listener->dialogues.sent_away)
        listener->dialogues.sent_away(listener->dialogues.context);
    ssize_t sent = send(descriptor, no.bytes, no.length, MSG_NOSIGNAL);
    (void)sent; /* who has gone need not be told */
    close(descriptor);
}

static void accept_one(struct mail_listener *listener)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    int descriptor = accept4(listener->socket, (struct sockaddr *)&name, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            listener->paused = clock_steady() + SECOND; /* no descriptor is left: who waits goes on waiting */
        return;
    }
    struct client client = {.descriptor = descriptor, .begun = clock_steady()};
    client.heard = client.begun;
    buffer_init(&client.out, listener->dialogues.replies);
    bool may = may_connect(listener, &name);
    if (may)
        client.dialogue = listener->dialogues.begin(listener->dialogues.context, &client.out);
    if (client.dialogue) {
        listener->clients[listener->client_count++] = client;
    } else {
        buffer_clear(&client.out);
        send_away(listener, descriptor, may);
    }
}

/* False: it is gone. */
static bool hear(const struct mail_listener *listener, struct client *client)
{
    char piece[MAIL_LISTENER_PIECE];
    ssize_t got = recv(client->descriptor, piece, sizeof piece, 0);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    if (got == 0)
        return false;
    client->ending = !listener->dialogues.feed(client->dialogue, (struct text){piece, (size_t)got}, &client->out);
    client->heard = clock_steady(); /* behind what we took to answer */
    return true;
}

static bool answer(struct client *client)
{
    if (client->out.length > 0) {
        ssize_t sent = send(client->descriptor, client->out.bytes, client->out.length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (sent > 0)
            buffer_drop_front(&client->out, (size_t)sent);
    }
    return client->out.length > 0 || !client->ending;
}

static bool is_over(const struct mail_listener *listener, const struct client *client, duration now)
{
    return now - client->heard > listener->dialogues.silence || now - client->begun > listener->dialogues.whole;
}

/* Who has not taken our answers yet is not listened to. What has come is heard before anybody is called silent: it may
 * have waited for us. */
static void serve(struct mail_listener *listener, const struct pollfd *ready)
{
    duration now = clock_steady();
    for (uint32_t i = listener->client_count; i-- > 0;) {
        struct client *client = &listener->clients[i];
        bool lives = true;
        if (ready[i].revents & (POLLIN | POLLHUP | POLLERR) && client->out.length == 0)
            lives = hear(listener, client);
        if (!lives || is_over(listener, client, now) || !answer(client))
            drop(listener, i);
    }
}

static void *work(void *context)
{
    struct mail_listener *listener = context;
    struct pollfd ready[MAIL_LISTENER_MOST + 2];
    for (;;) {
        uint32_t count = listener->client_count;
        for (uint32_t i = 0; i < count; i++)
            ready[i] = (struct pollfd){.fd = listener->clients[i].descriptor,
                                       .events = listener->clients[i].out.length > 0 ? POLLOUT : POLLIN};
        bool is_paused = clock_steady() < listener->paused;
        bool is_room = !is_paused && count < listener->dialogues.connections && count < MAIL_LISTENER_MOST;
        ready[count] = (struct pollfd){.fd = listener->end, .events = POLLIN};
        ready[count + 1] = (struct pollfd){.fd = is_room ? listener->socket : -1, .events = POLLIN};
        int number = poll(ready, count + 2, count > 0 || is_paused ? 1000 : -1);
        if (number > 0 && ready[count].revents)
            return NULL;
        if (number < 0)
            continue;
        serve(listener, ready);
        if (ready[count + 1].revents & POLLIN)
            accept_one(listener);
    }
}

/* --- life --- */

static void listener_free(struct mail_listener **handle)
{
    struct mail_listener *listener = *handle;
    if (listener == NULL)
        return;
    while (listener->client_count > 0)
        drop(listener, listener->client_count - 1);
    if (listener->socket >= 0)
        close(listener->socket);
    if (listener->end >= 0)
        close(listener->end);
    free(listener);
    *handle = NULL;
}

int mail_listener_create(const char *address, const struct mail_dialogues *dialogues, struct mail_listener **result,
                         struct error *error)
{
    CLEANUP(listener_free) struct mail_listener *listener = calloc(1, sizeof *listener);
    sigset_t all, before;
    if (listener == NULL)
        return error_set(error, ENOMEM, "no memory for a listener");
    *listener = (struct mail_listener){.dialogues = *dialogues, .socket = -1, .end = -1};
    int status = listen_open(address, &listener->socket, &listener->port, error);
    if (status < 0)
        return status;
    listener->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (listener->end < 0)
        return error_set(error, errno, "cannot make a thread: %s", strerror(errno));
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(&listener->thread, NULL, work, listener);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != 0)
        return error_set(error, status, "cannot start a thread: %s", strerror(status));
    *result = TAKE(listener);
    return 0;
}

void mail_listener_destroy(struct mail_listener **handle)
{
    const uint64_t one = 1;
    if (*handle == NULL)
        return;
    ssize_t put = write((*handle)->end, &one, sizeof one);
    (void)put; /* a counter of one that nobody reads has room */
    pthread_join((*handle)->thread, NULL);
    listener_free(handle);
}

uint16_t mail_listener_port(const struct mail_listener *listener)
{
    return listener->port;
}
