/* See ask.h. */
#include "agent/milter/ask.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "common/io/clock.h"

#define SILENCE (5 * SECOND) /* behind a question that nobody answered none is asked */

static bool set_limit(int descriptor, duration end)
{
    duration left = end - clock_steady();
    if (left < MILLISECOND)
        return false;
    const struct timeval limit = {left / SECOND, left % SECOND / MICROSECOND};
    return setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
           setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0;
}

static bool send_all(int descriptor, struct text bytes, duration end)
{
    while (bytes.length > 0) {
        if (!set_limit(descriptor, end))
            return false;
        ssize_t sent = send(descriptor, bytes.bytes, bytes.length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes = (struct text){bytes.bytes + sent, bytes.length - (size_t)sent};
    }
    return true;
}

/* "action=...", up to the empty line. */
static bool receive(int descriptor, duration end, char action[ASK_ACTION])
{
    char bytes[ASK_ACTION + 16];
    size_t length = 0;
    while (length < sizeof bytes) {
        if (!set_limit(descriptor, end))
            return false;
        ssize_t got = recv(descriptor, bytes + length, sizeof bytes - length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        length += (size_t)got;
        struct text rest = {bytes, length};
        if (!memmem(bytes, length, "\n\n", 2))
            continue;
        struct text line = text_split(&rest, '\n');
        if (!text_starts_nocase(line, TEXT("action=")) || line.length - 7 >= ASK_ACTION)
            return false;
        memcpy(action, line.bytes + 7, line.length - 7);
        action[line.length - 7] = 0;
        return true;
    }
    return false;
}

bool ask(struct ask *ask, struct text request, char action[ASK_ACTION])
{
    duration begun = clock_steady(), end = begun + ask->patience;
    if (begun < atomic_load(&ask->silent_until))
        return false;
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return false;
    bool answered = set_limit(descriptor, end) &&
                    connect(descriptor, (const struct sockaddr *)&ask->address, sizeof ask->address) == 0 &&
                    send_all(descriptor, request, end) && receive(descriptor, end, action);
    close(descriptor);
    if (!answered && clock_steady() >= end)
        atomic_store(&ask->silent_until, clock_steady() + SILENCE);
    return answered;
}
