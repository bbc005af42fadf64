/* Sockets that do not block, and poll() with what is left of the time. */
#include "collector/filter/conversation.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "common/io/clock.h"

#define PIECE 16384

union name {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_un local;
};

static socklen_t read_path(const char *path, union name *name)
{
    size_t length = strlen(path);
    if (path[0] != '/' || length >= sizeof name->local.sun_path)
        return 0;
    name->local.sun_family = AF_UNIX;
    memcpy(name->local.sun_path, path, length + 1);
    return sizeof name->local;
}

static socklen_t read_name(const char *address, union name *name)
{
    const char *colon = strrchr(address, ':');
    uint64_t port;
    char host[64];
    memset(name, 0, sizeof *name);
    if (strncmp(address, CONVERSATION_UNIX, sizeof CONVERSATION_UNIX - 1) == 0)
        return read_path(address + sizeof CONVERSATION_UNIX - 1, name);
    if (colon == NULL || !text_number(text_of(colon + 1), &port) || port == 0 || port > 65535 ||
        (size_t)(colon - address) >= sizeof host)
        return 0;
    bool six = address[0] == '[' && colon > address && colon[-1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(colon - address) - (six ? 2 : 0), address + (six ? 1 : 0));
    if (six && inet_pton(AF_INET6, host, &name->six.sin6_addr) == 1) {
        name->six.sin6_family = AF_INET6;
        name->six.sin6_port = htons((uint16_t)port);
        return sizeof name->six;
    }
    if (!six && inet_pton(AF_INET, host, &name->four.sin_addr) == 1) {
        name->four.sin_family = AF_INET;
        name->four.sin_port = htons((uint16_t)port);
        return sizeof name->four;
    }
    return 0;
}

bool conversation_is_address(const char *address)
{
    union name name;
    return read_name(address, &name) > 0;
}

/* Until it is readable, writable, or in trouble, which the next call will tell. */
static int await(struct conversation *talk, short events, struct error *error)
{
    for (;;) {
        struct pollfd poll_for = {.fd = talk->descriptor, .events = events};
        duration left = talk->deadline - clock_steady();
        if (left <= 0)
            return error_set(error, ETIMEDOUT, "%s: no answer in time", talk->address);
        /* Rounded up, so that the last millisecond is not spent turning round. */
        int most = left > HOUR ? 3600000 : (int)((left + MILLISECOND - 1) / MILLISECOND);
        int ready = poll(&poll_for, 1, most);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return error_set(error, errno, "%s: %s", talk->address, strerror(errno));
    }
}

static int connect_to(struct conversation *talk, const union name *name, socklen_t length, struct error *error)
{
    int code = 0;
    socklen_t size = sizeof code;
    int status = connect(talk->descriptor, &name->any, length);
    /* A local socket whose queue is full says EAGAIN and is no sooner to be waited for. */
    if (status < 0 && errno != EINPROGRESS)
        return error_set(error, errno, "%s: %s", talk->address, strerror(errno));
    if (status == 0)
        return 0;
    status = await(talk, POLLOUT, error);
    if (status == 0 && getsockopt(talk->descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 && code != 0)
        status = error_set(error, code, "%s: %s", talk->address, strerror(code));
    return status;
}

int conversation_open(const char *address, duration patience, struct conversation *result, struct error *error)
{
    union name name;
    socklen_t length = read_name(address, &name);
    *result = CONVERSATION_NONE;
    if (length == 0)
        return error_set(error, EINVAL, "%s is no address; 127.0.0.1:783, [::1]:783 and unix:/path are", address);
    result->address = address;
    result->deadline = clock_steady() + patience;
    result->descriptor = socket(name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (result->descriptor < 0)
        return error_set(error, errno, "%s: %s", address, strerror(errno));
    /* A short piece behind a request must not wait for the request's acknowledgement; a local socket has no such
     * option. */
    (void)setsockopt(result->descriptor, IPPROTO_TCP, TCP_NODELAY, &(const int){1}, sizeof(int));
    int status = connect_to(result, &name, length, error);
    if (status < 0)
        conversation_close(result);
    return status;
}

void conversation_close(struct conversation *talk)
{
    if (talk->descriptor >= 0)
        close(talk->descriptor);
    talk->descriptor = -1;
}

int conversation_send(struct conversation *talk, struct text text, struct error *error)
{
    while (text.length > 0) {
        int status = await(talk, POLLOUT, error);
        if (status < 0)
            return status;
        ssize_t sent = send(talk->descriptor, text.bytes, text.length, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (sent < 0)
            return error_set(error, errno, "%s: %s", talk->address, strerror(errno));
        text.bytes += sent;
        text.length -= (size_t)sent;
    }
    return 0;
}

void conversation_end_sending(struct conversation *talk)
{
    shutdown(talk->descriptor, SHUT_WR);
}

int conversation_receive(struct conversation *talk, struct buffer *buffer, struct error *error)
{
    char piece[PIECE];
    for (;;) {
        int status = await(talk, POLLIN, error);
        if (status < 0)
            return status;
        ssize_t got = recv(talk->descriptor, piece, sizeof piece, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got < 0)
            return error_set(error, errno, "%s: %s", talk->address, strerror(errno));
        if (got > 0 && !buffer_append(buffer, (struct text){piece, (size_t)got}))
            return error_set(error, EMSGSIZE, "%s: an answer longer than any that makes sense", talk->address);
        return got > 0;
    }
}

int conversation_receive_all(struct conversation *talk, struct buffer *buffer, struct error *error)
{
    int status = 1;
    while (status == 1)
        status = conversation_receive(talk, buffer, error);
    return status;
}

int conversation_receive_until(struct conversation *talk, struct text end, struct buffer *buffer, size_t *taken,
                               struct error *error)
{
    for (size_t looked = 0;;) {
        const char *found = buffer->length < looked + end.length
                                ? NULL
                                : memmem(buffer->bytes + looked, buffer->length - looked, end.bytes, end.length);
        if (found) {
            *taken = (size_t)(found - buffer->bytes) + end.length;
            return 0;
        }
        looked = buffer->length >= end.length ? buffer->length - end.length + 1 : 0;
        int status = conversation_receive(talk, buffer, error);
        if (status == 0)
            return error_set(error, ECONNRESET, "%s: closed in the middle of its answer", talk->address);
        if (status < 0)
            return status;
    }
}
