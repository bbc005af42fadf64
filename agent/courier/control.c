/* See control.h. */
#include "agent/courier/control.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/courier/answer.h"
#include "common/cleanup.h"

struct client {
    struct client *next;
    struct control *control;
    int descriptor;
    sd_event_source *source;
    struct buffer input, output;
    struct client_answer answer;
    bool asking; /* a request is being answered */
    bool ended;  /* nothing more will be asked */
    bool broken; /* to be dropped when nobody is using it any more */
    char person[CONTROL_PERSON];
};

struct control {
    sd_event *event;
    sd_event_source *source;
    int listener;
    struct control_listener owner;
    struct client *clients;
    unsigned count;
};

static void client_drop(struct client *client)
{
    struct client **at = &client->control->clients;
    while (*at != client)
        at = &(*at)->next;
    *at = client->next;
    client->control->count--;
    client->control->owner.gone(client->control->owner.context, client);
    sd_event_source_disable_unref(client->source);
    close(client->descriptor);
    buffer_clear(&client->input);
    buffer_clear(&client->output);
    free(client);
}

/* Without the name service, which would open sockets: a user of another directory is shown by number. */
static void name_person(int descriptor, char person[CONTROL_PERSON])
{
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t length = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
        peer.uid = (uid_t)-1;
    snprintf(person, CONTROL_PERSON, "uid %u", (unsigned)peer.uid);
    FILE *file = fopen("/etc/passwd", "re");
    if (!file)
        return;
    struct passwd *entry;
    while ((entry = fgetpwent(file)))
        if (entry->pw_uid == peer.uid) {
            text_copy_printable(text_of(entry->pw_name), person, CONTROL_PERSON);
            break;
        }
    fclose(file);
}

static void watch_for(struct client *client)
{
    uint32_t events = client->ended || client->asking ? 0 : EPOLLIN;
    if (client->output.length > 0 || client->answer.more)
        events |= EPOLLOUT;
    sd_event_source_set_io_events(client->source, events);
}

static void write_out(struct client *client)
{
    while (client->output.length > 0) {
        ssize_t sent =
            send(client->descriptor, client->output.bytes, client->output.length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            client->broken = errno != EAGAIN;
            return;
        }
        buffer_drop_front(&client->output, (size_t)sent);
    }
}

/* Ask the owner for the next line, if a whole one is here and the last is answered. */
static void serve(struct client *client)
{
    while (!client->asking && !client->broken) {
        struct text all = buffer_text(&client->input);
        const char *end = all.length ? memchr(all.bytes, '\n', all.length) : NULL;
        if (!end)
            return;
        struct request request;
        struct error error = {0};
        client->asking = true;
        int failure = request_parse((struct text){all.bytes, (size_t)(end - all.bytes)}, &request, &error);
        buffer_drop_front(&client->input, (size_t)(end - all.bytes) + 1);
        if (failure < 0)
            client_finish(client, error.text);
        else
            client->control->owner.asked(client->control->owner.context, client, &request);
    }
}

static void read_in(struct client *client)
{
    char bytes[REQUEST_LINE_MOST];
    ssize_t got = recv(client->descriptor, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0) {
        client->broken = errno != EAGAIN && errno != EINTR;
        return;
    }
    if (got == 0) {
        client->ended = true;
        return;
    }
    if (!buffer_append(&client->input, (struct text){bytes, (size_t)got})) {
        client->asking = client->ended = true;
        client_finish(client, "the request is too long");
    }
}

static int on_client(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    (void)source, (void)descriptor;
    struct client *client = context;
    if (events & EPOLLIN && !client->asking)
        read_in(client);
    serve(client);
    if (events & EPOLLOUT) {
        write_out(client);
        if (client->asking && client->output.length == 0 && !client->broken)
            client->control->owner.room(client->control->owner.context, client);
    }
    serve(client);
    if (events & (EPOLLHUP | EPOLLERR) || (client->ended && !client->asking && client->output.length == 0))
        client->broken = true;
    if (client->broken)
        client_drop(client);
    else
        watch_for(client);
    return 0;
}

/* Who has said nothing and waits for nothing gives way, the oldest first: programs that forget to close do not lock
 * people out. */
static void make_room(struct control *control)
{
    struct client *idle = NULL;
    for (struct client *client = control->clients; client; client = client->next) /* the youngest first */
        if (!client->asking && client->output.length == 0)
            idle = client;
    if (idle)
        client_drop(idle);
}

static int on_listener(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
    (void)source, (void)events;
    struct control *control = context;
    int accepted = accept4(descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted < 0)
        return 0;
    if (control->count == CONTROL_CLIENTS_MOST)
        make_room(control);
    struct client *client = control->count < CONTROL_CLIENTS_MOST ? calloc(1, sizeof *client) : NULL;
    if (!client) {
        static const char full[] =
            "{\"record\":\"end\",\"ok\":false,\"error\":\"too many people are asking at once\"}\n";
        ssize_t ignored = send(accepted, full, sizeof full - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)ignored;
        close(accepted);
        return 0;
    }
    client->control = control;
    client->descriptor = accepted;
    buffer_init(&client->input, 2 * REQUEST_LINE_MOST);
    buffer_init(&client->output, CONTROL_WAITING_MOST);
    name_person(accepted, client->person);
    client->next = control->clients;
    control->clients = client;
    control->count++;
    if (sd_event_add_io(control->event, &client->source, accepted, EPOLLIN, on_client, client) < 0)
        client_drop(client);
    return 0;
}

int control_open(sd_event *event, int listener, const struct control_listener *owner, struct control **result,
                 struct error *error)
{
    struct control *control = calloc(1, sizeof *control);
    if (!control)
        return error_set(error, ENOMEM, "no memory for the control socket");
    *control = (struct control){.event = event, .listener = listener, .owner = *owner};
    int code = sd_event_add_io(event, &control->source, listener, EPOLLIN, on_listener, control);
    if (code < 0) {
        free(control);
        return error_set(error, -code, "cannot listen on the control socket: %s", strerror(-code));
    }
    *result = control;
    return 0;
}

void control_close(struct control **control)
{
    if (!*control)
        return;
    while ((*control)->clients)
        client_drop((*control)->clients);
    sd_event_source_disable_unref((*control)->source);
    free(*control);
    *control = NULL;
}

void control_each(struct control *control, void (*each)(void *context, struct client *), void *context)
{
    for (struct client *client = control->clients, *next; client; client = next) {
        next = client->next;
        each(context, client);
    }
}

const char *client_person(const struct client *client)
{
    return client->person;
}

struct client_answer *client_answer(struct client *client)
{
    return &client->answer;
}

struct buffer *client_output(struct client *client)
{
    return &client->output;
}

/* Never drops the client itself: callers up the stack still hold it. A broken one is dropped on its next event, which
 * the shut socket brings at once. */
void client_send(struct client *client)
{
    if (!client->broken)
        write_out(client);
    if (client->broken)
        shutdown(client->descriptor, SHUT_RDWR);
    watch_for(client);
}

void client_finish(struct client *client, const char *failure)
{
    client->broken = !answer_done(&client->output, failure) || client->broken;
    client->asking = false;
    client->answer = (struct client_answer){0};
    client_send(client);
}
