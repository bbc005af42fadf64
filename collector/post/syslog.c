/* See syslog.h. By the socket itself: syslog(3) has one identity and one descriptor for all of a process. */
#include "collector/post/syslog.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FACILITY_DAEMON 3
#define LEVEL_NOTICE    5
#define MESSAGE_MOST    2048 /* what every syslog takes in one message */

static int take_level(struct text *line)
{
    if (line->length < 3 || line->bytes[0] != '<' || line->bytes[1] < '0' || line->bytes[1] > '7' ||
        line->bytes[2] != '>')
        return LEVEL_NOTICE;
    int level = line->bytes[1] - '0';
    *line = (struct text){line->bytes + 3, line->length - 3};
    return level;
}

bool syslog_write(struct text line, moment now, int process, struct buffer *result)
{
    char when[32] = "", text[MESSAGE_MOST];
    struct tm local;
    time_t seconds = (time_t)(now / SECOND);
    int level = take_level(&line);
    line = text_trim(line);
    if (line.length == 0)
        return false;
    if (localtime_r(&seconds, &local))
        strftime(when, sizeof when, "%b %e %H:%M:%S ", &local);
    text_copy_printable(line, text, sizeof text);
    return buffer_printf(result, "<%d>%spostern-collector[%d]: %s", FACILITY_DAEMON * 8 + level, when, process, text);
}

static int open_socket(const char *path, struct delivery *delivery)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = 5};
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (descriptor >= 0 && connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0 &&
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0)
        return descriptor;
    snprintf(delivery->trouble, sizeof delivery->trouble, "cannot reach %.80s: %s", path, strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    return -1;
}

enum delivered syslog_deliver(const char *path, moment now, struct delivery *delivery)
{
    struct text rest = delivery->bytes;
    struct buffer message;
    enum delivered result = DELIVERED;
    int descriptor = open_socket(path, delivery);
    if (descriptor < 0)
        return DELIVERY_AWAY;
    if (!delivery->hand(delivery->context, MINUTE)) {
        close(descriptor);
        return DELIVERY_LATER;
    }
    buffer_init(&message, MESSAGE_MOST + 128);
    for (bool sent = false; rest.length > 0 && result == DELIVERED;) {
        buffer_clear(&message);
        if (!syslog_write(text_split(&rest, '\n'), now, (int)getpid(), &message))
            continue;
        if (send(descriptor, message.bytes, message.length, MSG_NOSIGNAL) < 0) {
            snprintf(delivery->trouble, sizeof delivery->trouble, "%.80s does not take it: %s", path, strerror(errno));
            result = sent ? DELIVERY_IN_DOUBT : DELIVERY_AWAY;
        }
        sent = true;
    }
    buffer_clear(&message);
    close(descriptor);
    return result;
}
