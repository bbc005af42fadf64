/* A small server for tests of clients: a connection, or some after each other, played by a script in a thread
 * of its own. */
#ifndef TESTS_COLLECTOR_FILTER_SERVER_H
#define TESTS_COLLECTOR_FILTER_SERVER_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "common/io/listen.h"

#define SERVER_NEXT SIZE_MAX /* as the length of what a step says: nothing; it closes and takes the next connection */

struct server_step {
    const char *await; /* what must have come before it goes on; "": nothing */
    const char *say;   /* NULL: the end of the script */
    size_t length;     /* of it; 0: up to its NUL */
};

struct server {
    const struct server_step *steps;
    bool holds;    /* stays connected behind the script, silent; else it closes */
    bool trickles; /* a byte each 20 ms */
    int listener, connection;
    uint16_t port;
    char address[64];
    pthread_t thread;
    char heard[1 << 20];
    size_t length;
};

static bool server_hears(struct server *server, const char *await, size_t *from)
{
    for (;;) {
        char *found = memmem(server->heard + *from, server->length - *from, await, strlen(await));
        if (found) {
            *from = (size_t)(found - server->heard) + strlen(await);
            return true;
        }
        if (server->length + 1 >= sizeof server->heard)
            return false;
        ssize_t got =
            recv(server->connection, server->heard + server->length, sizeof server->heard - server->length - 1, 0);
        if (got <= 0)
            return false;
        server->length += (size_t)got;
    }
}

static void server_says(const struct server *server, const struct server_step *step)
{
    size_t length = step->length ? step->length : strlen(step->say), piece = server->trickles ? 1 : length;
    const struct timespec pause = {.tv_nsec = 20000000};
    for (size_t at = 0; at < length; at += piece) {
        if (send(server->connection, step->say + at, piece, MSG_NOSIGNAL) < 0)
            return;
        if (server->trickles)
            nanosleep(&pause, NULL);
    }
}

static bool server_takes(struct server *server)
{
    struct pollfd ready = {.fd = server->listener, .events = POLLIN};
    if (poll(&ready, 1, 10000) < 1)
        return false;
    server->connection = accept(server->listener, NULL, NULL);
    return true;
}

static void *server_work(void *context)
{
    struct server *server = context;
    size_t from = 0;
    if (!server_takes(server))
        return NULL;
    for (const struct server_step *step = server->steps; step->say; step++) {
        if (!server_hears(server, step->await, &from))
            break;
        if (step->length != SERVER_NEXT) {
            server_says(server, step);
            continue;
        }
        close(server->connection);
        if (!server_takes(server))
            return NULL;
    }
    while (server->holds && server->length + 1 < sizeof server->heard) {
        ssize_t got =
            recv(server->connection, server->heard + server->length, sizeof server->heard - server->length - 1, 0);
        if (got < 0)
            break;
        server->length += (size_t)got;
        if (got == 0) { /* it will say no more; whether it still listens cannot be seen */
            nanosleep(&(const struct timespec){.tv_nsec = 600000000}, NULL);
            break;
        }
    }
    close(server->connection);
    return NULL;
}

static struct server *server_start(const struct server_step *steps, bool holds, bool trickles)
{
    struct server *server = calloc(1, sizeof *server);
    server->steps = steps;
    server->holds = holds;
    server->trickles = trickles;
    if (listen_open("127.0.0.1:0", &server->listener, &server->port, NULL) < 0)
        abort();
    snprintf(server->address, sizeof server->address, "127.0.0.1:%u", server->port);
    pthread_create(&server->thread, NULL, server_work, server);
    return server;
}

/* Waits until the client is done with it; what it heard is in `heard`, ended by NUL, until server_free(). */
static void server_end(struct server *server)
{
    pthread_join(server->thread, NULL);
    close(server->listener);
    server->heard[server->length] = 0;
}

#endif
