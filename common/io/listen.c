/* Addresses are numbers: a name would have to be looked up before anything runs. */
#include "common/io/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common/text.h"

#define BACKLOG 512

union name {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

static socklen_t read_name(const char *address, union name *name)
{
    const char *colon = strrchr(address, ':');
    uint64_t port;
    char host[64];
    memset(name, 0, sizeof *name);
    if (colon == NULL || !text_number(text_of(colon + 1), &port) || port > 65535 ||
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

bool listen_is_address(const char *address)
{
    union name name;
    return read_name(address, &name) > 0;
}

int listen_open(const char *address, int *descriptor, uint16_t *port, struct error *error)
{
    union name name;
    const int on = 1;
    socklen_t length = read_name(address, &name);
    if (length == 0)
        return error_set(error, EINVAL, "%s is no address to listen on; 127.0.0.1:8025 or [::1]:8025 is", address);
    int opened = socket(name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (opened < 0 || setsockopt(opened, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(opened, &name.any, length) < 0 || listen(opened, BACKLOG) < 0 ||
        getsockname(opened, &name.any, &length) < 0) {
        int code = errno;
        if (opened >= 0)
            close(opened);
        return error_set(error, code, "cannot listen on %s: %s", address, strerror(code));
    }
    *port = ntohs(name.any.sa_family == AF_INET ? name.four.sin_port : name.six.sin6_port);
    *descriptor = opened;
    return 0;
}
