/* Waiting for the server, but not for ever: one that hangs without closing its connection must not hold a thread, and
 * with it all who wait for that. Who is given up is gone, as if its connection had broken: what was sent to it may have
 * happened. */
#include <errno.h>
#include <poll.h>
#include "collector/store/engine_postgresql.h"
#include "common/io/clock.h"

/* Until something can be done with the socket; false: it took too long. */
static bool wait_for(struct postgresql *self, short events, duration deadline)
{
    struct pollfd way = {PQsocket(self->connection), events, 0};
    int ready = -1;
    while (ready < 0) {
        duration left = deadline - clock_steady();
        if (left <= 0)
            ready = 0;
        else
            ready = poll(&way, 1, (int)(left / MILLISECOND) + 1);
        if (ready < 0 && errno != EINTR)
            return true; /* what is wrong with it, its use will tell */
    }
    if (ready == 0)
        self->lost = self->silent = true;
    return ready > 0;
}

static bool flush(struct postgresql *self, duration deadline)
{
    while (PQflush(self->connection) > 0) {
        if (!wait_for(self, POLLIN | POLLOUT, deadline))
            return false;
        if (!PQconsumeInput(self->connection)) /* it may be waiting for us to take what it says */
            break;
    }
    return true;
}

bool postgresql_flush(struct postgresql *self)
{
    return flush(self, clock_steady() + self->patience);
}

PGresult *postgresql_result(struct postgresql *self, duration patience)
{
    duration deadline = clock_steady() + patience;
    if (!flush(self, deadline))
        return NULL;
    while (PQisBusy(self->connection)) {
        if (!wait_for(self, POLLIN, deadline))
            return NULL;
        if (!PQconsumeInput(self->connection))
            break;
    }
    return PQgetResult(self->connection);
}
