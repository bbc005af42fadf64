/* How long a sender goes on after the packet that crosses the threshold: says something over SMTP that is worth a
 * block, then opens a connection every few microseconds and looks which is the first that comes to nothing.
 *
 *     reaction SERVER MAIL_PORT PROBE_PORT EVERY_MICROSECONDS RECIPIENT
 *
 * Both ends of the answer are upper bounds: the clock starts before the line is sent, and stops at the first opening
 * behind the last one that came through. Prints {"reply":MICROSECONDS,"stopped":MICROSECONDS,"opened":N,"probes":N}:
 * when the server's reply was here, when the stop was felt, how many connections came through of how many. "stopped" is
 * -1 where nothing stopped it within LONGEST. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PROBES_MOST 4000
#define LONGEST     200e-3 /* seconds */
#define SETTLE      20e-3  /* how long after the first failure it goes on, to see that it was no accident */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void say(int connection, const char *line)
{
    char answer[1000];
    if (write(connection, line, strlen(line)) != (ssize_t)strlen(line) ||
        read(connection, answer, sizeof answer) <= 0) {
        perror("reaction: SMTP");
        exit(1);
    }
}

static int open_session(const struct sockaddr_in *server)
{
    int connection = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct timeval patience = {.tv_sec = 2};
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(connection, (const struct sockaddr *)server, sizeof *server) != 0) {
        perror("reaction: connect");
        exit(1);
    }
    say(connection, "");
    say(connection, "EHLO mail.firm.net\r\n");
    say(connection, "MAIL FROM:<anna@firm.net>\r\n");
    return connection;
}

struct probe {
    int socket; /* -1: closed */
    bool through;
    double begun;
};

static void finish(struct probe *probe, bool through)
{
    struct linger at_once = {.l_onoff = 1};
    setsockopt(probe->socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(probe->socket);
    probe->socket = -1;
    probe->through = through;
}

/* Whether it has failed. What came through is reset at once, so that it is over before anything is stopped. */
static bool look_at(struct probe *probe)
{
    struct pollfd one = {.fd = probe->socket, .events = POLLOUT};
    int code = 0;
    socklen_t size = sizeof code;
    if (probe->socket < 0 || poll(&one, 1, 0) != 1)
        return false;
    getsockopt(probe->socket, SOL_SOCKET, SO_ERROR, &code, &size);
    finish(probe, code == 0);
    return code != 0;
}

/* Open one after the other until well after the first that was refused. */
static unsigned probe_on(struct probe *probes, const struct sockaddr_in *target, double begun, double every)
{
    unsigned count = 0, oldest = 0;
    double failure = 0;
    for (double time = begun; count < PROBES_MOST && time - begun < LONGEST; time = now()) {
        if (failure != 0 && time - failure > SETTLE)
            break;
        for (unsigned i = oldest; i < count; i++)
            if (look_at(&probes[i]) && failure == 0)
                failure = time;
        while (oldest < count && probes[oldest].socket < 0)
            oldest++;
        if (time < begun + every * count)
            continue;
        struct probe *probe = &probes[count++];
        probe->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        probe->begun = now();
        (void)!connect(probe->socket, (const struct sockaddr *)target, sizeof *target);
    }
    return count;
}

int main(int words_count, char **words)
{
    static struct probe probes[PROBES_MOST];
    struct sockaddr_in server = {.sin_family = AF_INET}, target;
    char line[300];
    if (words_count != 6 || inet_pton(AF_INET, words[1], &server.sin_addr) != 1) {
        fputs("usage: reaction SERVER MAIL_PORT PROBE_PORT EVERY_MICROSECONDS RECIPIENT\n", stderr);
        return 2;
    }
    target = server;
    server.sin_port = htons((uint16_t)atoi(words[2]));
    target.sin_port = htons((uint16_t)atoi(words[3]));
    int connection = open_session(&server);
    int length = snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", words[5]);
    fcntl(connection, F_SETFL, O_NONBLOCK);
    double begun = now();
    if (write(connection, line, (size_t)length) != length)
        return 1;
    while (read(connection, line, sizeof line) < 0 && errno == EAGAIN && now() - begun < LONGEST)
        ;
    double reply = now() - begun;
    unsigned count = probe_on(probes, &target, begun, atof(words[4]) * 1e-6);
    usleep(20000); /* the last answers */
    double stopped = count ? probes[0].begun : begun - 1e-6;
    unsigned opened = 0;
    for (unsigned i = 0; i < count; i++) {
        look_at(&probes[i]);
        if (probes[i].socket >= 0)
            finish(&probes[i], false);
        opened += probes[i].through;
        if (probes[i].through)
            stopped = i + 1 < count ? probes[i + 1].begun : begun - 1e-6;
    }
    printf("{\"reply\":%.1f,\"stopped\":%.1f,\"opened\":%u,\"probes\":%u}\n", reply * 1e6, (stopped - begun) * 1e6,
           opened, count);
    return 0;
}
