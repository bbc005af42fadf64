/* See strangers.h. */
#include "agent/milter/strangers.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define FIRST_WORD 17 /* bytes of the protocol's first packet: a length, 'O' and three numbers */

/* 0: no TCP connection, or one that has spoken. */
static ino_t silent_socket(int descriptor)
{
    struct tcp_info information = {0};
    socklen_t length = sizeof information;
    int listens = 0;
    socklen_t size = sizeof listens;
    struct stat status;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens ||
        getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &information, &length) != 0 ||
        length < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof information.tcpi_bytes_received ||
        information.tcpi_bytes_received >= FIRST_WORD || fstat(descriptor, &status) != 0)
        return 0;
    return status.st_ino;
}

uint32_t strangers_end(struct strangers *strangers, duration now)
{
    uint32_t ended = 0;
    for (uint32_t i = 0; i < strangers->count; i++) {
        struct stranger *stranger = &strangers->at[i];
        ino_t socket = silent_socket((int)i);
        if (socket != stranger->socket)
            *stranger = (struct stranger){socket, now};
        else if (socket != 0 && now - stranger->since > STRANGERS_PATIENCE)
            ended += shutdown((int)i, SHUT_RDWR) == 0;
    }
    return ended;
}
