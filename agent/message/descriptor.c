/* sendmsg() and recvmsg() with SCM_RIGHTS (unix(7)). */
#include "agent/message/descriptor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control { /* room and alignment for one descriptor */
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
};

int descriptor_send(int socket, const void *bytes, size_t length, int descriptor, struct error *error)
{
    struct iovec part = {(void *)(uintptr_t)bytes, length};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    union control control = {.bytes = {0}};
    if (descriptor >= 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *along = CMSG_FIRSTHDR(&header);
        along->cmsg_level = SOL_SOCKET;
        along->cmsg_type = SCM_RIGHTS;
        along->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(along), &descriptor, sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return 0;
    if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
        return error_set(error, ECONNRESET, "the other side is gone");
    /* ETOOMANYREFS: too many descriptors are on their way; the receiver has to take some first. */
    int code = errno == ENOBUFS || errno == ETOOMANYREFS || errno == EWOULDBLOCK ? EAGAIN : errno;
    return error_set(error, code, "cannot send a message: %s", strerror(code));
}

/* The descriptor that came along, -1 for none; the number of those that came. The kernel fills the room to its rounded
 * end, so that two can come where there is room for one: all but one are closed here. */
static size_t take_descriptors(struct msghdr *header, int *result)
{
    size_t number = 0;
    *result = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len; at += sizeof(int)) {
            int one;
            memcpy(&one, (const char *)c + at, sizeof(int));
            if (number++ == 0)
                *result = one;
            else
                close(one);
        }
    }
    return number;
}

int descriptor_receive(int socket, void *bytes, size_t room, int *descriptor, struct error *error)
{
    struct iovec part = {bytes, room};
    union control control;
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    ssize_t length;
    do
        length = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (length < 0 && errno == EINTR);
    if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    if (length < 0 && errno != ECONNRESET)
        return error_set(error, errno, "cannot receive a message: %s", strerror(errno));
    int along = -1;
    size_t number = length < 0 ? 0 : take_descriptors(&header, &along);
    bool broken = length > 0 && (number > 1 || header.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
    if (along >= 0 && (length <= 0 || broken)) /* an empty message looks like the end, but may bring one */
        close(along);
    if (length <= 0)
        return error_set(error, ECONNRESET, "the other side is gone");
    if (broken)
        return error_set(error, EPROTO, "the other side broke the rules: a message is too long or brings too much");
    *descriptor = along;
    return (int)length;
}
