/* See connection.h. */
#include "cli/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/cleanup.h"

#define ANSWER_MOST (1 << 20) /* bytes of one line */

struct connection {
    int descriptor;
    struct buffer input;
    size_t used; /* of the input, by the line handed out last */
    json_t *record;
};

void connection_close(struct connection **connection)
{
    if (!*connection)
        return;
    if ((*connection)->descriptor >= 0)
        close((*connection)->descriptor);
    json_decref((*connection)->record);
    buffer_clear(&(*connection)->input);
    free(*connection);
    *connection = NULL;
}

static int reach(const char *path, int *result, struct error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(error, ENAMETOOLONG, "the socket's path is longer than %zu bytes: %s",
                         sizeof address.sun_path - 1, path);
    memcpy(address.sun_path, path, strlen(path));
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return error_set(error, errno, "cannot make a socket: %s", strerror(errno));
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0) {
        *result = descriptor;
        return 0;
    }
    int code = errno;
    close(descriptor);
    const char *remedy = code == EACCES
                             ? "you need to be root or in the socket's group (usually postern)"
                             : "is postern-agent running? another path is given by --socket or POSTERN_SOCKET";
    return error_set(error, code, "cannot reach the agent at %s: %s; %s", path, strerror(code), remedy);
}

static int send_all(int descriptor, const char *bytes, size_t length, struct error *error)
{
    while (length > 0) {
        ssize_t sent = send(descriptor, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EPIPE) /* it has said why before it closed: that is read next */
            return 0;
        if (sent < 0)
            return error_set(error, errno, "cannot ask the agent: %s", strerror(errno));
        bytes += sent;
        length -= (size_t)sent;
    }
    return 0;
}

int connection_open(const char *path, const json_t *question, struct connection **result, struct error *error)
{
    CLEANUP(connection_close) struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return error_set(error, ENOMEM, "out of memory");
    connection->descriptor = -1;
    buffer_init(&connection->input, ANSWER_MOST);
    int failure = reach(path, &connection->descriptor, error);
    if (failure < 0)
        return failure;
    char *line = json_dumps(question, JSON_COMPACT);
    if (!line)
        return error_set(error, EINVAL, "the question is not valid UTF-8");
    failure = send_all(connection->descriptor, line, strlen(line), error);
    if (failure == 0)
        failure = send_all(connection->descriptor, "\n", 1, error);
    free(line);
    if (failure < 0)
        return failure;
    *result = TAKE(connection);
    return 0;
}

static int read_more(struct connection *connection, struct error *error)
{
    char bytes[16384];
    ssize_t got;
    do
        got = read(connection->descriptor, bytes, sizeof bytes);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return error_set(error, errno, "cannot read the agent's answer: %s", strerror(errno));
    if (got == 0)
        return error_set(error, ECONNRESET, "the agent closed the connection before its answer was complete");
    if (!buffer_append(&connection->input, (struct text){bytes, (size_t)got}))
        return error_set(error, EMSGSIZE, "the agent's answer has a line of more than %d bytes", ANSWER_MOST);
    return 0;
}

static int next_line(struct connection *connection, struct text *line, struct error *error)
{
    buffer_drop_front(&connection->input, connection->used);
    connection->used = 0;
    for (;;) {
        struct text all = buffer_text(&connection->input);
        const char *end = all.length ? memchr(all.bytes, '\n', all.length) : NULL;
        if (end) {
            *line = (struct text){all.bytes, (size_t)(end - all.bytes) + 1};
            connection->used = line->length;
            return 0;
        }
        int failure = read_more(connection, error);
        if (failure < 0)
            return failure;
    }
}

int connection_next(struct connection *connection, json_t **record, struct text *line, struct error *error)
{
    int failure = next_line(connection, line, error);
    if (failure < 0)
        return failure;
    json_decref(connection->record);
    connection->record = json_loadb(line->bytes, line->length, 0, NULL);
    const char *kind = json_string_value(json_object_get(connection->record, "record"));
    if (!kind)
        return error_set(error, EPROTO,
                         "the agent's answer is not understood; are `postern` and the agent of one version?");
    *record = connection->record;
    if (strcmp(kind, "end") != 0)
        return 1;
    if (json_is_true(json_object_get(connection->record, "ok")))
        return 0;
    const char *text = json_string_value(json_object_get(connection->record, "error"));
    return error_set(error, EREMOTEIO, "%s", text ? text : "the agent could not do it");
}
