/* Sockets and poll() around the dialogue of collector/filter/returned.h. */
#include "collector/sorter/returning.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "collector/filter/appliance.h"
#include "collector/filter/headers.h"
#include "collector/filter/returned.h"
#include "common/cleanup.h"
#include "common/io/clock.h"
#include "common/io/listen.h"

#define CONNECTIONS_MOST 256
#define PIECE            4096
#define WHOLE            10 /* times the patience: the most that one connection may take, however busy */

const struct option returned_options[] = {
    TEXT_OPTION(
        "returned", struct returned_settings, listen, "",
        .text = "Where appliances (filters of kind smtp) give messages back, by SMTP or LMTP: an address and a port, "
                "such as 127.0.0.1:10125. It is the next hop of each such filter's mailbox. Empty: nowhere."),
    ADDRESSES_OPTION("returned", struct returned_settings, from, "127.0.0.0/8 ::1",
                     .text = "Who may connect to it: a verdict is believed to whoever brings the message back."),
    COUNT_OPTION("returned", struct returned_settings, connections, "16", .least = "1", .most = "256",
                 .text = "The most connections to it at once."),
    DURATION_OPTION("returned", struct returned_settings, patience, "1m", .least = "1s", .most = "1h",
                    .text = "A connection that is silent for this long ends."),
    BYTES_OPTION("returned", struct returned_settings, size, "64M", .least = "64K", .most = "4G",
                 .text = "The longest message that is taken back. Only its head is kept, and read."),
    {.key = NULL},
};

bool returned_settings_check(const void *settings, struct error *error)
{
    const struct returned_settings *returned = settings;
    if (!returned->listen[0] || listen_is_address(returned->listen))
        return true;
    error_set(error, EINVAL, "listen: %.100s is no address to listen on; 127.0.0.1:10125 or [::1]:10125 is",
              returned->listen);
    return false;
}

struct client {
    int descriptor;
    struct returned *dialogue;
    struct buffer out;
    duration begun, heard;
    bool ending; /* when all is sent */
};

struct returning {
    const struct returned_settings *settings;
    const struct filter_settings *filters;
    uint32_t filter_count;
    struct headers *headers[FILTERS_MOST]; /* of each filter; NULL: it is no appliance */
    returning_tell *tell;
    void *context;
    struct returned_owner owner;
    struct client clients[CONNECTIONS_MOST];
    uint32_t client_count;
    int listener, end;
    uint16_t port;
    duration paused; /* until then nobody is let in */
    pthread_t thread;
    _Atomic uint64_t taken, unread, refused, deferred;
};

/* --- messages --- */

/* The filter that a mailbox is of; -1: none. */
static int find_filter(const struct returning *returning, const struct appliance_mailbox *mailbox)
{
    for (uint32_t i = 0; i < returning->filter_count; i++)
        if (returning->headers[i] &&
            text_equals_nocase(text_of(mailbox->filter), text_of(returning->filters[i].name)) &&
            text_equals_nocase(mailbox->domain, text_of(returning->filters[i].mailbox)))
            return (int)i;
    return -1;
}

static int knows(void *context, struct text text)
{
    struct returning *returning = context;
    struct appliance_mailbox mailbox;
    if (appliance_read_mailbox(text, &mailbox) && find_filter(returning, &mailbox) >= 0)
        return 1;
    returning->refused++;
    return 0;
}

static int take(void *context, struct text text, struct text head)
{
    struct returning *returning = context;
    struct appliance_mailbox mailbox;
    struct opinion opinion;
    int index = appliance_read_mailbox(text, &mailbox) ? find_filter(returning, &mailbox) : -1;
    if (index < 0)
        return 0;
    const struct filter_settings *filter = &returning->filters[index];
    headers_judge(returning->headers[index], filter, head, &opinion);
    int status = returning->tell(returning->context, mailbox.message, filter, &opinion);
    if (status < 0) {
        returning->deferred++;
        return status;
    }
    returning->taken++;
    returning->unread += !opinion_is_one(&opinion);
    return 0;
}

/* --- clients --- */

static void drop(struct returning *returning, uint32_t index)
{
    struct client *client = &returning->clients[index];
    close(client->descriptor);
    returned_destroy(&client->dialogue);
    buffer_clear(&client->out);
    *client = returning->clients[--returning->client_count];
}

static bool may_connect(const struct returning *returning, const struct sockaddr_storage *name)
{
    struct address address = {0};
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (name->ss_family == AF_INET)
        address = address_from_ipv4((const uint8_t *)&((const struct sockaddr_in *)name)->sin_addr);
    if (name->ss_family == AF_INET6) {
        const uint8_t *bytes = ((const struct sockaddr_in6 *)name)->sin6_addr.s6_addr;
        bool is_mapped = memcmp(bytes, mapped, sizeof mapped) == 0;
        address = is_mapped ? address_from_ipv4(bytes + sizeof mapped) : address_from_ipv6(bytes);
    }
    return address_list_contains(&returning->settings->from, &address);
}

static void accept_one(struct returning *returning)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    int descriptor = accept4(returning->listener, (struct sockaddr *)&name, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            returning->paused = clock_steady() + SECOND; /* no descriptor is left: who waits goes on waiting */
        return;
    }
    struct client *client = &returning->clients[returning->client_count];
    struct returned *dialogue = may_connect(returning, &name) ? returned_create(&returning->owner) : NULL;
    if (dialogue == NULL) {
        const struct text no = TEXT("554 5.7.1 not from here\r\n");
        ssize_t sent = send(descriptor, no.bytes, no.length, MSG_NOSIGNAL);
        (void)sent;
        returning->refused++;
        close(descriptor);
        return;
    }
    *client = (struct client){.descriptor = descriptor, .dialogue = dialogue, .begun = clock_steady()};
    client->heard = client->begun;
    buffer_init(&client->out, RETURNED_REPLIES_MOST);
    client->ending = !returned_greet(dialogue, &client->out);
    returning->client_count++;
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
    client->ending = !returned_feed(client->dialogue, (struct text){piece, (size_t)got}, &client->out);
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

static bool is_over(const struct returning *returning, const struct client *client, duration now)
{
    duration patience = returning->settings->patience;
    return now - client->heard > patience || now - client->begun > WHOLE * patience;
}

/* Who has not taken our answers yet is not listened to. What has come is heard before anybody is called silent: it may
 * have waited for us. */
static void serve(struct returning *returning, const struct pollfd *ready)
{
    duration now = clock_steady();
    for (uint32_t i = returning->client_count; i-- > 0;) {
        struct client *client = &returning->clients[i];
        bool lives = true;
        if (ready[i].revents & (POLLIN | POLLHUP | POLLERR) && client->out.length == 0)
            lives = hear(client);
        if (!lives || is_over(returning, client, now) || !answer(client))
            drop(returning, i);
    }
}

static void *work(void *context)
{
    struct returning *returning = context;
    struct pollfd ready[CONNECTIONS_MOST + 2];
    for (;;) {
        uint32_t count = returning->client_count;
        for (uint32_t i = 0; i < count; i++)
            ready[i] = (struct pollfd){.fd = returning->clients[i].descriptor,
                                       .events = returning->clients[i].out.length > 0 ? POLLOUT : POLLIN};
        bool paused = clock_steady() < returning->paused;
        bool room = !paused && count < returning->settings->connections && count < CONNECTIONS_MOST;
        ready[count] = (struct pollfd){.fd = returning->end, .events = POLLIN};
        ready[count + 1] = (struct pollfd){.fd = room ? returning->listener : -1, .events = POLLIN};
        int number = poll(ready, count + 2, count > 0 || paused ? 1000 : -1);
        if (number > 0 && ready[count].revents)
            return NULL;
        if (number < 0)
            continue;
        serve(returning, ready);
        if (ready[count + 1].revents & POLLIN)
            accept_one(returning);
    }
}

/* --- life --- */

static void returning_free(struct returning **handle)
{
    struct returning *returning = *handle;
    if (returning == NULL)
        return;
    while (returning->client_count > 0)
        drop(returning, returning->client_count - 1);
    for (uint32_t i = 0; i < FILTERS_MOST; i++)
        headers_destroy(&returning->headers[i]);
    if (returning->listener >= 0)
        close(returning->listener);
    if (returning->end >= 0)
        close(returning->end);
    free(returning);
    *handle = NULL;
}

static int read_headers(struct returning *returning, struct error *error)
{
    for (uint32_t i = 0; i < returning->filter_count && i < FILTERS_MOST; i++) {
        if (filter_kinds[returning->filters[i].kind] != &filter_smtp)
            continue;
        int status = headers_open(returning->filters[i].headers, &returning->headers[i], error);
        if (status < 0)
            return error_wrap(error, "[filter %s] headers", returning->filters[i].name);
    }
    return 0;
}

int returning_create(const struct returned_settings *settings, const struct filter_settings *filters,
                     uint32_t filter_count, returning_tell *tell, void *context, struct returning **result,
                     struct error *error)
{
    CLEANUP(returning_free) struct returning *returning = calloc(1, sizeof *returning);
    sigset_t all, before;
    if (returning == NULL)
        return error_set(error, ENOMEM, "no memory for a listener");
    *returning = (struct returning){.settings = settings,
                                    .filters = filters,
                                    .filter_count = filter_count,
                                    .tell = tell,
                                    .context = context,
                                    .owner = {"postern.invalid", settings->size, knows, take, returning},
                                    .listener = -1,
                                    .end = -1};
    int status = read_headers(returning, error);
    if (status == 0)
        status = listen_open(settings->listen, &returning->listener, &returning->port, error);
    if (status < 0)
        return error_wrap(error, "[returned]");
    returning->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (returning->end < 0)
        return error_set(error, errno, "cannot make a thread: %s", strerror(errno));
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(&returning->thread, NULL, work, returning);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != 0)
        return error_set(error, status, "cannot start a thread: %s", strerror(status));
    *result = TAKE(returning);
    return 0;
}

void returning_destroy(struct returning **handle)
{
    const uint64_t one = 1;
    if (*handle == NULL)
        return;
    ssize_t put = write((*handle)->end, &one, sizeof one);
    (void)put; /* a counter of one that nobody reads has room */
    pthread_join((*handle)->thread, NULL);
    returning_free(handle);
}

uint16_t returning_port(const struct returning *returning)
{
    return returning->port;
}

struct returning_counts returning_counts(struct returning *returning)
{
    return (struct returning_counts){returning->taken, returning->unread, returning->refused, returning->deferred};
}
