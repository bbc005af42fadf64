/* See listener.h. One thread, a few connections; while a message is written, the others wait. */
#include "collector/desk/listener.h"

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
#include "collector/desk/dialogue.h"
#include "collector/desk/keeper.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/listen.h"

#define CLIENTS_MOST 8
#define PIECE        4096
#define SILENCE      MINUTE        /* between two pieces */
#define WHOLE        (15 * MINUTE) /* of a connection */

struct client {
    int descriptor;
    struct dialogue *dialogue;
    struct buffer out;
    bool ending;
    duration begun, heard; /* steady */
};

struct listener {
    const struct address_list *from;
    struct keeper keeper;
    struct dialogue_owner owner;
    struct client clients[CLIENTS_MOST];
    uint32_t client_count;
    int socket, end;
    duration paused; /* until then nobody is let in */
    pthread_t thread;
};

static int take(void *context, struct text content)
{
    struct listener *listener = context;
    const struct brought brought = {.content = content};
    struct error why;
    return keeper_keep(&listener->keeper, "smtp", &brought, &why);
}

/* --- clients --- */

static void drop(struct listener *listener, uint32_t index)
{
    struct client *client = &listener->clients[index];
    close(client->descriptor);
    dialogue_destroy(&client->dialogue);
    buffer_clear(&client->out);
    *client = listener->clients[--listener->client_count];
}

static bool may_connect(const struct listener *listener, const struct sockaddr_storage *name)
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
    return address_list_contains(listener->from, &address);
}

static void accept_one(struct listener *listener)
{
    static const char no[] = "554 5.7.1 not from here\r\n";
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    int descriptor = accept4(listener->socket, (struct sockaddr *)&name, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            listener->paused = clock_steady() + SECOND; /* no descriptor is left: who waits goes on waiting */
        return;
    }
    struct dialogue *dialogue = may_connect(listener, &name) ? dialogue_create(&listener->owner) : NULL;
    if (dialogue == NULL) {
        ssize_t sent = send(descriptor, no, sizeof no - 1, MSG_NOSIGNAL);
        (void)sent; /* who has gone need not be told */
        close(descriptor);
        return;
    }
    struct client *client = &listener->clients[listener->client_count++];
    *client = (struct client){.descriptor = descriptor, .dialogue = dialogue, .begun = clock_steady()};
    client->heard = client->begun;
    buffer_init(&client->out, DIALOGUE_REPLIES_MOST);
    client->ending = !buffer_append(&client->out, TEXT(DIALOGUE_GREETING));
}

/* False: it is gone. */
static bool hear(struct client *client)
{
    char piece[PIECE];
    ssize_t got = recv(client->descriptor, piece, sizeof piece, 0);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR;
    if (got == 0)
        return false;
    client->ending = !dialogue_feed(client->dialogue, (struct text){piece, (size_t)got}, &client->out);
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

/* Who has not taken our answers yet is not listened to. What has come is heard before anybody is called silent: it may
 * have waited for us. */
static void serve(struct listener *listener, const struct pollfd *ready)
{
    duration now = clock_steady();
    for (uint32_t i = listener->client_count; i-- > 0;) {
        struct client *client = &listener->clients[i];
        bool lives = true;
        if (ready[i].revents & (POLLIN | POLLHUP | POLLERR) && client->out.length == 0)
            lives = hear(client);
        bool is_over = now - client->heard >= SILENCE || now - client->begun >= WHOLE;
        if (!lives || is_over || !answer(client))
            drop(listener, i);
    }
}

static void *work(void *context)
{
    struct listener *listener = context;
    struct pollfd ready[CLIENTS_MOST + 2];
    for (;;) {
        uint32_t count = listener->client_count;
        for (uint32_t i = 0; i < count; i++)
            ready[i] = (struct pollfd){.fd = listener->clients[i].descriptor,
                                       .events = listener->clients[i].out.length > 0 ? POLLOUT : POLLIN};
        bool is_paused = clock_steady() < listener->paused;
        ready[count] = (struct pollfd){.fd = listener->end, .events = POLLIN};
        ready[count + 1] =
            (struct pollfd){.fd = !is_paused && count < CLIENTS_MOST ? listener->socket : -1, .events = POLLIN};
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

static void listener_free(struct listener **listener)
{
    if (*listener == NULL)
        return;
    while ((*listener)->client_count > 0)
        drop(*listener, (*listener)->client_count - 1);
    if ((*listener)->socket >= 0)
        close((*listener)->socket);
    if ((*listener)->end >= 0)
        close((*listener)->end);
    keeper_clear(&(*listener)->keeper);
    free(*listener);
    *listener = NULL;
}

int listener_create(const char *address, const struct address_list *from, const char *where,
                    const struct packing_keys *keys, struct listener **result, struct error *error)
{
    CLEANUP(listener_free) struct listener *listener = calloc(1, sizeof *listener);
    sigset_t all, before;
    uint16_t port;
    if (listener == NULL)
        return error_set(error, ENOMEM, "no memory for a listener");
    *listener = (struct listener){.from = from, .owner = {BROUGHT_MOST, take, listener}, .socket = -1, .end = -1};
    keeper_init(&listener->keeper, where, keys);
    int status = listen_open(address, &listener->socket, &port, error);
    if (status < 0)
        return error_wrap(error, "[complaints]");
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

void listener_destroy(struct listener **listener)
{
    const uint64_t one = 1;
    if (*listener == NULL)
        return;
    ssize_t put = write((*listener)->end, &one, sizeof one);
    (void)put; /* a counter of one that nobody reads has room */
    pthread_join((*listener)->thread, NULL);
    listener_free(listener);
}
