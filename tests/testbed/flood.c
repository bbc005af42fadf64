/* Connections in great number, from many sources: what a bot does that opens more than anyone can judge one by one.
 *
 *     flood accept PORT                                         take all that come, IPv4 and IPv6, until killed
 *     flood connect ADDRESS PORT RATE SECONDS SOURCES ABANDONED   open RATE connections a second
 *
 * SOURCES is the beginning of a /24 from whose addresses it comes ("198.18.1."). Of a hundred connections ABANDONED are
 * forgotten by both ends without a packet, so that whoever watches must believe them open; the others are reset. Prints
 * {"tried":N,"opened":N,"refused":N,"unanswered":N,"rate":N}. Needs CAP_NET_ADMIN. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define OPENING_MOST 4000 /* attempts that wait for an answer */
#define FIRST_PORT   20000
#define PORTS        40000
#define SOURCES      250
#define EVENTS       256
#define PATIENCE     2.0 /* seconds that an attempt may wait */
#define DESCRIPTORS  65536
#define AT_ONCE_MOST 64

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Without a packet: a socket in repair is taken away as if it had never been. */
static void abandon(int connection)
{
    int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_REPAIR, &on, sizeof on);
    close(connection);
}

static void reset(int connection)
{
    struct linger at_once = {.l_onoff = 1};
    setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(connection);
}

static int accept_all(uint16_t port)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int listener = socket(AF_INET6, SOCK_STREAM, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&any, sizeof any) != 0 || listen(listener, 4096) != 0) {
        perror("flood: listen");
        return 1;
    }
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        if (connection >= 0)
            abandon(connection);
    }
}

struct flood {
    struct sockaddr_in target;
    uint32_t sources; /* the /24, host order */
    unsigned abandoned;
    int epoll;
    double begun[DESCRIPTORS]; /* when that descriptor's attempt began; 0: none */
    int waiting[OPENING_MOST]; /* descriptors in the order of their attempts, a ring */
    unsigned first, count;
    unsigned long tried, opened, refused, unanswered;
};

/* Each attempt has another source and port, so that none meets a former one's remains. */
static void attempt(struct flood *flood)
{
    struct sockaddr_in source = {.sin_family = AF_INET};
    struct epoll_event event = {.events = EPOLLOUT};
    unsigned long n = flood->tried++;
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    if (connection < 0 || connection >= DESCRIPTORS) {
        perror("flood: socket");
        exit(1);
    }
    source.sin_addr.s_addr = htonl(flood->sources + 1 + (uint32_t)(n % SOURCES));
    source.sin_port = htons((uint16_t)(FIRST_PORT + n / SOURCES % PORTS));
    setsockopt(connection, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(connection, (struct sockaddr *)&source, sizeof source) != 0 ||
        (connect(connection, (struct sockaddr *)&flood->target, sizeof flood->target) != 0 && errno != EINPROGRESS)) {
        flood->refused++;
        close(connection);
        return;
    }
    event.data.fd = connection;
    epoll_ctl(flood->epoll, EPOLL_CTL_ADD, connection, &event);
    flood->begun[connection] = now();
    flood->waiting[(flood->first + flood->count++) % OPENING_MOST] = connection;
}

static void finish(struct flood *flood, int connection)
{
    int code = 0;
    socklen_t size = sizeof code;
    getsockopt(connection, SOL_SOCKET, SO_ERROR, &code, &size);
    flood->begun[connection] = 0;
    if (code != 0) {
        flood->refused++;
        close(connection);
    } else if (flood->opened++ % 100 < flood->abandoned) {
        abandon(connection);
    } else {
        reset(connection);
    }
}

/* Take the answered ones off the ring's old end, and give up those that waited too long. */
static void tidy(struct flood *flood, double time)
{
    while (flood->count) {
        int connection = flood->waiting[flood->first];
        double begun = flood->begun[connection];
        if (begun != 0 && time - begun < PATIENCE)
            return;
        if (begun != 0) {
            flood->begun[connection] = 0;
            flood->unanswered++;
            abandon(connection);
        }
        flood->first = (flood->first + 1) % OPENING_MOST;
        flood->count--;
    }
}

static void run(struct flood *flood, double rate, double seconds)
{
    struct epoll_event events[EVENTS];
    double begun = now(), time = begun;
    while (time - begun < seconds || flood->count) {
        bool over = time - begun >= seconds;
        for (int i = 0;
             !over && i < AT_ONCE_MOST && flood->count < OPENING_MOST && (double)flood->tried < (time - begun) * rate;
             i++)
            attempt(flood);
        int number = epoll_wait(flood->epoll, events, EVENTS, 1);
        for (int i = 0; i < number; i++)
            finish(flood, events[i].data.fd);
        time = now();
        tidy(flood, time);
    }
}

int main(int count, char **words)
{
    static struct flood flood = {.target = {.sin_family = AF_INET}};
    struct rlimit descriptors = {DESCRIPTORS, DESCRIPTORS};
    char first[32];
    setrlimit(RLIMIT_NOFILE, &descriptors);
    if (count == 3 && strcmp(words[1], "accept") == 0)
        return accept_all((uint16_t)atoi(words[2]));
    if (count != 8 || strcmp(words[1], "connect") != 0 || inet_pton(AF_INET, words[2], &flood.target.sin_addr) != 1) {
        fprintf(stderr, "usage: flood accept PORT | connect ADDRESS PORT RATE SECONDS SOURCES ABANDONED\n");
        return 2;
    }
    flood.target.sin_port = htons((uint16_t)atoi(words[3]));
    snprintf(first, sizeof first, "%s0", words[6]);
    flood.sources = ntohl(inet_addr(first));
    flood.abandoned = (unsigned)atoi(words[7]);
    flood.epoll = epoll_create1(0);
    double begun = now();
    run(&flood, atof(words[4]), atof(words[5]));
    printf("{\"tried\":%lu,\"opened\":%lu,\"refused\":%lu,\"unanswered\":%lu,\"rate\":%.0f}\n", flood.tried,
           flood.opened, flood.refused, flood.unanswered, (double)flood.tried / (now() - begun));
    return 0;
}
